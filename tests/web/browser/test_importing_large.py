"""Taking back a large import in a browser: what it would do is reckoned behind the page, and followed on it."""

import pytest

from importers import foresight
from tasks.relay import do_without
from tenant.journal import CLOCKWORK
from tenant.models import Unit
from web.browser.test_importing_sheets import previewed, put_right, write

pytestmark = pytest.mark.browser

BUILDINGS = {"desk": "73", "phone": "74"}


@pytest.mark.parametrize("has_scripts", [True, False])
def test_what_undoing_would_do_is_asked_for_followed_and_listed(
    visit, size, works, database, cast, monkeypatch, has_scripts
):
    monkeypatch.setattr(foresight, "LARGE", 1)
    number = f"{BUILDINGS[size]}{int(has_scripts)}"
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        session.add_all(
            Unit(office_id=cast.north.id, number=f"{number}-1-{room}", room=room) for room in ("101", "102")
        )
        session.commit()
    clerk = visit("north-office_admin", has_scripts=has_scripts)
    previewed(clerk, "parking", number)
    put_right(clerk, "parking")
    write(clerk, "parking", works, has_scripts=has_scripts)
    clerk.follow("text=撤销这次导入")
    assert clerk.page.url.endswith("/undo")
    assert clerk.sees("正在核对「车位台账")
    assert clerk.overflow() <= 0
    clerk.shoot("undo-large-reckoning")
    do_without(works)
    clerk.page.wait_for_selector("text=核对的结果", timeout=60_000)
    assert clerk.sees("全部可以恢复")
    assert clerk.overflow() <= 0
    clerk.shoot("undo-large-reckoned")
    clerk.page.click("button:has-text('撤销这次导入')", no_wait_after=has_scripts)
    if has_scripts:
        clerk.confirm()
    do_without(works)
    clerk.page.wait_for_selector("text=的写入已撤销", timeout=60_000)
