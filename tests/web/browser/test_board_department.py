"""A department head's morning on the board: signs, hands on, finishes, gives back; by mouse, by keyboard, without
scripts, and without losing what is being written when the board is asked for again (A-W3, A-W9, A-C5, A-C6).
"""

from datetime import timedelta

import pytest

from desk import at_desk, complaint, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import WorkOrder
from tenant.rules.terms import Role, WorkOrderState
from tenant.services import complaints, requests

pytestmark = pytest.mark.browser
BOARD = "/boards/department"


@pytest.fixture
def orders(database, cast):
    """Three orders sent to engineering, the second urgent, and a complaint that is done; their ids."""
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=20)) as session:
        plain = [
            requests.dispatch(session, request(session, cast.north, **fields).id, cast.north.engineering.id).id
            for fields in (
                {"content": "厨房水管漏水，橱柜下方有积水"},
                {"content": "电梯困人，请立即处置", "urgent": True},
                {"content": "地下车库照明不亮", "unit_id": None, "location": "地下一层 B 区"},
            )
        ]
        made = complaint(session, cast.north)
        complaints.receive(session, made.id)
        complaints.complete(session, made.id, outcome="已重新维修")
        session.commit()
        return [*plain, made.id]


@pytest.fixture
def read(database, cast):
    """Read an order anew."""

    def found(order_id):
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            return session.get_one(WorkOrder, order_id)

    return found


def lane_of(head, key):
    """Return the lane a card lies in."""
    return head.page.locator(f"#{key}").evaluate("node => node.closest('[data-lane]').dataset.lane")


def test_a_head_signs_hands_on_and_finishes_on_the_card(visit, cast, orders, read):
    head = visit("north-department_head")
    head.open(BOARD)
    plain, urgent, _, _ = orders
    first = head.page.locator("[data-lane=to_receive] [data-card]").first
    assert "较急" in first.inner_text(), "the urgent lies first"
    assert head.page.locator(f"[data-lane=to_receive] #order-{urgent}").count() == 1
    head.shoot("board-department")
    assert head.overflow() <= 0
    card = head.page.locator(f"#order-{plain}")
    card.locator("summary", has_text="签收").click()
    card.get_by_label("交给谁").first.select_option(
        label=f"{cast.north.people[Role.TECHNICIAN].staff.name}（维修人员）"
    )
    head.shoot("board-department-asked")
    with head.page.expect_navigation():
        card.get_by_role("button", name="签收", exact=True).click()
    assert lane_of(head, f"order-{plain}") == "under_way"
    assert head.page.evaluate("document.activeElement.id") == f"order-{plain}", "back at the card"
    assert read(plain).technician_id == cast.north.people[Role.TECHNICIAN].id
    card.locator("summary", has_text="登记完成").click()
    card.get_by_label("处理结果").fill("更换垫圈")
    with head.page.expect_navigation():
        head.page.keyboard.press("Control+Enter")
    assert read(plain).state is WorkOrderState.SIGNED
    assert head.page.locator(f"#order-{plain}").count() == 0
    with head.page.expect_navigation():
        head.page.get_by_role("button", name="登记回单").first.click()
    assert head.sees("回单")


def test_the_board_is_asked_for_again_without_losing_what_is_being_written(visit, cast, database, orders):
    head = visit("north-department_head")
    head.page.clock.install()
    head.open(BOARD)
    plain, urgent, third, _ = orders
    card = head.page.locator(f"#order-{plain}")
    card.locator("summary", has_text="改派").click()
    card.get_by_label("原因").fill("还没有写完")
    with at_desk(database, cast.north, at=clock.now()) as session:
        requests.receive(session, third)
        requests.receive(session, plain)
        session.commit()
    with head.page.expect_response("**part=lanes**"):
        head.page.clock.run_for(21_000)
    head.page.locator(f"[data-lane=under_way] #order-{third}").wait_for()
    assert card.get_by_label("原因").input_value() == "还没有写完"
    assert head.page.evaluate("document.activeElement.name") == "reason"
    assert card.count() == 1
    assert "刚被别人办理过" in card.inner_text()
    assert head.page.locator(f"#order-{urgent}").count() == 1


def test_the_board_is_worked_by_keyboard_alone(visit, orders, read):
    head = visit("north-department_head")
    head.open(BOARD)
    head.page.keyboard.press("j")
    first = head.page.evaluate("document.activeElement.id")
    head.page.keyboard.press("j")
    second = head.page.evaluate("document.activeElement.id")
    assert first != second
    head.page.keyboard.press("k")
    assert head.page.evaluate("document.activeElement.id") == first
    head.page.keyboard.press("1")
    assert head.page.evaluate("document.activeElement.name") == "technician"
    head.page.keyboard.press("Escape")
    assert head.page.evaluate("document.activeElement.id") == first
    with head.page.expect_navigation():
        head.page.keyboard.press("Enter")
    assert "/work_orders/details/" in head.page.url


def test_the_board_works_with_scripts_off(visit, orders, read):
    head = visit("north-department_head", has_scripts=False)
    head.open(BOARD)
    _, urgent, _, _ = orders
    card = head.page.locator(f"#order-{urgent}")
    card.locator("summary", has_text="签收").click()
    with head.page.expect_navigation():
        card.get_by_role("button", name="签收", exact=True).click()
    assert head.page.url.endswith(f"{BOARD}#order-{urgent}")
    assert read(urgent).state is WorkOrderState.RECEIVED
    assert head.page.locator(f"[data-lane=under_way] #order-{urgent}").count() == 1
