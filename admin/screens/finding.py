"""全局查找: units, owners, spaces, plates, meters, tickets and receipts by what somebody says on the phone.

The words come in a form that is posted, never in an address: names and numbers of owners stood in the logs of every
program that searched by GET (B-O5).
"""

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from admin import access, formats
from admin.access import SIGNED_IN, door
from admin.screens import wording, workbench
from admin.session import session_at_hand
from admin.site import Screen
from audit.redaction import mask_phone
from tenant import clock
from tenant.models import (
    Meter,
    Occupant,
    Owner,
    Ownership,
    ParkingLease,
    ParkingSpace,
    Payment,
    Ticket,
    Unit,
    Vehicle,
)
from tenant.rules.parking import plate_of
from tenant.rules.terms import Area
from tenant.services.parking import lasting

MOST: Final = 20
LONGEST: Final = 60
DIGITS_OF_A_PHONE: Final = 4
"""Fewer digits than these are a room or a floor, never looked up as a phone."""

screen = Blueprint("finding", __name__)
Found = list[dict[str, Any]]


@screen.route("/search", methods=["GET", "POST"])
@door(SIGNED_IN)
def find() -> ResponseReturnValue:
    """Look for the words in everything the person may see; a single hit is opened at once."""
    words = request.form.get("q", "").replace("\x00", "").strip()[:LONGEST]
    groups: list[tuple[str, Found]] = []
    if words:
        groups = [
            (label, found)
            for label, areas, look in LOOKS
            if any(access.may(area) for area in areas) and (found := look(words))
        ]
    hits = [hit for _, found in groups for hit in found]
    if len(hits) == 1 and hits[0]["url"]:
        return redirect(hits[0]["url"])
    return render_template("wuguan/search.html", search_words=words, groups=groups, most=MOST)


def _units(words: str) -> Found:
    statement = select(Unit).where(Unit.number.icontains(words, autoescape=True)).order_by(Unit.number).limit(MOST)
    return [
        _hit(unit, unit.number, [unit.usage.label, f"{unit.area} ㎡" if unit.area else ""])
        for unit in session_at_hand().scalars(statement)
    ]


def _owners(words: str) -> Found:
    session = session_at_hand()
    statement = select(Owner).where(person(Owner, words)).order_by(Owner.name, Owner.id).limit(MOST)
    owners = session.scalars(statement).all()
    held = select(Ownership.owner_id, Unit.number).join(Ownership.unit)
    held = held.where(Ownership.owner_id.in_([owner.id for owner in owners]), Ownership.to_on.is_(None))
    units: dict[int, list[str]] = {}
    for owner_id, number in session.execute(held.order_by(Unit.number)):
        units.setdefault(owner_id, []).append(number)
    return [
        _hit(owner, owner.name, [mask_phone(owner.phone or ""), "、".join(units.get(owner.id, [])[:6])])
        for owner in owners
    ]


def _occupants(words: str) -> Found:
    statement = select(Occupant).where(person(Occupant, words)).order_by(Occupant.name, Occupant.id).limit(MOST)
    return [
        _hit(row, row.name, [row.relation.label, mask_phone(row.phone or "")])
        for row in session_at_hand().scalars(statement)
    ]


def _spaces(words: str) -> Found:
    session, today = session_at_hand(), clock.today(access.zone_of(None))
    statement = select(ParkingSpace).where(ParkingSpace.number.icontains(words, autoescape=True))
    spaces = session.scalars(statement.options(joinedload(ParkingSpace.unit)).order_by(ParkingSpace.number).limit(MOST))
    found = spaces.all()
    let = select(ParkingLease.parking_space_id, ParkingLease.lessee_name).where(
        ParkingLease.parking_space_id.in_([space.id for space in found]), ParkingLease.from_on <= today, lasting(today)
    )
    lessees: dict[int, str] = {space_id: f"租给{name}" for space_id, name in session.execute(let)}
    return [
        _hit(space, space.number, [space.kind.label, str(space.unit or ""), lessees.get(space.id, "")])
        for space in found
    ]


def _vehicles(words: str) -> Found:
    plate = plate_of(words) or "".join(words.split()).upper()
    statement = select(Vehicle).where(Vehicle.plate.icontains(plate, autoescape=True)).options(joinedload(Vehicle.unit))
    return [
        _hit(row, row.plate, [str(row.unit or ""), row.holder_name or "", mask_phone(row.holder_phone or "")])
        for row in session_at_hand().scalars(statement.order_by(Vehicle.plate).limit(MOST))
    ]


def _meters(words: str) -> Found:
    statement = select(Meter).where(Meter.number.icontains(words, autoescape=True)).options(joinedload(Meter.unit))
    return [
        _hit(row, str(row), [str(row.unit or row.location or "")])
        for row in session_at_hand().scalars(statement.order_by(Meter.number, Meter.id).limit(MOST))
    ]


def _tickets(words: str) -> Found:
    matches = or_(Ticket.number.icontains(words, autoescape=True), Ticket.content.icontains(words, autoescape=True))
    statement = select(Ticket).where(matches).order_by(Ticket.received_at.desc(), Ticket.id.desc()).limit(MOST)
    found = session_at_hand().scalars(workbench.selection().narrow(statement))
    return [
        _hit(row, row.number, [row.kind.label, row.content[:40]], state=formats.badge(row.state))
        | {"url": workbench.ticket_url(row)}
        for row in found
    ]


def _payments(words: str) -> Found:
    statement = select(Payment).where(Payment.receipt_number.icontains(words, autoescape=True))
    return [
        _hit(row, f"收据 {row.receipt_number}", [f"{formats.money(row.amount)} 元", row.paid_on.isoformat()])
        for row in session_at_hand().scalars(statement.order_by(Payment.id.desc()).limit(MOST))
    ]


def person(model: type[Owner | Occupant], words: str) -> Any:
    """Return the condition of somebody's name, or of the phone when the words are digits enough."""
    digits = words.replace(" ", "").replace("-", "")
    if digits.isascii() and digits.isdigit() and len(digits) >= DIGITS_OF_A_PHONE:
        return model.phone.contains(digits, autoescape=True)
    return model.name.icontains(words, autoescape=True)


def _hit(row: Any, title: str, facts: list[str], state: str = "") -> dict[str, Any]:
    person = access.identity()
    office = person.office(row.office_id) if person and access.office_at_hand() is None else None
    words = [fact for fact in (*facts, office.name if office else "") if fact]
    address = wording.page_of(row.__tablename__, row.id)
    return {"title": title, "words": " · ".join(words), "state": state, "url": address}


LOOKS: Final[tuple[tuple[str, tuple[Area, ...], Callable[[str], Found]], ...]] = (
    ("房屋", (Area.UNITS,), _units),
    ("业主", (Area.OWNERS,), _owners),
    ("住户", (Area.OWNERS,), _occupants),
    ("车位", (Area.PARKING,), _spaces),
    ("车辆", (Area.PARKING,), _vehicles),
    ("表计", (Area.METERS,), _meters),
    ("报事与投诉", (Area.REQUESTS, Area.COMPLAINTS), _tickets),
    ("收据", (Area.PAYMENTS,), _payments),
)

SCREEN: Final = Screen(blueprint=screen)
