"""Marks refused cells in the user's own .xlsx: a red fill, a column with the reason, a sheet that lists them all.

The package is patched as a stream: only failing rows are rewritten, all else is copied as it is, so that layout, widths
and formulas stay the user's. What is written is text by its type and can never become a formula.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from importers import _prescan
from importers.cells import column_index, column_letter, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REASON_HEADING = "错误原因"
REASONS_SHEET = "错误说明"
_CHUNK = 1 << 18
_LONGEST_ROW = 16 << 20
_INFLATED = 600 << 20
_LARGEST_STYLES = 8 << 20
_RED = "FFFFC7CE"
_ROW = re.compile(rb"<((?:\w+:)?)row\b([^>]*?)(/?)>")
_CELL = re.compile(rb"<(?:\w+:)?c\b(?:[^>]*?/>|[^>]*>.*?</(?:\w+:)?c>)", re.DOTALL)
_NUMBER = re.compile(rb"\br=[\"']([0-9]{1,7})[\"']")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]{1,3})[0-9]{1,7}[\"']")
_STYLE = re.compile(rb"\bs=[\"']([0-9]{1,6})[\"']")
_NAME = re.compile(rb"<(?:\w+:)?c\b")
_WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class Unpatchable(Exception):
    """The package is built in a way that cannot be patched; the caller writes a plain workbook instead."""


@dataclass(frozen=True, slots=True)
class SheetMarks:
    """What to mark in one sheet: row → column letter → reason; where its header is and which column takes reasons."""

    header_row: int
    reason_column: int
    rows: Mapping[int, Mapping[str, str]]


def annotated(content: bytes, marks: Mapping[str, SheetMarks], listing: Sequence[Sequence[str]]) -> bytes:
    """Return the workbook with its refused cells marked and the listing, heading first, as one more sheet.

    Raises Unpatchable.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            return _patched(source, marks, listing)
    except (zipfile.BadZipFile, etree.XMLSyntaxError, _prescan.Suspicious, KeyError, ValueError) as mistake:
        raise Unpatchable from mistake


def _patched(source: zipfile.ZipFile, marks: Mapping[str, SheetMarks], listing: Sequence[Sequence[str]]) -> bytes:
    parts = {path: name for name, _, path in _prescan.sheet_parts(source, [_INFLATED])}
    book = _prescan.workbook_part(source, [_INFLATED])
    styles = _Styles(source, book)
    added = _Added(source, book, set(parts.values()))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for entry in source.infolist():
            if entry.filename == styles.path:
                continue
            with source.open(entry) as body, archive.open(entry.filename, "w", force_zip64=False) as copy:
                found = marks.get(parts.get(entry.filename, ""))
                pieces = _sheet(body, found, styles) if found else added.changed(entry.filename, body)
                for piece in pieces:
                    copy.write(piece)
        if styles.path:
            archive.writestr(styles.path, styles.written())
        archive.writestr(added.path, _listing_sheet(listing))
    return target.getvalue()


class _Styles:
    """The workbook's cell formats; each format of a refused cell gets a red twin, made when it is first needed."""

    def __init__(self, source: zipfile.ZipFile, book: str) -> None:
        path = posixpath.join(posixpath.dirname(book), "styles.xml")
        self.path = path if path in source.namelist() and source.getinfo(path).file_size < _LARGEST_STYLES else ""
        self._twins: dict[int, int] = {}
        if not self.path:
            return
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        self._root = etree.fromstring(source.read(self.path), parser)
        self._formats = self._child("cellXfs")
        fills = self._child("fills")
        space = etree.QName(self._root).namespace
        pattern = etree.SubElement(
            etree.SubElement(fills, f"{{{space}}}fill"), f"{{{space}}}patternFill", patternType="solid"
        )
        etree.SubElement(pattern, f"{{{space}}}fgColor", rgb=_RED)
        self._fill = len(fills) - 1
        fills.set("count", str(len(fills)))

    def _child(self, name: str) -> etree._Element:
        found = next((child for child in self._root if etree.QName(child).localname == name), None)
        if found is None:
            raise Unpatchable
        return found

    def red(self, style: int) -> int | None:
        """Return the number of the red twin of a format, None where the workbook has no formats at all."""
        if not self.path or style >= len(self._formats):
            return None
        if style not in self._twins:
            twin = etree.fromstring(etree.tostring(self._formats[style]))
            twin.set("fillId", str(self._fill))
            twin.set("applyFill", "1")
            self._formats.append(twin)
            self._twins[style] = len(self._formats) - 1
        return self._twins[style]

    def written(self) -> bytes:
        """Return the part as it is now."""
        self._formats.set("count", str(len(self._formats)))
        return etree.tostring(self._root, xml_declaration=True, encoding="UTF-8", standalone=True)


