"""The rates of an office: each boundary by name, and the same figures in Python and in SQL (A-W14, A-W10, B-C11)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, request
from tenant import clock
from tenant.calendars import end_of_day
from tenant.models import Clock, FollowUp, Pause, ServiceRequest, Ticket, WorkOrder
from tenant.rules.rates import (
    GROUPED_BY,
    RULES,
    TARGETS,
    Course,
    Share,
    Waited,
    Waiting,
    shares,
    shares_by_group,
    waited,
)
from tenant.rules.terms import (
    ClockKind,
    Grouping,
    PauseReason,
    Rate,
    RequestCategory,
    Role,
    Satisfaction,
    TicketKind,
    TicketState,
)
from tenant.services import follow_ups, rates, requests

BEGIN, END = make.NOON, make.NOON + 7 * DAY
AT = END + HOUR
ZONE = "Asia/Shanghai"
SATISFIED, DISSATISFIED = Satisfaction.SATISFIED, Satisfaction.DISSATISFIED


def course(received=BEGIN, due=None, **became) -> Course:
    """Return a matter received at the period's beginning and due on its day, unless said otherwise."""
    return Course(received, due or end_of_day(received, ZONE), **became)


def share(rate: Rate, *courses: Course, at=AT) -> tuple[int, int]:
    """Return part and whole of a rate."""
    found = shares(courses, BEGIN, END, at)[rate]
    return found.part, found.whole


def test_a_period_begins_with_its_first_instant_and_ends_before_its_last():
    edges = [course(at, taken_at=at) for at in (BEGIN - MINUTE, BEGIN, END - MINUTE, END)]
    assert share(Rate.ACCEPTED, *edges) == (2, 2)


def test_what_was_no_matter_counts_nowhere():
    none = course(taken_at=BEGIN, done_at=BEGIN, followed_up_at=BEGIN, satisfaction=SATISFIED, counts=False)
    assert set(shares([none], BEGIN, END, AT).values()) == {Share(0, 0)}


def test_handled_counts_what_was_due_in_the_period_however_late_it_was_done_a_w14():
    due_later = course(END - HOUR, END + DAY, done_at=END - MINUTE)
    late = course(done_at=END)
    waiting = course()
    assert share(Rate.HANDLED, due_later, late, waiting) == (1, 2)
    assert share(Rate.HANDLED, late, at=END - MINUTE) == (0, 1), "what is done after the report is not known to it"


def test_on_time_is_counted_apart_and_the_due_instant_itself_is_in_time_a_w14():
    due = end_of_day(BEGIN, ZONE)
    assert share(Rate.ON_TIME, course(done_at=due), course(done_at=due + MINUTE), course()) == (1, 3)


def test_what_comes_on_the_last_day_is_due_in_the_period_a_w14():
    first, last = end_of_day(BEGIN - DAY, ZONE), end_of_day(END, ZONE)
    of_the_last_day = course(last - HOUR, taken_at=last - HOUR)
    found = shares([of_the_last_day], first, last, AT + DAY)
    assert found[Rate.HANDLED] == found[Rate.ON_TIME] == Share(0, 1), "24:00 of the last day belongs to it"
    assert shares([of_the_last_day], last, last + DAY, AT + 2 * DAY)[Rate.HANDLED] == Share(0, 0), "and to no other"


def test_who_was_dissatisfied_counts_also_while_it_is_put_right_a_w10():
    """A dissatisfied customer has the matter taken up again, and then it is not done any more."""
    unhappy = {"followed_up_at": BEGIN + DAY, "satisfaction": DISSATISFIED, "dissatisfied_at": BEGIN + DAY}
    again = course(**unhappy)
    done_again = course(done_at=BEGIN + 2 * DAY, **unhappy)
    put_right = course(done_at=BEGIN, followed_up_at=BEGIN, satisfaction=SATISFIED, dissatisfied_at=BEGIN)
    assert share(Rate.SATISFIED, again, done_again, put_right, course()) == (1, 3)
    assert share(Rate.REOPENED, again, done_again, put_right, course(done_at=BEGIN), course()) == (3, 4)
    assert share(Rate.SATISFIED, again, at=BEGIN) == (0, 0)
    assert share(Rate.REOPENED, again, at=BEGIN) == (0, 0)


