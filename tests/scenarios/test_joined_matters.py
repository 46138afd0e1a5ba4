"""What belongs together: one matter reported twice, and one cause of many; and every contact with who reported.

A-W1, A-W4, A-W7, A-W13, A-C1, B-W12, B-W17, B-W18.
"""

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running, sweep_escalations, waiting
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Contact, ServiceRequest, Ticket, Topic, WorkOrder
from tenant.rules.terms import (
    Channel,
    ClockKind,
    ContactMethod,
    PauseReason,
    RequestCategory,
    Role,
    Satisfaction,
    TicketState,
    WorkOrderState,
)
from tenant.services import complaints, contacts, follow_ups, links, pauses, requests, tickets, topics

NOON = make.NOON
MIDNIGHT = NOON + 12 * HOUR
PUBLIC = {"unit_id": None, "location": "3 号楼大堂"}


def ticket_of(session, filed) -> Ticket:
    return session.get_one(Ticket, filed.ticket_id)


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


# ------------------------------------------------------------------------------------------------------------ contacts
def test_a_w7_every_contact_is_kept_with_method_time_person_and_answer(session, house):
    filed = request(session, house)
    with clock.at(NOON + 10 * MINUTE):
        first = contacts.contact(session, filed.ticket_id, ContactMethod.VISIT, told="十分钟后到", answer="好的")
    with clock.at(NOON + 5 * HOUR):
        call(session, filed.ticket_id, answer="  还在等  ", at=NOON + 4 * HOUR)
    kept = session.scalars(select(Contact).where(Contact.ticket_id == filed.ticket_id).order_by(Contact.id)).all()
    assert [(row.method, row.made_at, row.told, row.answer) for row in kept] == [
        (ContactMethod.VISIT, NOON + 10 * MINUTE, "十分钟后到", "好的"),
        (ContactMethod.PHONE, NOON + 4 * HOUR, None, "还在等"),
    ]
    assert first.made_by_id == house.people[Role.FRONT_DESK].id


def test_a_w4_only_the_first_contact_meets_the_first_reply(session, house):
    filed = request(session, house)
    with clock.at(NOON + 10 * MINUTE):
        call(session, filed.ticket_id)
    assert ClockKind.FIRST_REPLY not in running(session, filed.ticket_id)
    assert running(session, filed.ticket_id)[ClockKind.DAILY_CONTACT].due_at == MIDNIGHT + DAY
    late = request(session, house)
    raised = sweep_escalations(session, NOON + 15 * MINUTE)
    assert {row.ticket_id for row in raised if row.clock_kind is ClockKind.FIRST_REPLY} == {late.ticket_id}


@pytest.mark.parametrize(
    ("at", "code"), [(NOON - MINUTE, "too_early"), (NOON + MINUTE, "in_the_future")], ids=["before", "to come"]
)
def test_a_w7_a_contact_lies_between_the_receipt_and_now(session, house, at, code):
    filed = request(session, house)
    assert (refusal(call, session, filed.ticket_id, at=at).code, running(session, filed.ticket_id) != {}) == (
        code,
        True,
    )


def test_b_w12_who_reported_a_public_facility_hears_on_the_day_it_is_repaired(session, house):
    def repaired():
        filed = request(session, house, category=RequestCategory.PUBLIC_FACILITY, **PUBLIC)
        requests.complete(session, requests.dispatch(session, filed.id, house.engineering.id).id)
        return filed

    told, forgotten, asked = repaired(), repaired(), repaired()
    due = running(session, told.ticket_id)[ClockKind.COMPLETION_REPLY]
    assert (due.due_at, due.source) == (MIDNIGHT, "B-W12")
    with clock.at(NOON + HOUR):
        call(session, told.ticket_id, told="已修好，谢谢您报修")
        follow_ups.follow_up(session, asked.ticket_id, Satisfaction.SATISFIED)
    for filed in (told, asked):
        assert ClockKind.COMPLETION_REPLY not in running(session, filed.ticket_id)
    raised = [row for row in sweep_escalations(session, MIDNIGHT) if row.clock_kind is ClockKind.COMPLETION_REPLY]
    assert [row.ticket_id for row in raised] == [forgotten.ticket_id]
    at_home = request(session, house)
    requests.complete(session, requests.dispatch(session, at_home.id, house.engineering.id).id)
    assert ClockKind.COMPLETION_REPLY not in running(session, at_home.ticket_id)


