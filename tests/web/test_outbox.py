"""The outbox: who reads which mail, who decides about it, what the group's switch says, what the record keeps."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from lxml import html
from sqlalchemy import select

from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Mail
from tenant.rules.terms import MailClass, MailState, Role
from tenant.scoping import Scope
from tenant.services import mails

EVERYWHERE = Scope.everywhere()
_numbers = count(1)


def text_of(answer) -> str:
    """Return what a page says."""
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def words_of(answer) -> str:
    """Return what a page says to who reads it, without its markup."""
    return " ".join(html.fromstring(text_of(answer)).xpath("//main")[0].text_content().split())


def told(answer) -> list[str]:
    """Return what a page of refusal says, without the number of its request."""
    page = html.fromstring(answer.get_data(as_text=True))
    return list(page.xpath("//*[contains(@class, 'fault')]//text()[not(parent::*[@class='code'])]"))


@pytest.fixture(scope="module")
def people(sign_in, cast):
    """Everybody these tests need, each at a browser."""
    north, south, group = cast.north.people, cast.south.people, cast.group
    return {
        "director": sign_in(north[Role.DIRECTOR].staff),
        "supervisor": sign_in(north[Role.SUPERVISOR].staff),
        "finance": sign_in(north[Role.FINANCE_ASSISTANT].staff),
        "clerk": sign_in(north[Role.OFFICE_ADMIN].staff),
        "desk": sign_in(north[Role.FRONT_DESK].staff),
        "stranger": sign_in(south[Role.DIRECTOR].staff),
        "centre": sign_in(group[Role.GROUP_CENTRE].staff),
        "keeper": sign_in(group[Role.SYSTEM_ADMIN].staff),
    }


@pytest.fixture
def write(database, cast) -> Callable[..., Mail]:
    """Write a mail of an office and bring it into a state."""

    def written(
        state: MailState = MailState.QUEUED, *, house=None, name="顾念慈", subject="停水通知", **columns
    ) -> Mail:
        office, number = house or cast.north, next(_numbers)
        with database.session(EVERYWHERE, CLOCKWORK) as session:
            mail = mails.queue(
                session,
                mails.MailDraft(
                    office_id=office.id,
                    dedup_key=f"outbox-{number}",
                    mail_class=columns.pop("mail_class", MailClass.NOTICE),
                    recipient_name=name,
                    recipient_address=f"person{number}@wuguan.invalid",
                    subject=subject,
                    text_body="今晚停水。",
                    html_body="<p>今晚停水。</p>",
                    subject_kind="office",
                    subject_id=office.id,
                    not_before=clock.now() + timedelta(days=30),
                ),
            )
            assert mail is not None
            session.flush()
            for column, value in ({"state": state} | columns).items():
                setattr(mail, column, value)
            session.commit()
            return fresh(database, mail.id)

    return written


def fresh(database, mail_id: int) -> Mail:
    """Return a mail as it stands now."""
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        return session.get_one(Mail, mail_id)


def decide(browser, mail: Mail, deed: str, **form):
    """Press one of a mail's buttons, as its page has it."""
    back = f"/outbox/?mail={mail.id}"
    return browser.post(f"/outbox/{mail.id}/{deed}", {"version": mail.version, "url": back, **form})


DEEDS = [
    ("delivered", MailState.UNKNOWN, MailState.SENT),
    ("again", MailState.UNKNOWN, MailState.QUEUED),
    ("again", MailState.FAILED, MailState.QUEUED),
    ("again", MailState.BOUNCED, MailState.QUEUED),
    ("withhold", MailState.QUEUED, MailState.WITHHELD),
    ("release", MailState.WITHHELD, MailState.QUEUED),
]


@pytest.mark.parametrize(("deed", "before", "after"), DEEDS, ids=lambda value: getattr(value, "value", value))
def test_each_deed_does_what_it_says_and_is_on_the_record(people, database, write, record, cast, deed, before, after):
    mail = write(before)
    page = words_of(people["supervisor"].get(f"/outbox/?mail={mail.id}"))
    assert before.label in page
    answer = decide(people["supervisor"], mail, deed, reason="核实过")
    assert answer.status_code == 302
    assert fresh(database, mail.id).state is after
    entry = record("mail.update")[0]
    assert (entry.subject_id, entry.office_id) == (mail.id, cast.north.id)
    assert entry.actor_name == cast.north.people[Role.SUPERVISOR].staff.name
    assert (entry.before["state"], entry.after["state"]) == (before.value, after.value)
    assert entry.request_id == answer.headers["X-Request-Id"]
    told = words_of(people["supervisor"].get(f"/outbox/?mail={mail.id}"))
    assert f"{before.label} → {after.label}" in told
    assert cast.north.people[Role.SUPERVISOR].staff.name in told


