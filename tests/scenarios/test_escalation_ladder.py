"""Escalation up the line, rule by rule, on both sides of each boundary.

A-W2, A-W3, A-W4, A-W5, A-C2c, A-C4a, A-C4b, A-C4c, A-C5, A-O2, A-S5.
"""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running, sweep_escalations
from tenant.models import Complaint, Escalation, Posting, Ticket
from tenant.rules.terms import ClockKind, Gravity, Role
from tenant.services import complaints, escalations, requests, tickets
from tenant.unscoped import Reason, across_offices

NOON = make.NOON


@pytest.fixture(autouse=True)
def noise(database, cast):
    """The other office always has an overdue request and an overdue complaint of its own."""
    with at_desk(database, cast.south, NOON - 3 * DAY) as session:
        request(session, cast.south)
        complaint(session, cast.south, gravity=Gravity.GRAVE)
        session.commit()


def raised_for(raised, kind):
    return [(row.level, *row.tell) for row in raised if row.clock_kind is kind]


def test_a_w4_the_first_reply_is_late_at_its_fifteenth_minute_and_not_before(database, cast):
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        assert (
            raised_for(sweep_escalations(session, NOON + 15 * MINUTE - timedelta(seconds=1)), ClockKind.FIRST_REPLY)
            == []
        )
        assert raised_for(sweep_escalations(session, NOON + 15 * MINUTE), ClockKind.FIRST_REPLY) == [
            (1, Role.FRONT_DESK)
        ]


def test_a_w4_a_reply_in_time_is_never_escalated(database, cast):
    with at_desk(database, cast.north) as session:
        filed = request(session, cast.north)
        call(session, filed.ticket_id)
        assert raised_for(sweep_escalations(session, NOON + HOUR), ClockKind.FIRST_REPLY) == []


def test_a_w2_urgent_goes_out_in_five_minutes_a_w3_ordinary_in_fifteen(database, cast):
    with at_desk(database, cast.north) as session:
        urgent = request(session, cast.north, urgent=True)
        ordinary = request(session, cast.north)
        raised = sweep_escalations(session, NOON + 5 * MINUTE)
        assert [(row.ticket_id, row.clock_kind) for row in raised] == [(urgent.ticket_id, ClockKind.DISPATCH)]
        raised = sweep_escalations(session, NOON + 15 * MINUTE)
        assert (ordinary.ticket_id, ClockKind.DISPATCH) in [(row.ticket_id, row.clock_kind) for row in raised]


def test_the_ladder_is_anchored_at_the_breach_however_late_it_is_noticed(database, cast):
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        breach = NOON + 15 * MINUTE
        raised = sweep_escalations(session, breach + 61 * MINUTE)
        assert raised_for(raised, ClockKind.FIRST_REPLY) == [
            (1, Role.FRONT_DESK), (2, Role.DEPARTMENT_HEAD), (3, Role.SUPERVISOR), (4, Role.DIRECTOR)
        ]  # fmt: skip
        assert {row.late_minutes for row in raised if row.clock_kind is ClockKind.FIRST_REPLY} == {61}
        assert raised_for(sweep_escalations(session, breach + 240 * MINUTE - MINUTE), ClockKind.FIRST_REPLY) == []
        assert raised_for(sweep_escalations(session, breach + 240 * MINUTE), ClockKind.FIRST_REPLY) == [
            (5, Role.COMPANY_CENTRE)
        ]
        assert raised_for(sweep_escalations(session, breach + 2 * DAY), ClockKind.FIRST_REPLY) == [
            (6, Role.GROUP_CENTRE)
        ]


def test_a_sweep_at_the_same_instant_raises_nothing_again(database, cast):
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        assert sweep_escalations(session, NOON + DAY)
        before = session.scalar(select(func.count(Escalation.id)))
        assert sweep_escalations(session, NOON + DAY) == []
        assert session.scalar(select(func.count(Escalation.id))) == before


def test_a_sweep_of_one_office_leaves_the_other_alone(database, cast):
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        assert {row.office_id for row in sweep_escalations(session, NOON + 10 * DAY)} == {cast.north.id}
    with at_desk(database, cast.south) as session:
        assert session.scalars(select(Escalation)).all() == []


def test_a_c4b_a_major_complaint_must_be_forwarded_in_thirty_minutes(database, cast):
    with at_desk(database, cast.north) as session:
        complaint(session, cast.north, gravity=Gravity.MAJOR)
        assert raised_for(sweep_escalations(session, NOON + 30 * MINUTE - MINUTE), ClockKind.FORWARD) == []
        assert raised_for(sweep_escalations(session, NOON + 30 * MINUTE), ClockKind.FORWARD) == [
            (1, Role.DEPARTMENT_HEAD)
        ]


def test_a_c4a_a_grave_complaint_tells_the_whole_office_at_midnight(database, cast):
    with at_desk(database, cast.north) as session:
        complaint(session, cast.north, gravity=Gravity.GRAVE)
        midnight = NOON + 12 * HOUR
        assert raised_for(sweep_escalations(session, midnight - MINUTE), ClockKind.FORWARD) == []
        assert raised_for(sweep_escalations(session, midnight), ClockKind.FORWARD) == [
            (1, Role.DEPARTMENT_HEAD), (2, Role.SUPERVISOR), (3, Role.DIRECTOR)
        ]  # fmt: skip


