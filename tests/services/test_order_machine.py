"""Orders go only the ways of the table of states, whatever is asked of them, and time never runs backwards on them.

A-W3, A-W5, A-W6, A-W9, A-W10, B-W19.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, request, running, sweep_escalations
from standing import OVER, check_clocks
from tenant import clock, policy
from tenant.errors import Refusal
from tenant.models import Ticket, WorkOrder
from tenant.rules.terms import PauseReason, Role, Satisfaction, TicketState, WorkOrderState
from tenant.rules.transitions import possible, reachable
from tenant.services import follow_ups, pauses, requests, tickets

TABLE = policy.transitions()
REASON = PauseReason.MATERIAL


def _later():
    return clock.now() + DAY


ON_ORDERS = {
    "receive": lambda s, o, h, at: requests.receive(s, o.id, at=at),
    "accept": lambda s, o, h, at: requests.accept(s, o.id, h.people[Role.TECHNICIAN].id, at=at),
    "set_out": lambda s, o, h, at: requests.set_out(s, o.id, at=at),
    "arrive": lambda s, o, h, at: requests.arrive(s, o.id, at=at),
    "complete": lambda s, o, h, at: requests.complete(s, o.id, signed=False, at=at),
    "sign": lambda s, o, h, at: requests.sign(s, o.id, at=at),
    "file": lambda s, o, h, at: requests.file(s, o.id, at=at),
    "pause": lambda s, o, h, at: pauses.pause(s, o.request.ticket_id, REASON, _later(), work_order_id=o.id, at=at),
    "resume": lambda s, o, h, at: pauses.resume(s, o.request.ticket_id, at=at),
    "redispatch": lambda s, o, h, at: requests.redispatch(s, o.id, h.engineering.id, reason="另派", at=at),
    "cancel": lambda s, o, h, at: requests.cancel_order(s, o.id, "改期", at=at),
}
ON_REQUESTS = {
    "dispatch": lambda s, m, h: requests.dispatch(s, m.id, h.engineering.id),
    "pause": lambda s, m, h: pauses.pause(s, m.ticket_id, REASON, _later()),
    "resume": lambda s, m, h: pauses.resume(s, m.ticket_id),
    "promise": lambda s, m, h: tickets.promise(s, m.ticket_id, clock.now() + 30 * HOUR),
    "dissatisfied": lambda s, m, h: follow_ups.follow_up(s, m.ticket_id, Satisfaction.DISSATISFIED),
    "invalidate": lambda s, m, h: tickets.invalidate(s, m.ticket_id, "误报"),
}
NOTED = ("dispatched_at", "received_at", "accepted_at", "set_out_at", "arrived_at", "done_at", "signed_at", "filed_at")
ENDED = {
    WorkOrderState.DONE, WorkOrderState.SIGNED, WorkOrderState.FILED, WorkOrderState.CANCELLED,
    WorkOrderState.REDISPATCHED,
}  # fmt: skip
"""States of orders in which nothing is left to do for the department."""

steps = st.lists(
    st.tuples(
        st.sampled_from([*ON_ORDERS, *ON_ORDERS, *ON_REQUESTS]),
        st.booleans(),
        st.integers(0, 3),
        st.sampled_from([timedelta(0), MINUTE, 20 * MINUTE, 9 * HOUR, DAY]),
        st.sampled_from([None, timedelta(0), 5 * MINUTE, 3 * HOUR]),
    ),
    min_size=4,
    max_size=14,
)


def orders_of(session, matter):
    return session.scalars(select(WorkOrder).where(WorkOrder.request_id == matter.id).order_by(WorkOrder.id)).all()


def act(session, house, matter, step):
    """Try one verb; return the order it was tried on, where it stood, and the verb, None for one on the request."""
    verb, sensible, pick, _, back = step
    orders = orders_of(session, matter)
    if verb in ON_REQUESTS and (verb not in ON_ORDERS or pick == 0 or not orders):
        ON_REQUESTS[verb](session, matter, house)
        return None
    if not orders:
        requests.dispatch(session, matter.id, house.engineering.id)
        return None
    order = orders[-1 - pick % len(orders)]
    offered = [row.verb for row in possible(TABLE, "work_order", order.state)]
    if sensible and offered:
        verb = offered[(pick + len(verb)) % len(offered)]
    stood = order.state
    ON_ORDERS[verb](session, order, house, None if back is None else clock.now() - back)
    return order, stood, verb


def check_step(session, done):
    """See that an order went the way of the table."""
    if done is None:
        return
    order, stood, verb = done
    row = TABLE.row("work_order", verb)
    assert stood in row.came_from
    session.refresh(order)
    if row.to is not None:
        assert order.state == row.to
    else:
        assert order.state in {state for lead in TABLE.of("work_order") if lead.to == stood for state in lead.came_from}


def going_on(session, ticket):
    """Return the kinds of the clocks that run, by id."""
    return {row.id: row.kind for row in running(session, ticket.id).values()}


def check_moved(session, done, stood, ticket, before):
    """See that a step stopped and started no other clocks than the table says of it, and of its request's."""
    if done is None or TicketState.WAITING in {stood, ticket.state}:
        return
    rows = [row for row in TABLE.of("request") if stood in row.came_from and row.to == ticket.state != stood]
    rows.append(TABLE.row("work_order", done[2]))
    after = going_on(session, ticket)
    ended = {kind for one, kind in before.items() if one not in after}
    begun = {kind for one, kind in after.items() if one not in before}
    starts = {start for row in rows for start in row.starts}
    assert ended <= {kind for row in rows for kind in row.stops}, done[2]
    assert begun <= {term.kind for term in policy.clocks() if term.starts in starts}, done[2]


