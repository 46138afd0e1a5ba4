"""What a meter counted: never less than nothing, a round only where the meter has one, a jump where it is one."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.rules.meters import Reading, counted, jump, misfit, usual

D = Decimal
FIRST = date(2026, 1, 1)
amounts = st.decimals(0, 10**6, places=3)


def readings(*shown, every=30):
    return [Reading(FIRST + timedelta(days=every * place), D(value)) for place, value in enumerate(shown)]


@pytest.mark.parametrize(
    ("before", "shown", "full_scale", "expected"),
    [
        (100, 130, None, 30),
        (100, 100, None, 0),
        (130, 100, None, None),
        (9990, 20, 10000, 30),
        (6000, 5000, 10000, None),  # a slip of the pen, not nine thousand
        (100, 10001, 10000, None),
    ],
)
def test_a_meter_counts_on_or_begins_again_at_zero(before, shown, full_scale, expected):
    assert counted(D(before), D(shown), full_scale and D(full_scale)) == expected


@given(amounts, amounts, st.none() | amounts)
def test_nothing_counted_is_below_nothing(before, shown, full_scale):
    found = counted(before, shown, full_scale)
    assert found is None or found >= 0


def test_a_reading_must_fit_its_neighbours_in_time():
    known = readings(100, 130, 190)
    between = FIRST + timedelta(days=45)
    assert misfit(known, Reading(between, D(150))) is None
    assert misfit(known, Reading(between, D(120))) == known[1]
    assert misfit(known, Reading(between, D(200))) == known[2]
    assert misfit(known, Reading(known[1].read_on, D(110))) is None  # what stood on its own day is replaced


def test_the_usual_is_known_from_the_second_reading_on():
    assert usual(readings(100), FIRST + timedelta(days=90)) is None
    assert usual(readings(100, 130), FIRST + timedelta(days=90)) == 1


@pytest.mark.parametrize(("shown", "expected"), [(279, None), (280, 5), (430, 10)])
def test_five_times_the_usual_is_a_jump(shown, expected):
    assert jump(readings(100, 130), Reading(FIRST + timedelta(days=60), D(shown))) == expected


def test_without_a_past_nothing_is_a_jump():
    assert jump([], Reading(FIRST, D(10))) is None
    assert jump(readings(100, 100), Reading(FIRST + timedelta(days=60), D(900))) is None
