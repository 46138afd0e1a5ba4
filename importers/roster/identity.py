"""Whom a name in a row stands for: by ID number, else by phone and name, else the same name at the same unit.

Nobody is merged on the name alone; where two people would fit, the row becomes a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from importers.faults import CellFault, fault
from importers.roster.drafts import OwnerDraft

if TYPE_CHECKING:
    from importers.roster.rows import OwnerClaim
    from importers.roster.state import OwnerState, RosterState


class People:
    """The owners known so far, from the office and from the rows already read, and how each can be recognised."""

    def __init__(self, state: RosterState) -> None:
        self.drafts: list[OwnerDraft] = []
        """The owners the file names, in its order."""
        self._by_document: dict[str, OwnerDraft] = {}
        self._by_phone: dict[tuple[str, str], list[OwnerDraft]] = {}
        self._at_unit: dict[str, list[OwnerDraft]] = {}
        self._disputed: set[OwnerDraft] = set()
        """Those without an ID who may be somebody with one: no other ID is given to them either."""
        by_id: dict[int, OwnerDraft] = {}
        for owner in state.owners:
            draft = OwnerDraft(owner.name, owner.kind, state=owner, id_number=owner.id_number)
            by_id[owner.id] = draft
            self._learn(draft, [number for number, _ in known_phones(owner)])
        numbers = {unit.id: number for number, unit in state.units.items()}
        for ownership in state.ownerships:
            if ownership.unit_id in numbers and ownership.owner_id in by_id:
                self._at_unit.setdefault(numbers[ownership.unit_id], []).append(by_id[ownership.owner_id])

    def at(self, number: str) -> list[OwnerDraft]:
        """Return the owners of a unit: those the office has, then those the file has named."""
        return self._at_unit.get(number, [])

    def find(self, claim: OwnerClaim, number: str) -> OwnerDraft | CellFault | None:
        """Return whom a claim at a unit means, None for somebody new, a fault where it cannot be told."""
        here = [draft for draft in self.at(number) if draft.name == claim.name]
        if claim.id_number and (known := self._by_document.get(claim.id_number)):
            if known.name != claim.name:
                return fault("conflict_owner_name", known.name)
            doubles = [draft for draft in here if draft is not known and draft.id_number is None]
            self._disputed.update(doubles)
            return fault("conflict_owner_unclear", str(len(doubles) + 1)) if doubles else known
        reached = self._reached(claim)
        if any(self._differs(draft, claim) for draft in here) and not reached:
            return fault("conflict_owner_id", claim.name)
        if reached and all(self._differs(draft, claim) for draft in reached):
            return fault("conflict_owner_id", claim.name)
        fitting = [draft for draft in reached if not self._differs(draft, claim)]
        both = [draft for draft in fitting if draft in here]
        candidates = both or _unique(fitting + [draft for draft in here if not self._differs(draft, claim)])
        if len(candidates) > 1 or (claim.id_number and not self._disputed.isdisjoint(candidates)):
            self._disputed.update(candidates)
            return fault("conflict_owner_unclear", str(max(len(candidates), 2)))
        return candidates[0] if candidates else None

    def accept(self, claim: OwnerClaim, number: str, draft: OwnerDraft | None) -> OwnerDraft:
        """Take a claim as true: remember what it adds about a known owner, or begin a new one."""
        if draft is None:
            draft = OwnerDraft(claim.name, claim.kind)
        if not draft.named:
            draft.named = True
            self.drafts.append(draft)
        draft.id_number = draft.id_number or claim.id_number
        draft.email = draft.email or claim.email
        known = {phone for phone, _ in draft.phones}
        draft.phones.extend(entry for entry in claim.phones if entry[0] not in known)
        self._learn(draft, [phone for phone, _ in claim.phones])
        residents = self._at_unit.setdefault(number, [])
        if draft not in residents:
            residents.append(draft)
        return draft

    def _reached(self, claim: OwnerClaim) -> list[OwnerDraft]:
        return _unique([draft for phone, _ in claim.phones for draft in self._by_phone.get((phone, claim.name), [])])

    def _learn(self, draft: OwnerDraft, phones: list[str]) -> None:
        if draft.id_number:
            self._by_document.setdefault(draft.id_number, draft)
        for phone in phones:
            reached = self._by_phone.setdefault((phone, draft.name), [])
            if draft not in reached:
                reached.append(draft)

    @staticmethod
    def _differs(draft: OwnerDraft, claim: OwnerClaim) -> bool:
        return bool(draft.id_number and claim.id_number and draft.id_number != claim.id_number)


def known_phones(owner: OwnerState) -> list[tuple[str, str]]:
    """Return the phones the office has of an owner, each with its label."""
    phones = [(owner.phone, "")] if owner.phone else []
    for entry in filter(None, (owner.other_phones or "").split("、")):
        label, _, number = entry.rpartition("：")
        phones.append((number, label))
    return phones


def _unique(drafts: list[OwnerDraft]) -> list[OwnerDraft]:
    return list(dict.fromkeys(drafts))
