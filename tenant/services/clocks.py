"""Starting, meeting and cancelling the clocks of a ticket, and the due actions that hang on them.

Whatever changes a clock changes what is planned in the same transaction: a met clock has nobody waiting to be told.
A clock's ``cycle`` counts the clocks of its kind on its ticket, so that one started again is another one.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import clock as clockface
from tenant import policy
from tenant.models import Clock, Complaint, Office, Pause, ServiceRequest, Ticket
from tenant.rules.deadlines import Term, after_pause, due_at, started_at, terms_for
from tenant.rules.ladder import EscalationStep, next_step, step_due_at
from tenant.rules.terms import (
    ClockKind,
    ClockMeasure,
    ClockStart,
    Gravity,
    RequestCategory,
    TicketKind,
    TicketState,
)
from tenant.services import clockwork

RULE = "escalation"
SUBJECT = "clock"

_ENDED_BY_APPOINTMENT = frozenset({ClockKind.ON_SITE, ClockKind.SAME_DAY})
_PROMISE_CLIMBS_AS = {
    TicketKind.REQUEST: (ClockKind.ON_SITE, ClockKind.FIRST_REPLY),
    TicketKind.COMPLAINT: (ClockKind.DEPARTMENT_RECEIPT,),
    TicketKind.DEFECT: (ClockKind.ON_SITE,),
}
_AGREED_WITH_BUILDER = (TicketKind.DEFECT, ClockKind.PROMISED)
"""A day that is put off by agreement alone (A-R2, A-R4), whatever else a defect waits for."""
_PROMISE_SOURCES = {RequestCategory.CONSULTATION: "B-W17", RequestCategory.SUGGESTION: "B-W18"}


def qualifiers(session: Session, ticket: Ticket) -> frozenset[str]:
    """Return what the policy tables may ask of the ticket: category and urgency, or gravity, as it stands now."""
    if ticket.kind is TicketKind.REQUEST:
        request = session.scalars(select(ServiceRequest).where(ServiceRequest.ticket_id == ticket.id)).one()
        return qualifiers_of(request.category, None, urgent=request.urgent)
    if ticket.kind is TicketKind.COMPLAINT:
        complaint = session.scalars(select(Complaint).where(Complaint.ticket_id == ticket.id)).one()
        return qualifiers_of(None, complaint.gravity)
    return frozenset()


def qualifiers_of(
    category: RequestCategory | None, gravity: Gravity | None, *, urgent: bool | None = None
) -> frozenset[str]:
    """Return the qualifiers of a request of ``category``, or of a complaint of ``gravity``; None for what it is not."""
    if category is not None:
        return frozenset({category.value, policy.URGENT if urgent else policy.ORDINARY})
    return frozenset() if gravity is None else frozenset({gravity.value})


def begin(
    session: Session,
    ticket: Ticket,
    office: Office,
    terms: Iterable[Term],
    event_at: datetime,
    *,
    put_off: bool = False,
) -> list[Clock]:
    """Start the clocks of ``terms`` at the event that happened at ``event_at``, and plan what follows a breach.

    An appointment that ends later stands in place of the clocks for arriving and for the same day (A-W5, A-W6);
    ``put_off`` lets those that wait start at the morning handover (B-S3).
    """
    clocks = []
    cycles = _cycles(session, ticket)
    for term in terms:
        start = started_at(term, event_at, office.desk_opens, office.desk_closes, office.zone, put_off=put_off)
        due = due_at(term, start, office.zone)
        if not _replaced(ticket, term.kind, due):
            cycle = cycles.get(term.kind, 0) + 1
            clocks.append(_clock(ticket, term.kind, cycle, start, due, term.source))
    return _start(session, ticket, clocks)


def begin_for(session: Session, ticket: Ticket, office: Office, starts: ClockStart, event_at: datetime) -> list[Clock]:
    """Start the clocks that one kind of event starts on the ticket as it stands now."""
    held = qualifiers(session, ticket)
    return begin(session, ticket, office, terms_for(policy.clocks(), ticket.kind, starts, held), event_at)


def begin_promise(session: Session, ticket: Ticket, start: datetime) -> None:
    """Start the clock of the time promised for the ticket, none when nothing is (A-C4c, B-W17, B-W18, B-W19).

    Clocks that the appointment stands in place of are cancelled.
    """
    if ticket.promised_at is None:
        return
    for clock in running(session, ticket, _ENDED_BY_APPOINTMENT):
        if _replaced(ticket, clock.kind, clock.due_at):
            _end(session, clock, cancelled_at=start)
    source = "A-R2" if ticket.kind is TicketKind.DEFECT else "A-C4c"
    if ticket.kind is TicketKind.REQUEST:
        held = qualifiers(session, ticket)
        source = next((rule for category, rule in _PROMISE_SOURCES.items() if category in held), "B-W19")
    cycle = _cycles(session, ticket).get(ClockKind.PROMISED, 0) + 1
    _start(session, ticket, [_clock(ticket, ClockKind.PROMISED, cycle, start, ticket.promised_at, source)])


def halt(session: Session, ticket: Ticket, pause: Pause) -> None:
    """Stop the running clocks for as long as ``pause`` lasts, and let one run to its limit (A-W5, B-W19).

    Those that go on while work waits run on: a customer waits for no answer because work does (A-W4, A-W7), and a
    complaint ages all the same (A-C2c). What was planned for the others is planned no more.
    """
    held, present = qualifiers(session, ticket), clockface.now()
    for clock in running(session, ticket):
        if (ticket.kind, clock.kind) == _AGREED_WITH_BUILDER:
            continue
        term = policy.term_for(ticket.kind, clock.kind, held)
        if term is None or not term.goes_on:
            _end(session, clock, cancelled_at=max(pause.began_at, min(clock.started_at, present)))
            clock.pause_id = pause.id
    cycle = _cycles(session, ticket).get(ClockKind.WAITING, 0) + 1
    limit = policy.term_for(ticket.kind, ClockKind.WAITING, held)
    source = "B-W19" if limit is None else limit.source
    _start(session, ticket, [_clock(ticket, ClockKind.WAITING, cycle, pause.began_at, pause.until_at, source)])


def go_on(session: Session, ticket: Ticket, office: Office, pause: Pause, at: datetime) -> list[Clock]:
    """Start again, at the end of ``pause``, what it stopped: each with what was left, as another clock of its kind.

    Left out is what ended meanwhile, what was started over, and what an appointment stands in place of.
    """
    meet(session, ticket, at, ClockKind.WAITING)
    going = {clock.kind for clock in running(session, ticket)}
    cycles, held = _cycles(session, ticket), qualifiers(session, ticket)
    clocks = []
    for halted in session.scalars(select(Clock).where(Clock.pause_id == pause.id).order_by(Clock.id)):
        term = policy.term_for(ticket.kind, halted.kind, held)
        by_day = term is not None and term.measure is not ClockMeasure.MINUTES
        due = after_pause(halted.started_at, halted.due_at, pause.began_at, at, office.zone, by_day=by_day)
        if halted.kind not in going and not _replaced(ticket, halted.kind, due):
            cycle = cycles.get(halted.kind, 0) + 1
            clocks.append(_clock(ticket, halted.kind, cycle, halted.started_at, due, halted.source))
    return _start(session, ticket, clocks)


def again(session: Session, ticket: Ticket, stopped: Iterable[Clock]) -> list[Clock]:
    """Start again what was stopped by mistake: another clock of the kind, with the deadline that the last one had."""
    cycles = _cycles(session, ticket)
    last = {row.kind: row for row in sorted(stopped, key=lambda row: row.cycle)}
    return _start(
        session,
        ticket,
        [
            _clock(ticket, row.kind, cycles[row.kind] + 1, row.started_at, row.due_at, row.source)
            for row in last.values()
            if not _replaced(ticket, row.kind, row.due_at)
        ],
    )


def running(session: Session, ticket: Ticket, kinds: Collection[ClockKind] | None = None) -> Sequence[Clock]:
    """Return the ticket's clocks that are neither met nor cancelled, of some kinds or of all."""
    statement = select(Clock).where(Clock.ticket_id == ticket.id, Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
    if kinds is not None:
        statement = statement.where(Clock.kind.in_(list(kinds)))
    return session.scalars(statement.order_by(Clock.due_at, Clock.id)).all()


def meet(session: Session, ticket: Ticket, at: datetime, *kinds: ClockKind) -> None:
    """Stop the running clocks of these kinds as met at ``at``, in time or late; nobody is told of them any more."""
    for clock in running(session, ticket, kinds):
        _end(session, clock, met_at=at)
    _let_go(session, ticket, kinds)


def cancel(session: Session, ticket: Ticket, at: datetime, *kinds: ClockKind) -> None:
    """Stop the running clocks of these kinds, of all kinds when none is named, as no longer asked for."""
    for clock in running(session, ticket, kinds or None):
        _end(session, clock, cancelled_at=at)
    _let_go(session, ticket, kinds or tuple(ClockKind))


def ladder_of(session: Session, ticket: Ticket, kind: ClockKind) -> tuple[EscalationStep, ...]:
    """Return who is told, level by level, when a clock of this kind has run out on the ticket as it stands now.

    A promise climbs the ladder of the people who were to keep it. Empty when nobody is told.
    """
    return _ladder_for(ticket.kind, kind, qualifiers(session, ticket))


def next_action(
    ticket: TicketKind, kind: ClockKind, held: Collection[str], due: datetime, raised: int
) -> tuple[int, datetime] | None:
    """Return level and instant of what a running clock that is due at ``due`` waits for, None when it is nothing.

    ``raised`` is the highest level that was raised on it, 0 for none; ``held`` are the ticket's qualifiers as they
    stand now.
    """
    ladder = _ladder_for(ticket, kind, held)
    step = next_step(ladder, raised)
    if step is not None:
        return step.level, step_due_at(step, due)
    return (1, due) if kind is ClockKind.REGRADE and not ladder and not raised else None


def plan_step(session: Session, clock: Clock, step: EscalationStep) -> None:
    """Plan the telling of one level, counted from the instant the clock runs out, however late that is noticed."""
    _plan(session, clock, step.level, step_due_at(step, clock.due_at))


def _start(session: Session, ticket: Ticket, clocks: list[Clock]) -> list[Clock]:
    session.add_all(clocks)
    session.flush()
    held = qualifiers(session, ticket) if clocks else frozenset[str]()
    for clock in clocks:
        first = next_action(ticket.kind, clock.kind, held, clock.due_at, 0)
        if first is not None:
            _plan(session, clock, *first)
    return clocks


def _ladder_for(ticket: TicketKind, kind: ClockKind, held: Collection[str]) -> tuple[EscalationStep, ...]:
    kinds = _PROMISE_CLIMBS_AS[ticket] if kind is ClockKind.PROMISED else (kind,)
    ladders = (policy.escalation_for(ticket, asked, held) for asked in kinds)
    return next((ladder for ladder in ladders if ladder), ())


def _plan(session: Session, clock: Clock, level: int, due: datetime) -> None:
    clockwork.plan(
        session,
        office_id=clock.office_id,
        rule=RULE,
        subject_kind=SUBJECT,
        subject_id=clock.id,
        due_at=due,
        level=level,
        cycle=str(clock.cycle),
    )


def _end(
    session: Session, clock: Clock, *, met_at: datetime | None = None, cancelled_at: datetime | None = None
) -> None:
    clock.met_at, clock.cancelled_at = met_at, cancelled_at
    session.flush()
    clockwork.cancel(session, office_id=clock.office_id, subject_kind=SUBJECT, subject_id=clock.id)


def _let_go(session: Session, ticket: Ticket, kinds: Collection[ClockKind]) -> None:
    """Let clocks of these kinds that a pause has stopped not go on after it: what they waited for has come or gone."""
    if ticket.state is not TicketState.WAITING:
        return
    lasting = select(Pause.id).where(Pause.ticket_id == ticket.id, Pause.ended_at.is_(None))
    statement = select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind.in_(list(kinds)))
    for clock in session.scalars(statement.where(Clock.pause_id.in_(lasting))):
        clock.pause_id = None
    session.flush()


def _clock(ticket: Ticket, kind: ClockKind, cycle: int, start: datetime, due: datetime, source: str) -> Clock:
    return Clock(
        office_id=ticket.office_id,
        ticket_id=ticket.id,
        kind=kind,
        cycle=cycle,
        started_at=start,
        due_at=due,
        source=source,
    )


def _cycles(session: Session, ticket: Ticket) -> dict[ClockKind, int]:
    """Return the highest cycle of each kind of clock the ticket has had."""
    statement = select(Clock.kind, func.max(Clock.cycle)).where(Clock.ticket_id == ticket.id).group_by(Clock.kind)
    return dict(iter(session.execute(statement)))


def _replaced(ticket: Ticket, kind: ClockKind, due: datetime) -> bool:
    return kind in _ENDED_BY_APPOINTMENT and ticket.promised_at is not None and ticket.promised_at > due
