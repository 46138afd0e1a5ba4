"""Requests and their work orders: registered, dispatched, received, on site, done (A-W1 to A-W13)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import policy
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Office, ServiceRequest, Ticket, WorkOrder
from tenant.rules.numbers import work_order_number
from tenant.rules.terms import ClockKind, ClockStart, RequestCategory, TicketKind, WorkOrderState
from tenant.rules.transitions import require, step
from tenant.services import clocks, contacts, cycles, orders, pauses, postings, quotes, tickets
from tenant.services.lookups import find, moment, open_office, optional, written
from tenant.services.tickets import TicketFields

_LONGEST_OUTCOME = 500


def register_request(
    session: Session,
    *,
    category: RequestCategory = RequestCategory.REPAIR,
    urgent: bool = False,
    put_off: bool = False,
    **fields: Unpack[TicketFields],
) -> ServiceRequest:
    """Register a request and start its clocks: first reply (A-W4), dispatch (A-W2 urgent, A-W3), same day (A-W6), daily
    contact (A-W7), a suggestion's answer (B-W18), and the time agreed, where one is (B-W19).

    ``put_off``: told "tomorrow" at night, so dispatch and same day count from the morning handover (B-S3). Raises
    Refusal as :func:`tenant.services.tickets.register` does, and for an urgent request that is put off.
    """
    if urgent and put_off:
        raise Refusal(
            code="urgent_put_off",
            message="较急的报事不能推到次日。请立即派单；确实不急的，请改为一般。",
            field="put_off",
            value="true",
        )
    ticket, office = tickets.register(session, TicketKind.REQUEST, fields, category=category)
    request = ServiceRequest(office_id=office.id, ticket_id=ticket.id, category=category, urgent=urgent)
    session.add(request)
    session.flush()
    clocks.begin_registered(session, ticket, office, ticket.received_at, put_off=put_off)
    clocks.begin_promise(session, ticket, ticket.received_at)
    return request


def dispatch(
    session: Session,
    request_id: int,
    department_id: int,
    technician_id: int | None = None,
    *,
    at: datetime | None = None,
) -> WorkOrder:
    """Send a work order to a department, to a technician by posting where one is named (A-W2, A-W3).

    Meets the dispatch clock and starts the one for arriving (A-W5). The first one since the request was taken up again
    follows the last that was finished before (A-W10). Raises NotFound for a department or technician the
    office has not, Refusal for a department without a head, for a request that waits or is over, and for a paid service
    that is not paid (A-W8).
    """
    request, ticket, office = _request(session, request_id, "派单")
    step(policy.transitions(), orders.REQUEST, ticket.state, "dispatch", subject=ticket.number)
    quotes.require_paid(session, request)
    since = cycles.began_at(session, ticket)
    sent_at = moment(at, office, field="at", label="派单时间", since=since)
    follows = orders.to_follow(session, request.id, since) if ticket.cycle > 1 else None
    return _send(session, request, ticket, office, department_id, technician_id, sent_at, follows)


def redispatch(
    session: Session,
    work_order_id: int,
    department_id: int,
    technician_id: int | None = None,
    *,
    reason: str | None = None,
    at: datetime | None = None,
) -> WorkOrder:
    """Send another instead, of this department or another: the order ends, the new one follows it (A-W5).

    The clock for arriving starts anew; who waits, waits no longer. Raises as :func:`dispatch` does, and Refusal without
    a reason.
    """
    order, ticket, office = _order(session, work_order_id, "改派")
    sent_at = _next(session, order, office, at, "改派时间")
    request = find(session, ServiceRequest, order.request_id, field="request")
    quotes.require_paid(session, request)
    _carry_on(session, order, ticket, "redispatch", sent_at, {"department": department_id, "reason": reason})
    order.ended_why = written(reason, field="reason", label="改派原因", limit=orders.LONGEST_WHY)
    orders.stand(session, ticket, order.request_id)
    return _send(session, request, ticket, office, department_id, technician_id, sent_at, follows=order)


def follow_on(session: Session, ticket: Ticket, office: Office, at: datetime) -> WorkOrder | None:
    """Dispatch at ``at`` what follows the request's last finished order, to the same department (A-W10).

    None when no order was ever finished, or when the department has no head now: then the desk dispatches it.
    """
    request = by_ticket(session, ticket.id)
    last = None if request is None else orders.last_finished(session, request.id)
    if request is None or last is None:
        return None
    if not postings.has_head(session, office.id, last.department_id, local_day(at, office.zone)):
        return None
    return _send(session, request, ticket, office, last.department_id, None, at, follows=last)


def receive(
    session: Session, work_order_id: int, technician_id: int | None = None, *, at: datetime | None = None
) -> WorkOrder:
    """Record that the head of the department has the order (A-W3), and whom it is given to where one is named."""
    order, ticket, office = _order(session, work_order_id, "签收")
    received_at = _next(session, order, office, at, "签收时间")
    _carry_on(session, order, ticket, "receive", received_at)
    order.received_at = received_at
    _give(session, order, office, technician_id, received_at)
    orders.stand(session, ticket, order.request_id)
    return order


def accept(
    session: Session, work_order_id: int, technician_id: int | None = None, *, at: datetime | None = None
) -> WorkOrder:
    """Record that a technician takes the order on: the one named, the one it was given to, or who says so (A-W5).

    Raises Refusal when that is nobody.
    """
    order, ticket, office = _order(session, work_order_id, "接单")
    accepted_at = _next(session, order, office, at, "接单时间")
    _carry_on(session, order, ticket, "accept", accepted_at)
    order.accepted_at = accepted_at
    order.received_at = order.received_at or accepted_at
    _give(session, order, office, technician_id, accepted_at)
    if order.technician_id is None:
        order.technician_id = postings.acting_technician_id(session, office.id, local_day(accepted_at, office.zone))
    if order.technician_id is None:
        raise Refusal(
            code="nobody_accepts",
            message=f"处理单 {order.number} 还没有指定维修人员。请选择由谁接单。",
            field="technician",
        )
    orders.stand(session, ticket, order.request_id)
    return order


def set_out(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Record that somebody is on the way (A-W5)."""
    order, ticket, office = _order(session, work_order_id, "登记出发")
    set_out_at = _next(session, order, office, at, "出发时间")
    _carry_on(session, order, ticket, "set_out", set_out_at)
    order.set_out_at = set_out_at
    order.received_at = order.received_at or set_out_at
    orders.stand(session, ticket, order.request_id)
    return order


