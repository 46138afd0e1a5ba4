"""Shifts, stand-ins and the hours nobody has, on both sides of each boundary (B-S1, A-O3)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.calendars import local_day
from tenant.rules.duties import NIGHT_DUTY, NOON_DUTY, Hours, overlap, present, stands_in, told, uncovered

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
SECOND = timedelta(seconds=1)
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - with zone
ZONES = st.sampled_from([SHANGHAI, BERLIN, "America/St_Johns", "Australia/Lord_Howe", "UTC"])
POSTINGS = st.integers(1, 6)


def shanghai(text):
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-02T11:59:59", None),
        ("2026-03-02T12:00:00", MONDAY),
        ("2026-03-02T13:59:59", MONDAY),
        ("2026-03-02T14:00:00", None),
    ],
)
def test_b_s1_noon_duty_is_from_twelve_to_fourteen(at, day):
    assert NOON_DUTY.day_of(shanghai(at), SHANGHAI) == day


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-02T17:29:59", None),
        ("2026-03-02T17:30:00", MONDAY),
        ("2026-03-02T23:59:59", MONDAY),
        ("2026-03-03T00:00:00", MONDAY),
        ("2026-03-03T07:59:59", MONDAY),
        ("2026-03-03T08:00:00", None),
        ("2026-03-03T17:30:00", TUESDAY),
        ("2026-12-31T23:59:59", date(2026, 12, 31)),
        ("2027-01-01T00:00:00", date(2026, 12, 31)),
    ],
)
def test_b_s1_night_duty_after_midnight_is_that_of_the_day_before(at, day):
    assert NIGHT_DUTY.day_of(shanghai(at), SHANGHAI) == day


def test_a_night_of_changed_clocks_is_an_hour_shorter_or_longer_and_still_one_night():
    for begins_on, hours in ((date(2026, 3, 28), 13.5), (date(2026, 10, 24), 15.5), (date(2026, 6, 1), 14.5)):
        begin, end = NIGHT_DUTY.on(begins_on, BERLIN)
        assert (end - begin) == timedelta(hours=hours)
        assert NIGHT_DUTY.day_of(begin, BERLIN) == NIGHT_DUTY.day_of(end - SECOND, BERLIN) == begins_on
        assert NIGHT_DUTY.day_of(begin - SECOND, BERLIN) is NIGHT_DUTY.day_of(end, BERLIN) is None


def test_a_shift_that_begins_in_the_hour_that_strikes_twice_begins_at_the_first_striking():
    early = Hours(time(2, 30), time(6))
    begin, _end = early.on(date(2026, 10, 25), BERLIN)
    assert begin == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert early.day_of(begin - SECOND, BERLIN) is None
    assert early.day_of(datetime(2026, 10, 25, 1, 10, tzinfo=UTC), BERLIN) == date(2026, 10, 25)  # 02:10 once more


@given(INSTANTS, MINUTES, MINUTES, ZONES)
def test_an_instant_lies_in_the_shift_of_a_day_exactly_between_its_two_ends(at, begins, ends, zone):
    hours = Hours(begins, ends)
    day = hours.day_of(at, zone)
    near = [local_day(at, zone) + timedelta(days=n) for n in range(-3, 3)]
    lying = [found for found in near if hours.on(found, zone)[0] <= at < hours.on(found, zone)[1]]
    assert (day is None) == (not lying)
    assert day is None or day in lying


def test_what_is_an_absentees_is_the_substitutes_and_in_turn_theirs():
    assert stands_in(1, {}) == 1
    assert stands_in(1, {1: 2}) == 2
    assert stands_in(1, {1: 2, 2: 3}) == 3
    assert stands_in(1, {1: None}) is None
    assert stands_in(1, {1: 2, 2: None}) is None


@given(POSTINGS, st.dictionaries(POSTINGS, st.none() | POSTINGS))
def test_who_stands_in_is_there_and_a_circle_is_nobody(posting_id, away):
    found = stands_in(posting_id, away)
    assert found is None or found not in away
    if posting_id not in away:
        assert found == posting_id


def test_two_whose_substitute_is_the_same_are_one():
    assert present([1, 2, 4], {1: 3, 2: 3}) == (3, 4)


@pytest.mark.parametrize(
    ("holders", "on_duty", "can_wait", "who"),
    [
        ([1, 2], {2, 9}, False, (2,)),
        ([1, 2], {2, 9}, True, (2,)),
        ([1, 2], {9, 8}, False, (1, 2, 8, 9)),
        ([1, 2], {9}, True, (1, 2)),
        ([1, 2], set(), False, (1, 2)),
        ([], {9}, False, ()),
    ],
)
def test_b_s1_the_role_on_duty_is_told_else_the_role_and_who_is_on_duty(holders, on_duty, can_wait, who):
    assert told(holders, on_duty, can_wait=can_wait) == who


@given(st.lists(POSTINGS, unique=True), st.sets(POSTINGS), st.booleans())
def test_whoever_holds_a_role_at_all_somebody_is_told(holders, on_duty, can_wait):
    who = told(holders, on_duty, can_wait=can_wait)
    assert bool(who) == bool(holders)
    assert len(set(who)) == len(who)
    assert set(who) <= set(holders) | on_duty


def test_b_s1_the_handbooks_two_shifts_leave_no_hour_of_a_desk_open_from_eight_unmanned():
    assert uncovered([NOON_DUTY, NIGHT_DUTY], time(8), time(17, 30)) == ()
    assert uncovered([NIGHT_DUTY], time(8), time(17)) == (Hours(time(17), time(17, 30)),)
    assert uncovered([NOON_DUTY], time(8), time(17, 30)) == (Hours(time(17, 30), time(8)),)
    assert uncovered([], time(8), time(8)) == (Hours(time(0), time(0)),)


@given(st.lists(st.tuples(MINUTES, MINUTES), max_size=4), MINUTES, MINUTES)
def test_every_minute_is_covered_or_named_as_uncovered_and_never_both(shifts, opens, closes):
    hours = [Hours(*pair) for pair in shifts if pair[0] != pair[1]]
    gaps = uncovered(hours, opens, closes)
    covering = [*hours, *([Hours(opens, closes)] if opens != closes else [])]
    for minute in range(0, 24 * 60, 7):
        at = shanghai("2026-03-04T00:00") + timedelta(minutes=minute)
        is_covered = any(span.day_of(at, SHANGHAI) for span in covering)
        assert is_covered != any(gap.day_of(at, SHANGHAI) for gap in gaps)


def test_spans_of_days_meet_on_their_last_day():
    assert overlap((MONDAY, TUESDAY), (TUESDAY, TUESDAY))
    assert not overlap((MONDAY, MONDAY), (TUESDAY, TUESDAY))