def test_b_w12_what_was_said_before_it_was_repaired_tells_nobody_that_it_is(session, house):
    filed = request(session, house, category=RequestCategory.PUBLIC_FACILITY, **PUBLIC)
    order = requests.dispatch(session, filed.id, house.engineering.id)
    with clock.at(NOON + HOUR):
        requests.complete(session, order.id)
        call(session, filed.ticket_id, at=NOON + HOUR - MINUTE)
        assert ClockKind.COMPLETION_REPLY in running(session, filed.ticket_id)
        call(session, filed.ticket_id)
    assert ClockKind.COMPLETION_REPLY not in running(session, filed.ticket_id)


def test_b_w17_a_question_is_answered_at_once_or_at_the_booked_time(session, house):
    filed = request(session, house, category=RequestCategory.CONSULTATION, channel=Channel.VISIT)
    requests.answer(session, filed.id, outcome="物业费按季度收")
    (kept,) = session.scalars(select(Contact).where(Contact.ticket_id == filed.ticket_id))
    assert (kept.method, kept.told) == (ContactMethod.DESK, "物业费按季度收")
    booked = request(session, house, category=RequestCategory.CONSULTATION, promised_at=NOON + 2 * HOUR)
    promise = running(session, booked.ticket_id)[ClockKind.PROMISED]
    assert (promise.due_at, promise.source) == (NOON + 2 * HOUR, "B-W17")


def test_b_w18_a_suggestion_is_answered_within_three_days(session, house):
    filed = request(session, house, category=RequestCategory.SUGGESTION)
    due = running(session, filed.ticket_id)[ClockKind.SUGGESTION_REPLY].due_at
    assert due == MIDNIGHT + 3 * DAY
    with clock.at(due):
        requests.answer(session, filed.id, outcome="采纳，下月实施，谢谢")
    kinds = [row.clock_kind for row in sweep_escalations(session, due) if row.ticket_id == filed.ticket_id]
    assert ClockKind.SUGGESTION_REPLY not in kinds


# ------------------------------------------------------------------------------------------------------------- doubles
def test_a_w1_a_double_report_ends_as_part_of_the_elder(session, house):
    elder, younger = request(session, house), request(session, house, channel=Channel.VISIT)
    order = requests.dispatch(session, younger.id, house.engineering.id)
    links.merge(session, younger.ticket_id, elder.ticket_id)
    ticket = ticket_of(session, younger)
    assert (ticket.state, ticket.merged_into_id, ticket.closed_at) == (TicketState.MERGED, elder.ticket_id, NOON)
    assert (order.state, order.ended_why) == (
        WorkOrderState.CANCELLED,
        f"并入 {ticket_of(session, elder).number}",
    )
    assert running(session, ticket.id) == {}
    assert waiting(session, ticket.id) == set()
    assert running(session, elder.ticket_id)
    assert refusal(call, session, ticket.id).code == "ticket_closed"


def test_a_w1_what_cannot_be_merged_is_refused_in_words(session, house, cast, database):
    elder, younger = request(session, house), request(session, house)
    filed = complaint(session, house)
    assert refusal(links.merge, session, elder.ticket_id, elder.ticket_id).code == "itself"
    assert refusal(links.merge, session, elder.ticket_id, younger.ticket_id).code == "later"
    assert refusal(links.merge, session, filed.ticket_id, elder.ticket_id).code == "other_kind"
    third = request(session, house)
    links.answer_with(session, third.ticket_id, younger.ticket_id)
    assert refusal(links.merge, session, younger.ticket_id, elder.ticket_id).code == "answers_others"
    links.merge(session, third.ticket_id, elder.ticket_id)
    assert refusal(links.merge, session, third.ticket_id, younger.ticket_id).code == "ticket_closed"
    tickets.invalidate(session, elder.ticket_id, "误报")
    over = refusal(links.merge, session, younger.ticket_id, elder.ticket_id)
    assert (over.code, ticket_of(session, elder).number in over.message) == ("ticket_closed", True)
    with at_desk(database, cast.south) as other:
        foreign = request(other, cast.south).ticket_id
        other.commit()
    for pair in ((younger.ticket_id, foreign), (foreign, younger.ticket_id), (younger.ticket_id, 987654321)):
        with pytest.raises(NotFound):
            links.merge(session, *pair)


