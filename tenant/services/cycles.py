"""Since when a matter is in the cycle it is in: received, or taken up again (A-W10, A-R6).

Nothing of a cycle lies before it: a finish dated back would let the follow-up that did not satisfy count for it.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant.models import FollowUp, Ticket
from tenant.rules.terms import Satisfaction


def taken_up_at(session: Session, ticket: Ticket) -> datetime | None:
    """Return when somebody dissatisfied had the matter taken up again last, None where nobody had."""
    if ticket.cycle == 1:
        return None
    dissatisfied = select(func.max(FollowUp.made_at)).where(
        FollowUp.ticket_id == ticket.id, FollowUp.satisfaction == Satisfaction.DISSATISFIED
    )
    return session.scalars(dissatisfied).one()


def began_at(session: Session, ticket: Ticket) -> datetime:
    """Return since when steps of the matter's present cycle can have happened."""
    return max(ticket.received_at, taken_up_at(session, ticket) or ticket.received_at)
