"""Whatever is done to a defect and its records in whatever order: only what the table of states allows has happened.

A-R1, A-R2, A-R3, A-R4, A-R5, A-R6. A clock runs to the earliest day agreed and to the earliest inspection, is never
both met and cancelled, and an open defect always has somebody who will be told of it.
"""

from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import make
from desk import DAY, MINUTE, at_desk, request, running, sweep_escalations
from tenant import clock, policy
from tenant.calendars import local_day, start_of_day
from tenant.errors import Refusal
from tenant.models import Clock, Defect, Rectification, Ticket
from tenant.rules.terms import ClockKind, Role, Satisfaction, TicketState
from tenant.rules.transitions import possible
from tenant.services import defects, follow_ups, rectifications, tickets
from tenant.services.defects import OVER
from tenant.services.rectifications import TO_INSPECT, WITH_BUILDER
from warranty import builder, defect, issued

LIMIT = 3


def soon(days):
    return local_day(clock.now(), "Asia/Shanghai") + timedelta(days=days)


ON_DEFECTS = {
    "send": lambda s, d, h: defects.send(s, d.id, h.people[Role.TECHNICIAN].id),
    "confirm": lambda s, d, h: defects.confirm(s, d.id, "开裂", owner_signed=True),
    "owner_sign": lambda s, d, h: defects.owner_sign(s, d.id),
    "issue": lambda s, d, h: rectifications.issue(s, d.id, builder(s, h).id, soon(2)),
    "decline": lambda s, d, h: defects.decline(s, d.id, "误判"),
    "follow_up": lambda s, d, h: follow_ups.follow_up(s, d.ticket_id, Satisfaction.SATISFIED),
    "reopen": lambda s, d, h: follow_ups.follow_up(s, d.ticket_id, Satisfaction.DISSATISFIED),
    "close": lambda s, d, h: tickets.close(s, d.ticket_id),
}
ON_RECORDS = {
    "sign_for": lambda s, n: rectifications.sign_for(s, n, "周工"),
    "second_copy": rectifications.take_second_copy,
    "note": lambda s, n: rectifications.note(s, n, "进度"),
    "postpone": lambda s, n: rectifications.postpone(s, n, soon(9), "下雨"),
    "report_done": rectifications.report_done,
    "accept": rectifications.accept,
    "reject": lambda s, n: rectifications.reject(s, n, "渗漏", soon(3)),
    "owner_sign": rectifications.owner_sign,
    "file": rectifications.file,
    "cancel": lambda s, n: rectifications.cancel(s, n, "开错"),
}
TIMES = ("issued_at", "signed_for_at", "returned_at", "accepted_at", "owner_signed_at", "filed_at")
steps = st.lists(
    st.tuples(
        st.integers(0, LIMIT),
        st.integers(0, 59),
        st.integers(0, 4),
        st.sampled_from([timedelta(0), MINUTE, 9 * 60 * MINUTE, DAY, 5 * DAY]),
    ),
    min_size=6,
    max_size=22,
)
"""What is acted on (0: the defect), which verb, whether any is tried (0) or one that is offered, after how long."""


def records_of(session, found):
    return session.scalars(
        select(Rectification).where(Rectification.defect_id == found.id).order_by(Rectification.id)
    ).all()


def chosen(machine, state, verbs, number, anything):
    """Return a verb: one that the table offers in the state, or any at all."""
    offered = [row.verb for row in possible(policy.transitions(), machine, state) if row.verb in verbs]
    among = sorted(verbs) if anything or not offered else offered
    return among[number % len(among)]


def carry_out(session, house, found, subject, number, *, anything):
    """Do something, and hold the answer against the table: what it offers happens as it says, the rest is refused."""
    ticket, records = session.get(Ticket, found.ticket_id), records_of(session, found)
    if subject == 0 or not records:
        machine, row = "defect", ticket
        verb = chosen(machine, row.state, ON_DEFECTS, number, anything)
        act = partial(ON_DEFECTS[verb], session, found, house)
    else:
        machine, row = "rectification", records[subject % len(records)]
        verb = chosen(machine, row.state, ON_RECORDS, number, anything)
        act = partial(ON_RECORDS[verb], session, row.id)
    rule, before = policy.transitions().row(machine, verb), row.state
    refusal = None
    try:
        with session.begin_nested():
            act()
    except Refusal as refused:
        session.expire_all()
        refusal = refused.code
    if refusal is not None:
        assert row.state == before
        assert refusal != "impossible" or before not in rule.came_from
    else:
        assert before in rule.came_from, (machine, verb, before)
        assert row.state == (rule.to or before) or machine == "defect"


def check(session, found):
    ticket, records = session.get(Ticket, found.ticket_id), records_of(session, found)
    clocks = session.scalars(select(Clock).where(Clock.ticket_id == ticket.id)).all()
    assert not [row for row in clocks if row.met_at and row.cancelled_at]
    assert all(row.due_at > row.started_at for row in clocks)
    going = running(session, ticket.id)
    with_builder = [row.agreed_on for row in records if row.state in WITH_BUILDER]
    back = [row.returned_at for row in records if row.state in TO_INSPECT]
    due = going.get(ClockKind.PROMISED)
    expected = start_of_day(min(with_builder) + timedelta(days=1), "Asia/Shanghai") if with_builder else None
    assert (due.due_at if due else None) == expected
    assert (ClockKind.INSPECTION in going) is bool(back)
    for record in records:
        noted = [getattr(record, name) for name in TIMES if getattr(record, name)]
        assert noted == sorted(noted), record.state
    if ticket.closed_at is not None:
        assert going == {}
        assert all(row.state in OVER for row in records)
    else:
        assert going or ticket.state is TicketState.DONE, "nobody will be told"
    if ticket.state is TicketState.DONE:
        assert records
        assert all(row.state in OVER for row in records)


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office has a record of its own with nobody after it."""
    with at_desk(database, cast.south) as session:
        issued(session, cast.south, defect(session, cast.south))
        request(session, cast.south)
        session.commit()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=steps, begun=st.integers(0, LIMIT))
def test_a_defect_may_go_any_way_the_table_shows_and_no_other(database, cast, walk, begun):
    with at_desk(database, cast.north) as session:
        found = defect(session, cast.north)
        for _ in range(begun):
            issued(session, cast.north, found, soon(4))
        now = make.NOON
        check(session, found)
        for subject, number, lot, passed in walk:
            now += passed
            with clock.at(now):
                sweep_escalations(session, now)
                carry_out(session, cast.north, found, subject, number, anything=lot == 0)
                check(session, session.get(Defect, found.id))
