"""What is asked of the wall with one guard switched off: each check returns what came open, nothing if all holds."""

from collections.abc import Callable

from sqlalchemy import DDL, BigInteger, bindparam, create_engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import load_only

from furnish import MODELS, truth, values_for
from proofs import admitted, leaks, slipped
from tenant.errors import ScopeMissing, WallBreach
from tenant.journal import write_rows
from tenant.models import Company, Owner, Posting, Ticket, Unit
from tenant.scoping import PERMIT, SESSION, Scope
from worlds import World, plain

Check = Callable[[World], list[str]]


def expected_breach(act: Callable[[], object], what: str, error: type[Exception] = WallBreach) -> list[str]:
    """Return ``what`` unless ``act`` is refused by the guard itself."""
    try:
        act()
    except error:
        return []
    except (DBAPIError, WallBreach, ScopeMissing) as other:
        return [f"{what}: only stopped by {type(other).__name__}"]
    return [what]


def reads(shape: str, table: str = "unit") -> Check:
    """Check that a shape shows exactly the own rows."""
    return lambda world: leaks(world, shape, [table])


def refuses(shape: str, table: str = "unit") -> Check:
    """Check that a shape is not run."""
    return lambda world: admitted(world, shape, [table])


def stops(attempt: str, table: str = "unit") -> Check:
    """Check that a change past the unit of work is not run."""
    return lambda world: slipped(world, attempt, [table])


def rows_alone(world: World) -> list[str]:
    """Check what row-level security alone shows, in each of its roles."""
    found = []
    engine = create_engine(world.database.addresses.app)
    for role in ("wuguan_office", "wuguan_app"):
        alone = World(role, world.database, world.owner, world.cast, world.made, plain(engine, role), guarded=False)
        found += leaks(alone, "core_select", ["unit"])
    engine.dispose()
    return found


def rows_alone_unscoped(world: World) -> list[str]:
    """Check that a connection that was told nothing sees nothing."""
    engine = create_engine(world.database.addresses.app)
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT count(*) FROM unit")).scalar_one()
    engine.dispose()
    return [f"{seen} units without a scope"] if seen else []


def owner_is_bound(world: World) -> list[str]:
    """Check that row-level security is forced on the owner."""
    with world.owner.connect() as connection:
        forced = connection.execute(
            text("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'unit'")
        ).scalar_one()
    return [] if forced else ["unit does not force row-level security"]


def group_stays_closed(world: World) -> list[str]:
    """Check that an office cannot read the beats of the group's machines."""
    engine = create_engine(world.database.addresses.app)
    with plain(engine)(world.cast.north.scope()) as session:
        try:
            session.execute(select(MODELS["beat"].__table__.c.id)).all()
            found = ["an office reads the beats"]
        except DBAPIError:
            found = []
    engine.dispose()
    return found


def foreign_insert(world: World) -> list[str]:
    """Check that the unit of work takes no row for another office."""
    north, south = world.cast.north, world.cast.south
    with world.open(north.scope()) as session:
        session.add(Owner(office_id=south.id, name="外人"))
        return expected_breach(session.flush, "a row for another office")


def office_move(world: World) -> list[str]:
    """Check that a row stays in its office even where both are in scope."""
    north, south = world.cast.north, world.cast.south
    with world.open(Scope.of([north.id, south.id])) as session:
        owner = session.scalars(select(Owner).where(Owner.office_id == north.id)).first()
        owner.office_id = south.id
        return expected_breach(session.flush, "a row moved to another office")


def group_write(world: World) -> list[str]:
    """Check that an office writes no row of the group."""
    with world.open(world.cast.north.scope()) as session:
        session.scalars(select(Company)).first().name = "改名"
        return expected_breach(session.flush, "a company written by an office")


def foreign_attach(world: World) -> list[str]:
    """Check that a row another session loaded does not come in by being added."""
    with world.open(Scope.everywhere()) as session:
        foreign = session.get(Unit, world.cast.south.unit.id)
    with world.open(world.cast.north.scope()) as session:
        return expected_breach(lambda: session.add(foreign), "a foreign row was added")


def permitted_load(world: World) -> list[str]:
    """Check that a statement that may pass the cursor still brings in no foreign row."""
    with world.open(world.cast.north.scope()) as session:
        rows = select(Unit).from_statement(text("SELECT * FROM unit"))
        return expected_breach(
            lambda: session.scalars(rows, execution_options=PERMIT).all(), "foreign rows were loaded"
        )


def nameless_load(world: World) -> list[str]:
    """Check that a row without its office, which cannot be looked at, is not let in."""
    with world.open(world.cast.north.scope()) as session:
        rows = select(Unit).options(load_only(Unit.number))
        return expected_breach(lambda: session.scalars(rows).all(), "rows were loaded without their office")


