"""Requests and their work orders: registered, dispatched, received, on site, done (A-W1 to A-W13)."""

from datetime import datetime
from typing import Unpack

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import policy
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Office, ServiceRequest, Ticket, WorkOrder
from tenant.rules.deadlines import terms_at_registration
from tenant.rules.numbers import work_order_number
from tenant.rules.terms import ClockKind, ClockStart, RequestCategory, TicketKind, TicketState, WorkOrderState
from tenant.services import clocks, postings, tickets
from tenant.services.lookups import find, moment, optional
from tenant.services.tickets import TicketFields

_OVER = (WorkOrderState.DONE, WorkOrderState.CANCELLED)
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
    ticket, office = tickets.register(session, TicketKind.REQUEST, fields)
    request = ServiceRequest(office_id=office.id, ticket_id=ticket.id, category=category, urgent=urgent)
    session.add(request)
    session.flush()
    terms = terms_at_registration(policy.clocks(), TicketKind.REQUEST, clocks.qualifiers(session, ticket))
    clocks.begin(session, ticket, office, terms, ticket.received_at, put_off=put_off)
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

    Meets the dispatch clock and starts the one for arriving (A-W5); sending another person starts it anew. Raises
    NotFound for a department or technician the office has not, Refusal for a department without a head and for a
    request that is over.
    """
    request, ticket, office = _open_request(session, request_id, "派单")
    sent_at = moment(at, office, field="at", label="派单时间", since=ticket.received_at)
    today = local_day(sent_at, office.zone)
    department = postings.department_with_head(session, office.id, department_id, today)
    if technician_id is not None:
        technician_id = postings.technician(session, office.id, technician_id, today).id
    count = session.scalars(select(func.count(WorkOrder.id)).where(WorkOrder.request_id == request.id)).one()
    order = WorkOrder(
        office_id=office.id,
        request_id=request.id,
        number=work_order_number(ticket.number, count + 1),
        department_id=department.id,
        technician_id=technician_id,
        dispatched_at=sent_at,
    )
    session.add(order)
    ticket.state = TicketState.DISPATCHED
    clocks.meet(session, ticket, sent_at, ClockKind.DISPATCH)
    clocks.cancel(session, ticket, sent_at, ClockKind.ON_SITE)
    clocks.begin_for(session, ticket, office, ClockStart.DISPATCH, sent_at)
    return order


def receive(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Record that the department has taken the order (A-W3)."""
    order, ticket, office = _open_order(session, work_order_id, "签收")
    order.received_at = moment(at, office, field="at", label="签收时间", since=order.dispatched_at)
    order.state = WorkOrderState.RECEIVED
    ticket.state = TicketState.RECEIVED
    session.flush()
    return order


def arrive(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Record that somebody is on site: meets the clock for arriving (A-W5)."""
    order, ticket, office = _open_order(session, work_order_id, "登记到场")
    order.arrived_at = moment(at, office, field="at", label="到场时间", since=order.dispatched_at)
    order.received_at = order.received_at or order.arrived_at
    order.state = WorkOrderState.UNDER_WAY
    ticket.state = TicketState.UNDER_WAY
    clocks.meet(session, ticket, order.arrived_at, ClockKind.ON_SITE)
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
    order, ticket, office = _open_order(session, work_order_id, "登记完成")
    done_at = moment(at, office, field="at", label="完成时间", since=order.arrived_at or order.dispatched_at)
    order.outcome = optional(outcome, field="outcome", label="处理结果", limit=_LONGEST_OUTCOME)
    order.done_at = done_at
    order.signed_at = done_at if signed else None
    order.state = WorkOrderState.DONE
    session.flush()
    if _open_orders(session, order.request_id) == 0:
        tickets.finish(session, ticket, office, done_at)
    return order


def cancel_order(session: Session, work_order_id: int, *, at: datetime | None = None) -> WorkOrder:
    """Call an order back; the request goes on, and is to be dispatched again when no other order is open (A-W5)."""
    order, ticket, office = _open_order(session, work_order_id, "撤销")
    at = moment(at, office, field="at", label="撤销时间", since=order.dispatched_at)
    order.state = WorkOrderState.CANCELLED
    session.flush()
    if _open_orders(session, order.request_id) == 0:
        clocks.cancel(session, ticket, at, ClockKind.ON_SITE)
        ticket.state = TicketState.REGISTERED
        terms = terms_at_registration(policy.clocks(), TicketKind.REQUEST, clocks.qualifiers(session, ticket))
        clocks.begin(session, ticket, office, [term for term in terms if term.kind is ClockKind.DISPATCH], at)
    return order


def answer(
    session: Session, request_id: int, *, outcome: str | None = None, at: datetime | None = None
) -> ServiceRequest:
    """Finish at the desk what needs no order: a question answered (B-W17), a suggestion decided and told (B-W18)."""
    request, ticket, office = _open_request(session, request_id, "登记完成")
    if _open_orders(session, request.id):
        raise Refusal(
            code="orders_open",
            message=f"{ticket.number} 还有未完成的处理单。请先完成或撤销这些处理单，再登记完成。",
            field="state",
            value=ticket.state.label,
        )
    done_at = moment(at, office, field="at", label="完成时间", since=ticket.received_at)
    tickets.reply(session, ticket.id, at=done_at, answer=outcome)
    tickets.finish(session, ticket, office, done_at)
    return request


def by_ticket(session: Session, ticket_id: int) -> ServiceRequest | None:
    """Return the request of a ticket, None when the ticket is something else."""
    return session.scalars(select(ServiceRequest).where(ServiceRequest.ticket_id == ticket_id)).one_or_none()


def _open_orders(session: Session, request_id: int) -> int:
    statement = select(func.count(WorkOrder.id)).where(
        WorkOrder.request_id == request_id, WorkOrder.state.not_in(_OVER)
    )
    return session.scalars(statement).one()


def _open_request(session: Session, request_id: int, act: str) -> tuple[ServiceRequest, Ticket, Office]:
    request = find(session, ServiceRequest, request_id, field="request")
    ticket, office = tickets.unfinished_ticket(session, request.ticket_id, act)
    return request, ticket, office


def _open_order(session: Session, work_order_id: int, act: str) -> tuple[WorkOrder, Ticket, Office]:
    order = find(session, WorkOrder, work_order_id, field="work_order")
    _, ticket, office = _open_request(session, order.request_id, act)
    session.refresh(order)
    if order.state in _OVER:
        raise Refusal(
            code="order_over",
            message=f"处理单 {order.number} {order.state.label}，不能再{act}。如需继续处理，请重新派单。",
            field="state",
            value=order.state.label,
        )
    return order, ticket, office
