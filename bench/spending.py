"""What something cost: seconds on the wall, and seconds of computing here, in what was started, and in PostgreSQL.

On a machine that others use too, two walls say little about each other; what was computed says nearly the same each
time. The server's share is all that its processes did meanwhile, so nothing else may be asked of it.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import psutil

from bench.measure import say, span, verdict
from bench.world import World


@dataclass(slots=True)
class Spent:
    """Seconds on the wall and of computing, and how many of these in the database; megabytes at the most.

    The memory is that of this process with its children; the server's is shared and its own.
    """

    wall: float = 0
    computing: float = 0
    database: float = 0
    megabytes: int = 0


def both(first: Spent, second: Spent) -> Spent:
    """Return what two parts cost, one after the other."""
    return Spent(
        first.wall + second.wall,
        first.computing + second.computing,
        first.database + second.database,
        max(first.megabytes, second.megabytes),
    )


def middle(each: list[Spent]) -> Spent:
    """Return the median of each figure."""
    return Spent(
        median(one.wall for one in each), median(one.computing for one in each), median(one.database for one in each)
    )


@contextmanager
def spending(world: World) -> Iterator[Spent]:
    """Give what the block costs, filled in at its end; a process it starts counts once it was waited for."""
    spent = Spent()
    here, server, start = _computed_here(), _computed_there(world), perf_counter()
    with _watched(spent):
        yield spent
        spent.wall, spent.database = perf_counter() - start, _computed_there(world) - server
        spent.computing = _computed_here() - here + spent.database


def against(case: str, ours: Spent, peer: Spent, target: float, what: str) -> None:
    """Print the ratio on the wall and the one of computing beside their target."""
    for kind, mine, theirs in (("wall", ours.wall, peer.wall), ("computing", ours.computing, peer.computing)):
        value = mine / theirs
        figure, raw = f"{value:.3g}× (≤ {target:.3g}×)", f"{kind}: ours {span(mine)}, {what} {span(theirs)}"
        say(case if kind == "wall" else "", figure, raw, verdict(value, target))


def _computed_here() -> float:
    """Return the seconds computed until now by this process and by its children that ended."""
    return sum(os.times()[:4])


def _computed_there(world: World) -> float:
    """Return the seconds computed until now by the server with all it has started."""
    server = psutil.Process(int((world.folder / "postgres" / "postmaster.pid").read_text().split()[0]))
    times = list(server.cpu_times()[:4])
    for backend in server.children():
        with suppress(psutil.NoSuchProcess):
            times += backend.cpu_times()[:2]
    return float(sum(times))


@contextmanager
def _watched(spent: Spent) -> Iterator[None]:
    """Look twenty times a second at how much memory this process and its children hold; the server is not of them."""
    over = threading.Event()
    here = psutil.Process(os.getpid())

    def look() -> None:
        while not over.wait(0.05):
            held = 0
            for process in (here, *here.children(recursive=True)):
                try:
                    if not process.name().startswith("postgres"):
                        held += process.memory_info().rss
                except psutil.Error:
                    continue
            spent.megabytes = max(spent.megabytes, held >> 20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
