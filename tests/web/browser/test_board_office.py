"""The supervisor's and the director's board: what went up the line is acknowledged, and the log checked (A-S5)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import at_desk, complaint, request
from tasks import sweeps
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Escalation
from tenant.rules.terms import Gravity, PauseReason, Role, Satisfaction
from tenant.services import daily_log, follow_ups, pauses, requests
from tenant.settings import Settings

pytestmark = pytest.mark.browser
BOARD = "/boards/office"


@pytest.fixture(scope="module")
def happened(database, cast):
    """A bad day of the north: late, gone up the line, not satisfied, grave, waiting too long; the late ticket's id."""
    with at_desk(database, cast.north, at=clock.now() - timedelta(hours=5)) as session:
        late = request(session, cast.north, content="电梯停运，老人出行不便").ticket_id
        complaint(session, cast.north, content="装修工人野蛮施工，楼道堵塞", gravity=Gravity.GRAVE, harm_continues=True)
        done = requests.dispatch(
            session, request(session, cast.north, content="马桶堵塞").id, cast.north.engineering.id
        )
        requests.complete(session, done.id)
        follow_ups.follow_up(
            session, done.request.ticket_id, Satisfaction.DISSATISFIED, answer="第二天又堵了，没有人来"
        )
        waits = request(session, cast.north, content="推拉门滑轮坏").ticket_id
        until = clock.now() + timedelta(hours=1)
        pauses.pause(session, waits, PauseReason.MATERIAL, until, note="滑轮已订货")
        daily_log.write(session, office_id=cast.north.id, content="问停车费")
        session.commit()
    sweeps.run_escalations(database, clock.now(), cast.north.id, settings=Settings.from_environment({}))
    return late


@pytest.mark.parametrize(("login", "title"), [("north-supervisor", "主管看板"), ("north-director", "主任看板")])
def test_who_answers_for_the_office_sees_what_needs_them_at_one_glance(visit, happened, login, title):
    person = visit(login)
    person.open(BOARD)
    assert person.page.inner_text("h1") == title
    for words in ("已升级", "超时", "重要与重大投诉", "损害仍在继续", "回访不满意", "第二天又堵了", "推拉门滑轮坏"):
        assert person.sees(words), words
    person.shoot(f"board-{login}")
    assert person.overflow() <= 0


def test_an_escalation_is_acknowledged_on_the_board(visit, happened, database, cast):
    director = visit("north-director")
    director.open(BOARD)
    before = director.page.get_by_role("button", name="确认已知悉").count()
    assert before > 0
    with director.page.expect_navigation():
        director.page.get_by_role("button", name="确认已知悉").first.click()
    assert director.page.url.endswith("#lane-escalated")
    assert director.page.get_by_role("button", name="确认已知悉").count() == before - 1
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        mine = Escalation.acknowledged_by_id == cast.north.people[Role.DIRECTOR].id
        assert session.scalars(select(Escalation.id).where(mine)).all()


def test_the_days_log_is_checked_with_one_press_a_s5(visit, happened, record, size):
    supervisor = visit("north-supervisor")
    supervisor.open(BOARD)
    label = "已查看今日日志" if size == "desk" else "再次查看"
    with supervisor.page.expect_navigation():
        supervisor.page.get_by_role("button", name=label).click()
    assert supervisor.sees("已查看")
    assert record(daily_log.CHECKED)[0].actor_name == "北苑客服主管"
