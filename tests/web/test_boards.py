"""The boards through their pages: each post has its own, a verb on a card does its work and leads back to the card."""

import io
from datetime import timedelta

import pytest
from lxml import html
from sqlalchemy import select

import pictures
from asked import asked
from cast import Cast
from desk import at_desk, complaint, request
from tasks import sweeps
from tenant import clock, policy
from tenant.journal import CLOCKWORK
from tenant.models import Complaint, Defect, Escalation, WorkOrder
from tenant.rules.terms import Act, Area, Gravity, Role, WorkOrderState
from tenant.services import daily_log, defects, requests
from tenant.settings import Settings

BOARDS = {
    "/boards/department": {Role.DEPARTMENT_HEAD},
    "/boards/office": {Role.SUPERVISOR, Role.DIRECTOR},
    "/boards/orders": {Role.TECHNICIAN, Role.ENGINEERING_ASSISTANT},
}
STATEMENTS = 40
"""More than any board asks, however many cards it shows."""


@pytest.fixture
def seat(sign_in, cast: Cast):
    """Sit somebody of the north down at a browser, by role."""

    def seated(role):
        return sign_in(cast.north.people[role].staff)

    return seated


@pytest.fixture
def sent(database, cast: Cast):
    """Register a request of the north a moment ago and send it to engineering; return the order's id."""

    def made(technician=None, **fields):
        with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=5)) as session:
            order = requests.dispatch(session, request(session, cast.north, **fields).id, cast.north.engineering.id)
            if technician is not None:
                requests.receive(session, order.id, technician)
            session.commit()
            return order.id

    return made


@pytest.fixture
def read(database, cast: Cast):
    """Read a row of the north anew."""

    def found(model, row_id):
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            return session.scalars(select(model).where(model.id == row_id)).one()

    return found


def tree_of(answer):
    """Return the page as a tree."""
    assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
    return html.fromstring(answer.get_data(as_text=True))


def card(page, key):
    """Return a card of a board and the lane it lies in."""
    (found,) = page.xpath(f"//li[@id='{key}']")
    return found, found.xpath("ancestor::section/@data-lane")[0]


def press(browser, page, key, verb, **fields):
    """Send the form of a verb on a card as the page holds it; return where it leads."""
    found, _ = card(page, key)
    (form,) = found.xpath(f".//form[contains(@action, '/{verb}')]")
    answer = browser.post(form.get("action"), fields)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:600]
    return answer.location


@pytest.mark.parametrize("role", list(Role))
def test_each_post_has_the_board_of_its_duty_and_no_other(role):
    areas = {
        "/boards/department": Area.DEPARTMENT_BOARD,
        "/boards/office": Area.OFFICE_BOARD,
        "/boards/orders": Area.ORDER_BOARD,
    }
    seen = {path for path, area in areas.items() if policy.may(role.value, area.value, Act.VIEW.value)}
    assert seen == {path for path, roles in BOARDS.items() if role in roles}


@pytest.mark.parametrize("role", [Role.DEPARTMENT_HEAD, Role.SUPERVISOR, Role.TECHNICIAN, Role.FRONT_DESK])
def test_a_board_that_is_not_theirs_is_refused_and_not_in_the_navigation(seat, role):
    browser = seat(role)
    page = tree_of(browser.get("/workbench"))
    for path, roles in BOARDS.items():
        assert browser.get(path).status_code == (200 if role in roles else 403), path
        assert bool(page.xpath(f"//nav[@id='side']//a[@href='{path}']")) is (role in roles), path


