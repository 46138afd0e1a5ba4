"""A broker that is flushed, cut off, down, hanging, or that refuses us: nothing lost, nothing doubled, hardly late."""

import gc
import logging
import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy import select

from jobs.asking import all_steps, ask, counting_kind, job_of, steps_of
from jobs.at_work import AMQP, REDIS, emptied, escalations_of, flush, look, overdue_request, working
from jobs.between import Wire
from tasks import jobs as running
from tasks.actors import Works
from tasks.broker import explain, fault, make_broker
from tasks.relay import Relaying, do_without
from tenant.models import Mail
from tenant.rules.terms import JobState, MailState
from tenant.settings import Settings
from waiting import wait_until

ROUNDS = 12
STAGES = ("escalations", "long work", "mails")
PIKA_LEAVES_SOCKETS = r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"
"""A connection cut in its handshake is given up by pika with the pair of sockets that was to wake it still open."""


@pytest.fixture(params=[REDIS, AMQP])
def real(request, settings):
    """The settings with each real broker in turn, emptied first."""
    return emptied(settings, request.param)


@pytest.fixture
def wire(real):
    """A wire to the real broker."""
    laid = Wire(real.broker_url)
    yield laid
    laid.close()


@pytest.fixture
def wired(real, wire):
    """The settings by way of the wire."""
    return replace(real, broker_url=wire.url)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Long work whose chunks can be counted."""
    monkeypatch.setattr(running, "KINDS", {"counting": counting_kind()})


def everything_is_done_once(database, tickets, job_id):
    """Wait until all that was asked for has come, and hold it to once; return when each part had, in seconds."""
    begun, stages = time.monotonic(), []
    for ticket_id in tickets:
        wait_until(lambda ticket_id=ticket_id: escalations_of(database, ticket_id))
        raised = escalations_of(database, ticket_id)
        assert len(set(raised)) == len(raised)
    stages.append(time.monotonic() - begun)
    wait_until(lambda: job_of(database, job_id).state is JobState.DONE)
    assert steps_of(database, job_id) == all_steps(job_id)
    stages.append(time.monotonic() - begun)
    wait_until(lambda: not look(database, select(Mail.id).where(Mail.state.in_((MailState.QUEUED, MailState.SENDING)))))
    assert look(database, select(Mail.id).where(Mail.state == MailState.UNKNOWN)) == []
    return (*stages, time.monotonic() - begun)


@pytest.mark.filterwarnings(PIKA_LEAVES_SOCKETS)
@pytest.mark.parametrize("disturbance", ["flushed", "cut", "down and up"])
def test_whatever_becomes_of_the_broker_all_is_done_once(database, cast, real, wire, wired, disturbance, announce):
    def disturb(number):
        if disturbance == "flushed":
            flush(real)
        elif disturbance == "cut":
            wire.cut()
        elif number % 4 == 1:
            wire.down()
        elif number % 4 == 3:
            wire.up()

    job_id = ask(database, cast, subject_id=time.monotonic_ns())
    tickets = []
    with working(wired, database):
        for number in range(ROUNDS):
            tickets.append(overdue_request(database, cast.north if number % 2 else cast.south))
            disturb(number)
            time.sleep(0.4)
        stages = everything_is_done_once(database, tickets, job_id)
        last = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in zip(STAGES, stages, strict=True))
        announce(f"{disturbance}: after the last of {ROUNDS} disturbances {last}")
    gc.collect()  # here, where it is known whose they are


def test_a_broker_that_comes_late_is_waited_for_and_used(database, cast, wire, wired, caplog):
    wire.down()
    job_id, first = ask(database, cast, subject_id=time.monotonic_ns()), overdue_request(database, cast.north)
    with working(wired, database):
        everything_is_done_once(database, [first], job_id)
        assert f"消息服务 127.0.0.1:{wire.port} 没有应答" in caplog.text
        wire.up()
        before = wire.carried
        wait_until(lambda: "the broker answers again" in caplog.text)
        wait_until(lambda: wire.carried > before + 1000)
        later = overdue_request(database, cast.south)
        everything_is_done_once(database, [later], job_id)


def test_a_broker_that_takes_connections_and_says_nothing_holds_up_nothing(database, cast, wire, wired):
    job_id = ask(database, cast, subject_id=time.monotonic_ns())
    with working(wired, database):
        wait_until(lambda: job_of(database, job_id).state is JobState.DONE)
        wire.hang()
        ticket_id = overdue_request(database, cast.north)
        second = ask(database, cast, subject_id=time.monotonic_ns())
        everything_is_done_once(database, [ticket_id], second)
        wire.up()


def test_wrong_credentials_are_said_in_a_sentence_and_the_work_goes_on(database, cast, real, caplog):
    parts = urlsplit(real.broker_url)
    wrong = urlunsplit(parts._replace(netloc=f"nobody:open-sesame@{parts.hostname}:{parts.port}"))
    refused = replace(real, broker_url=wrong)
    job_id, ticket_id = ask(database, cast, subject_id=time.monotonic_ns()), overdue_request(database, cast.north)
    with working(refused, database):
        everything_is_done_once(database, [ticket_id], job_id)
    said = caplog.text
    assert said.count("拒绝登录") == 1
    assert "BROKER_URL" in said
    assert "open-sesame" not in said


@pytest.mark.parametrize("url", ["redis://:open-sesame@127.0.0.1:1/0", "amqp://me:open-sesame@127.0.0.1:1"])
def test_an_address_where_nobody_listens_is_said_without_its_password(settings, url):
    said = fault(replace(settings, broker_url=url))
    assert said is not None
    assert "127.0.0.1:1 没有应答" in said
    assert "BROKER_URL" in said
    assert "open-sesame" not in said


def test_a_broker_inside_this_process_has_nothing_wrong_with_it(settings):
    assert fault(settings) is None


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("x"), ConnectionError(ConnectionError("y"))])
def test_whatever_a_broker_raises_is_one_sentence(error):
    assert explain("redis://u:secret@h:1/0", error).count("消息服务 h:1") == 1


def test_what_is_wrong_with_a_broker_is_said_once_and_tried_less_and_less_often(tmp_path, database, caplog):
    settings = Settings(home=tmp_path, broker_url="redis://127.0.0.1:1/0")
    relaying = Relaying(Works(database, settings), make_broker(settings), frozenset(), is_away=True)
    pauses = []
    for _ in range(8):
        relaying.next_try = 0.0
        relaying.once()
        pauses.append(relaying.pause)
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]
    assert caplog.text == ""


def test_who_has_nothing_to_relay_hears_from_its_consumers_that_the_broker_is_away(tmp_path, database, caplog):
    settings = Settings(home=tmp_path, broker_url="redis://127.0.0.1:1/0")
    works = Works(database, settings)
    broker = make_broker(settings)
    broker.declare_queue("sweeps")
    relaying = Relaying(works, broker, frozenset())
    consumer = logging.getLogger("dramatiq.worker.ConsumerThread(sweeps)")
    with relaying.hushed():
        for _ in range(5):
            consumer.critical("Consumer encountered a connection error")
            relaying.once()
            relaying.next_try = 0.0
    assert caplog.text.count("connection error") == 1
    assert relaying.pause > 1.0


def test_while_a_long_import_stands_in_for_the_broker_mails_and_escalations_go_on(
    database, cast, settings, monkeypatch
):
    begun, stopped = threading.Event(), threading.Event()

    def linger(session, job, report):
        begun.set()
        assert stopped.wait(120)

    monkeypatch.setattr(running, "KINDS", {"counting": counting_kind(linger)})
    do_without(Works(database, settings))
    job_id = ask(database, cast, subject_id=time.monotonic_ns())
    ticket_id = overdue_request(database, cast.north)
    with working(replace(settings, broker_url="redis://127.0.0.1:1/0"), database):
        assert begun.wait(60)
        wait_until(lambda: escalations_of(database, ticket_id))
        assert job_of(database, job_id).state is JobState.RUNNING
        stopped.set()
