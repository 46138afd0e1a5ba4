"""Receiving money: a receipt without gaps, and what it settles, the oldest charge first (B-F1, B-F9)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock, journal
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Allocation, Charge, Office, Owner, Payment
from tenant.money import FEN, show_money
from tenant.rules.numbers import receipt_number
from tenant.rules.terms import PaymentMethod
from tenant.services import charges, numbers, owners, units
from tenant.services.arrears import rest_of
from tenant.services.lookups import find, open_office, optional, written

_NOTHING = Decimal(0)
_LOOK_AHEAD = 20
"""How many numbers of receipts are looked up at once."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still unpaid of one charge, in yuan, above zero."""

    charge_id: int
    due_on: date
    unpaid: Decimal


def receive(
    session: Session,
    owner_id: int,
    amount: Decimal,
    method: PaymentMethod,
    *,
    paid_on: date | None = None,
    unit_id: int | None = None,
    reference: str | None = None,
) -> Payment:
    """Receive a payment, give it the next receipt number, and settle the owner's charges from the oldest on.

    Of one unit where ``unit_id`` names one; charges not yet due are settled too, after the older ones. ``paid_on``
    None: today at the office. Raises NotFound for a foreign owner or unit, Refusal for an amount that is none, a day
    that has not come, and more than is owed, saying how much that is.
    """
    owner = find(session, Owner, owner_id, field="owner")
    office = open_office(session, owner.office_id)
    owners.of_office(session, office.id, owner_id, lock=True)
    day = _day(paid_on, office)
    payment = Payment(
        office_id=office.id,
        owner_id=owner.id,
        unit_id=None if unit_id is None else units.of_office(session, office.id, unit_id).id,
        method=method,
        amount=_checked(amount),
        paid_on=day,
        reference=optional(reference, field="reference", label="流水号", limit=64),
    )
    parts = allocate(_owed(session, owner.id, unit_id), payment.amount)
    payment.receipt_number = _next_receipt(session, office.id)
    session.add(payment)
    session.flush()
    session.add_all(
        Allocation(office_id=office.id, payment_id=payment.id, charge_id=charge_id, amount=part)
        for charge_id, part in parts
    )
    session.flush()
    return payment


def void(session: Session, payment_id: int, reason: str) -> Payment:
    """Void a payment: it counts no more and its charges are owed again; number and reason stay (B-F9).

    Raises Refusal without a reason, and for one that is void already.
    """
    payment = find(session, Payment, payment_id, field="payment")
    owners.of_office(session, payment.office_id, payment.owner_id, lock=True)
    payment = find(session, Payment, payment_id, field="payment", lock=True)
    if payment.voided_at is not None:
        raise Refusal(
            code="void_already",
            message=f"收据 {payment.receipt_number} 已经作废，无需再次作废。请刷新后查看。",
            field="receipt_number",
            value=payment.receipt_number,
        )
    journal.because(session, written(reason, field="reason", label="作废原因", limit=journal.LONGEST_REASON))
    payment.voided_at = clock.now()
    session.flush()
    return payment


def allocate(owed: Iterable[Rest], amount: Decimal) -> list[tuple[int, Decimal]]:
    """Return how much of ``amount`` settles which charge, by id: the oldest due first, each in full before the next.

    The parts add up to the amount and none is more than is unpaid. Raises Refusal ``overpayment`` when the amount is
    more than all that is owed, saying how much that is.
    """
    ordered = sorted(owed, key=lambda rest: (rest.due_on, rest.charge_id))
    total = sum((rest.unpaid for rest in ordered), _NOTHING)
    if amount > total:
        raise Refusal(
            code="overpayment",
            message=(
                f"收款 {show_money(amount)} 元，多于应缴的 {show_money(total)} 元。"
                f"请最多收 {show_money(total)} 元；预收款项请先登记应收。"
            ),
            field="amount",
            value=show_money(amount),
        )
    parts: list[tuple[int, Decimal]] = []
    left = amount
    for rest in ordered:
        part = min(rest.unpaid, left)
        if part > 0:
            parts.append((rest.charge_id, part))
            left -= part
    return parts


def owed_by(session: Session, owner_id: int, unit_id: int | None = None) -> Sequence[Rest]:
    """Return what an owner has not paid, due or not, the oldest first; of one unit where it is named."""
    find(session, Owner, owner_id, field="owner")
    return _owed(session, owner_id, unit_id)


def free_receipts(
    session: Session, office_id: int, last: int, count: int, spoken_for: Collection[str] = ()
) -> list[int]:
    """Return the next ``count`` numbers after ``last`` that stand on no receipt of the office and are not spoken for.

    Receipts written by hand are imported under the numbers printed on them, and no number is given twice (B-F9). The
    caller holds the series, or two would be given the same.
    """
    free: list[int] = []
    while len(free) < count:
        wanted = {receipt_number(number): number for number in range(last + 1, last + 1 + max(count, _LOOK_AHEAD))}
        used = select(Payment.receipt_number).where(
            Payment.office_id == office_id, Payment.receipt_number.in_(wanted.keys())
        )
        taken = {*session.scalars(used), *spoken_for}
        free += [number for written_so, number in wanted.items() if written_so not in taken]
        last += len(wanted)
    return free[:count]


def _next_receipt(session: Session, office_id: int) -> str:
    """Return the next free number of the office's series, eight digits; the series stays locked."""
    series = numbers.hold(session, office_id, numbers.RECEIPTS)
    (series.last,) = free_receipts(session, office_id, series.last, 1)
    session.flush()
    return receipt_number(series.last)


def _owed(session: Session, owner_id: int, unit_id: int | None) -> list[Rest]:
    rest = rest_of()
    statement = (
        select(Charge.id, Charge.due_on, rest)
        .where(Charge.owner_id == owner_id, rest > 0)
        .order_by(Charge.due_on, Charge.id)
    )
    if unit_id is not None:
        statement = statement.where(Charge.unit_id == unit_id)
    return [Rest(*row) for row in session.execute(statement)]


def _checked(amount: Decimal) -> Decimal:
    """Return the amount. Raises Refusal unless it is above zero and in whole 分: nothing is rounded away."""
    if not amount.is_finite() or not 0 < amount <= charges.MOST or amount % FEN != 0:
        raise Refusal(
            code="bad_amount",
            message=f"「金额」{amount} 不可用。请填写大于 0 的金额，最小到分。",
            field="amount",
            value=str(amount),
        )
    return amount


def _day(paid_on: date | None, office: Office) -> date:
    today = local_day(clock.now(), office.zone)
    if paid_on is not None and paid_on > today:
        raise Refusal(
            code="in_the_future",
            message=f"「收款日」{paid_on} 还没有到。请填写实际收款的日期。",
            field="paid_on",
            value=paid_on.isoformat(),
        )
    return today if paid_on is None else paid_on
