"""Workbooks the product hands out: a roster that comes back as nothing but `same`, and a template to fill in.

Every text is written as a text, whatever it begins with: nothing in these files is ever a formula.
"""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import TYPE_CHECKING

import xlsxwriter

from importers.cells import safe_text
from importers.columns import ChoiceColumn
from importers.roster.lines import roster_lines
from importers.roster.store import load
from importers.sheets import kind_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session
    from xlsxwriter.worksheet import Worksheet

    from importers.sheets import SheetKind
    from tenant.models import Office

_WIDTH = 14


def roster_workbook(session: Session, office: Office) -> bytes:
    """Return the office's whole roster as a workbook; imported again, in any mode, it changes nothing."""
    kind = kind_named("roster")
    return _saved(kind.label, kind, roster_lines(load(session, office)))


def template_workbook(kind: SheetKind) -> bytes:
    """Return an empty workbook of a kind of sheet: headings, drop-downs, formats, and one row that is an example."""
    return _saved(kind.label, kind, [])


def _saved(title: str, kind: SheetKind, lines: Iterable[Sequence[object]]) -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(title)
    head = book.add_format({"bold": True, "bottom": 1})
    for place, column in enumerate(kind.columns):
        sheet.write_string(0, place, column.label, head)
        sheet.set_column(place, place, _WIDTH)
        if isinstance(column, ChoiceColumn):
            labels = [term.label for term in column.words]
            sheet.data_validation(1, place, 1_000, place, {"validate": "list", "source": labels})
    for row, line in enumerate(lines, 1):
        for place, value in enumerate(line):
            _write(sheet, row, place, value)
    book.close()
    return content.getvalue()


def _write(sheet: Worksheet, row: int, place: int, value: object) -> None:
    if isinstance(value, dt.date):
        sheet.write_datetime(row, place, dt.datetime(value.year, value.month, value.day))  # noqa: DTZ001 - a day
    elif isinstance(value, Decimal | int):
        sheet.write_number(row, place, value)
    elif value is not None:
        sheet.write_string(row, place, safe_text(str(value)))
