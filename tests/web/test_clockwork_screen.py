"""The clockwork's page: whose rows stand there, who sets which time, who switches, retries, gives up and cancels."""

from datetime import timedelta
from itertools import count

import pytest
from lxml import html
from sqlalchemy import select

import desk
import make
from tenant import clock
from tenant.journal import CLOCKWORK, RecordedAct, note
from tenant.models import Beat, DueAction, Job, Schedule
from tenant.rules.terms import BeatKind, DueState, JobState, Role
from tenant.scoping import Scope
from tenant.services import clocks, clockwork
from tenant.unscoped import Reason, across_offices

EVERYWHERE = Scope.everywhere()
_numbers = count(1)


def words_of(answer) -> str:
    """Return what a page says to who reads it, without its markup."""
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200, page[:500]
    return " ".join(html.fromstring(page).xpath("//main")[0].text_content().split())


def told(answer) -> list[str]:
    """Return what a page of refusal says, without the number of its request."""
    page = html.fromstring(answer.get_data(as_text=True))
    return list(page.xpath("//*[contains(@class, 'fault')]//text()[not(parent::*[@class='code'])]"))


def card(browser, name: str) -> str:
    """Return what one card of the page says, empty where it is left out."""
    page = html.fromstring(browser.get("/clockwork").get_data(as_text=True))
    return " ".join(" ".join(page.xpath(f"//section[@id='{name}']//text()")).split())


@pytest.fixture(scope="module")
def people(sign_in, cast):
    """Everybody these tests need, each at a browser."""
    north, group = cast.north.people, cast.group
    return {
        "director": sign_in(north[Role.DIRECTOR].staff),
        "clerk": sign_in(north[Role.OFFICE_ADMIN].staff),
        "desk": sign_in(north[Role.FRONT_DESK].staff),
        "stranger": sign_in(cast.south.people[Role.DIRECTOR].staff),
        "centre": sign_in(group[Role.GROUP_CENTRE].staff),
        "keeper": sign_in(group[Role.SYSTEM_ADMIN].staff),
    }


@pytest.fixture
def stop(database, cast):
    """Make a due action of an office that has stopped after five attempts; about an owner, or a running clock."""

    def stopped(house=None, *, subject_kind="owner", subject_id=None, error="数据库连接中断") -> DueAction:
        office = house or cast.north
        with database.session(EVERYWHERE, CLOCKWORK) as session:
            action_id = clockwork.plan(
                session,
                office_id=office.id,
                rule="dunning" if subject_kind == "owner" else "escalation",
                subject_kind=subject_kind,
                subject_id=subject_id or office.owner.id,
                due_at=clock.now() - timedelta(hours=2),
                cycle=f"screen-{next(_numbers)}",
            )
            assert action_id is not None
            action = session.get_one(DueAction, action_id)
            action.state, action.attempts, action.last_error = DueState.DEAD, 5, error
            session.commit()
            return action

    return stopped


def fresh(database, model, row_id):
    """Return a row as it stands now."""
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        return session.get_one(model, row_id)


def retry(browser, action):
    """Press the button of a stopped action, as its page has it."""
    return browser.post(f"/clockwork/actions/{action.id}/retry", {"version": action.version, "url": "/clockwork"})


def test_headquarters_sees_the_whole_clockwork_and_an_office_its_own(people, database, cast):
    with across_offices(database, Reason.CLAIMING) as session:
        at = clock.now()
        session.add_all(
            [
                Beat(
                    instance="one", kind=BeatKind.WORKER, host="alpha", pid=11, queues="mail", started_at=at, beat_at=at
                ),
                Beat(
                    instance="two",
                    kind=BeatKind.WEB,
                    host="beta",
                    pid=22,
                    started_at=at,
                    beat_at=at - timedelta(minutes=9),
                    skew=-7300,
                ),
            ]
        )
        session.commit()
    page = words_of(people["keeper"].get("/clockwork"))
    for words in ("alpha:11", "beta:22", "失去联系", "-7.3 秒", "夜间核对", "每 5 秒", "错过的只补最近一次"):
        assert words in page, words
    people["keeper"].enter(cast.north.id)
    inside = words_of(people["keeper"].get("/clockwork"))
    people["keeper"].enter(None)
    for page in (inside, words_of(people["director"].get("/clockwork")), words_of(people["clerk"].get("/clockwork"))):
        for words in ("alpha:11", "每 5 秒", "失去联系"):
            assert words not in page, words
        assert "每天 09:00" in page
    assert people["desk"].get("/clockwork").status_code == 403


def test_nothing_wrong_is_said_so(people):
    page = words_of(people["stranger"].get("/clockwork"))
    assert "没有停下来的事项" in page
    assert "一切相符" in page
    assert "还没有后台任务" in page


