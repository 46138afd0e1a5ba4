"""Workers killed with SIGKILL, many and cheaply, and a count of the kills that landed in the middle of work.

A warm process (``jobs/sweeping.py``) that has imported everything and holds neither a connection nor a thread forks
workers in milliseconds. Each writes what it is at into memory it shares with its killer, so that what it was at when it
died can still be read.
"""

import json
import mmap
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SWEEPING = Path(__file__).parent / "jobs" / "sweeping.py"
WORKERS = 3
FIELDS = ("begun", "ended", "open", "holding", "settled")
STRIDE = 8
STALLED = 10.0
"""Seconds after which a worker that gets nowhere is killed all the same."""
PATIENCE = 1200
"""Seconds after which a test gives up; far beyond what a busy machine needs."""
REHEARSABLE = {"bells", "dunning", "escalations"}
"""Kinds of sweeps that the nursery tries first, so that those it bears are at work at once."""


class Marks:
    """What one worker is at: ``begun`` and ``ended`` are 0 or 1, the others count.

    ``open`` connections in use, which is a transaction each; ``holding`` claims taken and not yet settled, ``settled``
    claims done or given back since the worker began.
    """

    def __init__(self, memory, slot):
        object.__setattr__(self, "_cells", memoryview(memory).cast("i")[slot * STRIDE : (slot + 1) * STRIDE])

    def __getattr__(self, name):
        return self._cells[FIELDS.index(name)]

    def __setattr__(self, name, number):
        self._cells[FIELDS.index(name)] = number

    def clear(self):
        """Make ready for the next worker."""
        for index in range(STRIDE):
            self._cells[index] = 0


def shared(path):
    """Map the file at ``path`` into memory that forks and other processes share."""
    with Path(path).open("r+b") as file:
        return mmap.mmap(file.fileno(), WORKERS * STRIDE * 4)


