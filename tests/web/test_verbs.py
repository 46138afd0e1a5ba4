"""The verbs of the desk through their pages: each calls its service, says what it did, and is open to who may."""

from datetime import date
from decimal import Decimal

import pytest
from lxml import html
from sqlalchemy import select

import make
from cast import Cast
from tenant.journal import CLOCKWORK
from tenant.models import (
    Clock,
    Complaint,
    DueAction,
    DunningNotice,
    Payment,
    Posting,
    ServiceRequest,
    SignIn,
    Staff,
    Ticket,
    WorkOrder,
)
from tenant.rules.terms import (
    Act,
    Area,
    ClockKind,
    DunningLevel,
    DunningNoticeState,
    Gravity,
    Role,
    TicketState,
    WorkOrderState,
)
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices

ANY_ACT = ((None, Act.ACT),)
AT_DESK = ((None, Act.EDIT),)
REQUEST_WORK = ((Area.REQUESTS, Act.ACT),)
COMPLAINT_WORK = ((Area.COMPLAINTS, Act.ACT),)
LINKING = ("merge", "unmerge", "answer-with", "stand-alone", "sort-under")
REQUEST_DESK = ((Area.REQUESTS, Act.EDIT),)
BUILDING_WORK = ((Area.RECTIFICATIONS, Act.ACT),)
BUILDING_DESK = ((Area.RECTIFICATIONS, Act.EDIT),)
PERMITS = {
    "requests.dispatch": REQUEST_DESK,
    "requests.contact": ANY_ACT,
    "requests.promise": AT_DESK,
    "requests.answer": REQUEST_DESK,
    "requests.quote": AT_DESK,
    "requests.agree": AT_DESK,
    "quote_lines.remove": AT_DESK,
    **{
        f"{path}.{verb}": permits
        for path in ("daily_log", "handover")
        for verb, permits in {
            "to-request": ((Area.REQUESTS, Act.CREATE),),
            "to-complaint": ((Area.COMPLAINTS, Act.CREATE),),
            "settle": ANY_ACT,
            "check": AT_DESK,
        }.items()
    },
    **{f"{path}.{verb}": ANY_ACT for path in ("group_limits", "office_limits") for verb in ("activate", "withdraw")},
    "topics.retire": ANY_ACT,
    "topics.restore": ANY_ACT,
    "requests.rectify": REQUEST_DESK,
    "requests.reclassify": REQUEST_DESK,
    "requests.pause": REQUEST_WORK,
    "requests.resume": REQUEST_WORK,
    "requests.follow-up": ((Area.FOLLOW_UPS, Act.CREATE),),
    "requests.close": AT_DESK,
    "requests.invalidate": AT_DESK,
    **{f"requests.{verb}": AT_DESK for verb in LINKING},
    "work_orders.receive": REQUEST_WORK,
    "work_orders.accept": REQUEST_WORK,
    "work_orders.set-out": REQUEST_WORK,
    "work_orders.arrive": REQUEST_WORK,
    "work_orders.complete": REQUEST_WORK,
    "work_orders.sign": REQUEST_WORK,
    "work_orders.file": REQUEST_DESK,
    "work_orders.pause": REQUEST_WORK,
    "work_orders.resume": REQUEST_WORK,
    "work_orders.redispatch": (*REQUEST_DESK, (Area.DEPARTMENT_BOARD, Act.ACT)),
    "work_orders.cancel": REQUEST_DESK,
    "complaints.stop-harm": COMPLAINT_WORK,
    "complaints.receive": COMPLAINT_WORK,
    "complaints.forward": COMPLAINT_WORK,
    "complaints.contact": ANY_ACT,
    "complaints.promise": AT_DESK,
    "complaints.complete": COMPLAINT_WORK,
    "complaints.give-back": COMPLAINT_WORK,
    "complaints.pause": COMPLAINT_WORK,
    "complaints.resume": COMPLAINT_WORK,
    "complaints.follow-up": ((Area.FOLLOW_UPS, Act.CREATE),),
    "complaints.regrade": ((Area.COMPLAINTS, Act.EDIT),),
    "complaints.close": AT_DESK,
    "complaints.invalidate": AT_DESK,
    **{f"complaints.{verb}": AT_DESK for verb in LINKING},
    "defects.send": BUILDING_WORK,
    "defects.confirm": BUILDING_WORK,
    "defects.owner-sign": BUILDING_WORK,
    "defects.issue": BUILDING_WORK,
    "defects.decline": BUILDING_WORK,
    "defects.contact": ANY_ACT,
    "defects.pause": BUILDING_WORK,
    "defects.resume": BUILDING_WORK,
    "defects.follow-up": ((Area.FOLLOW_UPS, Act.CREATE),),
    "defects.close": AT_DESK,
    "rectifications.sign-for": BUILDING_WORK,
    "rectifications.second-copy": BUILDING_WORK,
    "rectifications.note": BUILDING_WORK,
    "rectifications.postpone": BUILDING_DESK,
    "rectifications.report-done": BUILDING_WORK,
    "rectifications.accept": BUILDING_WORK,
    "rectifications.reject": BUILDING_WORK,
    "rectifications.owner-sign": BUILDING_WORK,
    "rectifications.file": BUILDING_DESK,
    "rectifications.cancel": BUILDING_DESK,
    "absences.end": ((None, Act.EDIT),),
    "reports.submit": AT_DESK,
    "reports.redraw": AT_DESK,
    "reports.send-back": ((Area.SUPERVISION, Act.ACT),),
    "escalations.acknowledge": ((None, Act.ACT), (Area.SUPERVISION, Act.ACT)),
    "dunning_notices.send": ANY_ACT,
    "dunning_notices.sign": ANY_ACT,
    "dunning_notices.withdraw": ANY_ACT,
    "parking_leases.end": ANY_ACT,
    "meter_readings.correct": AT_DESK,
    "payments.void": ANY_ACT,
    **{
        f"{path}.{verb}": ((None, act),)
        for act, verbs in {
            Act.EDIT: {"charge_types": ("retire", "restore")},
            Act.CREATE: {"tariffs": ("end",), "billing_runs": ("post", "recount", "cancel")},
            Act.ACT: {"concessions": ("agree", "refuse", "withdraw"), "billing_runs": ("undo",)},
        }.items()
        for path, offered in verbs.items()
        for verb in offered
    },
    "due_actions.retry": ANY_ACT,
    "due_actions.discard": ANY_ACT,
    "offices.archive": ANY_ACT,
    "offices.restore": ANY_ACT,
    "staff.reset-password": ANY_ACT,
    "staff.end-sessions": ANY_ACT,
    "staff.disable": ANY_ACT,
    "staff.enable": ANY_ACT,
}
"""Who may carry out each verb, written by hand apart from the views."""


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture
def latest(database):
    """Return the newest row of a model, read anew."""

    def newest(model):
        with database.session(Scope.everywhere(), CLOCKWORK) as session:
            return session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()

    return newest


