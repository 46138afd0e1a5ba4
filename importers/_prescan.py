"""What calamine does not tell about an .xlsx, recovered by one pass over its markup in bounded memory.

Runs only inside the limited child process. Finds per sheet: cells holding an error, formulas saved without a result,
hidden rows, merged ranges, and how far the content really reaches (the declared `<dimension>` is not to be trusted).
"""

from __future__ import annotations

import lzma
import posixpath
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from importers._glance import Doubtful, Seen
from importers._zeros import Styles, Zeros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 1 << 18
_MAIN_ROLE = "/worksheet"
MERGES_KEPT = 20_000
MARKS_KEPT = 200_000
GAP = 1_000
NEAR_COLUMNS = 256
_DENSE_AREA = 2_000_000
_DENSE_RATIO = 40
_DENSE_COLUMNS = 1_024
_DENSE_ROWS = 100_000
MOST_SHEETS = 300
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_DECLARATION = b"<!DOCTYPE"
_HEAD = 4_096

BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, OSError, RuntimeError, ValueError)
"""What reading a broken or odd part of an archive raises."""


class Suspicious(Exception):
    """The markup is not something a spreadsheet program writes. `code` names the refusal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Findings:
    """What one sheet's markup says.

    Rows and columns count from 1; marks map (row, column) to `error:#N/A` or `formula`. `near_row` is the last filled
    row before the first gap of a thousand blank rows, `near_column` the last filled column within the first 256.
    """

    name: str
    hidden: bool
    last_row: int = 0
    last_column: int = 0
    near_row: int = 0
    near_column: int = 0
    cells: int = 0
    marks: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    zeros: Zeros = field(default_factory=Zeros)

    @property
    def is_far(self) -> bool:
        """Tell a sheet whose few cells lie so far apart that calamine would ask for all the memory between them."""
        area = self.last_row * self.last_column
        return (
            self.last_column > _DENSE_COLUMNS
            or self.last_row > max(_DENSE_ROWS, _DENSE_RATIO * self.cells)
            or area > max(_DENSE_AREA, _DENSE_RATIO * self.cells)
        )


def local(name: str) -> str:
    """Return a tag's name without its prefix: some writers put one on every tag."""
    return name.rpartition(":")[2]


class _SheetScan:
    """The handlers of one sheet: cell by cell, remembering nothing but the findings."""

    def __init__(self, findings: Findings, *, is_whole: bool = True) -> None:
        self.found = findings
        self.zeros = findings.zeros
        self.is_whole = is_whole
        self.row = 0
        self.column = 0
        self.kind = ""
        self.formula = False
        self.filled = False
        self.in_value = False
        self.text: list[str] = []
        self.columns: dict[str, int] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name if ":" not in name else local(name)
        if tag == "c":
            self._start_cell(attributes)
        elif tag in {"v", "t"}:
            self.in_value = True
        elif tag == "f":
            self.formula = True
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "mergeCell" and len(self.found.merges) < MERGES_KEPT:
            self.found.merges.append(attributes.get("ref", ""))

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "")
        if not (number or self.is_whole):
            raise Doubtful
        self.row = _within(int(number[:9]), _LAST_ROW) if number.isascii() and number.isdigit() else self.row + 1
        self.column = 0
        if attributes.get("hidden") in {"1", "true"} and len(self.found.hidden_rows) < MARKS_KEPT:
            self.found.hidden_rows.append(self.row)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        letters = attributes.get("r", "").rstrip("0123456789")
        self.column = (self.columns.get(letters) or self._place(letters)) if letters else self.column + 1
        self.kind = attributes.get("t", "")
        if self.zeros.styles and self.kind in {"", "n"}:
            self.zeros.note(self.row, self.column, attributes.get("s", "").encode())
        self.formula = self.filled = False

    def _place(self, letters: str) -> int:
        place = 0
        for letter in letters[:4].upper():
            place = place * 26 + ord(letter) - 64
        self.columns[letters] = _within(place if letters.isascii() and letters.isalpha() else 0, _LAST_COLUMN)
        return place

    def text_seen(self, text: str) -> None:
        if self.in_value:
            self.filled = True
            if self.kind == "e":
                self.text.append(text[:20])

    def end(self, name: str) -> None:
        tag = name if ":" not in name else local(name)
        if tag == "c":
            self._end_cell()
        elif tag in {"v", "t"}:
            self.in_value = False

    def _end_cell(self) -> None:
        if not (self.filled or self.formula):
            return
        found = self.found
        found.cells += 1
        if self.row - found.near_row <= GAP:
            found.near_row = max(found.near_row, self.row)
            if self.column <= NEAR_COLUMNS:
                found.near_column = max(found.near_column, self.column)
        found.last_row = max(found.last_row, self.row)
        found.last_column = max(found.last_column, self.column)
        if self.kind == "e":
            self._mark("error:" + "".join(self.text)[:20])
            self.text.clear()
        elif self.formula and not self.filled and self.kind != "str":
            self._mark("formula")

    def _mark(self, what: str) -> None:
        if len(self.found.marks) < MARKS_KEPT:
            self.found.marks[self.row, self.column] = what


