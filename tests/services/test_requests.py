"""Requests from the desk to the closed form (A-W2 to A-W10, B-W11)."""

from desk import at_desk, call, request, running, waiting
from tenant.models import Ticket
from tenant.rules.terms import ClockKind, Role, Satisfaction, TicketState
from tenant.services import follow_ups, requests, tickets


def test_a_request_walks_from_the_desk_to_the_closed_form(database, cast):
    house = cast.north
    with at_desk(database, house) as session:
        filed = request(session, house)
        ticket = session.get(Ticket, filed.ticket_id)
        assert ticket.number.startswith("BS20260302-")
        at_first = {ClockKind.FIRST_REPLY, ClockKind.DISPATCH, ClockKind.SAME_DAY, ClockKind.DAILY_CONTACT}
        assert set(running(session, ticket.id)) == waiting(session, ticket.id) == at_first
        call(session, ticket.id, told="马上派人")
        order = requests.dispatch(session, filed.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
        assert order.number == f"{ticket.number}-1"
        assert set(running(session, ticket.id)) == {ClockKind.ON_SITE, ClockKind.SAME_DAY, ClockKind.DAILY_CONTACT}
        requests.receive(session, order.id)
        requests.arrive(session, order.id)
        requests.complete(session, order.id, outcome="换了阀门")
        assert set(running(session, ticket.id)) == waiting(session, ticket.id) == {ClockKind.FOLLOW_UP}
        follow_ups.follow_up(session, ticket.id, Satisfaction.SATISFIED)
        tickets.close(session, ticket.id)
        assert ticket.state is TicketState.CLOSED
        assert running(session, ticket.id) == {}
        assert waiting(session, ticket.id) == set()
