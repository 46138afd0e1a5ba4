"""What becomes of the people who live in a unit: added, changed, ended, or left as they are.

Within one unit a name is enough; two of one name are told apart by their phone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from importers.plan import Outcome
from importers.roster.drafts import OccupantDraft
from importers.roster.identity import comparable_name
from importers.roster.ownerships import last_day
from importers.roster.phones import known_phones
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importers.roster.drafts import UnitDraft
    from importers.roster.ownerships import Terms
    from importers.roster.rows import OccupantClaim
    from importers.roster.state import OccupantState


def occupancy(
    unit: UnitDraft, current: Sequence[OccupantState], terms: Terms
) -> tuple[list[OccupantDraft], Sequence[OccupantState]]:
    """Return what becomes of a unit's occupants, and who of them lasts although the file does not name them."""
    claims = _merged(unit)
    left = list(current)
    drafts = [_draft(unit, claim, left, terms, is_first=not current) for claim in claims]
    names = {claim.name for claim in claims}
    unnamed = [state for state in left if comparable_name(state.name) not in names]
    if unnamed and (terms.ends_on or terms.mode is ImportMode.REPLACE):
        last = terms.ends_on or terms.on - dt.timedelta(days=1)
        drafts += [ending(state, last, unit) for state in unnamed]
    is_ended = terms.mode is ImportMode.REPLACE
    return [draft for draft in drafts if draft is not None], () if is_ended else unnamed


def ending(state: OccupantState, last: dt.date, unit: UnitDraft | None = None) -> OccupantDraft:
    """End somebody's living in a unit on its last day."""
    return OccupantDraft(unit, None, state, {"to_on": last_day(state, last)}, Outcome.CHANGED)


def _merged(unit: UnitDraft) -> list[OccupantClaim]:
    """Return the people the unit's rows name, each once: the same name with another phone is another person."""
    claims: list[OccupantClaim] = []
    for row in unit.rows:
        for claim in row.occupants:
            twin = next((one for one in claims if one.name == claim.name and _may_be_one(one, claim)), None)
            if twin is None:
                claims.append(claim)
            else:
                both = replace(twin, phone=twin.phone or claim.phone, relation=twin.relation or claim.relation)
                claims[claims.index(twin)] = both
    return claims


def _may_be_one(one: OccupantClaim, other: OccupantClaim) -> bool:
    return one.phone == other.phone or one.phone is None or other.phone is None


def _draft(
    unit: UnitDraft, claim: OccupantClaim, left: list[OccupantState], terms: Terms, *, is_first: bool
) -> OccupantDraft | None:
    """Return what becomes of one person; None for a new one where only blanks are filled and somebody lives there."""
    named = [state for state in left if comparable_name(state.name) == claim.name]
    known = next((state for state in named if _phone_of(state) == claim.phone), named[0] if named else None)
    if known is None:
        if terms.mode is ImportMode.FILL and not is_first:
            return None
        begun = {"name": claim.name, "phone": claim.phone, "relation": claim.relation or claim.likely}
        return OccupantDraft(unit, claim, None, begun | {"from_on": None}, Outcome.NEW)
    left.remove(known)
    change = _changed(known, claim, terms.mode)
    return OccupantDraft(unit, claim, known, change, Outcome.CHANGED if change else Outcome.SAME)


def _changed(known: OccupantState, claim: OccupantClaim, mode: ImportMode) -> dict[str, Any]:
    change: dict[str, Any] = {}
    if claim.phone and claim.phone != _phone_of(known) and (mode is not ImportMode.FILL or not known.phone):
        change["phone"] = claim.phone
    elif known.phone and claim.has_blank_phone and mode is ImportMode.REPLACE:
        change["phone"] = None
    if claim.relation and claim.relation is not known.relation and mode is not ImportMode.FILL:
        change["relation"] = claim.relation
    return change


def _phone_of(state: OccupantState) -> str | None:
    return "、".join(number for number, _ in known_phones(None, state.phone)) or None
