"""What the plans of parking and of meters share: where a row is, what is wrong with it, what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from importers.choices import Choices
from importers.plan import Plan
from importers.tally import Doubt, RefusedRow, Tally
from importers.things.places import Places

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from importers.faults import CellFault
    from importers.tally import Place

Wrong = tuple["CellFault", str]
"""Why a row is not carried out, and the column to say it on."""


class ThingsTally(Tally):
    """What becomes of each row of a sheet of things; each doubt says which cell it is about."""

    def about(self, record: Any) -> tuple[str, str]:  # noqa: ANN401  a row of parking or of meters
        """Return what people call a row, and what stands beside it."""
        title: tuple[str, str] = record.title
        return title

    def column_of(self, doubt: Doubt, record: Any) -> str:  # noqa: ANN401  a row of parking or of meters
        """Return the identifier of the cell a doubt is about."""
        del record
        return doubt.column or ""


class Planner:
    """The plan of a sheet of things while it is made; a row is taken whole or not at all.

    ``main`` is the column on which it is said that others have changed meanwhile what a row is about.
    """

    subjects: Mapping[str, str]
    main: str

    def __init__(
        self,
        records: Sequence[Any],
        units: Mapping[str, int],
        on: dt.date,
        choices: Choices | None,
        held: Mapping[Place, CellFault] | None,
    ) -> None:
        self.records = records
        self.on = on
        self.choices = choices or Choices()
        self.held = held or {}
        self.places = Places(units)
        self.tally = ThingsTally(self.subjects)

    def read(self, record: Any) -> bool:  # noqa: ANN401  a row of parking or of meters
        """Take a record, unless it was refused or is held back; tell whether it will be carried out."""
        if isinstance(record, RefusedRow):
            return False
        held = self.held.get(record.place)
        wrong = (held, self.main) if held else self.take(record)
        if wrong is not None:
            self.tally.doubts[record.place] = Doubt(wrong[0], column=wrong[1])
        return wrong is None

    def take(self, record: Any) -> Wrong | None:  # noqa: ANN401  a row of parking or of meters
        """Take a row whole, or not at all: then it returns why."""
        raise NotImplementedError

    def planned(self, drafts: Any, notices: Sequence[str], missing: Mapping[str, int] | None = None) -> Plan:  # noqa: ANN401  what the kind's own `write` takes
        """Return the plan: what each row brings about, what is refused, what is counted."""
        return Plan(
            rows=self.tally.rows(self.records),
            refused=self.tally.refused(self.records),
            subjects=self.tally.counts,
            drafts=drafts,
            notices=notices,
            missing=missing or {},
        )
