"""The queue of record: what is planned, claimed, done once, given up.

A due action is planned and cancelled in the transaction of the change that causes it. It is done in two transactions:
one claims it (token, lease, attempt counted), the other re-checks the condition, writes the effect and settles the
claim. Settling asks for the token under the row's lock, so whoever lost the row in between, to another worker or to a
cancellation, writes nothing.

The statements here carry ``PERMIT``: they change rows of the machinery by key and state, without loading them, and each
names the office. What they lead to is recorded under its own name. Leases are measured by the database's clock, the one
clock that all workers share.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenant import clock
from tenant.models.clockwork import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT, scope_of

BUSINESS_KEY = ("office_id", "subject_kind", "subject_id", "rule", "level", "cycle")
UNDONE = (DueState.PENDING, DueState.CLAIMED)
MOST_ATTEMPTS = 5
LEASE = timedelta(seconds=20)
"""How long a claim holds; after it a row whose worker died is taken up again. Far above what fifty effects take."""
A_ROUND = 50
_BY_KEY = {**PERMIT, "synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one action until its lease ends: ``token`` proves it, ``attempts`` counts this one too."""

    id: int
    office_id: int
    due_at: datetime
    token: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Whether something due is ``waiting`` to be claimed, and whether something is ``held`` by a worker."""

    waiting: bool
    held: bool


class ClaimLost(Exception):
    """The claim is no longer ours: cancelled, or its lease ended and another took it. Nothing may be committed."""


def plan(  # noqa: PLR0913 - the business key has six parts, all named by the caller
    session: Session,
    *,
    office_id: int,
    rule: str,
    subject_kind: str,
    subject_id: int,
    due_at: datetime,
    level: int = 1,
    cycle: str = "1",
    facts: dict[str, object] | None = None,
) -> int | None:
    """Plan one action for ``due_at`` and return its id; None when its key was planned before, whatever became of it.

    The business key is office, subject, rule, level and cycle: who starts something over raises the cycle. ``facts``
    are plain JSON values the rule wants back. Raises WallBreach for an office outside the session's scope.
    """
    scope_of(session).require(office_id)
    statement = (
        insert(DueAction)
        .values(
            office_id=office_id,
            rule=rule,
            subject_kind=subject_kind,
            subject_id=subject_id,
            due_at=due_at,
            level=level,
            cycle=cycle,
            facts=facts or {},
        )
        .on_conflict_do_nothing(index_elements=BUSINESS_KEY)
        .returning(DueAction.id)
    )
    return session.scalar(statement, execution_options=PERMIT)


def cancel(session: Session, *, office_id: int, subject_kind: str, subject_id: int, rule: str | None = None) -> int:
    """Cancel what is planned for a subject, of one rule or of all, and return how many actions that were.

    An action being done at this moment is cancelled too: its worker loses the claim and writes nothing.
    """
    scope_of(session).require(office_id)
    statement = update(DueAction).where(
        DueAction.office_id == office_id,
        DueAction.subject_kind == subject_kind,
        DueAction.subject_id == subject_id,
        DueAction.state.in_(UNDONE),
    )
    if rule is not None:
        statement = statement.where(DueAction.rule == rule)
    closing = statement.values(
        state=DueState.CANCELLED, settled_at=func.now(), claim_token=None, version=DueAction.version + 1
    )
    return len(session.scalars(closing.returning(DueAction.id), execution_options=_BY_KEY).all())


def claim(
    session: Session,
    rule: str,
    at: datetime,
    *,
    office_id: int | None = None,
    limit: int = A_ROUND,
    lease: timedelta = LEASE,
    passing_over: Collection[int] = (),
    suspects: bool = False,
) -> list[Claim]:
    """Claim up to ``limit`` actions of ``rule`` that are due at ``at``; the caller commits before doing them.

    ``session`` is one of ``across_offices``. Offices take turns, the oldest of each first, so that a thousand rows of
    one never hold up the one row of another. ``passing_over`` are ids that failed a moment ago. What another worker
    holds is left to it.

    Rows never tried are claimed together; ``suspects`` are those that were claimed before and not settled, and are
    claimed one by one: a worker that dies then dies of that row, and no other row's attempts are used up with it.
    """
    was_tried = DueAction.attempts > 0 if suspects else DueAction.attempts == 0
    pending = [_is(DueState.PENDING), was_tried, DueAction.id.not_in(passing_over)]
    token, locked = str(uuid.uuid4()), _locked([*_due(rule, at, office_id), *pending], 1 if suspects else limit).cte()
    taking = (
        update(DueAction)
        .where(DueAction.id == locked.c.id)
        .values(
            state=DueState.CLAIMED,
            claim_token=token,
            lease_until=func.now() + lease,
            attempts=DueAction.attempts + 1,
            version=DueAction.version + 1,
        )
        .returning(DueAction.id, DueAction.office_id, DueAction.due_at, DueAction.attempts)
    )
    rows = session.execute(taking, execution_options=_BY_KEY).all()
    return sorted(
        (Claim(row.id, row.office_id, row.due_at, token, row.attempts) for row in rows),
        key=lambda taken: (taken.due_at, taken.id),
    )


def _locked(due: list[ColumnElement[bool]], limit: int) -> Select[int]:
    """Return the query that locks up to ``limit`` rows meeting ``due``, offices taking turns."""
    turn = func.row_number().over(partition_by=DueAction.office_id, order_by=(DueAction.due_at, DueAction.id))
    ranked = select(DueAction.id, turn.label("turn")).where(*due).subquery()
    # more than the limit, so that a second worker finds rows beyond those the first has locked
    window = select(ranked).order_by(ranked.c.turn, ranked.c.id).limit(limit * 4).subquery()
    return (
        select(DueAction.id)
        .join(window, window.c.id == DueAction.id)
        .where(*due)
        .order_by(window.c.turn, window.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=DueAction)
    )


def take_back(session: Session, rule: str, *, office_id: int | None = None) -> list[int]:
    """Make pending again what was claimed by a worker that died, and return the ids that died with it too often.

    ``session`` is one of ``across_offices``. A row that kills its process is not run for ever: after five attempts it
    is dead and waits for a person.
    """
    spent = DueAction.attempts >= MOST_ATTEMPTS
    ended = [DueAction.rule == rule, _is(DueState.CLAIMED), DueAction.lease_until < func.now()]
    if office_id is not None:
        ended.append(DueAction.office_id == office_id)
    locked = select(DueAction.id).where(*ended).with_for_update(skip_locked=True).cte("locked")
    taking_back = (
        update(DueAction)
        .where(DueAction.id == locked.c.id)
        .values(
            state=case((spent, DueState.DEAD), else_=DueState.PENDING),
            settled_at=case((spent, func.now()), else_=None),
            last_error="执行中断：未在有效期内完成",
            claim_token=None,
            lease_until=None,
            version=DueAction.version + 1,
        )
        .returning(DueAction.id, DueAction.state)
    )
    rows = session.execute(taking_back, execution_options=_BY_KEY).all()
    return [row.id for row in rows if row.state is DueState.DEAD]


def outstanding(session: Session, rule: str, at: datetime, *, office_id: int | None = None) -> Outstanding:
    """Tell in one indexed query whether anything of ``rule`` is due at ``at``, and whether a worker has it in hand."""
    due = _due(rule, at, office_id)
    waiting, held = (
        select(DueAction.id).where(*due, _is(state)).exists() for state in (DueState.PENDING, DueState.CLAIMED)
    )
    found = session.execute(select(waiting, held)).one()
    return Outstanding(waiting=found[0], held=found[1])


def claimed(session: Session, claim: Claim) -> DueAction:
    """Return the action of a claim, to be done in this transaction. Raises ClaimLost when it is no longer ours."""
    found = session.scalars(select(DueAction).where(*_held_by(claim))).one_or_none()
    if found is None:
        raise ClaimLost(claim.id)
    return found


def settle(session: Session, claim: Claim, state: DueState) -> None:
    """Close a claim as done or cancelled in the transaction of its effect, as the last thing before its commit.

    Raises ClaimLost when it is no longer ours: then nothing of the effect may be committed. The row is locked only
    here, after the rows of the effect: who meets a clock locks in the same order, so neither waits for the other.
    """
    session.flush()
    settling = (
        update(DueAction)
        .where(*_held_by(claim))
        .values(state=state, settled_at=func.now(), claim_token=None, lease_until=None, version=DueAction.version + 1)
    )
    if session.scalar(settling.returning(DueAction.id), execution_options=_BY_KEY) is None:
        raise ClaimLost(claim.id)


def fail(session: Session, claim: Claim, error: str) -> DueState:
    """Give a claim back after an error, or stop the action at its fifth; returns what it became.

    Raises ClaimLost when it is no longer ours. A stop is recorded: it waits for a person.
    """
    action = session.scalars(select(DueAction).where(*_held_by(claim)).with_for_update()).one_or_none()
    if action is None:
        raise ClaimLost(claim.id)
    action.state = DueState.DEAD if action.attempts >= MOST_ATTEMPTS else DueState.PENDING
    action.settled_at = clock.now() if action.state is DueState.DEAD else None
    action.claim_token, action.lease_until, action.last_error = None, None, error
    session.flush()
    return action.state


def _due(rule: str, at: datetime, office_id: int | None) -> list[ColumnElement[bool]]:
    of_office = [] if office_id is None else [DueAction.office_id == office_id]
    return [DueAction.rule == rule, DueAction.due_at <= at, *of_office]


def _is(state: DueState) -> ColumnElement[bool]:
    """Return the condition with the state written out: a partial index serves no plan in which it is a parameter."""
    return DueAction.state == literal(state, DueAction.state.type, literal_execute=True)


def _held_by(claim: Claim) -> list[ColumnElement[bool]]:
    return [
        DueAction.office_id == claim.office_id,
        DueAction.id == claim.id,
        DueAction.state == DueState.CLAIMED,
        DueAction.claim_token == claim.token,
    ]
