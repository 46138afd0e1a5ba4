"""Complaints: registered, graded, signed for, forwarded, resolved (A-C1 to A-C9, B-C10, B-C11)."""

from datetime import datetime
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import journal, policy
from tenant.calendars import local_day
from tenant.models import Complaint, Office, Ticket
from tenant.rules.deadlines import terms_at_registration, terms_for
from tenant.rules.terms import ClockKind, ClockStart, Gravity, TicketKind, TicketState
from tenant.services import clocks, postings, replanning, tickets
from tenant.services.lookups import find, moment, optional, written
from tenant.services.tickets import TicketFields


def register_complaint(
    session: Session,
    *,
    gravity: Gravity = Gravity.ORDINARY,
    department_id: int | None = None,
    about: str | None = None,
    demand: str | None = None,
    harm_continues: bool = False,
    **fields: Unpack[TicketFields],
) -> Complaint:
    """Register a complaint (A-C1) and start its clocks: the department's receipt (A-C5), forwarding to director or
    general manager (A-C4b, A-C4a), the month after which it is grave (A-C2c), and the time the resident asked for,
    where one is agreed (A-C4c).

    An invalid one is recorded and over (A-C3). Raises Refusal as :func:`tenant.services.tickets.register` does, and for
    a department without a head.
    """
    ticket, office = tickets.register(session, TicketKind.COMPLAINT, fields)
    if department_id is not None:
        today = local_day(ticket.received_at, office.zone)
        department_id = postings.department_with_head(session, office.id, department_id, today).id
    complaint = Complaint(
        office_id=office.id,
        ticket_id=ticket.id,
        gravity=gravity,
        department_id=department_id,
        about=optional(about, field="about", label="被投诉人", limit=100),
        demand=optional(demand, field="demand", label="客户要求", limit=4000),
        harm_continues=harm_continues,
    )
    session.add(complaint)
    session.flush()
    if gravity is Gravity.INVALID:
        tickets.end_as_invalid(session, ticket, ticket.received_at)
        return complaint
    terms = terms_at_registration(policy.clocks(), TicketKind.COMPLAINT, [gravity.value])
    clocks.begin(session, ticket, office, terms, ticket.received_at)
    clocks.begin_promise(session, ticket, ticket.received_at)
    return complaint


def receive(session: Session, complaint_id: int, *, at: datetime | None = None) -> Complaint:
    """Record that the head of the department complained of has signed for the form (A-C5)."""
    complaint, ticket, office = _open_complaint(session, complaint_id, "签收")
    complaint.received_by_department_at = moment(at, office, field="at", label="签收时间", since=ticket.received_at)
    if ticket.state is TicketState.REGISTERED:
        ticket.state = TicketState.RECEIVED
    clocks.meet(session, ticket, complaint.received_by_department_at, ClockKind.DEPARTMENT_RECEIPT)
    return complaint


def forward(session: Session, complaint_id: int, *, at: datetime | None = None) -> Complaint:
    """Record that the director (A-C4b) or the general manager (A-C4a) has the complaint."""
    complaint, ticket, office = _open_complaint(session, complaint_id, "上报", done=True)
    complaint.forwarded_at = moment(at, office, field="at", label="上报时间", since=ticket.received_at)
    clocks.meet(session, ticket, complaint.forwarded_at, ClockKind.FORWARD)
    return complaint


def complete(
    session: Session, complaint_id: int, *, outcome: str | None = None, at: datetime | None = None
) -> Complaint:
    """Record how the complaint was resolved (A-C6); the follow-up is due within three days (B-C11)."""
    complaint, ticket, office = _open_complaint(session, complaint_id, "登记完成")
    done_at = moment(at, office, field="at", label="完成时间", since=ticket.received_at)
    complaint.outcome = optional(outcome, field="outcome", label="处理结果", limit=4000)
    tickets.finish(session, ticket, office, done_at)
    return complaint


def regrade(
    session: Session, complaint_id: int, gravity: Gravity, *, reason: str | None = None, at: datetime | None = None
) -> Complaint:
    """Grade a complaint anew (A-C2, A-C3): its forwarding starts over from now, by the new gravity.

    Its other clocks run on, and who is told of them next is told when the new gravity says so (A-C7). The month
    after which it is grave goes on counting from receipt, or stops when it is grave already (A-C2c). To the same
    gravity nothing changes; invalid ends it, and then ``reason`` is required.
    """
    if gravity is Gravity.INVALID:
        complaint = find(session, Complaint, complaint_id, field="complaint")
        tickets.invalidate(session, complaint.ticket_id, reason or "", at=at)
        return complaint
    complaint, ticket, office = _open_complaint(session, complaint_id, "重新定级", done=True)
    if gravity is complaint.gravity:
        return complaint
    graded_at = moment(at, office, field="at", label="定级时间", since=ticket.received_at)
    if reason:
        journal.because(session, written(reason, field="reason", label="定级原因", limit=journal.LONGEST_REASON))
    complaint.gravity = gravity
    complaint.forwarded_at = None
    session.flush()
    clocks.cancel(session, ticket, graded_at, ClockKind.FORWARD)
    clocks.begin_for(session, ticket, office, ClockStart.GRADING, graded_at)
    _keep_the_month(session, ticket, office, graded_at)
    replanning.follow(session, ticket)
    return complaint


def by_ticket(session: Session, ticket_id: int) -> Complaint | None:
    """Return the complaint of a ticket, None when the ticket is something else."""
    return session.scalars(select(Complaint).where(Complaint.ticket_id == ticket_id)).one_or_none()


def _keep_the_month(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Stop the month's clock when the gravity no longer has one; give it back when it has one again (A-C2c)."""
    held = clocks.qualifiers(session, ticket)
    terms = terms_for(policy.clocks(), ticket.kind, ClockStart.RECEIPT, held)
    wanted = [term for term in terms if term.kind is ClockKind.REGRADE]
    if not wanted:
        clocks.cancel(session, ticket, at, ClockKind.REGRADE)
    elif ticket.done_at is None and not clocks.running(session, ticket, [ClockKind.REGRADE]):
        clocks.begin(session, ticket, office, wanted, ticket.received_at)


def _open_complaint(
    session: Session, complaint_id: int, act: str, *, done: bool = False
) -> tuple[Complaint, Ticket, Office]:
    """Return the complaint with ticket and office, the ticket locked; a done one only where ``done``."""
    found = find(session, Complaint, complaint_id, field="complaint")
    look_up = tickets.open_ticket if done else tickets.unfinished_ticket
    ticket, office = look_up(session, found.ticket_id, act)
    session.refresh(found)
    return found, ticket, office
