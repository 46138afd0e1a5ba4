"""From bytes somebody uploaded to sheets of typed cells: the archive is scanned first, then parsed in a child process.

Every way a file can be hostile, broken or simply something else ends in one Refusal whose sentence says what to do.
"""

from __future__ import annotations

import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from importers import refusals
from importers.blocks import Rows, Unreadable
from importers.cells import Cell, CellKind, Value, column_index, column_letter, kind_of
from importers.reader import Answer, answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_CENTRAL_ENTRY = b"PK\x01\x02"
_MACROS = b"/vbaProject.bin"
_MARKUP = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml|style|meta)", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_A_FEW = 10
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SNIFFED = 65_536
_NEAR_THE_TOP = 60
_MOST_SPANS = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may cost. Sizes in bytes, times in seconds, `ratio` inflated to deflated."""

    file: int = 48 << 20
    inflated: int = 600 << 20
    ratio: int = 100
    ratio_from: int = 8 << 20
    entries: int = 2_000
    cells: int = 8_000_000
    filled_down: int = 500_000
    memory: int = 1 << 30
    processor: int = 60
    wall: int = 90
    said: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: rows of bare values from row 1 and column A on, and what the values alone do not tell.

    `rows[0]` is row 1; rows are cut after their last filled cell, blank rows are empty. `marks` names cells that hold
    an error or a formula without a result; vertical merges are already filled down, `spans` are those over several
    columns near the top: first and last row, first and last column. `hidden_rows` are those that hold something.
    """

    name: str
    rows: Sequence[Sequence[Value]]
    hidden: bool = False
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()
    spans: tuple[tuple[int, int, int, int], ...] = ()

    def cell(self, row: int, column: int) -> Cell:
        """Return the cell at a row and column counted from 1; outside of what is filled it is empty."""
        values = self.rows[row - 1] if 0 < row <= len(self.rows) else ()
        value = values[column - 1] if 0 < column <= len(values) else None
        mark = self.marks.get((row, column)) if self.marks else None
        if mark is None:
            return Cell(value, kind_of(value), row, column_letter(column))
        what, _, text = mark.partition(":")
        return Cell(text or None, CellKind(what), row, column_letter(column))


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheets of a file in the order of its tabs, and what the user should know about how it was read."""

    sheets: tuple[Sheet, ...]
    notices: tuple[str, ...] = ()


def open_workbook(content: bytes, file_name: str = "", limits: Limits | None = None) -> Workbook:
    """Read a workbook: .xlsx, .xlsm, .xls, .ods or .csv, told by its content and not by its name.

    Raises Refusal, and nothing else, when the file is empty, too large, no workbook, protected, damaged or hostile.
    """
    limits = limits or Limits()
    form = scan(content, limits)
    notices = []
    if file_name.lower().endswith(".xlsm") or (form == "xlsx" and _MACROS in content):
        notices.append("文件里的宏没有运行，只读取了表格内容。")
    numbers = (limits.memory, limits.processor, limits.cells, limits.inflated)
    sheets = tuple(_sheets(answers(content, form, numbers, limits.wall, limits.said), limits))
    return Workbook(sheets, tuple(notices))


@contextmanager
def opening(content: bytes, file_name: str = "") -> Iterator[Callable[[], Workbook]]:
    """Open a workbook while something else is done; what is given waits for it and raises as `open_workbook` does."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(open_workbook, content, file_name).result


def scan(content: bytes, limits: Limits) -> str:
    """Return the form of the content: `xlsx`, `xls`, `ods` or `text`; nothing is inflated yet.

    Raises Refusal for everything that need not be opened to be refused.
    """
    if not content.strip(b"\x00\r\n\t "):
        raise refusals.file("file_empty")
    if len(content) > limits.file:
        raise refusals.file("file_too_large", limit=f"{limits.file >> 20} MB")
    if content.startswith(_OLE):
        return _ole_form(content)
    if content.startswith(b"PK"):
        return _archive_form(content, limits)
    return _text_form(content)


