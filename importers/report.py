"""The refused rows, given back in the user's own workbook: every refused cell marked, every reason listed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import PatternFill

from importers.annotate import REASON_HEADING, REASONS_SHEET, SheetMarks, Unpatchable, annotated
from importers.apply import unpacked
from importers.cells import column_index, safe_text, written
from importers.workbook import open_workbook
from tenant.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from importers.workbook import Sheet
    from tenant.models import ImportBatch

_HEADINGS = ("工作表", "行", "列", "内容", "原因")
_LONGEST_TITLE = 31


def annotated_workbook(batch: ImportBatch) -> tuple[str, bytes]:
    """Return name and content of the workbook to correct: the user's own layout, refused cells marked.

    Where the file cannot be patched (.xls, .ods, .csv, odd packages) its values are written to a plain new workbook.
    Raises Refusal `nothing_refused` when there is nothing to mark, `file_deleted` when the file is no longer kept.
    """
    if batch.file is None:
        raise Refusal(code="file_deleted", message="这个批次的文件已按期删除。请重新上传文件。")
    kept = unpacked(batch)
    if not kept["refused"]:
        raise Refusal(code="nothing_refused", message="这个批次没有被拒绝的行，不需要改正。")
    marks = _marks(kept)
    listing = [
        _HEADINGS,
        *(tuple(str(cell[name]) for name in ("sheet", "row", "column", "value", "reason")) for cell in kept["refused"]),
    ]
    stem, _, ending = batch.file_name.rpartition(".")
    try:
        content = annotated(batch.file, marks, listing)
        ending = ending.lower() if ending.lower() in {"xlsx", "xlsm"} else "xlsx"
    except Unpatchable:
        content = _rewritten(batch.file, batch.file_name, marks, listing)
        ending = "xlsx"
    return f"{stem or batch.file_name}-待改正.{ending}", content


def _marks(kept: Mapping[str, Any]) -> dict[str, SheetMarks]:
    rows: dict[str, dict[int, dict[str, str]]] = {}
    for cell in kept["refused"]:
        of_row = rows.setdefault(cell["sheet"], {}).setdefault(cell["row"], {})
        of_row[cell["column"]] = str(cell["reason"])
    return {
        table["sheet"]: SheetMarks(table["header_row"], table["reason_column"], rows[table["sheet"]])
        for table in kept["columns"]
        if table["sheet"] in rows
    }


def _rewritten(
    content: bytes, file_name: str, marks: Mapping[str, SheetMarks], listing: list[tuple[str, ...]]
) -> bytes:
    """Write the values anew, every one as it was read and none as a formula."""
    book = openpyxl.Workbook(write_only=True)
    for sheet in open_workbook(content, file_name).sheets:
        if not sheet.hidden or sheet.name in marks:
            _write_sheet(book.create_sheet(_title(sheet.name)), sheet, marks.get(sheet.name))
    lines = book.create_sheet(REASONS_SHEET)
    for line in listing:
        lines.append([_text(lines, text) for text in line])
    written_book = io.BytesIO()
    book.save(written_book)
    return written_book.getvalue()


def _write_sheet(target: WriteOnlyWorksheet, sheet: Sheet, marks: SheetMarks | None) -> None:
    red = PatternFill("solid", fgColor="FFFFC7CE")
    for row, values in enumerate(sheet.rows, 1):
        cells = [_text(target, value) if isinstance(value, str) else _cell(target, value) for value in values]
        reasons = marks.rows.get(row, {}) if marks else {}
        if marks and (reasons or row == marks.header_row):
            cells += [_cell(target) for _ in range(marks.reason_column - len(cells))]
            text = "\n".join(dict.fromkeys(reasons.values())) or REASON_HEADING
            cells[marks.reason_column - 1] = _text(target, text)
        for letter in reasons:
            cells[column_index(letter) - 1].fill = red
        target.append(cells)


def _cell(sheet: WriteOnlyWorksheet, value: Any = None) -> Cell:  # noqa: ANN401  the stubs leave whole days out
    made: Cell = WriteOnlyCell(sheet, value)
    return made


def _text(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    """Return a cell that is text by its type, so that `=1+1` stays four signs."""
    cell = _cell(sheet, safe_text(written(text)))
    cell.data_type = "s"
    return cell


def _title(name: str) -> str:
    return "".join(sign for sign in safe_text(name) if sign not in "[]:*?/\\")[:_LONGEST_TITLE] or "Sheet"