def test_signing_for_an_order_on_the_board_leads_back_to_its_card_a_w3(seat, sent, read, cast):
    head, order = seat(Role.DEPARTMENT_HEAD), sent()
    page = tree_of(head.get("/boards/department"))
    key = f"order-{order}"
    assert card(page, key)[1] == "to_receive"
    technician = cast.north.people[Role.TECHNICIAN].id
    there = press(head, page, key, "receive", technician=technician)
    assert there == f"/boards/department#{key}"
    assert (read(WorkOrder, order).state, read(WorkOrder, order).technician_id) == (WorkOrderState.RECEIVED, technician)
    page = tree_of(head.get("/boards/department"))
    found, lane = card(page, key)
    assert lane == "under_way"
    assert cast.north.people[Role.TECHNICIAN].staff.name in found.text_content()
    assert press(head, page, key, "complete", outcome="已更换垫圈").endswith(f"#{key}")
    page = tree_of(head.get("/boards/department"))
    assert card(page, key)[1] == "to_sign"
    press(head, page, key, "sign")
    assert read(WorkOrder, order).state is WorkOrderState.SIGNED


def test_a_form_on_a_card_that_is_refused_comes_back_with_what_was_written(seat, sent, cast):
    head, order = seat(Role.DEPARTMENT_HEAD), sent(cast.north.people[Role.TECHNICIAN].id)
    page = tree_of(head.get("/boards/department"))
    (form,) = card(page, f"order-{order}")[0].xpath(".//form[contains(@action, '/pause')]")
    typed = {"reason": "material", "until_at": "2020-01-01T09:00", "note": "等阀门到货"}
    answer = head.post(form.get("action"), typed)
    assert answer.status_code == 422
    assert "已经过去" in answer.get_data(as_text=True)
    assert "等阀门到货" in answer.get_data(as_text=True)


def test_a_head_hands_an_order_on_from_the_card_a_w5(seat, sent, read, cast):
    head, order = seat(Role.DEPARTMENT_HEAD), sent()
    page = tree_of(head.get("/boards/department"))
    press(head, page, f"order-{order}", "redispatch", department=cast.north.engineering.id, reason="在别处抢修")
    assert read(WorkOrder, order).state is WorkOrderState.REDISPATCHED
    way = f"/work_orders/act/redispatch/?id={sent()}"
    told = {"department": cast.north.engineering.id, "reason": "不归我管"}
    assert seat(Role.TECHNICIAN).post(way, told).status_code in {403, 404}


def test_one_order_by_itself_is_its_technicians_a_w9(seat, sent, cast):
    mine, others = sent(cast.north.people[Role.TECHNICIAN].id), sent()
    worker = seat(Role.TECHNICIAN)
    page = worker.get(f"/boards/orders/{mine}").get_data(as_text=True)
    for words in ("照片", "客户签字", "厨房水管漏水"):
        assert words in page
    assert worker.get(f"/boards/orders/{others}").status_code == 404
    assert seat(Role.DEPARTMENT_HEAD).get(f"/boards/orders/{mine}").status_code == 403


def test_what_was_signed_for_one_order_is_no_signature_for_the_next_a_w9(database, seat, read, cast):
    me = cast.north.people[Role.TECHNICIAN].id
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=5)) as session:
        made = request(session, cast.north)
        first, second = (requests.dispatch(session, made.id, cast.north.engineering.id, me).id for _ in range(2))
        ticket_id = made.ticket_id
        session.commit()
    worker = seat(Role.TECHNICIAN)
    form = {"files": (io.BytesIO(pictures.photo(60, 40)), "签字.png"), "purpose": "signature", "order": first}
    assert worker.post(f"/files/of/{ticket_id}", form).status_code == 302
    for order in (first, second):
        press(worker, tree_of(worker.get("/boards/orders")), f"order-{order}", "accept")
        press(worker, tree_of(worker.get("/boards/orders")), f"order-{order}", "arrive")
        page = tree_of(worker.get(f"/boards/orders/{order}"))
        assert bool(page.xpath("//input[@name='signed']/@checked")) is (order == first)


def test_a_complaint_is_received_and_given_back_on_the_board_a_c5_a_c6(database, seat, read, cast):
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=5)) as session:
        made = complaint(session, cast.north).id
        session.commit()
    head, key = seat(Role.DEPARTMENT_HEAD), f"complaint-{made}"
    page = tree_of(head.get("/boards/department"))
    assert card(page, key)[1] == "to_receive"
    press(head, page, key, "receive")
    page = tree_of(head.get("/boards/department"))
    press(head, page, key, "complete", outcome="已重新打扫")
    page = tree_of(head.get("/boards/department"))
    assert card(page, key)[1] == "to_give_back"
    press(head, page, key, "give-back")
    assert read(Complaint, made).returned_at is not None
    assert not tree_of(head.get("/boards/department")).xpath(f"//li[@id='{key}']")


