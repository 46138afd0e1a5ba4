from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant import policy
from tenant.calendars import months_after, months_between
from tenant.money import FEN
from tenant.rules.arrears import big_customer, late_fee, steps_carried, steps_due, steps_reached
from tenant.rules.terms import CustomerSize, DunningLevel

DUE_DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
AGES = st.integers(-10, 800)
RUNS = st.lists(st.integers(0, 800), max_size=25)
REMINDER, LETTER, SUIT, WATCH = DunningLevel


def keys(steps):
    return {step.key for step in steps}


def climb(due_on, days, *, big, remember_skipped=False):
    """Run the ladder on these days, in their order; return every step taken and the day it was taken on."""
    taken, remembered = [], set()
    for day in sorted(days):
        today = steps_due(policy.dunning(), due_on, day, big=big, taken=remembered)
        taken += [(step.key, day) for step in today.take]
        remembered |= keys(today.take)
        if remember_skipped:
            remembered |= keys(today.skipped)
    return taken, remembered


def nightly(due_on, months, *, big):
    last = months_after(due_on, months)
    days = [due_on + timedelta(days=n) for n in range(-5, (last - due_on).days + 1)]
    return dict(climb(due_on, days, big=big)[0])


def test_an_ordinary_owner_watched_every_night_climbs_the_whole_ladder():
    due = date(2026, 1, 31)
    assert nightly(due, 30, big=False) == {
        (REMINDER, 1): date(2026, 2, 1),
        (REMINDER, 2): date(2026, 2, 28),
        (REMINDER, 3): date(2026, 3, 31),
        (REMINDER, 4): date(2026, 4, 30),
        (WATCH, 1): date(2026, 5, 1),
        (REMINDER, 5): date(2026, 5, 31),
        (REMINDER, 6): date(2026, 6, 30),
        (LETTER, 1): date(2026, 7, 31),
        (LETTER, 2): date(2027, 1, 31),
        (SUIT, 1): date(2027, 7, 31),
    }


def test_a_big_customer_hears_from_counsel_after_three_months_and_is_sued_at_six():
    due = date(2026, 1, 10)
    climbed = nightly(due, 30, big=True)
    assert climbed[LETTER, 1] == date(2026, 4, 11)
    assert climbed[SUIT, 1] == date(2026, 7, 10)
    assert (LETTER, 2) not in climbed
    assert {n for level, n in climbed if level is REMINDER} == {1, 2, 3, 4, 5, 6}


@given(DUE_DAYS, st.booleans())
def test_there_is_no_seventh_reminder_and_no_third_letter(due_on, big):
    reached = keys(steps_reached(policy.dunning(), due_on, months_after(due_on, 60), big=big))
    assert {n for level, n in reached if level is REMINDER} == set(range(1, 7))
    assert {n for level, n in reached if level is LETTER} == ({1} if big else {1, 2})


@given(DUE_DAYS, st.integers(-400, 0), st.booleans())
def test_nothing_is_due_up_to_and_on_the_due_date(due_on, offset, big):
    today = steps_due(policy.dunning(), due_on, due_on + timedelta(days=offset), big=big, taken=())
    assert (today.take, today.skipped) == ((), ())


@given(DUE_DAYS, RUNS, st.booleans(), st.booleans())
def test_a_step_is_taken_at_most_once_whatever_the_nights(due_on, offsets, big, remember_skipped):
    days = [due_on + timedelta(days=n) for n in offsets]
    taken, _ = climb(due_on, days + days, big=big, remember_skipped=remember_skipped)
    assert len({key for key, _ in taken}) == len(taken)


@given(DUE_DAYS, RUNS, AGES, st.booleans())
def test_where_the_ladder_stands_does_not_depend_on_how_often_it_ran(due_on, offsets, last, big):
    end = due_on + timedelta(days=last)
    often = [due_on + timedelta(days=n) for n in offsets if n < last] + [end]
    _, stands_often = climb(due_on, often, big=big, remember_skipped=True)
    _, stands_once = climb(due_on, [end], big=big, remember_skipped=True)
    assert stands_often == stands_once == keys(steps_reached(policy.dunning(), due_on, end, big=big))


@given(DUE_DAYS, RUNS, st.booleans())
def test_remembering_what_was_skipped_changes_nothing_about_what_is_taken(due_on, offsets, big):
    days = [due_on + timedelta(days=n) for n in offsets]
    assert climb(due_on, days, big=big)[0] == climb(due_on, days, big=big, remember_skipped=True)[0]


@given(DUE_DAYS, AGES, st.booleans(), st.sets(st.tuples(st.sampled_from(DunningLevel), st.integers(1, 6))))
def test_one_day_never_asks_for_two_steps_of_one_level(due_on, age, big, taken):
    today = steps_due(policy.dunning(), due_on, due_on + timedelta(days=age), big=big, taken=taken)
    levels = [step.level for step in today.take]
    assert len(set(levels)) == len(levels)
    assert keys(today.take).isdisjoint(taken)
    assert keys(today.take).isdisjoint(keys(today.skipped))
    assert keys(today.skipped).isdisjoint(taken)


@given(DUE_DAYS, AGES, st.booleans())
def test_asking_twice_on_one_day_takes_nothing_more(due_on, age, big):
    day = due_on + timedelta(days=age)
    first = steps_due(policy.dunning(), due_on, day, big=big, taken=())
    assert steps_due(policy.dunning(), due_on, day, big=big, taken=keys(first.take)).take == ()


