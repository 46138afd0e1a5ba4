"""The outbox at desk and phone width: several mails sent again at once, all mail stopped and let go."""

from datetime import timedelta

import pytest

from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import DueAction, Mail
from tenant.rules.terms import DueState, MailClass, MailState
from tenant.services import clockwork, mails

pytestmark = pytest.mark.browser

NAMES = ("钱若水", "孙初霁", "周既白")


@pytest.fixture
def unsure(database, cast, size):
    """Three mails of the north nobody knows the fate of; their ids."""
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        made = [
            mails.queue(
                session,
                mails.MailDraft(
                    office_id=cast.north.id,
                    dedup_key=f"browser-{size}-{name}",
                    mail_class=MailClass.NOTICE,
                    recipient_name=f"{name}{size}",
                    recipient_address="someone@wuguan.invalid",
                    subject=f"停水通知：{name}",
                    text_body="今晚 22:00 至次日 6:00 停水。",
                    html_body="<p>今晚 22:00 至次日 6:00 停水。</p>",
                    subject_kind="office",
                    subject_id=cast.north.id,
                ),
            )
            for name in NAMES
        ]
        for mail in made:
            assert mail is not None
            mail.state, mail.last_error = MailState.UNKNOWN, "发送中断，不能确定是否已送达"
        session.commit()
        return [mail.id for mail in made if mail is not None]


def states(database, cast, ids) -> list[MailState]:
    """Return how the mails stand now."""
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        return [session.get_one(Mail, mail_id).state for mail_id in ids]


def test_two_of_unknown_fate_are_found_and_sent_again_at_once(visit, database, cast, unsure, size):
    supervisor = visit("north-supervisor")
    supervisor.open("/outbox/?state=unknown")
    supervisor.page.fill("main input[name=q]", f"{NAMES[0]}{size}")
    supervisor.follow("main form[role=search] button")
    assert supervisor.page.locator(".mail-line").count() == 1
    assert "q=" not in supervisor.page.url
    supervisor.follow(".mail-open")
    assert supervisor.sees("系统不会自行重发")
    assert supervisor.sees("s***@wuguan.invalid")
    assert "停水" in supervisor.page.frame_locator("iframe.mail-frame").locator("body").inner_text()
    assert supervisor.overflow() <= 0
    supervisor.shoot("outbox-reading")
    supervisor.open("/outbox/?state=unknown")
    bar = supervisor.page.locator("[data-selection]")
    assert not bar.is_visible()
    for key in "jjkx":
        supervisor.page.keyboard.press(key)
    assert supervisor.page.is_checked("[data-choose] >> nth=0")
    supervisor.page.click("[data-choose-none]")
    assert not bar.is_visible()
    for name in NAMES[:2]:
        supervisor.page.check(f"input[aria-label*='{name}{size}']")
    assert "已选 2 封" in bar.inner_text()
    assert not bar.get_by_text("扣发").first.is_visible()
    supervisor.shoot("outbox-chosen")
    supervisor.page.click("[data-selection] button[value=again]")
    asked = supervisor.page.inner_text("dialog[open]")
    assert "重新发送 2 封邮件？" in asked
    assert f"{NAMES[0]}{size} <s***@wuguan.invalid>" in asked
    assert "会收到两封" in asked
    supervisor.shoot("outbox-asked")
    supervisor.confirm()
    assert supervisor.sees("已排入待发送：2 封")
    assert sorted(states(database, cast, unsure)) == ["queued", "queued", "unknown"]
    supervisor.open(f"/outbox/?mail={unsure[2]}")
    supervisor.page.click("main form[action$='/delivered'] button")
    supervisor.confirm()
    assert supervisor.sees("已确认送达")
    assert supervisor.sees("结果不明 → 已发送")
    assert states(database, cast, unsure)[2] is MailState.SENT
    supervisor.shoot("outbox-decided")
    supervisor.open("/outbox/?state=waiting")
    supervisor.page.check(f"input[aria-label*='{NAMES[0]}{size}']")
    supervisor.page.click("[data-selection] summary")
    supervisor.page.fill("#reason-of-chosen", "改用电话通知")
    supervisor.page.keyboard.press("Enter")
    assert "扣发 1 封邮件？" in supervisor.page.inner_text("dialog[open]")
    supervisor.confirm()
    assert supervisor.sees("已扣发：1 封")


def test_headquarters_stops_all_mail_and_lets_it_go(visit):
    centre, director = visit("group_centre"), visit("north-director")
    centre.open("/outbox/")
    centre.page.click("summary:has-text('全部停发')")
    centre.page.fill("#stop-reason", "邮件模板有误")
    centre.shoot("outbox-stop")
    centre.page.click("form[action$='/stop'] button")
    assert "封待发送的邮件" in centre.page.inner_text("dialog[open]")
    centre.confirm()
    assert centre.sees("停发全部邮件：邮件模板有误")
    assert centre.overflow() <= 0
    centre.shoot("outbox-stopped")
    director.open("/outbox/")
    assert director.sees("恢复前不会发出任何邮件")
    assert director.page.locator("form[action$='/resume']").count() == 0
    centre.page.click("form[action$='/resume'] button")
    centre.confirm()
    assert centre.sees("已恢复发信")
    director.open("/outbox/")
    assert not director.sees("停发全部邮件：邮件模板有误")


def test_a_stopped_action_is_tried_anew_from_the_clockworks_page(visit, database, cast, size):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        action_id = clockwork.plan(
            session,
            office_id=cast.north.id,
            rule="dunning",
            subject_kind="owner",
            subject_id=cast.north.owner.id,
            due_at=clock.now() - timedelta(hours=1),
            cycle=size,
        )
        assert action_id is not None
        action = session.get_one(DueAction, action_id)
        action.state, action.attempts, action.last_error = DueState.DEAD, 5, "数据库连接中断"
        session.commit()
    director = visit("north-director")
    director.open("/clockwork")
    assert director.overflow() <= 0
    director.shoot("clockwork")
    director.page.click("#stopped button:has-text('重试') >> nth=0")
    assert cast.north.owner.name in director.page.inner_text("dialog[open]")
    director.confirm()
    assert director.sees("马上再试")
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert session.get_one(DueAction, action_id).state is not DueState.DEAD
    director.page.fill("#timetable input[name=at] >> nth=0", "10:30")
    director.follow("#timetable button:has-text('保存') >> nth=0")
    assert director.sees("本处另定")
    director.follow("#timetable button:has-text('按集团时间')")
    assert not director.sees("本处另定")
