"""What the frame promises of forms: asked before leaving, saved once, found by typing, told who was faster."""

import re

import pytest
from sqlalchemy import func, select

import make
from tenant.journal import CLOCKWORK
from tenant.models import Owner, Ticket

pytestmark = pytest.mark.browser


@pytest.fixture
def counted(database, cast):
    """Return how many rows of a model the north has."""

    def count(model) -> int:
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    return count


def test_a_reference_is_found_by_typing_and_chosen_by_keyboard(visit, cast):
    desk = visit("north-front_desk")
    desk.open("/requests/new/")
    field = desk.page.get_by_label("房屋", exact=True)
    field.fill(cast.north.unit.number[:5])
    desk.page.wait_for_selector("[role=option]")
    desk.shoot("reference")
    field.press("ArrowDown")
    field.press("Enter")
    assert field.input_value() == cast.north.unit.number
    assert desk.page.input_value("input[name=unit]") == str(cast.north.unit.id)


def test_ctrl_enter_saves_and_errors_stand_at_the_field_and_above(visit, counted):
    desk = visit("north-front_desk")
    before = counted(Ticket)
    desk.open("/requests/new/")
    desk.expected.add(422)
    desk.page.get_by_label("报事人", exact=True).fill("顾念慈")
    with desk.page.expect_navigation():
        desk.page.keyboard.press("Control+Enter")
    assert desk.sees("有 1 处需要更正")
    assert desk.page.locator(".field.has-error .field-errors").inner_text() == "请填写「内容」。"
    assert desk.page.get_by_label("报事人", exact=True).input_value() == "顾念慈"
    desk.shoot("form-errors")
    desk.page.get_by_label("内容", exact=False).first.fill("楼道灯不亮")
    with desk.page.expect_navigation():
        desk.page.keyboard.press("Control+Enter")
    assert desk.sees("楼道灯不亮")
    assert counted(Ticket) == before + 1


def test_a_double_click_saves_once(visit, counted):
    desk = visit("north-front_desk")
    before = counted(Ticket)
    desk.open("/requests/new/")
    desk.page.get_by_label("内容", exact=False).first.fill("单元门不能自动关闭")
    with desk.page.expect_navigation():
        desk.page.dblclick("main button:has-text('保存') >> nth=0")
    desk.page.wait_for_load_state()
    assert counted(Ticket) == before + 1


def test_leaving_what_is_unsaved_asks(visit):
    desk = visit("north-front_desk")
    desk.open("/requests/new/")
    desk.page.get_by_label("内容", exact=False).first.press_sequentially("写了一半")
    asked = []
    desk.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    desk.page.evaluate("window.location.assign('/workbench')")
    desk.page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert desk.page.url.endswith("/requests/new/")


def test_deleting_names_the_thing_and_waits_for_the_verb(visit, counted, database, cast, size):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        owner = make.owner(session, cast.north.id, name=f"待删业主{size}")
        session.commit()
    clerk = visit("north-office_admin")
    clerk.open(f"/owners/?search={owner.name}")
    before = counted(Owner)
    clerk.page.click(f"button[aria-label='删除「{owner.name}」']")
    dialog = clerk.page.locator("dialog[open]")
    assert f"删除「{owner.name}」" in dialog.inner_text()
    assert "不能恢复" in dialog.inner_text()
    clerk.shoot("delete-asks")
    dialog.get_by_role("button", name="返回").click()
    assert counted(Owner) == before
    clerk.page.click(f"button[aria-label='删除「{owner.name}」']")
    clerk.confirm()
    assert clerk.sees("已删除")
    assert counted(Owner) == before - 1


