"""Changes come from the unit of work or from the one audited bulk helper, and stay in the office."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg.errors import FeatureNotSupported, ForeignKeyViolation, InsufficientPrivilege
from sqlalchemy import ForeignKeyConstraint, String, delete, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from audit.models import AuditEntry
from furnish import GROUP, MODELS, WALLED, WRITABLE, furnish_office, is_optional, truth, values_for
from proofs import ATTEMPTS, slipped
from tenant.errors import WallBreach
from tenant.journal import StaleRow, because, write_rows
from tenant.models import GroupShared, Office, Posting, Schedule, Staff, Unit
from tenant.scoping import Scope
from worlds import World

SHARED = [name for name, model in GROUP.items() if issubclass(model, GroupShared)]


@contextmanager
def denied(*errors: type[Exception]) -> Iterator[None]:
    """Expect the database to refuse for one of ``errors``."""
    with pytest.raises(DBAPIError) as caught:
        yield
    assert isinstance(caught.value.orig, errors or InsufficientPrivilege), caught.value


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_change_past_the_unit_of_work_is_refused(both: World, attempt: str):
    assert slipped(both, attempt) == []


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_change_past_the_unit_of_work_is_refused_without_row_level_security(session_wall: World, attempt: str):
    assert slipped(session_wall, attempt, ["unit", "posting", "office", "audit_entry"]) == []


def test_an_office_writes_its_own_rows(world: World):
    for house, _ in world.houses:
        with world.open(house.scope()) as session:
            furnish_office(session, house.id, world.made)


@pytest.mark.parametrize("table", WALLED)
def test_a_row_for_another_office_is_refused(both: World, table: str):
    model = MODELS[table]
    for house, other in both.houses:
        with both.open(house.scope()) as session:
            session.add(model(**values_for(model, other.id, both.made)))
            with pytest.raises(WallBreach):
                session.flush()


@pytest.mark.parametrize("table", [name for name, model in WALLED.items() if is_optional(model)])
def test_a_row_for_no_office_is_the_groups_to_make(both: World, table: str):
    model = MODELS[table]
    with both.open(both.cast.north.scope()) as session:
        session.add(model(**values_for(model, None, both.made)))
        with pytest.raises(WallBreach):
            session.flush()


@pytest.mark.parametrize("table", WRITABLE)
def test_a_row_may_not_move_to_another_office(both: World, table: str):
    for house, other in both.houses:
        for scope in (house.scope(), Scope.of([house.id, other.id]), Scope.everywhere()):
            with both.open(scope) as session:
                row = session.get(MODELS[table], min(both.own(table, house.id)))
                row.office_id = other.id
                with pytest.raises(WallBreach):
                    session.flush()


def test_a_row_whose_office_was_forgotten_may_not_move_either(both: World):
    north, south = both.cast.north, both.cast.south
    with both.open(Scope.of([north.id, south.id])) as session:
        unit = session.get(Unit, north.unit.id)
        session.expire(unit)
        unit.office_id = south.id
        with pytest.raises(WallBreach):
            session.flush()


def references() -> list[tuple[str, str, str]]:
    """Return each reference between rows of offices: table, column, target."""
    return [
        (name, column.name, column.info["office_ref"])
        for name, model in WALLED.items()
        for column in model.__table__.c
        if "office_ref" in column.info
    ]


@pytest.mark.parametrize(("table", "column", "target"), references())
def test_a_reference_to_another_offices_row_is_refused_by_its_key(session_wall: World, table, column, target):
    """Not even the wall of rows stands in this world: the key alone holds, and lets the own row be named."""
    for house, other in session_wall.houses:
        row_id = session_wall.made.ids[table, house.id]
        with session_wall.open(house.scope()) as session:
            row = session.get(MODELS[table], row_id)
            setattr(row, column, session_wall.made.ids[target, other.id])
            with pytest.raises(IntegrityError) as caught:
                session.flush()
            assert isinstance(caught.value.orig, ForeignKeyViolation)
            session.rollback()
            setattr(row, column, session_wall.made.ids[target, house.id])
            session.flush()


def test_every_reference_between_rows_of_offices_is_composite():
    """A plain foreign key to another office's row is accepted by PostgreSQL, policies or not."""
    for name, model in WALLED.items():
        for constraint in model.__table__.constraints:
            if isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table.name in WALLED:
                if constraint.referred_table.name == "office":
                    continue
                assert constraint.column_keys[0] == "office_id", f"{name}: {constraint.column_keys}"
                assert [key.column.name for key in constraint.elements] == ["office_id", "id"], name


