"""A call at the front desk, by keyboard alone: find, look, write, register; the lists beside it stay true meanwhile."""

import pytest
from sqlalchemy import select

from desk import at_desk, request
from tenant.journal import CLOCKWORK
from tenant.models import Ticket

pytestmark = pytest.mark.browser


@pytest.fixture
def newest(database, cast):
    """Return the newest ticket of the north."""

    def found() -> Ticket:
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            return session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()

    return found


def test_a_call_is_registered_without_touching_the_mouse(visit, cast, newest):
    desk = visit("north-front_desk")
    desk.open("/desk")
    assert desk.page.evaluate("document.activeElement.name") == "q"
    desk.page.keyboard.type(cast.north.unit.number)
    with desk.page.expect_navigation():
        desk.page.keyboard.press("Enter")
    assert desk.page.evaluate("document.activeElement.name") == "content"
    desk.page.keyboard.type("阳台地漏返水")
    desk.shoot("desk-card")
    with desk.page.expect_navigation():
        desk.page.keyboard.press("Control+Enter")
    ticket = newest()
    assert (ticket.content, ticket.unit_id, ticket.reporter_name) == (
        "阳台地漏返水",
        cast.north.unit.id,
        cast.north.owner.name,
    )
    assert desk.sees(f"已登记报事 {ticket.number}")
    assert desk.page.evaluate("document.activeElement.name") == "q", "the next call may come"
    desk.shoot("desk-done")
    assert desk.overflow() <= 0


def test_fields_of_the_other_kind_of_matter_stay_away(visit, cast):
    desk = visit("north-front_desk")
    desk.open(f"/desk?unit={cast.north.unit.id}")
    assert desk.page.get_by_label("较急").is_visible()
    assert not desk.page.get_by_label("投诉等级").is_visible()
    desk.page.get_by_label("投诉", exact=True).check()
    assert desk.page.get_by_label("投诉等级").is_visible()
    assert not desk.page.get_by_label("较急").is_visible()
    desk.page.get_by_label("报事人", exact=True).select_option("other")
    assert desk.page.get_by_label("姓名", exact=True).is_visible()
    desk.shoot("desk-complaint")
    assert desk.overflow() <= 0


def test_lists_are_asked_for_again_without_losing_what_is_being_typed(visit, cast, database):
    desk = visit("north-front_desk")
    desk.page.clock.install()
    desk.open(f"/desk?unit={cast.north.unit.id}")
    desk.page.keyboard.type("还没有写完")
    with at_desk(database, cast.north) as session:
        request(session, cast.north, content="刚刚从别处登记的事")
        session.commit()
    with desk.page.expect_response("**/desk/lists"):
        desk.page.clock.run_for(21_000)
    desk.page.get_by_text("刚刚从别处登记的事").first.wait_for()
    assert desk.page.get_by_label("内容").input_value() == "还没有写完"
    assert desk.page.evaluate("document.activeElement.name") == "content"
