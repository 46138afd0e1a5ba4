"""Whatever stands in the cells and whatever was chosen: nothing raises, and what was carried out is done.

Workbooks are handed to the reading without a file, so that thousands of them can be tried.
"""

import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers import reading
from importers.choices import Choices, SheetChoice
from importers.money.state import MoneyState
from importers.plan import Outcome
from importers.roster.state import RosterState
from importers.sheets import kind_named
from importers.sheets.kinds import KINDS
from importers.things.meter_state import MetersState
from importers.things.parking_state import ParkingState
from importers.workbook import Sheet, Workbook
from tenant.errors import Refusal
from tenant.rules.terms import ImportMode
from workbooks.builders import id_of, phone_of
from workbooks.pure import NOTHING, TODAY, carried_out
from workbooks.rows import planned_rows

EMPTY = {
    "roster": RosterState(),
    "arrears": MoneyState(),
    "payments": MoneyState(),
    "parking": ParkingState(),
    "meters": MetersState(),
}
ODD = [
    "张三、李四（50%）/王五",
    "本人：13900000001；配偶：13900000002",
    "1-1-101",
    "3栋2单元1501",
    "商铺01",
    "S-",
    "99010119900101001X",
    "18999999999",
    "2009年6月",
    "2010.13.45",
    "约89.5㎡",
    "√",
    "／",
    "示例",
    "合计",
    "=1+1",
    "#N/A",
    "「",
    "」「",
    "（",
    "50%",
    "1/0",
    "；：；",
    "\ud800",
    "\x00",
    "\u202e",
    "٣",
    "²",
    "Ⅻ",
    "𠮷",
    "1e309",
    "-0",
    "粤B·D10234",
    "0" * 70,
    "张" * 600,
]
CELLS = st.one_of(
    st.none(),
    st.sampled_from(ODD),
    st.text(max_size=12),
    st.text("张三李四、，；：（）/0123456789.%-栋单元室 \n「」Xx是无", max_size=16),
    st.integers(-(10**19), 10**19),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
)
MARKS = st.sampled_from(["error:#N/A:", "error:#N/A:x", "formula::", "formula:=A1:7", "number:x:y", "text:a:b"])


@st.composite
def books(draw, kind):
    """A workbook whose headings are those of the kind and anything else, with anything below."""
    labels = [column.label for column in kind.columns]
    sheets = []
    for name in draw(st.lists(st.sampled_from(["Sheet1", "3栋", "合计", "表[A:B]", "/"]), min_size=1, unique=True)):
        headings = draw(st.lists(st.one_of(st.sampled_from(labels), CELLS), max_size=8))
        rows = draw(st.lists(st.lists(CELLS, max_size=9), max_size=5))
        needed = [next(iter(group)) for group in kind.required]
        complete = draw(st.booleans())
        first = [kind.column(identifier).label for identifier in needed] if complete else []
        marks = draw(st.dictionaries(st.tuples(st.integers(1, 6), st.integers(1, 9)), MARKS, max_size=2))
        table = [[*first, *headings], *rows]
        sheets.append(Sheet(name, table, draw(st.booleans()), marks, frozenset(draw(st.sets(st.integers(1, 5))))))
    return Workbook(tuple(sheets))


PLACES = st.tuples(st.sampled_from(["Sheet1", "3栋", "没有"]), st.integers(0, 7))
CHOICES = st.builds(
    Choices,
    mode=st.sampled_from(list(ImportMode)),
    ends_on=st.one_of(st.none(), st.dates()),
    reads_hidden_rows=st.booleans(),
    sheets=st.dictionaries(
        st.sampled_from(["Sheet1", "3栋"]),
        st.builds(
            SheetChoice,
            is_read=st.booleans(),
            header_row=st.sampled_from([None, 0, 1, 2, 40]),
            columns=st.dictionaries(
                st.sampled_from(["A", "B", "C", "ZZ"]),
                st.sampled_from([None, "room", "owners", "phones", "+note", "amount", "没有"]),
                max_size=3,
            ),
        ),
        max_size=1,
    ),
    rooms=st.dictionaries(st.sampled_from(["N-N", "N-N-N"]), st.sampled_from(["building-room", "x"]), max_size=2),
    edits=st.dictionaries(
        st.tuples(st.sampled_from(["Sheet1", "3栋"]), st.integers(0, 9), st.sampled_from(["A", "B", "C", "ZZ"])),
        st.sampled_from(ODD),
        max_size=2,
    ),
    answers=st.dictionaries(PLACES, st.sampled_from(["new", "1", "x/y", "@2.0@Sheet1", ""]), max_size=2),
)


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cell_content_and_no_choice_makes_the_importer_raise(name, monkeypatch, data):
    """A file may be refused as a whole, with a sentence; else every row is taken, refused or in conflict."""
    kind = kind_named(name)
    book, choices = data.draw(books(kind)), data.draw(CHOICES)
    monkeypatch.setattr(reading, "open_workbook", lambda *_: book)
    try:
        found = reading.read(b"", "名册.xlsx", kind, choices=choices)
    except Refusal:
        return
    json.dumps(found.understood())
    if found.shortfall:
        assert not found.records
        return
    plan = kind.plan(found.records, EMPTY[name], TODAY, choices)
    json.dumps([row.as_json() for row in plan.rows])
    json.dumps([cell.as_json() for cell in plan.refused])
    read = [row for row in plan.rows if row.is_in_file]
    assert len(read) == len(found.records)
    in_trouble = {(row.sheet, row.row) for row in read if row.outcome in {Outcome.REFUSED, Outcome.CONFLICT}}
    assert {(cell.sheet, cell.row) for cell in plan.refused} == in_trouble
    twin = kind.plan(found.records, EMPTY[name], TODAY, choices)
    assert [row.digest for row in twin.rows] == [row.digest for row in plan.rows]