class _Added:
    """The one more sheet: its part, and the three places of the package that must know of it."""

    def __init__(self, source: zipfile.ZipFile, book: str, names: set[str]) -> None:
        folder, file = posixpath.split(book)
        self.book = book
        self.relations = posixpath.join(folder, "_rels", f"{file}.rels")
        taken = set(source.namelist())
        number = next(number for number in range(1, 10_000) if f"{folder}/worksheets/sheet{number}.xml" not in taken)
        self.path = posixpath.join(folder, "worksheets", f"sheet{number}.xml")
        self._target = f"worksheets/sheet{number}.xml"
        self._id = f"rIdWuguan{number}"
        spare = (f"{REASONS_SHEET}{number or ''}" for number in range(1000))
        self._name = next(name for name in spare if name not in names)

    def changed(self, name: str, body: IO[bytes]) -> Iterator[bytes]:
        """Yield a part, with the sheet made known in it where that is its duty."""
        if name == "[Content_Types].xml":
            new = f'<Override PartName="/{self.path}" ContentType="{_WORKSHEET}"/>'
            yield _before_end(body.read(), b"Types", new)
        elif name == self.relations:
            new = f'<Relationship Id="{self._id}" Type="{_RELATION}" Target="{self._target}"/>'
            yield _before_end(body.read(), b"Relationships", new)
        elif name == self.book:
            content = body.read()
            number = 1 + max(map(int, re.findall(rb"\bsheetId=[\"']([0-9]{1,9})[\"']", content)), default=0)
            new = (
                f'<sheet xmlns="{_MAIN}" xmlns:wr="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
                f' name={quoteattr(self._name)} sheetId="{number}" wr:id="{self._id}"/>'
            )
            yield _before_end(content, b"sheets", new)
        else:
            while chunk := body.read(_CHUNK):
                yield chunk


def _before_end(content: bytes, tag: bytes, new: str) -> bytes:
    place = re.search(rb"</(?:\w+:)?" + tag + rb"\s*>", content)
    if place is None:
        raise Unpatchable
    return content[: place.start()] + new.encode() + content[place.start() :]


def _sheet(body: IO[bytes], marks: SheetMarks, styles: _Styles) -> Iterator[bytes]:
    """Yield a sheet's markup, whole rows at a time, failing rows and the header rewritten."""
    wanted = {*marks.rows, marks.header_row}
    row, carry = 0, b""
    while chunk := body.read(_CHUNK):
        carry += chunk
        if len(carry) > _LONGEST_ROW:
            raise Unpatchable
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
            if row in wanted:
                yield carry[kept : start.start()]
                yield _row(carry[start.start() : end], start, row, marks, styles)
                kept = end
        yield carry[kept:place]
        carry = carry[place:]
    yield carry


def _row(body: bytes, start: re.Match[bytes], row: int, marks: SheetMarks, styles: _Styles) -> bytes:
    """Return a row with its refused cells red and one more cell that says why."""
    prefix = start[1]
    head = b"<" + prefix + b"row" + start[2] + b">"
    reasons = marks.rows.get(row, {})
    cells: dict[int, bytes] = {}
    for found in _CELL.finditer(body, start.end() - start.start()):
        reference = _REFERENCE.search(found[0][: found[0].index(b">")])
        column = column_index(reference[1].decode()) if reference else max(cells, default=0) + 1
        cells[column] = found[0]
    for letter in reasons:
        column = column_index(letter)
        blank = b"<" + prefix + b'c r="' + f"{letter}{row}".encode() + b'"/>'
        cells[column] = _red(cells.get(column, blank), styles)
    text = "\n".join(dict.fromkeys(reasons.values())) if reasons else REASON_HEADING
    cells[marks.reason_column] = _text_cell(
        f"{column_letter(marks.reason_column)}{row}", text, prefix.decode(), styles.red(0)
    )
    return head + b"".join(cells[column] for column in sorted(cells)) + b"</" + prefix + b"row>"


def _red(cell: bytes, styles: _Styles) -> bytes:
    end = cell.index(b">")
    tag = cell[:end]
    style = _STYLE.search(tag)
    twin = styles.red(int(style[1]) if style else 0)
    if twin is None:
        return cell
    bare = tag[: style.start()] + tag[style.end() :] if style else tag
    name = _NAME.match(bare)
    if name is None:
        raise Unpatchable
    return bare[: name.end()] + f' s="{twin}"'.encode() + bare[name.end() :] + cell[end:]


def _text_cell(reference: str, text: str, prefix: str = "", style: int | None = None) -> bytes:
    """Return a cell of text; text by its type is never taken for a formula, whatever it begins with."""
    clean = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", safe_text(text)[:32_000])
    look = "" if style is None else f' s="{style}"'
    return (
        f'<{prefix}c r="{reference}"{look} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">'
        f"{escape(clean)}</{prefix}t></{prefix}is></{prefix}c>"
    ).encode("utf-8", "replace")


def _listing_sheet(listing: Sequence[Sequence[str]]) -> bytes:
    rows = b"".join(
        f'<row r="{row}">'.encode()
        + b"".join(_text_cell(f"{column_letter(column)}{row}", text) for column, text in enumerate(line, 1))
        + b"</row>"
        for row, line in enumerate(listing, 1)
    )
    head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="{_MAIN}">'
    widths = '<cols><col min="1" max="3" width="12" customWidth="1"/><col min="4" max="4" width="28" customWidth="1"/>'
    widths += '<col min="5" max="5" width="80" customWidth="1"/></cols>'
    return f"{head}{widths}<sheetData>".encode() + rows + b"</sheetData></worksheet>"