def test_a_w1_a_wrong_merge_is_taken_back_with_the_deadlines_it_had(session, house):
    elder, younger = request(session, house), request(session, house)
    before = {kind: row.due_at for kind, row in running(session, younger.ticket_id).items()}
    with clock.at(NOON + 5 * MINUTE):
        links.merge(session, younger.ticket_id, elder.ticket_id)
    with clock.at(NOON + 40 * MINUTE):
        links.unmerge(session, younger.ticket_id)
    ticket = ticket_of(session, younger)
    assert (ticket.state, ticket.merged_into_id, ticket.closed_at) == (TicketState.REGISTERED, None, None)
    assert {kind: row.due_at for kind, row in running(session, ticket.id).items()} == before
    late = {row.clock_kind for row in sweep_escalations(session, NOON + 41 * MINUTE) if row.ticket_id == ticket.id}
    assert late == {ClockKind.FIRST_REPLY, ClockKind.DISPATCH}


def test_a_w1_taken_back_what_had_been_sent_is_to_be_sent_again(session, house):
    elder, younger = request(session, house), request(session, house)
    requests.dispatch(session, younger.id, house.engineering.id)
    pauses.pause(session, younger.ticket_id, PauseReason.OWNER, NOON + DAY)
    links.merge(session, younger.ticket_id, elder.ticket_id)
    with clock.at(NOON + HOUR):
        links.unmerge(session, younger.ticket_id)
    clocks = running(session, younger.ticket_id)
    assert clocks[ClockKind.DISPATCH].due_at == NOON + HOUR + 15 * MINUTE
    assert ClockKind.ON_SITE not in clocks
    assert ticket_of(session, younger).state is TicketState.REGISTERED


def test_a_c1_a_merged_complaint_that_was_signed_for_stays_so_when_taken_back(session, house):
    elder, younger = complaint(session, house), complaint(session, house)
    complaints.receive(session, younger.id)
    links.merge(session, younger.ticket_id, elder.ticket_id)
    links.unmerge(session, younger.ticket_id)
    assert ticket_of(session, younger).state is TicketState.RECEIVED
    assert set(running(session, younger.ticket_id)) == {ClockKind.REGRADE}


def test_a_merge_is_taken_back_only_while_the_elder_goes_on(session, house):
    elder, younger = request(session, house), request(session, house)
    assert refusal(links.unmerge, session, younger.ticket_id).code == "not_merged"
    links.merge(session, younger.ticket_id, elder.ticket_id)
    tickets.invalidate(session, elder.ticket_id, "误报")
    assert refusal(links.unmerge, session, younger.ticket_id).code == "ticket_closed"


# ------------------------------------------------------------------------------------------------ one cause, many units
def test_one_cause_is_done_for_all_and_each_is_followed_up_by_itself(session, house):
    burst = request(session, house, category=RequestCategory.PUBLIC_FACILITY, **PUBLIC)
    flats = [request(session, house, unit_id=make.unit(session, house.id).id) for _ in range(3)]
    for flat in flats:
        links.answer_with(session, flat.ticket_id, burst.ticket_id)
        kinds = set(running(session, flat.ticket_id))
        assert kinds == {ClockKind.FIRST_REPLY, ClockKind.DAILY_CONTACT}, "its reporter still hears"
    own = requests.dispatch(session, flats[2].id, house.engineering.id)
    order = requests.dispatch(session, burst.id, house.engineering.id)
    with clock.at(NOON + 2 * HOUR):
        requests.complete(session, order.id)
    states = [ticket_of(session, flat).state for flat in flats]
    assert states == [TicketState.DONE, TicketState.DONE, TicketState.DISPATCHED]
    for flat in flats[:2]:
        assert set(running(session, flat.ticket_id)) == waiting(session, flat.ticket_id) == {ClockKind.FOLLOW_UP}
    with clock.at(NOON + 3 * HOUR):
        follow_ups.follow_up(session, flats[0].ticket_id, Satisfaction.SATISFIED)
        tickets.close(session, flats[0].ticket_id)
        follow_ups.follow_up(session, flats[1].ticket_id, Satisfaction.DISSATISFIED)
        requests.complete(session, own.id)
    assert [ticket_of(session, flat).state for flat in flats] == [
        TicketState.CLOSED, TicketState.REGISTERED, TicketState.DONE,
    ]  # fmt: skip
    assert ticket_of(session, burst).state is TicketState.DONE


