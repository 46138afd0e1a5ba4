"""Defects under warranty: registered, looked at, confirmed as the building's, or found to be none (A-R1, A-W20)."""

from datetime import date, datetime
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import journal, policy
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Builder, Defect, Office, Rectification, ServiceRequest, Ticket
from tenant.rules.terms import ClockKind, RectificationState, RequestCategory, TicketKind, TicketState
from tenant.rules.transitions import step
from tenant.services import clocks, cycles, links, orders, pauses, postings, tickets
from tenant.services.lookups import find, moment, open_office, shown, written
from tenant.services.tickets import TicketFields

MACHINE = "defect"
OVER = (RectificationState.OWNER_SIGNED, RectificationState.FILED, RectificationState.CANCELLED)
"""States of a record in which nothing is left to do for the builder or the owner."""

MAY_BE_DEFECTS = frozenset({RequestCategory.REPAIR, RequestCategory.PUBLIC_FACILITY, RequestCategory.INTERNAL})
_LONGEST_PART, _LONGEST_CAUSE = 100, 500


def register_defect(
    session: Session, *, part: str, warranty_until: date | None = None, **fields: Unpack[TicketFields]
) -> Defect:
    """Register a defect and start its clocks: somebody has looked (A-R1), the builder has the record (A-R2).

    ``warranty_until`` is the last day of the warranty, None where nobody has looked it up. Raises Refusal as
    :func:`tenant.services.tickets.register` does, and for a warranty that had ended when the defect was reported.
    """
    ticket, office = tickets.register(session, TicketKind.DEFECT, fields)
    return _begun(
        session, ticket, office, part, _in_warranty(warranty_until, local_day(ticket.received_at, office.zone))
    )


def from_request(
    session: Session, request_id: int, *, part: str, warranty_until: date | None = None, at: datetime | None = None
) -> Defect:
    """Let a repair go on as a defect under warranty (A-W20); the request ends as part of it, its orders called back.

    What counts for the warranty is the day the request was received. Raises Refusal for a request that is over, for one
    that is no repair or answers others, and as :func:`register_defect` does.
    """
    request = find(session, ServiceRequest, request_id, field="request")
    ticket, office = tickets.open_ticket(session, request.ticket_id, "转为整改")
    _may_turn(session, request, ticket)
    since = ticket.done_at or cycles.began_at(session, ticket)
    turned_at = moment(at, office, field="at", label="转整改时间", since=since)
    until = _in_warranty(warranty_until, local_day(ticket.received_at, office.zone))
    fields = TicketFields(
        office_id=office.id,
        content=ticket.content,
        unit_id=ticket.unit_id,
        location=ticket.location,
        channel=ticket.channel,
        reporter_kind=ticket.reporter_kind,
        reporter_name=ticket.reporter_name,
        reporter_phone=ticket.reporter_phone,
        received_at=turned_at,
    )
    defect = _begun(session, *tickets.register(session, TicketKind.DEFECT, fields), part, until)
    defect.request_id = request.id
    pauses.end_lasting(session, ticket, turned_at)
    orders.call_off(session, request.id, f"转为整改 {defect.ticket.number}")
    ticket.parent_id = None
    tickets.end_as_double(session, ticket, defect.ticket, turned_at)
    return defect


def send(session: Session, defect_id: int, inspector_id: int, *, at: datetime | None = None) -> Defect:
    """Send somebody of the office to look, in place of who was sent before (A-R1).

    Raises NotFound for a posting that nobody of the office's engineering holds on that day.
    """
    defect, ticket, office = _unfinished(session, defect_id, "send")
    sent_at = moment(at, office, field="at", label="派人时间", since=cycles.began_at(session, ticket))
    defect.inspector_id = postings.technician(session, office.id, inspector_id, local_day(sent_at, office.zone)).id
    defect.sent_at = sent_at
    ticket.state = TicketState.DISPATCHED
    session.flush()
    return defect


def confirm(
    session: Session, defect_id: int, cause: str, *, owner_signed: bool = False, at: datetime | None = None
) -> Defect:
    """Record that somebody has looked and found the building's own fault, which the owner may sign at once (A-R1)."""
    defect, ticket, office = _unfinished(session, defect_id, "confirm")
    confirmed_at = moment(at, office, field="at", label="确认时间", since=_looked_since(session, defect, ticket))
    defect.cause = written(cause, field="cause", label="原因", limit=_LONGEST_CAUSE)
    defect.confirmed_at = confirmed_at
    defect.confirmed_by_id = postings.acting_posting_id(session, office.id)
    defect.owner_signed_at = confirmed_at if owner_signed else None
    ticket.state = TicketState.UNDER_WAY
    clocks.meet(session, ticket, confirmed_at, ClockKind.ON_SITE)
    session.flush()
    return defect


def owner_sign(session: Session, defect_id: int, *, at: datetime | None = None) -> Defect:
    """Record that the owner has signed under what was found (A-R1). Raises Refusal when that was done before."""
    defect, ticket, office = _unfinished(session, defect_id, "owner_sign")
    if defect.owner_signed_at is not None:
        raise Refusal(
            code="already_signed",
            message=f"业主已于 {shown(defect.owner_signed_at, office)} 在 {ticket.number} 上签字确认，无需再次登记。",
            field="owner_signed_at",
            value=shown(defect.owner_signed_at, office),
        )
    defect.owner_signed_at = moment(at, office, field="at", label="业主签字时间", since=defect.confirmed_at)
    session.flush()
    return defect


