"""Every limit of requests to the minute: a minute before it runs out nobody is told, and then somebody is.

A-W1 to A-W7, A-W9, A-W13, A-W14, A-W16, B-W11, B-W12, B-W17, B-W18, B-W19. The office is in Shanghai: 24:00 there is
16:00 UTC.
"""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running
from running_out import runs_out, told
from tasks import schedule
from tasks.papers import facts
from tenant import clock, policy
from tenant.errors import Refusal
from tenant.models import Contact, FollowUp, Office, Ticket, WorkOrder
from tenant.rules.terms import (
    Act,
    Area,
    Channel,
    ClockKind,
    PauseReason,
    ReporterKind,
    RequestCategory,
    Role,
    Satisfaction,
    TicketKind,
)
from tenant.services import follow_ups, pauses, rates, requests, tickets

NOON = make.NOON
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""24:00 of today in Shanghai."""
PUBLIC = {"category": RequestCategory.PUBLIC_FACILITY, "unit_id": None, "location": "3 号楼大堂"}
COMMON = frozenset({ClockKind.FIRST_REPLY, ClockKind.DISPATCH, ClockKind.SAME_DAY, ClockKind.DAILY_CONTACT})


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office always has an overdue request and complaint of its own."""
    with at_desk(database, cast.south, NOON - 3 * DAY) as session:
        request(session, cast.south)
        complaint(session, cast.south)
        session.commit()


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def sent(session, house, at=NOON, **fields):
    with clock.at(at):
        filed = request(session, house, **fields)
        return filed, requests.dispatch(session, filed.id, house.engineering.id, house.people[Role.TECHNICIAN].id)


def done(session, house, at, **fields):
    with clock.at(at):
        filed, order = sent(session, house, at, **fields)
        requests.complete(session, order.id)
    return filed


# ------------------------------------------------------------------------------------------------------------ requests
@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("reporter", ReporterKind)
def test_a_w1_whoever_reports_by_whatever_way_the_same_limits_run(session, house, channel, reporter):
    filed = request(session, house, channel=channel, reporter_kind=reporter)
    ticket = session.get_one(Ticket, filed.ticket_id)
    assert (ticket.channel, ticket.reporter_kind, set(running(session, ticket.id))) == (channel, reporter, set(COMMON))


def test_a_w2_urgent_ones_are_sent_within_five_minutes(session, house):
    filed = request(session, house, urgent=True)
    assert runs_out(session, filed.ticket_id, ClockKind.DISPATCH, NOON + 5 * MINUTE)
    in_time = request(session, house, urgent=True)
    with clock.at(NOON + 5 * MINUTE):
        requests.dispatch(session, in_time.id, house.engineering.id)
    assert ClockKind.DISPATCH not in told(session, in_time.ticket_id, NOON + 5 * MINUTE)


def test_a_w3_ordinary_ones_are_sent_within_fifteen_minutes(session, house):
    filed = request(session, house)
    assert runs_out(session, filed.ticket_id, ClockKind.DISPATCH, NOON + 15 * MINUTE)


def test_a_w3_without_a_head_nothing_is_sent_and_the_limit_runs_on(session, house):
    headless = make.department(session, house.id, name="绿化部")
    filed = request(session, house)
    refused = refusal(requests.dispatch, session, filed.id, headless.id)
    assert (refused.code, "绿化部" in refused.message) == ("department_without_head", True)
    assert runs_out(session, filed.ticket_id, ClockKind.DISPATCH, NOON + 15 * MINUTE)


def test_a_w4_the_customer_hears_within_fifteen_minutes(session, house):
    filed, in_time = request(session, house), request(session, house)
    with clock.at(NOON + 15 * MINUTE):
        call(session, in_time.ticket_id, told="十分钟后到", at=NOON + 14 * MINUTE)
    assert runs_out(session, filed.ticket_id, ClockKind.FIRST_REPLY, NOON + 15 * MINUTE)
    assert ClockKind.FIRST_REPLY not in told(session, in_time.ticket_id, NOON + 15 * MINUTE)


def test_a_w5_somebody_is_on_site_within_fifteen_minutes_of_being_sent(session, house):
    filed, _ = sent(session, house, NOON + 3 * MINUTE)
    assert runs_out(session, filed.ticket_id, ClockKind.ON_SITE, NOON + 18 * MINUTE)


