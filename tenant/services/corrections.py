"""Putting right what the desk wrote down of a matter: where, what, who reported it, of which category (A-W2, A-C1).

Times that carry clocks are never written over: a time agreed is agreed anew, a category or urgency that was wrong is
a verb of its own, which starts by their limits the clocks that still run.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Required, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock, journal, policy
from tenant.errors import Refusal
from tenant.models import Clock, Complaint, Office, ServiceRequest, Ticket
from tenant.rules.terms import ClockKind, ClockStart, ReporterKind, RequestCategory, TicketKind, TicketState
from tenant.rules.transitions import require, step
from tenant.services import clock_plans, clocks, grading, orders, quotes, tickets, units
from tenant.services.lookups import find, optional, written

BY_CATEGORY: Final = (
    ClockKind.FIRST_REPLY,
    ClockKind.DISPATCH,
    ClockKind.SAME_DAY,
    ClockKind.DAILY_CONTACT,
    ClockKind.SUGGESTION_REPLY,
    ClockKind.ON_SITE,
)
"""Clocks whose limits go by category and urgency (A-W2 to A-W7, B-W18)."""
_AFTER_DISPATCH: Final = frozenset({ClockKind.ON_SITE})


class Corrected(TypedDict, total=False):
    """What is written anew; what is absent stays as it is. ``demand`` and ``about`` are a complaint's alone."""

    content: Required[str]
    unit_id: int | None
    location: str | None
    reporter_kind: ReporterKind
    reporter_name: str | None
    reporter_phone: str | None
    demand: str | None
    about: str | None


def correct(session: Session, ticket_id: int, told: Corrected) -> Ticket:
    """Write down anew what was written down wrong; its clocks run on (A-W2, A-C1).

    Once the work is done, what was done stays: content, unit and place are no longer changed, only whom to call.
    A complaint whose unit becomes another may show to be the third on one matter (A-C2a). Raises NotFound for a foreign
    ticket or unit; Refusal for one that is over.
    """
    ticket, office = tickets.open_ticket(session, ticket_id, "修改")
    step(policy.transitions(), ticket.kind.value, ticket.state, "correct", subject=ticket.number)
    _refuse_what_was_done(ticket, told)
    ticket.content = written(told["content"], field="content", label="内容")
    if "unit_id" in told:
        unit_id = told["unit_id"]
        ticket.unit_id = None if unit_id is None else units.of_office(session, office.id, unit_id).id
    _write_plain(ticket, told)
    session.flush()
    session.expire(ticket, ["unit"])
    if ticket.kind is TicketKind.COMPLAINT:
        _correct_complaint(session, ticket, office, told)
    return ticket


def reclassify(
    session: Session, request_id: int, category: RequestCategory, *, urgent: bool, reason: str | None
) -> ServiceRequest:
    """Put a request under another category, or call it urgent or not, for a reason that is kept (A-W2, A-W3).

    The clocks that go by these and still run begin again at the same instants by the limits that hold for what it is
    now; those it has no more are cancelled until it is put back, those it had not begin now. What was met stays met.
    Raises Refusal without a reason, for what waits or is done, and where a price was agreed or paid (A-W8).
    """
    request = find(session, ServiceRequest, request_id, field="request")
    ticket, office = tickets.unfinished_ticket(session, request.ticket_id, "改类别")
    row = step(policy.transitions(), ticket.kind.value, ticket.state, "reclassify", subject=ticket.number)
    require(policy.transitions(), row, {"reason": reason})
    session.refresh(request)
    if (category, urgent) == (request.category, request.urgent):
        return request
    _refuse_agreed(session, request, category)
    journal.because(session, written(reason, field="reason", label="原因", limit=journal.LONGEST_REASON))
    request.category, request.urgent = category, urgent
    if ticket.topic is not None and ticket.topic.category is not category:
        ticket.topic_id = None
    session.flush()
    _count_anew(session, ticket, office, clock.now())
    clock_plans.follow(session, ticket)
    return request


