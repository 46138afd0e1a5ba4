"""Arrears and receipts taken back: the books are as they were, numbers are free again, later receipts keep theirs."""

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from audit.models import AuditEntry
from importers import undo
from importers.apply import apply, preview
from tenant.models import Allocation, Charge, ChargeType, NumberSeries, Payment
from tenant.rules.terms import PaymentMethod, Role
from tenant.services import payments
from workbooks.builders import workbook

BOOKS = (Charge, ChargeType, Payment, Allocation, NumberSeries)
ARREARS = ["房号", "收费项目", "费用期间", "应收金额", "已缴金额"]
RECEIPTS = ["收据号", "房号", "金额", "收款日期", "收款方式"]


@pytest.fixture
def north(database, cast):
    """A session of the northern office's finance assistant; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.FINANCE_ASSISTANT)) as session:
        yield session


@pytest.fixture
def flat(north, cast):
    """A flat whose owner owes 300 for January, and has had a receipt before."""
    unit = make.unit(north, cast.north.id, number="7-1-301")
    owner = make.owner(north, cast.north.id, name="何欠")
    make.ownership(north, unit, owner)
    kind = make.charge_type(north, cast.north.id, name="物业服务费")
    month = {"period_from": dt.date(2026, 1, 1), "period_to": dt.date(2026, 1, 31)}
    make.charge(north, unit, owner, dt.date(2026, 1, 10), charge_type=kind, amount=Decimal(300), **month)
    payments.receive(north, owner.id, Decimal(10), PaymentMethod.CASH, paid_on=dt.date(2026, 2, 1))
    return unit


def books_of(session):
    """Return all that the office's books hold but the count of changes."""
    session.expire_all()
    found = {}
    for model in BOOKS:
        columns = [attr.class_attribute for attr in model.__mapper__.column_attrs if attr.key != "version"]
        found[model.__tablename__] = sorted(map(repr, session.execute(select(*columns))))
    return found


def written(session, cast, kind, head, *rows):
    """Import a sheet; return its batch."""
    return apply(session, preview(session, cast.north.office, kind, "账.xlsx", workbook(head, *rows)).id)


def test_arrears_taken_back_leave_the_books_as_they_were(north, cast, flat):
    make.charge(
        north,
        flat,
        north.scalars(select(Charge)).first().owner,
        dt.date(2026, 2, 28),
        charge_type=north.scalars(select(ChargeType)).first(),
        amount=Decimal(300),
        period_from=dt.date(2026, 2, 1),
        period_to=dt.date(2026, 2, 28),
    )
    before = books_of(north)
    batch = written(
        north,
        cast,
        "arrears",
        ARREARS,
        ["7-1-301", "物业服务费", "2026-02", 310, None],
        ["7-1-301", "物业服务费", "2026-03", 300, 120],
        ["7-1-301", "电梯费", "2026-03", 30, None],
    )
    assert batch.counts["charges"] == {"new": 2, "changed": 1, "same": 0}
    assert books_of(north) != before
    assert undo.foresee(north, batch.id).is_exact
    undo.undo(north, batch.id)
    assert books_of(north) == before


def test_receipts_taken_back_owe_again_and_give_their_numbers_back(north, cast, flat):
    before = books_of(north)
    batch = written(
        north,
        cast,
        "payments",
        RECEIPTS,
        ["A1", "7-1-301", 100, "2026-03-01", "现金"],
        [None, "7-1-301", 50, "2026-03-02", "转账"],
    )
    assert batch.counts["payments"]["new"] == 2
    undo.undo(north, batch.id)
    assert books_of(north) == before


def test_a_charge_that_was_paid_since_stays_and_the_others_go(north, cast, flat):
    batch = written(
        north,
        cast,
        "arrears",
        ARREARS,
        ["7-1-301", "电梯费", "2026-03", 30, None],
        ["7-1-301", "电梯费", "2026-04", 30, None],
    )
    owner_id = north.scalars(select(Charge.owner_id).where(Charge.unit_id == flat.id)).first()
    payments.receive(north, owner_id, Decimal(300), PaymentMethod.CASH, paid_on=dt.date(2026, 5, 1))
    undo.undo(north, batch.id)
    left = north.scalars(select(Charge.period_from).where(Charge.unit_id == flat.id, Charge.amount == 30))
    assert list(left) == [dt.date(2026, 3, 1)]


def test_a_charge_put_right_and_paid_since_is_not_made_smaller_than_what_was_paid(north, cast, flat):
    posted = north.scalars(select(Charge)).one()
    month = {"period_from": dt.date(2026, 2, 1), "period_to": dt.date(2026, 2, 28)}
    due_on, kind = dt.date(2026, 2, 28), posted.charge_type
    charge = make.charge(north, flat, posted.owner, due_on, charge_type=kind, amount=Decimal(300), **month)
    batch = written(north, cast, "arrears", ARREARS, ["7-1-301", "物业服务费", "2026-02", 500, None])
    assert undo.foresee(north, batch.id).is_exact
    payments.receive(north, posted.owner_id, Decimal(790), PaymentMethod.CASH, paid_on=dt.date(2026, 5, 1))
    assert not undo.foresee(north, batch.id).is_exact
    undo.undo(north, batch.id)
    north.refresh(charge)
    assert charge.amount == Decimal(500)


def test_a_receipt_voided_since_stays_with_what_it_settled(north, cast, flat):
    batch = written(north, cast, "payments", RECEIPTS, ["A1", "7-1-301", 100, "2026-03-01", "现金"])
    payment = north.scalars(select(Payment).where(Payment.receipt_number == "A1")).one()
    payments.void(north, payment.id, "写错")
    assert not undo.foresee(north, batch.id).is_exact
    undo.undo(north, batch.id)
    assert north.scalars(select(Allocation.amount).where(Allocation.payment_id == payment.id)).all() == [Decimal(100)]


def test_a_later_receipt_keeps_its_number_and_no_number_comes_twice(north, cast, flat):
    batch = written(north, cast, "payments", RECEIPTS, [None, "7-1-301", 100, "2026-03-01", "现金"])
    owner_id = north.scalars(select(Charge.owner_id).where(Charge.unit_id == flat.id)).first()
    later = payments.receive(north, owner_id, Decimal(20), PaymentMethod.CASH).receipt_number
    undo.undo(north, batch.id)
    again = [payments.receive(north, owner_id, Decimal(1), PaymentMethod.CASH).receipt_number for _ in range(2)]
    assert len({later, *again}) == 3


def test_each_charge_and_receipt_stands_in_the_record(north, cast, flat):
    batch = written(north, cast, "arrears", ARREARS, ["7-1-301", "电梯费", "2026-03", 30, 10])
    reason = f"导入「账.xlsx」（批次 {batch.id}）"
    verbs = sorted(north.scalars(select(AuditEntry.verb).where(AuditEntry.reason == reason)))
    assert [verb for verb in verbs if not verb.startswith("import")] == [
        "allocation.create",
        "charge.create",
        "charge_type.create",
        "payment.create",
    ]
