"""What an office has of meters and readings, as plain values: a plan is computed from these."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from importers.things.drafts import Link
    from tenant.rules.terms import MeterKind


@dataclass(frozen=True, slots=True)
class MeterState:
    """A meter the office has."""

    id: int
    kind: MeterKind
    number: str
    unit: Link | None = None
    location: str | None = None
    factor: Decimal = Decimal(1)
    full_scale: Decimal | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class ReadingState:
    """What a meter showed on a day."""

    id: int
    meter_id: int
    read_on: dt.date
    shown: Decimal
    note: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class MetersState:
    """The office's units (number → id), its meters, and all their readings by the id of the meter."""

    units: Mapping[str, int] = field(default_factory=dict)
    meters: Sequence[MeterState] = ()
    readings: Mapping[int, Sequence[ReadingState]] = field(default_factory=dict)
