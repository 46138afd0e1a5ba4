"""A technician's round on a telephone: takes on, sets out, arrives, waits, photographs, has it signed, finishes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

import pictures
from desk import at_desk, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Attachment, Defect, Pause, WorkOrder
from tenant.rules.terms import AttachmentPurpose, PauseReason, Role, WorkOrderState
from tenant.services import defects, requests

pytestmark = pytest.mark.browser
BOARD = "/boards/orders"
NARROWEST = 360


@pytest.fixture
def sent(database, cast):
    """An order and a defect that the north's technician was sent to; their ids."""
    me = cast.north.people[Role.TECHNICIAN].id
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=20)) as session:
        made = request(session, cast.north, content="厨房水管漏水，橱柜下方有积水，业主下午三点以后在家", urgent=True)
        order = requests.dispatch(session, made.id, cast.north.engineering.id, me)
        defect = defects.register_defect(session, office_id=cast.north.id, part="主卧外墙", content="墙面渗水发霉")
        defects.send(session, defect.id, me)
        session.commit()
        return order.id, defect.id


@pytest.fixture
def read(database, cast):
    """Read a row anew."""

    def found(model, row_id):
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            return session.get_one(model, row_id)

    return found


def press(worker, key, label):
    """Press a verb of a card, which comes back to the board."""
    with worker.page.expect_navigation():
        worker.page.locator(f"#{key}").get_by_role("button", name=label).click()


def test_an_order_is_done_on_a_telephone_from_taking_on_to_the_signature_a_w9(visit, sent, read, database, cast, size):
    order, _ = sent
    worker = visit("north-technician")
    if size == "phone":
        worker.page.set_viewport_size({"width": NARROWEST, "height": 740})
    worker.open("/")
    assert worker.page.url.endswith(BOARD), "it is the first thing a technician sees"
    worker.shoot("board-orders")
    assert worker.overflow() <= 0
    key = f"order-{order}"
    for label, state in (
        ("接单", WorkOrderState.ACCEPTED),
        ("出发", WorkOrderState.ON_THE_WAY),
        ("登记到场", WorkOrderState.UNDER_WAY),
    ):
        press(worker, key, label)
        assert read(WorkOrder, order).state is state
    waits = worker.page.locator(f"#{key} details", has_text="登记等待")
    waits.locator("summary").click()
    waits.get_by_label("等什么").select_option("material")
    worker.shoot("board-orders-waits")
    with worker.page.expect_navigation():
        waits.get_by_role("button", name="登记等待").click()
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert session.scalars(select(Pause.reason).where(Pause.work_order_id == order)).all() == [PauseReason.MATERIAL]
    assert worker.page.locator(f"[data-lane=waiting] #{key}").count() == 1
    assert worker.page.locator(f"#{key}").get_by_role("button", name="登记到场").count() == 0
    press(worker, key, "恢复办理")
    worker.follow(f"#{key} a:has-text('登记完成')")
    finish(worker, kept=lambda: _kept(database, cast, order))
    assert read(WorkOrder, order).state is WorkOrderState.SIGNED
    assert worker.page.url.split("#")[0].endswith(BOARD)
    assert worker.page.locator(f"#{key}").count() == 0


def finish(worker, kept):
    """Photograph what was done, let the customer sign, and say that it is done."""
    panel = worker.page.locator("[data-files]")
    panel.locator("select").select_option("after")
    picture = {"name": "处理后.jpg", "mimeType": "image/jpeg", "buffer": pictures.photo(800, 600)}
    panel.locator("input[multiple]").set_input_files([picture])
    panel.locator("img").first.wait_for()
    pad = worker.page.locator(".signature-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    worker.page.mouse.move(box["x"] + 20, box["y"] + 40)
    worker.page.mouse.down()
    for step in range(12):
        worker.page.mouse.move(box["x"] + 20 + step * 12, box["y"] + 40 + (step % 3) * 14)
    worker.page.mouse.up()
    worker.shoot("board-order")
    worker.page.locator("[data-signature-save]").click()
    panel.locator("img").nth(1).wait_for()
    assert kept() == {AttachmentPurpose.AFTER, AttachmentPurpose.SIGNATURE}
    assert worker.overflow() <= 0
    worker.page.get_by_label("处理结果").fill("更换水管和角阀")
    worker.page.get_by_label("客户已签字").check()
    with worker.page.expect_navigation():
        worker.page.get_by_role("button", name="登记完成").click()


def _kept(database, cast, order_id):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        return set(session.scalars(select(Attachment.purpose).where(Attachment.work_order_id == order_id)))


def test_who_was_sent_to_look_at_a_defect_notes_what_they_found_a_r1(visit, sent, read):
    _, defect = sent
    worker = visit("north-technician")
    worker.open(BOARD)
    card = worker.page.locator(f"#defect-{defect}")
    assert "墙面渗水发霉" in card.inner_text()
    card.locator("summary").click()
    card.get_by_label("现场看到的和判断的原因").fill("外墙涂料开裂，雨水渗入")
    with worker.page.expect_navigation():
        card.get_by_role("button", name="登记", exact=True).click()
    assert read(Defect, defect).cause == "外墙涂料开裂，雨水渗入"
    assert worker.page.locator(f"#defect-{defect}").count() == 0
