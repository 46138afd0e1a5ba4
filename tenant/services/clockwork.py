"""The queue of record: what is planned, claimed, done once, given up.

A due action is planned and cancelled in the transaction of the change that causes it. It is done in two transactions:
one claims it (token, lease, attempt counted), the other re-checks the condition, writes the effect and settles the
claim. Settling asks for the token under the row's lock, so whoever lost the row in between, to another worker or to a
cancellation, writes nothing.

What failed is tried again after 10 seconds, a minute, five and fifteen minutes, so that five attempts outlast what is
down for a while; after the fifth it is dead, and a person has it tried anew or discards it. A pending row that was
tried before waits until its ``lease_until``.

The statements here carry ``PERMIT``: they change rows of the machinery by key and state, without loading them, and each
names the office. What they lead to is recorded under its own name. Leases are measured by the database's clock, the one
clock that all workers share.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.errors import Refusal
from tenant.journal import LONGEST_REASON, because
from tenant.models.clockwork import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT, scope_of
from tenant.services import turns
from tenant.services.lookups import find, written

BUSINESS_KEY = ("office_id", "subject_kind", "subject_id", "rule", "level", "cycle")
UNDONE = (DueState.PENDING, DueState.CLAIMED)
MOST_ATTEMPTS = 5
LEASE = timedelta(seconds=20)
"""How long a claim holds; after it a row whose worker died is taken up again. Far above what fifty effects take."""
A_ROUND = 50
PER_OFFICE = 25
"""How many of one office a round takes at the most, so that what falls due elsewhere meanwhile waits for no more."""
RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
"""How long an action waits after its first, second … failure, by the database's clock."""
_SETTLING = """
UPDATE due_action
SET state = %(state)s, settled_at = now(), claim_token = NULL, lease_until = NULL, version = version + 1
WHERE office_id = %(office)s AND id = %(id)s AND state = 'claimed' AND claim_token = %(token)s
"""
_BY_KEY = {**PERMIT, "synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one action until its lease ends: ``token`` proves it, ``attempts`` counts this one too.

    ``action`` is the row as it was claimed, in no session: what it says of its subject never changes, and whether it is
    still to be done is asked when it is settled.
    """

    id: int
    office_id: int
    due_at: datetime
    token: str
    attempts: int
    action: DueAction = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Whether something due waits that was never tried, something may be tried ``again``, something is ``held``."""

    fresh: bool
    again: bool
    held: bool

    def __bool__(self) -> bool:
        """Tell whether there is anything at all."""
        return self.fresh or self.again or self.held


@dataclass(frozen=True, slots=True)
class Lag:
    """What of ``rule`` should have been begun by now: since when the oldest could have been, and how many wait.

    ``waiting`` counts no further than :data:`turns.MOST_COUNTED`.
    """

    rule: str
    oldest_due_at: datetime
    waiting: int


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
            rule_version=policy.version(),
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


def postpone(
    session: Session,
    *,
    office_id: int,
    rule: str,
    subject_kind: str,
    subject_id: int,
    level: int,
    cycle: str,
    due_at: datetime,
) -> bool:
    """Let one action that is not done be due at ``due_at``, never tried; tells whether there was one.

    One being done at this moment is postponed too: its worker loses the claim and writes nothing.
    """
    scope_of(session).require(office_id)
    moving = (
        update(DueAction)
        .where(
            DueAction.office_id == office_id,
            DueAction.subject_kind == subject_kind,
            DueAction.subject_id == subject_id,
            DueAction.rule == rule,
            DueAction.level == level,
            DueAction.cycle == cycle,
            DueAction.state.in_(UNDONE),
        )
        .values(
            state=DueState.PENDING,
            due_at=due_at,
            attempts=0,
            claim_token=None,
            lease_until=None,
            version=DueAction.version + 1,
        )
    )
    return session.scalar(moving.returning(DueAction.id), execution_options=_BY_KEY) is not None


def claim(  # noqa: PLR0913 - whose turn it is takes this much to say; all are named
    session: Session,
    rule: str,
    at: datetime,
    *,
    office_id: int | None = None,
    limit: int = A_ROUND,
    per_office: int = PER_OFFICE,
    after: int = 0,
    lease: timedelta = LEASE,
    passing_over: Collection[int] = (),
    suspects: bool = False,
) -> list[Claim]:
    """Claim up to ``limit`` actions of ``rule`` that are due at ``at``; the caller commits before doing them.

    ``session`` is one of ``across_offices``. Offices take turns, beginning with the one that follows ``after``: each
    gets an equal share of the round, ``per_office`` at the most, its oldest first, so that a thousand rows of one never
    hold up the one row of another. ``passing_over`` are ids that failed a moment ago. What another worker holds is left
    to it. The price is one look into an index for each office where something waits, however much that is.

    Rows never tried are claimed together; ``suspects`` are those that were claimed before and not settled, and are
    claimed one by one: a worker that dies then dies of that row, and no other row's attempts are used up with it.
    """
    turn = turns.Turn(rule, at, office_id, suspects=suspects)
    locked = turn.locked(1 if suspects else limit, per_office, after, passing_over)
    token = str(uuid.uuid4())
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
        .returning(DueAction)
    )
    rows = session.scalars(taking, execution_options=_BY_KEY | {"populate_existing": True}).all()
    session.expunge_all()
    return sorted(
        (Claim(row.id, row.office_id, row.due_at, token, row.attempts, row) for row in rows),
        key=lambda taken: (taken.due_at, taken.id),
    )


