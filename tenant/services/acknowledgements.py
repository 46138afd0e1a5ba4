"""Taking notice of what went up the line: the next level has its whole gap anew, silence climbs on (A-S5, A-O2)."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock as clockface
from tenant.errors import NotFound, Refusal
from tenant.journal import actor_of
from tenant.models import Clock, Escalation, Mail, Office, Posting, Ticket
from tenant.rules.addresses import shortened
from tenant.rules.ladder import EscalationStep, counted_from, next_step, step_due_at
from tenant.rules.terms import ActorKind, PostingLevel, Role
from tenant.services import clocks, clockwork, escalations, postings
from tenant.services.lookups import find, shown

OF_ONE: Final = frozenset({Role.TECHNICIAN, Role.DEPARTMENT_HEAD})
"""Roles of which only the one who has the matter is told."""


def acknowledge(session: Session, escalation_id: int) -> Escalation:
    """Record that somebody has taken notice of a level, and of those below it; the next one is counted from now.

    Raises NotFound for a foreign one, Refusal when somebody had before, when a higher level was raised since, and for
    somebody at the office whom it is not for: it is for who was told, and who stands above in the office.
    """
    ticket_id = session.scalars(select(Escalation.ticket_id).where(Escalation.id == escalation_id)).one_or_none()
    if ticket_id is None:
        raise NotFound(field="escalation", value=str(escalation_id))
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    row = find(session, Escalation, escalation_id, field="escalation")
    clock = find(session, Clock, row.clock_id, field="clock", lock=True)
    session.refresh(row)
    _check_open(session, row, _of_clock(session, clock))
    _check_told(session, row, ticket, clocks.ladder_of(session, ticket, clock))
    _take_notice(session, row, ticket, clock)
    return row


def acknowledge_ticket(session: Session, ticket_id: int) -> int:
    """Take notice of what a ticket has gone up the line for, on every clock; returns how many levels that were.

    What is for somebody else stays. Raises NotFound where nothing waits for notice, Refusal where nothing of it is for
    who asks.
    """
    find(session, Ticket, ticket_id, field="ticket", lock=True)
    statement = select(Escalation).where(Escalation.ticket_id == ticket_id, Escalation.acknowledged_at.is_(None))
    latest: dict[tuple[int, int], Escalation] = {}
    for row in session.scalars(statement.order_by(Escalation.level)):
        latest[row.clock_id, row.cycle] = row
    if not latest:
        raise NotFound(field="ticket", value=str(ticket_id))
    noticed, refused = 0, list[Refusal]()
    for row in latest.values():
        try:
            acknowledge(session, row.id)
        except Refusal as refusal:
            refused.append(refusal)
        else:
            noticed += 1
    if not noticed:
        raise refused[0]
    return noticed


def _take_notice(session: Session, row: Escalation, ticket: Ticket, clock: Clock) -> None:
    """Write it down, and let the next level be due as long after now as it stands above this one."""
    present, posting_id = clockface.now(), postings.acting_posting_id(session, row.office_id)
    for below in _of_clock(session, clock):
        if below.cycle == row.cycle and below.level <= row.level and below.acknowledged_at is None:
            below.acknowledged_at, below.acknowledged_by_id = present, posting_id
    session.flush()
    if clock.met_at is not None or clock.cancelled_at is not None or ticket.closed_at is not None:
        return
    ladder = clocks.ladder_of(session, ticket, clock)
    following = next_step(ladder, row.level)
    if following is not None:
        clockwork.postpone(
            session,
            office_id=row.office_id,
            rule=clocks.RULE,
            subject_kind=clocks.SUBJECT,
            subject_id=clock.id,
            level=following.level,
            cycle=str(clock.cycle),
            due_at=step_due_at(following, counted_from(ladder, clock.due_at, row.level, present)),
        )


def _of_clock(session: Session, clock: Clock) -> Sequence[Escalation]:
    statement = select(Escalation).where(Escalation.clock_id == clock.id).order_by(Escalation.level)
    return session.scalars(statement.execution_options(populate_existing=True)).all()


def _check_open(session: Session, row: Escalation, raised: Sequence[Escalation]) -> None:
    """Refuse what somebody took notice of before, and a level that was passed."""
    if row.acknowledged_at is not None:
        office = find(session, Office, row.office_id, field="office")
        by = session.get(Posting, row.acknowledged_by_id) if row.acknowledged_by_id else None
        who = f"{by.staff.name}（{by.role.label}）" if by else "公司或集团"
        raise Refusal(
            code="acknowledged",
            message=f"这条升级已由{who}在 {shown(row.acknowledged_at, office)} 确认，无需再确认。请刷新查看最新情况。",
            field="acknowledged_at",
            value=row.acknowledged_at.isoformat(),
        )
    top = max((other for other in raised if other.cycle == row.cycle), key=lambda other: other.level)
    if top.level > row.level:
        raise Refusal(
            code="level_passed",
            message=(
                f"这件事已升级到第 {top.level} 级（{top.role.label}），确认第 {row.level} 级不能再推迟它。"
                f"请由{top.role.label}确认第 {top.level} 级，或尽快办理。"
            ),
            field="level",
            value=str(row.level),
        )


def _check_told(session: Session, row: Escalation, ticket: Ticket, ladder: Sequence[EscalationStep]) -> None:
    """Refuse somebody at the office whom the level is not for; headquarters and commands are not asked (A-O4)."""
    posting_id = actor_of(session).posting_id
    posting = session.get(Posting, posting_id) if posting_id is not None else None
    if actor_of(session).kind is not ActorKind.PERSON or posting is None or posting.level is not PostingLevel.OFFICE:
        return
    above = {step.role for step in ladder if step.level > row.level} - OF_ONE | {Role.DIRECTOR}
    if posting.role in above or (posting.role is row.role and row.role not in OF_ONE):
        return
    if not (_has_it(session, posting, row, ticket) or _was_written_to(session, posting, row)):
        raise Refusal(
            code="not_told",
            message=(
                f"第 {row.level} 级升级通知的是{row.role.label}，您（{posting.role.label}）不能代为确认。"
                f"请由{row.role.label}或其上级确认，或先办理这件事。"
            ),
            field="role",
            value=posting.role.value,
        )


def _has_it(session: Session, posting: Posting, row: Escalation, ticket: Ticket) -> bool:
    """Tell whether the matter is the posting's own: its technician's, its department's head's; any head's as yet."""
    if row.role not in OF_ONE:
        return False
    has_it = escalations.in_charge(session, ticket)
    heads = posting.role is Role.DEPARTMENT_HEAD and has_it.department_id in {None, posting.department_id}
    return heads or (row.role is Role.TECHNICIAN and posting.id == has_it.technician_id)


def _was_written_to(session: Session, posting: Posting, row: Escalation) -> bool:
    """Tell whether the person got a mail about the level: on duty, or standing in for somebody."""
    if not posting.staff.email:
        return False
    mail = select(Mail.id).where(
        Mail.office_id == row.office_id,
        Mail.subject_kind == escalations.SUBJECT,
        Mail.subject_id == row.id,
        Mail.recipient_address == shortened(posting.staff.email),
    )
    return session.scalars(mail.limit(1)).first() is not None
