from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenant import policy
from tenant.calendars import zone_of
from tenant.rules.calendar_days import OfficeHours
from tenant.rules.deadlines import Term, breached, due_at, started_at, terms_at_registration, terms_for
from tenant.rules.terms import ClockKind, ClockMeasure, ClockStart, Gravity, TicketKind

SHANGHAI = "Asia/Shanghai"
BERLIN = "Europe/Berlin"
HAVANA = "America/Havana"
MINUTE = timedelta(minutes=1)
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from([SHANGHAI, BERLIN, HAVANA, "Australia/Lord_Howe", "Asia/Beirut"])


def term(measure, amount=0, minimum=0, *, waits=False):
    return Term(
        kind=ClockKind.FIRST_REPLY,
        ticket=TicketKind.REQUEST,
        starts=ClockStart.RECEIPT,
        qualifier=None,
        spares=frozenset(),
        measure=measure,
        amount=amount,
        minimum=minimum,
        waits=waits,
        ladder=None,
        source="A-W4",
    )


TERMS = st.one_of(
    st.builds(term, st.just(ClockMeasure.MINUTES), st.integers(1, 600), st.integers(0, 600)),
    st.builds(term, st.just(ClockMeasure.SAME_DAY), st.just(0), st.integers(0, 600)),
    st.builds(term, st.just(ClockMeasure.DAYS), st.integers(1, 4), st.integers(0, 600)),
)


def shanghai(text):
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(SHANGHAI))


def the(clock, ticket=TicketKind.REQUEST, qualifier=None):
    (found,) = [t for t in policy.clocks() if (t.kind, t.ticket, t.qualifier) == (clock, ticket, qualifier)]
    return found


def minute_by_minute(limit, start, zone):
    """Walk the world clock minute by minute and look at the wall clock: the slow, plain meaning of each term."""
    first_day = start.astimezone(zone_of(zone)).date()
    last_day = first_day + timedelta(days=limit.amount if limit.measure is ClockMeasure.DAYS else 0)
    at, walked = start, 0
    while True:
        if limit.measure is ClockMeasure.MINUTES:
            reached = walked >= limit.amount
        else:
            reached = at.astimezone(zone_of(zone)).date() > last_day
        if reached and walked >= limit.minimum:
            return at
        at += MINUTE
        walked += 1


@given(TERMS, INSTANTS, ZONES)
@example(term(ClockMeasure.SAME_DAY), datetime(2026, 3, 28, 23, 30, tzinfo=UTC), BERLIN)
@example(term(ClockMeasure.MINUTES, 600), datetime(2026, 10, 24, 20, tzinfo=UTC), BERLIN)
@example(term(ClockMeasure.DAYS, 1), datetime(2026, 11, 1, 3, 30, tzinfo=UTC), HAVANA)
def test_a_deadline_is_the_first_minute_that_a_patient_watcher_calls_late(limit, start, zone):
    start = start.replace(second=0, microsecond=0)
    assert due_at(limit, start, OfficeHours(zone)) == minute_by_minute(limit, start, zone)


@given(TERMS, INSTANTS, ZONES)
def test_a_deadline_is_after_its_start_in_utc_and_the_same_from_any_clock(limit, start, zone):
    due = due_at(limit, start, OfficeHours(zone))
    assert due > start
    assert due.tzinfo is UTC
    assert due == due_at(limit, start.astimezone(zone_of(BERLIN)), OfficeHours(zone))


@given(TERMS, INSTANTS, INSTANTS, ZONES)
def test_what_starts_later_is_never_due_sooner(limit, one, other, zone):
    hours = OfficeHours(zone)
    assert due_at(limit, min(one, other), hours) <= due_at(limit, max(one, other), hours)


@pytest.mark.parametrize(
    ("clock", "ticket", "qualifier", "start", "due"),
    [
        ("first_reply", "request", None, "2026-11-21T09:00", "2026-11-21T09:15"),
        ("dispatch", "request", "urgent", "2026-11-21T23:58", "2026-11-22T00:03"),
        ("dispatch", "request", "ordinary", "2026-11-21T09:00", "2026-11-21T09:15"),
        ("on_site", "request", None, "2026-11-21T09:00", "2026-11-21T09:15"),
        ("same_day", "request", None, "2026-11-21T09:00", "2026-11-22T00:00"),
        ("daily_contact", "request", None, "2026-11-21T09:00", "2026-11-23T00:00"),
        ("suggestion_reply", "request", "suggestion", "2026-11-21T09:00", "2026-11-25T00:00"),
        ("follow_up", "request", None, "2026-11-21T23:45", "2026-11-22T00:15"),
        ("department_receipt", "complaint", None, "2026-11-21T09:00", "2026-11-21T09:10"),
        ("forward", "complaint", "major", "2026-11-21T23:50", "2026-11-22T00:20"),
        ("forward", "complaint", "grave", "2026-11-21T09:00", "2026-11-22T00:00"),
        ("forward", "complaint", "grave", "2026-11-21T22:00", "2026-11-22T00:00"),
        ("forward", "complaint", "grave", "2026-11-21T23:50", "2026-11-22T01:50"),
        ("regrade", "complaint", None, "2026-11-21T09:00", "2026-12-22T00:00"),
        ("regrade", "complaint", None, "2027-01-31T09:00", "2027-03-01T00:00"),
        ("follow_up", "complaint", None, "2026-11-21T09:00", "2026-11-25T00:00"),
        ("follow_up", "defect", None, "2026-11-21T00:00", "2026-11-25T00:00"),
    ],
)
def test_the_manuals_limits_fall_where_the_manuals_say(clock, ticket, qualifier, start, due):
    limit = the(ClockKind(clock), TicketKind(ticket), qualifier)
    assert due_at(limit, shanghai(start), OfficeHours(SHANGHAI)) == shanghai(due)


