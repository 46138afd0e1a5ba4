"""A defect under warranty: found, confirmed, and given to its builder, rule by rule: A-W20, A-R1, A-R2."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, request, running, sweep_escalations, waiting
from tenant import clock
from tenant.errors import NotFound
from tenant.models import Defect, Pause, RectificationNote, Ticket, WorkOrder
from tenant.rules.terms import (
    ClockKind,
    PauseReason,
    RectificationState,
    RequestCategory,
    Role,
    Satisfaction,
    TicketState,
    WorkOrderState,
)
from tenant.services import defects, follow_ups, links, pauses, rectifications, requests
from warranty import AGREED, TODAY, brought_to, builder, defect, issued, refused

NOON = make.NOON
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""24:00 of today in Shanghai."""


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office has an overdue defect with a record of its own."""
    with at_desk(database, cast.south, NOON - 40 * DAY) as session:
        found = defect(session, cast.south)
        issued(session, cast.south, found, TODAY - timedelta(days=33))
        session.commit()


# ---- A-W20
def test_a_w20_a_repair_goes_on_as_a_defect_and_ends_as_part_of_it(session, house):
    asked = request(session, house, content="墙面渗水", reporter_name="陈静", reporter_phone="19900000001")
    order = requests.dispatch(session, asked.id, house.engineering.id)
    found = defects.from_request(session, asked.id, part="外墙", warranty_until=TODAY)
    old, new = session.get(Ticket, asked.ticket_id), session.get(Ticket, found.ticket_id)
    assert (old.state, old.merged_into_id, old.closed_at) == (TicketState.MERGED, new.id, NOON)
    assert (running(session, old.id), waiting(session, old.id)) == ({}, set())
    assert session.get(WorkOrder, order.id).state is WorkOrderState.CANCELLED
    assert (new.number, found.request_id) == ("ZG20260302-0001", asked.id)
    assert [new.content, new.unit_id, new.reporter_name, new.reporter_phone] == [
        "墙面渗水", house.unit.id, "陈静", "19900000001"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "category", [RequestCategory.PAID_SERVICE, RequestCategory.CONSULTATION, RequestCategory.SUGGESTION]
)
def test_a_w20_what_is_no_repair_is_no_defect(session, house, category):
    asked = request(session, house, category=category)
    assert refused(defects.from_request, session, asked.id, part="外墙").code == "no_repair"


def test_a_w20_a_request_that_is_done_may_still_turn_out_to_be_one_and_a_closed_one_not(session, house):
    asked = request(session, house)
    order = requests.dispatch(session, asked.id, house.engineering.id)
    requests.complete(session, order.id, outcome="属保修期内质量问题")
    found = defects.from_request(session, asked.id, part="水管")
    assert running(session, asked.ticket_id) == {}
    assert session.get(WorkOrder, order.id).state is not WorkOrderState.CANCELLED
    assert refused(defects.from_request, session, asked.id, part="水管").field == "state"
    assert session.get(Ticket, found.ticket_id).state is TicketState.REGISTERED


def test_a_w20_a_request_that_answers_others_does_not_leave_them_behind(session, house):
    cause, child = request(session, house), request(session, house)
    links.answer_with(session, child.ticket_id, cause.ticket_id)
    assert refused(defects.from_request, session, cause.id, part="外墙").code == "answers_others"
    found = defects.from_request(session, child.id, part="外墙")
    assert session.get(Ticket, child.ticket_id).parent_id is None
    assert session.get(Ticket, found.ticket_id).parent_id is None


def test_a_w20_a_request_that_waits_goes_on_as_a_defect_and_waits_no_longer(session, house):
    asked = request(session, house)
    requests.dispatch(session, asked.id, house.engineering.id)
    pauses.pause(session, asked.ticket_id, PauseReason.OWNER, NOON + HOUR)
    defects.from_request(session, asked.id, part="外墙")
    assert running(session, asked.ticket_id) == {}
    assert session.scalars(select(Pause).where(Pause.ended_at.is_(None))).all() == []


@pytest.mark.parametrize(("until", "taken"), [(TODAY, True), (TODAY - timedelta(days=1), False), (None, True)])
def test_a_w20_the_last_day_of_the_warranty_still_counts(session, house, until, taken):
    if taken:
        assert defect(session, house, warranty_until=until).warranty_until == until
    else:
        answer = refused(defect, session, house, warranty_until=until)
        assert (answer.code, answer.field) == ("warranty_over", "warranty_until")


# ---- A-R1
def test_a_w20_what_was_reported_within_the_warranty_turns_into_a_defect_after_it(session, house):
    asked = request(session, house)
    with clock.at(NOON + DAY):
        answer = refused(defects.from_request, session, asked.id, part="外墙", warranty_until=TODAY - timedelta(days=1))
        assert answer.code == "warranty_over"
        found = defects.from_request(session, asked.id, part="外墙", warranty_until=TODAY)
    assert found.warranty_until == TODAY, "the owner reported it on the last day"


def test_a_r1_somebody_is_sent_finds_the_cause_and_the_owner_signs(session, house):
    found = defect(session, house)
    ticket = session.get(Ticket, found.ticket_id)
    clocks = {kind: (row.due_at, row.source) for kind, row in running(session, ticket.id).items()}
    assert clocks == {
        ClockKind.ON_SITE: (MIDNIGHT + DAY, "A-R1"),
        ClockKind.DISPATCH: (MIDNIGHT + 3 * DAY, "A-R2"),
    }
    assert waiting(session, ticket.id) == set(clocks)
    defects.send(session, found.id, house.people[Role.TECHNICIAN].id)
    assert (ticket.state, found.sent_at) == (TicketState.DISPATCHED, NOON)
    with clock.at(NOON + HOUR):
        defects.confirm(session, found.id, "防水层开裂")
        assert (ticket.state, found.confirmed_at) == (TicketState.UNDER_WAY, NOON + HOUR)
        assert set(running(session, ticket.id)) == {ClockKind.DISPATCH}
        assert found.confirmed_by_id == house.people[Role.FRONT_DESK].id
        assert refused(rectifications.issue, session, found.id, builder(session, house).id, AGREED).code == "not_signed"
        defects.owner_sign(session, found.id)
        assert found.owner_signed_at == NOON + HOUR
        assert refused(defects.owner_sign, session, found.id).code == "already_signed"


def test_a_r1_nobody_sent_is_told_up_the_line_from_the_engineering_assistant_on(session, house):
    found = defect(session, house)
    assert sweep_escalations(session, MIDNIGHT + DAY - MINUTE) == []
    raised = sweep_escalations(session, MIDNIGHT + DAY)
    assert [(row.ticket_id, row.clock_kind, row.tell) for row in raised] == [
        (found.ticket_id, ClockKind.ON_SITE, (Role.ENGINEERING_ASSISTANT,))
    ]
    late = sweep_escalations(session, MIDNIGHT + 2 * DAY)
    assert [row.tell for row in late] == [(Role.SUPERVISOR,), (Role.DIRECTOR,)]


def test_a_r1_a_public_area_needs_no_owner_to_sign(session, house):
    found = defect(session, house, unit_id=None, location="2 栋大堂")
    defects.confirm(session, found.id, "吊顶开裂")
    assert rectifications.issue(session, found.id, builder(session, house).id, AGREED).number.endswith("-1")


def test_a_r1_what_is_no_defect_ends_and_the_request_it_came_from_is_taken_up_again(session, house):
    asked = request(session, house)
    found = defects.from_request(session, asked.id, part="水管")
    assert refused(defects.decline, session, found.id, " ").field == "reason"
    with clock.at(NOON + HOUR):
        defects.decline(session, found.id, "业主自行改动")
    ended, back = session.get(Ticket, found.ticket_id), session.get(Ticket, asked.ticket_id)
    assert (ended.state, running(session, ended.id)) == (TicketState.INVALID, {})
    assert (back.state, back.closed_at, back.merged_into_id, back.cycle) == (TicketState.REGISTERED, None, None, 2)
    assert running(session, back.id)[ClockKind.DISPATCH].due_at == NOON + HOUR + 15 * MINUTE
    assert requests.dispatch(session, asked.id, house.engineering.id).number.endswith("-1")


def test_a_r1_what_a_builder_has_a_record_of_is_not_declined(session, house):
    record = brought_to(session, house, RectificationState.ISSUED)
    answer = refused(defects.decline, session, record.defect_id, "误判")
    assert (answer.code, record.number in answer.message) == ("records_stand", True)
    rectifications.cancel(session, record.id, "开错单位")
    defects.decline(session, record.defect_id, "误判")
    assert session.get(Ticket, session.get(Defect, record.defect_id).ticket_id).state is TicketState.INVALID


# ---- A-R2
def test_a_r2_the_record_has_its_number_and_the_day_agreed_runs_on_the_ticket(session, house):
    found = defect(session, house)
    unseen = refused(rectifications.issue, session, found.id, builder(session, house).id, AGREED)
    assert (unseen.code, unseen.field) == ("not_confirmed", "cause")
    record = issued(session, house, found)
    ticket = session.get(Ticket, found.ticket_id)
    assert (record.number, record.state) == (f"{ticket.number}-1", RectificationState.ISSUED)
    assert (record.agreed_on, record.first_agreed_on, record.content) == (AGREED, AGREED, ticket.content)
    promised = running(session, ticket.id)
    assert {kind: (row.due_at, row.source) for kind, row in promised.items()} == {
        ClockKind.PROMISED: (MIDNIGHT + 7 * DAY, "A-R2")
    }
    assert ticket.promised_at == MIDNIGHT + 7 * DAY


def test_a_r2_an_agreed_day_that_passes_is_told_up_the_line(session, house):
    brought_to(session, house, RectificationState.SIGNED_FOR)
    over = MIDNIGHT + 7 * DAY
    assert sweep_escalations(session, over - MINUTE) == []
    told = [row.tell for row in sweep_escalations(session, over + 7 * DAY)]
    assert told == [
        (Role.ENGINEERING_ASSISTANT,), (Role.SUPERVISOR,), (Role.DIRECTOR,), (Role.COMPANY_CENTRE,),
        (Role.GROUP_CENTRE,),
    ]  # fmt: skip


def test_a_r2_no_record_is_issued_before_the_owner_has_signed_a_r1(session, house):
    found = defect(session, house)
    defects.confirm(session, found.id, "防水层开裂")
    with clock.at(NOON + 2 * HOUR):
        defects.owner_sign(session, found.id)
        answer = refused(rectifications.issue, session, found.id, builder(session, house).id, AGREED, at=NOON + HOUR)
        assert (answer.code, answer.field) == ("too_early", "at")
        rectifications.issue(session, found.id, builder(session, house).id, AGREED, at=NOON + 2 * HOUR)


def test_a_r2_what_is_taken_up_again_is_issued_after_the_owner_was_asked_a_r6(session, house):
    record = brought_to(session, house, RectificationState.OWNER_SIGNED)
    defect_id, ticket = record.defect_id, record.defect.ticket
    with clock.at(NOON + DAY):
        follow_ups.follow_up(session, ticket.id, Satisfaction.DISSATISFIED)
        answer = refused(rectifications.issue, session, defect_id, builder(session, house).id, AGREED, at=NOON + HOUR)
        assert answer.code == "too_early", "a record of before would never finish it"
        brought_to(session, house, RectificationState.OWNER_SIGNED, record.defect)
        assert ticket.done_at == NOON + DAY


@pytest.mark.parametrize(("day", "taken"), [(TODAY, True), (TODAY - timedelta(days=1), False)])
def test_a_r2_a_day_that_has_passed_is_not_agreed(session, house, day, taken):
    found = defect(session, house)
    if taken:
        assert issued(session, house, found, day).agreed_on == day
    else:
        answer = refused(issued, session, house, found, day)
        assert (answer.code, answer.field) == ("agreed_has_passed", "agreed_on")


def test_a_r2_another_day_is_agreed_and_the_one_before_stays_in_the_record(session, house):
    record = brought_to(session, house, RectificationState.SIGNED_FOR)
    ticket_id = session.get(Defect, record.defect_id).ticket_id
    later = AGREED + timedelta(days=3)
    assert refused(rectifications.postpone, session, record.id, AGREED, "雨季").code == "same_day_agreed"
    assert refused(rectifications.postpone, session, record.id, later, " ").field == "reason"
    rectifications.postpone(session, record.id, later, "连日下雨")
    kept = session.scalars(select(RectificationNote)).one()
    assert (kept.agreed_before, kept.agreed_on, kept.content) == (AGREED, later, "连日下雨")
    assert (record.first_agreed_on, record.agreed_on) == (AGREED, later)
    promised = running(session, ticket_id)[ClockKind.PROMISED]
    assert (promised.due_at, promised.cycle) == (MIDNIGHT + 10 * DAY, 2)
    assert sweep_escalations(session, MIDNIGHT + 8 * DAY) == []


def test_a_r2_a_builder_of_another_office_answers_as_a_missing_one(database, cast, session, house):
    with at_desk(database, cast.south) as other:
        foreign = builder(other, cast.south, "南方建设").id
        other.commit()
    found = defect(session, house)
    defects.confirm(session, found.id, "开裂", owner_signed=True)
    answers = []
    for builder_id in (foreign, 987654321):
        with pytest.raises(NotFound) as caught:
            rectifications.issue(session, found.id, builder_id, AGREED)
        answers.append((caught.value.code, caught.value.message))
    assert answers[0] == answers[1]
