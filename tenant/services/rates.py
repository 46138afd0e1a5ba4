"""The rates of offices, counted by the database in one statement whatever the number of matters (A-W14, A-W10).

What is counted stands in :mod:`tenant.rules.rates`; here the same is said in SQL.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Subquery, and_, case, func, or_, select
from sqlalchemy.orm import Session

from tenant.models import Complaint, FollowUp, Office, ServiceRequest, Ticket, WorkOrder
from tenant.rules.rates import Share
from tenant.rules.terms import Rate, Satisfaction, TicketKind, TicketState

_NO_MATTERS = (TicketState.INVALID, TicketState.MERGED)
_A_DAY = timedelta(days=1)


def by_office(
    session: Session, kinds: Collection[TicketKind], begin: datetime, end: datetime, at: datetime
) -> dict[int, dict[Rate, Share]]:
    """Return the rates of each office in scope that has matters of these kinds, for ``[begin, end)`` as known ``at``.

    Offices without any are left out: their shares are of nothing.
    """
    course = _courses(kinds, begin, at)
    received = and_(course.c.received_at >= begin, course.c.received_at < end)
    due = and_(received, course.c.due_at <= end)
    done = and_(course.c.done_at >= begin, course.c.done_at < end, course.c.done_at <= at)
    asked = and_(done, course.c.followed_up_at >= course.c.done_at, course.c.followed_up_at <= at)
    heard = and_(received, course.c.followed_up_at <= at)
    finished = and_(received, or_(course.c.dissatisfied_at <= at, course.c.done_at <= at))
    on_time = and_(due, course.c.done_at <= func.least(course.c.due_at, at))
    content = course.c.satisfaction.is_distinct_from(Satisfaction.DISSATISFIED)
    counted: dict[Rate, tuple[ColumnElement[bool], ColumnElement[bool]]] = {
        Rate.ACCEPTED: (and_(received, course.c.taken_at <= at), received),
        Rate.HANDLED: (and_(due, course.c.done_at <= at), due),
        Rate.ON_TIME: (on_time, due),
        Rate.FOLLOWED_UP: (asked, done),
        Rate.SATISFIED: (and_(heard, content), heard),
        Rate.REOPENED: (and_(finished, course.c.dissatisfied_at <= at), finished),
    }
    columns = [_number(condition) for pair in counted.values() for condition in pair]
    statement = select(course.c.office_id, *columns).group_by(course.c.office_id)
    found: dict[int, dict[Rate, Share]] = {}
    for office_id, *numbers in session.execute(statement):
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        found[office_id] = {rate: Share(part, whole) for rate, (part, whole) in zip(counted, pairs, strict=True)}
    return found


def _courses(kinds: Collection[TicketKind], begin: datetime, at: datetime) -> Subquery:
    """Return what became of each matter that was received, done or open since ``begin``: a row a ticket."""
    asked = select(FollowUp.made_at, FollowUp.satisfaction).where(
        FollowUp.office_id == Ticket.office_id, FollowUp.ticket_id == Ticket.id, FollowUp.made_at <= at
    )
    latest = asked.order_by(FollowUp.made_at.desc(), FollowUp.id.desc()).limit(1).correlate(Ticket).lateral("latest")
    dissatisfied = (
        select(func.min(FollowUp.made_at))
        .where(FollowUp.office_id == Ticket.office_id, FollowUp.ticket_id == Ticket.id)
        .where(FollowUp.satisfaction == Satisfaction.DISSATISFIED)
        .correlate(Ticket)
        .scalar_subquery()
    )
    midnight = func.date_trunc("day", func.timezone(Office.zone, Ticket.received_at)) + _A_DAY
    return (
        select(
            Ticket.office_id,
            Ticket.received_at,
            func.coalesce(Ticket.promised_at, func.timezone(Office.zone, midnight)).label("due_at"),
            func.least(_sent_at(), Complaint.received_by_department_at, Ticket.done_at).label("taken_at"),
            Ticket.done_at,
            dissatisfied.label("dissatisfied_at"),
            latest.c.made_at.label("followed_up_at"),
            latest.c.satisfaction,
        )
        .join(Office, Office.id == Ticket.office_id)
        .outerjoin(Complaint, and_(Complaint.ticket_id == Ticket.id, Complaint.office_id == Ticket.office_id))
        .outerjoin(latest, latest.c.made_at.is_not(None))
        .where(Ticket.kind.in_(kinds), Ticket.state.not_in(_NO_MATTERS))
        .where(or_(Ticket.received_at >= begin, Ticket.done_at >= begin))
        .subquery("course")
    )


def _sent_at() -> ScalarSelect[Any]:
    """Return when the first order of a request was dispatched; NULL while none was."""
    return (
        select(func.min(WorkOrder.dispatched_at))
        .join(
            ServiceRequest,
            and_(ServiceRequest.id == WorkOrder.request_id, ServiceRequest.office_id == Ticket.office_id),
        )
        .where(ServiceRequest.ticket_id == Ticket.id, WorkOrder.office_id == Ticket.office_id)
        .correlate(Ticket)
        .scalar_subquery()
    )


def _number(condition: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a column of counts
    return func.count(case((condition, 1)))
