"""Who owes what on a day: derived from charges and payments each time, never stored (B-F2, B-F5).

Five statements whatever the number of owners; the arithmetic of `tenant.rules.arrears` is said here once more in SQL,
and a test holds the two against each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Row,
    Subquery,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from tenant import policy
from tenant.models import Allocation, Charge, DunningProcedure, Owner, Ownership, Payment, Unit
from tenant.rules.arrears import big_customer

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Arrears:
    """What one owner owes on a day: ``amount`` and ``late_fee`` (what the delay may cost) in yuan.

    ``oldest_due_on`` is the due date of the oldest unpaid charge, from which the age is counted; ``settled_on`` the day
    on which the last of the older charges was paid, None when there were none. ``email`` None: no address is known.
    """

    office_id: int
    owner_id: int
    name: str
    email: str | None
    phone: str | None
    oldest_due_on: date
    charges: int
    amount: Decimal
    late_fee: Decimal
    settled_on: date | None
    big: bool


@dataclass(frozen=True, slots=True)
class OfficeNumbers:
    """The numbers of arrears that stand in one office on a day: its own procedure's, else the group's."""

    big_customer_share: Decimal
    late_fee_daily_rate: Decimal


def arrears_on(
    session: Session, day: date, office_id: int | None = None, *, owner_id: int | None = None
) -> list[Arrears]:
    """Return the arrears on ``day``, one row an owner, the oldest first; of one office or of all in the scope.

    A charge is in arrears from the day after its due date, with what was not paid up to ``day``; voided payments do not
    count. Owners without arrears are left out.
    """
    numbers = _numbers(session, day)
    unpaid = _unpaid(day, numbers, office_id, owner_id)
    rows = session.execute(select(unpaid, _settled_on(day, unpaid)).order_by(unpaid.c.oldest_due_on)).all()
    if not rows:
        return []
    big = _big_customers(session, day, numbers, rows[0].office_id if owner_id else office_id, owner_id)
    people = _people(session, [row.owner_id for row in rows])
    return [
        Arrears(
            office_id=row.office_id,
            owner_id=row.owner_id,
            name=people[row.owner_id].name,
            email=people[row.owner_id].email,
            phone=people[row.owner_id].phone,
            oldest_due_on=row.oldest_due_on,
            charges=row.charges,
            amount=row.amount,
            late_fee=row.late_fee,
            settled_on=row.settled_on,
            big=row.owner_id in big,
        )
        for row in rows
    ]


def rest_of(day: date | None = None) -> ColumnElement[Decimal]:
    """Return what is still unpaid of the :class:`Charge` of the statement, with payments up to ``day``, None for all.

    Looked up by index for each charge: under the wall the planner believes that there is one row of everything, and
    joins of sums then take minutes.
    """
    paid = (
        select(func.sum(Allocation.amount))
        .join(Payment, and_(Payment.id == Allocation.payment_id, Payment.office_id == Allocation.office_id))
        .where(Allocation.office_id == Charge.office_id, Allocation.charge_id == Charge.id, Payment.voided_at.is_(None))
    )
    if day is not None:
        paid = paid.where(Payment.paid_on <= day)
    return Charge.amount - func.coalesce(paid.correlate(Charge).scalar_subquery(), _NOTHING)


def _unpaid(
    day: date, numbers: Mapping[int | None, OfficeNumbers], office_id: int | None, owner_id: int | None
) -> Subquery:
    """Return, by owner, what is overdue and unpaid on ``day``, and the late fee it may bring (B-F2)."""
    rest = rest_of(day).label("rest")
    overdue = select(Charge.office_id, Charge.owner_id, Charge.due_on, rest).where(Charge.due_on < day)
    if office_id is not None:
        overdue = overdue.where(Charge.office_id == office_id)
    if owner_id is not None:
        overdue = overdue.where(Charge.owner_id == owner_id)
    # not flattened, so that the rest of a charge is looked up once
    each = overdue.offset(0).subquery("overdue")
    days = cast(cast(literal(day), Date) - each.c.due_on, Integer)
    cap = policy.dunning_settings().late_fee_cap
    fee = func.round(each.c.rest * func.least(days * _rate(numbers, each.c.office_id), cast(cap, Numeric)), 2)
    return (
        select(
            each.c.office_id,
            each.c.owner_id,
            func.min(each.c.due_on).label("oldest_due_on"),
            func.count().label("charges"),
            func.sum(each.c.rest).label("amount"),
            func.sum(fee).label("late_fee"),
        )
        .where(each.c.rest > 0)
        .group_by(each.c.office_id, each.c.owner_id)
        .subquery("unpaid")
    )


def _settled_on(day: date, unpaid: Subquery) -> ColumnElement[date]:
    """Return when the last of the charges older than the oldest unpaid one was paid; NULL without any."""
    return (
        select(func.max(Payment.paid_on))
        .select_from(Charge)
        .join(Allocation, and_(Allocation.charge_id == Charge.id, Allocation.office_id == Charge.office_id))
        .join(Payment, and_(Payment.id == Allocation.payment_id, Payment.office_id == Allocation.office_id))
        .where(
            Charge.office_id == unpaid.c.office_id,
            Charge.owner_id == unpaid.c.owner_id,
            Charge.due_on < unpaid.c.oldest_due_on,
            Payment.voided_at.is_(None),
            Payment.paid_on <= day,
        )
        .correlate(unpaid)
        .scalar_subquery()
        .label("settled_on")
    )


def _people(session: Session, owner_ids: list[int]) -> dict[int, Row[int, str, str | None, str | None]]:
    """Return the owners' names and addresses, by id."""
    wanted = Owner.id == any_(literal(owner_ids, ARRAY(BigInteger)))
    statement = select(Owner.id, Owner.name, Owner.email, Owner.phone).where(wanted)
    return {row.id: row for row in session.execute(statement)}


