"""Time that passes only in the desk's hours, or on working days: held against a watcher who counts minute by minute."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tenant.calendars import desk_open, local_day, zone_of
from tenant.rules.calendar_days import OfficeHours, earlier, end_of_nth_day, is_working, later, passed
from tenant.rules.deadlines import Term, after_pause, due_at
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, ClockStart, TicketKind

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SHANGHAI = "Asia/Shanghai"
BERLIN = "Europe/Berlin"
DESK, WORK, ALWAYS = ClockCalendar.DESK_HOURS, ClockCalendar.WORKING_DAYS, ClockCalendar.ALWAYS
NATIONAL = frozenset(date(2026, 10, 1) + n * DAY for n in range(7))
SHANGHAI_2026 = OfficeHours(SHANGHAI, off=NATIONAL, worked=frozenset({date(2026, 9, 20), date(2026, 10, 10)}))

# Hours begin and end where no clock is ever changed, so that a wall time names one instant. Each zone changes its
# clocks within the days drawn, and one of the years ends.
NEAR = {
    SHANGHAI: datetime(2026, 12, 29, tzinfo=UTC),
    BERLIN: datetime(2026, 3, 27, tzinfo=UTC),
    "America/Havana": datetime(2026, 10, 30, tzinfo=UTC),
    "Asia/Beirut": datetime(2026, 3, 27, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 3, tzinfo=UTC),
}


@st.composite
def offices(draw):
    zone = draw(st.sampled_from(sorted(NEAR)))
    first = NEAR[zone].date()
    near = st.sets(st.integers(-3, 12).map(lambda n: first + n * DAY), max_size=5)
    opens, closes = draw(
        st.sampled_from([(8, 17), (4, 23), (12, 14), (20, 5), (22, 4), (9, 9)]).map(
            lambda at: (time(at[0]), time(at[1]))
        )
    )
    hours = OfficeHours(zone, opens, closes, off=frozenset(draw(near)), worked=frozenset(draw(near)))
    return hours, NEAR[zone] + draw(st.integers(0, 4 * 24 * 60)) * MINUTE


def passes(calendar, hours, instant):
    """Tell whether the minute that begins at ``instant`` counts, by looking at the wall clock and the wall calendar."""
    if calendar is ALWAYS:
        return True
    if not desk_open(instant, hours.opens, hours.closes, hours.zone):
        return False
    local = instant.astimezone(zone_of(hours.zone))
    is_past_midnight = hours.opens > hours.closes and local.time() < hours.closes
    return calendar is DESK or is_working(hours, local.date() - is_past_midnight * DAY)


CALENDARS = st.sampled_from(sorted(ClockCalendar))


@settings(max_examples=60)
@given(offices(), CALENDARS, st.integers(1, 900))
def test_time_passes_only_in_the_minutes_that_count(drawn, calendar, minutes):
    hours, start = drawn
    instant, left = start, minutes
    while left:
        left -= passes(calendar, hours, instant)
        instant += MINUTE
    assert later(calendar, hours, start, minutes * MINUTE) == instant


@settings(max_examples=60)
@given(offices(), CALENDARS, st.integers(1, 900))
def test_counting_back_reaches_the_last_minute_since_which_as_much_passes(drawn, calendar, minutes):
    hours, end = drawn
    instant, left = end, minutes
    while left:
        instant -= MINUTE
        left -= passes(calendar, hours, instant)
    assert earlier(calendar, hours, end, minutes * MINUTE) == instant


@settings(max_examples=60)
@given(offices(), CALENDARS, st.integers(0, 6000))
def test_what_passed_between_two_instants_is_the_minutes_that_count(drawn, calendar, minutes):
    hours, start = drawn
    counted = sum(passes(calendar, hours, start + n * MINUTE) for n in range(minutes))
    assert passed(calendar, hours, start, start + minutes * MINUTE) == counted * MINUTE


@given(offices(), CALENDARS, st.integers(0, 2000))
def test_a_deadline_is_as_far_off_as_was_asked_for(drawn, calendar, minutes):
    hours, start = drawn
    assert passed(calendar, hours, start, later(calendar, hours, start, minutes * MINUTE)) == minutes * MINUTE


@settings(max_examples=60)
@given(offices(), st.integers(0, 5))
@example((SHANGHAI_2026, datetime(2026, 9, 30, 1, tzinfo=UTC)), 1)
def test_the_nth_working_day_is_the_nth_one_that_somebody_ticks_off(drawn, days):
    hours, start = drawn
    end = end_of_nth_day(WORK, hours, start, days)
    ended = local_day(end - MINUTE, hours.zone)
    today = local_day(start, hours.zone)
    ticked = [today + n * DAY for n in range(1, (ended - today).days + 1) if is_working(hours, today + n * DAY)]
    assert is_working(hours, ended)
    assert local_day(end, hours.zone) == ended + DAY
    assert len(ticked) == days + (days == 0 and not is_working(hours, today))


@settings(max_examples=80)
@given(offices(), CALENDARS, st.integers(1, 600), st.integers(0, 1200), st.integers(1, 3000))
def test_what_was_left_of_a_clock_s_minutes_is_left_after_a_wait(drawn, calendar, amount, worked, waited):
    hours, start = drawn
    due = later(calendar, hours, start, amount * MINUTE)
    begun, ended = start + worked * MINUTE, start + (worked + waited) * MINUTE
    assume(begun < due)
    again = after_pause(start, due, begun, ended, hours, by_day=False, calendar=calendar)
    assert passed(calendar, hours, ended, again) == passed(calendar, hours, begun, due)
    assert again >= due


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-09-30T17:00", 60, "2026-10-08T08:30"),  # half an hour before the desk closes, and then the holiday
        ("2026-10-09T17:00", 60, "2026-10-10T08:30"),  # a Saturday that is worked for the holiday
        ("2026-10-10T17:30", 1, "2026-10-12T08:01"),  # closed for good, the Sunday is off
        ("2026-10-03T12:00", 30, "2026-10-08T08:30"),
        ("2026-12-31T17:20", 20, "2027-01-01T08:10"),  # nobody has said that it is off: a Friday
    ],
)
def test_the_minutes_of_working_days_know_holidays_and_days_made_up(start, minutes, due):
    assert due_at(term(ClockMeasure.MINUTES, minutes, WORK), shanghai(start), SHANGHAI_2026) == shanghai(due)


@pytest.mark.parametrize(
    ("start", "measure", "amount", "due"),
    [
        ("2026-09-30T09:00", ClockMeasure.SAME_DAY, 0, "2026-10-01T00:00"),
        ("2026-10-01T09:00", ClockMeasure.SAME_DAY, 0, "2026-10-09T00:00"),
        ("2026-09-30T09:00", ClockMeasure.DAYS, 3, "2026-10-11T00:00"),  # the 8th, the 9th, and Saturday the 10th
        ("2026-10-10T09:00", ClockMeasure.DAYS, 1, "2026-10-13T00:00"),
        ("2026-09-03T09:00", ClockMeasure.MONTHS, 1, "2026-10-09T00:00"),
        ("2026-01-31T09:00", ClockMeasure.MONTHS, 1, "2026-03-03T00:00"),  # 28 February is a Saturday
    ],
)
def test_working_days_are_counted_over_holidays(start, measure, amount, due):
    assert due_at(term(measure, amount, WORK), shanghai(start), SHANGHAI_2026) == shanghai(due)


def test_desk_hours_are_kept_on_every_day_of_the_year():
    due = due_at(term(ClockMeasure.MINUTES, 60, DESK), shanghai("2026-10-01T17:00"), SHANGHAI_2026)
    assert due == shanghai("2026-10-02T08:30")


def test_a_shortest_time_is_kept_whatever_the_calendar():
    limit = term(ClockMeasure.MINUTES, 10, DESK, minimum=120)
    assert due_at(limit, shanghai("2026-11-20T17:25"), SHANGHAI_2026) == shanghai("2026-11-21T08:05")
    assert due_at(limit, shanghai("2026-11-20T12:00"), SHANGHAI_2026) == shanghai("2026-11-20T14:00")


@settings(max_examples=120)
@given(offices(), st.integers(0, 4), st.integers(0, 6000), st.integers(1, 9000))
def test_as_many_working_days_are_left_after_a_wait_as_were_before_it(drawn, days, worked, waited):
    hours, start = drawn
    due = end_of_nth_day(WORK, hours, start, days)
    begun, ended = start + worked * MINUTE, start + (worked + waited) * MINUTE
    assume(begun < due)
    again = after_pause(start, due, begun, ended, hours, by_day=True, calendar=WORK)
    assert days_that_end(hours, ended, again) == days_that_end(hours, begun, due)
    assert is_working(hours, local_day(again - MINUTE, hours.zone))


def days_that_end(hours, since, until):
    """Count the working days whose midnight strikes after the one instant, and at the other at the latest."""
    first, last = local_day(since, hours.zone), local_day(until - MINUTE, hours.zone)
    return sum(is_working(hours, first + n * DAY) for n in range((last - first).days + 1))


@pytest.mark.parametrize(
    ("begun", "ended", "due"),
    [
        ("2026-03-07T10:00", "2026-03-09T10:00", "2026-03-10T00:00"),  # over a weekend nobody works: the Monday is left
        ("2026-03-07T10:00", "2026-03-08T10:00", "2026-03-10T00:00"),
        ("2026-03-06T10:00", "2026-03-07T10:00", "2026-03-11T00:00"),  # Friday's midnight struck: it is left
        ("2026-03-06T10:00", "2026-03-09T10:00", "2026-03-11T00:00"),
    ],
)
def test_a_wait_that_begins_or_ends_on_a_day_off_costs_no_day_and_gives_none(begun, ended, due):
    runs, start = shanghai("2026-03-10T00:00"), shanghai("2026-03-06T09:00")
    again = after_pause(start, runs, shanghai(begun), shanghai(ended), SHANGHAI_2026, by_day=True, calendar=WORK)
    assert again == shanghai(due)


def test_a_day_of_work_left_is_a_day_of_work_left_after_the_holiday():
    due = shanghai("2026-10-09T00:00")  # until the 8th, counted from 30 September: one working day
    start, ended = shanghai("2026-09-30T09:00"), shanghai("2026-10-08T15:00")
    again = after_pause(start, due, start, ended, SHANGHAI_2026, by_day=True, calendar=WORK)
    assert again == shanghai("2026-10-10T00:00")


def term(measure, amount, calendar, minimum=0):
    return Term(
        kind=ClockKind.FIRST_REPLY,
        ticket=TicketKind.REQUEST,
        starts=ClockStart.RECEIPT,
        qualifier=None,
        spares=frozenset(),
        measure=measure,
        amount=amount,
        minimum=minimum,
        waits=False,
        ladder=None,
        source="A-W4",
        calendar=calendar,
    )


def shanghai(text):
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(SHANGHAI)).astimezone(UTC)
