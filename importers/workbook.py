"""From bytes somebody uploaded to sheets of typed cells: the archive is scanned first, then parsed in a child process.

Every way a file can be hostile, broken or simply something else ends in one Refusal whose sentence says what to do.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importers import refusals
from importers.cells import Cell, CellKind, Value, column_index, column_letter, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tenant.errors import Refusal

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_CENTRAL_ENTRY = b"PK\x01\x02"
_MACROS = b"/vbaProject.bin"
_MARKUP = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml|style|meta)", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SNIFFED = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may cost. Sizes in bytes, times in seconds, `ratio` inflated to deflated."""

    file: int = 32 << 20
    inflated: int = 600 << 20
    ratio: int = 100
    ratio_from: int = 8 << 20
    entries: int = 2_000
    cells: int = 8_000_000
    filled_down: int = 500_000
    memory: int = 1 << 30
    processor: int = 60
    wall: int = 90


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: rows of bare values from row 1 and column A on, and what the values alone do not tell.

    `rows[0]` is row 1; rows are cut after their last filled cell, blank rows are empty. `marks` names cells that hold
    an error or a formula without a result; vertical merges are already filled down. `hidden_rows` are those that hold
    something.
    """

    name: str
    rows: Sequence[Sequence[Value]]
    hidden: bool = False
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()

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
    sheets = tuple(_sheets(_child_lines(content, form, limits), limits))
    return Workbook(sheets, tuple(notices))


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
        raise refusals.file("not_a_workbook")
    if content[:2] not in _UTF16 and not any(sign in head for sign in (b",", b"\t", b";", b"|")):
        raise refusals.file("not_a_workbook")
    return "text"


def _child_lines(content: bytes, form: str, limits: Limits) -> Iterator[Any]:
    """Parse in a child process and return its lines, each decoded when it is asked for.

    The child gets no environment but the path to this package: a hostile file finds no secrets in it.
    """
    root = Path(__file__).resolve().parent.parent
    numbers = (limits.memory, limits.processor, limits.cells, limits.inflated)
    command = [sys.executable, "-P", "-X", "utf8", "-m", "importers._reader", *map(str, numbers), form]
    environment = {"PYTHONPATH": str(root), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(  # noqa: S603  our own module, no shell, nothing of the user's on the line
            command, input=content, capture_output=True, timeout=limits.wall, check=False, env=environment, cwd=root
        )
    except subprocess.TimeoutExpired:
        raise refusals.file("reader_too_slow") from None
    except (OSError, MemoryError):
        raise refusals.file("reader_unavailable") from None
    lines = [line for line in ended.stdout.splitlines() if line]
    if ended.returncode == 0 and lines:
        return map(_decoded, lines)
    if lines and lines[-1].startswith(b'{"refused"'):
        raise refusals.file(str(_decoded(lines[-1])["refused"]))
    raise _death(ended.returncode)


def _death(code: int) -> Refusal:
    """Say why a child died, as far as its exit tells: killed for time, or out of memory."""
    too_slow = code in {-24, -9, 152, 137}
    return refusals.file("reader_too_slow" if too_slow else "reader_died")


def _decoded(line: bytes) -> Any:  # noqa: ANN401  JSON
    return json.loads(line) if line else None


def _sheets(lines: Iterator[Any], limits: Limits) -> Iterator[Sheet]:
    head = next(lines, None)
    if not isinstance(head, dict) or "sheets" not in head:
        raise refusals.file(str(head["refused"]) if isinstance(head, dict) and "refused" in head else "reader_died")
    for described in lines:
        if described is None:
            continue
        if "refused" in described:
            raise refusals.file(str(described["refused"]))
        yield _sheet(described, lines, limits)


def _sheet(described: dict[str, Any], lines: Iterator[Any], limits: Limits) -> Sheet:
    rows: list[list[Value]] = []
    for block in lines:
        if block is None:
            break
        if isinstance(block, dict):
            raise refusals.file(str(block.get("refused", "reader_died")))
        rows.extend([_value(value) if type(value) is list else value for value in row] for row in block)
    notices = []
    if described["far"]:
        notices.append(f"工作表「{described['name']}」在很远的行或列里有零散内容，那一部分没有读取。")
    _fill_down(rows, described["merges"], limits.filled_down)
    return Sheet(
        name=str(described["name"]),
        rows=rows,
        hidden=bool(described["hidden"]),
        marks={(row, column): what for row, column, what in described["marks"]},
        hidden_rows=frozenset(row for row in described["hidden_rows"] if row <= len(rows) and rows[row - 1]),
        notices=tuple(notices),
    )


def _value(wire: list[str]) -> Value:
    """Return the day or instant a list of one ISO text stands for."""
    try:
        instant = dt.datetime.fromisoformat(wire[0])
    except ValueError:
        return wire[0]
    return instant.replace(tzinfo=None)


_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


def _fill_down(rows: list[list[Value]], merges: Sequence[str], budget: int) -> None:
    """Give the cells below a vertical merge its value (楼栋 written once for its whole column); at most `budget` cells.

    Merges over several columns are titles and notes: they stay as they are.
    """
    for reference in merges:
        match = _RANGE.fullmatch(reference)
        if not match or match[1] != match[3]:
            continue
        column, first, last = column_index(match[1]), int(match[2]), min(int(match[4]), len(rows))
        budget -= max(last - first, 0)
        if budget < 0:
            return
        _copy_down(rows, column, first, last)


def _copy_down(rows: list[list[Value]], column: int, first: int, last: int) -> None:
    anchor = rows[first - 1] if 0 < first <= len(rows) else []
    value = anchor[column - 1] if column <= len(anchor) else None
    if value is None:
        return
    for row in rows[first:last]:
        if row and len(row) >= column:
            row[column - 1] = value
        elif row:
            row.extend([None] * (column - len(row)))
            row[column - 1] = value
