"""Starting, meeting and cancelling the clocks of a ticket, and the due actions that hang on them.

Whatever changes a clock changes what is planned in the same transaction: a met clock has nobody waiting to be told.
A clock begins by the limit that holds on its first day and keeps it, whatever holds for later ones. Its ``cycle``
counts the clocks of its kind on its ticket, so that one started again is another one.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from tenant import clock as clockface
from tenant import policy
from tenant.calendars import local_day
from tenant.models import Clock, Complaint, Office, Pause, ServiceRequest, Ticket
from tenant.rules.calendar_days import OfficeHours
from tenant.rules.deadlines import after_pause, due_at, started_at
from tenant.rules.ladder import EscalationStep, next_step, step_due_at
from tenant.rules.limits import Limit, limit_for, limits_at_registration, limits_for, same_kind, warn_at
from tenant.rules.terms import (
    ClockCalendar,
    ClockKind,
    ClockStart,
    Gravity,
    RequestCategory,
    TicketKind,
    TicketState,
)
from tenant.services import clockwork, holidays, limits

RULE = "escalation"
WARNING = "warning"
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
    wanted: Iterable[Limit],
    event_at: datetime,
    *,
    put_off: bool = False,
) -> list[Clock]:
    """Start the clocks of ``wanted`` at the event that happened at ``event_at``, and plan what they lead to.

    An appointment that ends later stands in place of the clocks for arriving and for the same day (A-W5, A-W6);
    ``put_off`` lets those that wait start at the morning handover (B-S3), by what holds on that day.
    """
    starting, desk = [], holidays.desk_hours(office)
    for limit in wanted:
        start = started_at(limit.term, event_at, desk, put_off=put_off)
        if put_off and local_day(start, office.zone) != local_day(event_at, office.zone):
            starting.append((same_kind(limits.in_force(session, office, local_day(start, office.zone)), limit), start))
        else:
            starting.append((limit, start))
    hours = _hours(session, office, [limit for limit, _ in starting])
    clocks, cycles = [], _cycles(session, ticket)
    for limit, start in starting:
        kind, due = limit.term.kind, due_at(limit.term, start, hours)
        if not _replaced(ticket, kind, due):
            clock = _clock(ticket, kind, cycles.get(kind, 0) + 1, start, due, limit.term.source)
            clocks.append(_by_limit(clock, limit, hours))
    return _start(session, ticket, clocks)


def begin_for(
    session: Session,
    ticket: Ticket,
    office: Office,
    starts: ClockStart,
    event_at: datetime,
    kinds: Collection[ClockKind] | None = None,
) -> list[Clock]:
    """Start the clocks that one kind of event starts on the ticket as it stands now, of some ``kinds`` or of all."""
    held, day = qualifiers(session, ticket), local_day(event_at, office.zone)
    wanted = limits_for(limits.in_force(session, office, day), ticket.kind, starts, held)
    return begin(session, ticket, office, _of_kinds(wanted, kinds), event_at)


def begin_registered(
    session: Session,
    ticket: Ticket,
    office: Office,
    event_at: datetime,
    *,
    kinds: Collection[ClockKind] | None = None,
    put_off: bool = False,
) -> list[Clock]:
    """Start the clocks that begin when a ticket is registered, of some ``kinds`` or of all (A-W2 to A-W4, A-C5)."""
    held, day = qualifiers(session, ticket), local_day(event_at, office.zone)
    wanted = limits_at_registration(limits.in_force(session, office, day), ticket.kind, held)
    return begin(session, ticket, office, _of_kinds(wanted, kinds), event_at, put_off=put_off)


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


def halt(session: Session, ticket: Ticket, office: Office, pause: Pause) -> None:
    """Stop the running clocks for as long as ``pause`` lasts, and let one run to its limit (A-W5, B-W19).

    Those whose limit does not name the reason run on: a customer waits for no answer because work does (A-W4, A-W7),
    and a complaint ages all the same (A-C2c). What was planned for the others is planned no more.
    """
    held, present, going = qualifiers(session, ticket), clockface.now(), running(session, ticket)
    own = limits.of_clocks(session, going)
    for clock in going:
        if (ticket.kind, clock.kind) == _AGREED_WITH_BUILDER:
            continue
        limit = _limit_of(own, ticket, clock, held)
        if limit is None or pause.reason in limit.pauses:
            _end(session, clock, cancelled_at=max(pause.began_at, min(clock.started_at, present)))
            clock.pause_id = pause.id
    cycle = _cycles(session, ticket).get(ClockKind.WAITING, 0) + 1
    longest = waiting_limit(session, ticket, office, pause.began_at)
    source = "B-W19" if longest is None else longest.term.source
    waiting = _clock(ticket, ClockKind.WAITING, cycle, pause.began_at, pause.until_at, source)
    if longest is not None:
        _by_limit(waiting, longest, _hours(session, office, [longest]))
    _start(session, ticket, [waiting])


def waiting_limit(session: Session, ticket: Ticket, office: Office, at: datetime) -> Limit | None:
    """Return how long a wait that begins at ``at`` may last on the ticket, None for any time (A-W5, B-W19)."""
    holding = limits.in_force(session, office, local_day(at, office.zone))
    return limit_for(holding, ticket.kind, ClockKind.WAITING, qualifiers(session, ticket))


def go_on(session: Session, ticket: Ticket, office: Office, pause: Pause, at: datetime) -> list[Clock]:
    """Start again, at the end of ``pause``, what it stopped: each with what was left, as another clock of its kind.

    Left out is what ended meanwhile, what was started over, and what an appointment stands in place of.
    """
    meet(session, ticket, at, ClockKind.WAITING)
    going = {clock.kind for clock in running(session, ticket)}
    cycles, held = _cycles(session, ticket), qualifiers(session, ticket)
    stopped = session.scalars(select(Clock).where(Clock.pause_id == pause.id).order_by(Clock.id)).all()
    own = limits.of_clocks(session, stopped)
    by = {clock: _limit_of(own, ticket, clock, held) for clock in stopped}
    hours = _hours(session, office, [limit for limit in by.values() if limit is not None])
    clocks = []
    for halted, limit in by.items():
        due = after_pause(
            halted.started_at,
            halted.due_at,
            pause.began_at,
            at,
            hours,
            by_day=limit is not None and limit.by_day,
            calendar=ClockCalendar.ALWAYS if limit is None else limit.term.calendar,
        )
        if halted.kind not in going and not _replaced(ticket, halted.kind, due):
            cycle = cycles.get(halted.kind, 0) + 1
            clock = _after(halted, _clock(ticket, halted.kind, cycle, halted.started_at, due, halted.source))
            if limit is not None:
                clock.warn_at = warn_at(limit, clock.started_at, due, hours)
            clocks.append(clock)
    return _start(session, ticket, clocks)


def again(session: Session, ticket: Ticket, stopped: Iterable[Clock]) -> list[Clock]:
    """Start again what was stopped by mistake: another clock of the kind, with the deadline that the last one had."""
    cycles = _cycles(session, ticket)
    last = {row.kind: row for row in sorted(stopped, key=lambda row: row.cycle)}
    return _start(
        session,
        ticket,
        [
            _after(row, _clock(ticket, row.kind, cycles[row.kind] + 1, row.started_at, row.due_at, row.source))
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


def ladder_of(session: Session, ticket: Ticket, clock: Clock) -> tuple[EscalationStep, ...]:
    """Return who is told, level by level, when the clock has run out on the ticket as it stands now.

    The levels are those of the limit by which it runs, where that has its own. A promise climbs the ladder of the
    people who were to keep it. Empty when nobody is told.
    """
    return ladder_by(limits.of_clocks(session, [clock]), ticket.kind, clock, qualifiers(session, ticket))


def ladder_by(
    own: limits.ByPolicy, ticket: TicketKind, clock: Clock | Row[Any], held: Collection[str]
) -> tuple[EscalationStep, ...]:
    """Return the same for many: ``own`` are the limits somebody set, ``held`` the ticket's qualifiers now."""
    kinds = _PROMISE_CLIMBS_AS[ticket] if clock.kind is ClockKind.PROMISED else (clock.kind,)
    tables = (limit_for(policy.limits(), ticket, asked, held) for asked in kinds)
    now = next((limit for limit in tables if limit is not None and limit.steps), None)
    return limits.steps_of(own.get((clock.policy_id, clock.office_policy_id)), now)


