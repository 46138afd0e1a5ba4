from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant import policy
from tenant.rules.gravity import graver, repeated, route_for
from tenant.rules.terms import Gravity, Role

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("gravity", "handler"),
    [
        (Gravity.ORDINARY, Role.ASSISTANT),
        (Gravity.MAJOR, Role.DIRECTOR),
        (Gravity.GRAVE, Role.GENERAL_MANAGER),
        (Gravity.INVALID, Role.FRONT_DESK),
    ],
)
def test_each_gravity_has_its_handler(gravity, handler):
    assert route_for(policy.gravities(), gravity).handler is handler


def test_a_table_without_the_gravity_is_an_error_of_the_program():
    with pytest.raises(LookupError):
        route_for((), Gravity.GRAVE)


@given(st.sampled_from(Gravity), st.sampled_from(Gravity))
def test_the_graver_of_two_does_not_depend_on_their_order(one, other):
    assert graver(one, other) is graver(other, one)
    assert graver(one, Gravity.GRAVE) is Gravity.GRAVE
    assert graver(one, Gravity.INVALID) is one


@pytest.mark.parametrize(
    ("days_ago", "one_open", "grave"),
    [
        ([0, 30, 89], True, True),
        ([0, 30, 90], True, False),
        ([0, 0, 0], True, True),
        ([0, 30, 89], False, False),
        ([0, 30], True, False),
        ([], True, False),
    ],
)
def test_the_third_complaint_within_ninety_days_while_one_is_open_is_grave(days_ago, one_open, grave):
    raised = [TODAY - timedelta(days=n) for n in days_ago]
    assert repeated(raised, TODAY, policy.repeat_rule(), one_open=one_open) is grave


def test_complaints_after_the_day_do_not_count():
    raised = [TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=2)]
    assert not repeated(raised, TODAY, policy.repeat_rule(), one_open=True)
