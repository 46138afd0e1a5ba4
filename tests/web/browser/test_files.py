"""Files of a matter in a real browser: from the camera, by drop and from the clipboard; the customer's signature."""

import base64

import pytest
from sqlalchemy import select

import pictures
from desk import at_desk, request
from tenant.journal import CLOCKWORK
from tenant.models import Attachment
from tenant.rules.terms import AttachmentPurpose, Role
from tenant.services import requests

pytestmark = pytest.mark.browser


@pytest.fixture
def order(database, cast):
    """An order of the north's technician."""
    with at_desk(database, cast.north) as session:
        row = request(session, cast.north, content="厨房水管漏水，地面积水")
        people = cast.north.people
        sent = requests.dispatch(session, row.id, cast.north.engineering.id, people[Role.TECHNICIAN].id)
        requests.arrive(session, sent.id)
        session.commit()
        return sent


@pytest.fixture
def kept(database, cast, order):
    """Return the names and purposes of what hangs on the order's matter."""

    def found():
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            chosen = select(Attachment).where(Attachment.work_order_id == order.id)
            rows = session.scalars(chosen.order_by(Attachment.id))
            return [(row.name, row.purpose) for row in rows]

    return found


def file_of(name: str, content: bytes, kind: str = "image/jpeg") -> dict[str, object]:
    """Return a file as a person picks it."""
    return {"name": name, "mimeType": kind, "buffer": content}


def width_of(visitor) -> int:
    """Return how wide the first picture of the panel is, once it is loaded."""
    return visitor.page.evaluate(
        """async () => {
            const picture = document.querySelector("[data-files-list] img");
            await picture.decode();
            return picture.naturalWidth;
        }"""
    )


def test_a_technician_adds_photos_and_sees_them_at_once(visit, order, kept, size):
    worker = visit("north-technician")
    worker.expected.add(422)
    worker.open(f"/work_orders/details/?id={order.id}")
    panel = worker.page.locator("[data-files]")
    panel.scroll_into_view_if_needed()
    assert panel.locator("[data-files-send]").is_hidden()
    panel.locator("select").select_option("before")
    chosen = [file_of("处理前.jpg", pictures.photo(1600, 1200)), file_of("改名.jpg", b"<svg onload=alert(1)>")]
    panel.locator("input[multiple]").set_input_files(chosen)
    panel.locator(".is-refused").wait_for()
    assert "「改名.jpg」的内容是网页或矢量图" in panel.inner_text()
    picture = panel.locator("img")
    picture.wait_for()
    assert width_of(worker) == 320
    panel.locator(".help").first.scroll_into_view_if_needed()
    worker.page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    worker.shoot("files")
    assert kept() == [("处理前.jpg", AttachmentPurpose.BEFORE)]
    assert worker.overflow() <= 0
    panel.get_by_role("button", name="不要了").click()
    assert panel.locator(".is-refused").count() == 0
    for button in panel.locator(".button:visible, select").all():
        assert size == "desk" or button.bounding_box()["height"] >= 44


def test_a_screenshot_is_dropped_or_pasted(visit, order, kept):
    worker = visit("north-technician")
    worker.open(f"/work_orders/details/?id={order.id}")
    for event, holder, seed in (("drop", "dataTransfer", 31), ("paste", "clipboardData", 32)):
        sent = base64.b64encode(pictures.photo(200 + seed, 120, "PNG")).decode()
        worker.page.evaluate(
            """([event, holder, sent]) => {
                const bytes = Uint8Array.from(atob(sent), (sign) => sign.charCodeAt(0));
                const carried = new DataTransfer();
                carried.items.add(new File([bytes], `${event}.png`, { type: "image/png" }));
                const panel = document.querySelector("[data-files-list]");
                const kind = event === "drop" ? DragEvent : ClipboardEvent;
                panel.dispatchEvent(new kind(event, { bubbles: true, cancelable: true, [holder]: carried }));
            }""",
            [event, holder, sent],
        )
        worker.page.locator("[data-files-list] a", has_text=f"{event}.jpg").wait_for()
    assert [name for name, _ in kept()] == ["drop.jpg", "paste.jpg"]


