"""The slots of the timetable, in zones whose clocks jump: each day, week and month has its one, in order."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.slots import Daily, Every, Monthly, Weekly, placed
from tenant.calendars import local_day

# zones whose clocks jump at, before or after midnight, by odd amounts, or skip a whole day
ZONES = st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Australia/Lord_Howe",
     "Asia/Beirut", "Pacific/Apia"],
)  # fmt: skip
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
SLOTS = st.one_of(
    st.builds(Every, st.sampled_from([timedelta(seconds=5), timedelta(seconds=15), timedelta(hours=7)])),
    st.builds(Daily, TIMES, ZONES),
    st.builds(Weekly, st.integers(0, 6), TIMES, ZONES),
    st.builds(Monthly, st.integers(1, 31), TIMES, ZONES),
)
NEW_YORK = "America/New_York"
DAY = timedelta(days=1)


def instant(text, zone="Asia/Shanghai"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@given(SLOTS, INSTANTS)
@example(Daily(time(0, 15), "America/St_Johns"), datetime(2006, 10, 29, 2, 45, tzinfo=UTC))
@example(Daily(time(9), "Pacific/Apia"), datetime(2011, 12, 30, 19, tzinfo=UTC))
def test_an_instant_lies_between_its_latest_slot_and_the_next(slots, at):
    latest, following = slots.latest(at), slots.after(at)
    assert latest <= at < following
    assert latest.tzinfo is following.tzinfo is UTC
    assert slots.latest(following) == following
    assert slots.after(latest) == following
    assert slots.latest(following - datetime.resolution) == latest


@given(SLOTS, INSTANTS, st.integers(0, 40))
def test_what_was_missed_is_every_slot_between_in_order_and_of_too_many_the_last(slots, since, count):
    walked, at = [], since
    for _ in range(count):
        at = slots.after(at)
        walked.append(at)
    assert slots.between(since, at) == walked
    assert slots.between(since, at, limit=7) == walked[-7:]
    assert slots.between(at, since) == []


@given(st.integers(1, 31), TIMES, ZONES, INSTANTS)
def test_every_month_has_its_slot_on_its_day_or_its_last(day, at, zone, since):
    slots = Monthly(day, at, zone)
    first = slots.after(since)
    for _ in range(14):
        following = slots.after(first)
        assert timedelta(days=27) <= following - first <= timedelta(days=33)
        first = following


@pytest.mark.parametrize(
    ("slots", "at", "days"),
    [
        (Monthly(31, time(9)), "2027-12-31T09:00", ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        (Monthly(29, time(9)), "2027-01-29T09:00", ["2027-02-28", "2027-03-29", "2027-04-29"]),
        (Monthly(29, time(9)), "2028-01-29T09:00", ["2028-02-29", "2028-03-29"]),
        (Weekly(6, time(9)), "2028-02-20T09:00", ["2028-02-27", "2028-03-05"]),
        (Daily(time(9)), "2028-02-27T09:00", ["2028-02-28", "2028-02-29", "2028-03-01"]),
    ],
)
def test_the_calendar_s_corners(slots, at, days):
    at, met = instant(at), []
    for _ in days:
        at = slots.after(at)
        met.append(at)
    assert met == [instant(f"{day}T09:00") for day in days]


def test_a_slot_in_the_gap_comes_once_after_it():
    slots = Daily(time(2, 30), NEW_YORK)
    gap = instant("2026-03-08T03:30", NEW_YORK)
    assert slots.after(gap - 3 * timedelta(hours=1)) == gap
    assert slots.between(gap - DAY, gap + DAY) == [gap, instant("2026-03-09T02:30", NEW_YORK)]


def test_a_slot_in_the_fold_comes_once_the_first_time():
    slots = Daily(time(1, 30), NEW_YORK)
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert slots.latest(first) == first
    assert slots.after(first) == instant("2026-11-02T01:30", NEW_YORK)


def test_a_day_that_a_country_left_out_has_no_slot_of_its_own():
    slots = Daily(time(9), "Pacific/Apia")
    slots_of_the_year_s_end = slots.between(datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 1, 21, tzinfo=UTC))
    met = [local_day(slot, "Pacific/Apia") for slot in slots_of_the_year_s_end]
    assert met == [date(2011, 12, 28), date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1), date(2012, 1, 2)]


def test_an_office_has_its_own_zone_and_may_have_its_own_time():
    assert placed(Daily(time(9)), "Asia/Urumqi", None) == Daily(time(9), "Asia/Urumqi")
    assert placed(Weekly(0, time(9)), "Asia/Urumqi", time(10, 30)) == Weekly(0, time(10, 30), "Asia/Urumqi")
    assert placed(Every(DAY), "Asia/Urumqi", time(10, 30)) == Every(DAY)


@pytest.mark.parametrize(
    ("make", "day"), [(Weekly, 7), (Weekly, -1), (Monthly, 0), (Monthly, 32)], ids=["8th", "-1", "0th", "32nd"]
)
def test_a_day_that_no_week_or_month_has_is_refused(make, day):
    with pytest.raises(ValueError, match="no day"):
        make(day, time(9))


def test_slots_say_in_chinese_when_they_come():
    said = [slots.words() for slots in (
        Every(timedelta(seconds=15)), Every(timedelta(minutes=1)), Every(timedelta(hours=2)), Daily(time(2, 30)),
        Weekly(6, time(9)), Monthly(31, time(9)), Monthly(28, time(9)),
    )]  # fmt: skip
    assert said == [
        "每 15 秒", "每 1 分钟", "每 2 小时", "每天 02:30", "每周日 09:00", "每月最后一天 09:00", "每月 28 日 09:00"
    ]  # fmt: skip
