"""A number that is shown with zeros before it is read as people see it: a room 0101 is no room 101."""

import struct

import openpyxl
import pytest

from importers._zeros import digits_of
from importers.reading import read
from importers.workbook import open_workbook
from workbooks import builders, builders_raw
from workbooks.pure import ROSTER

HEADINGS = ["楼栋", "房号", "业主姓名"]


def as_xlsx(code="0000", *, beside=None):
    """Return a workbook whose rooms are numbers in a format; `beside` stands in a further cell of each row."""
    book = openpyxl.Workbook()
    book.active.append(HEADINGS)
    for number in (101, 1501, 0):
        book.active.append([3, number, "王小明", beside])
        book.active.cell(book.active.max_row, 2).number_format = code
    return builders.saved(book)


def as_ods():
    rows = "".join(
        builders_raw.ods_row(3, number, "王小明").replace(f"<text:p>{number}<", f"<text:p>{shown}<")
        for number, shown in ((101, "0101"), (1501, "1501"), (0, "0000"))
    )
    return builders_raw.ods(("名册", builders_raw.ods_row(*HEADINGS) + rows))


def as_xls():
    code = struct.pack("<HHB", 200, 4, 0) + b"0000"
    styles = [builders_raw.record(0x00E0, struct.pack("<HH16x", 0, number)) for number in (0, 200)]
    sheet = builders_raw.biff_sheet([HEADINGS, *([3, float(number), "王小明"] for number in (101, 1501, 0))])
    for row in (1, 2, 3):
        plain = struct.pack("<HHHHH", 0x0203, 14, row, 1, 0)
        assert plain in sheet
        sheet = sheet.replace(plain, plain[:-2] + struct.pack("<H", 1))
    return builders_raw.xls({"名册": sheet}, head=builders_raw.record(0x041E, code) + b"".join(styles))


def rooms_of(content):
    return [row[1] for row in open_workbook(content).sheets[0].rows[1:]]


@pytest.mark.parametrize("make", [as_xlsx, as_ods, as_xls])
def test_zeros_that_are_shown_are_kept(make):
    assert rooms_of(make()) == ["0101", 1501, "0000"]


@pytest.mark.parametrize("beside", ["=A2", "=NA()", True])
def test_zeros_are_kept_also_where_a_row_is_read_tag_by_tag(beside):
    assert rooms_of(as_xlsx(beside=beside)) == ["0101", 1501, "0000"]


@pytest.mark.parametrize("code", ["0", "General", "0.00", "#,##0", '0"室"', "0;0000"])
def test_other_formats_leave_a_number_a_number(code):
    assert not any(isinstance(room, str) for room in rooms_of(as_xlsx(code)))


@pytest.mark.parametrize(("code", "digits"), [("00", 2), ("000000;@", 6), ("0" * 40, 0), ("00.0", 0), ("", 0)])
def test_a_format_shows_so_many_digits(code, digits):
    assert digits_of(code) == digits


def test_a_room_is_planned_as_it_is_shown():
    (first, *_) = read(as_xlsx(), "名册.xlsx", ROSTER).records
    assert first.number == "3-0101"
