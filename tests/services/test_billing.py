"""Charging a month: previewed, posted whole, undone while nothing is paid (B-F1)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

import make
from desk import at_desk
from tenant.errors import Conflict, Refusal
from tenant.models import (
    Allocation,
    BillingLine,
    Charge,
    ChargeType,
    Concession,
    Meter,
    MeterReading,
    Owner,
    Ownership,
    ParkingSpace,
    Tariff,
)
from tenant.rules.terms import (
    BillingState,
    ChargeBasis,
    ConcessionKind,
    ConcessionState,
    MeterKind,
    PaymentMethod,
    UnitUsage,
)
from tenant.scoping import PERMIT
from tenant.services import billing, payments, tariffs

MARCH = date(2026, 3, 1)
LAST = date(2026, 3, 31)
CASH = PaymentMethod.CASH


@pytest.fixture
def session(database, cast):
    with at_desk(database, cast.north) as opened:
        yield opened


def item(session, house, basis=ChargeBasis.AREA, price="2.50", **columns):
    return make.charge_type(
        session, house.id, basis=basis, price=Decimal(price), is_monthly=True, due_day=31, **columns
    )


def home(session, house, *owners, area="100.00"):
    """Make a flat whose owners follow one another, each from a day on."""
    unit = make.unit(session, house.id, area=Decimal(area))
    people = [make.owner(session, house.id) for _ in owners or (None,)]
    for number, owner in enumerate(people):
        begins = owners[number] if owners else None
        ends = owners[number + 1] - timedelta(days=1) if number + 1 < len(people) else None
        make.ownership(session, unit, owner, from_on=begins, to_on=ends)
    return unit, people


def counted(session, house, *items, month=MARCH):
    run = billing.begin(session, house.id, month, [row.id for row in items])
    return billing.count(session, run.id)


def posted(session, run):
    billing.ask_post(session, run.id)
    return billing.post(session, run.id)


def lines(session, run, unit=None):
    statement = select(BillingLine).where(BillingLine.billing_run_id == run.id).order_by(BillingLine.id)
    return session.scalars(statement if unit is None else statement.where(BillingLine.unit_id == unit.id)).all()


def charged(session, unit):
    rows = session.scalars(select(Charge).where(Charge.unit_id == unit.id).order_by(Charge.period_from, Charge.id))
    return [(row.owner_id, row.period_from, row.period_to, row.amount) for row in rows]


def refused(act, *arguments):
    with pytest.raises(Refusal) as found:
        act(*arguments)
    return found.value.code


def test_b_f1_a_month_is_previewed_and_then_posted_as_it_was_seen(session, cast):
    fee = item(session, cast.north)
    unit, (owner,) = home(session, cast.north)
    run = counted(session, cast.north, fee)
    (line,) = lines(session, run, unit)
    assert (line.owner_id, line.amount, line.problem) == (owner.id, Decimal("250.00"), None)
    assert line.workings == [
        {"from": "2026-03-01", "to": "2026-03-31", "price": "2.5000", "quantity": "100.00", "share": "1"}
    ]
    assert run.state is BillingState.COUNTED
    assert charged(session, unit) == []
    posted(session, run)
    assert charged(session, unit) == [(owner.id, MARCH, LAST, Decimal("250.00"))]
    assert session.scalar(select(Charge.due_on).where(Charge.unit_id == unit.id)) == LAST
    total = session.scalar(select(func.sum(Charge.amount)).where(Charge.billing_run_id == run.id))
    assert (run.state, run.total) == (BillingState.POSTED, total)


def test_b_f1_seller_and_buyer_pay_for_their_own_days(session, cast):
    unit, (seller, buyer) = home(session, cast.north, date(2020, 1, 1), date(2026, 3, 11))
    run = posted(session, counted(session, cast.north, item(session, cast.north)))
    assert charged(session, unit) == [
        (seller.id, MARCH, date(2026, 3, 10), Decimal("80.65")),
        (buyer.id, date(2026, 3, 11), LAST, Decimal("169.35")),
    ]
    assert {line.problem for line in lines(session, run, unit)} == {None}


def test_what_cannot_be_charged_says_why_and_stops_nobody_else(session, cast):
    fee = item(session, cast.north)
    water = item(session, cast.north, ChargeBasis.USAGE, "3", meter_kind=MeterKind.WATER)
    bare, _ = home(session, cast.north, area="50")
    bare.area = None
    empty = make.unit(session, cast.north.id)
    unpriced = ChargeType(office_id=cast.north.id, name="垃圾费", basis=ChargeBasis.UNIT, is_monthly=True)
    session.add(unpriced)
    session.flush()
    run = counted(session, cast.north, fee, water, unpriced)
    told = {(line.unit_id, line.charge_type_id): line.problem for line in lines(session, run)}
    assert told[bare.id, fee.id] == "no_area"
    assert told[empty.id, fee.id] == "no_payer"
    assert told[bare.id, water.id] == "no_reading"
    assert told[bare.id, unpriced.id] == "no_price"
    assert run.problems == sum(problem is not None for problem in told.values())
    assert told[cast.north.unit.id, fee.id] is None


def test_usage_spaces_and_uses_are_counted(session, cast):
    unit, (owner,) = home(session, cast.north)
    shop = make.unit(session, cast.north.id, usage=UnitUsage.SHOP)
    make.ownership(session, shop, owner)
    meter = Meter(office_id=cast.north.id, kind=MeterKind.WATER, number="W-9", unit_id=unit.id, factor=Decimal(2))
    session.add(meter)
    session.flush()
    for day, shown in ((date(2026, 2, 27), 100), (date(2026, 3, 5), 105), (date(2026, 3, 28), 110)):
        session.add(MeterReading(office_id=cast.north.id, meter_id=meter.id, read_on=day, shown=Decimal(shown)))
    session.add_all(ParkingSpace(office_id=cast.north.id, number=f"B-{number}", unit_id=unit.id) for number in range(2))
    session.flush()
    water = item(session, cast.north, ChargeBasis.USAGE, "3.45", meter_kind=MeterKind.WATER)
    parking = item(session, cast.north, ChargeBasis.SPACE, "80")
    trade = item(session, cast.north, ChargeBasis.UNIT, "15", usage=UnitUsage.SHOP)
    run = counted(session, cast.north, water, parking, trade)
    found = {(line.unit_id, line.charge_type_id): line.amount for line in lines(session, run)}
    assert found[unit.id, water.id] == Decimal("69.00")
    assert found[unit.id, parking.id] == Decimal("160.00")
    assert (unit.id, trade.id) not in found
    assert (shop.id, parking.id) not in found
    assert found[shop.id, trade.id] == Decimal("15.00")


def test_b_f1_only_an_approved_concession_counts(session, cast):
    fee = item(session, cast.north)
    unit, _ = home(session, cast.north)
    row = Concession(
        office_id=cast.north.id, unit_id=unit.id, kind=ConcessionKind.VACANT, share=Decimal("0.7"),
        from_on=date(2026, 3, 16), to_on=LAST, why="空置",
    )  # fmt: skip
    session.add(row)
    session.flush()
    run = counted(session, cast.north, fee)
    assert [line.amount for line in lines(session, run, unit)] == [Decimal("250.00")]
    row.state = ConcessionState.APPROVED
    session.flush()
    billing.recount(session, run.id)
    run = billing.count(session, run.id)
    assert [line.amount for line in lines(session, run, unit)] == [Decimal("211.29")]


def test_what_changed_after_the_preview_is_not_posted_but_counted_again(session, cast):
    fee = item(session, cast.north)
    unit, _ = home(session, cast.north)
    run = counted(session, cast.north, fee)
    unit.area = Decimal(120)
    session.flush()
    billing.ask_post(session, run.id)
    with pytest.raises(Conflict):
        billing.post(session, run.id)
    billing.lay_down(session, run.id, "有变化", recount=True)
    run = billing.count(session, run.id)
    assert [line.amount for line in lines(session, run, unit)] == [Decimal("300.00")]
    posted(session, run)
    assert [row[-1] for row in charged(session, unit)] == [Decimal("300.00")]


def test_a_month_is_charged_once(session, cast):
    fee = item(session, cast.north)
    unit, _ = home(session, cast.north)
    run = counted(session, cast.north, fee)
    assert refused(billing.begin, session, cast.north.id, LAST, [fee.id]) == "run_already"
    posted(session, run)
    assert billing.post(session, run.id).state is BillingState.POSTED  # a job that is run twice
    again = counted(session, cast.north, fee)
    assert {line.problem for line in lines(session, again)} == {"charged_before"}
    assert refused(billing.ask_post, session, again.id) == "nothing_to_charge"
    assert len(charged(session, unit)) == 1


def test_b_f1_what_is_undone_leaves_everything_as_it_was(session, cast):
    fee = item(session, cast.north)
    unit, (owner,) = home(session, cast.north)
    first = make.charge(session, unit, owner, date(2026, 1, 31), charge_type=fee)
    paid = payments.receive(session, owner.id, Decimal("100.00"), CASH)
    advance = make.payment(session, owner, Decimal("40.00"), date(2026, 2, 1))
    before = charged(session, unit)
    run = posted(session, counted(session, cast.north, fee))
    settled = session.scalars(select(Allocation).where(Allocation.payment_id == advance.id)).one()
    assert settled.amount == Decimal("40.00")
    billing.ask_undo(session, run.id, "单价有误")
    billing.undo(session, run.id)
    assert run.state is BillingState.UNDONE
    assert charged(session, unit) == before
    left = session.scalars(select(Allocation.payment_id).where(Allocation.office_id == cast.north.id)).all()
    assert paid.id in left
    assert advance.id not in left
    assert session.get(Charge, first.id) is not None


def test_what_is_paid_is_not_undone(database, cast):
    with at_desk(database, cast.north) as session:
        fee = item(session, cast.north)
        unit, (owner,) = home(session, cast.north)
        run_id = posted(session, counted(session, cast.north, fee, month=date(2026, 4, 1))).id
        owner_id = owner.id
        session.commit()
    with at_desk(database, cast.north) as session:
        payments.receive(session, owner_id, Decimal("1.00"), CASH)
        with pytest.raises(Refusal) as found:
            billing.ask_undo(session, run_id, "单价有误")
        assert found.value.code == "paid_meanwhile"
        assert unit.number in found.value.message
        assert refused(billing.undo, session, run_id) == "paid_meanwhile"


def paid_month(database, cast, month):
    """Charge a month to a home and receive money for it; return the ids of run, owner and payment."""
    with at_desk(database, cast.north) as session:
        fee = item(session, cast.north)
        _, (owner,) = home(session, cast.north)
        run_id, owner_id = posted(session, counted(session, cast.north, fee, month=month)).id, owner.id
        session.commit()
    with at_desk(database, cast.north) as session:
        payment_id = payments.receive(session, owner_id, Decimal("1.00"), CASH).id
        session.commit()
    return run_id, owner_id, payment_id


def test_what_was_paid_and_voided_can_be_undone(database, cast):
    run_id, _, payment_id = paid_month(database, cast, date(2027, 1, 1))
    with at_desk(database, cast.north) as session:
        payments.void(session, payment_id, "录错了人")
        billing.ask_undo(session, run_id, "单价有误")
        assert billing.undo(session, run_id).state is BillingState.UNDONE
        assert session.scalars(select(Charge.id).where(Charge.billing_run_id == run_id)).all() == []


def test_money_received_by_who_began_before_the_posting_is_a_payment(database, cast):
    run_id, _, payment_id = paid_month(database, cast, date(2027, 2, 1))
    with at_desk(database, cast.north) as session:
        early = "UPDATE allocation SET created_at = created_at - interval '1 day' WHERE payment_id = :payment"
        session.connection().execute(text(early), {"payment": payment_id}, execution_options=PERMIT)
        assert refused(billing.undo, session, run_id) == "paid_meanwhile"


def test_nobody_pays_while_a_month_is_undone(database, cast):
    run_id, owner_id, payment_id = paid_month(database, cast, date(2027, 3, 1))
    with at_desk(database, cast.north) as session:
        payments.void(session, payment_id, "录错了人")
        session.commit()
    with at_desk(database, cast.north) as undoing, at_desk(database, cast.north) as cashier:
        billing.undo(undoing, run_id)
        with pytest.raises(OperationalError, match="could not obtain lock"):
            cashier.scalars(
                select(Owner).where(Owner.id == owner_id).with_for_update(nowait=True, key_share=True)
            ).one()


def test_of_two_runs_begun_at_once_one_waits_and_is_refused(database, cast):
    with at_desk(database, cast.north) as session:
        fee_id = item(session, cast.north).id
        session.commit()
    with at_desk(database, cast.north) as one, at_desk(database, cast.north) as other:
        billing.begin(one, cast.north.id, date(2027, 4, 1), [fee_id])
        other.execute(text("SET LOCAL lock_timeout = '200ms'"), execution_options=PERMIT)
        with pytest.raises(OperationalError, match="lock timeout"):
            billing.begin(other, cast.north.id, date(2027, 4, 1), [fee_id])


def test_no_price_is_published_while_a_month_is_posted(database, cast):
    with at_desk(database, cast.north) as session:
        fee = item(session, cast.north)
        home(session, cast.north)
        fee_id, run_id = fee.id, counted(session, cast.north, fee, month=date(2027, 5, 1)).id
        billing.ask_post(session, run_id)
        session.commit()
    with at_desk(database, cast.north) as one, at_desk(database, cast.north) as other:
        billing.post(one, run_id)
        other.execute(text("SET LOCAL lock_timeout = '200ms'"), execution_options=PERMIT)
        with pytest.raises(OperationalError, match="lock timeout"):
            tariffs.publish(other, fee_id, Decimal(9), date(2027, 5, 1))


def test_why_nothing_was_posted_stays_said_once_it_is_counted_again(session, cast):
    unit, _ = home(session, cast.north)
    run = counted(session, cast.north, item(session, cast.north))
    billing.ask_post(session, run.id)
    billing.lay_down(session, run.id, "有变化", recount=True)
    run = billing.count(session, run.id)
    assert (run.state, run.failed_why) == (BillingState.COUNTED, "有变化")
    posted(session, run)
    assert run.failed_why is None
    assert len(charged(session, unit)) == 1


def test_an_item_retired_after_the_preview_is_not_posted(session, cast):
    fee = item(session, cast.north)
    home(session, cast.north)
    run = counted(session, cast.north, fee)
    fee.retired_at = make.NOON
    session.flush()
    billing.ask_post(session, run.id)
    with pytest.raises(Conflict):
        billing.post(session, run.id)


def test_what_is_given_up_keeps_no_lines(session, cast):
    home(session, cast.north)
    run = counted(session, cast.north, item(session, cast.north))
    assert lines(session, run)
    billing.cancel(session, run.id)
    assert lines(session, run) == []
    again = posted(session, counted(session, cast.north, item(session, cast.north)))
    assert lines(session, again)
    billing.undo(session, again.id)
    assert lines(session, again) == []


def test_prices_and_ownerships_may_last_to_the_end_of_all_days(session, cast):
    fee = make.charge_type(session, cast.north.id, is_monthly=True)
    session.scalars(select(Tariff).where(Tariff.charge_type_id == fee.id)).one().to_on = date.max
    unit, _ = home(session, cast.north, MARCH.replace(day=1))
    session.scalars(select(Ownership).where(Ownership.unit_id == unit.id)).one().to_on = date.max
    session.flush()
    run = counted(session, cast.north, fee)
    assert [line.amount for line in lines(session, run, unit)] == [Decimal("250.00")]


def test_an_amount_beyond_all_measure_stops_nobody_else(session, cast):
    fee = item(session, cast.north, price="99999999")
    huge, _ = home(session, cast.north, area="99999999.99")
    unit, _ = home(session, cast.north, area="1")
    run = counted(session, cast.north, fee)
    assert [line.problem for line in lines(session, run, huge)] == ["too_much"]
    assert [line.amount for line in lines(session, run, unit)] == [Decimal("99999999.00")]


@pytest.mark.parametrize(
    ("change", "code"),
    [({"is_monthly": False}, "not_billed"), ({"basis": ChargeBasis.USAGE, "meter_kind": None}, "meter_missing")],
)
def test_an_item_that_runs_do_not_charge_is_refused(session, cast, change, code):
    fee = item(session, cast.north)
    for name, value in change.items():
        setattr(fee, name, value)
    session.flush()
    assert refused(billing.begin, session, cast.north.id, MARCH, [fee.id]) == code


def test_an_offices_month_is_its_own(database, cast):
    with at_desk(database, cast.south) as session:
        fee = item(session, cast.south)
        run = counted(session, cast.south, fee)
        seen = {line.unit_id for line in lines(session, run)}
        assert cast.south.unit.id in seen
        assert cast.north.unit.id not in seen
    with at_desk(database, cast.north) as session:
        assert refused(billing.ask_post, session, run.id) == "not_found"


def test_lines_of_a_preview_are_no_change_and_charges_are(session, cast):
    assert session.scalar(select(func.count(Ownership.id))) is not None
    assert session.scalar(select(func.count(Tariff.id))) is not None
    assert tariffs.prices_of(session, [], MARCH, LAST) == {}
