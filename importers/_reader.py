"""The child process that opens a workbook: limited in memory and time, so that a hostile file ends it and nothing else.

Reads the file from standard input and writes frames to standard output (`importers.reader`): JSON for the book, JSON
for each sheet, then its rows in blocks (`importers.blocks`), then `null`. What it cannot read it says as
`{"refused": code}`; when it dies, the parent says so.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from importers import _prescan, _prescan_ods, _prescan_xls, _text, blocks
from importers.blocks import CELLS, FRAME, SAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import python_calamine as calamine

_CHARACTERS = 96 << 20
_SPARE_CHARACTERS = 8 << 20
_LONG_ON_AVERAGE = 64
_NOTHING = ("", None)


class _Budget:
    """How much all cells may still hold: one long text, kept once, may be referred to by a million of them."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.characters = _CHARACTERS
        self.spare = _SPARE_CHARACTERS

    def take(self, cells: int, characters: int) -> None:
        """Take cells and what stands in them off; raises Suspicious when nothing is left."""
        self.cells -= cells
        self.characters -= characters
        self.spare -= characters - _LONG_ON_AVERAGE * cells
        if min(self.cells, self.characters, self.spare) < 0:
            raise _prescan.Suspicious("workbook_too_large")


def main(arguments: Sequence[str]) -> int:
    """Read standard input within the limits on the command line: bytes of memory, seconds, cells, bytes inflated."""
    memory, seconds, cells, inflated, form = (
        int(arguments[0]),
        int(arguments[1]),
        int(arguments[2]),
        int(arguments[3]),
        arguments[4],
    )
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory)
    warnings.simplefilter("ignore")
    content = sys.stdin.buffer.read()
    try:
        for line in _lines(content, form, cells, inflated):
            _say(line)
    except _prescan.Suspicious as mistake:
        _say({"refused": mistake.code})
    except MemoryError:
        return 3
    sys.stdout.flush()
    return 0


def _say(line: dict[str, Any] | bytes | None) -> None:
    sign, content = (CELLS, line) if isinstance(line, bytes) else (SAID, json.dumps(line).encode())
    sys.stdout.buffer.write(FRAME.pack(sign, len(content)) + content)


def _limit(which: int, value: int) -> None:
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):  # a system that does not know this limit, or a lower one is already set
        return


def _lines(content: bytes, form: str, cells: int, inflated: int) -> Iterator[Any]:
    if form == "text":
        yield {"sheets": 1}
        yield _sheet_line("CSV")
        yield from _blocks(_text.rows(content), _Budget(cells))
        return
    if form == "xls":
        findings = _prescan_xls.scan(content)
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            findings = (_prescan if form == "xlsx" else _prescan_ods).scan(archive, inflated)
    yield from _calamine_lines(content, findings, cells)


def _sheet_line(name: str, *, hidden: bool = False, found: _prescan.Findings | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "hidden": hidden,
        "marks": [[row, column, what] for (row, column), what in found.marks.items()] if found else [],
        "hidden_rows": found.hidden_rows if found else [],
        "merges": found.merges if found else [],
        "far": bool(found and found.is_far),
    }


def _calamine_lines(content: bytes, findings: list[_prescan.Findings], cells: int) -> Iterator[Any]:
    import python_calamine as calamine  # noqa: PLC0415  after the limits are set

    by_name = {found.name: found for found in findings}
    budget = _Budget(cells)
    try:
        with calamine.load_workbook(io.BytesIO(content)) as book:
            tabs = [tab for tab in book.sheets_metadata if tab.typ == calamine.SheetTypeEnum.WorkSheet]
            yield {"sheets": len(tabs)}
            for tab in tabs:
                found = by_name.get(tab.name)
                hidden = tab.visible != calamine.SheetVisibleEnum.Visible
                yield _sheet_line(tab.name, hidden=hidden, found=found)
                if found and found.is_far:
                    yield from _blocks(_sparse_rows(content, found), budget)
                else:
                    rows = _dense_rows(book.get_sheet_by_name(tab.name))
                    yield from _blocks(found.zeros.shown(rows) if found and found.zeros.digits else rows, budget)
    except calamine.PasswordError:
        raise _prescan.Suspicious("workbook_encrypted") from None
    except calamine.CalamineError:
        raise _prescan.Suspicious("workbook_damaged") from None


def _dense_rows(sheet: calamine.CalamineSheet) -> Iterator[list[Any]]:
    """Yield a sheet's rows from row 1 and column A on; calamine begins at the first filled row."""
    start = sheet.start
    if start is None:
        return
    for _ in range(start[0]):
        yield []
    margin = [None] * start[1]
    for row in sheet.iter_rows():
        yield [*margin, *row] if len(row) + start[1] > start[1] else row


def _sparse_rows(content: bytes, found: _prescan.Findings) -> Iterator[Sequence[Any]]:
    """Yield the near part of a sheet whose cells lie far apart; that something was left out is said in a notice."""
    import openpyxl  # noqa: PLC0415  after the limits are set

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheet = book[found.name]
    sheet.reset_dimensions()
    yield from sheet.iter_rows(max_row=found.near_row, max_col=found.near_column, values_only=True)


def _blocks(rows: Iterable[Sequence[Any]], budget: _Budget) -> Iterator[bytes | None]:
    """Yield rows in blocks, blank ends trimmed, blank rows at the end left out, and at last None."""
    block: list[Sequence[Any]] = []
    widths: list[int] = []
    widest = 0
    for row, width in _trimmed(rows):
        wider = max(widest, width)
        if len(block) >= blocks.ROWS or (block and wider * (len(block) + 1) > blocks.AREA):
            yield blocks.packed(block, widths, budget.take)
            block, widths, wider = [], [], width
        block.append(row)
        widths.append(width)
        widest = wider
    if block:
        yield blocks.packed(block, widths, budget.take)
    yield None


def _trimmed(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Sequence[Any], int]]:
    """Yield each row with its last filled column, 0 for a blank one; blank rows only where a filled one follows."""
    blanks = 0
    for row in rows:
        width = len(row)
        while width and row[width - 1] in _NOTHING:
            width -= 1
        if width:
            for _ in range(blanks):
                yield (), 0
            yield row, width
        blanks = 0 if width else blanks + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
