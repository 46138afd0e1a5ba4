"""Waiting for somebody or something: why, until when at the longest, and what stands still meanwhile (A-W5, B-W19)."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.calendars import as_utc
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, Office, Pause, ServiceRequest, Ticket, WorkOrder
from tenant.rules.deadlines import due_at
from tenant.rules.terms import PauseReason, TicketKind, TicketState, WorkOrderState
from tenant.rules.transitions import require, step
from tenant.services import clocks, cycles, holidays, orders, postings
from tenant.services.lookups import find, moment, open_office, optional, shown

_LONGEST_NOTE: Final = 500


def pause(
    session: Session,
    ticket_id: int,
    reason: PauseReason,
    until_at: datetime,
    *,
    note: str | None = None,
    work_order_id: int | None = None,
    at: datetime | None = None,
) -> Pause:
    """Let a matter wait, or one of its orders: its clocks stand still, and one runs to ``until_at`` (A-W5, B-W19).

    Without ``work_order_id`` all its open orders wait. Raises NotFound for a foreign ticket or order, Refusal for what
    waits already or is done or over, and for a limit that has passed or lies beyond what policy allows.
    """
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    office = open_office(session, ticket.office_id)
    _refuse_a_second(session, ticket, office)
    row = step(policy.transitions(), ticket.kind.value, ticket.state, "pause", subject=ticket.number)
    require(policy.transitions(), row, {"reason": reason, "until_at": until_at})
    waiting = _orders_that_wait(session, ticket, work_order_id)
    earliest = cycles.began_at(session, ticket)
    since = max([earliest, *_ended(session, ticket), *(orders.latest_step(session, row) for row in waiting)])
    began_at = moment(at, office, field="at", label="等待开始时间", since=since)
    lasting = Pause(
        office_id=office.id,
        ticket_id=ticket.id,
        work_order_id=work_order_id,
        reason=reason,
        stood=ticket.state,
        note=optional(note, field="note", label="说明", limit=_LONGEST_NOTE),
        began_at=began_at,
        until_at=_limit(session, ticket, office, until_at, began_at),
        began_by_id=postings.acting_posting_id(session, office.id),
    )
    session.add(lasting)
    for order in waiting:
        orders.take(order, "pause")
    session.flush()
    clocks.halt(session, ticket, office, lasting)
    ticket.state = TicketState(row.to or ticket.state)
    session.flush()
    return lasting


def resume(session: Session, ticket_id: int, *, at: datetime | None = None) -> Pause:
    """Let a matter go on: its clocks run again, each with what was left of it.

    Raises NotFound for a foreign ticket, Refusal for one that does not wait and for a time before it began to.
    """
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    office = open_office(session, ticket.office_id)
    step(policy.transitions(), ticket.kind.value, ticket.state, "resume", subject=ticket.number)
    lasting = lasting_pause(session, ticket)
    if lasting is None:
        raise NotFound(field="ticket", value=str(ticket_id))
    _end(session, ticket, office, lasting, moment(at, office, field="at", label="恢复时间", since=lasting.began_at))
    return lasting


def end_lasting(session: Session, ticket: Ticket, at: datetime) -> Pause | None:
    """End the pause of a ticket that is finished, given up or graded anew at ``at``; None when it does not wait.

    Its clocks run again, so that what is done now is met, in time or late, as if it had never waited longer.
    """
    lasting = lasting_pause(session, ticket)
    if lasting is not None:
        office = find(session, Office, ticket.office_id, field="office")
        _end(session, ticket, office, lasting, max(at, lasting.began_at))
    return lasting


def stand_still(session: Session, ticket: Ticket, begun: Collection[Clock], at: datetime) -> None:
    """Let clocks that begin at ``at``, while the ticket waits, stand still with the others; nothing where it does not.

    They run when it goes on, each with all of its time.
    """
    lasting = lasting_pause(session, ticket)
    if lasting is None or not begun:
        return
    clocks.cancel(session, ticket, at, *(row.kind for row in begun))
    for row in begun:
        row.pause_id = lasting.id
    session.flush()


def lasting_pause(session: Session, ticket: Ticket) -> Pause | None:
    """Return the pause that lasts on the ticket, None when it does not wait."""
    return session.scalars(select(Pause).where(Pause.ticket_id == ticket.id, Pause.ended_at.is_(None))).one_or_none()


def _end(session: Session, ticket: Ticket, office: Office, lasting: Pause, at: datetime) -> None:
    """Write down that the waiting is over; orders and matter stand again where they stood."""
    lasting.ended_at = at
    ticket.state = lasting.stood
    if ticket.kind is TicketKind.REQUEST:
        request_id = session.scalars(select(ServiceRequest.id).where(ServiceRequest.ticket_id == ticket.id)).one()
        for order in orders.open_orders(session, request_id):
            if order.state is WorkOrderState.WAITING:
                orders.take(order, "resume")
        session.flush()
        ticket.state = orders.where_it_stands(session, request_id)
    session.flush()
    clocks.go_on(session, ticket, office, lasting, at)


def _orders_that_wait(session: Session, ticket: Ticket, work_order_id: int | None) -> list[WorkOrder]:
    """Return the open orders that wait: the one named, or all of the matter's. Raises NotFound for a foreign one."""
    request_id = session.scalars(select(ServiceRequest.id).where(ServiceRequest.ticket_id == ticket.id)).one_or_none()
    if work_order_id is None:
        return [] if request_id is None else list(orders.open_orders(session, request_id))
    order = find(session, WorkOrder, work_order_id, field="work_order", lock=True)
    if order.request_id != request_id:
        raise NotFound(field="work_order", value=str(work_order_id))
    return [order]


def _ended(session: Session, ticket: Ticket) -> list[datetime]:
    """Return when its earlier pauses ended: no minute is waited twice."""
    ends = session.scalars(select(Pause.ended_at).where(Pause.ticket_id == ticket.id))
    return [ended_at for ended_at in ends if ended_at is not None]


def _refuse_a_second(session: Session, ticket: Ticket, office: Office) -> None:
    lasting = lasting_pause(session, ticket)
    if lasting is None:
        return
    until = shown(lasting.until_at, office)
    raise Refusal(
        code="waiting_already",
        message=(
            f"{ticket.number} 已在等待（{lasting.reason.label}，最晚至 {until}）。"
            "请先「恢复办理」，再按新的原因或期限登记等待。"
        ),
        field="reason",
        value=lasting.reason.label,
    )


def _limit(session: Session, ticket: Ticket, office: Office, until_at: datetime, began_at: datetime) -> datetime:
    """Return until when it may wait. Raises Refusal for a time that has passed or is further off than policy allows."""
    until, present = as_utc(until_at), clock.now()
    if until <= present:
        raise Refusal(
            code="limit_has_passed",
            message=f"「最晚至」{shown(until, office)} 已经过去。请填写一个将来的时间，到时还没有结果会逐级提醒。",
            field="until_at",
            value=shown(until, office),
        )
    limit = clocks.waiting_limit(session, ticket, office, began_at)
    latest_at = until if limit is None else due_at(limit.term, began_at, holidays.hours_of(session, office))
    if limit is not None and until > latest_at:
        term, latest = limit.term, shown(latest_at, office)
        raise Refusal(
            code="limit_too_far",
            message=(
                f"「最晚至」{shown(until, office)} 太远：一次等待最多 {term.amount} {term.measure.label}，"
                f"最晚到 {latest}。请改早；到时仍须等待的，恢复办理后再登记一次。"
            ),
            field="until_at",
            value=shown(until, office),
        )
    return until
