"""Whatever is done to tickets in whatever order: what is planned is what still runs, and what is over has nothing left.

A-W4, A-W5, A-W10, A-C2c, A-C3, B-W11, B-W19, B-C11.
"""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import make
from desk import DAY, MINUTE, at_desk, call, complaint, request, sweep_escalations
from standing import check_clocks
from tenant import clock
from tenant.errors import Refusal
from tenant.models import Complaint, Escalation, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import Gravity, PauseReason, Satisfaction
from tenant.services import complaints, follow_ups, links, pauses, requests, tickets

VERBS = {
    "reply": lambda s, m, h: call(s, m.ticket_id),
    "promise": lambda s, m, h: tickets.promise(s, m.ticket_id, clock.now() + timedelta(hours=30)),
    "pause": lambda s, m, h: pauses.pause(s, m.ticket_id, PauseReason.OWNER, clock.now() + 2 * DAY),
    "resume": lambda s, m, h: pauses.resume(s, m.ticket_id),
    "merge": lambda s, m, h: links.merge(s, m.ticket_id, elder_of(s, m)),
    "unmerge": lambda s, m, h: links.unmerge(s, m.ticket_id),
    "answer_with": lambda s, m, h: links.answer_with(s, m.ticket_id, elder_of(s, m)),
    "stand_alone": lambda s, m, h: links.stand_alone(s, m.ticket_id),
    "invalidate": lambda s, m, h: tickets.invalidate(s, m.ticket_id, "误报"),
    "close": lambda s, m, h: tickets.close(s, m.ticket_id),
    "satisfied": lambda s, m, h: follow_ups.follow_up(s, m.ticket_id, Satisfaction.SATISFIED),
    "dissatisfied": lambda s, m, h: follow_ups.follow_up(s, m.ticket_id, Satisfaction.DISSATISFIED),
}
ON_REQUESTS = VERBS | {
    "dispatch": lambda s, m, h: requests.dispatch(s, m.id, h.engineering.id),
    "receive": lambda s, m, h: requests.receive(s, order_of(s, m)),
    "arrive": lambda s, m, h: requests.arrive(s, order_of(s, m)),
    "complete": lambda s, m, h: requests.complete(s, order_of(s, m)),
    "cancel": lambda s, m, h: requests.cancel_order(s, order_of(s, m), "改期"),
    "answer": lambda s, m, h: requests.answer(s, m.id),
}
ON_COMPLAINTS = VERBS | {
    "receive": lambda s, m, h: complaints.receive(s, m.id),
    "forward": lambda s, m, h: complaints.forward(s, m.id),
    "complete": lambda s, m, h: complaints.complete(s, m.id, outcome="已解决"),
    "give_back": lambda s, m, h: complaints.give_back(s, m.id),
    "major": lambda s, m, h: complaints.regrade(s, m.id, Gravity.MAJOR, reason="另有情况"),
    "grave": lambda s, m, h: complaints.regrade(s, m.id, Gravity.GRAVE, reason="另有情况"),
    "ordinary": lambda s, m, h: complaints.regrade(s, m.id, Gravity.ORDINARY, reason="另有情况"),
}
spans = st.sampled_from([timedelta(0), MINUTE, 20 * MINUTE, timedelta(hours=9), DAY, 40 * DAY])


def walks(verbs):
    return st.lists(st.tuples(st.sampled_from(sorted(verbs)), spans), max_size=8)


def order_of(session, matter):
    latest = select(WorkOrder.id).where(WorkOrder.request_id == matter.id).order_by(WorkOrder.id.desc())
    return session.scalars(latest).first() or 987654321


def elder_of(session, matter):
    """Return the matter of the kind that was registered before this one."""
    own = session.get_one(Ticket, matter.ticket_id)
    earlier = select(Ticket.id).where(Ticket.kind == own.kind, Ticket.id < own.id).order_by(Ticket.id.desc())
    return session.scalars(earlier).first()


def walk(session, house, matter, verbs, steps):
    ticket, now = session.get(Ticket, matter.ticket_id), make.NOON
    for verb, pause in steps:
        now += pause
        with clock.at(now):
            sweep_escalations(session, now)
            assert sweep_escalations(session, now) == []
            check_clocks(session, ticket)
            try:
                with session.begin_nested():
                    verbs[verb](session, matter, house)
            except Refusal:
                session.expire_all()
            check_clocks(session, ticket)
    levels = select(Escalation.clock_id, Escalation.level).where(Escalation.ticket_id == ticket.id)
    raised = Counter(map(tuple, session.execute(levels)))
    assert all(count == 1 for count in raised.values())


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office has a request and a complaint that nobody looks after."""
    with at_desk(database, cast.south) as session:
        request(session, cast.south)
        complaint(session, cast.south, gravity=Gravity.GRAVE)
        session.commit()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=walks(ON_REQUESTS), urgent=st.booleans())
def test_a_request_may_go_any_way(database, cast, steps, urgent):
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        matter = request(session, cast.north, urgent=urgent)
        assert isinstance(matter, ServiceRequest)
        walk(session, cast.north, matter, ON_REQUESTS, steps)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=walks(ON_COMPLAINTS), gravity=st.sampled_from([Gravity.ORDINARY, Gravity.MAJOR, Gravity.GRAVE]))
def test_a_complaint_may_go_any_way(database, cast, steps, gravity):
    with at_desk(database, cast.north) as session:
        complaint(session, cast.north)
        matter = complaint(session, cast.north, gravity=gravity)
        assert isinstance(matter, Complaint)
        walk(session, cast.north, matter, ON_COMPLAINTS, steps)