def test_a_w6_what_is_not_done_on_its_day_is_told_of_at_midnight(session, house):
    for received in (NOON, MIDNIGHT - MINUTE):
        filed, _ = sent(session, house, received)
        assert runs_out(session, filed.ticket_id, ClockKind.SAME_DAY, MIDNIGHT)
    early, _ = sent(session, house, MIDNIGHT)
    assert runs_out(session, early.ticket_id, ClockKind.SAME_DAY, MIDNIGHT + DAY)


def test_a_w6_done_in_the_last_minute_of_the_day_it_is_in_time(session, house):
    filed, order = sent(session, house)
    with clock.at(MIDNIGHT - MINUTE):
        requests.complete(session, order.id)
    assert ClockKind.SAME_DAY not in told(session, filed.ticket_id, MIDNIGHT)


def test_a_w7_spoken_with_before_midnight_is_to_be_spoken_with_again_the_next_day(session, house):
    filed = request(session, house)
    with clock.at(MIDNIGHT - MINUTE):
        call(session, filed.ticket_id, told="明早到")
    assert runs_out(session, filed.ticket_id, ClockKind.DAILY_CONTACT, MIDNIGHT + DAY)
    with clock.at(MIDNIGHT + DAY):
        call(session, filed.ticket_id, told="仍在等料")
    assert runs_out(session, filed.ticket_id, ClockKind.DAILY_CONTACT, MIDNIGHT + 3 * DAY)


def test_a_w9_the_customer_signs_no_earlier_than_it_was_done(session, house):
    _, order = sent(session, house)
    with clock.at(NOON + HOUR):
        requests.complete(session, order.id, signed=False, at=NOON + 30 * MINUTE)
        assert refusal(requests.file, session, order.id).code == "impossible"
        assert refusal(requests.sign, session, order.id, at=NOON + 29 * MINUTE).code == "too_early"
        requests.sign(session, order.id, at=NOON + 30 * MINUTE)
        assert requests.file(session, order.id).filed_at == NOON + HOUR


def test_b_w11_whoever_was_helped_is_asked_within_thirty_minutes(session, house):
    filed = done(session, house, NOON)
    assert runs_out(session, filed.ticket_id, ClockKind.FOLLOW_UP, NOON + 30 * MINUTE)
    asked_in_time = done(session, house, NOON)
    with clock.at(NOON + 30 * MINUTE):
        follow_ups.follow_up(session, asked_in_time.ticket_id, Satisfaction.SATISFIED, at=NOON + 29 * MINUTE)
    assert told(session, asked_in_time.ticket_id, NOON + 30 * MINUTE) == set()


def test_b_w12_who_reported_a_public_facility_hears_before_the_day_is_over(session, house):
    for finished in (NOON, MIDNIGHT - MINUTE):
        filed = done(session, house, finished, **PUBLIC)
        assert runs_out(session, filed.ticket_id, ClockKind.COMPLETION_REPLY, MIDNIGHT)
    thanked = done(session, house, NOON, **PUBLIC)
    with clock.at(MIDNIGHT - MINUTE):
        call(session, thanked.ticket_id, told="已修好，谢谢您报修")
    assert ClockKind.COMPLETION_REPLY not in told(session, thanked.ticket_id, MIDNIGHT)


@pytest.mark.parametrize("category", [RequestCategory.PUBLIC_FACILITY, RequestCategory.INTERNAL])
def test_a_w13_public_and_internal_matters_have_the_limits_of_any_repair(session, house, category):
    filed, order = sent(session, house, category=category, unit_id=None, location="水泵房")
    assert set(running(session, filed.ticket_id)) == (COMMON - {ClockKind.DISPATCH}) | {ClockKind.ON_SITE}
    assert runs_out(session, filed.ticket_id, ClockKind.ON_SITE, NOON + 15 * MINUTE)
    with clock.at(NOON + HOUR):
        requests.complete(session, order.id)
    assert ClockKind.FOLLOW_UP in running(session, filed.ticket_id)