def next_action(
    kind: ClockKind, ladder: Sequence[EscalationStep], due: datetime, raised: int
) -> tuple[int, datetime] | None:
    """Return level and instant of what a running clock waits for, None when it is nothing.

    ``ladder`` is what it climbs, ``due`` the instant from which its rungs are counted, ``raised`` the highest level
    that was raised on it, 0 for none.
    """
    step = next_step(ladder, raised)
    if step is not None:
        return step.level, step_due_at(step, due)
    return (1, due) if kind is ClockKind.REGRADE and not ladder and not raised else None


def plan_step(session: Session, clock: Clock, step: EscalationStep, since: datetime) -> None:
    """Plan the telling of one level, counted from ``since``: when the clock ran out, however late that is noticed, or
    what :func:`tenant.rules.ladder.counted_from` makes of it.
    """
    _plan(session, clock, RULE, step.level, step_due_at(step, since))


def _start(session: Session, ticket: Ticket, clocks: list[Clock]) -> list[Clock]:
    session.add_all(clocks)
    session.flush()
    held = qualifiers(session, ticket) if clocks else frozenset[str]()
    own = limits.of_clocks(session, clocks)
    for clock in clocks:
        ladder = ladder_by(own, ticket.kind, clock, held)
        first = next_action(clock.kind, ladder, clock.due_at, 0)
        if first is not None:
            _plan(session, clock, RULE, *first)
        if ladder and clock.warn_at is not None and clock.warned_at is None:
            _plan(session, clock, WARNING, 1, clock.warn_at)
    return clocks