def _within(place: int, last: int) -> int:
    """Return a row or column; raises Suspicious for one no sheet has: readers ask for all the memory up to it."""
    if not 0 < place <= last:
        raise Suspicious("workbook_damaged")
    return place


def scan(archive: zipfile.ZipFile, inflated_limit: int) -> list[Findings]:
    """Return the findings of each worksheet in the workbook's order.

    Raises Suspicious when the parts inflate beyond `inflated_limit` bytes, declare entities, or are no XML.
    """
    budget = [inflated_limit]
    _refuse_declarations(archive)
    every: list[Findings] = []
    styles = _styles(archive, budget)
    for name, hidden, path in sheet_parts(archive, budget):
        findings = Findings(name, hidden, zeros=Zeros(styles))
        if not _glanced(archive, path, budget, findings):
            findings = Findings(name, hidden, zeros=Zeros(styles))
            _parse(archive, path, budget, _SheetScan(findings))
        every.append(findings)
    return every


def _glanced(archive: zipfile.ZipFile, path: str, budget: list[int], findings: Findings) -> bool:
    """Take what a first look tells, which is bounds; False where it is not enough: far cells are looked at twice."""
    seen, before = Seen(zeros=findings.zeros), budget[0]
    try:
        _parse(archive, path, budget, _SheetScan(findings, is_whole=False), seen)
    except Doubtful:
        budget[0] = before
        return False
    findings.last_row, findings.last_column = (
        max(findings.last_row, seen.last_row),
        max(findings.last_column, seen.last_column),
    )
    findings.cells += seen.cells
    findings.near_row, findings.near_column = findings.last_row, min(findings.last_column, NEAR_COLUMNS)
    findings.hidden_rows = sorted({*findings.hidden_rows, *seen.hidden_rows})[:MARKS_KEPT]
    if findings.is_far:
        budget[0] = before
    return not findings.is_far


def _refuse_declarations(archive: zipfile.ZipFile) -> None:
    """Refuse entities in the parts that are not parsed here, too: they are declared before everything else."""
    for name in archive.namelist():
        if name.endswith((".xml", ".rels")):
            try:
                with archive.open(name) as part:
                    head = part.read(_HEAD)
            except BROKEN as mistake:
                raise _damage(mistake) from mistake
            if _DECLARATION in head:
                raise Suspicious("workbook_entities")


def _parse(archive: zipfile.ZipFile, path: str, budget: list[int], sheet: _SheetScan, seen: Seen | None = None) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = sheet.start
    parser.EndElementHandler = sheet.end
    parser.CharacterDataHandler = sheet.text_seen
    feed(parser, archive, path, budget, seen)


