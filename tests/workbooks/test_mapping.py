"""How columns are told apart: by hand, by the layout, by the office's words, by what stands below them."""

import io

import openpyxl
import pytest

from importers.choices import NOTE, Choices, SheetChoice
from importers.headings import Words, Written
from importers.mapping import Vocabulary
from importers.reading import read
from importers.sheets.kinds import kind_named
from workbooks import builders
from workbooks.builders import id_of, phone_of
from workbooks.pure import ROSTER, planned, readable, spelled

ODD = ["号数", "客", "手提", "证件", "宠物", "车位"]


def odd(rows=6):
    """A table whose headings nobody knows."""
    names = ["王小明", "李小红", "张大山", "刘海燕", "陈国强", "杨柳青"]
    lines = [
        [f"3-2-{101 + n}", names[n % 6], phone_of(n + 1), id_of(n + 1), "猫" if n % 2 else None, f"B1-{n:03d}"]
        for n in range(rows)
    ]
    return builders.workbook(ODD, *lines, title="表")


def sheets(reading):
    return {sheet["name"]: sheet for sheet in reading.understood()["sheets"]}


def columns(reading, sheet="表"):
    return {column["heading"]: column for column in sheets(reading)[sheet]["columns"]}


def chosen(columns=None, *, header_row=None, is_read=True, sheet="表", **more):
    return Choices(sheets={sheet: SheetChoice(is_read=is_read, header_row=header_row, columns=columns or {})}, **more)


def test_a_file_whose_columns_nobody_knows_waits_to_be_mapped():
    reading = read(odd(), "名册.xlsx", ROSTER)
    assert not reading.is_ready
    assert reading.records == []
    assert "「房号」" in reading.shortfall.message
    assert sheets(reading)["表"]["top"][0] == ODD


def test_nothing_is_taken_on_a_suggestion_alone():
    choices = chosen({"A": "room", "B": "owners"}, header_row=1)
    reading = read(odd(), "名册.xlsx", ROSTER, choices=choices)
    assert reading.is_ready
    assert columns(reading)["手提"] | {"samples": []} == {
        "letter": "C",
        "heading": "手提",
        "identifier": None,
        "suggestion": "phones",
        "confidence": 75,
        "source": "suggested",
        "samples": [],
    }
    assert columns(reading)["证件"]["suggestion"] == "documents"
    assert all("phones" not in record.source.values for record in spelled(reading))


def test_what_people_choose_is_read_and_said_to_be_chosen():
    choices = chosen({"A": "room", "B": "owners", "C": "phones", "D": None}, header_row=1)
    reading = read(odd(), "名册.xlsx", ROSTER, choices=choices)
    assert [record.owners[0].phones[0][0] for record in spelled(reading)][:2] == [phone_of(1), phone_of(2)]
    assert columns(reading)["手提"]["source"] == "chosen"
    assert (columns(reading)["证件"]["identifier"], columns(reading)["证件"]["source"]) == (None, "chosen")
    assert columns(reading)["证件"]["suggestion"] is None


def test_a_heading_nearly_like_a_known_one_is_suggested_with_its_likeness():
    content = builders.workbook(
        ["房间号码", "业主的姓名", "业主手机号码", "购房面积"], ["3-2-101", "王小明", phone_of(1), 88.5], title="表"
    )
    found = columns(read(content, "名册.xlsx", ROSTER))
    assert {heading: column["suggestion"] for heading, column in found.items()} == {
        "房间号码": "room",
        "业主的姓名": "owners",
        "业主手机号码": "phones",
        "购房面积": "area",
    }
    assert all(60 <= column["confidence"] < 100 for column in found.values())


def test_a_known_heading_over_values_that_do_not_suit_it_is_doubted():
    rows = [[f"1-1-{n}", "王小明", "看门"] for n in range(101, 111)]
    content = builders.workbook(["房号", "业主姓名", "联系电话"], *rows, title="表")
    found = columns(read(content, "名册.xlsx", ROSTER))
    assert found["房号"]["confidence"] == 100
    assert found["联系电话"]["confidence"] == 50


