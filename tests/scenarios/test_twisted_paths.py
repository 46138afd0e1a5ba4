"""Matters on twisted paths: joined, waiting, graded and given up in an order that nobody planned.

A-W4, A-W5, A-W7, A-C2, A-C4a, A-C5, A-C8, B-W19.
"""

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, Ticket
from tenant.rules.terms import ClockKind, Gravity, PauseReason, Role, TicketState
from tenant.scoping import Scope
from tenant.services import complaints, links, pauses, requests, tickets

NOON = make.NOON
MIDNIGHT = NOON + 12 * HOUR
OWNER = PauseReason.OWNER


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def wait(session, filed, at, **more):
    with clock.at(at):
        return pauses.pause(session, filed.ticket_id, OWNER, NOON + 2 * DAY, **more)


def resume(session, filed, at):
    with clock.at(at):
        return pauses.resume(session, filed.ticket_id)


# ------------------------------------------------------------------------------------------------------ one cause, many
def test_what_a_cause_answered_is_asked_for_again_when_the_cause_is_none(session, house):
    cause, flat = request(session, house), request(session, house)
    angry, echo = complaint(session, house), complaint(session, house)
    links.answer_with(session, flat.ticket_id, cause.ticket_id)
    links.answer_with(session, echo.ticket_id, angry.ticket_id)
    with clock.at(NOON + HOUR):
        tickets.invalidate(session, cause.ticket_id, "报错了楼")
        tickets.invalidate(session, angry.ticket_id, "与本小区无关")
    assert running(session, flat.ticket_id)[ClockKind.DISPATCH].due_at == NOON + HOUR + 15 * MINUTE
    assert running(session, echo.ticket_id)[ClockKind.DEPARTMENT_RECEIPT].due_at == NOON + HOUR + 10 * MINUTE
    assert session.get_one(Ticket, flat.ticket_id).parent_id is None
    with clock.at(NOON + HOUR):
        requests.dispatch(session, flat.id, house.engineering.id)


# ------------------------------------------------------------------------------------------------------------- doubles
def test_a_c4a_the_elder_is_as_grave_as_what_is_merged_into_it(session, house):
    elder, younger = complaint(session, house), complaint(session, house, gravity=Gravity.GRAVE)
    with clock.at(NOON + HOUR):
        links.merge(session, younger.ticket_id, elder.ticket_id)
    assert elder.gravity is Gravity.GRAVE
    assert session.get_one(Ticket, younger.ticket_id).number in elder.graded_why
    assert ClockKind.FORWARD in running(session, elder.ticket_id)
    milder = complaint(session, house)
    with clock.at(NOON + HOUR):
        links.merge(session, milder.ticket_id, elder.ticket_id)
    assert session.get_one(Ticket, younger.ticket_id).number in elder.graded_why


def test_a_c8_harm_going_on_is_stopped_before_its_complaint_is_merged(session, house):
    elder, younger = complaint(session, house), complaint(session, house, harm_continues=True)
    found = refusal(links.merge, session, younger.ticket_id, elder.ticket_id)
    assert (found.code, found.field) == ("harm_goes_on", "harm_continues")
    complaints.stop_harm(session, younger.id)
    links.merge(session, younger.ticket_id, elder.ticket_id)
    assert session.get_one(Ticket, younger.ticket_id).state is TicketState.MERGED


def test_b_w19_taken_back_what_had_waited_still_has_what_was_left_of_its_time(session, house):
    elder, younger = request(session, house), request(session, house)
    wait(session, younger, NOON + 5 * MINUTE)
    resume(session, younger, NOON + 5 * HOUR)
    due = running(session, younger.ticket_id)[ClockKind.DISPATCH].due_at
    assert due == NOON + 5 * HOUR + 10 * MINUTE
    with clock.at(NOON + 5 * HOUR + MINUTE):
        links.merge(session, younger.ticket_id, elder.ticket_id)
        links.unmerge(session, younger.ticket_id)
    assert running(session, younger.ticket_id)[ClockKind.DISPATCH].due_at == due


def test_matters_of_two_offices_are_never_joined(database, cast):
    north, south = cast.north, cast.south
    with at_desk(database, south) as session:
        theirs = request(session, south).ticket_id
        session.commit()
    both = Scope.of([north.id, south.id])
    with database.session(both, north.actor(Role.FRONT_DESK)) as session, clock.at(NOON + MINUTE):
        ours = request(session, north).ticket_id
        for act in (links.merge, links.answer_with):
            with pytest.raises(NotFound):
                act(session, ours, theirs)


# ------------------------------------------------------------------------------------------------------------- waiting
def test_a_c5_a_complaint_signed_for_while_it_waits_stands_as_signed_for_afterwards(session, house):
    filed = complaint(session, house)
    wait(session, filed, NOON + MINUTE)
    with clock.at(NOON + 2 * MINUTE):
        complaints.receive(session, filed.id)
    assert session.get_one(Ticket, filed.ticket_id).state is TicketState.WAITING
    resume(session, filed, NOON + HOUR)
    assert session.get_one(Ticket, filed.ticket_id).state is TicketState.RECEIVED


def test_a_w5_no_minute_is_waited_twice(session, house):
    filed = request(session, house)
    wait(session, filed, NOON + MINUTE)
    resume(session, filed, NOON + HOUR)
    with clock.at(NOON + 2 * HOUR):
        found = refusal(pauses.pause, session, filed.ticket_id, OWNER, NOON + DAY, at=NOON + 30 * MINUTE)
    assert (found.code, found.field) == ("too_early", "at")
    with clock.at(NOON + 2 * HOUR):
        pauses.pause(session, filed.ticket_id, OWNER, NOON + DAY, at=NOON + HOUR)


# ------------------------------------------------------------------------------------------------------------- contact
def test_a_w7_a_contact_written_down_late_takes_nothing_from_a_later_one(session, house):
    filed = request(session, house)
    with clock.at(NOON + DAY + HOUR):
        call(session, filed.ticket_id)
        call(session, filed.ticket_id, at=NOON + HOUR)
    goes_on = running(session, filed.ticket_id)[ClockKind.DAILY_CONTACT]
    assert goes_on.due_at == MIDNIGHT + 2 * DAY
    met = session.scalars(select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.met_at.is_not(None))).all()
    assert all(row.met_at >= row.started_at for row in met)
