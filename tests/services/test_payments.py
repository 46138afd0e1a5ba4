"""Charges posted, payments received, receipts without gaps (B-F1, B-F9)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

import make
from desk import at_desk
from tenant.errors import NotFound, Refusal
from tenant.models import Allocation, Payment
from tenant.rules.terms import ChargeBasis, PaymentMethod, Role
from tenant.services import charges, payments
from tenant.services.payments import Rest, allocate

CASH = PaymentMethod.CASH
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))

fen = st.integers(1, 10_000_000).map(lambda n: Decimal(n) / 100)
rests = st.lists(st.tuples(st.dates(date(2020, 1, 1), date(2026, 12, 31)), fen), max_size=12).map(
    lambda rows: [Rest(number, due_on, unpaid) for number, (due_on, unpaid) in enumerate(rows)]
)


@given(rests, fen)
def test_an_allocation_adds_up_and_never_settles_more_than_is_owed(owed, amount):
    unpaid = {rest.charge_id: rest.unpaid for rest in owed}
    if amount > sum(unpaid.values()):
        with pytest.raises(Refusal) as refused:
            allocate(owed, amount)
        assert refused.value.code == "overpayment"
        return
    parts = allocate(owed, amount)
    assert sum(part for _, part in parts) == amount
    assert all(0 < part <= unpaid[charge_id] for charge_id, part in parts)


@given(rests, st.data())
def test_nothing_younger_is_settled_while_something_older_is_open(owed, data):
    total = sum(rest.unpaid for rest in owed)
    if not total:
        return
    amount = Decimal(data.draw(st.integers(1, int(total * 100)))) / 100
    settled = dict(allocate(owed, amount))
    ordered = sorted(owed, key=lambda rest: (rest.due_on, rest.charge_id))
    whole = [settled.get(rest.charge_id, 0) == rest.unpaid for rest in ordered]
    touched = [rest.charge_id in settled for rest in ordered]
    assert whole == sorted(whole, reverse=True)
    assert touched == sorted(touched, reverse=True)
    assert sum(touched) - sum(whole) in {0, 1}


@given(rests, st.data())
def test_two_payments_settle_what_one_of_their_sum_does(owed, data):
    total = sum(rest.unpaid for rest in owed)
    if total < Decimal("0.02"):
        return
    first = Decimal(data.draw(st.integers(1, int(total * 100) - 1))) / 100
    second = Decimal(data.draw(st.integers(1, int((total - first) * 100)))) / 100
    earlier = dict(allocate(owed, first))
    left = [Rest(r.charge_id, r.due_on, r.unpaid - earlier.get(r.charge_id, 0)) for r in owed]
    later = dict(allocate([rest for rest in left if rest.unpaid > 0], second))
    both = {key: earlier.get(key, 0) + later.get(key, 0) for key in earlier | later}
    assert both == dict(allocate(owed, first + second))


def owing(session, house, *due, amount="100.00"):
    kind = make.charge_type(session, house.id)
    return [make.charge(session, house.unit, house.owner, day, charge_type=kind, amount=Decimal(amount)) for day in due]


@pytest.fixture(autouse=True)
def noise(database, cast):
    """The other office's owner owes and has paid as well."""
    with at_desk(database, cast.south, role=Role.FINANCE_ASSISTANT) as session:
        owing(session, cast.south, date(2025, 1, 1))
        payments.receive(session, cast.south.owner.id, Decimal("40.00"), CASH)
        session.commit()


def test_a_payment_settles_the_oldest_charge_first_under_the_next_receipt(database, cast):
    with at_desk(database, cast.north, role=Role.FINANCE_ASSISTANT) as session:
        february, january = owing(session, cast.north, date(2026, 2, 1), date(2026, 1, 1))
        first = payments.receive(session, cast.north.owner.id, Decimal("130.00"), CASH)
        second = payments.receive(session, cast.north.owner.id, Decimal("70.00"), CASH)
        settled = session.execute(select(Allocation.payment_id, Allocation.charge_id, Allocation.amount)).all()
        assert sorted(map(tuple, settled)) == sorted(
            [
                (first.id, january.id, Decimal("100.00")),
                (first.id, february.id, Decimal("30.00")),
                (second.id, february.id, Decimal("70.00")),
            ]
        )
        assert [first.receipt_number, second.receipt_number] == ["00000001", "00000002"]


def test_more_than_is_owed_is_refused_with_what_is_owed_and_takes_no_number(database, cast):
    with at_desk(database, cast.north) as session:
        owing(session, cast.north, date(2026, 1, 1))
        with pytest.raises(Refusal) as refused:
            payments.receive(session, cast.north.owner.id, Decimal("100.01"), CASH)
        assert refused.value.code == "overpayment"
        assert "100.00" in refused.value.message
        assert payments.receive(session, cast.north.owner.id, Decimal(100), CASH).receipt_number == "00000001"


def test_a_voided_payment_counts_no_more_and_keeps_its_number(database, cast):
    with at_desk(database, cast.north) as session:
        owing(session, cast.north, date(2026, 1, 1))
        payment = payments.receive(session, cast.north.owner.id, Decimal(100), CASH)
        assert payments.owed_by(session, cast.north.owner.id) == []
        payments.void(session, payment.id, "收错款")
        assert [rest.unpaid for rest in payments.owed_by(session, cast.north.owner.id)] == [Decimal("100.00")]
        again = payments.receive(session, cast.north.owner.id, Decimal(100), CASH)
        assert again.receipt_number == "00000002"
        with pytest.raises(Refusal) as refused:
            payments.void(session, payment.id, "再作废")
        assert refused.value.code == "void_already"


