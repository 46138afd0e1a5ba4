"""The desk talks: contacts, doubles, quotes, the daily log and topics, on their pages.

A-W1, A-W7, A-W8, A-C8, B-S2, B-S3.
"""

from datetime import timedelta

import pytest
from lxml import html
from sqlalchemy import select

import make
from cast import Cast
from desk import at_desk
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Contact, LogEntry, QuoteLine, ServiceRequest, Ticket, Topic
from tenant.rules.terms import RequestCategory, Role, TicketState
from tenant.services import daily_log

NIGHT = make.NOON + timedelta(hours=11)


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the northern office at its browser."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture
def newest(database, cast: Cast):
    """Return the newest row of a model in the northern office, whole."""

    def found(model):
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            row = session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()
            session.expunge_all()
            return row

    return found


def registered(desk, newest, cast: Cast, **fields) -> ServiceRequest:
    form = {"category": "repair", "channel": "call", "reporter_kind": "owner", "content": "水管漏水"}
    assert desk.post("/requests/new/", form | {"unit": cast.north.unit.id} | fields).status_code == 302
    return newest(ServiceRequest)


def text_of(browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return " ".join(html.fromstring(answer.get_data(as_text=True)).text_content().split())


def test_a_w7_a_contact_says_something_and_stands_on_the_page(desk, newest, cast: Cast):
    row = registered(desk, newest, cast)
    way = f"/requests/act/contact/?id={row.id}"
    empty = desk.post(way, {"method": "phone", "told": " ", "answer": ""})
    assert (empty.status_code, "至少写明" in empty.get_data(as_text=True)) == (422, True)
    assert desk.post(way, {"method": "visit", "told": "师傅十分钟后到", "answer": "好"}).status_code == 302
    assert newest(Contact).told == "师傅十分钟后到"
    page = text_of(desk, f"/requests/details/?id={row.id}")
    assert "联系记录" in page
    assert "师傅十分钟后到" in page


def test_a_w1_a_double_is_merged_listed_by_the_elder_and_taken_back(desk, newest, cast: Cast):
    elder = registered(desk, newest, cast)
    younger = registered(desk, newest, cast, reporter_name="周先生", content="厨房漏水")
    wrong = desk.post(f"/requests/act/merge/?id={elder.id}", {"target": younger.ticket_id})
    assert (wrong.status_code, "受理得更晚" in wrong.get_data(as_text=True)) == (422, True)
    assert desk.post(f"/requests/act/merge/?id={younger.id}", {"target": elder.ticket_id}).status_code == 302
    assert newest(Ticket).state is TicketState.MERGED
    page = text_of(desk, f"/requests/details/?id={elder.id}")
    assert "已并入本件（报事人须一并答复）" in page
    assert "周先生" in page
    assert desk.post(f"/requests/act/unmerge/?id={younger.id}").status_code == 302
    assert newest(Ticket).state is TicketState.REGISTERED


def test_one_cause_answers_what_hangs_on_it(desk, newest, cast: Cast):
    cause, flat = (registered(desk, newest, cast) for _ in range(2))
    assert desk.post(f"/requests/act/answer-with/?id={flat.id}", {"target": cause.ticket_id}).status_code == 302
    assert "由本件一并处理" in text_of(desk, f"/requests/details/?id={cause.id}")
    assert "同因主票" in text_of(desk, f"/requests/details/?id={flat.id}")
    assert desk.post(f"/requests/act/stand-alone/?id={flat.id}").status_code == 302
    assert "由本件一并处理" not in text_of(desk, f"/requests/details/?id={cause.id}")


def test_a_w8_priced_agreed_paid_and_sent_on_the_pages(desk, sign_in, newest, cast: Cast):
    row = registered(desk, newest, cast, category="paid_service")
    quote, send = f"/requests/act/quote/?id={row.id}", f"/requests/act/dispatch/?id={row.id}"
    bad = desk.post(quote, {"item": "装灯", "quantity": "0", "price": "80"})
    assert (bad.status_code, "大于 0" in bad.get_data(as_text=True)) == (422, True)
    for item, price in (("装灯", "80"), ("电线", "15.50")):
        assert desk.post(quote, {"item": item, "quantity": "1", "price": price}).status_code == 302
    assert desk.post(f"/quote_lines/act/remove/?id={newest(QuoteLine).id}").status_code == 302
    unpaid = desk.post(send, {"department": cast.north.engineering.id})
    assert (unpaid.status_code, "确认报价" in unpaid.get_data(as_text=True)) == (422, True)
    assert desk.post(f"/requests/act/agree/?id={row.id}").status_code == 302
    assert "80.00 元，未付 80.00 元" in text_of(desk, f"/requests/details/?id={row.id}")
    finance = sign_in(cast.north.people[Role.FINANCE_ASSISTANT].staff)
    paid = {"owner": cast.north.owner.id, "amount": "80", "method": "cash"}
    assert finance.post("/payments/new/", paid).status_code == 302
    assert desk.post(send, {"department": cast.north.engineering.id}).status_code == 302
    assert "80.00 元，已付清" in text_of(desk, f"/requests/details/?id={row.id}")


def test_a_c8_harm_going_on_asks_to_be_stopped_first(desk, cast: Cast):
    form = {
        "gravity": "ordinary", "channel": "call", "reporter_kind": "owner", "content": "装修砸墙",
        "harm_continues": "y", "unit": cast.north.unit.id, "department": cast.north.engineering.id,
    }  # fmt: skip
    answer = desk.post("/complaints/new/", form)
    assert answer.status_code == 302
    page = text_of(desk, answer.location)
    assert "请立即派人制止" in page
    assert "仍在继续" in page


def test_b_s2_a_call_is_entered_and_becomes_a_request_once(desk, newest):
    entry = {"channel": "call", "content": "楼道灯不亮", "caller_name": "周先生", "caller_phone": "19900000001"}
    assert desk.post("/daily_log/new/", entry).status_code == 302
    row = newest(LogEntry)
    assert desk.post(f"/daily_log/act/to-request/?id={row.id}", {"category": "public_facility"}).status_code == 302
    made = newest(ServiceRequest)
    assert (newest(LogEntry).ticket_id, made.category) == (made.ticket_id, RequestCategory.PUBLIC_FACILITY)
    again = desk.post(f"/daily_log/act/to-complaint/?id={row.id}", {"gravity": "ordinary"})
    assert (again.status_code, "已转为" in again.get_data(as_text=True)) == (422, True)


def test_b_s3_what_was_put_off_is_counted_and_listed_for_the_handover(desk, database, newest, cast: Cast):
    with at_desk(database, cast.north, NIGHT) as session, clock.at(NIGHT):
        daily_log.write(session, office_id=cast.north.id, content="信箱锁坏了", put_off=True)
        session.commit()
    before = text_of(desk, "/handover/")
    assert "信箱锁坏了" in before
    row = newest(LogEntry)
    assert desk.post(f"/handover/act/settle/?id={row.id}", {"answer": "夜班已换锁"}).status_code == 302
    assert "信箱锁坏了" not in text_of(desk, "/handover/")
    assert "夜班已换锁" in text_of(desk, "/daily_log/")


def test_topics_are_a_tree_that_the_admin_keeps_and_the_desk_chooses_from(desk, sign_in, newest, cast: Cast):
    admin = sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)
    above = None
    for name in ("给排水", "渗漏", "水管"):
        form = {"name": name, "category": "repair"} | ({"parent": above.id} if above else {})
        assert admin.post("/topics/new/", form).status_code == 302
        above = newest(Topic)
    deep = admin.post("/topics/new/", {"name": "接头", "category": "repair", "parent": above.id})
    assert (deep.status_code, "超过 3 级" in deep.get_data(as_text=True)) == (422, True)
    other = admin.post("/topics/new/", {"name": "噪声", "parent": above.parent_id})
    assert (other.status_code, "类别不一致" in other.get_data(as_text=True)) == (422, True)
    found = desk.get("/requests/ajax/lookup/?name=topic&query=水管").get_data(as_text=True)
    assert str(above.id) in found
    assert registered(desk, newest, cast, topic=above.id)
    assert newest(Ticket).topic_id == above.id
    assert admin.post(f"/topics/act/retire/?id={above.id}").status_code == 302
    gone = desk.post("/requests/new/", {"category": "repair", "content": "漏", "topic": above.id})
    assert (gone.status_code, "没有找到" in gone.get_data(as_text=True)) == (422, True)
    assert desk.post("/topics/new/", {"name": "门窗"}).status_code == 403
