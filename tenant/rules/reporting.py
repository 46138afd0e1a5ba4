"""When an office accounts for what it did: the days a report is about, when it is due and missed (A-W15, A-C12).

A period is half open: ``until_on`` is the day after its last. A day that a month has not is its last.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from tenant.rules.terms import ReportKind, Role

_A_DAY = timedelta(days=1)
_A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ReportTerm:
    """One report: ``closes_on`` is the last day of a month's period, None for a week, which ends on Sunday.

    ``due`` and ``awaited`` are days of the month, or days after Sunday: the office hands it in on the first, the centre
    misses it after the second. ``reader`` gets it; ``form`` is the number on the paper, None where it has none.
    """

    kind: ReportKind
    closes_on: int | None
    due: int
    awaited: int
    reader: Role
    form: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Period:
    """The days of one report, from ``from_on`` up to but not on ``until_on``; when it is due, and missed after."""

    from_on: date
    until_on: date
    due_on: date
    awaited_on: date


def latest_closed(term: ReportTerm, day: date) -> Period:
    """Return the latest period that was over when ``day`` began."""
    if term.closes_on is None:
        return _week(term, day - timedelta(days=day.weekday()))
    end = _until(term.closes_on, day.year, day.month)
    if end <= day:
        return _month(term, end)
    last = day.replace(day=1) - _A_DAY
    return _month(term, _until(term.closes_on, last.year, last.month))


def following(term: ReportTerm, until_on: date) -> Period:
    """Return the period that begins on ``until_on``, the day after the last one's end."""
    if term.closes_on is None:
        return _week(term, until_on + _A_WEEK)
    end = _until(term.closes_on, until_on.year, until_on.month)
    if end <= until_on:
        after = until_on.replace(day=1) + timedelta(days=31)
        end = _until(term.closes_on, after.year, after.month)
    return _month(term, end)


def ending(term: ReportTerm, until_on: date) -> Period:
    """Return the period that ends before ``until_on``."""
    return _week(term, until_on) if term.closes_on is None else _month(term, until_on)


def before(term: ReportTerm, from_on: date) -> date:
    """Return the first day of the period that ended when the one from ``from_on`` began: what it is held against."""
    return latest_closed(term, from_on).from_on


def _week(term: ReportTerm, monday: date) -> Period:
    sunday = monday - _A_DAY
    return Period(monday - _A_WEEK, monday, sunday + timedelta(days=term.due), sunday + timedelta(days=term.awaited))


def _month(term: ReportTerm, until_on: date) -> Period:
    """Return the period that ends before ``until_on``; it is due in the month of that day."""
    assert term.closes_on is not None  # noqa: S101 - asked only of months
    last = until_on - _A_DAY
    earlier = last.replace(day=1) - _A_DAY
    return Period(
        _until(term.closes_on, earlier.year, earlier.month), until_on,
        _day(until_on, term.due), _day(until_on, term.awaited),
    )  # fmt: skip


def _until(closes_on: int, year: int, month: int) -> date:
    """Return the day after the last one of the period that closes in a month."""
    return date(year, month, min(closes_on, monthrange(year, month)[1])) + _A_DAY


def _day(within: date, day: int) -> date:
    return within.replace(day=min(day, monthrange(within.year, within.month)[1]))
