"""What lies on the boards: each matter in the lane where it waits, the urgent and the latest first; nobody else's."""

from datetime import timedelta

import pytest

import make
from desk import HOUR, MINUTE, at_desk, complaint, request, sweep_escalations
from tenant import clock
from tenant.rules.terms import ClockKind, Gravity, PauseReason, Role, Satisfaction
from tenant.services import acknowledgements, boards, complaints, defects, follow_ups, pauses, requests
from tenant.services.boards import Place

MOST = 30


@pytest.fixture
def session(database, cast):
    """The department head's session at noon; rolled back at its end."""
    with at_desk(database, cast.north, role=Role.DEPARTMENT_HEAD) as opened:
        yield opened


def lanes(found):
    """Return the lanes of a board by name, as kinds and ids."""
    return {lane.name: [(place.kind, place.row_id) for place in lane.places] for lane in found}


def of_department(session, house, **asked):
    """Return the board of the house's engineering department."""
    return boards.department_board(session, [house.engineering.id], **{"most": MOST} | asked)


def sent(session, house, **fields):
    """Register a request and send it to engineering."""
    made = request(session, house, **fields)
    return requests.dispatch(session, made.id, house.engineering.id)


def test_an_order_moves_from_lane_to_lane_as_the_work_goes_on(session, cast):
    order = sent(session, cast.north)
    here = (boards.ORDER, order.id)
    assert lanes(of_department(session, cast.north))["to_receive"] == [here]
    requests.receive(session, order.id)
    assert lanes(of_department(session, cast.north))["under_way"] == [here]
    until = make.NOON + HOUR
    pauses.pause(session, order.request.ticket_id, PauseReason.OWNER, until, work_order_id=order.id)
    assert lanes(of_department(session, cast.north))["waiting"] == [here]
    pauses.resume(session, order.request.ticket_id)
    requests.complete(session, order.id, signed=False)
    assert lanes(of_department(session, cast.north))["to_sign"] == [here]
    requests.sign(session, order.id)
    assert set(map(len, lanes(of_department(session, cast.north)).values())) == {0}


def test_a_complaint_is_to_be_received_and_given_back_by_its_department_a_c5_a_c6(session, cast):
    made = complaint(session, cast.north)
    here = (boards.COMPLAINT, made.id)
    assert lanes(of_department(session, cast.north))["to_receive"] == [here]
    complaints.receive(session, made.id)
    assert lanes(of_department(session, cast.north))["under_way"] == [here]
    complaints.complete(session, made.id, outcome="已整改")
    assert lanes(of_department(session, cast.north))["to_give_back"] == [here]
    complaints.give_back(session, made.id)
    assert all(here not in lane for lane in lanes(of_department(session, cast.north)).values())


def test_the_urgent_come_first_and_then_what_is_due_first(session, cast):
    with clock.at(make.NOON - HOUR):
        late = sent(session, cast.north)
    fresh = sent(session, cast.north)
    urgent = sent(session, cast.north, urgent=True)
    (lane, *_) = of_department(session, cast.north)
    assert [place.row_id for place in lane.places] == [urgent.id, late.id, fresh.id]
    assert [place.rank for place in lane.places] == [0, 1, 1]


def test_a_lane_is_asked_for_piece_by_piece_without_losing_or_repeating_one(session, cast):
    made = [sent(session, cast.north, urgent=number % 3 == 0).id for number in range(7)]
    seen, after = [], None
    while True:
        (lane,) = of_department(session, cast.north, most=2, lane=boards.TO_RECEIVE, after=after)
        seen += [place.row_id for place in lane.places]
        assert lane.count == len(made) - len(seen) + len(lane.places)
        if lane.last is None:
            break
        after = lane.last
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(made)


def test_of_another_department_or_office_nothing_is_here(database, session, cast):
    other = make.department(session, cast.north.id)
    sent(session, cast.north)
    assert set(map(len, lanes(boards.department_board(session, [other.id], most=MOST)).values())) == {0}
    south = [cast.south.engineering.id]
    with at_desk(database, cast.south) as foreign:
        sent(foreign, cast.south)
        assert len(lanes(boards.department_board(foreign, south, most=MOST))["to_receive"]) == 1
        assert set(map(len, lanes(boards.department_board(session, south, most=MOST)).values())) == {0}


