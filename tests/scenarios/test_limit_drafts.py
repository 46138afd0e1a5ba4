"""Time limits that make no sense are refused at their field; what is in force is never changed (A-O2, A-O3)."""

from contextlib import contextmanager

import pytest

import make
from desk import DAY, at_desk
from limiting import REPLY, TODAY, own
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Office, OfficeClockPolicy
from tenant.rules.limits import limit_for
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, TicketKind
from tenant.services import limit_drafts, limits

NOON = make.NOON


@contextmanager
def refused(code, field):
    with pytest.raises(Refusal) as raised:
        yield raised
    assert (raised.value.code, raised.value.field) == (code, field)
    assert raised.value.message.endswith("。")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"amount": 0}, "amount", "amount"),
        ({"amount": 60 * 24 * 40}, "amount", "amount"),
        ({"measure": ClockMeasure.SAME_DAY, "amount": 3}, "amount", "amount"),
        ({"amount": 15, "warning": 15}, "warning", "warning"),
        ({"amount": 15, "minimum": -1}, "minimum", "minimum"),
        ({"measure": ClockMeasure.DAYS, "amount": 1, "calendar": ClockCalendar.DESK_HOURS}, "calendar", "calendar"),
        ({"amount": 15, "effective_on": TODAY - DAY}, "past", "effective_on"),
        ({"amount": 15, "why": "  "}, "missing", "why"),
        ({"amount": 15, "qualifier": "grave"}, "qualifier", "qualifier"),
        ({"amount": 15, "clock": ClockKind.PROMISED}, "no_such_limit", "clock"),
        ({"amount": 15, "clock": ClockKind.ON_SITE, "qualifier": "consultation"}, "spared", "qualifier"),
        ({"amount": 15, "steps": []}, "steps", "steps"),
        ({"amount": 15, "steps": [{"level": 2, "role": "director", "after": 0}]}, "steps", "steps"),
        ({"amount": 15, "steps": [{"level": 1, "role": "legal_counsel", "after": 0}]}, "steps", "steps"),
        (
            {
                "amount": 15,
                "steps": [{"level": 1, "role": "director", "after": 9}, {"level": 2, "role": "supervisor", "after": 3}],
            },
            "steps",
            "steps",
        ),
        (
            {
                "amount": 15,
                "steps": [{"level": 1, "role": "director", "after": 0}, {"level": 2, "role": "director", "after": 3}],
            },
            "steps",
            "steps",
        ),
        (
            {
                "ticket": TicketKind.COMPLAINT,
                "clock": ClockKind.REGRADE,
                "measure": ClockMeasure.MONTHS,
                "amount": 1,
                "warning": 60,
            },
            "warning",
            "warning",
        ),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_at_its_field(session, house, said, code, field):
    with clock.at(NOON), refused(code, field):
        own(session, house, **said)


def test_two_of_the_same_day_are_refused_until_one_is_withdrawn(session, house):
    with clock.at(NOON):
        first = own(session, house, amount=20)
        with refused("overlap", "effective_on"):
            own(session, house, amount=25)
        limit_drafts.withdraw(session, OfficeClockPolicy, first.id)
        own(session, house, amount=25)
    found = limits.in_force(session, session.get(Office, house.id), TODAY)
    assert limit_for(found, TicketKind.REQUEST, ClockKind.FIRST_REPLY, {"repair"}).term.amount == 25


def test_what_is_in_force_is_never_changed_removed_or_put_into_force_again(session, house):
    with clock.at(NOON):
        row = own(session, house, amount=20)
        for act in (
            lambda: limit_drafts.activate(session, OfficeClockPolicy, row.id),
            lambda: limit_drafts.remove(session, row),
            lambda: limit_drafts.check(session, row),
        ):
            with refused("in_force", "limit"):
                act()
        limit_drafts.withdraw(session, OfficeClockPolicy, row.id)
        with refused("not_in_force", "limit"):
            limit_drafts.withdraw(session, OfficeClockPolicy, row.id)


def test_another_office_s_draft_is_not_found(database, cast, session):
    with at_desk(database, cast.south) as there:
        row = OfficeClockPolicy(office_id=cast.south.id, **REPLY, amount=20)
        there.add(row)
        there.flush()
        with clock.at(NOON), pytest.raises(NotFound):
            limit_drafts.activate(session, OfficeClockPolicy, row.id)
