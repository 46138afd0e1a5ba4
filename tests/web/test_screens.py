"""What the screens of our own promise: who sees which number, what is another office's, what no log reads."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select

import make
from admin.screens import figures
from audit.models import AuditEntry
from tasks import sweeps
from tasks.actors import Works
from tasks.relay import do_without
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Escalation, ImportBatch, SignIn
from tenant.rules.terms import MailClass, MailState, Role
from tenant.scoping import Scope
from tenant.services import mails, payments, requests
from tenant.services.arrears import arrears_on
from tenant.settings import Settings

EVERYWHERE = Scope.everywhere()


def text_of(answer) -> str:
    """Return what a page says."""
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def roster(*rows) -> bytes:
    """Return a workbook of these rows below the usual headings."""
    book = openpyxl.Workbook()
    for row in (["房号", "业主姓名", "联系电话"], *rows):
        book.active.append(row)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def upload(browser, content: bytes, name: str = "名册.xlsx"):
    """Send a file as the page does."""
    return browser.post("/imports", {"kind": "roster", "url": "/imports", "file": (BytesIO(content), name)})


@pytest.fixture(scope="module")
def people(sign_in, cast):
    """Those of the cast these tests need, each at a browser."""
    return {
        "technician": sign_in(cast.north.people[Role.TECHNICIAN].staff),
        "director": sign_in(cast.north.people[Role.DIRECTOR].staff),
        "clerk": sign_in(cast.north.people[Role.OFFICE_ADMIN].staff),
        "stranger": sign_in(cast.south.people[Role.DIRECTOR].staff),
        "other_clerk": sign_in(cast.south.people[Role.OFFICE_ADMIN].staff),
        "auditor": sign_in(cast.group[Role.AUDITOR].staff),
        "centre": sign_in(cast.group[Role.GROUP_CENTRE].staff),
    }


@pytest.fixture(scope="module")
def escalated(database, cast):
    """A request of the north that went up the line; its ticket's id and number."""
    at = clock.now()
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        request = requests.register_request(
            session, office_id=cast.north.id, content="电梯停运", received_at=at - timedelta(hours=2)
        )
        session.commit()
        ticket_id, number = request.ticket_id, request.ticket.number
    sweeps.run_escalations(database, at, cast.north.id, settings=Settings.from_environment({}))
    return ticket_id, number


def test_a_post_sees_only_the_numbers_of_its_areas(people, escalated):
    auditor = text_of(people["auditor"].get("/workbench"))
    assert "北苑管理处" in auditor
    for words in ("欠费", "超时", "在办"):
        assert words not in auditor
    assert escalated[1] not in auditor


def test_a_technician_sees_their_own_orders_and_no_count_of_others(people, escalated):
    page = text_of(people["technician"].get("/workbench"))
    assert escalated[1] not in page
    assert "在办" not in page
    assert escalated[1] in text_of(people["director"].get("/workbench"))


def test_the_arrears_of_the_workbench_are_those_of_the_rule(database, cast):
    day = clock.today()
    with database.session(cast.north.scope(), cast.north.actor(Role.FINANCE_ASSISTANT)) as session:
        unit, owner = session.merge(cast.north.unit), session.merge(cast.north.owner)
        for months, amount in ((9, "120.50"), (5, "80.00"), (2, "33.33"), (0, "500.00")):
            make.charge(session, unit, owner, day - timedelta(days=30 * months), amount=Decimal(amount))
        payments.receive(session, owner.id, Decimal("150.00"), make.PaymentMethod.CASH, paid_on=day)
        session.flush()
        rows = arrears_on(session, day)
        found = figures.by_office(session, [cast.north.id], clock.now(), day, with_money=True)[cast.north.id]
        assert rows
        assert (found.arrears, found.debtors) == (sum(row.amount for row in rows), len(rows))
        most = figures.debtors(session, day, limit=8)
        assert [(o.id, amount, since) for o, amount, since in most] == [
            (row.owner_id, row.amount, row.oldest_due_on) for row in rows
        ]


def test_words_looked_for_never_stand_in_an_address(people, cast):
    name = cast.north.owner.name
    assert name not in text_of(people["director"].get(f"/search?q={name}"))
    answer = people["director"].post("/search", {"q": name})
    assert answer.status_code == 302 or name in text_of(answer)
    other = people["stranger"].post("/search", {"q": cast.north.owner.phone})
    assert "没有找到" in text_of(other)


