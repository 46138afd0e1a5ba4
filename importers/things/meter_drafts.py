"""Which meter a row means: by its number, else the only one of its kind at the unit; a second is a question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from importers.faults import CellFault, fault
from importers.things.drafts import Draft
from tenant.rules.meters import Reading
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from importers.things.drafts import Link
    from importers.things.meter_rows import MeterRow
    from importers.things.meter_state import MetersState, MeterState, ReadingState
    from tenant.rules.terms import MeterKind


@dataclass(slots=True, eq=False)
class MeterDraft(Draft):
    """A meter; ``at`` is the unit it counts for; ``shown`` is every reading it has by then, known or of the file."""

    kind: MeterKind = None  # type: ignore[assignment]
    number: str = ""
    at: Link | None = None
    shown: dict[dt.date, Reading] = field(default_factory=dict)
    known: dict[dt.date, ReadingState] = field(default_factory=dict)

    def settle(self, mode: ImportMode, otherwise: Mapping[str, Any]) -> None:
        """Do as `Draft.settle`; a number that only stood in for one is a blank."""
        super(MeterDraft, self).settle(mode, otherwise)
        if self.state is not None and "number" in self.values:
            self.change["number"] = self.values["number"]

    @property
    def label(self) -> str:
        """Return kind and number."""
        return f"{self.kind.label} {self.number}"


class Said(NamedTuple):
    """What the rows of a file say of meters.

    ``kinds``: number or unit → the kinds it is named with; ``numbers``: unit → the numbers it is named with.
    """

    kinds: Mapping[str, set[MeterKind]]
    numbers: Mapping[str, Collection[str]]


class Meters:
    """The meters known so far, from the office and from the rows already read.

    ``said`` is what any row of the file says: what a row without a kind or a number means does not depend on which rows
    were read before it.
    """

    def __init__(self, state: MetersState, mode: ImportMode, said: Said) -> None:
        self.mode = mode
        self._said = said
        self._by_number: dict[str, list[MeterDraft]] = {}
        self._at_unit: dict[str, list[MeterDraft]] = {}
        for meter in state.meters:
            self._learn(_known(meter, state.readings.get(meter.id, ())))

    def find(self, row: MeterRow, unit: Link | None) -> MeterDraft | CellFault:
        """Return the meter a row means, a new one where there is none such, a fault where it cannot be told."""
        if row.number:
            numbered = [one for one in self._by_number.get(row.number, ()) if row.kind in {None, one.kind}]
            if self._is_unclear(row, numbered, row.number):
                return fault("meter_kind_missing", row.number)
            if numbered:
                return self._at_its_unit(numbered[0], unit)
            nameless = [one for one in self._here(unit, row.kind) if one.state and unit and one.number == unit.name]
            return nameless[0] if nameless else _new(row.kind, row.number, unit)
        here = self._here(unit, row.kind)
        if self._is_unclear(row, here, unit.name if unit else ""):
            return fault("meter_kind_missing", row.name)
        others = self._others_said(row, unit, here)
        nameless = [
            one for one in here if one.state and unit and one.number == unit.name and "number" not in one.values
        ]
        count = len(here) + len(others) - min(len(others), len(nameless))
        if count > 1:
            return fault("conflict_meter_unclear", str(count))
        return here[0] if here else _new(row.kind, next(iter(others), row.name), unit)

    def accept(self, meter: MeterDraft, number: str | None) -> None:
        """Remember a meter a row was taken for, and by which number."""
        if not meter.named and meter.state is None:
            self._learn(meter)
        elif number and meter not in self._by_number.get(number, ()):
            self._by_number.setdefault(number, []).append(meter)

    def _is_unclear(self, row: MeterRow, known: Sequence[MeterDraft], about: str) -> bool:
        """Tell whether a row that names no kind may mean meters of several kinds, or one of which nothing is known."""
        kinds = {meter.kind for meter in known}
        return row.kind is None and (not known or len(kinds | self._said.kinds.get(about, set())) > 1)

    def _others_said(self, row: MeterRow, unit: Link | None, here: Sequence[MeterDraft]) -> list[str]:
        """Return the numbers of meters that the file names at the unit, and that none of those ``here`` has."""
        others = []
        for number in self._said.numbers.get(unit.name if unit else "", ()):
            known = self._by_number.get(number, [])
            kinds = self._said.kinds.get(number, set()) | {meter.kind for meter in known}
            if not any(meter in here for meter in known) and (row.kind is None or not kinds or row.kind in kinds):
                others.append(number)
        return others

    def _here(self, unit: Link | None, kind: MeterKind | None) -> list[MeterDraft]:
        return [meter for meter in self._at_unit.get(unit.name if unit else "", ()) if kind in {None, meter.kind}]

    def _at_its_unit(self, meter: MeterDraft, unit: Link | None) -> MeterDraft | CellFault:
        if unit and meter.at and meter.at != unit and self.mode is not ImportMode.REPLACE:
            return fault("conflict_meter_elsewhere", meter.number, known=meter.at.name)
        return meter

    def _learn(self, meter: MeterDraft) -> None:
        self._by_number.setdefault(meter.number, []).append(meter)
        if meter.at:
            self._at_unit.setdefault(meter.at.name, []).append(meter)


def _known(state: MeterState, readings: Sequence[ReadingState]) -> MeterDraft:
    meter = MeterDraft("meters", f"{state.kind.label} {state.number}", state, kind=state.kind, number=state.number)
    meter.at = state.unit
    meter.known = {reading.read_on: reading for reading in readings}
    meter.shown = {reading.read_on: Reading(reading.read_on, reading.shown) for reading in readings}
    return meter


def _new(kind: MeterKind | None, number: str, unit: Link | None) -> MeterDraft | CellFault:
    if kind is None:
        return fault("meter_kind_missing", number)
    return MeterDraft("meters", f"{kind.label} {number}", kind=kind, number=number, at=unit)
