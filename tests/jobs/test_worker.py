"""A worker with each broker: what is due is done with nobody asking, once, and nothing depends on a message."""

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from audit import chain
from desk import at_desk, request
from jobs.asking import all_steps, ask, counting_kind, job_of, steps_of
from jobs.at_work import AMQP, REDIS, STUB, emptied, escalations_of, look, overdue_request, working
from tasks import actors, worker
from tasks import jobs as running
from tasks.actors import DUTIES, Works
from tasks.broker import make_broker
from tasks.relay import do_without, relay
from tenant import clock, outbox
from tenant.errors import SettingsError
from tenant.models import Escalation, Mail, OutboxMessage
from tenant.rules.terms import JobState, MailState
from tenant.unscoped import Reason, across_offices
from waiting import wait_until


@pytest.fixture(params=[STUB, REDIS, AMQP])
def settings(request, settings):
    """The settings with each broker in turn; a real one is emptied first."""
    return emptied(settings, request.param)


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


def test_every_message_ten_times_over_does_its_work_once(database, cast, settings, monkeypatch):
    monkeypatch.setattr(running, "KINDS", {"counting": counting_kind()})
    ticket_id, job_id = overdue_request(database, cast.south), ask(database, cast, subject_id=1)
    works, broker = Works(database, settings), make_broker(settings)
    names = actors.declare(broker, works)
    asked = {name: {"job_id": job_id} if name == "run_job" else {} for name in DUTIES}
    for name, arguments in asked.items():
        for _ in range(10):
            if settings.broker_url is None:
                names[name](**arguments)
            else:
                broker.enqueue(names[name].message(**arguments))
    broker.close()
    with working(settings, database):
        wait_until(lambda: escalations_of(database, ticket_id))
        wait_until(lambda: job_of(database, job_id).state is JobState.DONE)
        wait_until(lambda: not look(database, select(Mail).where(Mail.state == MailState.QUEUED)))
    raised = escalations_of(database, ticket_id)
    assert len(set(raised)) == len(raised) > 0
    assert steps_of(database, job_id) == all_steps(job_id)
    sent = look(database, select(Mail.message_id))
    assert len(sent) == len(set(sent))


def test_runs_over_many_offices_hold_up_no_escalation(database, cast, settings, monkeypatch):
    begun, go = threading.Semaphore(0), threading.Event()

    def dawdle(works, office_id):
        begun.release()
        go.wait(60)

    monkeypatch.setitem(DUTIES, "sweep_dunning", replace(DUTIES["sweep_dunning"], function=dawdle))
    with at_desk(database, cast.north) as session:
        for number in range(12):
            outbox.wake(session, "sweep_dunning", office_id=cast.north.id, slot=str(number))
        session.commit()
    with working(settings, database):
        try:
            assert begun.acquire(timeout=60)
            ticket_id = overdue_request(database, cast.south)
            wait_until(lambda: escalations_of(database, ticket_id))
        finally:
            go.set()


def test_what_a_transaction_did_not_commit_wakes_nobody(database, cast, settings):
    with at_desk(database, cast.north) as session:
        outbox.wake(session, "sweep_mail", office_id=cast.north.id)
        session.flush()
    of_north = OutboxMessage.office_id == cast.north.id
    assert look(database, select(OutboxMessage).where(of_north, OutboxMessage.actor == "sweep_mail")) == []


def test_the_relay_sends_a_wish_once_and_drops_a_name_nobody_has(database, cast, settings, caplog):
    do_without(Works(database, settings))
    with at_desk(database, cast.north) as session:
        for name in ("sweep_mail", "sweep_mail", "nobody", "sweep_dunning"):
            outbox.wake(session, name, office_id=cast.north.id)
        session.commit()
    broker = make_broker(settings)
    actors.declare(broker, Works(database, settings))
    assert len(look(database, select(OutboxMessage).where(OutboxMessage.relayed_at.is_(None)))) == 4
    assert relay(database, broker) == 2
    assert relay(database, broker) == 0
    assert "nobody is called nobody" in caplog.text
    broker.close()


def test_a_worker_stops_within_seconds_of_being_told(database, settings):
    started = time.monotonic()
    with working(settings, database):
        time.sleep(0.5)
    assert time.monotonic() - started < 20


def test_a_worker_that_is_told_to_stop_gives_a_job_back_and_the_next_ends_it(database, cast, settings, monkeypatch):
    begun, stopped = threading.Event(), threading.Event()

    def linger(session, job, report):
        begun.set()
        assert stopped.wait(60)

    monkeypatch.setattr(running, "KINDS", {"counting": counting_kind(linger)})
    job_id = ask(database, cast, subject_id=2)
    with working(settings, database) as stop:
        assert begun.wait(60)
        stop.set()
        stopped.set()
    job = job_of(database, job_id)
    assert (job.state, job.done, job.claim_token) == (JobState.WAITING, 1, None)
    with working(settings, database):
        wait_until(lambda: job_of(database, job_id).state is JobState.DONE)
    assert steps_of(database, job_id) == all_steps(job_id)


def test_a_worker_takes_only_the_queues_it_is_told(database, cast, settings):
    do_without(Works(database, settings))
    with at_desk(database, cast.north) as session:
        for name in ("sweep_mail", "run_job"):
            outbox.wake(session, name, office_id=cast.north.id, **({"job_id": 1} if name == "run_job" else {}))
        session.commit()
    taken = []
    with working(settings, database, queues=frozenset({"mail"}), with_scheduler=False):
        wait_until(lambda: _waiting(database) <= ({"run_job"} if settings.broker_url is None else set()))
        time.sleep(1)
        taken = _waiting(database)
    if settings.broker_url is None:
        assert taken == {"run_job"}, "nobody here works on it: it waits for who does"
    do_without(Works(database, settings))


def _waiting(database):
    return set(look(database, select(OutboxMessage.actor).where(OutboxMessage.relayed_at.is_(None))))


def test_a_scheduler_alone_fires_and_works_on_nothing_and_a_worker_without_one_does(database, cast, settings):
    ticket_id = overdue_request(database, cast.south)
    before = max(look(database, select(OutboxMessage.id)), default=0)
    woken = select(OutboxMessage).where(OutboxMessage.id > before, OutboxMessage.actor == "sweep_escalations")
    relayed = woken if settings.broker_url is None else woken.where(OutboxMessage.relayed_at.is_not(None))
    with working(settings, database, run=worker.run_scheduler):
        wait_until(lambda: look(database, relayed))
        time.sleep(1)
        assert escalations_of(database, ticket_id) == []
    with working(settings, database, with_scheduler=False):
        wait_until(lambda: escalations_of(database, ticket_id))


@pytest.mark.parametrize("named", [frozenset({"mail", "post"}), frozenset()])
def test_a_queue_that_is_none_is_refused_with_the_names_of_those_there_are(database, settings, named):
    with pytest.raises(SettingsError, match="sweeps、mail、imports"):
        worker.run(settings, database, threading.Event(), queues=named)


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
