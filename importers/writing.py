"""Writes what a plan holds, in bulk, piece by piece, each row on the record and on the trace that undoing follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select

from tenant.journal import write_columns, write_rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tenant.models.base import OfficeScoped

Row = Mapping[str, Any]
Count = Callable[[int], None]
MANY: Final = 1_000
"""Rows after which it pays to have the tables counted."""
_A_PIECE: Final = 5_000
"""Rows in one statement: a second's work or so, between two looks at whether to go on."""


class Trail(NamedTuple):
    """One row an import wrote: table, id, its version afterwards, and what it held before (None: it was not there)."""

    table: str
    row_id: int
    version: int
    before: Mapping[str, Any] | None


class Inserted(NamedTuple):
    """Rows that an import made of one table: their ids, each at its first version."""

    table: str
    ids: Sequence[int]


def count_anew(session: Session) -> None:
    """Have the database count the tables that have grown by what was written, in this transaction or before.

    Right after a first large import it takes them for empty: each row that is then removed would have its references
    looked for row by row through all that was imported. It counts by itself too, but minutes later.
    """
    session.execute(select(func.count_grown_tables()))


def _uncounted(_more: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The one way a kind of sheet writes: ``count`` is told how many more rows stand, ``trace`` is what was written."""

    session: Session
    count: Count = _uncounted
    trace: list[Trail | Inserted] = field(default_factory=list)

    def write(
        self, model: type[OfficeScoped], *, inserts: Sequence[Row] = (), updates: Sequence[tuple[Row, Row]] = ()
    ) -> list[int]:
        """Do as `tenant.journal.write_rows`, in pieces; raises as it does."""
        ids: list[int] = []
        for start in range(0, len(updates), _A_PIECE):
            piece = updates[start : start + _A_PIECE]
            write_rows(self.session, model, updates=piece)
            self.trace.extend(
                Trail(model.__tablename__, old["id"], old["version"] + 1, {name: old[name] for name in new})
                for old, new in piece
            )
            self.count(len(piece))
        for start in range(0, len(inserts), _A_PIECE):
            ids += self._made(model, write_rows(self.session, model, inserts=inserts[start : start + _A_PIECE]))
        return ids

    def insert(self, model: type[OfficeScoped], columns: Mapping[str, Sequence[Any]], shared: Row) -> list[int]:
        """Do as `tenant.journal.write_columns`, in pieces; raises as it does."""
        ids: list[int] = []
        count = len(next(iter(columns.values())))
        for start in range(0, count, _A_PIECE):
            piece = {name: values[start : start + _A_PIECE] for name, values in columns.items()}
            ids += self._made(model, write_columns(self.session, model, piece, shared))
        return ids

    @property
    def written(self) -> int:
        """Return how many rows were written by now."""
        return sum(len(one.ids) if isinstance(one, Inserted) else 1 for one in self.trace)

    def _made(self, model: type[OfficeScoped], ids: list[int]) -> list[int]:
        self.trace.append(Inserted(model.__tablename__, ids))
        self.count(len(ids))
        return ids
