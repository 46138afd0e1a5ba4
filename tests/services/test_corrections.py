"""Putting right what the desk wrote down: what may change when, and what that does to the clocks (A-W2, A-W3, A-C1)."""

from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running
from standing import check_clocks
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, Ticket, Topic
from tenant.rules.terms import ClockKind, Gravity, PauseReason, RequestCategory, Role
from tenant.services import complaints, corrections, pauses, quotes, requests, tickets

NOON = make.NOON
REPAIR, SUGGESTION, PAID = RequestCategory.REPAIR, RequestCategory.SUGGESTION, RequestCategory.PAID_SERVICE


@pytest.fixture
def session(database, cast):
    """A session of the north's desk at noon, rolled back at its end."""
    with at_desk(database, cast.north) as opened:
        yield opened


@pytest.fixture
def house(cast):
    return cast.north


def refused(act, *arguments, **named):
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def dues(session, filed):
    return {kind: row.due_at for kind, row in running(session, filed.ticket_id).items()}


def test_a_w2_what_was_written_wrong_is_put_right_and_no_clock_moves(session, house):
    filed, other = request(session, house), make.unit(session, house.id)
    before = dues(session, filed)
    with clock.at(NOON + 3 * MINUTE):
        row = corrections.correct(
            session, filed.ticket_id, {"content": " 卫生间漏水 ", "unit_id": other.id, "reporter_name": "赵二"}
        )
    assert (row.content, row.unit_id, row.reporter_name, row.location) == ("卫生间漏水", other.id, "赵二", None)
    assert dues(session, filed) == before
    assert row.received_at == NOON


def test_what_is_not_said_stays_and_what_is_empty_is_refused_at_its_field(session, house):
    filed = request(session, house, reporter_phone="19900000001")
    row = corrections.correct(session, filed.ticket_id, {"content": "甲"})
    assert (row.reporter_phone, row.unit_id) == ("19900000001", house.unit.id)
    assert refused(corrections.correct, session, filed.ticket_id, {"content": " "}).field == "content"
    with pytest.raises(NotFound):
        corrections.correct(session, filed.ticket_id, {"content": "甲", "unit_id": 987654321})


def test_once_done_only_whom_to_call_is_changed_and_once_over_nothing(session, house):
    filed = request(session, house)
    requests.answer(session, filed.id)
    content = session.get_one(Ticket, filed.ticket_id).content
    row = corrections.correct(session, filed.ticket_id, {"content": content, "reporter_phone": "19900000002"})
    assert row.reporter_phone == "19900000002"
    assert refused(corrections.correct, session, filed.ticket_id, {"content": "别的"}).field == "content"
    told = refused(corrections.correct, session, filed.ticket_id, {"content": content, "unit_id": None})
    assert (told.code, told.field) == ("already_done", "unit")
    tickets.invalidate(session, filed.ticket_id, "误登")
    assert refused(corrections.correct, session, filed.ticket_id, {"content": content}).code == "ticket_closed"


def test_a_c2a_a_complaint_put_under_its_right_unit_may_be_the_third_on_one_matter(session, house):
    topic = Topic(office_id=house.id, name="楼上漏水")
    session.add(topic)
    session.flush()
    first, second = (complaint(session, house) for _ in range(2))
    third = complaint(session, house, unit_id=None, location="大堂")
    for one in (first, second, third):
        complaints.sort_under(session, one.id, topic.id)
    assert third.gravity is Gravity.ORDINARY
    corrections.correct(session, third.ticket_id, {"content": "仍漏水", "unit_id": house.unit.id, "demand": "书面答复"})
    assert (third.gravity, third.demand) == (Gravity.GRAVE, "书面答复")


def test_a_w2_urgent_after_all_it_is_due_sooner_from_the_same_receipt(session, house):
    filed = request(session, house)
    assert dues(session, filed)[ClockKind.DISPATCH] == NOON + 15 * MINUTE
    with clock.at(NOON + 3 * MINUTE):
        corrections.reclassify(session, filed.id, REPAIR, urgent=True, reason="水已漫到楼下")
    assert filed.urgent
    found = running(session, filed.ticket_id)[ClockKind.DISPATCH]
    assert (found.started_at, found.due_at, found.source) == (NOON, NOON + 5 * MINUTE, "A-W2")
    with clock.at(NOON + 4 * MINUTE):
        corrections.reclassify(session, filed.id, REPAIR, urgent=False, reason="已自行关阀")
    assert dues(session, filed)[ClockKind.DISPATCH] == NOON + 15 * MINUTE
    check_clocks(session, session.get_one(Ticket, filed.ticket_id))


