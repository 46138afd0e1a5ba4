"""Asking the customer afterwards: every matter is followed up, and what did not satisfy is taken up again (A-W10)."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant.errors import Refusal
from tenant.models import FollowUp
from tenant.rules.terms import ClockKind, Satisfaction, TicketKind
from tenant.services import clocks, postings, requests, tickets
from tenant.services.lookups import moment, optional

_LONGEST_ANSWER = 500


def follow_up(
    session: Session,
    ticket_id: int,
    satisfaction: Satisfaction,
    *,
    answer: str | None = None,
    at: datetime | None = None,
) -> FollowUp:
    """Record what the customer said after the work: meets the follow-up clock (B-W11, B-C11).

    Somebody dissatisfied has the matter taken up again in its next cycle, a request by an order that follows the last
    one, to the same department (A-W10). Who is asked has heard that it is done (B-W12). Raises Refusal before it is.
    """
    ticket, office = tickets.open_ticket(session, ticket_id, "回访")
    if ticket.done_at is None:
        raise Refusal(
            code="not_done",
            message=f"{ticket.number} 还没有办完，不能回访。办理中的联系请登记为答复；办完后先登记完成。",
            field="state",
            value=ticket.state.label,
        )
    made_at = moment(at, office, field="at", label="回访时间", since=ticket.done_at)
    row = FollowUp(
        office_id=office.id,
        ticket_id=ticket.id,
        made_at=made_at,
        made_by_id=postings.acting_posting_id(session, office.id),
        satisfaction=satisfaction,
        answer=optional(answer, field="answer", label="客户意见", limit=_LONGEST_ANSWER),
    )
    session.add(row)
    clocks.meet(session, ticket, made_at, ClockKind.FOLLOW_UP, ClockKind.COMPLETION_REPLY)
    if satisfaction is Satisfaction.DISSATISFIED:
        tickets.reopen(session, ticket, office, made_at)
        if ticket.kind is TicketKind.REQUEST:
            requests.follow_on(session, ticket, office, made_at)
    return row


def said_of(session: Session, works: Mapping[int, tuple[int, datetime | None]]) -> dict[int, FollowUp]:
    """Return what the customer said last of each piece of work, by its id; nothing for work nobody asked about.

    ``works`` names the ticket of each, and when it was done. Once somebody was dissatisfied, what is said later is said
    of what followed (A-W10, A-R6).
    """
    statement = select(FollowUp).where(FollowUp.ticket_id.in_({ticket_id for ticket_id, _ in works.values()}))
    heard: dict[int, list[FollowUp]] = {}
    for row in session.scalars(statement.order_by(FollowUp.made_at, FollowUp.id)):
        heard.setdefault(row.ticket_id, []).append(row)
    found = {key: _answer(heard.get(ticket_id, []), done_at) for key, (ticket_id, done_at) in works.items() if done_at}
    return {key: row for key, row in found.items() if row is not None}


def _answer(heard: list[FollowUp], done_at: datetime) -> FollowUp | None:
    """Return the last follow-up since the work was done, up to the one that had the matter taken up again."""
    last = None
    for row in heard:
        if row.made_at >= done_at:
            last = row
            if row.satisfaction is Satisfaction.DISSATISFIED:
                break
    return last
