"""The plan of a roster: what its rows would add to, or change in, units, owners, ownerships and occupants.

Unless people chose otherwise a blank never erases, a unit missing from the file is left alone, and a changed owner ends
the old ownership and begins the new, dated. Pure: the state is passed in, and so is the day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importers.choices import SOMEBODY_NEW, Choices
from importers.faults import RefusedCell, fault
from importers.plan import Outcome, Plan, RowPlan, row_outcome
from importers.roster.arrivals import Arrivals
from importers.roster.changes import owner_change, unit_change
from importers.roster.drafts import OccupantDraft, OwnerDraft, OwnershipDraft, RosterDrafts, UnitDraft
from importers.roster.identity import Doubt, People
from importers.roster.missing import Absent, absent
from importers.roster.occupants import occupancy
from importers.roster.ownerships import Terms, turnover
from importers.roster.plain import PlainRow
from importers.roster.planned import PlannedRows
from importers.roster.rows import RefusedRow, RosterRow
from importers.roster.sorting import sorted_out
from importers.roster.state import RosterState
from importers.roster.tally import Tally
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from importers.faults import CellFault
    from importers.roster.drafts import Place
    from importers.roster.sorting import Lasting, Record, Sorted
    from importers.roster.state import OccupantState, OwnershipState

_UNIT_FIELDS = ("area", "usage", "handover_state", "handed_over_on", "note")
_NEW_PERSON = "都不是，是另一个人（新建）"


def plan_roster(
    records: Sequence[Record],
    state: RosterState,
    on: dt.date,
    choices: Choices | None = None,
    held_back: Mapping[Place, CellFault] | None = None,
) -> Plan:
    """Return what `records` would do to `state` on the day `on`, as people chose.

    `held_back` are rows not to be carried out, with the reason: they come back as conflicts. A change of owners is held
    back too while another row of the same unit is refused, since half of it would be wrong. Rows that need no weighing
    are sorted out first, unless a row that does is about one of their owners.
    """
    held = dict(held_back or {})
    apart: set[int] = set()
    chosen = choices or Choices()
    lasting = _lasting(records, state)
    while True:
        found = sorted_out(records, state, lasting, chosen, (held, apart))
        planner = _Planner(found, state, lasting, on, chosen, held)
        more = planner.unsafe_transfers()
        shared = planner.known_owners().intersection(found.kept)
        if not more.keys() - held.keys() and not shared:
            return planner.plan()
        held |= more
        apart |= shared


def _lasting(records: Sequence[Record], state: RosterState) -> Lasting:
    """Return the ownerships and the occupants of each unit; no occupants where no sheet has a column of them."""
    owned: dict[int, list[OwnershipState]] = {}
    for ownership in state.ownerships:
        owned.setdefault(ownership.unit_id, []).append(ownership)
    lived_in: dict[int, list[OccupantState]] = {}
    for occupant in state.occupants if _has_occupants(records) else ():
        lived_in.setdefault(occupant.unit_id, []).append(occupant)
    return owned, lived_in


class _Planner:
    def __init__(
        self,
        found: Sorted,
        state: RosterState,
        lasting: Lasting,
        on: dt.date,
        choices: Choices,
        held: Mapping[Place, CellFault],
    ) -> None:
        self.found = found
        self.records = records = found.weighed
        self.arrivals = Arrivals(found.new, on)
        self.state = state
        self.choices = choices
        self.held = held
        self.people = People(state, (row.name for row in found.new if row.name)) if records else People(RosterState())
        self.units: dict[str, UnitDraft] = {}
        self.conflicts: dict[Place, CellFault] = {}
        self.doubts: dict[Place, tuple[str, Doubt]] = {}
        self.troubled: dict[str, int] = {}
        self.moving: set[str] = set()
        self.transfers: set[UnitDraft] = set()
        self.unlike: set[str] = set()
        """Units whose owners are other than the file's, left alone since only blanks are filled."""
        self.named_by: dict[tuple[UnitDraft, OwnerDraft], Place] = {}
        self.owned, self.lived_in = lasting
        self.order = {record.place: place for place, record in enumerate(records)}
        self._take_all()
        self._back_to_order_of_file()
        self.unreadable = sum(1 for record in records if isinstance(record, RefusedRow) and not record.number)
        self.terms = Terms(on, choices.mode, None if self.unreadable else choices.ends_on)
        self.ownerships: list[OwnershipDraft] = []
        self.occupants: list[OccupantDraft] = []
        self.unnamed = {"ownerships": 0, "occupants": 0}
        for unit in self.units.values():
            self._settle(unit)

    def _take_all(self) -> None:
        """Take the rows that can be taken, the surest first; the others are in conflict and trouble their unit."""
        for record in sorted(self.records, key=_uncertainty):
            if isinstance(record, RefusedRow):
                self._trouble(record.number, record.place)
            elif found := self.held.get(record.place) or self._take(record):
                self.conflicts[record.place] = found
                self._trouble(record.number, record.place)

    def _trouble(self, number: str | None, place: Place) -> None:
        if number:
            self.troubled.setdefault(number, place[1])

    def _take(self, row: RosterRow) -> CellFault | None:
        """Take a row into the drafts, whole or not at all; a fault says why not."""
        number = row.number
        unit = self.units.get(number) or UnitDraft(row.key, number, self.state.units.get(number))
        said = {name: value for name in _UNIT_FIELDS if (value := getattr(row, name)) is not None}
        for name, value in said.items():
            if name != "note" and unit.values.get(name, value) != value:
                return fault("conflict_unit", row.source.headings.get(name, name), other=unit.rows[0].source.row)
        building = row.key.building
        if self.state.estates > 1 and unit.state is None and building and building not in self.state.buildings:
            return fault("conflict_estate_unclear", building)
        found = self._whom(row)
        if not isinstance(found, list):
            return found
        self._own(unit, row, found)
        unit.take(said)
        if self.choices.mode is ImportMode.REPLACE:
            unit.blanks = row.blanks() if unit.blanks is None else unit.blanks & row.blanks()
        unit.rows.append(row)
        self.units[number] = unit
        return None

    def _whom(self, row: RosterRow) -> list[OwnerDraft | None] | CellFault:
        """Return whom each owner in a row means, by what is known and by what people answered; None: somebody new."""
        given: list[str] = []
        whom: list[OwnerDraft | None] = []
        for claim in row.owners:
            found = self.people.find(claim, row.number)
            if isinstance(found, Doubt):
                answers = self.choices.answers.get(row.place, "").split("/")
                answer = answers[len(given)] if len(given) < len(answers) else ""
                doubt, found = found, self.people.answered(found, answer)
                if isinstance(found, Doubt):
                    self.doubts[row.place] = ("".join(f"{one}/" for one in given), doubt)
                    return doubt.fault
                given.append(answer)
            whom.append(found)
        known = [owner for owner in whom if owner]
        return whom if len(set(known)) == len(known) else fault("conflict_owner_unclear", str(len(known)))

    def _own(self, unit: UnitDraft, row: RosterRow, whom: list[OwnerDraft | None]) -> None:
        """Let a row's owners own the unit; where only blanks are filled, one that has owners gets no others."""
        held_by: set[int] | None = None
        if self.choices.mode is ImportMode.FILL and unit.state and (current := self.owned.get(unit.state.id)):
            held_by = {ownership.owner_id for ownership in current}
        blanks = row.blanks() if self.choices.mode is ImportMode.REPLACE else frozenset[str]()
        for order, (claim, owner) in enumerate(zip(row.owners, whom, strict=True)):
            if held_by is not None and (owner is None or owner.state is None or owner.state.id not in held_by):
                self.unlike.add(unit.number)
                continue
            draft = self.people.accept(claim, unit.number, owner, row.place, order, blanks)
            unit.owners[draft] = unit.owners.get(draft) or claim.share
            if row.owned_from_on:
                unit.since.setdefault(draft, row.owned_from_on)
            named = self.named_by.get((unit, draft), row.place)
            self.named_by[unit, draft] = min(named, row.place, key=self.order.__getitem__)

    def _back_to_order_of_file(self) -> None:
        """Put units, their rows and owners in the order of the file: the first owner named is the one who pays."""
        for unit in self.units.values():
            if len(unit.rows) > 1:
                unit.rows.sort(key=lambda row: self.order[row.place])
                named = {owner: self.order[self.named_by[unit, owner]] for owner in unit.owners}
                unit.owners = dict(sorted(unit.owners.items(), key=lambda item: named[item[0]]))
        self.units = dict(sorted(self.units.items(), key=lambda item: self.order[item[1].rows[0].place]))

    def _settle(self, unit: UnitDraft) -> None:
        """Say what becomes of a unit's ownerships and occupants, now that all its rows are taken."""
        number = unit.number
        owned = self.owned.get(unit.state.id, []) if unit.state else []
        terms = self.terms
        if number in self.unlike or number in self.troubled:
            terms = Terms(terms.on, terms.mode)
        turned = turnover(unit, owned, terms)
        if turned.is_moving:
            self.moving.add(number)
        if turned.is_transfer:
            self.transfers.add(unit)
        self.ownerships += turned.drafts
        lived_in = self.lived_in.get(unit.state.id, []) if unit.state else []
        drafts, unnamed = occupancy(unit, lived_in, terms)
        if any("to_on" in draft.change for draft in drafts):
            self.moving.add(number)
        self.occupants += drafts
        if number not in self.troubled and number not in self.unlike:
            self.unnamed["ownerships"] += turned.unnamed
            self.unnamed["occupants"] += len(unnamed)

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
            or fault("conflict_unit_incomplete", other=self.troubled[record.number])
            for record in self.records
            if isinstance(record, RosterRow) and record.number in self.moving and record.number in self.troubled
        }

    def known_owners(self) -> set[int]:
        """Return the owners the office has whom a row that was weighed names."""
        return {owner.state.id for owner in self.people.drafts if owner.state}

    def plan(self) -> Plan:
        """Return the whole plan: what each row brings about, what is refused, what is counted."""
        mode = self.choices.mode
        owners = [(owner, owner_change(owner, mode)) for owner in self.people.drafts]
        tally = Tally(self.named_by, {owner.id: owner.name for owner in self.state.owners})
        for unit in self.units.values():
            unit.change = unit_change(unit, self.terms.on, mode)
            tally.unit(unit, unit.change)
        for owner, change in owners:
            tally.owner(owner, change)
        for draft in self.ownerships:
            if draft.unit:
                tally.ownership(draft, draft.unit.number, draft.unit.rows[0].place)
        for occupant in self.occupants:
            if occupant.unit:
                tally.occupant(occupant, occupant.unit.number, occupant.unit.rows[0].place)
        gone = self._absent(tally)
        described = self.people.described([doubt for _, doubt in self.doubts.values()])
        tally.count_plain(self.found, self.arrivals)
        weighed = [self._row(record, tally, described) for record in self.records]
        return Plan(
            rows=PlannedRows(self.found, weighed, gone.rows, self.arrivals),
            refused=[*self._refused(), *gone.refused],
            subjects=tally.counts,
            drafts=RosterDrafts(
                list(self.units.values()),
                owners,
                self.ownerships + gone.ownerships,
                self.occupants + gone.occupants,
                self.arrivals,
            ),
            notices=self._notices(),
            missing={name: count + self.unnamed.get(name, 0) for name, count in gone.counts.items()},
        )

    def _absent(self, tally: Tally) -> Absent:
        named = {record.number for record in self.found.records if record.number}
        return absent(self.state, (self.owned, self.lived_in), named, self.terms.ends_on, self.held, tally)

    def _notices(self) -> list[str]:
        notices: list[str] = []
        if self.transfers:
            notices.append(f"有 {len(self.transfers)} 套房换业主：原业主的产权到期终止，欠费仍记在原业主名下。")
        if self.people.namesakes:
            notices.append(
                f"有 {self.people.namesakes} 位新业主与另一位业主同名，又没有证件号和电话可以辨认，按不同的人录入。"
            )
        if self.unlike:
            notices.append(f"有 {len(self.unlike)} 套房登记的业主与文件不同，按「只补空白」没有更改。")
        if self.unreadable and self.choices.ends_on:
            notices.append(
                f"有 {self.unreadable} 行看不出是哪套房，所以没有终止任何「文件中没有」的产权和住户。请先改正这些行。"
            )
        return notices

    def _row(
        self, record: RosterRow | RefusedRow, tally: Tally, described: Mapping[OwnerDraft, tuple[str, str]]
    ) -> RowPlan:
        sheet, row = record.place
        if isinstance(record, RefusedRow):
            return RowPlan(sheet, row, Outcome.REFUSED, record.number or "", "")
        people = "、".join(claim.name for claim in record.owners)
        if record.place in self.conflicts:
            candidates = self._candidates(record.place, described)
            return RowPlan(sheet, row, Outcome.CONFLICT, record.number, people, (), candidates)
        facts = tuple(tally.facts.get(record.place, ()))
        is_transfer = (
            bool(self.transfers)
            and self.units[record.number] in self.transfers
            and any(fact.subject == "ownerships" and fact.outcome is not Outcome.SAME for fact in facts)
        )
        return RowPlan(sheet, row, row_outcome(facts), record.number, people, facts, is_transfer=is_transfer)

    def _candidates(self, place: Place, described: Mapping[OwnerDraft, tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return whom a row in doubt may mean, each with the answer that says so; nothing where it is no such doubt."""
        if place not in self.doubts or place in self.held:
            return ()
        before, doubt = self.doubts[place]
        choices = [(before + described[draft][0], described[draft][1]) for draft in doubt.candidates]
        if doubt.may_be_new:
            choices.append((before + SOMEBODY_NEW, _NEW_PERSON))
        return tuple(choices)

    def _refused(self) -> list[RefusedCell]:
        refused: list[RefusedCell] = []
        for record in self.records:
            if isinstance(record, RefusedRow):
                refused.extend(record.faults)
            elif record.place in self.conflicts:
                refused.append(self._as_refused(record, self.conflicts[record.place]))
        return refused


def _has_occupants(records: Sequence[Record]) -> bool:
    """Tell whether any sheet has a column of occupants: else the file says nothing about them."""
    headings = {id(named): named for record in records if (named := _headings(record))}
    return any("occupants" in named for named in headings.values())


def _headings(record: Record) -> Mapping[str, str]:
    if isinstance(record, PlainRow):
        return record.reader.headings
    return record.source.headings if isinstance(record, RosterRow) else {}


def _uncertainty(record: RosterRow | RefusedRow) -> int:
    """Rank rows for reading: those with IDs first, then those with phones, so that bare names find whom they mean."""
    if isinstance(record, RefusedRow) or any(claim.id_number or claim.own_number for claim in record.owners):
        return 0
    return 1 if any(claim.phones for claim in record.owners) else 2
