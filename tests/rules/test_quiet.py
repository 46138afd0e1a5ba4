"""Quiet hours: outside them an instant is itself, inside them it becomes their end, on any wall clock."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.errors import SettingsError
from tenant.rules.quiet import after_quiet, is_quiet

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
NINE, EIGHT = time(21), time(8)
ZONES = st.sampled_from([SHANGHAI, BERLIN, "America/St_Johns", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"])
INSTANTS = st.datetimes(datetime(2010, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - with zone
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def shanghai(text):
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-02T20:59:59", "2026-03-02T20:59:59"),
        ("2026-03-02T21:00:00", "2026-03-03T08:00:00"),
        ("2026-03-02T23:59:59", "2026-03-03T08:00:00"),
        ("2026-03-03T00:00:00", "2026-03-03T08:00:00"),
        ("2026-03-03T07:59:59", "2026-03-03T08:00:00"),
        ("2026-03-03T08:00:00", "2026-03-03T08:00:00"),
        ("2026-12-31T22:00:00", "2027-01-01T08:00:00"),
        ("2028-02-28T22:00:00", "2028-02-29T08:00:00"),
    ],
)
def test_a_night_runs_past_midnight_and_ends_in_the_morning(at, until):
    assert after_quiet(shanghai(at), NINE, EIGHT, SHANGHAI) == shanghai(until)


def test_a_rest_at_noon_ends_the_same_day():
    assert after_quiet(shanghai("2026-03-02T12:30"), time(12), time(14), SHANGHAI) == shanghai("2026-03-02T14:00")
    assert after_quiet(shanghai("2026-03-02T14:00"), time(12), time(14), SHANGHAI) == shanghai("2026-03-02T14:00")
    assert after_quiet(shanghai("2026-03-02T11:59"), time(12), time(14), SHANGHAI) == shanghai("2026-03-02T11:59")


@given(INSTANTS, TIMES, ZONES)
def test_the_same_time_twice_means_no_quiet_hours(at, both, zone):
    assert after_quiet(at, both, both, zone) == at


def test_a_night_is_an_hour_shorter_or_longer_when_the_clocks_change():
    ten_before_spring = datetime(2026, 3, 28, 21, 0, tzinfo=UTC)  # 22:00 in Berlin
    assert after_quiet(ten_before_spring, NINE, EIGHT, BERLIN) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    ten_before_autumn = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    assert after_quiet(ten_before_autumn, NINE, EIGHT, BERLIN) == datetime(2026, 10, 25, 7, 0, tzinfo=UTC)


def test_hours_that_end_in_the_hour_that_strikes_twice_end_at_each_striking():
    first, second = datetime(2026, 10, 25, 0, 10, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # both 02:10
    until = time(2, 30)
    assert after_quiet(first, NINE, until, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert after_quiet(second, NINE, until, BERLIN) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_hours_that_end_in_the_hour_that_is_left_out_still_end():
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Berlin; 02:00 becomes 03:00
    assert after_quiet(at, NINE, time(2, 30), BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(INSTANTS, TIMES, TIMES, ZONES)
def test_what_comes_out_is_never_earlier_never_quiet_and_stays_where_it_is(at, quiet_from, quiet_until, zone):
    after = after_quiet(at, quiet_from, quiet_until, zone)
    assert at <= after <= at + timedelta(hours=50)
    assert not is_quiet(after, quiet_from, quiet_until, zone)
    assert after_quiet(after, quiet_from, quiet_until, zone) == after
    assert (after == at) == (not is_quiet(at, quiet_from, quiet_until, zone))


@given(INSTANTS, TIMES, TIMES, st.integers(0, 24 * 60))
def test_every_minute_before_what_comes_out_is_quiet(at, quiet_from, quiet_until, minutes):
    after = after_quiet(at, quiet_from, quiet_until, SHANGHAI)
    between = at + timedelta(minutes=minutes)
    assert between >= after or is_quiet(between, quiet_from, quiet_until, SHANGHAI)


def test_an_instant_needs_a_zone_and_a_zone_a_name_that_is_known():
    with pytest.raises(ValueError, match="zone"):
        after_quiet(datetime(2026, 3, 2, 22), NINE, EIGHT, SHANGHAI)  # noqa: DTZ001 - that is the mistake
    with pytest.raises(SettingsError):
        after_quiet(shanghai("2026-03-02T22:00"), NINE, EIGHT, "Asia/Nowhere")
