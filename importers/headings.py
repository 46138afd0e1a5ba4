"""Where the table of a sheet begins, and which of its columns is which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from importers.cells import Cell, CellKind, column_letter, compact, text_of
from importers.faults import shown_text
from tenant.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet, Workbook

SEARCHED_ROWS = 30
_SEARCHED_COLUMNS = 512
_LONGEST_HEADING = 40
_LEAST_MATCHES = 2
_SAMPLES = 3
_BRACKETED = re.compile(r"[(（【\[].*?[)）】\]]")
_PARTED = re.compile(r"[/、|或及]")
_DECORATION = re.compile(r"[*★#:：_\-./、]+|必填|选填")


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading: its column, its text, the identifier it stands for (None: not read), a few of the values below."""

    column: int
    text: str
    identifier: str | None
    samples: tuple[str, ...] = ()

    @property
    def letter(self) -> str:
        """Return the letter the user sees above the column."""
        return column_letter(self.column)


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """How one sheet is read: the header's row (from 1) and what each heading stands for."""

    sheet: str
    row: int
    headings: tuple[Heading, ...]
    notices: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, int]:
        """Return identifier → column, counted from 1."""
        return {heading.identifier: heading.column for heading in self.headings if heading.identifier}

    def heading_of(self, identifier: str) -> Heading | None:
        """Return the heading that stands for an identifier, None when the sheet has no such column."""
        return next((heading for heading in self.headings if heading.identifier == identifier), None)

    def as_json(self) -> dict[str, object]:
        """Return what the batch keeps: how the columns were understood, no value of any cell."""
        return {
            "sheet": self.sheet,
            "header_row": self.row,
            "columns": [[heading.letter, heading.text, heading.identifier] for heading in self.headings],
        }


def locate(book: Workbook, kind: SheetKind) -> tuple[list[tuple[Sheet, SheetMapping]], list[str]]:
    """Return each visible sheet that holds such a table with its mapping, and notices about what is not read.

    Raises Refusal when no sheet has a header (`header_missing`) or the best of them lacks a required column
    (`columns_missing`); the sentence names what is missing and what was found instead.
    """
    found: list[tuple[Sheet, SheetMapping]] = []
    left_out: list[str] = []
    notices: list[str] = list(book.notices)
    incomplete: SheetMapping | None = None
    visible = [sheet for sheet in book.sheets if not sheet.hidden and any(sheet.rows)]
    for sheet in visible:
        mapping = map_sheet(sheet, kind)
        if mapping and not missing(mapping, kind):
            found.append((sheet, mapping))
            notices += [*sheet.notices, *mapping.notices]
            continue
        left_out.append(sheet.name)
        if mapping and (incomplete is None or len(mapping.columns) > len(incomplete.columns)):
            incomplete = mapping
    if not found:
        raise _columns_missing(incomplete, kind) if incomplete else _header_missing(visible, kind)
    if left_out:
        notices.append(f"这些工作表里没有{kind.label}的表头，没有读取：{'、'.join(map(shown_text, left_out))}。")
    return found, notices


def map_sheet(sheet: Sheet, kind: SheetKind) -> SheetMapping | None:
    """Return the mapping by the best header within the first thirty rows, None when no row looks like one."""
    known = _known(kind)
    best: tuple[int, int] | None = None
    for row in range(1, min(SEARCHED_ROWS, len(sheet.rows)) + 1):
        found = {identifier for text in _texts(sheet, row) if (identifier := _identifier(text, known, kind))}
        if len(found) >= _LEAST_MATCHES and (best is None or len(found) > best[0]):
            best = (len(found), row)
    return _mapping(sheet, best[1], kind, known) if best else None


def missing(mapping: SheetMapping, kind: SheetKind) -> list[str]:
    """Return the labels of required columns a mapping has not, alternatives joined by 或."""
    have = mapping.columns.keys()
    return [
        "或".join(f"「{kind.column(identifier).label}」" for identifier in group)
        for group in kind.required
        if not have & set(group)
    ]


