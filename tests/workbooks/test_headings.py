"""Where a table begins and what stands above its columns, whatever else stands on the sheet."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.choices import NOTE, Choices, SheetChoice
from importers.headings import Words, Written, header_row, written_headings
from importers.mapping import Vocabulary, block_name, comparable, fingerprint, tab_of
from importers.sheets.kinds import KINDS, kind_named
from importers.suggestions import likely_header
from importers.tables import tab_of_sheet
from importers.understanding import sheet_understood
from importers.workbook import Sheet
from workbooks.pure import ROSTER

WORDS = Words(ROSTER, Vocabulary())
TABLE = [["楼栋", "房号", "业主姓名", "电话"], ["1栋", "101", "王小明", "19900000001"]]


def sheet(*rows, name="表", **more):
    return Sheet(name, [list(row) for row in rows], **more)


def found(*rows, layouts=None):
    return header_row(sheet(*rows), WORDS, layouts or {})


def meant(text, group=""):
    meaning = WORDS.meaning(Written(text, group))
    return meaning.identifier if meaning else None


@pytest.mark.parametrize("above", [0, 1, 3, 29])
def test_the_header_is_found_below_any_title(above):
    assert found(*[["云山苑业主登记表"]] * above, *TABLE) == above + 1


def test_no_header_is_sought_below_the_thirtieth_row():
    assert found(*[["云山苑"]] * 30, *TABLE) is None


def test_one_known_word_makes_no_header():
    assert found(["说明", "备注"], ["请填写", "谢谢"]) is None
    assert found(["房号"], ["1-1-101"]) is None


def test_of_two_rows_the_one_that_names_more_columns_is_the_header():
    assert found(["房号", "业主", None, None], *TABLE) == 2
    assert found(*TABLE, ["房号", "业主", "电话", "备注"]) == 1


def test_a_layout_used_before_is_found_before_a_header_that_names_more():
    odd = ["号数", "客", "手提"]
    assert found(odd, ["x", "y", "z"], *TABLE, layouts={fingerprint(odd): {}}) == 1


def test_headings_nearly_known_show_the_likely_row():
    assert likely_header(sheet(["云山苑"], ["房间编码", "业主的姓名", "手机号码2"], ["1", "2", "3"]), WORDS) == 2
    assert likely_header(sheet(["天气", "心情"], ["晴", "好"]), WORDS) is None


@pytest.mark.parametrize(
    ("heading", "identifier"),
    [
        ("*房号（必填）", "room"),
        ("房 号", "room"),
        ("建筑面积(㎡)", "area"),
        ("建筑面积\n（平方米）", "area"),
        ("业主姓名/单位", "owners"),
        ("楼栋/单元/房号", "room"),
        ("Ｅ－ｍａｉｌ", "email"),
        ("收费", None),
        ("", None),
    ],
)
def test_a_heading_is_known_however_it_is_dressed(heading, identifier):
    assert meant(heading) == identifier


@pytest.mark.parametrize(
    ("group", "heading", "identifier"),
    [
        ("业主", "电话", "phones"),
        ("业主信息", "姓名", "owners"),
        ("房屋信息", "面积", "area"),
        ("基本情况", "房号", "room"),
        ("2026 年度", "备注", "note"),
        ("紧急联系人", "电话", None),
        ("紧急联系人", "姓名", None),
        ("配偶", "身份证号", None),
        ("车位信息", "面积", None),
    ],
)
def test_a_heading_is_read_together_with_the_wider_one_over_it(group, heading, identifier):
    assert meant(heading, group) == identifier


def test_a_wider_heading_spans_up_to_the_next_and_a_merged_one_stands_in_both_rows():
    rows = sheet(
        ["楼栋", "房号", "业主信息", None, "备注", None],
        ["楼栋", "房号", "姓名", "电话", "备注", "面积"],
    )
    assert written_headings(rows, 2) == [
        ("楼栋", ""),
        ("房号", ""),
        ("姓名", "业主信息"),
        ("电话", "业主信息"),
        ("备注", ""),
        ("面积", ""),
    ]


def test_a_heading_that_stands_over_a_blank_counts_and_a_title_does_not():
    assert [text for text, _ in written_headings(sheet(["楼栋", "房号", "业主"], [None, None, "姓名"]), 2)] == [
        "楼栋",
        "房号",
        "姓名",
    ]
    titled = sheet(["编制单位：东湖物业", None, "日期：2026-11-22"], [None, "房号", "业主"])
    assert [heading.text for heading in written_headings(titled, 2)] == ["", "房号", "业主"]


def test_a_layout_is_the_same_whatever_marks_and_blanks_its_headings_have():
    assert fingerprint(["*房号", "业主 姓名："]) == fingerprint(["房号", "业主姓名", "", ""])
    assert fingerprint(["房号", "业主姓名"]) != fingerprint(["业主姓名", "房号"])
    assert fingerprint(["房号", "", "业主"]) != fingerprint(["房号", "业主"])
    assert fingerprint(["", " "]) == ""


def test_a_table_beside_others_knows_its_sheet():
    assert tab_of(block_name("3栋", "F", "J")) == "3栋"
    assert tab_of("名册[2026]") == "名册[2026]"


@pytest.mark.parametrize("kind", KINDS)
def test_no_heading_of_a_kind_stands_for_two_of_its_columns(kind):
    claimed = {}
    for column in kind_named(kind).columns:
        for heading in {comparable(heading) for heading in column.headings}:
            assert claimed.setdefault(heading, column.identifier) == column.identifier, heading


HEADS = sorted({heading for column in ROSTER.columns for heading in column.headings})
TEXT = st.one_of(
    st.sampled_from([*HEADS, "示例", "合计", "错误原因", "1-1-101", "张三", "19900000001"]), st.text(max_size=12)
)
VALUE = st.one_of(
    st.none(), TEXT, st.integers(-(10**20), 10**20), st.floats(), st.booleans(), st.dates(), st.datetimes()
)
ROWS = st.lists(st.lists(VALUE, max_size=8), max_size=8)
LETTER = st.sampled_from(["A", "B", "C", "D", "H", "AAA", "ZZZZ", "a", ""])
COLUMNS = st.dictionaries(LETTER, st.sampled_from([None, NOTE, "room", "owners", "building", "salary"]), max_size=4)
CHOICE = st.builds(SheetChoice, is_read=st.booleans(), header_row=st.none() | st.integers(0, 9), columns=COLUMNS)


@settings(max_examples=200)
@given(ROWS, st.none() | CHOICE, st.booleans())
def test_no_sheet_and_no_choice_crashes_the_mapping(rows, choice, hidden):
    choices = Choices(sheets={"表": choice} if choice else {}, rooms={"N-N": "section-room"})
    tab = tab_of_sheet(sheet(*rows, hidden=hidden), ROSTER, WORDS, choices, Vocabulary())
    shown = sheet_understood(tab, WORDS, choices)
    letters = [column["letter"] for column in shown["columns"]]
    assert len(letters) == len(set(letters))
    for table, mapping in tab.tables:
        assert {"room", "owners"} <= mapping.columns.keys()
        assert tab_of(table.name) == "表"
        assert all(0 < place <= 512 for place in mapping.columns.values())
    assert all(0 <= column["confidence"] <= 100 for column in shown["columns"])
    tab.layout()


def test_a_date_over_a_table_is_no_heading():
    rows = [[dt.date(2026, 1, 1), None], ["房号", "业主"], ["1-1-101", "王小明"]]
    assert found(*rows) == 2
