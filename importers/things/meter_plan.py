"""The plan of a meter sheet: which meters there are, what they showed, what was used.

A reading that a meter cannot show is refused; one that counts five times the usual is told. Pure: the state is passed
in, and so is the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from importers.faults import CellFault, fault
from importers.plan import Change
from importers.things.drafts import Draft, figure
from importers.things.meter_drafts import MeterDraft, Meters, Said
from importers.things.meter_rows import MeterRow
from importers.things.planning import Planner
from tenant.rules.meters import Reading, counted, jump, misfit, neighbours
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from importers.choices import Choices
    from importers.plan import Plan
    from importers.tally import Place, RefusedRow
    from importers.things.meter_state import MetersState
    from importers.things.planning import Wrong
    from tenant.rules.terms import MeterKind

SUBJECTS = {"meters": "表计", "readings": "抄表记录"}
_METER: dict[str, Any] = {"unit": None, "location": None, "factor": Decimal(1), "full_scale": None}
_READING: dict[str, Any] = {"shown": None, "note": None}
_LABELS = {
    "unit": "房屋",
    "number": "表号",
    "location": "位置",
    "factor": "倍率",
    "full_scale": "满刻度",
    "shown": "读数",
    "note": "备注",
}
_MOST_TOLD = 20


@dataclass(slots=True)
class MetersDrafts:
    """All that would be written, in the order in which it must be; each reading beside its meter and its day."""

    meters: list[MeterDraft]
    readings: list[tuple[MeterDraft, dt.date, Draft]]


def plan_meters(
    records: Sequence[MeterRow | RefusedRow],
    state: MetersState,
    on: dt.date,
    choices: Choices | None = None,
    held_back: Mapping[Place, CellFault] | None = None,
) -> Plan:
    """Return what ``records`` would do to ``state`` on the day ``on``; ``held_back`` come back as conflicts."""
    planner = _Planner(records, state, on, choices, held_back)
    for row in sorted(planner.rows, key=lambda one: (one.read_on is not None, one.read_on or on)):
        planner.read(row)
    return planner.plan()


class _Planner(Planner):
    subjects = SUBJECTS
    main = "shown"

    def __init__(
        self,
        records: Sequence[MeterRow | RefusedRow],
        state: MetersState,
        on: dt.date,
        choices: Choices | None,
        held: Mapping[Place, CellFault] | None,
    ) -> None:
        super().__init__(records, state.units, on, choices, held)
        self.rows = [record for record in records if isinstance(record, MeterRow)]
        self.meters = Meters(state, self.choices.mode, self._said())
        self.named: dict[MeterDraft, None] = {}
        self.readings: dict[tuple[MeterDraft, dt.date], Draft] = {}
        self.jumps: list[str] = []
        self.unread = self.undated = 0

    def _said(self) -> Said:
        """Return, by number and by unit, the kinds of meter that the rows of the file name, and by unit the numbers."""
        kinds: dict[str, set[MeterKind]] = {}
        numbers: dict[str, dict[str, None]] = {}
        for row in self.rows:
            unit = self.places.find(row.key) if row.key else None
            named = unit.name if unit and not isinstance(unit, CellFault) else None
            for about in (row.number, named):
                if row.kind and about:
                    kinds.setdefault(about, set()).add(row.kind)
            if named and row.number:
                numbers.setdefault(named, {})[row.number] = None
        return Said(kinds, numbers)

    def take(self, row: MeterRow) -> Wrong | None:
        """Take a row whole, or not at all: the fault says why not."""
        unit = self.places.find(row.key) if row.key else None
        if isinstance(unit, CellFault):
            return unit, "room"
        meter = self.meters.find(row, unit)
        if isinstance(meter, CellFault):
            return meter, "number"
        said, empty = row.about_meter()
        said |= {"unit": unit} if unit else {}
        said |= {"number": row.number} if row.number and row.number != meter.number else {}
        if name := meter.differs(said):
            return fault("conflict_thing", f"{meter.label} {_LABELS[name]}", other=meter.said_by[name]), "number"
        full_scale = self._full_scale(meter, said, empty)
        if found := _scale_misfit(meter, full_scale):
            return found, "full_scale"
        if row.shown is None or row.read_on is None:
            self.unread += 1
        elif wrong := self._read(row, meter, Reading(row.read_on, row.shown), full_scale):
            return wrong
        self.meters.accept(meter, row.number)
        meter.take(said, empty, row.place)
        self.named[meter] = None
        return None

    def _read(self, row: MeterRow, meter: MeterDraft, new: Reading, full_scale: Decimal | None) -> Wrong | None:
        """Take a reading, and the one before it where the row gives it a day."""
        taken = self.readings.get((meter, new.read_on))
        others = [one for day, one in meter.shown.items() if day != new.read_on]
        opening = _opening(row, others)
        wrong = self._impossible(new, taken, full_scale)
        if wrong is None and opening and (found := _misfit(others, opening, full_scale)):
            wrong = found, "previous"
        others += [opening] if opening else []
        if wrong is None and (found := _misfit(others, new, full_scale)):
            wrong = found, "shown"
        before, _ = neighbours(others, new.read_on)
        wrong = wrong or _previous(row, before, new, full_scale)
        if wrong:
            return wrong
        if taken is None:
            if opening:
                self._keep(row, meter, opening, (), None)
            self._keep(row, meter, new, self._more(row, meter, others, new, full_scale), row.note)
            self.undated += row.previous is not None and before is None
        return None

    def _impossible(self, new: Reading, taken: Draft | None, full_scale: Decimal | None) -> Wrong | None:
        """Return what is wrong with a reading whatever was read before."""
        if taken is not None and taken.values["shown"] != new.shown:
            return fault("conflict_reading", other=taken.place[1]), "shown"
        if new.read_on > self.on:
            return fault("reading_in_future", new.read_on.isoformat()), "read_on"
        if full_scale is not None and new.shown > full_scale:
            return fault("reading_over_scale", figure(new.shown), known=figure(full_scale)), "shown"
        return None

    def _full_scale(self, meter: MeterDraft, said: Mapping[str, Any], empty: set[str]) -> Decimal | None:
        """Return where the meter begins again, as it would stand after the import."""
        known: Decimal | None = meter.state.full_scale if meter.state else None
        told: Decimal | None = said.get("full_scale", meter.values.get("full_scale"))
        if told is not None:
            return known if known is not None and self.choices.mode is ImportMode.FILL else told
        return None if self.choices.mode is ImportMode.REPLACE and "full_scale" in empty else known

    def _keep(self, row: MeterRow, meter: MeterDraft, new: Reading, more: tuple[Change, ...], note: str | None) -> None:
        known = meter.known.get(new.read_on)
        draft = Draft("readings", f"{meter.label} {new.read_on.isoformat()}", known, more=more)
        draft.take({"shown": new.shown} | ({"note": note} if note else {}), (), row.place)
        draft.settle(self.choices.mode, _READING)
        self.readings[meter, new.read_on] = draft
        if known is None or "shown" in draft.change:
            meter.shown[new.read_on] = new

    def _more(
        self, row: MeterRow, meter: MeterDraft, others: list[Reading], new: Reading, full_scale: Decimal | None
    ) -> tuple[Change, ...]:
        """Return what is shown beside the reading: what was used since the one before, and whether that is a jump."""
        before, _ = neighbours(others, new.read_on)
        base = before.shown if before else row.previous
        used = counted(base, new.shown, full_scale) if base is not None else None
        if used is None:
            return ()
        factor = row.source.values.get("factor") or (meter.state.factor if meter.state else None)
        told = [Change("用量", "", figure(used * factor if isinstance(factor, Decimal) else used))]
        times = jump(others, new, full_scale)
        if times is not None:
            told.append(Change("提醒", "", f"每天的用量约为平时的 {times:.1f} 倍，请核对"))
            self.jumps.append(f"第 {row.source.row} 行{meter.label}")
        return tuple(told)

    def plan(self) -> Plan:
        """Return the whole plan: what each row brings about, what is refused, what is counted."""
        for meter in self.named:
            meter.settle(self.choices.mode, _METER)
            self.tally.add(meter.place, meter.fact(_LABELS))
        for reading in self.readings.values():
            self.tally.add(reading.place, reading.fact(_LABELS))
        readings = [(meter, day, one) for (meter, day), one in self.readings.items()]
        return self.planned(MetersDrafts(list(self.named), readings), self._notices())

    def _notices(self) -> list[str]:
        notices = []
        if self.jumps:
            shown = "；".join(self.jumps[:_MOST_TOLD])
            notices.append(f"有 {len(self.jumps)} 个读数的用量是平时的 5 倍以上，请核对后再写入：{shown}。")
        if self.undated:
            notices.append(f"有 {self.undated} 块表是第一次抄表，上期读数没有日期，只用来核对，不会保存。")
        if self.unread:
            notices.append(f"有 {self.unread} 行没有本期读数，没有抄表记录可写。")
        nameless = sum(1 for meter in self.named if meter.state is None and meter.at and meter.number == meter.at.name)
        if nameless:
            notices.append(f"有 {nameless} 块新表没有表号，暂以房号为表号；以后补上表号时会一并改正。")
        return notices


def _scale_misfit(meter: MeterDraft, full_scale: Decimal | None) -> CellFault | None:
    """Return the fault of a full scale under which the readings there are would run backwards."""
    held = meter.state.full_scale if meter.state else meter.values.get("full_scale")
    if full_scale == held:
        return None
    shown = sorted(meter.shown.values())
    beyond = [one for one in shown if full_scale is not None and one.shown > full_scale]
    beyond += [two for one, two in pairwise(shown) if counted(one.shown, two.shown, full_scale) is None]
    if not beyond:
        return None
    part = figure(full_scale) if full_scale is not None else "（空）"
    return fault("scale_misfit", part, day=beyond[0].read_on, known=figure(beyond[0].shown))


def _opening(row: MeterRow, others: Sequence[Reading]) -> Reading | None:
    """Return the reading before, where the row gives it with its day and it is not known yet."""
    if row.previous is None or row.previous_on is None or any(one.read_on == row.previous_on for one in others):
        return None
    return Reading(row.previous_on, row.previous)


def _misfit(others: Sequence[Reading], new: Reading, full_scale: Decimal | None) -> CellFault | None:
    other = misfit(others, new, full_scale)
    if other is None:
        return None
    code = "reading_below" if other.read_on < new.read_on else "reading_above"
    return fault(code, figure(new.shown), day=other.read_on, known=figure(other.shown))


def _previous(row: MeterRow, before: Reading | None, new: Reading, full_scale: Decimal | None) -> Wrong | None:
    """Hold what the row says of the reading before, and of what was used, against the readings there are."""
    if row.previous is not None:
        if before and counted(before.shown, row.previous, full_scale) is None:
            known = figure(before.shown)
            return fault("conflict_previous", figure(row.previous), day=before.read_on, known=known), "previous"
        if counted(row.previous, new.shown, full_scale) is None:
            return fault("reading_below", figure(new.shown), day="上期", known=figure(row.previous)), "shown"
    base = row.previous if row.previous is not None else before.shown if before else None
    if row.used is None or base is None:
        return None
    used = counted(base, new.shown, full_scale) or Decimal(0)
    factor = row.source.values.get("factor")
    fitting = {used, used * factor} if isinstance(factor, Decimal) else {used}
    if any(abs(row.used - one) <= Decimal("0.01") for one in fitting):
        return None
    return fault("usage_differs", figure(row.used), known=figure(used)), "used"
