"""Work orders among themselves: which are open, where the request stands by them, how one is carried on.

The lowest of the services about requests: it starts no clock and calls none of the others.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tenant import policy
from tenant.models import Pause, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import TicketState, WorkOrderState
from tenant.rules.transitions import step

REQUEST: Final = "request"
WORK_ORDER: Final = "work_order"
FINISHED: Final = (WorkOrderState.DONE, WorkOrderState.SIGNED, WorkOrderState.FILED)
CALLED_OFF: Final = (WorkOrderState.REDISPATCHED, WorkOrderState.CANCELLED)
OVER: Final = (*FINISHED, *CALLED_OFF)
LONGEST_WHY: Final = 200

_STANDS_BY: Final = {
    WorkOrderState.DISPATCHED: TicketState.DISPATCHED,
    WorkOrderState.RECEIVED: TicketState.RECEIVED,
    WorkOrderState.ACCEPTED: TicketState.RECEIVED,
    WorkOrderState.ON_THE_WAY: TicketState.RECEIVED,
    WorkOrderState.UNDER_WAY: TicketState.UNDER_WAY,
}
_FURTHEST: Final = (TicketState.UNDER_WAY, TicketState.RECEIVED, TicketState.DISPATCHED)
_FOLLOWS_BY: Final = {
    TicketState.REGISTERED: "call_back",
    TicketState.DISPATCHED: "dispatch",
    TicketState.RECEIVED: "receive",
    TicketState.UNDER_WAY: "arrive",
}


def open_orders(session: Session, request_id: int) -> Sequence[WorkOrder]:
    """Return the request's orders that are still to be done, the oldest first."""
    statement = select(WorkOrder).where(WorkOrder.request_id == request_id, WorkOrder.state.not_in(OVER))
    return session.scalars(statement.order_by(WorkOrder.id)).all()


def count(session: Session, request_id: int) -> int:
    """Return how many orders the request has had, whatever became of them."""
    return session.scalars(select(func.count(WorkOrder.id)).where(WorkOrder.request_id == request_id)).one()


def are_out(session: Session, request_id: int) -> bool:
    """Tell whether somebody was sent and not called back: whether the work is under way or was done."""
    sent = select(WorkOrder.id).where(WorkOrder.request_id == request_id, WorkOrder.state.not_in(CALLED_OFF))
    return session.scalars(sent.limit(1)).first() is not None


def last_finished(session: Session, request_id: int) -> WorkOrder | None:
    """Return the order that was finished last, None when none was."""
    statement = select(WorkOrder).where(WorkOrder.request_id == request_id, WorkOrder.state.in_(FINISHED))
    return session.scalars(statement.order_by(WorkOrder.done_at.desc(), WorkOrder.id.desc()).limit(1)).first()


def to_follow(session: Session, request_id: int, since: datetime) -> WorkOrder | None:
    """Return the order that the first one sent out ``since`` the request was taken up again follows (A-W10).

    None where one sent since then is open or was finished, and where none was finished before.
    """
    last = last_finished(session, request_id)
    if last is None or last.done_at is None or last.done_at > since or open_orders(session, request_id):
        return None
    return last


def take(order: WorkOrder, verb: str) -> None:
    """Carry the order on by a verb of the table. Raises Refusal when the table does not offer it now."""
    row = step(policy.transitions(), WORK_ORDER, order.state, verb, subject=order.number)
    if row.to is not None:
        order.state = WorkOrderState(row.to)
    elif row.returns:
        order.state = before_waiting(order)


def call_off(session: Session, request_id: int, why: str) -> None:
    """Cancel every open order of a request that is over; none of its clocks is touched."""
    for order in open_orders(session, request_id):
        take(order, "cancel")
        order.ended_why = why[:LONGEST_WHY]
    session.flush()


def before_waiting(order: WorkOrder) -> WorkOrderState:
    """Return where an order stood before it waited, by what is noted on it."""
    steps = (
        (order.arrived_at, WorkOrderState.UNDER_WAY),
        (order.set_out_at, WorkOrderState.ON_THE_WAY),
        (order.accepted_at, WorkOrderState.ACCEPTED),
        (order.received_at, WorkOrderState.RECEIVED),
    )
    return next((state for at, state in steps if at is not None), WorkOrderState.DISPATCHED)


def latest_step(session: Session, order: WorkOrder) -> datetime:
    """Return when the last thing happened to the order: the next one cannot have happened before.

    A pause that stopped it counts from its beginning while it lasts, and from its end afterwards.
    """
    noted = (order.received_at, order.accepted_at, order.set_out_at, order.arrived_at, order.done_at, order.signed_at)
    ticket = select(ServiceRequest.ticket_id).where(ServiceRequest.id == order.request_id).scalar_subquery()
    waited = select(func.max(func.coalesce(Pause.ended_at, Pause.began_at))).where(
        Pause.ticket_id == ticket, or_(Pause.work_order_id == order.id, Pause.work_order_id.is_(None))
    )
    waited_at = session.scalars(waited.where(Pause.began_at >= order.dispatched_at)).one()
    return max(at for at in (order.dispatched_at, *noted, waited_at) if at is not None)


def where_it_stands(session: Session, request_id: int) -> TicketState:
    """Return where the furthest of the request's open orders stands, registered when it has none."""
    found = {_STANDS_BY.get(order.state) for order in open_orders(session, request_id)}
    return next((known for known in _FURTHEST if known in found), TicketState.REGISTERED)


def stand(session: Session, ticket: Ticket, request_id: int) -> None:
    """Let the request stand where its orders do; one that waits goes on waiting until its pause ends."""
    session.flush()
    state = where_it_stands(session, request_id)
    if ticket.state not in {state, TicketState.WAITING}:
        step(policy.transitions(), REQUEST, ticket.state, _FOLLOWS_BY[state], subject=ticket.number)
        ticket.state = state
        session.flush()