def _big_customers(
    session: Session,
    day: date,
    numbers: Mapping[int | None, OfficeNumbers],
    office_id: int | None,
    owner_id: int | None,
) -> set[int]:
    """Return the owners whose share of the managed area is above their office's threshold on ``day`` (B-F5).

    A unit several people own counts for each by their share.
    """
    total = select(Unit.office_id, func.sum(Unit.area)).group_by(Unit.office_id)
    held = (
        select(Ownership.office_id, Ownership.owner_id, func.sum(Unit.area * Ownership.share))
        .join(Unit, and_(Unit.id == Ownership.unit_id, Unit.office_id == Ownership.office_id))
        .where(or_(Ownership.from_on.is_(None), Ownership.from_on <= day))
        .where(or_(Ownership.to_on.is_(None), Ownership.to_on >= day))
        .group_by(Ownership.office_id, Ownership.owner_id)
    )
    if office_id is not None:
        total, held = total.where(Unit.office_id == office_id), held.where(Ownership.office_id == office_id)
    if owner_id is not None:
        held = held.where(Ownership.owner_id == owner_id)
    areas: dict[int, Decimal | None] = dict(iter(session.execute(total)))
    return {
        owner
        for office, owner, area in session.execute(held)
        if big_customer(
            area or _NOTHING, areas.get(office) or _NOTHING, numbers.get(office, numbers[None]).big_customer_share
        )
    }


def _numbers(session: Session, day: date) -> dict[int | None, OfficeNumbers]:
    """Return the numbers by office where it has a procedure of its own on ``day``; the group's under None."""
    group = policy.dunning_settings()
    found: dict[int | None, OfficeNumbers] = {None: OfficeNumbers(group.big_customer_share, group.late_fee_daily_rate)}
    statement = select(DunningProcedure).where(DunningProcedure.from_on <= day).order_by(DunningProcedure.from_on)
    for own in session.scalars(statement):
        found[own.office_id] = OfficeNumbers(
            group.big_customer_share if own.big_customer_share is None else own.big_customer_share,
            group.late_fee_daily_rate if own.late_fee_rate is None else own.late_fee_rate,
        )
    return found


def _rate(numbers: Mapping[int | None, OfficeNumbers], office: ColumnElement[int]) -> ColumnElement[Decimal]:
    """Return the daily rate of the late fee in ``office``, exact."""
    group = cast(numbers[None].late_fee_daily_rate, Numeric)
    own = {office: cast(row.late_fee_daily_rate, Numeric) for office, row in numbers.items() if office is not None}
    return case(own, value=office, else_=group) if own else group
