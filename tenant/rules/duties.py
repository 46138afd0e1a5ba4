"""Who is on duty at an instant, who stands in for whom, and which hours nobody has: arithmetic (B-S1, A-O3)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from tenant.calendars import Zone, at_local, local_day

_A_DAY = timedelta(days=1)
_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours that come again every day, local; those that end before they begin run past midnight."""

    begins: time
    ends: time

    @property
    def runs_past_midnight(self) -> bool:
        """Tell whether they end on the day after the one on which they begin."""
        return self.ends <= self.begins

    def on(self, day: date, zone: Zone) -> tuple[datetime, datetime]:
        """Return when they begin on ``day`` and when they end, as UTC; the end is outside.

        Where clocks are put forward or back in between they last as much less or more.
        """
        return at_local(day, self.begins, zone), at_local(
            day + _A_DAY if self.runs_past_midnight else day, self.ends, zone
        )

    def day_of(self, at: datetime, zone: Zone) -> date | None:
        """Return the day on which the hours began that ``at`` lies in, None when it lies in none (B-S1)."""
        today = local_day(at, zone)
        for day in (today, today - _A_DAY):
            begin, end = self.on(day, zone)
            if begin <= at < end:
                return day
        return None


NOON_DUTY, NIGHT_DUTY = Hours(time(12), time(14)), Hours(time(17, 30), time(8))
"""The hours that the handbook names: noon by the officer on rota, night at the desk (B-S1)."""


def stands_in(posting_id: int, away: Mapping[int, int | None]) -> int | None:
    """Return who has what is the posting's: itself, or the substitute of who is away, or that one's; None for nobody.

    ``away`` maps each who is away to the substitute, None where nobody was named. Substitutes that go in a circle are
    nobody.
    """
    seen: set[int] = set()
    holder: int | None = posting_id
    while holder is not None and holder in away:
        if holder in seen:
            return None
        seen.add(holder)
        holder = away[holder]
    return holder


def present(holders: Iterable[int], away: Mapping[int, int | None]) -> tuple[int, ...]:
    """Return those who have what is the holders', each once, in the order of the holders."""
    found = (stands_in(holder, away) for holder in holders)
    return tuple(dict.fromkeys(holder for holder in found if holder is not None))


def told(holders: Sequence[int], on_duty: Collection[int], *, can_wait: bool) -> tuple[int, ...]:
    """Return which postings are told of what is the holders': those of them on duty, if any are (B-S1).

    Is nobody of them on duty, all of them are told, and with them everybody on duty unless the matter can wait. Without
    anybody on duty, all holders are. Of no holders nobody is told: the matter is for the next one up the line.
    """
    there = tuple(holder for holder in holders if holder in on_duty)
    if there or not holders:
        return there
    return tuple(holders) if can_wait else tuple(dict.fromkeys((*holders, *sorted(on_duty))))


@dataclass(frozen=True, slots=True)
class Watch:
    """Who can be told at an instant: who is ``away`` and who stands in (None: nobody), and who is ``on_duty``.

    ``can_wait``: the matter need not be told to others only because they are the ones who are there.
    """

    away: Mapping[int, int | None] = field(default_factory=dict)
    on_duty: frozenset[int] = frozenset()
    can_wait: bool = True

    def told(self, holders: Iterable[int]) -> tuple[int, ...]:
        """Return which postings are told of what is the holders' (B-S1, A-O3)."""
        return told(present(holders, self.away), self.on_duty, can_wait=self.can_wait)


AS_POSTED = Watch()
"""All are there and nobody is on duty: who holds a role is told."""


def uncovered(shifts: Iterable[Hours], desk_opens: time, desk_closes: time) -> tuple[Hours, ...]:
    """Return the hours of the day that neither the open desk nor any shift covers: a desk is never unmanned (B-S1).

    To the minute, in order of their beginning; hours around midnight are one piece. The whole day without a break
    begins and ends at midnight.
    """
    manned = bytearray(_MINUTES)
    for hours in (*shifts, *([Hours(desk_opens, desk_closes)] if desk_opens != desk_closes else [])):
        begin, end = _minute(hours.begins), _minute(hours.ends)
        for minute in range(begin, end if end > begin else end + _MINUTES):
            manned[minute % _MINUTES] = 1
    if not any(manned):
        return (Hours(time(0), time(0)),)
    begins = [minute for minute in range(_MINUTES) if not manned[minute] and manned[minute - 1]]
    return tuple(Hours(_clock(minute), _clock(_manned_again(manned, minute))) for minute in begins)


def overlap(first: tuple[date, date], second: tuple[date, date]) -> bool:
    """Tell whether two spans of days, first and last included, have a day in common."""
    return first[0] <= second[1] and second[0] <= first[1]


def _manned_again(manned: bytearray, minute: int) -> int:
    while not manned[minute % _MINUTES]:
        minute += 1
    return minute % _MINUTES


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _clock(minute: int) -> time:
    return time(minute // 60, minute % 60)
