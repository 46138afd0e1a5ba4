"""How grave a complaint is: graded, made grave by harm, repetition or age, and who must hear of it (A-C2, A-C7)."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tenant import clock, journal, policy
from tenant.calendars import local_day
from tenant.models import Complaint, Office, Ticket
from tenant.rules.deadlines import Term
from tenant.rules.gravity import repeated
from tenant.rules.limits import Limit, limits_for
from tenant.rules.terms import ClockKind, ClockMeasure, ClockStart, Gravity, PauseReason, TicketKind, TicketState
from tenant.services import clock_plans, clocks, limits, pauses, routing

LONGEST_REASON: Final = journal.LONGEST_REASON
HARMED: Final = "造成人身伤害或重大经济损失（A-C2b）"
OLD: Final = "满一个月仍未解决（A-C2c）"
_NAMED: Final = 5
"""How many earlier complaints the reason names."""


def grade(
    session: Session,
    complaint: Complaint,
    ticket: Ticket,
    office: Office,
    gravity: Gravity,
    why: str | None,
    at: datetime,
) -> None:
    """Grade a complaint, its ticket locked, anew at ``at``; ``why`` is kept with it (A-C2).

    Work goes on if it waited. Its forwarding starts over by the new gravity, and so does contact where the gravity asks
    for it (B-C10); the month's clock runs while the gravity has one (A-C2c). Who has to see to it as it is now hears of
    it (A-C7).
    """
    if why:
        journal.because(session, why)
    pauses.end_lasting(session, ticket, at)
    complaint.gravity, complaint.graded_why, complaint.forwarded_at = gravity, why, None
    session.flush()
    clocks.cancel(session, ticket, at, ClockKind.FORWARD)
    clocks.begin_for(session, ticket, office, ClockStart.GRADING, at)
    _keep_the_month(session, ticket, office, at)
    if ticket.done_at is None:
        clocks.cancel(session, ticket, at, ClockKind.DAILY_CONTACT)
        clocks.begin_for(session, ticket, office, ClockStart.CONTACT, at)
    routing.cancel(session, complaint)
    if ticket.done_at is None:
        routing.plan(session, complaint, at)
    clock_plans.follow(session, ticket)


def make_grave(
    session: Session,
    complaint: Complaint,
    ticket: Ticket,
    office: Office,
    why: str | None,
    *,
    at: datetime | None = None,
    source: str = "A-C4a",
) -> None:
    """Make a complaint grave and have those told at once who must hear of it (A-C4a, A-C7).

    One that is grave already keeps its clocks and only gets the reason. ``source`` is the rule that makes it grave.
    """
    graded_at = clock.now() if at is None else at
    if complaint.gravity is Gravity.GRAVE:
        complaint.graded_why = complaint.graded_why or why
        session.flush()
        return
    grade(session, complaint, ticket, office, Gravity.GRAVE, why, graded_at)
    if ticket.done_at is None:
        clocks.begin(session, ticket, office, [_at_once(source)], graded_at)


def look_for_repetition(session: Session, complaint: Complaint, ticket: Ticket, office: Office) -> None:
    """Make a complaint grave that is the third on its topic from its unit within the setting, one before it still
    open (A-C2a); also one that came later, where this one was written down or sorted only now. Without a topic or a
    unit nothing tells that a matter is the same.
    """
    if ticket.topic_id is None or ticket.unit_id is None or complaint.gravity is Gravity.INVALID:
        return
    _look_back(session, complaint, ticket, office)
    unresolved = (Ticket.done_at.is_(None), Ticket.closed_at.is_(None), Complaint.gravity != Gravity.GRAVE)
    came_later = _same_matter(ticket, ticket.received_at).where(*unresolved).with_for_update(of=Ticket, key_share=True)
    for later in session.scalars(came_later).all():
        found = session.scalars(select(Complaint).where(Complaint.ticket_id == later.id)).one()
        _look_back(session, found, later, office)


def _look_back(session: Session, complaint: Complaint, ticket: Ticket, office: Office) -> None:
    rule = policy.repeat_rule()
    day = local_day(ticket.received_at, office.zone)
    found = session.scalars(_same_matter(ticket, ticket.received_at - timedelta(days=rule.within_days + 1)))
    since = day - timedelta(days=rule.within_days)
    before = [row for row in found if (row.received_at, row.id) < (ticket.received_at, ticket.id)]
    earlier = [row for row in before if since < local_day(row.received_at, office.zone)]
    raised_on = [local_day(row.received_at, office.zone) for row in earlier]
    one_open = any(row.closed_at is None and row.done_at is None for row in earlier)
    if not repeated([*raised_on, day], day, rule, one_open=one_open):
        return
    named = "、".join(row.number for row in earlier[-_NAMED:])
    why = f"同一事项 {rule.within_days} 天内第 {len(earlier) + 1} 次投诉且尚未解决，前次 {named}（A-C2a）"
    make_grave(session, complaint, ticket, office, why, source=rule.source)


def _same_matter(ticket: Ticket, since: datetime) -> Select[Ticket]:
    """Return the query for the other complaints of the unit on the topic since then, the oldest first."""
    return (
        select(Ticket)
        .join(Complaint, Complaint.ticket_id == Ticket.id)
        .where(
            Ticket.kind == ticket.kind,
            Ticket.id != ticket.id,
            Ticket.unit_id == ticket.unit_id,
            Ticket.topic_id == ticket.topic_id,
            Ticket.received_at > since,
            Ticket.state != TicketState.MERGED,
            Complaint.gravity != Gravity.INVALID,
        )
        .order_by(Ticket.received_at, Ticket.id)
    )


def _at_once(source: str) -> Limit:
    """Return the limit that has run out when it begins: those who must hear of a grave complaint are told of it."""
    term = Term(
        kind=ClockKind.REGRADE,
        ticket=TicketKind.COMPLAINT,
        starts=ClockStart.GRADING,
        qualifier=None,
        spares=frozenset(),
        measure=ClockMeasure.MINUTES,
        amount=0,
        minimum=0,
        waits=False,
        ladder=None,
        source=source,
    )
    return Limit(term=term, steps=(), warning=0, pauses=frozenset(PauseReason))


def _keep_the_month(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Stop the month's clock when the gravity no longer has one; give it back when it has one again (A-C2c)."""
    held = clocks.qualifiers(session, ticket)
    holding = limits.in_force(session, office, local_day(ticket.received_at, office.zone))
    begun = limits_for(holding, ticket.kind, ClockStart.RECEIPT, held)
    wanted = [limit for limit in begun if limit.term.kind is ClockKind.REGRADE]
    going = clocks.running(session, ticket, [ClockKind.REGRADE])
    if not wanted or any(row.source not in {limit.term.source for limit in wanted} for row in going):
        clocks.cancel(session, ticket, at, ClockKind.REGRADE)
    if wanted and ticket.done_at is None and not clocks.running(session, ticket, [ClockKind.REGRADE]):
        clocks.begin(session, ticket, office, wanted, ticket.received_at)
