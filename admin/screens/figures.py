"""The numbers of the workbench and of supervision: by office, in one statement a number whatever the number of offices.

Everything is read in the scope of the session at hand; nothing is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Numeric, Select, Subquery, and_, case, distinct, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, contains_eager, joinedload

from tenant.models import Allocation, Charge, Clock, Escalation, Mail, Owner, Payment, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import ClockKind, MailState, TicketKind
from tenant.services.arrears import rest_of

NOTHING: Final = Decimal(0)
Statement = Select[*tuple[Any, ...]]
TROUBLE: Final = (MailState.UNKNOWN, MailState.FAILED, MailState.BOUNCED)
"""States in which a mail waits for a person."""


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
    """Which tickets somebody may see: of these kinds, and of those the ones with an order to one of ``postings``.

    ``postings`` None: all of them.
    """

    kinds: tuple[TicketKind, ...]
    postings: tuple[int, ...] | None = None

    def narrow(self, statement: Statement) -> Statement:
        """Return a statement over tickets narrowed to these."""
        statement = statement.where(Ticket.kind.in_(self.kinds))
        if self.postings is None:
            return statement
        own = (
            select(ServiceRequest.ticket_id)
            .join(WorkOrder, WorkOrder.request_id == ServiceRequest.id)
            .where(WorkOrder.technician_id.in_(self.postings))
        )
        return statement.where(Ticket.id.in_(own))


def running() -> Any:
    """Return the condition of a clock that runs and waits for somebody; the month to 重大 waits for nobody."""
    return and_(Clock.met_at.is_(None), Clock.cancelled_at.is_(None), Clock.kind != ClockKind.REGRADE)


def by_office(
    session: Session, office_ids: Iterable[int], at: datetime, day: date, *, with_money: bool
) -> dict[int, OfficeFigures]:
    """Return the figures of the offices, also of one where nothing is open, at the instant ``at`` on ``day``.

    Arrears and rates are nothing unless ``with_money``: they are the dearest to find.
    """
    counts: Mapping[str, Mapping[int, int]] = {
        "open": _counted(session, select(Ticket.office_id, func.count()).where(Ticket.closed_at.is_(None))),
        "overdue": _counted(
            session, select(Clock.office_id, func.count(distinct(Clock.ticket_id))).where(running(), Clock.due_at < at)
        ),
        "escalated": _counted(
            session, _escalated(select(Escalation.office_id, func.count(distinct(Escalation.ticket_id))))
        ),
        "to_follow_up": _counted(
            session,
            select(Ticket.office_id, func.count()).where(Ticket.closed_at.is_(None), Ticket.done_at.is_not(None)),
        ),
        "mail_trouble": _counted(session, select(Mail.office_id, func.count()).where(Mail.state.in_(TROUBLE))),
    }
    money = _money(session, day) if with_money else {}
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
    """Return, of each open ticket, the highest escalation nobody has taken notice of, the highest and oldest first."""
    highest = (
        selection.narrow(_escalated(select(Escalation.id)))
        .ext(distinct_on(Escalation.ticket_id))
        .order_by(Escalation.ticket_id, Escalation.level.desc(), Escalation.id)
    )
    statement = (
        select(Escalation)
        .join(Escalation.ticket)
        .options(contains_eager(Escalation.ticket).joinedload(Ticket.unit), joinedload(Escalation.clock))
        .where(Escalation.id.in_(highest.scalar_subquery()))
        .order_by(Escalation.level.desc(), Escalation.raised_at, Escalation.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def escalations_of(session: Session, ticket_ids: Sequence[int]) -> list[Escalation]:
    """Return of each of these tickets the highest escalation nobody has taken notice of."""
    statement = (
        select(Escalation)
        .ext(distinct_on(Escalation.ticket_id))
        .join(Escalation.ticket)
        .options(contains_eager(Escalation.ticket).joinedload(Ticket.unit), joinedload(Escalation.clock))
        .where(Escalation.ticket_id.in_(ticket_ids), Escalation.acknowledged_at.is_(None))
        .order_by(Escalation.ticket_id, Escalation.level.desc(), Escalation.id)
    )
    return list(session.scalars(statement)) if ticket_ids else []


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
    return dict(iter(session.execute(statement.group_by(column))))


def debtors(session: Session, day: date, *, limit: int) -> list[tuple[Owner, Decimal, date]]:
    """Return who owes most on ``day``, how much, and since when at the earliest they may have owed it."""
    each = _each_amount(day)
    owed = _sum(each.c.billed - each.c.paid).label("owed")
    statement = (
        select(each.c.owner_id, owed)
        .where(each.c.due_on < day)
        .group_by(each.c.owner_id)
        .having(owed > 0)
        .order_by(owed.desc(), each.c.owner_id)
        .limit(limit)
    )
    amounts: dict[int, Decimal] = dict(iter(session.execute(statement)))
    owners = {owner.id: owner for owner in session.scalars(select(Owner).where(Owner.id.in_(amounts)))}
    unpaid = select(Charge.owner_id, func.min(Charge.due_on)).where(Charge.owner_id.in_(amounts), Charge.due_on < day)
    since: dict[int, date] = dict(iter(session.execute(unpaid.where(rest_of(day) > 0).group_by(Charge.owner_id))))
    return [(owners[owner_id], amount, since[owner_id]) for owner_id, amount in amounts.items()]


def _money(session: Session, day: date) -> dict[int, dict[str, Any]]:
    """Return, by office, arrears on ``day`` and what was billed and paid of this year's charges due by then."""
    each = _each_amount(day)
    is_overdue = each.c.due_on < day
    is_this_year = and_(each.c.due_on >= day.replace(month=1, day=1), each.c.due_on <= day)
    owners = (
        select(
            each.c.office_id,
            _sum(case((is_overdue, each.c.billed - each.c.paid))).label("arrears"),
            _sum(case((is_this_year, each.c.billed))).label("billed"),
            _sum(case((is_this_year, each.c.paid))).label("paid"),
        )
        .group_by(each.c.office_id, each.c.owner_id)
        .subquery("owners")
    )
    statement = select(
        owners.c.office_id,
        _sum(owners.c.arrears).label("arrears"),
        func.count(case((owners.c.arrears > 0, 1))).label("debtors"),
        _sum(owners.c.billed).label("billed"),
        _sum(owners.c.paid).label("paid"),
    ).group_by(owners.c.office_id)
    return {
        row.office_id: {"arrears": row.arrears, "debtors": row.debtors, "billed": row.billed, "paid": row.paid}
        for row in session.execute(statement)
    }


def _each_amount(day: date) -> Subquery:
    """Return, below each other, what was charged and what payments up to ``day`` settled of it.

    Summed once instead of joined: a join of two sums is a nested loop under the wall, where the planner believes that
    there is one row of everything.
    """
    charged = select(Charge.office_id, Charge.owner_id, Charge.due_on, Charge.amount.label("billed"), _none("paid"))
    settled = (
        select(Charge.office_id, Charge.owner_id, Charge.due_on, _none("billed"), Allocation.amount.label("paid"))
        .join(Allocation, and_(Allocation.charge_id == Charge.id, Allocation.office_id == Charge.office_id))
        .join(Payment, and_(Payment.id == Allocation.payment_id, Payment.office_id == Allocation.office_id))
        .where(Payment.voided_at.is_(None), Payment.paid_on <= day)
    )
    return union_all(charged, settled).subquery("each")


def _none(name: str) -> Any:
    return literal(NOTHING, Numeric).label(name)


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), literal(NOTHING, Numeric))
