"""A complaint does what its table of states offers and nothing else (A-C1 to A-C6)."""

import pytest

import make
from desk import DAY, HOUR, complaint
from tenant import clock, policy
from tenant.errors import Refusal
from tenant.models import Ticket
from tenant.rules.terms import Gravity, PauseReason, Satisfaction, TicketState
from tenant.services import complaints, follow_ups, pauses, tickets

NOON = make.NOON
SAID = {
    "receive": lambda s, m: complaints.receive(s, m.id),
    "forward": lambda s, m: complaints.forward(s, m.id),
    "stop_harm": lambda s, m: complaints.stop_harm(s, m.id),
    "complete": lambda s, m: complaints.complete(s, m.id, outcome="已道歉"),
    "give_back": lambda s, m: complaints.give_back(s, m.id),
    "regrade": lambda s, m: complaints.regrade(s, m.id, Gravity.MAJOR, reason="住户受损"),
    "promise": lambda s, m: tickets.promise(s, m.ticket_id, clock.now() + DAY),
    "close": lambda s, m: tickets.close(s, m.ticket_id),
    "invalidate": lambda s, m: tickets.invalidate(s, m.ticket_id, "误报"),
}


def stopped(session, filed):
    complaints.stop_harm(session, filed.id)
    return filed


def brought_to(session, house, state):
    """Return a complaint, without harm going on, brought to a state."""
    filed = complaint(session, house, harm_continues=True)
    if state is TicketState.INVALID:
        tickets.invalidate(session, filed.ticket_id, "误报")
        return filed
    if state is TicketState.RECEIVED:
        complaints.receive(session, filed.id)
    if state is TicketState.WAITING:
        pauses.pause(session, filed.ticket_id, PauseReason.OWNER, NOON + DAY)
    if state in {TicketState.DONE, TicketState.CLOSED}:
        complaints.complete(session, stopped(session, filed).id, outcome="已道歉")
        filed.harm_stopped_at = None if state is TicketState.DONE else filed.harm_stopped_at
    if state is TicketState.CLOSED:
        complaints.give_back(session, filed.id)
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
        tickets.close(session, filed.ticket_id)
    session.flush()
    return filed


STATES = (
    TicketState.REGISTERED, TicketState.RECEIVED, TicketState.WAITING, TicketState.DONE, TicketState.CLOSED,
    TicketState.INVALID,
)  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", sorted(SAID))
def test_a_complaint_does_what_its_table_offers_and_nothing_else(session, house, state, verb):
    row = policy.transitions().row("complaint", verb)
    filed = brought_to(session, house, state)
    if verb == "close" and state is TicketState.DONE:
        complaints.give_back(session, filed.id)
        follow_ups.follow_up(session, filed.ticket_id, Satisfaction.SATISFIED)
    if verb == "complete" and state in row.came_from:
        stopped(session, filed)
    ticket = session.get_one(Ticket, filed.ticket_id)
    with clock.at(NOON + HOUR):
        if state not in row.came_from:
            with pytest.raises(Refusal) as refused:
                SAID[verb](session, filed)
            assert refused.value.field == "state"
            assert ticket.state is state
            return
        SAID[verb](session, filed)
    kept_waiting = state is TicketState.WAITING and verb in {"receive", "forward", "stop_harm", "promise"}
    after_regrade = TicketState.REGISTERED if state is TicketState.WAITING else state
    expected = row.to or (after_regrade if verb == "regrade" else state)
    assert ticket.state == (TicketState.WAITING if kept_waiting else expected)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (lambda s, m: complaints.complete(s, m.id, outcome=" "), "outcome"),
        (lambda s, m: complaints.complete(s, m.id), "outcome"),
        (lambda s, m: complaints.regrade(s, m.id, Gravity.MAJOR), "reason"),
        (lambda s, m: complaints.regrade(s, m.id, Gravity.INVALID, reason=""), "reason"),
    ],
)
def test_what_a_verb_needs_is_asked_at_its_field_a_c2_a_c6(session, house, said, field):
    filed = complaint(session, house)
    with pytest.raises(Refusal) as refused:
        said(session, filed)
    assert (refused.value.code, refused.value.field) == ("missing", field)
