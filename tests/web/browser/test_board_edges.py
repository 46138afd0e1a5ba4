"""The boards at the narrowest and the widest window, and a topic that fills in the desk's form."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import at_desk, complaint, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import ServiceRequest, Topic
from tenant.rules.terms import RequestCategory, Role
from tenant.services import requests

pytestmark = pytest.mark.browser
EDGES = {"narrowest": (360, 740), "zoomed": (640, 400), "widest": (2560, 1300)}
BOARDS = {
    "north-department_head": "/boards/department",
    "north-supervisor": "/boards/office",
    "north-technician": "/boards/orders",
}


@pytest.fixture(scope="module")
def matters(database, cast):
    """A matter for every board, with long words in it."""
    long = "客户反映厨房吊顶漏水并滴到橱柜和灶台上已经持续三天" * 4
    with at_desk(database, cast.north, at=clock.now() - timedelta(hours=1)) as session:
        order = requests.dispatch(session, request(session, cast.north, content=long).id, cast.north.engineering.id)
        requests.receive(session, order.id, cast.north.people[Role.TECHNICIAN].id)
        complaint(session, cast.north, content=long)
        session.commit()


@pytest.mark.parametrize("edge", sorted(EDGES))
def test_boards_fit_the_narrowest_and_the_widest_window(visit, matters, edge):
    for login, board in BOARDS.items():
        person = visit(login)
        width, height = EDGES[edge]
        person.page.set_viewport_size({"width": width, "height": height})
        person.open(board)
        assert person.page.locator("[data-card]").count() > 0
        for ask in person.page.locator("details.ask summary").all():
            ask.click()
        assert person.overflow() <= 0, board
        person.shoot(f"board-{edge}-{login}")


def test_a_topic_fills_in_category_and_urgency_and_what_is_changed_stands(visit, cast, database, size):
    name = f"{size} 上门抢修"
    with at_desk(database, cast.north) as session:
        paid = RequestCategory.PAID_SERVICE
        session.add(Topic(office_id=cast.north.id, name=name, category=paid, urgent=True))
        session.add(Topic(office_id=cast.north.id, name=f"{size} 态度不好"))
        session.commit()
    desk = visit("north-front_desk")
    desk.open(f"/desk?unit={cast.north.unit.id}")
    topic = desk.page.get_by_label("事项分类")
    assert topic.locator("option", has_text="态度不好").first.is_disabled(), "a complaint's topic is not offered here"
    topic.select_option(label=name)
    assert desk.page.get_by_label("报事类别").input_value() == "paid_service"
    assert desk.page.get_by_label("较急").is_checked()
    desk.page.get_by_label("较急").uncheck()
    desk.page.get_by_label("内容").fill("抢修水管")
    with desk.page.expect_navigation():
        desk.page.keyboard.press("Control+Enter")
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        row = session.scalars(select(ServiceRequest).order_by(ServiceRequest.id.desc()).limit(1)).one()
        assert (row.category, row.urgent) == (RequestCategory.PAID_SERVICE, False)
