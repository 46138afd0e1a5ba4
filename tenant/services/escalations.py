"""Telling the next one up the line when a clock has run out (A-O2, A-S5, A-C2c).

What is due was planned when the clock began; here it is looked at again, under the ticket's lock, and done once.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock as clockface
from tenant import policy
from tenant.errors import Refusal
from tenant.models import Clock, Complaint, DueAction, Escalation, Office, ServiceRequest, Ticket, Unit, WorkOrder
from tenant.rules.deadlines import breached
from tenant.rules.gravity import route_for
from tenant.rules.ladder import next_step
from tenant.rules.terms import ClockKind, Gravity, Role, TicketKind
from tenant.services import clocks, complaints, orders, postings
from tenant.services.lookups import find
from tenant.services.postings import Recipient

RULE = clocks.RULE


@dataclass(frozen=True, slots=True)
class Raised:
    """One escalation as a mail needs it; all instants in UTC.

    ``tell`` are the roles to be told, ``above`` those further up, lowest first: they are told when nobody holds the
    former. ``department_id`` and ``technician_id`` (a posting) name who has the matter, None when nobody has.
    """

    escalation_id: int
    office_id: int
    office_name: str
    zone: str
    ticket_id: int
    ticket_number: str
    ticket_kind: TicketKind
    clock_kind: ClockKind
    level: int
    tell: tuple[Role, ...]
    above: tuple[Role, ...]
    due_at: datetime
    raised_at: datetime
    late_minutes: int
    source: str
    content: str
    place: str | None
    department_id: int | None
    technician_id: int | None


def escalate(session: Session, due_action: DueAction, at: datetime) -> Raised | None:
    """Raise one level of a clock that has run out, and plan the next one from the instant it ran out.

    None when there is nothing to raise any more: met, cancelled, not yet due, the ticket over, the level raised before
    or gone from the ladder. A complaint unresolved for a month becomes grave here (A-C2c). The next level may be due
    already: who runs this asks again until nothing is.
    """
    found = _running(session, due_action.subject_id, at)
    if found is None:
        return None
    clock, ticket = found
    raised_before = select(Escalation.id).where(
        Escalation.clock_id == clock.id, Escalation.level == due_action.level, Escalation.cycle == clock.cycle
    )
    if session.scalars(raised_before).first() is not None:
        return None
    if clock.kind is ClockKind.REGRADE:
        return _make_grave(session, clock, ticket, at)
    ladder = clocks.ladder_of(session, ticket, clock)
    step = next((rung for rung in ladder if rung.level == due_action.level), None)
    if step is None:
        return None
    following = next_step(ladder, step.level)
    if following is not None:
        clocks.plan_step(session, clock, following)
    row = _record(session, clock, step.level, step.role, at, step.source)
    above = tuple(rung.role for rung in ladder if rung.level > step.level)
    return _facts(session, row, clock, ticket, (step.role,), above)


def recipients(group_session: Session, raised: Raised, day: date) -> list[Recipient]:
    """Return who is to be told on ``day``, once each; empty only when nobody up to the group can be written to.

    The technician is the one who has the order, an unassigned order is its department's head's, and the head is that of
    the department that has the matter (A-W3, A-C5). A role nobody holds is passed over for the one above it.
    """
    found: dict[str, Recipient] = {}
    for role in raised.tell:
        found |= {person.address: person for person in _holders(group_session, raised, role, day)}
    for role in raised.above:
        if found:
            break
        found |= {person.address: person for person in _holders(group_session, raised, role, day)}
    return list(found.values())


def record_told(session: Session, raised: Raised, count: int) -> None:
    """Note on the escalation how many people were written to."""
    row = find(session, Escalation, raised.escalation_id, field="escalation")
    row.told = count
    session.flush()


def acknowledge(session: Session, escalation_id: int) -> Escalation:
    """Record that somebody has taken notice of an escalation. Raises Refusal when somebody had before."""
    row = find(session, Escalation, escalation_id, field="escalation", lock=True)
    if row.acknowledged_at is not None:
        raise Refusal(
            code="acknowledged",
            message="这条升级已有人确认，无需再次确认。请刷新列表查看最新情况。",
            field="acknowledged_at",
            value=row.acknowledged_at.isoformat(),
        )
    row.acknowledged_at = clockface.now()
    row.acknowledged_by_id = postings.acting_posting_id(session, row.office_id)
    session.flush()
    return row


def _running(session: Session, clock_id: int, at: datetime) -> tuple[Clock, Ticket] | None:
    """Return the clock and its ticket, locked in this order as everywhere: ticket, clock; None when it has ended."""
    ticket_id = session.scalars(select(Clock.ticket_id).where(Clock.id == clock_id)).one_or_none()
    if ticket_id is None:
        return None
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    clock = find(session, Clock, clock_id, field="clock", lock=True)
    over = ticket.closed_at is not None or clock.met_at is not None or clock.cancelled_at is not None
    return None if over or not breached(clock.due_at, clock.met_at, at) else (clock, ticket)


def _make_grave(session: Session, clock: Clock, ticket: Ticket, at: datetime) -> Raised | None:
    """Make the complaint grave and tell those who must hear of it (A-C2c, A-C4a); its own clock has run its course."""
    complaint = complaints.by_ticket(session, ticket.id)
    if complaint is None or ticket.done_at is not None:
        return None
    clock.cancelled_at = at
    session.flush()
    with clockface.at(at):
        complaints.age(session, complaint.id)
    route = route_for(policy.gravities(), Gravity.GRAVE)
    row = _record(session, clock, 1, route.handler, at, clock.source)
    return _facts(
        session, row, clock, ticket, tuple(dict.fromkeys((*route.informs, route.handler))), (Role.GROUP_CENTRE,)
    )


def _record(session: Session, clock: Clock, level: int, role: Role, at: datetime, source: str) -> Escalation:
    row = Escalation(
        office_id=clock.office_id,
        ticket_id=clock.ticket_id,
        clock_id=clock.id,
        level=level,
        cycle=clock.cycle,
        role=role,
        raised_at=at,
        late_minutes=(at - clock.due_at) // timedelta(minutes=1),
        source=source,
    )
    session.add(row)
    session.flush()
    return row


def _facts(
    session: Session, row: Escalation, clock: Clock, ticket: Ticket, tell: tuple[Role, ...], above: tuple[Role, ...]
) -> Raised:
    office = find(session, Office, ticket.office_id, field="office")
    department_id, technician_id = _in_charge(session, ticket)
    place = ticket.location
    if ticket.unit_id is not None:
        place = session.scalars(select(Unit.number).where(Unit.id == ticket.unit_id)).one()
    return Raised(
        escalation_id=row.id,
        office_id=office.id,
        office_name=office.name,
        zone=office.zone,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        ticket_kind=ticket.kind,
        clock_kind=clock.kind,
        level=row.level,
        tell=tell,
        above=above,
        due_at=clock.due_at,
        raised_at=row.raised_at,
        late_minutes=row.late_minutes,
        source=clock.source,
        content=ticket.content,
        place=place,
        department_id=department_id,
        technician_id=technician_id,
    )


def _in_charge(session: Session, ticket: Ticket) -> tuple[int | None, int | None]:
    """Return department and technician who have the matter: of a request's latest order, of a complaint its own."""
    if ticket.kind is TicketKind.COMPLAINT:
        statement = select(Complaint.department_id).where(Complaint.ticket_id == ticket.id)
        return session.scalars(statement).one(), None
    latest = (
        select(WorkOrder.department_id, WorkOrder.technician_id)
        .join(ServiceRequest, ServiceRequest.id == WorkOrder.request_id)
        .where(ServiceRequest.ticket_id == ticket.id, WorkOrder.state.not_in(orders.CALLED_OFF))
        .order_by(WorkOrder.id.desc())
        .limit(1)
    )
    order = session.execute(latest).one_or_none()
    return (None, None) if order is None else (order.department_id, order.technician_id)


def _holders(group_session: Session, raised: Raised, role: Role, day: date) -> list[Recipient]:
    """Return who holds ``role`` in this matter."""
    if role is Role.TECHNICIAN:
        if raised.technician_id is None:
            return _holders(group_session, raised, Role.DEPARTMENT_HEAD, day)
        return postings.recipient_of(group_session, raised.technician_id, day)
    if role is Role.DEPARTMENT_HEAD and raised.department_id is not None:
        return postings.heads_to_tell(group_session, raised.office_id, raised.department_id, day)
    return postings.recipients(group_session, raised.office_id, role, day)
