"""Several processes of the same work under one: a process that dies is replaced, and its siblings do not notice.

Each child is our own command started anew, in a session of its own, so that a Ctrl-C on the terminal reaches the parent
alone. A child holds the other end of a pipe: it stops when the parent is gone, whatever ended the parent.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from admin import systemd
from admin.commands.signals import SUPERVISED
from tenant.settings import Settings

log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-c", "from admin.cli import main; main()")
LOOK_SECONDS = 0.2
GRACE_SECONDS = 52.0
"""How long children may take to finish or give back; above what a worker takes, below what a service manager waits."""
SETTLED_SECONDS = 10.0
"""Who lived so long did not die of starting."""
LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class _Child:
    """A place for one child: the process in it, and how often in a row it died at once."""

    number: int
    arguments: Sequence[str]
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    next_start: float = 0.0
    failures: int = field(default=0)

    def start(self) -> None:
        """Start a process in this place."""
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*PROGRAM, *self.arguments], env=self.environment, stdin=subprocess.PIPE, start_new_session=True
        )
        self.started = time.monotonic()
        log.info("process %s of this worker is pid %s", self.number, self.process.pid)

    def tend(self) -> None:
        """Replace a process that ended: at once when it had lived, later and later when it dies of starting."""
        if self.process is None:
            if time.monotonic() >= self.next_start:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        lived = time.monotonic() - self.started
        self.failures = 0 if lived >= SETTLED_SECONDS else self.failures + 1
        pause = min(2.0 ** (self.failures - 1), LONGEST_PAUSE) if self.failures else 0.0
        log.error(
            "process %s of this worker (pid %s) %s after %.0f s: another starts in %.0f s",
            *(self.number, self.process.pid, _ending(code), lived, pause),
        )
        self._let_go()
        self.next_start = time.monotonic() + pause

    def tell(self, number: int) -> None:
        """Send the living process a signal."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def has_ended(self) -> bool:
        """Tell whether no process is in this place any more."""
        if self.process is not None and self.process.poll() is not None:
            self._let_go()
        return self.process is None

    def _let_go(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


class Supervisor:
    """The parent of several workers."""

    def __init__(
        self,
        settings: Settings,
        count: int,
        arguments: Sequence[str],
        grace: float = GRACE_SECONDS,
        *,
        is_all: bool = True,
    ) -> None:
        """Prepare ``count`` children that run our command with ``arguments``; nothing is started yet.

        ``is_all``: this process does nothing else, and so speaks to the service manager from here.
        """
        self.grace = grace
        self.is_all = is_all
        self.hurry = threading.Event()
        self.children = [_Child(number + 1, arguments, _environment(settings, number)) for number in range(count)]

    def run(self, stop: threading.Event) -> int:
        """Watch over the children until ``stop`` is set, end them, and return how many had to be killed."""
        for child in self.children:
            child.start()
        self._tell_manager(systemd.READY)
        watchdog, told = systemd.watchdog_seconds(), time.monotonic()
        while not stop.wait(LOOK_SECONDS):
            for child in self.children:
                child.tend()
            if watchdog is not None and time.monotonic() - told >= watchdog:
                self._tell_manager(systemd.WATCHDOG)
                told = time.monotonic()
        self._tell_manager(systemd.STOPPING)
        return self._end()

    def _tell_manager(self, state: str) -> None:
        if self.is_all:
            systemd.notify(state)

    def _end(self) -> int:
        """Let the children finish or give back, and kill who does not."""
        for child in self.children:
            child.tell(signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        while self._left() and time.monotonic() < deadline and not self.hurry.wait(LOOK_SECONDS):
            pass
        left = self._left()
        for child in left:
            log.error("process %s of this worker did not end by itself and is killed", child.number)
            child.tell(signal.SIGKILL)
        while self._left():
            time.sleep(LOOK_SECONDS)
        return len(left)

    def _left(self) -> list[_Child]:
        return [child for child in self.children if not child.has_ended()]


def _environment(settings: Settings, number: int) -> dict[str, str]:
    """Return what the child ``number`` finds around it: ours, with an address of its own for figures.

    What the settings leave out although it stands around us, as a demo does, the child does not find.
    """
    stated = {
        "BROKER_URL": settings.broker_url,
        "WUGUAN_SMTP_URL": settings.smtp_url,
        "WUGUAN_METRICS": settings.metrics_address,
    }
    left_out = {*systemd.OF_MANAGER, *(name for name, value in stated.items() if value is None)}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    kept[SUPERVISED] = "1"
    if settings.metrics_address is not None:
        host, port = settings.metrics_address
        kept["WUGUAN_METRICS"] = f"{f'[{host}]' if ':' in host else host}:{port + number if port else 0}"
    return kept


def _ending(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
