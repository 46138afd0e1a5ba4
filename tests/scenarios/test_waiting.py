"""Waiting with a reason and a limit: what stands still, what goes on, and who hears when it lasts too long.

A-W4, A-W5, A-W6, A-W7, A-C2c, B-W19.
"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, complaint, request, running, sweep_escalations, waiting
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, DueAction, Pause, Ticket
from tenant.rules.terms import ClockKind, DueState, PauseReason, Role, TicketState, WorkOrderState
from tenant.services import pauses, requests, tickets

NOON = make.NOON
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
OWNER = PauseReason.OWNER


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office has a request that waits, and one that nobody looks after."""
    with at_desk(database, cast.south, NOON - DAY) as session:
        request(session, cast.south)
        pauses.pause(session, request(session, cast.south).ticket_id, OWNER, NOON - HOUR)
        session.commit()


def dispatched(session, house):
    filed = request(session, house)
    return filed, requests.dispatch(session, filed.id, house.engineering.id, house.people[Role.TECHNICIAN].id)


def wait(session, filed, at, until=NOON + 2 * DAY, **more):
    with clock.at(at):
        return pauses.pause(session, filed.ticket_id, OWNER, until, **more)


def resume(session, filed, at):
    with clock.at(at):
        return pauses.resume(session, filed.ticket_id)


def refused(code, field, act):
    with pytest.raises(Refusal) as raised:
        act()
    assert (raised.value.code, raised.value.field) == (code, field)
    return raised.value.message


def test_a_w5_what_was_left_for_arriving_is_left_after_waiting(session, house):
    filed, order = dispatched(session, house)
    lasting = wait(session, filed, NOON + 6 * MINUTE, work_order_id=order.id)
    assert ClockKind.ON_SITE not in running(session, filed.ticket_id)
    assert (order.state, session.get(Ticket, filed.ticket_id).state) == (WorkOrderState.WAITING, TicketState.WAITING)
    stopped = session.scalars(select(Clock).where(Clock.pause_id == lasting.id, Clock.kind == ClockKind.ON_SITE)).one()
    assert stopped.cancelled_at == NOON + 6 * MINUTE
    resume(session, filed, NOON + 3 * HOUR)
    goes_on = running(session, filed.ticket_id)[ClockKind.ON_SITE]
    assert (goes_on.due_at, goes_on.cycle) == (NOON + 3 * HOUR + 9 * MINUTE, stopped.cycle + 1)
    assert ClockKind.ON_SITE in waiting(session, filed.ticket_id)
    late = {row.clock_kind for row in sweep_escalations(session, goes_on.due_at - timedelta(seconds=1))}
    assert ClockKind.ON_SITE not in late
    assert ClockKind.ON_SITE in {row.clock_kind for row in sweep_escalations(session, goes_on.due_at)}
    assert (order.state, session.get(Ticket, filed.ticket_id).state) == (
        WorkOrderState.DISPATCHED, TicketState.DISPATCHED
    )  # fmt: skip


def test_a_w6_a_day_that_was_waited_through_is_a_day_more(session, house):
    filed, _ = dispatched(session, house)
    wait(session, filed, NOON + HOUR)
    resume(session, filed, NOON + 5 * HOUR)
    assert running(session, filed.ticket_id)[ClockKind.SAME_DAY].due_at == MIDNIGHT
    wait(session, filed, NOON + 6 * HOUR)
    resume(session, filed, NOON + DAY)
    assert running(session, filed.ticket_id)[ClockKind.SAME_DAY].due_at == MIDNIGHT + DAY


def test_a_w4_a_w7_the_customer_is_spoken_to_while_work_waits(session, house):
    filed, _ = dispatched(session, house)
    before = running(session, filed.ticket_id)
    wait(session, filed, NOON + MINUTE)
    for kind in (ClockKind.FIRST_REPLY, ClockKind.DAILY_CONTACT):
        assert running(session, filed.ticket_id)[kind].id == before[kind].id
    raised = {row.clock_kind for row in sweep_escalations(session, NOON + DAY)}
    assert raised == {ClockKind.FIRST_REPLY}


