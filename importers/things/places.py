"""The units an office has, as rows of things refer to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from importers.faults import CellFault, fault
from importers.things.drafts import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importers.rooms import UnitKey


class Places:
    """Finds units by their keys; a key that leaves the section out is never completed, only suggested."""

    def __init__(self, units: Mapping[str, int]) -> None:
        self._units = units
        self._alike: dict[tuple[str, str], list[str]] = {}
        for number in units:
            first, _, rest = number.partition("-")
            self._alike.setdefault((first, rest.rpartition("-")[2] or first), []).append(number)

    def find(self, key: UnitKey) -> Link | CellFault:
        """Return the unit of that key, or the fault that says there is none and which may be meant."""
        unit_id = self._units.get(key.number)
        if unit_id is not None:
            return Link(unit_id, key.number)
        alike = self._alike.get((key.building or key.room, key.room), [])
        hint = f"（是不是 {'、'.join(alike[:3])}？）" if alike else ""
        return fault("conflict_unit_unknown", key.number, hint=hint)
