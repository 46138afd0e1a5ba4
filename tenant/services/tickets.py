"""What requests and complaints have in common: registering, promising, closing, reopening."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Required, TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import clock, journal, policy
from tenant.calendars import as_utc
from tenant.errors import Refusal
from tenant.models import Complaint, FollowUp, Office, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import (
    Channel,
    ClockKind,
    ClockStart,
    Gravity,
    ReporterKind,
    RequestCategory,
    TicketKind,
    TicketState,
)
from tenant.rules.transitions import step
from tenant.services import agreements, clocks, cycles, numbers, orders, pauses, postings, topics, units
from tenant.services.lookups import find, moment, open_office, optional, shown, written

_WORK = (
    ClockKind.FIRST_REPLY,
    ClockKind.DISPATCH,
    ClockKind.ON_SITE,
    ClockKind.SAME_DAY,
    ClockKind.PROMISED,
    ClockKind.SUGGESTION_REPLY,
    ClockKind.DEPARTMENT_RECEIPT,
    ClockKind.REGRADE,
)
_NOT_AGAIN = frozenset({ClockKind.FIRST_REPLY, ClockKind.SUGGESTION_REPLY, ClockKind.REGRADE})


class TicketFields(TypedDict, total=False):
    """What the desk writes down about any matter; ``received_at`` absent: now; ``unit_id`` absent: a public area."""

    office_id: Required[int]
    content: Required[str]
    unit_id: int | None
    location: str | None
    channel: Channel
    reporter_kind: ReporterKind
    reporter_name: str | None
    reporter_phone: str | None
    topic_id: int | None
    received_at: datetime | None
    promised_at: datetime | None


def register(
    session: Session, kind: TicketKind, fields: TicketFields, *, category: RequestCategory | None = None
) -> tuple[Ticket, Office]:
    """Write down what reached the desk, under its number (A-W2, A-C1). Starts no clock: its kind knows which.

    Raises Refusal for an archived office, a unit the office has not, a topic that is not offered for the kind and
    ``category``, empty content, a time of receipt that has not come and a promise for a time that has passed.
    """
    office = open_office(session, fields["office_id"])
    unit_id, topic_id = fields.get("unit_id"), fields.get("topic_id")
    received_at = moment(fields.get("received_at"), office, field="received_at", label="受理时间")
    ticket = Ticket(
        office_id=office.id,
        kind=kind,
        unit_id=None if unit_id is None else units.of_office(session, office.id, unit_id).id,
        content=written(fields["content"], field="content", label="内容"),
        location=optional(fields.get("location"), field="location", label="地点", limit=200),
        reporter_kind=fields.get("reporter_kind", ReporterKind.OWNER),
        reporter_name=optional(fields.get("reporter_name"), field="reporter_name", label="报事人", limit=100),
        reporter_phone=optional(fields.get("reporter_phone"), field="reporter_phone", label="联系电话", limit=64),
        channel=fields.get("channel", Channel.CALL),
        topic_id=None if topic_id is None else topics.offered(session, office.id, topic_id, kind, category).id,
        received_at=received_at,
        promised_at=_promise(fields.get("promised_at"), office),
        registered_by_id=postings.acting_posting_id(session, office.id),
    )
    ticket.number = numbers.next_ticket_number(session, office, kind, clock.now())
    session.add(ticket)
    session.flush()
    return ticket, office


def promise(session: Session, ticket_id: int, promised_at: datetime) -> Ticket:
    """Agree with the customer when it will be done, instead of what was agreed before (A-W5, A-C4c, B-W19)."""
    ticket, office = unfinished_ticket(session, ticket_id, "预约")
    step(policy.transitions(), ticket.kind.value, ticket.state, "promise", subject=ticket.number)
    ticket.promised_at = _promise(promised_at, office)
    present = clock.now()
    clocks.cancel(session, ticket, present, ClockKind.PROMISED)
    clocks.begin_promise(session, ticket, present)
    return ticket


def sort_under(session: Session, ticket_id: int, topic_id: int) -> Ticket:
    """Put a matter under the topic it is about. Raises as :func:`open_ticket` and :func:`topics.offered` do."""
    ticket, office = open_ticket(session, ticket_id, "归类")
    category = None
    if ticket.kind is TicketKind.REQUEST:
        category = session.scalars(select(ServiceRequest.category).where(ServiceRequest.ticket_id == ticket.id)).one()
    ticket.topic_id = topics.offered(session, office.id, topic_id, ticket.kind, category).id
    session.flush()
    return ticket


def finish(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Mark the matter done at ``at``: its clocks are met, contact ends, the follow-up is due (B-W11, B-C11, A-R6).

    What it was the cause of is done with it, each to be followed up by itself; but one that has orders of its own
    under way, or where harm goes on (A-C8), is asked for by itself again.
    """
    pauses.end_lasting(session, ticket, at)
    ticket.done_at = at
    ticket.state = TicketState.DONE
    clocks.meet(session, ticket, at, *_WORK)
    clocks.cancel(session, ticket, at, ClockKind.DAILY_CONTACT)
    clocks.begin_for(session, ticket, office, ClockStart.COMPLETION, at)
    children = _answered_by(session, ticket)
    going_on = _going_on(session, [child.id for child in children])
    for child in children:
        if child.id in going_on:
            ask_again(session, child, office, max(at, child.received_at))
        else:
            finish(session, child, office, max(at, child.received_at))


