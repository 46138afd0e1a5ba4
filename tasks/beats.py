"""The heart of a process: a thread of its own that says every few seconds that the process is alive."""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tenant.db import Database
from tenant.rules.terms import BeatKind
from tenant.services import beats
from tenant.services.beats import Instance
from tenant.services.health import TOLERATED_SKEW
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

SECONDS = 5.0
"""Between two beats; a process is counted on for a minute after its last."""
FORGETTING = 720
"""Beats between two rounds of forgetting: an hour."""
PATIENCE = 6.0
"""Seconds a stop waits for the last beat: a database that does not answer holds up no stop."""


@contextmanager
def beating(database: Database, kind: BeatKind, queues: Sequence[str] = (), seconds: float = SECONDS) -> Iterator[None]:
    """Beat while the block runs, and say good-bye at its end.

    A database that is away is logged once and waited for; it never ends the block.
    """
    process = Instance(kind=kind, host=socket.gethostname(), pid=os.getpid(), queues=tuple(queues))
    heart = _Heart(database, process, seconds)
    heart.start()
    try:
        yield
    finally:
        heart.stopping.set()
        heart.join(timeout=PATIENCE)


class _Heart(threading.Thread):
    """The thread that beats."""

    def __init__(self, database: Database, process: Instance, seconds: float) -> None:
        super().__init__(name="beats", daemon=True)
        self.database = database
        self.process = process
        self.seconds = seconds
        self.stopping = threading.Event()
        self.is_away = self.is_skewed = False

    def run(self) -> None:
        """Beat until the process stops; the last word is that it does."""
        count = 0
        while not self.stopping.is_set():
            self._say(is_forgetting=count % FORGETTING == 0)
            count += 1
            self.stopping.wait(self.seconds)
        self._say(is_last=True)

    def _say(self, *, is_forgetting: bool = False, is_last: bool = False) -> None:
        """Write one beat; what goes wrong is logged the first time, the next beat tries again."""
        try:
            with across_offices(self.database, Reason.WATCHING) as session:
                if is_last:
                    beats.stop(session, self.process)
                else:
                    self._warn(beats.beat(session, self.process))
                if is_forgetting:
                    beats.forget(session)
                session.commit()
        except Exception as error:  # noqa: BLE001 - whatever keeps a beat from the database, the next one is tried
            if not self.is_away:
                log.warning("no beat could be written: %s", type(error).__name__)
            self.is_away = True
        else:
            self.is_away = False

    def _warn(self, skew: int) -> None:
        """Say once that the machine's clock is wrong, and again when it has been right in between."""
        if abs(skew) > TOLERATED_SKEW and not self.is_skewed:
            log.warning("this machine's clock is %.1f s %s the database's", abs(skew) / 1000, _side(skew))
        self.is_skewed = abs(skew) > TOLERATED_SKEW


def _side(skew: int) -> str:
    return "ahead of" if skew > 0 else "behind"
