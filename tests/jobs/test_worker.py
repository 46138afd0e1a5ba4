"""The worker with each broker there is: what is woken gets done, whatever the broker loses, doubles or refuses.

The same claims for the broker inside the process and for a real Redis and RabbitMQ. The two real ones are collected
where their addresses are given (WUGUAN_TEST_REDIS_URL, WUGUAN_TEST_AMQP_URL), and always in CI.
"""

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

import make
from audit import chain
from desk import at_desk, request
from tasks import actors, worker
from tasks.actors import Works
from tasks.broker import make_broker
from tasks.relay import relay
from tenant import clock, outbox
from tenant.models import Escalation, Mail, OutboxMessage
from tenant.rules.terms import MailState
from tenant.unscoped import Reason, across_offices

PATIENCE = 30


@pytest.fixture(
    params=[
        pytest.param(None, id="stub"),
        pytest.param("WUGUAN_TEST_REDIS_URL", id="redis", marks=pytest.mark.broker),
        pytest.param("WUGUAN_TEST_AMQP_URL", id="amqp", marks=pytest.mark.broker),
    ]
)
def settings(request, settings):
    """The settings with each broker in turn; a real one is emptied first."""
    if request.param is None:
        return settings
    chosen = replace(settings, broker_url=os.environ[request.param])
    broker = make_broker(chosen)
    actors.declare(broker, Works(None, chosen))
    for queue in ("sweeps", "mail", "imports"):
        broker.flush(queue)
    broker.close()
    return chosen


@contextmanager
def working(settings, database):
    """A worker in a thread of its own, stopped at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(settings, database, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def wait_until(claim):
    """Wait for ``claim()`` to hold and return its value; fail after half a minute."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = claim()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail("nothing came of it")


def look(database, statement):
    with across_offices(database, Reason.REVIEWING) as session:
        return list(session.scalars(statement))


def overdue_request(database, house):
    with at_desk(database, house, make.NOON) as session:
        ticket_id = request(session, house).ticket_id
        session.commit()
    return ticket_id


def test_an_overdue_request_is_escalated_and_mailed_with_nobody_asking(database, cast, settings):
    ticket_id = overdue_request(database, cast.north)
    with working(settings, database):
        wait_until(lambda: look(database, select(Escalation).where(Escalation.ticket_id == ticket_id)))
        wait_until(lambda: look(database, select(Mail).where(Mail.state == MailState.SENT)))
        wait_until(lambda: not look(database, select(Mail).where(Mail.state == MailState.QUEUED)))
    raised = look(database, select(Escalation).where(Escalation.ticket_id == ticket_id))
    assert len({(row.clock_id, row.level) for row in raised}) == len(raised)
    sent = look(database, select(Mail.message_id).where(Mail.state == MailState.SENT))
    collected = {f"<{file.stem}@wuguan.invalid>" for file in (settings.home / "mailbox").glob("*.eml")}
    assert collected
    assert collected <= set(sent)


def test_a_message_ten_times_over_does_its_work_once(database, cast, settings):
    ticket_id = overdue_request(database, cast.south)
    works, broker = Works(database, settings), make_broker(settings)
    names = actors.declare(broker, works)
    if settings.broker_url is None:
        for _ in range(10):
            names["sweep_escalations"]()
    else:
        for _ in range(10):
            broker.enqueue(names["sweep_escalations"].message())
        broker.close()
        with working(settings, database):
            wait_until(lambda: look(database, select(Escalation).where(Escalation.ticket_id == ticket_id)))
    raised = look(database, select(Escalation).where(Escalation.ticket_id == ticket_id))
    assert len({(row.clock_id, row.level) for row in raised}) == len(raised) > 0


def test_what_a_transaction_did_not_commit_wakes_nobody(database, cast, settings):
    with at_desk(database, cast.north) as session:
        outbox.wake(session, "sweep_mail", office_id=cast.north.id)
        session.flush()
    assert look(database, select(OutboxMessage).where(OutboxMessage.office_id == cast.north.id)) == []


def test_the_relay_sends_a_wish_once_and_drops_a_name_nobody_has(database, cast, settings, caplog):
    with at_desk(database, cast.north) as session:
        for name in ("sweep_mail", "sweep_mail", "nobody", "sweep_dunning"):
            outbox.wake(session, name, office_id=cast.north.id)
        session.commit()
    broker = make_broker(settings)
    actors.declare(broker, Works(database, settings))
    before = len(look(database, select(OutboxMessage).where(OutboxMessage.relayed_at.is_(None))))
    assert before >= 4
    assert relay(database, broker) == 2
    assert relay(database, broker) == 0
    assert "nobody is called nobody" in caplog.text
    broker.close()


def test_a_broker_that_answers_nothing_holds_up_no_sweep(database, cast, settings):
    ticket_id = overdue_request(database, cast.south)
    nowhere = replace(settings, broker_url=None if settings.broker_url is None else _elsewhere(settings.broker_url))
    with working(nowhere, database):
        wait_until(lambda: look(database, select(Escalation).where(Escalation.ticket_id == ticket_id)))


def _elsewhere(url):
    """The same kind of address at a port where nobody listens."""
    return f"{url.partition(':')[0]}://127.0.0.1:1"


def test_a_worker_stops_within_seconds_of_being_told(database, settings):
    started = time.monotonic()
    with working(settings, database):
        time.sleep(0.5)
    assert time.monotonic() - started < 20


def test_a_message_says_look_now_by_the_clock_not_by_the_message(database, cast, settings):
    before = clock.now()
    with at_desk(database, cast.north, before) as session:
        ticket_id = request(session, cast.north).ticket_id
        session.commit()
    actors.perform(Works(database, settings), "sweep_escalations", {"office_id": cast.north.id})
    assert look(database, select(Escalation).where(Escalation.ticket_id == ticket_id)) == []


def test_the_record_is_sealed_by_the_worker(database, cast, settings):
    overdue_request(database, cast.north)
    actors.perform(Works(database, settings), "seal_record", {})
    with across_offices(database, Reason.SIGNING_IN) as session:
        found = chain.verify(session)
    assert found.ok
    assert 0 < found.sealed == found.entries
