"""What is checked of the wall, as functions that return what is wrong: the claims use them, and so does the proof that
each guard is needed, which switches guards off and expects to be told.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import DDL, delete, func, insert, inspect, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import refused_shapes  # noqa: F401 - registers its shapes
from furnish import MODELS, WALLED, values_for
from shapes import Seen, saw
from tenant.errors import ScopeMissing, WallBreach
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
    "truncate_as_schema": lambda session, model, _values, _id: session.execute(
        DDL(f'TRUNCATE "{model.__tablename__}"')
    ),
    "another_role_as_schema": lambda session, _model, _values, _id: session.execute(DDL("SET ROLE wuguan_hq")),
    "another_role": lambda session, _model, _values, _id: session.execute(
        select(func.set_config("role", "wuguan_hq", True))  # noqa: FBT003 - PostgreSQL's own
    ),
}


def expected(rows: set[int], seen: Seen) -> Seen:
    """Return ``rows`` as a shape would answer: the ids, or how many."""
    return len(rows) if isinstance(seen, int) else rows


def leaks(world: World, shape: str, tables: list[str] | None = None) -> list[str]:
    """Return each table of which ``shape`` shows an office anything but exactly its own rows."""
    found = []
    for table in tables or WALLED:
        for house, other in world.houses:
            own = world.own(table, house.id)
            assert own, f"{table} has no row in {house.office.name}: the claim would be empty"
            assert world.own(table, other.id), f"{table} has no row in {other.office.name}"
            with world.open(house.scope()) as session:
                try:
                    seen = saw(session, shape, MODELS[table])
                except (WallBreach, ScopeMissing) as breach:
                    found.append(f"{table}: refused ({breach})")
                    continue
            if seen != expected(own, seen):
                found.append(f"{table}: {house.office.code} saw {seen}, has {own}")
    return found


def admitted(world: World, shape: str, tables: list[str] | None = None) -> list[str]:
    """Return each table on which ``shape`` is run instead of being refused."""
    found = []
    for table in tables or WALLED:
        for house, _ in world.houses:
            with world.open(house.scope()) as session:
                try:
                    found.append(f"{table}: saw {saw(session, shape, MODELS[table])}")
                except WallBreach:
                    continue
    return found


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