def test_a_naive_start_is_refused():
    with pytest.raises(ValueError, match="zone"):
        due_at(term(ClockMeasure.MINUTES, 5), datetime(2026, 11, 21), OfficeHours(SHANGHAI))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("at", "put_off", "waits", "start"),
    [
        ("2026-11-21T23:00", True, True, "2026-11-22T08:00"),
        ("2026-11-22T03:00", True, True, "2026-11-22T08:00"),
        ("2026-11-21T23:00", False, True, "2026-11-21T23:00"),
        ("2026-11-21T23:00", True, False, "2026-11-21T23:00"),
        ("2026-11-21T10:00", True, True, "2026-11-21T10:00"),
    ],
)
def test_only_what_was_put_off_at_night_waits_for_the_handover(at, put_off, waits, start):
    limit = term(ClockMeasure.MINUTES, 15, waits=waits)
    started = started_at(limit, shanghai(at), OfficeHours(SHANGHAI), put_off=put_off)
    assert started == shanghai(start)


def test_urgent_requests_never_wait_for_the_morning():
    assert not the(ClockKind.DISPATCH, qualifier="urgent").waits
    assert the(ClockKind.DISPATCH, qualifier="ordinary").waits
    assert not the(ClockKind.FIRST_REPLY).waits


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)), st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_clock_is_late_when_unmet_at_its_due_instant_or_met_after_it(due, until_met, until_seen):
    start = due - timedelta(days=1)
    met, seen = start + until_met, start + until_seen
    assert breached(due, None, seen) is (seen >= due)
    assert breached(due, met, seen) is (met > due if met <= seen else seen >= due)


def test_met_in_the_last_minute_is_on_time():
    due = shanghai("2026-11-21T09:15")
    assert not breached(due, due, due)
    assert breached(due, None, due)
    assert breached(due, due + MINUTE, due + MINUTE)


def kinds(ticket, *qualifiers):
    return [t.kind for t in terms_at_registration(policy.clocks(), ticket, qualifiers)]


@pytest.mark.parametrize(
    ("ticket", "qualifiers", "expected"),
    [
        ("request", ("repair", "urgent"), ["first_reply", "dispatch", "same_day", "daily_contact"]),
        ("request", ("suggestion", "ordinary"), ["first_reply", "dispatch", "suggestion_reply", "daily_contact"]),
        ("request", ("consultation", "ordinary"), ["first_reply", "dispatch", "daily_contact"]),
        ("complaint", ("ordinary",), ["department_receipt", "regrade"]),
        ("complaint", ("major",), ["department_receipt", "regrade", "forward"]),
        ("complaint", ("grave",), ["department_receipt", "forward", "daily_contact"]),
        ("complaint", ("invalid",), []),
        ("defect", (), ["on_site", "dispatch"]),
    ],
)
def test_registering_starts_the_clocks_of_its_kind(ticket, qualifiers, expected):
    assert kinds(TicketKind(ticket), *qualifiers) == expected


@given(
    st.sampled_from(TicketKind), st.sampled_from(ClockStart), st.sets(st.sampled_from(["urgent", "repair", "grave"]))
)
def test_an_event_starts_each_kind_of_clock_at_most_once(ticket, starts, qualifiers):
    chosen = terms_for(policy.clocks(), ticket, starts, qualifiers)
    assert len({t.kind for t in chosen}) == len(chosen)
    assert all(t.qualifier is None or t.qualifier in qualifiers for t in chosen)


@pytest.mark.parametrize(("qualifiers", "amount"), [({"urgent", "repair"}, 5), ({"ordinary", "repair"}, 15)])
def test_the_narrower_term_stands_before_the_general_one(qualifiers, amount):
    chosen = terms_for(policy.clocks(), TicketKind.REQUEST, ClockStart.RECEIPT, qualifiers)
    assert [t.amount for t in chosen if t.kind is ClockKind.DISPATCH] == [amount]


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_rows_decides_nothing(order):
    rows = policy.clocks()[::order]
    (chosen,) = [
        t
        for t in terms_for(rows, TicketKind.COMPLAINT, ClockStart.RECEIPT, {str(Gravity.GRAVE)})
        if t.kind is ClockKind.DEPARTMENT_RECEIPT
    ]
    assert chosen.ladder == "grave"
