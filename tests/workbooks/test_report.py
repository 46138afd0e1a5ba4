"""The annotated workbook: the office's own file with refused cells marked, ready to be corrected and uploaded again."""

import datetime as dt
import io
from types import SimpleNamespace

import openpyxl
import pytest

from importers import frames
from importers.plan import Outcome
from importers.reading import read
from importers.report import annotated_workbook
from importers.roster.state import RosterState
from importers.sheets import kind_named
from tenant.errors import Refusal
from workbooks import builders

ROSTER = kind_named("roster")


def batch_of(content, file_name="名册.xlsx"):
    reading = read(content, file_name, ROSTER)
    plan = ROSTER.plan(reading.records, RosterState(), dt.date(2026, 11, 21))
    kept, index = frames.packed(reading, plan)
    return SimpleNamespace(file=content, file_name=file_name, plan=kept, plan_index=index), plan


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
