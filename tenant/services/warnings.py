"""Telling those who have a matter that its clock will run out, before it does: once, and never when it has.

What is told was planned when the clock began; here it is looked at again, under the ticket's lock. Who is told is
whoever the first level of the clock's ladder would be.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant.models import Clock, DueAction, Ticket
from tenant.services import clocks, escalations
from tenant.services.escalations import Raised
from tenant.services.lookups import find

RULE = clocks.WARNING


def warn(session: Session, due_action: DueAction, at: datetime) -> Raised | None:
    """Note that the clock's people are warned at ``at``, and return who is to be told of what.

    None when there is nothing to warn of any more: met, cancelled, run out already, warned before, the ticket over, or
    when nobody would be told of a breach either.
    """
    ticket_id = session.scalars(select(Clock.ticket_id).where(Clock.id == due_action.subject_id)).one_or_none()
    if ticket_id is None:
        return None
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    clock = find(session, Clock, due_action.subject_id, field="clock", lock=True)
    over = ticket.closed_at is not None or clock.met_at is not None or clock.cancelled_at is not None
    if over or clock.warned_at is not None or clock.warn_at is None or not clock.warn_at <= at < clock.due_at:
        return None
    ladder = clocks.ladder_of(session, ticket, clock)
    if not ladder:
        return None
    clock.warned_at = at
    session.flush()
    first, *above = ladder
    return escalations.facts_of(session, clock, ticket, (first.role,), tuple(step.role for step in above))
