"""What should be planned, derived from state once more, and what is planned held against it.

Everything is planned in the transaction of the change that causes it, so as a rule there is nothing to do here, and
then nothing is written. Where something is wrong after all (a row removed by hand, a restore of half a day, a mistake
of ours) it is planned or cancelled, and the record says so. What was done, what stopped and what a person gave up stays
as it is, and what a worker has in hand at this moment is left to it.

A look takes no locks. What looks wrong is locked, in the order in which everybody locks it, and looked at again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.calendars import local_day
from tenant.journal import RecordedAct, note, write_rows
from tenant.models import Clock, Complaint, DueAction, Escalation, Office, Owner, ServiceRequest, Ticket
from tenant.rules.terms import DueState
from tenant.services import clocks, dunning, limits, numbers
from tenant.services.dunning import ActionKey, Due
from tenant.services.limits import ByPolicy
from tenant.services.lookups import find

A_LOOK = 500
"""Clocks, or planned actions, looked at by one query."""
A_TRANSACTION = 4
"""Looks in one transaction: an office with some hundred running clocks is one."""
EXAMPLES = 10

ClockRow: TypeAlias = Row[*tuple[Any, ...]]
"""A running clock as :func:`_running` reads it."""


@dataclass(slots=True)
class Mended:
    """What had to be done for one rule; ``examples`` are the first few subjects, by id."""

    planned: int = 0
    moved: int = 0
    cancelled: int = 0
    examples: list[int] = field(default_factory=list)

    def name(self, subject_id: int) -> None:
        """Keep a subject as an example, while there are few."""
        if len(self.examples) < EXAMPLES and subject_id not in self.examples:
            self.examples.append(subject_id)


@dataclass(slots=True)
class Replanned:
    """What one transaction had to mend, by rule; ``rest`` is where the next one goes on, None when all is looked at."""

    rest: "Place | None"
    rules: dict[str, Mended] = field(default_factory=lambda: {clocks.RULE: Mended(), dunning.RULE: Mended()})

    @property
    def planned(self) -> int:
        """Return how many actions were planned, or planned for another instant."""
        return sum(mended.planned + mended.moved for mended in self.rules.values())

    @property
    def cancelled(self) -> int:
        """Return how many actions were cancelled."""
        return sum(mended.cancelled for mended in self.rules.values())

    def facts(self) -> dict[str, object]:
        """Return what was mended, as plain values; rules with nothing are left out."""
        return {
            rule: {name: getattr(mended, name) for name in ("planned", "moved", "cancelled", "examples")}
            for rule, mended in self.rules.items()
            if mended.examples
        }


@dataclass(frozen=True, slots=True)
class Place:
    """How far an office is through: what is looked at now, and the last id that was."""

    stage: int = 0
    after: int = 0


def replan(
    session: Session, office_id: int, at: datetime, planned_until: datetime | None, place: Place | None = None
) -> Replanned:
    """Hold one office's plan against its state at ``at`` and mend what differs, from ``place`` on.

    Dunning steps are planned as far as the office's latest run should have come, ``planned_until``; None plans none.
    What is mended is noted as one act. Raises NotFound for an office out of sight.
    """
    office = find(session, Office, office_id, field="office")
    done = Replanned(rest=place or Place())
    for _ in range(A_TRANSACTION):
        if done.rest is None:
            break
        if done.rest.stage < len(_LOOKS):
            done.rest = _look(session, office_id, at, done.rest, done.rules[clocks.RULE])
        else:
            _mend_dunning(session, office, at, planned_until, done.rules[dunning.RULE])
            done.rest = None
    if done.facts():
        note(session, RecordedAct(verb="clockwork.mended", office_id=office_id, facts=done.facts()))
    return done


def follow(session: Session, ticket: Ticket) -> None:
    """Let what is planned for the ticket's running clocks follow the ladder that they climb now."""
    ids = [running.id for running in clocks.running(session, ticket)]
    _mend_clocks(session, ticket.office_id, ids, clock.now(), Mended())


# ---- escalations
def _look(session: Session, office_id: int, at: datetime, place: Place, mended: Mended) -> Place:
    """Look at the next few clocks or actions, mend what is wrong, and return where to go on."""
    ids, wrong = _LOOKS[place.stage](session, office_id, place.after)
    if wrong:
        _mend_clocks(session, office_id, wrong, at, mended)
    return Place(place.stage, ids[-1]) if len(ids) == A_LOOK else Place(place.stage + 1)