def test_a_stale_form_gets_the_conflict_page_with_both(visit, cast, database, size):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        owner = make.owner(session, cast.north.id, name=f"同改业主{size}")
        session.commit()
    first, second = visit("north-office_admin"), visit("north-office_admin")
    for clerk in (first, second):
        clerk.open(f"/owners/edit/?id={owner.id}")
    first.page.fill("#name", f"先改{size}")
    first.follow("main button:has-text('保存') >> nth=0")
    second.page.fill("#name", f"后改{size}")
    second.expected.add(409)
    second.follow("main button:has-text('保存') >> nth=0")
    assert second.sees(f"先改{size}")
    assert second.sees(f"后改{size}")
    assert second.sees("没有保存")
    second.shoot("conflict")
    second.follow("text=从最新内容重新修改")
    assert second.page.input_value("#name") == f"先改{size}"


def test_a_filter_becomes_a_chip_in_words_that_can_be_taken_away(visit):
    clerk = visit("north-director")
    clerk.open("/requests/")
    clerk.page.click("summary:has-text('筛选')")
    clerk.page.select_option("#filter-what", "状态")
    clerk.page.select_option("[data-filter-value] select", label="已关闭")
    clerk.shoot("filter")
    clerk.follow("text=加上这个条件")
    chip = clerk.page.locator(".chip")
    assert chip.inner_text().strip() == "状态：已关闭"
    assert clerk.sees("没有符合条件的记录")
    clerk.follow(".chip a")
    assert chip.count() == 0


def test_the_keyboard_finds_moves_and_opens(visit, size):
    desk = visit("north-director")
    desk.open("/owners/")
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(re.compile("/owners/details/"))
    if size == "desk":
        desk.page.keyboard.press("/")
        assert desk.page.evaluate("document.activeElement.name") == "q"


def test_what_was_being_written_survives_the_end_of_the_session(visit, cast, counted):
    desk = visit("north-supervisor")
    desk.open("/requests/new/")
    desk.page.get_by_label("内容", exact=False).first.fill("地下车库照明不足")
    field = desk.page.get_by_label("房屋", exact=True)
    field.fill(cast.north.unit.number[:5])
    desk.page.wait_for_selector("[role=option]")
    field.press("Enter")
    desk.page.context.clear_cookies()
    desk.expected.add(400)
    desk.follow("main button:has-text('保存') >> nth=0")
    desk.sign_in("north-supervisor")
    desk.open("/requests/new/")
    assert desk.sees("已恢复您上次没有保存的内容")
    assert desk.page.get_by_label("内容", exact=False).first.input_value() == "地下车库照明不足"
    assert desk.page.get_by_label("房屋", exact=True).input_value() == cast.north.unit.number
    desk.shoot("draft")
    before = counted(Ticket)
    desk.follow("main button:has-text('保存') >> nth=0")
    assert counted(Ticket) == before + 1
    desk.open("/requests/new/")
    assert not desk.sees("已恢复")


def test_a_row_opens_a_panel_beside_the_list_first_and_its_page_second(visit, cast, size):
    desk = visit("north-director")
    desk.open("/owners/")
    row = desk.page.locator("tr[data-href]").first
    if size == "phone":
        row.locator("a").first.click()
        desk.page.wait_for_url(re.compile("/owners/details/"))
        return
    row.locator("td").nth(1).click()
    panel = desk.page.locator("aside.panel")
    panel.wait_for()
    assert cast.north.owner.name in desk.page.inner_text("aside.panel") or panel.locator("dl.facts").count() == 1
    desk.shoot("panel")
    desk.page.keyboard.press("Escape")
    assert panel.count() == 0
    row.locator("td").nth(1).click()
    panel.get_by_role("link", name="打开整页").click()
    desk.page.wait_for_url(re.compile("/owners/details/"))


def test_columns_are_chosen_and_remembered(visit, size):
    desk = visit("north-director")
    desk.open("/owners/")
    heading = desk.page.locator("th[data-column=kind]")
    if size == "phone":
        assert not desk.page.locator("[data-columns]").is_visible()
        return
    assert heading.is_visible()
    desk.page.click("summary:has-text('列')")
    desk.page.locator("[data-columns] label", has_text="类别").click()
    assert not heading.is_visible()
    desk.open("/owners/")
    assert not desk.page.locator("th[data-column=kind]").is_visible()
