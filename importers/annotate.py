"""Marks refused cells in the user's own .xlsx: red, with a comment, a column with the reason, a sheet that lists all.

The package is patched as a stream: only failing rows are rewritten, all else is copied as it is, so that layout, widths
and formulas stay the user's. What is written is text by its type and can never become a formula. Marks of the last time
are replaced: a workbook that is corrected and sent in again does not gather columns and sheets.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from lxml import etree

from importers import _prescan, marked_notes
from importers.marked_sheet import REASON_HEADING, SheetMarks, listing, marked
from importers.marked_styles import Styles, Unpatchable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["REASONS_SHEET", "REASON_HEADING", "SheetMarks", "Unpatchable", "annotated"]

REASONS_SHEET = "错误说明"
_CHUNK = 1 << 18
_INFLATED = 600 << 20
_LARGEST = 8 << 20
"""Bytes of a part that is changed as a whole, at most: it is held in memory outside the limited child."""
_TYPES = "[Content_Types].xml"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def annotated(content: bytes, marks: Mapping[str, SheetMarks], lines: Sequence[Sequence[str]]) -> bytes:
    """Return the workbook with its refused cells marked and the lines, heading first, as one more sheet.

    Raises Unpatchable.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            return _Patch(source, marks).written(lines)
    except (*_prescan.BROKEN, zlib.error, etree.XMLSyntaxError, _prescan.Suspicious) as mistake:
        raise Unpatchable from mistake


class _Patch:
    """One package on its way through: which of its parts change, and what they become."""

    def __init__(self, source: zipfile.ZipFile, marks: Mapping[str, SheetMarks]) -> None:
        self.source = source
        self.book = _prescan.workbook_part(source, [_INFLATED])
        parts = {path: name for name, _, path in _prescan.sheet_parts(source, [_INFLATED])}
        self.marks = {path: marks[name] for path, name in parts.items() if name in marks}
        folder, file = posixpath.split(self.book)
        self.relations = posixpath.join(folder, "_rels", f"{file}.rels")
        if any(source.getinfo(part).file_size > _LARGEST for part in (self.book, self.relations, _TYPES)):
            raise Unpatchable
        self.is_strict = _STRICT_MAIN.encode() in source.read(self.book)[:4096]
        self.styles = Styles(source, self.book)
        self.notes = {path: self._notes(path, found) for path, found in self.marks.items()}
        is_again = any(found.is_again for found in self.marks.values())
        listed = next((path for path, name in parts.items() if is_again and name == REASONS_SHEET), None)
        names = (f"{REASONS_SHEET}{number or ''}" for number in range(1000))
        self.name = next(name for name in names if name not in parts.values())
        self.is_added = listed is None
        self.listing = listed or self._free(posixpath.join(folder, "worksheets"))

    @property
    def _main(self) -> str:
        return _STRICT_MAIN if self.is_strict else _MAIN

    def _free(self, folder: str) -> str:
        taken = set(self.source.namelist())
        names = (f"{folder}/sheet{number}.xml" for number in range(1, 10_000))
        return next(name for name in names if name not in taken)

    def _notes(self, path: str, marks: SheetMarks) -> marked_notes.Parts:
        listed = _relations_part(path)
        folder = posixpath.dirname(path)
        is_there = listed in self.source.namelist()
        found = _prescan.relations(self.source, listed, folder, [_INFLATED]) if is_there else {}
        return marked_notes.noted(self.source, path, found, marks.rows, self._main)

    def written(self, lines: Sequence[Sequence[str]]) -> bytes:
        """Return the package."""
        bodies = {path: body for notes in self.notes.values() for path, body in notes.bodies.items()}
        bodies[self.listing] = listing(lines, self._main)
        left = {_relations_part(path): notes.relations for path, notes in self.notes.items() if notes.relations}
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            for entry in self.source.infolist():
                if entry.filename in bodies or entry.filename == self.styles.path:
                    continue
                with self.source.open(entry) as body, archive.open(entry.filename, "w", force_zip64=False) as copy:
                    for piece in self._pieces(entry.filename, body, left):
                        copy.write(piece)
            if self.styles.path:
                archive.writestr(self.styles.path, self.styles.written())
            for path, relations in left.items():
                archive.writestr(path, f'<Relationships xmlns="{_PACKAGE}">{relations}</Relationships>')
            for path, written in bodies.items():
                archive.writestr(path, written)
        return target.getvalue()

    def _pieces(self, name: str, body: IO[bytes], left: dict[str, str]) -> Iterator[bytes]:
        """Yield a part as it becomes; a sheet's relations that are given here are taken out of those ``left``."""
        if name in self.marks:
            drawing = self.notes[name].drawing
            space = _STRICT_RELATIONS if self.is_strict else _RELATIONS
            tag = f'<legacyDrawing xmlns="{self._main}" xmlns:wr="{space}" wr:id="{drawing}"/>' if drawing else ""
            yield from marked(body, self.marks[name], self.styles, tag.encode())
        elif name in left:
            yield _before_end(body.read(), b"Relationships", left.pop(name))
        elif name == _TYPES:
            yield _before_end(self._typed(body.read()), b"Types", self._types())
        elif name == self.relations and self.is_added:
            target = f'Type="{_STRICT_RELATIONS if self.is_strict else _RELATIONS}/worksheet" Target="/{self.listing}"'
            yield _before_end(body.read(), b"Relationships", f'<Relationship Id="rIdWuguan" {target}/>')
        elif name == self.book and self.is_added:
            yield self._listed(body.read())
        else:
            while chunk := body.read(_CHUNK):
                yield chunk

    def _listed(self, content: bytes) -> bytes:
        """Return the workbook's part with the sheet of reasons as its last tab."""
        number = 1 + max(map(int, re.findall(rb"\bsheetId=[\"']([0-9]{1,9})[\"']", content)), default=0)
        space = _STRICT_RELATIONS if self.is_strict else _RELATIONS
        tab = f'<sheet xmlns="{self._main}" xmlns:wr="{space}" name={quoteattr(self.name)}'
        return _before_end(content, b"sheets", f'{tab} sheetId="{number}" wr:id="rIdWuguan"/>')

    @staticmethod
    def _typed(content: bytes) -> bytes:
        """Return the list of types with the kind of drawing that comments need; it must be known before it is used."""
        if b'Extension="vml"' in content:
            return content
        new = f'<Default Extension="vml" ContentType="{marked_notes.DRAWING_TYPE}"/>'
        return _before_end(content, b"Types", new)

    def _types(self) -> str:
        new = _override(self.listing, _SHEET_TYPE) if self.is_added else ""
        return new + "".join(
            _override(notes.added, marked_notes.COMMENTS_TYPE) for notes in self.notes.values() if notes.added
        )


def _override(path: str, kind: str) -> str:
    return f'<Override PartName="/{path}" ContentType="{kind}"/>'


def _relations_part(path: str) -> str:
    folder, file = posixpath.split(path)
    return posixpath.join(folder, "_rels", f"{file}.rels")


def _before_end(content: bytes, tag: bytes, new: str) -> bytes:
    place = re.search(rb"</(?:\w+:)?" + tag + rb"\s*>", content)
    if place is None:
        raise Unpatchable
    return content[: place.start()] + new.encode() + content[place.start() :]