@pytest.mark.parametrize(("deed", "before", "after"), DEEDS, ids=lambda value: getattr(value, "value", value))
def test_a_second_click_decides_nothing_and_says_how_the_mail_stands(people, database, write, deed, before, after):
    mail = write(before)
    decide(people["director"], mail, deed, reason="核实过")
    once = fresh(database, mail.id)
    assert decide(people["supervisor"], mail, deed, reason="核实过").status_code == 302
    twice = fresh(database, mail.id)
    assert (twice.state, twice.version, twice.resends) == (after, once.version, once.resends)
    assert f"现在是「{after.label}」" in words_of(people["supervisor"].get(f"/outbox/?mail={mail.id}"))


def test_who_may_read_and_not_act_sees_no_button_and_is_refused(people, database, write, record):
    mail = write(MailState.UNKNOWN)
    for name in ("finance", "clerk", "centre"):
        page = text_of(people[name].get(f"/outbox/?mail={mail.id}"))
        assert f"/outbox/{mail.id}/" in page, name  # the frame with its body
        for words in (f"/outbox/{mail.id}/again", "data-choose", "/outbox/chosen"):
            assert words not in page, (name, words)
        assert decide(people[name], mail, "again").status_code == 403, name
        chosen = {"action": "again", "rowid": f"{mail.id}.{mail.version}"}
        assert people[name].post("/outbox/chosen", chosen).status_code == 403, name
        assert record("access.denied")[0].after["path"] == "/outbox/chosen"
    assert people["desk"].get("/outbox/").status_code == 403
    assert fresh(database, mail.id).state is MailState.UNKNOWN


def test_headquarters_own_keeper_decides_for_any_office(people, database, write, cast):
    mail = write(MailState.FAILED, house=cast.south)
    assert decide(people["keeper"], mail, "again").status_code == 302
    assert fresh(database, mail.id).state is MailState.QUEUED


