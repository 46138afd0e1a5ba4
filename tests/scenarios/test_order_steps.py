"""An order from the desk to the file, step by step: who has it, where it is, and who is sent instead.

A-W2, A-W3, A-W5, A-W8, A-W9, A-W10, A-W13.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, request, running, sweep_escalations
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Posting, Ticket, WorkOrder
from tenant.rules.terms import ClockKind, PauseReason, RequestCategory, Role, Satisfaction, TicketState, WorkOrderState
from tenant.services import follow_ups, pauses, requests, tickets

NOON = make.NOON


def dispatched(session, house, *, technician=True, **fields):
    filed = request(session, house, **fields)
    named = house.people[Role.TECHNICIAN].id if technician else None
    return filed, requests.dispatch(session, filed.id, house.engineering.id, named)


def state(session, filed):
    return session.get(Ticket, filed.ticket_id).state


def refused(code, act):
    with pytest.raises(Refusal) as raised:
        act()
    assert raised.value.code == code
    return raised.value


def test_a_w9_every_step_has_its_minute_and_the_request_stands_where_its_order_does(session, house):
    filed, order = dispatched(session, house)
    steps = [
        (requests.receive, WorkOrderState.RECEIVED, TicketState.RECEIVED),
        (requests.accept, WorkOrderState.ACCEPTED, TicketState.RECEIVED),
        (requests.set_out, WorkOrderState.ON_THE_WAY, TicketState.RECEIVED),
        (requests.arrive, WorkOrderState.UNDER_WAY, TicketState.UNDER_WAY),
        (lambda s, one: requests.complete(s, one, outcome="换阀", signed=False), WorkOrderState.DONE, TicketState.DONE),
        (requests.sign, WorkOrderState.SIGNED, TicketState.DONE),
        (requests.file, WorkOrderState.FILED, TicketState.DONE),
    ]
    for minutes, (verb, stands, ticket_stands) in enumerate(steps, 1):
        with clock.at(NOON + minutes * MINUTE):
            verb(session, order.id)
        assert (order.state, state(session, filed)) == (stands, ticket_stands)
    noted = [order.received_at, order.accepted_at, order.set_out_at, order.arrived_at, order.done_at, order.signed_at]
    assert [*noted, order.filed_at] == [NOON + minutes * MINUTE for minutes in range(1, 8)]


def test_a_w9_the_signed_copy_may_come_back_when_the_request_is_over(session, house):
    filed, order = dispatched(session, house)
    requests.complete(session, order.id)
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
    tickets.close(session, filed.ticket_id)
    with clock.at(NOON + 2 * DAY):
        requests.file(session, order.id)
    assert (order.state, order.filed_at) == (WorkOrderState.FILED, NOON + 2 * DAY)
    assert "已归档" in refused("impossible", lambda: requests.file(session, order.id)).message


def test_a_w9_what_nobody_signed_is_not_filed(session, house):
    _, order = dispatched(session, house)
    requests.complete(session, order.id, signed=False)
    said = refused("impossible", lambda: requests.file(session, order.id))
    assert said.message.endswith("现在可以：客户签字。")


def test_a_w3_the_head_names_who_goes(session, house):
    _, order = dispatched(session, house, technician=False)
    requests.receive(session, order.id, house.people[Role.TECHNICIAN].id)
    assert order.technician_id == house.people[Role.TECHNICIAN].id


def test_a_w5_who_accepts_an_order_has_it(database, session, house, cast):
    _, order = dispatched(session, house, technician=False)
    said = refused("nobody_accepts", lambda: requests.accept(session, order.id))
    assert said.field == "technician"
    session.rollback()
    with at_desk(database, house) as desk:
        _, order = dispatched(desk, house, technician=False)
        desk.commit()
    with at_desk(database, house, role=Role.TECHNICIAN) as worker:
        assert requests.accept(worker, order.id).technician_id == house.people[Role.TECHNICIAN].id
        with pytest.raises(NotFound):
            requests.accept(worker, dispatched(worker, house)[1].id, cast.south.people[Role.TECHNICIAN].id)


def test_a_w5_another_is_sent_and_the_order_follows_the_one_that_ended(session, house):
    filed, first = dispatched(session, house)
    assert refused("missing", lambda: requests.redispatch(session, first.id, house.engineering.id)).field == "reason"
    with clock.at(NOON + 14 * MINUTE):
        second = requests.redispatch(session, first.id, house.engineering.id, reason="赶不到，另派")
    assert (first.state, first.ended_why) == (WorkOrderState.REDISPATCHED, "赶不到，另派")
    assert (second.follows_id, second.number[-2:], state(session, filed)) == (first.id, "-2", TicketState.DISPATCHED)
    assert running(session, filed.ticket_id)[ClockKind.ON_SITE].due_at == NOON + 29 * MINUTE
    raised = sweep_escalations(session, NOON + 28 * MINUTE)
    assert ClockKind.ON_SITE not in {row.clock_kind for row in raised if row.ticket_id == filed.ticket_id}
    for verb in (requests.receive, requests.arrive, requests.complete):
        refused("impossible", lambda verb=verb: verb(session, first.id))


def test_a_w5_who_waits_in_vain_is_replaced(session, house):
    filed, first = dispatched(session, house)
    lasting = pauses.pause(session, filed.ticket_id, PauseReason.MATERIAL, NOON + DAY, work_order_id=first.id)
    with clock.at(NOON + HOUR):
        requests.redispatch(session, first.id, house.engineering.id, reason="材料等不到")
    assert (lasting.ended_at, state(session, filed)) == (NOON + HOUR, TicketState.DISPATCHED)
    assert running(session, filed.ticket_id)[ClockKind.ON_SITE].due_at == NOON + HOUR + 15 * MINUTE
    assert ClockKind.WAITING not in running(session, filed.ticket_id)


def test_an_order_called_back_says_why(session, house):
    filed, order = dispatched(session, house)
    for blank in (None, "", " \n"):
        said = refused("missing", lambda blank=blank: requests.cancel_order(session, order.id, blank))
        assert said.field == "reason"
    requests.cancel_order(session, order.id, "客户自己修好")
    assert (order.ended_why, state(session, filed)) == ("客户自己修好", TicketState.REGISTERED)


def test_the_request_stands_by_the_furthest_of_its_open_orders(session, house):
    filed, first = dispatched(session, house)
    requests.arrive(session, first.id)
    second = requests.dispatch(session, filed.id, house.engineering.id)
    assert state(session, filed) is TicketState.UNDER_WAY
    requests.cancel_order(session, first.id, "派重了")
    assert state(session, filed) is TicketState.DISPATCHED
    requests.receive(session, second.id)
    assert state(session, filed) is TicketState.RECEIVED


def test_a_w8_a_paid_service_is_not_dispatched_before_it_is_paid(session, house):
    filed = request(session, house, category=RequestCategory.PAID_SERVICE)
    refused("not_quoted", lambda: requests.dispatch(session, filed.id, house.engineering.id))
    assert state(session, filed) is TicketState.REGISTERED
    assert session.scalars(select(WorkOrder).where(WorkOrder.request_id == filed.id)).all() == []


@pytest.mark.parametrize("category", [RequestCategory.PUBLIC_FACILITY, RequestCategory.INTERNAL])
def test_a_w13_public_facilities_and_internal_matters_go_the_same_way(session, house, category):
    filed, order = dispatched(session, house, category=category, unit_id=None, location="3 栋大堂")
    requests.receive(session, order.id)
    requests.complete(session, order.id)
    assert state(session, filed) is TicketState.DONE


def test_a_w10_what_follows_goes_to_the_same_department_at_once(session, house):
    filed, first = dispatched(session, house)
    requests.complete(session, first.id)
    with clock.at(NOON + HOUR):
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED, answer="还在漏")
    orders = session.scalars(select(WorkOrder).where(WorkOrder.request_id == filed.id).order_by(WorkOrder.id)).all()
    assert [(one.follows_id, one.department_id) for one in orders[1:]] == [(first.id, first.department_id)]
    clocks = running(session, filed.ticket_id)
    assert clocks[ClockKind.ON_SITE].due_at == NOON + HOUR + 15 * MINUTE
    assert ClockKind.DISPATCH not in clocks


def test_a_w10_without_a_head_the_desk_dispatches_what_follows(session, house):
    filed, first = dispatched(session, house)
    requests.complete(session, first.id)
    heads = select(Posting).where(Posting.department_id == first.department_id, Posting.role == Role.DEPARTMENT_HEAD)
    for head in session.scalars(heads):
        head.to_on = (NOON - DAY).date()
    session.flush()
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)
    assert state(session, filed) is TicketState.REGISTERED
    assert ClockKind.DISPATCH in running(session, filed.ticket_id)


def test_steps_do_not_run_backwards(session, house):
    filed, order = dispatched(session, house, received_at=NOON - HOUR)
    with clock.at(NOON + HOUR):
        requests.arrive(session, order.id, at=NOON + 30 * MINUTE)
        assert refused("too_early", lambda: requests.complete(session, order.id, at=NOON + 29 * MINUTE)).field == "at"
        pauses.pause(session, filed.ticket_id, PauseReason.MATERIAL, NOON + DAY, at=NOON + 40 * MINUTE)
        pauses.resume(session, filed.ticket_id, at=NOON + 50 * MINUTE)
        refused("too_early", lambda: requests.complete(session, order.id, at=NOON + 45 * MINUTE))
        requests.complete(session, order.id, at=NOON + 50 * MINUTE, signed=False)
        refused("too_early", lambda: requests.sign(session, order.id, at=NOON + 49 * MINUTE))


def call_back(session, order_id):
    return requests.cancel_order(session, order_id, "客户不在")


def attempt(database, house, order_id, start, verb):
    """Try a verb at the same moment as somebody else; return what was refused, None for nothing."""
    with at_desk(database, house, NOON + MINUTE) as session:
        start.wait()
        try:
            verb(session, order_id)
        except Refusal as refusal:
            return refusal
        session.commit()
        return None


def test_two_people_with_one_order_at_once_do_not_both_have_their_way(database, house):
    """Whoever comes second is told where the order stands by now."""
    for _ in range(4):
        with at_desk(database, house) as session:
            _, order = dispatched(session, house)
            session.commit()
        start = Barrier(2)

        with ThreadPoolExecutor(2) as pool:
            said = list(pool.map(partial(attempt, database, house, order.id, start), (requests.complete, call_back)))
        (refusal,) = [one for one in said if one is not None]
        assert refusal.code in {"impossible", "already_done"}
        assert "现在是「已撤销」" in refusal.message or "办完" in refusal.message
