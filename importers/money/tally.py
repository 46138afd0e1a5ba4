"""Where a sheet of money says what becomes of a row, what was answered about it, and in whose name it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importers.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importers.choices import Choices
    from importers.faults import CellFault
    from importers.money.rows import ArrearsLine, PaymentLine
    from importers.tally import Doubt, Place

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
    "conflict_charge_moved": "due_on",
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


class MoneyTally(Tally):
    """What becomes of each row of a sheet of money, and in whose name it stands."""

    def __init__(self, subjects: Iterable[str]) -> None:
        super().__init__(subjects)
        self._people: dict[Place, str] = {}

    def tell(self, place: Place, people: str) -> None:
        """Say in whose name a row stands."""
        self._people[place] = people

    def about(self, record: ArrearsLine | PaymentLine) -> tuple[str, str]:
        """Return the unit of a row, and in whose name it stands, as far as that can be told."""
        people = self._people.get(record.place) or "、".join(name.name for name in record.names)
        return record.key.number, people

    def column_of(self, doubt: Doubt, record: ArrearsLine | PaymentLine) -> str:
        """Return the identifier of the cell a doubt is about."""
        return _place_of(doubt.fault, record.source.headings)


def _place_of(found: CellFault, headings: Mapping[str, str]) -> str:
    identifier = _PLACES.get(found.code, "amount")
    if identifier in headings:
        return identifier
    return next((name for name in ("amount", "owed", "room") if name in headings), identifier)