@pytest.fixture
def request_at_hand(desk, cast: Cast, latest) -> ServiceRequest:
    """A repair just registered through the page."""
    form = {
        "category": "repair",
        "channel": "call",
        "reporter_kind": "owner",
        "content": "水管漏水",
        "unit": cast.north.unit.id,
    }
    assert desk.post("/requests/new/", form).status_code == 302
    return latest(ServiceRequest)


def test_every_verb_has_its_row_here(app):
    found = {
        f"{view.path}.{verb.name}": verb.permits
        for view in app.extensions["admin"][0]._views
        for verb in getattr(view, "verbs", ())
    }
    assert found == PERMITS


def test_a_request_registered_on_the_page_has_its_number_and_its_clocks(request_at_hand, database, cast: Cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        ticket = session.get_one(Ticket, request_at_hand.ticket_id)
        assert (ticket.content, ticket.state, ticket.unit_id) == (
            "水管漏水",
            TicketState.REGISTERED,
            cast.north.unit.id,
        )
        assert ticket.registered_by_id == cast.north.people[Role.FRONT_DESK].id
        kinds = set(session.scalars(select(Clock.kind).where(Clock.ticket_id == ticket.id)))
        assert {ClockKind.FIRST_REPLY, ClockKind.DISPATCH} <= kinds
        clocks = select(Clock.id).where(Clock.ticket_id == ticket.id)
        planned = select(DueAction.id).where(DueAction.subject_kind == "clock", DueAction.subject_id.in_(clocks))
        assert session.scalars(planned).all()


def test_a_request_without_its_content_is_refused_at_the_field(desk, latest):
    answer = desk.post(
        "/requests/new/", {"category": "repair", "channel": "call", "reporter_kind": "owner", "content": " "}
    )
    assert answer.status_code == 422
    assert "请填写「内容」" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("at", "says"), [("0001-01-01T00:00", "年份不对"), ("9999-12-31T23:59", "年份不对"), ("heute", "不是时间")]
)
def test_a_time_that_is_none_is_refused_at_its_field(desk, request_at_hand, at, says):
    answer = desk.post(f"/requests/act/contact/?id={request_at_hand.id}", {"at": at})
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)


