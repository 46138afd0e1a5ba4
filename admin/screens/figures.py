"""The numbers of the workbench and of supervision: by office, in one statement a number whatever the number of offices.

Everything is read in the scope of the session at hand; nothing is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, and_, case, distinct, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from tenant.models import Charge, Clock, Escalation, Mail, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import ClockKind, MailState, TicketKind
from tenant.services.arrears import paid_up_to

NOTHING: Final = Decimal(0)
Statement = Select[*tuple[Any, ...]]
TROUBLE: Final = (MailState.FAILED, MailState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OfficeFigures:
    """How one office stands: matters as counts, money in yuan; ``billed`` and ``paid`` since the year began."""

    office_id: int
    open: int = 0
    overdue: int = 0
    escalated: int = 0
    to_follow_up: int = 0
    mail_trouble: int = 0
    debtors: int = 0
    arrears: Decimal = NOTHING
    billed: Decimal = NOTHING
    paid: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tickets somebody may see: of these kinds, and (``technician``, a posting) only their own orders'."""

    kinds: tuple[TicketKind, ...]
    technician: int | None = None

    def narrow(self, statement: Statement) -> Statement:
        """Return a statement over tickets narrowed to these."""
        statement = statement.where(Ticket.kind.in_(self.kinds))
        if self.technician is None:
            return statement
        own = (
            select(ServiceRequest.ticket_id)
            .join(WorkOrder, WorkOrder.request_id == ServiceRequest.id)
            .where(WorkOrder.technician_id == self.technician)
        )
        return statement.where(Ticket.id.in_(own))


def running() -> Any:
    """Return the condition of a clock that runs and waits for somebody; the month to 重大 waits for nobody."""
    return and_(Clock.met_at.is_(None), Clock.cancelled_at.is_(None), Clock.kind != ClockKind.REGRADE)


def by_office(session: Session, office_ids: Iterable[int], at: datetime, day: date) -> dict[int, OfficeFigures]:
    """Return the figures of the offices, also of one where nothing is open, at the instant ``at`` on ``day``."""
    counts: Mapping[str, Mapping[int, int]] = {
        "open": _counted(session, select(Ticket.office_id, func.count()).where(Ticket.closed_at.is_(None))),
        "overdue": _counted(
            session, select(Clock.office_id, func.count(distinct(Clock.ticket_id))).where(running(), Clock.due_at < at)
        ),
        "escalated": _counted(session, _escalated(select(Escalation.office_id, func.count()))),
        "to_follow_up": _counted(
            session,
            select(Ticket.office_id, func.count()).where(Ticket.closed_at.is_(None), Ticket.done_at.is_not(None)),
        ),
        "mail_trouble": _counted(session, select(Mail.office_id, func.count()).where(Mail.state.in_(TROUBLE))),
    }
    money = _money(session, day)
    found: dict[int, OfficeFigures] = {}
    for office_id in office_ids:
        values: dict[str, Any] = {name: count.get(office_id, 0) for name, count in counts.items()}
        found[office_id] = OfficeFigures(office_id=office_id, **values, **money.get(office_id, {}))
    return found


def total(figures: Iterable[OfficeFigures]) -> OfficeFigures:
    """Return the sum over offices."""
    rows = list(figures)
    names = ("open", "overdue", "escalated", "to_follow_up", "mail_trouble", "debtors", "arrears", "billed", "paid")
    return OfficeFigures(office_id=0, **{name: sum((getattr(row, name) for row in rows), start=0) for name in names})


def clocks(session: Session, selection: Selection, at: datetime, *, overdue: bool, limit: int) -> list[Clock]:
    """Return running clocks with their tickets: those over, the oldest first; else those that end next."""
    when = Clock.due_at < at if overdue else Clock.due_at >= at
    statement = (
        select(Clock)
        .join(Clock.ticket)
        .options(contains_eager(Clock.ticket).joinedload(Ticket.unit))
        .where(running(), when)
        .order_by(Clock.due_at, Clock.id)
        .limit(limit)
    )
    return list(session.scalars(selection.narrow(statement)))


def escalations(session: Session, selection: Selection, *, limit: int) -> list[Escalation]:
    """Return escalations nobody has taken notice of yet, of open tickets, the highest level and the oldest first."""
    statement = _escalated(select(Escalation)).options(
        contains_eager(Escalation.ticket).joinedload(Ticket.unit), joinedload(Escalation.clock)
    )
    statement = statement.order_by(Escalation.level.desc(), Escalation.raised_at, Escalation.id).limit(limit)
    return list(session.scalars(selection.narrow(statement)))


def to_follow_up(session: Session, selection: Selection, *, limit: int) -> list[Ticket]:
    """Return tickets that are done and wait for the follow-up, the longest waiting first (A-W10)."""
    statement = (
        select(Ticket)
        .options(joinedload(Ticket.unit))
        .where(Ticket.closed_at.is_(None), Ticket.done_at.is_not(None))
        .order_by(Ticket.done_at, Ticket.id)
        .limit(limit)
    )
    return list(session.scalars(selection.narrow(statement)))


def urgent_count(session: Session, selection: Selection, at: datetime, *, most: int = 100) -> int:
    """Return how many tickets are overdue or escalated, counted up to ``most``: asked on every page."""
    over = select(Clock.ticket_id).join(Clock.ticket).where(running(), Clock.due_at < at)
    raised = select(Escalation.ticket_id).join(Escalation.ticket)
    raised = raised.where(Escalation.acknowledged_at.is_(None), Ticket.closed_at.is_(None))
    found = {
        *session.scalars(selection.narrow(over).distinct().limit(most)),
        *session.scalars(selection.narrow(raised).distinct().limit(most)),
    }
    return min(len(found), most)


def _escalated(statement: Statement) -> Statement:
    joined = statement.join(Escalation.ticket)
    return joined.where(Escalation.acknowledged_at.is_(None), Ticket.closed_at.is_(None))


def _counted(session: Session, statement: Statement) -> dict[int, int]:
    column = statement.selected_columns[0]
    return dict(session.execute(statement.group_by(column)).tuples().all())


def _money(session: Session, day: date) -> dict[int, dict[str, Any]]:
    """Return, by office, arrears on ``day`` and what was billed and paid of this year's charges due by then."""
    paid = paid_up_to(day)
    settled = func.coalesce(paid.c.paid, NOTHING)
    rest = Charge.amount - settled
    is_owed = and_(Charge.due_on < day, rest > 0)
    is_this_year = and_(Charge.due_on >= day.replace(month=1, day=1), Charge.due_on <= day)
    statement = (
        select(
            Charge.office_id,
            func.coalesce(func.sum(case((is_owed, rest))), NOTHING).label("arrears"),
            func.count(distinct(case((is_owed, Charge.owner_id)))).label("debtors"),
            func.coalesce(func.sum(case((is_this_year, Charge.amount))), NOTHING).label("billed"),
            func.coalesce(func.sum(case((is_this_year, settled))), NOTHING).label("paid"),
        )
        .outerjoin(paid, and_(paid.c.charge_id == Charge.id, paid.c.office_id == Charge.office_id))
        .group_by(Charge.office_id)
    )
    return {
        row.office_id: {"arrears": row.arrears, "debtors": row.debtors, "billed": row.billed, "paid": row.paid}
        for row in session.execute(statement)
    }
