"""What the desk may write down, and what is refused with a sentence that says the way out (A-W1, A-W2, A-C1, A-C3)."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

import make
from desk import DAY, MINUTE, at_desk, complaint, request
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, DueAction, NumberSeries, Office, Ticket
from tenant.rules.terms import Channel, Gravity, ReporterKind, RequestCategory, Role, TicketState
from tenant.scoping import Scope
from tenant.services import complaints
from tenant.unscoped import Reason, across_offices

NOON = make.NOON
BAD = {
    "an empty content": ({"content": " \n "}, "missing", "content"),
    "an endless content": ({"content": "漏" * 4001}, "too_long", "content"),
    "an unprintable content": ({"content": "漏\x00水"}, "unprintable", "content"),
    "an endless name": ({"reporter_name": "王" * 101}, "too_long", "reporter_name"),
    "an endless phone": ({"reporter_phone": "1" * 65}, "too_long", "reporter_phone"),
    "an endless place": ({"location": "东" * 201}, "too_long", "location"),
    "a missing unit": ({"unit_id": 987654321}, "unknown_unit", "unit"),
    "a receipt in the future": ({"received_at": NOON + MINUTE}, "in_the_future", "received_at"),
    "a promise in the past": ({"promised_at": NOON - MINUTE}, "promise_has_passed", "promised_at"),
    "a promise for this moment": ({"promised_at": NOON}, "promise_has_passed", "promised_at"),
}


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office has a request and a complaint of its own, of another day."""
    with at_desk(database, cast.south, NOON - DAY) as session:
        request(session, cast.south)
        complaint(session, cast.south)
        session.commit()


@pytest.mark.parametrize("register", [request, complaint])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_field_and_leaves_nothing(database, cast, register, case):
    fields, code, field = BAD[case]
    with at_desk(database, cast.north) as session:
        before = [session.scalar(select(func.count(m.id))) for m in (Ticket, Clock, DueAction, NumberSeries)]
        with pytest.raises(Refusal) as refused:
            register(session, cast.north, **fields)
        assert (refused.value.code, refused.value.field) == (code, field)
        assert "请" in refused.value.message
        assert [session.scalar(select(func.count(m.id))) for m in (Ticket, Clock, DueAction, NumberSeries)] == before


@pytest.mark.parametrize("register", [request, complaint])
def test_a_foreign_unit_answers_exactly_like_a_missing_one(database, cast, register):
    answers = []
    for unit_id in (cast.south.unit.id, 987654321):
        with at_desk(database, cast.north) as session, pytest.raises(NotFound) as refused:
            register(session, cast.north, unit_id=unit_id)
        answers.append(refused.value.message.replace(str(unit_id), "#"))
    assert answers[0] == answers[1]


def test_a_unit_of_another_office_in_ones_own_scope_is_refused_too(database, cast):
    both = Scope.of([cast.north.id, cast.south.id])
    with database.session(both, cast.north.actor(Role.FRONT_DESK)) as session, pytest.raises(NotFound):
        request(session, cast.north, unit_id=cast.south.unit.id)


def test_a_foreign_office_is_a_missing_office(database, cast):
    for office_id in (cast.south.id, 987654321):
        with at_desk(database, cast.north) as session, pytest.raises(NotFound) as refused:
            request(session, cast.north, office_id=office_id, unit_id=None)
        assert refused.value.field == "office"


def test_an_archived_office_takes_nothing_in(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get(Office, cast.north.id).archived_at = NOON - DAY
        session.flush()
        with pytest.raises(Refusal) as refused:
            request(session, cast.north)
        assert refused.value.code == "office_archived"


def test_a_naive_time_is_the_programs_mistake(database, cast):
    with at_desk(database, cast.north) as session, pytest.raises(ValueError, match="zone"):
        request(session, cast.north, received_at=NOON.replace(tzinfo=None))


def test_an_urgent_request_is_not_put_off_to_the_morning(database, cast):
    with at_desk(database, cast.north) as session, pytest.raises(Refusal) as refused:
        request(session, cast.north, urgent=True, put_off=True)
    assert refused.value.code == "urgent_put_off"


def test_a_complaint_about_a_department_without_a_head_is_refused(database, cast):
    with at_desk(database, cast.north) as session:
        headless = make.department(session, cast.north.id, name="绿化部")
        with pytest.raises(Refusal) as refused:
            complaints.register_complaint(session, office_id=cast.north.id, content="态度差", department_id=headless.id)
        assert refused.value.code == "department_without_head"
        assert "绿化部" in refused.value.message


def test_what_is_written_down_is_kept_as_said_without_the_spaces_around(database, cast):
    with at_desk(database, cast.north) as session:
        filed = request(
            session,
            cast.north,
            content="  水管漏水 ",
            unit_id=None,
            location="东门",
            channel=Channel.VISIT,
            reporter_kind=ReporterKind.OCCUPANT,
            reporter_name=" 王小明 ",
            reporter_phone="",
            received_at=NOON - 3 * MINUTE,
            category=RequestCategory.PUBLIC_FACILITY,
        )
        ticket = session.get(Ticket, filed.ticket_id)
        assert (ticket.content, ticket.location, ticket.reporter_name) == ("水管漏水", "东门", "王小明")
        assert (ticket.channel, ticket.reporter_kind) == (Channel.VISIT, ReporterKind.OCCUPANT)
        assert (ticket.reporter_phone, ticket.unit_id) == (None, None)
        assert ticket.received_at == NOON - timedelta(minutes=3)
        assert ticket.registered_by_id == cast.north.people[Role.FRONT_DESK].id


def test_a_c3_an_invalid_complaint_is_recorded_and_over(database, cast):
    with at_desk(database, cast.north) as session:
        filed = complaint(session, cast.north, gravity=Gravity.INVALID)
        ticket = session.get(Ticket, filed.ticket_id)
        assert (ticket.state, ticket.closed_at) == (TicketState.INVALID, NOON)
        assert session.scalars(select(Clock).where(Clock.ticket_id == ticket.id)).all() == []


def test_kinds_count_by_themselves_and_offices_too(database, cast):
    numbers = []
    for house in (cast.north, cast.south):
        with at_desk(database, house) as session:
            filed = [request(session, house), complaint(session, house), request(session, house)]
            numbers += [session.get(Ticket, row.ticket_id).number for row in filed]
    assert numbers == ["BS20260302-0001", "TS20260302-0001", "BS20260302-0002"] * 2