def test_another_office_is_on_no_board(database, cast, seat):
    with at_desk(database, cast.south) as session:
        requests.dispatch(session, request(session, cast.south, content="南苑的处理单").id, cast.south.engineering.id)
        complaint(session, cast.south, content="南苑的重大投诉", gravity=Gravity.GRAVE)
        session.commit()
    for role, path in ((Role.DEPARTMENT_HEAD, "/boards/department"), (Role.DIRECTOR, "/boards/office")):
        assert "南苑的" not in seat(role).get(path).get_data(as_text=True)


def test_a_technician_has_their_own_orders_and_the_defect_they_are_to_look_at(database, seat, sent, read, cast):
    me = cast.north.people[Role.TECHNICIAN].id
    mine, others = sent(me), sent()
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=5)) as session:
        defect = defects.register_defect(session, office_id=cast.north.id, part="外墙", content="外墙渗水")
        defects.send(session, defect.id, me)
        session.commit()
        defect_id = defect.id
    worker = seat(Role.TECHNICIAN)
    page = tree_of(worker.get("/boards/orders"))
    assert card(page, f"order-{mine}")[1] == "under_way"
    assert not page.xpath(f"//li[@id='order-{others}']")
    for verb, state in (
        ("accept", WorkOrderState.ACCEPTED),
        ("set-out", WorkOrderState.ON_THE_WAY),
        ("arrive", WorkOrderState.UNDER_WAY),
    ):
        press(worker, tree_of(worker.get("/boards/orders")), f"order-{mine}", verb)
        assert read(WorkOrder, mine).state is state
    key = f"defect-{defect_id}"
    found, lane = card(page, key)
    assert (lane, "外墙渗水" in found.text_content()) == ("to_look", True)
    (form,) = found.xpath(".//form")
    refused = worker.post(form.get("action"), {"cause": " "})
    assert refused.status_code == 422
    assert "没有填写" in refused.get_data(as_text=True)
    assert worker.post(form.get("action"), {"cause": "涂料开裂"}).status_code == 302
    assert read(Defect, defect_id).cause == "涂料开裂"
    assert worker.post(form.get("action"), {"cause": "再写一次"}).status_code == 422


def test_a_defect_somebody_else_was_sent_to_is_not_there(database, seat, cast):
    with at_desk(database, cast.north) as session:
        defect = defects.register_defect(session, office_id=cast.north.id, part="外墙", content="外墙渗水")
        defects.send(session, defect.id, cast.north.people[Role.ENGINEERING_ASSISTANT].id)
        session.commit()
        defect_id = defect.id
    way = f"/boards/orders/defects/{defect_id}/confirm"
    assert seat(Role.TECHNICIAN).post(way, {"cause": "看过了"}).status_code == 404
    assert seat(Role.DEPARTMENT_HEAD).post(way, {"cause": "看过了"}).status_code == 403
    assert seat(Role.ENGINEERING_ASSISTANT).post(way, {"cause": "看过了"}).status_code == 302


