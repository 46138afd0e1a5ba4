"""A meter sheet: a meter never runs backwards, what was used is shown, a jump is told, a doubt is a question."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from importers import undo
from importers.apply import apply, preview
from importers.cells import Cell, CellKind, kind_of
from importers.choices import Choices
from importers.faults import CellFault, fault
from importers.plan import Outcome
from importers.reading import read
from importers.rooms import UnitKey
from importers.sheets import kind_named
from importers.things.drafts import Link
from importers.things.meter_state import MetersState, MeterState, ReadingState
from tenant.models import Meter, MeterReading
from tenant.rules.terms import ImportMode, MeterKind, Role
from workbooks.builders import workbook
from workbooks.things import held_by, records_of

METERS = kind_named("meters")
TODAY = dt.date(2026, 11, 21)
HEADER = [
    "房号",
    "表号",
    "表计种类",
    "倍率",
    "满刻度",
    "上期读数",
    "上期抄表日期",
    "本期读数",
    "抄表日期",
    "用量",
    "备注",
]
UNITS = {"1-1-101": 1, "1-1-102": 2}
D = Decimal


def row(room=None, number=None, kind=None, before=None, before_on=None, shown=None, on="2026-10-31", used=None, **more):
    return [room, number, kind, more.get("factor"), more.get("scale"), before, before_on, shown, on, used, None]


def plan_of(*rows, state=None, choices=None, held=None, title="抄表"):
    records = read(workbook(HEADER, *rows, title=title), "抄表.xlsx", METERS).records
    return METERS.plan(records, state or MetersState(units=UNITS), TODAY, choices or Choices(), held)


def read_before(*shown, meter=None, first=dt.date(2026, 7, 31)):
    """A state with one water meter, W1 of 1-1-101, and a reading at each month's end up to September at most."""
    meter = meter or MeterState(7, MeterKind.WATER, "W1", Link(1, "1-1-101"))
    ends = [first, dt.date(2026, 8, 31), dt.date(2026, 9, 30)]
    known = [ReadingState(place, 7, day, D(value)) for place, (day, value) in enumerate(zip(ends, shown, strict=False))]
    return MetersState(units=UNITS, meters=[meter], readings={7: known})


def codes(plan):
    return [(cell.row, cell.code) for cell in plan.refused]


def shown_of(plan, subject="readings"):
    return [
        (change.label, change.old, change.new)
        for one in plan.rows
        for fact in one.facts
        for change in fact.changes
        if fact.subject == subject
    ]


# ---- cells


@pytest.mark.parametrize(("value", "count"), [("1,234.5", D("1234.5")), (1234.5, D("1234.5")), ("12 吨", 12), (0, 0)])
def test_a_reading_is_a_number_that_is_not_below_zero(value, count):
    assert METERS.column("shown").clean(Cell(value, kind_of(value), 1, "A")) == count


@pytest.mark.parametrize("value", ["-3", -3, "约十吨", True, dt.date(2026, 1, 1), "1234567890123"])
def test_anything_else_is_no_reading(value):
    assert METERS.column("shown").clean(Cell(value, kind_of(value), 1, "A")).code == "count_unreadable"


def test_digits_lost_in_a_meter_number_are_refused():
    cell = Cell(1234567890123456789, CellKind.NUMBER, 1, "A")
    assert METERS.column("number").clean(cell).code == "digits_lost"


# ---- which meter


def test_a_new_number_is_a_new_meter_with_its_reading():
    plan = plan_of(row("1-1-101", "W1", "水表", shown=120))
    assert plan.counts["meters"] == {"new": 1, "changed": 0, "same": 0}
    assert plan.counts["readings"]["new"] == 1
    assert plan.rows[0].facts[0].name == "水表 W1"


def test_a_unit_s_only_meter_of_the_kind_needs_no_number():
    plan = plan_of(row("1-1-101", None, "水表", shown=120), state=read_before(100))
    assert plan.counts["meters"] == {"new": 0, "changed": 0, "same": 1}
    assert ("用量", "", "20") in shown_of(plan)


def test_a_meter_without_a_number_is_called_by_its_unit_and_told():
    plan = plan_of(row("1-1-101", None, "电表", shown=120))
    assert plan.drafts.meters[0].number == "1-1-101"
    assert any("没有表号" in notice for notice in plan.notices)


def test_the_number_of_such_a_meter_is_put_right_when_the_file_brings_it():
    meter = MeterState(7, MeterKind.WATER, "1-1-101", Link(1, "1-1-101"))
    plan = plan_of(row("1-1-101", "W1", "水表", shown=120), state=read_before(100, meter=meter))
    assert shown_of(plan, "meters") == [("表号", "1-1-101", "W1")]


