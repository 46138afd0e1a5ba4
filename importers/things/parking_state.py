"""What an office has of spaces, vehicles and leases, as plain values: a plan is computed from these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importers.things.drafts import Link
from tenant.rules.terms import ParkingKind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SpaceState:
    """A parking space the office has."""

    id: int
    number: str
    kind: ParkingKind = ParkingKind.COMMON
    unit: Link | None = None
    location: str | None = None
    area: Decimal | None = None
    note: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class VehicleState:
    """A vehicle the office knows."""

    id: int
    plate: str
    unit: Link | None = None
    holder_name: str | None = None
    holder_phone: str | None = None
    description: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class LeaseState:
    """A lease of a space, also one that has ended."""

    id: int
    space: str
    lessee_name: str
    from_on: dt.date
    to_on: dt.date | None = None
    owner: Link | None = None
    vehicle: Link | None = None
    monthly_rent: Decimal | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class ParkingState:
    """The office's spaces by number, vehicles by plate, all leases, and the units and owners they refer to.

    ``units`` is number → id; ``owners`` is (unit number, name) → the ids of those of that name who own it today.
    """

    units: Mapping[str, int] = field(default_factory=dict)
    owners: Mapping[tuple[str, str], Sequence[int]] = field(default_factory=dict)
    spaces: Mapping[str, SpaceState] = field(default_factory=dict)
    vehicles: Mapping[str, VehicleState] = field(default_factory=dict)
    leases: Sequence[LeaseState] = ()

    def owner_of(self, number: str, name: str) -> Link | None:
        """Return the unit's owner of that name, None where nobody or more than one is called so."""
        found = self.owners.get((number, name), ())
        return Link(found[0], name) if len(found) == 1 else None
