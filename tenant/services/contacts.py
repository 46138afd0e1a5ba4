"""Speaking with the customer until the matter is done: how, when, by whom, what was said (A-W4, A-W7, B-W12)."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from tenant.models import Contact
from tenant.rules.terms import Channel, ClockKind, ClockStart, ContactMethod
from tenant.services import clocks, postings, tickets
from tenant.services.lookups import moment, optional

_LONGEST_TEXT = 500
_ANSWERED_BY: Final = {
    Channel.CALL: ContactMethod.PHONE,
    Channel.LETTER: ContactMethod.PHONE,
    Channel.VISIT: ContactMethod.DESK,
    Channel.ONLINE: ContactMethod.MESSAGE,
}


def contact(
    session: Session,
    ticket_id: int,
    method: ContactMethod,
    *,
    told: str | None = None,
    answer: str | None = None,
    at: datetime | None = None,
) -> Contact:
    """Record one contact: the first is the first reply (A-W4), the next are the daily ones (A-W7).

    ``told`` is what the customer heard, ``answer`` what the customer said. Until the matter is done the next contact is
    due on the following day, counted from the latest; one after completion tells that it is done (B-W12). Raises
    NotFound for a foreign ticket, Refusal for one that is over and for a time that has not come or lies before the
    receipt.
    """
    ticket, office = tickets.open_ticket(session, ticket_id, "联系")
    made_at = moment(at, office, field="at", label="联系时间", since=ticket.received_at)
    row = Contact(
        office_id=office.id,
        ticket_id=ticket.id,
        made_at=made_at,
        made_by_id=postings.acting_posting_id(session, office.id),
        method=method,
        told=optional(told, field="told", label="告知内容", limit=_LONGEST_TEXT),
        answer=optional(answer, field="answer", label="客户答复", limit=_LONGEST_TEXT),
    )
    session.add(row)
    clocks.meet(session, ticket, made_at, ClockKind.FIRST_REPLY)
    counted_from = [going.started_at for going in clocks.running(session, ticket, [ClockKind.DAILY_CONTACT])]
    if ticket.done_at is None:
        if all(start <= made_at for start in counted_from):
            clocks.meet(session, ticket, made_at, ClockKind.DAILY_CONTACT)
            clocks.begin_for(session, ticket, office, ClockStart.CONTACT, made_at)
    elif made_at >= ticket.done_at:
        clocks.meet(session, ticket, made_at, ClockKind.COMPLETION_REPLY)
    session.flush()
    return row


def answered_by(channel: Channel) -> ContactMethod:
    """Return how somebody who came by ``channel`` is answered at the desk."""
    return _ANSWERED_BY[channel]
