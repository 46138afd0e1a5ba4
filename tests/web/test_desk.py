"""The front desk: one box to the unit's card, the matter written below it, and nothing lost on the way (A-W2, A-C1)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from lxml import html
from sqlalchemy import select

import make
from admin.screens.wording import STOP_IT_FIRST
from cast import Cast
from desk import at_desk, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Clock, Complaint, Occupant, Owner, ServiceRequest, Ticket, Topic, Vehicle
from tenant.rules.terms import Channel, ClockKind, Gravity, OccupantRelation, ReporterKind, RequestCategory, Role
from tenant.scoping import Scope
from tenant.services import daily_log
from tenant.services import owners as owning

TODAY = date(2026, 11, 21)


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture(scope="module")
def lived_in(database, cast: Cast):
    """A unit of the north with somebody living there, a car, and a bill nobody paid."""
    with at_desk(database, cast.north) as session:
        unit = make.unit(session, cast.north.id)
        person = make.owner(session, cast.north.id, name="方小北", phone="19900000077")
        make.ownership(session, unit, person)
        who = {"name": "孟小南", "phone": "13900000088", "relation": OccupantRelation.RENTER}
        session.add(Occupant(office_id=cast.north.id, unit_id=unit.id, **who))
        session.add(Vehicle(office_id=cast.north.id, unit_id=unit.id, plate="沪A12Q77"))
        make.charge(session, unit, person, date(2026, 1, 31), amount=Decimal("360.50"))
        session.commit()
        return unit


def latest(database, model):
    """Return the newest row of a model."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()


