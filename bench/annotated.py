"""The annotated workbook, patched as a stream, beside openpyxl in its write-only mode writing the same values anew.

Both end with the same cells, the reasons beside the failing rows and the listing of all reasons. What openpyxl writes
has lost the office's formats, widths and merges, and carries no comment; what is patched has all of them.
"""

import io
from collections.abc import Sequence
from time import process_time

import openpyxl

from bench.measure import FULL, Sizes, compare, race, say
from bench.world import World
from importers.annotate import SheetMarks, annotated

TARGET = 0.25
ROWS, FEWER_ROWS = 100_000, 10_000
EACH = 19
"""One row in so many has a cell that is refused: about five thousand of a hundred thousand."""
ROUNDS = 2
HEADINGS = ("楼栋", "单元", "房号", "业主姓名", "联系电话", "身份证号", "建筑面积", "使用性质", "备注")
REASON = "第 {row} 行「身份证号」：证件号的校验位不对，其中有数字写错。请核对后重新填写。"


def run(world: World, sizes: Sizes) -> None:  # noqa: ARG001 - nothing of a database is asked
    """Print how long the marking takes beside writing the same values, in seconds of the processor."""
    rows = invented(ROWS if sizes == FULL else FEWER_ROWS)
    content = written(rows)
    reasons = {row: {"F": REASON.format(row=row)} for row in range(2, len(rows) + 1, EACH)}
    marks = {"名册": SheetMarks(frozenset({1}), len(HEADINGS) + 1, reasons)}
    listing = [("工作表", "行", "列", "内容", "原因")]
    listing += [("名册", str(row), "F", "", cells["F"]) for row, cells in reasons.items()]
    marked = [[*row, reasons[number]["F"]] if number in reasons else row for number, row in enumerate(rows, 1)]
    legs = {
        "annotated": lambda: annotated(content, marks, listing),
        "openpyxl write-only": lambda: written(marked, listing),
    }
    taken = race(legs, ROUNDS, warm=0, clock=process_time)
    say("rows, and those with a refused cell", f"{len(rows):,}", f"{len(reasons):,}")
    compare("annotated workbook", taken, "annotated", "openpyxl write-only", target=TARGET)


def invented(count: int) -> list[Sequence[object]]:
    """Return the rows of a roster, its headings first."""
    rows: list[Sequence[object]] = [HEADINGS]
    for number in range(1, count):
        unit = (f"{number // 400 + 1}栋", f"{number // 100 % 4 + 1}单元", f"{number // 4 % 25 + 1}{number % 4 + 1:02d}")
        rows.append((*unit, f"业主{number}", f"199{number:08d}", f"{number:018d}", 60 + number % 90, "住宅", None))
    return rows


def written(rows: Sequence[Sequence[object]], listing: Sequence[Sequence[object]] = ()) -> bytes:
    """Return a workbook of these rows, and of the listing where there is one, as openpyxl writes it."""
    book = openpyxl.Workbook(write_only=True)
    for title, lines in (("名册", rows), ("错误说明", listing)):
        if lines:
            sheet = book.create_sheet(title)
            for line in lines:
                sheet.append(list(line))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