# ---- the timetable
def test_a_director_sets_the_offices_own_time_and_gives_it_back(people, database, cast, record):
    answer = people["director"].post("/clockwork/timetable/dunning/time", {"own": "1", "at": "10：30"})
    assert answer.status_code == 302
    assert "每天 10:30" in card(people["director"], "timetable")
    assert "本处另定" in card(people["director"], "timetable")
    assert "本处另定" not in card(people["stranger"], "timetable")
    assert f"{cast.north.office.name} 10:30" in card(people["keeper"], "timetable")
    entry = next(entry for entry in record("schedule.update") if "at" in (entry.after or {}))
    assert (entry.office_id, entry.actor_name) == (cast.north.id, cast.north.people[Role.DIRECTOR].staff.name)
    assert entry.after["at"].startswith("10:30")
    people["director"].post("/clockwork/timetable/dunning/time", {"own": "0", "at": "10:30"})
    assert "本处另定" not in card(people["director"], "timetable")
    entry = next(entry for entry in record("schedule.update") if "at" in (entry.after or {}))
    assert (entry.before["at"][:5], entry.after["at"]) == ("10:30", None)


@pytest.mark.parametrize(
    ("spelled", "says"), [("25:00", "不是时间"), ("早上", "不是时间"), ("", "不是时间"), ("23:30", "免打扰")]
)
def test_a_time_that_is_none_or_quiet_is_refused_in_place(people, spelled, says):
    form = {"own": "1", "at": spelled, "url": "/clockwork"}
    assert people["director"].post("/clockwork/timetable/dunning/time", form).status_code == 302
    page = words_of(people["director"].get("/clockwork"))
    assert says in page
    assert "本处另定" not in page


def test_nobody_sets_the_time_of_another_office_or_of_the_groups_entries(people, database, cast):
    form = {"own": "1", "at": "10:30", "office": cast.south.id}
    assert people["director"].post("/clockwork/timetable/dunning/time", form).status_code == 404  # not theirs
    assert "每天 09:00" in card(people["stranger"], "timetable")
    people["director"].post("/clockwork/timetable/dunning/time", {"own": "0"})
    assert people["clerk"].post("/clockwork/timetable/dunning/time", form).status_code == 403
    assert people["centre"].post("/clockwork/timetable/dunning/time", form).status_code == 403
    for name in ("mail", "nonsense"):
        people["director"].post(f"/clockwork/timetable/{name}/time", {"own": "1", "at": "10:30", "url": "/clockwork"})
        assert "定时任务" in words_of(people["director"].get("/clockwork"))
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        strange = select(Schedule.id).where(Schedule.name.in_(["mail", "nonsense"]), Schedule.at.is_not(None))
        assert session.scalars(strange).all() == []
    assert people["keeper"].post("/clockwork/timetable/dunning/time", {"own": "1", "at": "10:30"}).status_code == 404


def test_headquarters_alone_switches(people, record, cast):
    for name in ("director", "clerk", "centre"):
        page = people[name].get("/clockwork").get_data(as_text=True)
        assert "/timetable/tidy/switch" not in page, name
        assert people[name].post("/clockwork/timetable/tidy/switch", {"on": "0"}).status_code == 403, name
    assert people["keeper"].post("/clockwork/timetable/tidy/switch", {"on": "0"}).status_code == 302
    assert "已停用" in card(people["keeper"], "timetable")
    off = record("schedule.update")[0]
    assert (off.before["enabled"], off.after["enabled"], off.office_id) == (True, False, None)
    people["keeper"].post("/clockwork/timetable/tidy/switch", {"on": "1"})
    assert "已停用" not in card(people["keeper"], "timetable")
    people["keeper"].enter(cast.north.id)
    people["keeper"].post("/clockwork/timetable/dunning/switch", {"on": "0"})
    assert "已停用" in card(people["director"], "timetable")
    people["keeper"].post("/clockwork/timetable/dunning/switch", {"on": "1"})
    people["keeper"].enter(None)
    assert "已停用" not in card(people["director"], "timetable")


# ---- what has stopped
def test_a_stopped_action_says_what_it_is_about_and_is_tried_anew(people, database, stop, cast, record):
    action = stop(error="550 <li.si@example.invalid> refused")
    shown = card(people["director"], "stopped")
    assert cast.north.owner.name in shown
    assert "5 次" in shown
    assert "li.si" not in shown
    assert retry(people["clerk"], action).status_code == 403
    assert retry(people["director"], action).status_code == 302
    row = fresh(database, DueAction, action.id)
    assert (row.state, row.attempts) == (DueState.PENDING, 0)
    entry = record("due_action.update")[0]
    assert (entry.subject_id, entry.before["state"], entry.after["state"]) == (action.id, "dead", "pending")
    assert entry.actor_name == cast.north.people[Role.DIRECTOR].staff.name
    assert retry(people["director"], action).status_code == 302  # a second click
    assert fresh(database, DueAction, action.id).version == row.version
    assert "已有人办理" in words_of(people["director"].get("/clockwork"))


