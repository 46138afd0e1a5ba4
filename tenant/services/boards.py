"""The boards: what lies with a department, with somebody who is sent, with who answers for the office.

Each is lanes of places, the urgent and the latest first, found in one statement whatever there is; the rows that are
shown are read afterwards. Nothing is changed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    String,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased, contains_eager

from tenant.models import (
    Clock,
    Complaint,
    Defect,
    Escalation,
    FollowUp,
    LogEntry,
    Pause,
    ServiceRequest,
    Ticket,
    WorkOrder,
)
from tenant.rules.terms import ClockKind, Gravity, Satisfaction, TicketKind, TicketState, WorkOrderState
from tenant.services import orders

TO_RECEIVE: Final = "to_receive"
UNDER_WAY: Final = "under_way"
WAITING: Final = "waiting"
TO_SIGN: Final = "to_sign"
TO_GIVE_BACK: Final = "to_give_back"
TO_LOOK: Final = "to_look"
OVERDUE: Final = "overdue"
ESCALATED: Final = "escalated"
UNSATISFIED: Final = "unsatisfied"
GRAVE: Final = "grave"
OVERLONG: Final = "overlong"

ORDER: Final = "order"
COMPLAINT: Final = "complaint"
DEFECT: Final = "defect"
TICKET: Final = "ticket"
FOLLOW_UP: Final = "follow_up"
PAUSE: Final = "pause"

WORKING_CLOCKS: Final = (
    ClockKind.ON_SITE,
    ClockKind.SAME_DAY,
    ClockKind.PROMISED,
    ClockKind.DEPARTMENT_RECEIPT,
    ClockKind.RETURN,
    ClockKind.WAITING,
)
"""The clocks that who does the work has to meet; answering, forwarding and following up are the desk's."""
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""What is waited for when no clock runs: last of all."""

Candidates = Select[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something lies in its lane: by rank (0 first), then by when it is due, :data:`NEVER` where it never is."""

    rank: int
    due_at: datetime
    kind: str
    row_id: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of a board: its first places, and how many there are from the first of them on."""

    name: str
    places: tuple[Place, ...]
    count: int

    @property
    def last(self) -> Place | None:
        """Return the place after which the lane goes on, None where all of it is here."""
        return self.places[-1] if self.count > len(self.places) else None


@dataclass(frozen=True, slots=True)
class DayNumbers:
    """What happened in a day: requests and defects registered, complaints registered, matters finished, customers
    followed up, and of these not satisfied.
    """

    registered: int
    complained: int
    finished: int
    followed_up: int
    unsatisfied: int


@dataclass(frozen=True, slots=True)
class LogDay:
    """A day of the daily log: its entries, those nobody has seen to, and the latest of them, None on an empty day."""

    entries: int
    waiting: int
    latest_id: int | None


def department_board(
    session: Session, department_ids: Sequence[int], *, most: int, lane: str | None = None, after: Place | None = None
) -> list[Lane]:
    """Return what lies with the departments: to be received (A-W3, A-C5), under way, waiting, to be signed by the
    customer (A-W9), to be given back (A-C6). At most ``most`` places a lane; ``lane`` and ``after``: more of that one.
    """
    working = select(*_order(_stage(), WorkOrder.id)).join(WorkOrder.request).join(ServiceRequest.ticket)
    working = working.where(WorkOrder.department_id.in_(department_ids), WorkOrder.state.in_(_HELD))
    complained = _complaints().where(Complaint.department_id.in_(department_ids))
    names = (TO_RECEIVE, UNDER_WAY, WAITING, TO_SIGN, TO_GIVE_BACK)
    return _lanes(session, (working, complained), names, most, lane, after)


def order_board(
    session: Session, posting_ids: Sequence[int], *, most: int, lane: str | None = None, after: Place | None = None
) -> list[Lane]:
    """Return what somebody was sent to do (A-W5) or to look at (A-R1), by the postings through which they work."""
    stage = case(
        (WorkOrder.state == WorkOrderState.WAITING, WAITING),
        (WorkOrder.state == WorkOrderState.DONE, TO_SIGN),
        else_=UNDER_WAY,
    )
    working = select(*_order(stage, WorkOrder.id)).join(WorkOrder.request).join(ServiceRequest.ticket)
    working = working.where(WorkOrder.technician_id.in_(posting_ids), WorkOrder.state.in_(_HELD))
    looking = select(*_candidate(literal(TO_LOOK), literal(1), _due(), DEFECT, Defect.id)).join(Defect.ticket)
    looking = looking.where(
        Defect.inspector_id.in_(posting_ids),
        Defect.confirmed_at.is_(None),
        Ticket.closed_at.is_(None),
        Ticket.done_at.is_(None),
    )
    return _lanes(session, (working, looking), (UNDER_WAY, TO_LOOK, WAITING, TO_SIGN), most, lane, after)


def order_of(session: Session, order_id: int, posting_ids: Sequence[int]) -> Place | None:
    """Return the place of one order of somebody's, None where it is another's, over, or not there."""
    statement = select(WorkOrder.id).where(
        WorkOrder.id == order_id, WorkOrder.technician_id.in_(posting_ids), WorkOrder.state.in_(_HELD)
    )
    return None if session.scalars(statement).one_or_none() is None else Place(0, NEVER, ORDER, order_id)


def office_board(
    session: Session, at: datetime, *, most: int, lane: str | None = None, after: Place | None = None
) -> list[Lane]:
    """Return what who answers for the office must see at ``at``: gone up the line, overdue, not satisfied and what
    follows (A-W10), important and grave complaints (A-C2, A-C3), waiting longer than was agreed (B-W19).
    """
    found = (_escalated(), _overdue(at), _unsatisfied(), _important(), _overlong(at))
    return _lanes(session, found, (ESCALATED, OVERDUE, UNSATISFIED, GRAVE, OVERLONG), most, lane, after)


def to_receive_count(session: Session, department_ids: Sequence[int], *, most: int = 100) -> int:
    """Return how many orders and complaints wait for the departments to sign for them, counted up to ``most``."""
    sent = select(WorkOrder.id).where(
        WorkOrder.department_id.in_(department_ids), WorkOrder.state == WorkOrderState.DISPATCHED
    )
    complained = select(Complaint.id).join(Complaint.ticket)
    complained = complained.where(
        Complaint.department_id.in_(department_ids),
        Complaint.received_by_department_at.is_(None),
        Ticket.done_at.is_(None),
        Ticket.closed_at.is_(None),
    )
    found = [session.scalars(statement.limit(most)).all() for statement in (sent, complained)]
    return min(sum(len(ids) for ids in found), most)


def to_do_count(session: Session, posting_ids: Sequence[int], *, most: int = 100) -> int:
    """Return how many orders somebody has still to do, counted up to ``most``."""
    statement = select(WorkOrder.id).where(
        WorkOrder.technician_id.in_(posting_ids), WorkOrder.state.not_in(orders.OVER)
    )
    return len(session.scalars(statement.limit(most)).all())


def day_numbers(session: Session, since: datetime, until: datetime) -> DayNumbers:
    """Return what happened from ``since`` to before ``until``."""

    def within(column: Column) -> ColumnElement[bool]:
        return and_(column >= since, column < until)

    about_tickets = select(
        func.count(case((and_(within(Ticket.received_at), Ticket.kind != TicketKind.COMPLAINT), 1))),
        func.count(case((and_(within(Ticket.received_at), Ticket.kind == TicketKind.COMPLAINT), 1))),
        func.count(case((within(Ticket.done_at), 1))),
    ).select_from(Ticket)
    about_tickets = about_tickets.where(or_(within(Ticket.received_at), within(Ticket.done_at)))
    unhappy = case((FollowUp.satisfaction == Satisfaction.DISSATISFIED, 1))
    about_calls = select(func.count(FollowUp.id), func.count(unhappy)).select_from(FollowUp)
    about_calls = about_calls.where(within(FollowUp.made_at))
    return DayNumbers(*session.execute(about_tickets).one(), *session.execute(about_calls).one())


def log_of_day(session: Session, office_id: int, since: datetime, until: datetime) -> LogDay:
    """Return how the daily log of a day stands that begins at ``since`` and ends before ``until`` (B-S2, A-S5)."""
    waiting = case((LogEntry.settled_at.is_(None), 1))
    statement = select(func.count(LogEntry.id), func.count(waiting), func.max(LogEntry.id)).select_from(LogEntry)
    of_day = (LogEntry.office_id == office_id, LogEntry.at >= since, LogEntry.at < until)
    return LogDay(*session.execute(statement.where(*of_day)).one())


def first_clocks(session: Session, ticket_ids: Sequence[int], *, working: bool) -> dict[int, Clock]:
    """Return of each ticket the running clock that ends first, by the ticket's id; ``working``: of the work alone."""
    statement = (
        select(Clock)
        .ext(distinct_on(Clock.ticket_id))
        .where(Clock.ticket_id.in_(ticket_ids), is_running())
        .order_by(Clock.ticket_id, Clock.due_at, Clock.id)
    )
    if working:
        statement = statement.where(Clock.kind.in_(WORKING_CLOCKS))
    return {row.ticket_id: row for row in session.scalars(statement)}


