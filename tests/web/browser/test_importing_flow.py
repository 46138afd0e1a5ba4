"""An import from end to end in a browser: read, columns put right, cells corrected, decided, written, undone."""

from io import BytesIO

import openpyxl
import pytest

from tasks.relay import do_without
from tenant.journal import CLOCKWORK
from tenant.models import Owner

pytestmark = pytest.mark.browser

BUILDINGS = {"desk": "388", "phone": "389"}


def roster(building: str) -> bytes:
    """Return a workbook with a title, a heading nobody knows, two cells that cannot be taken and a hidden sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "名册"
    for row in (
        [f"{building} 栋业主登记表"],
        ["房号", "业主姓名", "打得通的号", "建筑面积", "钥匙"],
        [f"{building}-1-101", "钱若水", "19900000101", 88.5, "已领两把"],
        [f"{building}-1-102", "李望舒", "19900000102", "一百平", None],
        [f"{building}-1-103", "周既白", "123", 90, "已领一把"],
    ):
        sheet.append(row)
    hidden = book.create_sheet("旧名册")
    hidden.append(["房号", "业主姓名"])
    hidden.append([f"{building}-9-901", "不应出现"])
    hidden.sheet_state = "hidden"
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def upload(clerk, name: str, content: bytes) -> None:
    """Send a file from the page of imports."""
    clerk.open("/imports")
    clerk.page.set_input_files("input[type=file]", {"name": name, "mimeType": "", "buffer": content})
    clerk.follow("text=上传并预览")


def say_how_it_is_read(clerk) -> None:
    """Give a column nobody knows a meaning and have it learnt, and put another into the note."""
    page = clerk.page
    clerk.follow("main .page-actions >> text=对列")
    assert clerk.overflow() <= 0
    assert not page.is_checked("section[aria-label='工作表 旧名册'] input[type=checkbox] >> nth=0")
    meaning = page.locator("select[aria-label*='打得通的号']")
    meaning.select_option(label="房号")
    assert page.locator(".says-so").inner_text().startswith("A 列已经当作「房号」")
    meaning.select_option(label="联系电话")
    assert page.locator(".says-so:not(:empty)").count() == 0
    page.locator("tr", has=meaning).get_by_role("checkbox").check()
    page.locator("select[aria-label*='钥匙']").select_option(label="记入备注（保留原列名）")
    clerk.shoot("importing-mapping")
    clerk.follow("text=按此预览")


def put_cells_right(clerk) -> None:
    """Go from refused cell to refused cell by keyboard, and save them at once."""
    page = clerk.page
    clerk.follow(".tabs >> text=拒绝")
    cells = page.locator("input[type=text][data-mend]")
    assert cells.count() == 2
    cells.nth(0).fill("100")
    page.keyboard.press("Enter")
    assert cells.nth(1).evaluate("cell => cell === document.activeElement")
    page.keyboard.type("19900000103")
    assert "已改 2 处" in page.inner_text("[data-mends-count]")
    assert clerk.overflow() <= 0
    clerk.shoot("importing-mending")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    assert clerk.sees("已按改正后的内容重新比对")
    assert clerk.sees("已在这里改正 2 处")
    clerk.follow(".tabs >> text=新增")
    assert clerk.sees("李望舒")
    assert clerk.sees("钥匙：已领两把")


def decide(clerk) -> None:
    """Choose what the import may do, and confirm it."""
    page = clerk.page
    page.click("summary:has-text('怎样写入')")
    page.click("text=有一行有问题就都不写入")
    page.click("text=只补空白")
    clerk.shoot("importing-choices")
    clerk.follow("text=按此重新比对")
    assert clerk.sees("只补空白：")
    page.click("text=确认写入")
    assert "房屋新增 3" in page.inner_text("dialog[open]")
    clerk.confirm()


def ask_to_undo(clerk, building: str) -> None:
    """Look at what would go back, and confirm it."""
    page = clerk.page
    clerk.open("/imports")
    clerk.follow(f"main >> text=名册{building}.xlsx")
    clerk.follow("text=撤销这次导入")
    assert clerk.sees("全部可以恢复")
    assert clerk.overflow() <= 0
    clerk.shoot("importing-undo")
    page.click("button:has-text('撤销这次导入')")
    assert "不能再恢复" in page.inner_text("dialog[open]")
    clerk.confirm()


def test_a_roster_is_read_put_right_written_and_undone(visit, size, works):
    building = BUILDINGS[size]
    clerk = visit("north-office_admin")
    upload(clerk, f"名册{building}.xlsx", roster(building))
    say_how_it_is_read(clerk)
    put_cells_right(clerk)
    decide(clerk)
    do_without(works)
    clerk.page.wait_for_selector("text=」已写入：房屋新增 3", timeout=60_000)
    clerk.shoot("importing-written")
    clerk.open(f"/units/?search={building}-1-10")
    assert clerk.sees(f"{building}-1-103")
    ask_to_undo(clerk, building)
    do_without(works)
    clerk.page.wait_for_selector("text=的写入已撤销", timeout=60_000)
    clerk.shoot("importing-undone")
    clerk.open(f"/units/?search={building}-1-10")
    assert not clerk.sees(f"{building}-1-103")


def test_what_was_learnt_and_remembered_is_read_so_the_next_time(visit, size):
    building = f"4{BUILDINGS[size]}"
    clerk = visit("north-office_admin")
    upload(clerk, f"名册{building}.xlsx", roster(building))
    clerk.follow("main .page-actions >> text=对列")
    chosen = clerk.page.locator("select[aria-label*='打得通的号'] option:checked")
    if chosen.inner_text() == "不读取":
        clerk.page.locator("select[aria-label*='打得通的号']").select_option(label="联系电话")
        clerk.follow("text=按此预览")
        upload(clerk, f"名册{building}乙.xlsx", roster(f"5{building}"))
        clerk.follow("main .page-actions >> text=对列")
    assert chosen.inner_text() == "联系电话"


def test_a_sheet_whose_heading_was_not_found_is_shown_row_by_row_to_choose_from(visit, size):
    book = openpyxl.Workbook()
    ours, theirs = f"甲{size}", f"乙{size}"
    for row in ([ours, theirs], [f"7{BUILDINGS[size]}-1-101", "钱若水"], [f"7{BUILDINGS[size]}-1-102", "李望舒"]):
        book.active.append(row)
    written = BytesIO()
    book.save(written)
    clerk = visit("north-office_admin")
    upload(clerk, f"无表头{size}.xlsx", written.getvalue())
    assert clerk.page.url.endswith("/mapping")
    assert clerk.sees("待对列")
    assert clerk.overflow() <= 0
    clerk.shoot("importing-no-heading")
    clerk.page.check(f"tr:has-text('{ours}') input[type=radio]")
    clerk.follow("text=按所选的行重新识别")
    clerk.page.locator(f"select[aria-label*='{ours}']").select_option(label="房号")
    clerk.page.locator(f"select[aria-label*='{theirs}']").select_option(label="业主姓名")
    clerk.follow("text=按此预览")
    assert clerk.sees(f"7{BUILDINGS[size]}-1-101")
    assert clerk.sees("已预览")


def test_who_is_meant_is_asked_on_the_page_and_answered_there(visit, size, database, cast):
    name, building = f"王同名{size}", f"6{BUILDINGS[size]}"
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        session.add_all(Owner(office_id=cast.north.id, name=name, phone="19900000088") for _ in range(2))
        session.commit()
    book = openpyxl.Workbook()
    for row in (["房号", "业主姓名", "联系电话"], [f"{building}-1-101", name, "19900000088"]):
        book.active.append(row)
    written = BytesIO()
    book.save(written)
    clerk = visit("north-office_admin")
    upload(clerk, f"同名{size}.xlsx", written.getvalue())
    assert clerk.sees("是哪一位？")
    assert clerk.overflow() <= 0
    clerk.page.click(".question label >> nth=0")
    assert "已改 1 处" in clerk.page.inner_text("[data-mends-count]")
    clerk.shoot("importing-question")
    clerk.follow("text=保存改正并重新比对")
    assert clerk.sees("已在这里改正 1 处")
    clerk.follow(".tabs >> text=新增")
    assert clerk.sees(f"{building}-1-101")