def test_another_offices_mail_is_missing_to_the_letter(people, database, write, cast):
    mail = write(MailState.UNKNOWN, house=cast.south, name="苏明远", subject="南苑停电")
    for path in ("body", "delivered", "again", "withhold", "release"):
        ask = people["director"].get if path == "body" else people["director"].post
        answers = [ask(f"/outbox/{number}/{path}") for number in (mail.id, 999_999_999)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert told(answers[0]) == told(answers[1]), path
    assert "南苑停电" not in text_of(people["director"].get(f"/outbox/?mail={mail.id}"))
    chosen = {"action": "again", "rowid": [f"{mail.id}.{mail.version}"], "url": "/outbox/"}
    assert people["director"].post("/outbox/chosen", chosen).status_code == 302
    assert fresh(database, mail.id).state is MailState.UNKNOWN
    assert decide(people["stranger"], mail, "delivered").status_code == 302
    assert people["director"].post("/outbox/1/nonsense").status_code == 404


def test_searching_finds_by_name_subject_and_number_and_stays_inside(people, write, cast):
    own = write(name="钱若水", subject="北苑催缴提醒 42%_")
    write(house=cast.south, name="钱若水", subject="南苑催缴提醒")
    for words in ("钱若水", "催缴提醒 42%_", own.message_id, own.message_id.strip("<>")):
        found = words_of(people["director"].post("/outbox/", {"q": words}))
        assert "北苑催缴提醒" in found, words
        assert "南苑催缴提醒" not in found, words
    assert "没有符合条件的邮件" in words_of(people["director"].post("/outbox/", {"q": "42%%"}))
    assert "没有符合条件的邮件" in words_of(people["director"].post("/outbox/", {"q": own.recipient_address}))
    both = words_of(people["centre"].post("/outbox/", {"q": "钱若水"}))
    assert "南苑催缴提醒" in both
    one = words_of(people["centre"].post(f"/outbox/?office={cast.south.id}", {"q": "钱若水"}))
    assert "南苑催缴提醒" in one
    assert "北苑催缴提醒" not in one


def test_words_looked_for_stand_in_no_address(people, write):
    write(name="周既白")
    assert "没有符合条件" not in words_of(people["director"].get("/outbox/?q=没有这个人"))
    page = html.fromstring(text_of(people["director"].post("/outbox/", {"q": "周既白"})))
    links = page.xpath("//main//@href | //main//form/@action | //main//input[@name='url']/@value")
    assert links
    assert not [link for link in links if "周既白" in link or "%E5%91%A8" in link]


def test_an_opened_mail_keeps_the_words_it_was_found_by(people, write):
    mail = write(name="孙初霁", subject="装修须知")
    write(name="别的人", subject="别的事")
    page = words_of(people["director"].post("/outbox/", {"q": "孙初霁", "mail": mail.id}))
    assert mail.message_id in page
    assert "别的事" not in page


def test_lists_narrow_by_state_class_and_office_and_count(people, write, cast):
    failed = write(MailState.FAILED, subject="一封失败的", mail_class=MailClass.LEGAL)
    write(MailState.SENT, subject="一封发出的")
    write(MailState.FAILED, house=cast.south, subject="南边失败的")
    page = words_of(people["director"].get("/outbox/?state=failed"))
    assert "一封失败的" in page
    assert "一封发出的" not in page
    legal = words_of(people["director"].get("/outbox/?class=legal"))
    assert "一封失败的" in legal
    assert "一封发出的" not in legal
    tabs = html.fromstring(text_of(people["director"].get("/outbox/")))
    tab = tabs.xpath("//nav[@aria-label='按状态']/a[contains(., '发送失败')]")[0].text_content().split()
    assert int(tab[-1]) == sum(
        line.count("发送失败") for line in html.fromstring(page_of_failed(people)).xpath("//*[@data-row]//text()")
    )
    south = words_of(people["centre"].get(f"/outbox/?office={cast.south.id}&state=failed"))
    assert "南边失败的" in south
    assert "一封失败的" not in south
    assert failed.mail_class is MailClass.LEGAL
    for nonsense in ("state=x", "class=x", "office=x", "office=999999", "before=x", "before=-1", "mail=x", "mail=1%00"):
        assert people["director"].get(f"/outbox/?{nonsense}").status_code == 200, nonsense


def page_of_failed(people) -> str:
    """Return the page of the north's failed mails."""
    return text_of(people["director"].get("/outbox/?state=failed"))


def test_the_navigation_counts_what_waits_for_a_person(people, write):
    def counted() -> int:
        page = html.fromstring(text_of(people["director"].get("/workbench")))
        found = page.xpath("//nav[@id='side']//a[contains(@href, '/outbox/')]//span[starts-with(@class, 'count')]")
        return int(found[0].text_content().split()[0]) if found else 0

    before = counted()
    for state in (MailState.UNKNOWN, MailState.FAILED, MailState.BOUNCED, MailState.SENT, MailState.WITHHELD):
        write(state)
    assert counted() == before + 3


def test_several_are_decided_in_one_go_and_what_cannot_be_is_said(people, database, write):
    unknown, failed, sent = write(MailState.UNKNOWN), write(MailState.FAILED), write(MailState.SENT, subject="早已发出")
    rows = [f"{mail.id}.{mail.version}" for mail in (unknown, failed, sent)]
    form = {"action": "again", "rowid": [*rows, rows[0], "x", "1.2.3", ""], "url": "/outbox/"}
    assert people["director"].post("/outbox/chosen", form).status_code == 302
    assert [fresh(database, mail.id).state for mail in (unknown, failed, sent)] == [
        MailState.QUEUED,
        MailState.QUEUED,
        MailState.SENT,
    ]
    assert fresh(database, unknown.id).resends == 1
    page = words_of(people["director"].get("/outbox/"))
    assert "已排入待发送：2 封" in page
    assert "「早已发出」现在是「已发送」" in page
    assert people["director"].post("/outbox/chosen", {"action": "burn", "rowid": rows}).status_code == 404


def test_keeping_back_needs_a_reason_and_the_reason_is_kept(people, database, write, record):
    mail = write()
    assert decide(people["director"], mail, "withhold", reason="  ").status_code == 302
    assert fresh(database, mail.id).state is MailState.QUEUED
    assert "原因" in words_of(people["director"].get("/outbox/"))
    decide(people["director"], mail, "withhold", reason="金额有误")
    assert record("mail.update")[0].reason == "金额有误"
    assert "金额有误" in words_of(people["director"].get(f"/outbox/?mail={mail.id}"))


def test_addresses_are_masked_also_where_a_server_repeats_them(people, write):
    mail = write(MailState.FAILED, last_error="550 <zhang.san@example.invalid>: user unknown")
    page = text_of(people["director"].get(f"/outbox/?mail={mail.id}"))
    assert mail.recipient_address not in page
    assert "zhang.san" not in page
    assert "z***@example.invalid" in page
    assert "550" in page
    assert "zhang.san" not in text_of(people["director"].get(f"/mails/details/?id={mail.id}"))


def test_a_mail_whose_body_is_cleared_says_so_and_cannot_be_sent_again(people, database, write):
    mail = write(MailState.FAILED, text_body=None, html_body=None, body_digest="ab" * 32)
    page = text_of(people["director"].get(f"/outbox/?mail={mail.id}"))
    assert "正文已按规定清除（保留 90 天）" in page
    assert "ab" * 32 in page
    assert "iframe" not in page
    assert f"/outbox/{mail.id}/again" not in page
    assert people["director"].get(f"/outbox/{mail.id}/body").status_code == 404
    decide(people["director"], mail, "again")
    assert fresh(database, mail.id).state is MailState.FAILED


def test_the_group_stops_all_mail_and_every_office_reads_why(people, database, write, record, cast):
    write()
    for name in ("director", "supervisor", "finance", "clerk"):
        assert "/outbox/stop" not in text_of(people[name].get("/outbox/")), name
        assert people[name].post("/outbox/stop", {"reason": "试试"}).status_code == 403, name
        assert people[name].post("/outbox/resume").status_code == 403, name
    page = text_of(people["keeper"].get("/outbox/"))
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        waiting = len(session.scalars(select(Mail.id).where(Mail.state == MailState.QUEUED)).all())
    assert f"现有 {waiting} 封待发送" in page
    people["keeper"].enter(cast.north.id)
    assert "/outbox/stop" not in text_of(people["keeper"].get("/outbox/"))
    assert people["keeper"].post("/outbox/stop", {"reason": "试试"}).status_code == 403
    people["keeper"].enter(None)
    assert people["keeper"].post("/outbox/stop", {"reason": " ", "url": "/outbox/"}).status_code == 302
    assert "停发全部邮件：" not in words_of(people["director"].get("/outbox/"))
    assert people["centre"].post("/outbox/stop", {"reason": "模板有误", "url": "/outbox/"}).status_code == 302
    for name in ("director", "stranger", "keeper"):
        shown = words_of(people[name].get("/outbox/"))
        assert "停发全部邮件：模板有误" in shown, name
        assert "恢复前不会发出任何邮件" in shown, name
    stopped = next(entry for entry in record("mail_gate.update") if entry.after.get("reason") == "模板有误")
    assert (stopped.actor_name, stopped.reason) == (Role.GROUP_CENTRE.label, "模板有误")
    people["keeper"].post("/outbox/stop", {"reason": "再停一次", "url": "/outbox/"})
    assert "停发全部邮件：模板有误" in words_of(people["stranger"].get("/outbox/"))
    assert people["keeper"].post("/outbox/resume", {"url": "/outbox/"}).status_code == 302
    assert "停发全部邮件：" not in words_of(people["stranger"].get("/outbox/"))
    assert record("mail_gate.update")[0].before["reason"] == "模板有误"
    people["keeper"].post("/outbox/resume", {"url": "/outbox/"})
    assert "没有停发" in words_of(people["keeper"].get("/outbox/"))


def test_the_address_of_before_leads_here(people, write):
    mail = write()
    answer = people["director"].get(f"/mailbox/?mail={mail.id}&state=trouble&q=%E5%91%A8")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/outbox/?mail={mail.id}&state=trouble")
    assert people["desk"].get("/mailbox/").status_code == 403


def test_a_page_of_the_list_ends_and_the_next_one_begins(people, write):
    for number in range(43):
        write(name="卷帙浩繁", subject=f"第 {number} 封")
    first = html.fromstring(text_of(people["director"].post("/outbox/", {"q": "卷帙浩繁"})))
    (more,) = first.xpath("//form[.//button[text()='更多']]/@action")
    second = html.fromstring(text_of(people["director"].post(more, {"q": "卷帙浩繁"})))
    subjects = [node.text_content() for page in (first, second) for node in page.xpath("//*[@data-row]//strong")]
    assert subjects == [f"第 {number} 封" for number in reversed(range(43))]