def latest_orders(session: Session, ticket_ids: Sequence[int]) -> dict[int, WorkOrder]:
    """Return of each ticket's orders the one that was sent last, by the ticket's id."""
    statement = (
        select(WorkOrder)
        .ext(distinct_on(ServiceRequest.ticket_id))
        .join(WorkOrder.request)
        .options(contains_eager(WorkOrder.request))
        .where(ServiceRequest.ticket_id.in_(ticket_ids))
        .order_by(ServiceRequest.ticket_id, WorkOrder.id.desc())
    )
    return {row.request.ticket_id: row for row in session.scalars(statement)}


def is_running() -> ColumnElement[bool]:
    """Return the condition of a clock that runs and waits for somebody; the month to 重大 waits for nobody."""
    return and_(Clock.met_at.is_(None), Clock.cancelled_at.is_(None), Clock.kind != ClockKind.REGRADE)


# ---- what may lie on a board: lane, rank, due, kind, id
_HELD: Final = (
    WorkOrderState.DISPATCHED,
    WorkOrderState.RECEIVED,
    WorkOrderState.ACCEPTED,
    WorkOrderState.ON_THE_WAY,
    WorkOrderState.UNDER_WAY,
    WorkOrderState.WAITING,
    WorkOrderState.DONE,
)


