"""What lasts although no row of the file names it: always counted, ended only where people chose a day.

A row that cannot be read may be about any unit; while there is one, nothing that is missing is ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importers.faults import RefusedCell
from importers.plan import NOT_IN_FILE, Outcome, RowPlan
from importers.roster import occupants, ownerships

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from importers.faults import CellFault
    from importers.roster.drafts import OccupantDraft, OwnershipDraft, Place
    from importers.roster.state import OccupantState, OwnershipState, RosterState, UnitState
    from importers.roster.tally import Tally


@dataclass(slots=True)
class Absent:
    """What is not in the file: how much of each subject, and what of it ends."""

    counts: dict[str, int] = field(default_factory=lambda: {"units": 0, "ownerships": 0, "occupants": 0})
    ownerships: list[OwnershipDraft] = field(default_factory=list)
    occupants: list[OccupantDraft] = field(default_factory=list)
    rows: list[RowPlan] = field(default_factory=list)
    refused: list[RefusedCell] = field(default_factory=list)


def absent(
    state: RosterState,
    lasting: tuple[Mapping[int, Sequence[OwnershipState]], Mapping[int, Sequence[OccupantState]]],
    named: Collection[str],
    ends_on: dt.date | None,
    held: Mapping[Place, CellFault],
    tally: Tally,
) -> Absent:
    """Return what the office has of units that no row names, and end it on ``ends_on`` where that is a day."""
    found = Absent()
    for number, unit in state.units.items():
        if number in named:
            continue
        owned, lived_in = lasting[0].get(unit.id, ()), lasting[1].get(unit.id, ())
        found.counts["units"] += 1
        found.counts["ownerships"] += len(owned)
        found.counts["occupants"] += len(lived_in)
        if ends_on and (owned or lived_in):
            place = (NOT_IN_FILE, unit.id)
            if place in held:
                _hold_back(found, unit, held[place])
                continue
            drafts = [ownerships.ending(one, ends_on) for one in owned]
            leaving = [occupants.ending(one, ends_on) for one in lived_in]
            for draft in drafts:
                tally.ownership(draft, number, place)
            for occupant in leaving:
                tally.occupant(occupant, number, place)
            people = "、".join(tally.names.get(one.owner_id, "") for one in owned)
            facts = tuple(tally.facts[place])
            found.rows.append(RowPlan(*place, Outcome.CHANGED, number, people, facts))
            found.ownerships += drafts
            found.occupants += leaving
    return found


def _hold_back(found: Absent, unit: UnitState, why: CellFault) -> None:
    """Leave a unit's ownerships as they are, and say so."""
    found.rows.append(RowPlan(NOT_IN_FILE, unit.id, Outcome.CONFLICT, unit.number, ""))
    found.refused.append(RefusedCell(NOT_IN_FILE, unit.id, "", unit.number, "", why.code, why.reason))
