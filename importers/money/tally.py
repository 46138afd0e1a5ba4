"""Counts what a money sheet brings about, and puts each fact, conflict and question on the row it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importers.money.rows import RefusedLine
from importers.plan import Fact, Outcome, RowPlan, row_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from importers.choices import Choices
    from importers.faults import CellFault, RefusedCell
    from importers.money.homes import Doubt
    from importers.money.rows import ArrearsLine, PaymentLine, Place
    from importers.plan import Change

TOKENS = "+"
"""Between the parts of an answer: a row may be asked whose it is, and then what becomes of the rest."""

_PLACES = {
    "unit_unknown": "room",
    "conflict_section_unclear": "room",
    "conflict_owner_none": "room",
    "conflict_payer_none": "owners",
    "conflict_payer_unknown": "owners",
    "conflict_payer_unclear": "owners",
    "conflict_charge_twice": "period",
    "conflict_charge_overlaps": "period",
    "conflict_paid_differs": "paid",
    "conflict_receipt_differs": "receipt",
    "conflict_receipt_void": "receipt",
    "conflict_receipt_rows": "receipt",
    "conflict_receipt_incomplete": "receipt",
    "paid_in_future": "paid_on",
}
"""The column whose cell a reason is about; every other is about the amount."""


def answers_of(choices: Choices, place: Place) -> tuple[str, ...]:
    """Return all that people said about a row."""
    said = choices.answers.get(place, "")
    return tuple(said.split(TOKENS)) if said else ()


def also(answers: Iterable[str], said: str) -> str:
    """Return the answer that keeps what was said before and says one thing more."""
    return TOKENS.join((*answers, said))


class Tally:
    """What becomes of each row and of each subject."""

    def __init__(self, subjects: Iterable[str]) -> None:
        self.counts = {name: {"new": 0, "changed": 0, "same": 0} for name in subjects}
        self.doubts: dict[Place, Doubt] = {}
        self._facts: dict[Place, list[Fact]] = {}
        self._people: dict[Place, str] = {}

    def count(self, place: Place, subject: str, outcome: Outcome, name: str, changes: tuple[Change, ...] = ()) -> None:
        """Count one thing; its fact stands on the row."""
        self.counts[subject][outcome.value] += 1
        self._facts.setdefault(place, []).append(Fact(subject, outcome, name, changes))

    def tell(self, place: Place, people: str) -> None:
        """Say in whose name a row stands."""
        self._people[place] = people

    def rows(self, records: Sequence[ArrearsLine | PaymentLine | RefusedLine]) -> list[RowPlan]:
        """Return what becomes of each row, in the order of the file."""
        return [self._row(record) for record in records]

    def refused(self, records: Sequence[ArrearsLine | PaymentLine | RefusedLine]) -> list[RefusedCell]:
        """Return each refused cell and each conflict, put on the cell it is about."""
        cells: list[RefusedCell] = []
        for record in records:
            if isinstance(record, RefusedLine):
                cells.extend(record.faults)
            elif record.place in self.doubts:
                found = self.doubts[record.place].fault
                cells.append(record.source.refuse(_place_of(found, record.source.headings), found))
        return cells

    def _row(self, record: ArrearsLine | PaymentLine | RefusedLine) -> RowPlan:
        sheet, row = record.place
        if isinstance(record, RefusedLine):
            return RowPlan(sheet, row, Outcome.REFUSED, record.number, "")
        number = record.key.number
        people = self._people.get(record.place) or "、".join(name.name for name in record.names)
        doubt = self.doubts.get(record.place)
        if doubt is None:
            facts = tuple(self._facts.get(record.place, ()))
            return RowPlan(sheet, row, row_outcome(facts), number, people, facts)
        outcome = Outcome.CONFLICT if doubt.fault.code.startswith("conflict_") else Outcome.REFUSED
        return RowPlan(sheet, row, outcome, number, people, candidates=doubt.candidates)


def _place_of(found: CellFault, headings: Mapping[str, str]) -> str:
    identifier = _PLACES.get(found.code, "amount")
    if identifier in headings:
        return identifier
    return next((name for name in ("amount", "owed", "room") if name in headings), identifier)