def test_b_w18_a_repair_that_is_a_suggestion_wants_an_answer_and_no_dispatch(session, house):
    filed = request(session, house)
    with clock.at(NOON + HOUR):
        corrections.reclassify(session, filed.id, SUGGESTION, urgent=False, reason="只是建议加装路灯")
    found = running(session, filed.ticket_id)
    assert ClockKind.SUGGESTION_REPLY in found
    assert found[ClockKind.SUGGESTION_REPLY].started_at == NOON + HOUR
    check_clocks(session, session.get_one(Ticket, filed.ticket_id))


def test_a_w6_what_was_put_under_another_category_by_mistake_is_due_as_before_when_it_is_put_back(session, house):
    filed = request(session, house)
    before = dues(session, filed)
    with clock.at(NOON + 3 * MINUTE):
        corrections.reclassify(session, filed.id, SUGGESTION, urgent=False, reason="看错一行")
        assert ClockKind.SAME_DAY not in dues(session, filed)
    with clock.at(NOON + 4 * MINUTE):
        corrections.reclassify(session, filed.id, REPAIR, urgent=False, reason="改回报修")
    assert dues(session, filed) == before
    check_clocks(session, session.get_one(Ticket, filed.ticket_id))


def test_what_was_met_stays_met_and_what_was_sent_is_not_to_be_sent_again(session, house):
    filed = request(session, house)
    call(session, filed.ticket_id, told="马上派人")
    requests.dispatch(session, filed.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
    with clock.at(NOON + 5 * MINUTE):
        corrections.reclassify(session, filed.id, REPAIR, urgent=True, reason="水已漫到楼下")
    found = running(session, filed.ticket_id)
    assert not {ClockKind.FIRST_REPLY, ClockKind.DISPATCH} & set(found)
    assert found[ClockKind.ON_SITE].started_at == NOON
    met = select(Clock.kind).where(Clock.ticket_id == filed.ticket_id, Clock.met_at.is_not(None))
    assert set(session.scalars(met)) >= {ClockKind.FIRST_REPLY, ClockKind.DISPATCH}
    check_clocks(session, session.get_one(Ticket, filed.ticket_id))


def test_the_same_again_changes_nothing_and_a_reason_is_needed(session, house):
    filed = request(session, house)
    before = {kind: row.id for kind, row in running(session, filed.ticket_id).items()}
    corrections.reclassify(session, filed.id, REPAIR, urgent=False, reason="无")
    assert {kind: row.id for kind, row in running(session, filed.ticket_id).items()} == before
    assert refused(corrections.reclassify, session, filed.id, REPAIR, urgent=True, reason=" ").field == "reason"


def test_what_waits_goes_on_first_and_what_is_done_stays_what_it_was(session, house):
    filed = request(session, house)
    pauses.pause(session, filed.ticket_id, PauseReason.OWNER, NOON + DAY)
    told = refused(corrections.reclassify, session, filed.id, REPAIR, urgent=True, reason="急")
    assert "恢复办理" in told.message
    pauses.resume(session, filed.ticket_id)
    requests.answer(session, filed.id)
    assert refused(corrections.reclassify, session, filed.id, REPAIR, urgent=True, reason="急").code == "already_done"


def test_a_w8_a_price_and_a_category_do_not_contradict_each_other(session, house):
    paid = request(session, house, category=PAID)
    quotes.add_line(session, paid.id, "换灯", Decimal(1), Decimal(20))
    assert refused(corrections.reclassify, session, paid.id, REPAIR, urgent=False, reason="x").field == "category"
    sent = request(session, house)
    requests.dispatch(session, sent.id, house.engineering.id)
    told = refused(corrections.reclassify, session, sent.id, PAID, urgent=False, reason="x")
    assert (told.code, told.field) == ("price_stands", "category")
