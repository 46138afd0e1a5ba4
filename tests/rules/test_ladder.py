from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant import policy
from tenant.rules.ladder import EscalationStep, counted_from, due_levels, next_step, step_due_at
from tenant.rules.limits import limit_for
from tenant.rules.terms import ClockKind, Gravity, Role, TicketKind

BREACH = datetime(2026, 11, 21, 9, tzinfo=UTC)
LADDERS = st.sampled_from(sorted(policy.ladders())).map(policy.escalation)
MINUTES = st.integers(-200, 20_000)


def at(minutes):
    return BREACH + timedelta(minutes=minutes)


@given(LADDERS, MINUTES)
def test_a_level_is_due_once_its_minutes_have_passed(steps, minutes):
    assert list(due_levels(steps, BREACH, at(minutes))) == [step for step in steps if step.after <= minutes]


@given(LADDERS, st.lists(MINUTES, max_size=12), MINUTES)
def test_where_the_ladder_stands_does_not_depend_on_how_often_it_was_looked_at(steps, visits, last):
    climbed = []
    for minutes in [*sorted(visit for visit in visits if visit <= last), last]:
        climbed += [step for step in due_levels(steps, BREACH, at(minutes)) if step not in climbed]
    assert climbed == list(due_levels(steps, BREACH, at(last)))


@given(LADDERS)
def test_climbing_step_by_step_passes_every_level_in_order(steps):
    climbed, level = [], 0
    while (step := next_step(steps, level)) is not None:
        climbed.append(step)
        level = step.level
    assert climbed == list(steps)


def test_a_gap_in_the_levels_is_stepped_over():
    one = EscalationStep(1, Role.TECHNICIAN, 0, "A-W5", "")
    four = EscalationStep(4, Role.DIRECTOR, 60, "A-O3", "")
    assert next_step((four, one), 0) is one
    assert next_step((four, one), 1) is four
    assert next_step((four, one), 4) is None


def test_steps_are_counted_on_the_world_s_clock():
    director = policy.escalation()[3]
    assert step_due_at(director, BREACH) == at(60)


def test_the_default_ladder_climbs_from_the_technician_to_the_group():
    assert [step.role for step in policy.escalation()] == [
        Role.TECHNICIAN,
        Role.DEPARTMENT_HEAD,
        Role.SUPERVISOR,
        Role.DIRECTOR,
        Role.COMPANY_CENTRE,
        Role.GROUP_CENTRE,
    ]


@pytest.mark.parametrize("name", sorted(policy.ladders()))
def test_every_ladder_passes_the_director_and_ends_at_the_group(name):
    roles = [step.role for step in policy.escalation(name)]
    assert Role.DIRECTOR in roles
    assert roles[-1] is Role.GROUP_CENTRE


@pytest.mark.parametrize(("milder", "graver"), [("complaint", "major"), ("major", "grave"), ("request", "urgent")])
def test_the_graver_the_matter_the_sooner_the_director_hears(milder, graver):
    def minutes(name):
        return next(step.after for step in policy.escalation(name) if step.role is Role.DIRECTOR)

    assert minutes(graver) < minutes(milder)


def climbed(ticket, kind, qualifiers):
    limit = limit_for(policy.limits(), ticket, kind, qualifiers)
    return () if limit is None else limit.steps


@pytest.mark.parametrize(
    ("ticket", "kind", "qualifiers", "ladder"),
    [
        (TicketKind.REQUEST, ClockKind.ON_SITE, {"repair", "ordinary"}, "request"),
        (TicketKind.REQUEST, ClockKind.ON_SITE, {"repair", "urgent"}, "urgent"),
        (TicketKind.REQUEST, ClockKind.DISPATCH, {"repair", "urgent"}, "desk_urgent"),
        (TicketKind.COMPLAINT, ClockKind.FORWARD, {Gravity.GRAVE}, "grave"),
        (TicketKind.COMPLAINT, ClockKind.DEPARTMENT_RECEIPT, {Gravity.ORDINARY}, "complaint"),
    ],
)
def test_a_clock_climbs_the_ladder_of_its_row(ticket, kind, qualifiers, ladder):
    assert climbed(ticket, kind, qualifiers) == policy.escalation(ladder)


@pytest.mark.parametrize(
    ("ticket", "kind", "qualifiers"),
    [
        (TicketKind.COMPLAINT, ClockKind.REGRADE, {Gravity.ORDINARY}),
        (TicketKind.COMPLAINT, ClockKind.DEPARTMENT_RECEIPT, {Gravity.INVALID}),
        (TicketKind.DEFECT, ClockKind.SAME_DAY, set()),
    ],
)
def test_what_nobody_is_told_of_climbs_nothing(ticket, kind, qualifiers):
    assert climbed(ticket, kind, qualifiers) == ()


# ---- taking notice
def test_a_s5_who_takes_notice_has_the_whole_gap_to_the_next_level_from_then_on():
    steps = policy.escalation("request")
    since = counted_from(steps, BREACH, 1, at(10))
    assert step_due_at(steps[1], since) == at(10 + 15)
    since = counted_from(steps, BREACH, 2, at(20))
    assert step_due_at(steps[2], since) == at(20 + 15)


def test_without_notice_the_ladder_is_counted_from_the_breach():
    assert counted_from(policy.escalation("request"), BREACH, 0, None) == BREACH


@given(LADDERS, st.integers(1, 6), st.integers(0, 20_000))
def test_notice_puts_every_level_above_off_by_the_same_and_never_forward(steps, level, minutes):
    below = [step for step in steps if step.level <= level]
    noticed = max(at(minutes), step_due_at(below[-1], BREACH))
    since = counted_from(steps, BREACH, level, noticed)
    put_off = since - BREACH
    assert put_off >= timedelta(0)
    above = [step for step in steps if step.level > level]
    assert [step_due_at(step, since) - step_due_at(step, BREACH) for step in above] == [put_off] * len(above)
    if above:
        gap = timedelta(minutes=above[0].after - below[-1].after)
        assert step_due_at(above[0], since) == noticed + gap


@given(LADDERS, st.lists(st.integers(0, 500), min_size=6, max_size=6))
def test_the_latest_notice_counts_for_all_before_it(steps, delays):
    since = BREACH
    for step, delay in zip(steps, delays, strict=False):
        noticed = step_due_at(step, since) + timedelta(minutes=delay)
        later = counted_from(steps, BREACH, step.level, noticed)
        assert later >= since
        since = later


def test_a_level_that_left_the_ladder_counts_as_the_one_below_it():
    steps = policy.escalation("complaint")[:2]
    assert counted_from(steps, BREACH, 4, at(60)) == at(30)


def test_minute_ladders_never_wait_for_the_morning_and_days_do():
    waiting = {name for name, steps in policy.ladders().items() if any(step.waits for step in steps)}
    assert waiting == {"daily", "follow_up", "complaint_return", "rectification"}
    assert all(step.waits for name in waiting for step in policy.escalation(name))