def release(session: Session, claims: Collection[Claim]) -> None:
    """Give back claims that were not begun, as if they had not been made. ``session`` is one of ``across_offices``."""
    releasing = (
        update(DueAction)
        .where(DueAction.id.in_([claim.id for claim in claims]), turns.is_in(DueState.CLAIMED))
        .where(DueAction.claim_token.in_({claim.token for claim in claims}))
        .values(
            state=DueState.PENDING,
            claim_token=None,
            lease_until=case((DueAction.attempts > 1, func.now()), else_=None),
            attempts=DueAction.attempts - 1,
            version=DueAction.version + 1,
        )
    )
    session.execute(releasing, execution_options=_BY_KEY)


def take_back(session: Session, rule: str, *, office_id: int | None = None) -> list[int]:
    """Make pending again what was claimed by a worker that died, and return the ids that died with it too often.

    ``session`` is one of ``across_offices``. A row that kills its process is not run for ever: after five attempts it
    is dead and waits for a person.
    """
    spent = DueAction.attempts >= MOST_ATTEMPTS
    ended = [
        DueAction.rule == rule,
        turns.is_in(DueState.CLAIMED),
        DueAction.lease_until < func.now(),
        *turns.of_office(office_id),
    ]
    locked = select(DueAction.id).where(*ended).with_for_update(skip_locked=True).cte("locked")
    taking_back = (
        update(DueAction)
        .where(DueAction.id == locked.c.id)
        .values(
            state=case((spent, DueState.DEAD), else_=DueState.PENDING),
            settled_at=case((spent, func.now()), else_=None),
            last_error="执行中断：未在有效期内完成",
            claim_token=None,
            lease_until=case((spent, None), else_=func.now()),
            version=DueAction.version + 1,
        )
        .returning(DueAction.id, DueAction.state)
    )
    rows = session.execute(taking_back, execution_options=_BY_KEY).all()
    return [row.id for row in rows if row.state is DueState.DEAD]


def outstanding(
    session: Session, rule: str, at: datetime, *, office_id: int | None = None, passing_over: Collection[int] = ()
) -> Outstanding:
    """Tell in one indexed query whether anything of ``rule`` is due at ``at``, and whether a worker has it in hand.

    What failed a moment ago and has to wait does not count, and neither does what is passed over.
    """
    due = turns.due(rule, at, office_id)
    again = [turns.tried(), DueAction.lease_until <= func.now(), DueAction.id.not_in(passing_over)]
    states = ([turns.fresh()], again, [turns.is_in(DueState.CLAIMED)])
    fresh, tried, held = (select(DueAction.id).where(*due, *state).exists() for state in states)
    found = session.execute(select(fresh, tried, held)).one()
    return Outstanding(fresh=found[0], again=found[1], held=found[2])


