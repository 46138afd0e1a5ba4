"""How grave a complaint is, who takes it up and who must hear of it (A-C2 to A-C4, A-C7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tenant.rules.terms import Gravity, Role


@dataclass(frozen=True, slots=True)
class GravityRoute:
    """Where complaints of one gravity go: `handler` takes them up, `informs` are told at once or within a clock."""

    gravity: Gravity
    handler: Role
    informs: tuple[Role, ...]
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class RepeatRule:
    """When a matter raised again and again becomes grave: the `times`-th within `within_days` calendar days (A-C2a)."""

    times: int
    within_days: int
    source: str


_RANK = {Gravity.INVALID: 0, Gravity.ORDINARY: 1, Gravity.MAJOR: 2, Gravity.GRAVE: 3}


def route_for(routes: Iterable[GravityRoute], gravity: Gravity) -> GravityRoute:
    """Return the route of a gravity. Raises LookupError when the table has none; the loader sees that it has."""
    for route in routes:
        if route.gravity == gravity:
            return route
    raise LookupError(f"no route for {gravity}")


def graver(one: Gravity, other: Gravity) -> Gravity:
    """Return the graver of two; an invalid complaint is the least."""
    return max(one, other, key=_RANK.__getitem__)


def repeated(raised_on: Sequence[date], day: date, rule: RepeatRule, *, one_open: bool) -> bool:
    """Tell whether a matter raised by one unit on these days, `day` included, has become grave by repetition (A-C2a).

    Counts the days within the last `within_days` days up to `day`; never while none of the complaints is open.
    """
    since = day - timedelta(days=rule.within_days)
    return one_open and sum(since < raised <= day for raised in raised_on) >= rule.times
