"""What an import wrote, kept small: table by table, in the order of writing, for undoing it days later."""

from __future__ import annotations

import json
import zlib
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Enum as EnumType

from importers.writing import Inserted, Trail
from tenant.models.base import Base

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Table


def packed(trace: Sequence[Trail | Inserted]) -> bytes:
    """Return a trace as the batch keeps it."""
    parts: list[dict[str, Any]] = []
    for (table, is_new), trails in groupby(trace, key=lambda one: (one.table, _is_new(one))):
        if is_new:
            parts.append({"table": table, "new": [made for one in trails for made in _made(one)]})
        else:
            old = [(one.row_id, one.version, one.before) for one in trails if isinstance(one, Trail)]
            parts.append({"table": table, "old": old})
    return _deflated({"parts": parts})


def _is_new(one: Trail | Inserted) -> bool:
    return isinstance(one, Inserted) or one.before is None


def _made(one: Trail | Inserted) -> Iterable[tuple[int, int]]:
    """Return id and version of each row that was made."""
    return ((row_id, 1) for row_id in one.ids) if isinstance(one, Inserted) else ((one.row_id, one.version),)


def unpacked(trace: bytes) -> list[Trail]:
    """Return what was written, in the order of writing, each value as its column reads it."""
    found: list[Trail] = []
    for part in json.loads(zlib.decompress(trace)).get("parts", ()):
        name = part["table"]
        found += [Trail(name, row_id, version, None) for row_id, version in part.get("new", ())]
        if part.get("old"):
            found += _restored(table_named(name), part["old"])
    return found


def ended(
    kept: Iterable[Mapping[str, str]],
    moves: Mapping[str, Sequence[tuple[int, int, int]]],
    counts: Mapping[str, Mapping[str, int]],
) -> bytes:
    """Return what stays of a trace once it was followed: what was left as it is, and how far versions moved on.

    ``counts`` is how many records of each name were removed, restored and kept.
    """
    counted = {label: dict(numbers) for label, numbers in counts.items()}
    return _deflated({"kept": list(kept), "moves": dict(moves), "counts": counted})


def left(trace: bytes | None) -> list[dict[str, str]]:
    """Return what an undone batch left as it was, and why."""
    kept: list[dict[str, str]] = json.loads(zlib.decompress(trace)).get("kept", []) if trace else []
    return kept


def counts(trace: bytes | None) -> dict[str, dict[str, int]]:
    """Return how many records of each name an undone batch removed, restored and kept; empty once that was deleted."""
    counted: dict[str, dict[str, int]] = json.loads(zlib.decompress(trace)).get("counts", {}) if trace else {}
    return counted


def moves(trace: bytes) -> dict[str, list[tuple[int, int, int]]]:
    """Return table → (id, version before the batch, version after it was undone): the same content under both."""
    found: dict[str, list[tuple[int, int, int]]] = json.loads(zlib.decompress(trace)).get("moves", {})
    return found


def table_named(name: str) -> Table:
    """Return a table of the domain; raises KeyError for a name it has not."""
    return Base.metadata.tables[name]


def _restored(table: Table, rows: Iterable[Sequence[Any]]) -> list[Trail]:
    read = {column.name: _reader(column.type) for column in table.c}
    return [
        Trail(
            table.name,
            row_id,
            version,
            {name: None if value is None else read[name](value) for name, value in before.items()},
        )
        for row_id, version, before in rows
    ]


def _reader(kind: Any) -> Any:  # noqa: ANN401  any type of column, any value
    """Return what turns a kept value into the column's own: days, decimals and codes travel as text."""
    if isinstance(kind, EnumType):
        return kind.enum_class
    python = kind.python_type
    if hasattr(python, "fromisoformat"):
        return python.fromisoformat
    return python if python is not dict else lambda value: value


def _deflated(kept: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(kept, ensure_ascii=False, default=_plain).encode("utf-8", "replace"), 1)


def _plain(value: Any) -> str:  # noqa: ANN401  whatever a column holds
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
