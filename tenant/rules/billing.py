"""What a unit is charged for a period: price by day, payer by day, and parts that add up to the 分 (B-F1).

A monthly price costs, on each of its days, that day's share of the month: a month of 31 days at 31.00 costs 1.00 a day.
Whatever changes within the period (payer, price, concession) splits it by day. The whole is rounded once; each part is
what the parts up to its last day come to, less what those before it came to, so that they add up to the whole.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from fractions import Fraction
from itertools import pairwise

from tenant.rules.terms import Rounding

_A_DAY = timedelta(days=1)
_NOTHING = Fraction(0)
_FEN = Decimal("0.01")
_WIDE = Context(prec=60)
_STEPS = {
    Rounding.FEN: (Decimal("0.01"), ROUND_HALF_UP),
    Rounding.JIAO: (Decimal("0.1"), ROUND_HALF_UP),
    Rounding.YUAN: (Decimal(1), ROUND_HALF_UP),
    Rounding.YUAN_UP: (Decimal(1), ROUND_UP),
    Rounding.YUAN_DOWN: (Decimal(1), ROUND_DOWN),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A value that holds from a day to a day, both included; None: without a beginning, without an end.

    ``value`` is a price in yuan, the id of a payer, or the share that is charged where a concession holds.
    """

    from_on: date | None
    to_on: date | None
    value: Decimal | int

    def holds_on(self, day: date) -> bool:
        """Tell whether the value holds on ``day``."""
        return (self.from_on is None or self.from_on <= day) and (self.to_on is None or day <= self.to_on)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on which payer, monthly price and charged share stay the same.

    ``payer`` and ``price`` are None where nobody pays or no price is published: such days cannot be charged.
    """

    from_on: date
    to_on: date
    payer: int | None
    price: Decimal | None
    share: Decimal

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return (self.to_on - self.from_on).days + 1


@dataclass(frozen=True, slots=True)
class Part:
    """What one payer owes for one run of days: whole yuan and 分, and the stretches that it is made of."""

    payer: int
    from_on: date
    to_on: date
    amount: Decimal
    stretches: tuple[Stretch, ...]


def stretches(
    first: date, last: date, payers: Sequence[Span], prices: Sequence[Span], shares: Sequence[Span] = ()
) -> tuple[Stretch, ...]:
    """Return the period ``first`` to ``last`` cut where payer, price or share changes, in order.

    Of several payers or prices on a day the first in the sequence holds; of several shares the smallest. Raises
    ValueError for a period that ends before it begins.
    """
    if last < first:
        message = f"a period cannot end before it begins: {first} to {last}"
        raise ValueError(message)
    found: list[Stretch] = []
    for begins, ends in _pieces(first, last, (*payers, *prices, *shares)):
        payer = next((span.value for span in payers if span.holds_on(begins)), None)
        price = next((span.value for span in prices if span.holds_on(begins)), None)
        share = min((Decimal(span.value) for span in shares if span.holds_on(begins)), default=Decimal(1))
        found.append(
            Stretch(
                begins, ends, None if payer is None else int(payer), None if price is None else Decimal(price), share
            )
        )
    return tuple(found)


def parts(pieces: Sequence[Stretch], quantity: Decimal, rounding: Rounding) -> tuple[Part, ...]:
    """Return what each payer owes for ``quantity`` (m², spaces, or 1), a part for each run of days, in order.

    They add up to the whole as it is rounded. Runs that come to nothing are left out. Raises ValueError for a stretch
    without payer or price: it is asked about before.
    """
    found: list[Part] = []
    before = _NOTHING
    for run in _runs(pieces):
        upto = before + sum((_cost(piece, quantity) for piece in run), _NOTHING)
        amount = rounded(upto, rounding) - rounded(before, rounding)
        payer = run[0].payer
        if payer is None:
            message = f"nobody pays from {run[0].from_on}"
            raise ValueError(message)
        if amount > 0:
            found.append(Part(payer, run[0].from_on, run[-1].to_on, amount, tuple(run)))
        before = upto
    return tuple(found)


def rounded(amount: Fraction, rounding: Rounding) -> Decimal:
    """Return an exact amount, not below zero, in yuan with two decimals, rounded as the item's price list says."""
    step, way = _STEPS[rounding]
    counted = amount / Fraction(step)
    whole, rest = divmod(counted.numerator, counted.denominator)
    if way is ROUND_UP:
        whole += rest > 0
    elif way is ROUND_HALF_UP:
        whole += 2 * rest >= counted.denominator
    return (whole * step).quantize(_FEN)


def usage_amount(used: Decimal, price: Decimal, rounding: Rounding) -> Decimal:
    """Return what ``used`` (m³, kWh, GJ: a meter's difference times its factor; m² for a whole month) costs each."""
    step, way = _STEPS[rounding]
    counted = _WIDE.divide(_WIDE.multiply(used, price), step)
    return (counted.quantize(Decimal(1), rounding=way, context=_WIDE) * step).quantize(_FEN)


def uncovered(first: date, last: date, spans: Iterable[Span]) -> tuple[tuple[date, date], ...]:
    """Return the days of the period on which none of ``spans`` holds, as first and last days, in order."""
    spans = tuple(spans)
    found: list[tuple[date, date]] = []
    for begins, ends in _pieces(first, last, spans):
        if any(span.holds_on(begins) for span in spans):
            continue
        if found and found[-1][1] + _A_DAY == begins:
            found[-1] = (found[-1][0], ends)
        else:
            found.append((begins, ends))
    return tuple(found)


def overlapping(spans: Iterable[Span]) -> tuple[Span, Span] | None:
    """Return two of ``spans`` that hold on the same day, the earlier first; None where each day has one at most."""
    ordered = sorted(spans, key=lambda span: span.from_on or date.min)
    for one, other in pairwise(ordered):
        if one.to_on is None or other.from_on is None or other.from_on <= one.to_on:
            return one, other
    return None


def _pieces(first: date, last: date, spans: Iterable[Span]) -> Iterable[tuple[date, date]]:
    """Yield the period cut wherever one of ``spans`` begins or ends, and at each month's end."""
    cuts = {first, last + _A_DAY}
    for span in spans:
        if span.from_on and first < span.from_on <= last:
            cuts.add(span.from_on)
        if span.to_on and first <= span.to_on < last:
            cuts.add(span.to_on + _A_DAY)
    month = first
    while (month := _month_after(month)) <= last:
        cuts.add(month)
    ordered = sorted(cuts)
    return [(begins, ends - _A_DAY) for begins, ends in pairwise(ordered)]


def _month_after(day: date) -> date:
    return day.replace(day=1) + timedelta(days=monthrange(day.year, day.month)[1])


def _runs(pieces: Iterable[Stretch]) -> Iterable[list[Stretch]]:
    """Yield consecutive stretches of one payer together."""
    runs: list[list[Stretch]] = []
    for piece in pieces:
        if runs and runs[-1][-1].payer == piece.payer:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _cost(piece: Stretch, quantity: Decimal) -> Fraction:
    """Return what a stretch within one month costs, exactly."""
    if piece.price is None:
        message = f"no price is published from {piece.from_on}"
        raise ValueError(message)
    month = monthrange(piece.from_on.year, piece.from_on.month)[1]
    return Fraction(piece.price) * Fraction(quantity) * Fraction(piece.share) * Fraction(piece.days, month)
