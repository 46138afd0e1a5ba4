"""From the outbox to the broker, after commit: put on it first, marked afterwards, so that nothing is lost."""

import logging

from dramatiq import Broker
from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks.actors import DUTIES, Works, perform
from tenant import clock
from tenant.db import Database
from tenant.models import OutboxMessage
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

A_BATCH = 200
A_FEW = 20
"""So many at a time where the work itself is done in between."""


def relay(database: Database, broker: Broker) -> int:
    """Put what waits in the outbox on the broker and return how many messages that were.

    The same wake-up waiting several times is sent once. Two relays share the work. Whatever the broker raises is
    raised; then everything waits on.
    """
    with across_offices(database, Reason.CLAIMING) as session:
        wishes = _taken(session, A_BATCH)
        for name, arguments in wishes:
            broker.enqueue(broker.get_actor(name).message(**arguments))
        session.commit()
    return len(wishes)


def do_without(works: Works) -> None:
    """Do what waits in the outbox here and now, without a broker; what another relay holds is left to it."""
    with across_offices(works.database, Reason.CLAIMING) as session:
        wishes = _taken(session, A_FEW)
        session.commit()
    for name, arguments in wishes:
        perform(works, name, arguments)


def _taken(session: Session, limit: int) -> list[tuple[str, dict[str, object]]]:
    """Return actor and arguments of what waits, each wish once, marked as relayed by the caller's commit."""
    waiting = (
        select(OutboxMessage)
        .where(OutboxMessage.relayed_at.is_(None))
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    wishes: dict[str, tuple[str, dict[str, object]]] = {}
    for row in session.scalars(waiting):
        row.relayed_at = clock.now()
        if row.actor in DUTIES:
            wishes[f"{row.actor} {sorted(row.arguments.items())}"] = row.actor, dict(row.arguments)
        else:
            log.error("nobody is called %s: outbox message %s is dropped", row.actor, row.id)
    return list(wishes.values())