def test_followed_up_is_of_what_was_done_in_the_period_and_after_it_was_done_a_w10():
    done = BEGIN + DAY
    before = course(done_at=done, followed_up_at=done - MINUTE, satisfaction=DISSATISFIED, dissatisfied_at=done)
    after = course(done_at=done, followed_up_at=done, satisfaction=SATISFIED)
    earlier = course(BEGIN - 9 * DAY, done_at=BEGIN - MINUTE, followed_up_at=BEGIN, satisfaction=SATISFIED)
    assert share(Rate.FOLLOWED_UP, before, after, earlier, course()) == (1, 2)
    assert share(Rate.SATISFIED, before, after, earlier) == (1, 2)
    assert share(Rate.REOPENED, before, after, earlier, course()) == (1, 2)


def test_somebody_dissatisfied_is_asked_and_not_satisfied():
    said = [course(done_at=BEGIN, followed_up_at=BEGIN, satisfaction=word) for word in Satisfaction]
    assert share(Rate.SATISFIED, *said) == (2, 3)


def test_b_c11_asking_in_time_is_of_what_was_to_be_asked_by_the_end_and_the_limit_itself_is_in_time():
    limit = BEGIN + 3 * DAY
    asked = [course(done_at=BEGIN, asking_due_at=limit, asked_at=at) for at in (limit, limit + MINUTE, None)]
    later = course(done_at=END - HOUR, asking_due_at=END + MINUTE)
    assert share(Rate.FOLLOWED_UP_ON_TIME, *asked, later, course(done_at=BEGIN)) == (1, 3)
    assert share(Rate.FOLLOWED_UP_ON_TIME, asked[0], at=limit - MINUTE) == (0, 1), "what comes later is not known"


def test_b_w17_and_b_w18_a_reply_is_of_every_question_and_suggestion_that_came():
    replied, waiting = course(done_at=BEGIN, asks=True), course(asks=True)
    assert share(Rate.REPLIED, replied, waiting, course(done_at=BEGIN)) == (1, 2)


def test_groups_are_counted_apart_and_none_is_a_group_too():
    table = [course(taken_at=BEGIN, group="repair"), course(group="repair"), course()]
    found = shares_by_group(table, BEGIN, END, AT)
    assert {group: counted[Rate.ACCEPTED] for group, counted in found.items()} == {
        "repair": Share(1, 2),
        None: Share(0, 1),
    }


def test_a_w5_waiting_counts_the_minutes_inside_the_period_and_what_went_past_its_limit():
    owner, material = PauseReason.OWNER, PauseReason.MATERIAL
    over_the_edges = Waiting(owner, BEGIN - HOUR, BEGIN + 8 * DAY, BEGIN + 9 * DAY)
    inside = Waiting(owner, BEGIN + HOUR, BEGIN + 2 * HOUR, BEGIN + 2 * HOUR)
    lasting = Waiting(material, END - 30 * MINUTE, END - 10 * MINUTE)
    before = Waiting(material, BEGIN - DAY, BEGIN, BEGIN)
    after = Waiting(material, END, END + DAY)
    week = 7 * 24 * 60
    assert waited([over_the_edges, inside, lasting, before, after], BEGIN, END, AT) == {
        owner: Waited(2, week + 60, 0),
        material: Waited(1, 30, 1),
    }
    assert waited([over_the_edges], BEGIN, BEGIN + 20 * DAY, BEGIN + 20 * DAY)[owner].past_limit == 1


def test_nothing_has_waited_in_a_period_that_has_not_begun():
    lasting = Waiting(PauseReason.OWNER, BEGIN - HOUR, BEGIN)
    assert waited([lasting], BEGIN, END, BEGIN) == waited([lasting], BEGIN, END, BEGIN - MINUTE) == {}


def test_every_rate_says_what_it_counts_and_whose_rule_it_is():
    assert set(RULES) == set(Rate)
    assert set(TARGETS) < set(Rate)
    assert set(GROUPED_BY) == set(Grouping)