# ---- rows of the group
@pytest.mark.parametrize("table", SHARED)
def test_an_office_reads_what_the_group_shares_and_writes_none_of_it(both: World, table: str):
    with both.open(both.cast.north.scope()) as session:
        rows = session.scalars(select(MODELS[table])).all()
        assert {row.id for row in rows} == both.all(table)
        text = next(column.name for column in MODELS[table].__table__.c if type(column.type) is String)
        setattr(rows[0], text, "改名")
        with pytest.raises(WallBreach):
            session.flush()
    with both.open(both.cast.north.scope()) as session:
        session.add(MODELS[table](**values_for(MODELS[table], None, both.made)))
        with pytest.raises(WallBreach):
            session.flush()


@pytest.mark.parametrize("table", [name for name in GROUP if name != "staff" and name not in SHARED])
def test_an_office_neither_reads_nor_writes_what_is_the_groups_alone(both: World, table: str):
    model = MODELS[table]
    with both.open(both.cast.north.scope()) as session, denied():
        session.scalars(select(model)).all()
    with both.open(both.cast.north.scope()) as session:
        session.add(model(**values_for(model, None, both.made)))
        with pytest.raises(WallBreach):
            session.flush()
    with both.open(Scope.everywhere()) as session:
        assert {row.id for row in session.scalars(select(model))} == both.all(table)


def test_an_office_sees_its_colleagues_and_nobody_else(both: World):
    for house, _ in both.houses:
        posted = {row.staff_id for row in house.people.values()} | {both.made.ids["staff", None]}
        with both.open(house.scope()) as session:
            assert set(session.scalars(select(Staff.id))) == posted
            assert both.cast.stranger.id not in set(session.scalars(select(Staff.id)))
        with both.open(house.scope()) as session, denied():
            session.scalars(select(Staff.password_hash)).all()


def test_an_office_does_not_write_itself_a_colleague_or_the_timetable(both: World):
    north = both.cast.north
    changes = {Office: ("name", "自立门户"), Staff: ("name", "冒名")}
    for model, (column, value) in changes.items():
        with both.open(north.scope()) as session:
            row = session.scalars(select(model)).first()
            setattr(row, column, value)
            with pytest.raises(WallBreach):
                session.flush()
    with both.open(north.scope()) as session:
        session.add(Schedule(name="daily"))
        with pytest.raises(WallBreach):
            session.flush()


# ---- the one bulk helper
def bulk_unit(office_id: int, number: str) -> dict[str, object]:
    """Return the columns of a unit as the bulk helper takes them."""
    return {"office_id": office_id, "number": number, "room": number[-3:]}


def test_the_bulk_helper_refuses_rows_outside_the_scope(both: World):
    north, south = both.cast.north, both.cast.south
    foreign = {"id": south.unit.id, "office_id": south.id, "version": south.unit.version, "room": "101"}
    disguised = foreign | {"office_id": north.id}
    with both.open(north.scope()) as session:
        with pytest.raises(WallBreach):
            write_rows(session, Unit, inserts=[bulk_unit(north.id, "9-1-101"), bulk_unit(south.id, "9-1-102")])
        with pytest.raises(WallBreach):
            write_rows(session, Unit, updates=[(foreign, {"room": "9"})])
        with pytest.raises(StaleRow):
            write_rows(session, Unit, updates=[(disguised, {"room": "9"})])
        for column in ("office_id", "id", "version"):
            with pytest.raises(WallBreach):
                write_rows(session, Unit, updates=[(disguised, {column: 1})])


