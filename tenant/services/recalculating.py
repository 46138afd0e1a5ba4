"""Giving running clocks the limits that hold today, on purpose: previewed, then done in one transaction (A-O2).

A clock keeps the limit it began with. Where a director wants the new one to hold for what is under way too, each
running clock is counted anew from its own start, with the waits it has had; what was raised stays raised, and what
comes next is planned by the new deadline. Promises and waits are left alone: people agreed on those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session

from tenant import clock as clockface
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.journal import RecordedAct, note
from tenant.models import Clock, Complaint, Office, Pause, ServiceRequest, Ticket
from tenant.rules.calendar_days import OfficeHours
from tenant.rules.deadlines import after_pause, due_at
from tenant.rules.limits import Limit, limit_for, warn_at
from tenant.rules.terms import ClockKind
from tenant.services import clock_plans, clocks, holidays, limits
from tenant.services.lookups import open_office
from tenant.services.mending import EXAMPLES, Mended

AGREED = frozenset({ClockKind.PROMISED, ClockKind.WAITING})
"""Clocks that run to a time somebody agreed on, whatever a limit says."""


@dataclass(frozen=True, slots=True)
class Recounted:
    """What becomes of one running clock: when it was due and will be, and whether it is late before and after.

    ``limit`` is what it will run by; instants are UTC.
    """

    clock_id: int
    ticket_id: int
    number: str
    kind: ClockKind
    started_at: datetime
    was_due_at: datetime
    due_at: datetime
    warn_at: datetime | None
    limit: Limit
    late_before: bool
    late_after: bool


def preview(session: Session, office: Office) -> list[Recounted]:
    """Return what recalculating would change now, the first due first; a clock it would leave as it is is left out."""
    return _recount(session, office, _running(session, office.id, locked=False))


def edition_of(rows: Sequence[Recounted]) -> str:
    """Return what tells one preview from another: it is confirmed as it was seen, or not at all."""
    seen = [(row.clock_id, row.was_due_at, row.due_at, row.limit.policy_id, row.limit.office_policy_id) for row in rows]
    return sha256(repr(seen).encode()).hexdigest()[:16]


def recalculate(session: Session, office_id: int, edition: str) -> list[Recounted]:
    """Count the office's running clocks anew, as previewed under ``edition``, and return what was changed.

    Locks tickets before clocks, as everybody does. Raises NotFound for a foreign office, Refusal when nothing is to be
    changed (any more) and when something else would be than was seen.
    """
    office = open_office(session, office_id)
    rows = _recount(session, office, _running(session, office.id, locked=True))
    if not rows:
        message = "没有需要重新计算的时限：在走的时限都已按现行规则计时。"
        raise Refusal(code="nothing_to_recalculate", message=message, field="edition", value=edition)
    if edition_of(rows) != edition:
        message = f"预览之后情况有变，现在涉及 {len(rows)} 项时限，尚未重新计算。请核对新的预览后再确认。"
        raise Refusal(code="preview_changed", message=message, field="edition", value=edition)
    by_id = {row.clock_id: row for row in rows}
    for clock in session.scalars(select(Clock).where(Clock.id.in_(by_id)).order_by(Clock.id)):
        row = by_id[clock.id]
        clock.due_at, clock.warn_at = row.due_at, row.warn_at
        clock.policy_id, clock.office_policy_id = row.limit.policy_id, row.limit.office_policy_id
    session.flush()
    clock_plans.mend(session, office.id, list(by_id), clockface.now(), {rule: Mended() for rule in clock_plans.RULES})
    _note(session, office, rows)
    return rows


def _note(session: Session, office: Office, rows: Sequence[Recounted]) -> None:
    facts: dict[str, object] = {
        "clocks": len(rows),
        "late_before": sum(row.late_before for row in rows),
        "late_after": sum(row.late_after for row in rows),
        "examples": [row.number for row in rows[:EXAMPLES]],
    }
    note(session, RecordedAct(verb="limits.recalculated", office_id=office.id, facts=facts))


def _running(session: Session, office_id: int, *, locked: bool) -> Sequence[Row[Clock, Ticket]]:
    """Return the office's running clocks of open matters with these, read anew and locked when ``locked`` says so."""
    statement = (
        select(Clock, Ticket)
        .join(Ticket, and_(Ticket.id == Clock.ticket_id, Ticket.office_id == Clock.office_id))
        .where(Clock.office_id == office_id, Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
        .where(Ticket.closed_at.is_(None), Clock.kind.not_in(AGREED))
        .order_by(Clock.due_at, Clock.id)
    )
    if locked:
        found = session.execute(statement).all()
        ids, tickets = {clock.id for clock, _ in found}, {ticket.id for _, ticket in found}
        for locking in (
            select(Ticket.id).where(Ticket.id.in_(tickets)).order_by(Ticket.id),
            select(Clock.id).where(Clock.id.in_(ids)).order_by(Clock.id),
        ):
            session.execute(locking.with_for_update(key_share=True))
        statement = statement.where(Clock.id.in_(ids)).execution_options(populate_existing=True)
    return session.execute(statement).all()


def _recount(session: Session, office: Office, running: Sequence[Row[Clock, Ticket]]) -> list[Recounted]:
    present, hours = clockface.now(), holidays.hours_of(session, office)
    holding = limits.in_force(session, office, local_day(present, office.zone))
    held = _qualifiers(session, {ticket.id for _, ticket in running})
    waits = _waits(session, {ticket.id for _, ticket in running})
    found = []
    for clock, ticket in running:
        limit = limit_for(holding, ticket.kind, clock.kind, held.get(ticket.id, frozenset()))
        if limit is None or limit.term.source != clock.source:
            continue  # told at once because it was made grave: nothing to count (A-C2)
        due = _due(clock, limit, hours, waits.get(ticket.id, []))
        by = (limit.policy_id, limit.office_policy_id)
        if (due, by) != (clock.due_at, (clock.policy_id, clock.office_policy_id)):
            found.append(_recounted(clock, ticket, limit, due, hours, present))
    return found


def _due(clock: Clock, limit: Limit, hours: OfficeHours, waits: Sequence[Pause]) -> datetime:
    """Return when the clock runs out by ``limit``, counted from its own start, without what it waited."""
    due = due_at(limit.term, clock.started_at, hours)
    for wait in waits:
        if wait.ended_at is not None and wait.reason in limit.pauses:
            due = after_pause(
                clock.started_at,
                due,
                wait.began_at,
                wait.ended_at,
                hours,
                by_day=limit.by_day,
                calendar=limit.term.calendar,
            )
    return due


def _recounted(
    clock: Clock, ticket: Ticket, limit: Limit, due: datetime, hours: OfficeHours, present: datetime
) -> Recounted:
    return Recounted(
        clock_id=clock.id,
        ticket_id=ticket.id,
        number=ticket.number,
        kind=clock.kind,
        started_at=clock.started_at,
        was_due_at=clock.due_at,
        due_at=due,
        warn_at=warn_at(limit, clock.started_at, due, hours),
        limit=limit,
        late_before=clock.due_at <= present,
        late_after=due <= present,
    )


def _waits(session: Session, ticket_ids: set[int]) -> dict[int, list[Pause]]:
    found: dict[int, list[Pause]] = {}
    ended = select(Pause).where(Pause.ticket_id.in_(ticket_ids), Pause.ended_at.is_not(None))
    for wait in session.scalars(ended.order_by(Pause.began_at, Pause.id)):
        found.setdefault(wait.ticket_id, []).append(wait)
    return found


def _qualifiers(session: Session, ticket_ids: set[int]) -> dict[int, frozenset[str]]:
    """Return what the tables ask of each of these tickets, in two queries whatever their number."""
    requests = select(ServiceRequest.ticket_id, ServiceRequest.category, ServiceRequest.urgent)
    complaints = select(Complaint.ticket_id, Complaint.gravity)
    found = {
        ticket_id: clocks.qualifiers_of(category, None, urgent=urgent)
        for ticket_id, category, urgent in session.execute(requests.where(ServiceRequest.ticket_id.in_(ticket_ids)))
    }
    for ticket_id, gravity in session.execute(complaints.where(Complaint.ticket_id.in_(ticket_ids))):
        found[ticket_id] = clocks.qualifiers_of(None, gravity)
    return found
