"""The rows of a mapped sheet, each cell cleaned by its column; which rows are no records at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from importers.cells import CellKind, Value, compact, is_absent, safe_text, text_of, written
from importers.choices import NOTE
from importers.faults import CellFault, RefusedCell, fault, refused
from importers.rooms import group_of
from importers.sight import A_BLOCK, FirstSight, Seen, begins_as_sample, is_blank, is_sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importers.columns import Column
    from importers.headings import SheetMapping
    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet

_CLOSING_LINE = re.compile(
    r"(?:本[日周月季年页期栋])?(?:合计|总计|小计|共计|累计|总户数|制表|填表|审核|复核)|(?:备注|说明|注|注意|填写说明)[:：0-9]"
)
_PAGE = re.compile(r"第[0-9]{1,4}页(?:[/,]?共[0-9]{1,4}页)?")
_REMEMBERED = 20_000
LONGEST_NOTE = 500
"""Signs of a note with all that is kept in it."""


@dataclass(slots=True)
class CleanRow:
    """One row of a sheet: identifier → cleaned value, and the cells that were refused."""

    reader: RowReader
    row: int
    values: Mapping[str, object]
    faults: tuple[RefusedCell, ...] = ()
    group: tuple[str | None, str | None] = (None, None)
    """Building and section named by a line of its own above the row."""

    @property
    def sheet(self) -> str:
        """Return the name of the sheet."""
        return self.reader.sheet.name

    @property
    def headings(self) -> Mapping[str, str]:
        """Return identifier → heading as the office wrote it."""
        return self.reader.headings

    def refuse(self, identifier: str, found: CellFault) -> RefusedCell:
        """Put a fault found only by looking at the whole row on one of its cells, else on the first."""
        known = identifier if identifier in self.headings else next(iter(self.headings))
        return self.reader.refused(known, self.row, found)


@dataclass(slots=True)
class Skipped:
    """Rows that are no records, by why: shown to the user, so that nothing is left out in silence."""

    samples: list[int] = field(default_factory=list)
    closing: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def notices(self, sheet: str) -> list[str]:
        """Return a sentence for each kind of row that was left out."""
        lines = []
        if self.samples:
            lines.append(f"工作表「{sheet}」第 {_listed(self.samples)} 行是示例，没有读取。")
        if self.closing:
            lines.append(f"工作表「{sheet}」第 {_listed(self.closing)} 行是合计或说明文字，没有读取。")
        if self.bare:
            lines.append(f"工作表「{sheet}」第 {_listed(self.bare)} 行只有楼栋或单元，没有房号和业主，没有读取。")
        if self.groups:
            lines.append(
                f"工作表「{sheet}」第 {_listed(self.groups)} 行是楼栋或单元的标题，其下没有写楼栋的行都归入它。"
            )
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
        self.headings = {
            heading.identifier: heading.text
            for heading in mapping.headings
            if heading.identifier and heading.identifier != NOTE
        }
        self.columns = mapping.columns
        self._noted = mapping.noted
        self._group: tuple[str | None, str | None] = (None, None)
        self.remarks: dict[str, object] = {}
        """What a kind has found out about the sheet as a whole."""
        self._columns = [
            (column, self.columns[column.identifier], _Remembered())
            for column in kind.columns
            if column.identifier in self.columns
        ]
        self._marked = {row for row, _ in sheet.marks}
        places = [(column, place - 1) for column, place, _ in self._columns]
        self._sight = FirstSight(places, self.headings, kind.key[-1])

    def rows(self) -> Iterator[CleanRow]:
        """Yield the records below the header; blank rows, samples, totals and notes are not among them.

        A row that holds nothing but errors is blank: a lookup was copied down further than the table goes.
        """
        for first, rows, seen in self._blocks():
            for place, values in enumerate(rows):
                if values and (row := self._one(first + place, values, seen, place)):
                    yield row

    def records(self) -> Iterator[Any]:
        """Yield what the kind makes of each row that `rows` has; of those that are plain, a block at a time."""
        together, assemble = self.kind.assemble_plain, self.kind.assemble
        for first, rows, seen in self._blocks():
            made: Mapping[int, object] = together(self, first, seen) if together and seen.plain else {}
            for place, values in enumerate(rows):
                if place in made:
                    yield made[place]
                elif values and (row := self._one(first + place, values, seen, place)):
                    yield assemble(row)

    def _blocks(self) -> Iterator[tuple[int, Sequence[Sequence[Value]], Seen]]:
        """Yield the rows below the header in blocks: the number of the first, the rows, and what is plain in them."""
        for first in range(self.mapping.row + 1, len(self.sheet.rows) + 1, A_BLOCK):
            rows = self.sheet.rows[first - 1 : first - 1 + A_BLOCK]
            if self._noted:
                yield first, rows, Seen({}, ())
            else:
                yield first, rows, self._sight.look(rows, {row - first for row in self._marked})

    def _one(self, row: int, values: Sequence[Value], seen: Seen, place: int) -> CleanRow | None:
        """Return a row of a block, None where it is no record."""
        if place in seen.plain:
            found = {name: value for name, column in seen.columns.items() if (value := column[place]) is not None}
            return CleanRow(self, row, found, (), self._group)
        filled = {
            column.identifier: value
            for column, place, _ in self._columns
            if place <= len(values) and (value := values[place - 1]) is not None and not is_blank(value)
        }
        if filled and self._is_record(row, values, filled):
            return self._cleaned(row, values, has_marks=row in self._marked)
        return None

    def values(self, *identifiers: str) -> Iterator[tuple[object, ...]]:
        """Yield the cleaned values of some columns, row by row: for what only the whole sheet can tell."""
        known = {column.identifier: (column, place, memory) for column, place, memory in self._columns}
        wanted = [known[identifier] for identifier in identifiers]
        for row in range(self.mapping.row + 1, len(self.sheet.rows) + 1):
            values = self.sheet.rows[row - 1]
            if values:
                has_marks = row in self._marked
                yield tuple(self._read(row, values, *one, has_marks=has_marks) for one in wanted)

    def refused(self, identifier: str, row: int, found: CellFault) -> RefusedCell:
        """Put a fault on a cell."""
        cell = self.sheet.cell(row, self.columns[identifier])
        return refused(found, self.sheet.name, cell, self.headings[identifier], written(cell.value))

    def _is_record(self, row: int, values: Sequence[Value], filled: Mapping[str, Value]) -> bool:
        first = next((value for value in values if value is not None and not is_blank(value)), None)
        leading = compact(first) if isinstance(first, str) else ""
        if begins_as_sample(leading) or any(is_sample(value) for value in filled.values()):
            self.skipped.samples.append(row)
            return False
        if self._is_group(values, leading):
            self.skipped.groups.append(row)
            return False
        if _CLOSING_LINE.match(leading) or self._is_note(row, filled) or self._is_page(row, filled):
            self.skipped.closing.append(row)
            return False
        if not filled.keys() - self.kind.key[:-1]:
            self.skipped.bare.append(row)
            return False
        same = sum(1 for name, value in filled.items() if value == self.headings[name])
        return same < max(2, len(filled) // 2)  # the header once more, as at the top of a printed page

    def _is_note(self, row: int, filled: Mapping[str, Value]) -> bool:
        """Tell a line of text below the table: a single filled cell that holds text and is no part of a key."""
        if len(filled) != 1:
            return False
        name, value = next(iter(filled.items()))
        if not isinstance(value, str) or (name == self.kind.key[-1] and any(map(str.isdecimal, value))):
            return False
        cell = self.sheet.cell(row, self.columns[name])
        return name not in self.kind.key or isinstance(self.kind.column(name).clean(cell), CellFault)

    def _is_page(self, row: int, filled: Mapping[str, Value]) -> bool:
        """Tell the top or the foot of a printed page: the number of a page, and nothing that a record is about."""
        if not any(map(_is_page_number, filled.values())):
            return False
        key = self.kind.key[-1]
        about = self.kind.column(key).clean(self.sheet.cell(row, self.columns[key])) if key in filled else None
        return about is None or isinstance(about, CellFault)

    def _is_group(self, values: Sequence[Value], leading: str) -> bool:
        """Take note of a line that names the building or section of the units below it, and nothing else.

        A section alone stays within the building named before it.
        """
        named = group_of(leading) if leading and self.kind.key[-1] == "room" else None
        if named is None or sum(1 for value in values if value is not None and not is_blank(value)) > 1:
            return False
        self._group = named if named[0] else (self._group[0], named[1])
        return True

    def _cleaned(self, row: int, values: Sequence[Value], *, has_marks: bool) -> CleanRow:
        cleaned: dict[str, object] = {}
        faults: list[RefusedCell] = []
        for column, place, memory in self._columns:
            value = self._read(row, values, column, place, memory, has_marks=has_marks)
            if isinstance(value, CellFault):
                faults.append(self.refused(column.identifier, row, value))
            elif value is not None:
                cleaned[column.identifier] = value
                self.placeholders += column.placeholders(value)
        if self._noted:
            self._keep_in_note(row, cleaned, faults)
        return CleanRow(self, row, cleaned, tuple(faults), self._group)

    def _keep_in_note(self, row: int, cleaned: dict[str, object], faults: list[RefusedCell]) -> None:
        """Write the values of columns people wished to keep behind the row's own note: `车位：B1-023；宠物：猫`."""
        parts = [cleaned["note"]] if "note" in cleaned else []
        for heading in self._noted:
            cell = self.sheet.cell(row, heading.column)
            text = text_of(cell)
            if cell.kind not in {CellKind.ERROR, CellKind.FORMULA} and not is_absent(text):
                parts.append(f"{heading.text}：{safe_text(text)}")
        note = "；".join(map(str, parts))
        if len(note) > LONGEST_NOTE:
            cell = self.sheet.cell(row, self._noted[0].column)
            too_long = fault("too_long", limit=LONGEST_NOTE)
            faults.append(refused(too_long, self.sheet.name, cell, self._noted[0].text, written(cell.value)))
        elif note:
            cleaned["note"] = note

    def _read(
        self, row: int, values: Sequence[Value], column: Column, place: int, memory: _Remembered, *, has_marks: bool
    ) -> object:
        """Return what a column makes of a cell; that of a marked one is not what others of its value come to."""
        if has_marks and (row, place) in self.sheet.marks:
            return column.clean(self.sheet.cell(row, place))
        raw = values[place - 1] if place <= len(values) else None
        if raw is None:
            return None
        key = (type(raw), raw)
        if key not in memory:
            memory[key] = column.clean(self.sheet.cell(row, place))
        return memory[key]


class _Remembered(dict[tuple[type, object], object]):
    """What a column made of a value, for as many values as is worth it."""

    def __setitem__(self, key: tuple[type, object], value: object) -> None:
        """Remember; when it is full, begin anew: a column of names hardly repeats anyway."""
        if len(self) >= _REMEMBERED:
            self.clear()
        super().__setitem__(key, value)


def _is_page_number(value: Value) -> bool:
    """Tell the number of a printed page, as it stands beside the title that is repeated on each."""
    return isinstance(value, str) and value[-1:] == "页" and _PAGE.fullmatch(compact(value)) is not None


def _listed(rows: list[int]) -> str:
    shown = "、".join(map(str, rows[:8]))
    return f"{shown} 等 {len(rows)}" if len(rows) > 8 else shown  # noqa: PLR2004
