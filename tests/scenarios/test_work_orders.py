"""A request on its way, rule by rule: each step meets its clock, and nobody is told of what was met.

A-W5, A-W6, A-W7, A-W9, A-W10, B-W11, B-W17, B-W18, B-W19, B-S3.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running, sweep_escalations, waiting
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, DueAction, Ticket, WorkOrder
from tenant.rules.terms import ClockKind, DueState, RequestCategory, Role, Satisfaction, TicketState, WorkOrderState
from tenant.services import escalations, follow_ups, requests, tickets

NOON = make.NOON
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office always has an overdue request and complaint of its own."""
    with at_desk(database, cast.south, NOON - 3 * DAY) as session:
        request(session, cast.south)
        complaint(session, cast.south)
        session.commit()


def dispatched(session, house, at=NOON, **fields):
    filed = request(session, house, **fields)
    with clock.at(at):
        order = requests.dispatch(session, filed.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
    return filed, order


def orders_of(session, ticket):
    """Return the orders of a request, the oldest first."""
    request_id = requests.by_ticket(session, ticket.id).id
    return session.scalars(select(WorkOrder).where(WorkOrder.request_id == request_id).order_by(WorkOrder.id)).all()


def done(session, house, at=NOON):
    filed, order = dispatched(session, house)
    with clock.at(at):
        requests.complete(session, order.id, outcome="换了阀门")
    return session.get(Ticket, filed.ticket_id)


def kinds_raised(session, at):
    return {row.clock_kind for row in sweep_escalations(session, at)}


def test_a_w5_nobody_on_site_after_fifteen_minutes_is_late_and_before_is_not(session, house):
    dispatched(session, house, NOON + 2 * MINUTE)
    assert ClockKind.ON_SITE not in kinds_raised(session, NOON + 17 * MINUTE - timedelta(seconds=1))
    assert ClockKind.ON_SITE in kinds_raised(session, NOON + 17 * MINUTE)


def test_a_w5_sending_another_starts_the_clock_anew(session, house):
    filed, _ = dispatched(session, house)
    with clock.at(NOON + 14 * MINUTE):
        second = requests.dispatch(session, filed.id, house.engineering.id)
    assert second.number.endswith("-2")
    assert ClockKind.ON_SITE not in kinds_raised(session, NOON + 28 * MINUTE)
    assert running(session, filed.ticket_id)[ClockKind.ON_SITE].due_at == NOON + 29 * MINUTE


def test_a_w5_an_appointment_stands_in_place_of_arriving_and_of_the_same_day(session, house):
    filed, _ = dispatched(session, house)
    tickets.promise(session, filed.ticket_id, NOON + 2 * DAY)
    assert set(running(session, filed.ticket_id)) == {
        ClockKind.FIRST_REPLY, ClockKind.DAILY_CONTACT, ClockKind.PROMISED
    }  # fmt: skip
    assert running(session, filed.ticket_id)[ClockKind.PROMISED].due_at == NOON + 2 * DAY


def test_an_appointment_for_today_leaves_the_same_day_standing(session, house):
    filed = request(session, house, promised_at=NOON + HOUR)
    assert {ClockKind.SAME_DAY, ClockKind.PROMISED} <= set(running(session, filed.ticket_id))


def test_a_new_appointment_replaces_the_old_one(session, house):
    filed = request(session, house, promised_at=NOON + 2 * DAY)
    tickets.promise(session, filed.ticket_id, NOON + 3 * DAY)
    assert running(session, filed.ticket_id)[ClockKind.PROMISED].due_at == NOON + 3 * DAY
    assert ClockKind.PROMISED not in kinds_raised(session, NOON + 3 * DAY - MINUTE)


def test_a_w6_the_same_day_ends_at_the_offices_midnight(session, house):
    filed, _ = dispatched(session, house)
    assert running(session, filed.ticket_id)[ClockKind.SAME_DAY].due_at == MIDNIGHT
    assert ClockKind.SAME_DAY not in kinds_raised(session, MIDNIGHT - timedelta(seconds=1))
    assert ClockKind.SAME_DAY in kinds_raised(session, MIDNIGHT)


def test_a_w7_every_contact_starts_the_next_ones_clock(session, house):
    filed = request(session, house)
    for days in (0, 1, 2):
        with clock.at(NOON + days * DAY):
            call(session, filed.ticket_id, told="已告知进度")
        due = running(session, filed.ticket_id)[ClockKind.DAILY_CONTACT].due_at
        assert due == MIDNIGHT + (days + 1) * DAY
    assert ClockKind.DAILY_CONTACT not in kinds_raised(session, MIDNIGHT + 3 * DAY - MINUTE)
    assert ClockKind.DAILY_CONTACT in kinds_raised(session, MIDNIGHT + 3 * DAY)


def test_b_s3_what_is_put_off_at_night_counts_from_the_morning_handover(database, house):
    night = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 23:00
    morning = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)  # 08:00
    with at_desk(database, house, night) as session:
        put_off, at_once = request(session, house, put_off=True), request(session, house)
        later, now = running(session, put_off.ticket_id), running(session, at_once.ticket_id)
        assert later[ClockKind.DISPATCH].due_at == morning + 15 * MINUTE
        assert later[ClockKind.SAME_DAY].due_at == MIDNIGHT + DAY
        assert later[ClockKind.FIRST_REPLY].due_at == night + 15 * MINUTE
        assert now[ClockKind.DISPATCH].due_at == night + 15 * MINUTE


