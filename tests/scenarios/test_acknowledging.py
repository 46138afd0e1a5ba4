"""Taking notice of a level: the next has its whole gap anew, once, and silence climbs on (A-S5, A-O2, A-O4)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, MINUTE, at_desk, call, complaint, request, sweep_escalations
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, DueAction, Escalation
from tenant.rules.terms import ClockKind, DueState, Gravity, Role
from tenant.services import acknowledgements, clockwork, complaints, escalations, replanning, tickets

NOON = make.NOON
BREACH = NOON + 15 * MINUTE
"""When the first reply to a request of noon is late (A-W4)."""


@pytest.fixture(autouse=True)
def noise(database, cast):
    """Beside it the south always has a request as late, that nobody takes notice of."""
    with at_desk(database, cast.south) as session:
        request(session, cast.south)
        session.commit()


@pytest.fixture
def supervisor(database, cast):
    with at_desk(database, cast.north, role=Role.SUPERVISOR) as session:
        yield session


def raised_for(session, at, kind=ClockKind.FIRST_REPLY):
    return [row for row in sweep_escalations(session, at) if row.clock_kind is kind]


def notice(session, raised, at):
    with clock.at(at):
        return acknowledgements.acknowledge(session, raised.escalation_id)


def clock_of(session, raised):
    return session.get_one(Escalation, raised.escalation_id).clock_id


def due(session, ticket_id, kind=ClockKind.FIRST_REPLY):
    statement = (
        select(DueAction.level, DueAction.due_at)
        .join(Clock, Clock.id == DueAction.subject_id)
        .where(Clock.ticket_id == ticket_id, Clock.kind == kind, DueAction.state == DueState.PENDING)
    )
    return [tuple(row) for row in session.execute(statement)]


def check_plan(session, house, at):
    """Nothing is planned otherwise than it should be."""
    place = replanning.Place()
    while place is not None:
        done = replanning.replan(session, house.id, at, None, place)
        assert (done.planned, done.cancelled) == (0, 0)
        place = done.rest


def test_a_s5_notice_of_a_level_puts_the_next_off_by_the_gap_between_them(supervisor, cast):
    filed = request(supervisor, cast.north)
    *_, third = raised_for(supervisor, BREACH + 30 * MINUTE)
    noticed_at = BREACH + 50 * MINUTE
    notice(supervisor, third, noticed_at)
    assert due(supervisor, filed.ticket_id) == [(4, noticed_at + 30 * MINUTE)]
    check_plan(supervisor, cast.north, noticed_at)
    assert raised_for(supervisor, noticed_at + 30 * MINUTE - timedelta(seconds=1)) == []
    assert [row.level for row in raised_for(supervisor, noticed_at + 30 * MINUTE)] == [4]


def test_silence_climbs_on_with_the_ladders_own_gaps(supervisor, cast):
    filed = request(supervisor, cast.north)
    *_, third = raised_for(supervisor, BREACH + 30 * MINUTE)
    notice(supervisor, third, BREACH + 50 * MINUTE)
    raised_for(supervisor, BREACH + 80 * MINUTE)
    assert due(supervisor, filed.ticket_id) == [(5, BREACH + 80 * MINUTE + 180 * MINUTE)]
    check_plan(supervisor, cast.north, BREACH + 80 * MINUTE)
    assert [row.level for row in raised_for(supervisor, BREACH + 10 * DAY)] == [5, 6]


def test_a_level_is_taken_notice_of_once(supervisor, cast):
    request(supervisor, cast.north)
    *_, third = raised_for(supervisor, BREACH + 30 * MINUTE)
    notice(supervisor, third, BREACH + 31 * MINUTE)
    with pytest.raises(Refusal) as refused:
        notice(supervisor, third, BREACH + 40 * MINUTE)
    assert refused.value.code == "acknowledged"
    assert "北苑客服主管（客服主管）在 2026-03-02 12:46 确认" in refused.value.message


def test_a_level_that_was_passed_puts_nothing_off(supervisor, cast):
    filed = request(supervisor, cast.north)
    _first, _second, third, _fourth = raised_for(supervisor, BREACH + 60 * MINUTE)
    planned = due(supervisor, filed.ticket_id)
    with pytest.raises(Refusal, match="已升级到第 4 级（管理处主任）"):
        notice(supervisor, third, BREACH + 61 * MINUTE)
    assert due(supervisor, filed.ticket_id) == planned


def test_notice_of_a_level_is_notice_of_those_below(supervisor, cast):
    request(supervisor, cast.north)
    *_, third = raised_for(supervisor, BREACH + 30 * MINUTE)
    notice(supervisor, third, BREACH + 31 * MINUTE)
    rows = supervisor.scalars(select(Escalation).where(Escalation.clock_id == clock_of(supervisor, third))).all()
    assert [row.acknowledged_at for row in rows] == [BREACH + 31 * MINUTE] * 3


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.FRONT_DESK, False),
        (Role.TECHNICIAN, False),
        (Role.DEPARTMENT_HEAD, False),
        (Role.SUPERVISOR, True),
        (Role.DIRECTOR, True),
    ],
)
def test_a_o4_notice_is_taken_by_who_was_told_or_stands_above(database, cast, role, may):
    with at_desk(database, cast.north, role=role) as session:
        request(session, cast.north)
        *_, third = raised_for(session, BREACH + 30 * MINUTE)
        if may:
            assert notice(session, third, BREACH + 31 * MINUTE).acknowledged_by_id == cast.north.people[role].id
        else:
            with pytest.raises(Refusal, match=r"通知的是客服主管，您（.*）不能代为确认"):
                notice(session, third, BREACH + 31 * MINUTE)


def test_a_c5_only_the_head_of_the_department_that_has_it_takes_notice_for_it(database, cast):
    with at_desk(database, cast.north, role=Role.DEPARTMENT_HEAD) as session:
        complaint(session, cast.north)
        (first,) = raised_for(session, NOON + 10 * MINUTE, ClockKind.DEPARTMENT_RECEIPT)
        assert notice(session, first, NOON + 11 * MINUTE).acknowledged_at == NOON + 11 * MINUTE
        elsewhere = make.department(session, cast.north.id, name="秩序部")
        other = complaints.register_complaint(
            session, office_id=cast.north.id, unit_id=cast.north.unit.id, content="噪音", department_id=None
        )
        complaints.by_ticket(session, other.ticket_id).department_id = elsewhere.id
        session.flush()
        first, *_ = raised_for(session, NOON + 10 * MINUTE, ClockKind.DEPARTMENT_RECEIPT)
        with pytest.raises(Refusal, match="不能代为确认"):
            notice(session, first, NOON + 11 * MINUTE)


def test_a_ticket_is_taken_notice_of_whole_and_then_nothing_waits(supervisor, cast):
    filed = request(supervisor, cast.north)
    sweep_escalations(supervisor, BREACH + 30 * MINUTE)
    with clock.at(BREACH + 31 * MINUTE):
        assert acknowledgements.acknowledge_ticket(supervisor, filed.ticket_id) == 2  # first reply and dispatch
        with pytest.raises(NotFound):
            acknowledgements.acknowledge_ticket(supervisor, filed.ticket_id)
    check_plan(supervisor, cast.north, BREACH + 31 * MINUTE)


def test_what_is_done_is_noticed_and_plans_nothing(supervisor, cast):
    filed = request(supervisor, cast.north)
    *_, third = raised_for(supervisor, BREACH + 30 * MINUTE)
    with clock.at(BREACH + 40 * MINUTE):
        call(supervisor, filed.ticket_id)
    notice(supervisor, third, BREACH + 41 * MINUTE)
    assert due(supervisor, filed.ticket_id) == []


def test_a_worker_that_has_the_next_level_in_hand_loses_it(database, cast):
    with at_desk(database, cast.north, role=Role.SUPERVISOR) as session:
        filed = request(session, cast.north)
        *_, third = raised_for(session, BREACH + 30 * MINUTE)
        session.commit()
        at = BREACH + 60 * MINUTE
        claims = [
            claim
            for claim in clockwork.claim(session, escalations.RULE, at, office_id=cast.north.id)
            if claim.action.level == 4
        ]
        session.commit()
        notice(session, third, BREACH + 59 * MINUTE)
        session.commit()
        of_reply = [claim for claim in claims if claim.action.subject_id == clock_of(session, third)]
        assert of_reply
        with pytest.raises(clockwork.ClaimLost):
            clockwork.settle(session, of_reply[0], DueState.DONE)
        session.rollback()
        assert due(session, filed.ticket_id) == [(4, BREACH + 59 * MINUTE + 30 * MINUTE)]
        tickets.invalidate(session, filed.ticket_id, "误报")
        session.commit()


def test_a_complaint_regraded_after_notice_climbs_the_new_ladder_from_the_notice(database, cast):
    with at_desk(database, cast.north, role=Role.DIRECTOR) as session:
        filed = complaint(session, cast.north)
        (first,) = raised_for(session, NOON + 10 * MINUTE, ClockKind.DEPARTMENT_RECEIPT)
        notice(session, first, NOON + 20 * MINUTE)
        with clock.at(NOON + 25 * MINUTE):
            complaints.regrade(session, filed.id, Gravity.GRAVE, reason="造成人身伤害")
        check_plan(session, cast.north, NOON + 25 * MINUTE)
        assert due(session, filed.ticket_id, ClockKind.DEPARTMENT_RECEIPT) == [(2, NOON + 20 * MINUTE)]