def _candidate(lane: Column, rank: Column, due_at: Column, kind: str, row_id: Column) -> tuple[Column, ...]:
    return (
        lane.label("lane"),
        rank.label("rank"),
        func.coalesce(due_at, NEVER).label("due_at"),
        literal(kind, String).label("kind"),
        row_id.label("row_id"),
    )


def _due() -> Column:
    """Return when the first working clock of the ticket at hand ends; looked up by key, ticket by ticket."""
    ends = select(func.min(Clock.due_at)).where(Clock.ticket_id == Ticket.id, Clock.kind.in_(WORKING_CLOCKS))
    return ends.where(is_running()).correlate(Ticket).scalar_subquery()


def _stage() -> Column:
    return case(
        (WorkOrder.state == WorkOrderState.DISPATCHED, TO_RECEIVE),
        (WorkOrder.state == WorkOrderState.WAITING, WAITING),
        (WorkOrder.state == WorkOrderState.DONE, TO_SIGN),
        else_=UNDER_WAY,
    )


def _order(lane: Column, row_id: Column) -> tuple[Column, ...]:
    """Return the columns of an order: the urgent before the others, what has only to be signed in its turn."""
    return _candidate(lane, case((ServiceRequest.urgent, 0), else_=1), _due(), ORDER, row_id)


def _complaints() -> Candidates:
    lane = case(
        (Ticket.done_at.is_not(None), TO_GIVE_BACK),
        (Ticket.state == TicketState.WAITING, WAITING),
        (Complaint.received_by_department_at.is_(None), TO_RECEIVE),
        else_=UNDER_WAY,
    )
    columns = _candidate(lane, case((_harm_goes_on(), 0), else_=1), _due(), COMPLAINT, Complaint.id)
    statement = select(*columns).join(Complaint.ticket).where(Ticket.closed_at.is_(None))
    return statement.where(or_(Ticket.done_at.is_(None), Complaint.returned_at.is_(None)))


