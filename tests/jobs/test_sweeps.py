"""The three sweeps on a real database: everything due is done once, by whoever comes first."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

import make
from audit.models import AuditEntry
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request
from tasks import actors, schedule, sweeps
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Complaint, DueAction, DunningNotice, Escalation, Mail, Ticket
from tenant.rules.terms import DueState, DunningLevel, Gravity, MailState, Role
from tenant.scoping import PERMIT, Scope
from tenant.services import escalations, requests
from tenant.unscoped import Reason, across_offices

NOON = make.NOON


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


def file_request(database, house, at=NOON):
    with at_desk(database, house, at) as session:
        filed = request(session, house)
        session.commit()
        return filed


def let_the_waits_pass(database):
    """Let what failed be tried again now, as it would be after its minutes."""
    with across_offices(database, Reason.CLAIMING) as session:
        waiting = update(DueAction).where(DueAction.state == DueState.PENDING, DueAction.attempts > 0)
        session.execute(waiting.values(lease_until=func.now()), execution_options=PERMIT)
        session.commit()


def raised_on(look, ticket_id):
    return look(select(Escalation).where(Escalation.ticket_id == ticket_id).order_by(Escalation.id))


def test_after_days_of_downtime_every_level_is_raised_in_one_run_and_none_twice(database, cast, settings, look):
    filed = file_request(database, cast.north)
    first = sweeps.run_escalations(database, NOON + 3 * DAY, settings=settings)
    assert first.due == first.done > 6
    assert first.cancelled == first.dead == 0
    levels = [(row.clock_id, row.level) for row in raised_on(look, filed.ticket_id)]
    assert len(levels) == len(set(levels)) == first.done
    assert max(level for _, level in levels) >= 5
    assert sweeps.run_escalations(database, NOON + 3 * DAY, settings=settings).as_json() == {
        "at": "2026-03-05T04:00:00+00:00", "due": 0, "done": 0, "cancelled": 0, "dead": 0, "mails": 0
    }  # fmt: skip


def test_those_up_the_line_get_a_mail_and_the_escalation_says_how_many(database, cast, settings, look):
    filed = file_request(database, cast.south, NOON + 10 * DAY)
    report = sweeps.run_escalations(database, NOON + 10 * DAY + 15 * MINUTE, cast.south.id, settings=settings)
    raised = raised_on(look, filed.ticket_id)
    mails = look(select(Mail).where(Mail.subject_id.in_([row.id for row in raised]), Mail.subject_kind == "escalation"))
    assert report.mails == len(mails) == sum(row.told for row in raised) > 0
    assert {mail.office_id for mail in mails} == {cast.south.id}
    (number,) = look(select(Ticket.number).where(Ticket.id == filed.ticket_id))
    assert number in mails[0].subject
    assert "厨房水管漏水" in mails[0].text_body


def test_a_met_clock_is_settled_as_cancelled_or_not_at_all(database, cast, settings, look):
    at = NOON + 20 * DAY
    filed = file_request(database, cast.north, at)
    with at_desk(database, cast.north, at) as session:
        call(session, filed.ticket_id)
        session.commit()
    sweeps.run_escalations(database, at + 14 * MINUTE, settings=settings)
    assert raised_on(look, filed.ticket_id) == []


def test_a_sweep_of_one_office_leaves_the_other_alone(database, cast, settings, look):
    at = NOON + 30 * DAY
    north, south = (file_request(database, house, at) for house in (cast.north, cast.south))
    sweeps.run_escalations(database, at + HOUR, cast.north.id, settings=settings)
    assert raised_on(look, north.ticket_id)
    assert raised_on(look, south.ticket_id) == []


def test_a_complaint_of_a_month_is_regraded_by_the_sweep_itself(database, cast, settings, look):
    at = NOON + 40 * DAY
    with at_desk(database, cast.north, at) as session:
        filed = complaint(session, cast.north)
        session.commit()
    report = sweeps.run_escalations(database, at + 40 * DAY, cast.north.id, settings=settings)
    sweeps.run_routing(database, at + 40 * DAY, cast.north.id, settings=settings)
    assert report.dead == 0
    (found,) = look(select(Complaint).where(Complaint.id == filed.id))
    assert found.gravity is Gravity.GRAVE
    left = look(select(DueAction.state).where(DueAction.due_at <= at + 40 * DAY, DueAction.office_id == cast.north.id))
    assert set(left) <= {DueState.DONE, DueState.CANCELLED}


def test_a_failing_row_holds_up_no_other_and_stops_at_five(database, cast, settings, look, monkeypatch):
    at = NOON + 100 * DAY
    poisoned, sound = (file_request(database, cast.north, at) for _ in range(2))
    real = escalations.escalate

    def escalate(session, action, instant, telling):
        raised = real(session, action, instant, telling)
        if raised is not None and raised.ticket_id == poisoned.ticket_id:
            raise RuntimeError("管道破裂")
        return raised

    monkeypatch.setattr(escalations, "escalate", escalate)
    runs = []
    for _ in range(6):
        runs.append(sweeps.run_escalations(database, at + 16 * MINUTE, cast.north.id, settings=settings))
        assert sweeps.run_escalations(database, at + 16 * MINUTE, cast.north.id, settings=settings).due == 0
        let_the_waits_pass(database)
    assert raised_on(look, sound.ticket_id)
    assert raised_on(look, poisoned.ticket_id) == []
    stopped = look(select(DueAction).where(DueAction.state == DueState.DEAD, DueAction.office_id == cast.north.id))
    assert [run.dead for run in runs] == [0, 0, 0, 0, len(stopped), 0]
    assert {row.attempts for row in stopped} == {5}
    assert {row.last_error for row in stopped} == {"RuntimeError: 管道破裂"}


def test_an_owner_in_arrears_is_reminded_once_and_once_only(database, cast, settings, look):
    with at_desk(database, cast.north) as session:
        owner = make.owner(session, cast.north.id, name="赵一", email="zhao@owner.invalid")
        unit = make.unit(session, cast.north.id)
        make.charge(session, unit, owner, date(2026, 3, 31))
        session.commit()
    on_time = make.NOON.replace(month=4, day=1)
    first = sweeps.run_dunning(database, on_time, settings=settings)
    assert (first.due, first.done, first.mails) == (1, 1, 1)
    assert sweeps.run_dunning(database, on_time, settings=settings).due == 0
    (mail,) = look(select(Mail).where(Mail.recipient_address == "zhao@owner.invalid"))
    assert mail.subject.startswith("【北苑管理处】待缴费用 100.00 元")
    assert look(select(DunningNotice.level).where(DunningNotice.owner_id == owner.id)) == [DunningLevel.REMINDER]


def test_what_a_run_that_was_cut_short_has_planned_is_taken_within_the_minute(database, cast, settings, look):
    with at_desk(database, cast.south) as session:
        owner = make.owner(session, cast.south.id, name="钱二", email="qian@owner.invalid")
        make.charge(session, make.unit(session, cast.south.id), owner, date(2026, 3, 31))
        session.commit()
    on_time = make.NOON.replace(month=4, day=1)
    cut_short = sweeps.Pace(waits=False, seconds=0)
    assert sweeps.run_dunning(database, on_time, cast.south.id, settings=settings, pace=cut_short).done == 0
    assert any(entry.wakes == "take_dunning_steps" and entry.slots.period <= MINUTE for entry in schedule.TIMETABLE)
    with clock.at(on_time):
        actors.take_dunning_steps(actors.Works(database, settings))
    assert len(look(select(Mail).where(Mail.recipient_address == "qian@owner.invalid"))) == 1


def test_a_lawyers_letter_is_put_before_director_and_finance_and_nobody_else(database, cast, settings, look):
    with at_desk(database, cast.south) as session:
        owner = make.owner(session, cast.south.id, name="钱二", email="qian@owner.invalid")
        make.charge(session, make.unit(session, cast.south.id), owner, date(2025, 3, 31))
        make.charge(session, make.unit(session, cast.south.id), make.owner(session, cast.south.id), date(2027, 3, 31))
        session.commit()
    sweeps.run_dunning(database, make.NOON.replace(month=10, day=1, year=2025), cast.south.id, settings=settings)
    letters = look(
        select(Mail)
        .join(DunningNotice, DunningNotice.id == Mail.subject_id)
        .where(Mail.subject_kind == "dunning_notice", DunningNotice.level == DunningLevel.LETTER)
    )
    assert {mail.recipient_name for mail in letters} == {"南苑管理处主任", "南苑财务助理"}


def test_mails_are_collected_once_and_the_record_says_so(database, cast, settings, look):
    file_request(database, cast.north, NOON + 200 * DAY)
    at = NOON + 201 * DAY
    sweeps.run_escalations(database, at, settings=settings)
    waiting = look(select(Mail).where(Mail.state == MailState.QUEUED))
    report = sweeps.run_mail(database, at, settings=settings)
    assert (report.due, report.done, report.mails, report.dead) == (len(waiting), len(waiting), len(waiting), 0)
    files = list((settings.home / "mailbox").glob("*.eml"))
    assert {file.stem for file in files} == {mail.message_id.strip("<>").partition("@")[0] for mail in waiting}
    assert sweeps.run_mail(database, at, settings=settings).due == 0
    entries = look(select(AuditEntry).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == waiting[0].id))
    assert [entry.verb for entry in entries] == ["mail.create", "mail.update"]
    assert entries[-1].after["state"] == "sent"


def test_a_mail_is_due_at_once_by_the_stated_time_and_by_the_real_one(database, cast, settings, look):
    file_request(database, cast.north, NOON)
    sweeps.run_escalations(database, NOON + 2 * HOUR, settings=settings)
    assert sweeps.run_mail(database, NOON + 2 * HOUR, settings=settings).mails > 0
    file_request(database, cast.north, NOON + 3650 * DAY)
    sweeps.run_escalations(database, NOON + 3651 * DAY, settings=settings)
    (until,) = look(select(Mail.not_before).where(Mail.state == MailState.QUEUED).limit(1))
    assert until < NOON + 3650 * DAY - timedelta(days=1)


def test_a_sweep_for_an_instant_gone_by_tells_those_at_their_posts_now(database, cast, settings, look):
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=cast.east)
        person = make.staff(session, name="新主任")
        for role in (Role.FRONT_DESK, Role.DEPARTMENT_HEAD):
            make.posting(session, person, role, office, from_on=clock.today())
        session.commit()
    with database.session(Scope.of([office.id]), CLOCKWORK) as session, clock.at(NOON):
        requests.register_request(session, office_id=office.id, unit_id=None, content="路灯不亮", location="东门")
        session.commit()
    report = sweeps.run_escalations(database, NOON + 16 * MINUTE, office.id, settings=settings)
    assert report.mails == report.done > 0
    assert set(look(select(Mail.recipient_name).where(Mail.office_id == office.id))) == {"新主任"}


def test_one_recipient_who_cannot_be_written_to_holds_up_no_other(database, cast, settings, look):
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=cast.east)
        for name, address in (("坏地址", "无人@@没有 这样的地址"), ("好地址", "hao@office.invalid")):
            person = make.staff(session, name=name, email=address)
            for role in (Role.FRONT_DESK, Role.DEPARTMENT_HEAD):
                make.posting(session, person, role, office)
        session.commit()
    with database.session(Scope.of([office.id]), CLOCKWORK) as session, clock.at(NOON):
        requests.register_request(session, office_id=office.id, unit_id=None, content="路灯不亮", location="东门")
        session.commit()
    report = sweeps.run_escalations(database, NOON + 16 * MINUTE, office.id, settings=settings)
    assert (report.done, report.dead) == (report.due, 0)
    sweeps.run_mail(database, clock.now() + MINUTE, office.id, settings=settings)
    mails = look(select(Mail).where(Mail.office_id == office.id))
    assert {(mail.recipient_name, mail.state) for mail in mails} == {
        ("坏地址", MailState.FAILED), ("好地址", MailState.SENT)
    }  # fmt: skip
