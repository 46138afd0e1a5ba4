"""The builder's work on a defect, rule by rule: A-R3, A-R4, A-R5, A-R6."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, MINUTE, at_desk, request, running, sweep_escalations
from tenant import clock
from tenant.errors import NotFound
from tenant.models import Builder, Defect, RectificationCheck, ServiceRequest, Ticket
from tenant.rules.terms import (
    ClockKind,
    RectificationState,
    Role,
    Satisfaction,
    TicketState,
)
from tenant.services import defects, follow_ups, rectifications, replanning, tickets
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


# ---- A-R3, A-R4
def test_a_r3_the_builder_signs_for_the_first_copy_and_engineering_for_the_second(session, house):
    record = brought_to(session, house, RectificationState.ISSUED)
    assert refused(rectifications.sign_for, session, record.id, " ").field == "signed_for_by"
    assert refused(rectifications.report_done, session, record.id).code == "impossible"
    rectifications.sign_for(session, record.id, "周工")
    assert (record.state, record.signed_for_by, record.signed_for_at) == (
        RectificationState.SIGNED_FOR, "周工", NOON
    )  # fmt: skip
    rectifications.take_second_copy(session, record.id)
    assert (record.state, record.second_copy_at) == (RectificationState.SIGNED_FOR, NOON)
    assert refused(rectifications.take_second_copy, session, record.id).code == "already_signed"


def test_a_r4_progress_is_noted_by_name_until_the_owner_has_signed(session, house):
    record = brought_to(session, house, RectificationState.SIGNED_FOR)
    noted = rectifications.note(session, record.id, "已搭脚手架，催促加派人手")
    assert (noted.noted_at, noted.noted_by_id) == (NOON, house.people[Role.FRONT_DESK].id)
    assert refused(rectifications.note, session, record.id, "").field == "progress"
    for act in (rectifications.report_done, rectifications.accept, rectifications.owner_sign):
        act(session, record.id)
    assert refused(rectifications.note, session, record.id, "补记").code == "impossible"


# ---- A-R5
def test_a_r5_unacceptable_work_goes_back_until_it_is_acceptable_and_signed(session, house):
    record = brought_to(session, house, RectificationState.RETURNED)
    ticket = session.get(Ticket, session.get(Defect, record.defect_id).ticket_id)
    clocks = running(session, ticket.id)
    assert {kind: (row.due_at, row.source) for kind, row in clocks.items()} == {
        ClockKind.INSPECTION: (MIDNIGHT + 3 * DAY, "A-R5")
    }
    again = TODAY + timedelta(days=3)
    assert refused(rectifications.reject, session, record.id, " ", again).field == "findings"
    rectifications.reject(session, record.id, "仍有水渍", again)
    assert (record.state, record.agreed_on, record.returned_at) == (RectificationState.REJECTED, again, None)
    assert {kind: row.due_at for kind, row in running(session, ticket.id).items()} == {
        ClockKind.PROMISED: MIDNIGHT + 3 * DAY
    }
    assert refused(rectifications.owner_sign, session, record.id).code == "impossible"
    with clock.at(NOON + DAY):
        rectifications.report_done(session, record.id)
        rectifications.accept(session, record.id, findings="淋水 2 小时无渗漏")
        assert set(running(session, ticket.id)) == {ClockKind.INSPECTION}
        rectifications.owner_sign(session, record.id)
    looks = session.scalars(select(RectificationCheck).order_by(RectificationCheck.id)).all()
    assert [(row.passed, row.findings, row.agreed_on) for row in looks] == [
        (False, "仍有水渍", again), (True, "淋水 2 小时无渗漏", None)
    ]  # fmt: skip
    assert (ticket.state, ticket.done_at) == (TicketState.DONE, NOON + DAY)


def test_a_r5_an_owner_who_does_not_sign_sends_it_back(session, house):
    record = brought_to(session, house, RectificationState.ACCEPTED)
    rectifications.reject(session, record.id, "业主不认可色差", AGREED)
    assert (record.state, record.accepted_at) == (RectificationState.REJECTED, None)


def test_a_r5_an_inspection_nobody_makes_is_told_up_the_line(session, house):
    brought_to(session, house, RectificationState.RETURNED)
    assert sweep_escalations(session, MIDNIGHT + 3 * DAY - MINUTE) == []
    raised = sweep_escalations(session, MIDNIGHT + 3 * DAY)
    assert [(row.clock_kind, row.tell) for row in raised] == [(ClockKind.INSPECTION, (Role.ENGINEERING_ASSISTANT,))]


def test_a_r5_several_builders_the_defect_is_done_with_the_last_signature(session, house):
    found = defect(session, house)
    ticket = session.get(Ticket, found.ticket_id)
    early = issued(session, house, found, TODAY + timedelta(days=2), "甲建设")
    late = issued(session, house, found, TODAY + timedelta(days=5), "乙建设")
    wrong = issued(session, house, found, TODAY + timedelta(days=1), "丙建设")
    assert [row.number[-2:] for row in (early, late, wrong)] == ["-1", "-2", "-3"]
    assert running(session, ticket.id)[ClockKind.PROMISED].due_at == MIDNIGHT + DAY
    rectifications.cancel(session, wrong.id, "与该单位无关")
    assert running(session, ticket.id)[ClockKind.PROMISED].due_at == MIDNIGHT + 2 * DAY
    for record in (early, late):
        rectifications.sign_for(session, record.id, "周工")
    rectifications.report_done(session, early.id)
    clocks = running(session, ticket.id)
    assert {kind: row.due_at for kind, row in clocks.items()} == {
        ClockKind.PROMISED: MIDNIGHT + 5 * DAY, ClockKind.INSPECTION: MIDNIGHT + 3 * DAY
    }  # fmt: skip
    rectifications.accept(session, early.id)
    rectifications.owner_sign(session, early.id)
    assert (ticket.state, set(running(session, ticket.id))) == (TicketState.UNDER_WAY, {ClockKind.PROMISED})
    for act in (rectifications.report_done, rectifications.accept, rectifications.owner_sign):
        act(session, late.id)
    assert (ticket.state, set(running(session, ticket.id))) == (TicketState.DONE, {ClockKind.FOLLOW_UP})


def test_a_r5_a_record_that_is_late_already_when_the_one_before_it_is_through_is_told_of_at_once(session, house):
    found = defect(session, house)
    early = issued(session, house, found, TODAY + timedelta(days=1), "甲建设")
    issued(session, house, found, TODAY + timedelta(days=2), "乙建设")
    rectifications.sign_for(session, early.id, "周工")
    with clock.at(MIDNIGHT + 4 * DAY):
        assert len(sweep_escalations(session, clock.now())) == 4
        rectifications.report_done(session, early.id)
        raised = sweep_escalations(session, clock.now())
    assert [(row.clock_kind, row.late_minutes) for row in raised[:1]] == [(ClockKind.PROMISED, 2 * 24 * 60)]


def test_a_r5_what_is_planned_for_defects_is_what_should_be(session, house):
    for state in RectificationState:
        if state is not RectificationState.REJECTED:
            brought_to(session, house, state)
    sweep_escalations(session, MIDNIGHT + 8 * DAY)
    assert replanning.replan(session, house.id, MIDNIGHT + 8 * DAY, None).facts() == {}


# ---- A-R6
def test_a_r6_the_owner_is_asked_within_three_days_and_the_record_is_filed(session, house):
    record = brought_to(session, house, RectificationState.OWNER_SIGNED)
    ticket = session.get(Ticket, session.get(Defect, record.defect_id).ticket_id)
    due = running(session, ticket.id)[ClockKind.FOLLOW_UP]
    assert (due.due_at, due.source) == (MIDNIGHT + 3 * DAY, "A-R6")
    assert refused(tickets.close, session, ticket.id).code == "not_followed_up"
    follow_ups.follow_up(session, ticket.id, Satisfaction.SATISFIED)
    tickets.close(session, ticket.id)
    with clock.at(NOON + DAY):
        rectifications.file(session, record.id)
    assert (ticket.state, record.state, record.filed_at) == (
        TicketState.CLOSED, RectificationState.FILED, NOON + DAY
    )  # fmt: skip
    assert refused(rectifications.file, session, record.id).code == "impossible"


def test_a_r6_an_owner_who_is_not_satisfied_gets_another_record_in_the_next_cycle(session, house):
    record = brought_to(session, house, RectificationState.OWNER_SIGNED)
    found = session.get(Defect, record.defect_id)
    ticket = session.get(Ticket, found.ticket_id)
    with clock.at(NOON + DAY):
        follow_ups.follow_up(session, ticket.id, Satisfaction.DISSATISFIED)
        assert (ticket.state, ticket.cycle) == (TicketState.REGISTERED, 2)
        assert set(running(session, ticket.id)) == {ClockKind.ON_SITE, ClockKind.DISPATCH}
        again = issued(session, house, found, AGREED)
        rectifications.cancel(session, again.id, "开错")
        assert (ticket.state, set(running(session, ticket.id))) == (TicketState.UNDER_WAY, {ClockKind.DISPATCH})
        brought_to(session, house, RectificationState.OWNER_SIGNED, found)
    assert (ticket.state, ticket.done_at) == (TicketState.DONE, NOON + DAY)


# ---- bad input
def test_nothing_happens_before_what_it_follows_or_in_the_future(session, house):
    record = brought_to(session, house, RectificationState.SIGNED_FOR)
    for at in (NOON - MINUTE, NOON + MINUTE):
        assert refused(rectifications.report_done, session, record.id, at=at).field == "at"
    rectifications.report_done(session, record.id)
    for act in (rectifications.accept, rectifications.file, rectifications.owner_sign):
        assert refused(act, session, record.id, at=NOON - MINUTE).code in {"impossible", "too_early"}


def test_signing_before_acceptance_and_accepting_what_was_not_reported_are_refused_with_what_is_possible(
    session, house
):
    record = brought_to(session, house, RectificationState.SIGNED_FOR)
    for act in (rectifications.owner_sign, rectifications.accept):
        answer = refused(act, session, record.id)
        assert (answer.code, answer.field) == ("impossible", "state")
        assert "施工单位已签收" in answer.message
        assert "施工单位报完工" in answer.message


def test_of_two_who_act_at_once_the_second_is_told_what_the_first_has_done(database, cast):
    with at_desk(database, cast.south) as session:
        record = brought_to(session, cast.south, RectificationState.ISSUED)
        session.commit()
        with at_desk(database, cast.south, NOON + MINUTE, Role.ENGINEERING_ASSISTANT) as other:
            rectifications.sign_for(other, record.id, "周工")
            other.commit()
        answer = refused(rectifications.sign_for, session, record.id, "李工")
        assert "施工单位已签收" in answer.message
        assert record.signed_for_by == "周工"


def test_a_builder_with_records_stays(session, house):
    record = brought_to(session, house, RectificationState.ISSUED)
    answer = refused(defects.remove_builder, session, record.builder_id)
    assert (answer.code, record.number in answer.message) == ("builder_has_records", True)
    rectifications.cancel(session, record.id, "开错")
    assert "存档" in refused(defects.remove_builder, session, record.builder_id).message
    unused = builder(session, house, "误登建设")
    defects.remove_builder(session, unused.id)
    assert session.get(Builder, unused.id) is None


def test_foreign_and_missing_ones_answer_alike_to_every_verb(database, cast, session):
    with at_desk(database, cast.south) as other:
        record = brought_to(other, cast.south, RectificationState.ISSUED)
        foreign, foreign_defect = record.id, record.defect_id
        foreign_request = request(other, cast.south).id
        other.commit()
    missing = 987654321
    tries = [
        (lambda n: defects.from_request(session, n, part="墙"), foreign_request),
        (lambda n: defects.send(session, n, 1), foreign_defect),
        (lambda n: defects.confirm(session, n, "开裂"), foreign_defect),
        (lambda n: defects.owner_sign(session, n), foreign_defect),
        (lambda n: defects.decline(session, n, "误判"), foreign_defect),
        (lambda n: rectifications.issue(session, n, 1, AGREED), foreign_defect),
        (lambda n: rectifications.sign_for(session, n, "周工"), foreign),
        (lambda n: rectifications.take_second_copy(session, n), foreign),
        (lambda n: rectifications.note(session, n, "进度"), foreign),
        (lambda n: rectifications.postpone(session, n, AGREED, "雨"), foreign),
        (lambda n: rectifications.report_done(session, n), foreign),
        (lambda n: rectifications.accept(session, n), foreign),
        (lambda n: rectifications.reject(session, n, "渗", AGREED), foreign),
        (lambda n: rectifications.owner_sign(session, n), foreign),
        (lambda n: rectifications.file(session, n), foreign),
        (lambda n: rectifications.cancel(session, n, "误"), foreign),
    ]
    for act, number in tries:
        answers = []
        for row_id in (number, missing):
            with pytest.raises(NotFound) as caught:
                act(row_id)
            answers.append((caught.value.code, caught.value.message))
        assert answers[0] == answers[1]
    assert session.get(ServiceRequest, foreign_request) is None