# ---- what the two have in common
def _refuse_what_was_done(ticket: Ticket, told: Corrected) -> None:
    """Raise Refusal where the work is done and what was to be done would become something else."""
    if ticket.done_at is None:
        return
    fixed = {
        "content": ("内容", ticket.content),
        "location": ("地点", ticket.location),
        "unit_id": ("房屋", ticket.unit_id),
    }
    for name, (label, value) in fixed.items():
        said = told.get(name, value)
        if (said or None) != (value or None):
            raise Refusal(
                code="already_done",
                message=f"{ticket.number} 已经办完，「{label}」不能再改。有出入的请写入回访意见，或另行登记。",
                field=name.removesuffix("_id"),
                value=str(said),
            )


def _write_plain(ticket: Ticket, told: Corrected) -> None:
    if "location" in told:
        ticket.location = optional(told["location"], field="location", label="地点", limit=200)
    if "reporter_kind" in told:
        ticket.reporter_kind = told["reporter_kind"]
    if "reporter_name" in told:
        ticket.reporter_name = optional(told["reporter_name"], field="reporter_name", label="报事人", limit=100)
    if "reporter_phone" in told:
        ticket.reporter_phone = optional(told["reporter_phone"], field="reporter_phone", label="联系电话", limit=64)


def _correct_complaint(session: Session, ticket: Ticket, office: Office, told: Corrected) -> None:
    complaint = session.scalars(select(Complaint).where(Complaint.ticket_id == ticket.id)).one()
    if "demand" in told:
        complaint.demand = optional(told["demand"], field="demand", label="客户要求", limit=4000)
    if "about" in told:
        complaint.about = optional(told["about"], field="about", label="被投诉人", limit=100)
    session.flush()
    grading.look_for_repetition(session, complaint, ticket, office)


def _refuse_agreed(session: Session, request: ServiceRequest, category: RequestCategory) -> None:
    """Raise Refusal where a price stands for another category, or work has begun on what is to be paid first (A-W8)."""
    if category is request.category:
        return
    why = ""
    if request.quoted_at is not None or quotes.lines_of(session, request):
        why = "已有报价，不能改类别。请先删去报价明细，已确认报价的请另行登记一件"
    elif category is RequestCategory.PAID_SERVICE and orders.open_orders(session, request.id):
        why = "已派单，不能改为特约服务（先付费后服务）。请先撤销处理单，再改类别、报价"
    if why:
        raise Refusal(
            code="price_stands",
            message=f"{request.ticket.number} {why}。",
            field="category",
            value=category.label,
        )


def _count_anew(session: Session, ticket: Ticket, office: Office, at: datetime) -> None:
    """Start by the limits that hold now what still runs, what another category took off, what it has not had.

    What a parent answers stays with the parent.
    """
    rows = select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind.in_(BY_CATEGORY)).order_by(Clock.cycle)
    had = {row.kind: row for row in session.scalars(rows)}
    going = {row.kind: row.started_at for row in had.values() if row.met_at is None and row.cancelled_at is None}
    kept_off = _AFTER_DISPATCH | ({ClockKind.DISPATCH} if ticket.state is not TicketState.REGISTERED else set())
    taken_off = {
        kind: row.started_at
        for kind, row in had.items()
        if row.cancelled_at is not None and kind not in kept_off and ticket.parent_id is None
    }
    clocks.cancel(session, ticket, at, *BY_CATEGORY)
    for kind, started_at in (going | taken_off).items():
        _begin(session, ticket, office, started_at, {kind})
    _begin(session, ticket, office, at, set(BY_CATEGORY) - set(had) - kept_off)


def _begin(session: Session, ticket: Ticket, office: Office, at: datetime, kinds: Collection[ClockKind]) -> None:
    if set(kinds) <= _AFTER_DISPATCH:
        clocks.begin_for(session, ticket, office, ClockStart.DISPATCH, at, kinds)
    else:
        clocks.begin_registered(session, ticket, office, at, kinds=kinds)