def test_who_is_sent_has_their_orders_and_what_they_are_to_look_at_a_r1(session, cast):
    technician = cast.north.people[Role.TECHNICIAN].id
    order, others = sent(session, cast.north), sent(session, cast.north)
    requests.receive(session, order.id, technician)
    defect = defects.register_defect(session, office_id=cast.north.id, part="外墙", content="渗水")
    defects.send(session, defect.id, technician)
    found = lanes(boards.order_board(session, [technician], most=MOST))
    assert found["under_way"] == [(boards.ORDER, order.id)]
    assert found["to_look"] == [(boards.DEFECT, defect.id)]
    assert others.id not in [row_id for lane in found.values() for _, row_id in lane]
    assert boards.to_do_count(session, [technician]) == 1
    defects.confirm(session, defect.id, "涂料开裂")
    assert lanes(boards.order_board(session, [technician], most=MOST))["to_look"] == []


def test_what_the_customer_was_not_satisfied_with_stays_until_they_are_a_w10(session, cast):
    order = sent(session, cast.north)
    ticket = order.request.ticket_id
    requests.complete(session, order.id)
    said = follow_ups.follow_up(session, ticket, Satisfaction.DISSATISFIED)
    here = (boards.FOLLOW_UP, said.id)
    assert lanes(boards.office_board(session, make.NOON, most=MOST))["unsatisfied"] == [here]
    following = boards.latest_orders(session, [ticket])[ticket]
    assert following.follows_id == order.id
    with clock.at(make.NOON + HOUR):
        requests.complete(session, following.id)
        follow_ups.follow_up(session, ticket, Satisfaction.SATISFIED)
    assert lanes(boards.office_board(session, make.NOON + HOUR, most=MOST))["unsatisfied"] == []


def test_the_office_sees_what_is_late_grave_and_waits_too_long(session, cast):
    order = sent(session, cast.north)
    grave = complaint(session, cast.north, gravity=Gravity.GRAVE)
    harm = complaint(session, cast.north, gravity=Gravity.MAJOR, harm_continues=True)
    complaint(session, cast.north)
    until = make.NOON + HOUR
    lasting = pauses.pause(session, order.request.ticket_id, PauseReason.MATERIAL, until, work_order_id=order.id)
    early = lanes(boards.office_board(session, make.NOON, most=MOST))
    assert early["overdue"] == early["overlong"] == []
    assert early["grave"] == [(boards.COMPLAINT, harm.id), (boards.COMPLAINT, grave.id)]
    found = lanes(boards.office_board(session, until + MINUTE, most=MOST))
    assert found["overlong"] == [(boards.PAUSE, lasting.id)]
    assert (boards.TICKET, order.request.ticket_id) in found["overdue"]


def test_a_ticket_that_went_up_the_line_stands_once_until_it_is_acknowledged(session, cast):
    made = request(session, cast.north)
    ticket = made.ticket_id
    raised = sweep_escalations(session, make.NOON + 31 * MINUTE)
    assert len(raised) > 1
    found = lanes(boards.office_board(session, make.NOON + 31 * MINUTE, most=MOST))
    assert found["escalated"] == [(boards.TICKET, ticket)]
    assert acknowledgements.acknowledge_ticket(session, ticket) >= 1
    assert lanes(boards.office_board(session, make.NOON + 31 * MINUTE, most=MOST))["escalated"] == []


def test_the_first_clock_of_the_work_is_not_the_desks(session, cast):
    order = sent(session, cast.north)
    ticket = order.request.ticket_id
    assert boards.first_clocks(session, [ticket], working=True)[ticket].kind is ClockKind.ON_SITE
    assert boards.first_clocks(session, [ticket], working=False)[ticket].due_at <= make.NOON + timedelta(minutes=15)


def test_a_place_is_before_another_by_rank_and_then_by_its_hour():
    early, late = make.NOON, make.NOON + HOUR
    assert min(Place(1, early, "order", 1), Place(0, late, "order", 2)).row_id == 2