def _ole_form(content: bytes) -> str:
    """Tell an old .xls from an encrypted .xlsx: both are compound files, their streams are named in UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise refusals.file("workbook_encrypted")
    if any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        return "xls"
    if any(name.encode("utf-16-le") in content for name in ("WordDocument", "PowerPoint")):
        raise refusals.file("not_a_workbook")
    raise refusals.file("workbook_encrypted")


def _archive_form(content: bytes, limits: Limits) -> str:
    if content.count(_CENTRAL_ENTRY) > limits.entries:
        raise refusals.file("workbook_too_many_parts")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        raise refusals.file("workbook_damaged") from None
    if any(entry.flag_bits & 1 for entry in entries):
        raise refusals.file("workbook_encrypted")
    _refuse_bomb(entries, limits)
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise refusals.file("workbook_damaged")
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        if any(name.endswith("workbook.bin") for name in names):
            raise refusals.file("workbook_binary")
        return "xlsx"
    if {"mimetype", "content.xml"} <= names:
        return "ods"
    raise refusals.file("not_a_workbook")


def _refuse_bomb(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse by declared sizes; a forged size is refused by the readers themselves (honest rosters inflate 6–12:1)."""
    if len(entries) > limits.entries:
        raise refusals.file("workbook_too_many_parts")
    inflated = sum(entry.file_size for entry in entries)
    if inflated > limits.inflated:
        raise refusals.file("workbook_bomb")
    for entry in entries:
        if entry.file_size > limits.ratio_from and entry.file_size > limits.ratio * max(entry.compress_size, 1):
            raise refusals.file("workbook_bomb")


def _text_form(content: bytes) -> str:
    if _MARKUP.match(content[:1024]):
        raise refusals.file("workbook_is_web_page")
    head = content[:_SNIFFED]
    if content[:2] not in _UTF16 and _BINARY.search(head):
        raise refusals.file("text_utf16_unmarked" if _is_unmarked_utf16(head) else "not_a_workbook")
    if content[:2] not in _UTF16 and not any(sign in head for sign in (b",", b"\t", b";", b"|")):
        raise refusals.file("not_a_workbook")
    return "text"


class _Kept(Rows):
    """Rows as the child gave them: what turns out to be no cells ends like a child that died."""

    def append(self, block: bytes) -> None:
        """Add a block below; raises Refusal for what is none."""
        try:
            super().append(block)
        except Unreadable:
            raise refusals.file("reader_died") from None

    def _made(self, number: int) -> list[list[Value]]:
        try:
            return super()._made(number)
        except Unreadable:
            raise refusals.file("reader_died") from None


def _is_unmarked_utf16(head: bytes) -> bool:
    """Tell text of two bytes a sign: every second byte of its commas, digits and line ends is zero, no other is."""
    head = head[: len(head) // 2 * 2]
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if min(zeros) or max(zeros) * _A_FEW < len(head) // 2:
        return False
    try:
        text = head.decode("utf-16-be" if zeros[0] else "utf-16-le", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return not _CONTROLS.search(text) and any(sign in text for sign in ",\t;|")


def _sheets(said: Iterator[Answer], limits: Limits) -> Iterator[Sheet]:
    head = next(said, None)
    if not isinstance(head, dict) or "sheets" not in head:
        raise refusals.file("reader_died")
    for described in said:
        if not isinstance(described, dict):
            raise refusals.file("reader_died")
        yield _sheet(described, said, limits)


def _sheet(described: dict[str, Any], said: Iterator[Answer], limits: Limits) -> Sheet:
    rows = _Kept()
    for block in said:
        if not isinstance(block, bytes):
            break
        rows.append(block)
    else:
        raise refusals.file("reader_died")
    notices = []
    if described["far"]:
        notices.append(f"工作表「{described['name']}」在很远的行或列里有零散内容，那一部分没有读取。")
    ranges = _ranges(described["merges"])
    _fill_down(rows, ranges, limits.filled_down)
    return Sheet(
        name=str(described["name"]),
        rows=rows,
        hidden=bool(described["hidden"]),
        marks={(row, column): what for row, column, what in described["marks"]},
        hidden_rows=frozenset(row for row in described["hidden_rows"] if row <= len(rows) and rows.width(row)),
        notices=tuple(notices),
        spans=tuple(one for one in ranges if one[0] <= _NEAR_THE_TOP and one[2] < one[3])[:_MOST_SPANS],
    )


_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


def _ranges(merges: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Return first and last row, first and last column of each merged range; what is none is left out."""
    matches = (_RANGE.fullmatch(reference) for reference in merges)
    return [
        (int(match[2]), int(match[4]), column_index(match[1]), column_index(match[3]))
        for match in matches
        if match and int(match[2])
    ]


def _fill_down(rows: Rows, ranges: Sequence[tuple[int, int, int, int]], budget: int) -> None:
    """Give the cells below a vertical merge its value (楼栋 written once for its whole column); at most `budget` cells.

    Merges over several columns are titles, notes and headings: they stay as they are.
    """
    places: list[tuple[int, int, int]] = []
    for first, end, column, right in ranges:
        last = min(end, len(rows))
        if column != right or not first < last:
            continue
        budget -= last - first
        if budget < 0:
            break
        if column <= rows.width(first):
            places.append((first, last, column))
    filled = [(place, rows[place[0] - 1][place[2] - 1]) for place in sorted(places)]
    for (first, last, column), value in filled:
        if value is not None:
            rows.fill_down(column, first + 1, last, value)
