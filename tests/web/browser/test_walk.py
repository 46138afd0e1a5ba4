"""The main job, walked by those who do it: roster in, overdue request up the line, reminder out, all on the record."""

from datetime import timedelta
from io import BytesIO

import openpyxl
import pytest

import make
from tasks import sweeps
from tasks.relay import do_without
from tenant import clock
from tenant.models import Ticket
from tenant.rules.terms import Role
from tenant.scoping import Scope
from tenant.services import requests
from tenant.unscoped import Reason, across_offices

pytestmark = pytest.mark.browser

BUILDINGS = {"desk": "88", "phone": "89"}


def roster(building: str) -> bytes:
    """Return a workbook as offices have them: a title, a blank row, a note at the side, several owners in a cell."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "业主名册"
    for row in (
        ["北苑业主信息登记表"],
        [],
        ["序号", "楼栋", "单元", "房号", "建筑面积", "业主姓名", "联系电话", "身份证号"],
        [1, f"{building}栋", "1单元", "101", "89.50", f"钱若水{building}", "13900000001", None],
        [2, f"{building}栋", "1单元", "102", "120.3㎡", f"孙初霁{building}、李望舒{building}", None, None],
        [3, f"{building}栋", "1单元", "201", "一百平", f"周既白{building}", "13900000004", None],
    ):
        sheet.append(row)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.fixture(scope="module")
def happened(app, database, cast):
    """A request of the north that nobody answered for three hours, a charge nobody paid for two months: swept."""
    settings, at = app.extensions["wuguan.settings"], clock.now()
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        request = requests.register_request(
            session,
            office_id=cast.north.id,
            unit_id=cast.north.unit.id,
            content="厨房水管爆裂，水已漫到客厅",
            received_at=at - timedelta(hours=3),
        )
        unit, owner = session.merge(cast.north.unit), session.merge(cast.north.owner)
        make.charge(session, unit, owner, at.date() - timedelta(days=65))
        session.commit()
        number = request.ticket.number
    for sweep in (sweeps.run_escalations, sweeps.run_dunning, sweeps.run_mail):
        sweep(database, at, None, settings=settings)
    return number


def test_an_office_imports_its_roster_and_finds_its_people(visit, size, works):
    building = BUILDINGS[size]
    clerk = visit("north-office_admin")
    clerk.open("/imports")
    clerk.shoot("import-1-upload")
    clerk.page.set_input_files(
        "input[type=file]", {"name": f"名册{building}.xlsx", "mimeType": "", "buffer": roster(building)}
    )
    assert clerk.sees(f"名册{building}.xlsx")
    clerk.follow("text=上传并预览")
    assert clerk.sees("钱若水")
    clerk.shoot("import-2-preview")
    clerk.page.fill("main input[name=q]", f"李望舒{building}")
    with clerk.page.expect_navigation():
        clerk.page.keyboard.press("Enter")
    assert clerk.sees(f"{building}-1-102")
    assert not clerk.sees(f"{building}-1-101")
    assert "李望舒" not in clerk.page.url
    clerk.follow(".tabs >> text=拒绝")
    assert clerk.sees("一百平")
    assert clerk.sees("请只填数字")
    clerk.shoot("import-3-refused")
    with clerk.page.expect_download() as download:
        clerk.page.click("text=下载待改正的工作簿")
    assert download.value.suggested_filename == f"名册{building}-待改正.xlsx"
    clerk.page.click("text=确认写入")
    assert "房屋新增 2" in clerk.page.inner_text("dialog[open]")
    clerk.shoot("import-4-confirm")
    clerk.confirm()
    assert clerk.sees("等待后台处理")
    clerk.shoot("import-5-progress")
    do_without(works)
    clerk.page.wait_for_selector("text=」已写入：", timeout=60_000)
    clerk.shoot("import-6-result")

    clerk.open("/owners/")
    clerk.page.fill("main input[name=search]", f"钱若水{building}")
    with clerk.page.expect_navigation():
        clerk.page.keyboard.press("Enter")
    assert clerk.sees(f"钱若水{building}")
    assert clerk.sees("139****0001")
    clerk.shoot("owners-found")
    clerk.open("/units/?search=" + f"{building}-1-10")
    assert clerk.sees(f"{building}-1-101")
    assert clerk.sees(f"{building}-1-102")


def test_an_overdue_request_stands_on_the_workbench_and_the_right_people_have_a_mail(visit, happened):
    director = visit("north-director")
    director.open("/workbench")
    assert director.sees(happened)
    assert director.sees("超时")
    assert director.sees("已升级")
    director.shoot("workbench")
    director.follow(f"main >> text={happened} >> nth=0")
    assert director.sees("厨房水管爆裂")
    for section in ("时限", "升级", "邮件"):
        assert director.page.locator(f"section[aria-label={section}]").count() == 1
    director.shoot("request")
    director.open("/outbox/")
    assert director.sees(happened)
    director.follow(f".mail-list .mail-open:has-text('{happened}') >> nth=0")
    assert director.sees("已发送")
    body = director.page.frame_locator("iframe.mail-frame").locator("body")
    assert happened in body.inner_text()
    director.shoot("mail")


def test_an_owner_in_arrears_has_a_reminder(visit, happened, cast):
    finance = visit("north-finance_assistant")
    finance.open("/dunning_notices/")
    assert finance.sees(cast.north.owner.name)
    finance.shoot("dunning")
    finance.open("/outbox/")
    assert finance.page.locator(f".mail-list .mail-open:has-text('{cast.north.owner.name}')").count() >= 1


def test_all_of_it_stands_on_the_record(visit, happened):
    auditor = visit("auditor")
    auditor.open("/audit")
    auditor.shoot("audit")
    auditor.page.select_option("select[name=kind]", "escalation")
    auditor.follow("text=查询")
    assert auditor.sees("新建升级")
    assert auditor.sees("北苑管理处")
    auditor.shoot("audit-escalations")
    auditor.open("/audit?kind=mail")
    assert auditor.sees("新建邮件")
    with auditor.page.expect_download() as download:
        auditor.page.click("main >> text=导出")
    assert download.value.suggested_filename.endswith(".xlsx")


def test_headquarters_sees_it_across_offices_and_enters_one_in_a_frame(visit, happened):
    centre = visit("group_centre")
    centre.open("/supervision")
    assert centre.sees("北苑管理处")
    assert centre.sees("南苑管理处")
    assert centre.sees(happened)
    centre.shoot("supervision")
    centre.follow("button[aria-label='进入北苑管理处']")
    assert centre.sees("您以总部身份查看「北苑管理处」")
    assert "is-visiting" in (centre.page.get_attribute("body", "class") or "")
    centre.shoot("inside-an-office")


def test_the_other_office_sees_nothing_of_it(visit, happened, database, cast):
    with across_offices(database, Reason.REVIEWING) as session:
        ticket = session.query(Ticket).filter(Ticket.number == happened, Ticket.office_id == cast.north.id).one()
    other = visit("south-director")
    other.open("/workbench")
    assert not other.sees(happened)
    other.open("/outbox/")
    assert not other.sees("北苑")
    other.open("/owners/?search=钱若水")
    assert other.sees("没有符合条件的记录")
    other.open("/imports")
    assert not other.sees(f"名册{BUILDINGS[other.size]}")
    other.open(f"/tickets/{ticket.id}", status=404)
    assert other.sees("没有找到")
    other.open("/imports/1", status=404)
    other.shoot("other-office-404")
    other.open("/search")
    other.page.fill("main input[name=q]", happened)
    other.follow("main form button")
    assert other.sees("没有找到")
    assert Scope.of([cast.south.id]).holds(ticket.office_id) is False
