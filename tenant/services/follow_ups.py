"""Asking the customer afterwards: every matter is followed up, and what did not satisfy is taken up again (A-W10)."""

from datetime import datetime

from sqlalchemy.orm import Session

from tenant.errors import Refusal
from tenant.models import FollowUp
from tenant.rules.terms import ClockKind, Satisfaction
from tenant.services import clocks, postings, tickets
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

    Somebody dissatisfied has the matter taken up again in its next cycle (A-W10). Raises Refusal before the matter is
    done.
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
    clocks.meet(session, ticket, made_at, ClockKind.FOLLOW_UP)
    if satisfaction is Satisfaction.DISSATISFIED:
        tickets.reopen(session, ticket, office, made_at)
    return row