def lags(group_session: Session, at: datetime) -> list[Lag]:
    """Return for each rule what should have been begun at ``at`` and was not; a rule with nothing late has no line.

    Late is what was never tried since it is due, what failed since its wait is over, and what a dead worker holds since
    its lease ended. A row that failed and has to wait is not the clockwork's delay. Three queries on partial indexes.
    """
    queries = (turns.late_and_fresh(at), *turns.late_again(at))
    found = [row for query in queries for row in group_session.execute(query)]
    late: dict[str, Lag] = {}
    for rule, since, waiting in found:
        known = late.get(rule, Lag(rule, since, 0))
        late[rule] = Lag(rule, min(since, known.oldest_due_at), min(known.waiting + waiting, turns.MOST_COUNTED))
    return [late[rule] for rule in sorted(late)]


def settle(session: Session, claim: Claim, state: DueState) -> None:
    """Close a claim as done or cancelled in the transaction of its effect, as the last thing before its commit.

    Raises ClaimLost when it is no longer ours: then nothing of the effect may be committed. The row is locked only
    here, after the rows of the effect: who meets a clock locks in the same order, so neither waits for the other.
    """
    session.flush()
    held = {"office": claim.office_id, "id": claim.id, "token": claim.token, "state": state.value}
    connection = session.connection()  # raw SQL: run for every effect, and compiling it costs eight times as much
    if connection.exec_driver_sql(_SETTLING, held, execution_options=PERMIT).rowcount != 1:  # raw SQL: see above
        raise ClaimLost(claim.id)


def fail(session: Session, claim: Claim, error: str) -> DueState:
    """Give a claim back after an error, to be tried again after :data:`RETRY_AFTER`; returns what it became.

    At the fifth failure the action is dead and waits for a person. Raises ClaimLost when it is no longer ours.
    """
    action = session.scalars(select(DueAction).where(*_held_by(claim)).with_for_update()).one_or_none()
    if action is None:
        raise ClaimLost(claim.id)
    is_spent = action.attempts >= MOST_ATTEMPTS
    action.state = DueState.DEAD if is_spent else DueState.PENDING
    action.settled_at = clock.now() if is_spent else None
    action.claim_token, action.last_error = None, error
    action.lease_until = None if is_spent else func.now() + RETRY_AFTER[action.attempts - 1]
    session.flush()
    return action.state


def retry(session: Session, action_id: int) -> DueAction:
    """Let a dead action be tried anew: five attempts again, due now.

    Raises NotFound for an id that is missing or foreign, Refusal for an action that is not dead.
    """
    action = _dead(session, action_id)
    action.state, action.attempts, action.due_at, action.settled_at = DueState.PENDING, 0, clock.now(), None
    session.flush()
    return action


def discard(session: Session, action_id: int, reason: str) -> DueAction:
    """Settle a dead action as not to be done any more; ``reason`` stands in the record.

    Raises NotFound for an id that is missing or foreign, Refusal for an action that is not dead or without a reason.
    """
    why = written(reason, field="reason", label="放弃原因", limit=LONGEST_REASON)
    action = _dead(session, action_id)
    because(session, why)
    action.state, action.settled_at = DueState.DISCARDED, clock.now()
    session.flush()
    return action


def _dead(session: Session, action_id: int) -> DueAction:
    """Return a dead action, locked: two people who decide on it at once do not both."""
    action = find(session, DueAction, action_id, field="due_action", lock=True)
    if action.state is not DueState.DEAD:
        raise Refusal(
            code="not_dead",
            message=(
                f"这件到期事项现在是「{action.state.label}」，不需要人工处理；只有已停止的事项可以重试或放弃。"
                "请刷新列表查看最新情况。"
            ),
            field="due_action",
            value=action.state.value,
        )
    return action


def _held_by(claim: Claim) -> list[ColumnElement[bool]]:
    return [
        DueAction.office_id == claim.office_id,
        DueAction.id == claim.id,
        DueAction.state == DueState.CLAIMED,
        DueAction.claim_token == claim.token,
    ]