def test_a_w14_what_was_taken_up_done_in_time_and_asked_about_is_counted(session, house):
    for _ in range(2):
        asked_about = done(session, house, NOON)
    with clock.at(NOON + HOUR):
        follow_ups.follow_up(session, asked_about.ticket_id, Satisfaction.SATISFIED)
    request(session, house)
    late, order = sent(session, house)
    with clock.at(MIDNIGHT + MINUTE):
        requests.complete(session, order.id)
    found = rates.by_office(session, [TicketKind.REQUEST], NOON, NOON + 7 * DAY, NOON + 7 * DAY)[house.id]
    said = {rate.value: (share.part, share.whole) for rate, share in found.items()}
    assert late.id != asked_about.id
    assert said == said | {"accepted": (3, 4), "handled": (3, 4), "on_time": (2, 4), "followed_up": (1, 3)}


def test_a_w16_what_was_closed_two_years_ago_still_prints(database, cast):
    house = cast.north
    with at_desk(database, house) as session:
        filed = done(session, house, NOON)
        call(session, filed.ticket_id, told="已修好")
        with clock.at(NOON + HOUR):
            follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED, answer="好")
            tickets.close(session, filed.ticket_id)
        session.commit()
    later = NOON + 2 * 366 * DAY
    schedule.tidy(database, later)
    with at_desk(database, house, later) as session:
        (order,) = session.scalars(select(WorkOrder).where(WorkOrder.request_id == filed.id)).all()
        (paper,) = facts.work_orders(session, session.get_one(Office, house.id), [order])["orders"]
        assert paper["number"] == order.number
        for model in (Contact, FollowUp):
            assert session.scalars(select(model).where(model.ticket_id == filed.ticket_id)).all(), model


@pytest.mark.parametrize("area", [Area.REQUESTS, Area.COMPLAINTS, Area.FOLLOW_UPS, Area.DAILY_LOG])
def test_a_w16_nobody_may_throw_a_form_away(area):
    assert [role for role in Role if policy.may(role, area, Act.DELETE)] == []


def test_b_w17_a_question_is_answered_at_once_or_at_the_minute_booked(session, house):
    booked = request(session, house, category=RequestCategory.CONSULTATION, promised_at=NOON + 2 * DAY)
    assert runs_out(session, booked.ticket_id, ClockKind.PROMISED, NOON + 2 * DAY)
    at_once = request(session, house, category=RequestCategory.CONSULTATION)
    requests.answer(session, at_once.id, outcome="物业费按季度收")
    assert set(running(session, at_once.ticket_id)) == {ClockKind.FOLLOW_UP}


def test_b_w18_whoever_suggests_hears_before_the_third_day_is_over(session, house):
    filed = request(session, house, category=RequestCategory.SUGGESTION)
    assert runs_out(session, filed.ticket_id, ClockKind.SUGGESTION_REPLY, MIDNIGHT + 3 * DAY)
    adopted = request(session, house, category=RequestCategory.SUGGESTION)
    with clock.at(MIDNIGHT + 3 * DAY - MINUTE):
        requests.answer(session, adopted.id, outcome="采纳，下月实施，谢谢")
    assert ClockKind.SUGGESTION_REPLY not in told(session, adopted.ticket_id, MIDNIGHT + 3 * DAY)


def test_b_w19_what_cannot_be_done_now_is_done_at_the_minute_appointed(session, house):
    with clock.at(NOON + MINUTE):
        filed = request(session, house)
        for at in (NOON, NOON + MINUTE):
            passed = refusal(tickets.promise, session, filed.ticket_id, at)
            assert (passed.code, passed.field) == ("promise_has_passed", "promised_at")
        tickets.promise(session, filed.ticket_id, NOON + DAY)
    assert runs_out(session, filed.ticket_id, ClockKind.PROMISED, NOON + DAY)


def test_b_w19_waiting_ends_at_the_minute_said_and_never_after_fourteen_days(session, house):
    filed = request(session, house)
    last = MIDNIGHT + 14 * DAY
    far = refusal(pauses.pause, session, filed.ticket_id, PauseReason.MATERIAL, last + MINUTE)
    assert (far.code, far.field) == ("limit_too_far", "until_at")
    pauses.pause(session, filed.ticket_id, PauseReason.MATERIAL, last)
    assert runs_out(session, filed.ticket_id, ClockKind.WAITING, last)