def reopen(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Take up again what did not satisfy, in the next cycle: dispatched anew until it does (A-W10).

    A complaint's month until it becomes grave goes on counting from its receipt (A-C2c).
    """
    ticket.cycle += 1
    ticket.done_at = ticket.promised_at = None
    ticket.state = TicketState.REGISTERED
    ended = (ClockKind.FOLLOW_UP, ClockKind.PROMISED, ClockKind.COMPLETION_REPLY, ClockKind.RETURN)
    clocks.cancel(session, ticket, at, *ended)
    for starts in (ClockStart.RECEIPT, ClockStart.CONTACT):
        clocks.begin_for(session, ticket, office, starts, at, set(ClockKind) - _NOT_AGAIN)
        clocks.begin_for(session, ticket, office, starts, ticket.received_at, [ClockKind.REGRADE])
    if ticket.kind is TicketKind.COMPLAINT:
        complaint = session.scalars(select(Complaint).where(Complaint.ticket_id == ticket.id)).one()
        complaint.received_by_department_at = complaint.returned_at = None
    session.flush()


def close(session: Session, ticket_id: int, *, at: datetime | None = None) -> Ticket:
    """Close what is done and followed up (A-W10: all of them), a complaint when its form is back (A-C6).

    Raises Refusal before that.
    """
    ticket, office = open_ticket(session, ticket_id, "关闭")
    if ticket.done_at is None:
        raise Refusal(
            code="not_done",
            message=f"{ticket.number} 还没有办完，不能关闭。请先登记完成，再回访、关闭。",
            field="state",
            value=ticket.state.label,
        )
    followed_up = select(func.max(FollowUp.made_at)).where(
        FollowUp.ticket_id == ticket.id, FollowUp.made_at >= ticket.done_at
    )
    asked_at = session.scalars(followed_up).one()
    if asked_at is None:
        raise Refusal(
            code="not_followed_up",
            message=f"{ticket.number} 办完后还没有回访，不能关闭。请先回访并登记满意度。",
            field="state",
            value=ticket.state.label,
        )
    _require_returned(session, ticket)
    step(policy.transitions(), ticket.kind.value, ticket.state, "close", subject=ticket.number)
    _end(session, ticket, TicketState.CLOSED, moment(at, office, field="at", label="关闭时间", since=asked_at))
    return ticket


def invalidate(session: Session, ticket_id: int, reason: str, *, at: datetime | None = None) -> Ticket:
    """End a matter that is none: explained to the customer and still recorded (A-C3). The reason is required.

    Its open orders are called off, and a price that was agreed is owed no more; Refusal where it is paid (A-W8). What
    it was to answer goes on by itself.
    """
    ticket, office = open_ticket(session, ticket_id, "作废")
    why = written(reason, field="reason", label="无效原因", limit=journal.LONGEST_REASON)
    journal.because(session, why)
    since = ticket.done_at or cycles.began_at(session, ticket)
    ended_at = moment(at, office, field="at", label="作废时间", since=since)
    if ticket.kind is TicketKind.COMPLAINT:
        complaint = session.scalars(select(Complaint).where(Complaint.ticket_id == ticket.id)).one()
        complaint.gravity, complaint.graded_why = Gravity.INVALID, why
    elif ticket.kind is TicketKind.REQUEST:
        request = session.scalars(select(ServiceRequest).where(ServiceRequest.ticket_id == ticket.id)).one()
        agreements.withdraw(session, request)
        pauses.end_lasting(session, ticket, ended_at)
        orders.call_off(session, request.id, f"无效：{why}")
    _end(session, ticket, TicketState.INVALID, ended_at)
    for child in _answered_by(session, ticket):
        child.parent_id = None
        ask_again(session, child, office, ended_at)
    return ticket


def open_ticket(session: Session, ticket_id: int, act: str) -> tuple[Ticket, Office]:
    """Return the ticket, locked, and its office. Raises NotFound, or Refusal when it is over and ``act`` too late."""
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    office = open_office(session, ticket.office_id)
    if ticket.closed_at is not None:
        message = (
            f"{ticket.number} 已于 {shown(ticket.closed_at, office)} {ticket.state.label}，不能再{act}。"
            "客户还有要求时，请另行登记。"
        )
        raise Refusal(code="ticket_closed", message=message, field="state", value=ticket.state.label)
    return ticket, office


def unfinished_ticket(session: Session, ticket_id: int, act: str) -> tuple[Ticket, Office]:
    """Return the ticket, locked, and its office. Raises as :func:`open_ticket` does, and Refusal when it is done."""
    ticket, office = open_ticket(session, ticket_id, act)
    if ticket.done_at is not None:
        raise Refusal(
            code="already_done",
            message=(
                f"{ticket.number} 已于 {shown(ticket.done_at, office)} 办完，不能再{act}。"
                "请回访客户；客户不满意时会自动重新打开。"
            ),
            field="state",
            value=ticket.state.label,
        )
    return ticket, office


def end_as_invalid(session: Session, ticket: Ticket, at: datetime) -> None:
    """End a ticket that was invalid when it came (A-C3)."""
    _end(session, ticket, TicketState.INVALID, at)


def end_as_double(session: Session, ticket: Ticket, elder: Ticket, at: datetime) -> None:
    """End a ticket that was reported before, as part of ``elder``; nothing is asked for on it any more."""
    ticket.merged_into_id = elder.id
    _end(session, ticket, TicketState.MERGED, at)


def ask_again(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Ask from ``at`` on for what nobody has seen to: somebody sent (A-W3), the department's receipt (A-C5), the work
    done on the same day unless another time is agreed (A-W6). What waits is asked for when it goes on.
    """
    session.flush()
    lasting = pauses.lasting_pause(session, ticket)
    stands = ticket.state if lasting is None else lasting.stood
    wanted = set() if stands is not TicketState.REGISTERED else {ClockKind.DISPATCH, ClockKind.DEPARTMENT_RECEIPT}
    if ticket.kind is TicketKind.REQUEST and not clocks.running(session, ticket, [ClockKind.PROMISED]):
        wanted.add(ClockKind.SAME_DAY)
    wanted -= {row.kind for row in clocks.running(session, ticket)}
    begun = clocks.begin_for(session, ticket, office, ClockStart.RECEIPT, at, wanted)
    pauses.stand_still(session, ticket, begun, at)


def answered_by_another(session: Session, ticket: Ticket) -> bool:
    """Tell whether another matter that is still to be done is the cause of this one and answers it."""
    cause = select(Ticket.id).where(Ticket.id == ticket.parent_id, Ticket.done_at.is_(None), Ticket.closed_at.is_(None))
    return ticket.parent_id is not None and session.scalars(cause).one_or_none() is not None


def _going_on(session: Session, ticket_ids: Collection[int]) -> set[int]:
    """Return which of the matters are still worked on by orders of their own, or are complaints where harm goes on."""
    under_way = (
        select(ServiceRequest.ticket_id)
        .join(WorkOrder, WorkOrder.request_id == ServiceRequest.id)
        .where(ServiceRequest.ticket_id.in_(ticket_ids), WorkOrder.state.not_in(orders.OVER))
    )
    harm = select(Complaint.ticket_id).where(
        Complaint.ticket_id.in_(ticket_ids), Complaint.harm_continues, Complaint.harm_stopped_at.is_(None)
    )
    return {*session.scalars(under_way), *session.scalars(harm)}


def _answered_by(session: Session, parent: Ticket) -> Sequence[Ticket]:
    """Return, locked, what ``parent`` is the cause of and what is still to be done."""
    statement = (
        select(Ticket)
        .where(Ticket.parent_id == parent.id, Ticket.done_at.is_(None), Ticket.closed_at.is_(None))
        .order_by(Ticket.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def _require_returned(session: Session, ticket: Ticket) -> None:
    """Raise Refusal for a complaint whose form the department has not given back (A-C6)."""
    if ticket.kind is not TicketKind.COMPLAINT:
        return
    waits = select(Complaint.id).where(Complaint.ticket_id == ticket.id, Complaint.returned_at.is_(None))
    if session.scalars(waits).first() is not None:
        raise Refusal(
            code="not_returned",
            message=f"{ticket.number} 的登记表部门还没有交回，不能关闭。请先登记回单。",
            field="state",
            value=ticket.state.label,
        )


def _end(session: Session, ticket: Ticket, state: TicketState, at: datetime) -> None:
    pauses.end_lasting(session, ticket, at)
    ticket.state = state
    ticket.closed_at = at
    clocks.cancel(session, ticket, at)
    session.flush()


def _promise(promised_at: datetime | None, office: Office) -> datetime | None:
    if promised_at is None:
        return None
    instant = as_utc(promised_at)
    if instant <= clock.now():
        raise Refusal(
            code="promise_has_passed",
            message=f"「约定完成时间」{shown(instant, office)} 已经过去。请与客户另约一个将来的时间。",
            field="promised_at",
            value=shown(instant, office),
        )
    return instant