def _plan(session: Session, clock: Clock, rule: str, level: int, due: datetime) -> None:
    clockwork.plan(
        session,
        office_id=clock.office_id,
        rule=rule,
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


def _by_limit(clock: Clock, limit: Limit, hours: OfficeHours) -> Clock:
    """Let the clock run by the limit: it keeps it, and somebody is warned before it runs out."""
    clock.policy_id, clock.office_policy_id = limit.policy_id, limit.office_policy_id
    clock.warn_at = warn_at(limit, clock.started_at, clock.due_at, hours)
    return clock


def _after(stopped: Clock, clock: Clock) -> Clock:
    """Let a clock that goes on after another keep its limit; who was warned once is not warned again."""
    clock.policy_id, clock.office_policy_id = stopped.policy_id, stopped.office_policy_id
    clock.warn_at, clock.warned_at = stopped.warn_at, stopped.warned_at
    return clock


def _limit_of(own: limits.ByPolicy, ticket: Ticket, clock: Clock, held: Collection[str]) -> Limit | None:
    return limits.running_by(own, ticket.kind, clock.kind, held, (clock.policy_id, clock.office_policy_id))


def _of_kinds(wanted: Iterable[Limit], kinds: Collection[ClockKind] | None) -> list[Limit]:
    return [limit for limit in wanted if kinds is None or limit.term.kind in kinds]


def _hours(session: Session, office: Office, wanted: Collection[Limit]) -> OfficeHours:
    """Return when the office works; the public calendar is read only where one of the limits counts by it."""
    by_calendar = any(limit.term.calendar is ClockCalendar.WORKING_DAYS for limit in wanted)
    return holidays.hours_of(session, office) if by_calendar else holidays.desk_hours(office)


def _cycles(session: Session, ticket: Ticket) -> dict[ClockKind, int]:
    """Return the highest cycle of each kind of clock the ticket has had."""
    statement = select(Clock.kind, func.max(Clock.cycle)).where(Clock.ticket_id == ticket.id).group_by(Clock.kind)
    return dict(iter(session.execute(statement)))


def _replaced(ticket: Ticket, kind: ClockKind, due: datetime) -> bool:
    return kind in _ENDED_BY_APPOINTMENT and ticket.promised_at is not None and ticket.promised_at > due
