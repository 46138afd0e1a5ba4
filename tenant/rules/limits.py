"""What holds for a clock: its term, who is told at each level, when it warns, and for which reasons it stands still."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenant.calendars import as_utc
from tenant.rules.calendar_days import OfficeHours, earlier
from tenant.rules.deadlines import Term, terms_at_registration, terms_for
from tenant.rules.ladder import EscalationStep
from tenant.rules.terms import ClockKind, ClockStart, PauseReason, PostingLevel, TicketKind

URGENT: Final = "urgent"
ORDINARY: Final = "ordinary"


@dataclass(frozen=True, slots=True)
class Limit:
    """One time limit as it holds: the policy table's, or the one somebody has put in its place.

    ``steps`` are the ladder, lowest level first, empty when nobody is told; ``own_steps`` tells that they are the
    limit's own, not its table's. ``warning`` is in minutes of the term's calendar before the deadline, 0 for none.
    ``pauses`` are the reasons for which it stands still (A-W4, A-W7: none). ``level`` says who set it, None: the
    tables; ``policy_id`` or ``office_policy_id`` names the row of the group, the company or the office.
    """

    term: Term
    steps: tuple[EscalationStep, ...]
    warning: int
    pauses: frozenset[PauseReason]
    policy_id: int | None = None
    office_policy_id: int | None = None
    level: PostingLevel | None = None
    own_steps: bool = False

    @property
    def key(self) -> tuple[TicketKind, ClockKind, str | None]:
        """Return what it is a limit of: ticket, clock, qualifier (None: all without one of their own)."""
        return self.term.ticket, self.term.kind, self.term.qualifier

    @property
    def by_day(self) -> bool:
        """Tell whether it counts days, so that it runs out at local 24:00."""
        return self.term.by_day


def limits_for(
    limits: Iterable[Limit], ticket: TicketKind, starts: ClockStart, qualifiers: Collection[str] = ()
) -> tuple[Limit, ...]:
    """Return the limits that an event starts on a ticket; see :func:`tenant.rules.deadlines.terms_for`."""
    known = {limit.term: limit for limit in limits}
    return tuple(known[term] for term in terms_for(known, ticket, starts, qualifiers))


def limits_at_registration(
    limits: Iterable[Limit], ticket: TicketKind, qualifiers: Collection[str] = ()
) -> tuple[Limit, ...]:
    """Return the limits that begin when a ticket is registered."""
    known = {limit.term: limit for limit in limits}
    return tuple(known[term] for term in terms_at_registration(known, ticket, qualifiers))


def limit_for(
    limits: Iterable[Limit], ticket: TicketKind, kind: ClockKind, qualifiers: Collection[str] = ()
) -> Limit | None:
    """Return the limit of a clock that runs on a ticket, None when none holds or the ticket is spared.

    One with a qualifier that holds stands before the general one.
    """
    chosen: Limit | None = None
    for limit in limits:
        term = limit.term
        if term.ticket != ticket or term.kind != kind or not term.spares.isdisjoint(qualifiers):
            continue
        if term.qualifier in qualifiers or (term.qualifier is None and chosen is None):
            chosen = limit
    return chosen


def same_kind(limits: Iterable[Limit], limit: Limit) -> Limit:
    """Return the limit among ``limits`` of the same ticket, clock and qualifier; itself when there is none."""
    return next((other for other in limits if other.key == limit.key), limit)


def in_place_of(limits: Iterable[Limit], own: Limit) -> tuple[Limit, ...]:
    """Return ``limits`` with ``own`` where it prevails: in place of one set at its level or further up, or added.

    An office's stands before its company's, that before the group's, that before the tables'. What narrows a general
    row stands behind the tables' own narrower rows, but for what is urgent: that is urgent before anything else (A-W2).
    """
    known = tuple(limits)
    if all(limit.key != own.key for limit in known):
        return (*known, own) if own.term.qualifier == URGENT else (own, *known)
    return tuple(own if limit.key == own.key and _rank(limit) <= _rank(own) else limit for limit in known)


def warn_at(limit: Limit, started_at: datetime, due_at: datetime, hours: OfficeHours) -> datetime | None:
    """Return the UTC instant at which somebody is told that the clock will run out, None for never.

    ``warning`` is counted back in the term's own calendar, so that nobody is told at night of what is due when the desk
    opens. What would be told before the clock even began is not.
    """
    if not limit.warning:
        return None
    instant = earlier(limit.term.calendar, hours, due_at, timedelta(minutes=limit.warning))
    return instant if instant > as_utc(started_at) else None


def _rank(limit: Limit) -> int:
    return 0 if limit.level is None else 1 + _LEVELS.index(limit.level)


_LEVELS = (PostingLevel.GROUP, PostingLevel.COMPANY, PostingLevel.OFFICE)