def test_a_c2c_a_complaint_ages_while_it_waits(session, house):
    filed = complaint(session, house)
    wait(session, filed, NOON + HOUR)
    assert {ClockKind.REGRADE, ClockKind.DEPARTMENT_RECEIPT, ClockKind.WAITING} == set(
        running(session, filed.ticket_id)
    )
    resume(session, filed, NOON + DAY)
    assert session.get(Ticket, filed.ticket_id).state is TicketState.REGISTERED


def test_b_w19_nobody_waits_longer_than_was_said_without_being_asked(session, house):
    filed, _ = dispatched(session, house)
    until = NOON + 4 * HOUR
    wait(session, filed, NOON + MINUTE, until)
    told = {row.clock_kind for row in sweep_escalations(session, until - timedelta(seconds=1))}
    assert ClockKind.WAITING not in told
    climbed = [row for row in sweep_escalations(session, until + HOUR) if row.clock_kind is ClockKind.WAITING]
    assert [(row.level, row.tell[0]) for row in climbed] == [
        (1, Role.TECHNICIAN), (2, Role.DEPARTMENT_HEAD), (3, Role.SUPERVISOR), (4, Role.DIRECTOR)
    ]  # fmt: skip
    lasting = resume(session, filed, until + 2 * HOUR)
    met = session.scalars(select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.kind == ClockKind.WAITING))
    assert [row.met_at for row in met] == [until + 2 * HOUR] == [lasting.ended_at]
    assert ClockKind.WAITING not in waiting(session, filed.ticket_id)


def test_a_w5_who_arrives_or_finishes_waits_no_longer(session, house):
    for verb, state in ((requests.arrive, TicketState.UNDER_WAY), (requests.complete, TicketState.DONE)):
        filed, order = dispatched(session, house)
        lasting = wait(session, filed, NOON + MINUTE, work_order_id=order.id)
        with clock.at(NOON + DAY):
            verb(session, order.id)
        assert (lasting.ended_at, session.get(Ticket, filed.ticket_id).state) == (NOON + DAY, state)
        on_site = select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.kind == ClockKind.ON_SITE)
        last = session.scalars(on_site.order_by(Clock.cycle.desc())).first()
        assert (last.met_at, last.due_at) == (NOON + DAY, NOON + DAY + 14 * MINUTE)


def test_what_is_finished_late_in_spite_of_waiting_is_late(session, house):
    filed, order = dispatched(session, house)
    wait(session, filed, NOON + 25 * MINUTE, work_order_id=order.id)
    with clock.at(NOON + DAY):
        requests.complete(session, order.id)
    on_site = select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.kind == ClockKind.ON_SITE)
    last = session.scalars(on_site.order_by(Clock.cycle.desc())).first()
    assert last.met_at - last.due_at == 10 * MINUTE


def test_an_order_that_waits_does_not_hold_up_another(session, house):
    filed, first = dispatched(session, house)
    second = requests.dispatch(session, filed.id, house.engineering.id)
    wait(session, filed, NOON + MINUTE, work_order_id=first.id)
    with clock.at(NOON + HOUR):
        requests.arrive(session, second.id)
        assert session.get(Ticket, filed.ticket_id).state is TicketState.WAITING
        pauses.resume(session, filed.ticket_id)
    assert session.get(Ticket, filed.ticket_id).state is TicketState.UNDER_WAY
    assert (first.state, second.state) == (WorkOrderState.DISPATCHED, WorkOrderState.UNDER_WAY)
    assert ClockKind.ON_SITE not in running(session, filed.ticket_id), "somebody has arrived meanwhile"


