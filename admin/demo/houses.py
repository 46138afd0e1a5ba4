"""The invented offices' buildings, units, owners and occupants."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import select

from admin.demo import invented
from admin.demo.group import OfficePlan
from tenant import clock
from tenant.calendars import months_after
from tenant.journal import write_rows
from tenant.models import Building, Estate, Occupant, Owner, Ownership, Section, Unit
from tenant.rules.terms import HandoverState, OccupantRelation, OwnerKind, UnitUsage
from tenant.scoping import ScopedSession

SHOPS_PER_OFFICE = 12
SHARE_WITH_MAIL = 0.75
SHARE_LET = 0.15
SECOND_HOME = 0.04


@dataclass(frozen=True, slots=True)
class Home:
    """A unit with its payer, as charges need them."""

    unit_id: int
    owner_id: int
    area: Decimal


def build(session: ScopedSession, random: Random, office_id: int, plan: OfficePlan) -> list[Home]:
    """Make the estate with its units and their owners; a trading company owns the shops."""
    estate = Estate(office_id=office_id, name=plan.estate)
    session.add(estate)
    session.flush()
    unit_rows = _flats(session, random, office_id, plan, estate)
    unit_rows += _shops(random, office_id)
    unit_ids = write_rows(session, Unit, inserts=unit_rows)
    owner_ids = write_rows(session, Owner, inserts=_owners(random, office_id, plan, len(unit_rows) - SHOPS_PER_OFFICE))
    homes = [
        Home(unit_id=unit_id, owner_id=owner_id, area=row["area"])
        for unit_id, owner_id, row in zip(unit_ids, _who_owns(random, owner_ids, len(unit_ids)), unit_rows, strict=True)
    ]
    since = months_after(clock.today(), -60)
    write_rows(session, Ownership, inserts=[_ownership(office_id, home, since) for home in homes])
    let = [home for home in homes if random.random() < SHARE_LET]
    write_rows(session, Occupant, inserts=[_occupant(random, office_id, home) for home in let])
    return homes


def is_built(session: ScopedSession) -> bool:
    """Tell whether the office of the session has been built; it is built whole or not at all."""
    return session.scalar(select(Estate.id).limit(1)) is not None


def _flats(
    session: ScopedSession, random: Random, office_id: int, plan: OfficePlan, estate: Estate
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    serial = 0
    while len(rows) < plan.units:
        serial += 1
        building = Building(office_id=office_id, estate=estate, code=str(serial), name=f"{serial} 栋")
        session.add(building)
        sections = [
            Section(office_id=office_id, building=building, code=str(number)) for number in range(1, plan.sections + 1)
        ]
        session.add_all(sections)
        session.flush()
        for section in sections:
            for floor in range(1, plan.floors + 1):
                for door in range(1, plan.per_floor + 1):
                    if len(rows) < plan.units:
                        rows.append(_flat(random, office_id, section, f"{floor}{door:02d}", floor))
    return rows


def _flat(random: Random, office_id: int, section: Section, room: str, floor: int) -> dict[str, Any]:
    return {
        "office_id": office_id,
        "building_id": section.building_id,
        "section_id": section.id,
        "number": f"{section.building.code}-{section.code}-{room}",
        "room": room,
        "floor": floor,
        "area": Decimal(random.choice((6880, 8950, 9812, 11260, 12835, 14390))) / 100,
        "usage": UnitUsage.RESIDENCE,
        "handover_state": HandoverState.HANDED_OVER,
        "handed_over_on": months_after(clock.today(), -60),
    }


def _shops(random: Random, office_id: int) -> list[dict[str, Any]]:
    return [
        {
            "office_id": office_id,
            "building_id": None,
            "section_id": None,
            "number": f"S{number:02d}",
            "room": f"S{number:02d}",
            "floor": 1,
            "area": Decimal(random.randrange(4200, 16000)) / 100,
            "usage": UnitUsage.SHOP,
            "handover_state": HandoverState.HANDED_OVER,
            "handed_over_on": months_after(clock.today(), -60),
        }
        for number in range(1, SHOPS_PER_OFFICE + 1)
    ]


def _owners(random: Random, office_id: int, plan: OfficePlan, flats: int) -> list[dict[str, Any]]:
    rows = [
        _owner(
            office_id,
            invented.person(random),
            OwnerKind.PERSON,
            invented.phone(random),
            invented.address(serial, plan.code) if random.random() < SHARE_WITH_MAIL else None,
        )
        for serial in range(1, flats + 1)
    ]
    trading = f"{plan.estate}商业管理有限公司"
    rows.append(_owner(office_id, trading, OwnerKind.COMPANY, invented.phone(random), invented.address(0, plan.code)))
    return rows


def _owner(office_id: int, name: str, kind: OwnerKind, phone: str, email: str | None) -> dict[str, Any]:
    return {"office_id": office_id, "name": name, "kind": kind, "phone": phone, "email": email}


def _who_owns(random: Random, owner_ids: list[int], units: int) -> list[int]:
    """Give each flat its owner, a few owners a second flat, and the shops to the company, which is the last owner."""
    flats = owner_ids[: units - SHOPS_PER_OFFICE]
    owners = [random.choice(flats) if random.random() < SECOND_HOME else own for own in flats]
    return owners + [owner_ids[-1]] * SHOPS_PER_OFFICE


def _ownership(office_id: int, home: Home, since: date) -> dict[str, Any]:
    return {
        "office_id": office_id,
        "unit_id": home.unit_id,
        "owner_id": home.owner_id,
        "share": Decimal(1),
        "is_payer": True,
        "from_on": since,
    }


def _occupant(random: Random, office_id: int, home: Home) -> dict[str, Any]:
    return {
        "office_id": office_id,
        "unit_id": home.unit_id,
        "name": invented.person(random),
        "phone": invented.phone(random),
        "relation": OccupantRelation.RENTER,
        "from_on": months_after(clock.today(), -random.randrange(1, 24)),
    }
