"""A director sets a limit of the office's own and gives it to what is under way; the group keeps the calendar."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import at_desk, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Clock
from tenant.rules.terms import ClockKind
from tenant.scoping import Scope

pytestmark = pytest.mark.browser
MINUTES = {"desk": "120", "phone": "150"}
AHEAD = {"desk": 2, "phone": 3}


@pytest.fixture(scope="module")
def under_way(database, cast):
    """A request of the north whose reply is due soon; its ticket's id."""
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=5)) as session:
        filed = request(session, cast.north, content="厨房水管漏水").ticket_id
        session.commit()
    return filed


def test_a_limit_is_written_put_into_force_and_given_to_what_is_under_way(visit, database, under_way):
    director = visit("north-director")
    director.open("/limits")
    assert director.sees("首次答复")
    director.shoot("limits")
    assert director.overflow() <= 0
    director.follow("text=新增时限规则")
    for name, value in {
        "ticket": "request",
        "clock": "first_reply",
        "measure": "minutes",
        "calendar": "always",
        "qualifier": {"desk": "", "phone": "repair"}[director.size],
    }.items():
        director.page.select_option(f"[name={name}]", value)
    for name, value in {
        "amount": MINUTES[director.size],
        "warning": "20",
        "steps": "1 部门负责人 0\n2 管理处主任 30",
        "why": "夜间人手不足",
        "effective_on": clock.today("Asia/Shanghai").isoformat(),
    }.items():
        director.page.fill(f"[name={name}]", value)
    director.shoot("limit-draft")
    director.follow("form.form-body button.button-primary, .card.form button.button-primary")
    assert director.sees("夜间人手不足")
    director.shoot("limit-record")
    director.follow("a:has-text('启用')")
    assert director.sees("从 ")
    assert director.sees("起开始计时的按这一条")
    director.shoot("limit-activate")
    director.follow(".card.form button.button-primary")
    director.open("/limits/recalculate")
    assert director.sees("会改变的时限")
    director.shoot("recalculate")
    assert director.overflow() <= 0
    director.page.click("main button:has-text('重新计算')")
    director.shoot("recalculate-asks")
    director.confirm()
    assert director.sees("已按现行规则重新计算")
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        found = select(Clock).where(Clock.ticket_id == under_way, Clock.kind == ClockKind.FIRST_REPLY)
        reply = session.scalars(found).one()
        assert reply.due_at - reply.started_at == timedelta(minutes=int(MINUTES[director.size]))


def test_the_calendar_is_pasted_and_confirmed(visit):
    centre = visit("group_centre")
    centre.open("/holidays")
    centre.shoot("holidays")
    assert centre.overflow() <= 0
    year = clock.today("Asia/Shanghai").year + AHEAD[centre.size]
    centre.page.fill("[name=year]", str(year))
    centre.follow("main button:has-text('新建一版')")
    centre.page.fill("[name=published]", "国务院办公厅通知")
    centre.page.fill("[name=days]", f"{year}-10-01 至 {year}-10-07 放假 国庆节")
    centre.follow("main button:has-text('保存')")
    centre.shoot("holiday-edition")
    assert centre.overflow() <= 0
    centre.page.click("main button:has-text('确认这一版')")
    centre.shoot("holiday-confirm")
    centre.confirm()
    assert centre.sees(f"{year} 年（第 1 版）")