def arrive(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Record that somebody is on site: meets the clock for arriving (A-W5), and ends what the order waited for."""
    order, ticket, office = _order(session, work_order_id, "登记到场")
    arrived_at = _next(session, order, office, at, "到场时间")
    _carry_on(session, order, ticket, "arrive", arrived_at)
    order.arrived_at = order.arrived_at or arrived_at
    order.received_at = order.received_at or arrived_at
    clocks.meet(session, ticket, arrived_at, ClockKind.ON_SITE)
    orders.stand(session, ticket, order.request_id)
    return order


def complete(
    session: Session,
    work_order_id: int,
    *,
    outcome: str | None = None,
    signed: bool = True,
    at: datetime | None = None,
) -> WorkOrder:
    """Record that an order is done, and ``signed`` by the person served (A-W9).

    With the last open order the request is done: its clocks are met and the follow-up is due in 30 minutes (B-W11).
    """
    order, ticket, office = _order(session, work_order_id, "登记完成")
    done_at = _next(session, order, office, at, "完成时间")
    _carry_on(session, order, ticket, "complete", done_at)
    order.outcome = optional(outcome, field="outcome", label="处理结果", limit=_LONGEST_OUTCOME)
    order.done_at = done_at
    if signed:
        orders.take(order, "sign")
        order.signed_at = done_at
    session.flush()
    if orders.open_orders(session, order.request_id):
        orders.stand(session, ticket, order.request_id)
    else:
        step(policy.transitions(), orders.REQUEST, ticket.state, "complete", subject=ticket.number)
        tickets.finish(session, ticket, office, done_at)
    return order


def sign(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Record that the person served has signed what was done without a signature (A-W9); the request may be over."""
    order, office = _order_of_any_request(session, work_order_id)
    signed_at = _next(session, order, office, at, "客户签字时间")
    orders.take(order, "sign")
    order.signed_at = signed_at
    session.flush()
    return order


def file(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Record that the signed first copy is back at the desk, filed by its number (A-W9); the request may be over."""
    order, office = _order_of_any_request(session, work_order_id)
    filed_at = _next(session, order, office, at, "归档时间")
    orders.take(order, "file")
    order.filed_at = filed_at
    session.flush()
    return order


def cancel_order(
    session: Session, work_order_id: int, reason: str | None = None, *, at: datetime | None = None
) -> WorkOrder:
    """Call an order back; the request goes on, and is to be dispatched again when no other order is open (A-W5).

    Raises Refusal without a reason.
    """
    order, ticket, office = _order(session, work_order_id, "撤销")
    ended_at = _next(session, order, office, at, "撤销时间")
    _carry_on(session, order, ticket, "cancel", ended_at, {"reason": reason})
    order.ended_why = written(reason, field="reason", label="撤销原因", limit=orders.LONGEST_WHY)
    orders.stand(session, ticket, order.request_id)
    if not orders.open_orders(session, order.request_id):
        clocks.cancel(session, ticket, ended_at, ClockKind.ON_SITE)
        if not tickets.answered_by_another(session, ticket):
            clocks.begin_registered(session, ticket, office, ended_at, kinds=[ClockKind.DISPATCH])
    return order


def answer(
    session: Session, request_id: int, *, outcome: str | None = None, at: datetime | None = None
) -> ServiceRequest:
    """Finish at the desk what needs no order: a question answered (B-W17), a suggestion decided and told (B-W18).

    Raises Refusal while orders are open, and while something of an agreed price is unpaid (A-W8).
    """
    request, ticket, office = _request(session, request_id, "登记完成")
    if orders.open_orders(session, request.id):
        raise Refusal(
            code="orders_open",
            message=f"{ticket.number} 还有未完成的处理单。请先完成或撤销这些处理单，再登记完成。",
            field="state",
            value=ticket.state.label,
        )
    step(policy.transitions(), orders.REQUEST, ticket.state, "answer", subject=ticket.number)
    quotes.require_settled(session, request)
    done_at = moment(at, office, field="at", label="完成时间", since=cycles.began_at(session, ticket))
    contacts.contact(session, ticket.id, contacts.answered_by(ticket.channel), told=outcome, at=done_at)
    tickets.finish(session, ticket, office, done_at)
    return request


def by_ticket(session: Session, ticket_id: int) -> ServiceRequest | None:
    """Return the request of a ticket, None when the ticket is something else."""
    return session.scalars(select(ServiceRequest).where(ServiceRequest.ticket_id == ticket_id)).one_or_none()


# ---- what the verbs have in common
def _send(
    session: Session,
    request: ServiceRequest,
    ticket: Ticket,
    office: Office,
    department_id: int,
    technician_id: int | None,
    sent_at: datetime,
    follows: WorkOrder | None = None,
) -> WorkOrder:
    """Write the order, meet the dispatch clock and start the one for arriving."""
    today = local_day(sent_at, office.zone)
    department = postings.department_with_head(session, office.id, department_id, today)
    if technician_id is not None:
        technician_id = postings.technician(session, office.id, technician_id, today).id
    order = WorkOrder(
        office_id=office.id,
        request_id=request.id,
        number=work_order_number(ticket.number, orders.count(session, request.id) + 1),
        department_id=department.id,
        technician_id=technician_id,
        follows_id=None if follows is None else follows.id,
        dispatched_at=sent_at,
    )
    session.add(order)
    clocks.meet(session, ticket, sent_at, ClockKind.DISPATCH)
    clocks.cancel(session, ticket, sent_at, ClockKind.ON_SITE)
    clocks.begin_for(session, ticket, office, ClockStart.DISPATCH, sent_at)
    orders.stand(session, ticket, request.id)
    return order


def _carry_on(
    session: Session,
    order: WorkOrder,
    ticket: Ticket,
    verb: str,
    at: datetime,
    told: Mapping[str, object] | None = None,
) -> None:
    """Take the order's next step; a verb that the table offers to one that waits ends its waiting.

    Who had arrived before it waited stands again where arriving leads. Raises Refusal when the table does not offer the
    verb now, or where something it needs is not in ``told``.
    """
    row = step(policy.transitions(), orders.WORK_ORDER, order.state, verb, subject=order.number)
    require(policy.transitions(), row, told or {})
    if order.state is WorkOrderState.WAITING:
        pauses.end_lasting(session, ticket, at)
    if order.state != row.to:
        orders.take(order, verb)
    session.flush()


def _next(session: Session, order: WorkOrder, office: Office, at: datetime | None, label: str) -> datetime:
    """Return when the order's next step happened; not before the one it follows."""
    return moment(at, office, field="at", label=label, since=orders.latest_step(session, order))


def _give(session: Session, order: WorkOrder, office: Office, technician_id: int | None, at: datetime) -> None:
    """Give the order to a technician of the office. Raises NotFound for anybody else."""
    if technician_id is not None:
        today = local_day(at, office.zone)
        order.technician_id = postings.technician(session, office.id, technician_id, today).id


def _request(session: Session, request_id: int, act: str) -> tuple[ServiceRequest, Ticket, Office]:
    request = find(session, ServiceRequest, request_id, field="request")
    ticket, office = tickets.unfinished_ticket(session, request.ticket_id, act)
    return request, ticket, office


def _order(session: Session, work_order_id: int, act: str) -> tuple[WorkOrder, Ticket, Office]:
    """Return an order of a request that goes on, with ticket and office; the ticket is locked, the order read anew."""
    order = find(session, WorkOrder, work_order_id, field="work_order")
    _, ticket, office = _request(session, order.request_id, act)
    session.refresh(order)
    return order, ticket, office


def _order_of_any_request(session: Session, work_order_id: int) -> tuple[WorkOrder, Office]:
    """Return an order, locked, and its office, whatever became of its request."""
    order = find(session, WorkOrder, work_order_id, field="work_order", lock=True)
    return order, open_office(session, order.office_id)
