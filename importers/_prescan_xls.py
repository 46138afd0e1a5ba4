"""What calamine does not tell about an .xls: merged, hidden and far cells, errors; one pass over its records.

Runs only inside the limited child process. A compound file is a small file system; every chain of its sectors is
followed at most as far as the file is long, so that a chain in a circle ends.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from importers._prescan import GAP, MARKS_KEPT, MERGES_KEPT, MOST_SHEETS, NEAR_COLUMNS, Findings, Suspicious
from importers._zeros import Zeros, digits_of
from importers.cells import column_letter

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = 512
_ENTRY = 128
_LAST_SECTOR = 0xFFFFFFF9
_BIFF8 = 0x0600
_PASSWORD = 0x002F
_BOF, _EOF, _BOUND_SHEET, _ROW, _MERGES, _FORMULA, _TRUTH, _SEVERAL = (
    0x0809,
    0x000A,
    0x0085,
    0x0208,
    0x00E5,
    0x0006,
    0x0205,
    0x00BD,
)
_FORMAT, _STYLE, _NUMBER, _SHORT_NUMBER = 0x041E, 0x00E0, 0x0203, 0x027E
_FILLED = frozenset({0x0203, 0x0204, 0x00FD, 0x00D6, 0x027E, _FORMULA, _TRUTH, _SEVERAL})
_HIDDEN = 0x0020
_IS_ERROR = b"\xff\xff"
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


def scan(content: bytes) -> list[Findings]:
    """Return the findings of each sheet in the order of the tabs; none where the records are of an older kind.

    Raises Suspicious: `workbook_far` where a sheet's few cells lie so far apart that reading it would ask for all the
    memory between them, `workbook_too_many_parts` for more sheets than anybody has, `workbook_encrypted`.
    """
    try:
        stream = _stream(content)
        if struct.unpack_from("<HHH", stream) != (_BOF, struct.unpack_from("<H", stream, 2)[0], _BIFF8):
            return []
        styles = _styles(stream)
        every = [
            _findings(stream, place, Findings(name, hidden=False, zeros=Zeros(styles)))
            for place, name in _sheets(stream)
        ]
    except (struct.error, IndexError, ValueError):
        return []  # calamine decides what is damaged
    if any(found.is_far for found in every):
        raise Suspicious("workbook_far")
    return every


def _stream(content: bytes) -> bytes:
    """Return the stream that holds the workbook; raises ValueError where there is none."""
    (shift,) = struct.unpack_from("<H", content, 30)
    if shift not in {9, 12}:
        raise ValueError(shift)
    size = 1 << shift
    count, directory = struct.unpack_from("<II", content, 44)
    most = len(content) // size + 1
    lists = [sector for sector in struct.unpack_from("<109I", content, 76) if sector < _LAST_SECTOR]
    table: list[int] = []
    for sector in lists[: min(count, most)]:
        table.extend(struct.unpack_from(f"<{size // 4}I", content, _HEADER + sector * size))
    entries = _chain(content, table, directory, size, most)
    for place in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        length, kind = struct.unpack_from("<HB", entries, place + 64)
        name = entries[place : place + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
        if kind == 2 and name in {"Workbook", "Book"}:  # noqa: PLR2004  a stream
            first, whole = struct.unpack_from("<II", entries, place + 116)
            return _chain(content, table, first, size, most)[:whole]
    raise ValueError("Workbook")


def _chain(content: bytes, table: list[int], sector: int, size: int, most: int) -> bytes:
    pieces: list[bytes] = []
    while sector < len(table) and len(pieces) <= most:
        pieces.append(content[_HEADER + sector * size : _HEADER + (sector + 1) * size])
        sector = table[sector]
    return b"".join(pieces)


def _records(stream: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """Yield number and body of each record from a place on, up to the end of the sheet."""
    while place + 4 <= len(stream):
        number, length = struct.unpack_from("<HH", stream, place)
        yield number, stream[place + 4 : place + 4 + length]
        if number == _EOF:
            return
        place += 4 + length


def _sheets(stream: bytes) -> list[tuple[int, str]]:
    """Return place and name of each worksheet."""
    listed = []
    for number, body in _records(stream, 0):
        if number == _PASSWORD:
            raise Suspicious("workbook_encrypted")
        if number != _BOUND_SHEET:
            continue
        place, _, kind, length, is_wide = struct.unpack_from("<IBBBB", body)
        name = body[8 : 8 + 2 * length].decode("utf-16-le") if is_wide & 1 else body[8 : 8 + length].decode("latin-1")
        if kind == 0:
            listed.append((place, name))
        if len(listed) > MOST_SHEETS:
            raise Suspicious("workbook_too_many_parts")
    return listed


def _styles(stream: bytes) -> dict[bytes, int]:
    """Return style of a cell → how many digits its numbers are shown with, of those shown with zeros before them."""
    digits: dict[bytes, int] = {}
    formats: dict[int, int] = {}
    count = 0
    for number, body in _records(stream, 0):
        if number == _FORMAT:
            which, length, is_wide = struct.unpack_from("<HHB", body)
            code = body[5 : 5 + 2 * length].decode("utf-16-le", "replace") if is_wide & 1 else body[5 : 5 + length]
            formats[which] = digits_of(code if isinstance(code, str) else code.decode("latin-1"))
        elif number == _STYLE:
            if shown := formats.get(struct.unpack_from("<2xH", body)[0]):
                digits[b"%d" % count] = shown
            count += 1
    return digits


def _note_zeros(found: Findings, number: int, body: bytes) -> None:
    """Take note of numbers shown with zeros before them."""
    row, column = struct.unpack_from("<HH", body)
    if number in {_NUMBER, _SHORT_NUMBER}:
        found.zeros.note(row + 1, column + 1, b"%d" % struct.unpack_from("<H", body, 4)[0])
    elif number == _SEVERAL:
        for place in range((len(body) - 6) // 6):
            found.zeros.note(row + 1, column + 1 + place, b"%d" % struct.unpack_from("<H", body, 4 + 6 * place)[0])


def _findings(stream: bytes, place: int, found: Findings) -> Findings:
    for number, body in _records(stream, place):
        if number in _FILLED:
            row, column = struct.unpack_from("<HH", body)
            last = struct.unpack_from("<H", body, len(body) - 2)[0] if number == _SEVERAL else column
            _count(found, row + 1, min(last, column + 255) + 1, 1 + max(last - column, 0))
            if found.zeros.styles:
                _note_zeros(found, number, body)
            code = _error(number, body)
            if code is not None and len(found.marks) < MARKS_KEPT:
                found.marks[row + 1, column + 1] = f"error:{_ERRORS.get(code, '#N/A')}"
        elif number == _ROW:
            row, options = struct.unpack_from("<H10xH", body)
            if options & _HIDDEN and len(found.hidden_rows) < MARKS_KEPT:
                found.hidden_rows.append(row + 1)
        elif number == _MERGES and len(found.merges) < MERGES_KEPT:
            found.merges.extend(_merges(body))
    return found


def _count(found: Findings, row: int, column: int, cells: int) -> None:
    found.cells += cells
    if row - found.near_row <= GAP:
        found.near_row = max(found.near_row, row)
        found.near_column = max(found.near_column, min(column, NEAR_COLUMNS))
    found.last_row, found.last_column = max(found.last_row, row), max(found.last_column, column)


def _error(number: int, body: bytes) -> int | None:
    """Return the number of the error a cell holds, None when it holds none."""
    if number == _TRUTH:
        return body[6] if body[7] else None
    is_formula = number == _FORMULA and body[12:14] == _IS_ERROR and body[6] == 2  # noqa: PLR2004  an error, not a text
    return body[8] if is_formula else None


def _merges(body: bytes) -> Iterator[str]:
    (count,) = struct.unpack_from("<H", body)
    for number in range(count):
        first, last, left, right = struct.unpack_from("<HHHH", body, 2 + 8 * number)
        yield f"{column_letter(left + 1)}{first + 1}:{column_letter(right + 1)}{last + 1}"