def check_orders(session, matter, ticket):
    """See that every order's minutes follow one another and that the request stands where its orders do."""
    orders = orders_of(session, matter)
    for order in orders:
        noted = [at for name in NOTED if (at := getattr(order, name)) is not None]
        assert noted == sorted(noted), f"{order} runs backwards"
        assert (order.ended_why is not None) is (order.state in {WorkOrderState.CANCELLED, WorkOrderState.REDISPATCHED})
        assert order.follows_id is None or order.follows_id < order.id
        assert (order.state is WorkOrderState.WAITING) <= (ticket.state is TicketState.WAITING)
        assert (order.filed_at is not None) is (order.state is WorkOrderState.FILED)
    assert [order.number for order in orders] == [f"{ticket.number}-{n}" for n in range(1, len(orders) + 1)]
    going = {order.state for order in orders} - ENDED
    if ticket.state is TicketState.REGISTERED or ticket.state in OVER:
        assert not going
    if ticket.state in {TicketState.DISPATCHED, TicketState.RECEIVED, TicketState.UNDER_WAY}:
        assert going
    assert (WorkOrderState.UNDER_WAY in going) <= (ticket.state in {TicketState.UNDER_WAY, TicketState.WAITING})


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office has an order that waits."""
    with at_desk(database, cast.south) as session:
        filed = request(session, cast.south)
        requests.dispatch(session, filed.id, cast.south.engineering.id)
        pauses.pause(session, filed.ticket_id, REASON, make.NOON + DAY)
        session.commit()


def test_the_verbs_tried_are_those_of_the_table():
    assert {"dispatch", *ON_ORDERS} == {row.verb for row in TABLE.of("work_order")}
    assert reachable(TABLE.of("work_order")) == set(WorkOrderState)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, urgent=st.booleans())
def test_an_order_may_go_any_way_of_the_table_and_no_other(database, cast, steps, urgent):
    with at_desk(database, cast.north) as session:
        matter = request(session, cast.north, urgent=urgent)
        requests.dispatch(session, matter.id, cast.north.engineering.id)
        ticket, now = session.get(Ticket, matter.ticket_id), make.NOON
        for step in steps:
            now += step[3]
            with clock.at(now):
                sweep_escalations(session, now)
                stood, clocks = ticket.state, going_on(session, ticket)
                before = [(order.id, order.state, order.version) for order in orders_of(session, matter)]
                try:
                    with session.begin_nested():
                        done = act(session, cast.north, matter, step)
                        check_step(session, done)
                        check_moved(session, done, stood, ticket, clocks)
                except Refusal:
                    session.expire_all()
                    assert before == [(order.id, order.state, order.version) for order in orders_of(session, matter)]
                check_clocks(session, ticket)
                check_orders(session, matter, ticket)
