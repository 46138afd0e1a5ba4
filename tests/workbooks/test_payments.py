"""Receipts written by hand: entered once, whole or not at all, and they settle what the desk would have settled."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import make
from importers.apply import apply, preview
from importers.cells import Cell, kind_of
from importers.choices import Choices
from importers.headings import Heading, SheetMapping
from importers.money.homes import Holder, Homes
from importers.money.state import ChargeState, MoneyState
from importers.reading import read
from importers.rows import RowReader
from importers.sheets import kind_named
from importers.workbook import Sheet
from tenant.errors import Conflict
from tenant.models import Allocation, NumberSeries, Payment
from tenant.rules.terms import PaymentMethod, Role
from tenant.services import payments
from tenant.services.payments import Rest, allocate
from workbooks.builders import workbook

PAYMENTS = kind_named("payments")
HEAD = ["收据号", "房号", "缴费人", "金额", "收款日期", "收款方式", "收费项目", "费用期间", "流水号"]
TODAY = dt.date(2026, 11, 21)
SHEET = "业主名册"


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def flat(north, cast):
    """A flat whose owner 何欠 owes 300 for each of January, February and March."""
    unit = make.unit(north, cast.north.id, number="7-1-301")
    owner = make.owner(north, cast.north.id, name="何欠")
    make.ownership(north, unit, owner)
    kind = make.charge_type(north, cast.north.id, name="物业服务费")
    for month, last in ((1, 31), (2, 28), (3, 31)):
        period = {"period_from": dt.date(2026, month, 1), "period_to": dt.date(2026, month, last)}
        due_on = dt.date(2026, month, 10)
        make.charge(north, unit, owner, due_on, charge_type=kind, amount=Decimal(300), **period)
    return unit


def planned(session, cast, *rows, head=HEAD, **choices):
    """Plan a sheet against the books as they are."""
    records = read(workbook(head, *rows), "收款.xlsx", PAYMENTS).records
    return PAYMENTS.plan(records, PAYMENTS.load(session, cast.north.office), TODAY, Choices(**choices))


def written(session, cast, *rows, head=HEAD):
    """Import a sheet."""
    return apply(session, preview(session, cast.north.office, "payments", "收款.xlsx", workbook(head, *rows)).id)


def codes(plan):
    return [(cell.row, cell.code) for cell in plan.refused]


def settled(session, number):
    """Return (first day of the period, part) of all that a receipt settles."""
    rows = session.scalars(
        select(Allocation).join(Payment).where(Payment.receipt_number == number).order_by(Allocation.id)
    )
    return [(row.charge.period_from.month, row.amount) for row in rows]


# ---- what is settled


def test_a_receipt_is_entered_under_its_number_and_settles_the_oldest_first(north, cast, flat):
    written(north, cast, ["A0012", "7-1-301", "何欠", "￥450.00", "2026-04-02", "微信支付"])
    payment = north.scalars(select(Payment).where(Payment.receipt_number == "A0012")).one()
    assert (payment.amount, payment.paid_on, payment.method, payment.unit_id) == (
        Decimal(450),
        dt.date(2026, 4, 2),
        PaymentMethod.WECHAT,
        flat.id,
    )
    assert settled(north, "A0012") == [(1, Decimal(300)), (2, Decimal(150))]


def test_receipts_settle_in_the_order_of_their_days_not_of_the_sheet(north, cast, flat):
    written(
        north,
        cast,
        ["B2", "7-1-301", None, 300, "2026-05-02", "现金"],
        ["B1", "7-1-301", None, 300, "2026-04-02", "现金"],
    )
    assert (settled(north, "B1"), settled(north, "B2")) == ([(1, Decimal(300))], [(2, Decimal(300))])


def test_an_item_and_a_period_say_which_charge_is_meant(north, cast, flat):
    written(north, cast, ["C1", "7-1-301", None, 300, "2026-04-02", "现金", "物业费", "2026年3月"])
    assert settled(north, "C1") == [(3, Decimal(300))]


def test_several_rows_of_one_receipt_are_one_payment(north, cast, flat):
    rows = [
        ["D1", "7-1-301", None, 300, "2026-04-02", "现金", "物业费", "2026年3月"],
        ["D1", "7-1-301", None, 100, "2026-04-02", "现金", "物业费", "2026年1月"],
    ]
    batch = written(north, cast, *rows)
    assert batch.counts["payments"] == {"new": 1, "changed": 0, "same": 0}
    assert north.scalars(select(Payment.amount).where(Payment.receipt_number == "D1")).all() == [Decimal(400)]
    assert sorted(settled(north, "D1")) == [(1, Decimal(100)), (3, Decimal(300))]
    assert planned(north, cast, *rows).is_empty


def test_a_receipt_is_entered_whole_or_not_at_all(north, cast, flat):
    plan = planned(
        north,
        cast,
        ["E1", "7-1-301", None, 300, "2026-04-02", "现金"],
        ["E1", "7-1-301", None, "三百", "2026-04-02", "现金"],
        ["E2", "7-1-301", None, 100, "2026-04-02", "现金"],
        ["E2", "7-1-301", None, 100, "2026-04-03", "刷卡"],
    )
    assert codes(plan) == [
        (2, "conflict_receipt_incomplete"),
        (3, "money_unreadable"),
        (4, "conflict_receipt_incomplete"),
        (5, "conflict_receipt_rows"),
    ]
    assert "收款日期、收款方式" in plan.refused[3].reason
    assert plan.is_empty


def test_the_total_is_told_to_be_held_against_the_sheets_own(north, cast, flat):
    plan = planned(
        north,
        cast,
        ["F1", "7-1-301", None, "100.05", "2026-04-02", "现金"],
        ["F2", "7-1-999", None, 7, "2026-04-02", "现金"],
    )
    assert "收款合计 100.05 元" in plan.notices[0]
    assert "1 行，收款合计 7.00 元" in plan.notices[1]


# ---- never more than is owed


def test_more_than_is_owed_is_a_question_and_an_advance_only_if_said(north, cast, flat):
    row = ["G1", "7-1-301", None, 1000, "2026-04-02", "现金"]
    plan = planned(north, cast, row)
    assert codes(plan) == [(2, "conflict_overpaid")]
    assert "多于" in plan.refused[0].reason
    assert "900.00" in plan.refused[0].reason
    (advance, said) = plan.rows[0].candidates[0]
    assert "100.00 元记为预收" in said
    plan = planned(north, cast, row, answers={(SHEET, 2): advance})
    (draft,) = plan.drafts.payments
    assert (draft.amount, sum(draft.parts.values())) == (Decimal(1000), Decimal(900))
    assert any("100.00 元记为预收" in notice for notice in plan.notices)


def test_more_than_one_period_owes_may_settle_the_others_if_said(north, cast, flat):
    row = ["H1", "7-1-301", None, 400, "2026-04-02", "现金", "物业费", "2026年3月"]
    (elsewhere, _), *_ = planned(north, cast, row).rows[0].candidates
    (draft,) = planned(north, cast, row, answers={(SHEET, 2): elsewhere}).drafts.payments
    assert sorted(draft.parts.values()) == [Decimal(100), Decimal(300)]


def test_two_receipts_of_a_sheet_never_settle_one_charge_twice(north, cast, flat):
    rows = [[f"I{n}", "7-1-301", None, 500, "2026-04-02", "现金"] for n in range(2)]
    assert codes(planned(north, cast, *rows)) == [(3, "conflict_overpaid")]


def test_arrears_of_an_owner_of_before_are_offered_and_never_taken_by_themselves(north, cast, flat):
    for ownership in north.scalars(select(make.Ownership).where(make.Ownership.unit_id == flat.id)):
        ownership.to_on = dt.date(2026, 3, 31)
    make.ownership(north, flat, make.owner(north, cast.north.id, name="新来"), from_on=dt.date(2026, 4, 1))
    row = ["J1", "7-1-301", None, 300, "2026-04-02", "现金"]
    plan = planned(north, cast, row)
    assert codes(plan) == [(2, "conflict_overpaid")]
    said = next(said for said, words in plan.rows[0].candidates if "何欠" in words)
    assert planned(north, cast, row, answers={(SHEET, 2): said}).rows[0].people == "何欠"


# ---- known already


def test_the_same_sheet_again_is_all_the_same(north, cast, flat):
    rows = [
        ["K1", "7-1-301", None, 300, "2026-04-02", "现金"],
        [None, "7-1-301", None, 200, "2026-05-02", "转账", None, None, "wx20260502001"],
    ]
    written(north, cast, *rows)
    plan = planned(north, cast, *rows)
    assert plan.is_empty
    assert not plan.refused


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (["L1", "7-1-301", None, 301, "2026-04-02", "现金"], "金额"),
        (["L1", "7-1-301", None, 300, "2026-04-03", "现金"], "收款日期"),
        (["L1", "7-1-301", None, 300, "2026-04-02", "支付宝"], "收款方式"),
    ],
)
def test_a_receipt_in_the_books_is_never_altered(north, cast, flat, row, what):
    written(north, cast, ["L1", "7-1-301", None, 300, "2026-04-02", "现金"])
    plan = planned(north, cast, row)
    assert codes(plan) == [(2, "conflict_receipt_differs")]
    assert what in plan.refused[0].reason


def test_the_number_of_a_voided_receipt_is_not_used_again(north, cast, flat):
    row = ["M1", "7-1-301", None, 300, "2026-04-02", "现金"]
    written(north, cast, row)
    payments.void(north, north.scalar(select(Payment.id).where(Payment.receipt_number == "M1")), "写错")
    assert codes(planned(north, cast, row)) == [(2, "conflict_receipt_void")]


def test_without_a_number_the_same_unit_day_and_amount_are_a_question(north, cast, flat):
    row = [None, "7-1-301", None, 300, "2026-04-02", "现金"]
    written(north, cast, row)
    plan = planned(north, cast, row)
    assert codes(plan) == [(2, "conflict_payment_twice")]
    (same, _), (another, _) = plan.rows[0].candidates
    assert planned(north, cast, row, answers={(SHEET, 2): same}).is_empty
    assert planned(north, cast, row, answers={(SHEET, 2): another}).counts["payments"]["new"] == 1


def test_two_bare_rows_alike_in_one_sheet_are_a_question(north, cast, flat):
    row = [None, "7-1-301", None, 300, "2026-04-02", "现金"]
    plan = planned(north, cast, row, row)
    assert codes(plan) == [(3, "conflict_row_twice")]
    ((another, _),) = plan.rows[1].candidates
    assert planned(north, cast, row, row, answers={(SHEET, 3): another}).counts["payments"]["new"] == 2


# ---- numbers


def last_receipt(session, office_id):
    statement = select(NumberSeries.last).where(NumberSeries.office_id == office_id, NumberSeries.series == "receipt")
    return session.scalar(statement)


def test_rows_without_a_number_take_the_next_of_the_series_and_none_twice(north, cast, flat):
    desk = payments.receive(north, cast_owner(north, flat), Decimal(50), PaymentMethod.CASH).receipt_number
    following = f"{int(desk) + 1:08d}"
    written(
        north,
        cast,
        [following, "7-1-301", None, 100, "2026-04-02", "现金"],
        [None, "7-1-301", None, 200, "2026-04-03", "现金"],
    )
    assert settled(north, following)
    assert settled(north, f"{int(desk) + 2:08d}")
    later = payments.receive(north, cast_owner(north, flat), Decimal(1), PaymentMethod.CASH)
    assert later.receipt_number == f"{int(desk) + 3:08d}"
    assert last_receipt(north, cast.north.id) == int(desk) + 3


def test_the_desk_passes_over_numbers_that_stand_on_imported_receipts(north, cast, flat):
    before = last_receipt(north, cast.north.id) or 0
    numbers = [f"{before + n:08d}" for n in range(1, 26)]
    written(north, cast, *[[number, "7-1-301", None, 10, "2026-04-02", "现金"] for number in numbers])
    desk = payments.receive(north, cast_owner(north, flat), Decimal(1), PaymentMethod.CASH)
    assert desk.receipt_number == f"{before + 26:08d}"


def cast_owner(session, unit):
    return session.scalar(select(make.Ownership.owner_id).where(make.Ownership.unit_id == unit.id))


# ---- cells


@pytest.mark.parametrize(
    ("written_so", "number"),
    [("No.00012", "00012"), ("№ 12", "12"), ("ｎｏ：A-12", "A-12"), ("第12号", "12"), (12, "12"), ("NORTH1", "NORTH1")],
)
def test_a_receipts_number_is_the_same_however_it_is_written(written_so, number):
    assert PAYMENTS.column("receipt").clean(Cell(written_so, kind_of(written_so), 2, "A")) == number


def test_the_sums_below_a_month_are_no_receipts(north, cast, flat):
    rows = [["R1", "7-1-301", None, 1, "2026-04-02", "现金"], ["本月合计", None, None, 1], ["本页小计", None, None, 1]]
    assert planned(north, cast, *rows).counts["rows"] == {"read": 1, "refused": 0, "conflict": 0}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["N1", "7-1-301", None, -300, "2026-04-02", "现金"], "money_negative"),
        (["N1", "7-1-301", None, 0, "2026-04-02", "现金"], "money_zero"),
        (["N1", "7-1-301", None, 300.125, "2026-04-02", "现金"], "money_fraction"),
        (["N1", "7-1-301", None, 300, None, "现金"], "missing"),
        (["N1", "7-1-301", None, 300, "2026-12-02", "现金"], "paid_in_future"),
        (["N1", "7-1-301", None, 300, "2026-04-02", "贝壳"], "choice_unknown"),
        (["N1", "7-1-301", "路人甲", 300, "2026-04-02", "现金"], "conflict_payer_unknown"),
        (["N" * 17, "7-1-301", None, 300, "2026-04-02", "现金"], "receipt_unreadable"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(north, cast, flat, row, code):
    plan = planned(north, cast, row)
    assert codes(plan) == [(2, code)]
    assert plan.is_empty


def test_a_payment_at_the_desk_between_preview_and_apply_brings_the_row_back(north, cast, flat):
    content = workbook(HEAD, ["P1", "7-1-301", None, 900, "2026-04-02", "现金"])
    batch = preview(north, cast.north.office, "payments", "收款.xlsx", content)
    payments.receive(north, cast_owner(north, flat), Decimal(50), PaymentMethod.CASH)
    assert apply(north, batch.id).counts["rows"]["conflict"] == 1
    assert not settled(north, "P1")


def test_a_payment_at_the_desk_at_the_same_moment_settles_nothing_twice(north, cast, flat, monkeypatch):
    """The books are read, then somebody pays: what is unpaid is looked up once more before anything is written."""
    content = workbook(HEAD, ["P2", "7-1-301", None, 900, "2026-04-02", "现金"])
    batch = preview(north, cast.north.office, "payments", "收款.xlsx", content)
    seen = PAYMENTS.load(north, cast.north.office)
    monkeypatch.setattr("importers.apply.kind_named", lambda _name: replace(PAYMENTS, load=lambda *_args: seen))
    payments.receive(north, cast_owner(north, flat), Decimal(50), PaymentMethod.CASH)
    with pytest.raises(Conflict) as refused:
        apply(north, batch.id)
    assert refused.value.code == "import_raced"


# ---- properties
NAMES = ("receipt", "room", "owners", "amount", "paid_on", "method", "charge_type", "period", "reference")


def lines(rows):
    """Return rows as a sheet below `HEAD` would be read, without a file."""
    headings = tuple(Heading(place, text, name) for place, (text, name) in enumerate(zip(HEAD, NAMES, strict=True), 1))
    reader = RowReader(Sheet(SHEET, [HEAD, *rows]), SheetMapping(SHEET, 1, headings), PAYMENTS)
    return [PAYMENTS.assemble(row) for row in reader.rows()]


HOLDER = Holder(1, "何欠", is_payer=True, from_on=None, to_on=None)
amounts = st.integers(1, 90_000).map(lambda n: Decimal(n) / 100)


@given(st.lists(st.tuples(st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31)), amounts), max_size=8), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_owed_a_sheet_settles_as_the_desk_does_receipt_by_receipt(owed, data):
    charges = [
        ChargeState(number, 1, 1, 1, day, day, day, amount, 1, Decimal(0))
        for number, (day, amount) in enumerate(owed, 1)
    ]
    state = MoneyState(Homes({"7-1-301": 1}, {1: [HOLDER]}), {"物业服务费": 1}, charges)
    received = data.draw(st.lists(amounts, min_size=1, max_size=6))
    rows = [[f"Q{n}", "7-1-301", None, str(amount), "2026-04-02", "现金"] for n, amount in enumerate(received)]
    plan = PAYMENTS.plan(lines(rows), state, TODAY)
    left = {charge.id: Rest(charge.id, charge.due_on, charge.amount) for charge in charges}
    drafts = {draft.receipt: draft for draft in plan.drafts.payments}
    for number, amount in enumerate(received):
        open_rests = [rest for rest in left.values() if rest.unpaid > 0]
        if amount > sum((rest.unpaid for rest in open_rests), Decimal(0)):
            assert f"Q{number}" not in drafts
            continue
        parts = dict(allocate(open_rests, amount))
        assert drafts[f"Q{number}"].parts == parts
        for charge_id, part in parts.items():
            rest = left[charge_id]
            left[charge_id] = Rest(rest.charge_id, rest.due_on, rest.unpaid - part)


CELLS = st.one_of(
    st.text(max_size=20),
    st.floats(),
    st.integers(),
    st.dates(),
    st.none(),
    st.sampled_from(["7-1-301", "2026-01", "300", "现金", "-5", "／", "A1", "2026年1月1日"]),
)


@given(st.lists(CELLS, min_size=9, max_size=9))
@settings(max_examples=300, deadline=None)
def test_no_content_of_a_row_makes_planning_raise(row):
    PAYMENTS.plan(lines([row]), MoneyState(Homes({"7-1-301": 1}, {1: [HOLDER]}), {}, ()), TODAY)
