"""The rows of a mapped sheet, each cell cleaned by its column; which rows are no records at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importers.cells import Cell, CellKind, compact, text_of, written
from importers.faults import CellFault, RefusedCell, refused
from importers.headings import comparable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importers.columns import Column
    from importers.headings import SheetMapping
    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet

_SAMPLE = re.compile(r"[(（【\[]?(?:示例|样例|范例|填写示例|例[:：])")
_CLOSING_LINE = re.compile(
    r"(?:合计|总计|小计|共计|累计|总户数|制表|填表|审核|复核)|(?:备注|说明|注|注意|填写说明)[:：0-9]"
)
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class CleanRow:
    """One row of a sheet: identifier → cleaned value, the cells they came from, and the cells that were refused."""

    sheet: str
    row: int
    values: Mapping[str, object]
    cells: Mapping[str, Cell]
    headings: Mapping[str, str]
    faults: tuple[RefusedCell, ...] = ()

    def refuse(self, identifier: str, found: CellFault) -> RefusedCell:
        """Put a fault found only by looking at the whole row on one of its cells."""
        cell = self.cells.get(identifier) or next(iter(self.cells.values()), Cell(None, CellKind.EMPTY, self.row, "A"))
        heading = self.headings.get(identifier, "")
        return refused(found, self.sheet, cell, heading, written(cell.value))


@dataclass(slots=True)
class Skipped:
    """Rows that are no records, by why: shown to the user, so that nothing is left out in silence."""

    samples: list[int] = field(default_factory=list)
    closing: list[int] = field(default_factory=list)

    def notices(self, sheet: str) -> list[str]:
        """Return a sentence for each kind of row that was left out."""
        lines = []
        if self.samples:
            lines.append(f"工作表「{sheet}」第 {_listed(self.samples)} 行是示例，没有读取。")
        if self.closing:
            lines.append(f"工作表「{sheet}」第 {_listed(self.closing)} 行是合计或说明文字，没有读取。")
        return lines


class RowReader:
    """Reads one sheet: cleaning is remembered per column, since buildings, usages and dates repeat by the thousand."""

    def __init__(self, sheet: Sheet, mapping: SheetMapping, kind: SheetKind) -> None:
        self.sheet = sheet
        self.mapping = mapping
        self.kind = kind
        self.skipped = Skipped()
        self.placeholders = 0
        """How many placeholder numbers (18999999999) were met and not taken."""
        self._headings = {heading.identifier: heading.text for heading in mapping.headings if heading.identifier}
        self._columns: list[tuple[Column, int]] = [
            (column, mapping.columns[column.identifier])
            for column in kind.columns
            if column.identifier in mapping.columns
        ]
        self._known: dict[str, dict[tuple[str, object], object]] = {
            column.identifier: {} for column, _ in self._columns
        }

    def rows(self) -> Iterator[CleanRow]:
        """Yield the records below the header; blank rows, samples, totals and notes are not among them."""
        for row in range(self.mapping.row + 1, len(self.sheet.rows) + 1):
            if not self.sheet.rows[row - 1]:
                continue
            cells = {column.identifier: self.sheet.cell(row, place) for column, place in self._columns}
            filled = [name for name, cell in cells.items() if cell.kind is not CellKind.EMPTY and text_of(cell)]
            marked = any(cell.kind in {CellKind.ERROR, CellKind.FORMULA} for cell in cells.values())
            if (filled or marked) and self._is_record(row, cells, filled):
                yield self._cleaned(row, cells)

    def _is_record(self, row: int, cells: Mapping[str, Cell], filled: list[str]) -> bool:
        first = next((compact(str(value)) for value in self.sheet.rows[row - 1] if value not in {None, ""}), "")
        texts = {name: text_of(cells[name]) for name in filled}
        if _SAMPLE.match(first) or any(_SAMPLE.match(text) for text in texts.values()):
            self.skipped.samples.append(row)
            return False
        if _CLOSING_LINE.match(first) or self._is_note(cells, filled):
            self.skipped.closing.append(row)
            return False
        same = [name for name in filled if comparable(texts[name]) == comparable(self._headings[name])]
        return len(same) < max(2, len(filled) // 2)  # the header once more, as at the top of a printed page

    def _is_note(self, cells: Mapping[str, Cell], filled: list[str]) -> bool:
        """Tell a line of text below the table: a single filled cell, and it is no room."""
        if len(filled) != 1:
            return False
        name = filled[0]
        return (
            name not in self.kind.key[-1:] and cells[name].kind is CellKind.TEXT and not self._reads(name, cells[name])
        )

    def _reads(self, name: str, cell: Cell) -> bool:
        return name in self.kind.key and not isinstance(self._clean(self.kind.column(name), cell), CellFault)

    def _cleaned(self, row: int, cells: Mapping[str, Cell]) -> CleanRow:
        values: dict[str, object] = {}
        faults: list[RefusedCell] = []
        for column, _ in self._columns:
            cell = cells[column.identifier]
            value = self._clean(column, cell)
            if isinstance(value, CellFault):
                heading = self._headings[column.identifier]
                faults.append(refused(value, self.sheet.name, cell, heading, written(cell.value)))
            elif value is not None:
                values[column.identifier] = value
                self.placeholders += column.placeholders(value)
        return CleanRow(self.sheet.name, row, values, cells, self._headings, tuple(faults))

    def _clean(self, column: Column, cell: Cell) -> object:
        if cell.kind is CellKind.EMPTY:
            return None
        known = self._known[column.identifier]
        key = (cell.kind.value, cell.value)
        if key in known:
            return known[key]
        value = column.clean(cell)
        if len(known) < _REMEMBERED:
            known[key] = value
        return value


def _listed(rows: list[int]) -> str:
    shown = "、".join(map(str, rows[:8]))
    return f"{shown} 等 {len(rows)}" if len(rows) > 8 else shown  # noqa: PLR2004