def feed(
    parser: expat.XMLParserType, archive: zipfile.ZipFile, path: str, budget: list[int], seen: Seen | None = None
) -> None:
    """Parse a part piece by piece; what it inflates to is taken off the budget.

    With ``seen`` its plain rows are taken out before. Raises Suspicious, with ``seen`` also Doubtful, nothing else.
    """
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with archive.open(path) as part:
            pieces: Iterable[bytes] = _pieces(part, budget)
            for piece in seen.rest(pieces) if seen else pieces:
                parser.Parse(piece, False)  # noqa: FBT003  expat takes no keywords
        parser.Parse(b"", True)  # noqa: FBT003
    except (expat.ExpatError, *BROKEN) as mistake:
        raise _damage(mistake) from mistake


def _damage(mistake: Exception) -> Exception:
    """Return what a part that could not be read is: damaged, or too much for the memory, as expat and zlib put it."""
    no_memory = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
    if isinstance(mistake, expat.ExpatError) and mistake.code == no_memory:
        return MemoryError()
    if isinstance(mistake, zlib.error) and str(mistake).startswith("Error -4 "):
        return MemoryError()
    return Suspicious("workbook_damaged")


def _pieces(part: IO[bytes], budget: list[int]) -> Iterator[bytes]:
    while piece := part.read(_CHUNK):
        budget[0] -= len(piece)
        if budget[0] < 0:
            raise Suspicious("workbook_bomb")
        yield piece


def _refuse_doctype(*_declared: object) -> None:
    raise Suspicious("workbook_entities")


def sheet_parts(archive: zipfile.ZipFile, budget: list[int]) -> list[tuple[str, bool, str]]:
    """Return name, hidden and part of each worksheet, in the order of the workbook's tabs."""
    book = workbook_part(archive, budget)
    targets = _targets(archive, book, budget)
    listed: list[tuple[str, bool, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "sheet":
            relation = next((value for key, value in attributes.items() if local(key) == "id"), "")
            hidden = attributes.get("state", "visible") != "visible"
            if relation in targets:
                listed.append((attributes.get("name", ""), hidden, targets[relation]))
            if len(listed) > MOST_SHEETS:
                raise Suspicious("workbook_too_many_parts")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    feed(parser, archive, book, budget)
    return listed


def workbook_part(archive: zipfile.ZipFile, budget: list[int]) -> str:
    for kind, target in relations(archive, "_rels/.rels", "", budget).values():
        if kind.endswith("/officeDocument"):
            return target
    raise Suspicious("not_a_workbook")


def _styles(archive: zipfile.ZipFile, budget: list[int]) -> dict[bytes, int]:
    """Return style of a cell → how many digits its numbers are shown with; none where no part says how they look."""
    styles = Styles()
    for path in _targets(archive, workbook_part(archive, budget), budget, "/styles").values():
        parser = expat.ParserCreate()
        parser.StartElementHandler = styles.start
        parser.EndElementHandler = styles.end
        try:
            feed(parser, archive, path, budget)
        except Suspicious as mistake:
            if mistake.code != "workbook_damaged":  # how it looks is no reason to leave what it holds unread
                raise
    return styles.digits


def _targets(archive: zipfile.ZipFile, book: str, budget: list[int], role: str = _MAIN_ROLE) -> dict[str, str]:
    folder, name = posixpath.split(book)
    found = relations(archive, posixpath.join(folder, "_rels", name + ".rels"), folder, budget)
    return {key: target for key, (kind, target) in found.items() if kind.endswith(role)}


def relations(archive: zipfile.ZipFile, path: str, folder: str, budget: list[int]) -> dict[str, tuple[str, str]]:
    """Return the relations a part lists: id → kind and whole path of what it refers to; raises Suspicious."""
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "Relationship":
            target = attributes.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[attributes.get("Id", "")] = (attributes.get("Type", ""), whole)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    feed(parser, archive, path, budget)
    return found
