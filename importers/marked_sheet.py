"""One sheet's markup with its refused cells marked: a stream in which only those rows are rewritten."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from importers.cells import column_index, column_letter, safe_text
from importers.marked_styles import Styles, Unpatchable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REASON_HEADING: Final = "错误原因"
_CHUNK = 1 << 18
_LONGEST_ROW = 16 << 20
_REASON_WIDTH = 60
_ROW = re.compile(rb"<((?:\w+:)?)row\b([^>]*?)(/?)>")
_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*>")
_NUMBER = re.compile(rb"\br=[\"']([0-9]{1,7})[\"']")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]{1,3})[0-9]{1,7}[\"']")
_STYLE = re.compile(rb"\bs=[\"']([0-9]{1,6})[\"']")
_NAME = re.compile(rb"<(?:\w+:)?c\b")
_SPANS = re.compile(rb"\s(?:spans)=[\"'][^\"']*[\"']")
_SHEET_DATA = re.compile(rb"<((?:\w+:)?)sheetData\b")
_COLUMNS = re.compile(rb"<(?:\w+:)?cols\b[^>]*>(.*?)</(?:\w+:)?cols>", re.DOTALL)
_COLUMN = re.compile(rb"<(?:\w+:)?col\b[^>]*>")
_FROM_TO = re.compile(rb"\b(min|max)=[\"']([0-9]{1,5})[\"']")
_DIMENSION = re.compile(rb"(<(?:\w+:)?dimension\b[^>]*?ref=[\"'][A-Z]{1,3}[0-9]{1,7}:)([A-Z]{1,3})([0-9]{1,7}[\"'])")
_TAG = re.compile(rb"<(/?)(?:\w+:)?(\w+)\b[^>]*?(/?)>")
_BEHIND_DRAWING = frozenset(
    {
        b"legacyDrawingHF",
        b"drawingHF",
        b"picture",
        b"oleObjects",
        b"controls",
        b"AlternateContent",
        b"webPublishItems",
        b"tableParts",
        b"extLst",
        b"worksheet",
    }
)
"""What may stand behind the drawing of the comments, the end of the sheet among it."""


@dataclass(frozen=True, slots=True)
class SheetMarks:
    """What to mark in one sheet: row → column letter → reason, where its headers are, which column takes the reasons.

    ``edits`` is row → column letter → text that people put in place of a cell. ``is_again``: the column of reasons is
    there from the last time; what was put right since is no longer marked.
    """

    header_rows: frozenset[int]
    reason_column: int
    rows: Mapping[int, Mapping[str, str]]
    edits: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    is_again: bool = False


def marked(body: IO[bytes], marks: SheetMarks, styles: Styles, drawing: bytes) -> Iterator[bytes]:
    """Yield a sheet's markup, whole rows at a time; ``drawing`` is the tag that names its comments, empty for none.

    Raises Unpatchable.
    """
    wanted = {*marks.rows, *marks.edits, *marks.header_rows}
    letter = column_letter(marks.reason_column).encode()
    row, carry, is_begun = 0, b"", False
    while chunk := body.read(_CHUNK):
        carry += chunk
        if len(carry) > _LONGEST_ROW:
            raise Unpatchable
        if not is_begun:
            opening = _SHEET_DATA.search(carry)
            if opening is None:
                continue
            is_begun = True
            carry = _headed(carry[: opening.start()], opening[1], marks.reason_column) + carry[opening.start() :]
        place, kept = 0, 0
        for start in _ROW.finditer(carry):
            if start.start() < place:
                continue
            closing = b"</" + start[1] + b"row>"
            end = start.end() if start[3] else carry.find(closing, start.end()) + len(closing)
            if end < start.end():
                break
            number = _NUMBER.search(start[2])
            row = int(number[1]) if number else row + 1
            place = end
            if row in wanted or (marks.is_again and b'"%s%d"' % (letter, row) in carry[start.end() : end]):
                yield carry[kept : start.start()]
                yield _row(carry[start.start() : end], start, row, marks, styles)
                kept = end
        yield carry[kept:place]
        carry = carry[place:]
    if not is_begun:
        raise Unpatchable
    yield _drawn(carry, drawing) if drawing else carry


def _headed(head: bytes, prefix: bytes, column: int) -> bytes:
    """Return what stands before the rows, with room for the reasons: the column's width, the sheet's size."""
    letter = column_letter(column).encode()
    head = _DIMENSION.sub(lambda found: _wider(found, column, letter), head)
    width = b'<%scol min="%d" max="%d" width="%d" customWidth="1"/>' % (prefix, column, column, _REASON_WIDTH)
    listed = _COLUMNS.search(head)
    if listed is None:
        return head + b"<%scols>%s</%scols>" % (prefix, width, prefix)
    pieces: list[tuple[int, bytes]] = [(column, width)]
    for found in _COLUMN.finditer(listed[1]):
        reach = {name: int(number) for name, number in _FROM_TO.findall(found[0])}
        first, last = reach.get(b"min", 0), reach.get(b"max", 0)
        if last < column or first > column:
            pieces.append((first, found[0]))
            continue
        if first < column:
            pieces.append((first, _reaching(found[0], first, column - 1)))
        if last > column:
            pieces.append((column + 1, _reaching(found[0], column + 1, last)))
    return head[: listed.start(1)] + b"".join(piece for _, piece in sorted(pieces)) + head[listed.end(1) :]


def _wider(found: re.Match[bytes], column: int, letter: bytes) -> bytes:
    return found[1] + (letter if column_index(found[2].decode()) < column else found[2]) + found[3]


def _reaching(tag: bytes, first: int, last: int) -> bytes:
    """Return a column's tag for other columns."""
    return _FROM_TO.sub(lambda found: b'%s="%d"' % (found[1], first if found[1] == b"min" else last), tag)


