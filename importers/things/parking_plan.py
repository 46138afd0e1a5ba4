"""The plan of a parking ledger: spaces, vehicles and who rents which space from when.

A space let to somebody new ends the lease before it on the day before, dated; where the days cannot both be true, the
row is a question. Pure: the state is passed in, and so is the day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from importers.faults import CellFault, RefusedCell, fault
from importers.plan import NOT_IN_FILE, Outcome, RowPlan
from importers.tally import RefusedRow
from importers.things.drafts import Draft, Link
from importers.things.leases import LEASE, LeaseDraft, Leases
from importers.things.parking_rows import LEASE_COLUMNS, ParkingRow
from importers.things.planning import Planner
from tenant.rules.parking import loose_space_number
from tenant.rules.terms import ParkingKind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from importers.choices import Choices
    from importers.plan import Plan
    from importers.tally import Place
    from importers.things.columns import Plate
    from importers.things.parking_state import ParkingState
    from importers.things.planning import Wrong

SUBJECTS = {"spaces": "车位", "vehicles": "车辆", "leases": "车位租赁"}
_SPACE: dict[str, Any] = {"kind": ParkingKind.COMMON, "unit": None, "location": None, "area": None, "note": None}
_VEHICLE: dict[str, Any] = {"unit": None, "holder_name": None, "holder_phone": None, "description": None}
_NOTHING_ENDS = "有被拒绝的行看不出是哪个车位，文件中没有的租赁这次一个也不止租。请先改正那些行。"
_COLUMNS = {"spaces": "space", "vehicles": "plates"}
_LABELS = {
    "kind": "类别",
    "unit": "房屋",
    "location": "位置",
    "area": "面积",
    "note": "备注",
    "holder_name": "车主",
    "holder_phone": "联系电话",
    "description": "品牌颜色",
}
Said = tuple[Draft, dict[str, Any], set[str]]
"""A thing, what a row says of it, and what the row leaves empty."""


@dataclass(slots=True)
class ParkingDrafts:
    """All that would be written, in the order in which it must be."""

    spaces: list[Draft]
    vehicles: list[Draft]
    leases: list[LeaseDraft]


def plan_parking(
    records: Sequence[ParkingRow | RefusedRow],
    state: ParkingState,
    on: dt.date,
    choices: Choices | None = None,
    held_back: Mapping[Place, CellFault] | None = None,
) -> Plan:
    """Return what ``records`` would do to ``state`` on the day ``on``; ``held_back`` come back as conflicts."""
    planner = _Planner(records, state, on, choices, held_back)
    for record in records:
        planner.read(record)
    return planner.plan()


class _Planner(Planner):
    subjects = SUBJECTS
    main = "space"

    def __init__(
        self,
        records: Sequence[ParkingRow | RefusedRow],
        state: ParkingState,
        on: dt.date,
        choices: Choices | None,
        held: Mapping[Place, CellFault] | None,
    ) -> None:
        super().__init__(records, state.units, on, choices, held)
        self.state = state
        self.leases = Leases(state, on, self.choices.mode)
        self.alike = {loose_space_number(number): number for number in state.spaces}
        self.spaces: dict[str, Draft] = {}
        self.vehicles: dict[str, Draft] = {}
        self.doubtful: set[str] = set()
        """Spaces of rows that are not carried out: nothing of theirs is missing from the file."""
        self.is_blind = False
        """Whether a row was refused that may be about any space: then nothing that is missing ends."""

    def read(self, record: ParkingRow | RefusedRow) -> bool:
        """Do as `Planner.read`, and note which spaces stay in doubt."""
        if isinstance(record, RefusedRow):
            self.doubtful |= {record.name} if record.name else set()
            self.is_blind |= record.name is None
            return False
        is_taken = super().read(record)
        if not is_taken and record.space:
            self.doubtful.add(record.space)
        return is_taken

    def take(self, row: ParkingRow) -> Wrong | None:
        """Take a row whole, or not at all: then it returns why."""
        unit = self.places.find(row.key) if row.key else None
        if isinstance(unit, CellFault):
            return unit, "room"
        space = self._space(row.space) if row.space else None
        if isinstance(space, CellFault):
            return space, "space"
        said: list[Said] = [(self._vehicle(plate.plate), *_told_of_vehicle(row, plate, unit)) for plate in row.plates]
        if space:
            told, blank = row.about_space()
            said.append((space, told | {"unit": unit} if unit and row.is_owned else told, blank))
        for thing, told, _ in said:
            if name := thing.differs(told):
                part = f"{thing.name} {_LABELS[name]}"
                return fault("conflict_thing", part, other=thing.said_by[name]), _COLUMNS[thing.subject]
        ended = self._let(row, said, unit) if space and row.lease else False
        if isinstance(ended, CellFault):
            return ended, "from_on"
        self.tally.transfers |= {row.place} if ended else set()
        for thing, told, blank in said:
            thing.take(told, blank, row.place)
            (self.spaces if thing.subject == "spaces" else self.vehicles)[thing.name] = thing
        if space:
            self.alike.setdefault(loose_space_number(space.name), space.name)
        return None

    def _let(self, row: ParkingRow, said: list[Said], unit: Link | None) -> bool | CellFault:
        """Take what a row says of a lease: its vehicle is the first of the row, its owner the unit's of that name."""
        first = next((thing for thing, _, _ in said if thing.subject == "vehicles"), None)
        vehicle = Link(first.state.id if first.state else None, first.name) if first else None
        owner = self.state.owner_of(unit.name, row.lease.lessee) if unit and row.lease else None
        return self.leases.take(row, row.space or "", vehicle, owner)

    def _vehicle(self, plate: str) -> Draft:
        return self.vehicles.get(plate) or Draft("vehicles", plate, self.state.vehicles.get(plate))

    def _space(self, number: str) -> Draft | CellFault:
        """Return the draft of a space; one that differs from a known one only in how it is written is a question."""
        known = self.spaces.get(number)
        if known is not None:
            return known
        other = self.alike.get(loose_space_number(number))
        if other and other != number and number not in self.state.spaces:
            return fault("conflict_space_alike", number, other=other)
        return Draft("spaces", number, self.state.spaces.get(number))

    def plan(self) -> Plan:
        """Return the whole plan: what each row brings about, what is refused, what is counted."""
        for space in self.spaces.values():
            space.settle(self.choices.mode, _SPACE)
            self.tally.add(space.place, space.fact(_LABELS))
        for vehicle in self.vehicles.values():
            vehicle.settle(self.choices.mode, _VEHICLE)
            self.tally.add(vehicle.place, vehicle.fact(_LABELS))
        for lease in self.leases.written():
            self.tally.add(lease.place, lease.fact(LEASE))
        rows = (one for one in self.records if isinstance(one, ParkingRow))
        speaks = any(row.source.headings.keys() & set(LEASE_COLUMNS) for row in rows)
        missing = self.leases.missing(self.doubtful) if speaks else []
        ended = self._ended(missing)
        for lease in ended:
            self.tally.add((NOT_IN_FILE, lease.state.id), lease.fact(LEASE))
        leases = [*self.leases.written(), *ended]
        drafts = ParkingDrafts(list(self.spaces.values()), list(self.vehicles.values()), leases)
        notices = [_NOTHING_ENDS] if self.is_blind and self.choices.ends_on and missing else []
        return self._with_unnamed(self.planned(drafts, notices, {"leases": len(missing)}), ended, missing)

    def _with_unnamed(self, plan: Plan, ended: Sequence[LeaseDraft], missing: Sequence[LeaseDraft]) -> Plan:
        """Return the plan with a row for each lease that ends though no row names it, and for each that would."""
        kept = [(lease, found) for lease in missing if (found := self.held.get((NOT_IN_FILE, lease.state.id)))]
        unnamed = [
            RowPlan(NOT_IN_FILE, lease.state.id, Outcome.CHANGED, lease.space, lease.lessee, (lease.fact(LEASE),))
            for lease in ended
        ] + [RowPlan(NOT_IN_FILE, lease.state.id, Outcome.CONFLICT, lease.space, lease.lessee) for lease, _ in kept]
        held = [
            RefusedCell(NOT_IN_FILE, lease.state.id, "", lease.name, "", found.code, found.reason)
            for lease, found in kept
        ]
        return replace(plan, rows=[*plan.rows, *unnamed], refused=[*plan.refused, *held])

    def _ended(self, missing: Sequence[LeaseDraft]) -> list[LeaseDraft]:
        """End the leases the file does not name, where people chose a day and no row hides which space it is about."""
        day = self.choices.ends_on
        if day is None or self.is_blind:
            return []
        free = [lease for lease in missing if (NOT_IN_FILE, lease.state.id) not in self.held]
        return [lease for lease in free if lease.end_on(day)]


def _told_of_vehicle(row: ParkingRow, plate: Plate, unit: Link | None) -> tuple[dict[str, Any], set[str]]:
    told, blank = row.about_vehicle(plate)
    return (told | {"unit": unit} if unit else told), blank
