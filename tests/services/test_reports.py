"""Reports of an office: drawn once whatever was missed, written, handed in, sent back, and told of (A-W15, A-C12)."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from desk import DAY, HOUR, at_desk, complaint, request
from tasks import sweeps
from tenant import clock
from tenant.errors import Refusal
from tenant.models import DueAction, Mail, Posting, Report, Staff
from tenant.rules.terms import Grouping, PauseReason, ReportKind, Role
from tenant.services import consolidation, pauses, reports, requests
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)
"""The week before it is drawn on it; matters of the tests came in it."""


def at(day, hour=0, minute=30):
    return datetime.combine(day, time(hour, minute), tzinfo=ZONE)


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


@pytest.fixture
def settings(tmp_path):
    """Settings that send nothing."""
    return Settings(home=tmp_path)


@pytest.fixture(scope="module", autouse=True)
def matters(database, cast):
    """Last week: in the north three repairs, one done, one that waited, and a complaint; in the south one question."""
    with at_desk(database, cast.north, at(MONDAY - 4 * DAY, 10)) as session:
        request(session, cast.north)
        done, waits = request(session, cast.north), request(session, cast.north)
        order = requests.dispatch(session, done.id, cast.north.engineering.id)
        requests.complete(session, order.id, outcome="修好了")
        pauses.pause(session, waits.ticket_id, PauseReason.OWNER, clock.now() + 2 * HOUR)
        complaint(session, cast.north)
        session.commit()
    with at_desk(database, cast.north, at(MONDAY - 9 * DAY, 10)) as session:
        request(session, cast.north)
        session.commit()
    with at_desk(database, cast.south, at(MONDAY - 4 * DAY, 10)) as session:
        request(session, cast.south)
        session.commit()


@pytest.fixture
def session(database, cast):
    """A session of the north's supervisor on Monday, rolled back at its end."""
    with at_desk(database, cast.north, at(MONDAY), Role.SUPERVISOR) as opened:
        yield opened


def drawn(session, cast, kind, day=MONDAY):
    """Draw what is due on a day and return the latest report of a kind."""
    reports.draw(session, cast.north.id, at(day))
    found = select(Report).where(Report.kind == kind).order_by(Report.from_on.desc())
    return session.scalars(found).first()


def planned(session, report):
    rows = session.scalars(
        select(DueAction)
        .where(DueAction.rule == reports.RULE, DueAction.subject_id == report.id, DueAction.state == "pending")
        .order_by(DueAction.due_at)
    )
    return [(row.level, row.due_at) for row in rows]


def refused(act, *arguments, **named):
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def test_a_w15_on_monday_the_week_before_is_drawn_with_exact_shares_and_the_week_before_it(session, cast):
    report = drawn(session, cast, ReportKind.WEEK)
    assert (report.from_on, report.until_on, report.due_on) == (MONDAY - 7 * DAY, MONDAY, MONDAY)
    total = report.figures["total"]
    assert (total["now"]["accepted"], total["now"]["handled"]) == ([1, 3], [1, 3])
    assert total["before"]["accepted"] == [0, 1]
    (categories,) = [table for table in report.figures["tables"] if table["by"] == Grouping.CATEGORY.value]
    (row,) = categories["rows"]
    assert (row["name"], row["now"]["accepted"], row["before"]["accepted"]) == ("报修", [1, 3], [0, 1])
    (waited,) = report.figures["waits"]
    assert (waited["reason"], waited["count"], waited["past_limit"]) == ("owner", 1, 1)
    assert report.figures["open"] == 3
    assert consolidation.received(total["now"]) == 3


def test_a_c12_the_complaints_have_a_report_of_their_own(session, cast):
    report = drawn(session, cast, ReportKind.COMPLAINTS, date(2026, 3, 26))
    assert report.figures["total"]["now"]["accepted"] == [0, 1]
    assert report.due_on == date(2026, 3, 28)


def test_drawn_again_there_is_nothing_left_to_draw(session, cast):
    first = reports.draw(session, cast.north.id, at(MONDAY))
    assert {row.kind for row in first} == set(ReportKind) - {ReportKind.COMPLAINTS}, "no complaint had come by then"
    assert reports.draw(session, cast.north.id, at(MONDAY, 23)) == []


def test_missed_nights_lose_nothing_and_numbers_have_no_gap(session, cast):
    drawn(session, cast, ReportKind.WEEK)
    later = reports.draw(session, cast.north.id, at(MONDAY + 31 * DAY))
    weeks = [row for row in later if row.kind is ReportKind.WEEK]
    assert [row.from_on for row in weeks] == [MONDAY + n * 7 * DAY for n in range(4)]
    numbers = sorted(row.number for row in session.scalars(select(Report)))
    assert numbers == [f"BB2026-{n:04d}" for n in range(1, len(numbers) + 1)]


def test_an_office_to_which_nothing_came_has_nothing_to_report(database, cast):
    with at_desk(database, cast.south, at(MONDAY)) as session:
        made = reports.draw(session, cast.south.id, at(MONDAY))
        assert {row.kind for row in made} == {ReportKind.WEEK, ReportKind.MONTH} - {ReportKind.MONTH}


