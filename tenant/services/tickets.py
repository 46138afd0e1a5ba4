"""What requests and complaints have in common: registering, replying, promising, closing, reopening."""

from datetime import datetime
from typing import Required, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock, journal, policy
from tenant.calendars import as_utc
from tenant.errors import Refusal
from tenant.models import Complaint, FollowUp, Office, Ticket
from tenant.rules.deadlines import terms_for
from tenant.rules.terms import Channel, ClockKind, ClockStart, Gravity, ReporterKind, TicketKind, TicketState
from tenant.services import clocks, numbers, postings, units
from tenant.services.lookups import find, moment, open_office, optional, shown, written

_LONGEST_ANSWER = 500
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
    received_at: datetime | None
    promised_at: datetime | None


def register(session: Session, kind: TicketKind, fields: TicketFields) -> tuple[Ticket, Office]:
    """Write down what reached the desk, under its number (A-W2, A-C1). Starts no clock: its kind knows which.

    Raises Refusal for an archived office, a unit the office has not, empty content, a time of receipt that has not come
    and a promise for a time that has passed.
    """
    office = open_office(session, fields["office_id"])
    unit_id = fields.get("unit_id")
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
        received_at=received_at,
        promised_at=_promise(fields.get("promised_at"), office),
        registered_by_id=postings.acting_posting_id(session, office.id),
    )
    ticket.number = numbers.next_ticket_number(session, office, kind, clock.now())
    session.add(ticket)
    session.flush()
    return ticket, office


def reply(session: Session, ticket_id: int, *, at: datetime | None = None, answer: str | None = None) -> Ticket:
    """Record that the customer was spoken to: the first time the first reply (A-W4), then the daily contact (A-W7).

    ``answer`` is what was said. The next contact is due on the following day until the matter is done.
    """
    ticket, office = open_ticket(session, ticket_id, "答复")
    spoken_at = moment(at, office, field="at", label="联系时间", since=ticket.received_at)
    said = optional(answer, field="answer", label="客户意见", limit=_LONGEST_ANSWER)
    clocks.meet(session, ticket, spoken_at, ClockKind.FIRST_REPLY, ClockKind.DAILY_CONTACT)
    if ticket.done_at is None:
        clocks.begin_for(session, ticket, office, ClockStart.CONTACT, spoken_at)
    facts = {"at": spoken_at.isoformat(), "answer": said}
    journal.note(
        session,
        journal.RecordedAct(
            verb="ticket.replied", subject_kind="ticket", subject_id=ticket.id, office_id=ticket.office_id, facts=facts
        ),
    )
    return ticket


def promise(session: Session, ticket_id: int, promised_at: datetime) -> Ticket:
    """Agree with the customer when it will be done, instead of what was agreed before (A-W5, A-C4c, B-W19)."""
    ticket, office = unfinished_ticket(session, ticket_id, "预约")
    ticket.promised_at = _promise(promised_at, office)
    present = clock.now()
    clocks.cancel(session, ticket, present, ClockKind.PROMISED)
    clocks.begin_promise(session, ticket, present)
    return ticket


def finish(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Mark the matter done at ``at``: its clocks are met, contact ends, the follow-up is due (B-W11, B-C11, A-R6)."""
    ticket.done_at = at
    ticket.state = TicketState.DONE
    clocks.meet(session, ticket, at, *_WORK)
    clocks.cancel(session, ticket, at, ClockKind.DAILY_CONTACT)
    clocks.begin_for(session, ticket, office, ClockStart.COMPLETION, at)


def reopen(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Take up again what did not satisfy, in the next cycle: dispatched anew until it does (A-W10).

    A complaint's month until it becomes grave goes on counting from its receipt (A-C2c).
    """
    ticket.cycle += 1
    ticket.done_at = ticket.promised_at = None
    ticket.state = TicketState.REGISTERED
    clocks.cancel(session, ticket, at, ClockKind.FOLLOW_UP, ClockKind.PROMISED)
    held = clocks.qualifiers(session, ticket)
    for starts in (ClockStart.RECEIPT, ClockStart.CONTACT):
        terms = terms_for(policy.clocks(), ticket.kind, starts, held)
        clocks.begin(session, ticket, office, [term for term in terms if term.kind not in _NOT_AGAIN], at)
        unresolved = [term for term in terms if term.kind is ClockKind.REGRADE]
        clocks.begin(session, ticket, office, unresolved, ticket.received_at)
    if ticket.kind is TicketKind.COMPLAINT:
        complaint = session.scalars(select(Complaint).where(Complaint.ticket_id == ticket.id)).one()
        complaint.received_by_department_at = None
    session.flush()


def close(session: Session, ticket_id: int, *, at: datetime | None = None) -> Ticket:
    """Close what is done and followed up (A-W10: all of them). Raises Refusal before that."""
    ticket, office = open_ticket(session, ticket_id, "关闭")
    if ticket.done_at is None:
        raise Refusal(
            code="not_done",
            message=f"{ticket.number} 还没有办完，不能关闭。请先登记完成，再回访、关闭。",
            field="state",
            value=ticket.state.label,
        )
    followed_up = select(FollowUp.id).where(FollowUp.ticket_id == ticket.id, FollowUp.made_at >= ticket.done_at)
    if session.scalars(followed_up.limit(1)).first() is None:
        raise Refusal(
            code="not_followed_up",
            message=f"{ticket.number} 办完后还没有回访，不能关闭。请先回访并登记满意度。",
            field="state",
            value=ticket.state.label,
        )
    _end(session, ticket, TicketState.CLOSED, moment(at, office, field="at", label="关闭时间", since=ticket.done_at))
    return ticket


def invalidate(session: Session, ticket_id: int, reason: str, *, at: datetime | None = None) -> Ticket:
    """End a matter that is none: explained to the customer and still recorded (A-C3). The reason is required."""
    ticket, office = open_ticket(session, ticket_id, "作废")
    journal.because(session, written(reason, field="reason", label="无效原因", limit=journal.LONGEST_REASON))
    ended_at = moment(at, office, field="at", label="作废时间", since=ticket.received_at)
    if ticket.kind is TicketKind.COMPLAINT:
        complaint = session.scalars(select(Complaint).where(Complaint.ticket_id == ticket.id)).one()
        complaint.gravity = Gravity.INVALID
    _end(session, ticket, TicketState.INVALID, ended_at)
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


def _end(session: Session, ticket: Ticket, state: TicketState, at: datetime) -> None:
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
