"""The annotated workbook: the office's own file with refused cells marked, ready to be corrected and uploaded again."""

import datetime as dt
import io
import re
import zipfile
from types import SimpleNamespace

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule

from importers import frames
from importers.annotate import SheetMarks, Unpatchable, annotated
from importers.choices import Choices
from importers.marked_notes import AUTHOR
from importers.marked_styles import RED
from importers.plan import Outcome
from importers.reading import read
from importers.report import annotated_workbook
from importers.roster.state import RosterState
from importers.sheets import kind_named
from tenant.errors import Refusal
from workbooks import builders, builders_offices, builders_programs, builders_raw

ROSTER = kind_named("roster")


def batch_of(content, file_name="名册.xlsx", choices=None):
    choices = choices or Choices()
    reading = read(content, file_name, ROSTER, choices=choices)
    plan = ROSTER.plan(reading.records, RosterState(), dt.date(2026, 11, 21), choices)
    kept, index = frames.packed(reading, plan)
    batch = SimpleNamespace(file=content, file_name=file_name, plan=kept, plan_index=index, choices=choices.as_json())
    return batch, plan


def marked_in(sheet):
    """Return the cells of a sheet that are red, and those with a comment of ours."""
    cells = [cell for row in sheet.iter_rows() for cell in row]
    red = [cell.coordinate for cell in cells if cell.fill.fgColor.rgb == RED]
    return red, [cell.coordinate for cell in cells if cell.comment and cell.comment.author == AUTHOR]


