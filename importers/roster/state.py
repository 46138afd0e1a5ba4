"""What an office has of units, owners and ownerships, as plain values: all that a plan is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tenant.rules.terms import HandoverState, OccupantRelation, OwnerKind, UnitUsage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from decimal import Decimal


class UnitState(NamedTuple):
    """A unit the office has."""

    id: int
    number: str
    area: Decimal | None = None
    usage: UnitUsage = UnitUsage.RESIDENCE
    handover_state: HandoverState = HandoverState.PENDING
    handed_over_on: dt.date | None = None
    note: str | None = None
    version: int = 1


class OwnerState(NamedTuple):
    """An owner the office knows; `other_phones` is `label：number` or a bare number, joined by 、."""

    id: int
    name: str
    kind: OwnerKind = OwnerKind.PERSON
    phone: str | None = None
    other_phones: str | None = None
    id_number: str | None = None
    email: str | None = None
    version: int = 1


class OwnershipState(NamedTuple):
    """An ownership that lasts."""

    id: int
    unit_id: int
    owner_id: int
    share: Decimal
    is_payer: bool = True
    from_on: dt.date | None = None
    version: int = 1


class OccupantState(NamedTuple):
    """Somebody who lives in a unit, for as long as the office knows."""

    id: int
    unit_id: int
    name: str
    phone: str | None = None
    relation: OccupantRelation = OccupantRelation.RENTER
    from_on: dt.date | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class RosterState:
    """The office's units by number, its owners, the ownerships that last and the people who live there.

    `buildings` are the codes of its buildings; `estates` how many estates it has: with two or more it cannot be told
    where a new building stands.
    """

    units: Mapping[str, UnitState] = field(default_factory=dict)
    owners: Sequence[OwnerState] = ()
    ownerships: Sequence[OwnershipState] = ()
    buildings: frozenset[str] = frozenset()
    estates: int = 0
    occupants: Sequence[OccupantState] = ()
