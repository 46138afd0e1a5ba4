"""How grave a complaint is and becomes, and what must happen meanwhile, on both sides of each boundary.

A-C1, A-C2, A-C2a, A-C2b, A-C2c, A-C3, A-C4a, A-C6, A-C7, A-C8, A-C9, B-C10.
"""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, call, complaint, running, sweep_escalations
from tenant import clock
from tenant.errors import Refusal
from tenant.models import Complaint, Ticket, Topic
from tenant.rules.terms import Channel, ClockKind, Gravity, Role, Satisfaction, TicketState
from tenant.services import complaints, follow_ups, links, tickets

NOON = make.NOON
MIDNIGHT = NOON + 12 * HOUR


@pytest.fixture
def topic(session, house):
    row = Topic(office_id=house.id, name="楼上漏水")
    session.add(row)
    session.flush()
    return row


def raised(session, house, topic, at: datetime, **fields) -> Complaint:
    with clock.at(at):
        return complaint(session, house, topic_id=topic.id, **fields)


def refused(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def test_a_c2a_the_third_on_one_topic_while_one_is_open_is_grave_and_says_why(session, house, topic):
    first = raised(session, house, topic, NOON)
    second = raised(session, house, topic, NOON + 30 * DAY)
    third = raised(session, house, topic, NOON + 60 * DAY)
    assert [row.gravity for row in (first, second, third)] == [Gravity.ORDINARY, Gravity.ORDINARY, Gravity.GRAVE]
    assert "第 3 次" in third.graded_why
    assert "A-C2a" in third.graded_why
    for earlier in (first, second):
        assert session.get(Ticket, earlier.ticket_id).number in third.graded_why


def test_a_c2a_those_who_must_hear_of_it_are_told_at_once_and_once(session, house, topic):
    for days in (0, 1):
        raised(session, house, topic, NOON + days * DAY)
    third = raised(session, house, topic, NOON + 2 * DAY)
    told = [row for row in sweep_escalations(session, NOON + 2 * DAY) if row.ticket_id == third.ticket_id]
    assert [(row.clock_kind, row.source, row.tell) for row in told] == [
        (ClockKind.REGRADE, "A-C2a", (Role.DIRECTOR, Role.GENERAL_MANAGER))
    ]
    assert ClockKind.REGRADE not in running(session, third.ticket_id)
    assert running(session, third.ticket_id)[ClockKind.FORWARD].due_at == MIDNIGHT + 2 * DAY


@pytest.mark.parametrize(
    ("days", "gravity"), [((0, 30, 89), Gravity.GRAVE), ((0, 30, 90), Gravity.ORDINARY), ((0, 30), Gravity.ORDINARY)]
)
def test_a_c2a_counts_within_ninety_days(session, house, topic, days, gravity):
    found = [raised(session, house, topic, NOON + after * DAY) for after in days]
    assert found[-1].gravity is gravity


def settled(session, filed):
    complaints.complete(session, filed.id, outcome="已解决")
    complaints.give_back(session, filed.id)
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
    tickets.close(session, filed.ticket_id)


def test_a_c2a_counts_nothing_that_is_resolved_invalid_double_or_another_matter(session, house, topic):
    for _ in range(2):
        settled(session, raised(session, house, topic, NOON))
    assert raised(session, house, topic, NOON).gravity is Gravity.ORDINARY, "none before it is open"
    other = Topic(office_id=house.id, name="噪音")
    session.add(other)
    session.flush()
    first = raised(session, house, other, NOON)
    raised(session, house, other, NOON, gravity=Gravity.INVALID)
    links.merge(session, raised(session, house, other, NOON).ticket_id, first.ticket_id)
    elsewhere = make.unit(session, house.id)
    raised(session, house, other, NOON, unit_id=elsewhere.id)
    raised(session, house, other, NOON, unit_id=None, location="大堂")
    complaint(session, house)
    second = raised(session, house, other, NOON)
    assert second.gravity is Gravity.ORDINARY
    assert raised(session, house, other, NOON).gravity is Gravity.GRAVE


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (2, 1, 0), (0, 2, 1), (1, 2, 0), (1, 0, 2)])
def test_a_c2a_whichever_is_sorted_or_written_down_last_the_third_is_grave(session, house, topic, order):
    hours = [0, 1, 2]
    with clock.at(NOON + DAY):
        found = [complaint(session, house, received_at=NOON + hour * HOUR) for hour in hours]
        for number in order:
            complaints.sort_under(session, found[number].id, topic.id)
        late = {
            number: complaint(session, house, topic_id=other_topic(session, house).id, received_at=NOON + number * HOUR)
            for number in order
        }
    third = [Gravity.ORDINARY, Gravity.ORDINARY, Gravity.GRAVE]
    assert [row.gravity for row in found] == third
    assert [late[number].gravity for number in hours] == third


def other_topic(session, house):
    known = session.scalars(select(Topic).where(Topic.office_id == house.id, Topic.name == "噪音")).first()
    row = known or Topic(office_id=house.id, name="噪音")
    session.add(row)
    session.flush()
    return row