def corrected(content, **cells):
    """Return a workbook as somebody sends it in again after putting these cells right."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for place, value in cells.items():
        book.worksheets[0][place] = value
    return builders.saved(book)


def test_refused_cells_are_red_and_the_reason_stands_beside_the_row():
    batch, _ = batch_of(builders.with_numbers_for_ids())
    name, content = annotated_workbook(batch)
    assert name == "名册-待改正.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book["业主名册"]
    assert sheet["K1"].value == "错误原因"
    assert "数字格式丢失了末位" in sheet["K2"].value
    assert sheet["F2"].fill.fgColor.rgb == "FFFFC7CE"
    assert sheet["F3"].fill.fgColor.rgb != "FFFFC7CE"
    assert sheet["K3"].value is None
    listing = [[cell.value for cell in row] for row in book["错误说明"].iter_rows()]
    assert listing[0] == ["工作表", "行", "列", "内容", "原因"]
    assert [line[1] for line in listing[1:]] == ["2", "4"]


def test_all_else_of_the_file_stays_as_it_was():
    batch, _ = batch_of(builders.with_hidden_rows_and_merges())
    before = openpyxl.load_workbook(io.BytesIO(batch.file)).active
    after = openpyxl.load_workbook(io.BytesIO(annotated_workbook(batch)[1])).worksheets[0]
    assert after.merged_cells.ranges == before.merged_cells.ranges
    assert after.row_dimensions[3].hidden
    assert after["D5"].value == "=80+1"
    assert [[cell.value for cell in row[:4]] for row in after.iter_rows()] == [
        [cell.value for cell in row[:4]] for row in before.iter_rows()
    ]


def test_it_reads_again_with_the_same_refusals():
    batch, plan = batch_of(builders.with_numbers_for_ids())
    again, plan_again = batch_of(annotated_workbook(batch)[1])
    assert [cell.as_json() for cell in plan_again.refused] == [cell.as_json() for cell in plan.refused]
    assert again.file != batch.file


def test_a_corrected_cell_is_taken():
    batch, _ = batch_of(builders.with_numbers_for_ids())
    book = openpyxl.load_workbook(io.BytesIO(annotated_workbook(batch)[1]))
    book["业主名册"]["F2"] = builders.id_of(31)
    book["业主名册"]["F4"] = builders.id_of(33)
    _, plan = batch_of(builders.saved(book))
    assert {row.outcome for row in plan.rows} == {Outcome.NEW}


@pytest.mark.parametrize(
    "value", ["=1+1", "=cmd|'/C calc'!A1", "+8", "@SUM(A1)", "a\x7fb\u200bc", "_x0041_", '<&">', "\ud800"]
)
def test_nothing_that_is_written_becomes_a_formula_or_breaks_the_file(value):
    rows = ["房号,业主姓名,联系电话", f'"1-1-101",张三,"{value}"']
    batch, plan = batch_of("\r\n".join(rows).encode("utf-8", "replace"), "名册.csv")
    assert plan.refused
    name, content = annotated_workbook(batch)
    assert name == "名册-待改正.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize("prefix", [b"x:", b""])
def test_markup_with_prefixes_and_without_references_is_patched_too(prefix):
    content = builders.workbook(["房号", "业主姓名"], ["1501", "张三"])
    body = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row><c t="inlineStr"><is><t>\xe6\x88\xbf\xe5\x8f\xb7</t></is></c>'
        b'<c t="inlineStr"><is><t>\xe4\xb8\x9a\xe4\xb8\xbb</t></is></c></row>'
        b"<row><c><v>1501</v></c></row></sheetData></worksheet>"
    )
    if prefix:
        for tag in (b"worksheet", b"sheetData", b"row", b"c", b"is", b"t", b"v"):
            for sign in (b">", b" "):
                body = body.replace(b"<" + tag + sign, b"<x:" + tag + sign).replace(
                    b"</" + tag + sign, b"</x:" + tag + sign
                )
        body = body.replace(b"xmlns=", b"xmlns:x=")
    batch, plan = batch_of(builders.replaced(content, builders.SHEET, body))
    assert [cell.code for cell in plan.refused] == ["building_missing"]
    sheet = openpyxl.load_workbook(io.BytesIO(annotated_workbook(batch)[1])).worksheets[0]
    assert sheet["A2"].fill.fgColor.rgb == "FFFFC7CE"
    assert "不知道是哪一栋" in sheet["C2"].value


def test_without_refusals_there_is_nothing_to_correct():
    batch, _ = batch_of(builders.plain())
    with pytest.raises(Refusal) as refused:
        annotated_workbook(batch)
    assert refused.value.code == "nothing_refused"


def test_rows_are_found_wherever_the_stream_is_cut():
    book = openpyxl.load_workbook(io.BytesIO(builders.of_size(3_000)))
    wrong = list(range(2, 3_000, 20))
    for row in wrong:
        book.active.cell(row, 6).value = "123456"
    batch, plan = batch_of(builders.saved(book))
    assert len(plan.refused) == len(wrong)
    sheet = openpyxl.load_workbook(io.BytesIO(annotated_workbook(batch)[1])).worksheets[0]
    assert [row for row in range(2, 3_002) if sheet.cell(row, 11).value] == wrong
    assert sheet.max_row == 3_001


def with_comments():
    """A roster with two cells nobody can read; somebody commented on one of them, and on a heading."""

    def comment(made):
        made.active["D2"], made.active["D3"] = "八十", "九十"
        made.active["D2"].comment = Comment("已核对", "前台")
        made.active["A1"].comment = Comment("以产权证为准", "前台")
        made.active.conditional_formatting.add("D2:D9", CellIsRule(operator="equal", formula=["0"]))

    return builders_offices.book({"名册": builders_offices.FOUR}, comment)


def test_each_refused_cell_carries_its_reason_as_a_comment():
    _, content = annotated_workbook(batch_of(builders.with_numbers_for_ids())[0])
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert marked_in(sheet) == (["K1", "F2", "K2", "F4", "K4"], ["F2", "F4"])
    assert "数字格式丢失了末位" in sheet["F2"].comment.text


def test_comments_of_others_stay():
    _, content = annotated_workbook(batch_of(with_comments())[0])
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert sheet["A1"].comment.text == "以产权证为准"
    assert sheet["D2"].comment.text.startswith("已核对\n第 2 行")
    assert sheet["D2"].comment.author == "前台"
    assert sheet["D3"].comment.author == AUTHOR


def test_sent_in_again_it_gathers_neither_columns_nor_sheets_nor_comments():
    _, content = annotated_workbook(batch_of(with_comments())[0])
    for _ in range(3):
        _, content = annotated_workbook(batch_of(content)[0])
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["名册", "错误说明"]
    assert [cell.value for cell in book["名册"][1]] == ["房号", "业主姓名", "联系电话", "建筑面积", "错误原因"]
    assert book["名册"]["D2"].comment.text.count("第 2 行") == 1


def test_what_was_put_right_is_no_longer_marked():
    _, content = annotated_workbook(batch_of(with_comments())[0])
    _, content = annotated_workbook(batch_of(corrected(content, D3=90))[0])
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert marked_in(sheet) == (["E1", "D2", "E2"], [])
    assert sheet["E3"].value is None
    assert sheet["D3"].comment is None


def test_a_sheet_of_that_name_which_is_not_ours_is_left_alone():
    content = builders_offices.book({"名册": [["房号", "业主姓名"], ["1501", "安一"]], "错误说明": [["我们自己的"]]})
    _, content = annotated_workbook(batch_of(content)[0])
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["名册", "错误说明", "错误说明1"]
    assert book["错误说明"]["A1"].value == "我们自己的"


def test_what_people_put_in_place_of_a_cell_stands_in_the_workbook_too():
    choices = Choices(edits={("名册", 2, "D"): "80.5"})
    batch, plan = batch_of(with_comments(), choices=choices)
    assert [cell.row for cell in plan.refused] == [3]
    sheet = openpyxl.load_workbook(io.BytesIO(annotated_workbook(batch)[1])).worksheets[0]
    assert sheet["D2"].value == "80.5"
    assert marked_in(sheet)[0] == ["E1", "D3", "E3"]


def test_tables_side_by_side_share_one_column_of_reasons_to_their_right():
    book = openpyxl.load_workbook(io.BytesIO(builders_offices.three_blocks_side_by_side()))
    book.active["C3"], book.active["G4"] = "电话不详", "电话不详"
    batch, _ = batch_of(builders.saved(book))
    sheet = openpyxl.load_workbook(io.BytesIO(annotated_workbook(batch)[1])).worksheets[0]
    assert marked_in(sheet)[1] == ["C3", "G4"]
    assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.value == "错误原因"] == ["L2"]


@pytest.mark.parametrize("dress", [builders_raw.strict, builders_raw.with_macros], ids=["strict", "macros"])
def test_other_kinds_of_packages_read_again_after_they_were_marked(dress):
    batch, plan = batch_of(dress(with_comments()), "名册.xlsm")
    name, content = annotated_workbook(batch)
    assert name == "名册-待改正.xlsm"
    _, again = batch_of(content)
    assert [cell.as_json() for cell in again.refused] == [cell.as_json() for cell in plan.refused]


@pytest.mark.parametrize("shape", ["as_xls", "as_ods", "csv_with_tabs"])
def test_what_cannot_be_patched_comes_back_as_a_plain_workbook_with_the_same_marks(shape):
    content = getattr(builders_programs, shape)()
    if shape == "csv_with_tabs":
        content = content.replace(b"1\xb6\xb0\t102", b"\t102")
    if shape == "as_ods":
        content = builders_raw.ods(
            ("名册", builders_raw.ods_row("房号", "业主姓名") + builders_raw.ods_row("1501", "安一"))
        )
    batch, plan = batch_of(content, "名册.xls")
    name, content = annotated_workbook(batch)
    assert name == "名册-待改正.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert marked_in(sheet)[1] == [f"{cell.column}{cell.row}" for cell in plan.refused]


def test_widths_and_sizes_that_the_sheet_declares_make_room_for_the_reasons():
    rows = builders_raw.text_row(1, "房号", "业主姓名") + builders_raw.text_row(2, "1501", "张三")
    before = '<dimension ref="A1:B2"/><cols><col min="1" max="2" width="9"/><col min="3" max="16384" width="5"/></cols>'
    batch, _ = batch_of(builders_raw.raw(builders_raw.sheet(rows, before=before)))
    with zipfile.ZipFile(io.BytesIO(annotated_workbook(batch)[1])) as archive:
        markup = archive.read("xl/worksheets/sheet1.xml").decode()
    assert '<dimension ref="A1:C2"/>' in markup
    assert '<col min="3" max="3" width="60" customWidth="1"/><col min="4" max="16384" width="5"/></cols>' in markup


def test_the_drawing_of_the_comments_stands_where_the_standard_wants_it():
    after = '<conditionalFormatting sqref="A1"><cfRule type="expression"><formula>1</formula><extLst><ext/></extLst>'
    after += "</cfRule></conditionalFormatting><pageMargins/><extLst><ext/></extLst>"
    rows = builders_raw.text_row(1, "房号", "业主姓名") + builders_raw.text_row(2, "1501", "张三")
    batch, _ = batch_of(builders_raw.raw(builders_raw.sheet(rows, after=after)))
    with zipfile.ZipFile(io.BytesIO(annotated_workbook(batch)[1])) as archive:
        markup = archive.read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r"<pageMargins/><legacyDrawing [^>]*/><extLst><ext/></extLst></worksheet>$", markup)


MARKS = {"Sheet1": SheetMarks(frozenset({1}), 3, {2: {"A": "看不懂。"}})}
HUGE = builders_raw.parts()["xl/workbook.xml"] + " " * (9 << 20)
ENDLESS = '<row r="2">' + '<c r="A2" x=">"/>' * 200_000 + "</row>"


@pytest.mark.parametrize(
    "content",
    [
        builders_raw.zipped(builders_raw.parts() | {"xl/workbook.xml": HUGE}),
        builders_raw.raw(builders_raw.sheet(ENDLESS)),
        builders_raw.raw("<worksheet/>"),
        b"PK",
    ],
    ids=["a huge part", "cells without end", "a sheet without rows", "no package"],
)
def test_what_would_cost_the_process_too_much_or_is_too_odd_is_not_patched(content):
    with pytest.raises(Unpatchable):
        annotated(content, MARKS, [("工作表", "行")])
