"""The slots of the timetable: instants that come again. Arithmetic; nothing here knows what has fired.

Slots of the calendar stand at a local time. Where clocks are put forward over that time the slot comes once, as much
later as the clocks were put forward; where they are put back over it, once, the first time. A month that has no such
day has its slot on the last one, counted from the day that was asked for and never from the month before.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

from tenant.calendars import as_utc, at_local, local_day, months_after
from tenant.clock import DEFAULT_ZONE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_CAUGHT_UP = 366
"""How many missed slots of one entry are made up for at once: a year of days."""
A_DAY = timedelta(days=1)
WEEKDAYS = "一二三四五六日"
LAST_DAY = 31


class _Recurring(ABC):
    """What all slots have in common; all instants are aware, those returned in UTC."""

    __slots__ = ()

    @abstractmethod
    def latest(self, at: datetime) -> datetime:
        """Return the latest slot at or before ``at``."""

    @abstractmethod
    def after(self, at: datetime) -> datetime:
        """Return the first slot later than ``at``."""

    def between(self, after: datetime, upto: datetime, limit: int = MOST_CAUGHT_UP) -> list[datetime]:
        """Return the slots later than ``after``, up to and including ``upto``, in order; the last ``limit`` of them."""
        slots: list[datetime] = []
        slot = self.latest(upto)
        while slot > after and len(slots) < limit:
            slots.append(slot)
            slot = self.latest(slot - datetime.resolution)
        return slots[::-1]


@dataclass(frozen=True, slots=True)
class Every(_Recurring):
    """A slot every so often, counted from the epoch, so that all schedulers count the same slots."""

    period: timedelta
    is_kept = False
    """Whether each slot leaves a row; those of a sweep would be thousands a day."""

    def latest(self, at: datetime) -> datetime:
        """Return the latest slot at or before ``at``."""
        instant = as_utc(at)
        return instant - (instant - EPOCH) % self.period

    def after(self, at: datetime) -> datetime:
        """Return the first slot later than ``at``."""
        return self.latest(at) + self.period

    def words(self) -> str:
        """Return how often, in Chinese."""
        seconds = int(self.period.total_seconds())
        for length, unit in ((3600, "小时"), (60, "分钟")):
            if seconds % length == 0:
                return f"每 {seconds // length} {unit}"
        return f"每 {seconds} 秒"


class _OfTheCalendar(_Recurring):
    """Slots at a local time ``at`` in ``zone``, on the days that :meth:`days_near` names."""

    __slots__ = ()
    at: time
    zone: str
    is_kept = True

    @abstractmethod
    def days_near(self, day: date) -> Iterable[date]:
        """Return the days that have a slot, from one that is surely over on ``day`` to one that is surely to come."""

    def latest(self, at: datetime) -> datetime:
        """Return the latest slot at or before ``at``."""
        return max(slot for slot in self._near(at) if slot <= at)

    def after(self, at: datetime) -> datetime:
        """Return the first slot later than ``at``."""
        return min(slot for slot in self._near(at) if slot > at)

    def _near(self, at: datetime) -> list[datetime]:
        return [at_local(day, self.at, self.zone) for day in self.days_near(local_day(at, self.zone))]


@dataclass(frozen=True, slots=True)
class Daily(_OfTheCalendar):
    """A slot a day."""

    at: time
    zone: str = DEFAULT_ZONE

    def days_near(self, day: date) -> Iterable[date]:
        """Return two days before and two after: a day may be skipped where a country changes its date."""
        return (day + n * A_DAY for n in range(-2, 3))

    def words(self) -> str:
        """Return when, in Chinese."""
        return f"每天 {self.at:%H:%M}"


@dataclass(frozen=True, slots=True)
class Weekly(_OfTheCalendar):
    """A slot a week: ``weekday`` 0 is Monday, 6 is Sunday. Raises ValueError for any other."""

    weekday: int
    at: time
    zone: str = DEFAULT_ZONE

    def __post_init__(self) -> None:
        """Refuse a day that no week has."""
        if self.weekday not in range(len(WEEKDAYS)):
            raise ValueError(f"a week has no day {self.weekday}")

    def days_near(self, day: date) -> Iterable[date]:
        """Return this weekday in the week before, this week, and the next."""
        nearest = day + ((self.weekday - day.weekday() + 3) % 7 - 3) * A_DAY
        return (nearest + n * A_DAY for n in (-7, 0, 7))

    def words(self) -> str:
        """Return when, in Chinese."""
        return f"每周{WEEKDAYS[self.weekday]} {self.at:%H:%M}"


@dataclass(frozen=True, slots=True)
class Monthly(_OfTheCalendar):
    """A slot a month, on ``day`` or the last one of a month that is shorter. Raises ValueError for a day no month has.

    The 29th of February is a slot of the 29th in leap years, of the 28th in others.
    """

    day: int
    at: time
    zone: str = DEFAULT_ZONE

    def __post_init__(self) -> None:
        """Refuse a day that no month has."""
        if not 1 <= self.day <= LAST_DAY:
            raise ValueError(f"a month has no day {self.day}")

    def days_near(self, day: date) -> Iterable[date]:
        """Return the day of two months before to two months after; counted from January, which has 31 days."""
        january = date(day.year, 1, self.day)
        return (months_after(january, day.month - 1 + n) for n in range(-2, 3))

    def words(self) -> str:
        """Return when, in Chinese."""
        if self.day == LAST_DAY:
            return f"每月最后一天 {self.at:%H:%M}"
        return f"每月 {self.day} 日 {self.at:%H:%M}"


Calendar: TypeAlias = Daily | Weekly | Monthly
Slots: TypeAlias = Every | Calendar


def placed(slots: Slots, zone: str, at: time | None) -> Slots:
    """Return the slots as they are in an office's zone, at its own local time where it has one."""
    if isinstance(slots, Every):
        return slots
    return replace(slots, zone=zone, at=slots.at if at is None else at)
