"""Sheets of parking, meters and receipts from end to end in a browser, also in one that runs no script."""

import datetime as dt
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select

import make
from tasks.relay import do_without
from tenant.journal import CLOCKWORK
from tenant.models import Unit

pytestmark = pytest.mark.browser

BUILDINGS = {"desk": "71", "phone": "72"}
KINDS = {"parking": "车位台账", "meters": "抄表记录", "payments": "收款登记"}


@pytest.fixture
def house(database, cast, size):
    """A building of two flats whose owners owe for January, once for each width; its number."""
    number = BUILDINGS[size]
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        if session.scalar(select(Unit.id).where(Unit.number == f"{number}-1-101")) is None:
            kind = make.charge_type(session, cast.north.id, name=f"物业服务费{number}")
            for room, name in (("101", "钱若水"), ("102", "李望舒")):
                unit = make.unit(session, cast.north.id, number=f"{number}-1-{room}")
                owner = make.owner(session, cast.north.id, name=name)
                make.ownership(session, unit, owner)
                period = {"period_from": dt.date(2026, 1, 1), "period_to": dt.date(2026, 1, 31)}
                make.charge(session, unit, owner, dt.date(2026, 1, 10), charge_type=kind, amount=Decimal(300), **period)
            session.commit()
    return number


def book(*rows, merged=()) -> bytes:
    """Return a workbook as an office keeps it: a title over the table, cells merged, a signature below."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for span in merged:
        made.active.merge_cells(span)
    written = BytesIO()
    made.save(written)
    return written.getvalue()


def parking(number: str) -> bytes:
    """Return a ledger with two plates in one cell, a rent in words and a plate nobody can have."""
    return book(
        [f"{number} 栋地下车位租赁台账（2026 年）"],
        ["序号", "车位", "车位性质", "房号", "车主", "车牌号码", "承租人", "月租金", "起租日期", "到期日", "备注"],
        [
            *(1, f"B{number}-023", "人防", f"{number}-1-101", "钱若水", "粤B·7K012、粤BD10234"),
            *("钱若水", "￥300.00元/月", "2026.1.1", "2026年12月31日", None),
        ],
        [2, f"B{number}-24", "产权", f"{number}-1-102", "李望舒", "粤B12O45", None, None, None, None, "私家"],
        [3, f"B{number}-25", "公共", None, None, None, None, None, None, None, "／"],
        ["合计", 3],
        ["制表人：王安", None, None, "审核："],
        merged=("A1:K1",),
    )


def meters(number: str) -> bytes:
    """Return a month's readings under a heading of two rows, one of them running backwards."""
    return book(
        [f"{number} 栋水表抄表记录"],
        ["房号", "水表号", "上月", None, "本月", None, "用水量", "抄表人"],
        [None, None, "抄表日期", "读数", "抄表日期", "读数", None, None],
        [f"{number}-1-101", f"S{number}01", "2026-09-30", 120, "2026-10-31", 131.5, 11.5, "王安"],
        [f"{number}-1-102", f"S{number}02", "2026-09-30", 98, "2026-10-31", 89, None, "王安"],
        merged=("A1:H1", "C2:D2", "E2:F2", "A2:A3", "B2:B3", "G2:G3", "H2:H3"),
    )


def payments(number: str) -> bytes:
    """Return receipts of a day: one with two items on two rows, one of more than is owed."""
    return book(
        ["物业收款日报"],
        ["收据编号", "房号", "交款人", "项目", "金额", "日期", "方式"],
        [f"N{number}001", f"{number}-1-101", "钱若水", f"物业服务费{number}", "200.00", "2026-02-03", "微信"],
        [f"N{number}001", f"{number}-1-101", "钱若水", f"物业服务费{number}", "100.00", "2026-02-03", "微信"],
        [f"N{number}002", f"{number}-1-102", "李望舒", None, 500, "2026-02-03", "现金"],
        ["合计", None, None, None, 800],
    )


