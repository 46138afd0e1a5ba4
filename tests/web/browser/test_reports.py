"""A month accounted for: written and handed in at the office, read and sent back at the centre (A-W15)."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from desk import at_desk, request
from tenant import clock, policy
from tenant.rules.reporting import latest_closed
from tenant.rules.terms import ReportKind
from tenant.services import reports, requests

pytestmark = pytest.mark.browser

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = latest_closed(policy.report(ReportKind.MONTH), clock.today())


@pytest.fixture(scope="module", autouse=True)
def drawn(database, cast):
    """The latest month of the north: a dozen repairs, every third of them done."""
    came = datetime.combine(MONTH.from_on + timedelta(days=3), time(10), tzinfo=ZONE)
    with at_desk(database, cast.north, came) as session:
        for number in range(12):
            row = request(session, cast.north)
            if number % 3 == 0:
                order = requests.dispatch(session, row.id, cast.north.engineering.id)
                requests.complete(session, order.id, outcome="修好了")
        session.commit()
    with at_desk(database, cast.north, datetime.combine(MONTH.until_on, time(0, 30), tzinfo=ZONE)) as session:
        reports.draw(session, cast.north.id, clock.now())
        session.commit()


def test_a_month_is_written_handed_in_read_and_sent_back(visit, size):
    office = visit("north-supervisor")
    office.open("/reports/?search=BB")
    office.follow("main a.row-link:has-text('BB') >> nth=0")
    assert office.overflow() <= 0
    office.shoot("report")
    page = office.page.url
    office.follow("main a:has-text('修改')")
    office.page.locator("[name=findings]").fill("夜间水管爆裂集中")
    office.page.locator("[name=measures]").fill("更换立管，月底前完成")
    with office.page.expect_navigation():
        office.page.keyboard.press("Control+Enter")
    office.page.goto(page)
    assert office.sees("更换立管，月底前完成")
    office.follow("main a:text-is('上报')")
    with office.page.expect_navigation():
        office.page.keyboard.press("Control+Enter")
    assert office.sees("已上报")

    centre = visit("group_centre")
    centre.open(f"/report_standing?kind=month&day={MONTH.until_on}")
    assert centre.overflow() <= 0
    centre.shoot("standing")
    assert centre.sees("已上报")
    centre.follow("main a.row-link")
    assert centre.sees("夜间水管爆裂集中")
    centre.follow("main a:text-is('退回')")
    centre.page.locator("[name=why]").fill(f"{size}：请补写责任人")
    with centre.page.expect_navigation():
        centre.page.keyboard.press("Control+Enter")
    centre.open(f"/report_standing?kind=month&day={MONTH.until_on}")
    assert centre.sees("已退回，待重新上报")


def test_rates_by_category_fit_the_screen(visit):
    office = visit("north-supervisor")
    office.open(f"/rates?from={MONTH.from_on}&to={MONTH.until_on}&by=category")
    assert office.overflow() <= 0
    assert office.sees("报修")
    office.shoot("rates-by-category")
