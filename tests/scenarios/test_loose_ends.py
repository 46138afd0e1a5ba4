"""Whatever is joined, taken up again, called back or given up: somebody is still asked for what is left to do.

A-W1, A-W5, A-W6, A-W10, A-C6, A-C8, A-R6.
"""

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, complaint, request, running
from tenant import clock
from tenant.errors import Refusal
from tenant.models import Posting, Ticket, WorkOrder
from tenant.rules.terms import (
    ClockKind,
    Gravity,
    PauseReason,
    RectificationState,
    Role,
    Satisfaction,
    TicketState,
    WorkOrderState,
)
from tenant.services import complaints, defects, follow_ups, links, pauses, requests, tickets
from warranty import brought_to, defect

NOON = make.NOON
MIDNIGHT = NOON + 12 * HOUR


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def ticket_of(session, filed) -> Ticket:
    return session.get_one(Ticket, filed.ticket_id)


def sent(session, house, at=NOON, **fields):
    with clock.at(at):
        filed = request(session, house, **fields)
        return filed, requests.dispatch(session, filed.id, house.engineering.id)


def finished(session, house, at=NOON):
    filed, order = sent(session, house, at)
    with clock.at(at):
        requests.complete(session, order.id)
    return filed


def said(session, filed, satisfaction, at):
    with clock.at(at):
        return follow_ups.follow_up(session, filed.ticket_id, satisfaction)


# ------------------------------------------------------------------------------------------------------ one cause, many
def test_a_w6_on_its_own_again_it_is_to_be_done_on_the_same_day(session, house):
    cause, flat = request(session, house), request(session, house)
    links.answer_with(session, flat.ticket_id, cause.ticket_id)
    with clock.at(NOON + DAY):
        links.stand_alone(session, flat.ticket_id)
    assert running(session, flat.ticket_id)[ClockKind.SAME_DAY].due_at == MIDNIGHT + DAY


def test_a_w6_what_was_sent_for_itself_is_to_be_done_on_the_day_its_cause_is_found_to_be_none(session, house):
    cause = request(session, house)
    flat, _ = sent(session, house)
    links.answer_with(session, flat.ticket_id, cause.ticket_id)
    with clock.at(NOON + HOUR):
        tickets.invalidate(session, cause.ticket_id, "报错了楼")
    kinds = set(running(session, flat.ticket_id))
    assert {ClockKind.SAME_DAY, ClockKind.DISPATCH} & kinds == {ClockKind.SAME_DAY}


def test_a_w6_what_its_cause_does_not_end_is_asked_for_again(session, house):
    burst, order = sent(session, house)
    flat, _ = sent(session, house)
    links.answer_with(session, flat.ticket_id, burst.ticket_id)
    assert ClockKind.SAME_DAY not in running(session, flat.ticket_id)
    with clock.at(NOON + HOUR):
        requests.complete(session, order.id)
    assert running(session, flat.ticket_id)[ClockKind.SAME_DAY].due_at == MIDNIGHT


def test_a_c8_harm_that_goes_on_after_its_cause_is_done_is_to_be_signed_for(session, house):
    cause, hurt = complaint(session, house), complaint(session, house, harm_continues=True)
    links.answer_with(session, hurt.ticket_id, cause.ticket_id)
    with clock.at(NOON + HOUR):
        complaints.complete(session, cause.id, outcome="已修好")
    assert running(session, hurt.ticket_id)[ClockKind.DEPARTMENT_RECEIPT].due_at == NOON + HOUR + 10 * MINUTE


def test_an_order_called_back_is_not_asked_for_again_while_another_matter_answers(session, house):
    cause = request(session, house)
    flat, order = sent(session, house)
    links.answer_with(session, flat.ticket_id, cause.ticket_id)
    requests.cancel_order(session, order.id, "由主票处理")
    assert ClockKind.DISPATCH not in running(session, flat.ticket_id)
    with clock.at(NOON + HOUR):
        links.stand_alone(session, flat.ticket_id)
    assert running(session, flat.ticket_id)[ClockKind.DISPATCH].due_at == NOON + HOUR + 15 * MINUTE