def test_two_meters_of_a_kind_at_a_unit_are_a_question():
    state = read_before(100)
    state = replace(state, meters=[*state.meters, MeterState(8, MeterKind.WATER, "W2", Link(1, "1-1-101"))])
    assert codes(plan_of(row("1-1-101", None, "水表", shown=120), state=state)) == [(2, "conflict_meter_unclear")]


@pytest.mark.parametrize(("title", "kind"), [("10月水表", "水表"), ("电费抄表", "电表"), ("天然气", "燃气表")])
def test_the_sheet_s_name_tells_the_kind(title, kind):
    assert plan_of(row("1-1-101", "X1", shown=120), title=title).rows[0].facts[0].name == f"{kind} X1"


def test_a_kind_that_nothing_tells_is_asked_for():
    assert codes(plan_of(row("1-1-101", "X1", shown=120))) == [(2, "meter_kind_missing")]
    assert codes(plan_of(row("1-1-101", "X1", shown=120), title="水电")) == [(2, "meter_kind_missing")]


def test_a_known_number_tells_its_kind():
    assert not plan_of(row(None, "W1", shown=120), state=read_before(100)).refused


def test_a_number_that_belongs_to_another_unit_is_a_question_unless_the_file_rules():
    one = row("1-1-102", "W1", shown=120)
    assert codes(plan_of(one, state=read_before(100))) == [(2, "conflict_meter_elsewhere")]
    plan = plan_of(one, state=read_before(100), choices=Choices(mode=ImportMode.REPLACE))
    assert ("房屋", "1-1-101", "1-1-102") in shown_of(plan, "meters")


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (row(None, None, "水表", shown=1), "meter_missing"),
        (row("1-1-101", "W9", "水表", shown=1, on=None), "missing"),
        (row("1-1-101", "W9", "水表", shown=1, on="2026-12-01"), "reading_in_future"),
        (row("1-1-101", "W9", "水表", 0, "2026-10-31", 1), "readings_reversed"),
        (row("1-1-101", "W9", "水表", shown=10001, scale=9999), "reading_over_scale"),
        (row("9-9-909", "W9", "水表", shown=1), "conflict_unit_unknown"),
    ],
)
def test_what_a_row_lacks_is_said_on_it(one, code):
    plan = plan_of(one, row("1-1-102", "W8", "水表", shown=1))
    assert codes(plan) == [(2, code)]
    assert plan.rows[0].outcome is (Outcome.CONFLICT if code.startswith("conflict") else Outcome.REFUSED)
    assert plan.counts["readings"]["new"] == 1


# ---- what it showed


def test_a_meter_never_runs_backwards():
    plan = plan_of(row(None, "W1", shown=90), state=read_before(80, 100))
    assert codes(plan) == [(2, "reading_below")]
    assert "2026-08-31 的 100" in plan.refused[0].reason


def test_nor_does_an_earlier_day_show_more_than_a_later_one():
    plan = plan_of(row(None, "W1", shown=110, on="2026-08-15"), state=read_before(80, 100))
    assert codes(plan) == [(2, "reading_above")]


def test_a_full_scale_explains_a_round():
    meter = MeterState(7, MeterKind.WATER, "W1", Link(1, "1-1-101"), full_scale=D(9999))
    plan = plan_of(row(None, "W1", shown=21), state=read_before(9980, meter=meter))
    assert ("用量", "", "40") in shown_of(plan)
    backwards = plan_of(row(None, "W1", shown=5000), state=read_before(6000, meter=meter))
    assert codes(backwards) == [(2, "reading_below")]


def test_a_full_scale_the_file_brings_explains_it_too():
    assert not plan_of(row(None, "W1", shown=21, scale=10000), state=read_before(9980)).refused


def test_a_full_scale_below_what_was_read_is_refused():
    assert codes(plan_of(row(None, "W1", scale=90), row(None, "W1", shown=120), state=read_before(80, 100))) == [
        (2, "scale_misfit")
    ]


def test_a_number_the_file_brings_for_a_meter_without_one_is_known_to_its_later_rows():
    meter = MeterState(7, MeterKind.WATER, "1-1-101", Link(1, "1-1-101"))
    rows = [row("1-1-101", "W1", "水表", shown=120), row(None, "W1", "水表", shown=130, on="2026-11-20")]
    plan = plan_of(*rows, state=read_before(100, meter=meter), choices=Choices(mode=ImportMode.FILL))
    assert plan.counts["meters"] == {"new": 0, "changed": 1, "same": 0}
    assert plan.counts["readings"]["new"] == 2