def test_columns_are_told_by_their_values_where_there_is_no_header():
    table = [
        [f"3-2-{101 + n}", name, phone_of(n), id_of(n), 80.25 + n]
        for n, name in enumerate(["王小明", "李小红", "张大山"])
    ]
    content = builders.workbook(*table, title="表")
    assert sheets(read(content, "名册.xlsx", ROSTER))["表"]["header_row"] is None
    reading = read(content, "名册.xlsx", ROSTER, choices=chosen(header_row=0))
    assert not reading.is_ready
    found = columns(reading)
    assert [found[f"{letter} 列"]["suggestion"] for letter in "ABCDE"] == [
        "room",
        "owners",
        "phones",
        "documents",
        "area",
    ]
    mapped = chosen({"A": "room", "B": "owners", "C": "phones", "D": "documents"}, header_row=0)
    reading = read(content, "名册.xlsx", ROSTER, choices=mapped)
    assert [record.key.number for record in spelled(reading)] == ["3-2-101", "3-2-102", "3-2-103"]
    assert [record.source.row for record in spelled(reading)] == [1, 2, 3]


def test_the_header_is_where_people_say_it_is():
    content = builders.workbook(
        ["房号", "业主姓名"], ["旧表", "作废"], ["号", "姓名"], ["1-1-101", "王小明"], title="表"
    )
    reading = read(content, "名册.xlsx", ROSTER, choices=chosen({"A": "room"}, header_row=3))
    assert [(record.key.number, record.owners[0].name) for record in spelled(reading)] == [("1-1-101", "王小明")]


@pytest.mark.parametrize("row", [99, 10**6])
def test_a_header_below_the_sheet_leaves_it_to_be_mapped(row):
    reading = read(odd(), "名册.xlsx", ROSTER, choices=chosen(header_row=row))
    assert not reading.is_ready
    assert sheets(reading)["表"]["header_row"] is None


def test_columns_people_wish_to_keep_stand_in_the_note_under_their_headings():
    choices = chosen({"A": "room", "B": "owners", "E": NOTE, "F": NOTE}, header_row=1)
    reading = read(odd(2), "名册.xlsx", ROSTER, choices=choices)
    assert [record.note for record in spelled(reading)] == ["车位：B1-000", "宠物：猫；车位：B1-001"]


def test_what_is_kept_stands_behind_the_note_of_the_row_itself():
    content = builders.workbook(
        ["房号", "业主姓名", "备注", "车位"], ["1-1-101", "王小明", "常年出差", "B1-1"], title="表"
    )
    [record] = spelled(read(content, "名册.xlsx", ROSTER, choices=chosen({"D": NOTE})))
    assert record.note == "常年出差；车位：B1-1"


def test_a_note_that_grows_too_long_is_refused_at_the_cell_that_is_kept():
    content = builders.workbook(
        ["房号", "业主姓名", "备注", "车位"], ["1-1-101", "王小明", "长" * 400, "位" * 100], title="表"
    )
    [record] = spelled(read(content, "名册.xlsx", ROSTER, choices=chosen({"D": NOTE})))
    assert [(cell.code, cell.column) for cell in record.faults] == [("too_long", "D")]


def test_a_column_the_kind_does_not_have_cannot_be_chosen():
    reading = read(builders.plain(), "名册.xlsx", ROSTER, choices=chosen({"A": "salary"}, sheet="业主名册"))
    assert columns(reading, "业主名册")["楼栋"]["identifier"] == "building"


def test_the_offices_own_word_for_a_column_goes_before_the_products():
    content = builders.workbook(["房号", "业主姓名", "手提"], ["1-1-101", "王小明", phone_of(1)], title="表")
    taught = Vocabulary(aliases={"手提": "phones"})
    reading = read(content, "名册.xlsx", ROSTER, vocabulary=taught)
    assert columns(reading)["手提"]["source"] == "alias"
    assert spelled(reading)[0].owners[0].phones[0][0] == phone_of(1)
    overruled = Vocabulary(aliases={"业主姓名": "note"})
    assert not read(content, "名册.xlsx", ROSTER, vocabulary=overruled).is_ready


def remembered(reading):
    [layout] = reading.layouts()
    return Vocabulary(layouts={layout["fingerprint"]: {name: layout[name] for name in ("columns", "rooms")}})


def test_a_layout_once_mapped_is_read_the_same_way_without_a_word():
    choices = chosen({"A": "room", "B": "owners", "C": "phones", "D": None, "F": NOTE}, header_row=1)
    taught = remembered(read(odd(2), "名册.xlsx", ROSTER, choices=choices))
    reading = read(odd(5), "别的名字.xlsx", ROSTER, vocabulary=taught)
    assert reading.is_ready
    assert [column["source"] for column in columns(reading).values()] == ["layout"] * 4 + [None, "layout"]
    assert spelled(reading)[4].note == "车位：B1-004"
    assert columns(reading)["证件"]["identifier"] is None


