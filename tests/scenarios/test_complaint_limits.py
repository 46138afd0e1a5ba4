"""Every limit of complaints, defects and the night to the minute: one minute before nobody is told, and then somebody.

A-C1 to A-C9, B-C10, B-C11, A-R1 to A-R6, B-S2, B-S3, A-S5. The office is in Shanghai: 24:00 there is 16:00 UTC.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running, sweep_escalations
from running_out import runs_out, told
from tenant import clock, policy
from tenant.calendars import start_of_day
from tenant.errors import Refusal
from tenant.models import Contact, Ticket
from tenant.rules.gravity import route_for
from tenant.rules.terms import Channel, ClockKind, Gravity, Role, Satisfaction, TicketState
from tenant.services import complaints, daily_log, follow_ups, rectifications, tickets
from warranty import TODAY, defect, issued

NOON = make.NOON
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""24:00 of today in Shanghai."""
ZONE = "Asia/Shanghai"


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office always has an overdue request and complaint of its own."""
    with at_desk(database, cast.south, datetime(2026, 1, 5, 4, 0, tzinfo=UTC)) as session:
        request(session, cast.south)
        complaint(session, cast.south)
        session.commit()


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def filed_at(session, house, at, **fields):
    with clock.at(at):
        return complaint(session, house, **fields)


def done(session, house, at, **fields):
    filed = filed_at(session, house, at, **fields)
    with clock.at(at):
        complaints.complete(session, filed.id, outcome="已解决")
    return filed


# ---------------------------------------------------------------------------------------------------------- complaints
@pytest.mark.parametrize(
    ("received", "grave_on"),
    [
        (date(2026, 3, 2), date(2026, 4, 2)),
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2026, 3, 31), date(2026, 4, 30)),
        (date(2026, 12, 31), date(2027, 1, 31)),
        (date(2026, 2, 28), date(2026, 3, 28)),
    ],
    ids=str,
)
def test_a_c2c_one_month_ends_with_its_day_or_with_the_month(session, house, received, grave_on):
    filed = filed_at(session, house, start_of_day(received, ZONE) + 12 * HOUR)
    month = start_of_day(grave_on + timedelta(days=1), ZONE)
    told(session, filed.ticket_id, month - MINUTE)
    assert filed.gravity is Gravity.ORDINARY
    told(session, filed.ticket_id, month)
    assert filed.gravity is Gravity.GRAVE


def test_a_c3_an_invalid_one_is_recorded_and_nobody_is_ever_told(session, house):
    filed = complaint(session, house, gravity=Gravity.INVALID, reporter_name="周先生")
    ticket = session.get_one(Ticket, filed.ticket_id)
    assert (ticket.state, ticket.reporter_name, ticket.content) == (TicketState.INVALID, "周先生", "维修后仍然漏水")
    assert told(session, ticket.id, NOON + 400 * DAY) == set()


@pytest.mark.parametrize(
    ("graded", "due"),
    [
        (NOON, MIDNIGHT),
        (MIDNIGHT - 2 * HOUR, MIDNIGHT),
        (MIDNIGHT - 2 * HOUR + MINUTE, MIDNIGHT + MINUTE),
        (MIDNIGHT - MINUTE, MIDNIGHT + 2 * HOUR - MINUTE),
        (MIDNIGHT, MIDNIGHT + DAY),
    ],
)
def test_a_c4a_a_grave_one_reaches_the_general_manager_that_day_and_never_in_less_than_two_hours(
    session, house, graded, due
):
    filed = filed_at(session, house, graded, gravity=Gravity.GRAVE)
    assert runs_out(session, filed.ticket_id, ClockKind.FORWARD, due)


def test_a_c4b_a_major_one_reaches_the_director_within_thirty_minutes(session, house):
    filed = complaint(session, house, gravity=Gravity.MAJOR)
    assert runs_out(session, filed.ticket_id, ClockKind.FORWARD, NOON + 30 * MINUTE)
    in_time = complaint(session, house, gravity=Gravity.MAJOR)
    with clock.at(NOON + 30 * MINUTE):
        complaints.forward(session, in_time.id)
    assert ClockKind.FORWARD not in told(session, in_time.ticket_id, NOON + 30 * MINUTE)


def test_a_c4c_an_ordinary_one_is_solved_by_the_minute_the_resident_asked_for(session, house):
    filed = complaint(session, house, promised_at=NOON + 3 * HOUR)
    assert runs_out(session, filed.ticket_id, ClockKind.PROMISED, NOON + 3 * HOUR)
    assert ClockKind.FORWARD not in running(session, filed.ticket_id)


@pytest.mark.parametrize("gravity", [Gravity.ORDINARY, Gravity.MAJOR, Gravity.GRAVE])
def test_a_c5_the_department_signs_within_ten_minutes(session, house, gravity):
    filed = complaint(session, house, gravity=gravity)
    assert runs_out(session, filed.ticket_id, ClockKind.DEPARTMENT_RECEIPT, NOON + 10 * MINUTE)
    signed = complaint(session, house, gravity=gravity)
    with clock.at(NOON + 10 * MINUTE):
        complaints.receive(session, signed.id, at=NOON + 9 * MINUTE)
    assert ClockKind.DEPARTMENT_RECEIPT not in told(session, signed.ticket_id, NOON + 10 * MINUTE)


def test_a_c5_no_department_without_a_head_is_sent_a_complaint(session, house):
    headless = make.department(session, house.id, name="绿化部")
    with pytest.raises(Refusal) as refused:
        complaints.register_complaint(session, office_id=house.id, content="乱剪枝", department_id=headless.id)
    assert refused.value.code == "department_without_head"


def test_a_c6_the_form_is_back_before_the_day_of_finishing_is_over(session, house):
    for finished in (NOON, MIDNIGHT - MINUTE):
        filed = done(session, house, finished)
        assert runs_out(session, filed.ticket_id, ClockKind.RETURN, MIDNIGHT)
    back = done(session, house, NOON)
    with clock.at(MIDNIGHT - MINUTE):
        complaints.give_back(session, back.id)
    assert ClockKind.RETURN not in told(session, back.ticket_id, MIDNIGHT)


@pytest.mark.parametrize(
    ("gravity", "handler"),
    [
        (Gravity.ORDINARY, Role.ASSISTANT),
        (Gravity.MAJOR, Role.DIRECTOR),
        (Gravity.GRAVE, Role.GENERAL_MANAGER),
        (Gravity.INVALID, Role.FRONT_DESK),
    ],
)
def test_a_c7_each_gravity_has_its_handler(gravity, handler):
    assert route_for(policy.gravities(), gravity).handler is handler


def test_a_c8_harm_is_stopped_before_it_is_done_and_the_form_still_due_in_ten_minutes(session, house):
    filed = complaint(session, house, harm_continues=True)
    assert refusal(complaints.complete, session, filed.id, outcome="已解决").code == "harm_goes_on"
    assert runs_out(session, filed.ticket_id, ClockKind.DEPARTMENT_RECEIPT, NOON + 10 * MINUTE)
    with clock.at(NOON + 20 * MINUTE):
        complaints.stop_harm(session, filed.id)
        complaints.complete(session, filed.id, outcome="已关总阀")


@pytest.mark.parametrize("channel", Channel)
def test_a_c9_by_letter_or_any_other_way_the_same_limits_run(session, house, channel):
    filed = complaint(session, house, channel=channel)
    assert runs_out(session, filed.ticket_id, ClockKind.DEPARTMENT_RECEIPT, NOON + 10 * MINUTE)


def test_b_c10_contact_is_kept_from_the_receipt_to_the_closing(session, house):
    filed = complaint(session, house)
    with clock.at(NOON + HOUR):
        assert refusal(call, session, filed.ticket_id, at=NOON - MINUTE).code == "too_early"
        for at in (NOON, NOON + HOUR):
            call(session, filed.ticket_id, told="正在处理", at=at)
        complaints.complete(session, filed.id, outcome="已解决")
        complaints.give_back(session, filed.id)
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
        call(session, filed.ticket_id, told="谢谢您的意见")
        tickets.close(session, filed.ticket_id)
        assert refusal(call, session, filed.ticket_id).code == "ticket_closed"
    kept = session.scalars(select(Contact.made_at).where(Contact.ticket_id == filed.ticket_id)).all()
    assert sorted(kept) == [NOON, NOON + HOUR, NOON + HOUR]


def test_b_c10_who_complained_gravely_is_spoken_with_every_day_until_it_is_done(session, house):
    """Forwarded and signed for, nothing else would ask for it any more."""
    filed = complaint(session, house, gravity=Gravity.GRAVE)
    complaints.receive(session, filed.id)
    complaints.forward(session, filed.id)
    assert set(running(session, filed.ticket_id)) == {ClockKind.DAILY_CONTACT}
    assert runs_out(session, filed.ticket_id, ClockKind.DAILY_CONTACT, MIDNIGHT + DAY)
    with clock.at(MIDNIGHT + DAY + HOUR):
        call(session, filed.ticket_id, told="总经理明日登门")
    assert running(session, filed.ticket_id)[ClockKind.DAILY_CONTACT].due_at == MIDNIGHT + 3 * DAY
    with clock.at(MIDNIGHT + 2 * DAY):
        complaints.complete(session, filed.id, outcome="已赔偿")
    assert ClockKind.DAILY_CONTACT not in running(session, filed.ticket_id)


def test_b_c10_graded_up_and_down_the_daily_contact_comes_and_goes(session, house):
    filed = complaint(session, house)
    assert ClockKind.DAILY_CONTACT not in running(session, filed.ticket_id)
    with clock.at(NOON + DAY):
        complaints.regrade(session, filed.id, Gravity.GRAVE, reason="住户受伤")
        assert running(session, filed.ticket_id)[ClockKind.DAILY_CONTACT].due_at == MIDNIGHT + 2 * DAY
        complaints.regrade(session, filed.id, Gravity.MAJOR, reason="伤不重")
    assert ClockKind.DAILY_CONTACT not in running(session, filed.ticket_id)


def test_b_c11_who_complained_is_asked_before_the_third_day_is_over(session, house):
    for finished in (NOON, MIDNIGHT - MINUTE):
        filed = done(session, house, finished)
        assert runs_out(session, filed.ticket_id, ClockKind.FOLLOW_UP, MIDNIGHT + 3 * DAY)
    heard = done(session, house, NOON)
    with clock.at(MIDNIGHT + 3 * DAY - MINUTE):
        follow_ups.follow_up(session, heard.ticket_id, Satisfaction.SATISFIED)
    assert ClockKind.FOLLOW_UP not in told(session, heard.ticket_id, MIDNIGHT + 3 * DAY)


# ------------------------------------------------------------------------------------------------------ rectifications
def test_a_r1_somebody_has_looked_before_the_next_day_is_over(session, house):
    found = defect(session, house)
    assert runs_out(session, found.ticket_id, ClockKind.ON_SITE, MIDNIGHT + DAY)


def test_a_r2_a_builder_has_the_record_before_the_third_day_is_over(session, house):
    found = defect(session, house)
    assert runs_out(session, found.ticket_id, ClockKind.DISPATCH, MIDNIGHT + 3 * DAY)


@pytest.mark.parametrize("days", [0, 7])
def test_a_r2_the_day_agreed_ends_at_its_midnight(session, house, days):
    found = defect(session, house)
    issued(session, house, found, TODAY + timedelta(days=days))
    assert runs_out(session, found.ticket_id, ClockKind.PROMISED, MIDNIGHT + days * DAY)


def test_a_r3_a_r4_a_day_put_off_is_told_of_when_the_new_one_has_passed(session, house):
    found = defect(session, house)
    record = issued(session, house, found, TODAY)
    rectifications.sign_for(session, record.id, "周工")
    rectifications.postpone(session, record.id, TODAY + timedelta(days=2), "缺材料")
    assert runs_out(session, found.ticket_id, ClockKind.PROMISED, MIDNIGHT + 2 * DAY)


def test_a_r5_what_the_builder_brings_back_is_inspected_before_the_third_day_is_over(session, house):
    found = defect(session, house)
    record = issued(session, house, found)
    rectifications.sign_for(session, record.id, "周工")
    rectifications.report_done(session, record.id)
    assert runs_out(session, found.ticket_id, ClockKind.INSPECTION, MIDNIGHT + 3 * DAY)


def test_a_r6_the_owner_is_asked_before_the_third_day_is_over(session, house):
    found = defect(session, house)
    record = issued(session, house, found)
    rectifications.sign_for(session, record.id, "周工")
    for act in (rectifications.report_done, rectifications.accept, rectifications.owner_sign):
        act(session, record.id)
    assert runs_out(session, found.ticket_id, ClockKind.FOLLOW_UP, MIDNIGHT + 3 * DAY)


def test_a_r6_a_record_withdrawn_later_does_not_make_the_asking_late(session, house):
    """Nobody could ask before the last record was out of the way."""
    found = defect(session, house)

    record, twice = issued(session, house, found), issued(session, house, found, name="乙建设")
    rectifications.sign_for(session, record.id, "周工")
    for act in (rectifications.report_done, rectifications.accept, rectifications.owner_sign):
        act(session, record.id)
    with clock.at(NOON + 10 * DAY):
        rectifications.cancel(session, twice.id, "重复开单")
    assert session.get_one(Ticket, found.ticket_id).state is TicketState.DONE
    assert runs_out(session, found.ticket_id, ClockKind.FOLLOW_UP, MIDNIGHT + 13 * DAY)


# ----------------------------------------------------------------------------------------------------------- the night
@pytest.mark.parametrize("said", [NOON + 5 * HOUR + 30 * MINUTE, MIDNIGHT, MIDNIGHT + 8 * HOUR - MINUTE])
def test_b_s3_told_tomorrow_it_is_sent_within_fifteen_minutes_of_the_handover(session, house, said):
    with clock.at(said):
        entry = daily_log.write(session, office_id=house.id, content="楼道灯不亮", put_off=True)
    with clock.at(MIDNIGHT + 8 * HOUR):
        made = daily_log.to_request(session, entry.id)
    assert runs_out(session, made.ticket_id, ClockKind.DISPATCH, MIDNIGHT + 8 * HOUR + 15 * MINUTE)


def test_b_s2_a_call_that_needs_work_is_due_from_the_minute_it_came(session, house):
    entry = daily_log.write(session, office_id=house.id, content="楼道灯不亮")
    with clock.at(NOON + 14 * MINUTE):
        made = daily_log.to_request(session, entry.id)
    assert runs_out(session, made.ticket_id, ClockKind.DISPATCH, NOON + 15 * MINUTE)


def test_a_s5_the_log_of_a_day_is_that_of_its_midnights(database, house):
    with at_desk(database, house, NOON, Role.SUPERVISOR) as session:
        entries = []
        for at in (MIDNIGHT - DAY - MINUTE, MIDNIGHT - DAY, MIDNIGHT - MINUTE, MIDNIGHT):
            with clock.at(at):
                entries.append(daily_log.write(session, office_id=house.id, content="来访", put_off=True))
        with clock.at(MIDNIGHT + HOUR):
            assert daily_log.check_day(session, entries[1].id) == 2
        assert sweep_escalations(session, NOON) == []