def test_the_log_is_checked_each_day_from_the_board_a_s5(database, seat, cast, record):
    supervisor = seat(Role.SUPERVISOR)
    day = clock.today().isoformat()
    assert "还没有登记，无须查看" in supervisor.get("/boards/office").get_data(as_text=True)
    assert supervisor.post("/boards/office/log", {"day": day}).status_code == 404
    with at_desk(database, cast.north, at=clock.now()) as session:
        daily_log.write(session, office_id=cast.north.id, content="问停车费")
        session.commit()
    assert "已查看今日日志" in supervisor.get("/boards/office").get_data(as_text=True)
    answer = supervisor.post("/boards/office/log", {"day": day, "url": "/boards/office"})
    assert (answer.status_code, answer.location) == (302, "/boards/office")
    entry = record(daily_log.CHECKED)[0]
    assert (entry.office_id, entry.after["day"], entry.after["entries"]) == (cast.north.id, day, 1)
    page = supervisor.get("/boards/office").get_data(as_text=True)
    assert f"{cast.north.people[Role.SUPERVISOR].staff.name} " in page
    assert "再次查看" in page
    assert seat(Role.FRONT_DESK).post("/boards/office/log", {"day": day}).status_code == 403
    assert supervisor.post("/boards/office/log", {"day": "昨天"}).status_code in {400, 409, 422}


def test_a_director_acknowledges_what_went_up_the_line_on_the_board(database, seat, cast):
    with at_desk(database, cast.north, at=clock.now() - timedelta(hours=2)) as session:
        ticket = request(session, cast.north, content="电梯停运").ticket_id
        session.commit()
    sweeps.run_escalations(database, clock.now(), cast.north.id, settings=Settings.from_environment({}))
    director = seat(Role.DIRECTOR)
    page = tree_of(director.get("/boards/office"))
    assert page.xpath("//h1")[0].text_content().strip() == "主任看板"
    assert card(page, f"overdue-ticket-{ticket}")[1] == "overdue"
    found, _ = card(page, f"escalated-ticket-{ticket}")
    way = f"/supervision/tickets/{ticket}/acknowledge"
    assert found.xpath(f".//form[@action='{way}']")
    assert seat(Role.TECHNICIAN).post(way).status_code == 403
    assert director.post(way, {"url": "/boards/office#lane-escalated"}).location == "/boards/office#lane-escalated"
    assert not tree_of(director.get("/boards/office")).xpath(f"//form[@action='{way}']")
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        rows = session.scalars(select(Escalation).where(Escalation.ticket_id == ticket)).all()
        assert {row.acknowledged_by_id for row in rows} == {cast.north.people[Role.DIRECTOR].id}


@pytest.mark.parametrize("spelled", ["0001-01-01", "9999-12-31", "\x00", "昨天", ""])
def test_a_log_of_a_day_that_cannot_be_is_refused_in_words(seat, spelled):
    answer = seat(Role.SUPERVISOR).post("/boards/office/log", {"day": spelled})
    assert answer.status_code == 422
    assert "「日期」" in answer.get_data(as_text=True)


def test_a_long_lane_goes_on_where_it_was_cut_and_the_board_asks_no_more_for_it(database, app, seat, sent):
    head = seat(Role.DEPARTMENT_HEAD)
    sent()
    with asked(app.extensions["wuguan.database"]) as few:
        head.get("/boards/department")
    for _ in range(45):
        sent()
    with asked(app.extensions["wuguan.database"]) as many:
        page = tree_of(head.get("/boards/department"))
    assert len(many) <= len(few) + 1 <= STATEMENTS
    seen, address = [], "/boards/department?lane=to_receive"
    while address:
        page = tree_of(head.get(address))
        lane = page.xpath("//section[@data-lane='to_receive']")[0]
        seen += lane.xpath(".//li/@id")
        address = next(iter(lane.xpath(".//a[@data-more]/@href")), None)
    assert len(seen) == len(set(seen)) >= 46
    part = head.get("/boards/department?part=lanes").get_data(as_text=True)
    assert "<html" not in part
    assert 'data-lane="to_receive"' in part


@pytest.mark.parametrize(
    "after", ["x", "1~2~3", "0~2026-01-01T00:00:00~order~0", "0~gestern~order~1", "~~~", "9" * 50 + "~a~b~1"]
)
def test_an_address_that_spells_no_place_shows_the_lane_from_its_beginning(seat, after):
    assert seat(Role.DEPARTMENT_HEAD).get(f"/boards/department?lane=to_receive&after={after}").status_code == 200
    assert seat(Role.DIRECTOR).get(f"/boards/office?lane=nonsense%00&after={after}").status_code == 200