def _running(office_id: int) -> Select[*tuple[Any, ...]]:
    """Return the query for the clocks of an office that run, with what decides who is told next."""
    raised = select(func.max(Escalation.level)).where(
        Escalation.office_id == office_id, Escalation.clock_id == Clock.id, Escalation.cycle == Clock.cycle
    )
    return (
        select(
            Clock.id,
            Clock.cycle,
            Clock.due_at,
            Clock.kind,
            Clock.policy_id,
            Clock.office_policy_id,
            Ticket.kind.label("ticket_kind"),
            ServiceRequest.category,
            ServiceRequest.urgent,
            Complaint.gravity,
            func.coalesce(raised.correlate(Clock).scalar_subquery(), 0).label("raised"),
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


def _expected(row: ClockRow, own: ByPolicy) -> tuple[int, datetime] | None:
    held = clocks.qualifiers_of(row.category, row.gravity, urgent=row.urgent)
    ladder = clocks.ladder_by(own, row.ticket_kind, row, held)
    return clocks.next_action(row.kind, ladder, row.due_at, row.raised)


def _actions(office_id: int, clock_ids: Collection[int]) -> Select[DueAction]:
    return (
        select(DueAction)
        .where(
            DueAction.office_id == office_id,
            DueAction.subject_kind == clocks.SUBJECT,
            DueAction.subject_id.in_(clock_ids),
            DueAction.rule == clocks.RULE,
        )
        .order_by(DueAction.id)
    )


def _clocks_that_run(session: Session, office_id: int, after: int) -> tuple[list[int], list[int]]:
    """Return the next running clocks by id, and those whose plan is not what it should be."""
    rows = session.execute(_running(office_id).where(Clock.id > after).limit(A_LOOK)).all()
    ids = [row.id for row in rows]
    planned = _by_subject(session.scalars(_actions(office_id, ids))) if ids else {}
    own = limits.of_clocks(session, rows)
    return ids, [row.id for row in rows if not _is_well(row, planned.get(row.id, ()), own)]


def _is_well(row: ClockRow, actions: Sequence[DueAction], own: ByPolicy) -> bool:
    """Tell whether just that is pending which is expected; a key that is used up is not planned again."""
    expected = _expected(row, own)
    wanted = None if expected is None else _keyed(actions, row, expected[0])
    for action in actions:
        is_meant = action is wanted and expected is not None and action.due_at == expected[1]
        if action.state is DueState.PENDING and not is_meant:
            return False
    return expected is None or (wanted is not None and wanted.state is not DueState.CANCELLED)


def _actions_of_nothing(session: Session, office_id: int, after: int) -> tuple[list[int], list[int]]:
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
        .where(DueAction.office_id == office_id, DueAction.rule == clocks.RULE, DueAction.state == DueState.PENDING)
        .where(DueAction.subject_kind == clocks.SUBJECT, DueAction.id > after, ~of_running_clock)
        .order_by(DueAction.id)
        .limit(A_LOOK)
    ).all()
    return [row.id for row in found], [row.subject_id for row in found]


_LOOKS = (_clocks_that_run, _actions_of_nothing)


def _mend_clocks(session: Session, office_id: int, clock_ids: Collection[int], at: datetime, mended: Mended) -> None:
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
    locked = _actions(office_id, ids).with_for_update().execution_options(populate_existing=True)
    planned = _by_subject(session.scalars(locked))
    own = limits.of_clocks(session, running.values())
    missing = [
        row
        for clock_id in ids
        if (row := _mend_clock(running.get(clock_id), planned.get(clock_id, ()), at, mended, own)) is not None
    ]
    _plan(session, office_id, missing, mended, own)


def _mend_clock(
    row: ClockRow | None, actions: Sequence[DueAction], at: datetime, mended: Mended, own: ByPolicy
) -> ClockRow | None:
    """Make what is pending for one clock what it should be, and return the clock where that is to be planned.

    ``row`` None: the clock does not run.
    """
    expected = None if row is None else _expected(row, own)
    wanted = None if row is None or expected is None else _keyed(actions, row, expected[0])
    for action in actions:
        if action.state is DueState.PENDING and action is not wanted:
            _cancel(action, at, mended)
    if expected is None:
        return None
    if wanted is None:
        return row
    _set_right(wanted, expected[1], mended)
    return None


def _plan(session: Session, office_id: int, missing: Sequence[ClockRow], mended: Mended, own: ByPolicy) -> None:
    """Plan what the clocks wait for; under their tickets' locks nobody else does."""
    rows = [
        {
            "office_id": office_id,
            "rule": clocks.RULE,
            "subject_kind": clocks.SUBJECT,
            "subject_id": row.id,
            "level": expected[0],
            "cycle": str(row.cycle),
            "due_at": expected[1],
            "facts": {},
            "rule_version": policy.version(),
        }
        for row in missing
        if (expected := _expected(row, own)) is not None
    ]
    write_rows(session, DueAction, inserts=rows)
    mended.planned += len(rows)
    for row in missing:
        mended.name(row.id)


def _keyed(actions: Iterable[DueAction], row: ClockRow, level: int) -> DueAction | None:
    return next((action for action in actions if (action.level, action.cycle) == (level, str(row.cycle))), None)


# ---- dunning
def _mend_dunning(
    session: Session, office: Office, at: datetime, planned_until: datetime | None, mended: Mended
) -> None:
    """Cancel what is pending and pointless at ``at``; plan what the latest run should have planned and is due still.

    A step that was reached only since that run is left to the next.
    """
    today = local_day(at, office.zone)
    reached = dunning.reached(session, office, today)
    wrong = {
        action.subject_id for action in session.scalars(_pending(office.id)) if _differs(action, reached, office, at)
    }
    if wrong:
        owners = select(Owner.id).where(Owner.id.in_(wrong)).order_by(Owner.id)
        session.execute(owners.with_for_update(key_share=True))
        reached = dunning.reached(session, office, today)
        locked = _pending(office.id).where(DueAction.subject_id.in_(wrong)).with_for_update()
        for action in session.scalars(locked.execution_options(populate_existing=True)):
            if _differs(action, reached, office, at):
                due = reached.steps.get(_dunning_key(action))
                if due is None:
                    _cancel(action, at, mended)
                else:
                    _set_right(action, dunning.due_since(due[1], office), mended)
        session.flush()
    if planned_until is not None and _missing(session, office, reached, planned_until):
        numbers.hold(session, office.id, dunning.RULE)
        missing = _missing(session, office, dunning.reached(session, office, today), planned_until)
        mended.planned += dunning.plan(session, office, missing)
        for owed, _step in missing:
            mended.name(owed.owner_id)


def _missing(session: Session, office: Office, reached: dunning.Reached, planned_until: datetime) -> list[Due]:
    """Return the steps due today that an earlier run should have planned and that are not planned."""
    if office.archived_at is not None:
        return []
    ran_on = local_day(planned_until, office.zone)
    due = [pair for pair in reached.steps.values() if pair[1].due_on <= ran_on]
    return dunning.unplanned(session, office.id, due) if due else []


def _pending(office_id: int) -> Select[DueAction]:
    return (
        select(DueAction)
        .where(
            DueAction.office_id == office_id,
            DueAction.rule == dunning.RULE,
            DueAction.subject_kind == dunning.SUBJECT,
            DueAction.state == DueState.PENDING,
        )
        .order_by(DueAction.id)
    )


def _dunning_key(action: DueAction) -> ActionKey:
    return action.subject_id, action.level, action.cycle


def _differs(action: DueAction, reached: dunning.Reached, office: Office, at: datetime) -> bool:
    """Tell whether a pending step is pointless or stands at a wrong instant.

    One of the climb the owner is on that is due only later is nobody's mistake: a run for a later instant planned it.
    """
    due = reached.steps.get(_dunning_key(action))
    if due is not None:
        return action.due_at != dunning.due_since(due[1], office)
    return action.due_at <= at or reached.cycles.get(action.subject_id) != action.cycle


# ---- both
def _by_subject(actions: Iterable[DueAction]) -> Mapping[int, list[DueAction]]:
    found: dict[int, list[DueAction]] = {}
    for action in actions:
        found.setdefault(action.subject_id, []).append(action)
    return found


def _cancel(action: DueAction, at: datetime, mended: Mended) -> None:
    action.state = DueState.CANCELLED
    action.settled_at = at
    mended.cancelled += 1
    mended.name(action.subject_id)


def _set_right(action: DueAction, due_at: datetime, mended: Mended) -> None:
    """Let an action be pending again that was cancelled, and due when it should be; others stay as they are."""
    if action.state is DueState.CANCELLED:
        action.state, action.attempts, action.settled_at = DueState.PENDING, 0, None
        mended.planned += 1
    elif action.state is DueState.PENDING and action.due_at != due_at:
        mended.moved += 1
    else:
        return
    action.due_at, action.rule_version = due_at, policy.version()
    mended.name(action.subject_id)
