"""An office's units and owners as the lines of a roster: what the product writes, its own import reads as `same`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importers.rooms import unit_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importers.roster.state import OwnershipState, OwnerState, RosterState, UnitState


def roster_lines(state: RosterState) -> Iterator[list[object]]:
    """Yield a line for each unit and owner, in the columns of the roster; a unit nobody owns has a line too."""
    owners = {owner.id: owner for owner in state.owners}
    held: dict[int, list[OwnershipState]] = {}
    for ownership in sorted(state.ownerships, key=lambda one: (not one.is_payer, one.id)):
        held.setdefault(ownership.unit_id, []).append(ownership)
    for number in sorted(state.units):
        unit = state.units[number]
        ownerships = held.get(unit.id)
        for ownership in ownerships or [None]:
            owner = owners.get(ownership.owner_id) if ownership else None
            yield _line(unit, owner, ownership)


def _line(unit: UnitState, owner: OwnerState | None, ownership: OwnershipState | None) -> list[object]:
    key = unit_key(unit.number)
    share = "" if ownership is None or ownership.share == 1 else f"（{100 * ownership.share.normalize():f}%）"
    return [
        key and key.building,
        key and key.section,
        unit.number,
        owner and f"{owner.name}{share}",
        owner and owner.phone,
        owner and owner.other_phones,
        owner and owner.email,
        owner and owner.id_number,
        unit.area,
        unit.usage.label,
        unit.handover_state.label,
        unit.handed_over_on,
        ownership and ownership.from_on,
        unit.note,
    ]
