"""The cells of money sheets are read as people write them, and a sheet carried out leaves nothing to do."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.cells import Cell, kind_of
from importers.faults import CellFault
from importers.headings import Heading, SheetMapping
from importers.money.homes import Holder, Homes
from importers.money.state import ChargeState, MoneyState
from importers.rows import RowReader
from importers.sheets import kind_named
from importers.workbook import Sheet

ARREARS = kind_named("arrears")
HEAD = ["房号", "业主", "收费项目", "费用期间", "应缴日", "应收金额", "已缴金额"]


def cleaned(identifier, value):
    return ARREARS.column(identifier).clean(Cell(value, kind_of(value), 2, "A"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1,234.50", "1234.50"),
        ("￥1234.5", "1234.50"),
        ("１２３４．５０元", "1234.50"),
        ("人民币1260元整", "1260.00"),
        ("1.2万", "12000.00"),
        (0.1 + 0.2, "0.30"),
        (331.5975, "331.60"),
        (0, "0.00"),
        (5.7e-14, "0.00"),
    ],
)
def test_amounts_are_read_as_they_are_written(value, expected):
    assert cleaned("amount", value) == Decimal(expected)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("-5", "money_negative"),
        (-5, "money_negative"),
        ("(1,234.50)", "money_negative"),
        ("红字300", "money_negative"),
        ("1,23.4", "money_unreadable"),
        ("三百", "money_unreadable"),
        ("1.005", "money_fraction"),
        ("9999999999999", "money_size"),
        (10.0**16, "digits_lost"),
        (dt.date(2026, 1, 1), "money_unreadable"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(value, code):
    assert cleaned("amount", value).code == code


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("2026年1月", (2026, 1, 1), (2026, 1, 31)),
        ("2026.2", (2026, 2, 1), (2026, 2, 28)),
        ("202601-202603", (2026, 1, 1), (2026, 3, 31)),
        ("2025.12-2026.02", (2025, 12, 1), (2026, 2, 28)),
        ("2026年1-3月", (2026, 1, 1), (2026, 3, 31)),
        ("2026.1.1-3.31", (2026, 1, 1), (2026, 3, 31)),
        ("2026-01-15至2026-02-14", (2026, 1, 15), (2026, 2, 14)),
        ("2026年第二季度", (2026, 4, 1), (2026, 6, 30)),
        ("2026年下半年", (2026, 7, 1), (2026, 12, 31)),
        ("2026年度", (2026, 1, 1), (2026, 12, 31)),
        (dt.date(2026, 5, 1), (2026, 5, 1), (2026, 5, 31)),
        (46023, (2026, 1, 1), (2026, 1, 31)),
    ],
)
def test_periods_are_read_as_they_are_written(value, first, last):
    assert cleaned("period", value) == (dt.date(*first), dt.date(*last))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1月", "period_unreadable"),
        ("2026年13月", "period_unreadable"),
        ("2026-02-30至2026-03-01", "period_unreadable"),
        ("2026-03至2026-01", "period_reversed"),
        ("2026-01-15", "period_one_day"),
        (dt.date(2026, 1, 15), "period_one_day"),
        (2026.1, "period_lost_zero"),
    ],
)
def test_what_is_no_period_is_refused_with_its_reason(value, code):
    found = cleaned("period", value)
    assert isinstance(found, CellFault)
    assert found.code == code


def test_a_month_as_last_day_is_its_end():
    assert cleaned("period_to", "2026年2月") == dt.date(2026, 2, 28)
    assert cleaned("period_from", "2026年2月") == dt.date(2026, 2, 1)


CELLS = st.one_of(
    st.text(max_size=20),
    st.floats(),
    st.integers(),
    st.dates(),
    st.datetimes(),
    st.booleans(),
    st.none(),
    st.from_regex(r"[-(￥]?[0-9]{1,6}([.,年/-][0-9]{1,4}){0,3}[月日万元)]?", fullmatch=True),
)


HOMES = Homes(
    {"7-1-301": 1, "7-1-302": 2},
    {number: [Holder(number, "何欠", is_payer=True, from_on=None, to_on=None)] for number in (1, 2)},
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["7-1-301", "7栋302", "7-1-303"]),
        st.sampled_from([None, "何欠", "路人"]),
        st.sampled_from(["物业费", "物业管理费", "水费", "自来水费", "电梯费"]),
        st.sampled_from(["2026-01", "2026年2月", "2026年一季度", "2026-01-01至2026-01-31", None]),
        st.sampled_from([None, "2026-01-10", "2026-03-31"]),
        st.sampled_from(["100", "0", "250.5", "-3"]),
        st.sampled_from([None, "0", "100", "90.05"]),
    ),
    max_size=8,
)


def planned_purely(rows, state):
    columns = ["room", "owners", "charge_type", "period", "due_on", "amount", "paid"]
    mapping = SheetMapping(
        "表", 1, tuple(Heading(at, *pair) for at, pair in enumerate(zip(HEAD, columns, strict=True), 1))
    )
    reader = RowReader(Sheet("表", [HEAD, *map(list, rows)]), mapping, ARREARS)
    return ARREARS.plan([ARREARS.assemble(row) for row in reader.rows()], state, dt.date(2026, 11, 21))


def carried_out(state, plan):
    """Return the books after a plan, as the database would hold them."""
    names = {name: len(state.charge_types) + place for place, name in enumerate(plan.drafts.charge_types, 1)}
    types = dict(state.charge_types) | names
    kept = {charge.id: charge for charge in state.charges}
    for draft in plan.drafts.charges:
        if draft.state is None:
            new_id = len(kept) + 1
            kept[new_id] = ChargeState(
                id=new_id, charge_type_id=types[draft.charge_type], version=1, settled=draft.paid, **draft.values
            )
        else:
            kept[draft.state.id] = replace(draft.state, **draft.values)
    return MoneyState(state.homes, types, list(kept.values()))


@given(ROWS, ROWS)
@settings(max_examples=150, deadline=None)
def test_a_plan_carried_out_leaves_nothing_to_do_and_no_time_is_charged_twice(before, rows):
    state = MoneyState(HOMES, {"物业服务费": 1})
    for sheet in (before, rows):
        plan = planned_purely(sheet, state)
        assert [row.digest for row in plan.rows] == [row.digest for row in planned_purely(sheet, state).rows]
        state = carried_out(state, plan)
        assert planned_purely(sheet, state).is_empty
    for charge in state.charges:
        assert charge.settled <= charge.amount
        for other in state.charges:
            same = (other.unit_id, other.charge_type_id) == (charge.unit_id, charge.charge_type_id)
            apart = other.period_to < charge.period_from or charge.period_to < other.period_from
            assert other is charge or not same or apart


@given(st.lists(CELLS, min_size=len(ARREARS.columns), max_size=len(ARREARS.columns)))
@settings(max_examples=300, deadline=None)
def test_no_content_of_a_row_makes_planning_raise(row):
    headings = tuple(Heading(at, column.label, column.identifier) for at, column in enumerate(ARREARS.columns, 1))
    rows = [[column.label for column in ARREARS.columns], row]
    reader = RowReader(Sheet("表", rows), SheetMapping("表", 1, headings), ARREARS)
    records = [ARREARS.assemble(read_row) for read_row in reader.rows()]
    holder = Holder(1, "何欠", is_payer=True, from_on=None, to_on=None)
    ARREARS.plan(records, MoneyState(Homes({"7-1-301": 1}, {1: [holder]}), {}, ()), dt.date(2026, 11, 21))
