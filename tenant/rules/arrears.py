"""The dunning ladder: which steps an owner's arrears have reached, and what the delay costs (B-F2 to B-F5, B-F7).

Age is counted in calendar months from the due date of the owner's oldest unpaid charge not on hold, clamped to the
month's last day and never chained.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tenant.calendars import months_after
from tenant.money import to_fen
from tenant.rules.terms import CustomerSize, DunningLevel

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class DunningTerm:
    """One step as the policy table states it, due when the arrears are `months` old.

    `over` moves it to the day after the anniversary ("over three months"). `until` is the age in months at which it is
    too late to be taken at all, None for never: six months end the reminders, the suit ends the letters.
    """

    level: DunningLevel
    sequence: int
    customers: CustomerSize
    months: int
    over: bool
    until: int | None
    source: str
    note: str


@dataclass(frozen=True, slots=True, order=True)
class DunningStep:
    """A step of one owner's ladder with the day it fell due; `key` names it for ever: taken once, never again."""

    due_on: date
    level: DunningLevel
    sequence: int
    source: str

    @property
    def key(self) -> tuple[DunningLevel, int]:
        """Return what makes the step unique within one climb: its level and sequence."""
        return self.level, self.sequence


@dataclass(frozen=True, slots=True)
class DunningDay:
    """What one day asks for: the steps to take now, and those that were missed and shall never be taken."""

    take: tuple[DunningStep, ...]
    skipped: tuple[DunningStep, ...]


def steps_reached(
    terms: Iterable[DunningTerm], oldest_due_on: date, day: date, *, big: bool
) -> tuple[DunningStep, ...]:
    """Return every step the arrears have reached on `day`, taken or not, the oldest first.

    On the due date itself nothing is overdue.
    """
    return tuple(sorted(_step(term, oldest_due_on) for term in _reached(terms, oldest_due_on, day, big=big)))


def steps_due(
    terms: Iterable[DunningTerm],
    oldest_due_on: date,
    day: date,
    *,
    big: bool,
    taken: Collection[tuple[DunningLevel, int]],
) -> DunningDay:
    """Return the steps to take on `day`, given the keys of those taken before.

    A step belongs to the day its age is reached and waits until it is taken: missed nights lose nothing, and how often
    the ladder is run changes nothing about where it stands. But an owner whose reminders were all missed does not get
    six mails at once: of each level only the latest step is taken, and only while its time lasts (a reminder before
    six months, a letter before the suit); the untaken ones before it are returned as `skipped`. They need not be
    remembered: a step earlier than one taken is never due again.
    """
    latest: dict[DunningLevel, DunningTerm] = {}
    reached = _reached(terms, oldest_due_on, day, big=big)
    for term in reached:
        best = latest.get(term.level)
        if best is None or term.sequence > best.sequence:
            latest[term.level] = term
    highest = {level: max((n for kind, n in taken if kind == level), default=0) for level in latest}
    take = {
        (level, term.sequence)
        for level, term in latest.items()
        if term.sequence > highest[level] and _in_time(term, oldest_due_on, day)
    }
    steps = sorted(_step(term, oldest_due_on) for term in reached)
    return DunningDay(
        take=tuple(step for step in steps if step.key in take),
        skipped=tuple(step for step in steps if step.key not in take and step.key not in taken),
    )


def steps_carried(
    terms: Iterable[DunningTerm],
    oldest_due_on: date,
    moved_on: date,
    earlier: Collection[tuple[DunningLevel, int]],
    *,
    big: bool,
) -> frozenset[tuple[DunningLevel, int]]:
    """Return the keys that count as taken after a payment left a younger debt as the oldest.

    The ladder starts anew from the younger due date, reached by the payment of `moved_on`; `earlier` are the keys taken
    since the owner fell into arrears, from older due dates. Reminders reached by that day count as taken, or the owner
    would be dunned for having paid; a letter, a suit or a watch counts only when it was taken, or paying one month out
    of twenty would escape it.
    """
    reached = (step.key for step in steps_reached(terms, oldest_due_on, moved_on, big=big))
    return frozenset(key for key in reached if key[0] is DunningLevel.REMINDER or key in earlier)


def late_fee(amount: Decimal, due_on: date, day: date, daily_rate: Decimal, cap: Decimal | None) -> Decimal:
    """Return the late fee 违约金 in yuan that an unpaid `amount` has brought up to `day` (B-F2).

    Simple interest: `daily_rate` is a share of the amount for each day after the due date (0.0005 is 万分之五); `cap`
    is the largest share of the amount it may reach, None for no limit. Zero up to the due date and on a credit.
    """
    days = max((day - due_on).days, 0)
    share = daily_rate * days
    if cap is not None:
        share = min(share, cap)
    return to_fen(max(amount * share, _NOTHING))


def big_customer(area: Decimal, total_area: Decimal, threshold: Decimal) -> bool:
    """Tell whether an owner's managed area is above `threshold` (a share, 0.015 is 1.5 %) of the office's (B-F5).

    Exactly the threshold is not above it; in an office without area nobody is big.
    """
    return total_area > 0 and area > total_area * threshold


def _reached(terms: Iterable[DunningTerm], oldest_due_on: date, day: date, *, big: bool) -> list[DunningTerm]:
    """Return the terms for this size of customer whose day has come."""
    spared = CustomerSize.ORDINARY if big else CustomerSize.BIG
    return [term for term in terms if term.customers is not spared and _due_on(term, oldest_due_on) <= day]


def _due_on(term: DunningTerm, oldest_due_on: date) -> date:
    """Return the day the term's age is reached, the day after for "over"."""
    return months_after(oldest_due_on, term.months) + timedelta(days=int(term.over))


def _in_time(term: DunningTerm, oldest_due_on: date, day: date) -> bool:
    """Tell whether the term may still be taken."""
    return term.until is None or day < months_after(oldest_due_on, term.until)


def _step(term: DunningTerm, oldest_due_on: date) -> DunningStep:
    """Return the term as a step of the ladder that began at `oldest_due_on`."""
    return DunningStep(_due_on(term, oldest_due_on), term.level, term.sequence, term.source)
