"""Complaints: registered, graded, signed for, forwarded, resolved, given back (A-C1 to A-C9, B-C10, B-C11)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Complaint, Office, Ticket
from tenant.rules.terms import ClockKind, Gravity, TicketKind, TicketState
from tenant.rules.transitions import require, step
from tenant.services import clocks, cycles, grading, pauses, postings, routing, tickets
from tenant.services.lookups import find, moment, optional, shown, written
from tenant.services.tickets import TicketFields

MACHINE: Final = "complaint"


def register_complaint(
    session: Session,
    *,
    gravity: Gravity = Gravity.ORDINARY,
    department_id: int | None = None,
    about: str | None = None,
    demand: str | None = None,
    harm_continues: bool = False,
    caused_harm: bool = False,
    put_off: bool = False,
    **fields: Unpack[TicketFields],
) -> Complaint:
    """Register a complaint (A-C1) and start its clocks: the department's receipt (A-C5), forwarding to director or
    general manager (A-C4b, A-C4a), the month after which it is grave (A-C2c), and the time the resident asked for,
    where one is agreed (A-C4c). Who has to see to it hears of it (A-C7).

    ``caused_harm``: somebody was hurt or lost much by the company's fault, so it is grave (A-C2b); the third on one
    topic from one unit is grave too (A-C2a). ``put_off``: told "tomorrow" at night, an ordinary one reaches its
    department at the morning handover (B-S3). An invalid one is recorded and over (A-C3). Raises Refusal as
    :func:`tenant.services.tickets.register` does, and for a department without a head.
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
    begun = clocks.begin_registered(session, ticket, office, ticket.received_at, put_off=put_off)
    clocks.begin_promise(session, ticket, ticket.received_at)
    routing.plan(session, complaint, max([clock.now(), *(row.started_at for row in begun)]))
    if caused_harm:
        grading.make_grave(session, complaint, ticket, office, grading.HARMED, source="A-C2b")
    grading.look_for_repetition(session, complaint, ticket, office)
    return complaint


def receive(session: Session, complaint_id: int, *, at: datetime | None = None) -> Complaint:
    """Record that the head of the department complained of has signed for the form (A-C5), once."""
    complaint, ticket, office = _held(session, complaint_id, "receive")
    _not_before(complaint.received_by_department_at, ticket, office, "部门签收")
    complaint.received_by_department_at = moment(
        at, office, field="at", label="签收时间", since=cycles.began_at(session, ticket)
    )
    lasting = pauses.lasting_pause(session, ticket)
    if lasting is not None:
        lasting.stood = TicketState.RECEIVED
    elif ticket.state is TicketState.REGISTERED:
        ticket.state = TicketState.RECEIVED
    clocks.meet(session, ticket, complaint.received_by_department_at, ClockKind.DEPARTMENT_RECEIPT)
    return complaint


def forward(session: Session, complaint_id: int, *, at: datetime | None = None) -> Complaint:
    """Record that the director (A-C4b) or the general manager (A-C4a) has the complaint; once for each grading."""
    complaint, ticket, office = _held(session, complaint_id, "forward")
    _not_before(complaint.forwarded_at, ticket, office, "登记上报")
    complaint.forwarded_at = moment(at, office, field="at", label="上报时间", since=ticket.received_at)
    clocks.meet(session, ticket, complaint.forwarded_at, ClockKind.FORWARD)
    return complaint


def complete(
    session: Session, complaint_id: int, *, outcome: str | None = None, at: datetime | None = None
) -> Complaint:
    """Record how the complaint was resolved; its form is due back on the same day (A-C6), the follow-up within three
    days (B-C11). Raises Refusal without an outcome, and while harm goes on (A-C8).
    """
    complaint, ticket, office = _held(session, complaint_id, "complete", {"outcome": outcome})
    if goes_on(complaint):
        raise Refusal(
            code="harm_goes_on",
            message=f"{ticket.number} 的损害仍在继续，不能办结。请先制止，并登记「已制止损害」。",
            field="harm_continues",
        )
    since = max(cycles.began_at(session, ticket), complaint.received_by_department_at or ticket.received_at)
    done_at = moment(at, office, field="at", label="完成时间", since=since)
    complaint.outcome = written(outcome, field="outcome", label="处理结果", limit=4000)
    tickets.finish(session, ticket, office, done_at)
    return complaint


def sort_under(session: Session, complaint_id: int, topic_id: int) -> Complaint:
    """Put a complaint under a topic, which may show that it is the third on one matter (A-C2a)."""
    complaint = find(session, Complaint, complaint_id, field="complaint")
    ticket, office = tickets.open_ticket(session, complaint.ticket_id, "归类")
    session.refresh(complaint)
    tickets.sort_under(session, ticket.id, topic_id)
    grading.look_for_repetition(session, complaint, ticket, office)
    return complaint