def test_the_factor_multiplies_what_was_used():
    meter = MeterState(7, MeterKind.WATER, "W1", Link(1, "1-1-101"), factor=D(40))
    plan = plan_of(row(None, "W1", shown=102), state=read_before(100, meter=meter))
    assert ("用量", "", "80") in shown_of(plan)


def test_five_times_the_usual_is_told_and_taken():
    plan = plan_of(row(None, "W1", shown=420), state=read_before(100, 131, 161))
    assert not plan.refused
    assert any("5 倍以上" in notice for notice in plan.notices)
    assert any(label == "提醒" for label, _, _ in shown_of(plan))
    assert not plan_of(row(None, "W1", shown=200), state=read_before(100, 131, 161)).notices


def test_a_reading_before_with_its_day_is_kept_and_one_without_is_only_held_against_it():
    kept = plan_of(row("1-1-101", "W1", "水表", 100, "2026-09-30", 120))
    assert kept.counts["readings"]["new"] == 2
    checked = plan_of(row("1-1-101", "W1", "水表", 100, None, 120))
    assert checked.counts["readings"]["new"] == 1
    assert ("用量", "", "20") in shown_of(checked)
    assert any("不会保存" in notice for notice in checked.notices)
    assert codes(plan_of(row("1-1-101", "W1", "水表", 130, None, 120))) == [(2, "reading_below")]


def test_a_reading_before_that_lies_below_the_known_one_is_a_question():
    assert codes(plan_of(row(None, "W1", None, 90, None, 120), state=read_before(100))) == [(2, "conflict_previous")]


def test_a_use_that_is_not_the_difference_is_refused():
    assert codes(plan_of(row(None, "W1", shown=120, used=30), state=read_before(100))) == [(2, "usage_differs")]
    assert not plan_of(row(None, "W1", shown=120, used=20), state=read_before(100)).refused
    assert not plan_of(row(None, "W1", shown=120, used=800, factor=40), state=read_before(100)).refused


def test_the_same_reading_is_the_same_and_another_of_that_day_is_shown_old_and_new():
    state = read_before(80, 100)
    assert plan_of(row(None, "W1", shown=100, on="2026-08-31"), state=state).is_empty
    changed = plan_of(row(None, "W1", shown=95, on="2026-08-31"), state=state)
    assert ("读数", "100", "95") in shown_of(changed)
    fill = Choices(mode=ImportMode.FILL)
    assert plan_of(row(None, "W1", shown=95, on="2026-08-31"), state=state, choices=fill).is_empty


def test_two_readings_of_one_day_in_one_file_are_a_question():
    plan = plan_of(row(None, "W1", shown=120), row(None, "W1", shown=121), state=read_before(100))
    assert codes(plan) == [(3, "conflict_reading")]


def test_the_order_of_rows_does_not_matter():
    rows = [row(None, "W1", shown=140, on="2026-10-31"), row(None, "W1", shown=120, on="2026-09-30")]
    assert not plan_of(*rows, state=read_before(100)).refused


def test_a_row_without_a_reading_brings_its_meter_alone():
    plan = plan_of(row("1-1-101", "W1", "水表"), row("1-1-102", "W2", "水表", shown=5))
    assert plan.counts["meters"]["new"] == 2
    assert plan.counts["readings"]["new"] == 1
    assert any("没有本期读数" in notice for notice in plan.notices)


def test_what_a_row_without_a_kind_means_does_not_depend_on_the_rows_before_it():
    water = row(None, "W2", "水表", shown=5, on="2026-01-01")
    rows = [row(None, "W2", "电表"), water, row(None, "W2", None, scale=200)]
    assert codes(plan_of(*rows)) == [(4, "meter_kind_missing")]
    assert codes(plan_of(*rows[:1], rows[2])) == []
    rows = [row("1-1-101", None, "电表"), row("1-1-101", None, "水表", shown=5), row("1-1-101", None, None, scale=200)]
    assert codes(plan_of(*rows)) == [(4, "meter_kind_missing")]


@pytest.mark.parametrize("is_first", [False, True])
def test_what_a_row_without_a_number_means_does_not_depend_on_the_rows_before_it(is_first):
    bare, numbered = row("1-1-101", None, "水表", scale=200), row("1-1-101", "W2", "水表", scale=200)
    plan = plan_of(*([bare, numbered] if is_first else [numbered, bare]))
    assert [draft.number for draft in plan.drafts.meters] == ["W2"]
    second = plan_of(*([bare, numbered] if is_first else [numbered, bare]), state=read_before(100))
    assert codes(second) == [(2 if is_first else 3, "conflict_meter_unclear")]


