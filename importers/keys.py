"""What tables, references and unique keys an office's rows have: all that taking rows back needs to know of them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Enum, String, UniqueConstraint

from tenant.models.base import Base, OfficeScoped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Table

Model = type[OfficeScoped]
_NULL_TEST: Final = re.compile(r"^(\w+) IS (NOT )?NULL$")


class UniqueKey(NamedTuple):
    """Columns that may not be the same in two rows of an office, as far as ``where`` (column, is null) holds."""

    columns: tuple[str, ...]
    where: tuple[str, bool] | None


def concerned(unique: UniqueKey) -> tuple[str, ...]:
    """Return the columns that decide whether two rows have the same key."""
    where = (unique.where[0],) if unique.where and unique.where[0] not in unique.columns else ()
    return (*unique.columns, *where)


def value_of(unique: UniqueKey, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return the values of a key; None where the key does not hold for the row."""
    if unique.where and (row[unique.where[0]] is None) is not unique.where[1]:
        return None
    value = tuple(row[column] for column in unique.columns)
    return None if None in value else value


@cache
def _models() -> dict[str, Model]:
    return {
        mapper.local_table.name: mapper.class_  # type: ignore[attr-defined]
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, OfficeScoped)
    }


def model_of(name: str) -> Model:
    """Return the class of a table; raises KeyError for a table that is not an office's."""
    return _models()[name]


@cache
def label_of(name: str) -> str:
    """Return the word of the trade for a row of a table: 房屋."""
    return (model_of(name).__doc__ or name).split(" — ", 1)[0].strip()


@cache
def references_of(name: str) -> Mapping[str, str]:
    """Return column → table for each column of a table that names a row of the same office."""
    table: Table = Base.metadata.tables[name]
    return {column.name: column.info["office_ref"] for column in table.c if column.info.get("office_ref")}


@cache
def referring_to(name: str) -> Sequence[tuple[str, str]]:
    """Return (table, column) of every column of an office's tables that names a row of the table."""
    return [(other, column) for other in _models() for column, target in references_of(other).items() if target == name]


@cache
def unique_keys_of(name: str) -> Sequence[UniqueKey]:
    """Return what may not be twice within an office, besides the id."""
    table: Table = Base.metadata.tables[name]
    keys = [
        UniqueKey(_without_office(constraint.columns.keys()), None)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint) and "id" not in constraint.columns
    ]
    for index in table.indexes:
        if index.unique:
            tested = _NULL_TEST.match(str(index.dialect_options["postgresql"]["where"]))
            where = (tested[1], tested[2] is None) if tested else None
            keys.append(UniqueKey(_without_office(index.columns.keys()), where))
    return keys


def _without_office(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(column for column in columns if column != "office_id")


def stand_in(unique: UniqueKey, name: str, row_id: int) -> dict[str, Any]:
    """Return what a row of a table holds for a moment in place of its key; empty where every part is a reference."""
    columns = [Base.metadata.tables[name].c[column] for column in unique.columns]
    nullable = next((column for column in columns if column.nullable), None)
    if nullable is not None:
        return {nullable.name: None}
    texts = (column for column in columns if isinstance(column.type, String) and not isinstance(column.type, Enum))
    text = next(texts, None)
    return {} if text is None else {text.name: f"~{row_id}"}
