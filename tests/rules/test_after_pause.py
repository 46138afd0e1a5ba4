"""A clock that stood still goes on with what was left: held against counting minute by minute (A-W5, B-W19)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant.calendars import end_of_nth_day, local_day
from tenant.rules.calendar_days import OfficeHours
from tenant.rules.deadlines import after_pause

MINUTE = timedelta(minutes=1)
SHANGHAI = "Asia/Shanghai"
MONDAY_NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

CHANGES = {
    SHANGHAI: datetime(2026, 3, 1, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 3, 28, 12, tzinfo=UTC),  # clocks go forward in the night
    "America/New_York": datetime(2026, 10, 31, 12, tzinfo=UTC),  # and back
    "America/Sao_Paulo": datetime(2017, 10, 14, 12, tzinfo=UTC),  # forward at midnight: no 00:00 that day
    "America/Havana": datetime(2026, 10, 31, 12, tzinfo=UTC),  # back at 01:00: 00:00 strikes twice
    "Australia/Lord_Howe": datetime(2026, 4, 4, 12, tzinfo=UTC),  # by half an hour
}
"""A zone and a time shortly before its clocks change."""

minutes = st.integers(0, 3 * 24 * 60)


def midnights(zone, since, until):
    """Return the instants at which a later day begins than any before, minute by minute."""
    found, day, instant = [], local_day(since, zone), since
    while instant < until:
        instant += MINUTE
        if local_day(instant, zone) > day:
            day = local_day(instant, zone)
            found.append(instant)
    return found


def stands_still(instant, spans):
    return any(begun < instant <= ended for begun, ended in spans)


def counted_minutes(started, amount, spans):
    """Count `amount` minutes from `started`, one by one, leaving out those that waited."""
    instant = started
    while amount:
        instant += MINUTE
        amount -= not stands_still(instant, spans)
    return instant


def counted_days(started, days, spans, zone):
    """Return the midnight that ends the last day, leaving out those that struck while work waited."""
    struck = [one for one in midnights(zone, started, started + timedelta(days=11)) if not stands_still(one, spans)]
    return struck[days]


def carried(started, due, spans, zone, *, by_day):
    """Let a clock pause again and again: each time what is left goes on, until it has run out."""
    for begun, ended in spans:
        if due > begun:
            due = after_pause(started, due, begun, ended, OfficeHours(zone), by_day=by_day)
    return due


@st.composite
def waits(draw):
    """Draw a start near a change of clocks, and up to three spans of waiting after it, one after the other."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    started = CHANGES[zone] + draw(minutes) * MINUTE
    marks = sorted(draw(st.lists(st.integers(1, 5 * 24 * 60), max_size=6, unique=True)))
    at = [started + mark * MINUTE for mark in marks]
    return zone, started, [(begun, ended) for n, (begun, ended) in enumerate(pairwise(at)) if n % 2 == 0]


@given(waits(), st.integers(1, 36 * 60))
def test_minutes_count_only_while_work_goes_on(drawn, amount):
    zone, started, spans = drawn
    due = carried(started, started + amount * MINUTE, spans, zone, by_day=False)
    assert due == counted_minutes(started, amount, spans)


@settings(max_examples=40)
@given(waits(), st.integers(0, 4))
def test_days_count_only_the_midnights_that_strike_while_work_goes_on(drawn, days):
    zone, started, spans = drawn
    due = carried(started, end_of_nth_day(started, days, zone), spans, zone, by_day=True)
    assert due == counted_days(started, days, spans, zone)


@given(waits(), st.booleans(), st.integers(0, 2000))
def test_waiting_never_makes_a_clock_run_out_sooner_and_what_was_late_stays_late(drawn, by_day, late):
    zone, started, spans = drawn
    due = end_of_nth_day(started, 0, zone) if by_day else started + 15 * MINUTE
    begun, ended = due + late * MINUTE, due + (late + 90) * MINUTE
    assert due <= after_pause(started, due, begun, ended, OfficeHours(zone), by_day=by_day) <= ended
    for span in spans:
        assert after_pause(started, due, *span, OfficeHours(zone), by_day=by_day) >= due


@pytest.mark.parametrize(
    ("begun", "ended", "by_day", "due"),
    [
        ((0, 5), (0, 35), False, (0, 45)),  # ten minutes were left, ten are left
        ((0, 0), (0, 30), False, (0, 45)),
        ((0, 15), (0, 45), False, (0, 45)),  # nothing was left: due at once
        ((0, 20), (0, 50), False, (0, 45)),  # five minutes late then, five minutes late now
        ((0, 60), (5, 0), True, (12, 0)),  # from 13:00 to 17:00: the day still ends at 24:00
        ((0, 60), (24, 0), True, (36, 0)),  # over one midnight: one day more
        ((0, 60), (60, 0), True, (84, 0)),  # over three
        ((13, 0), (15, 0), True, (12, 0)),  # late since midnight: late by a day's end as before
        ((13, 0), (37, 0), True, (36, 0)),  # and still by that one a day later
    ],
)
def test_what_was_left_is_left(begun, ended, by_day, due):
    at = [MONDAY_NOON + timedelta(hours=hours, minutes=more) for hours, more in (begun, ended, due)]
    runs = end_of_nth_day(MONDAY_NOON, 0, SHANGHAI) if by_day else MONDAY_NOON + 15 * MINUTE
    assert after_pause(MONDAY_NOON, runs, at[0], at[1], OfficeHours(SHANGHAI), by_day=by_day) == at[2]


def test_waiting_that_was_over_before_the_clock_began_changes_nothing():
    later = MONDAY_NOON + timedelta(hours=20)  # put off at night: it begins at the morning handover (B-S3)
    due = later + 15 * MINUTE
    assert after_pause(later, due, MONDAY_NOON, later, OfficeHours(SHANGHAI), by_day=False) == due
    assert after_pause(later, due, MONDAY_NOON, later + MINUTE, OfficeHours(SHANGHAI), by_day=False) == due + MINUTE
