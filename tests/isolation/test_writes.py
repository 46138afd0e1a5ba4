"""Changes come from the unit of work or from the one audited bulk helper, and stay in the office."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege
from sqlalchemy import ForeignKeyConstraint, delete, func, insert, inspect, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from audit.models import AuditEntry
from furnish import GROUP, MODELS, WALLED, WRITABLE, furnish_office, is_optional, truth, values_for
from tenant.errors import WallBreach
from tenant.journal import StaleRow, because, write_rows
from tenant.models import Company, Office, Posting, Schedule, Staff, Unit
from tenant.scoping import Scope
from worlds import World

Attempt = Callable[[Session, Any, dict[str, Any], int], object]
ATTEMPTS: dict[str, Attempt] = {
    "update": lambda session, model, _values, _id: session.execute(update(model).values(id=model.id)),
    "update_with_id": lambda session, model, _values, row_id: session.execute(
        update(model).where(model.id == row_id).values(id=row_id)
    ),
    "update_by_key": lambda session, model, values, row_id: session.execute(
        update(model), [values | {"id": row_id, "version": 1}]
    ),
    "update_on_connection": lambda session, model, _values, _id: session.connection().execute(
        update(model.__table__).values(id=model.__table__.c.id)
    ),
    "update_in_text": lambda session, model, _values, _id: session.execute(
        text(f'UPDATE "{model.__tablename__}" SET id = id')
    ),
    "update_in_driver_sql": lambda session, model, _values, _id: session.connection().exec_driver_sql(
        f'UPDATE "{model.__tablename__}" SET id = id'
    ),
    "update_in_common_table": lambda session, model, _values, _id: session.execute(
        select(update(model.__table__).values(id=model.__table__.c.id).returning(model.__table__.c.id).cte().c.id)
    ),
    "legacy_update": lambda session, model, _values, _id: session.query(model).update({"id": model.id}),
    "delete": lambda session, model, _values, _id: session.execute(delete(model)),
    "delete_on_connection": lambda session, model, _values, _id: session.connection().execute(delete(model.__table__)),
    "delete_in_common_table": lambda session, model, _values, _id: session.execute(
        select(func.count()).select_from(delete(model.__table__).returning(model.__table__.c.id).cte())
    ),
    "legacy_delete": lambda session, model, _values, _id: session.query(model).delete(),
    "insert": lambda session, model, values, _id: session.execute(insert(model).values(**values)),
    "insert_rows": lambda session, model, values, _id: session.execute(insert(model), [values, values]),
    "insert_returning": lambda session, model, values, _id: session.scalars(insert(model).returning(model), [values]),
    "insert_on_connection": lambda session, model, values, _id: session.connection().execute(
        insert(model.__table__), [values]
    ),
    "insert_from_select": lambda session, model, _values, _id: session.execute(
        insert(model).from_select(["id"], select(model.id))
    ),
    "insert_or_nothing": lambda session, model, values, _id: session.execute(
        postgresql.insert(model).values(**values).on_conflict_do_nothing()
    ),
    "insert_in_common_table": lambda session, model, values, _id: session.execute(
        select(insert(model.__table__).values(**values).returning(model.__table__.c.id).cte().c.id)
    ),
    "bulk_insert": lambda session, model, values, _id: session.bulk_insert_mappings(inspect(model), [values]),
    "bulk_update": lambda session, model, values, row_id: session.bulk_update_mappings(
        inspect(model), [values | {"id": row_id, "version": 1}]
    ),
    "bulk_save": lambda session, model, values, _id: session.bulk_save_objects([model(**values)]),
    "truncate": lambda session, model, _values, _id: session.connection().exec_driver_sql(
        f'TRUNCATE "{model.__tablename__}"'
    ),
    "another_role": lambda session, _model, _values, _id: session.execute(
        select(func.set_config("role", "wuguan_hq", True))  # noqa: FBT003 - PostgreSQL's own
    ),
}


@contextmanager
def denied(*errors: type[Exception]) -> Iterator[None]:
    """Expect the database to refuse for one of ``errors``."""
    with pytest.raises(DBAPIError) as caught:
        yield
    assert isinstance(caught.value.orig, errors or InsufficientPrivilege), caught.value


def slipped(world: World, attempt: str, tables: list[str] | None = None) -> list[str]:
    """Return each table on which an office's session, or headquarters', gets ``attempt`` past the unit of work."""
    found = []
    for table in tables or WALLED:
        model = MODELS[table]
        for house, other in world.houses:
            for scope, office_id in (
                (house.scope(), house.id),
                (house.scope(), other.id),
                (Scope.everywhere(), house.id),
            ):
                values = values_for(model, office_id, world.made)
                row_id = min(world.own(table, office_id))
                with world.open(scope) as session:
                    try:
                        ATTEMPTS[attempt](session, model, values, row_id)
                        found.append(f"{table}: {attempt} as {scope} on {office_id}")
                    except WallBreach:
                        continue
                    except DBAPIError as error:
                        found.append(f"{table}: {attempt} reached the database ({type(error.orig).__name__})")
    return found


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
def test_an_office_reads_what_the_group_shares_and_writes_none_of_it(both: World):
    with both.open(both.cast.north.scope()) as session:
        companies = session.scalars(select(Company)).all()
        assert {one.id for one in companies} == both.all("company")
        companies[0].name = "改名"
        with pytest.raises(WallBreach):
            session.flush()


@pytest.mark.parametrize("table", [name for name in GROUP if name not in {"staff", "company"}])
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


def test_an_offices_posting_cannot_be_given_the_groups_reach(rows_alone: World):
    """The posting is what scopes are made of: an office that could write one of no office would see them all."""
    with rows_alone.open(rows_alone.cast.north.scope()) as session, denied():
        session.execute(insert(Posting.__table__).values(**values_for(Posting, None, rows_alone.made)))
