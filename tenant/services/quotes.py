"""The price of a paid service: told item by item, agreed, paid, and only then carried out (A-W8)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Charge, ChargeType, Office, QuoteLine, ServiceRequest, Ticket
from tenant.money import show_money, to_fen
from tenant.rules.terms import ChargeBasis, RequestCategory
from tenant.services import agreements, charges, numbers, orders, tickets
from tenant.services.lookups import find, moment, written

CHARGED_AS: Final = "特约服务"
"""The name of the office's charge type for paid services; made when it has none."""
_MOST: Final = Decimal("99999999.99")


def add_line(session: Session, request_id: int, item: str, quantity: Decimal, price: Decimal) -> QuoteLine:
    """Put one item with its price into the quote of a paid service (A-W8); an agreement made before holds no more.

    Raises NotFound for a foreign request, Refusal for one that is no paid service or is done, once somebody was sent,
    for a quantity or price that cannot be, and when something has been paid already.
    """
    request = _changeable(session, request_id)
    if not 0 < quantity <= _MOST or quantity != round(quantity, 2):
        raise _bad("quantity", "数量", quantity, "请填写大于 0 的数量，最多两位小数")
    if not 0 <= price <= _MOST or price != to_fen(price):
        raise _bad("price", "单价", price, "请填写不小于 0 的单价，最小到分")
    amount = to_fen(quantity * price)
    if amount > _MOST:
        raise _bad("price", "金额", amount, "请核对数量和单价")
    agreements.withdraw(session, request)
    line = QuoteLine(
        office_id=request.office_id,
        request_id=request.id,
        item=written(item, field="item", label="服务项目", limit=100),
        quantity=quantity,
        price=price,
        amount=amount,
    )
    session.add(line)
    session.flush()
    return line


def remove_line(session: Session, line_id: int) -> None:
    """Take one item out of a quote; an agreement made before holds no more. Raises as :func:`add_line` does."""
    request = _changeable(session, find(session, QuoteLine, line_id, field="line").request_id)
    line = find(session, QuoteLine, line_id, field="line", lock=True)
    agreements.withdraw(session, request)
    session.delete(line)
    session.flush()


def agree(session: Session, request_id: int, *, at: datetime | None = None) -> ServiceRequest:
    """Record that the customer agreed to the price: it becomes one charge on the unit's payer, due that day (A-W8).

    A service for nothing is charged nothing. One unit may have several on one day: each charge stands for the first day
    from then on that has none. Raises NotFound for a foreign request; Refusal for one without items or agreed already,
    for a public area, and for a unit nobody pays for.
    """
    request, ticket, office = _open(session, request_id, "确认报价")
    agreed_at = moment(at, office, field="at", label="确认时间", since=ticket.received_at)
    if request.quoted_at is not None:
        raise Refusal(
            code="agreed",
            message=f"{ticket.number} 的报价已经确认，共 {show_money(total(session, request))} 元。请刷新后查看。",
            field="quoted_at",
        )
    if not lines_of(session, request):
        raise Refusal(
            code="no_lines",
            message=f"{ticket.number} 还没有报价明细。请先逐项登记服务项目、数量和单价，再确认报价。",
            field="item",
        )
    amount = total(session, request)
    if amount > 0:
        request.charge_id = _charge(session, ticket, office, amount, local_day(agreed_at, office.zone)).id
    request.quoted_at = agreed_at
    session.flush()
    return request


def require_paid(session: Session, request: ServiceRequest) -> None:
    """Let a paid service go on only when its price is agreed and paid (A-W8); any other request goes on.

    Raises Refusal where no price is agreed, and where something of it is still unpaid, saying how much.
    """
    if request.category is not RequestCategory.PAID_SERVICE:
        return
    if request.quoted_at is None:
        raise Refusal(
            code="not_quoted",
            message=(
                f"特约服务 {request.ticket.number} 的报价还没有经客户确认，不能派单。"
                "请先逐项登记报价，客户同意后「确认报价」，收费后再派单。"
            ),
            field="charge",
        )
    unpaid = agreements.unpaid_of(session, request)
    if unpaid > 0:
        raise Refusal(
            code="not_paid",
            message=(
                f"特约服务 {request.ticket.number} 还有 {show_money(unpaid)} 元没有收到，不能派单。"
                "请先请客户缴费，由财务助理登记收款后再派单。"
            ),
            field="charge",
            value=show_money(unpaid),
        )


