"""The card of long work in a real browser: it moves by itself, says how fast, and gives way to the result."""

from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select

from tasks.relay import do_without
from tenant.models import Job
from tenant.services import jobs
from tenant.unscoped import Reason, across_offices

pytestmark = pytest.mark.browser

BUILDINGS = {"desk": "188", "phone": "189"}


def roster(building: str) -> bytes:
    """Return a small workbook of a building."""
    book = openpyxl.Workbook()
    for row in (["房号", "业主姓名"], *([f"{building}-1-{number}01", f"业主{number}"] for number in range(1, 6))):
        book.active.append(row)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def hold(database, held, **progress):
    """Tell how far the work is, as its worker does."""
    with across_offices(database, Reason.CLAIMING) as session:
        jobs.hold(session, held, **progress)
        session.commit()


def test_a_card_follows_the_work_survives_a_reload_and_gives_way_to_the_result(visit, size, database, works):
    building = BUILDINGS[size]
    clerk = visit("north-office_admin")
    clerk.open("/imports")
    clerk.page.set_input_files(
        "input[type=file]", {"name": f"名册{building}.xlsx", "mimeType": "", "buffer": roster(building)}
    )
    clerk.follow("text=上传并预览")
    clerk.page.click("text=确认写入")
    clerk.confirm()
    assert clerk.sees("等待后台处理")
    with across_offices(database, Reason.CLAIMING) as session:
        job_id = session.scalars(select(Job.id).order_by(Job.id.desc())).first()
        held = jobs.claim(session, job_id)
        session.commit()
    for done in range(500, 3000, 500):
        hold(database, held, phase="写入", done=done, total=5000)
        clerk.page.wait_for_selector(f"text={done:,} / 5,000", timeout=60_000)
    clerk.page.wait_for_selector("text=每秒约", timeout=60_000)
    assert clerk.page.eval_on_selector("progress", "bar => bar.value") == 50
    assert clerk.overflow() <= 0
    clerk.shoot("working")
    clerk.page.reload()
    assert clerk.sees("2,500 / 5,000")
    with across_offices(database, Reason.CLAIMING) as session:
        jobs.give_back(session, held, is_counted=False, wait=jobs.WAKE_AGAIN)
        session.commit()
    clerk.page.wait_for_selector("text=等待后台处理", timeout=60_000)
    do_without(works)
    clerk.page.wait_for_selector("text=」已写入：房屋新增 5", timeout=60_000)
    assert clerk.page.query_selector("[data-working]") is None


def test_cancelled_from_the_card_nothing_is_written(visit, size, database):
    building = f"2{BUILDINGS[size]}"
    clerk = visit("north-office_admin")
    clerk.open("/imports")
    clerk.page.set_input_files(
        "input[type=file]", {"name": f"名册{building}.xlsx", "mimeType": "", "buffer": roster(building)}
    )
    clerk.follow("text=上传并预览")
    clerk.page.click("text=确认写入")
    clerk.confirm()
    clerk.page.click("[data-working] >> text=取消写入")
    assert "预览保留" in clerk.page.inner_text("dialog[open]")
    clerk.confirm()
    assert clerk.sees("上一次写入已取消")
    assert clerk.sees("确认写入")