def _drawn(tail: bytes, drawing: bytes) -> bytes:
    """Return what stands behind the rows, with the drawing of the comments in its place among the rest."""
    depth = 0
    for tag in _TAG.finditer(tail):
        if tag[1] and tag[2] in {b"sheetData", b"worksheet"}:
            depth = 0
        elif tag[1]:
            depth -= 1
        if depth == 0 and tag[2] in _BEHIND_DRAWING:
            return tail[: tag.start()] + drawing + tail[tag.start() :]
        if not tag[1] and not tag[3]:
            depth += 1
    raise Unpatchable


def _row(body: bytes, start: re.Match[bytes], row: int, marks: SheetMarks, styles: Styles) -> bytes:
    """Return a row with its refused cells red and one more cell that says why."""
    prefix = start[1]
    head = b"<" + prefix + b"row" + _SPANS.sub(b"", start[2]) + b">"
    cells = _cells(body, start.end() - start.start(), prefix)
    edits, reasons = marks.edits.get(row, {}), marks.rows.get(row, {})
    if marks.is_again and cells.pop(marks.reason_column, b"") and row not in marks.header_rows:
        cells = {column: _restyled(cell, styles.plain) for column, cell in cells.items()}
    for letter, text in edits.items():
        column = column_index(letter)
        style = _STYLE.search(_tag(cells.get(column, b">")))
        cells[column] = _text_cell(f"{letter}{row}", text, prefix.decode(), int(style[1]) if style else None)
    for letter in reasons:
        column = column_index(letter)
        blank = b"<" + prefix + b'c r="' + f"{letter}{row}".encode() + b'"/>'
        cells[column] = _restyled(cells.get(column, blank), styles.red)
    if reasons or row in marks.header_rows:
        text = "\n".join(dict.fromkeys(reasons.values())) if reasons else REASON_HEADING
        place = f"{column_letter(marks.reason_column)}{row}"
        cells[marks.reason_column] = _text_cell(place, text, prefix.decode(), styles.red(0))
    return head + b"".join(cells[column] for column in sorted(cells)) + b"</" + prefix + b"row>"


def _cells(body: bytes, begin: int, prefix: bytes) -> dict[int, bytes]:
    """Return the cells of a row by their columns; raises Unpatchable for one that does not end."""
    cells: dict[int, bytes] = {}
    closing = b"</" + prefix + b"c>"
    column, place = 0, begin
    while found := _CELL.search(body, place):
        place = found.end()
        if not found[0].endswith(b"/>"):
            place = body.find(closing, place) + len(closing)
            if place < found.end():
                raise Unpatchable
        reference = _REFERENCE.search(found[0])
        column = column_index(reference[1].decode()) if reference else column + 1
        cells[column] = body[found.start() : place]
    return cells


def _tag(cell: bytes) -> bytes:
    return cell[: cell.index(b">")]


def _restyled(cell: bytes, other: Callable[[int], int | None]) -> bytes:
    """Return a cell in another format: ``other`` gives the number of it for the number of its own, None for none."""
    tag = _tag(cell)
    style = _STYLE.search(tag)
    twin = other(int(style[1]) if style else 0)
    if twin is None:
        return cell
    bare = tag[: style.start()] + tag[style.end() :] if style else tag
    name = _NAME.match(bare)
    if name is None:
        raise Unpatchable
    return bare[: name.end()] + f' s="{twin}"'.encode() + bare[name.end() :] + cell[len(tag) :]


def _text_cell(reference: str, text: str, prefix: str = "", style: int | None = None) -> bytes:
    """Return a cell of text; text by its type is never taken for a formula, whatever it begins with."""
    look = "" if style is None else f' s="{style}"'
    return (
        f'<{prefix}c r="{reference}"{look} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">'
        f"{escape(shown(text))}</{prefix}t></{prefix}is></{prefix}c>"
    ).encode("utf-8", "replace")


def shown(text: str) -> str:
    """Return text fit to stand in a part: no control characters, nothing that reads as an escape."""
    return re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", safe_text(text)[:32_000])


def listing(lines: Sequence[Sequence[str]], space: str) -> bytes:
    """Return a sheet of these lines of texts, the heading first."""
    rows = b"".join(
        f'<row r="{row}">'.encode()
        + b"".join(_text_cell(f"{column_letter(column)}{row}", text) for column, text in enumerate(line, 1))
        + b"</row>"
        for row, line in enumerate(lines, 1)
    )
    head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="{space}">'
    widths = '<cols><col min="1" max="3" width="12" customWidth="1"/><col min="4" max="4" width="28" customWidth="1"/>'
    widths += '<col min="5" max="5" width="80" customWidth="1"/></cols>'
    return f"{head}{widths}<sheetData>".encode() + rows + b"</sheetData></worksheet>"
