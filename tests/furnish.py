"""One row of every table in each office of the cast, made from the tables' own description.

A new model gets its rows by itself; one whose CHECKs need a particular value says so in ``PARTICULAR``, and one that
cannot be made stops the isolation suite before its first claim.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import Column, Date, DateTime, Engine, Enum, LargeBinary, String, Time, inspect, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

import audit.models  # noqa: F401 - registers its tables
import make
from tenant.db import Database
from tenant.models import Base, Company, GroupOnly, GroupShared, Office, Staff, Walled
from tenant.rules.terms import PostingLevel, Role
from tenant.unscoped import Reason, across_offices

_numbers = count(1)

PARTICULAR = {
    "posting": {"level": PostingLevel.OFFICE, "role": Role.FRONT_DESK, "company_id": None},
    "pause": {"until_at": make.NOON + timedelta(hours=1)},
    "shift": {"ends": time(17, 30)},
    "policy_replay": {"clock_policy_id": None},
    "concession": {"share": Decimal("0.7")},
    "charge_type": {"due_day": 10},
    "billing_line": {"amount": Decimal(1)},
}
"""Values that a CHECK over several columns asks for."""

MODELS = dict(sorted((mapper.local_table.name, mapper.class_) for mapper in Base.registry.mappers))
WALLED = {name: model for name, model in MODELS.items() if issubclass(model, Walled)}
GROUP = {name: model for name, model in MODELS.items() if issubclass(model, GroupOnly | GroupShared)}
WRITABLE = {name: model for name, model in WALLED.items() if not model.kept_by_group}


@dataclass
class Furniture:
    """What was made: the id of one row by table and office (None for the group's)."""

    ids: dict[tuple[str, int | None], int] = field(default_factory=dict)


def furnish(database: Database, office_ids: list[int]) -> Furniture:
    """Make and commit one row of every table: one in each office for theirs, one for the group where it has some."""
    made = Furniture()
    with across_offices(database, Reason.SETTING_UP) as session:
        made.ids["company", None] = session.scalars(select(Company.id).limit(1)).one()
        made.ids["staff", None] = session.scalars(select(Staff.id).limit(1)).one()
        for office_id in office_ids:
            made.ids["office", office_id] = office_id
        for table in Base.metadata.sorted_tables:
            model = MODELS[table.name]
            if model in {Company, Office, Staff}:
                continue
            for office_id in owners_of_rows(model, office_ids):
                made.ids[table.name, office_id] = add_row(session, model, office_id, made)
        session.commit()
    return made


def furnish_office(session: Session, office_id: int, made: Furniture) -> None:
    """Add one more row of every table to an office, as a session of that office does it; nothing is committed."""
    fresh = Furniture(dict(made.ids))
    for table in Base.metadata.sorted_tables:
        if table.name in WRITABLE:
            fresh.ids[table.name, office_id] = add_row(session, MODELS[table.name], office_id, fresh)


def add_row(session: Session, model: type[Base], office_id: int | None, made: Furniture) -> int:
    """Add a new row of ``model`` to ``session`` and return its id."""
    row = model(**values_for(model, office_id, made))
    session.add(row)
    session.flush()
    return row.id


def owners_of_rows(model: type[Base], office_ids: list[int]) -> list[int | None]:
    """Return whose rows of ``model`` there can be: the offices', the group's, or both."""
    if not issubclass(model, Walled):
        return [None]
    return [*office_ids, None] if is_optional(model) else [*office_ids]


def is_optional(model: type[Base]) -> bool:
    """Tell whether a row of ``model`` may belong to no office."""
    return issubclass(model, Walled) and bool(model.__table__.c[model.wall_column].nullable)


def values_for(model: type[Base], office_id: int | None, made: Furniture) -> dict[str, Any]:
    """Return a valid new row of ``model`` in ``office_id``, with every reference it can have."""
    values = {column.name: value for column, value in _needed(model, office_id, made)}
    if issubclass(model, Walled) and model.wall_column == "office_id":
        values["office_id"] = office_id
    particular = dict(PARTICULAR.get(model.__tablename__, {}))
    if office_id is None and "level" in particular:
        particular["level"] = PostingLevel.GROUP
    return values | particular


def _needed(model: type[Base], office_id: int | None, made: Furniture) -> Iterator[tuple[Column[Any], Any]]:
    for column in inspect(model).local_table.c:
        target = column.info.get("office_ref")
        if target:
            is_first_of_its_kind = target == model.__tablename__ and (target, office_id) not in made.ids
            if office_id is not None and not is_first_of_its_kind:
                yield column, made.ids[target, office_id]
        elif column.foreign_keys and column.name != "office_id":
            (key,) = column.foreign_keys
            yield column, made.ids[key.column.table.name, None]
        elif not (column.nullable or column.server_default or column.default or column.identity):
            yield column, something(column)


def something(column: Column[Any]) -> Any:
    """Return a new value that ``column`` takes."""
    number = next(_numbers)
    kind = column.type
    if isinstance(kind, Enum):
        return next(iter(kind.enum_class))
    if isinstance(kind, String):
        return f"{number}-{column.name}"[: kind.length]
    for made, value in (
        (DateTime, make.NOON),
        (Date, date(2020, 1, 1) + timedelta(days=number)),
        (Time, time(8)),
        (JSONB, {}),
        (LargeBinary, b"x"),
    ):
        if isinstance(kind, made):
            return value
    python = kind.python_type
    return Decimal(1) if python is Decimal else number if python is int else python()


def truth(owner: Engine, table: str) -> dict[int, int | None]:
    """Return the office of every row of ``table``, by id, as a superuser sees it."""
    model = MODELS[table]
    column = model.wall_column if issubclass(model, Walled) else None
    with owner.connect() as connection:
        rows = connection.exec_driver_sql(f'SELECT id, {column or "NULL"} FROM "{table}"').all()
    return dict(rows)  # type: ignore[arg-type]
