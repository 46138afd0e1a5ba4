"""Matters that belong together: the same one reported twice, and one cause that answers many (A-W1, A-C1)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.errors import NotFound, Refusal
from tenant.models import Clock, Complaint, Office, ServiceRequest, Ticket
from tenant.rules.gravity import graver
from tenant.rules.limits import limit_for
from tenant.rules.terms import ClockKind, Gravity, RequestCategory, TicketKind, TicketState
from tenant.rules.transitions import step
from tenant.services import agreements, clocks, complaints, cycles, grading, orders, pauses, tickets
from tenant.services.lookups import find, moment, shown

_ANSWERED_BY_PARENT: Final = (
    ClockKind.DISPATCH,
    ClockKind.ON_SITE,
    ClockKind.SAME_DAY,
    ClockKind.DEPARTMENT_RECEIPT,
)
"""What is not asked for on a matter that another answers; its reporter still hears first and every day."""


def merge(session: Session, ticket_id: int, elder_id: int, *, at: datetime | None = None) -> Ticket:
    """End a matter as reported before: it becomes part of the elder one, its clocks stop, its orders are called off.

    The elder lists it, for its reporter is still to be told, and is as grave as it from then on. Raises NotFound for
    foreign tickets; Refusal for itself, for one of another kind and for defects, for an elder that is over, was
    registered later or was done before this was reported, for what is done or paid for, for one that answers others,
    and while harm goes on (A-C8).
    """
    if ticket_id == elder_id:
        raise _refused("itself", "不能并入自己。请选择先登记的另一件")
    _hold(session, elder_id, ticket_id)
    elder, office = tickets.open_ticket(session, elder_id, "并入其他事项")
    younger, _ = tickets.unfinished_ticket(session, ticket_id, "并入")
    _same_kind(younger, elder)
    if elder.done_at is not None and younger.received_at > elder.done_at:
        words = (
            f"{elder.number} 已于 {shown(elder.done_at, office)} 办完，{younger.number} 是之后才报的，不是重复登记。"
            f"问题仍在的，请回访 {elder.number} 并登记不满意，或单独办理 {younger.number}"
        )
        raise _refused("done_before", words, elder)
    if (elder.received_at, elder.id) > (younger.received_at, younger.id):
        raise _refused("later", f"{elder.number} 受理得更晚。请到那一件上，把它并入 {younger.number}", elder)
    if children_of(session, younger):
        raise _refused(
            "answers_others", f"{younger.number} 是其他事项的同因主票。请先把那些事项改挂到 {elder.number}", younger
        )
    step(policy.transitions(), younger.kind.value, younger.state, "merge", subject=younger.number)
    since = max(elder.received_at, cycles.began_at(session, younger))
    merged_at = moment(at, office, field="at", label="并入时间", since=since)
    _carry_over(session, younger, elder, office, merged_at)
    pauses.end_lasting(session, younger, merged_at)
    if younger.kind is TicketKind.REQUEST:
        request = session.scalars(select(ServiceRequest).where(ServiceRequest.ticket_id == younger.id)).one()
        agreements.withdraw(session, request)
        orders.call_off(session, request.id, f"并入 {elder.number}")
    younger.parent_id = None
    tickets.end_as_double(session, younger, elder, merged_at)
    return younger


def unmerge(session: Session, ticket_id: int) -> Ticket:
    """Take back a merge that was wrong: the matter goes on where it stood, with the deadlines it had.

    Raises NotFound for a foreign ticket, Refusal for one that was not merged, when the elder is over, and for a request
    that became a defect (A-W20): that is another kind of matter.
    """
    ticket = find(session, Ticket, ticket_id, field="ticket")
    if ticket.merged_into_id is None:
        raise _refused("not_merged", f"{ticket.number} 没有并入别的事项，无需撤销。请刷新后查看", ticket)
    elder = find(session, Ticket, ticket.merged_into_id, field="ticket")
    _same_kind(ticket, elder)
    _hold(session, elder.id, ticket.id)
    _, office = tickets.open_ticket(session, elder.id, "撤销并入")
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    step(policy.transitions(), ticket.kind.value, ticket.state, "unmerge", subject=ticket.number)
    merged_at, ticket.closed_at, ticket.merged_into_id = ticket.closed_at, None, None
    ticket.state = _stood(session, ticket)
    session.flush()
    _run_again(session, ticket, office, merged_at)
    return ticket


def answer_with(session: Session, ticket_id: int, parent_id: int) -> Ticket:
    """Let a matter be answered by the one that is its cause: it is done when that is, and followed up by itself.

    Raises NotFound for foreign tickets; Refusal for itself, for one of another kind and for defects, for one that is
    done or over, for a paid service (A-W8), and for a chain: what is answered by another answers none.
    """
    if ticket_id == parent_id:
        raise _refused("itself", "不能以自己为主票。请选择造成它的那一件")
    _hold(session, parent_id, ticket_id)
    parent, _ = tickets.unfinished_ticket(session, parent_id, "作为主票")
    ticket, _ = tickets.unfinished_ticket(session, ticket_id, "挂到主票")
    _same_kind(ticket, parent)
    if parent.parent_id is not None:
        own = find(session, Ticket, parent.parent_id, field="ticket")
        raise _refused("chain", f"{parent.number} 自己由 {own.number} 一并处理。请直接选择 {own.number}", parent)
    _no_paid_service(session, ticket)
    if children_of(session, ticket):
        raise _refused("chain", f"{ticket.number} 是其他事项的主票，不能再挂到别的主票。请先解除那些事项", ticket)
    ticket.parent_id = parent.id
    session.flush()
    clocks.cancel(session, ticket, clock.now(), *_ANSWERED_BY_PARENT)
    return ticket


def stand_alone(session: Session, ticket_id: int) -> Ticket:
    """Let a matter go on by itself again: it is to be dispatched or signed for from now on, and done that day.

    Raises NotFound for a foreign ticket, Refusal for one that no other answers or that is done.
    """
    ticket, office = tickets.unfinished_ticket(session, ticket_id, "解除主票")
    if ticket.parent_id is None:
        raise _refused("no_parent", f"{ticket.number} 没有主票，无需解除。请刷新后查看", ticket)
    ticket.parent_id = None
    session.flush()
    tickets.ask_again(session, ticket, office, clock.now())
    return ticket


def children_of(session: Session, ticket: Ticket) -> Sequence[Ticket]:
    """Return the matters that this one answers and that are not over, the oldest first."""
    statement = select(Ticket).where(Ticket.parent_id == ticket.id, Ticket.closed_at.is_(None))
    return session.scalars(statement.order_by(Ticket.id)).all()


def _run_again(session: Session, ticket: Ticket, office: Office, merged_at: datetime | None) -> None:
    """Start again what the merge stopped, each clock with the deadline it had: what was late stays late."""
    held = clocks.qualifiers(session, ticket)
    stopped = session.scalars(
        select(Clock).where(Clock.ticket_id == ticket.id, Clock.cancelled_at == merged_at).order_by(Clock.id)
    ).all()
    wanted = []
    for row in stopped:
        limit = limit_for(policy.limits(), ticket.kind, row.kind, held)
        if row.kind is ClockKind.ON_SITE:
            continue  # whoever was on the way has been called off
        if row.kind is ClockKind.PROMISED or (limit is not None and row.source == limit.term.source):
            wanted.append(row)
    clocks.again(session, ticket, wanted)
    tickets.ask_again(session, ticket, office, clock.now())


def _hold(session: Session, *ids: int) -> None:
    """Lock matters that are to be joined or parted: a cause before what it answers, as when it is done, else the first
    registered first. Raises NotFound for a foreign one.
    """
    causes = set(session.scalars(select(Ticket.parent_id).where(Ticket.id.in_(ids))))
    for ticket_id in sorted(ids, key=lambda known: (known not in causes, known)):
        find(session, Ticket, ticket_id, field="ticket", lock=True)


def _carry_over(session: Session, younger: Ticket, elder: Ticket, office: Office, at: datetime) -> None:
    """Let a complaint be as grave as what is merged into it (A-C2, A-C4). Raises Refusal while harm goes on (A-C8)."""
    if younger.kind is not TicketKind.COMPLAINT:
        return
    double, kept = (
        session.scalars(select(Complaint).where(Complaint.ticket_id == row.id)).one() for row in (younger, elder)
    )
    if complaints.goes_on(double):
        raise Refusal(
            code="harm_goes_on",
            message=f"{younger.number} 的损害仍在继续，不能并入。请先制止，并登记「已制止损害」。",
            field="harm_continues",
        )
    gravest = graver(double.gravity, kept.gravity)
    if gravest is kept.gravity:
        return
    why = f"并入的 {younger.number} 为{gravest.label}投诉"
    if gravest is Gravity.GRAVE:
        grading.make_grave(session, kept, elder, office, why, at=at)
    else:
        grading.grade(session, kept, elder, office, gravest, why, at)


def _stood(session: Session, ticket: Ticket) -> TicketState:
    """Return where a matter stands whose orders were called off."""
    if ticket.kind is not TicketKind.COMPLAINT:
        return TicketState.REGISTERED
    signed = select(Complaint.received_by_department_at).where(Complaint.ticket_id == ticket.id)
    return TicketState.REGISTERED if session.scalars(signed).one() is None else TicketState.RECEIVED


def _same_kind(ticket: Ticket, target: Ticket) -> None:
    """Raise NotFound for a target of another office, Refusal for one of another kind and for defects."""
    if target.office_id != ticket.office_id:
        raise NotFound(field="target", value=str(target.id))
    if ticket.kind is not target.kind:
        words = f"{target.number} 是{target.kind.label}，{ticket.number} 是{ticket.kind.label}。请选择同一类的事项"
        raise _refused("other_kind", words, target)
    if ticket.kind is TicketKind.DEFECT:
        words = f"{ticket.number} 是房屋缺陷，各有各的整改单，不能并入或由别的事项一并处理。重复登记的，请判定不属整改"
        raise _refused("no_joining", words, target)


def _no_paid_service(session: Session, ticket: Ticket) -> None:
    """Raise Refusal for a paid service: it is done for whoever pays for it, not by what is done for others (A-W8)."""
    request = session.scalars(select(ServiceRequest).where(ServiceRequest.ticket_id == ticket.id)).one_or_none()
    if request is not None and request.category is RequestCategory.PAID_SERVICE:
        words = f"{ticket.number} 是特约服务，按户报价收费，不能由别的事项一并处理。不需要这项服务的，请作为无效结束"
        raise _refused("paid_service", words, ticket)


def _refused(code: str, words: str, target: Ticket | None = None) -> Refusal:
    return Refusal(code=code, message=f"{words}。", field="target", value=target.number if target else None)