def decline(session: Session, defect_id: int, reason: str, *, at: datetime | None = None) -> Defect:
    """End what is no defect of the building's; the request it came from is taken up again in its next cycle (A-R1).

    Raises Refusal while a builder has a record of it, or has put something right under one.
    """
    defect, ticket, office = _unfinished(session, defect_id, "decline")
    why = written(reason, field="reason", label="原因", limit=journal.LONGEST_REASON)
    statement = select(Rectification.number).where(
        Rectification.defect_id == defect.id, Rectification.state != RectificationState.CANCELLED
    )
    number = session.scalars(statement.order_by(Rectification.id).limit(1)).first()
    if number is not None:
        raise Refusal(
            code="records_stand",
            message=f"{ticket.number} 已开出整改单 {number}，不能判定为不属整改。开错的，请先撤销整改单。",
            field="state",
            value=number,
        )
    ended_at = moment(at, office, field="at", label="判定时间", since=defect.confirmed_at or ticket.received_at)
    tickets.invalidate(session, ticket.id, why, at=ended_at)
    if defect.request_id is not None:
        _take_back(session, defect.request_id, ticket, office, ended_at)
    return defect


def by_ticket(session: Session, ticket_id: int) -> Defect | None:
    """Return the defect of a ticket, None when the ticket is something else."""
    return session.scalars(select(Defect).where(Defect.ticket_id == ticket_id)).one_or_none()


def remove_builder(session: Session, builder_id: int) -> None:
    """Remove a builder entered by mistake. Raises Refusal for one that has, or ever had, a record."""
    builder = find(session, Builder, builder_id, field="builder", lock=True)
    records = select(Rectification.number, Rectification.state).where(Rectification.builder_id == builder.id)
    found = session.execute(records.order_by(Rectification.id)).all()
    going = [number for number, state in found if state not in OVER]
    if found:
        standing = (
            f"还有 {len(going)} 张未办完的整改单（{going[0]} 等）" if going else f"已有 {len(found)} 张整改单存档"
        )
        raise Refusal(
            code="builder_has_records",
            message=f"施工单位「{builder.name}」{standing}，不能删除。名称有变的，请修改名称。",
            field="name",
            value=builder.name,
        )
    session.delete(builder)
    session.flush()


def _begun(session: Session, ticket: Ticket, office: Office, part: str, warranty_until: date | None) -> Defect:
    """Write down what the ticket is about, and start its clocks."""
    defect = Defect(
        office_id=office.id,
        ticket_id=ticket.id,
        part=written(part, field="part", label="部位", limit=_LONGEST_PART),
        warranty_until=warranty_until,
    )
    session.add(defect)
    session.flush()
    clocks.begin_registered(session, ticket, office, ticket.received_at)
    return defect


def _may_turn(session: Session, request: ServiceRequest, ticket: Ticket) -> None:
    """Raise Refusal for a request that cannot go on as a defect."""
    step(policy.transitions(), "request", ticket.state, "rectify", subject=ticket.number)
    if request.category not in MAY_BE_DEFECTS:
        raise Refusal(
            code="no_repair",
            message=f"{ticket.number} 是{request.category.label}，不能转为整改。只有报修、公共设施和内部报事可以转。",
            field="category",
            value=request.category.label,
        )
    if links.children_of(session, ticket):
        raise Refusal(
            code="answers_others",
            message=f"{ticket.number} 是其他报事的同因主票，不能转为整改。请先在那些报事上解除主票。",
            field="state",
            value=ticket.number,
        )


def _take_back(session: Session, request_id: int, defect_ticket: Ticket, office: Office, at: datetime) -> None:
    """Let the request that went into the defect go on by itself."""
    request = find(session, ServiceRequest, request_id, field="request")
    ticket = find(session, Ticket, request.ticket_id, field="ticket", lock=True)
    if ticket.merged_into_id != defect_ticket.id:
        return
    step(policy.transitions(), "request", ticket.state, "take_back", subject=ticket.number)
    ticket.merged_into_id = ticket.closed_at = None
    tickets.reopen(session, ticket, office, at)


def _unfinished(session: Session, defect_id: int, verb: str) -> tuple[Defect, Ticket, Office]:
    """Return the defect with ticket and office, the ticket locked, where the table offers ``verb``; raises Refusal."""
    found = find(session, Defect, defect_id, field="defect")
    ticket = find(session, Ticket, found.ticket_id, field="ticket", lock=True)
    office = open_office(session, ticket.office_id)
    step(policy.transitions(), MACHINE, ticket.state, verb, subject=ticket.number)
    session.refresh(found)
    return found, ticket, office


def _looked_since(session: Session, defect: Defect, ticket: Ticket) -> datetime:
    """Return since when somebody can have looked: sent, or the matter received or taken up again (A-R1, A-R6)."""
    began_at = cycles.began_at(session, ticket)
    return max(began_at, defect.sent_at or began_at)


def _in_warranty(until: date | None, reported_on: date) -> date | None:
    if until is not None and until < reported_on:
        raise Refusal(
            code="warranty_over",
            message=f"保修期到 {until} 为止，报告时（{reported_on}）已经届满，不属整改。请按报修登记，或核对保修期。",
            field="warranty_until",
            value=until.isoformat(),
        )
    return until
