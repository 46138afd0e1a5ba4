"""The refused rows, given back in the user's own workbook: every refused cell marked, every reason listed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from importers.annotate import REASON_HEADING, REASONS_SHEET, SheetMarks, Unpatchable, annotated
from importers.cells import column_index, column_letter, safe_text, written
from importers.choices import Choices
from importers.frames import refused_cells, tables
from importers.mapping import tab_of
from importers.marked_notes import AUTHOR
from importers.marked_styles import RED
from importers.workbook import open_workbook
from tenant.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    refused = refused_cells(batch)
    if not refused:
        raise Refusal(code="nothing_refused", message="这个批次没有被拒绝的行，不需要改正。")
    marks = _marks(refused, tables(batch), _edits(batch))
    listing = [_HEADINGS, *map(_line, refused)]
    stem, _, ending = batch.file_name.rpartition(".")
    try:
        content = annotated(batch.file, marks, listing)
        ending = ending.lower() if ending.lower() in {"xlsx", "xlsm"} else "xlsx"
    except Unpatchable:
        content = _rewritten(batch.file, batch.file_name, marks, listing)
        ending = "xlsx"
    return f"{stem or batch.file_name}-待改正.{ending}", content


def _line(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return (tab_of(cell["sheet"]), *(str(cell[name]) for name in ("row", "column", "value", "reason")))


def _edits(batch: ImportBatch) -> dict[str, dict[int, dict[str, str]]]:
    """Return sheet → row → column → text that people put in place of a cell in the preview."""
    edits: dict[str, dict[int, dict[str, str]]] = {}
    for (sheet, row, letter), text in Choices.from_json(getattr(batch, "choices", None) or {}).edits.items():
        edits.setdefault(tab_of(sheet), {}).setdefault(row, {})[letter] = text
    return edits


def _marks(
    refused: Sequence[Mapping[str, Any]],
    listed: Sequence[Mapping[str, Any]],
    edits: Mapping[str, Mapping[int, Mapping[str, str]]],
) -> dict[str, SheetMarks]:
    """Return the marks of each sheet; of tables side by side all reasons stand in one column to their right."""
    rows: dict[str, dict[int, dict[str, str]]] = {}
    for cell in refused:
        of_row = rows.setdefault(tab_of(cell["sheet"]), {}).setdefault(cell["row"], {})
        of_row[cell["column"]] = str(cell["reason"])
    marks: dict[str, SheetMarks] = {}
    again = (tab_of(table["sheet"]) for table in listed if table.get("is_again"))
    for name in dict.fromkeys((*rows, *again)):
        tables_of = [table for table in listed if tab_of(table["sheet"]) == name]
        headers = frozenset(int(table["header_row"]) for table in tables_of if table["header_row"])
        right = max((int(table["reason_column"]) for table in tables_of), default=1)
        is_again = any(table.get("is_again") for table in tables_of)
        marks[name] = SheetMarks(headers, right, rows.get(name, {}), edits.get(name, {}), is_again=is_again)
    return marks


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
    if marks:
        target.column_dimensions[column_letter(marks.reason_column)].width = 60  # type: ignore[attr-defined]  # not in the stubs
    for row, values in enumerate(sheet.rows, 1):
        cells = [_text(target, value) if isinstance(value, str) else _cell(target, value) for value in values]
        if marks:
            _mark(target, cells, row, marks)
        target.append(cells)


def _mark(target: WriteOnlyWorksheet, cells: list[Cell], row: int, marks: SheetMarks) -> None:
    """Put people's edits in, colour the refused cells of a row, and write the reasons beside them and behind it."""
    reasons, edits = marks.rows.get(row, {}), marks.edits.get(row, {})
    if not reasons and not edits and row not in marks.header_rows:
        return
    last = max([marks.reason_column, *map(column_index, (*reasons, *edits))])
    cells += [_cell(target) for _ in range(last - len(cells))]
    for letter, text in edits.items():
        cells[column_index(letter) - 1] = _text(target, text)
    for letter, reason in reasons.items():
        cell = cells[column_index(letter) - 1]
        cell.fill = PatternFill("solid", fgColor=RED)
        cell.comment = Comment(safe_text(reason), AUTHOR)
    if reasons or row in marks.header_rows:
        text = "\n".join(dict.fromkeys(reasons.values())) or REASON_HEADING
        cells[marks.reason_column - 1] = _text(target, text)


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