def _mapping(sheet: Sheet, row: int, kind: SheetKind, known: Mapping[str, str]) -> SheetMapping:
    """Return what stands in a header row; a heading that comes twice goes to its spare column or is not read."""
    taken: set[str] = set()
    headings: list[Heading] = []
    repeated: list[str] = []
    for column, text in enumerate(_texts(sheet, row), 1):
        if not text:
            continue
        meant = identifier = _identifier(text, known, kind)
        if identifier in taken:
            identifier = kind.column(identifier).spare
        if meant and (identifier is None or identifier in taken):
            repeated.append(f"{column_letter(column)} 列「{text}」")
            identifier = None
        if identifier:
            taken.add(identifier)
        headings.append(Heading(column, text, identifier, _samples(sheet, row, column)))
    notices = []
    if repeated:
        notices.append(f"工作表「{shown_text(sheet.name)}」里重复的列没有读取：{'、'.join(repeated[:10])}。")
    return SheetMapping(sheet.name, row, tuple(headings), tuple(notices))


def _known(kind: SheetKind) -> dict[str, str]:
    """Return every heading the kind knows, made comparable, with its identifier; the first to claim one keeps it."""
    known: dict[str, str] = {}
    for column in kind.columns:
        for heading in column.headings:
            known.setdefault(comparable(heading), column.identifier)
    return known


def comparable(heading: str) -> str:
    """Return a heading without blanks, marks of obligation and punctuation, in lower case."""
    return _DECORATION.sub("", compact(heading)).lower()


def _identifier(text: str, known: Mapping[str, str], kind: SheetKind) -> str | None:
    """Return what a heading stands for: as written, else without its brackets, else by its parts (`业主姓名/单位`).

    Where the parts mean several columns (`楼栋/单元/房号`) it is the decisive one, whose cells hold the whole key.
    """
    if not text:
        return None
    bare = _BRACKETED.sub("", compact(text))
    for candidate in (comparable(text), comparable(bare)):
        if candidate in known:
            return known[candidate]
    parts = {known[key] for part in _PARTED.split(bare) if (key := comparable(part)) in known}
    if kind.key[-1] in parts:
        return kind.key[-1]
    return parts.pop() if len(parts) == 1 else None


def _texts(sheet: Sheet, row: int) -> list[str]:
    """Return the headings in a row; where it is blank, what stands above: headers come in two rows too."""
    above = len(sheet.rows[row - 2]) if row > 1 else 0
    width = min(max(len(sheet.rows[row - 1]), above), _SEARCHED_COLUMNS)
    texts = [_heading_text(sheet.cell(row, column)) for column in range(1, width + 1)]
    if not any(texts):
        return texts
    return [text or _heading_text(sheet.cell(row - 1, column)) for column, text in enumerate(texts, 1)]


def _heading_text(cell: Cell) -> str:
    return " ".join(text_of(cell).split())[:_LONGEST_HEADING] if cell.kind is CellKind.TEXT else ""


def _samples(sheet: Sheet, header: int, column: int) -> tuple[str, ...]:
    """Return the first few values below a heading, for the preview."""
    cells = (sheet.cell(row, column) for row in range(header + 1, min(header + 31, len(sheet.rows) + 1)))
    return tuple(text for cell in cells if (text := shown_text(text_of(cell))))[:_SAMPLES]


def _header_missing(sheets: Sequence[Sheet], kind: SheetKind) -> Refusal:
    needed = _needed(kind)
    if not sheets:
        return Refusal(
            code="sheet_empty",
            message=f"工作簿里没有内容。请填写{kind.label}（表头需有{needed}）后重新上传。",
            field="file",
        )
    return Refusal(
        code="header_missing",
        message=(
            f"前 {SEARCHED_ROWS} 行里没有找到{kind.label}的表头。请在表格上方保留一行列名，至少有{needed}，再重新上传。"
        ),
        field="file",
    )


def _columns_missing(mapping: SheetMapping, kind: SheetKind) -> Refusal:
    lacking = missing(mapping, kind)
    seen = "、".join(heading.text for heading in mapping.headings)
    return Refusal(
        code="columns_missing",
        message=(
            f"工作表「{shown_text(mapping.sheet)}」第 {mapping.row} 行的表头缺少必填列：{'、'.join(lacking)}。"
            f"已有的列名：{shown_text(seen)}。请补上缺少的列，或把列名改成上面的写法，再重新上传。"
        ),
        field="header",
        value=shown_text("、".join(lacking)),
    )


def _needed(kind: SheetKind) -> str:
    return "、".join("或".join(f"「{kind.column(name).label}」" for name in group) for group in kind.required)