def ticket_of(database, row) -> Ticket:
    """Return the ticket of a request or complaint."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return session.get_one(Ticket, row.ticket_id)


@pytest.mark.parametrize("words", ["number", "方小北", "19900000077", "0077", "孟小南", "沪a12q77", "A12Q77"])
def test_a_unit_is_found_by_number_name_telephone_and_plate(desk, lived_in, words):
    answer = desk.post("/desk", {"q": lived_in.number if words == "number" else words})
    assert answer.status_code == 302
    assert answer.location.endswith(f"/desk?unit={lived_in.id}")
    assert "q=" not in answer.location


def test_a_tickets_number_leads_to_the_ticket(database, cast, desk):
    with at_desk(database, cast.north) as session:
        ticket = request(session, cast.north).ticket
        session.commit()
    assert desk.post("/desk", {"q": ticket.number.lower()}).location.endswith(f"/tickets/{ticket.id}")


def test_the_card_says_who_lives_there_what_is_open_and_what_is_owed(database, cast, desk, lived_in):
    with at_desk(database, cast.north) as session:
        request(session, cast.north, unit_id=lived_in.id, content="阳台渗水")
        session.commit()
    page = desk.get(f"/desk?unit={lived_in.id}").get_data(as_text=True)
    for words in ("方小北（业主）", "孟小南（租户）", "199****0077", "沪A12Q77", "阳台渗水"):
        assert words in page
    assert "19900000077" not in page, "numbers are masked on the card"


def test_what_is_owed_is_shown_to_who_may_see_charges(sign_in, cast, lived_in):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    assert "欠费 360.50 元" in director.get(f"/desk?unit={lived_in.id}").get_data(as_text=True)


def test_a_request_is_registered_with_the_number_the_roster_has_a_w2(database, cast, desk, lived_in):
    with at_desk(database, cast.north) as session:
        (person,) = owning.owners_of(session, lived_in.id, TODAY)
    form = {
        "unit": lived_in.id,
        "matter": "request",
        "content": "水管漏水",
        "reporter": f"owner-{person.id}",
        "urgent": "1",
    }
    answer = desk.post("/desk/register", form | {"category": "repair"})
    assert answer.status_code == 302
    row = latest(database, ServiceRequest)
    ticket = ticket_of(database, row)
    assert (row.urgent, row.category, ticket.unit_id) == (True, RequestCategory.REPAIR, lived_in.id)
    assert (ticket.reporter_name, ticket.reporter_phone) == ("方小北", "19900000077")
    assert (ticket.reporter_kind, ticket.channel) == (ReporterKind.OWNER, Channel.CALL)
    assert ticket.registered_by_id == cast.north.people[Role.FRONT_DESK].id
    page = desk.get(answer.location).get_data(as_text=True)
    assert f"已登记报事 {ticket.number}。接下来：派单还剩" in page
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        kinds = set(session.scalars(select(Clock.kind).where(Clock.ticket_id == ticket.id)))
    assert {ClockKind.DISPATCH, ClockKind.FIRST_REPLY} <= kinds


def test_a_complaint_of_somebody_else_about_a_public_area_is_registered_a_c1(database, cast, desk):
    form = {
        "matter": "complaint", "content": "大堂无人值守", "reporter": "other", "reporter_name": "过路人",
        "reporter_phone": "19900000099", "gravity": "major", "location": "北门大堂", "demand": "安排值守",
        "department": cast.north.engineering.id, "category": "repair",
    }  # fmt: skip
    assert desk.post("/desk/register", form).status_code == 302
    row = latest(database, Complaint)
    ticket = ticket_of(database, row)
    assert (row.gravity, row.demand, row.department_id) == (Gravity.MAJOR, "安排值守", cast.north.engineering.id)
    assert (ticket.unit_id, ticket.location, ticket.reporter_name) == (None, "北门大堂", "过路人")
    assert ticket.reporter_kind is ReporterKind.OTHER


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"content": " "}, "content", "请填写「内容」"),
        ({"urgent": "1", "put_off": "1"}, "put_off", "较急的报事不能推到次日"),
        ({"promised_at": "2020-01-01T09:00"}, "promised_at", "已经过去"),
        ({"matter": "poem"}, "matter", ""),
        ({"topic": "999999"}, "topic", "没有找到这个事项分类"),
    ],
)
def test_what_cannot_be_registered_comes_back_at_its_field_with_nothing_lost(
    database, desk, lived_in, changed, field, words
):
    before = latest_id(database)
    form = {
        "unit": lived_in.id,
        "matter": "request",
        "content": "说了很久的话",
        "reporter": "other",
        "category": "repair",
    }
    answer = desk.post("/desk/register", form | {"reporter_name": "来访者"} | changed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert words in page
    tree = html.fromstring(page)
    assert tree.xpath(f"//div[contains(@class, 'has-error')]//*[@name='{field}']") or field == "matter"
    assert tree.xpath("//input[@name='reporter_name']/@value") == ["来访者"]
    assert "说了很久的话" in page or "content" in changed
    assert latest_id(database) == before


def latest_id(database) -> int:
    """Return the id of the newest ticket."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return session.scalars(select(Ticket.id).order_by(Ticket.id.desc()).limit(1)).first() or 0


def test_the_unit_the_people_and_the_tickets_of_another_office_are_not_there(database, cast, desk, lived_in):
    south = cast.south
    assert desk.get(f"/desk?unit={south.unit.id}").status_code == 404
    form = {"unit": south.unit.id, "matter": "request", "content": "x", "reporter": "other", "category": "repair"}
    assert desk.post("/desk/register", form).status_code == 404
    page = desk.post("/desk", {"q": south.owner.name}).get_data(as_text=True)
    assert f"/desk?unit={south.unit.id}" not in page
    foreign = form | {"unit": lived_in.id, "reporter": f"owner-{south.owner.id}"}
    assert desk.post("/desk/register", foreign).status_code == 422
    with at_desk(database, south) as session:
        request(session, south, content="南苑独有的事")
        session.commit()
    assert "南苑独有的事" not in desk.get("/desk/lists").get_data(as_text=True)
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        assert session.scalars(select(Owner).where(Owner.id == south.owner.id)).one()


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.FINANCE_ASSISTANT])
def test_who_registers_nothing_has_no_desk(sign_in, cast, role):
    browser = sign_in(cast.north.people[role].staff)
    assert browser.get("/desk").status_code == 403
    assert "前台登记" not in browser.get("/workbench").get_data(as_text=True)