@pytest.mark.parametrize("category", [RequestCategory.CONSULTATION, RequestCategory.SUGGESTION])
def test_b_w17_b_w18_what_needs_no_order_is_answered_at_the_desk(session, house, category):
    filed = request(session, house, category=category)
    has_three_days = category is RequestCategory.SUGGESTION
    clocks = running(session, filed.ticket_id)
    assert (ClockKind.SUGGESTION_REPLY in clocks) is has_three_days
    assert ClockKind.SAME_DAY not in clocks
    if has_three_days:
        assert clocks[ClockKind.SUGGESTION_REPLY].due_at == MIDNIGHT + 3 * DAY
    requests.answer(session, filed.id, outcome="采纳")
    assert set(running(session, filed.ticket_id)) == waiting(session, filed.ticket_id) == {ClockKind.FOLLOW_UP}


def test_what_has_an_open_order_is_not_answered_at_the_desk(session, house):
    filed, _ = dispatched(session, house)
    with pytest.raises(Refusal) as refused:
        requests.answer(session, filed.id)
    assert refused.value.code == "orders_open"


def test_a_request_is_done_with_its_last_order(session, house):
    filed, first = dispatched(session, house)
    second = requests.dispatch(session, filed.id, house.engineering.id)
    requests.complete(session, first.id)
    assert session.get(Ticket, filed.ticket_id).done_at is None
    requests.complete(session, second.id, signed=False)
    assert session.get(Ticket, filed.ticket_id).state is TicketState.DONE
    assert (first.signed_at, second.signed_at) == (NOON, None)


def test_an_order_called_back_leaves_the_request_to_be_dispatched_again(session, house):
    filed, order = dispatched(session, house)
    with clock.at(NOON + HOUR):
        requests.cancel_order(session, order.id, "客户改期")
    clocks = running(session, filed.ticket_id)
    assert clocks[ClockKind.DISPATCH].due_at == NOON + HOUR + 15 * MINUTE
    assert ClockKind.ON_SITE not in clocks
    assert session.get(WorkOrder, order.id).state is WorkOrderState.CANCELLED
    with pytest.raises(Refusal) as refused:
        requests.arrive(session, order.id)
    assert refused.value.code == "impossible"


def test_b_w11_the_follow_up_is_due_thirty_minutes_after_completion(session, house):
    done(session, house, NOON + HOUR)
    due = NOON + HOUR + 30 * MINUTE
    assert ClockKind.FOLLOW_UP not in kinds_raised(session, due - timedelta(seconds=1))
    assert ClockKind.FOLLOW_UP in kinds_raised(session, due)


def test_a_w10_the_dissatisfied_have_it_taken_up_again_in_the_next_cycle(session, house):
    ticket = done(session, house)
    with clock.at(NOON + 20 * MINUTE):
        follow_ups.follow_up(session, ticket.id, Satisfaction.DISSATISFIED, answer="还在漏")
    assert (ticket.cycle, ticket.state, ticket.done_at, ticket.closed_at) == (2, TicketState.DISPATCHED, None, None)
    clocks = running(session, ticket.id)
    assert set(clocks) == {ClockKind.ON_SITE, ClockKind.SAME_DAY, ClockKind.DAILY_CONTACT}
    first, second = orders_of(session, ticket)
    assert (second.follows_id, second.department_id, second.technician_id) == (first.id, first.department_id, None)
    assert ClockKind.ON_SITE in kinds_raised(session, NOON + 35 * MINUTE)
    with clock.at(NOON + 40 * MINUTE):
        requests.complete(session, second.id)
        follow_ups.follow_up(session, ticket.id, Satisfaction.SATISFIED)
        tickets.close(session, ticket.id)
    assert ticket.state is TicketState.CLOSED


def test_a_w10_what_no_order_was_sent_for_waits_for_the_desk(session, house):
    filed = request(session, house, category=RequestCategory.CONSULTATION)
    requests.answer(session, filed.id)
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)
    assert session.get(Ticket, filed.ticket_id).state is TicketState.REGISTERED
    assert ClockKind.DISPATCH in running(session, filed.ticket_id)


def test_a_w10_nothing_is_closed_before_it_is_done_and_followed_up(session, house):
    filed = request(session, house)
    with pytest.raises(Refusal) as refused:
        tickets.close(session, filed.ticket_id)
    assert refused.value.code == "not_done"
    with pytest.raises(Refusal) as refused:
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
    assert refused.value.code == "not_done"
    ticket = done(session, house)
    with pytest.raises(Refusal) as refused:
        tickets.close(session, ticket.id)
    assert refused.value.code == "not_followed_up"