@dataclass
class Toll:
    """What a round of killing came to.

    ``landed`` workers died holding a claim, ``in_transaction`` of them while a transaction was open; ``elsewhere`` died
    between claims; ``frozen`` were stopped for longer than their lease and went on; ``ended`` found nothing left to do.
    """

    seed: int
    landed: int = 0
    in_transaction: int = 0
    elsewhere: int = 0
    frozen: int = 0
    ended: int = 0

    def __iadd__(self, other):
        for name in ("landed", "in_transaction", "elsewhere", "frozen", "ended"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __str__(self):
        return (
            f"{self.landed} kills landed on a claim ({self.in_transaction} in a transaction, {self.elsewhere} more "
            f"between claims), {self.frozen} workers frozen past their lease, seed {self.seed}"
        )


def a_seed():
    """Return the seed of this run: chance, or ``WUGUAN_TEST_SEED`` to go through the same choices again."""
    return int(os.environ.get("WUGUAN_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


class Nursery:
    """The warm process, and the workers forked from it."""

    def __init__(self, folder):
        marks = Path(folder) / "marks"
        marks.write_bytes(bytes(WORKERS * STRIDE * 4))
        self.marks = [Marks(shared(marks), slot) for slot in range(WORKERS)]
        self.complaints = Path(folder) / "stderr"
        self.living = set()
        tests = Path(__file__).parent
        with self.complaints.open("wb") as stderr:
            self.process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, str(SWEEPING), str(marks)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
                cwd=SWEEPING.parents[2], env=os.environ | {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"},
            )  # fmt: skip

    def ask(self, **order):
        """Give one order and return the answer, a number."""
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.complaints.read_text()
        return int(answer)

    def bear(self, slot, order):
        """Fork a worker and return its process number."""
        self.marks[slot].clear()
        worker = self.ask(slot=slot, **order)
        self.living.add(worker)
        return worker

    def bury(self, worker):
        """Wait for a worker's end and return how it came: 0 by itself, -9 by a kill, also by that of our patience."""
        fate = self.ask(bury=worker)
        self.living.discard(worker)
        return fate

    def close(self):
        """End every worker, then the nursery."""
        for worker in list(self.living):
            os.kill(worker, signal.SIGKILL)
            self.bury(worker)
        with self.process:
            self.process.stdin.close()


@contextmanager
def nursery():
    """A nursery in a folder of its own, closed at the end."""
    with ExitStack() as stack:
        opened = Nursery(stack.enter_context(tempfile.TemporaryDirectory(prefix="wuguan-kills-")))
        stack.callback(opened.close)
        yield opened


@dataclass
class Victim:
    """A worker and its appointed end: when it has settled ``target`` claims and holds another, ``delay`` later."""

    slot: int
    worker: int
    target: int
    delay: float
    born: float = field(default_factory=time.monotonic)
    doomed: float | None = None
    thaws: float | None = None


def kill_sweeps(
    database, kind, settings, at, *, wanted, lives=(0, 24), freezes=0.0, meanwhile=None, each=({}, {}, {}), **order
):
    """Run three workers at once and kill each in the middle of its work, until ``wanted`` kills have landed.

    A kill has landed when the worker died of it while holding a claim. ``lives`` bounds how many claims a worker may
    settle before; of those to be killed a share of ``freezes`` is stopped for longer than the lease instead, and goes
    on. ``each`` is what the three have of their own in their orders. ``meanwhile(chance)`` is called again and again in
    between. Stops early when workers end by themselves and none has anything left to do. Returns the toll.
    """
    toll = Toll(a_seed())
    order |= order_for(database, kind, settings, at)
    with nursery() as home:
        if kind in REHEARSABLE:
            home.ask(rehearse=order)
        _Killing(home, [order | own for own in each], toll, lives, freezes).until(wanted, meanwhile or (lambda _: None))
    return toll


@contextmanager
def three_workers(database, kind, settings, at, each=({}, {}, {}), **order):
    """Run three workers at once, ``each`` with something of its own in its order; yield the nursery and their numbers.

    Those who are still at work at the end are killed.
    """
    order |= order_for(database, kind, settings, at)
    with nursery() as home:
        yield home, [home.bear(slot, order | own) for slot, own in enumerate(each)]


def finish_sweeps(database, kind, settings, at, **order):
    """Run three workers at once and leave them alone until each finds nothing left to do."""
    with three_workers(database, kind, settings, at, **order) as (home, workers):
        assert [home.bury(worker) for worker in workers] == [0] * WORKERS, home.complaints.read_text()[-4000:]


def order_for(database, kind, settings, at):
    """Return what every worker is told: what to sweep, where, at what instant."""
    url = database.addresses.app.render_as_string(hide_password=False)
    return {"kind": kind, "url": url, "home": str(settings.home), "at": at.isoformat()}


class _Killing:
    def __init__(self, home, orders, toll, lives, freezes):
        self.home, self.orders, self.toll, self.lives, self.freezes = home, orders, toll, lives, freezes
        self.chance = random.Random(toll.seed)  # noqa: S311 - chance, not secrecy
        self.idle = 0

    def until(self, wanted, meanwhile):
        deadline = time.monotonic() + PATIENCE
        victims = [self.born(slot) for slot in range(WORKERS)]
        while self.toll.landed < wanted and self.idle <= WORKERS:
            assert time.monotonic() < deadline, self.said("gave up")
            victims = [self.visit(victim) for victim in victims]
            meanwhile(self.chance)
            time.sleep(0.002)

    def said(self, what):
        """Return what happened, with the seed, the toll so far and what the workers complained of."""
        return f"{what}: {self.toll}\n{self.home.complaints.read_text()[-4000:]}"

    def born(self, slot):
        worker = self.home.bear(slot, self.orders[slot])
        return Victim(slot, worker, self.chance.randint(*self.lives), self.chance.uniform(0, 0.008))

    def visit(self, victim):
        """Look after one worker; return it, or the one that takes its place."""
        now, marks = time.monotonic(), self.home.marks[victim.slot]
        if victim.thaws is not None:
            if now < victim.thaws:
                return victim
            os.kill(victim.worker, signal.SIGCONT)
            victim.thaws, victim.doomed = None, None
        if marks.ended:
            fate = self.home.bury(victim.worker)
            assert fate == 0, self.said(f"a worker ended with {fate}")
            self.toll.ended += 1
            self.idle += 1
            return self.born(victim.slot)
        if victim.doomed is None:
            if (marks.settled >= victim.target and marks.holding) or now - victim.born > STALLED:
                victim.doomed = now + victim.delay
            return victim
        return self.end(victim, marks) if now >= victim.doomed else victim

    def end(self, victim, marks):
        """Kill the worker, or freeze it until others have taken over what it holds."""
        if marks.holding and self.chance.random() < self.freezes:
            os.kill(victim.worker, signal.SIGSTOP)
            self.toll.frozen += 1
            victim.thaws, victim.target = time.monotonic() + 1.3, marks.settled + self.chance.randint(*self.lives)
            return victim
        os.kill(victim.worker, signal.SIGKILL)
        fate = self.home.bury(victim.worker)
        assert fate in {-signal.SIGKILL, 0}, self.said(f"a worker ended with {fate}")
        if fate and not marks.ended:
            self.toll.landed += marks.holding > 0
            self.toll.in_transaction += marks.holding > 0 and marks.open > 0
            self.toll.elsewhere += marks.holding <= 0
            self.idle = 0 if marks.holding else self.idle
        return self.born(victim.slot)
