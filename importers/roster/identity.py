"""Whom a name in a row stands for: by ID number, else by phone and name, else the same name at the same unit.

A row of our own export says it by the owner's number. Nobody is merged on the name alone; where two people would fit,
the row is in doubt: a question that people answer by choosing one of the candidates, or somebody new.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from importers.cells import plain
from importers.choices import SOMEBODY_NEW
from importers.faults import CellFault, fault
from importers.people import as_name
from importers.roster.drafts import OwnerDraft
from importers.roster.phones import known_phones

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importers.roster.drafts import Place
    from importers.roster.rows import OwnerClaim
    from importers.roster.state import RosterState

_SIMPLE = re.compile(r"[\u4e00-\u9fff]+")


class Doubt(NamedTuple):
    """A claim of which it cannot be told whom it means: why, whom it may mean, and whether it may be somebody new."""

    fault: CellFault
    candidates: tuple[OwnerDraft, ...] = ()
    may_be_new: bool = True


class People:
    """The owners known so far, from the office and from the rows already read, and how each can be recognised.

    ``arriving`` are the names of people the file names beside them, none of whom any claim can mean.
    """

    def __init__(self, state: RosterState, arriving: Iterable[str] = ()) -> None:
        self.drafts: list[OwnerDraft] = []
        """The owners the file names, in its order."""
        self._names = set(arriving)
        """The names of all but those of whom nothing else is known: these are counted in ``_bare``."""
        self._bare: Counter[str] = Counter()
        self._by_number: dict[int, OwnerDraft] = {}
        self._by_document: dict[str, OwnerDraft] = {}
        self._by_phone: dict[tuple[str, str], list[OwnerDraft]] = {}
        self._at_unit: dict[str, list[OwnerDraft]] = {}
        self._disputed: set[OwnerDraft] = set()
        """Those without an ID who may be somebody with one: no other ID is given to them either."""
        for owner in state.owners:
            draft = OwnerDraft(comparable_name(owner.name), owner.kind, state=owner, id_number=owner.id_number)
            self._by_number[owner.id] = draft
            self._names.add(draft.name)
            self._learn(draft, draft.name, [number for number, _ in known_phones(owner.phone, owner.other_phones)])
        numbers = {unit.id: number for number, unit in state.units.items()}
        for ownership in state.ownerships:
            owned_by = self._by_number.get(ownership.owner_id)
            if ownership.unit_id in numbers and owned_by:
                self._at_unit.setdefault(numbers[ownership.unit_id], []).append(owned_by)

    @property
    def namesakes(self) -> int:
        """Return how many new people have the name of somebody else, and nothing that tells whether they are them."""
        return sum(count - (name not in self._names) for name, count in self._bare.items())

    def at(self, number: str) -> list[OwnerDraft]:
        """Return the owners of a unit: those the office has, then those the file has named."""
        return self._at_unit.get(number, [])

    def find(self, claim: OwnerClaim, number: str) -> OwnerDraft | Doubt | None:
        """Return whom a claim at a unit means, None for somebody new, a doubt where it cannot be told."""
        own = self._by_number.get(claim.own_number) if claim.own_number else None
        if own is not None:
            return self._confirmed(own, claim)
        here = [draft for draft in self.at(number) if draft.is_called(claim.name)]
        if claim.id_number and (known := self._by_document.get(claim.id_number)):
            if not known.is_called(claim.name):
                return Doubt(fault("conflict_owner_name", known.name), (known,))
            doubles = [draft for draft in here if draft is not known and draft.id_number is None]
            self._disputed.update(doubles)
            unclear = fault("conflict_owner_unclear", str(len(doubles) + 1))
            return Doubt(unclear, (known, *doubles), may_be_new=False) if doubles else known
        reached = self._reached(claim)
        differing = [draft for draft in here if self._differs(draft, claim)]
        if (differing and not reached) or (reached and all(self._differs(draft, claim) for draft in reached)):
            return Doubt(fault("conflict_owner_id", claim.name), tuple(_unique([*reached, *here])))
        fitting = [draft for draft in reached if not self._differs(draft, claim)]
        both = [draft for draft in fitting if draft in here]
        candidates = both or _unique(fitting + [draft for draft in here if not self._differs(draft, claim)])
        if len(candidates) > 1 or (claim.id_number and not self._disputed.isdisjoint(candidates)):
            self._disputed.update(candidates)
            return Doubt(fault("conflict_owner_unclear", str(max(len(candidates), 2))), tuple(candidates))
        return candidates[0] if candidates else None

    def answered(self, doubt: Doubt, answer: str) -> OwnerDraft | Doubt | None:
        """Return whom people said a claim means, None for somebody new; the doubt itself where they did not say."""
        if answer == SOMEBODY_NEW and doubt.may_be_new:
            return None
        return next((draft for draft in doubt.candidates if answer in _keys(draft)), doubt)

    def accept(
        self,
        claim: OwnerClaim,
        number: str,
        draft: OwnerDraft | None,
        place: Place,
        order: int,
        blanks: frozenset[str] = frozenset(),
    ) -> OwnerDraft:
        """Take a claim as true: remember what it adds about a known owner, or begin a new one.

        ``order`` is which of the row's owners this is; ``blanks`` are the columns the row leaves blank.
        """
        if draft is None:
            if claim.id_number or claim.phones:
                self._names.add(claim.name)
            else:
                self._bare[claim.name] += 1
            draft = OwnerDraft(claim.name, claim.kind)
        if not draft.named:
            draft.named = True
            draft.first_named = (place, order)
            self.drafts.append(draft)
        if claim.name == draft.name:
            draft.keeps_name = True
        elif draft.state and draft.new_name is None:
            draft.new_name = claim.name
            self._names.add(claim.name)
        if claim.id_number and self._by_document.get(claim.id_number) is None:
            draft.id_number = claim.id_number
        draft.email = draft.email or claim.email
        draft.blanks = blanks if draft.blanks is None else draft.blanks & blanks
        known = {phone for phone, _ in draft.phones}
        draft.phones.extend(entry for entry in claim.phones if entry[0] not in known)
        self._learn(draft, claim.name, [phone for phone, _ in claim.phones])
        residents = self._at_unit.setdefault(number, [])
        if draft not in residents:
            residents.append(draft)
        return draft

    def described(self, doubts: Sequence[Doubt]) -> dict[OwnerDraft, tuple[str, str]]:
        """Return each candidate of some doubts: what an answer calls them, and what people read."""
        wanted = {draft for doubt in doubts for draft in doubt.candidates}
        units: dict[OwnerDraft, list[str]] = {draft: [] for draft in wanted}
        if wanted:
            for number, residents in self._at_unit.items():
                for draft in wanted.intersection(residents):
                    units[draft].append(number)
        return {draft: (_keys(draft)[0], _portrait(draft, units[draft])) for draft in wanted}

    def _confirmed(self, own: OwnerDraft, claim: OwnerClaim) -> OwnerDraft | Doubt:
        """Return the owner of that number, as long as the name, the ID or a phone says the same."""
        holder = self._by_document.get(claim.id_number) if claim.id_number else None
        if holder is not None and holder is not own:
            return Doubt(fault("conflict_owner_name", holder.name), (own,), may_be_new=False)
        is_sure = own.is_called(claim.name) or holder is own
        if not is_sure and own.state:
            phones = dict(known_phones(own.state.phone, own.state.other_phones))
            is_sure = any(number in phones for number, _ in claim.phones)
        return own if is_sure else Doubt(fault("conflict_owner_number", own.name), (own,))

    def _reached(self, claim: OwnerClaim) -> list[OwnerDraft]:
        return _unique([draft for phone, _ in claim.phones for draft in self._by_phone.get((phone, claim.name), [])])

    def _learn(self, draft: OwnerDraft, name: str, phones: list[str]) -> None:
        if draft.id_number:
            self._by_document.setdefault(draft.id_number, draft)
        for phone in phones:
            reached = self._by_phone.setdefault((phone, name), [])
            if draft not in reached:
                reached.append(draft)

    @staticmethod
    def _differs(draft: OwnerDraft, claim: OwnerClaim) -> bool:
        return bool(draft.id_number and claim.id_number and draft.id_number != claim.id_number)


def comparable_name(name: str) -> str:
    """Return a name as a cell with it would be read."""
    return name if _SIMPLE.fullmatch(name) else as_name(plain(name))


def _keys(draft: OwnerDraft) -> list[str]:
    """Return what an answer may call somebody: the owner's id, and the row that first names them; without a slash."""
    keys = [str(draft.state.id)] if draft.state else []
    if draft.first_named:
        (sheet, row), order = draft.first_named
        keys.append(f"@{row}.{order}@{quote(sheet.encode('utf-8', 'replace'), safe='')}")
    return keys


def _portrait(draft: OwnerDraft, units: list[str]) -> str:
    """Return enough to tell somebody from somebody else, no more: the ends of their numbers, a few of their units."""
    phones = known_phones(draft.state.phone, draft.state.other_phones) if draft.state else draft.phones
    marks = [
        "、".join(units[:3]),
        f"电话尾号 {phones[0][0][-4:]}" if phones else "",
        f"证件尾号 {draft.id_number[-4:]}" if draft.id_number else "",
        "" if draft.state else "本文件中的另一行",
    ]
    return f"{draft.name}（{'；'.join(filter(None, marks)) or '没有其他登记'}）"


def _unique(drafts: list[OwnerDraft]) -> list[OwnerDraft]:
    return list(dict.fromkeys(drafts))