# ------------------------------------------------------------------------------------------------------------- doubles
def test_a_w1_what_is_reported_after_the_elder_was_done_is_no_double(session, house):
    elder, order = sent(session, house)
    before = request(session, house)
    with clock.at(NOON + HOUR):
        requests.complete(session, order.id)
    with clock.at(NOON + 2 * HOUR):
        after = request(session, house)
        found = refusal(links.merge, session, after.ticket_id, elder.ticket_id)
        assert (found.code, found.field, ticket_of(session, elder).number in found.message) == (
            "done_before", "target", True,
        )  # fmt: skip
        links.merge(session, before.ticket_id, elder.ticket_id)
    assert ticket_of(session, before).state is TicketState.MERGED


def test_a_w20_defects_are_neither_doubles_nor_answered_by_others(session, house):
    found = [
        defects.register_defect(session, office_id=house.id, unit_id=house.unit.id, content="外墙渗水", part="外墙")
        for _ in range(2)
    ]
    for act in (links.merge, links.answer_with):
        assert refusal(act, session, found[1].ticket_id, found[0].ticket_id).code == "no_joining"


# ------------------------------------------------------------------------------------------------------ taken up again
def test_a_w10_nothing_is_done_before_it_was_taken_up_again(session, house):
    """A finish dated back would let the follow-up that did not satisfy count for it."""
    asked = request(session, house)
    with clock.at(NOON + HOUR):
        requests.answer(session, asked.id)
    said(session, asked, Satisfaction.DISSATISFIED, NOON + 2 * HOUR)
    with clock.at(NOON + 3 * HOUR):
        assert refusal(requests.answer, session, asked.id, at=NOON + HOUR).code == "too_early"
        back = refusal(requests.dispatch, session, asked.id, house.engineering.id, at=NOON + HOUR)
        assert (back.code, back.field) == ("too_early", "at")
        requests.answer(session, asked.id, at=NOON + 2 * HOUR + MINUTE)
        assert refusal(tickets.close, session, asked.ticket_id).code == "not_followed_up"


def test_a_w10_nothing_is_given_up_joined_or_turned_before_it_was_taken_up_again(session, house):
    elder, asked = request(session, house), request(session, house)
    with clock.at(NOON + HOUR):
        requests.answer(session, asked.id)
        assert refusal(tickets.invalidate, session, asked.ticket_id, "误报", at=NOON).code == "too_early"
    said(session, asked, Satisfaction.DISSATISFIED, NOON + 2 * HOUR)
    with clock.at(NOON + 3 * HOUR):
        for act in (
            lambda at: tickets.invalidate(session, asked.ticket_id, "误报", at=at),
            lambda at: links.merge(session, asked.ticket_id, elder.ticket_id, at=at),
            lambda at: defects.from_request(session, asked.id, part="外墙", at=at),
        ):
            assert refusal(act, NOON + HOUR).code == "too_early"
        links.merge(session, asked.ticket_id, elder.ticket_id, at=NOON + 2 * HOUR)


def test_a_r6_nobody_has_looked_again_before_the_owner_was_asked(session, house):
    found = owned(session, house)
    said(session, found, Satisfaction.DISSATISFIED, NOON + 2 * HOUR)
    technician = house.people[Role.TECHNICIAN].id
    with clock.at(NOON + 3 * HOUR):
        for act in (
            lambda at: defects.send(session, found.id, technician, at=at),
            lambda at: defects.confirm(session, found.id, "仍渗水", at=at),
        ):
            assert refusal(act, NOON + HOUR).code == "too_early"
            act(NOON + 2 * HOUR)


def owned(session, house):
    """Return a defect whose work the owner has signed for."""
    found = defect(session, house)
    brought_to(session, house, RectificationState.OWNER_SIGNED, found)
    return found


def test_a_c6_no_step_of_a_complaint_lies_before_it_was_taken_up_again(session, house):
    filed = complaint(session, house)
    with clock.at(NOON + HOUR):
        complaints.complete(session, filed.id, outcome="已解决")
    said(session, filed, Satisfaction.DISSATISFIED, NOON + 2 * HOUR)
    with clock.at(NOON + 3 * HOUR):
        assert refusal(complaints.receive, session, filed.id, at=NOON + HOUR).code == "too_early"
        assert refusal(complaints.complete, session, filed.id, outcome="好", at=NOON + HOUR).code == "too_early"
        complaints.receive(session, filed.id, at=NOON + 2 * HOUR + 5 * MINUTE)


