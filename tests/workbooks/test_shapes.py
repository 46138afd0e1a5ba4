"""Rosters as offices have them, each with the plan it must come to."""

import io

import openpyxl
import pytest

from importers.reading import read
from importers.roster.state import RosterState
from tenant.errors import Refusal
from workbooks import builders
from workbooks.builders import id_of, phone_of
from workbooks.pure import ROSTER, brought, carried_out, planned, readable, spelled


def counts(plan):
    return {name: tuple(counted.values()) for name, counted in plan.counts.items()}


def owners_by_unit(plan):
    """Return unit → the owners it would have, each with phone, other phones and ID."""
    state = carried_out(RosterState(), plan)
    owners = {owner.id: owner for owner in state.owners}
    numbers = {unit.id: number for number, unit in state.units.items()}
    found = {number: [] for number in state.units}
    for ownership in state.ownerships:
        owner = owners[ownership.owner_id]
        found[numbers[ownership.unit_id]].append((owner.name, owner.phone, owner.other_phones, owner.id_number))
    return found


SHAPES = {
    "plain": (builders.plain, (4, 0, 0), (3, 0, 0), (3, 0, 0), (4, 0, 0)),
    "title, side notes, blank rows, wrong dimension": (
        builders.with_title_and_side_notes,
        (3, 0, 0),
        (2, 0, 0),
        (2, 0, 0),
        (3, 0, 0),
    ),
    "several in a cell": (builders.with_several_in_a_cell, (6, 0, 0), (10, 0, 0), (10, 0, 0), (6, 0, 0)),
    "numbers for IDs": (builders.with_numbers_for_ids, (1, 0, 0), (1, 0, 0), (1, 0, 0), (3, 2, 0)),
    "a sheet per building": (builders.with_a_sheet_per_building, (4, 0, 0), (4, 0, 0), (4, 0, 0), (4, 0, 0)),
    "hidden rows and merges": (builders.with_hidden_rows_and_merges, (3, 0, 0), (3, 0, 0), (3, 0, 0), (5, 2, 0)),
    "a far cell": (builders.far_cell, (1, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0)),
    "one huge merge": (builders.huge_merge, (1, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0)),
    "text in GB18030": (lambda: builders.as_csv("gb18030"), (2, 0, 0), (3, 0, 0), (3, 0, 0), (2, 0, 0)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_comes_to_its_plan(shape):
    make, units, owners, ownerships, rows = SHAPES[shape]
    expected = {"units": units, "owners": owners, "ownerships": ownerships, "occupants": (0, 0, 0), "rows": rows}
    assert counts(planned(make())) == expected


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_applied_is_all_the_same_afterwards(shape):
    content = SHAPES[shape][0]()
    plan = planned(content)
    again = planned(content, carried_out(RosterState(), plan))
    assert again.is_empty
    assert again.counts["rows"] == plan.counts["rows"]
    for name in ("units", "owners", "ownerships"):
        assert again.counts[name] == {"new": 0, "changed": 0, "same": plan.counts[name]["new"]}


def test_several_in_a_cell_each_get_what_is_theirs():
    assert owners_by_unit(planned(builders.with_several_in_a_cell())) == {
        "5-1-101": [("张伟", phone_of(21), None, id_of(21)), ("王芳", phone_of(22), None, id_of(22))],
        "5-1-102": [("刘洋", phone_of(23), None, id_of(23)), ("陈静", phone_of(24), None, id_of(24))],
        "5-201": [("杨光", phone_of(25), None, None), ("黄河", phone_of(26), None, None)],
        "5-1-202": [("周全", phone_of(27), None, None), ("吴边", None, None, None)],
        "S08": [("远山商贸有限公司", "0755-26543210-801", None, None)],
        "5-1-301": [("郑和", phone_of(28), f"配偶：{phone_of(29)}", id_of(28))],
    }


def test_samples_totals_and_placeholders_are_left_out_and_told():
    reading = read(builders.with_title_and_side_notes(), "名册.xlsx", ROSTER)
    assert [record.key.number for record in spelled(reading)] == ["1-1-101", "1-1-102", "1-1-201"]
    told = "".join(reading.notices)
    assert "第 4 行是示例" in told
    assert "第 9 行是合计" in told
    assert "1 个占位号码" in told
    assert owners_by_unit(planned(builders.with_title_and_side_notes()))["1-1-102"] == [("赵六", None, None, None)]


def test_headings_that_are_not_read_are_shown():
    [(_, mapping)] = read(builders.with_title_and_side_notes(), "名册.xlsx", ROSTER).tables
    assert mapping.row == 3
    assert {heading.text: heading.identifier for heading in mapping.headings} == {
        "序号": None,
        "栋号": "building",
        "单元": "section",
        "室号": "room",
        "产权人": "owners",
        "手机": "phones",
        "证件号码": "documents",
        "面积(㎡)": "area",
        "房屋类型": "usage",
        "填表说明": None,
    }


def test_sheets_without_a_table_and_hidden_ones_are_told():
    told = "".join(read(builders.with_a_sheet_per_building(), "名册.xlsx", ROSTER).notices)
    assert "说明" in told
    assert "旧名册" in told
    assert set(owners_by_unit(planned(builders.with_a_sheet_per_building()))) == {
        "7-1-101",
        "7-2-101",
        "8-1-101",
        "8-2-101",
    }


def test_merged_hidden_broken_and_uncounted_cells():
    plan = planned(builders.with_hidden_rows_and_merges())
    assert [row.name for row in plan.rows] == ["9-101", "9-102", "9-103", "10-101", "10-102"]
    assert [(cell.row, cell.column, cell.code) for cell in plan.refused] == [
        (5, "D", "formula_unsaved"),
        (6, "D", "cell_error"),
    ]
    assert plan.refused[1].value == "#N/A"
    assert "隐藏" in "".join(read(builders.with_hidden_rows_and_merges(), "名册.xlsx", ROSTER).notices)


@pytest.mark.parametrize(
    ("rows", "code", "named"),
    [
        ([["今天天气不错"], ["随便写写"]], "header_missing", "「房号」"),
        ([["楼栋", "单元", "业主姓名", "电话"], ["1栋", "1", "张三", "1"]], "columns_missing", "「房号」"),
        ([["楼栋", "单元", "房号", "电话"], ["1栋", "1", "101", "1"]], "columns_missing", "「业主姓名」"),
        ([["楼栋", "房号", "业主姓名"]], "rows_missing", "表头下面"),
        ([["楼栋", "房号", "业主姓名"], ["示例", "101", "张三"]], "rows_missing", "示例"),
        ([], "sheet_empty", "「房号」"),
    ],
)
def test_a_sheet_without_what_is_needed_is_refused_by_name(rows, code, named):
    with pytest.raises(Refusal) as refused:
        readable(builders.workbook(*rows))
    assert refused.value.code == code
    assert named in refused.value.message


def test_a_header_is_found_within_thirty_rows_and_not_below():
    above = [["云山苑"]] * 29
    table = [["房号", "业主姓名"], ["1-1-101", "张三"]]
    assert planned(builders.workbook(*above, *table)).counts["rows"]["read"] == 1
    with pytest.raises(Refusal):
        readable(builders.workbook(*above, ["物业"], *table))


def test_a_header_repeated_on_each_printed_page_is_no_record():
    header = ["楼栋", "房号", "业主姓名"]
    plan = planned(builders.workbook(header, ["1栋", "101", "张三"], header, ["1栋", "102", "李四"]))
    assert [row.name for row in plan.rows] == ["1-101", "1-102"]


@pytest.mark.parametrize("heading", ["*房号（必填）", "房 号", "房号：", "室号", "房间号"])
def test_headings_are_known_however_they_are_dressed(heading):
    assert planned(builders.workbook([heading, "户主"], ["1-1-101", "张三"])).counts["units"]["new"] == 1


def test_a_second_phone_column_is_read_too_and_a_third_is_told():
    content = builders.workbook(
        ["房号", "业主", "电话", "手机", "联系方式"], ["1-1-101", "张三", phone_of(1), phone_of(2), phone_of(3)]
    )
    assert owners_by_unit(planned(content)) == {"1-1-101": [("张三", phone_of(1), phone_of(2), None)]}
    assert "E 列「联系方式」" in "".join(read(content, "名册.xlsx", ROSTER).notices)


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (["1栋", "1", None, "张三", None, None], "C", "missing"),
        ([None, None, "1501", "张三", None, None], "C", "building_missing"),
        (["3栋", None, "2-1-101", "张三", None, None], "C", "unit_parts_differ"),
        (["1栋", "1", "101", None, phone_of(1), None], "E", "owner_missing"),
        (["1栋", "1", "101", "张三、李四", None, id_of(1)], "F", "id_owner_unknown"),
        (["1栋", "1", "101", "张三", None, f"王五：{id_of(1)}"], "F", "id_owner_unknown"),
        (["1栋", "1", "101", "张三、李四", None, f"张三：{id_of(1)}，李四：{id_of(1)}"], "F", "id_owner_unknown"),
    ],
)
def test_what_only_the_whole_row_shows_is_refused_at_its_cell(row, column, code):
    header = ["楼栋", "单元", "房号", "业主姓名", "电话", "身份证号"]
    [refused] = planned(builders.workbook(header, row)).refused
    assert (refused.row, refused.column, refused.code) == (2, column, code)
    assert refused.sentence.startswith(f"第 2 行「{header['ABCDEF'.index(column)]}」：")


