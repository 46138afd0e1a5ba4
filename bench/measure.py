"""How things are measured side by side, and the one line that each comparison prints."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice, permutations
from statistics import median
from time import perf_counter

Leg = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a benchmark takes on: the small default for every day, or the full size the targets are stated for."""

    owners: int
    offices: int
    company_offices: int
    roster_rows: int
    rounds: int
    due_actions: int = 2_000
    most_roster_rows: int = 0
    """How many rows the longest roster has; 0: ten times ``roster_rows`` are enough."""

    @property
    def owners_per_office(self) -> int:
        """Return how many owners each office has; the rest of the division is left out."""
        return self.owners // self.offices


SMALL = Sizes(owners=100_000, offices=200, company_offices=20, roster_rows=2_000, rounds=60)
FULL = Sizes(
    owners=1_000_000,
    offices=200,
    company_offices=20,
    roster_rows=10_000,
    rounds=200,
    due_actions=10_000,
    most_roster_rows=500_000,
)


def race(
    legs: Mapping[str, Leg], rounds: int, *, warm: int = 3, clock: Callable[[], float] = perf_counter
) -> dict[str, list[float]]:
    """Run the legs by turns, in another order each round; return the seconds of ``clock`` each took, round by round.

    Taking turns is what makes a ratio hold on a machine that others use too; ``warm`` rounds before are not counted.
    """
    orders = list(islice(permutations(legs), 24))
    taken: dict[str, list[float]] = {name: [] for name in legs}
    for leg in legs.values():
        for _ in range(warm):
            leg()
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            for name in orders[number % len(orders)]:
                start = clock()
                legs[name]()
                taken[name].append(clock() - start)
            if number % 20 == 0:
                gc.collect()
    finally:
        gc.enable()
    return taken


def ratio(ours: list[float], peer: list[float]) -> float:
    """Return how many times the median of ``ours`` is that of ``peer``."""
    return median(ours) / median(peer)


def surplus(ours: list[float], peer: list[float]) -> float:
    """Return the median, over rounds, of what ``ours`` took beyond ``peer`` in the same round, in seconds."""
    return median(a - b for a, b in zip(ours, peer, strict=True))


def span(seconds: float) -> str:
    """Return a span of time in the unit a reader would choose."""
    if abs(seconds) < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if abs(seconds) < 1:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds:.2f} s"


def verdict(value: float, target: float | None) -> str:
    """Return whether ``value`` keeps ``target``; empty without one."""
    if target is None:
        return ""
    return "kept" if value <= target else "MISSED"


def say(case: str, figure: str, raw: str, mark: str = "") -> None:
    """Print one line: what was measured, the ratio or figure, the raw medians, and whether a target was kept."""
    print(f"{case:<46} {figure:<18} {raw:<64} {mark}".rstrip(), flush=True)


def compare(case: str, taken: Mapping[str, list[float]], ours: str, peer: str, *, target: float | None = None) -> float:
    """Print the ratio of leg ``ours`` to leg ``peer`` with both medians, and return it."""
    value = ratio(taken[ours], taken[peer])
    raw = raw_of({ours: taken[ours], peer: taken[peer]})
    say(case, f"{value:.2f}×" + (f" (≤ {target:g}×)" if target else ""), raw, verdict(value, target))
    return value


def raw_of(taken: Mapping[str, list[float]]) -> str:
    """Return the median of each leg, in words."""
    return ", ".join(f"{name} {span(median(times))}" for name, times in taken.items())
