"""Who rents a space from when to when: a lease goes on, is new, follows another, or contradicts it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from importers.faults import CellFault, fault
from importers.things.drafts import Draft, Link, empty_fields
from importers.things.parking_rows import LEASE_FIELDS
from tenant.rules.parking import LeaseTerm
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from importers.things.parking_rows import ParkingRow
    from importers.things.parking_state import LeaseState, ParkingState

LEASE = {
    "lessee_name": "承租人",
    "owner": "业主",
    "vehicle": "车辆",
    "monthly_rent": "月租",
    "from_on": "起租日",
    "to_on": "止租日",
}
_NEW: dict[str, Any] = dict.fromkeys(LEASE)
_A_DAY = dt.timedelta(days=1)


@dataclass(slots=True, eq=False)
class LeaseDraft(Draft):
    """A lease of the space of that number; ``term`` is from when to when, as the file would have it."""

    space: str = ""
    lessee: str = ""
    term: LeaseTerm = field(default_factory=lambda: LeaseTerm(dt.date.min))

    @classmethod
    def of(cls, state: LeaseState) -> LeaseDraft:
        """Return the draft of a lease the office has."""
        term = LeaseTerm(state.from_on, state.to_on)
        name = f"{state.space} {state.lessee_name}"
        return cls("leases", name, state, space=state.space, lessee=state.lessee_name, term=term)

    def end_on(self, day: dt.date) -> bool:
        """End a known lease on ``day``, on its first at the earliest; tell whether that changes anything."""
        last = max(day, self.term.from_on)
        if self.term.to_on is not None and self.term.to_on <= last:
            return False
        self.term = LeaseTerm(self.term.from_on, last)
        self.change = {**self.change, "to_on": last}
        return True


class Leases:
    """The leases of all spaces, as the file would have them."""

    def __init__(self, state: ParkingState, on: dt.date, mode: ImportMode) -> None:
        self.on = on
        self.mode = mode
        self._of: dict[str, list[LeaseDraft]] = {}
        self._ended: dict[LeaseDraft, None] = {}
        self._named: dict[LeaseDraft, None] = {}
        for lease in state.leases:
            self._of.setdefault(lease.space, []).append(LeaseDraft.of(lease))

    def take(self, row: ParkingRow, space: str, vehicle: Link | None, owner: Link | None) -> bool | CellFault:
        """Take what a row says of the lease of its space; tell whether it ends somebody else's.

        The fault says what it contradicts; then nothing was taken.
        """
        claim = row.lease
        if claim is None:
            return False
        if claim.from_on is None and claim.to_on is not None and claim.to_on < self.on and not self._known(row, space):
            return fault("lease_start_missing", claim.to_on.isoformat())
        said = {"vehicle": vehicle, "owner": owner, "monthly_rent": claim.rent, "to_on": claim.to_on}
        values = {name: value for name, value in said.items() if value is not None}
        known = self._known(row, space)
        if known is not None:
            return self._go_on(known, row, values)
        return self._begin(row, space, values)

    def written(self) -> list[LeaseDraft]:
        """Return the leases the file names and those it ends, ends first: a space is free before it is let."""
        return list(dict.fromkeys([*self._ended, *self._named]))

    def missing(self, doubtful: Collection[str]) -> list[LeaseDraft]:
        """Return the leases that last and that the file neither names nor ends, but those of spaces in doubt."""
        return [
            lease
            for leases in self._of.values()
            for lease in leases
            if lease.state is not None
            and lease not in self._named
            and lease not in self._ended
            and lease.space not in doubtful
            and (lease.term.to_on is None or lease.term.to_on >= self.on)
        ]

    def _known(self, row: ParkingRow, space: str) -> LeaseDraft | None:
        """Return the lease a row goes on about: the same person's from the same day, else the one that lasts."""
        claim = row.lease
        own = [lease for lease in self._of.get(space, ()) if claim and lease.lessee == claim.lessee]
        if claim is None or claim.from_on is None:
            lasting = next((lease for lease in own if not self._is_over(lease.term)), None)
            ended = (lease for lease in own if claim and claim.to_on and lease.term.to_on == claim.to_on)
            return lasting or next(ended, None)
        same = next((lease for lease in own if lease.term.from_on == claim.from_on), None)
        later = (lease for lease in own if claim.from_on < lease.term.from_on)
        return same or next((one for one in later if one.term.overlaps(LeaseTerm(claim.from_on, claim.to_on))), None)

    def _go_on(self, lease: LeaseDraft, row: ParkingRow, values: dict[str, Any]) -> bool | CellFault:
        """Take what a row says of a lease that is known: its terms may change, but not into another's time."""
        claim = row.lease
        if claim and claim.from_on:
            values["from_on"] = claim.from_on
        if "vehicle" in lease.values:  # a row for each plate: the first is the lease's
            values.pop("vehicle", None)
        if name := lease.differs(values):
            return fault("conflict_thing", f"{lease.name} {LEASE[name]}", other=lease.said_by[name])
        trial = LeaseDraft("leases", lease.name, lease.state, lease.place, dict(lease.values), named=lease.named)
        trial.empty = set(lease.empty)
        trial.take(values, empty_fields(row.source, LEASE_FIELDS), row.place)
        change = self._with_end(lease, trial)
        term = _term_after(lease, change)
        if term.to_on is not None and term.to_on < term.from_on:
            return fault("lease_reversed", term.to_on.isoformat())
        if lease.named and self._is_over(term) and not self._is_over(lease.term):
            return fault("conflict_thing", f"{lease.name} {LEASE['to_on']}", other=lease.place[1])
        other = next((one for one in self._of[lease.space] if one is not lease and one.term.overlaps(term)), None)
        if other is not None:
            return fault("conflict_lease", other.lessee, day=other.term.from_on)
        lease.take(values, empty_fields(row.source, LEASE_FIELDS), row.place)
        lease.change, lease.term = change, term
        self._named[lease] = None
        return False

    def _with_end(self, lease: LeaseDraft, trial: LeaseDraft) -> dict[str, Any]:
        """Return what would change in a lease; an end that another row gave it stays, unless this one takes it back."""
        trial.settle(self.mode, self._otherwise(lease))
        if lease not in self._ended:
            return trial.change
        is_erased = self.mode is ImportMode.REPLACE and "to_on" in trial.empty
        return {"to_on": None if is_erased else lease.term.to_on} | trial.change

    def _begin(self, row: ParkingRow, space: str, values: dict[str, Any]) -> bool | CellFault:
        """Begin a lease; those that last till then end on the day before."""
        claim = row.lease
        if claim is None:
            return False
        term = LeaseTerm(claim.from_on or self.on, claim.to_on)
        clashes = [lease for lease in self._of.get(space, ()) if lease.term.overlaps(term)]
        if clashes and self.mode is ImportMode.FILL:
            for lease in clashes:
                lease.place = lease.place if lease.named else row.place
                self._named[lease] = None
            return False
        if wrong := next((one for one in clashes if one.named or one.term.from_on >= term.from_on), None):
            return fault("conflict_lease", wrong.lessee, day=wrong.term.from_on)
        for lease in clashes:
            lease.end_on(term.from_on - _A_DAY)
            lease.place = row.place
            self._ended[lease] = None
        begun = LeaseDraft("leases", f"{space} {claim.lessee}", space=space, lessee=claim.lessee, term=term)
        begun.take({**values, "from_on": term.from_on, "lessee_name": claim.lessee}, (), row.place)
        begun.settle(self.mode, _NEW)
        self._of.setdefault(space, []).append(begun)
        self._named[begun] = None
        return any(lease.lessee != claim.lessee for lease in clashes)

    def _is_over(self, term: LeaseTerm) -> bool:
        return term.to_on is not None and term.to_on < self.on

    @staticmethod
    def _otherwise(lease: LeaseDraft) -> Mapping[str, Any]:
        return _NEW if lease.state is None else dict.fromkeys(LEASE_FIELDS.values())


def _term_after(lease: LeaseDraft, change: Mapping[str, Any]) -> LeaseTerm:
    held = lease.term
    return LeaseTerm(change.get("from_on", held.from_on), change.get("to_on", held.to_on))