def forged_criterion(world: World) -> list[str]:
    """Check that a criterion that only looks like ours is refused."""
    forged = Unit.__table__.c.office_id == bindparam("wall_1", world.cast.south.id, BigInteger)
    with world.open(world.cast.north.scope()) as session:
        return expected_breach(
            lambda: session.execute(select(Unit.__table__.c.id).where(forged)).all(), "a forged criterion passed"
        )


def bare_text(world: World) -> list[str]:
    """Check that text is refused even where it names no table."""
    with world.open(world.cast.north.scope()) as session:
        return expected_breach(lambda: session.execute(text("SELECT 1")), "text was run")


def bare_driver_sql(world: World) -> list[str]:
    """Check that a string handed to the driver is refused even where it names no table."""
    with world.open(world.cast.north.scope()) as session:
        return expected_breach(lambda: session.connection().exec_driver_sql("SELECT 1"), "driver SQL was run")


def schema_statement(world: World) -> list[str]:
    """Check that what is neither a read nor a change is refused."""
    with world.open(world.cast.north.scope()) as session:
        return expected_breach(lambda: session.execute(DDL("SET ROLE wuguan_hq")), "the role was changed")


def scopeless(world: World) -> list[str]:
    """Check that a session without a scope runs nothing."""
    with world.open(world.cast.north.scope()) as session:
        session.info["scope"] = None
        return expected_breach(lambda: session.scalars(select(Unit)).all(), "ran without a scope", ScopeMissing)


def left_behind(world: World) -> list[str]:
    """Check that a pooled connection keeps neither setting nor role nor session after a transaction."""
    world.database.engine.dispose()
    with world.open(world.cast.north.scope()) as session:
        session.scalars(select(Unit)).all()
        session.commit()
    with world.database.engine.connect() as connection:
        asked = "SELECT current_user, coalesce(current_setting('wuguan.offices', true), '')"
        found = connection.connection.cursor().execute(asked).fetchone()
        kept = [] if found == ("wuguan_app", "") else [f"left behind: {found}"]
        kept += ["left behind: the session"] if SESSION in connection.info else []
    world.database.engine.dispose()
    return kept


def foreign_reference(world: World) -> list[str]:
    """Check that a row of one office cannot name a row of another."""
    north, south = world.cast.north, world.cast.south
    with world.open(north.scope()) as session:
        ticket = session.get(Ticket, world.made.ids["ticket", north.id])
        ticket.unit_id = south.unit.id
        try:
            session.flush()
        except DBAPIError:
            return []
        return ["a ticket names a unit of another office"]


def half_empty_reference(world: World) -> list[str]:
    """Check that a posting of no office names no office's department."""
    values = values_for(Posting, None, world.made) | {
        "department_id": world.made.ids["department", world.cast.south.id]
    }
    with world.open(Scope.everywhere()) as session:
        session.add(Posting(**values))
        try:
            session.flush()
        except DBAPIError:
            return []
        return ["a posting of the group names a department"]


def bulk_foreign(world: World) -> list[str]:
    """Check that the bulk helper takes no row of another office."""
    north, south = world.cast.north, world.cast.south
    with world.open(north.scope()) as session:
        row = {"office_id": south.id, "number": "9-1-909", "room": "909"}
        return expected_breach(lambda: write_rows(session, Unit, inserts=[row]), "the bulk helper wrote abroad")


def bulk_move(world: World) -> list[str]:
    """Check that the bulk helper moves no row to another office."""
    north, south = world.cast.north, world.cast.south
    with world.open(Scope.of([north.id, south.id])) as session:
        owner = session.scalars(select(Owner).where(Owner.office_id == north.id)).first()
        row = {"id": owner.id, "office_id": north.id, "version": owner.version}
        return expected_breach(
            lambda: write_rows(session, Owner, updates=[(row, {"office_id": south.id})]), "the bulk helper moved a row"
        )


def record_stands(world: World) -> list[str]:
    """Check that not even the owner changes an entry."""
    before = truth(world.owner, "audit_entry")
    with world.owner.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET LOCAL ROLE wuguan_owner"))
        try:
            connection.execute(text("UPDATE audit_entry SET reason = '假' WHERE id = :id"), {"id": min(before)})
        except DBAPIError:
            return []
        return ["an entry was changed"]


def record_closed_to_the_serving_role(world: World) -> list[str]:
    """Check that the grant alone keeps headquarters' role from changing an entry, trigger or not."""
    with world.owner.connect() as connection:
        found = connection.execute(
            text("SELECT has_table_privilege('wuguan_hq', 'audit_entry', 'UPDATE')")
        ).scalar_one()
    return ["headquarters may update entries"] if found else []
