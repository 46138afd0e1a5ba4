"""Arrears out of a sheet: whose they are, what is posted once, what is never altered, and that nothing is guessed."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import func, select

import make
from importers.apply import apply, preview
from importers.choices import Choices
from importers.reading import read
from importers.sheets import kind_named
from tenant.errors import Conflict
from tenant.models import Allocation, Charge, ChargeType, ImportBatch, Owner, Ownership, Payment, Tariff
from tenant.rules.terms import ImportMode, PaymentMethod, Role
from tenant.services import charges, payments
from workbooks.builders import workbook

ARREARS = kind_named("arrears")
HEAD = ["房号", "业主", "收费项目", "费用期间", "应缴日", "应收金额", "已缴金额"]
JANUARY = (dt.date(2026, 1, 1), dt.date(2026, 1, 31))


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def flat(north, cast):
    """A flat that 旧主 sold to 新主 at the turn of 2025."""
    unit = make.unit(north, cast.north.id, number="7-1-301")
    make.ownership(north, unit, make.owner(north, cast.north.id, name="旧主"), to_on=dt.date(2024, 12, 31))
    make.ownership(north, unit, make.owner(north, cast.north.id, name="新主"), from_on=dt.date(2025, 1, 1))
    return unit


def planned(session, cast, *rows, head=HEAD, **choices):
    """Plan a sheet against the books, as they are, on 2026-11-21."""
    records = read(workbook(head, *rows), "欠费.xlsx", ARREARS).records
    state = ARREARS.load(session, cast.north.office)
    return ARREARS.plan(records, state, dt.date(2026, 11, 21), Choices(**choices))


def written(session, cast, *rows, head=HEAD):
    """Import a sheet."""
    batch = preview(session, cast.north.office, "arrears", "欠费.xlsx", workbook(head, *rows))
    return apply(session, batch.id)


def posted(session, unit):
    statement = select(Charge).where(Charge.unit_id == unit.id).order_by(Charge.period_from, Charge.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def codes(plan):
    return [(cell.row, cell.heading, cell.code) for cell in plan.refused]


# ---- what is posted


def test_a_row_becomes_a_charge_of_who_paid_for_the_unit_then(north, cast, flat):
    written(
        north,
        cast,
        ["7-1-301", None, "物业服务费", "2024年12月", "2024-12-10", "1,234.50", None],
        ["7-1-301", None, "物业服务费", "2026年1月", "2026-01-10", "￥300元", None],
    )
    old, new = posted(north, flat)
    assert (old.owner.name, old.amount, old.due_on) == ("旧主", Decimal("1234.50"), dt.date(2024, 12, 10))
    assert (new.owner.name, new.period_from, new.period_to) == ("新主", *JANUARY)


def test_what_was_paid_before_is_carried_over_and_spends_no_receipt(north, cast, flat):
    written(north, cast, ["7-1-301", "新主", "物业服务费", "2026-01", "2026-01-10", 300, 120])
    (charge,) = posted(north, flat)
    payment, part = north.execute(
        select(Payment, Allocation.amount).join(Allocation).where(Allocation.charge_id == charge.id)
    ).one()
    assert (part, payment.amount, payment.method) == (Decimal(120), Decimal(120), PaymentMethod.CARRIED_OVER)
    assert (payment.paid_on, payment.owner_id) == (dt.date(2026, 1, 10), charge.owner_id)
    assert not payment.receipt_number.isdecimal()
    assert [rest.unpaid for rest in payments.owed_by(north, charge.owner_id)] == [Decimal(180)]


def test_the_same_sheet_again_is_all_the_same(north, cast, flat):
    rows = [
        ["7-1-301", "新主", "物业服务费", "2026-01", "2026-01-10", 300, 120],
        ["7-1-301", None, "停车费", "2026年1-3月", None, 450, None],
    ]
    written(north, cast, *rows)
    plan = planned(north, cast, *rows)
    assert plan.is_empty
    assert not plan.refused
    assert plan.counts["charges"] == {"new": 0, "changed": 0, "same": 2}


def test_a_balance_needs_a_name_a_day_and_an_amount_only(north, cast, flat):
    written(north, cast, ["7-1-301", "3,600.00", "2025-12-31"], head=["房号", "欠费金额", "截止日期"])
    (charge,) = posted(north, flat)
    assert (charge.charge_type.name, charge.amount, charge.due_on) == (
        "期初欠费",
        Decimal(3600),
        dt.date(2025, 12, 31),
    )
    assert (charge.period_from, charge.period_to) == (charge.due_on, charge.due_on)


@pytest.mark.parametrize(
    ("charged", "paid", "owed", "expected"),
    [
        (300, 120, 180, (300, 120)),
        (300, None, 180, (300, 120)),
        (None, 120, 180, (300, 120)),
        (None, None, 180, (180, 0)),
        (300, None, None, (300, 0)),
        (300, 300, 0, (300, 300)),
    ],
)
def test_any_two_of_charged_paid_and_owed_give_the_third(north, cast, flat, charged, paid, owed, expected):
    head = ["房号", "费用期间", "应收金额", "已缴金额", "欠费金额"]
    (draft,) = planned(north, cast, ["7-1-301", "2026-01", charged, paid, owed], head=head).drafts.charges
    assert (draft.values["amount"], draft.paid) == tuple(map(Decimal, expected))


def test_three_amounts_that_disagree_are_refused(north, cast, flat):
    head = ["房号", "费用期间", "应收金额", "已缴金额", "欠费金额"]
    assert codes(planned(north, cast, ["7-1-301", "2026-01", 300, 100, 180], head=head)) == [
        (2, "欠费金额", "money_disagrees")
    ]


def test_without_a_due_date_it_is_the_end_of_the_period_and_that_is_said(north, cast, flat):
    plan = planned(north, cast, ["7-1-301", None, "物业服务费", "2026-01", None, 300, None])
    assert plan.drafts.charges[0].values["due_on"] == JANUARY[1]
    assert any("没有写应缴日" in notice for notice in plan.notices)


def test_the_totals_are_told_to_be_held_against_the_sheets_own(north, cast, flat):
    plan = planned(
        north,
        cast,
        ["7-1-301", None, "物业服务费", "2026-01", None, 300, 120],
        ["7-1-301", None, "物业服务费", "2026-02", None, "200.05", None],
        ["9-9-999", None, "物业服务费", "2026-02", None, 77, None],
    )
    assert "应收合计 500.05 元，其中已缴 120.00 元，未缴 380.05 元" in plan.notices[0]
    assert "1 行，应收合计 77.00 元" in plan.notices[1]


# ---- charge types


def test_a_new_item_is_made_on_the_way_once_without_a_price(north, cast, flat):
    plan = planned(
        north,
        cast,
        ["7-1-301", None, "电梯费", "2026-01", None, 30, None],
        ["7-1-301", None, "电梯费", "2026-02", None, 30, None],
    )
    assert plan.counts["charge_types"] == {"new": 1, "changed": 0, "same": 0}
    assert any("新建收费项目「电梯费」" in notice for notice in plan.notices)
    written(north, cast, ["7-1-301", None, "电梯费", "2026-01", None, 30, None])
    item = north.scalars(select(ChargeType).where(ChargeType.name == "电梯费")).one()
    assert not item.is_monthly
    assert not north.scalars(select(Tariff).where(Tariff.charge_type_id == item.id)).all()


def test_another_word_for_the_offices_only_such_item_is_that_item_and_said(north, cast, flat):
    own = make.charge_type(north, cast.north.id, name="物业服务费")
    plan = planned(north, cast, ["7-1-301", None, "物业费", "2026-01", None, 300, None])
    assert plan.counts["charge_types"]["new"] == 0
    assert plan.drafts.charges[0].charge_type == own.name
    assert any("「物业费」按已有的「物业服务费」读取" in notice for notice in plan.notices)


def test_a_name_that_is_only_close_stays_another_item_and_is_pointed_out(north, cast, flat):
    make.charge_type(north, cast.north.id, name="电梯维保费")
    plan = planned(north, cast, ["7-1-301", None, "电梯维护费", "2026-01", None, 30, None])
    assert plan.counts["charge_types"]["new"] == 1
    assert any("与已有的「电梯维保费」相近" in notice for notice in plan.notices)


# ---- whose it is


def test_a_name_says_whose_it_is_also_of_an_owner_of_before(north, cast, flat):
    plan = planned(north, cast, ["7-1-301", "旧主", "物业服务费", "2026-01", None, 300, None])
    assert plan.rows[0].people == "旧主"


@pytest.mark.parametrize(
    ("room", "name", "expected"),
    [
        ("7-1-301", "路人甲", (2, "业主", "conflict_payer_unknown")),
        ("7-1-999", None, (2, "房号", "unit_unknown")),
        ("7-1-302", None, (2, "房号", "conflict_owner_none")),
    ],
)
def test_whoever_cannot_be_told_is_a_question(north, cast, flat, room, name, expected):
    make.unit(north, cast.north.id, number="7-1-302")
    plan = planned(north, cast, [room, name, "物业服务费", "2026-01", None, 300, None])
    assert codes(plan) == [expected]
    assert plan.is_empty


def test_an_answer_says_in_whose_name_it_stands(north, cast, flat):
    row = ["7-1-301", "路人甲", "物业服务费", "2026-01", None, 300, None]
    (asked,) = planned(north, cast, row).rows
    owners = dict(asked.candidates)
    assert sorted(name[:2] for name in owners.values()) == ["新主", "旧主"]
    old = next(said for said, name in owners.items() if name.startswith("旧主"))
    plan = planned(north, cast, row, answers={("业主名册", 2): old})
    assert (plan.rows[0].people, plan.refused) == ("旧主", [])


def test_a_day_when_nobody_paid_is_a_question(north, cast):
    unit = make.unit(north, cast.north.id, number="7-1-303")
    make.ownership(north, unit, make.owner(north, cast.north.id, name="后来的"), from_on=dt.date(2026, 6, 1))
    plan = planned(north, cast, ["7-1-303", None, "物业服务费", "2026-01", None, 300, None])
    assert [code for *_, code in codes(plan)] == ["conflict_payer_none"]
    assert len(plan.rows[0].candidates) == 1


def test_a_room_without_its_section_is_found_where_no_other_could_be_meant(north, cast, flat):
    assert planned(north, cast, ["7栋301", None, "物业费", "2026-01", None, 1, None]).counts["charges"]["new"] == 1
    make.unit(north, cast.north.id, number="7-2-301")
    plan = planned(north, cast, ["7栋301", None, "物业费", "2026-01", None, 1, None])
    assert [code for *_, code in codes(plan)] == ["conflict_section_unclear"]


# ---- what is known already


@pytest.fixture
def charge(north, cast, flat):
    """新主 owes 300 for January."""
    kind = make.charge_type(north, cast.north.id, name="物业服务费")
    owner = next(row for row in flat_owners(north, flat) if row.name == "新主")
    month = {"period_from": JANUARY[0], "period_to": JANUARY[1]}
    return make.charge(north, flat, owner, dt.date(2026, 1, 10), charge_type=kind, amount=Decimal(300), **month)


def flat_owners(session, unit):
    return session.scalars(select(Owner).join(Ownership).where(Ownership.unit_id == unit.id)).all()


def test_an_unpaid_charge_is_corrected_and_shown_field_by_field(north, cast, flat, charge):
    plan = planned(north, cast, ["7-1-301", None, "物业服务费", "2026-01", "2026-01-15", 310, None])
    assert plan.rows[0].facts[0].changes == (
        ("应收金额", "300.00", "310.00"),
        ("应缴日", "2026-01-10", "2026-01-15"),
    )
    written(north, cast, ["7-1-301", None, "物业服务费", "2026-01", "2026-01-15", 310, None])
    north.refresh(charge)
    assert (charge.amount, charge.due_on) == (Decimal(310), dt.date(2026, 1, 15))


def test_filling_blanks_changes_no_charge(north, cast, flat, charge):
    row = ["7-1-301", None, "物业服务费", "2026-01", "2026-01-15", 310, None]
    assert planned(north, cast, row, mode=ImportMode.FILL).is_empty


def test_a_charge_of_which_something_is_paid_is_never_altered(north, cast, flat, charge):
    payments.receive(north, charge.owner_id, Decimal(100), PaymentMethod.CASH, paid_on=dt.date(2026, 2, 1))
    plan = planned(north, cast, ["7-1-301", None, "物业服务费", "2026-01", None, 310, None])
    assert [code for *_, code in codes(plan)] == ["conflict_charge_settled"]
    assert planned(north, cast, ["7-1-301", None, "物业服务费", "2026-01", None, 300, 100]).is_empty


def test_more_paid_than_the_books_know_is_a_question_not_a_payment(north, cast, flat, charge):
    plan = planned(north, cast, ["7-1-301", None, "物业服务费", "2026-01", None, 300, 100])
    assert codes(plan) == [(2, "已缴金额", "conflict_paid_differs")]


@pytest.mark.parametrize("period", ["2026年第一季度", "2025-12至2026-01", "2026-01-10至2026-01-20"])
def test_a_period_that_overlaps_one_already_charged_is_a_question(north, cast, flat, charge, period):
    plan = planned(north, cast, ["7-1-301", None, "物业服务费", period, None, 900, None])
    assert [code for *_, code in codes(plan)] == ["conflict_charge_overlaps"]


def test_the_same_charge_twice_in_a_sheet_is_posted_once(north, cast, flat):
    row = ["7-1-301", None, "物业服务费", "2026-01", None, 300, None]
    plan = planned(north, cast, row, row, ["7-1-301", None, "物业服务费", "2026年一季度", None, 900, None])
    assert plan.counts["charges"]["new"] == 1
    assert [(row, code) for row, _, code in codes(plan)] == [
        (3, "conflict_charge_twice"),
        (4, "conflict_charge_twice"),
    ]


def test_a_charge_paid_between_preview_and_apply_comes_back(north, cast, flat, charge):
    content = workbook(HEAD, ["7-1-301", None, "物业服务费", "2026-01", None, 310, None])
    batch = preview(north, cast.north.office, "arrears", "欠费.xlsx", content)
    payments.receive(north, charge.owner_id, Decimal(100), PaymentMethod.CASH, paid_on=dt.date(2026, 2, 1))
    assert apply(north, batch.id).counts["rows"]["conflict"] == 1
    north.refresh(charge)
    assert charge.amount == Decimal(300)


def test_a_charge_paid_at_the_same_moment_is_not_altered(north, cast, flat, charge, monkeypatch):
    """The books are read, then somebody pays: what is unpaid is looked up once more before anything is written."""
    content = workbook(HEAD, ["7-1-301", None, "物业服务费", "2026-01", None, 310, None])
    batch = preview(north, cast.north.office, "arrears", "欠费.xlsx", content)
    seen = ARREARS.load(north, cast.north.office)
    monkeypatch.setattr("importers.apply.kind_named", lambda _name: replace(ARREARS, load=lambda *_args: seen))
    payments.receive(north, charge.owner_id, Decimal(100), PaymentMethod.CASH, paid_on=dt.date(2026, 2, 1))
    with pytest.raises(Conflict) as refused:
        apply(north, batch.id)
    assert refused.value.code == "import_raced"
    assert "欠费" in refused.value.message


def test_the_books_of_another_office_are_never_met(north, database, cast, flat):
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as south:
        assert [code for *_, code in codes_of_other(south, cast)] == ["unit_unknown"]


def codes_of_other(session, cast):
    records = read(workbook(HEAD, ["7-1-301", None, "物业费", "2026-01", None, 1, None]), "欠费.xlsx", ARREARS).records
    return codes(ARREARS.plan(records, ARREARS.load(session, cast.south.office), dt.date(2026, 11, 21)))


# ---- money received in advance


@pytest.fixture
def advance(north, cast, flat):
    """新主 has paid 400 for the flat in advance."""
    owner = next(row for row in flat_owners(north, flat) if row.name == "新主")
    return make.payment(north, owner, Decimal(400), dt.date(2025, 12, 1), unit=flat)


def test_what_was_paid_in_advance_settles_the_oldest_new_charge_first(north, cast, flat, advance):
    rows = [
        ["7-1-301", None, "物业服务费", "2026-02", "2026-02-10", 300, None],
        ["7-1-301", None, "物业服务费", "2026-01", "2026-01-10", 300, 50],
    ]
    plan = planned(north, cast, *rows)
    assert plan.counts["allocations"]["new"] == 2
    assert plan.rows[0].facts[-1].changes == (("核销金额", "", "150.00"),)
    written(north, cast, *rows)
    used = north.scalars(select(Allocation.amount).where(Allocation.payment_id == advance.id).order_by(Allocation.id))
    assert sorted(used) == [Decimal(150), Decimal(250)]
    assert [rest.unpaid for rest in payments.owed_by(north, advance.owner_id)] == [Decimal(150)]
    assert planned(north, cast, *rows).is_empty


def test_a_charge_posted_at_the_desk_is_settled_by_what_was_paid_in_advance(north, cast, flat, advance):
    kind = make.charge_type(north, cast.north.id)
    for month in (1, 2):
        day = dt.date(2026, month, 1)
        charges.post(north, flat.id, kind.id, (day, day), day, amount=Decimal(300))
    assert [rest.unpaid for rest in payments.owed_by(north, advance.owner_id)] == [Decimal(200)]


def test_an_advance_for_one_unit_settles_no_other(north, cast, flat, advance):
    other = make.unit(north, cast.north.id, number="7-1-305")
    make.ownership(north, other, advance.owner)
    plan = planned(north, cast, ["7-1-305", None, "物业服务费", "2026-01", None, 300, None])
    assert plan.counts["allocations"]["new"] == 0


def test_no_batch_writes_twice(north, cast, flat):
    batch = written(north, cast, ["7-1-301", None, "物业服务费", "2026-01", None, 300, None])
    assert north.scalar(select(func.count(Charge.id)).where(Charge.unit_id == flat.id)) == 1
    assert north.get(ImportBatch, batch.id).counts["charges"] == {"new": 1, "changed": 0, "same": 0}