def test_the_lists_say_what_is_overdue_and_due_next(database, cast, desk):
    with at_desk(database, cast.north) as session:
        late = request(session, cast.north, content="早该派单").ticket.number
        session.commit()
    page = desk.get("/desk/lists").get_data(as_text=True)
    assert late in page
    assert "<html" not in page


@pytest.fixture(scope="module")
def topic(database, cast: Cast):
    """A topic of the north for paid services: urgent, and engineering's."""
    with at_desk(database, cast.north) as session:
        row = Topic(
            office_id=cast.north.id,
            name="上门抢修",
            category=RequestCategory.PAID_SERVICE,
            urgent=True,
            department_id=cast.north.engineering.id,
        )
        session.add(row)
        session.commit()
        return row


@pytest.mark.parametrize(
    ("sent", "urgent", "category"),
    [
        ({}, True, RequestCategory.PAID_SERVICE),
        ({"filled_for": "topic", "category": "paid_service"}, False, RequestCategory.PAID_SERVICE),
        ({"filled_for": "another", "urgent": "1"}, True, RequestCategory.PAID_SERVICE),
    ],
    ids=["no script filled it in", "somebody took it back", "another topic was filled in"],
)
def test_a_topic_brings_category_and_urgency_along_unless_somebody_changed_them(
    database, desk, lived_in, topic, sent, urgent, category
):
    form = {"unit": lived_in.id, "matter": "request", "content": "抢修", "reporter": "other", "category": "repair"}
    told = {key: str(topic.id) if value == "topic" else value for key, value in sent.items()}
    assert desk.post("/desk/register", form | {"topic": topic.id} | told).status_code == 302
    row = latest(database, ServiceRequest)
    assert (row.urgent, row.category) == (urgent, category)


def test_the_desk_says_first_that_harm_going_on_is_to_be_stopped_a_c8(desk, lived_in, database):
    form = {
        "unit": lived_in.id,
        "matter": "complaint",
        "content": "施工扰民",
        "reporter": "other",
        "category": "repair",
    }
    answer = desk.post("/desk/register", form | {"gravity": "ordinary", "harm_continues": "1"})
    assert STOP_IT_FIRST in desk.get(answer.location).get_data(as_text=True)
    answer = desk.post("/desk/register", form | {"gravity": "ordinary"})
    assert STOP_IT_FIRST not in desk.get(answer.location).get_data(as_text=True)


def test_a_complaint_at_the_desk_about_somebody_hurt_is_grave_a_c2b(desk, lived_in, database):
    form = {
        "unit": lived_in.id,
        "matter": "complaint",
        "content": "滑倒受伤",
        "reporter": "other",
        "category": "repair",
    }
    assert desk.post("/desk/register", form | {"gravity": "ordinary", "caused_harm": "1"}).status_code == 302
    assert latest(database, Complaint).gravity is Gravity.GRAVE


def test_todays_log_stands_beside_the_desk_what_waits_first_with_its_time_b_s3(database, cast, desk, sign_in):
    with at_desk(database, cast.north, at=clock.now()) as session:
        daily_log.write(session, office_id=cast.north.id, content="问地下车位", caller_name="陶先生")
        waits = daily_log.write(session, office_id=cast.north.id, content="夜里说灯坏了")
        waits.at, waits.put_off, waits.settled_at = clock.now() - timedelta(days=3), True, None
        session.commit()
    for path in ("/desk", "/desk/lists", "/workbench"):
        page = html.fromstring(desk.get(path).get_data(as_text=True))
        (log,) = page.xpath("//section[@id='daily-log']")
        lines = [line.text_content() for line in log.xpath(".//li")]
        assert "夜里说灯坏了" in lines[0]
        assert "交接 超时 2 天" in lines[0] or "交接 超时 3 天" in lines[0]
        assert any("陶先生" in line and "已办结" in line for line in lines)
    technician = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    assert "今日日志" not in technician.get("/workbench").get_data(as_text=True)