INSTANTS = st.integers(-3 * 24 * 60, 10 * 24 * 60).map(lambda minutes: BEGIN + minutes * MINUTE)
COURSES = st.builds(
    lambda received, sent, done, asked, word, promised, state, limit, met, category, group: (
        received,
        sent and max(received, sent),
        done and max(received, done),
        asked and max(received, asked),
        word,
        promised and max(received, promised),
        state,
        limit,
        met,
        category,
        group,
    ),
    INSTANTS,
    st.none() | INSTANTS,
    st.none() | INSTANTS,
    st.none() | INSTANTS,
    st.sampled_from(Satisfaction),
    st.none() | INSTANTS,
    st.sampled_from([TicketState.UNDER_WAY, TicketState.UNDER_WAY, TicketState.INVALID, TicketState.MERGED]),
    st.none() | INSTANTS,
    st.none() | INSTANTS,
    st.sampled_from([RequestCategory.REPAIR, RequestCategory.CONSULTATION, RequestCategory.SUGGESTION]),
    st.booleans(),
)
PAUSES = st.lists(
    st.builds(
        lambda reason, edges, lasts: Waiting(reason, edges[0], edges[1] + MINUTE, None if lasts else edges[2]),
        st.sampled_from(PauseReason),
        st.lists(INSTANTS, min_size=3, max_size=3).map(sorted),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def north(database, cast):
    """A session of the north and its house, rolled back at the end."""
    with at_desk(database, cast.north, AT + 10 * DAY) as session:
        yield session, cast.north


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COURSES, min_size=1, max_size=12), st.integers(-2, 3))
def test_sql_counts_what_the_rule_counts(north, made, later):
    session, house = north
    at = AT + timedelta(days=later)
    point = session.begin_nested()
    table = [_kept(session, house, number, *facts) for number, facts in enumerate(made)]
    found = rates.by_office(session, [TicketKind.REQUEST], BEGIN, END, at).get(house.id, {})
    expected = shares(table, BEGIN, END, at)
    assert found == expected or (not found and {share.whole for share in expected.values()} == {0})
    for grouping in Grouping:
        told_apart = [replace(course, group=course.group[grouping]) for course in table]
        _same_groups(session, house, told_apart, grouping, at)
    point.rollback()


def _same_groups(session, house, table, grouping, at):
    """See that SQL finds the groups that the rule finds, but for those in which nothing counts."""
    found = rates.by_group(session, [TicketKind.REQUEST], BEGIN, END, at, grouping)
    expected = shares_by_group([course for course in table if course.counts], BEGIN, END, at)
    mine = {group: counted for (office_id, group), counted in found.items() if office_id == house.id}
    nothing = {rate: Share(0, 0) for rate in Rate}
    assert {group: counted for group, counted in mine.items() if counted != nothing} == {
        group: counted for group, counted in expected.items() if counted != nothing
    }
    assert set(rates.names(session, grouping, set(mine))) >= set(mine)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PAUSES, st.integers(-2, 3))
def test_sql_counts_waiting_as_the_rule_does_a_w5(north, made, later):
    session, house = north
    at = AT + timedelta(days=later)
    point = session.begin_nested()
    for number, pause in enumerate(made):
        ticket = Ticket(
            office_id=house.id, kind=TicketKind.REQUEST, number=f"BS-wait-{number}", content="x", received_at=BEGIN
        )
        session.add(ticket)
        session.flush()
        instants = {"began_at": pause.began_at, "until_at": pause.until_at, "ended_at": pause.ended_at}
        stood = {"reason": pause.reason, "stood": TicketState.UNDER_WAY}
        session.add(Pause(office_id=house.id, ticket_id=ticket.id, **stood, **instants))
    session.flush()
    found = rates.waited(session, [TicketKind.REQUEST], BEGIN, END, at)
    assert found.get(house.id, {}) == waited(made, BEGIN, END, at)
    assert rates.waited(session, [TicketKind.COMPLAINT], BEGIN, END, at).get(house.id) is None
    point.rollback()


