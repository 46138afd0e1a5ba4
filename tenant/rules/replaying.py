"""What a set of time limits makes of what has happened: the clocks of a matter, and who is told of them (A-W5, A-O2).

A matter's past is what was asked of the office, from when to when, and when work waited; limits say by when it was due.
The arithmetic is that of the running clocks: limits in force over a past they ruled give just what was written then.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from tenant.rules.calendar_days import OfficeHours
from tenant.rules.deadlines import after_pause, breached, due_at
from tenant.rules.ladder import EscalationStep, next_step, step_due_at
from tenant.rules.limits import Limit, limit_for, warn_at
from tenant.rules.terms import ClockCalendar, ClockKind, PauseReason, Role, TicketKind

_LAST: Final = datetime.max.replace(tzinfo=UTC)
_A_TICK: Final = timedelta(microseconds=1)
ENDED_BY_APPOINTMENT: Final = frozenset({ClockKind.ON_SITE, ClockKind.SAME_DAY})
_PROMISE_CLIMBS_AS: Final = {
    TicketKind.REQUEST: (ClockKind.ON_SITE, ClockKind.FIRST_REPLY),
    TicketKind.COMPLAINT: (ClockKind.DEPARTMENT_RECEIPT,),
    TicketKind.DEFECT: (ClockKind.ON_SITE,),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """One stretch of waiting; ``ended_at`` None: it lasts."""

    id: int
    reason: PauseReason
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Something asked of the office by an event, whatever its limit: a clock's kind, since when, until when.

    ``since`` is when the clock began to run, ``started_at`` what it counts from. ``ended_at`` None: it is asked for
    still; ``is_met``: what was asked came, else it was no longer asked for. ``agreed_at`` is the deadline that people
    agreed on, None where the limit sets it. ``waited`` are the waits it stood still for; ``was_due_at`` is when it ran
    out then.
    """

    kind: ClockKind
    source: str
    started_at: datetime
    since: datetime
    ended_at: datetime | None
    is_met: bool
    agreed_at: datetime | None = None
    waited: frozenset[int] = frozenset()
    was_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Matter:
    """The past of a ticket; ``held`` are its qualifiers, each set with the instant since when it holds."""

    kind: TicketKind
    held: tuple[tuple[datetime, frozenset[str]], ...]
    asked: tuple[Asked, ...]
    waits: tuple[Wait, ...] = ()

    def held_at(self, instant: datetime) -> frozenset[str]:
        """Return the qualifiers that held at an instant; before the first, the first."""
        known = [held for since, held in self.held if since <= instant] or [held for _, held in self.held[:1]]
        return known[-1] if known else frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """A level reached: ``tell`` are told at ``at``, ``above`` them those further up, who hear where nobody is there.

    ``waits``: the end of the quiet hours is soon enough.
    """

    level: int
    at: datetime
    tell: tuple[Role, ...]
    above: tuple[Role, ...]
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a clock ran, by when it was due, and whether it was met; ``ended_at`` None: it runs still."""

    begun_at: datetime
    due_at: datetime
    ended_at: datetime | None
    is_met: bool


@dataclass(frozen=True, slots=True)
class Lap:
    """One clock as it would have run: a wait ends it, and another goes on with what was left.

    ``warned`` is who was told before it ran out (its level is 0), None for nobody. ``ended_at`` None: it runs still.
    """

    asked: Asked
    begun_at: datetime
    due_at: datetime
    ended_at: datetime | None
    is_met: bool
    warned: Told | None = None
    told: tuple[Told, ...] = ()

    def is_late(self, at: datetime) -> bool:
        """Tell whether it ran out before it ended; at ``at`` where it runs still."""
        if self.is_met:
            return breached(self.due_at, self.ended_at, at)
        return self.due_at <= (self.ended_at or at)


@dataclass(frozen=True, slots=True)
class Replay:
    """A set of limits to be held against the past of an office, until ``until``.

    ``limits`` are those that hold, ``tables`` the defaults, by which a ladder is climbed that is nobody's own.
    ``grave`` are the roles told of a complaint that became grave by age (A-C2c), and those above them.
    """

    limits: tuple[Limit, ...]
    tables: tuple[Limit, ...]
    hours: OfficeHours
    until: datetime
    grave: tuple[tuple[Role, ...], tuple[Role, ...]] = ((), ())
    _chosen: dict[tuple[object, ...], Limit | None] = field(default_factory=dict, compare=False, repr=False)

    def laps(self, matter: Matter) -> Iterator[Lap]:
        """Yield the clocks of the matter as they would have run, and what they would have told."""
        for asked in matter.asked:
            yield from self.laps_of(matter, asked)

    def laps_of(self, matter: Matter, asked: Asked) -> Iterator[Lap]:
        """Yield the clocks of one thing asked, none where nothing limits it."""
        limit = self.limit_of(matter, asked)
        if limit is not None or asked.agreed_at is not None:
            promises = [one for one in matter.asked if one.kind is ClockKind.PROMISED]
            yield from self._run(matter, asked, limit, promises)

    def limit_of(self, matter: Matter, asked: Asked) -> Limit | None:
        """Return the limit by which it is asked: one of the rule it began by, else the one that held when it began."""
        held = matter.held_at(asked.started_at)
        key = (matter.kind, asked.kind, held, asked.source, asked.was_due_at is None)
        if key not in self._chosen:
            of_rule = [one for one in self.limits if one.term.source == asked.source]
            found = limit_for(of_rule, matter.kind, asked.kind, held)
            if found is None and asked.was_due_at is not None:  # it began: its event came before that was written down
                found = next((one for one in of_rule if one.key[:2] == (matter.kind, asked.kind)), None)
            self._chosen[key] = found or limit_for(self.limits, matter.kind, asked.kind, held)
        return self._chosen[key]

    # ---- one thing asked
    def _run(self, matter: Matter, asked: Asked, limit: Limit | None, promises: Sequence[Asked]) -> Iterator[Lap]:
        """Yield its clocks one after the other: each wait it stands still for ends one."""
        due, begun, was_warned = asked.agreed_at, asked.since, False
        if due is None and limit is not None:
            due = due_at(limit.term, asked.started_at, self.hours)
        for wait in (*self._stands_still(matter, asked, limit), None):
            if due is None or _appointed(asked, promises, begun, due):
                return
            span = Span(begun, due, *_end_of(asked, wait, promises, begun, due))
            warned_at = None if was_warned else self._warned(limit, asked, span)
            was_warned = was_warned or warned_at is not None
            yield self._lap(matter, asked, limit, span, warned_at)
            if wait is None or wait.ended_at is None or span.ended_at != wait.began_at:
                return
            if _came_before(asked, wait.ended_at):
                return
            due = self._after(asked, limit, due, wait.began_at, wait.ended_at)
            begun = wait.ended_at

    def _after(
        self, asked: Asked, limit: Limit | None, due: datetime, began_at: datetime, ended_at: datetime
    ) -> datetime:
        """Return when it runs out after a wait; what nobody limits counts by the minute."""
        by_day = limit is not None and limit.by_day
        calendar = ClockCalendar.ALWAYS if limit is None else limit.term.calendar
        return after_pause(asked.started_at, due, began_at, ended_at, self.hours, by_day=by_day, calendar=calendar)

    def _stands_still(self, matter: Matter, asked: Asked, limit: Limit | None) -> Iterator[Wait]:
        """Yield the waits it stands still for: by the limit, of what is agreed those it stood still for then."""
        for wait in matter.waits:
            if asked.agreed_at is not None or limit is None:
                stands = wait.id in asked.waited
            else:
                ran = asked.started_at < wait.began_at < (asked.ended_at or _LAST)
                stands = wait.reason in limit.pauses and (ran or wait.id in asked.waited)
            if stands:
                yield wait

    def _lap(self, matter: Matter, asked: Asked, limit: Limit | None, span: Span, warned_at: datetime | None) -> Lap:
        warned = None
        if warned_at is not None:
            roles = tuple(step.role for step in self._ladder(matter, asked, limit, warned_at))
            warned = Told(0, warned_at, roles[:1], roles[1:]) if roles else None
        told = tuple(self._told(matter, asked, limit, span))
        ended_at, is_met = span.ended_at, span.is_met
        if told and asked.kind is ClockKind.REGRADE:  # its running out is what it waited for (A-C2c)
            ended_at, is_met = told[0].at, False
        return Lap(asked, span.begun_at, span.due_at, ended_at, is_met, warned, told)

    # ---- who is told
    def _warned(self, limit: Limit | None, asked: Asked, span: Span) -> datetime | None:
        """Return when somebody was told that it would run out; None where that came first, or nobody is."""
        at = None if limit is None else warn_at(limit, asked.started_at, span.due_at, self.hours)
        if at is None:
            return None
        at = max(at, span.begun_at)
        return at if at < min(span.ended_at or _LAST, span.due_at) and at <= self.until else None

    def _told(self, matter: Matter, asked: Asked, limit: Limit | None, span: Span) -> Iterator[Told]:
        """Yield the levels reached; each is due by the ladder climbed at the time, and none is reached twice."""
        if asked.kind is ClockKind.REGRADE:
            at = max(span.due_at, span.begun_at)
            if at < (span.ended_at or _LAST) and at <= self.until:
                yield Told(1, at, *self.grave)
            return
        level = 0
        for since, until in _stretches(matter, span, self.until):
            ladder = self._ladder(matter, asked, limit, since)
            while (step := next_step(ladder, level)) is not None:
                at = max(step_due_at(step, span.due_at), since)
                if at >= until:
                    break
                level = step.level
                above = tuple(rung.role for rung in ladder if rung.level > level)
                yield Told(level, at, (step.role,), above, step.waits)

    def _ladder(self, matter: Matter, asked: Asked, limit: Limit | None, at: datetime) -> tuple[EscalationStep, ...]:
        """Return who would be told, by a limit's own ladder, else by the tables' as the matter stands."""
        if limit is not None and limit.own_steps:
            return limit.steps
        held = matter.held_at(at)
        key = ("ladder", matter.kind, asked.kind, held)
        if key not in self._chosen:
            kinds = _PROMISE_CLIMBS_AS[matter.kind] if asked.kind is ClockKind.PROMISED else (asked.kind,)
            found = (limit_for(self.tables, matter.kind, kind, held) for kind in kinds)
            self._chosen[key] = next((one for one in found if one is not None and one.steps), None)
        chosen = self._chosen[key]
        return () if chosen is None else chosen.steps


def _stretches(matter: Matter, span: Span, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield from when to when the matter's qualifiers were the same while a clock ran; the ends are outside."""
    last = min(span.ended_at or _LAST, until + _A_TICK)
    since = span.begun_at
    for change in sorted({at for at, _ in matter.held if span.begun_at < at < last}):
        yield since, change
        since = change
    yield since, last