def _harm_goes_on() -> ColumnElement[bool]:
    return and_(Complaint.harm_continues, Complaint.harm_stopped_at.is_(None))


def _overdue(at: datetime) -> Candidates:
    """Return every ticket with a clock that has run out, the oldest first."""
    first = func.min(Clock.due_at)
    statement = select(*_candidate(literal(OVERDUE), literal(0), first, TICKET, Clock.ticket_id))
    return statement.where(is_running(), Clock.due_at < at).group_by(Clock.ticket_id)


def _escalated() -> Candidates:
    """Return every open ticket with an escalation nobody has acknowledged, those that went furthest first."""
    rank, first = -func.max(Escalation.level), func.min(Escalation.raised_at)
    statement = select(*_candidate(literal(ESCALATED), rank, first, TICKET, Escalation.ticket_id))
    statement = statement.join(Escalation.ticket).where(Ticket.closed_at.is_(None))
    return statement.where(Escalation.acknowledged_at.is_(None)).group_by(Escalation.ticket_id)


def _unsatisfied() -> Candidates:
    """Return what the customer said last of every open ticket where that was that they were not satisfied (A-W10)."""
    later = aliased(FollowUp)
    said_later = select(later.id).where(
        later.ticket_id == FollowUp.ticket_id, tuple_(later.made_at, later.id) > tuple_(FollowUp.made_at, FollowUp.id)
    )
    columns = _candidate(literal(UNSATISFIED), literal(0), FollowUp.made_at, FOLLOW_UP, FollowUp.id)
    statement = select(*columns).join(FollowUp.ticket).where(Ticket.closed_at.is_(None))
    return statement.where(FollowUp.satisfaction == Satisfaction.DISSATISFIED, ~said_later.exists())


def _important() -> Candidates:
    """Return every open complaint that is grave or important: harm going on first, then the grave."""
    rank = case((_harm_goes_on(), 0), (Complaint.gravity == Gravity.GRAVE, 1), else_=2)
    statement = select(*_candidate(literal(GRAVE), rank, Ticket.received_at, COMPLAINT, Complaint.id))
    statement = statement.join(Complaint.ticket).where(Ticket.closed_at.is_(None))
    return statement.where(Complaint.gravity.in_((Gravity.MAJOR, Gravity.GRAVE)))


def _overlong(at: datetime) -> Candidates:
    statement = select(*_candidate(literal(OVERLONG), literal(0), Pause.until_at, PAUSE, Pause.id))
    statement = statement.join(Pause.ticket).where(Ticket.closed_at.is_(None))
    return statement.where(Pause.ended_at.is_(None), Pause.until_at < at)


# ---- lanes of them
def _lanes(
    session: Session,
    candidates: Sequence[Candidates],
    names: Sequence[str],
    most: int,
    lane: str | None,
    after: Place | None,
) -> list[Lane]:
    """Return the lanes in the order of their names, the first ``most`` places of each."""
    each = union_all(*candidates).subquery("each")
    key = (each.c.rank, each.c.due_at, each.c.kind, each.c.row_id)
    numbered = select(
        each,
        func.row_number().over(partition_by=each.c.lane, order_by=key).label("number"),
        func.count().over(partition_by=each.c.lane).label("total"),
    )
    if lane is not None:
        numbered = numbered.where(each.c.lane == lane)
        if after is not None:
            numbered = numbered.where(tuple_(*key) > tuple_(after.rank, after.due_at, after.kind, after.row_id))
    ranked = numbered.subquery("ranked")
    statement = select(ranked).where(ranked.c.number <= most).order_by(ranked.c.lane, ranked.c.number)
    found: dict[str, list[Any]] = {}
    for row in session.execute(statement):
        found.setdefault(row.lane, []).append(row)
    return [
        Lane(
            name=name,
            places=tuple(Place(row.rank, row.due_at, row.kind, row.row_id) for row in found.get(name, ())),
            count=found[name][0].total if name in found else 0,
        )
        for name in names
        if lane in {None, name}
    ]
