"""Requests from the desk to the closed form."""

from contextlib import contextmanager
from datetime import timedelta

import make
import pytest
from sqlalchemy import select

from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, DueAction, Ticket
from tenant.rules.terms import ClockKind, DueState, Role, Satisfaction, TicketState
from tenant.services import follow_ups, requests, tickets

MINUTE = timedelta(minutes=1)


@contextmanager
def desk(database, house, at=make.NOON):
    with database.session(house.scope(), house.actor(Role.FRONT_DESK)) as session, clock.at(at):
        yield session


def running(session, ticket_id):
    found = session.scalars(
        select(Clock).where(Clock.ticket_id == ticket_id, Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
    )
    return {row.kind: row for row in found}


def waiting(session, ticket_id):
    return set(
        session.scalars(
            select(Clock.kind)
            .join(DueAction, DueAction.subject_id == Clock.id)
            .where(Clock.ticket_id == ticket_id, DueAction.subject_kind == "clock", DueAction.state == DueState.PENDING)
        )
    )


def register(session, house, **fields):
    return requests.register_request(
        session, **{"office_id": house.id, "unit_id": house.unit.id, "content": "水管漏水"} | fields
    )


def test_a_request_walks_from_the_desk_to_the_closed_form(database, cast):
    house = cast.north
    with desk(database, house) as session:
        request = register(session, house)
        ticket = session.get(Ticket, request.ticket_id)
        assert ticket.number.startswith("BS20260302-")
        assert set(running(session, ticket.id)) == waiting(session, ticket.id) == {
            ClockKind.FIRST_REPLY, ClockKind.DISPATCH, ClockKind.SAME_DAY, ClockKind.DAILY_CONTACT
        }  # fmt: skip
        tickets.reply(session, ticket.id, answer="马上派人")
        order = requests.dispatch(session, request.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
        assert order.number == f"{ticket.number}-1"
        assert set(running(session, ticket.id)) == {ClockKind.ON_SITE, ClockKind.SAME_DAY, ClockKind.DAILY_CONTACT}
        requests.receive(session, order.id)
        requests.arrive(session, order.id)
        requests.complete(session, order.id, outcome="换了阀门")
        assert set(running(session, ticket.id)) == waiting(session, ticket.id) == {ClockKind.FOLLOW_UP}
        follow_ups.follow_up(session, ticket.id, Satisfaction.SATISFIED)
        tickets.close(session, ticket.id)
        assert ticket.state is TicketState.CLOSED
        assert running(session, ticket.id) == {} and waiting(session, ticket.id) == set()