def require_settled(session: Session, request: ServiceRequest) -> None:
    """Let a matter be done at the desk only when nothing of an agreed price is left to pay (A-W8).

    Raises Refusal where something is: who declines the service is not to be asked for its price.
    """
    unpaid = agreements.unpaid_of(session, request)
    if unpaid > 0:
        raise Refusal(
            code="not_paid",
            message=(
                f"{request.ticket.number} 客户确认的报价还有 {show_money(unpaid)} 元没有收到，不能办结。"
                "请先收费；客户不要这项服务的，请「作为无效结束」，报价随之撤回。"
            ),
            field="charge",
            value=show_money(unpaid),
        )


def lines_of(session: Session, request: ServiceRequest) -> Sequence[QuoteLine]:
    """Return the items of a quote as they were told."""
    return session.scalars(select(QuoteLine).where(QuoteLine.request_id == request.id).order_by(QuoteLine.id)).all()


def total(session: Session, request: ServiceRequest) -> Decimal:
    """Return what all items cost together, in yuan."""
    found = session.scalar(select(func.sum(QuoteLine.amount)).where(QuoteLine.request_id == request.id))
    return Decimal(0) if found is None else found


def _charge(session: Session, ticket: Ticket, office: Office, amount: Decimal, day: date) -> Charge:
    if ticket.unit_id is None:
        raise Refusal(
            code="public_area",
            message=(
                f"{ticket.number} 登记在公共区域，没有缴费人，不能收费。"
                "属于某户的，请作为无效结束后按房屋重新登记；公共部位的，请登记为「公共设施」。"
            ),
            field="unit",
        )
    numbers.hold(session, office.id, "paid-service")
    charge_type = session.scalars(
        select(ChargeType).where(ChargeType.office_id == office.id, ChargeType.name == CHARGED_AS)
    ).one_or_none()
    if charge_type is None:
        charge_type = ChargeType(office_id=office.id, name=CHARGED_AS, basis=ChargeBasis.USAGE)
        session.add(charge_type)
        session.flush()
    taken = set(
        session.scalars(
            select(Charge.period_from).where(
                Charge.unit_id == ticket.unit_id, Charge.charge_type_id == charge_type.id, Charge.period_from >= day
            )
        )
    )
    stands_for = day
    while stands_for in taken:
        stands_for += timedelta(days=1)
    return charges.post(session, ticket.unit_id, charge_type.id, (stands_for, stands_for), day, amount=amount)


def _changeable(session: Session, request_id: int) -> ServiceRequest:
    """Return a paid service whose quote may still be changed. Raises Refusal once somebody was sent for its price."""
    request, ticket, _ = _open(session, request_id, "修改报价")
    if orders.are_out(session, request.id):
        raise Refusal(
            code="dispatched",
            message=(
                f"{ticket.number} 已按确认的报价派单，不能再改报价。增加的项目请另行登记一件特约服务；"
                "还没有上门的，请先撤销处理单，再修改报价。"
            ),
            field="item",
        )
    return request


def _open(session: Session, request_id: int, act: str) -> tuple[ServiceRequest, Ticket, Office]:
    """Return a paid service that is not done, its ticket locked."""
    request = find(session, ServiceRequest, request_id, field="request")
    ticket, office = tickets.unfinished_ticket(session, request.ticket_id, act)
    session.refresh(request)
    if request.category is not RequestCategory.PAID_SERVICE:
        raise Refusal(
            code="no_paid_service",
            message=f"{ticket.number} 是{request.category.label}，不收费，不能{act}。收费的服务请登记为「特约服务」。",
            field="category",
            value=request.category.label,
        )
    return request, ticket, office


def _bad(field: str, label: str, value: Decimal, way: str) -> Refusal:
    return Refusal(code=f"bad_{field}", message=f"「{label}」{value} 不可用。{way}。", field=field, value=str(value))
