"""What a sheet brings about: counted by subject, and each fact, refusal, conflict and question on the row it stands on.

Sheets of money and of things count alike; what differs is what a row is called and on which cell a reason stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from importers.plan import Fact, Outcome, RowPlan, row_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importers.faults import CellFault, RefusedCell
    from importers.plan import Change

Place = tuple[str, int]
Candidates = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be taken, why, what it is about as far as that can be told, and the receipt it belongs to."""

    faults: tuple[RefusedCell, ...]
    name: str | None
    place: Place
    receipt: str | None = None


class Doubt(NamedTuple):
    """Why a row cannot be carried out, and what people may answer: (what is kept, what they read).

    ``column`` is the identifier of the cell that is at fault, None where the reason alone tells.
    """

    fault: CellFault
    candidates: Candidates = ()
    column: str | None = None


class Tally:
    """What becomes of each row and of each subject. A record that is no `RefusedRow` has a `place` and a `source`."""

    def __init__(self, subjects: Iterable[str]) -> None:
        self.counts = {name: {"new": 0, "changed": 0, "same": 0} for name in subjects}
        self.doubts: dict[Place, Doubt] = {}
        self.transfers: set[Place] = set()
        """Rows that change who holds something."""
        self._facts: dict[Place, list[Fact]] = {}

    def about(self, record: Any) -> tuple[str, str]:  # noqa: ANN401  a record of the kind at hand
        """Return what people call a row, and who or what stands beside it."""
        raise NotImplementedError

    def column_of(self, doubt: Doubt, record: Any) -> str:  # noqa: ANN401  a record of the kind at hand
        """Return the identifier of the cell a doubt is about."""
        raise NotImplementedError

    def add(self, place: Place, fact: Fact, *, more: int = 1) -> None:
        """Count a fact and put it on its row; ``more`` 0: it is a part of what was counted on another row."""
        self.counts[fact.subject][fact.outcome.value] += more
        self._facts.setdefault(place, []).append(fact)

    def count(
        self,
        place: Place,
        subject: str,
        outcome: Outcome,
        name: str,
        changes: tuple[Change, ...] = (),
        *,
        more: int = 1,
    ) -> None:
        """Count one thing as `add` does."""
        self.add(place, Fact(subject, outcome, name, changes), more=more)

    def rows(self, records: Sequence[Any]) -> list[RowPlan]:
        """Return what becomes of each row, in the order of the file."""
        return [self._row(record) for record in records]

    def refused(self, records: Sequence[Any]) -> list[RefusedCell]:
        """Return each refused cell and each conflict, put on the cell it is about."""
        cells: list[RefusedCell] = []
        for record in records:
            if isinstance(record, RefusedRow):
                cells.extend(record.faults)
            elif record.place in self.doubts:
                doubt = self.doubts[record.place]
                cells.append(record.source.refuse(self.column_of(doubt, record), doubt.fault))
        return cells

    def _row(self, record: Any) -> RowPlan:  # noqa: ANN401  a record of any kind
        sheet, row = record.place
        if isinstance(record, RefusedRow):
            return RowPlan(sheet, row, Outcome.REFUSED, record.name or "", "")
        name, beside = self.about(record)
        doubt = self.doubts.get(record.place)
        if doubt is None:
            facts = tuple(self._facts.get(record.place, ()))
            is_transfer = record.place in self.transfers
            return RowPlan(sheet, row, row_outcome(facts), name, beside, facts, is_transfer=is_transfer)
        outcome = Outcome.CONFLICT if doubt.fault.code.startswith("conflict_") else Outcome.REFUSED
        return RowPlan(sheet, row, outcome, name, beside, candidates=doubt.candidates)
