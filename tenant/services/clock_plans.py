"""The plan of an office's running clocks held against their state: whom they tell next, and of what they warn.

A look takes no locks. What looks wrong is locked, in the order in which everybody locks it (ticket, clock, action), and
looked at again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.journal import write_rows
from tenant.models import Clock, Complaint, DueAction, Escalation, ServiceRequest, Ticket
from tenant.rules.ladder import counted_from
from tenant.rules.terms import DueState
from tenant.services import clocks, limits
from tenant.services.limits import ByPolicy
from tenant.services.mending import Mended, by_subject, cancel, set_right

A_LOOK = 500
"""Clocks, or planned actions, looked at by one query."""
RULES = (clocks.RULE, clocks.WARNING)

ClockRow: TypeAlias = Row[*tuple[Any, ...]]
"""A running clock as :func:`_running` reads it."""
Expected: TypeAlias = Mapping[str, tuple[int, datetime]]
"""Level and instant of what should be pending, by rule; a rule of which nothing should be is left out."""
MendedByRule: TypeAlias = Mapping[str, Mended]
Missing: TypeAlias = tuple[int, str, str, int, datetime]
"""What is not planned and should be: clock, cycle, rule, level, instant."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far an office is through: what is looked at now, and the last id that was."""

    stage: int = 0
    after: int = 0


def look(session: Session, office_id: int, at: datetime, place: Place, mended: MendedByRule) -> Place | None:
    """Look at the next few clocks or actions, mend what is wrong, and return where to go on; None when all is seen."""
    ids, wrong = _LOOKS[place.stage](session, office_id, place.after, at)
    if wrong:
        mend(session, office_id, wrong, at, mended)
    if len(ids) == A_LOOK:
        return Place(place.stage, ids[-1])
    return Place(place.stage + 1) if place.stage + 1 < len(_LOOKS) else None


def follow(session: Session, ticket: Ticket) -> None:
    """Let what is planned for the ticket's running clocks follow the ladder that they climb now."""
    ids = [running.id for running in clocks.running(session, ticket)]
    mend(session, ticket.office_id, ids, clock.now(), {rule: Mended() for rule in RULES})


def mend(session: Session, office_id: int, clock_ids: Collection[int], at: datetime, mended: MendedByRule) -> None:
    """Look at these clocks again, with their tickets, themselves and their actions locked, and mend their plan."""
    ids = sorted(set(clock_ids))
    if not ids:
        return
    of_clocks = select(Clock.ticket_id).where(Clock.office_id == office_id, Clock.id.in_(ids))
    for locking in (
        select(Ticket.id).where(Ticket.id.in_(session.scalars(of_clocks).all())).order_by(Ticket.id),
        select(Clock.id).where(Clock.id.in_(ids)).order_by(Clock.id),
    ):
        session.execute(locking.with_for_update(key_share=True))
    running = {row.id: row for row in session.execute(_running(office_id).where(Clock.id.in_(ids)))}
    own = limits.of_clocks(session, running.values())
    locked = _actions(office_id, ids).with_for_update().execution_options(populate_existing=True)
    planned = by_subject(session.scalars(locked))
    missing: list[Missing] = []
    for clock_id in ids:
        row = running.get(clock_id)
        expected = {} if row is None else _expected(row, own, at)
        rules = _mend_clock(row, planned.get(clock_id, ()), expected, at, mended)
        missing += [(clock_id, str(running[clock_id].cycle), rule, *expected[rule]) for rule in rules]
    _plan(session, office_id, missing, mended)


