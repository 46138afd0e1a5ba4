"""Reading meters: never backwards, never twice a day, never tomorrow; what was used follows from two readings."""

from datetime import date
from decimal import Decimal

import pytest

from desk import at_desk
from tenant.errors import NotFound, Refusal
from tenant.models import Meter
from tenant.rules.terms import MeterKind
from tenant.services import meters
from tenant.services.meters import Usage

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 1)
D = Decimal


@pytest.fixture
def desk(database, cast):
    """The front desk of the north on 2 March 2026; what a test does is gone at its end."""
    with at_desk(database, cast.north) as session:
        yield session


def meter(session, house, number="W1", **columns):
    row = Meter(**{"office_id": house.id, "kind": MeterKind.WATER, "number": number} | columns)
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize(
    ("day", "shown", "code", "field"),
    [
        (FEBRUARY, D(99), "reading_misfit", "shown"),
        (date(2025, 12, 31), D(101), "reading_misfit", "shown"),
        (JANUARY, D(100), "read_before", "read_on"),
        (date(2026, 3, 3), D(120), "reading_in_future", "read_on"),
        (FEBRUARY, D(-1), "bad_reading", "shown"),
        (FEBRUARY, D("NaN"), "bad_reading", "shown"),
        (FEBRUARY, D(10) ** 12, "bad_reading", "shown"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(desk, cast, day, shown, code, field):
    counting = meter(desk, cast.north)
    meters.read(desk, counting.id, JANUARY, D(100))
    with pytest.raises(Refusal) as refused:
        meters.read(desk, counting.id, day, shown)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_was_used_is_the_difference_times_the_factor(desk, cast):
    counting = meter(desk, cast.north, factor=D(40))
    first = meters.read(desk, counting.id, JANUARY, D(100))
    second = meters.read(desk, counting.id, FEBRUARY, D("102.5"))
    assert meters.usages(desk, [first, second]) == {second.id: Usage(D(100), JANUARY)}


def test_a_meter_with_a_full_scale_goes_round(desk, cast):
    counting = meter(desk, cast.north, full_scale=D(9999))
    meters.read(desk, counting.id, JANUARY, D(9990))
    second = meters.read(desk, counting.id, FEBRUARY, D(21))
    assert meters.usages(desk, [second])[second.id].amount == 30


def test_a_reading_is_put_right_within_its_neighbours(desk, cast):
    counting = meter(desk, cast.north)
    meters.read(desk, counting.id, JANUARY, D(100))
    middle = meters.read(desk, counting.id, FEBRUARY, D(120))
    meters.read(desk, counting.id, MARCH, D(130))
    assert meters.correct(desk, middle.id, D(125), "看错一格").shown == 125
    with pytest.raises(Refusal) as refused:
        meters.correct(desk, middle.id, D(131))
    assert refused.value.code == "reading_misfit"


def test_a_meter_of_another_office_is_missing(desk, cast, database):
    with at_desk(database, cast.south) as south:
        theirs = meter(south, cast.south)
        reading = meters.read(south, theirs.id, JANUARY, D(1))
        south.commit()
    with pytest.raises(NotFound):
        meters.read(desk, theirs.id, JANUARY, D(2))
    with pytest.raises(NotFound):
        meters.correct(desk, reading.id, D(2))
