"""The plan of a roster: what its rows would add to, or change in, the units, owners and ownerships of an office.

A blank never erases, a unit missing from the file is left alone, and a changed owner ends the old ownership and begins
the new, dated. Pure: the state is passed in, and so is the day.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from importers.columns import as_decimal
from importers.faults import RefusedCell, fault
from importers.plan import Outcome, Plan, RowPlan, row_outcome
from importers.roster.changes import Tally, owner_change, unit_change
from importers.roster.drafts import OwnerDraft, OwnershipDraft, RosterDrafts, UnitDraft
from importers.roster.identity import People
from importers.roster.rows import RefusedRow, RosterRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from importers.choices import Choices
    from importers.faults import CellFault
    from importers.roster.state import OwnershipState, RosterState

Place = tuple[str, int]
_UNIT_FIELDS = ("area", "usage", "handover_state", "handed_over_on", "note")


def plan_roster(
    records: Sequence[RosterRow | RefusedRow],
    state: RosterState,
    on: dt.date,
    choices: Choices | None = None,
    held_back: Mapping[Place, CellFault] | None = None,
) -> Plan:
    """Return what `records` would do to `state` on the day `on`, as people chose.

    `held_back` are rows not to be carried out, with the reason: they come back as conflicts. A change of owners is held
    back too while another row of the same unit is refused, since half of it would be wrong.
    """
    del choices
    held = dict(held_back or {})
    while True:
        planner = _Planner(records, state, on, held)
        more = planner.unsafe_transfers()
        if not more.keys() - held.keys():
            return planner.plan()
        held |= more


class _Planner:
    def __init__(
        self,
        records: Sequence[RosterRow | RefusedRow],
        state: RosterState,
        on: dt.date,
        held: Mapping[Place, CellFault],
    ) -> None:
        self.on = on
        self.records = records
        self.people = People(state)
        self.state = state
        self.units: dict[str, UnitDraft] = {}
        self.conflicts: dict[Place, CellFault] = {}
        self.troubled: dict[str, int] = {}
        self.moving: set[str] = set()
        self.named_by: dict[tuple[UnitDraft, OwnerDraft], Place] = {}
        self.current: dict[int, list[OwnershipState]] = {}
        for ownership in state.ownerships:
            self.current.setdefault(ownership.unit_id, []).append(ownership)
        self.order = {record.place: place for place, record in enumerate(records)}
        for record in sorted(records, key=_uncertainty):
            if isinstance(record, RefusedRow):
                self._trouble(record.number, record.place)
            elif found := held.get(record.place) or self._take(record):
                self.conflicts[record.place] = found
                self._trouble(record.key.number, record.place)
        self._back_to_order_of_file()
        self.ownerships = [draft for unit in self.units.values() for draft in self._ownerships(unit)]

    def _trouble(self, number: str | None, place: Place) -> None:
        if number:
            self.troubled.setdefault(number, place[1])

    def _take(self, row: RosterRow) -> CellFault | None:
        """Take a row into the drafts, whole or not at all; a fault says why not."""
        number = row.key.number
        unit = self.units.get(number) or UnitDraft(row.key, self.state.units.get(number))
        said = {name: value for name in _UNIT_FIELDS if (value := getattr(row, name)) is not None}
        for name, value in said.items():
            if name != "note" and unit.values.get(name, value) != value:
                return fault("conflict_unit", row.source.headings.get(name, name), other=unit.rows[0].source.row)
        building = row.key.building
        if self.state.estates > 1 and unit.state is None and building and building not in self.state.buildings:
            return fault("conflict_estate_unclear", building)
        found = [self.people.find(claim, number) for claim in row.owners]
        if wrong := next((owner for owner in found if owner is not None and not isinstance(owner, OwnerDraft)), None):
            return wrong
        known = [owner for owner in found if isinstance(owner, OwnerDraft)]
        if len(set(known)) < len(known):
            return fault("conflict_owner_unclear", str(len(known)))
        for claim, owner in zip(row.owners, found, strict=True):
            draft = self.people.accept(claim, number, owner if isinstance(owner, OwnerDraft) else None)
            unit.owners[draft] = unit.owners.get(draft) or claim.share
            named = self.named_by.get((unit, draft), row.place)
            self.named_by[unit, draft] = min(named, row.place, key=self.order.__getitem__)
        unit.take(said)
        unit.owned_from_on = unit.owned_from_on or row.owned_from_on
        unit.rows.append(row)
        self.units[number] = unit
        return None

    def _back_to_order_of_file(self) -> None:
        """Put units, their rows and owners in the order of the file: the first owner named is the one who pays."""
        for unit in self.units.values():
            unit.rows.sort(key=lambda row: self.order[row.place])
            unit.owners = dict(sorted(unit.owners.items(), key=lambda item: self.order[self.named_by[unit, item[0]]]))
        self.units = dict(sorted(self.units.items(), key=lambda item: self.order[item[1].rows[0].place]))

    @staticmethod
    def _as_refused(row: RosterRow, found: CellFault) -> RefusedCell:
        """Show a conflict on the cell it is about."""
        for code, identifier in (("owner_id", "documents"), ("owner", "owners"), ("conflict_unit", "area")):
            if code in found.code and identifier in row.source.headings:
                return row.source.refuse(identifier, found)
        return row.source.refuse("room", found)

    def unsafe_transfers(self) -> dict[Place, CellFault]:
        """Return all rows of each unit whose known owners would be joined or replaced while one of its rows is refused.

        All of them: a row in conflict with one that is now held back would otherwise be taken in its place.
        """
        return {
            record.place: self.conflicts.get(record.place)
            or fault("conflict_unit_incomplete", other=self.troubled[record.key.number])
            for record in self.records
            if isinstance(record, RosterRow) and record.key.number in self.moving and record.key.number in self.troubled
        }

    def _ownerships(self, unit: UnitDraft) -> list[OwnershipDraft]:
        """Return what becomes of a unit's ownerships; who is not named leaves only when somebody new arrives."""
        current = self.current.get(unit.state.id, []) if unit.state else []
        held_by = {ownership.owner_id: ownership for ownership in current}
        arriving = any(not owner.state or owner.state.id not in held_by for owner in unit.owners)
        named = {owner.state.id for owner in unit.owners if owner.state}
        if current and arriving:
            self.moving.add(unit.key.number)
        leaving = [ownership for ownership in current if arriving and ownership.owner_id not in named]
        begins_on = unit.owned_from_on or (self.on if leaving else unit.values.get("handed_over_on"))
        shares, payer = shares_of(unit.owners), _payer(unit, held_by)
        drafts = [self._ending(unit, ownership, begins_on or self.on) for ownership in leaving]
        for owner, given in unit.owners.items():
            ownership = held_by.get(owner.state.id) if owner.state else None
            if ownership is None:
                begun = {"share": shares[owner], "is_payer": owner is payer, "from_on": begins_on}
                drafts.append(OwnershipDraft(unit, owner, None, begun, Outcome.NEW))
                continue
            change: dict[str, Any] = {}
            if (given is not None or arriving) and ownership.share != shares[owner]:
                change["share"] = shares[owner]
            if arriving and ownership.is_payer != (owner is payer):
                change["is_payer"] = owner is payer
            drafts.append(OwnershipDraft(unit, owner, ownership, change, Outcome.CHANGED if change else Outcome.SAME))
        return drafts

    @staticmethod
    def _ending(unit: UnitDraft, ownership: OwnershipState, begins_on: dt.date) -> OwnershipDraft:
        """End an ownership on the day before the next begins, never before it began itself."""
        last = begins_on - dt.timedelta(days=1)
        to_on = max(last, ownership.from_on) if ownership.from_on else last
        return OwnershipDraft(unit, None, ownership, {"to_on": to_on}, Outcome.CHANGED)

    def plan(self) -> Plan:
        """Return the whole plan: what each row brings about, what is refused, what is counted."""
        units = [(unit, unit_change(unit, self.on)) for unit in self.units.values()]
        owners = [(owner, owner_change(owner)) for owner in self.people.drafts]
        for unit, change in units:
            unit.change = change
        tally = Tally(self.named_by)
        for unit, change in units:
            tally.unit(unit, change)
        for owner, change in owners:
            tally.owner(owner, change)
        names = {owner.id: owner.name for owner in self.state.owners}
        for ownership in self.ownerships:
            tally.ownership(ownership, names)
        return Plan(
            rows=[self._row(record, tally) for record in self.records],
            refused=self._refused(),
            subjects=tally.counts,
            drafts=RosterDrafts([unit for unit, _ in units], owners, self.ownerships),
            missing=self._missing(),
        )

    def _missing(self) -> dict[str, int]:
        """Count the lasting ownerships, and the units, that no row names."""
        named = {record.key.number for record in self.records if isinstance(record, RosterRow)}
        named |= {record.number for record in self.records if isinstance(record, RefusedRow) and record.number}
        units = {unit.id for number, unit in self.state.units.items() if number not in named}
        return {"units": len(units), "ownerships": sum(1 for one in self.state.ownerships if one.unit_id in units)}

    def _row(self, record: RosterRow | RefusedRow, tally: Tally) -> RowPlan:
        sheet, row = record.place
        if isinstance(record, RefusedRow):
            return RowPlan(sheet, row, Outcome.REFUSED, record.number or "", "")
        people = "、".join(claim.name for claim in record.owners)
        if record.place in self.conflicts:
            return RowPlan(sheet, row, Outcome.CONFLICT, record.key.number, people)
        facts = tuple(tally.facts.get(record.place, ()))
        return RowPlan(sheet, row, row_outcome(facts), record.key.number, people, facts)

    def _refused(self) -> list[RefusedCell]:
        refused: list[RefusedCell] = []
        for record in self.records:
            if isinstance(record, RefusedRow):
                refused.extend(record.faults)
            elif record.place in self.conflicts:
                refused.append(self._as_refused(record, self.conflicts[record.place]))
        return refused


def _uncertainty(record: RosterRow | RefusedRow) -> int:
    """Rank rows for reading: those with IDs first, then those with phones, so that bare names find whom they mean."""
    if isinstance(record, RefusedRow) or any(claim.id_number for claim in record.owners):
        return 0
    return 1 if any(claim.phones for claim in record.owners) else 2


def _payer(unit: UnitDraft, held_by: Mapping[int, OwnershipState]) -> OwnerDraft | None:
    """Return who is to pay: who does so already, else the first named."""
    for owner in unit.owners:
        ownership = held_by.get(owner.state.id) if owner.state else None
        if ownership and ownership.is_payer:
            return owner
    return next(iter(unit.owners), None)


def shares_of(owners: Mapping[OwnerDraft, Fraction | None]) -> dict[OwnerDraft, Decimal]:
    """Return everybody's share: as the file gives it, the rest in equal parts."""
    given = sum((share for share in owners.values() if share), Fraction(0))
    silent = sum(1 for share in owners.values() if not share)
    rest = (1 - given) / silent if silent and given < 1 else Fraction(1, max(len(owners), 1))
    return {owner: as_decimal(share or rest) for owner, share in owners.items()}