FILES = {"parking": parking, "meters": meters, "payments": payments}
WRONG = {"parking": "车牌", "meters": "表不会倒走", "payments": "多于"}
"""What is said of the one row that cannot be taken as it stands."""
MENDED = {"parking": ("粤B12O45", "粤B12045"), "meters": ("89", "109")}
"""The cell of that row as it stands, and put right."""
WRITTEN = {
    "parking": "车位新增 3、变更 0；车辆新增 3、变更 0；车位租赁新增 1、变更 0",
    "meters": "表计新增 2、变更 0；抄表记录新增 4、变更 0",
    "payments": "实收新增 2、变更 0；核销新增 2、变更 0",
}


def previewed(clerk, kind: str, number: str) -> None:
    """Upload a file of a kind and look at what it would do."""
    clerk.open(f"/imports?kind={kind}")
    assert clerk.page.is_checked(f"input[name=kind][value={kind}]")
    file = {"name": f"{KINDS[kind]}{number}.xlsx", "mimeType": "", "buffer": FILES[kind](number)}
    clerk.page.set_input_files("input[type=file]", file)
    clerk.follow("text=上传并预览")
    assert clerk.sees("已预览")
    assert clerk.overflow() <= 0
    clerk.shoot(f"sheet-{kind}-preview")


def put_right(clerk, kind: str) -> None:
    """Put the row right that cannot be taken: a cell of it, or an answer."""
    clerk.follow(".tabs >> text=" + ("冲突" if kind == "payments" else "拒绝"))
    assert clerk.sees(WRONG[kind])
    assert clerk.sees("请指明") is (kind == "payments")
    assert clerk.overflow() <= 0
    clerk.shoot(f"sheet-{kind}-wrong")
    if kind in MENDED:
        stands, right = MENDED[kind]
        clerk.page.locator(f"input[type=text][value='{stands}']").fill(right)
    else:
        clerk.page.check("label:has-text('记为预收') input")
    clerk.follow("text=保存改正并重新比对")
    assert clerk.sees("已在这里改正 1 处")


def write(clerk, kind: str, works, *, has_scripts: bool) -> None:
    """Confirm what was looked at, and see that it was written."""
    if has_scripts:
        clerk.page.click("text=确认写入")
        assert WRITTEN[kind] in clerk.page.inner_text("dialog[open]")
        clerk.confirm()
    else:
        clerk.follow("text=确认写入")
    do_without(works)
    clerk.page.wait_for_selector(f"text=」已写入：{WRITTEN[kind]}", timeout=60_000)
    assert clerk.overflow() <= 0
    clerk.shoot(f"sheet-{kind}-written")


def take_back(clerk, kind: str, works, *, has_scripts: bool) -> None:
    """Look at what would go back, and take it back."""
    clerk.follow("text=撤销这次导入")
    assert clerk.sees("全部可以恢复")
    assert clerk.overflow() <= 0
    clerk.shoot(f"sheet-{kind}-undo")
    if has_scripts:
        clerk.page.click("button:has-text('撤销这次导入')")
        clerk.confirm()
    else:
        clerk.follow("button:has-text('撤销这次导入')")
    do_without(works)
    clerk.page.wait_for_selector("text=的写入已撤销", timeout=60_000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sheet_is_previewed_put_right_written_and_taken_back(visit, size, works, house, kind):
    clerk = visit("north-office_admin")
    previewed(clerk, kind, house)
    put_right(clerk, kind)
    write(clerk, kind, works, has_scripts=True)
    take_back(clerk, kind, works, has_scripts=True)


def test_a_sheet_is_written_and_taken_back_without_any_script(visit, works, house):
    clerk = visit("north-office_admin", has_scripts=False)
    previewed(clerk, "parking", house)
    put_right(clerk, "parking")
    write(clerk, "parking", works, has_scripts=False)
    take_back(clerk, "parking", works, has_scripts=False)