def test_one_cause_ends_no_complaint_while_harm_goes_on(session, house):
    cause, hurt = complaint(session, house), complaint(session, house, harm_continues=True)
    links.answer_with(session, hurt.ticket_id, cause.ticket_id)
    complaints.complete(session, cause.id, outcome="已解决")
    assert ticket_of(session, hurt).done_at is None


def test_loops_chains_foreign_kinds_and_what_is_over_are_refused(session, house):
    first, second, third, filed = *(request(session, house) for _ in range(3)), complaint(session, house)
    assert refusal(links.answer_with, session, first.ticket_id, first.ticket_id).code == "itself"
    assert refusal(links.answer_with, session, filed.ticket_id, first.ticket_id).code == "other_kind"
    links.answer_with(session, second.ticket_id, first.ticket_id)
    assert refusal(links.answer_with, session, first.ticket_id, second.ticket_id).code == "chain"
    assert refusal(links.answer_with, session, third.ticket_id, second.ticket_id).code == "chain"
    assert refusal(links.answer_with, session, first.ticket_id, third.ticket_id).code == "chain"
    tickets.invalidate(session, third.ticket_id, "误报")
    assert refusal(links.answer_with, session, second.ticket_id, third.ticket_id).code == "ticket_closed"
    assert refusal(links.stand_alone, session, first.ticket_id).code == "no_parent"


def test_on_its_own_again_it_is_to_be_dispatched_from_then_on(session, house):
    cause, flat = request(session, house), request(session, house)
    links.answer_with(session, flat.ticket_id, cause.ticket_id)
    with clock.at(NOON + HOUR):
        links.stand_alone(session, flat.ticket_id)
    assert running(session, flat.ticket_id)[ClockKind.DISPATCH].due_at == NOON + HOUR + 15 * MINUTE
    requests.answer(session, cause.id)
    assert ticket_of(session, flat).done_at is None


# -------------------------------------------------------------------------------------------------------------- topics
def test_a_matter_is_registered_under_a_topic_of_its_kind_that_is_offered(session, house, cast):
    def topic(**columns):
        row = Topic(office_id=house.id, **columns)
        session.add(row)
        session.flush()
        return row

    leak = topic(name="水管渗漏", category=RequestCategory.REPAIR)
    noise = topic(name="噪音")
    lamp = topic(name="路灯", category=RequestCategory.PUBLIC_FACILITY)
    filed = request(session, house, topic_id=leak.id)
    assert ticket_of(session, filed).topic_id == leak.id
    assert refusal(request, session, house, topic_id=noise.id).code == "other_kind"
    assert refusal(request, session, house, topic_id=lamp.id).code == "other_category"
    assert refusal(complaint, session, house, topic_id=leak.id).code == "other_kind"
    assert refusal(tickets.sort_under, session, filed.ticket_id, lamp.id).code == "other_category"
    topics.retire(session, leak.id)
    retired = refusal(request, session, house, topic_id=leak.id)
    assert (retired.code, "停用" in retired.message) == ("retired", True)
    assert ticket_of(session, filed).topic_id == leak.id
    with pytest.raises(NotFound):
        request(session, house, topic_id=987654321)


def test_the_chain_of_orders_is_whole_and_every_one_of_it_known_to_the_next(session, house):
    filed = request(session, house)
    order = requests.dispatch(session, filed.id, house.engineering.id)
    for _ in range(3):
        requests.complete(session, order.id)
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)
        (order,) = session.scalars(select(WorkOrder).where(WorkOrder.follows_id == order.id))
    assert ticket_of(session, filed).cycle == 4
    assert isinstance(requests.by_ticket(session, filed.ticket_id), ServiceRequest)
