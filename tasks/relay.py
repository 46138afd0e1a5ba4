"""From the outbox to the broker, after commit: put on it first, marked afterwards, so that nothing is lost."""

import logging

from dramatiq import Broker
from sqlalchemy import select

from tasks.actors import DUTIES
from tenant import clock
from tenant.db import Database
from tenant.models import OutboxMessage
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

A_BATCH = 200


def relay(database: Database, broker: Broker) -> int:
    """Put what waits in the outbox on the broker and return how many messages that were.

    The same wake-up waiting several times is sent once. Two relays share the work. Whatever the broker raises is
    raised; then everything waits on.
    """
    sent: set[str] = set()
    with across_offices(database, Reason.CLAIMING) as session:
        waiting = (
            select(OutboxMessage)
            .where(OutboxMessage.relayed_at.is_(None))
            .order_by(OutboxMessage.id)
            .limit(A_BATCH)
            .with_for_update(skip_locked=True)
        )
        for row in session.scalars(waiting):
            row.relayed_at = clock.now()
            wish = f"{row.actor} {sorted(row.arguments.items())}"
            if row.actor not in DUTIES:
                log.error("nobody is called %s: outbox message %s is dropped", row.actor, row.id)
            elif wish not in sent:
                broker.enqueue(broker.get_actor(row.actor).message(**row.arguments))
                sent.add(wish)
        session.commit()
    return len(sent)