def test_a_layout_is_found_wherever_its_header_stands():
    choices = chosen({"A": "room", "B": "owners"}, header_row=1)
    taught = remembered(read(odd(2), "名册.xlsx", ROSTER, choices=choices))
    book = openpyxl.load_workbook(io.BytesIO(odd(3)))
    book.active.insert_rows(1, 2)
    book.active["A1"] = "云山苑"
    reading = read(builders.saved(book), "名册.xlsx", ROSTER, vocabulary=taught)
    assert sheets(reading)["表"]["header_row"] == 3
    assert len(reading.records) == 3


def test_what_is_chosen_now_goes_before_what_was_remembered():
    taught = remembered(read(odd(2), "名册.xlsx", ROSTER, choices=chosen({"A": "room", "B": "owners"}, header_row=1)))
    choices = chosen({"C": "phones", "B": "owners"})
    reading = read(odd(2), "名册.xlsx", ROSTER, choices=choices, vocabulary=taught)
    assert [column["source"] for column in columns(reading).values()][:3] == ["layout", "chosen", "chosen"]


def test_the_column_of_reasons_in_a_corrected_workbook_changes_no_layout():
    def table(*more):
        return builders.workbook([*ODD, *more], ["3-2-101", "王小明", None, None, None, None, "看不懂"], title="表")

    choices = chosen({"A": "room", "B": "owners"}, header_row=1)
    taught = remembered(read(table(), "名册.xlsx", ROSTER, choices=choices))
    reading = read(table("错误原因"), "名册.xlsx", ROSTER, vocabulary=taught)
    assert reading.is_ready
    assert "错误原因" not in columns(reading)


def test_a_sheet_people_untick_is_not_read_and_one_they_tick_must_be_complete():
    content = builders.with_a_sheet_per_building()
    reading = readable(content, choices=chosen(sheet="8栋", is_read=False))
    assert {record.key.building for record in spelled(reading)} == {"7"}
    assert "8栋" in "".join(reading.notices)
    insisted = read(content, "名册.xlsx", ROSTER, choices=chosen(sheet="说明"))
    assert not insisted.is_ready


def test_a_hidden_sheet_is_read_when_people_say_so():
    content = builders.with_a_sheet_per_building()
    asked = sheets(read(content, "名册.xlsx", ROSTER))["旧名册"]
    assert (asked["is_hidden"], asked["is_read"], asked["header_row"]) == (True, False, 1)
    reading = readable(content, choices=chosen(sheet="旧名册"))
    assert "1-1-1" in {record.key.number for record in spelled(reading)}


def test_hidden_rows_are_left_out_when_people_say_so():
    content = builders.with_hidden_rows_and_merges()
    assert sheets(read(content, "名册.xlsx", ROSTER))["Sheet"]["hidden_rows"] == 1
    reading = readable(content, choices=Choices(reads_hidden_rows=False))
    assert [record.place[1] for record in spelled(reading)] == [2, 4, 5, 6]
    assert "1 行被隐藏或筛选掉，没有读取" in "".join(reading.notices)


def test_a_cell_put_right_by_hand_is_read_in_place_of_what_the_file_says():
    content = builders.with_hidden_rows_and_merges()
    edits = {("Sheet", 5, "D"): "81", ("Sheet", 6, "D"): "82", ("Sheet", 2, "C"): "", ("Sheet", 999, "A"): "x"}
    reading = readable(content, choices=Choices(edits=edits))
    assert [(record.place[1], str(record.area), len(record.owners)) for record in spelled(reading)] == [
        (2, "80.00", 0),
        (3, "81.00", 1),
        (4, "82.00", 1),
        (5, "81.00", 1),
        (6, "82.00", 1),
    ]


BLOCKS = [
    ["房号", "业主", "电话", "房号", "业主", "电话", "房号", "业主", "电话"],
    ["1-101", "王一", phone_of(1), "2-101", "李一", phone_of(3), "3-101", "张一", phone_of(5)],
    ["1-102", "王二", phone_of(2), "2-102", "李二", phone_of(4), None, None, None],
    ["合计", None, None, "2-103", "李三", None, None, None, None],
]


