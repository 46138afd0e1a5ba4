"""Telling the next one up the line when a clock has run out (A-O2, A-S5, A-C2c).

What is due was planned when the clock began; here it is looked at again, under the ticket's lock, and done once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from tenant import clock as clockface
from tenant import policy
from tenant.calendars import local_day
from tenant.models import Clock, Complaint, DueAction, Escalation, Office, ServiceRequest, Ticket, Unit, WorkOrder
from tenant.rules.deadlines import breached
from tenant.rules.duties import AS_POSTED, Watch
from tenant.rules.gravity import route_for
from tenant.rules.ladder import EscalationStep, counted_from, next_step
from tenant.rules.terms import ClockKind, Gravity, Role, TicketKind
from tenant.services import clocks, complaints, duties, orders, postings
from tenant.services.lookups import find
from tenant.services.postings import Recipient

RULE = clocks.RULE
SUBJECT = "escalation"
"""What a mail about one is about."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One escalation as a mail needs it; all instants in UTC.

    ``tell`` are the roles to be told, ``above`` those further up, lowest first: they are told when nobody holds the
    former. ``department_id`` and ``technician_id`` (a posting) name who has the matter, None when nobody has.
    Of a warning ``escalation_id`` and ``level`` are 0. What ``waits`` is told after the office's quiet hours, what
    ``presses`` in a mail of its own.
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
    waits: bool = False
    presses: bool = False


@dataclass(frozen=True, slots=True)
class InCharge:
    """Who has a matter: department and technician (a posting), None where nobody has.

    ``presses``: it is urgent or grave, and what is said of it stands in a mail of its own (A-W2, A-C2).
    """

    department_id: int | None
    technician_id: int | None
    presses: bool


Telling: TypeAlias = Callable[[Raised], int]
"""Returns how many people are to be told of a level about to be raised, which has no number yet."""


def escalate(
    session: Session, due_action: DueAction, at: datetime, telling: Telling = lambda _raised: 0
) -> Raised | None:
    """Raise one level of a clock that has run out, and plan the next one from the instant it ran out.

    How many are told of it, as ``telling`` says, stands on the level from the beginning.

    None when there is nothing to raise any more: met, cancelled, not yet due, the ticket over, the level raised before
    or gone from the ladder. A complaint unresolved for a month becomes grave here (A-C2c). The next level may be due
    already: who runs this asks again until nothing is.
    """
    found = _running(session, due_action.subject_id, at)
    if found is None:
        return None
    clock, ticket = found
    before = raised_before(session, clock)
    if due_action.level in before:
        return None
    if clock.kind is ClockKind.REGRADE:
        return _make_grave(session, clock, ticket, at, telling)
    ladder = clocks.ladder_of(session, ticket, clock)
    step = next((rung for rung in ladder if rung.level == due_action.level), None)
    if step is None:
        return None
    following = next_step(ladder, step.level)
    if following is not None:
        clocks.plan_step(session, clock, following, since(ladder, clock, before))
    row = _level(clock, step.level, step.role, at, step.source)
    above = tuple(rung.role for rung in ladder if rung.level > step.level)
    return _record(session, row, facts_of(session, clock, ticket, (step.role,), above, row, waits=step.waits), telling)


def raised_before(session: Session, clock: Clock) -> dict[int, datetime | None]:
    """Return the levels raised on the clock so far, each with the instant somebody took notice of it, None: nobody."""
    statement = select(Escalation.level, Escalation.acknowledged_at)
    return dict(
        iter(session.execute(statement.where(Escalation.clock_id == clock.id, Escalation.cycle == clock.cycle)))
    )


def since(ladder: Sequence[EscalationStep], clock: Clock, before: Mapping[int, datetime | None]) -> datetime:
    """Return the instant from which the clock's next levels are counted, by what was raised and noticed ``before``."""
    level, noticed_at = max(((level, at) for level, at in before.items() if at is not None), default=(0, None))
    return counted_from(ladder, clock.due_at, level, noticed_at)


def recipients(group_session: Session, raised: Raised, at: datetime) -> list[Recipient]:
    """Return who is to be told at ``at``, once each; empty only when nobody up to the group can be written to.

    The technician is the one who has the order, an unassigned order is its department's head's, and the head is that of
    the department that has the matter (A-W3, A-C5). Who is away is told through the substitute, and of a role those on
    duty hear it (B-S1). A role nobody holds, or whose holders are all away, is passed over for the one above it; were
    all of them up the line away, who holds the role is told all the same.
    """
    day = local_day(at, raised.zone)
    watch = duties.watch(group_session, raised.office_id, at, raised.zone, can_wait=raised.waits)
    found = _up_the_line(group_session, raised, day, watch)
    return found or (_up_the_line(group_session, raised, day, AS_POSTED) if watch.away else [])


def _up_the_line(group_session: Session, raised: Raised, day: date, watch: Watch) -> list[Recipient]:
    found: dict[str, Recipient] = {}
    for role in raised.tell:
        found |= {person.address: person for person in _holders(group_session, raised, role, day, watch)}
    for role in raised.above:
        if found:
            break
        found |= {person.address: person for person in _holders(group_session, raised, role, day, watch)}
    return list(found.values())


