"""Rows of the queue for tests: many planned at once, claimed, looked at, their waits and leases let pass."""

from datetime import timedelta

from sqlalchemy import func, select, text, update

import make
from tenant.journal import CLOCKWORK
from tenant.models import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT, Scope
from tenant.services import clockwork
from tenant.unscoped import Reason, across_offices

AT = make.NOON
NO_LEASE = timedelta(seconds=-1)

MANY = """
INSERT INTO due_action (office_id, rule, subject_kind, subject_id, level, cycle, due_at, created_at, facts)
SELECT :office, :rule, 'clock', n, 1, :cycle, :due_at, CAST(:due_at AS timestamptz) - interval '1 day', '{}'
FROM generate_series(1, :count) n
"""


def plan_many(database, office_id, rule, count, *, due_at=AT, cycle="1"):
    """Plan so many actions of one office by one statement, as if it had been the day before."""
    with across_offices(database, Reason.CLAIMING) as session:
        values = {"office": office_id, "rule": rule, "due_at": due_at, "count": count, "cycle": cycle}
        session.execute(text(MANY), values, execution_options=PERMIT)
        session.commit()


def claim(database, rule, at=AT, **options):
    """Claim and commit, as a worker does."""
    with across_offices(database, Reason.CLAIMING) as session:
        claims = clockwork.claim(session, rule, at, **options)
        session.commit()
    return claims


def settle(database, taken, state=DueState.DONE):
    """Settle one claim in its office's scope."""
    with database.session(Scope.of([taken.office_id]), CLOCKWORK) as session:
        clockwork.settle(session, taken, state)
        session.commit()


def fail(database, taken, error="ZeroDivisionError"):
    """Give one claim back after an error and return what became of it."""
    with database.session(Scope.of([taken.office_id]), CLOCKWORK) as session:
        outcome = clockwork.fail(session, taken, error)
        session.commit()
    return outcome


def take_back(database, rule):
    """Take back what dead workers held and return the ids that are dead."""
    with across_offices(database, Reason.CLAIMING) as session:
        died = clockwork.take_back(session, rule)
        session.commit()
    return died


def let_time_pass(database, rule):
    """Let every wait and every lease of the rule be over."""
    with across_offices(database, Reason.CLAIMING) as session:
        waiting = update(DueAction).where(DueAction.rule == rule, DueAction.lease_until.is_not(None))
        session.execute(waiting.values(lease_until=func.now() - timedelta(seconds=1)), execution_options=PERMIT)
        session.commit()


def rows(database, rule):
    """Return the rows of the rule, oldest first."""
    with across_offices(database, Reason.CLAIMING) as session:
        return list(session.scalars(select(DueAction).where(DueAction.rule == rule).order_by(DueAction.id)))


def killed(database, rule):
    """Let one action use up its five attempts, and return its id: it is dead."""
    for attempt in range(clockwork.MOST_ATTEMPTS):
        (taken,) = claim(database, rule, suspects=attempt > 0)
        fail(database, taken)
        let_time_pass(database, rule)
    return taken.id
