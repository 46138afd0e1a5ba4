"""The queue of record: what is planned, claimed, done once, given up.

A due action is planned and cancelled in the transaction of the change that causes it. It is done in two transactions:
one claims it (token, lease, attempt counted), the other re-checks the condition, writes the effect and settles the
claim. Settling asks for the token under the row's lock, so whoever lost the row in between, to another worker or to a
cancellation, writes nothing.

The statements here carry ``PERMIT``: they change rows of the machinery by key and state, without loading them, and each
names the office. What they lead to is recorded under its own name.
"""

from datetime import datetime

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenant.models.clockwork import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT, scope_of

BUSINESS_KEY = ("office_id", "subject_kind", "subject_id", "rule", "level", "cycle")
UNDONE = (DueState.PENDING, DueState.CLAIMED)


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
    found = session.scalars(closing.returning(DueAction.id), execution_options={**PERMIT, "synchronize_session": False})
    return len(found.all())