@pytest.mark.parametrize("reason", ["  ", "因" * 201])
def test_a_void_needs_a_reason_that_the_record_has_room_for(database, cast, reason):
    with at_desk(database, cast.north) as session:
        owing(session, cast.north, date(2026, 1, 1))
        payment = payments.receive(session, cast.north.owner.id, Decimal(100), CASH)
        with pytest.raises(Refusal) as refused:
            payments.void(session, payment.id, reason)
        assert refused.value.field == "reason"
        assert session.get(Payment, payment.id).voided_at is None


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "NaN", "Infinity", "1E+30"])
def test_an_amount_that_is_none_is_refused(database, cast, amount):
    with at_desk(database, cast.north) as session, pytest.raises(Refusal) as refused:
        payments.receive(session, cast.north.owner.id, Decimal(amount), CASH)
    assert refused.value.code == "bad_amount"


def test_a_day_that_has_not_come_is_refused_and_today_is_the_offices(database, cast):
    late = make.NOON.replace(hour=17)  # 01:00 of the next day at the office
    with at_desk(database, cast.north, late) as session:
        owing(session, cast.north, date(2026, 1, 1))
        with pytest.raises(Refusal):
            payments.receive(session, cast.north.owner.id, Decimal(1), CASH, paid_on=date(2026, 3, 4))
        assert payments.receive(session, cast.north.owner.id, Decimal(1), CASH).paid_on == date(2026, 3, 3)


def test_a_foreign_owner_is_a_missing_owner(database, cast):
    answers = []
    for owner_id in (cast.south.owner.id, 987654321):
        with at_desk(database, cast.north) as session, pytest.raises(NotFound) as refused:
            payments.receive(session, owner_id, Decimal(1), CASH)
        answers.append((refused.value.code, refused.value.message))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("basis", "price", "expected"),
    [
        (ChargeBasis.AREA, "2.5", "221.25"),
        (ChargeBasis.AREA, "2.4975", "221.03"),
        (ChargeBasis.UNIT, "30", "30.00"),
        (ChargeBasis.FIXED, "8.125", "8.13"),
    ],
)
def test_b_f1_a_charge_is_the_published_price_times_its_basis(database, cast, basis, price, expected):
    with at_desk(database, cast.north) as session:
        kind = make.charge_type(session, cast.north.id, basis=basis, price=Decimal(price))
        charge = charges.post(session, cast.north.unit.id, kind.id, JANUARY, date(2026, 1, 10))
        assert charge.amount == Decimal(expected)
        assert charge.owner_id == cast.north.owner.id


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (JANUARY, "100.00"),
        ((date(2026, 1, 1), date(2026, 12, 31)), "1200.00"),
        ((date(2024, 2, 1), date(2024, 2, 29)), "100.00"),
        ((date(2023, 2, 1), date(2023, 2, 28)), "100.00"),
        ((date(2026, 1, 1), date(2026, 1, 30)), "96.77"),
        ((date(2026, 1, 2), date(2026, 2, 28)), "196.77"),
    ],
)
def test_b_f1_a_broken_month_is_charged_by_the_day(database, cast, period, expected):
    with at_desk(database, cast.north) as session:
        kind = make.charge_type(session, cast.north.id, basis=ChargeBasis.UNIT, price=Decimal(100))
        assert charges.post(session, cast.north.unit.id, kind.id, period, period[0]).amount == Decimal(expected)


def test_what_cannot_be_computed_must_be_given(database, cast):
    with at_desk(database, cast.north) as session:
        usage = make.charge_type(session, cast.north.id, basis=ChargeBasis.USAGE)
        with pytest.raises(Refusal) as refused:
            charges.post(session, cast.north.unit.id, usage.id, JANUARY, date(2026, 1, 10))
        assert refused.value.code == "amount_missing"
        charge = charges.post(session, cast.north.unit.id, usage.id, JANUARY, date(2026, 1, 10), amount=Decimal("7.5"))
        assert charge.amount == Decimal("7.50")


def test_a_charge_is_refused_twice_backwards_without_payer_or_area(database, cast):
    with at_desk(database, cast.north) as session:
        kind = make.charge_type(session, cast.north.id)
        charges.post(session, cast.north.unit.id, kind.id, JANUARY, date(2026, 1, 10))
        empty = make.unit(session, cast.north.id, area=None)
        codes = []
        for unit_id, period in (
            (cast.north.unit.id, JANUARY),
            (cast.north.unit.id, JANUARY[::-1]),
            (empty.id, JANUARY),
            (cast.south.unit.id, JANUARY),
        ):
            with pytest.raises(Refusal) as refused:
                charges.post(session, unit_id, kind.id, period, date(2026, 1, 10))
            codes.append(refused.value.code)
        assert codes == ["charged_before", "period_reversed", "payer_missing", "unknown_unit"]
        with pytest.raises(Refusal) as refused:
            charges.post(session, empty.id, kind.id, JANUARY, date(2026, 1, 10), owner_id=cast.north.owner.id)
        assert refused.value.code == "area_missing"
        assert session.scalar(select(func.count(Payment.id))) == 0
