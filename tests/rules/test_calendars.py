from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenant.calendars import (
    desk_open,
    end_of_day,
    end_of_nth_day,
    local_day,
    months_after,
    months_between,
    next_opening,
    start_of_day,
    zone_of,
)
from tenant.errors import SettingsError

SHANGHAI = "Asia/Shanghai"
# zones whose clocks jump at, before or after midnight, by odd amounts, or skip a whole day
ZONES = st.sampled_from(
    [SHANGHAI, "Asia/Urumqi", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "America/St_Johns",
     "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu"],
)  # fmt: skip
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


def shanghai(text):
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(SHANGHAI))


@given(INSTANTS, ZONES)
@example(datetime(2006, 10, 29, 2, 45, tzinfo=UTC), "America/St_Johns")
def test_a_day_ends_after_every_instant_of_it_and_begins_the_next(instant, zone):
    end = end_of_day(instant, zone)
    assert end > instant
    assert end.tzinfo is UTC
    assert local_day(end, zone) > local_day(instant, zone)
    assert end - instant <= timedelta(hours=50)


@given(INSTANTS, st.integers(0, 40))
def test_the_nth_day_ends_that_many_days_later_where_clocks_never_change(instant, days):
    expected = end_of_day(instant, SHANGHAI) + timedelta(days=days)
    assert end_of_nth_day(instant, days, SHANGHAI) == expected
    assert local_day(expected - timedelta(microseconds=1), SHANGHAI) == local_day(instant, SHANGHAI) + timedelta(days)


def test_24_00_is_local_midnight():
    assert end_of_day(shanghai("2026-11-21T23:59:59"), SHANGHAI) == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert end_of_day(shanghai("2026-11-22T00:00"), SHANGHAI) == datetime(2026, 11, 22, 16, tzinfo=UTC)


def test_days_may_have_23_or_25_hours():
    spring = start_of_day(date(2026, 3, 29), "Europe/Berlin")
    autumn = start_of_day(date(2026, 10, 25), "Europe/Berlin")
    assert end_of_day(spring, "Europe/Berlin") - spring == timedelta(hours=23)
    assert end_of_day(autumn, "Europe/Berlin") - autumn == timedelta(hours=25)


def test_no_days_before_the_first():
    with pytest.raises(ValueError, match="negative"):
        end_of_nth_day(shanghai("2026-11-21"), -1, SHANGHAI)


def test_a_naive_time_is_no_instant():
    with pytest.raises(ValueError, match="zone"):
        local_day(datetime(2026, 11, 21), SHANGHAI)  # noqa: DTZ001


@pytest.mark.parametrize("name", ["Asia/Nowhere", "", "../etc/passwd", "北京"])
def test_an_unknown_zone_is_refused_in_words(name):
    with pytest.raises(SettingsError) as refused:
        zone_of(name)
    assert name in refused.value.message


@given(DAYS, st.integers(-30, 30))
def test_months_keep_the_anchor_s_day_or_the_month_s_last(anchor, n):
    day = months_after(anchor, n)
    assert (day.year * 12 + day.month) - (anchor.year * 12 + anchor.month) == n
    assert day.day == anchor.day or (day.day < anchor.day and (day + timedelta(days=1)).day == 1)


@given(DAYS, st.integers(-800, 800))
def test_an_age_in_months_is_the_largest_one_reached(anchor, offset):
    day = anchor + timedelta(days=offset)
    age = months_between(anchor, day)
    assert months_after(anchor, age) <= day < months_after(anchor, age + 1)


def test_months_are_never_chained():
    assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_after(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert months_after(date(2026, 1, 31), 2) == date(2026, 3, 31)
    assert months_after(date(2026, 11, 30), 3) == date(2027, 2, 28)


@given(INSTANTS, st.times(), st.times())
def test_the_desk_is_open_by_day_exactly_when_the_swapped_desk_is_closed(instant, opens, closes):
    if opens == closes:
        assert desk_open(instant, opens, closes, SHANGHAI)
    else:
        assert desk_open(instant, opens, closes, SHANGHAI) is not desk_open(instant, closes, opens, SHANGHAI)


@pytest.mark.parametrize(("at", "is_open"), [("07:59", False), ("08:00", True), ("17:29", True), ("17:30", False)])
def test_desk_hours_include_their_beginning_and_not_their_end(at, is_open):
    assert desk_open(shanghai(f"2026-11-21T{at}"), time(8), time(17, 30), SHANGHAI) is is_open


@given(INSTANTS, st.times(), ZONES)
def test_the_next_opening_is_never_past_and_never_far(instant, opens, zone):
    opening = next_opening(instant, opens, zone)
    assert instant <= opening <= instant + timedelta(hours=50)


def test_the_night_waits_for_the_morning():
    assert next_opening(shanghai("2026-11-21T23:40"), time(8), SHANGHAI) == shanghai("2026-11-22T08:00")
    assert next_opening(shanghai("2026-11-22T03:00"), time(8), SHANGHAI) == shanghai("2026-11-22T08:00")
    assert next_opening(shanghai("2026-11-22T08:00"), time(8), SHANGHAI) == shanghai("2026-11-22T08:00")