def test_a_c4a_ten_minutes_before_midnight_still_leave_two_hours(database, cast):
    late = NOON + 11 * HOUR + 50 * MINUTE
    with at_desk(database, cast.north, late) as session:
        filed = complaint(session, cast.north, gravity=Gravity.GRAVE)
        assert running(session, filed.ticket_id)[ClockKind.FORWARD].due_at == late + 2 * HOUR


def test_a_c5_the_department_signs_within_ten_minutes(database, cast):
    with at_desk(database, cast.north) as session:
        signed, unsigned = complaint(session, cast.north), complaint(session, cast.north)
        complaints.receive(session, signed.id)
        raised = sweep_escalations(session, NOON + 10 * MINUTE)
        assert [(row.ticket_id, row.clock_kind) for row in raised] == [
            (unsigned.ticket_id, ClockKind.DEPARTMENT_RECEIPT)
        ]


def test_a_c2c_a_complaint_unresolved_for_a_month_becomes_grave_and_its_forwarding_starts(database, cast):
    month = NOON.replace(month=4, day=2) + 12 * HOUR
    with at_desk(database, cast.north) as session:
        filed = complaint(session, cast.north)
        complaints.receive(session, filed.id)
        sweep_escalations(session, month - MINUTE)
        assert session.get(Complaint, filed.id).gravity is Gravity.ORDINARY
        raised = sweep_escalations(session, month)
        assert [row.clock_kind for row in raised] == [ClockKind.REGRADE]
        assert set(raised[0].tell) == {Role.DIRECTOR, Role.GENERAL_MANAGER}
        assert session.get(Complaint, filed.id).gravity is Gravity.GRAVE
        assert set(running(session, filed.ticket_id)) == {ClockKind.FORWARD, ClockKind.DAILY_CONTACT}
        assert sweep_escalations(session, month) == []


def test_a_c2c_a_complaint_resolved_within_the_month_stays_what_it_was(database, cast):
    with at_desk(database, cast.north) as session:
        filed = complaint(session, cast.north)
        complaints.complete(session, filed.id, outcome="已修好")
        sweep_escalations(session, NOON + 60 * DAY)
        assert session.get(Complaint, filed.id).gravity is Gravity.ORDINARY


def test_a_c4c_the_time_the_resident_asked_for_is_a_clock_of_its_own(database, cast):
    with at_desk(database, cast.north) as session:
        filed = complaint(session, cast.north, promised_at=NOON + 5 * HOUR)
        complaints.receive(session, filed.id)
        assert sweep_escalations(session, NOON + 5 * HOUR - MINUTE) == []
        assert raised_for(sweep_escalations(session, NOON + 5 * HOUR), ClockKind.PROMISED) == [
            (1, Role.DEPARTMENT_HEAD)
        ]


def test_the_technician_who_has_the_order_is_told_first_and_the_head_when_nobody_has(database, cast):
    house = cast.north
    with at_desk(database, house) as session, across_offices(database, Reason.FINDING_RECIPIENTS) as group:
        assigned, unassigned = request(session, house), request(session, house)
        requests.dispatch(session, assigned.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
        requests.dispatch(session, unassigned.id, house.engineering.id)
        told = {
            row.ticket_id: escalations.recipients(group, row, NOON)
            for row in sweep_escalations(session, NOON + 15 * MINUTE)
            if row.clock_kind is ClockKind.ON_SITE
        }
        names = {ticket_id: [person.name for person in people] for ticket_id, people in told.items()}
        assert names == {
            assigned.ticket_id: [house.people[Role.TECHNICIAN].staff.name],
            unassigned.ticket_id: [house.people[Role.DEPARTMENT_HEAD].staff.name],
        }


def test_up_the_line_means_the_own_company_and_then_the_group(database, cast):
    with at_desk(database, cast.north) as session, across_offices(database, Reason.FINDING_RECIPIENTS) as group:
        request(session, cast.north)
        raised = sweep_escalations(session, NOON + 3 * DAY)
        names = {
            (row.level): [person.name for person in escalations.recipients(group, row, NOON + 3 * DAY)]
            for row in raised
            if row.clock_kind is ClockKind.FIRST_REPLY
        }
        assert names[5] == ["东区物业公司客户服务中心"]
        assert names[6] == ["集团客户服务中心"]


def test_a_role_nobody_holds_is_passed_over_for_the_next_one_up(database, cast):
    with at_desk(database, cast.north) as session, across_offices(database, Reason.FINDING_RECIPIENTS) as group:
        request(session, cast.north)
        raised = sweep_escalations(session, NOON + 15 * MINUTE)
        reply = next(row for row in raised if row.clock_kind is ClockKind.FIRST_REPLY)
        group.get(Posting, cast.north.people[Role.FRONT_DESK].id).to_on = date(2026, 3, 1)
        group.flush()
        told = escalations.recipients(group, reply, NOON)
        assert [person.role for person in told] == [Role.DEPARTMENT_HEAD]


def test_a_closed_ticket_raises_nothing(database, cast):
    with at_desk(database, cast.north) as session:
        filed = complaint(session, cast.north)
        tickets.invalidate(session, filed.ticket_id, "并非本小区住户")
        assert sweep_escalations(session, NOON + 90 * DAY) == []
        assert session.get(Ticket, filed.ticket_id).closed_at == NOON
        assert running(session, filed.ticket_id) == {}
