"""When a clock on a ticket runs out: the manuals' minutes, same days, days and months as instants.

Minute clocks run day and night (the desk is manned, B-S1) unless a limit says that they follow the desk's hours or the
working days; what was put off to the morning handover waits (B-S3).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenant.calendars import as_utc, desk_open, end_of_day, local_day, months_after, next_opening, start_of_day
from tenant.rules.calendar_days import (
    OfficeHours,
    counts,
    days_between,
    end_of_day_on,
    end_of_nth_day,
    later,
    passed,
)
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, ClockStart, TicketKind


@dataclass(frozen=True, slots=True)
class Term:
    """One time limit of the manuals, as the policy table states it.

    `qualifier` narrows the term to one category, urgency or gravity (its stored value), None means all of them but
    those in `spares`; `amount` counts in `measure` and is 0 for the same day; `minimum` is in minutes, 0 means none;
    `waits` tells that the clock of something put off at night starts at the morning handover (B-S3); `ladder` names
    the escalation ladder climbed after a breach, None when a breach does not escalate; `goes_on` tells that the clock
    runs on while work waits (A-W4, A-W7, A-C2c), where others stand still; `calendar` says in which hours or on which
    days its time passes.
    """

    kind: ClockKind
    ticket: TicketKind
    starts: ClockStart
    qualifier: str | None
    spares: frozenset[str]
    measure: ClockMeasure
    amount: int
    minimum: int
    waits: bool
    ladder: str | None
    source: str
    goes_on: bool = False
    calendar: ClockCalendar = ClockCalendar.ALWAYS

    @property
    def by_day(self) -> bool:
        """Tell whether it counts days or months, so that it runs out at local 24:00."""
        return self.measure is not ClockMeasure.MINUTES


def due_at(term: Term, started_at: datetime, hours: OfficeHours) -> datetime:
    """Return the UTC instant up to which the term may be met, counted from `started_at` where the office is.

    Minutes pass whatever the wall clock does; a same day ends at local 24:00, N days at 24:00 of the N-th day after, N
    months at 24:00 of the anniversary, clamped to the month's last day (A-C2c). Of a calendar other than the clock's
    round only its minutes, and its working days, count. Never sooner than `minimum` minutes after the start: a grave
    complaint at 23:50 still leaves two hours (A-C4a).
    """
    started = as_utc(started_at)
    floor = started + timedelta(minutes=term.minimum)
    if term.measure is ClockMeasure.MINUTES:
        due = later(term.calendar, hours, started, timedelta(minutes=term.amount))
    elif term.measure is ClockMeasure.MONTHS:
        due = end_of_day_on(term.calendar, hours, months_after(local_day(started, hours.zone), term.amount))
    else:
        days = 0 if term.measure is ClockMeasure.SAME_DAY else term.amount
        due = end_of_nth_day(term.calendar, hours, started, days)
    return max(due, floor)


def started_at(term: Term, event_at: datetime, hours: OfficeHours, *, put_off: bool) -> datetime:
    """Return when the term's clock starts, as UTC: at the event, or at the morning handover (B-S3).

    Only what was `put_off` ("tomorrow") while the desk was closed waits, and only on a term that `waits`; an urgent
    request never does, because its term does not.
    """
    event = as_utc(event_at)
    if put_off and term.waits and not desk_open(event, hours.opens, hours.closes, hours.zone):
        return next_opening(event, hours.opens, hours.zone)
    return event


def after_pause(
    started: datetime,
    due: datetime,
    paused_from: datetime,
    paused_to: datetime,
    hours: OfficeHours,
    *,
    by_day: bool,
    calendar: ClockCalendar = ClockCalendar.ALWAYS,
) -> datetime:
    """Return when a clock runs out that stood still between two instants: what was left then is left now.

    A clock that counts minutes has as many of its calendar's minutes left as before. One that counts days (`by_day`,
    and it runs out at local 24:00) has as many midnights left, of working days where only these count: those that
    struck meanwhile do not count, and work that waits from morning to evening still has the rest of the day. What was
    late is late by as much. A pause that ended before the clock `started` changes nothing.
    """
    begun, ended = max(as_utc(started), as_utc(paused_from)), as_utc(paused_to)
    if ended <= begun:
        return due
    zone, last_instant = hours.zone, due - timedelta(microseconds=1)
    if not by_day or end_of_day(last_instant, zone) != due:
        if due <= begun:
            return due + (ended - begun)
        return later(calendar, hours, ended, passed(calendar, hours, begun, due))
    last = local_day(last_instant, zone)
    left = days_between(calendar, hours, local_day(begun, zone), last)
    if left < 0:
        return start_of_day(local_day(ended, zone) + timedelta(days=left + 1), zone)
    left += counts(calendar, hours, local_day(begun, zone)) - counts(calendar, hours, local_day(ended, zone))
    return end_of_nth_day(calendar, hours, ended, max(left, 0))


def breached(due_at: datetime, met_at: datetime | None, at: datetime) -> bool:
    """Tell whether a clock is late at the instant `at`.

    Met at the due instant itself it is on time (times are recorded to the minute, A 4.5.2); not met at that instant it
    is late: a sweep asks for what is due and not done.
    """
    if met_at is not None and met_at <= at:
        return met_at > due_at
    return at >= due_at


def terms_for(
    terms: Iterable[Term],
    ticket: TicketKind,
    starts: ClockStart,
    qualifiers: Collection[str] = (),
) -> tuple[Term, ...]:
    """Return the terms that an event starts on a ticket, at most one for each kind of clock, in the table's order.

    `qualifiers` are the stored values that hold for the ticket: category, `urgent` or `ordinary`, gravity. A term with
    a qualifier that holds stands before the general one of the same kind.
    """
    chosen: dict[ClockKind, Term] = {}
    for term in terms:
        if term.ticket != ticket or term.starts != starts or not term.spares.isdisjoint(qualifiers):
            continue
        if term.qualifier in qualifiers or (term.qualifier is None and term.kind not in chosen):
            chosen[term.kind] = term
    return tuple(chosen.values())


def terms_at_registration(
    terms: Iterable[Term],
    ticket: TicketKind,
    qualifiers: Collection[str] = (),
) -> tuple[Term, ...]:
    """Return the terms that begin when a ticket is registered: it is received, graded and, by that, in contact."""
    table = tuple(terms)
    events = (ClockStart.RECEIPT, ClockStart.GRADING, ClockStart.CONTACT)
    return tuple(term for starts in events for term in terms_for(table, ticket, starts, qualifiers))
