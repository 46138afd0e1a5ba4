"""The worker: timetable, relay and actors in one process, until it is told to stop."""

import logging
import threading
import time

from dramatiq import Worker

from tasks import actors, jobs
from tasks.actors import RUNS, Works
from tasks.broker import fault, make_broker
from tasks.mail.checks import check_mail
from tasks.mail.message import read_sender
from tasks.outages import Outage
from tasks.relay import Relaying
from tasks.schedule import RELAY_SECONDS, fire_due
from tenant.db import Database
from tenant.errors import SettingsError
from tenant.settings import Settings

log = logging.getLogger(__name__)

QUEUES = ("sweeps", "mail", "imports")
"""What a worker may be told to work on, so that imports never hold up mails."""
THREADS, RUN_THREADS = 4, 2
"""Actors at once in one process, and runs over whole offices beside them; each holds at most two connections."""
GRACE_SECONDS = 20
"""How long a stop waits for what is under way."""
A_MOMENT = 3
"""How long a stop waits for a message that is on its way to the broker."""
LOOK_SECONDS = 5.0
"""Between two looks at jobs that nobody is at."""


def run(
    settings: Settings,
    database: Database,
    stop: threading.Event,
    *,
    queues: frozenset[str] | None = None,
    with_scheduler: bool = True,
) -> None:
    """Work until ``stop`` is set, then finish what is under way and return.

    Only messages of ``queues`` are worked on, None means all; without ``with_scheduler`` the timetable is left to
    others. Raises SettingsError before anything starts when a queue is unknown, a template or the sender is broken. A
    database or broker that goes away is logged and waited for; while the broker is away the work is done without it.
    """
    check(settings)
    named = known(queues)
    runs = frozenset({RUNS}) if "sweeps" in named else frozenset[str]()
    relaying = _open_broker(Works(database, settings, stop), named | runs)
    relaying.broker.emit_after("process_boot")  # without it no time limit is watched
    workers = [_worker(relaying, named, THREADS)] + ([_worker(relaying, runs, RUN_THREADS)] if runs else [])
    with relaying.hushed():
        for worker in workers:
            worker.start()
        try:
            _keep_going(relaying, with_scheduler=with_scheduler)
        finally:
            _stop(workers, relaying)


def run_scheduler(settings: Settings, database: Database, stop: threading.Event) -> None:
    """Fire the timetable and put what was woken on the broker until ``stop`` is set; work on nothing.

    Without a broker's address, or while the broker is away, what was woken waits in the outbox for the workers.
    """
    relaying = _open_broker(Works(database, settings, stop), frozenset())
    try:
        _keep_going(relaying, with_scheduler=True)
    finally:
        relaying.broker.close()


def known(queues: frozenset[str] | None) -> frozenset[str]:
    """Return the queues to work on, all of them for None; raises SettingsError for none and for unknown names."""
    if queues is None:
        return frozenset(QUEUES)
    strangers = sorted(queues - frozenset(QUEUES))
    if strangers or not queues:
        raise SettingsError(
            code="unknown_queue",
            message=(f"没有叫「{'、'.join(strangers)}」的队列。" if strangers else "没有写明队列。")
            + f"请从 {'、'.join(QUEUES)} 中选择，多个用逗号分隔；不写则处理全部队列。",
            field="queues",
            value=",".join(strangers),
        )
    return queues


def check(settings: Settings) -> None:
    """Look at what would stop a worker at once; raises SettingsError."""
    check_mail(settings)
    read_sender(settings.mail_from)


def _open_broker(works: Works, queues: frozenset[str]) -> Relaying:
    """Return the broker with its actors, ready to be relayed to; one that cannot be used is said, and tried later."""
    trouble = fault(works.settings)
    if trouble is not None:
        log.error(trouble)
    broker = make_broker(works.settings)
    actors.declare(broker, works)
    return Relaying(works, broker, queues, is_away=trouble is not None)


def _worker(relaying: Relaying, queues: frozenset[str], threads: int) -> Worker:
    return Worker(relaying.broker, queues=set(queues), worker_timeout=500, worker_threads=threads)


def _keep_going(relaying: Relaying, *, with_scheduler: bool) -> None:
    """Fire the timetable and empty the outbox, each in a thread of its own, until told to stop.

    Neither holds up the other: a broker that hangs makes no slot late.
    """
    emptying = threading.Thread(target=relaying.until_stopped, name="relay", daemon=True)
    emptying.start()
    try:
        _keep_time(relaying.works, with_scheduler=with_scheduler)
    finally:
        relaying.works.stop.set()
        emptying.join(A_MOMENT)


def _keep_time(works: Works, *, with_scheduler: bool) -> None:
    """Fire what is due each second, and see every few to jobs that nobody is at; an error is logged, the next comes."""
    next_look, outage = time.monotonic() + LOOK_SECONDS, Outage("the clockwork misses its beats")
    while not works.stop.is_set():
        try:
            if with_scheduler:
                fire_due(works.database)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_SECONDS
                jobs.wake_stranded(works)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next beat comes
            outage.goes_on(error)
        else:
            outage.is_over()
        works.stop.wait(RELAY_SECONDS)


def _stop(workers: list[Worker], relaying: Relaying) -> None:
    """Let actors finish within the grace, and give the broker back what was not begun."""
    until = time.monotonic() + GRACE_SECONDS
    try:
        for worker in workers:
            worker.stop(timeout=max(int((until - time.monotonic()) * 1000), 0))
        relaying.stand_ins.leave(until - time.monotonic())
        relaying.broker.close()
    except Exception:  # a broker that is away takes nothing back; its messages are in the database too
        log.warning("the broker could not be left in good order", exc_info=True)
