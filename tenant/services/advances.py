"""Money received in advance: what of an owner's payments settles nothing yet settles what is charged next (B-F1)."""

from decimal import Decimal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from tenant.models import Allocation, Charge, Payment
from tenant.services import owners

_NOTHING = Decimal(0)


def left_of() -> ColumnElement[Decimal]:
    """Return what of the :class:`Payment` of the statement settles nothing yet, in yuan."""
    used = select(func.sum(Allocation.amount)).where(
        Allocation.office_id == Payment.office_id, Allocation.payment_id == Payment.id
    )
    return Payment.amount - func.coalesce(used.correlate(Payment).scalar_subquery(), _NOTHING)


def settle(session: Session, charge: Charge) -> None:
    """Settle a new charge with what its owner has paid in advance, the oldest payment first.

    Money received for another unit is left alone. An owner who has paid nothing in advance is not locked.
    """
    if not _waiting(session, charge):
        return
    owners.of_office(session, charge.office_id, charge.owner_id, lock=True)
    unpaid = charge.amount
    for payment_id, left in _waiting(session, charge):
        part = min(left, unpaid)
        if part > 0:
            session.add(Allocation(office_id=charge.office_id, payment_id=payment_id, charge_id=charge.id, amount=part))
            unpaid -= part
    session.flush()


def _waiting(session: Session, charge: Charge) -> list[tuple[int, Decimal]]:
    left = left_of()
    rows = session.execute(
        select(Payment.id, left)
        .where(
            Payment.office_id == charge.office_id,
            Payment.owner_id == charge.owner_id,
            or_(Payment.unit_id.is_(None), Payment.unit_id == charge.unit_id),
            Payment.voided_at.is_(None),
            left > 0,
        )
        .order_by(Payment.paid_on, Payment.id)
    )
    return [(payment_id, amount) for payment_id, amount in rows]
