"""A clock and its ladder held against a minute-by-minute oracle: waiting, being met, warning, climbing (A-W5, B-W19).

The oracle knows no deadlines. It counts: a minute passes or stands still, a level is told when enough of them passed.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant.rules.calendar_days import OfficeHours
from tenant.rules.deadlines import Term
from tenant.rules.ladder import EscalationStep
from tenant.rules.limits import Limit
from tenant.rules.pasts import Course, Kept, matter_of
from tenant.rules.replaying import Asked, Matter, Replay, Wait
from tenant.rules.terms import ClockKind, ClockMeasure, ClockStart, PauseReason, Role, TicketKind

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HOURS = OfficeHours("Asia/Shanghai")
ROLES = (Role.FRONT_DESK, Role.SUPERVISOR, Role.DIRECTOR, Role.COMPANY_CENTRE)
END = 400


def limit(amount, after, warning=0, pauses=frozenset(PauseReason)):
    term = Term(
        kind=ClockKind.FIRST_REPLY,
        ticket=TicketKind.REQUEST,
        starts=ClockStart.RECEIPT,
        qualifier=None,
        spares=frozenset(),
        measure=ClockMeasure.MINUTES,
        amount=amount,
        minimum=0,
        waits=False,
        ladder="desk",
        source="A-W4",
    )
    steps = tuple(
        EscalationStep(level=n, role=ROLES[n - 1], after=minutes, source="A-W4", note="")
        for n, minutes in enumerate(sorted(after), 1)
    )
    return Limit(term=term, steps=steps, warning=warning, pauses=pauses)


def at(minute):
    return NOON + minute * MINUTE


def oracle(amount, after, warning, spans, met):
    """Walk minute by minute; return the warnings, and each lap's levels: (lap, level, minute)."""
    warned, told, passed, late, lap, level = [], [], 0, 0, 0, 0
    for minute in range(END + 1):
        if met is not None and minute >= met:
            break
        if any(minute == end for _, end in spans):
            lap, level = lap + 1, 0
        if any(begin <= minute < end for begin, end in spans):
            continue
        left = amount - passed
        if warning and not warned and left <= warning < amount and left > 0:
            warned.append(minute)
        while left <= 0 and level < len(after) and late >= sorted(after)[level]:
            level += 1
            told.append((lap, level, minute))
        passed += 1
        late += left <= 0
    return warned, told


@st.composite
def courses(draw):
    """Draw a limit, up to three waits one after the other, and when it was met, if it was."""
    marks = sorted(draw(st.lists(st.integers(1, 240), max_size=6, unique=True)))
    spans = [(marks[n], marks[n + 1]) for n in range(0, len(marks) - 1, 2)]
    met = draw(st.one_of(st.none(), st.integers(1, 380)))
    if met is not None:
        spans = [(begin, end) for begin, end in spans if end < met]
    after = draw(st.lists(st.integers(0, 90), min_size=1, max_size=4))
    amount = draw(st.integers(1, 120))
    return amount, after, draw(st.integers(0, min(60, amount - 1))), spans, met


def replayed(held, spans, met):
    waits = tuple(Wait(n, PauseReason.OWNER, at(begin), at(end)) for n, (begin, end) in enumerate(spans))
    ids = frozenset(wait.id for wait in waits)
    asked = Asked(
        ClockKind.FIRST_REPLY, "A-W4", NOON, NOON, None if met is None else at(met), is_met=met is not None, waited=ids
    )
    matter = Matter(TicketKind.REQUEST, ((NOON, frozenset()),), (asked,), waits)
    return list(Replay((held,), (held,), HOURS, at(END)).laps(matter))