def test_an_order_goes_from_dispatch_to_follow_up(desk, sign_in, request_at_hand, cast: Cast, latest):
    technician, head = (cast.north.people[role] for role in (Role.TECHNICIAN, Role.DEPARTMENT_HEAD))
    way = f"/requests/act/dispatch/?id={request_at_hand.id}"
    assert desk.get(way).status_code == 200
    assert desk.post(way, {"department": cast.north.engineering.id, "technician": technician.id}).status_code == 302
    order = latest(WorkOrder)
    assert (order.request_id, order.technician_id) == (request_at_hand.id, technician.id)
    assert sign_in(head.staff).post(f"/work_orders/act/receive/?id={order.id}").status_code == 302
    worker = sign_in(technician.staff)
    assert worker.post(f"/work_orders/act/arrive/?id={order.id}").status_code == 302
    assert (
        worker.post(f"/work_orders/act/complete/?id={order.id}", {"outcome": "换管", "signed": "y"}).status_code == 302
    )
    assert latest(WorkOrder).state is WorkOrderState.SIGNED
    follow = f"/requests/act/follow-up/?id={request_at_hand.id}"
    assert worker.get(follow).status_code == 403
    assert desk.post(follow, {"satisfaction": "satisfied"}).status_code == 302
    assert desk.post(f"/requests/act/close/?id={request_at_hand.id}").status_code == 302
    assert latest(Ticket).state is TicketState.CLOSED
    page = desk.get(f"/requests/history/?id={request_at_hand.id}").get_data(as_text=True)
    assert "换管" in page


def test_a_refusal_of_the_service_stands_at_its_field_and_changes_nothing(desk, request_at_hand, latest):
    with_no_head = {"department": "999999"}
    answer = desk.post(f"/requests/act/dispatch/?id={request_at_hand.id}", with_no_head)
    assert answer.status_code == 422
    assert "重新查找选择" in answer.get_data(as_text=True)
    answer = desk.post(f"/requests/act/close/?id={request_at_hand.id}")
    assert answer.status_code == 422
    assert latest(Ticket).closed_at is None


def test_a_technician_sees_only_their_own_orders(desk, sign_in, request_at_hand, cast: Cast, latest):
    worker = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    assert worker.get(f"/requests/details/?id={request_at_hand.id}").status_code == 404
    way = f"/requests/act/dispatch/?id={request_at_hand.id}"
    desk.post(way, {"department": cast.north.engineering.id, "technician": ""})
    order = latest(WorkOrder)
    assert worker.get(f"/work_orders/details/?id={order.id}").status_code == 404
    assert worker.post(f"/work_orders/act/complete/?id={order.id}").status_code == 404
    desk.post(way, {"department": cast.north.engineering.id, "technician": cast.north.people[Role.TECHNICIAN].id})
    assert worker.get(f"/requests/details/?id={request_at_hand.id}").status_code == 200
    assert worker.get(way).status_code == 403


def test_a_verb_is_offered_only_to_who_may_and_when_it_fits(desk, sign_in, request_at_hand, cast: Cast):
    def offered(browser) -> set[str]:
        page = html.fromstring(browser.get(f"/requests/details/?id={request_at_hand.id}").get_data(as_text=True))
        return {link.split("/act/")[1].split("/")[0] for link in page.xpath("//a/@href") if "/requests/act/" in link}

    assert {"contact", "dispatch", "invalidate"} <= offered(desk)
    assert "close" not in offered(desk)
    assert offered(sign_in(cast.group[Role.GROUP_CENTRE].staff)) == set()


def test_a_complaint_registered_on_the_page_is_graded_received_and_forwarded(desk, sign_in, cast: Cast, latest):
    form = {
        "gravity": "major", "channel": "visit", "reporter_kind": "owner", "content": "服务态度", "demand": "道歉",
        "department": cast.north.engineering.id, "unit": cast.north.unit.id,
    }  # fmt: skip
    assert desk.post("/complaints/new/", form).status_code == 302
    row = latest(Complaint)
    assert (row.gravity, row.department_id, row.demand) == (Gravity.MAJOR, cast.north.engineering.id, "道歉")
    assert desk.post(f"/complaints/act/receive/?id={row.id}").status_code == 302
    assert desk.post(f"/complaints/act/forward/?id={row.id}").status_code == 302
    assert (
        desk.post(f"/complaints/act/regrade/?id={row.id}", {"gravity": "grave", "reason": "住户受伤"}).status_code
        == 302
    )
    assert desk.post(f"/complaints/act/complete/?id={row.id}", {"outcome": "已道歉"}).status_code == 302
    assert (latest(Complaint).gravity, latest(Complaint).outcome) == (Gravity.GRAVE, "已道歉")


