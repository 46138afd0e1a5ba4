"""Letting spaces: one lessee at a time, ended before the next begins, and nothing of another office (B-K1)."""

from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk import at_desk
from tenant.errors import NotFound, Refusal
from tenant.models import ParkingSpace, Vehicle
from tenant.rules.parking import LeaseTerm
from tenant.services import parking

MARCH, MAY = date(2026, 3, 1), date(2026, 5, 1)


@pytest.fixture
def desk(database, cast):
    """The front desk of the north; what a test does is gone at its end."""
    with at_desk(database, cast.north) as session:
        yield session


def space(session, house, number="B1-001", **columns):
    row = ParkingSpace(office_id=house.id, number=number, **columns)
    session.add(row)
    session.flush()
    return row


def test_a_space_is_let_to_an_owner_under_their_name(desk, cast):
    lease = parking.let(desk, space(desk, cast.north).id, (MARCH, None), owner_id=cast.north.owner.id)
    assert lease.lessee_name == cast.north.owner.name
    assert str(lease) == f"B1-001 {cast.north.owner.name}"


def test_a_rent_is_kept_to_the_fen(desk, cast):
    lease = parking.let(
        desk, space(desk, cast.north).id, (MARCH, None), lessee_name="张三", monthly_rent=Decimal("300.005")
    )
    assert lease.monthly_rent == Decimal("300.01")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"lessee_name": " "}, "missing"),
        ({"lessee_name": "张" * 101}, "too_long"),
        ({"lessee_name": "张三", "monthly_rent": Decimal(-1)}, "bad_amount"),
        ({"lessee_name": "张三", "term": (MAY, MARCH)}, "lease_reversed"),
    ],
)
def test_a_lease_that_cannot_be_is_refused(desk, cast, told, code):
    term = told.pop("term", (MARCH, None)) if "term" in told else (MARCH, None)
    with pytest.raises(Refusal) as refused:
        parking.let(desk, space(desk, cast.north).id, term, **told)
    assert refused.value.code == code


def test_a_space_that_is_let_is_not_let_again_until_it_is_ended(desk, cast):
    place = space(desk, cast.north)
    lease = parking.let(desk, place.id, (MARCH, None), lessee_name="张三")
    with pytest.raises(Refusal) as refused:
        parking.let(desk, place.id, (MAY, None), lessee_name="李四")
    assert refused.value.code == "space_is_let"
    assert "张三" in refused.value.message
    parking.end(desk, lease.id, date(2026, 4, 30))
    assert parking.let(desk, place.id, (MAY, None), lessee_name="李四").to_on is None


def test_an_agreed_end_is_not_moved_into_the_next_lease(desk, cast):
    place = space(desk, cast.north)
    lease = parking.let(desk, place.id, (MARCH, date(2026, 4, 30)), lessee_name="张三")
    parking.let(desk, place.id, (MAY, None), lessee_name="李四")
    with pytest.raises(Refusal) as refused:
        parking.end(desk, lease.id, MAY)
    assert refused.value.code == "space_is_let"


def test_a_lease_does_not_end_before_it_began(desk, cast):
    lease = parking.let(desk, space(desk, cast.north).id, (MARCH, None), lessee_name="张三")
    with pytest.raises(Refusal) as refused:
        parking.end(desk, lease.id, date(2026, 2, 28))
    assert refused.value.code == "lease_reversed"


def test_free_spaces_are_those_nobody_owns_or_rents_on_the_day(desk, cast):
    taken, free = space(desk, cast.north), space(desk, cast.north, "B1-002")
    space(desk, cast.north, "B1-003", unit_id=cast.north.unit.id)
    parking.let(desk, taken.id, (MARCH, date(2026, 4, 30)), lessee_name="张三")
    assert parking.free_spaces(desk, cast.north.id, MARCH) == [free]
    assert parking.free_spaces(desk, cast.north.id, MAY) == [taken, free]


def test_nothing_of_another_office_is_let_or_named(desk, cast, database):
    with at_desk(database, cast.south) as south:
        place = space(south, cast.south)
        vehicle = Vehicle(office_id=cast.south.id, plate="粤B7K012")
        south.add(vehicle)
        south.commit()
    with pytest.raises(NotFound):
        parking.let(desk, place.id, (MARCH, None), lessee_name="张三")
    own = space(desk, cast.north)
    with pytest.raises(NotFound):
        parking.let(desk, own.id, (MARCH, None), lessee_name="张三", vehicle_id=vehicle.id)
    with pytest.raises(NotFound):
        parking.let(desk, own.id, (MARCH, None), owner_id=cast.south.owner.id)


days = st.dates(date(2026, 1, 1), date(2026, 2, 15))


@settings(max_examples=25, deadline=None)
@given(terms=st.lists(st.tuples(days, st.none() | days), max_size=8))
def test_whatever_is_asked_for_no_day_of_a_space_is_let_twice(database, cast, terms):
    with at_desk(database, cast.north) as session:
        place = space(session, cast.north)
        held = []
        for term in terms:
            with suppress(Refusal):
                held.append(parking.let(session, place.id, term, lessee_name="张三"))
        spans = [LeaseTerm(lease.from_on, lease.to_on) for lease in held]
        assert not [one for one in spans for other in spans if one is not other and one.overlaps(other)]
