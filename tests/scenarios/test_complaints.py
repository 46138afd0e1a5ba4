"""A complaint on its way, rule by rule.

A-C1, A-C2c, A-C3, A-C4a, A-C4b, A-C5, A-C6, A-W10, B-C10, B-C11.
"""

from datetime import UTC, datetime, timedelta

import pytest

import make
from desk import DAY, HOUR, MINUTE, at_desk, complaint, request, running, sweep_escalations, waiting
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Complaint, Ticket
from tenant.rules.terms import ClockKind, Gravity, Role, Satisfaction, TicketState
from tenant.services import acknowledgements, complaints, follow_ups, tickets

NOON = make.NOON
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MONTH = datetime(2026, 4, 2, 16, 0, tzinfo=UTC)
"""24:00 of 2 April in Shanghai: the anniversary of a complaint received on 2 March."""


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office always has an overdue request and complaint of its own."""
    with at_desk(database, cast.south, NOON - 40 * DAY) as session:
        request(session, cast.south)
        complaint(session, cast.south, gravity=Gravity.MAJOR)
        session.commit()


CLOCKS = {
    Gravity.ORDINARY: {ClockKind.DEPARTMENT_RECEIPT: NOON + 10 * MINUTE, ClockKind.REGRADE: MONTH},
    Gravity.MAJOR: {
        ClockKind.DEPARTMENT_RECEIPT: NOON + 10 * MINUTE,
        ClockKind.FORWARD: NOON + 30 * MINUTE,
        ClockKind.REGRADE: MONTH,
    },
    Gravity.GRAVE: {
        ClockKind.DEPARTMENT_RECEIPT: NOON + 10 * MINUTE,
        ClockKind.FORWARD: MIDNIGHT,
        ClockKind.DAILY_CONTACT: MIDNIGHT + DAY,
    },
    Gravity.INVALID: {},
}


@pytest.mark.parametrize("gravity", Gravity)
def test_each_gravity_starts_its_own_clocks(session, house, gravity):
    filed = complaint(session, house, gravity=gravity)
    clocks = running(session, filed.ticket_id)
    assert {kind: row.due_at for kind, row in clocks.items()} == CLOCKS[gravity]
    assert waiting(session, filed.ticket_id) == set(CLOCKS[gravity])


def test_a_complaint_walks_to_the_closed_form(session, house):
    filed = complaint(session, house, gravity=Gravity.MAJOR, demand="当面道歉")
    ticket = session.get(Ticket, filed.ticket_id)
    complaints.receive(session, filed.id)
    assert ticket.state is TicketState.RECEIVED
    complaints.forward(session, filed.id)
    assert set(running(session, ticket.id)) == {ClockKind.REGRADE}
    complaints.complete(session, filed.id, outcome="已道歉并整改")
    assert set(running(session, ticket.id)) == waiting(session, ticket.id) == {ClockKind.FOLLOW_UP, ClockKind.RETURN}
    assert running(session, ticket.id)[ClockKind.FOLLOW_UP].due_at == MIDNIGHT + 3 * DAY
    complaints.give_back(session, filed.id)
    follow_ups.follow_up(session, ticket.id, Satisfaction.SATISFIED)
    tickets.close(session, ticket.id)
    assert (ticket.state, running(session, ticket.id)) == (TicketState.CLOSED, {})


def test_b_c11_the_follow_up_is_late_after_the_third_day_and_not_before(session, house):
    filed = complaint(session, house)
    complaints.complete(session, filed.id, outcome="已解决")
    complaints.give_back(session, filed.id)
    assert sweep_escalations(session, MIDNIGHT + 3 * DAY - timedelta(seconds=1)) == []
    raised = sweep_escalations(session, MIDNIGHT + 3 * DAY)
    assert [(row.clock_kind, row.tell) for row in raised] == [(ClockKind.FOLLOW_UP, (Role.FRONT_DESK,))]


def test_a_c5_what_is_done_before_it_was_forwarded_is_still_to_be_forwarded(session, house):
    filed = complaint(session, house, gravity=Gravity.GRAVE)
    complaints.complete(session, filed.id, outcome="已解决")
    assert ClockKind.FORWARD in running(session, filed.ticket_id)
    complaints.forward(session, filed.id)
    assert ClockKind.FORWARD not in running(session, filed.ticket_id)


def test_regraded_upwards_the_forwarding_starts_anew_from_then(session, house):
    filed = complaint(session, house)
    with clock.at(NOON + 2 * HOUR):
        complaints.regrade(session, filed.id, Gravity.MAJOR, reason="住户受损")
        assert running(session, filed.ticket_id)[ClockKind.FORWARD].due_at == NOON + 2 * HOUR + 30 * MINUTE
        complaints.forward(session, filed.id)
        complaints.regrade(session, filed.id, Gravity.GRAVE, reason="另有情况")
    forward = running(session, filed.ticket_id)[ClockKind.FORWARD]
    assert (forward.due_at, forward.cycle) == (MIDNIGHT, 2)
    assert session.get(Complaint, filed.id).forwarded_at is None
    telling = running(session, filed.ticket_id)[ClockKind.REGRADE]
    assert (telling.due_at, telling.source) == (NOON + 2 * HOUR, "A-C4a")


def test_regraded_downwards_the_month_counts_from_receipt_again(session, house):
    filed = complaint(session, house, gravity=Gravity.GRAVE)
    with clock.at(NOON + 3 * DAY):
        complaints.regrade(session, filed.id, Gravity.ORDINARY, reason="另有情况")
    clocks = running(session, filed.ticket_id)
    assert clocks[ClockKind.REGRADE].due_at == MONTH
    assert ClockKind.FORWARD not in clocks


def test_regraded_to_what_it_is_nothing_changes(session, house):
    filed = complaint(session, house, gravity=Gravity.MAJOR)
    before = {kind: row.id for kind, row in running(session, filed.ticket_id).items()}
    complaints.regrade(session, filed.id, Gravity.MAJOR, reason="另有情况")
    assert {kind: row.id for kind, row in running(session, filed.ticket_id).items()} == before


def test_a_c3_regraded_to_invalid_it_is_over_and_the_reason_required(session, house):
    filed = complaint(session, house)
    with pytest.raises(Refusal) as refused:
        complaints.regrade(session, filed.id, Gravity.INVALID)
    assert refused.value.field == "reason"
    complaints.regrade(session, filed.id, Gravity.INVALID, reason="非本小区")
    assert session.get(Complaint, filed.id).gravity is Gravity.INVALID
    assert session.get(Ticket, filed.ticket_id).state is TicketState.INVALID
    assert running(session, filed.ticket_id) == {}


def test_a_regrade_changes_who_is_told_of_a_clock_that_runs_already(session, house):
    filed = complaint(session, house)
    assert len(sweep_escalations(session, NOON + 10 * MINUTE)) == 1
    with clock.at(NOON + 11 * MINUTE):
        complaints.regrade(session, filed.id, Gravity.GRAVE, reason="另有情况")
    raised = sweep_escalations(session, NOON + 70 * MINUTE)
    by_kind = {kind: [row.tell for row in raised if row.clock_kind is kind] for kind in ClockKind}
    assert by_kind[ClockKind.DEPARTMENT_RECEIPT] == [(Role.SUPERVISOR,), (Role.DIRECTOR,), (Role.GENERAL_MANAGER,)]
    assert by_kind[ClockKind.REGRADE] == [(Role.DIRECTOR, Role.GENERAL_MANAGER)]


def test_a_c2c_taken_up_again_after_the_month_it_becomes_grave_at_once(session, house):
    filed = complaint(session, house)
    with clock.at(MONTH - DAY):
        complaints.complete(session, filed.id, outcome="已解决")
    with clock.at(MONTH + HOUR):
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)
    assert session.get(Complaint, filed.id).gravity is Gravity.ORDINARY
    raised = sweep_escalations(session, MONTH + HOUR)
    assert ClockKind.REGRADE in {row.clock_kind for row in raised}
    assert session.get(Complaint, filed.id).gravity is Gravity.GRAVE


def test_a_w10_a_complaint_taken_up_again_is_to_be_signed_for_again(session, house):
    filed = complaint(session, house)
    complaints.receive(session, filed.id)
    complaints.complete(session, filed.id, outcome="已解决")
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)
    clocks = running(session, filed.ticket_id)
    assert set(clocks) == {ClockKind.DEPARTMENT_RECEIPT, ClockKind.REGRADE}
    assert (clocks[ClockKind.DEPARTMENT_RECEIPT].cycle, clocks[ClockKind.REGRADE].cycle) == (2, 2)
    assert session.get(Complaint, filed.id).received_by_department_at is None
    assert [row.level for row in sweep_escalations(session, NOON + 10 * MINUTE)] == [1]


def test_nothing_is_done_twice_to_what_is_done(session, house):
    filed = complaint(session, house)
    complaints.complete(session, filed.id, outcome="已解决")
    for act in (complaints.complete, complaints.receive):
        with pytest.raises(Refusal) as refused:
            act(session, filed.id)
        assert refused.value.code == "already_done"


def test_an_escalation_is_acknowledged_once_and_by_name(database, house):
    with at_desk(database, house, role=Role.SUPERVISOR) as session:
        complaint(session, house)
        raised = sweep_escalations(session, NOON + 10 * MINUTE)[0]
        row = acknowledgements.acknowledge(session, raised.escalation_id)
        assert row.acknowledged_by_id == house.people[Role.SUPERVISOR].id
        with pytest.raises(Refusal, match=r"已由北苑客服主管（客服主管）在 2026-03-02 12:00 确认"):
            acknowledgements.acknowledge(session, raised.escalation_id)


def test_foreign_and_missing_complaints_answer_alike_to_every_verb(database, cast, session):
    with at_desk(database, cast.south) as other:
        foreign = complaint(other, cast.south).id
        other.commit()
    for verb in (
        complaints.receive,
        complaints.forward,
        complaints.complete,
        lambda s, number: complaints.regrade(s, number, Gravity.GRAVE, reason="另有情况"),
        lambda s, number: complaints.regrade(s, number, Gravity.INVALID, reason="误登"),
    ):
        answers = []
        for complaint_id in (foreign, 987654321):
            with pytest.raises(NotFound) as refused:
                verb(session, complaint_id)
            answers.append((refused.value.code, refused.value.message))
        assert answers[0] == answers[1]
