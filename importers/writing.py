"""Writes what a plan holds, in bulk, piece by piece, each row on the record and on the trace that undoing follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenant.journal import write_rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tenant.models.base import OfficeScoped

Row = Mapping[str, Any]
Count = Callable[[int], None]
_A_PIECE: Final = 5_000
"""Rows in one statement: a second's work or so, between two looks at whether to go on."""


class Trail(NamedTuple):
    """One row an import wrote: table, id, its version afterwards, and what it held before (None: it was not there)."""

    table: str
    row_id: int
    version: int
    before: Mapping[str, Any] | None


def _uncounted(_more: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The one way a kind of sheet writes: ``count`` is told how many more rows stand, ``trace`` is what was written."""

    session: Session
    count: Count = _uncounted
    trace: list[Trail] = field(default_factory=list)

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
            rows = inserts[start : start + _A_PIECE]
            made = write_rows(self.session, model, inserts=rows)
            self.trace.extend(Trail(model.__tablename__, row_id, 1, None) for row_id in made)
            ids += made
            self.count(len(rows))
        return ids