def test_a_stopped_clock_leads_to_its_ticket(people, database, stop, cast):
    with desk.at_desk(database, cast.north, make.NOON) as session:
        ticket = desk.request(session, cast.north).ticket
        (running, *_) = clocks.running(session, ticket)
        session.commit()
    stop(subject_kind="clock", subject_id=running.id)
    page = html.fromstring(people["director"].get("/clockwork").get_data(as_text=True))
    (link,) = page.xpath(f"//section[@id='stopped']//a[contains(., '{ticket.number}')]/@href")
    assert people["director"].get(link).status_code == 302


def test_giving_up_asks_for_a_reason_and_keeps_it(people, database, stop, record):
    action = stop()
    page = html.fromstring(people["director"].get("/clockwork").get_data(as_text=True))
    (way,) = page.xpath(
        f"//section[@id='stopped']//a[contains(@href, 'discard') and contains(@href, 'id={action.id}&')]/@href"
    )
    assert people["clerk"].post(way, {"reason": "业主已结清"}).status_code == 403
    assert people["director"].post(way, {"reason": " "}).status_code == 422
    answer = people["director"].post(way, {"reason": "业主已结清"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/clockwork")
    assert fresh(database, DueAction, action.id).state is DueState.DISCARDED
    assert record("due_action.update")[0].reason == "业主已结清"
    assert people["director"].post(way, {"reason": "再来一次"}).status_code == 422


def test_several_are_tried_anew_and_what_cannot_be_is_said(people, database, stop, cast):
    first, second, foreign = stop(), stop(), stop(cast.south)
    retry(people["director"], first)
    rows = [f"{action.id}.{action.version}" for action in (first, second, foreign)]
    form = {"rowid": [*rows, "x", "", "1.2.3"], "url": "/clockwork"}
    assert people["director"].post("/clockwork/actions/retry", form).status_code == 302
    page = words_of(people["director"].get("/clockwork"))
    assert "马上再试：1 件" in page
    assert "已有人办理" in page
    assert [fresh(database, DueAction, action.id).state for action in (first, second, foreign)] == [
        DueState.PENDING,
        DueState.PENDING,
        DueState.DEAD,
    ]
    assert people["clerk"].post("/clockwork/actions/retry", form).status_code == 403


def test_another_offices_rows_are_missing_to_the_letter(people, database, stop, cast):
    action, job = stop(cast.south, error="只与南苑有关"), work(database, cast.south)
    assert "只与南苑有关" not in words_of(people["director"].get("/clockwork"))
    assert "只与南苑有关" in words_of(people["centre"].get("/clockwork"))
    for way, row_id in (("actions/{}/retry", action.id), ("jobs/{}/cancel", job.id)):
        answers = [people["director"].post(f"/clockwork/{way.format(number)}") for number in (row_id, 999_999_999)]
        assert [answer.status_code for answer in answers] == [404, 404], way
        assert told(answers[0]) == told(answers[1]), way


# ---- long work
def work(database, house, **columns) -> Job:
    """Make a job of an office that a worker has in hand."""
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        values = {
            "state": JobState.RUNNING,
            "done": 120,
            "total": 480,
            "phase": "写入业主",
            "lease_until": clock.now() + timedelta(hours=1),
        }
        job = Job(
            office_id=house.id,
            kind="import",
            subject_kind="import_batch",
            subject_id=next(_numbers),
            asked_by_id=house.people[Role.OFFICE_ADMIN].id,
            **values | columns,
        )
        session.add(job)
        session.commit()
        return job


def test_long_work_shows_how_far_it_is_and_can_be_cancelled(people, database, cast):
    job = work(database, cast.north)
    shown = card(people["director"], "jobs")
    for words in ("写入名册", "120", "480", "写入业主", cast.north.people[Role.OFFICE_ADMIN].staff.name, "进行中"):
        assert words in shown, words
    assert people["clerk"].post(f"/clockwork/jobs/{job.id}/cancel").status_code == 403
    assert people["director"].post(f"/clockwork/jobs/{job.id}/cancel").status_code == 302
    assert fresh(database, Job, job.id).cancel_asked_at is not None
    assert "正在取消" in card(people["director"], "jobs")
    done = work(database, cast.north, state=JobState.DONE)
    answer = people["director"].post(f"/clockwork/jobs/{done.id}/cancel", {"url": "/clockwork"})
    assert answer.status_code == 302
    assert "不能再取消" in words_of(people["director"].get("/clockwork"))


def test_what_the_planner_mended_is_told_to_whom_it_concerns(people, database, cast):
    facts = {"escalation": {"planned": 2, "moved": 1, "cancelled": 0, "examples": [1, 2, 3]}}
    with across_offices(database, Reason.CLAIMING) as session:
        note(session, RecordedAct(verb="clockwork.mended", office_id=cast.north.id, facts=facts))
        session.commit()
    assert "升级 补上 2 件、改到正确时间 1 件" in card(people["director"], "mended")
    assert "一切相符" in card(people["stranger"], "mended")
    assert cast.north.office.name in card(people["centre"], "mended")
    told_by_record = words_of(people["centre"].get("/audit?verb=clockwork.mended"))
    assert "升级 补上 2 件、改到正确时间 1 件" in told_by_record
    assert "planned" not in told_by_record
