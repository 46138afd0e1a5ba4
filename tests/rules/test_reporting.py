"""Which days a report is about, when it is due and when it is missed: every boundary, every month (A-W15, A-C12)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant import policy
from tenant.errors import SettingsError
from tenant.policy.reporting import load_reporting
from tenant.rules.reporting import before, ending, following, latest_closed
from tenant.rules.terms import ReportKind, Role

WEEK, MONTH = policy.report(ReportKind.WEEK), policy.report(ReportKind.MONTH)
DAY = timedelta(days=1)
days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
terms = st.sampled_from(policy.reports())


def test_a_w15_a_week_is_due_on_the_monday_after_it():
    sunday, monday = date(2026, 11, 22), date(2026, 11, 23)
    assert latest_closed(WEEK, sunday).until_on == date(2026, 11, 16), "the week that Sunday ends is not over yet"
    found = latest_closed(WEEK, monday)
    assert (found.from_on, found.until_on, found.due_on, found.awaited_on) == (date(2026, 11, 16), *[monday] * 3)


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 11, 25), date(2026, 10, 26)),
        (date(2026, 11, 26), date(2026, 11, 26)),
        (date(2026, 1, 1), date(2025, 12, 26)),
    ],
)
def test_a_w15_a_month_closes_on_the_25th(day, closed):
    assert latest_closed(MONTH, day).until_on == closed


@pytest.mark.parametrize(
    ("until", "due", "awaited"),
    [
        (date(2026, 11, 26), date(2026, 11, 28), date(2026, 11, 30)),
        (date(2026, 2, 26), date(2026, 2, 28), date(2026, 2, 28)),
        (date(2028, 2, 26), date(2028, 2, 28), date(2028, 2, 29)),
    ],
)
def test_a_w15_the_office_is_due_on_the_28th_and_awaited_by_the_30th_or_the_month_s_end(until, due, awaited):
    found = ending(MONTH, until)
    assert (found.due_on, found.awaited_on) == (due, awaited)


def test_a_c12_complaints_are_accounted_for_to_the_group():
    assert policy.report(ReportKind.COMPLAINTS).reader is Role.GROUP_CENTRE
    assert (WEEK.reader, WEEK.form, MONTH.form) == (Role.COMPANY_CENTRE, "QPI-GL-C-F028", "QPI-GL-C-F029")


@given(terms, days)
def test_periods_follow_each_other_without_gap_and_without_overlap(term, day):
    found = latest_closed(term, day)
    assert found.from_on < found.until_on <= day
    after = following(term, found.until_on)
    assert after.from_on == found.until_on
    assert after.until_on > day, "nothing closed lies between"
    assert latest_closed(term, after.until_on) == after == ending(term, after.until_on)
    assert following(term, before(term, found.from_on)).from_on <= found.from_on
    assert ending(term, found.from_on).from_on == before(term, found.from_on)
    assert found.until_on <= found.due_on <= found.awaited_on


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kind = "week"', 'kind = "month"'),
        ('every = "week"', 'every = "year"'),
        ("due = 1\n", "due = 8\n"),
        ("closes = 25", "closes = 32"),
        ("awaited = 30", "awaited = 27"),
        ('source = "A-C12"', 'source = "somewhere"'),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path, old, new):
    table = (policy._FOLDER / "reporting.toml").read_text("utf-8")
    spoilt = tmp_path / "reporting.toml"
    spoilt.write_text(table.replace(old, new, 1), "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_reporting(spoilt)
    assert "reporting.toml" in refused.value.message


def test_a_table_without_one_of_the_reports_is_refused(tmp_path):
    table = (policy._FOLDER / "reporting.toml").read_text("utf-8")
    cut = tmp_path / "reporting.toml"
    cut.write_text(table[: table.index('[[report]]\nkind = "complaints"')], "utf-8")
    with pytest.raises(SettingsError, match="客户投诉分析报告"):
        load_reporting(cut)
