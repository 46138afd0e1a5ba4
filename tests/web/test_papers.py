"""The forms on paper: what stands on them, who may have them, and that printing is put on the record."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from pypdf import PdfReader
from sqlalchemy import select

import make
from cast import Cast, House
from desk import at_desk, complaint, request
from tasks.papers import press
from tenant.models import QuoteLine, WorkOrder
from tenant.rules.terms import Role, Satisfaction
from tenant.services import complaints, follow_ups, requests

SAID = '水管 *爆裂*，$x$ #read("/etc/passwd") = 标题 \\ @x `code` 《急》'


def text_of(content: bytes) -> str:
    """Return what a PDF says, without its spaces and line ends."""
    return "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages)


def an_order(database, house: House, **fields) -> int:
    """Register a request, send the technician, and return the order's id."""
    with at_desk(database, house) as session:
        row = request(session, house, **fields)
        order = requests.dispatch(session, row.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
        session.commit()
        return order.id


def a_complaint(database, house: House, **fields) -> int:
    """Register a complaint, resolve it and ask afterwards; return its id."""
    with at_desk(database, house) as session:
        row = complaint(session, house, **fields)
        session.commit()
    with at_desk(database, house, make.NOON + timedelta(hours=1)) as session:
        complaints.receive(session, row.id)
        complaints.complete(session, row.id, outcome="已重新修好")
        follow_ups.follow_up(session, row.ticket_id, Satisfaction.SATISFIED, answer="修好了")
        session.commit()
        return row.id


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


def test_an_order_is_printed_in_two_copies_with_its_number_in_words_and_bars_a_w2_a_w9(database, cast, desk, record):
    order_id = an_order(
        database, cast.north, content=SAID, reporter_name="赵晴", reporter_phone="19900000001", urgent=True
    )
    answer = desk.get(f"/papers/work_order?id={order_id}")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    said = text_of(answer.data)
    for words in ("报事处理单", "第一联", "第二联", "赵晴", "19900000001", "（较急）", cast.north.office.name):
        assert said.count(words) >= 2 or words in {"第一联", "第二联"}, words
    assert said.count("".join(SAID.split())) == 2, "what the customer said is text, never markup"
    (entry, *_) = record("form.printed")
    assert (entry.subject_kind, entry.subject_id, entry.office_id) == ("work_order", order_id, cast.north.id)
    assert entry.after == {"form": "报事处理单", "count": 1, "ids": [order_id]}


def test_the_font_travels_inside_and_holds_every_character_of_gbk(database, cast, desk):
    order_id = an_order(database, cast.north)
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        for page in PdfReader(io.BytesIO(desk.get(f"/papers/work_order?id={order_id}").data)).pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    assert all({"/FontFile3", "/FontFile2"} & set(font) for font in fonts)
    assert press.missing_signs({"name": "王敏 鑫垚 Ａ１—…㎡"}) == ""
    assert press.missing_signs({"rows": [["𠮷田", "𠮷"]]}) == "𠮷"


def test_a_sign_the_font_has_not_is_named_on_the_paper(database, cast, desk):
    order_id = an_order(database, cast.north, reporter_name="𠮷田")
    assert "以下字无法打印，请手写：U+20BB7" in text_of(desk.get(f"/papers/work_order?id={order_id}").data)


def test_a_long_matter_is_printed_whole(database, cast, desk):
    content = "厨房水管漏水，已经影响楼下。" * 120
    said = text_of(desk.get(f"/papers/work_order?id={an_order(database, cast.north, content=content)}").data)
    assert said.count("厨房水管漏水，已经影响楼下。") == 240


def test_many_are_printed_at_once_in_the_order_chosen(database, cast, desk):
    first, second = (an_order(database, cast.north, content=words) for words in ("甲事", "乙事"))
    answer = desk.post("/work_orders/action/", {"action": "print", "rowid": [second, first]})
    assert answer.status_code == 302
    said = text_of(desk.get(answer.location).data)
    assert said.index("乙事") < said.index("甲事")


def test_a_price_told_beforehand_stands_on_the_order_a_w8(database, cast, desk):
    order_id = an_order(database, cast.north)
    with at_desk(database, cast.north) as session:
        order = session.get_one(WorkOrder, order_id)
        line = {"item": "疏通下水道", "quantity": Decimal("1.5"), "price": Decimal(80), "amount": Decimal(120)}
        session.add(QuoteLine(office_id=cast.north.id, request_id=order.request_id, **line))
        session.commit()
    said = text_of(desk.get(f"/papers/work_order?id={order_id}").data)
    assert said.count("疏通下水道1.5080.00120.00合计120.00元，先付费后服务") == 2


def test_each_order_shows_what_was_said_of_its_own_work_a_w10(database, cast, desk):
    first = an_order(database, cast.north)
    with at_desk(database, cast.north, make.NOON + timedelta(hours=1)) as session:
        requests.complete(session, first, outcome="换了垫圈")
        ticket_id = session.get_one(WorkOrder, first).request.ticket_id
        follow_ups.follow_up(session, ticket_id, Satisfaction.DISSATISFIED, answer="还在滴水")
        second = session.scalars(select(WorkOrder.id).where(WorkOrder.follows_id == first)).one()
        session.commit()
    assert "还在滴水" not in text_of(desk.get(f"/papers/work_order?id={second}").data), "nobody was asked about it yet"
    with at_desk(database, cast.north, make.NOON + timedelta(hours=2)) as session:
        requests.complete(session, second, outcome="换了水管")
        follow_ups.follow_up(session, ticket_id, Satisfaction.SATISFIED, answer="好了")
        session.commit()
    said = [text_of(desk.get(f"/papers/work_order?id={order_id}").data) for order_id in (first, second)]
    assert [("还在滴水" in words, "好了" in words) for words in said] == [(True, False), (False, True)]


@pytest.mark.parametrize("role", [Role.FINANCE_ASSISTANT, Role.OFFICE_ADMIN])
def test_who_may_not_act_may_not_print(database, cast, sign_in, role):
    order_id = an_order(database, cast.north)
    assert sign_in(cast.north.people[role].staff).get(f"/papers/work_order?id={order_id}").status_code == 403


def test_a_technician_prints_their_own_orders_only_a_w9(database, cast, sign_in):
    own = an_order(database, cast.north)
    with at_desk(database, cast.north) as session:
        row = request(session, cast.north)
        others = requests.dispatch(session, row.id, cast.north.engineering.id).id
        session.commit()
    technician = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    assert technician.get(f"/papers/work_order?id={own}").status_code == 200
    assert technician.get(f"/papers/work_order?id={own}&id={others}").status_code == 404


def test_an_order_of_another_office_is_not_there(database, cast, desk, record):
    foreign = an_order(database, cast.south)
    before = len(record("form.printed"))
    assert desk.get(f"/papers/work_order?id={foreign}").status_code == 404
    assert desk.get("/papers/work_order?id=99999999").status_code == 404
    assert desk.get("/papers/work_order").status_code == 404
    assert desk.get("/papers/poem?id=1").status_code == 404
    assert desk.get("/papers/complaint_summary?id=1").status_code == 404
    assert len(record("form.printed")) == before


def test_a_complaint_is_printed_with_its_course_a_c1_a_c6(database, cast, desk):
    row_id = a_complaint(database, cast.north, demand="重修并道歉", about="李师傅")
    said = text_of(desk.get(f"/papers/complaint?id={row_id}").data)
    for words in (
        "业主(住户)投诉处理登记表",
        "JK-QP7.2.3.C-F1",
        "重修并道歉",
        "李师傅",
        "已重新修好",
        "满意",
        "修好了",
    ):
        assert words in said


def test_the_summary_lists_the_complaints_of_its_days_and_no_others_a_c5(database, cast, sign_in):
    north = sign_in(cast.north.people[Role.SUPERVISOR].staff)
    north.enter(cast.north.id)
    a_complaint(database, cast.north, content="电梯异响")
    a_complaint(database, cast.south, content="南苑的投诉")
    day = make.NOON.date()
    said = text_of(north.get(f"/papers/period/complaint_summary?from={day}&to={day}").data)
    assert "投诉处理汇总表" in said
    assert "电梯异响" in said
    assert "南苑的投诉" not in said
    calls = text_of(north.get(f"/papers/period/follow_up?from={day}&to={day}").data)
    assert "回访记录" in calls
    assert "电梯异响" in calls
    empty = north.get(f"/papers/period/complaint_summary?from={day + timedelta(1)}&to={day + timedelta(1)}")
    assert (empty.status_code, "没有可以打印的记录" in empty.get_data(as_text=True)) == (422, True)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("from=2026-11-02&to=2026-11-01", "早于"),
        ("from=&to=2026-11-01", "「起始日」没有填写"),
        ("from=2026-11-01&to=30.11.2026", "「截止日」30.11.2026"),
    ],
)
def test_days_that_are_none_are_refused_at_their_field(cast, sign_in, asked, words):
    supervisor = sign_in(cast.north.people[Role.SUPERVISOR].staff)
    answer = supervisor.get(f"/papers/period/complaint_summary?{asked}")
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)


def test_the_buttons_are_where_one_looks_for_them(database, cast, desk, sign_in):
    order_id = an_order(database, cast.north)
    page = desk.get(f"/work_orders/details/?id={order_id}").get_data(as_text=True)
    assert f'href="/papers/work_order?id={order_id}"' in page
    assert 'value="print"' in desk.get("/work_orders/").get_data(as_text=True)
    assert "/papers/" not in desk.get(f"/units/details/?id={cast.north.unit.id}").get_data(as_text=True)
    assert "打印汇总表" in sign_in(cast.north.people[Role.SUPERVISOR].staff).get("/papers").get_data(as_text=True)


def test_the_front_desk_keeps_the_summary_a_c5(cast, desk, sign_in):
    page = desk.get("/papers").get_data(as_text=True)
    for title in ("投诉处理汇总表", "回访记录", "房屋整改汇总表"):
        assert title in page
    finance = sign_in(cast.north.people[Role.FINANCE_ASSISTANT].staff)
    assert finance.get("/papers").status_code == 403
    assert "打印汇总表" not in finance.get("/workbench").get_data(as_text=True)
