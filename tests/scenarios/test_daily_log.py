"""Every visit and call is written down, and what is told "tomorrow" at night is done in the morning.

B-S2, B-S3, A-S5.
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

import make
from audit.models import AuditEntry
from desk import DAY, HOUR, MINUTE, at_desk, running, sweep_escalations
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Contact, LogEntry, Ticket
from tenant.rules.terms import Channel, ClockKind, ContactMethod, Gravity, RequestCategory, Role, TicketKind
from tenant.services import daily_log

NOON = make.NOON
NIGHT = NOON + 11 * HOUR
"""23:00 of 2 March in Shanghai; the desk is closed from 17:30 to 08:00."""
MORNING = NOON + 20 * HOUR
"""08:00 of 3 March: the morning handover."""


def entered(session, house, at=NOON, **fields):
    with clock.at(at):
        return daily_log.write(session, office_id=house.id, **{"content": "楼道灯不亮"} | fields)


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def test_b_s2_a_visit_is_entered_with_all_that_was_said_and_by_whom(session, house):
    entry = entered(
        session, house, channel=Channel.VISIT, unit_id=house.unit.id, caller_name="周先生", caller_phone="19900000001",
        answer="已告知办公时间",
    )  # fmt: skip
    assert (entry.at, entry.settled_at, entry.written_by_id) == (NOON, NOON, house.people[Role.FRONT_DESK].id)
    assert daily_log.waiting_count(session, house.id) == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"content": "  "}, "content"), ({"at": NOON + MINUTE}, "at"), ({"unit_id": 987654321}, "unit")],
)
def test_b_s2_what_is_no_entry_is_refused_at_its_field(session, house, fields, field):
    written = {"office_id": house.id, "content": "楼道灯不亮"} | fields
    assert refusal(daily_log.write, session, **written).field == field


def test_b_s2_what_needs_work_becomes_a_request_with_what_was_written(session, house):
    entry = entered(
        session, house, channel=Channel.VISIT, unit_id=house.unit.id, caller_name="周先生", caller_phone="19900000001",
        answer="十分钟内派人",
    )  # fmt: skip
    with clock.at(NOON + 5 * MINUTE):
        made = daily_log.to_request(session, entry.id, category=RequestCategory.REPAIR, urgent=True)
    ticket = session.get_one(Ticket, made.ticket_id)
    said = (ticket.content, ticket.unit_id, ticket.reporter_name, ticket.reporter_phone, ticket.channel)
    assert said == ("楼道灯不亮", house.unit.id, "周先生", "19900000001", Channel.VISIT)
    assert (ticket.received_at, entry.ticket_id, made.urgent) == (NOON, ticket.id, True)
    (kept,) = session.scalars(select(Contact).where(Contact.ticket_id == ticket.id))
    assert (kept.method, kept.made_at, kept.told) == (ContactMethod.DESK, NOON, "十分钟内派人")
    clocks = running(session, ticket.id)
    assert ClockKind.FIRST_REPLY not in clocks
    assert clocks[ClockKind.DISPATCH].due_at == NOON + 5 * MINUTE
    again = refusal(daily_log.to_complaint, session, entry.id)
    assert (again.code, ticket.number in again.message) == ("became_a_ticket", True)


def test_b_s2_without_an_answer_the_first_reply_is_still_due(session, house):
    made = daily_log.to_request(session, entered(session, house).id, location="大堂")
    assert running(session, made.ticket_id)[ClockKind.FIRST_REPLY].due_at == NOON + 15 * MINUTE
    assert session.get_one(Ticket, made.ticket_id).location == "大堂"


def test_b_s3_told_tomorrow_at_night_it_waits_for_the_morning(session, house):
    entry = entered(session, house, NIGHT, put_off=True)
    assert (entry.settled_at, daily_log.waiting_count(session, house.id)) == (None, 1)
    with clock.at(MORNING + 5 * MINUTE):
        made = daily_log.to_request(session, entry.id)
    clocks = running(session, made.ticket_id)
    assert clocks[ClockKind.DISPATCH].due_at == MORNING + 15 * MINUTE
    assert clocks[ClockKind.SAME_DAY].due_at == NOON + 36 * HOUR
    assert ClockKind.FIRST_REPLY not in clocks, "being told tomorrow was the first reply"
    assert sweep_escalations(session, MORNING + 15 * MINUTE - timedelta(seconds=1)) == []
    late = sweep_escalations(session, MORNING + 15 * MINUTE)
    assert [(row.ticket_id, row.clock_kind) for row in late] == [(made.ticket_id, ClockKind.DISPATCH)]
    assert daily_log.waiting_count(session, house.id) == 0


def test_b_s3_what_turns_out_urgent_was_due_when_it_was_said(session, house):
    entry = entered(session, house, NIGHT, put_off=True)
    with clock.at(MORNING):
        made = daily_log.to_request(session, entry.id, urgent=True)
    assert running(session, made.ticket_id)[ClockKind.DISPATCH].due_at == NIGHT + 5 * MINUTE


def test_b_s3_an_ordinary_complaint_reaches_its_department_in_the_morning_a_grave_one_had_to_at_once(session, house):
    def turned(gravity):
        entry = entered(session, house, NIGHT, put_off=True)
        with clock.at(MORNING):
            made = daily_log.to_complaint(session, entry.id, gravity=gravity, department_id=house.engineering.id)
        return running(session, made.ticket_id)[ClockKind.DEPARTMENT_RECEIPT].due_at

    assert turned(Gravity.ORDINARY) == MORNING + 10 * MINUTE
    assert turned(Gravity.GRAVE) == NIGHT + 10 * MINUTE


def test_b_s3_an_invalid_complaint_is_recorded_and_the_entry_over(session, house):
    entry = entered(session, house, NIGHT, put_off=True)
    with clock.at(MORNING):
        made = daily_log.to_complaint(session, entry.id, gravity=Gravity.INVALID)
    assert session.get_one(Ticket, made.ticket_id).kind is TicketKind.COMPLAINT
    assert (entry.ticket_id, entry.settled_at) == (made.ticket_id, MORNING)


def test_b_s3_or_it_is_settled_with_what_became_of_it(session, house):
    entry = entered(session, house, NIGHT, put_off=True)
    with clock.at(MORNING):
        assert refusal(daily_log.settle, session, entry.id, " ").field == "answer"
        assert refusal(daily_log.settle, session, entry.id, "已修", at=NIGHT - MINUTE).code == "too_early"
        daily_log.settle(session, entry.id, "夜班已修好")
        assert refusal(daily_log.settle, session, entry.id, "又修").code == "settled"
    assert (entry.answer, entry.settled_at) == ("夜班已修好", MORNING)


@pytest.mark.parametrize(
    ("at", "refused"),
    [
        (NOON + 5 * HOUR + 29 * MINUTE, True),
        (NOON + 5 * HOUR + 30 * MINUTE, False),
        (MORNING - MINUTE, False),
        (MORNING, True),
    ],
)
def test_b_s3_only_a_closed_desk_says_tomorrow(session, house, at, refused):
    if refused:
        assert refusal(entered, session, house, at, put_off=True).code == "desk_is_open"
    else:
        assert entered(session, house, at, put_off=True).put_off


def test_a_s5_the_supervisor_notes_that_a_day_was_checked(database, house):
    with at_desk(database, house, MORNING, Role.SUPERVISOR) as session:
        entry = entered(session, house, NOON)
        entered(session, house, NIGHT, put_off=True)
        entered(session, house, NOON + 12 * HOUR, put_off=True)
        entered(session, house, NOON - DAY)
        assert daily_log.check_day(session, entry.id) == 1
        noted = session.scalars(select(AuditEntry).where(AuditEntry.verb == daily_log.CHECKED)).one()
        assert noted.actor_name == house.people[Role.SUPERVISOR].staff.name
        assert (noted.subject_kind, noted.subject_id) == (LogEntry.__tablename__, entry.id)
        assert noted.after == {"day": "2026-03-02", "entries": 2, "waiting": 1}


def test_another_offices_entry_is_not_there(database, cast, session, house):
    with at_desk(database, cast.south, NIGHT) as other:
        foreign = daily_log.write(other, office_id=cast.south.id, content="停车", put_off=True).id
        other.commit()
    for act in (
        daily_log.to_request,
        daily_log.to_complaint,
        lambda s, number: daily_log.settle(s, number, "好"),
        daily_log.check_day,
    ):
        for number in (foreign, 987654321):
            with pytest.raises(NotFound):
                act(session, number)
    assert daily_log.waiting_count(session) == 0