def _end_of(
    asked: Asked, wait: Wait | None, promises: Iterable[Asked], begun: datetime, due: datetime
) -> tuple[datetime | None, bool]:
    """Return when a clock ended and whether it was met: by what came, by a wait, or by an appointment made then."""
    ended, is_met = (asked.ended_at, asked.is_met) if wait is None else (wait.began_at, False)
    cut = _appointed_at(asked, promises, begun, due)
    return (cut, False) if cut is not None and (ended is None or cut < ended) else (ended, is_met)


def _came_before(asked: Asked, instant: datetime) -> bool:
    """Tell whether it came, or was no longer asked for, before the wait was over: then it does not go on."""
    return asked.ended_at is not None and asked.ended_at < instant


def _appointed(asked: Asked, promises: Iterable[Asked], at: datetime, due: datetime) -> bool:
    """Tell whether an appointment that holds at ``at``, and ends later, stands in its place (A-W5, A-W6)."""
    if asked.kind not in ENDED_BY_APPOINTMENT:
        return False
    held = (one for one in promises if one.since <= at < (one.ended_at or _LAST))
    return any(one.agreed_at is not None and one.agreed_at > due for one in held)


def _appointed_at(asked: Asked, promises: Iterable[Asked], begun: datetime, due: datetime) -> datetime | None:
    """Return when an appointment was made that stands in its place from then on, None where none was."""
    if asked.kind not in ENDED_BY_APPOINTMENT:
        return None
    made = (one.since for one in promises if one.since > begun and one.agreed_at is not None and one.agreed_at > due)
    return min(made, default=None)