def test_three_tables_side_by_side_are_read_one_by_one():
    reading = readable(builders.workbook(*BLOCKS, title="表"))
    assert {record.key.number: record.owners[0].name for record in spelled(reading)} == {
        "1-101": "王一",
        "1-102": "王二",
        "2-101": "李一",
        "2-102": "李二",
        "2-103": "李三",
        "3-101": "张一",
    }
    assert len({record.place for record in spelled(reading)}) == 6
    assert {mapping.sheet for mapping in reading.mappings} == {"表[A:C]", "表[D:F]", "表[G:I]"}
    assert reading.sheet == "表"
    assert "并排放着 3 个表格" in "".join(reading.notices)
    assert [column["identifier"] for column in sheets(reading)["表"]["columns"]] == ["room", "owners", "phones"] * 3


def test_tables_side_by_side_share_what_stands_before_the_first():
    header = ["楼栋", "楼层", "房号", "业主", "房号", "业主"]
    content = builders.workbook(header, ["5栋", 1, "101", "王一", "102", "李一"], ["6栋", 1, "101", "王二", None, None])
    plan = planned(content)
    assert sorted(row.name for row in plan.rows) == ["5-101", "5-102", "6-101"]


def test_readings_of_rooms_stand_side_by_side_as_rosters_do():
    rows = [["房号", "本期读数", "抄表日期"] * 2, ["1-101", 12, "2026-11-20", "1-102", 15, "2026-11-20"]]
    reading = read(builders.workbook(*rows, title="表"), "抄表.xlsx", kind_named("meters"))
    assert [mapping.sheet for mapping in reading.mappings] == ["表[A:C]", "表[D:F]"]
    assert len(reading.records) == 2


@pytest.mark.parametrize(("kind", "identifier"), [("roster", "room"), ("arrears", "room"), ("meters", "room")])
def test_a_heading_that_names_the_whole_key_stands_for_its_decisive_column(kind, identifier):
    words = Words(kind_named(kind), Vocabulary())
    assert words.meaning(Written("楼栋/单元/房号")).identifier == identifier
    assert words.meaning(Written("楼栋/单元")) is None


def test_a_cell_of_a_table_side_by_side_is_put_right_by_its_letter():
    edits = {("表[D:F]", 4, "E"): "李四"}
    reading = readable(builders.workbook(*BLOCKS, title="表"), choices=Choices(edits=edits))
    assert "李四" in {record.owners[0].name for record in spelled(reading)}


def test_notes_and_reasons_right_of_tables_side_by_side_keep_their_place():
    rows = [[*line, None, "说明"] for line in BLOCKS]
    rows[0][-1] = "错误原因"
    tables = readable(builders.workbook(*rows, title="表")).tables
    assert len(tables) == 3
    assert all(table.rows[0][-1] == "错误原因" for table, _ in tables)
    assert all(len(table.rows[1]) == 11 and table.rows[1][-1] is None for table, _ in tables)


def test_a_second_column_of_rooms_in_one_table_makes_no_second_table():
    content = builders.workbook(["房号", "业主", "房屋坐落", "面积"], ["1-101", "王一", "云山路 1 号", 80], title="表")
    reading = readable(content)
    assert len(reading.tables) == 1
    assert spelled(reading)[0].area == 80


def test_blocks_and_notes_beside_the_table_are_left_out():
    content = builders.workbook(
        ["房号", "业主", None, "填表说明", "楼栋户数"],
        ["1-101", "王一", None, "请如实填写", 20],
        [None, None, None, "谢谢", 30],
    )
    reading = readable(content)
    assert len(reading.records) == 1


GROUPED = [
    ["房屋信息", None, None, "业主信息", None, "紧急联系人", None],
    ["楼栋", "房号", "面积", "姓名", "电话", "姓名", "电话"],
    ["3栋", "101", 80, "王一", phone_of(1), "李急", phone_of(9)],
]


def test_headings_under_a_wider_one_are_read_with_it_and_another_persons_are_not_the_owners():
    reading = readable(builders.workbook(*GROUPED, title="表"))
    [record] = spelled(reading)
    assert [(owner.name, owner.phones) for owner in record.owners] == [("王一", ((phone_of(1), ""),))]
    assert [column["identifier"] for column in sheets(reading)["表"]["columns"]][-2:] == [None, None]


def test_suggestions_speak_of_no_column_twice():
    content = builders.workbook(
        ["房号", "业主姓名", "手机甲", "手机乙"], ["1-101", "王一", phone_of(1), phone_of(2)], title="表"
    )
    found = columns(read(content, "名册.xlsx", ROSTER))
    assert found["手机甲"]["suggestion"] == "phones"
    assert found["手机乙"]["suggestion"] != "phones"