@settings(max_examples=400)
@given(courses())
def test_levels_and_warnings_come_in_the_minute_in_which_enough_has_passed(course):
    amount, after, warning, spans, met = course
    laps = replayed(limit(amount, after, warning), spans, met)
    told = [(n, one.level, (one.at - NOON) // MINUTE) for n, lap in enumerate(laps) for one in lap.told]
    warned = [(lap.warned.at - NOON) // MINUTE for lap in laps if lap.warned is not None]
    assert (warned, told) == oracle(amount, after, warning, spans, met)


@given(courses())
def test_a_limit_that_knows_no_waiting_runs_through_all_of_it(course):
    amount, after, warning, spans, met = course
    laps = replayed(limit(amount, after, warning, frozenset()), spans, met)
    assert len(laps) == 1
    told = [(0, one.level, (one.at - NOON) // MINUTE) for one in laps[0].told]
    assert told == oracle(amount, after, warning, [], met)[1]


@given(courses(), st.integers(0, 60))
def test_a_longer_limit_never_tells_anybody_sooner_or_more(course, more):
    amount, after, _, spans, met = course
    short, long = (replayed(limit(amount + extra, after), spans, met) for extra in (0, more))
    for sooner, later in zip(short, long, strict=True):
        assert sooner.due_at <= later.due_at
        levels = {one.level: one.at for one in sooner.told}
        assert all(levels[one.level] <= one.at for one in later.told)


# ---- what the kept clocks say of the past
def kept(kind=ClockKind.ON_SITE, cycle=1, begun=0, due=15, **ends):
    values = {name: None if minute is None else at(minute) for name, minute in ends.items() if name != "pause_id"}
    return Kept(
        kind=kind,
        cycle=cycle,
        source="A-W5",
        started_at=at(begun),
        due_at=at(due),
        met_at=values.get("met_at"),
        cancelled_at=values.get("cancelled_at"),
        pause_id=ends.get("pause_id"),
    )


WAIT = Wait(7, PauseReason.MATERIAL, at(5), at(65))


def asked_of(rows, waits=(WAIT,), course=None):
    return matter_of(TicketKind.REQUEST, rows, waits, [(NOON, frozenset())], course or Course(NOON)).asked


def test_a_clock_and_the_one_that_goes_on_after_a_wait_are_one_thing_asked():
    rows = [kept(cancelled_at=5, pause_id=7), kept(cycle=2, due=75, met_at=70)]
    (asked,) = asked_of(rows)
    assert (asked.started_at, asked.ended_at, asked.is_met, asked.waited) == (at(0), at(70), True, {7})


def test_a_clock_that_waits_still_has_not_ended():
    lasting = Wait(7, PauseReason.MATERIAL, at(5), None)
    (asked,) = asked_of([kept(cancelled_at=5, pause_id=7)], (lasting,))
    assert (asked.ended_at, asked.is_met) == (None, False)


def test_somebody_sent_instead_is_another_thing_asked():
    first, second = asked_of([kept(cancelled_at=9), kept(cycle=2, begun=9, due=24, met_at=20)])
    assert (first.ended_at, first.is_met) == (at(9), False)
    assert (second.started_at, second.is_met) == (at(9), True)


@pytest.mark.parametrize(
    ("course", "ended", "is_met"),
    [
        (Course(NOON, dispatched=(at(0),), arrived=(at(45),)), 45, True),
        (Course(NOON, dispatched=(at(0), at(30)), arrived=(at(45),)), 30, False),
        (Course(NOON, dispatched=(at(0),), closed_at=at(99)), 99, False),
        (Course(NOON, dispatched=(at(0),)), None, False),
    ],
)
def test_what_an_appointment_ended_was_asked_for_until_it_came(course, ended, is_met):
    rows = [kept(cancelled_at=4), kept(ClockKind.PROMISED, begun=4, due=300)]
    on_site = next(one for one in asked_of(rows, (), course) if one.kind is ClockKind.ON_SITE)
    assert (on_site.ended_at, on_site.is_met) == (None if ended is None else at(ended), is_met)


def test_what_an_appointment_kept_from_beginning_was_asked_for_all_the_same():
    course = Course(NOON, dispatched=(at(10),), arrived=(at(200),))
    found = asked_of([kept(ClockKind.PROMISED, due=300)], (), course)
    on_site = next(one for one in found if one.kind is ClockKind.ON_SITE)
    same_day = next(one for one in found if one.kind is ClockKind.SAME_DAY)
    assert (on_site.started_at, on_site.ended_at, on_site.is_met) == (at(10), at(200), True)
    assert (same_day.started_at, same_day.ended_at) == (NOON, None)
