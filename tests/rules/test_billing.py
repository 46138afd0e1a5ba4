"""What a unit is charged for a period, against an account kept day by day (B-F1)."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.rules.billing import Span, overlapping, parts, rounded, stretches, uncovered, usage_amount
from tenant.rules.terms import Rounding

DAY = timedelta(days=1)
FEN, JIAO = Decimal("0.01"), Decimal("0.1")
WAYS = {
    Rounding.FEN: (FEN, ROUND_HALF_UP),
    Rounding.JIAO: (JIAO, ROUND_HALF_UP),
    Rounding.YUAN: (Decimal(1), ROUND_HALF_UP),
    Rounding.YUAN_UP: (Decimal(1), ROUND_UP),
    Rounding.YUAN_DOWN: (Decimal(1), ROUND_DOWN),
}
ALWAYS = Span(None, None, 7)


def priced(price, from_on=None, to_on=None):
    return Span(from_on, to_on, Decimal(price))


USUAL = priced("2.50")


def billed(first, last, *, payers=(ALWAYS,), prices=(USUAL,), shares=(), quantity="88.50", way=Rounding.FEN):
    return parts(stretches(first, last, payers, prices, shares), Decimal(quantity), way)


days = st.dates(date(2023, 12, 1), date(2025, 3, 1))
prices = st.decimals("0", "999.9999", places=4)
quantities = st.decimals("0.01", "9999.99", places=2)


@st.composite
def periods(draw):
    first = draw(days)
    return first, first + draw(st.integers(0, 400)) * DAY


@st.composite
def chains(draw, values):
    """Draw values that follow one another without gap or overlap, from before all days to after them."""
    cuts = sorted(draw(st.sets(days, max_size=4)))
    begins = [None, *cuts]
    ends = [*(cut - DAY for cut in cuts), None]
    return [Span(one, other, draw(values)) for one, other in zip(begins, ends, strict=True)]


shares = st.lists(
    st.tuples(days, st.integers(0, 200), st.decimals("0", "1", places=2)).map(
        lambda told: Span(told[0], told[0] + told[1] * DAY, told[2])
    ),
    max_size=3,
)


# ------------------------------------------------------------------------------------------------------------ examples
def test_b_f1_a_whole_month_costs_price_times_area():
    (part,) = billed(date(2026, 2, 1), date(2026, 2, 28))
    assert (part.payer, part.amount) == (7, Decimal("221.25"))


def test_b_f1_a_month_of_29_days_costs_what_one_of_31_costs():
    leap, long = billed(date(2024, 2, 1), date(2024, 2, 29)), billed(date(2024, 3, 1), date(2024, 3, 31))
    assert leap[0].amount == long[0].amount == Decimal("221.25")


def test_b_f1_a_transfer_within_a_month_is_split_by_day_and_loses_no_fen():
    payers = (Span(None, date(2026, 3, 10), 1), Span(date(2026, 3, 11), None, 2))
    seller, buyer = billed(date(2026, 3, 1), date(2026, 3, 31), payers=payers, prices=(priced("1"),), quantity="100.01")
    assert (seller.to_on, buyer.from_on) == (date(2026, 3, 10), date(2026, 3, 11))
    assert (seller.amount, buyer.amount) == (Decimal("32.26"), Decimal("67.75"))
    assert seller.amount + buyer.amount == Decimal("100.01")


def test_b_f1_a_new_price_holds_from_its_day_on():
    prices = (priced("1", None, date(2026, 3, 15)), priced("2", date(2026, 3, 16)))
    (part,) = billed(date(2026, 3, 1), date(2026, 3, 31), prices=prices, quantity="31")
    assert part.amount == Decimal(15 + 32)
    assert [piece.days for piece in part.stretches] == [15, 16]


def test_b_f1_where_two_concessions_hold_the_greater_one_counts():
    shares = (Span(None, None, Decimal("0.7")), Span(date(2026, 3, 1), date(2026, 3, 31), Decimal("0.5")))
    (part,) = billed(date(2026, 3, 1), date(2026, 3, 31), shares=shares, prices=(priced("1"),), quantity="100")
    assert part.amount == Decimal("50.00")


def test_b_f1_usage_costs_its_price_each():
    assert usage_amount(Decimal("12.345"), Decimal("3.45"), Rounding.FEN) == Decimal("42.59")


@pytest.mark.parametrize("missing", ["payers", "prices"])
def test_days_without_payer_or_price_are_found_before_and_never_charged(missing):
    spans = {"payers": (ALWAYS,), "prices": (priced("1"),)} | {missing: (Span(date(2026, 3, 2), None, 1),)}
    with pytest.raises(ValueError, match="2026-03-01"):
        billed(date(2026, 3, 1), date(2026, 3, 31), **spans)
    assert uncovered(date(2026, 3, 1), date(2026, 3, 31), spans[missing]) == ((date(2026, 3, 1), date(2026, 3, 1)),)


def test_two_that_hold_on_one_day_are_found():
    one, other = Span(None, date(2026, 3, 10), 1), Span(date(2026, 3, 10), None, 2)
    assert overlapping([other, one]) == (one, other)
    assert overlapping([one, Span(date(2026, 3, 11), None, 2)]) is None


# ---------------------------------------------------------------------------------------------------------- properties
@given(periods(), chains(st.integers(1, 3)), chains(prices), shares, quantities, st.sampled_from(Rounding))
def test_parts_add_up_to_the_whole_of_an_account_kept_by_day(period, payers, tariffs, cut, quantity, way):
    first, last = period
    found = billed(first, last, payers=payers, prices=tariffs, shares=cut, quantity=quantity, way=way)
    exact, day = Fraction(0), first
    while day <= last:
        price = next(span.value for span in tariffs if span.holds_on(day))
        share = min((span.value for span in cut if span.holds_on(day)), default=Decimal(1))
        exact += Fraction(price) * Fraction(quantity) * Fraction(share) / monthrange(day.year, day.month)[1]
        day += DAY
    assert sum((part.amount for part in found), Decimal(0)) == rounded(exact, way)


@given(periods(), chains(st.integers(1, 3)), quantities)
def test_each_day_is_charged_once_and_to_its_payer(period, payers, quantity):
    first, last = period
    found = billed(first, last, payers=payers, prices=(priced("999"),), quantity=quantity)
    assert found[0].from_on == first
    assert found[-1].to_on == last
    for one, other in pairwise(found):
        assert one.to_on + DAY == other.from_on
        assert one.payer != other.payer
    for part in found:
        assert all(
            span.value == part.payer for span in payers for day in (part.from_on, part.to_on) if span.holds_on(day)
        )


@given(st.fractions(0, 10**9, max_denominator=10**6), st.sampled_from(Rounding))
def test_an_amount_is_rounded_as_the_price_list_says(amount, way):
    step, kind = WAYS[way]
    exact = (
        (Decimal(amount.numerator) / Decimal(amount.denominator)) if amount.denominator in {1, 2, 4, 5, 8, 10} else None
    )
    found = rounded(amount, way)
    assert found % step == 0
    assert abs(Fraction(found) - amount) <= (Fraction(step) if kind != ROUND_HALF_UP else Fraction(step) / 2)
    if exact is not None:
        assert found == (exact / step).quantize(Decimal(1), rounding=kind) * step


@given(days, st.integers(0, 60), st.lists(st.tuples(days, st.integers(0, 60)), max_size=4))
def test_uncovered_days_are_those_on_which_nothing_holds(first, length, told):
    last, spans = first + length * DAY, [Span(begins, begins + more * DAY, 1) for begins, more in told]
    bare = {day for day in (first + n * DAY for n in range(length + 1)) if not any(s.holds_on(day) for s in spans)}
    found = uncovered(first, last, spans)
    assert {begins + n * DAY for begins, ends in found for n in range((ends - begins).days + 1)} == bare
    assert all(one[1] + DAY < other[0] for one, other in pairwise(found))


@given(quantities, prices, st.sampled_from(Rounding))
def test_what_is_reckoned_at_once_is_what_fractions_give(used, price, way):
    assert usage_amount(used, price, way) == rounded(Fraction(used) * Fraction(price), way)
