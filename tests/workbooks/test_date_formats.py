"""Dates as offices write them: also in the format that only Chinese spreadsheets number, and in none at all."""

import datetime as dt
import io

import pytest
from xlsxwriter import Workbook

from importers.cells import CellKind
from importers.columns import DayColumn
from importers.workbook import open_workbook

SERIAL, DAY = 45418, dt.date(2024, 5, 6)


def workbook(number_format):
    file = io.BytesIO()
    book = Workbook(file)
    book.add_worksheet("名册").write_number(0, 0, SERIAL, book.add_format({"num_format": number_format}))
    book.close()
    return file.getvalue()


@pytest.mark.parametrize("number_format", [14, 31, 57, "yyyy-mm-dd", 'yyyy"年"m"月"d"日"', "General"])
def test_a_day_is_read_whatever_its_format(number_format):
    (sheet,) = open_workbook(workbook(number_format)).sheets
    cell = sheet.cell(1, 1)
    assert cell.kind in {CellKind.DATE, CellKind.NUMBER}
    assert DayColumn("day", "日期").clean(cell) == DAY
