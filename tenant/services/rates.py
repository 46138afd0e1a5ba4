"""The rates of offices, counted by the database in one statement whatever the number of matters (A-W14, A-W10).

What is counted stands in :mod:`tenant.rules.rates`; here the same is said in SQL.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, ScalarSelect, String, Subquery, and_, case, cast, func, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from tenant.models import (
    Building,
    Clock,
    Complaint,
    Department,
    FollowUp,
    Office,
    Pause,
    Posting,
    ServiceRequest,
    Staff,
    Ticket,
    Topic,
    Unit,
    WorkOrder,
)
from tenant.rules.rates import Share, Waited
from tenant.rules.terms import (
    ClockKind,
    Gravity,
    Grouping,
    PauseReason,
    Rate,
    RequestCategory,
    Satisfaction,
    TicketKind,
    TicketState,
)
from tenant.services import orders

Shares: TypeAlias = dict[Rate, Share]
Group: TypeAlias = str | int | None
"""What matters are told apart by: a category's or gravity's code, a row's id; None where there is none."""

_NO_MATTERS: Final = (TicketState.INVALID, TicketState.MERGED)
_ASKING: Final = (RequestCategory.CONSULTATION, RequestCategory.SUGGESTION)
_A_DAY: Final = timedelta(days=1)


def by_office(
    session: Session, kinds: Collection[TicketKind], begin: datetime, end: datetime, at: datetime
) -> dict[int, Shares]:
    """Return the rates of each office in scope that has matters of these kinds, for ``[begin, end)`` as known ``at``.

    Offices without any are left out: their shares are of nothing.
    """
    return {office_id: shares for (office_id, _), shares in by_group(session, kinds, begin, end, at, None).items()}


def by_group(
    session: Session,
    kinds: Collection[TicketKind],
    begin: datetime,
    end: datetime,
    at: datetime,
    grouping: Grouping | None,
) -> dict[tuple[int, Group], Shares]:
    """Return the same of each group of an office's matters; groups without any matter are left out (A-W15)."""
    course = _courses(kinds, begin, at, grouping)
    counted = _counted(course, begin, end, at)
    columns = [_number(condition) for pair in counted.values() for condition in pair]
    statement = select(course.c.office_id, course.c.group, *columns).group_by(course.c.office_id, course.c.group)
    found: dict[tuple[int, Group], Shares] = {}
    for office_id, group, *numbers in session.execute(statement):
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        found[office_id, group] = {rate: Share(part, whole) for rate, (part, whole) in zip(counted, pairs, strict=True)}
    return found


def names(session: Session, grouping: Grouping, groups: Collection[Group]) -> dict[Group, str]:
    """Return what the groups are called, ``未注明`` for none."""
    found: dict[Group, str] = {None: "未注明"}
    if grouping is Grouping.CATEGORY:
        words = {term.value: term.label for term in (*RequestCategory, *Gravity)}
        return found | {code: words[str(code)] for code in groups if code is not None}
    ids = [group for group in groups if group is not None]
    if grouping is Grouping.PERSON:
        people = select(Posting.id, Staff.name).join(Staff, Staff.id == Posting.staff_id).where(Posting.id.in_(ids))
        return found | dict(iter(session.execute(people)))
    column = _NAMED_BY[grouping]
    rows = select(column.class_.id, column).where(column.class_.id.in_(ids))
    return found | dict(iter(session.execute(rows)))


def waited(
    session: Session, kinds: Collection[TicketKind], begin: datetime, end: datetime, at: datetime
) -> dict[int, dict[PauseReason, Waited]]:
    """Return how work waited in each office in scope, by reason (A-W5, B-W19); what nobody waited for is left out."""
    stop = min(end, at)
    if stop <= begin:
        return {}
    ended_at = func.least(func.coalesce(Pause.ended_at, stop), stop)
    lasted = func.sum(func.extract("epoch", ended_at - func.greatest(Pause.began_at, begin)))
    statement = (
        select(Pause.office_id, Pause.reason, func.count(), func.floor(lasted / 60), _number(ended_at > Pause.until_at))
        .join(Ticket, and_(Ticket.id == Pause.ticket_id, Ticket.office_id == Pause.office_id))
        .where(Ticket.kind.in_(kinds), Pause.began_at < stop, or_(Pause.ended_at.is_(None), Pause.ended_at > begin))
        .group_by(Pause.office_id, Pause.reason)
    )
    found: dict[int, dict[PauseReason, Waited]] = {}
    for office_id, reason, count, minutes, past in session.execute(statement):
        found.setdefault(office_id, {})[reason] = Waited(count, int(minutes), past)
    return found


# ---- the same as the rules, in SQL
def _counted(
    course: Subquery, begin: datetime, end: datetime, at: datetime
) -> Mapping[Rate, tuple[ColumnElement[bool], ColumnElement[bool]]]:
    """Return of each rate what is counted, and out of what."""
    received = and_(course.c.received_at >= begin, course.c.received_at < end)
    due = and_(received, course.c.due_at <= end)
    done = and_(course.c.done_at >= begin, course.c.done_at < end, course.c.done_at <= at)
    asked = and_(done, course.c.followed_up_at >= course.c.done_at, course.c.followed_up_at <= at)
    to_ask = and_(done, course.c.asking_due_at <= end)
    heard = and_(received, course.c.followed_up_at <= at)
    finished = and_(received, or_(course.c.dissatisfied_at <= at, course.c.done_at <= at))
    content = course.c.satisfaction.is_distinct_from(Satisfaction.DISSATISFIED)
    asking = and_(received, course.c.asks)
    return {
        Rate.ACCEPTED: (and_(received, course.c.taken_at <= at), received),
        Rate.HANDLED: (and_(due, course.c.done_at <= at), due),
        Rate.ON_TIME: (and_(due, course.c.done_at <= func.least(course.c.due_at, at)), due),
        Rate.FOLLOWED_UP: (asked, done),
        Rate.FOLLOWED_UP_ON_TIME: (and_(to_ask, course.c.asked_at <= func.least(course.c.asking_due_at, at)), to_ask),
        Rate.REPLIED: (and_(asking, course.c.done_at <= at), asking),
        Rate.SATISFIED: (and_(heard, content), heard),
        Rate.REOPENED: (and_(finished, course.c.dissatisfied_at <= at), finished),
    }


