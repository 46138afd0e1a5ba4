"""Where a table begins and what stands above its columns, whatever else stands on the sheet."""

import datetime as dt
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.choices import NOTE, Choices, SheetChoice
from importers.headings import Words, Written, header_row, written_headings
from importers.mapping import Vocabulary, block_name, comparable, fingerprint, tab_of
from importers.reading import read
from importers.sheets.kinds import KINDS, kind_named
from importers.suggestions import likely_header
from importers.tables import tab_of_sheet
from importers.understanding import MOST_SUGGESTED, sheet_understood, sheets_understood
from importers.workbook import Sheet, open_workbook
from workbooks import builders
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


def test_a_book_of_nonsense_is_looked_at_for_so_long_and_its_plain_headers_still_found():
    words = Words(ROSTER, Vocabulary({"手提": "phones"}))
    words.patience = 500
    nonsense = [[f"{chr(0x4E00 + row)}{chr(0x4F00 + column)}" for column in range(40)] for row in range(30)]
    assert tab_of_sheet(sheet(*nonsense), ROSTER, words, Choices(), Vocabulary()).mapping is None
    assert words.patience == 0
    named = sheet(*nonsense[:3], ["房号", "业主姓名", "手提"], ["1-1-101", "王小明", "19900000001"])
    mapping = tab_of_sheet(named, ROSTER, words, Choices(), Vocabulary()).mapping
    assert (mapping.row, set(mapping.columns)) == (4, {"room", "owners", "phones"})


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
    assert [heading[:2] for heading in written_headings(rows, 2)] == [
        ("楼栋", ""),
        ("房号", ""),
        ("姓名", "业主信息"),
        ("电话", "业主信息"),
        ("备注", ""),
        ("面积", ""),
    ]


def test_a_heading_that_stands_over_a_blank_counts_and_a_title_does_not():
    assert [heading.text for heading in written_headings(sheet(["楼栋", "房号", "业主"], [None, None, "姓名"]), 2)] == [
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


def test_suggestions_are_sought_for_so_many_columns_of_a_book_and_no_more():
    rows = [["房号", "业主姓名", *[f"登记{place}" for place in range(30)]], ["1-1-101", "张三", *["13900000001"] * 30]]
    tabs = [
        tab_of_sheet(replace(sheet(*rows), name=f"{number}栋"), ROSTER, WORDS, Choices(), Vocabulary())
        for number in range(1, 31)
    ]
    listed = sheets_understood(tabs, WORDS, Choices())
    offered = [any(column["suggestion"] for column in one["columns"]) for one in listed]
    assert offered.count(True) == -(-MOST_SUGGESTED // 30)
    assert offered == sorted(offered, reverse=True)
    assert all(len(one["columns"]) == 32 for one in listed)


def test_a_date_over_a_table_is_no_heading():
    rows = [[dt.date(2026, 1, 1), None], ["房号", "业主"], ["1-1-101", "王小明"]]
    assert found(*rows) == 2


PHONES = ["楼栋", "房号", "业主姓名", "联系电话", None, "备注"]


def named_in(*rows, spans):
    """Return letter → identifier of the columns that are found."""
    tab = tab_of_sheet(sheet(*rows, spans=spans), ROSTER, WORDS, Choices(), Vocabulary())
    return {heading.letter: heading.identifier for heading in tab.mapping.headings}, tab


def test_a_heading_in_one_cell_over_two_columns_names_both():
    row = ["1栋", "101", "王小明", "19900000001", "0755-26543210", None]
    named, _ = named_in(PHONES, row, spans=((1, 1, 4, 5),))
    assert named == {"A": "building", "B": "room", "C": "owners", "D": "phones", "E": "more_phones", "F": "note"}


def test_a_heading_over_two_columns_and_two_rows_names_both():
    upper = ["房屋", None, "业主", None, None, "备注"]
    lower = ["楼栋", "房号", "姓名", None, None, None]
    upper[3] = "联系电话"
    row = ["1栋", "101", "王小明", "19900000001", "0755-26543210", None]
    named, _ = named_in(upper, lower, row, spans=((1, 1, 1, 2), (1, 2, 4, 5)))
    assert (named["D"], named["E"]) == ("phones", "more_phones")


def test_the_second_column_of_a_wide_cell_is_none_where_nothing_stands_in_it():
    named, tab = named_in(PHONES, ["1栋", "101", "王小明", "19900000001", None, "租"], spans=((1, 1, 4, 5),))
    assert "E" not in named
    assert not tab.mapping.notices


def test_a_second_column_that_cannot_be_read_beside_the_first_is_told_of():
    _, tab = named_in(
        ["房号", None, "业主姓名"], ["1-1-101", "旧 101", "王小明"], ["1-1-102", "x", "李"], spans=((1, 1, 1, 2),)
    )
    assert any("B 列「房号」" in notice for notice in tab.mapping.notices)


def test_a_title_over_all_columns_names_none_of_them():
    rows = [["业主名册", None, None, None], *TABLE]
    assert header_row(sheet(*rows, spans=((1, 1, 1, 4),)), WORDS, {}) == 2


def test_a_layout_is_the_same_with_its_cells_merged_or_not():
    merged = named_in(PHONES, PHONES, spans=((1, 1, 4, 5),))[1].mapping.fingerprint
    assert merged == named_in(PHONES, PHONES, spans=())[1].mapping.fingerprint


def test_merged_headings_are_found_in_a_real_workbook():
    book = openpyxl.Workbook()
    book.active.append(PHONES)
    book.active.append(["1栋", "101", "王小明", "19900000001", "0755-26543210", None])
    book.active.merge_cells("D1:E1")
    (opened,) = open_workbook(builders.saved(book)).sheets
    assert opened.spans == ((1, 1, 4, 5),)
    ((_, mapping),) = read(builders.saved(book), "名册.xlsx", ROSTER).tables
    assert (mapping.columns["phones"], mapping.columns["more_phones"]) == (4, 5)