def test_money_is_received_and_voided_by_a_second_person(sign_in, database, cast: Cast, latest):
    with across_offices(database, Reason.SETTING_UP) as session:
        unit, owner = make.unit(session, cast.north.id), make.owner(session, cast.north.id)
        make.charge(session, unit, owner, date(2026, 1, 1))
        session.commit()
    cashier, director = (sign_in(cast.north.people[role].staff) for role in (Role.FINANCE_ASSISTANT, Role.DIRECTOR))
    assert cashier.post("/payments/new/", {"owner": owner.id, "amount": "100", "method": "cash"}).status_code == 302
    receipt = latest(Payment)
    way = f"/payments/act/void/?id={receipt.id}"
    answer = cashier.post(way, {"reason": "开错"})
    assert answer.status_code == 422
    assert "第二人" in answer.get_data(as_text=True)
    assert director.post(way, {"reason": ""}).status_code == 422
    assert director.post(way, {"reason": "开错"}).status_code == 302
    assert latest(Payment).voided_at is not None


def test_a_person_is_taken_on_posted_and_their_password_shown_once(sign_in, cast: Cast, latest, database):
    keeper = sign_in(cast.group[Role.SYSTEM_ADMIN].staff)
    answer = keeper.post("/staff/new/", {"login": "newcomer", "name": "新人", "email": "n@wuguan.invalid"})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "一次性密码" in page) == (200, True)
    made = latest(Staff)
    form = {
        "staff": made.id, "role": "front_desk", "level": "office", "office": cast.north.id, "company": "",
        "from_on": "2026-01-01",
    }  # fmt: skip
    assert keeper.post("/postings/new/", form).status_code == 302
    assert latest(Posting).office_id == cast.north.id
    out_of_place = keeper.post("/postings/new/", form | {"role": "group_centre"})
    assert out_of_place.status_code == 422
    assert "不能任职于管理处" in out_of_place.get_data(as_text=True)
    wrong = keeper.post("/postings/new/", form | {"role": "auditor", "level": "group"})
    assert wrong.status_code == 422
    assert "层级与地点不符" in wrong.get_data(as_text=True)
    assert "一次性密码" not in keeper.get(f"/staff/details/?id={made.id}").get_data(as_text=True)
    assert keeper.post("/staff/new/", {"login": "NEWCOMER", "name": "重名"}).status_code == 422


def test_closing_an_account_ends_its_sessions(sign_in, database, cast: Cast, latest):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="leaver", name="离任")
        make.posting(session, person, Role.FRONT_DESK, cast.north.office)
        session.commit()
    leaver, keeper = sign_in(person), sign_in(cast.group[Role.SYSTEM_ADMIN].staff)
    assert leaver.get("/units/").status_code == 200
    assert keeper.post(f"/staff/act/disable/?id={person.id}").status_code == 302
    assert leaver.get("/units/").status_code == 302
    with across_offices(database, Reason.SIGNING_IN) as session:
        alive = select(SignIn).where(SignIn.staff_id == person.id, SignIn.ended_at.is_(None))
        assert session.scalars(alive).all() == []


def test_accounts_are_not_kept_from_inside_an_office(sign_in, cast: Cast):
    keeper = sign_in(cast.group[Role.SYSTEM_ADMIN].staff)
    keeper.enter(cast.north.id)
    person = cast.north.people[Role.TECHNICIAN].staff
    assert keeper.post(f"/staff/act/disable/?id={person.id}").status_code == 422
    assert sign_in(person).get("/requests/").status_code == 200


def test_a_notice_is_sent_then_signed_for_and_only_one_that_waits_is_withdrawn(sign_in, database, cast: Cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        owner = make.owner(session, cast.north.id)
        make.charge(session, cast.north.unit, owner, date(2025, 1, 10))
        waiting = [_notice(session, owner, sequence) for sequence in (1, 2)]
        session.commit()
    finance = sign_in(cast.north.people[Role.FINANCE_ASSISTANT].staff)
    way = "/dunning_notices/act/{}/?id={}"
    assert finance.post(way.format("sign", waiting[0])).status_code in {302, 404, 422}
    assert _state(database, cast, waiting[0]) is DunningNoticeState.PLANNED
    assert finance.post(way.format("send", waiting[0])).status_code == 302
    assert finance.post(way.format("sign", waiting[0])).status_code == 302
    assert _state(database, cast, waiting[0]) is DunningNoticeState.SIGNED
    assert finance.post(way.format("withdraw", waiting[1]), {"reason": "已约定分期"}).status_code == 302
    assert _state(database, cast, waiting[1]) is DunningNoticeState.CANCELLED


def _notice(session, owner, sequence):
    notice = DunningNotice(
        office_id=owner.office_id,
        owner_id=owner.id,
        level=DunningLevel.LETTER,
        sequence=sequence,
        anchor_on=date(2025, 1, 10),
        reached_on=date(2025, 7, 10),
        issued_at=make.NOON,
        amount=Decimal("100.00"),
        state=DunningNoticeState.PLANNED,
        source="B-F3",
    )
    session.add(notice)
    session.flush()
    return notice.id


def _state(database, cast: Cast, notice_id):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        return session.get_one(DunningNotice, notice_id).state
