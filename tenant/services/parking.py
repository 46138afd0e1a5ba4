"""Letting parking spaces (B-K1): who rents which space, from when to when, and who rents it no more."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from tenant.errors import NotFound, Refusal
from tenant.models import Owner, ParkingLease, ParkingSpace, Vehicle
from tenant.money import to_fen
from tenant.rules.parking import LeaseTerm
from tenant.services import owners
from tenant.services.lookups import find, open_office, written

LONGEST_LESSEE = 100


def let(
    session: Session,
    space_id: int,
    term: tuple[date, date | None],
    *,
    lessee_name: str | None = None,
    owner_id: int | None = None,
    vehicle_id: int | None = None,
    monthly_rent: Decimal | None = None,
) -> ParkingLease:
    """Let a space for ``term``: first day, and last day or None while it lasts (B-K1).

    ``lessee_name`` None: the owner's. Raises NotFound for a foreign space, owner or vehicle, Refusal for a lease
    without a lessee, one that ends before it begins, and days on which the space is let already.
    """
    space = find(session, ParkingSpace, space_id, field="parking_space", lock=True)
    open_office(session, space.office_id)
    owner = owners.of_office(session, space.office_id, owner_id) if owner_id is not None else None
    lease = ParkingLease(
        office_id=space.office_id,
        parking_space_id=space.id,
        owner_id=owner.id if owner else None,
        lessee_name=_lessee(lessee_name, owner),
        vehicle_id=_vehicle(session, space, vehicle_id),
        monthly_rent=_rent(monthly_rent),
        from_on=term[0],
        to_on=term[1],
    )
    check(session, lease, space)
    session.add(lease)
    session.flush()
    return lease


def end(session: Session, lease_id: int, to_on: date) -> ParkingLease:
    """End a lease that lasts, ``to_on`` being its last day; an end that was agreed may be moved.

    Raises NotFound for a foreign lease, Refusal for a day before it begins or on which the space is let to the next.
    """
    lease = find(session, ParkingLease, lease_id, field="lease", lock=True)
    space = find(session, ParkingSpace, lease.parking_space_id, field="parking_space", lock=True)
    lease.to_on = to_on
    with session.no_autoflush:
        check(session, lease, space)
    session.flush()
    return lease


def check(session: Session, lease: ParkingLease, space: ParkingSpace) -> None:
    """Raise Refusal where a lease ends before it begins, or shares a day with another of the same space."""
    if lease.to_on is not None and lease.to_on < lease.from_on:
        raise Refusal(
            code="lease_reversed",
            message=f"「止租日」{lease.to_on} 早于「起租日」{lease.from_on}。请核对后重新填写。",
            field="to_on",
            value=lease.to_on.isoformat(),
        )
    term = LeaseTerm(lease.from_on, lease.to_on)
    others = select(ParkingLease).where(ParkingLease.parking_space_id == space.id).order_by(ParkingLease.from_on)
    for other in session.scalars(others):
        if other is not lease and LeaseTerm(other.from_on, other.to_on).overlaps(term):
            until = f"到 {other.to_on}" if other.to_on else "起未止租"
            raise Refusal(
                code="space_is_let",
                message=f"车位「{space.number}」从 {other.from_on} {until}，租给「{other.lessee_name}」，租期重叠。"
                "请先办理止租，或改换日期、车位。",
                field="from_on",
                value=lease.from_on.isoformat(),
            )


def lasting(day: date) -> ColumnElement[bool]:
    """Return the condition that a lease holds on ``day`` or begins later."""
    return or_(ParkingLease.to_on.is_(None), ParkingLease.to_on >= day)


def free_spaces(session: Session, office_id: int, day: date) -> Sequence[ParkingSpace]:
    """Return the office's common and civil-defence spaces that nobody rents on ``day``: what can be offered (B-K1)."""
    taken = select(ParkingLease.parking_space_id).where(ParkingLease.from_on <= day, lasting(day))
    statement = select(ParkingSpace).where(ParkingSpace.office_id == office_id, ParkingSpace.unit_id.is_(None))
    return session.scalars(statement.where(ParkingSpace.id.not_in(taken)).order_by(ParkingSpace.number)).all()


def _lessee(name: str | None, owner: Owner | None) -> str:
    if not (name or "").strip() and owner is not None:
        return owner.name
    return written(name, field="lessee_name", label="承租人", limit=LONGEST_LESSEE)


def _vehicle(session: Session, space: ParkingSpace, vehicle_id: int | None) -> int | None:
    if vehicle_id is None:
        return None
    known = select(Vehicle.id).where(Vehicle.office_id == space.office_id, Vehicle.id == vehicle_id)
    if session.scalars(known).one_or_none() is None:
        raise NotFound(field="vehicle", value=str(vehicle_id))
    return vehicle_id


def _rent(rent: Decimal | None) -> Decimal | None:
    if rent is not None and rent < 0:
        raise Refusal(
            code="bad_amount", message="「月租」不能小于 0。请重新填写。", field="monthly_rent", value=str(rent)
        )
    return to_fen(rent) if rent is not None else None
