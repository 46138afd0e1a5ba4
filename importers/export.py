"""Workbooks the product hands out: a roster that comes back as nothing but `same`, and a template to fill in.

Every text is written as a text, whatever it begins with: nothing in these files is ever a formula.
"""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import xlsxwriter

from importers.cells import safe_text
from importers.columns import AreaColumn, ChoiceColumn, DayColumn, NumberColumn
from importers.columns_money import MoneyColumn
from importers.examples import EXAMPLES, hint
from importers.roster.lines import roster_lines
from importers.roster.store import load
from importers.sheets import kind_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from importers.columns import Column
    from importers.roster.state import RosterState
    from importers.sheets import SheetKind
    from tenant.models import Office

_EXAMPLE: Final = "示例"
_HOW: Final = "填写说明"
_PREPARED: Final = 5_000
"""Rows of a template whose cells are given formats and drop-downs."""
_WIDTHS: Final = {"owners": 22, "phones": 26, "more_phones": 22, "documents": 24, "note": 30, "email": 22, "room": 14}
_WIDTH: Final = 12
_ALL_CELLS: Final = "A1:XFD1048576"
_LONGEST_CELL: Final = 32_000
_MADE: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - the same content gives the same file


def roster_workbook(session: Session, office: Office) -> bytes:
    """Return the office's whole roster as a workbook; imported again, in any mode, it changes nothing."""
    return roster_of(load(session, office))


def roster_of(state: RosterState) -> bytes:
    """Return a roster as a workbook: a line for each unit, more where it has several owners or occupants."""
    kind = kind_named("roster")
    book = _Book()
    book.add_table(kind.label, kind.columns, roster_lines(state))
    return book.content()


def template_workbook(kind: SheetKind) -> bytes:
    """Return a workbook to fill in: headings, drop-downs, formats, one example row, and a sheet that says how.

    The example is no record: an import leaves it out. Columns that only the product itself fills in are not there.
    """
    columns = [column for column in kind.columns if not isinstance(column, NumberColumn)]
    example: dict[str, object] = dict(EXAMPLES.get(kind.identifier, {}))
    first = columns[0].identifier
    example[first] = f"{_EXAMPLE} {example.get(first, '')}"
    book = _Book()
    needed = [kind.column(identifier).label for group in kind.required for identifier in group[:1]]
    sheet = book.add_table(kind.label, columns, [example], marked=needed)
    for place, column in enumerate(columns):
        if isinstance(column, ChoiceColumn):
            labels = [term.label for term in column.words]
            sheet.data_validation(1, place, _PREPARED, place, {"validate": "list", "source": labels})
    book.add_explanation(kind, columns)
    return book.content()


class _Book:
    """A workbook being written, with the formats its cells share."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._content, {"in_memory": True, "strings_to_formulas": False})
        self._book.set_properties({"created": _MADE})
        self._head = self._book.add_format({"bold": True, "bottom": 1, "bg_color": "#F2F4F7", "text_wrap": True})
        self._marked = self._book.add_format({"bold": True, "bottom": 1, "bg_color": "#FFE8CC", "text_wrap": True})
        self._text = self._book.add_format({"num_format": "@"})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._area = self._book.add_format({"num_format": "0.00"})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})

    def add_table(
        self,
        title: str,
        columns: Iterable[Column],
        lines: Iterable[Mapping[str, object]],
        marked: Iterable[str] = (),
    ) -> Worksheet:
        """Add a sheet with a heading for each column and the lines below; headings ``marked`` must be filled in."""
        sheet = self._book.add_worksheet(title)
        columns, needed = list(columns), set(marked)
        sheet.freeze_panes(1, 0)
        sheet.ignore_errors({"number_stored_as_text": _ALL_CELLS})
        for place, column in enumerate(columns):
            head = self._marked if column.label in needed else self._head
            sheet.write_string(0, place, column.label, head)
            sheet.set_column(place, place, _WIDTHS.get(column.identifier, _WIDTH), self._format_of(column))
        last = 0
        for last, line in enumerate(lines, 1):
            for place, column in enumerate(columns):
                self._write(sheet, last, place, line.get(column.identifier))
        if last and columns:
            sheet.autofilter(0, 0, last, len(columns) - 1)
        return sheet

    def add_explanation(self, kind: SheetKind, columns: Iterable[Column]) -> None:
        """Add a sheet that says of each column whether it is needed and what it may hold."""
        sheet = self._book.add_worksheet(_HOW)
        sheet.set_column(0, 0, 100, self._wrapped)
        needed = {
            name: f"（{'、'.join(kind.column(one).label for one in group)} 至少填一项）" if group[1:] else "（必填）"
            for group in kind.required
            for name in group
        }
        lines = [
            f"「{kind.label}」怎样填：第一行是列名，不要改动；从第二行起一行一条。「示例」开头的那一行不会被读取。",
            "列的顺序可以调换，用不到的列可以整列删去；没有的内容留空。",
            *(f"「{column.label}」{needed.get(column.identifier, '')}{hint(column)}" for column in columns),
        ]
        for row, line in enumerate(lines):
            sheet.write_string(row, 0, line, self._wrapped)

    def content(self) -> bytes:
        """Return the finished file."""
        self._book.close()
        return self._content.getvalue()

    def _format_of(self, column: Column) -> Format | None:
        if isinstance(column, DayColumn):
            return self._day
        if isinstance(column, AreaColumn | MoneyColumn):
            return self._area
        return None if isinstance(column, ChoiceColumn | NumberColumn) else self._text

    def _write(self, sheet: Worksheet, row: int, place: int, value: object) -> None:
        if isinstance(value, dt.date):
            sheet.write_datetime(row, place, dt.datetime(value.year, value.month, value.day), self._day)  # noqa: DTZ001
        elif isinstance(value, Decimal):
            sheet.write_number(row, place, value, self._area)
        elif isinstance(value, int):
            sheet.write_number(row, place, value)
        elif value is not None:
            sheet.write_string(row, place, safe_text(str(value))[:_LONGEST_CELL], self._text)