def test_the_course_of_a_matter_is_read_from_what_the_desk_does_with_it_a_w10(north):
    session, house = north
    period = (make.NOON - HOUR, end_of_day(make.NOON, ZONE), make.NOON + 3 * DAY)

    def counted() -> dict[Rate, tuple[int, int]]:
        found = rates.by_office(session, [TicketKind.REQUEST], *period)[house.id]
        return {rate: (share.part, share.whole) for rate, share in found.items()}

    with clock.at(make.NOON):
        row = request(session, house)
        requests.dispatch(session, row.id, house.engineering.id)
        before = counted()
    assert before[Rate.HANDLED] == (0, 1)
    with clock.at(make.NOON + HOUR):
        requests.complete(session, orders_of(session, row.id)[-1].id, outcome="已修")
        follow_ups.follow_up(session, row.ticket_id, DISSATISFIED)
    unhappy = counted()
    assert (unhappy[Rate.SATISFIED], unhappy[Rate.REOPENED], unhappy[Rate.HANDLED]) == ((0, 1), (1, 1), (0, 1))
    with clock.at(make.NOON + 2 * HOUR):
        requests.complete(session, orders_of(session, row.id)[-1].id, outcome="又修")
        follow_ups.follow_up(session, row.ticket_id, SATISFIED)
    happy = counted()
    assert (happy[Rate.SATISFIED], happy[Rate.REOPENED], happy[Rate.HANDLED]) == ((1, 1), (1, 1), (1, 1))


def orders_of(session, request_id) -> list[WorkOrder]:
    """Return the orders of a request, the first one first."""
    return list(session.scalars(select(WorkOrder).where(WorkOrder.request_id == request_id).order_by(WorkOrder.id)))


def _kept(
    session, house, number, received, sent, done, asked, word, promised, state, limit, met, category, group
) -> Course:
    """Write one matter down as rows, and return its course."""
    ticket = Ticket(
        office_id=house.id,
        kind=TicketKind.REQUEST,
        number=f"BS-rate-{number}",
        content="x",
        state=state,
        received_at=received,
        promised_at=promised,
        done_at=done,
        unit_id=house.unit.id if group else None,
        registered_by_id=house.people[Role.FRONT_DESK].id,
    )
    session.add(ticket)
    session.flush()
    request = ServiceRequest(office_id=house.id, ticket_id=ticket.id, category=category)
    session.add(request)
    session.flush()
    if sent:
        technician = house.people[Role.TECHNICIAN].id if group else None
        order = {"number": f"BS-rate-{number}-1", "department_id": house.engineering.id, "dispatched_at": sent}
        order["technician_id"] = technician
        session.add(WorkOrder(office_id=house.id, request_id=request.id, **order))
    if asked:
        session.add(FollowUp(office_id=house.id, ticket_id=ticket.id, made_at=asked, satisfaction=word))
    if limit:
        clock_at = {"started_at": min(limit, received), "due_at": limit, "met_at": met, "source": "B-W11"}
        session.add(Clock(office_id=house.id, ticket_id=ticket.id, kind=ClockKind.FOLLOW_UP, cycle=2, **clock_at))
        earlier = {"started_at": BEGIN, "due_at": BEGIN, "met_at": BEGIN, "source": "B-W11"}
        session.add(Clock(office_id=house.id, ticket_id=ticket.id, kind=ClockKind.FOLLOW_UP, cycle=1, **earlier))
    session.flush()
    person = ticket.registered_by_id if not sent else house.people[Role.TECHNICIAN].id if group else None
    return Course(
        received,
        promised or end_of_day(received, ZONE),
        taken_at=min((at for at in (sent, done) if at), default=None),
        done_at=done,
        followed_up_at=asked,
        satisfaction=word if asked else None,
        dissatisfied_at=asked if asked and word is DISSATISFIED else None,
        asking_due_at=limit,
        asked_at=met if limit else None,
        asks=category is not RequestCategory.REPAIR,
        group={
            Grouping.CATEGORY: category.value,
            Grouping.DEPARTMENT: house.engineering.id if sent else None,
            Grouping.TOPIC: None,
            Grouping.BUILDING: house.unit.building_id if group else None,
            Grouping.PERSON: person,
        },
        counts=state is TicketState.UNDER_WAY,
    )