def stop_harm(session: Session, complaint_id: int, *, at: datetime | None = None) -> Complaint:
    """Record that the harm which went on was stopped (A-C8). Raises Refusal where none went on, or it is stopped."""
    complaint, ticket, office = _held(session, complaint_id, "stop_harm")
    if not goes_on(complaint):
        when = complaint.harm_stopped_at
        message = f"{ticket.number} 的损害已经登记制止。" if when else f"{ticket.number} 登记时没有损害仍在继续。"
        raise Refusal(code="no_harm", message=f"{message}请刷新后查看。", field="harm_continues")
    complaint.harm_stopped_at = moment(at, office, field="at", label="制止时间", since=ticket.received_at)
    session.flush()
    return complaint


def goes_on(complaint: Complaint) -> bool:
    """Tell whether harm still goes on (A-C8)."""
    return complaint.harm_continues and complaint.harm_stopped_at is None


def give_back(session: Session, complaint_id: int, *, at: datetime | None = None) -> Complaint:
    """Record that the department has given the form back, due on the day it finished (A-C6).

    Raises Refusal before it has finished, and for a form that is back.
    """
    complaint, ticket, office = _held(session, complaint_id, "give_back")
    if complaint.returned_at is not None:
        raise Refusal(
            code="returned",
            message=f"{ticket.number} 已经登记回单，无需再次登记。请刷新后查看。",
            field="returned_at",
        )
    complaint.returned_at = moment(at, office, field="at", label="回单时间", since=ticket.done_at)
    clocks.meet(session, ticket, complaint.returned_at, ClockKind.RETURN)
    return complaint


def regrade(
    session: Session, complaint_id: int, gravity: Gravity, *, reason: str | None = None, at: datetime | None = None
) -> Complaint:
    """Grade a complaint anew (A-C2, A-C3): its forwarding starts over from now, by the new gravity.

    Its other clocks run on, and who is told of them next is told when the new gravity says so (A-C7). The month
    after which it is grave goes on counting from receipt, or stops when it is grave already (A-C2c). Those who must
    hear of a grave one are told (A-C4a). To the same gravity nothing changes; invalid ends it. Raises Refusal without
    a reason.
    """
    if gravity is Gravity.INVALID:
        complaint = find(session, Complaint, complaint_id, field="complaint")
        tickets.invalidate(session, complaint.ticket_id, reason or "", at=at)
        return complaint
    complaint, ticket, office = _held(session, complaint_id, "regrade", {"gravity": gravity, "reason": reason})
    if gravity is complaint.gravity:
        return complaint
    graded_at = moment(at, office, field="at", label="定级时间", since=ticket.received_at)
    why = optional(reason, field="reason", label="定级原因", limit=grading.LONGEST_REASON)
    if gravity is Gravity.GRAVE:
        grading.make_grave(session, complaint, ticket, office, why, at=graded_at)
    else:
        grading.grade(session, complaint, ticket, office, gravity, why, graded_at)
    return complaint


def age(session: Session, complaint_id: int) -> Complaint:
    """Make a complaint grave that is unresolved after a month (A-C2c); whoever runs the clock tells of it."""
    complaint, ticket, office = _held(
        session, complaint_id, "regrade", {"gravity": Gravity.GRAVE, "reason": grading.OLD}
    )
    if complaint.gravity is not Gravity.GRAVE:
        grading.grade(session, complaint, ticket, office, Gravity.GRAVE, grading.OLD, clock.now())
    return complaint


def by_ticket(session: Session, ticket_id: int) -> Complaint | None:
    """Return the complaint of a ticket, None when the ticket is something else."""
    return session.scalars(select(Complaint).where(Complaint.ticket_id == ticket_id)).one_or_none()


def _not_before(said_at: datetime | None, ticket: Ticket, office: Office, act: str) -> None:
    """Raise Refusal for what somebody has recorded before: the time on the form and on the clock is the first."""
    if said_at is not None:
        raise Refusal(
            code="recorded",
            message=f"{ticket.number} 已于 {shown(said_at, office)} {act}，无需再次登记。请刷新后查看。",
            field="at",
            value=shown(said_at, office),
        )


def _held(
    session: Session, complaint_id: int, verb: str, told: Mapping[str, object] | None = None
) -> tuple[Complaint, Ticket, Office]:
    """Return the complaint with ticket and office, the ticket locked, where the table offers ``verb`` now.

    Raises NotFound; Refusal for one that is over or done where the verb comes too late, and where something that the
    verb needs is not in ``told``.
    """
    table = policy.transitions()
    row = table.row(MACHINE, verb)
    found = find(session, Complaint, complaint_id, field="complaint")
    look_up = tickets.open_ticket if TicketState.DONE in row.came_from else tickets.unfinished_ticket
    ticket, office = look_up(session, found.ticket_id, row.label)
    step(table, MACHINE, ticket.state, verb, subject=ticket.number)
    require(table, row, told or {})
    session.refresh(found)
    return found, ticket, office