@given(DUE_DAYS, st.integers(1, 800))
def test_a_step_s_day_is_the_day_its_age_is_reached(due_on, age):
    day = due_on + timedelta(days=age)
    for step in steps_reached(policy.dunning(), due_on, day, big=False):
        (term,) = [
            t for t in policy.dunning() if (t.level, t.sequence) == step.key and t.customers is not CustomerSize.BIG
        ]
        eve = step.due_on - timedelta(days=1)
        assert step.due_on <= day
        assert months_between(due_on, step.due_on) >= term.months
        assert eve == months_after(due_on, term.months) if term.over else months_between(due_on, eve) < term.months


@given(DUE_DAYS, st.integers(1, 800), st.integers(0, 27))
def test_a_missed_night_loses_nothing(due_on, age, missed):
    """Whatever fell due on a missed night is still taken within the four weeks before the next step of its level."""
    day = due_on + timedelta(days=age)
    fallen = [step for step in steps_reached(policy.dunning(), due_on, day, big=False) if step.due_on == day]
    later = day + timedelta(days=missed)
    before = keys(steps_reached(policy.dunning(), due_on, day - timedelta(days=1), big=False))
    again = keys(steps_due(policy.dunning(), due_on, later, big=False, taken=before).take)
    assert keys(fallen) <= again


def test_an_owner_whose_reminders_were_all_missed_gets_one():
    today = steps_due(policy.dunning(), date(2026, 1, 10), date(2026, 6, 20), big=False, taken=())
    assert [step.key for step in today.take] == [(WATCH, 1), (REMINDER, 6)]
    assert [step.key for step in today.skipped] == [(REMINDER, n) for n in range(1, 6)]


def test_after_six_months_no_reminder_is_caught_up_beside_the_letter():
    today = steps_due(policy.dunning(), date(2026, 1, 10), date(2026, 7, 10), big=False, taken={(WATCH, 1)})
    assert [step.key for step in today.take] == [(LETTER, 1)]
    assert [step.key for step in today.skipped] == [(REMINDER, n) for n in range(1, 7)]


def test_when_the_suit_is_due_no_letter_is_caught_up():
    today = steps_due(policy.dunning(), date(2026, 1, 10), date(2027, 8, 1), big=False, taken={(WATCH, 1)})
    assert [step.key for step in today.take] == [(SUIT, 1)]
    assert {step.key for step in today.skipped} == {(REMINDER, n) for n in range(1, 7)} | {(LETTER, 1), (LETTER, 2)}


@pytest.mark.parametrize(
    ("day", "due"),
    [(date(2026, 4, 10), False), (date(2026, 4, 11), True)],
)
def test_over_three_months_is_the_day_after_the_anniversary(day, due):
    reached = keys(steps_reached(policy.dunning(), date(2026, 1, 10), day, big=True))
    assert ((LETTER, 1) in reached) is due
    assert ((WATCH, 1) in reached) is due


def test_a_younger_debt_left_after_a_payment_is_not_dunned_on_the_day_of_paying():
    younger, paid_on = date(2026, 8, 1), date(2026, 9, 15)
    carried = steps_carried(policy.dunning(), younger, paid_on, {(REMINDER, 5)}, big=False)
    assert steps_due(policy.dunning(), younger, paid_on, big=False, taken=carried).take == ()
    later = steps_due(policy.dunning(), younger, date(2026, 10, 1), big=False, taken=carried)
    assert [step.key for step in later.take] == [(REMINDER, 3)]


def test_paying_one_month_out_of_twenty_escapes_no_suit():
    younger, paid_on = date(2025, 1, 10), date(2026, 8, 10)
    untaken = steps_carried(policy.dunning(), younger, paid_on, {(LETTER, 1)}, big=False)
    taken = steps_carried(policy.dunning(), younger, paid_on, {(LETTER, 1), (SUIT, 1), (WATCH, 1)}, big=False)
    assert (SUIT, 1) in keys(steps_due(policy.dunning(), younger, paid_on, big=False, taken=untaken).take)
    assert steps_due(policy.dunning(), younger, paid_on, big=False, taken=taken).take == ()


AMOUNTS = st.decimals(Decimal("0.01"), Decimal(1_000_000), places=2)
RATES = st.decimals(Decimal("0.0001"), Decimal("0.01"), places=4)
CAP = Decimal("0.30")


@given(AMOUNTS, DUE_DAYS, st.integers(-100, 2000), RATES)
def test_a_late_fee_grows_by_the_day_up_to_its_cap(amount, due_on, days, rate):
    day = due_on + timedelta(days=days)
    fee = late_fee(amount, due_on, day, rate, CAP)
    assert fee <= late_fee(amount, due_on, day + timedelta(days=1), rate, CAP) <= amount * CAP + FEN
    assert (fee == 0) if days <= 0 else (fee <= late_fee(amount, due_on, day, rate, None))


@pytest.mark.parametrize(
    ("amount", "day", "cap", "fee"),
    [
        ("1260.00", date(2026, 1, 10), None, "0.00"),
        ("1260.00", date(2026, 1, 11), None, "0.63"),
        ("1260.00", date(2026, 2, 10), None, "19.53"),
        ("1260.00", date(2030, 1, 10), "0.30", "378.00"),
        ("10.00", date(2026, 1, 11), None, "0.01"),
        ("-10.00", date(2026, 2, 10), None, "0.00"),
    ],
)
def test_late_fees_in_fen(amount, day, cap, fee):
    ceiling = None if cap is None else Decimal(cap)
    assert str(late_fee(Decimal(amount), date(2026, 1, 10), day, Decimal("0.0005"), ceiling)) == fee


@pytest.mark.parametrize(
    ("area", "total", "big"),
    [("150.01", "10000", True), ("150", "10000", False), ("100", "0", False), ("0", "10000", False)],
)
def test_big_means_above_the_share_of_the_managed_area(area, total, big):
    share = policy.dunning_settings().big_customer_share
    assert share == Decimal("0.015")
    assert big_customer(Decimal(area), Decimal(total), share) is big
