"""The doctor says what is wrong, where, and what to do about it; what is right it leaves alone."""

import socket
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from admin import doctor
from tenant.models import Beat, DueAction, Mail, MailGate, Schedule
from tenant.rules.terms import BeatKind, DueState, MailClass, MailState
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def examined(database, cast):
    """Plant rows, examine the clockwork, and take the rows away again."""
    planted = []

    def examine(*rows):
        with across_offices(database, Reason.CLAIMING) as session:
            session.add_all(rows)
            session.commit()
            planted.extend(rows)
        return {finding.name: finding for finding in doctor._clockwork(database)}

    yield examine
    with across_offices(database, Reason.CLAIMING) as session:
        for row in planted:
            session.delete(session.get_one(type(row), row.id))
        session.commit()


@pytest.fixture
def now(database):
    with across_offices(database, Reason.WATCHING) as session:
        return session.scalar(select(func.now()))


def beat(at, number, **columns):
    values = {"instance": f"doctor {number}", "kind": BeatKind.WORKER, "host": "one", "pid": number, "queues": "sweeps"}
    return Beat(**values | {"started_at": at, "beat_at": at} | columns)


def action(house, at, number, **columns):
    values = {"rule": "escalation", "subject_kind": "clock", "subject_id": number, "due_at": at, "created_at": at}
    return DueAction(office_id=house.id, **values | columns)


def wrong(findings):
    return {name for name, finding in findings.items() if not finding.ok}


def test_nothing_is_wrong_where_nothing_waits_and_nobody_works(examined):
    assert wrong(examined()) == set()


def test_a_late_clockwork_and_nobody_at_it_are_two_findings_with_their_ways_out(examined, cast, now):
    findings = examined(action(cast.north, now - 3 * MINUTE, 1))
    assert wrong(findings) == {"queue", "beats"}
    assert "/clockwork/" in findings["queue"].advice
    assert "sweeps" in findings["beats"].advice


def test_who_fell_silent_is_named_unless_another_took_the_place(examined, now):
    gone = beat(now - HOUR, 1, host="two")
    replaced = beat(now - HOUR, 2)
    findings = examined(gone, replaced, beat(now, 3), beat(now - HOUR, 4, host="three", stopped_at=now))
    assert wrong(findings) == {"beats"}
    assert "two 上的后台" in findings["beats"].advice
    assert "one 上" not in findings["beats"].advice
    assert "three" not in findings["beats"].advice


def test_a_wrong_clock_is_named_with_its_machine(examined, now):
    findings = examined(beat(now, 1, skew=3_600_000))
    assert wrong(findings) == {"skew"}
    assert "one +3600.0 秒" in findings["skew"].value


def test_what_stopped_and_what_became_of_mails_is_counted(examined, cast, now):
    def mail(number, state):
        return Mail(
            office_id=cast.north.id,
            dedup_key=f"doctor {number}",
            message_id=f"<{number}@doctor.invalid>",
            mail_class=MailClass.REMINDER,
            recipient_name="某",
            recipient_address="a@b.invalid",
            subject="s",
            text_body="t",
            subject_kind="notice",
            subject_id=number,
            not_before=now + HOUR,
            state=state,
        )

    findings = examined(
        action(cast.north, now, 7, state=DueState.DEAD),
        mail(1, MailState.UNKNOWN),
        mail(2, MailState.BOUNCED),
        mail(3, MailState.SENT),
        MailGate(name="group", stopped_at=now, reason="演练", stopped_by="某"),
        Schedule(name="escalations", enabled=False),
    )
    assert wrong(findings) == {"dead", "mail_trouble", "mail_gate", "timetable"}
    assert findings["timetable"].value == "升级"
    assert findings["mail_trouble"].value == "结果不明 1、被退回 1"
    assert "/outbox/" in findings["mail_trouble"].advice


def services(tmp_path, **environment):
    settings = Settings.from_environment({"WUGUAN_HOME": str(tmp_path), **environment})
    return {finding.name: finding for finding in doctor._services(settings)}


def test_servers_that_come_along_are_in_order(tmp_path):
    assert wrong(services(tmp_path)) == set()


@pytest.mark.parametrize(
    ("environment", "name", "words"),
    [
        ({"BROKER_URL": "redis://127.0.0.1:1/0"}, "broker", "BROKER_URL"),
        ({"WUGUAN_MAIL_FROM": "nobody"}, "mail_from", "WUGUAN_MAIL_FROM"),
        ({"WUGUAN_METRICS": "0.0.0.0:9191"}, "metrics", "WUGUAN_METRICS"),
        ({"WUGUAN_BOUNCE_IMAP_URL": "imap://u:p@127.0.0.1:1/INBOX"}, "bounces", "请"),
    ],
)
def test_a_setting_that_leads_nowhere_is_named(tmp_path, environment, name, words):
    findings = services(tmp_path, **environment)
    assert wrong(findings) == {name}
    assert words in findings[name].advice


def test_a_mail_server_that_does_not_answer_and_an_invented_sender_are_named(tmp_path):
    findings = services(tmp_path, WUGUAN_SMTP_URL="smtp://127.0.0.1:1")
    assert wrong(findings) == {"smtp", "mail_from"}
    assert "127.0.0.1:1" in findings["smtp"].advice


def test_a_server_that_says_nothing_holds_up_no_examination_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        findings = services(tmp_path, WUGUAN_SMTP_URL=place, WUGUAN_MAIL_FROM="物管 <a@office.example>")
    assert wrong(findings) == {"smtp"}


def test_figures_on_the_machine_itself_are_in_order(tmp_path):
    for place in ("127.0.0.1:9191", "10.1.2.3:9191", "[::1]:9191", "localhost:9191"):
        assert wrong(services(tmp_path, WUGUAN_METRICS=place)) == set()
