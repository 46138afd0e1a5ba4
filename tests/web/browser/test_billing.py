"""A month charged in a browser, at desk and phone width: begun, looked at, posted, undone by the director (B-F1)."""

import pytest

import make
from tasks.relay import do_without
from tenant.journal import CLOCKWORK

pytestmark = pytest.mark.browser
MONTHS = {"desk": ("2026-09-10", "2026-09"), "phone": ("2026-10-10", "2026-10")}


@pytest.fixture(scope="module", autouse=True)
def priced(database, cast):
    """An item of the north that runs charge, and a unit nobody pays for."""
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        make.charge_type(session, cast.north.id, name="物业服务费", is_monthly=True, due_day=10)
        make.unit(session, cast.north.id, number="8-1-801")
        session.commit()


def test_b_f1_a_month_is_charged_on_its_pages(visit, size, works):
    day, month = MONTHS[size]
    clerk = visit("north-finance_assistant")
    clerk.open("/billing_runs/new/")
    clerk.page.fill("[name=month]", day)
    clerk.follow("main form button.button-primary")
    do_without(works)
    clerk.open("/billing_runs/")
    clerk.follow(f"main a:has-text('{month}')")
    assert clerk.sees("1 笔不能计费")
    assert clerk.sees("221.25")
    assert clerk.overflow() <= 0
    clerk.shoot("billing-run")
    clerk.follow("main a:has-text('入账')")
    clerk.follow("main form button.button-primary")
    assert clerk.sees("正在入账")
    do_without(works)
    clerk.page.reload()
    assert clerk.sees("已入账")
    clerk.open("/billing_lines/?search=8-1-801")
    assert clerk.sees("没有缴费人")
    assert clerk.overflow() <= 0
    clerk.shoot("billing-lines")
    director = visit("north-director")
    director.open("/billing_runs/")
    director.follow(f"main a:has-text('{month}')")
    director.follow("main a:has-text('撤销')")
    director.page.fill("[name=reason]", "单价有误")
    director.shoot("billing-undo")
    director.follow("main form button.button-primary, main form button.button-danger")
    do_without(works)
    director.page.reload()
    assert director.sees("已撤销")