def test_an_appointment_made_while_waiting_replaces_what_stood_still(session, house):
    filed, _ = dispatched(session, house)
    wait(session, filed, NOON + MINUTE)
    with clock.at(NOON + HOUR):
        tickets.promise(session, filed.ticket_id, NOON + 3 * DAY)
    resume(session, filed, NOON + 2 * HOUR)
    clocks = running(session, filed.ticket_id)
    assert clocks[ClockKind.PROMISED].due_at == NOON + 3 * DAY
    assert not {ClockKind.ON_SITE, ClockKind.SAME_DAY} & set(clocks)


def test_what_is_given_up_while_it_waits_has_nothing_left(session, house):
    filed, order = dispatched(session, house)
    lasting = wait(session, filed, NOON + MINUTE)
    with clock.at(NOON + HOUR):
        tickets.invalidate(session, filed.ticket_id, "重复登记")
    assert running(session, filed.ticket_id) == {}
    assert waiting(session, filed.ticket_id) == set()
    assert (lasting.ended_at, order.state) == (NOON + HOUR, WorkOrderState.CANCELLED)


def test_waiting_is_refused_at_its_field(session, house):
    filed, order = dispatched(session, house)
    limit = MIDNIGHT + 14 * DAY

    def pause(until=limit, **more):
        return pauses.pause(session, filed.ticket_id, OWNER, until, **more)

    with clock.at(NOON + HOUR):
        for until in (NOON, NOON + HOUR):
            assert "已经过去" in refused("limit_has_passed", "until_at", lambda until=until: pause(until))
        message = refused("limit_too_far", "until_at", lambda: pause(limit + MINUTE))
        assert "最多 14 天，最晚到 2026-03-17 00:00" in message
        refused("too_early", "at", lambda: pause(at=NOON - MINUTE))
        refused("in_the_future", "at", lambda: pause(at=NOON + 2 * HOUR))
        refused("too_long", "note", lambda: pause(note="等" * 501))
        other, _ = dispatched(session, house)
        with pytest.raises(NotFound):
            wait(session, other, clock.now(), work_order_id=order.id)
        assert session.scalars(select(Pause).where(Pause.ticket_id == filed.ticket_id)).all() == []
        assert pause().until_at == limit
        again = refused("waiting_already", "reason", pause)
        assert "（等业主，最晚至 2026-03-17 00:00）" in again
        refused("impossible", "state", lambda: requests.dispatch(session, filed.id, house.engineering.id))


def test_what_is_done_or_over_does_not_wait_and_what_does_not_wait_is_not_resumed(session, house):
    filed, order = dispatched(session, house)
    refused("impossible", "state", lambda: resume(session, filed, NOON + MINUTE))
    requests.complete(session, order.id)
    assert "现在是「已完成」，不能登记等待" in refused("impossible", "state", lambda: wait(session, filed, NOON + HOUR))
    other = request(session, house)
    tickets.invalidate(session, other.ticket_id, "误报")
    refused("impossible", "state", lambda: wait(session, other, NOON + HOUR))


def test_a_pause_of_another_office_is_not_there(database, cast, session):
    with at_desk(database, cast.south) as south:
        foreign = request(south, cast.south).ticket_id
        south.commit()
    answers = []
    for ticket_id in (foreign, 987654321):
        for act in (lambda one: pauses.pause(session, one, OWNER, NOON + DAY), lambda one: pauses.resume(session, one)):
            with pytest.raises(NotFound) as raised:
                act(ticket_id)
            answers.append(raised.value.message)
    assert len(set(answers)) == 1


def test_nothing_that_stood_still_is_told_of(session, house):
    filed, _ = dispatched(session, house)
    lasting = wait(session, filed, NOON + MINUTE)
    stopped = select(Clock.id).where(Clock.pause_id == lasting.id)
    planned = session.scalars(select(DueAction).where(DueAction.subject_id.in_(stopped))).all()
    assert planned
    assert {row.state for row in planned} == {DueState.CANCELLED}
    raised = {row.clock_kind for row in sweep_escalations(session, NOON + DAY)}
    assert not {ClockKind.ON_SITE, ClockKind.SAME_DAY} & raised
