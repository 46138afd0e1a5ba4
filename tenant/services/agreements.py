"""The price a customer agreed to, as the charge it became: what of it is unpaid, and how it is taken back (A-W8)."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant.errors import Refusal
from tenant.models import Allocation, Charge, ServiceRequest
from tenant.money import show_money
from tenant.services.arrears import rest_of
from tenant.services.lookups import find


def withdraw(session: Session, request: ServiceRequest) -> None:
    """Take back the agreement and the charge that nobody has paid; nothing where no price was agreed.

    Raises Refusal when something has been received for it: that is voided first. What voided receipts once settled of
    it goes with the charge, and stays on the record.
    """
    if request.charge_id is None:
        request.quoted_at = None
        session.flush()
        return
    charge = find(session, Charge, request.charge_id, field="charge", lock=True)
    paid = charge.amount - unpaid_of(session, request)
    if paid > 0:
        raise Refusal(
            code="paid_already",
            message=(
                f"{request.ticket.number} 的报价已收 {show_money(paid)} 元，不能再改或作废。"
                "增加的项目请另行登记一件特约服务；确要更改的，请财务助理先作废收据。"
            ),
            field="charge",
            value=show_money(paid),
        )
    request.charge_id = request.quoted_at = None
    session.flush()
    for row in session.scalars(select(Allocation).where(Allocation.charge_id == charge.id)).all():
        session.delete(row)
    session.flush()
    session.delete(charge)
    session.flush()


def unpaid_of(session: Session, request: ServiceRequest) -> Decimal:
    """Return what of the agreed price is still to be paid, in yuan; zero where nothing is asked for."""
    if request.charge_id is None:
        return Decimal(0)
    return session.execute(select(rest_of()).select_from(Charge).where(Charge.id == request.charge_id)).scalar_one()