def test_the_bulk_helper_does_not_find_a_disguised_row_without_row_level_security(session_wall: World):
    north, south = session_wall.cast.north, session_wall.cast.south
    disguised = {"id": south.unit.id, "office_id": north.id, "version": south.unit.version, "room": "101"}
    with session_wall.open(north.scope()) as session, pytest.raises(StaleRow):
        write_rows(session, Unit, updates=[(disguised, {"room": "9"})])


def test_the_bulk_helper_records_each_row_it_writes(both: World):
    north = both.cast.north
    with both.open(north.scope()) as session:
        because(session, "盘点")
        own = {"id": north.unit.id, "office_id": north.id, "version": north.unit.version, "room": "101", "floor": 1}
        ids = write_rows(
            session, Unit, inserts=[bulk_unit(north.id, "9-1-101")], updates=[(own, {"room": "102", "floor": 1})]
        )
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_kind == "unit", AuditEntry.reason == "盘点")
        )
        found = {entry.verb: entry for entry in entries}
        assert found["unit.create"].subject_id == ids[0]
        assert found["unit.create"].after["number"] == "9-1-101"
        assert found["unit.update"].subject_id == north.unit.id
        assert found["unit.update"].before == {"room": "101"}
        assert found["unit.update"].after == {"room": "102"}
        assert {entry.office_id for entry in found.values()} == {north.id}


def test_the_bulk_helper_refuses_a_row_that_changed_since_it_was_read(both: World):
    north = both.cast.north
    stale = {"id": north.unit.id, "office_id": north.id, "version": north.unit.version - 1, "room": "101"}
    with both.open(north.scope()) as session, pytest.raises(StaleRow):
        write_rows(session, Unit, updates=[(stale, {"room": "9"})])


# ---- the wall of rows alone
@pytest.mark.parametrize("table", WRITABLE)
def test_row_level_security_alone_keeps_foreign_rows_from_being_changed(rows_alone: World, table: str):
    model = MODELS[table]
    read_only = table == "audit_entry"
    before = truth(rows_alone.owner, table)
    for house, other in rows_alone.houses:
        foreign = model.office_id != house.id
        for statement in (update(model).where(foreign).values(office_id=house.id), delete(model).where(foreign)):
            with rows_alone.open(house.scope()) as session:
                if read_only:
                    with denied():
                        session.execute(statement)
                else:
                    assert session.execute(statement.execution_options(synchronize_session=False)).rowcount == 0
        with rows_alone.open(house.scope()) as session, denied():
            session.execute(insert(model.__table__).values(**values_for(model, other.id, rows_alone.made)))
        with rows_alone.open(house.scope()) as session, denied(InsufficientPrivilege, ForeignKeyViolation):
            session.execute(update(model).where(model.office_id == house.id).values(office_id=other.id))
    assert truth(rows_alone.owner, table) == before


def test_row_level_security_alone_lets_no_office_write_the_groups_rows(rows_alone: World):
    for table in [*GROUP, "office"]:
        model = MODELS[table]
        for statement in (update(model).values(id=model.id), delete(model)):
            with rows_alone.open(rows_alone.cast.north.scope()) as session, denied():
                session.execute(statement.execution_options(synchronize_session=False))
        with rows_alone.open(rows_alone.cast.north.scope()) as session, denied():
            session.execute(
                insert(model.__table__).values(**values_for(model, rows_alone.cast.north.id, rows_alone.made))
            )


def test_a_copy_into_a_table_is_refused_by_the_wall_of_rows(rows_alone: World):
    """COPY passes the session by; PostgreSQL refuses it on a table with policies. Imports stage and merge."""
    with rows_alone.open(rows_alone.cast.north.scope()) as session:
        cursor = session.connection().connection.cursor()
        with (
            pytest.raises(FeatureNotSupported, match="row-level security"),
            cursor.copy("COPY unit (office_id, number, room) FROM STDIN") as copying,
        ):
            copying.write_row((rows_alone.cast.south.id, "9-1-101", "101"))


def test_an_offices_posting_cannot_be_given_the_groups_reach(rows_alone: World):
    """The posting is what scopes are made of: an office that could write one of no office would see them all."""
    with rows_alone.open(rows_alone.cast.north.scope()) as session, denied():
        session.execute(insert(Posting.__table__).values(**values_for(Posting, None, rows_alone.made)))
