"""The rota at desk and phone width: shifts taken from the handbook, somebody put on one, the week copied (B-S1)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tenant import clock
from tenant.models import Absence, Duty
from tenant.rules.terms import Role
from tenant.services import duties
from tenant.unscoped import Reason, across_offices

pytestmark = pytest.mark.browser

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def rota(database, cast):
    """The usual shifts, nobody on them, the front desk away next week without a substitute."""
    today = clock.today("Asia/Shanghai")
    monday = today - timedelta(days=today.weekday()) + 7 * DAY
    with across_offices(database, Reason.SETTING_UP) as session:
        for row in (*session.scalars(select(Duty)), *session.scalars(select(Absence))):
            session.delete(row)
        session.flush()
        if not duties.shifts(session, cast.north.id):
            duties.take_usual(session, cast.north.id)
        desk = cast.north.people[Role.FRONT_DESK]
        noon = duties.shifts(session, cast.north.id)[0]
        duties.assign(session, noon.id, monday + DAY, desk.id)
        session.add(Absence(office_id=cast.north.id, posting_id=desk.id, from_on=monday + DAY, to_on=monday + 2 * DAY))
        session.commit()
    return monday


def test_b_s1_a_week_is_filled_and_copied(visit, rota):
    supervisor = visit("north-supervisor")
    supervisor.open(f"/rota?week={rota}")
    assert supervisor.sees("本周还有 14 个班次无人值班")
    assert supervisor.sees("请假，无代理人")
    cell = supervisor.page.locator(f"form.rota-add:has(input[value='{rota}'])").last
    cell.locator("select").select_option(label="北苑维修人员·维修人员")
    with supervisor.page.expect_navigation():
        cell.locator("button").click()
    assert supervisor.sees("已把北苑维修人员排在")
    assert supervisor.sees("本周还有 13 个班次无人值班")
    assert supervisor.overflow() <= 0
    supervisor.shoot("rota")
    supervisor.open(f"/rota?week={rota + 7 * DAY}")
    with supervisor.page.expect_navigation():
        supervisor.page.locator("form[action$='/rota/copy'] button").click()
    assert supervisor.sees("已复制上一周的排班 2 人次")
