"""A worker at work in a thread of its own, and what the tests look at beside it."""

import os
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

import make
from desk import at_desk, request
from tasks import actors, worker
from tasks.actors import Works
from tasks.broker import make_broker
from tenant.models import Escalation
from tenant.unscoped import Reason, across_offices

PATIENCE = 60
STUB = pytest.param(None, id="stub")
REDIS = pytest.param("WUGUAN_TEST_REDIS_URL", id="redis", marks=pytest.mark.broker)
AMQP = pytest.param("WUGUAN_TEST_AMQP_URL", id="amqp", marks=pytest.mark.broker)


def emptied(settings, name):
    """Return the settings with the broker that the variable ``name`` says, emptied first; None is the one inside."""
    if name is None:
        return settings
    chosen = replace(settings, broker_url=os.environ[name])
    flush(chosen)
    return chosen


def flush(settings):
    """Drop every message of ours from the broker."""
    broker = make_broker(settings)
    actors.declare(broker, Works(None, settings))
    for queue in broker.get_declared_queues():
        broker.flush(queue)
    broker.close()


@contextmanager
def working(settings, database, run=worker.run, **options):
    """A worker in a thread of its own, stopped at the end; what ended it too early is raised."""
    stop, ended = threading.Event(), []

    def work():
        try:
            run(settings, database, stop, **options)
        except BaseException as error:
            ended.append(error)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert ended == []


def look(database, statement):
    """Return what is there, in whatever office."""
    with across_offices(database, Reason.SIGNING_IN) as session:
        return list(session.scalars(statement))


def overdue_request(database, house):
    """Register a request whose clocks ran out long ago, and return its ticket."""
    with at_desk(database, house, make.NOON) as session:
        ticket_id = request(session, house).ticket_id
        session.commit()
    return ticket_id


def escalations_of(database, ticket_id):
    """Return clock and level of each escalation of a ticket."""
    raised = look(database, select(Escalation).where(Escalation.ticket_id == ticket_id))
    return [(row.clock_id, row.level) for row in raised]
