"""What the group pastes of a year's holidays: read whole, or refused with the line that is wrong."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant import policy
from tenant.rules.holiday_lines import SpecialDay, Unreadable, read_days, write_days
from tenant.rules.terms import DayKind

YEAR = st.integers(0, 364).map(lambda n: date(2026, 1, 1) + timedelta(days=n))
NAMES = st.sampled_from(["春节", "国庆节", "中秋节"])


@st.composite
def days(draw):
    found = []
    for day in sorted(draw(st.sets(YEAR, max_size=40))):
        kind = draw(st.sampled_from(DayKind)) if day.weekday() >= 5 else DayKind.HOLIDAY
        found.append(SpecialDay(day, kind, draw(NAMES)))
    return tuple(found)


@given(days())
def test_what_was_written_is_read_back(found):
    assert read_days(write_days(found), 2026) == found


def test_the_published_year_is_what_was_announced():
    (year,) = [year for year in policy.holidays() if year.year == 2026]
    assert year.is_published
    off = [day.day for day in year.days if day.kind is DayKind.HOLIDAY]
    worked = [day.day for day in year.days if day.kind is DayKind.WORKING]
    assert len(off) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert [f"{day:%m-%d}" for day in worked] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    assert all(day.weekday() >= 5 for day in worked)
    assert [day for day in off if day in worked] == []


def test_a_year_that_was_not_announced_is_not_published():
    (year,) = [year for year in policy.holidays() if year.year == 2027]
    assert not year.is_published


def test_the_forms_people_write_are_read():
    text = "2026年10月1日至2026年10月3日 休 国庆节\n\n2026/10/10，上班，国庆节\n2026.1.1 ~ 2026.1.2 放假 元旦"
    assert write_days(read_days(text, 2026)) == (
        "2026-01-01 至 2026-01-02 放假 元旦\n2026-10-01 至 2026-10-03 放假 国庆节\n2026-10-10 调休上班 国庆节"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("十一放假", "第 1 行「十一放假」"),
        ("2026-10-01 放假 国庆节\n2026-10-01 放假 中秋节", "第 2 行：2026-10-01 前面已经写过（国庆节）"),
        ("2026-02-30 放假 春节", "2026-02-30"),
        ("2027-01-01 放假 元旦", "不都在 2026 年"),
        ("2026-10-07 至 2026-10-01 放假 国庆节", "止日应不早于起日"),
        ("2026-10-01 加班 国庆节", "「加班」"),
        ("2026-10-12 调休上班 国庆节", "本来就上班"),
        ("2026-01-01 至 2026-12-31 放假 全年", "不超过一个月"),
        ("9999-12-31 放假 除夕", "不都在 2026 年"),
    ],
)
def test_a_line_that_is_wrong_is_named(text, words):
    with pytest.raises(Unreadable, match=re.escape(words)):
        read_days(text, 2026)