def _courses(kinds: Collection[TicketKind], begin: datetime, at: datetime, grouping: Grouping | None) -> Subquery:
    """Return what became of each matter that was received, done or open since ``begin``: a row a ticket."""
    followed = select(FollowUp.made_at, FollowUp.satisfaction).where(
        FollowUp.office_id == Ticket.office_id, FollowUp.ticket_id == Ticket.id, FollowUp.made_at <= at
    )
    latest = followed.order_by(FollowUp.made_at.desc(), FollowUp.id.desc()).limit(1).correlate(Ticket).lateral("latest")
    asking = select(Clock.due_at, Clock.met_at).where(
        Clock.office_id == Ticket.office_id, Clock.ticket_id == Ticket.id, Clock.kind == ClockKind.FOLLOW_UP
    )
    to_ask = asking.order_by(Clock.cycle.desc()).limit(1).correlate(Ticket).lateral("to_ask")
    order = _latest_order()
    midnight = func.date_trunc("day", func.timezone(Office.zone, Ticket.received_at)) + _A_DAY
    return (
        select(
            Ticket.office_id,
            Ticket.received_at,
            func.coalesce(Ticket.promised_at, func.timezone(Office.zone, midnight)).label("due_at"),
            func.least(_sent_at(), Complaint.received_by_department_at, Ticket.done_at).label("taken_at"),
            Ticket.done_at,
            _dissatisfied_at().label("dissatisfied_at"),
            latest.c.made_at.label("followed_up_at"),
            latest.c.satisfaction,
            to_ask.c.due_at.label("asking_due_at"),
            to_ask.c.met_at.label("asked_at"),
            func.coalesce(ServiceRequest.category.in_(_ASKING), False).label("asks"),
            _group(grouping, order).label("group"),
        )
        .join(Office, Office.id == Ticket.office_id)
        .outerjoin(
            ServiceRequest, and_(ServiceRequest.ticket_id == Ticket.id, ServiceRequest.office_id == Ticket.office_id)
        )
        .outerjoin(Complaint, and_(Complaint.ticket_id == Ticket.id, Complaint.office_id == Ticket.office_id))
        .outerjoin(Unit, and_(Unit.id == Ticket.unit_id, Unit.office_id == Ticket.office_id))
        .outerjoin(latest, latest.c.made_at.is_not(None))
        .outerjoin(to_ask, to_ask.c.due_at.is_not(None))
        .outerjoin(order, order.c.id.is_not(None))
        .where(Ticket.kind.in_(kinds), Ticket.state.not_in(_NO_MATTERS))
        .where(or_(Ticket.received_at >= begin, Ticket.done_at >= begin))
        .subquery("course")
    )


def _group(grouping: Grouping | None, order: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a lateral subquery
    """Return what a matter is told apart by, as :data:`tenant.rules.rates.GROUPED_BY` says."""
    if grouping is Grouping.CATEGORY:
        return func.coalesce(cast(ServiceRequest.category, String), cast(Complaint.gravity, String))
    if grouping is Grouping.DEPARTMENT:
        return func.coalesce(Complaint.department_id, order.c.department_id)
    if grouping is Grouping.TOPIC:
        return Ticket.topic_id.expression
    if grouping is Grouping.BUILDING:
        return Unit.building_id.expression
    if grouping is Grouping.PERSON:
        return case((order.c.id.is_not(None), order.c.technician_id), else_=Ticket.registered_by_id)
    return null()


_NAMED_BY: Final[Mapping[Grouping, InstrumentedAttribute[str]]] = {
    Grouping.DEPARTMENT: Department.name,
    Grouping.TOPIC: Topic.name,
    Grouping.BUILDING: Building.name,
}


def _latest_order() -> Any:  # noqa: ANN401 - a lateral subquery
    """Return the latest order of a request that was not called off."""
    return (
        select(WorkOrder.id, WorkOrder.department_id, WorkOrder.technician_id)
        .where(
            WorkOrder.office_id == Ticket.office_id,
            WorkOrder.request_id == ServiceRequest.id,
            WorkOrder.state.not_in(orders.CALLED_OFF),
        )
        .order_by(WorkOrder.id.desc())
        .limit(1)
        .correlate(Ticket, ServiceRequest)
        .lateral("latest_order")
    )


def _dissatisfied_at() -> ScalarSelect[Any]:
    """Return when somebody was dissatisfied first; NULL while nobody was."""
    return (
        select(func.min(FollowUp.made_at))
        .where(FollowUp.office_id == Ticket.office_id, FollowUp.ticket_id == Ticket.id)
        .where(FollowUp.satisfaction == Satisfaction.DISSATISFIED)
        .correlate(Ticket)
        .scalar_subquery()
    )


def _sent_at() -> ScalarSelect[Any]:
    """Return when the first order of a request was dispatched; NULL while none was."""
    return (
        select(func.min(WorkOrder.dispatched_at))
        .where(WorkOrder.request_id == ServiceRequest.id, WorkOrder.office_id == Ticket.office_id)
        .correlate(Ticket, ServiceRequest)
        .scalar_subquery()
    )


def _number(condition: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a column of counts
    return func.count(case((condition, 1)))