def test_a_c5_signed_for_or_forwarded_twice_the_first_time_holds(session, house):
    filed = complaint(session, house, gravity=Gravity.MAJOR)
    for at in (NOON + MINUTE, NOON + HOUR):
        with clock.at(at):
            for act in (complaints.receive, complaints.forward):
                if at == NOON + MINUTE:
                    act(session, filed.id)
                else:
                    assert refusal(act, session, filed.id).code in {"impossible", "recorded"}
    assert (filed.received_by_department_at, filed.forwarded_at) == (NOON + MINUTE, NOON + MINUTE)
    waits = complaint(session, house)
    complaints.receive(session, waits.id)
    pauses.pause(session, waits.ticket_id, PauseReason.OWNER, NOON + DAY)
    again = refusal(complaints.receive, session, waits.id)
    assert (again.code, again.field) == ("recorded", "at")


def test_a_c6_a_complaint_is_not_done_before_its_department_signed(session, house):
    filed = complaint(session, house)
    with clock.at(NOON + 5 * MINUTE):
        complaints.receive(session, filed.id)
    with clock.at(NOON + HOUR):
        assert refusal(complaints.complete, session, filed.id, outcome="好", at=NOON + MINUTE).code == "too_early"
        complaints.complete(session, filed.id, outcome="好", at=NOON + 5 * MINUTE)


def test_a_w5_no_waiting_lies_before_it_was_taken_up_again(session, house):
    asked = request(session, house)
    with clock.at(NOON + HOUR):
        requests.answer(session, asked.id)
    said(session, asked, Satisfaction.DISSATISFIED, NOON + 2 * HOUR)
    with clock.at(NOON + 3 * HOUR):
        early = refusal(pauses.pause, session, asked.ticket_id, PauseReason.OWNER, NOON + DAY, at=NOON + HOUR)
    assert (early.code, early.field) == ("too_early", "at")


def test_a_w10_nothing_is_closed_before_somebody_was_asked(session, house):
    filed = finished(session, house)
    said(session, filed, Satisfaction.SATISFIED, NOON + HOUR)
    with clock.at(NOON + 2 * HOUR):
        assert refusal(tickets.close, session, filed.ticket_id, at=NOON + 30 * MINUTE).code == "too_early"
        tickets.close(session, filed.ticket_id, at=NOON + HOUR)


def orders_of(session, filed):
    return session.scalars(select(WorkOrder).where(WorkOrder.request_id == filed.id).order_by(WorkOrder.id)).all()


def test_a_w10_the_chain_holds_where_the_desk_sends_what_follows(session, house):
    filed = finished(session, house)
    head = house.people[Role.DEPARTMENT_HEAD]
    session.get_one(Posting, head.id).to_on = NOON.date()
    session.flush()
    said(session, filed, Satisfaction.DISSATISFIED, NOON + DAY)
    assert len(orders_of(session, filed)) == 1
    session.get_one(Posting, head.id).to_on = None
    session.flush()
    with clock.at(NOON + DAY):
        second = requests.dispatch(session, filed.id, house.engineering.id)
        third = requests.dispatch(session, filed.id, house.engineering.id)
    first = orders_of(session, filed)[0]
    assert (second.follows_id, third.follows_id) == (first.id, None)


def test_a_w10_the_chain_holds_where_what_followed_was_called_back(session, house):
    filed = finished(session, house)
    said(session, filed, Satisfaction.DISSATISFIED, NOON + HOUR)
    first, second = orders_of(session, filed)
    with clock.at(NOON + HOUR):
        requests.cancel_order(session, second.id, "客户改期")
        third = requests.dispatch(session, filed.id, house.engineering.id)
    assert third.follows_id == first.id


# ------------------------------------------------------------------------------------------------------------- waiting
def test_a_w5_who_waited_on_site_and_comes_back_goes_on(session, house):
    filed, order = sent(session, house)
    with clock.at(NOON + 10 * MINUTE):
        requests.arrive(session, order.id)
        pauses.pause(session, filed.ticket_id, PauseReason.MATERIAL, NOON + DAY)
    with clock.at(NOON + HOUR):
        requests.arrive(session, order.id)
    assert (order.state, order.arrived_at) == (WorkOrderState.UNDER_WAY, NOON + 10 * MINUTE)
    assert ticket_of(session, filed).state is TicketState.UNDER_WAY