def test_one_bad_row_stops_no_other():
    plan = planned(builders.with_numbers_for_ids())
    assert brought(plan, "units") == [("new", "1-1-102")]


def test_a_header_in_two_rows_is_read_as_one():
    content = builders.workbook(
        ["房屋信息", None, "业主信息", None],
        ["楼栋", "房号", None, None],
        [None, None, "姓名", "电话"],
        ["1栋", "101", "张三", phone_of(1)],
    )
    assert owners_by_unit(planned(content)) == {"1-101": [("张三", phone_of(1), None, None)]}


@pytest.mark.parametrize(
    ("heading", "unit"),
    [("楼栋/单元/房号", "3-2-1501"), ("楼栋-单元-房号", "3栋2单元1501"), ("房屋地址", "3#2单元1501室")],
)
def test_a_heading_of_several_parts_holds_the_whole_key(heading, unit):
    plan = planned(builders.workbook([heading, "业主姓名/单位名称"], [unit, "张三"]))
    assert [row.name for row in plan.rows] == ["3-2-1501"]


def test_beside_a_building_a_dash_parts_section_and_room():
    plan = planned(
        builders.workbook(["楼栋", "房号", "业主"], *([f"{b}栋", f"{s}-101", f"甲{b}{s}"] for b in "12" for s in "12"))
    )
    assert [row.name for row in plan.rows] == ["1-1-101", "1-2-101", "2-1-101", "2-2-101"]


def test_where_the_dash_only_repeats_the_building_there_is_no_section():
    plan = planned(builders.workbook(["楼栋", "房号", "业主"], *([f"{b}栋", f"{b}-101", f"甲{b}"] for b in "123")))
    assert [row.name for row in plan.rows] == ["1-101", "2-101", "3-101"]


def test_rows_prepared_but_not_filled_in_are_blank():
    book = openpyxl.load_workbook(io.BytesIO(builders.plain()))
    for row in range(6, 40):
        book.active.cell(row, 1).value = "3栋"
        book.active.cell(row, 2).value = "2单元"
    for row in range(40, 60):
        book.active.cell(row, 7).value = "#N/A"
        book.active.cell(row, 7).data_type = "e"
        book.active.cell(row, 8).value = "=VLOOKUP(1,A:B,2)"
    content = builders.saved(book)
    assert planned(content).counts["rows"] == {"read": 4, "refused": 0, "conflict": 0}
    assert "只有楼栋或单元" in "".join(read(content, "名册.xlsx", ROSTER).notices)
