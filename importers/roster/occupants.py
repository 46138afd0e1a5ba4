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
    known = _known(claims, left)
    reached = {claim.name for claim in claims if claim.phone}
    drafts = [
        _draft(unit, claim, known.get(place), terms)
        for place, claim in enumerate(claims)
        if place in known or claim.phone or claim.name not in reached
    ]
    names = {claim.name for claim in claims}
    unnamed = [state for state in left if comparable_name(state.name) not in names]
    staying = len(current) - (len(unnamed) if terms.ends_on else 0)
    if terms.mode is ImportMode.FILL and staying:
        drafts = [draft for draft in drafts if draft.state]
    if unnamed and (terms.ends_on or terms.mode is ImportMode.REPLACE):
        last = terms.ends_on or terms.on - dt.timedelta(days=1)
        drafts += [ending(state, last, unit) for state in unnamed]
    is_ended = terms.mode is ImportMode.REPLACE
    return drafts, () if is_ended else unnamed


def ending(state: OccupantState, last: dt.date, unit: UnitDraft | None = None) -> OccupantDraft:
    """End somebody's living in a unit on its last day."""
    return OccupantDraft(unit, None, state, {"to_on": last_day(state, last)}, Outcome.CHANGED)


def _merged(unit: UnitDraft) -> list[OccupantClaim]:
    """Return the people the unit's rows name, each once; another phone is another person."""
    claims: dict[tuple[str, str | None], OccupantClaim] = {}
    for row in unit.rows:
        for claim in row.occupants:
            twin = claims.setdefault((claim.name, claim.phone), claim)
            if claim.relation and not twin.relation:
                claims[claim.name, claim.phone] = replace(twin, relation=claim.relation)
    return list(claims.values())


def _known(claims: Sequence[OccupantClaim], left: list[OccupantState]) -> dict[int, OccupantState]:
    """Return place of a claim → whom it means, taken out of ``left``: who has name and phone, else who has the name."""
    known: dict[int, OccupantState] = {}
    for is_exact in (True, False):
        for place, claim in enumerate(claims):
            named = [] if place in known else [one for one in left if comparable_name(one.name) == claim.name]
            meant = next((one for one in named if not is_exact or _numbers(one.phone) == _numbers(claim.phone)), None)
            if meant:
                known[place] = meant
                left.remove(meant)
    return known


def _draft(unit: UnitDraft, claim: OccupantClaim, known: OccupantState | None, terms: Terms) -> OccupantDraft:
    if known is None:
        begun = {"name": claim.name, "phone": claim.phone, "relation": claim.relation or claim.likely}
        return OccupantDraft(unit, claim, None, begun | {"from_on": None}, Outcome.NEW)
    change = _changed(known, claim, terms.mode)
    return OccupantDraft(unit, claim, known, change, Outcome.CHANGED if change else Outcome.SAME)


def _changed(known: OccupantState, claim: OccupantClaim, mode: ImportMode) -> dict[str, Any]:
    change: dict[str, Any] = {}
    says_other = claim.phone and _numbers(claim.phone) != _numbers(known.phone)
    if says_other and (mode is not ImportMode.FILL or not known.phone):
        change["phone"] = claim.phone
    elif known.phone and claim.has_blank_phone and mode is ImportMode.REPLACE:
        change["phone"] = None
    if claim.relation and claim.relation is not known.relation and mode is not ImportMode.FILL:
        change["relation"] = claim.relation
    return change


def _numbers(phone: str | None) -> set[str]:
    return {number for number, _ in known_phones(None, phone)}
