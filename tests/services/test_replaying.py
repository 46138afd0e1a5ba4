"""What limits in force make of a past that they ruled is what was written then: clocks, deadlines, levels, roles.

A-W4, A-W5, A-W6, A-W10, A-C2c, A-C4, A-C5, B-W11, B-W19, B-C11. Histories are made by the services, minute after
minute, with the sweeps in between; the replay sees only what they left behind.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

import make
from audit.timeline import what_stood
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, sweep_escalations
from tenant import clock, policy
from tenant.errors import Refusal
from tenant.models import Clock, DueAction, Escalation, Office, Ticket, WorkOrder
from tenant.rules.gravity import route_for
from tenant.rules.replaying import Replay
from tenant.rules.terms import ClockKind, DueState, Gravity, PauseReason, Role, Satisfaction
from tenant.services import (
    complaints,
    escalations,
    follow_ups,
    holidays,
    limits,
    pasts,
    pauses,
    requests,
    tickets,
)

A_SECOND = timedelta(seconds=1)
WAYS = {
    "reply": lambda s, m, h: call(s, m.ticket_id),
    "promise": lambda s, m, h: tickets.promise(s, m.ticket_id, clock.now() + 30 * HOUR),
    "promise_soon": lambda s, m, h: tickets.promise(s, m.ticket_id, clock.now() + 10 * MINUTE),
    "pause": lambda s, m, h: pauses.pause(s, m.ticket_id, PauseReason.OWNER, clock.now() + 2 * DAY),
    "wait_for_parts": lambda s, m, h: pauses.pause(s, m.ticket_id, PauseReason.MATERIAL, clock.now() + 5 * HOUR),
    "resume": lambda s, m, h: pauses.resume(s, m.ticket_id),
    "invalidate": lambda s, m, h: tickets.invalidate(s, m.ticket_id, "误报"),
    "close": lambda s, m, h: tickets.close(s, m.ticket_id),
    "satisfied": lambda s, m, h: follow_ups.follow_up(s, m.ticket_id, Satisfaction.SATISFIED),
    "dissatisfied": lambda s, m, h: follow_ups.follow_up(s, m.ticket_id, Satisfaction.DISSATISFIED),
}
ON_REQUESTS = WAYS | {
    "dispatch": lambda s, m, h: requests.dispatch(s, m.id, h.engineering.id),
    "redispatch": lambda s, m, h: requests.redispatch(s, order_of(s, m), h.engineering.id, reason="另派"),
    "arrive": lambda s, m, h: requests.arrive(s, order_of(s, m)),
    "complete": lambda s, m, h: requests.complete(s, order_of(s, m)),
    "cancel": lambda s, m, h: requests.cancel_order(s, order_of(s, m), "改期"),
    "answer": lambda s, m, h: requests.answer(s, m.id),
}
ON_COMPLAINTS = WAYS | {
    "receive": lambda s, m, h: complaints.receive(s, m.id),
    "forward": lambda s, m, h: complaints.forward(s, m.id),
    "complete": lambda s, m, h: complaints.complete(s, m.id, outcome="已处理"),
    "give_back": lambda s, m, h: complaints.give_back(s, m.id),
    "major": lambda s, m, h: complaints.regrade(s, m.id, Gravity.MAJOR, reason="复核"),
    "grave": lambda s, m, h: complaints.regrade(s, m.id, Gravity.GRAVE, reason="复核"),
    "ordinary": lambda s, m, h: complaints.regrade(s, m.id, Gravity.ORDINARY, reason="复核"),
}
spans = st.sampled_from([A_SECOND, 7 * MINUTE, 20 * MINUTE, 3 * HOUR, 9 * HOUR, DAY, 3 * DAY, 33 * DAY])


def walks(verbs):
    return st.lists(st.tuples(st.sampled_from(sorted(verbs)), spans), min_size=1, max_size=7)


def order_of(session, matter):
    latest = select(WorkOrder.id).where(WorkOrder.request_id == matter.id).order_by(WorkOrder.id.desc())
    return session.scalars(latest).first() or 987654321


def sweep_until(session, instant):
    """Sweep at each instant up to ``instant`` at which something is due, as a sweep that never rests would."""
    first = select(func.min(DueAction.due_at)).where(
        DueAction.state == DueState.PENDING, DueAction.rule == escalations.RULE, DueAction.due_at <= instant
    )
    while (due := session.scalars(first).one()) is not None:
        sweep_escalations(session, max(due, clock.now()))


def walk(session, house, matter, verbs, steps):
    """Go the way; return when it ended."""
    now = make.NOON
    for verb, span in steps:
        with clock.at(now):
            sweep_until(session, now + span - A_SECOND)
        now += span
        with clock.at(now):
            try:
                with session.begin_nested():
                    verbs[verb](session, matter, house)
            except Refusal:
                session.expire_all()
    with clock.at(now):
        sweep_until(session, now + DAY)
    return now + DAY


def replay_of(session, house, matter, until, holding=None):
    office, ticket = session.get_one(Office, house.id), session.get_one(Ticket, matter.ticket_id)
    session.expire_all()
    (past,) = pasts.read(
        session, house.id, [ticket], lambda kind, ids: what_stood(session, kind, ids, pasts.QUALIFYING[kind])
    )
    route = route_for(policy.gravities(), Gravity.GRAVE)
    told = (tuple(dict.fromkeys((*route.informs, route.handler))), (Role.GROUP_CENTRE,))
    holding = holding or limits.in_force(session, office, make.NOON.date())
    replay = Replay(holding, policy.limits(), holidays.hours_of(session, office), until, told)
    return list(replay.laps(past.matter))


def kept(session, matter):
    """Return what was written then: each clock with its levels; those that ended as they began are left out."""
    rows = session.scalars(select(Clock).where(Clock.ticket_id == matter.ticket_id)).all()
    raised = {}
    for level in session.scalars(select(Escalation).where(Escalation.ticket_id == matter.ticket_id)):
        raised.setdefault(level.clock_id, []).append((level.level, level.raised_at, level.role))
    found = (
        (row.kind, row.started_at, row.due_at, row.met_at, tuple(sorted(raised.get(row.id, []))))
        for row in rows
        if raised.get(row.id) or row.met_at is not None or not is_nothing(row, rows)
    )
    return sorted(found, key=str)


def is_nothing(row, rows):
    """Tell whether a clock was cancelled in the moment in which it began to run."""
    before = [one for one in rows if one.kind is row.kind and one.cycle < row.cycle]
    began = max([row.started_at, *((one.met_at or one.cancelled_at) for one in before)])
    began = max([began, *(one.pause.ended_at for one in before[-1:] if one.pause is not None and one.pause.ended_at)])
    return row.cancelled_at is not None and row.cancelled_at <= began


def replayed(laps):
    def roles(lap, told):
        return Role.GENERAL_MANAGER if lap.asked.kind is ClockKind.REGRADE else told.tell[0]

    found = (
        (
            lap.asked.kind,
            lap.asked.started_at,
            lap.due_at,
            lap.ended_at if lap.is_met else None,
            tuple((told.level, told.at, roles(lap, told)) for told in lap.told),
        )
        for lap in laps
        if lap.told or lap.is_met or lap.ended_at is None or lap.ended_at > lap.begun_at
    )
    return sorted(found, key=str)


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office has a request and a complaint that nobody looks after."""
    with at_desk(database, cast.south) as session:
        request(session, cast.south)
        complaint(session, cast.south, gravity=Gravity.GRAVE)
        session.commit()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    steps=[("reply", DAY), ("promise_soon", A_SECOND), ("wait_for_parts", A_SECOND), ("answer", A_SECOND)],
    urgent=False,
    soon=None,
)
@given(steps=walks(ON_REQUESTS), urgent=st.booleans(), soon=st.sampled_from([None, 10 * MINUTE, 30 * HOUR]))
def test_the_limits_of_then_give_what_a_request_had_then(database, cast, steps, urgent, soon):
    with at_desk(database, cast.north) as session:
        promised_at = None if soon is None else make.NOON + soon
        matter = request(session, cast.north, urgent=urgent, promised_at=promised_at)
        until = walk(session, cast.north, matter, ON_REQUESTS, steps)
        assert replayed(replay_of(session, cast.north, matter, until)) == kept(session, matter)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(steps=[("grave", A_SECOND)], gravity=Gravity.ORDINARY)
@example(steps=[("close", 33 * DAY), ("major", A_SECOND)], gravity=Gravity.GRAVE)
@example(steps=[("major", 33 * DAY), ("major", A_SECOND)], gravity=Gravity.ORDINARY)
@example(steps=[("complete", 3 * DAY), ("dissatisfied", 33 * DAY), ("reply", DAY)], gravity=Gravity.MAJOR)
@given(steps=walks(ON_COMPLAINTS), gravity=st.sampled_from([Gravity.ORDINARY, Gravity.MAJOR, Gravity.GRAVE]))
def test_the_limits_of_then_give_what_a_complaint_had_then(database, cast, steps, gravity):
    with at_desk(database, cast.north) as session:
        matter = complaint(session, cast.north, gravity=gravity)
        until = walk(session, cast.north, matter, ON_COMPLAINTS, steps)
        assert replayed(replay_of(session, cast.north, matter, until)) == kept(session, matter)