def test_a_c2b_harm_done_makes_it_grave_as_it_comes(session, house):
    filed = complaint(session, house, caused_harm=True)
    assert (filed.gravity, filed.graded_why) == (Gravity.GRAVE, "造成人身伤害或重大经济损失（A-C2b）")
    (told,) = [row for row in sweep_escalations(session, NOON) if row.ticket_id == filed.ticket_id]
    assert (told.source, told.tell) == ("A-C2b", (Role.DIRECTOR, Role.GENERAL_MANAGER))
    assert complaint(session, house).graded_why is None


def test_a_c2c_after_a_month_the_reason_is_kept(session, house):
    filed = complaint(session, house)
    due = running(session, filed.ticket_id)[ClockKind.REGRADE].due_at
    sweep_escalations(session, due - MINUTE)
    assert session.get(Complaint, filed.id).gravity is Gravity.ORDINARY
    sweep_escalations(session, due)
    assert (filed.gravity, filed.graded_why) == (Gravity.GRAVE, "满一个月仍未解决（A-C2c）")


def test_a_c2_graded_down_again_before_anybody_is_told_it_stays_so(session, house):
    filed = complaint(session, house, caused_harm=True)
    complaints.regrade(session, filed.id, Gravity.ORDINARY, reason="经查并无损失")
    clocks = running(session, filed.ticket_id)
    assert clocks[ClockKind.REGRADE].source == "A-C2c"
    sweep_escalations(session, NOON + MINUTE)
    assert (filed.gravity, filed.graded_why) == (Gravity.ORDINARY, "经查并无损失")


def test_a_c8_harm_going_on_is_stopped_before_it_is_done(session, house):
    filed = complaint(session, house, harm_continues=True)
    assert refused(complaints.complete, session, filed.id, outcome="已解决").code == "harm_goes_on"
    assert refused(complaints.stop_harm, session, filed.id, at=NOON - MINUTE).code == "too_early"
    complaints.stop_harm(session, filed.id)
    assert filed.harm_stopped_at == NOON
    assert refused(complaints.stop_harm, session, filed.id).code == "no_harm"
    complaints.complete(session, filed.id, outcome="已解决")
    assert refused(complaints.stop_harm, session, complaint(session, house).id).code == "no_harm"


def test_a_c6_the_form_is_back_on_the_day_the_department_finishes(session, house):
    filed = complaint(session, house)
    assert refused(complaints.give_back, session, filed.id).code == "impossible"
    complaints.complete(session, filed.id, outcome="已修好")
    back = running(session, filed.ticket_id)[ClockKind.RETURN]
    assert (back.due_at, back.source) == (MIDNIGHT, "A-C6")
    late = [
        row for row in sweep_escalations(session, MIDNIGHT - timedelta(seconds=1)) if row.ticket_id == filed.ticket_id
    ]
    assert late == []
    late = [row for row in sweep_escalations(session, MIDNIGHT) if row.ticket_id == filed.ticket_id]
    assert [(row.clock_kind, row.tell) for row in late] == [(ClockKind.RETURN, (Role.DEPARTMENT_HEAD,))]
    with clock.at(MIDNIGHT + HOUR):
        complaints.give_back(session, filed.id)
        assert refused(complaints.give_back, session, filed.id).code == "returned"
    assert ClockKind.RETURN not in running(session, filed.ticket_id)


def test_a_c6_without_its_form_a_complaint_is_not_closed(session, house):
    filed = complaint(session, house)
    complaints.complete(session, filed.id, outcome="已解决")
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
    assert refused(tickets.close, session, filed.ticket_id).code == "not_returned"
    complaints.give_back(session, filed.id)
    assert tickets.close(session, filed.ticket_id).state is TicketState.CLOSED


def test_a_w10_taken_up_again_the_form_is_to_come_back_again(session, house):
    filed = complaint(session, house)
    complaints.complete(session, filed.id, outcome="已解决")
    complaints.give_back(session, filed.id)
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)
    assert filed.returned_at is None
    complaints.complete(session, filed.id, outcome="已解决")
    assert running(session, filed.ticket_id)[ClockKind.RETURN].cycle == 2


def test_b_c10_contact_with_who_complained_is_kept_until_it_is_closed(session, house):
    filed = complaint(session, house)
    kept = call(session, filed.ticket_id, told="已转工程部", answer="尽快", at=NOON)
    assert (kept.made_at, kept.made_by_id) == (NOON, house.people[Role.FRONT_DESK].id)
    complaints.complete(session, filed.id, outcome="已解决")
    assert call(session, filed.ticket_id, told="已修好").answer is None
    settled_ticket = session.get(Ticket, filed.ticket_id)
    complaints.give_back(session, filed.id)
    follow_ups.follow_up(session, settled_ticket.id, Satisfaction.SATISFIED)
    tickets.close(session, settled_ticket.id)
    assert refused(call, session, settled_ticket.id).code == "ticket_closed"


def test_a_c1_and_a_c9_a_letter_is_registered_with_all_that_is_asked(session, house, topic):
    filed = complaint(
        session, house, channel=Channel.LETTER, topic_id=topic.id, about="维修班", demand="赔偿", reporter_name="周先生"
    )
    ticket = session.get(Ticket, filed.ticket_id)
    assert (ticket.channel, ticket.topic_id, filed.about, filed.demand) == (Channel.LETTER, topic.id, "维修班", "赔偿")
    assert ClockKind.DEPARTMENT_RECEIPT in running(session, ticket.id)