def _running(office_id: int) -> Select[*tuple[Any, ...]]:
    """Return the query for the clocks of an office that run, with what decides who is told next."""
    of_clock = (Escalation.office_id == office_id, Escalation.clock_id == Clock.id, Escalation.cycle == Clock.cycle)
    raised, noticed, noticed_at = (
        select(most).where(*of_clock).correlate(Clock).scalar_subquery()
        for most in (
            func.max(Escalation.level),
            func.max(Escalation.level).filter(Escalation.acknowledged_at.is_not(None)),
            func.max(Escalation.acknowledged_at),
        )
    )
    return (
        select(
            Clock.id,
            Clock.cycle,
            Clock.due_at,
            Clock.warn_at,
            Clock.warned_at,
            Clock.kind,
            Clock.policy_id,
            Clock.office_policy_id,
            Ticket.kind.label("ticket_kind"),
            ServiceRequest.category,
            ServiceRequest.urgent,
            Complaint.gravity,
            func.coalesce(raised, 0).label("raised"),
            func.coalesce(noticed, 0).label("noticed"),
            noticed_at.label("noticed_at"),
        )
        .join(Ticket, and_(Ticket.id == Clock.ticket_id, Ticket.office_id == Clock.office_id))
        .outerjoin(
            ServiceRequest,
            and_(ServiceRequest.ticket_id == Ticket.id, ServiceRequest.office_id == Ticket.office_id),
        )
        .outerjoin(Complaint, and_(Complaint.ticket_id == Ticket.id, Complaint.office_id == Ticket.office_id))
        .where(Clock.office_id == office_id, Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
        .where(Ticket.closed_at.is_(None))
        .order_by(Clock.id)
    )


def _expected(row: ClockRow, own: ByPolicy, at: datetime) -> Expected:
    """Return what should be pending for a running clock at ``at``; nobody is warned of what has run out."""
    held = clocks.qualifiers_of(row.category, row.gravity, urgent=row.urgent)
    ladder = clocks.ladder_by(own, row.ticket_kind, row, held)
    since = counted_from(ladder, row.due_at, row.noticed, row.noticed_at)
    level = clocks.next_action(row.kind, ladder, since, row.raised)
    expected = {} if level is None else {clocks.RULE: level}
    if ladder and row.warn_at is not None and row.warned_at is None and at < row.due_at:
        expected[clocks.WARNING] = (1, row.warn_at)
    return expected


def _actions(office_id: int, clock_ids: Collection[int]) -> Select[DueAction]:
    return (
        select(DueAction)
        .where(
            DueAction.office_id == office_id,
            DueAction.subject_kind == clocks.SUBJECT,
            DueAction.subject_id.in_(clock_ids),
            DueAction.rule.in_(RULES),
        )
        .order_by(DueAction.id)
    )


def _clocks_that_run(session: Session, office_id: int, after: int, at: datetime) -> tuple[list[int], list[int]]:
    """Return the next running clocks by id, and those whose plan is not what it should be."""
    rows = session.execute(_running(office_id).where(Clock.id > after).limit(A_LOOK)).all()
    ids = [row.id for row in rows]
    planned = by_subject(session.scalars(_actions(office_id, ids))) if ids else {}
    own = limits.of_clocks(session, rows)
    return ids, [row.id for row in rows if not _is_well(row, planned.get(row.id, ()), _expected(row, own, at))]


def _is_well(row: ClockRow, actions: Sequence[DueAction], expected: Expected) -> bool:
    """Tell whether just that is pending which is expected; a key that is used up is not planned again."""
    wanted = {rule: _keyed(actions, row, rule, level) for rule, (level, _) in expected.items()}
    for action in actions:
        is_meant = action is wanted.get(action.rule) and action.due_at == expected[action.rule][1]
        if action.state is DueState.PENDING and not is_meant:
            return False
    return all(action is not None and action.state is not DueState.CANCELLED for action in wanted.values())


def _actions_of_nothing(session: Session, office_id: int, after: int, _at: datetime) -> tuple[list[int], list[int]]:
    """Return the next pending actions by id that hang on no running clock, and their subjects."""
    of_running_clock = exists().where(
        Clock.office_id == office_id,
        Clock.id == DueAction.subject_id,
        Clock.met_at.is_(None),
        Clock.cancelled_at.is_(None),
        Ticket.office_id == office_id,
        Ticket.id == Clock.ticket_id,
        Ticket.closed_at.is_(None),
    )
    found = session.execute(
        select(DueAction.id, DueAction.subject_id)
        .where(DueAction.office_id == office_id, DueAction.rule.in_(RULES), DueAction.state == DueState.PENDING)
        .where(DueAction.subject_kind == clocks.SUBJECT, DueAction.id > after, ~of_running_clock)
        .order_by(DueAction.id)
        .limit(A_LOOK)
    ).all()
    return [row.id for row in found], [row.subject_id for row in found]


_LOOKS = (_clocks_that_run, _actions_of_nothing)


def _mend_clock(
    row: ClockRow | None, actions: Sequence[DueAction], expected: Expected, at: datetime, mended: MendedByRule
) -> list[str]:
    """Make what is pending for one clock what it should be, and return the rules of which that is to be planned.

    ``row`` None: the clock does not run.
    """
    wanted = {} if row is None else {rule: _keyed(actions, row, rule, level) for rule, (level, _) in expected.items()}
    for action in actions:
        if action.state is DueState.PENDING and action is not wanted.get(action.rule):
            cancel(action, at, mended[action.rule])
    for rule, found in wanted.items():
        if found is not None:
            set_right(found, expected[rule][1], mended[rule])
    return [rule for rule, found in wanted.items() if found is None]


def _plan(session: Session, office_id: int, missing: Sequence[Missing], mended: MendedByRule) -> None:
    """Plan what the clocks wait for; under their tickets' locks nobody else does."""
    rows = [
        {
            "office_id": office_id,
            "rule": rule,
            "subject_kind": clocks.SUBJECT,
            "subject_id": clock_id,
            "level": level,
            "cycle": cycle,
            "due_at": due_at,
            "facts": {},
            "rule_version": policy.version(),
        }
        for clock_id, cycle, rule, level, due_at in missing
    ]
    write_rows(session, DueAction, inserts=rows)
    for clock_id, _, rule, *_ in missing:
        mended[rule].planned += 1
        mended[rule].name(clock_id)


def _keyed(actions: Iterable[DueAction], row: ClockRow, rule: str, level: int) -> DueAction | None:
    key = (rule, level, str(row.cycle))
    return next((action for action in actions if (action.rule, action.level, action.cycle) == key), None)
