"""The card of a unit at the desk: whose it is, who lives there, what is open, what is owed, what else to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from admin import access
from admin.screens import wording, workbench
from audit.redaction import mask_phone
from tenant import clock
from tenant.models import Charge, Clock, Occupant, ParkingLease, ParkingSpace, Ticket, Unit, Vehicle
from tenant.rules.terms import Area, ReporterKind
from tenant.services.arrears import rest_of
from tenant.services.owners import owners_of

LATEST: Final = 5


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the unit who may be the one that calls; ``key`` names them in the form, ``phone`` is never shown."""

    key: str
    name: str
    phone: str | None
    kind: ReporterKind
    words: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """What the desk sees of a unit at one glance; ``owed`` None: not theirs to see."""

    title: str
    url: str | None
    facts: str
    note: str
    people: Sequence[Person]
    vehicles: str
    spaces: str
    open: Sequence[dict[str, Any]]
    closed: Sequence[dict[str, Any]]
    owed: Decimal | None


def card_of(session: Session, unit: Unit, today: date) -> Card:
    """Return the card of a unit on the day ``today``."""
    facts = (unit.usage.label, f"{unit.area} ㎡" if unit.area else "", unit.handover_state.label)
    return Card(
        title=unit.number,
        url=wording.page_of("unit", unit.id),
        facts=" · ".join(fact for fact in facts if fact),
        note=unit.note or "",
        people=people_of(session, unit, today),
        vehicles="、".join(
            session.scalars(select(Vehicle.plate).where(Vehicle.unit_id == unit.id).order_by(Vehicle.plate))
        ),
        spaces="、".join(_spaces(session, unit, today)),
        open=_open(session, unit),
        closed=_closed(session, unit),
        owed=_owed(session, unit, today) if access.may(Area.CHARGES) or access.may(Area.DUNNING) else None,
    )


def people_of(session: Session, unit: Unit | None, today: date) -> list[Person]:
    """Return owners and then occupants of the unit on ``today``, each person once; nobody for a public area."""
    if unit is None or not access.may(Area.OWNERS):
        return []
    found = [
        _person(f"owner-{row.id}", row, ReporterKind.OWNER, "业主", wording.page_of("owner", row.id))
        for row in owners_of(session, unit.id, today)
    ]
    names = {person.name for person in found}
    living = select(Occupant).where(Occupant.unit_id == unit.id, or_(Occupant.to_on.is_(None), Occupant.to_on >= today))
    found += [
        _person(
            f"occupant-{row.id}", row, ReporterKind.OCCUPANT, row.relation.label, wording.page_of("occupant", row.id)
        )
        for row in session.scalars(living.order_by(Occupant.id))
        if row.name not in names
    ]
    return found


def _person(key: str, row: Any, kind: ReporterKind, words: str, url: str | None) -> Person:
    shown = " ".join(part for part in (f"{row.name}（{words}）", mask_phone(row.phone or "")) if part)
    return Person(key, row.name, row.phone, kind, shown, url)


def _spaces(session: Session, unit: Unit, today: date) -> list[str]:
    own = select(ParkingSpace.number).where(ParkingSpace.unit_id == unit.id)
    let = (
        select(ParkingSpace.number)
        .join(ParkingLease, ParkingLease.parking_space_id == ParkingSpace.id)
        .join(Vehicle, Vehicle.id == ParkingLease.vehicle_id)
        .where(Vehicle.unit_id == unit.id, or_(ParkingLease.to_on.is_(None), ParkingLease.to_on >= today))
    )
    return sorted({*session.scalars(own), *session.scalars(let)})


def _open(session: Session, unit: Unit) -> list[dict[str, Any]]:
    at = clock.now()
    statement = select(Ticket).where(Ticket.unit_id == unit.id, Ticket.closed_at.is_(None)).order_by(Ticket.id.desc())
    rows = session.scalars(workbench.selection().narrow(statement)).all()
    due = select(Clock.ticket_id, func.min(Clock.due_at)).where(
        Clock.ticket_id.in_([row.id for row in rows]), Clock.met_at.is_(None), Clock.cancelled_at.is_(None)
    )
    ends = dict(iter(session.execute(due.group_by(Clock.ticket_id))))
    return [
        workbench.ticket_line(row, at)
        | {"state": row.state.label, "remaining": wording.remaining(ends[row.id], at) if row.id in ends else None}
        for row in rows
    ]


def _closed(session: Session, unit: Unit) -> list[dict[str, Any]]:
    statement = select(Ticket).where(Ticket.unit_id == unit.id, Ticket.closed_at.is_not(None))
    statement = workbench.selection().narrow(statement).order_by(Ticket.closed_at.desc()).limit(LATEST)
    at = clock.now()
    return [workbench.ticket_line(row, at) | {"state": row.state.label} for row in session.scalars(statement)]


def _owed(session: Session, unit: Unit, today: date) -> Decimal:
    """Return what of the unit's charges is overdue and unpaid."""
    statement = select(func.coalesce(func.sum(rest_of(today)), 0)).where(
        Charge.unit_id == unit.id, Charge.due_on < today
    )
    return Decimal(session.scalar(statement) or 0)