def test_a_follow_up_of_the_first_life_does_not_close_the_second(session, house):
    ticket = done(session, house)
    follow_ups.follow_up(session, ticket.id, Satisfaction.DISSATISFIED)
    with clock.at(NOON + HOUR):
        requests.complete(session, orders_of(session, ticket)[-1].id)
        with pytest.raises(Refusal) as refused:
            tickets.close(session, ticket.id)
    assert refused.value.code == "not_followed_up"


def test_nothing_is_done_to_what_is_over(session, house):
    ticket = done(session, house)
    filed = requests.by_ticket(session, ticket.id)
    with pytest.raises(Refusal) as refused:
        requests.dispatch(session, filed.id, house.engineering.id)
    assert refused.value.code == "already_done"
    follow_ups.follow_up(session, ticket.id, Satisfaction.ACCEPTABLE)
    tickets.close(session, ticket.id)
    for act in (
        lambda: call(session, ticket.id),
        lambda: tickets.promise(session, ticket.id, NOON + DAY),
        lambda: tickets.close(session, ticket.id),
        lambda: tickets.invalidate(session, ticket.id, "误报"),
        lambda: requests.dispatch(session, filed.id, house.engineering.id),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "ticket_closed"
        assert ticket.number in refused.value.message


def test_a_step_cannot_lie_before_the_one_it_follows_or_in_the_future(session, house):
    filed, order = dispatched(session, house, NOON + HOUR, received_at=NOON)
    with clock.at(NOON + 2 * HOUR):
        for at, code in ((NOON, "too_early"), (NOON + 3 * HOUR, "in_the_future")):
            with pytest.raises(Refusal) as refused:
                requests.arrive(session, order.id, at=at)
            assert (refused.value.code, refused.value.field) == (code, "at")
        assert requests.arrive(session, order.id, at=NOON + 70 * MINUTE).arrived_at == NOON + 70 * MINUTE
        met = session.scalars(
            select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.kind == ClockKind.ON_SITE)
        ).one()
        assert met.met_at == NOON + 70 * MINUTE


def test_only_people_of_the_office_are_sent(session, house, cast):
    filed = request(session, house)
    for posting_id in (cast.south.people[Role.TECHNICIAN].id, house.people[Role.FRONT_DESK].id, 987654321):
        with pytest.raises(NotFound) as refused:
            requests.dispatch(session, filed.id, house.engineering.id, posting_id)
        assert refused.value.field == "technician"
    with pytest.raises(NotFound) as refused:
        requests.dispatch(session, filed.id, cast.south.engineering.id)
    assert refused.value.field == "department"


def test_foreign_and_missing_tickets_answer_alike_to_every_verb(database, cast, session):
    with at_desk(database, cast.south) as other:
        foreign = request(other, cast.south)
        other.commit()
    for verb in (
        call,
        tickets.close,
        lambda s, number: tickets.invalidate(s, number, "误报"),
        lambda s, number: follow_ups.follow_up(s, number, Satisfaction.SATISFIED),
    ):
        answers = []
        for ticket_id in (foreign.ticket_id, 987654321):
            with pytest.raises(NotFound) as refused:
                verb(session, ticket_id)
            answers.append((refused.value.code, refused.value.message))
        assert answers[0] == answers[1]


def test_an_invalid_request_keeps_its_reason_and_tells_nobody(session, house):
    filed = request(session, house)
    with pytest.raises(Refusal) as refused:
        tickets.invalidate(session, filed.ticket_id, " ")
    assert refused.value.field == "reason"
    tickets.invalidate(session, filed.ticket_id, "重复登记")
    assert session.get(Ticket, filed.ticket_id).state is TicketState.INVALID
    assert running(session, filed.ticket_id) == {}
    assert waiting(session, filed.ticket_id) == set()


def test_a_reply_and_an_escalation_at_the_same_moment_wait_for_each_other(database, house):
    """Whichever comes first wins whole: either it was met and nobody is told, or somebody was told of a late one."""
    for _ in range(8):
        with at_desk(database, house) as session:
            ticket_id = request(session, house).ticket_id
            session.commit()
        start = Barrier(2)

        def reply(ticket_id=ticket_id, start=start):
            with at_desk(database, house, NOON + 20 * MINUTE) as session:
                start.wait()
                call(session, ticket_id)
                session.commit()

        def escalate(ticket_id=ticket_id, start=start):
            at = NOON + 20 * MINUTE
            with at_desk(database, house, at) as session:
                late = select(Clock.id).where(Clock.ticket_id == ticket_id, Clock.kind == ClockKind.FIRST_REPLY)
                action = session.scalars(select(DueAction).where(DueAction.subject_id.in_(late))).one()
                start.wait()
                raised = escalations.escalate(session, action, at)
                session.commit()
                return raised

        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(escalate), pool.submit(reply)]
            raised = jobs[0].result()
            jobs[1].result()
        with at_desk(database, house) as session:
            met = session.scalars(
                select(Clock).where(Clock.ticket_id == ticket_id, Clock.kind == ClockKind.FIRST_REPLY)
            ).one()
            left = select(DueAction).where(DueAction.subject_id == met.id, DueAction.state == DueState.PENDING)
            assert met.met_at == NOON + 20 * MINUTE
            assert session.scalars(left).all() == []
            assert raised is None or raised.level == 1
