"""From the outbox to the broker, after commit: put on it first, marked afterwards, so that nothing is lost."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dramatiq import Broker
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tasks.actors import DUTIES, Works, perform
from tasks.broker import explain, fault
from tasks.errands import OfficeGone, errand
from tasks.outages import Outage
from tasks.schedule import RELAY_SECONDS
from tenant import clock
from tenant.db import Database
from tenant.models import OutboxMessage
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

A_BATCH = 200
A_FEW = 20
"""So many at a time where the work itself is done in between."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries while the broker is down."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A wake-up: which actor, with what, and the number of what asked for it (None: nobody in particular)."""

    actor: str
    arguments: dict[str, object]
    request_id: str | None


def relay(database: Database, broker: Broker, queues: frozenset[str] | None = None) -> int:
    """Put what waits in the outbox for ``queues``, None for all, on the broker; return how many messages that were.

    The same wake-up waiting several times is sent once. Two relays share the work. Whatever the broker raises is
    raised; then everything waits on.
    """
    with across_offices(database, Reason.CLAIMING) as session:
        wishes = _taken(session, A_BATCH, queues)
        for wish in wishes:
            actor = broker.get_actor(wish.actor)
            broker.enqueue(actor.message_with_options(kwargs=wish.arguments, request_id=wish.request_id))
        session.commit()
    return len(wishes)


def do_without(works: Works, queues: frozenset[str] | None = None) -> int:
    """Do what waits for ``queues``, None for all, here and now, and return how many messages that were.

    What another relay holds is left to it.
    """
    with across_offices(works.database, Reason.CLAIMING) as session:
        wishes = _taken(session, A_FEW, queues)
        session.commit()
    for wish in wishes:
        try:
            with errand(works.database, wish.arguments.get("office_id"), wish.request_id):
                perform(works, wish.actor, wish.arguments)
        except OfficeGone as gone:
            log.warning("%s is dropped: office %s is not worked for", wish.actor, gone)
    return len(wishes)


def _taken(session: Session, limit: int, queues: frozenset[str] | None) -> list[Wish]:
    """Return what waits, each wish once whatever slot it came from, marked as relayed by the caller's commit."""
    waiting = (
        select(OutboxMessage)
        .where(OutboxMessage.relayed_at.is_(None))
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if queues is not None:
        others = [name for name, duty in DUTIES.items() if duty.queue not in queues]
        waiting = waiting.where(OutboxMessage.actor.not_in(others))
    wishes: dict[str, Wish] = {}
    for row in session.scalars(waiting):
        row.relayed_at = clock.now()
        if row.actor in DUTIES:
            what = sorted((name, value) for name, value in row.arguments.items() if name != "slot")
            wishes.setdefault(f"{row.actor} {what}", Wish(row.actor, dict(row.arguments), row.request_id))
        else:
            log.error("nobody is called %s: outbox message %s is dropped", row.actor, row.id)
    return list(wishes.values())


class StandIns:
    """Threads that do what waits for each queue while the broker is away: one a queue, so that none waits for another.

    None is kept: one ends when nothing waits, and is begun again at the next call.
    """

    def __init__(self, works: Works, queues: frozenset[str]) -> None:
        """Stand in for these queues."""
        self.works = works
        self.threads: dict[str, threading.Thread | None] = dict.fromkeys(queues)

    def step_in(self) -> None:
        """Begin on every queue that nobody is at here."""
        for queue, thread in self.threads.items():
            if thread is None or not thread.is_alive():
                begun = threading.Thread(target=self._work, args=(queue,), name=f"stand-in {queue}", daemon=True)
                self.threads[queue] = begun
                begun.start()

    def leave(self, seconds: float) -> None:
        """Wait so long, all in all, for what is under way."""
        until = time.monotonic() + seconds
        for thread in self.threads.values():
            if thread is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _work(self, queue: str) -> None:
        try:
            while not self.works.stop.is_set() and do_without(self.works, frozenset({queue})):
                pass
        except Exception:
            log.exception("what waits for %s could not be done", queue)


class Relaying:
    """The loop that empties the outbox; while the broker is away, what waits for ``queues`` is done here."""

    def __init__(self, works: Works, broker: Broker, queues: frozenset[str], *, is_away: bool = False) -> None:
        """Relay to ``broker``; with no queues it is left to others to do without. ``is_away``: it does not answer."""
        self.works = works
        self.broker = broker
        self.queues = queues
        self.stand_ins = StandIns(works, queues)
        self.pause = 0.0
        self.next_try = 0.0
        if is_away:
            self._wait_longer()

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Let the threads that wait for messages complain of a broker that is away no more than it was said already."""
        loggers = [
            logging.getLogger(f"dramatiq.worker.ConsumerThread({name})")
            for name in {*self.broker.queues, *self.broker.delay_queues}
        ]
        for logger in loggers:
            logger.addFilter(self._is_news)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeFilter(self._is_news)

    def _is_news(self, record: logging.LogRecord) -> bool:
        """Tell whether to log it; the first tells who relays nothing, too, that the broker is away."""
        if record.levelno < logging.CRITICAL:
            return True
        is_first = not self.pause
        if is_first:
            self._wait_longer()
        return is_first

    def until_stopped(self) -> None:
        """Empty it every second until told to stop; an error is logged and the next time comes."""
        outage = Outage("the outbox cannot be emptied")
        while not self.works.stop.is_set():
            try:
                self.once()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next second comes
                outage.goes_on(error)
            else:
                outage.is_over()
            self._forget_dead_letters()
            self.works.stop.wait(RELAY_SECONDS)

    def once(self) -> None:
        """Empty the outbox onto the broker; where it is down, stand in, and try it again later and later.

        The broker inside this process carries nothing to others: what no thread here works on is left to them.
        """
        if isinstance(self.broker, StubBroker):
            relay(self.works.database, self.broker, self.queues)
        elif time.monotonic() < self.next_try or not self._relayed():
            self.stand_ins.step_in()

    def _relayed(self) -> bool:
        """Try the broker; tell whether it took everything. What is wrong with it is said once, until it is back."""
        if self.pause:
            if fault(self.works.settings) is not None:
                self._wait_longer()
                return False
            log.warning("the broker answers again")
            self.pause = 0.0
        try:
            relay(self.works.database, self.broker)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a broker raises, the work goes on
            log.error(explain(self.works.settings.broker_url or "", error))  # noqa: TRY400 - the sentence says it
            self._wait_longer()
            return False
        return True

    def _wait_longer(self) -> None:
        self.pause = min(max(self.pause * 2, 1.0), LONGEST_PAUSE)
        self.next_try = time.monotonic() + self.pause

    def _forget_dead_letters(self) -> None:
        """Drop what the broker inside this process would keep for ever."""
        if isinstance(self.broker, StubBroker):
            for letters in self.broker.dead_letters_by_queue.values():
                letters.clear()
