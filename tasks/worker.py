"""The worker: timetable, relay and actors in one process, until it is told to stop."""

import logging
import threading
import time

from dramatiq import Broker, Worker
from dramatiq.brokers.stub import StubBroker

from tasks import actors
from tasks.actors import Works
from tasks.broker import make_broker
from tasks.mail.compose import check_templates
from tasks.mail.message import read_sender
from tasks.relay import do_without, relay
from tasks.schedule import RELAY_SECONDS, fire_due
from tenant import clock
from tenant.db import Database
from tenant.settings import Settings

log = logging.getLogger(__name__)

THREADS = 4
"""Actors at once in one process; each holds at most two connections to the database."""
GRACE_MILLISECONDS = 25_000
"""How long a stop waits for what is under way."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries while the broker is down."""


def run(settings: Settings, database: Database, stop: threading.Event) -> None:
    """Work until ``stop`` is set, then finish what is under way and return.

    Raises SettingsError before anything starts when a template or the sender is broken. A database or broker that goes
    away is logged and waited for; while the broker is away the sweeps run here, without it.
    """
    check(settings)
    works = Works(database, settings, stop)
    broker = make_broker(settings)
    actors.declare(broker, works)
    broker.emit_after("process_boot")  # without it no time limit is watched
    worker = Worker(broker, worker_timeout=500, worker_threads=THREADS)
    worker.start()
    try:
        _Ticking(works, broker).until(stop)
    finally:
        worker.stop(timeout=GRACE_MILLISECONDS)
        broker.close()


def check(settings: Settings) -> None:
    """Look at what would stop a worker at once; raises SettingsError."""
    check_templates()
    read_sender(settings.mail_from)


class _Ticking:
    """The loop that fires the timetable and empties the outbox."""

    def __init__(self, works: Works, broker: Broker) -> None:
        self.works = works
        self.broker = broker
        self.pause = 0.0
        self.next_try = 0.0

    def until(self, stop: threading.Event) -> None:
        """Tick until ``stop`` is set; an error of one tick is logged and the next one comes."""
        while not stop.is_set():
            try:
                fire_due(self.works.database, clock.now())
                self._relay()
            except Exception:
                log.exception("the clockwork missed a beat")
            self._forget_dead_letters()
            stop.wait(RELAY_SECONDS)

    def _relay(self) -> None:
        """Empty the outbox onto the broker; where it is down, do the sweeps here and try it again later and later."""
        if time.monotonic() >= self.next_try:
            try:
                relay(self.works.database, self.broker)
            except Exception:
                log.exception("the broker cannot be used")
                self.pause = min(max(self.pause * 2, 1.0), LONGEST_PAUSE)
                self.next_try = time.monotonic() + self.pause
            else:
                self.pause = 0.0
                return
        do_without(self.works)

    def _forget_dead_letters(self) -> None:
        """Drop what the broker inside this process would keep for ever."""
        if isinstance(self.broker, StubBroker):
            for letters in self.broker.dead_letters_by_queue.values():
                letters.clear()
