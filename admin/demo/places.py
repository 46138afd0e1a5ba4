"""The invented offices' parking spaces, vehicles and leases, and their meters with three months of readings."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from sqlalchemy import select

from admin.demo import invented
from admin.demo.houses import Home
from tenant import clock
from tenant.calendars import months_after
from tenant.journal import write_rows
from tenant.models import Meter, MeterReading, Owner, ParkingLease, ParkingSpace, Vehicle
from tenant.rules.terms import MeterKind, ParkingKind
from tenant.scoping import ScopedSession

SPACES: Final = 60
OWNED, CIVIL_DEFENCE, LET = 24, 12, 40
"""How many of the spaces belong to units, how many lie in the shelter, and how many of the others are let at most."""
METERED: Final = 40
READINGS: Final = 3
RENT: Final = Decimal(300)
LOOKS: Final = ("白色轿车", "黑色越野车", "银色商务车", "绿色新能源", "灰色轿车")


def build(session: ScopedSession, random: Random, office_id: int, homes: Sequence[Home]) -> None:
    """Make the garage with who parks in it, and meters for some homes."""
    some = random.sample(list(homes), min(SPACES, len(homes)))
    owners = session.scalars(select(Owner).where(Owner.id.in_([home.owner_id for home in some])))
    names = {owner.id: owner.name for owner in owners}
    vehicles = [_vehicle(random, office_id, home, names[home.owner_id], serial) for serial, home in enumerate(some, 1)]
    vehicle_ids = write_rows(session, Vehicle, inserts=vehicles)
    spaces = [_space(office_id, serial, home) for serial, home in enumerate(some, 1)]
    space_ids = write_rows(session, ParkingSpace, inserts=spaces)
    leases = [
        _lease(random, office_id, home, names[home.owner_id]) | {"parking_space_id": space_id, "vehicle_id": vehicle_id}
        for home, space_id, vehicle_id, space in zip(some, space_ids, vehicle_ids, spaces, strict=True)
        if space["unit_id"] is None
    ]
    write_rows(session, ParkingLease, inserts=leases[:LET])
    _build_meters(session, random, office_id, some[:METERED])


def _space(office_id: int, serial: int, home: Home) -> dict[str, Any]:
    kind = ParkingKind.OWNED if serial <= OWNED else ParkingKind.COMMON
    if serial > SPACES - CIVIL_DEFENCE:
        kind = ParkingKind.CIVIL_DEFENCE
    return {
        "office_id": office_id,
        "number": f"B1-{serial:03d}",
        "kind": kind,
        "unit_id": home.unit_id if kind is ParkingKind.OWNED else None,
        "location": "地下一层",
    }


def _vehicle(random: Random, office_id: int, home: Home, name: str, serial: int) -> dict[str, Any]:
    """Return a vehicle whose plate no authority gives out: Tibet has no letter Z."""
    return {
        "office_id": office_id,
        "plate": f"藏Z{random.randrange(100):02d}{serial:03d}",
        "unit_id": home.unit_id,
        "holder_name": name,
        "holder_phone": invented.phone(random),
        "description": random.choice(LOOKS),
    }


def _lease(random: Random, office_id: int, home: Home, name: str) -> dict[str, Any]:
    return {
        "office_id": office_id,
        "owner_id": home.owner_id,
        "lessee_name": name,
        "monthly_rent": RENT,
        "from_on": months_after(clock.today().replace(day=1), -random.randrange(1, 24)),
    }


def _build_meters(session: ScopedSession, random: Random, office_id: int, homes: Sequence[Home]) -> None:
    kinds = ((MeterKind.WATER, "SB", Decimal(12)), (MeterKind.ELECTRICITY, "DB", Decimal(180)))
    meters = [
        {"office_id": office_id, "kind": kind, "number": f"{letters}{serial:05d}", "unit_id": home.unit_id}
        for kind, letters, _ in kinds
        for serial, home in enumerate(homes, 1)
    ]
    meter_ids = write_rows(session, Meter, inserts=meters)
    usual = [amount for _, _, amount in kinds for _ in homes]
    readings = [
        row
        for meter_id, amount in zip(meter_ids, usual, strict=True)
        for row in _readings(random, office_id, meter_id, amount)
    ]
    write_rows(session, MeterReading, inserts=readings)


def _readings(random: Random, office_id: int, meter_id: int, usual: Decimal) -> list[dict[str, Any]]:
    """Return what a meter showed at the ends of the last months, growing by about the usual."""
    shown = Decimal(random.randrange(100, 3000))
    rows = []
    for ago in range(READINGS - 1, -1, -1):
        rows.append({"office_id": office_id, "meter_id": meter_id, "read_on": _end_of_month(ago), "shown": shown})
        shown += (usual * random.randrange(60, 140) / 100).quantize(Decimal("0.1"))
    return rows


def _end_of_month(ago: int) -> date:
    return months_after(clock.today().replace(day=1), -ago) - timedelta(days=1)