def test_the_office_hears_when_it_is_due_and_the_centre_in_the_morning_after_it_was_awaited(session, cast):
    week = drawn(session, cast, ReportKind.WEEK)
    assert planned(session, week) == [(reports.DUE, at(MONDAY, 9, 0)), (reports.LATE, at(MONDAY + DAY, 9, 0))]
    month = drawn(session, cast, ReportKind.MONTH, date(2026, 3, 26))
    assert planned(session, month) == [
        (reports.DUE, at(date(2026, 3, 28), 9, 0)),
        (reports.LATE, at(date(2026, 3, 31), 9, 0)),
    ]


def test_a_month_is_handed_in_with_its_causes_and_corrective_actions(session, cast):
    report = drawn(session, cast, ReportKind.MONTH, date(2026, 3, 26))
    assert refused(reports.submit, session, report.id).field == "findings"
    reports.write(session, report.id, findings="夜间水管爆裂集中", measures=" ")
    assert refused(reports.submit, session, report.id).field == "measures"
    reports.write(session, report.id, findings="夜间水管爆裂集中", measures="更换立管，月底前完成")
    reports.submit(session, report.id)
    assert report.submitted_by_id == cast.north.people[Role.SUPERVISOR].id
    assert [level for level, _ in planned(session, report)] == [reports.SUBMITTED]


def test_what_is_handed_in_is_not_changed_and_who_reads_it_may_want_it_again(session, cast):
    report = drawn(session, cast, ReportKind.WEEK)
    assert refused(reports.send_back, session, report.id, "数据不符").code == "not_submitted"
    reports.submit(session, report.id)
    for act in (reports.submit, reports.redraw):
        assert refused(act, session, report.id).code == "submitted"
    assert refused(reports.write, session, report.id, findings="x", measures="y").code == "submitted"
    assert refused(reports.send_back, session, report.id, "").field == "why"
    reports.send_back(session, report.id, "漏报电梯困人")
    assert (report.submitted_at, report.sent_back_why) == (None, "漏报电梯困人")
    assert {level for level, _ in planned(session, report)} == {reports.SENT_BACK, reports.LATE}
    reports.write(session, report.id, findings="补报", measures=None)
    reports.submit(session, report.id)
    assert [level for level, _ in planned(session, report)] == [reports.SUBMITTED]


def test_a_draft_counted_anew_knows_what_was_done_since(session, cast):
    report = drawn(session, cast, ReportKind.WEEK)
    open_order = requests.dispatch(
        session, session.scalars(select(requests.ServiceRequest.id)).first(), cast.north.engineering.id
    )
    requests.complete(session, open_order.id, outcome="补修")
    with clock.at(at(MONDAY, 11)):
        reports.redraw(session, report.id)
    assert report.figures["total"]["now"]["handled"] == [2, 3]
    assert report.drawn_at == at(MONDAY, 11)


def test_the_sweep_draws_for_every_office_and_tells_each_once(database, cast, look, settings):
    company_centre = select(Staff.email).join(Posting, Posting.staff_id == Staff.id)
    (centre,) = look(company_centre.where(Posting.role == Role.COMPANY_CENTRE, Posting.company_id == cast.east.id))
    for _ in range(2):
        sweeps.run_reports(database, at(MONDAY), settings=settings)
    weeks = look(select(Report).where(Report.kind == ReportKind.WEEK).order_by(Report.office_id))
    assert [row.office_id for row in weeks] == sorted([cast.north.id, cast.south.id])
    mine = next(row for row in weeks if row.office_id == cast.north.id)
    mails = select(Mail).where(Mail.subject_kind == "report", Mail.subject_id == mine.id).order_by(Mail.id)
    assert look(mails) == []
    for _ in range(2):
        sweeps.run_reports(database, at(MONDAY, 9, 0), settings=settings)
    (due,) = look(mails)
    assert due.recipient_address == cast.north.people[Role.SUPERVISOR].staff.email
    assert "今天应报" in due.subject
    with at_desk(database, cast.north, at(MONDAY, 10), Role.SUPERVISOR) as session:
        reports.submit(session, mine.id)
        session.commit()
    sweeps.run_reports(database, at(MONDAY + DAY, 9, 0), settings=settings)
    assert [mail.recipient_address for mail in look(mails)][1:] == [centre]
    assert "已上报" in look(mails)[1].subject
    theirs = next(row for row in weeks if row.office_id == cast.south.id)
    missing = look(select(Mail.subject).where(Mail.subject_kind == "report", Mail.subject_id == theirs.id))
    assert sum("逾期未报" in subject for subject in missing) == 2, "the director and the centre"


def test_an_office_that_fails_holds_up_no_other(database, cast, look, settings, monkeypatch):
    def fail(session, office_id, instant, real=reports.draw):
        if office_id == cast.north.id:
            raise RuntimeError("north")
        return real(session, office_id, instant)

    monkeypatch.setattr(reports, "draw", fail)
    later = MONDAY + 7 * DAY
    sweeps.run_reports(database, at(later), settings=settings)
    drawn_for = set(look(select(Report.office_id).where(Report.until_on == later)))
    assert drawn_for == {cast.south.id}
    monkeypatch.undo()
    sweeps.run_reports(database, at(later + 2 * DAY), settings=settings)
    assert cast.north.id in look(select(Report.office_id).where(Report.until_on == later))