def test_a_row_held_back_comes_back_as_a_conflict_and_does_nothing():
    held = {("抄表", 2): fault("conflict_changed")}
    plan = plan_of(row("1-1-101", "W1", "水表", shown=120), held=held)
    assert codes(plan) == [(2, "conflict_changed")]
    assert "业主" not in plan.refused[0].reason, "of whatever kind the sheet is"
    assert plan.is_empty


# ---- everything at once


cells = st.one_of(
    st.none(), st.text(max_size=30), st.integers(-(10**18), 10**18), st.floats(), st.booleans(), st.dates(),
    st.sampled_from(["1-1-101", "W1", "水表", "电表", "120", 9000, 21, "2026-10-31", "2026-01-01", "无"]),
)  # fmt: skip


@given(st.sampled_from(METERS.columns), cells)
def test_no_content_of_a_cell_raises(column, value):
    found = column.clean(Cell(value, kind_of(value), 1, "A"))
    assert found is None or isinstance(found, CellFault | str | Decimal | dt.date | UnitKey | MeterKind)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(cells, min_size=11, max_size=11), min_size=1, max_size=6), st.sampled_from(list(ImportMode)))
def test_no_rows_make_the_planner_raise_and_each_row_has_one_fate(rows, mode):
    records = records_of(METERS, HEADER, rows)
    meter = MeterState(7, MeterKind.WATER, "W1", Link(1, "1-1-101"), full_scale=D(9999))
    plan = METERS.plan(records, read_before(80, 100, meter=meter), TODAY, Choices(mode=mode))
    assert [(one.sheet, one.row) for one in plan.rows] == [record.place for record in records]
    for _, _, reading in plan.drafts.readings:
        assert reading.change.get("shown", 0) >= 0


# ---- written


SHEET = [
    row("1-1-101", "W1", "水表", 100, "2026-09-30", 120),
    row("1-1-101", None, "电表", 5, None, 7, factor=40),
    row(None, "E-公", "电表", shown=9000),
]


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def test_a_sheet_is_written_once_and_the_second_time_is_all_the_same(north, cast):
    content = workbook(HEADER, *SHEET)
    batch = preview(north, cast.north.office, "meters", "抄表.xlsx", content)
    assert batch.counts["rows"] == {"read": 3, "refused": 0, "conflict": 0}
    apply(north, batch.id)
    meters = {meter.number: meter for meter in north.scalars(select(Meter))}
    assert set(meters) == {"W1", "1-1-101", "E-公"}
    assert meters["1-1-101"].factor == 40
    assert meters["E-公"].unit_id is None
    shown = north.execute(select(Meter.number, MeterReading.read_on, MeterReading.shown).join(MeterReading.meter))
    assert sorted(map(tuple, shown)) == [
        ("1-1-101", dt.date(2026, 10, 31), 7),
        ("E-公", dt.date(2026, 10, 31), 9000),
        ("W1", dt.date(2026, 9, 30), 100),
        ("W1", dt.date(2026, 10, 31), 120),
    ]
    again = preview(north, cast.north.office, "meters", "抄表.xlsx", content)
    assert all(again.counts[name]["new"] == again.counts[name]["changed"] == 0 for name in METERS.subjects)


def test_a_sheet_undone_leaves_everything_as_it_was(north, cast):
    apply(north, preview(north, cast.north.office, "meters", "10.xlsx", workbook(HEADER, *SHEET)).id)
    before = held_by(north, Meter, MeterReading)
    rows = [row("1-1-101", "E1", "电表", shown=9, on="2026-11-20"), row(None, "W1", shown=121, scale=9999)]
    batch = apply(north, preview(north, cast.north.office, "meters", "11.xlsx", workbook(HEADER, *rows)).id)
    assert batch.counts["readings"] == {"new": 1, "changed": 1, "same": 0}
    assert batch.counts["meters"]["changed"] == 2  # a number for the meter that had none, a full scale for the other
    assert undo.foresee(north, batch.id).is_exact
    undo.undo(north, batch.id)
    assert held_by(north, Meter, MeterReading) == before


def test_the_next_month_goes_on_from_the_last(north, cast):
    apply(north, preview(north, cast.north.office, "meters", "10.xlsx", workbook(HEADER, *SHEET)).id)
    november = workbook(
        HEADER, row(None, "W1", shown=110, on="2026-11-20"), row(None, "E-公", shown=9100, on="2026-11-20")
    )
    batch = preview(north, cast.north.office, "meters", "11.xlsx", november)
    assert batch.counts["rows"] == {"read": 2, "refused": 1, "conflict": 0}
    assert batch.counts["readings"]["new"] == 1
