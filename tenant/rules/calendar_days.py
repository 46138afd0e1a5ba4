"""In which hours the time of a clock passes: always, while the desk is open, or in the desk's hours of working days.

Which days differ from their weekday is the public calendar's (放假, 调休); a day it says nothing of is worked from
Monday to Friday. Desk hours are local wall time: those that end before they begin run past midnight and belong to the
day on which they begin, equal ones are the whole day (B-S1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tenant.calendars import Zone, as_utc, at_local, local_day, start_of_day
from tenant.calendars import end_of_nth_day as end_of_nth_calendar_day
from tenant.rules.terms import ClockCalendar

_SATURDAY = 5
_A_DAY = timedelta(days=1)
_NONE = timedelta()


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Where an office is and when it works: its zone, its desk's hours, and the days that differ from their weekday.

    ``off`` are the weekdays nobody works on, ``worked`` the days at a weekend that are made up for them.
    """

    zone: Zone
    opens: time = time(8)
    closes: time = time(17, 30)
    off: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()


def is_working(hours: OfficeHours, day: date) -> bool:
    """Tell whether the local day is a working day by the public calendar."""
    return day in hours.worked or (day.weekday() < _SATURDAY and day not in hours.off)


def counts(calendar: ClockCalendar, hours: OfficeHours, day: date) -> bool:
    """Tell whether the local day is one of those that the calendar counts."""
    return calendar is not ClockCalendar.WORKING_DAYS or is_working(hours, day)


def later(calendar: ClockCalendar, hours: OfficeHours, instant: datetime, by: timedelta) -> datetime:
    """Return the first instant, as UTC, at which ``by`` of the calendar's time has passed since ``instant``.

    None of it passed is ``instant`` itself; the last minute of a day's hours is the instant at which the desk closes.
    """
    begun = as_utc(instant)
    if calendar is ClockCalendar.ALWAYS or by <= _NONE:
        return begun + by
    left = by
    for opened, closed in _stretches(calendar, hours, local_day(begun, hours.zone) - _A_DAY, _A_DAY):
        since = max(opened, begun)
        if closed - since >= left:
            return since + left
        left -= max(closed - since, _NONE)
    raise AssertionError("there is always a next day")


def earlier(calendar: ClockCalendar, hours: OfficeHours, instant: datetime, by: timedelta) -> datetime:
    """Return the last instant, as UTC, since which ``by`` of the calendar's time passes until ``instant``."""
    ended = as_utc(instant)
    if calendar is ClockCalendar.ALWAYS or by <= _NONE:
        return ended - by
    left = by
    for opened, closed in _stretches(calendar, hours, local_day(ended, hours.zone), -_A_DAY):
        until = min(closed, ended)
        if until - opened >= left:
            return until - left
        left -= max(until - opened, _NONE)
    raise AssertionError("there is always a day before")


def passed(calendar: ClockCalendar, hours: OfficeHours, since: datetime, until: datetime) -> timedelta:
    """Return how much of the calendar's time lies between two instants; none when the second is not the later one."""
    begun, ended = as_utc(since), as_utc(until)
    if calendar is ClockCalendar.ALWAYS:
        return max(ended - begun, _NONE)
    total = _NONE
    for opened, closed in _stretches(calendar, hours, local_day(begun, hours.zone) - _A_DAY, _A_DAY):
        if opened >= ended:
            break
        total += max(min(closed, ended) - max(opened, begun), _NONE)
    return total


def end_of_nth_day(calendar: ClockCalendar, hours: OfficeHours, instant: datetime, days: int) -> datetime:
    """Return 24:00 of the ``days``-th day after the instant's local day, as UTC; 0 means the same day.

    With working days only these count, and the same day of a day off is the next working day.
    """
    if calendar is not ClockCalendar.WORKING_DAYS:
        return end_of_nth_calendar_day(instant, days, hours.zone)
    today = local_day(instant, hours.zone)
    day, left = today, days
    while left or not is_working(hours, day):
        day += _A_DAY
        left -= bool(left) and is_working(hours, day)
    return end_of_nth_calendar_day(instant, (day - today).days, hours.zone)


def end_of_day_on(calendar: ClockCalendar, hours: OfficeHours, day: date) -> datetime:
    """Return 24:00 of the day, as UTC; with working days, of the first of them that is not before it."""
    while not counts(calendar, hours, day):
        day += _A_DAY
    return start_of_day(day + _A_DAY, hours.zone)


def days_between(calendar: ClockCalendar, hours: OfficeHours, first: date, last: date) -> int:
    """Return how many of the calendar's days lie after ``first``, up to ``last``; below zero when that is before it."""
    if calendar is not ClockCalendar.WORKING_DAYS or last < first:
        return (last - first).days
    return sum(is_working(hours, first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def _stretches(
    calendar: ClockCalendar, hours: OfficeHours, day: date, step: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans in which time passes, day by day from ``day`` on, forwards or backwards, without an end."""
    while True:
        if counts(calendar, hours, day):
            yield _open_on(hours, day)
        day += step


def _open_on(hours: OfficeHours, day: date) -> tuple[datetime, datetime]:
    if hours.opens == hours.closes:
        return start_of_day(day, hours.zone), start_of_day(day + _A_DAY, hours.zone)
    closes_on = day if hours.opens < hours.closes else day + _A_DAY
    return at_local(day, hours.opens, hours.zone), at_local(closes_on, hours.closes, hours.zone)