@given(CHOICES)
@settings(max_examples=200, deadline=None)
def test_choices_are_kept_as_they_are(choices):
    assert Choices.from_json(json.loads(json.dumps(choices.as_json()))) == choices


SHEET = (
    *("房号", "业主姓名", "联系电话", "身份证号", "电子邮箱", "建筑面积", "交房日期", "产权登记日期"),
    *("住户姓名", "住户电话", "与业主关系", "备注"),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1-1-101", "1栋1单元102", "S01", "坏", None]),
        st.sampled_from(["张三", "李四", "张三、李四", "张三、王五（30%）", "张三（60%）、李四（40%）", "未售", None]),
        st.sampled_from([None, phone_of(1), phone_of(2), f"{phone_of(1)}、{phone_of(3)}", f"配偶：{phone_of(2)}"]),
        st.sampled_from([None, None, id_of(1), id_of(2), f"张三：{id_of(1)}", f"{id_of(3)}、{id_of(4)}", "1" * 18]),
        st.sampled_from([None, "a@home.invalid", "B@home.invalid"]),
        st.sampled_from([None, 80, "90㎡", "不详", "坏的"]),
        st.sampled_from([None, "2015-06-01", "2030.1.1"]),
        st.sampled_from([None, "2015-06-01", "2026-12-01"]),
        st.sampled_from([None, "赵六", "赵六、孙七", "张三"]),
        st.sampled_from([None, phone_of(6), phone_of(7)]),
        st.sampled_from([None, "租户", "家属"]),
        st.sampled_from([None, "甲", "乙"]),
    ),
    max_size=5,
)
WAYS = st.builds(
    Choices,
    mode=st.sampled_from(list(ImportMode)),
    ends_on=st.sampled_from([None, TODAY, dt.date(2026, 1, 1), dt.date(2010, 1, 1)]),
)


@given(ROWS, ROWS, WAYS)
@settings(max_examples=250, deadline=None)
def test_a_plan_carried_out_leaves_nothing_to_do_in_any_mode(before, rows, choices):
    """What was a question may be answered by what the other rows brought; then once more, and never for ever."""
    state = carried_out(NOTHING, planned_rows(SHEET, *before))
    plan = planned_rows(SHEET, *rows, state=state, choices=choices)
    for _ in range(1 + plan.counts["rows"]["conflict"]):
        state = carried_out(state, plan)
        plan = planned_rows(SHEET, *rows, state=state, choices=choices)
    assert plan.is_empty, [fact for row in plan.rows for fact in row.facts if fact.outcome != "same"]


@given(ROWS, ROWS, WAYS, st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_answers_carried_out_leave_no_id_twice_and_no_unit_without_its_owners(before, rows, choices, chance):
    """Every doubt is answered at random by one of its candidates; the office stays as the tables demand."""
    state = carried_out(NOTHING, planned_rows(SHEET, *before))
    answers: dict[tuple[str, int], str] = {}
    for _ in range(8):
        answered = Choices(mode=choices.mode, ends_on=choices.ends_on, answers=answers)
        plan = planned_rows(SHEET, *rows, state=state, choices=answered)
        open_rows = [row for row in plan.rows if row.candidates]
        if not open_rows:
            break
        row = open_rows[0]
        answers[row.sheet, row.row] = chance.choice(row.candidates)[0]
    after = carried_out(state, plan)
    documents = [owner.id_number for owner in after.owners if owner.id_number]
    assert len(documents) == len(set(documents))
    pairs = [(one.unit_id, one.owner_id) for one in after.ownerships]
    assert len(pairs) == len(set(pairs))
    assert all(0 < one.share <= 1 for one in after.ownerships)


@given(ROWS, ROWS)
@settings(max_examples=200, deadline=None)
def test_filling_never_changes_what_is_there(before, rows):
    state = carried_out(NOTHING, planned_rows(SHEET, *before))
    plan = planned_rows(SHEET, *rows, state=state, choices=Choices(mode=ImportMode.FILL))
    olds = [
        (change.label, change.old)
        for row in plan.rows
        for fact in row.facts
        if fact.outcome is Outcome.CHANGED
        for change in fact.changes
    ]
    assert {label for label, old in olds if old} <= {"交房状态"}