def test_a_mail_is_shown_under_a_policy_that_lets_it_do_nothing(people, database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        mail = mails.queue(
            session,
            mails.MailDraft(
                office_id=cast.north.id,
                dedup_key="screens-1",
                mail_class=MailClass.NOTICE,
                recipient_name="顾念慈",
                recipient_address="gu@wuguan.invalid",
                subject="停水通知",
                text_body="今晚停水。",
                html_body="<p onclick='x()'>今晚停水。</p><script>x()</script>",
                subject_kind="office",
                subject_id=cast.north.id,
            ),
        )
        session.commit()
        assert mail is not None
        mail_id = mail.id
    shown = people["director"].get(f"/outbox/{mail_id}/body")
    policy = shown.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    page = text_of(people["director"].get(f"/outbox/?mail={mail_id}"))
    assert "gu@wuguan.invalid" not in page
    assert MailState.QUEUED.label in page
    assert people["stranger"].get(f"/outbox/{mail_id}/body").status_code == 404
    assert "停水通知" not in text_of(people["stranger"].get(f"/outbox/?mail={mail_id}"))


def test_a_file_that_is_no_workbook_leaves_nothing_and_says_why(people, database):
    answer = upload(people["clerk"], b"hello")
    assert answer.status_code == 302
    assert "不是 Excel 工作簿" in text_of(people["clerk"].get("/imports"))
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        assert session.scalars(select(ImportBatch)).all() == []


def test_a_batch_is_applied_once_and_is_nobody_elses(people, app, database):
    answer = upload(people["clerk"], roster(["77-1-101", "钱若水", "13900000001"], ["七十七", "周既白", "1"]))
    place = answer.headers["Location"]
    assert "会写入什么" in text_of(people["clerk"].get(place))
    assert "看不懂" in text_of(people["clerk"].get(f"{place}?tab=refused"))
    for path in ("", "/corrections", "/progress"):
        assert people["other_clerk"].get(place + path).status_code == 404, path
    for path in ("/apply", "/cancel", "/stop"):
        assert people["other_clerk"].post(place + path).status_code == 404, path
    assert people["director"].post(f"{place}/apply").status_code == 403
    assert people["clerk"].post(f"{place}/apply", {"url": place}).status_code == 302
    do_without(Works(database, app.extensions["wuguan.settings"]))
    assert "已写入" in text_of(people["clerk"].get(place))
    people["clerk"].post(f"{place}/apply", {"url": place})
    assert "不会再写一次" in text_of(people["clerk"].get(place))
    book = people["clerk"].get(f"{place}/corrections")
    assert (book.status_code, book.mimetype.endswith("sheet")) == (200, True)


def test_taking_notice_of_an_escalation_is_recorded_and_done_once(people, database, escalated):
    ticket_id, number = escalated
    path = f"/supervision/tickets/{ticket_id}/acknowledge"
    assert people["clerk"].post(path).status_code == 403
    assert number in text_of(people["centre"].get("/supervision"))
    assert people["centre"].post(path, {"url": "/supervision"}).status_code == 302
    assert people["centre"].post(path, {"url": "/supervision"}).status_code == 404
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        rows = session.scalars(select(Escalation).where(Escalation.ticket_id == ticket_id)).all()
        assert rows
        assert all(row.acknowledged_at for row in rows)
        told = select(AuditEntry.actor_name).where(
            AuditEntry.verb == "escalation.update", AuditEntry.subject_id == rows[0].id
        )
        assert Role.GROUP_CENTRE.label in session.scalars(told).all()


def test_one_ends_ones_own_sessions_and_nobody_elses(sign_in, cast, database, people):
    here, there = (sign_in(cast.south.people[Role.SUPERVISOR].staff) for _ in range(2))
    assert "当前" in text_of(here.get("/account"))
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        mine = session.scalars(
            select(SignIn).where(SignIn.staff_id == cast.south.people[Role.SUPERVISOR].staff_id).order_by(SignIn.id)
        ).all()
    assert people["director"].post(f"/account/sessions/{mine[0].id}/end").status_code == 404
    assert here.post(f"/account/sessions/{mine[0].id}/end").status_code == 404, "not the one in use"
    assert here.post(f"/account/sessions/{mine[1].id}/end").status_code == 302
    assert there.get("/account").status_code == 302


def test_the_record_answers_by_what_is_asked_and_sends_the_same(people, escalated):
    page = text_of(people["auditor"].get("/audit?kind=escalation&actor=系统时钟"))
    assert "新建升级" in page
    assert "新建升级" not in text_of(people["auditor"].get("/audit?kind=escalation&actor=没有这个人"))
    for nonsense in ("office=x", "since=昨天", "behind=1~x", "subject=-1", "request=%00", "until=9999-12-31"):
        assert people["auditor"].get(f"/audit?{nonsense}").status_code == 200, nonsense
    answer = people["auditor"].get("/audit/export?kind=escalation")
    book = openpyxl.load_workbook(BytesIO(answer.data))
    shown = page.count("新建升级")
    assert book.active.max_row - 1 >= shown > 0
