"""Arrears as SQL says them, held against the arithmetic of the rules (B-F2, B-F5)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

import make
from desk import at_desk
from tenant import policy
from tenant.models import Allocation, DunningProcedure
from tenant.rules.arrears import late_fee
from tenant.services.arrears import arrears_on
from tenant.unscoped import Reason, across_offices

DUE = date(2026, 1, 31)


@pytest.fixture(autouse=True)
def noise(database, cast):
    """The other office's owner owes, too."""
    with at_desk(database, cast.south) as session:
        make.charge(session, cast.south.unit, cast.south.owner, date(2024, 1, 1), amount=Decimal("5000.00"))
        session.commit()


def pay(session, charge, amount, paid_on, **columns):
    payment = make.payment(session, charge.owner, Decimal(amount), paid_on, **columns)
    session.add(
        Allocation(office_id=charge.office_id, payment_id=payment.id, charge_id=charge.id, amount=Decimal(amount))
    )
    session.flush()


def only(rows):
    assert len(rows) == 1
    return rows[0]


def test_a_charge_is_in_arrears_from_the_day_after_its_due_date(database, cast):
    with at_desk(database, cast.north) as session:
        make.charge(session, cast.north.unit, cast.north.owner, DUE)
        assert arrears_on(session, DUE) == []
        found = only(arrears_on(session, DUE + timedelta(days=1)))
        assert (found.owner_id, found.oldest_due_on, found.amount) == (cast.north.owner.id, DUE, Decimal("100.00"))


def test_what_was_paid_by_the_day_counts_what_was_paid_later_or_voided_does_not(database, cast):
    day = DUE + timedelta(days=10)
    with at_desk(database, cast.north) as session:
        charge = make.charge(session, cast.north.unit, cast.north.owner, DUE)
        pay(session, charge, "30.00", day)
        pay(session, charge, "20.00", day + timedelta(days=1))
        pay(session, charge, "25.00", day, voided_at=make.NOON)
        assert only(arrears_on(session, day)).amount == Decimal("70.00")
        assert only(arrears_on(session, day + timedelta(days=1))).amount == Decimal("50.00")


def test_the_age_is_that_of_the_oldest_unpaid_charge_and_says_when_the_older_were_settled(database, cast):
    day = date(2026, 6, 1)
    with at_desk(database, cast.north) as session:
        old, _, new = (
            make.charge(session, cast.north.unit, cast.north.owner, due)
            for due in (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
        )
        pay(session, old, "100.00", date(2026, 5, 20))
        pay(session, new, "10.00", date(2026, 5, 25))
        found = only(arrears_on(session, day))
        assert (found.oldest_due_on, found.charges, found.amount) == (date(2026, 2, 1), 2, Decimal("190.00"))
        assert found.settled_on == date(2026, 5, 20)


CASES = [
    (amount, days)
    for amount in ("0.01", "0.99", "100.00", "1260.37", "9999999.99")
    for days in (1, 2, 29, 365, 599, 600, 601, 4000)
]


@pytest.mark.parametrize("rate", [None, Decimal("0.0003333")])
def test_b_f2_sql_and_the_rule_agree_on_the_late_fee(database, cast, rate):
    settings = policy.dunning_settings()
    day = date(2026, 3, 1)
    with at_desk(database, cast.north) as session:
        if rate is not None:
            session.add(
                DunningProcedure(office_id=cast.north.id, name="本处", from_on=date(2026, 1, 1), late_fee_rate=rate)
            )
        kind = make.charge_type(session, cast.north.id)
        expected = {}
        for amount, days in CASES:
            owner = make.owner(session, cast.north.id)
            unit = make.unit(session, cast.north.id)
            due = day - timedelta(days=days)
            make.charge(session, unit, owner, due, amount=Decimal(amount), charge_type=kind)
            used = settings.late_fee_daily_rate if rate is None else rate
            expected[owner.id] = late_fee(Decimal(amount), due, day, used, settings.late_fee_cap)
        assert {row.owner_id: row.late_fee for row in arrears_on(session, day, cast.north.id)} == expected


@pytest.mark.parametrize(("area", "big"), [("1.50", False), ("1.51", True)])
def test_b_f5_above_one_and_a_half_percent_of_the_area_is_big(database, cast, area, big):
    with at_desk(database, cast.north) as session:
        rest = Decimal(100) - Decimal(area) - cast.north.unit.area
        owner = make.owner(session, cast.north.id)
        unit = make.unit(session, cast.north.id, area=Decimal(area))
        make.unit(session, cast.north.id, area=rest)
        make.ownership(session, unit, owner)
        make.charge(session, unit, owner, DUE)
        assert only(arrears_on(session, date(2026, 3, 1))).big is big


def test_b_f5_a_co_owner_counts_by_share_and_a_former_owner_not_at_all(database, cast):
    day = date(2026, 3, 1)
    with at_desk(database, cast.north) as session:
        half, former = make.owner(session, cast.north.id), make.owner(session, cast.north.id)
        shared = make.unit(session, cast.north.id, area=Decimal("2.00"))
        make.unit(session, cast.north.id, area=Decimal("98.00") - cast.north.unit.area)
        make.ownership(session, shared, half, share=Decimal("0.5"))
        make.ownership(session, shared, former, from_on=date(2020, 1, 1), to_on=day - timedelta(days=1))
        for owner in (half, former):
            make.charge(session, shared, owner, DUE)
        assert {row.owner_id: row.big for row in arrears_on(session, day)} == {half.id: False, former.id: False}
        assert {row.owner_id: row.big for row in arrears_on(session, day - timedelta(days=1))}[former.id] is True


def test_the_offices_own_threshold_stands_from_its_day_on(database, cast):
    with at_desk(database, cast.north) as session:
        session.add(
            DunningProcedure(
                office_id=cast.north.id, name="本处", from_on=date(2026, 3, 1), big_customer_share=Decimal(1)
            )
        )
        make.charge(session, cast.north.unit, cast.north.owner, DUE)
        assert only(arrears_on(session, date(2026, 2, 28))).big is True
        assert only(arrears_on(session, date(2026, 3, 1))).big is False


def test_an_office_sees_its_own_arrears_and_headquarters_all(database, cast):
    with at_desk(database, cast.north) as session:
        make.charge(session, cast.north.unit, cast.north.owner, DUE)
        session.commit()
        assert {row.office_id for row in arrears_on(session, date(2026, 3, 1))} == {cast.north.id}
        assert arrears_on(session, date(2026, 3, 1), cast.south.id) == []
    with across_offices(database, Reason.REVIEWING) as session:
        both = {row.office_id for row in arrears_on(session, date(2026, 3, 1))}
        assert both == {cast.north.id, cast.south.id}
        one = arrears_on(session, date(2026, 3, 1), cast.north.id)
        assert {row.owner_id for row in one} == {cast.north.owner.id}
