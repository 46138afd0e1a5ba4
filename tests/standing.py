"""What holds of a ticket whatever was done to it: its clocks, what is planned for them, and whether it waits."""

from collections import Counter
from itertools import pairwise

from sqlalchemy import select

from tenant.models import Clock, DueAction, Pause, Ticket
from tenant.rules.terms import ClockKind, DueState, TicketState

OVER = {TicketState.CLOSED, TicketState.INVALID, TicketState.MERGED}


def check_clocks(session, ticket):
    """See that what is planned is what still runs, that nothing runs on what is over, and something on what is not."""
    clocks = session.scalars(select(Clock).where(Clock.ticket_id == ticket.id)).all()
    assert not [row for row in clocks if row.met_at is not None and row.cancelled_at is not None]
    going = {row.id for row in clocks if row.met_at is None and row.cancelled_at is None}
    planned = session.scalars(
        select(DueAction).where(DueAction.subject_id.in_([row.id for row in clocks]), DueAction.rule == "escalation")
    ).all()
    pending = Counter(row.subject_id for row in planned if row.state is DueState.PENDING)
    assert set(pending) <= going, "somebody waits to be told of what is met"
    assert all(count == 1 for count in pending.values()), "two levels wait at once"
    kinds = Counter(row.kind for row in clocks if row.id in going)
    assert all(count == 1 for count in kinds.values()), "two clocks of a kind run at once"
    over = ticket.state in OVER
    assert over is (ticket.closed_at is not None)
    assert not (over and going), "a clock runs on what is over"
    assert over or ticket.state is TicketState.DONE or going or _answered(session, ticket), "nothing runs on it"
    assert (ticket.done_at is not None) is (ticket.state is TicketState.DONE) or over
    assert all(row.due_at >= row.started_at for row in clocks)
    check_waiting(session, ticket, kinds)


def _answered(session, ticket):
    """Tell whether another matter that goes on answers it: that one's clocks run for both."""
    return ticket.parent_id is not None and session.get_one(Ticket, ticket.parent_id).done_at is None


def check_waiting(session, ticket, kinds):
    """See that a ticket waits just while a pause lasts, with its one clock, and that what stood still goes on once."""
    found = session.scalars(select(Pause).where(Pause.ticket_id == ticket.id).order_by(Pause.id)).all()
    lasting = [row for row in found if row.ended_at is None]
    assert len(lasting) == (ticket.state is TicketState.WAITING) == kinds[ClockKind.WAITING]
    assert all(row.ended_at >= row.began_at for row in found if row.ended_at is not None)
    for earlier, later in pairwise(found):
        assert earlier.ended_at <= later.began_at, "two pauses at once"
