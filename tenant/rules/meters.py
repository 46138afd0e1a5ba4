"""What a meter counted between two readings, and which readings cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

ALERT: Final = 5
"""How many times the usual consumption of a day makes a reading worth a second look."""
MOST_SHOWN: Final = Decimal(10) ** 11
"""What no meter shows; a reading has three decimals."""


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """What a meter showed on a day."""

    read_on: date
    shown: Decimal


def counted(before: Decimal, shown: Decimal, full_scale: Decimal | None = None) -> Decimal | None:
    """Return what a meter counted from ``before`` to ``shown``, before its factor; None where that cannot be.

    A meter that shows less has begun again at zero, if it has a full scale and would have counted at most half of it:
    more is a slip of the pen rather than a round.
    """
    if full_scale is not None and max(before, shown) > full_scale:
        return None
    if shown >= before:
        return shown - before
    if full_scale is None:
        return None
    rest = full_scale - before + shown
    return rest if 2 * rest <= full_scale else None


def misfit(readings: Sequence[Reading], new: Reading, full_scale: Decimal | None = None) -> Reading | None:
    """Return the neighbour in time that ``new`` contradicts, None where it fits; one of its own day is left out."""
    before, after = neighbours(readings, new.read_on)
    if before and counted(before.shown, new.shown, full_scale) is None:
        return before
    return after if after and counted(new.shown, after.shown, full_scale) is None else None


def neighbours(readings: Sequence[Reading], day: date) -> tuple[Reading | None, Reading | None]:
    """Return the last reading before ``day`` and the first after it, None where there is none."""
    before = max((reading for reading in readings if reading.read_on < day), default=None)
    return before, min((reading for reading in readings if reading.read_on > day), default=None)


def usual(readings: Sequence[Reading], day: date, full_scale: Decimal | None = None) -> Decimal | None:
    """Return what the meter counted a day, on average, up to its last reading before ``day``; None while unknown."""
    earlier = sorted(reading for reading in readings if reading.read_on < day)
    if len(earlier) < 2:  # noqa: PLR2004  an average needs a span
        return None
    spans = (counted(one.shown, other.shown, full_scale) for one, other in pairwise(earlier))
    days = (earlier[-1].read_on - earlier[0].read_on).days
    return sum((span or Decimal(0) for span in spans), Decimal(0)) / days if days else None


def jump(readings: Sequence[Reading], new: Reading, full_scale: Decimal | None = None) -> Decimal | None:
    """Return how many times the usual ``new`` has counted a day, if that is `ALERT` times or more; else None."""
    before, _ = neighbours(readings, new.read_on)
    average = usual(readings, new.read_on, full_scale)
    if before is None or not average:
        return None
    since = counted(before.shown, new.shown, full_scale)
    if since is None:
        return None
    times = since / (new.read_on - before.read_on).days / average
    return times if times >= ALERT else None