def _running(session: Session, clock_id: int, at: datetime) -> tuple[Clock, Ticket] | None:
    """Return the clock and its ticket, locked in this order as everywhere: ticket, clock; None when it has ended."""
    of_clock = select(Ticket).join(Clock, Clock.ticket_id == Ticket.id).where(Clock.id == clock_id)
    locking = of_clock.with_for_update(key_share=True, of=Ticket).execution_options(populate_existing=True)
    ticket = session.scalars(locking).one_or_none()
    if ticket is None:
        return None
    clock = find(session, Clock, clock_id, field="clock", lock=True)
    over = ticket.closed_at is not None or clock.met_at is not None or clock.cancelled_at is not None
    return None if over or not breached(clock.due_at, clock.met_at, at) else (clock, ticket)


def _make_grave(session: Session, clock: Clock, ticket: Ticket, at: datetime, telling: Telling) -> Raised | None:
    """Make the complaint grave and tell those who must hear of it (A-C2c, A-C4a); its own clock has run its course."""
    complaint = complaints.by_ticket(session, ticket.id)
    if complaint is None or ticket.done_at is not None:
        return None
    clock.cancelled_at = at
    session.flush()
    with clockface.at(at):
        complaints.age(session, complaint.id)
    route = route_for(policy.gravities(), Gravity.GRAVE)
    row = _level(clock, 1, route.handler, at, clock.source)
    tell = tuple(dict.fromkeys((*route.informs, route.handler)))
    return _record(session, row, facts_of(session, clock, ticket, tell, (Role.GROUP_CENTRE,), row), telling)


def _level(clock: Clock, level: int, role: Role, at: datetime, source: str) -> Escalation:
    """Return a level that is about to be raised; it belongs to no session yet."""
    return Escalation(
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


def _record(session: Session, row: Escalation, raised: Raised, telling: Telling) -> Raised:
    """Write the level down, once it is known how many are told of it; return its facts with its number."""
    row.told = telling(raised)
    session.add(row)
    session.flush()
    return replace(raised, escalation_id=row.id)


def facts_of(
    session: Session,
    clock: Clock,
    ticket: Ticket,
    tell: tuple[Role, ...],
    above: tuple[Role, ...],
    row: Escalation | None = None,
    *,
    waits: bool = False,
) -> Raised:
    """Return what a mail about the clock needs; ``row`` None: nothing was raised, somebody is warned (level 0).

    Of a level that is not written down yet ``escalation_id`` is 0.
    """
    office = session.get_one(Office, ticket.office_id)
    has_it = in_charge(session, ticket)
    place = ticket.location
    if ticket.unit_id is not None:
        place = session.scalars(select(Unit.number).where(Unit.id == ticket.unit_id)).one()
    return Raised(
        escalation_id=0,
        office_id=office.id,
        office_name=office.name,
        zone=office.zone,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        ticket_kind=ticket.kind,
        clock_kind=clock.kind,
        level=0 if row is None else row.level,
        tell=tell,
        above=above,
        due_at=clock.due_at,
        raised_at=clockface.now() if row is None else row.raised_at,
        late_minutes=0 if row is None else row.late_minutes,
        source=clock.source,
        content=ticket.content,
        place=place,
        department_id=has_it.department_id,
        technician_id=has_it.technician_id,
        waits=waits,
        presses=has_it.presses,
    )


def in_charge(session: Session, ticket: Ticket) -> InCharge:
    """Return who has the matter: a request's latest order's people, a complaint's department; and if it presses."""
    if ticket.kind is TicketKind.COMPLAINT:
        statement = select(Complaint.department_id, Complaint.gravity).where(Complaint.ticket_id == ticket.id)
        department_id, gravity = session.execute(statement).one()
        return InCharge(department_id, None, gravity is Gravity.GRAVE)
    latest = (
        select(WorkOrder.department_id, WorkOrder.technician_id, ServiceRequest.urgent)
        .select_from(ServiceRequest)
        .outerjoin(
            WorkOrder, and_(WorkOrder.request_id == ServiceRequest.id, WorkOrder.state.not_in(orders.CALLED_OFF))
        )
        .where(ServiceRequest.ticket_id == ticket.id)
        .order_by(WorkOrder.id.desc().nulls_last())
        .limit(1)
    )
    order = session.execute(latest).one_or_none()
    return InCharge(None, None, presses=False) if order is None else InCharge(*order)


def _holders(group_session: Session, raised: Raised, role: Role, day: date, watch: Watch) -> list[Recipient]:
    """Return who holds ``role`` in this matter."""
    if role is Role.TECHNICIAN:
        if raised.technician_id is None:
            return _holders(group_session, raised, Role.DEPARTMENT_HEAD, day, watch)
        return postings.recipient_of(group_session, raised.technician_id, day, watch)
    if role is Role.DEPARTMENT_HEAD and raised.department_id is not None:
        return postings.heads_to_tell(group_session, raised.office_id, raised.department_id, day, watch)
    return postings.recipients(group_session, raised.office_id, role, day, watch)
