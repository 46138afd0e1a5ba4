"""What somebody is told of when a limit runs out, on both sides of its minute."""

from desk import MINUTE, sweep_escalations


def told(session, ticket_id, at):
    """Return the kinds of the ticket's clocks that somebody is told of when it is ``at``."""
    return {row.clock_kind for row in sweep_escalations(session, at) if row.ticket_id == ticket_id}


def runs_out(session, ticket_id, kind, due):
    """Tell whether nobody is told of a limit a minute before ``due``, and somebody at ``due``."""
    assert kind not in told(session, ticket_id, due - MINUTE), "told a minute too early"
    return kind in told(session, ticket_id, due)