def test_what_is_too_large_is_said_before_it_is_sent(visit, order, kept):
    worker = visit("north-technician")
    worker.open(f"/work_orders/details/?id={order.id}")
    worker.page.evaluate("document.querySelector('[data-files]').dataset.filesLargest = '0.01'")
    panel = worker.page.locator("[data-files]")
    panel.locator("input[multiple]").set_input_files(
        [file_of("大.pdf", pictures.PDF + bytes(20_000), "application/pdf")]
    )
    panel.locator(".is-refused").wait_for()
    assert "超过单个文件" in panel.inner_text()
    worker.page.evaluate("document.querySelector('[data-files]').dataset.filesLargest = '15'")
    panel.get_by_role("button", name="重新上传").click()
    panel.locator("[data-files-list] a", has_text="大.pdf").first.wait_for()
    assert [name for name, _ in kept()] == ["大.pdf"]


def test_a_page_without_scripts_adds_and_removes(visit, order, kept):
    worker = visit("north-technician", has_scripts=False)
    worker.open(f"/work_orders/details/?id={order.id}")
    panel = worker.page.locator("[data-files]")
    panel.locator("input[multiple]").set_input_files([file_of("一.jpg", pictures.photo(90, 80))])
    worker.follow("[data-files-send]")
    assert worker.sees("已上传「一.jpg」（处理后）。")
    assert worker.overflow() <= 0
    worker.shoot("files-plain")
    worker.follow("a[href^='/files/remove/']")
    worker.page.fill("#why", "拍错了")
    worker.shoot("files-remove")
    worker.follow("form.card button")
    assert worker.sees("已删除附件「一.jpg」。")
    assert len(kept()) == 1
    assert worker.page.locator("[data-files] img").count() == 0


def test_a_customer_signs_on_the_screen_and_the_picture_hangs_on_the_order_a_w9(visit, order, kept):
    worker = visit("north-technician")
    worker.open(f"/work_orders/details/?id={order.id}")
    pad = worker.page.locator(".signature-pad")
    pad.scroll_into_view_if_needed()
    save = worker.page.locator("[data-signature-save]")
    assert save.is_disabled(), "an empty pad is no signature"
    box = pad.bounding_box()
    for stroke in ((0.1, 0.3, 0.4, 0.8), (0.3, 0.2, 0.6, 0.7)):
        left, top, right, bottom = stroke
        worker.page.mouse.move(box["x"] + box["width"] * left, box["y"] + box["height"] * top)
        worker.page.mouse.down()
        worker.page.mouse.move(box["x"] + box["width"] * right, box["y"] + box["height"] * bottom, steps=12)
        worker.page.mouse.up()
    worker.shoot("signature")
    save.click()
    worker.page.locator("[data-files-list] a", has_text="客户签字.jpg").wait_for()
    assert kept() == [("客户签字.jpg", AttachmentPurpose.SIGNATURE)]
    shown = worker.page.locator("[data-files-list] img")
    assert width_of(worker) > 100
    dark = worker.page.evaluate(
        """async (address) => {
            const picture = await createImageBitmap(await (await fetch(address)).blob());
            const { width, height } = picture;
            const canvas = Object.assign(document.createElement("canvas"), { width, height });
            const pen = canvas.getContext("2d");
            pen.drawImage(picture, 0, 0);
            const seen = pen.getImageData(0, 0, width, height).data;
            return seen.filter((value, index) => index % 4 === 0 && value < 100).length;
        }""",
        shown.get_attribute("src"),
    )
    assert dark > 50, "the strokes are on the picture"
    worker.page.locator("[data-signature-clear]").click()
    assert save.is_disabled()


def test_a_photo_of_the_signed_paper_does_where_nobody_can_draw(visit, order, kept):
    worker = visit("north-technician", has_scripts=False)
    worker.open(f"/work_orders/details/?id={order.id}")
    assert worker.page.locator(".signature-pad").is_hidden()
    worker.page.locator("[data-signature-photo]").set_input_files([file_of("签字单.jpg", pictures.photo(80, 70))])
    worker.follow(".signature [data-files-send]")
    assert worker.sees("已上传「签字单.jpg」（客户签字）。")
    assert kept() == [("签字单.jpg", AttachmentPurpose.SIGNATURE)]
