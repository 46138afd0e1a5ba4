"""What becomes of a unit's ownerships: begun, changed, handed over to somebody else, ended, or left as they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from importers.columns import as_decimal
from importers.plan import Outcome
from importers.roster.drafts import OwnershipDraft
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from importers.roster.drafts import OwnerDraft, UnitDraft
    from importers.roster.state import OccupantState, OwnershipState

_WHOLE: Final = as_decimal(Fraction(1))


@dataclass(frozen=True, slots=True)
class Terms:
    """What ownerships are planned by: the day of the import, its mode, and when what is missing ends (None: never)."""

    on: dt.date
    mode: ImportMode = ImportMode.UPDATE
    ends_on: dt.date | None = None


@dataclass(slots=True)
class Turnover:
    """What becomes of the ownerships of one unit.

    ``is_moving``: owners are joined, replaced or ended, which no refused row of the unit may leave half done;
    ``is_transfer``: somebody leaves and somebody else comes; ``unnamed`` last although the file does not name them.
    """

    drafts: list[OwnershipDraft]
    is_moving: bool = False
    is_transfer: bool = False
    unnamed: int = 0


def turnover(unit: UnitDraft, current: Sequence[OwnershipState], terms: Terms) -> Turnover:
    """Return what becomes of a unit's ownerships.

    Who is not named leaves when somebody new arrives, the day before; else only where the file is to replace, or where
    people chose that what is missing ends.
    """
    held_by = {ownership.owner_id: ownership for ownership in current}
    arriving = [owner for owner in unit.owners if not owner.state or owner.state.id not in held_by]
    named = {owner.state.id for owner in unit.owners if owner.state}
    unnamed = [ownership for ownership in current if ownership.owner_id not in named]
    begins_on = min((unit.since.get(owner, terms.on) for owner in arriving), default=terms.on)
    drafts: list[OwnershipDraft] = []
    if unnamed and (arriving or terms.mode is ImportMode.REPLACE or terms.ends_on):
        last = begins_on - dt.timedelta(days=1) if arriving or not terms.ends_on else terms.ends_on
        drafts = [ending(ownership, last, unit) for ownership in unnamed]
    changes_circle = bool(arriving or drafts)
    shares = shares_of(unit.owners)
    payer = _payer(unit, held_by)
    fallback = terms.on if drafts else unit.values.get("handed_over_on")
    for owner, given in unit.owners.items():
        known = held_by.get(owner.state.id) if owner.state else None
        if known is None:
            begun = {"share": shares[owner], "is_payer": owner is payer, "from_on": unit.since.get(owner, fallback)}
            drafts.append(OwnershipDraft(unit, owner, None, begun, Outcome.NEW))
            continue
        change: dict[str, Any] = {}
        if (given is not None or changes_circle) and known.share != shares[owner] and terms.mode is not ImportMode.FILL:
            change["share"] = shares[owner]
        if changes_circle and known.is_payer != (owner is payer):
            change["is_payer"] = owner is payer
        change |= _since(known, unit.since.get(owner), terms.mode)
        drafts.append(OwnershipDraft(unit, owner, known, change, Outcome.CHANGED if change else Outcome.SAME))
    leaves = any("to_on" in draft.change for draft in drafts)
    return Turnover(
        drafts,
        is_moving=bool(current and changes_circle),
        is_transfer=bool(arriving and leaves),
        unnamed=0 if arriving or terms.mode is ImportMode.REPLACE else len(unnamed),
    )


def _since(known: OwnershipState, said: dt.date | None, mode: ImportMode) -> dict[str, dt.date]:
    """Return the day an ownership began, where the file says another and the mode lets it."""
    if said is None or said == known.from_on or (mode is ImportMode.FILL and known.from_on is not None):
        return {}
    return {"from_on": said}


def ending(ownership: OwnershipState, last: dt.date, unit: UnitDraft | None = None) -> OwnershipDraft:
    """End an ownership on its last day, never before it began itself."""
    return OwnershipDraft(unit, None, ownership, {"to_on": last_day(ownership, last)}, Outcome.CHANGED)


def last_day(lasting: OwnershipState | OccupantState, last: dt.date) -> dt.date:
    """Return the day on which something ends: never before it began."""
    return max(last, lasting.from_on) if lasting.from_on else last


def _payer(unit: UnitDraft, held_by: Mapping[int, OwnershipState]) -> OwnerDraft | None:
    """Return who is to pay: who does so already, else the first named."""
    for owner in unit.owners:
        ownership = held_by.get(owner.state.id) if owner.state else None
        if ownership and ownership.is_payer:
            return owner
    return next(iter(unit.owners), None)


def shares_of(owners: Mapping[OwnerDraft, Fraction | None]) -> dict[OwnerDraft, Decimal]:
    """Return everybody's share: as the file gives it, the rest in equal parts."""
    if len(owners) == 1 and not any(owners.values()):
        return dict.fromkeys(owners, _WHOLE)
    given = sum((share for share in owners.values() if share), Fraction(0))
    silent = sum(1 for share in owners.values() if not share)
    rest = (1 - given) / silent if silent and given < 1 else Fraction(1, max(len(owners), 1))
    return {owner: as_decimal(share or rest) for owner, share in owners.items()}
