"""What is exported is what the screen shows: same rows, same order, same masks; and nothing in it runs."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote

import openpyxl
import pytest
from lxml import html

import make
from admin import exports
from cast import Cast
from tenant.rules.terms import Role
from tenant.unscoped import Reason, across_offices

FORMULAS = ("=1+1", "+cmd", "-2+3", "@SUM(A1)", '=HYPERLINK("x")')


@pytest.fixture(scope="module")
def admin(sign_in, database, cast: Cast):
    """The office admin of the north, with owners whose notes and names are formulas, and one foreign owner."""
    with across_offices(database, Reason.SETTING_UP) as session:
        for text in FORMULAS:
            make.owner(session, cast.north.id, name=text, phone="19912345678")
        make.owner(session, cast.north.id, name="控制\x0b符\x1f号", phone="00123")
        make.owner(session, cast.south.id, name="南苑的人")
        for number in range(3):
            make.unit(session, cast.north.id, number=f"3-1-{number}", room=str(number), area=Decimal("1234.50"))
        session.commit()
    return sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)


def workbook(browser, way: str) -> list[list[object]]:
    """Return the cells of an exported workbook."""
    answer = browser.get(way)
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def screen(browser, way: str) -> list[list[str]]:
    """Return the cells of a list as a person reads them."""
    page = html.fromstring(browser.get(way).get_data(as_text=True))
    rows = page.xpath("//table[contains(@class, 'table')]/tbody/tr")
    return [
        [" ".join(cell.text_content().split()) for cell in row.xpath("td[not(contains(@class, 'is-tools'))]")]
        for row in rows
    ]


def test_the_file_holds_the_rows_of_the_screen_in_its_order_with_its_masks(admin):
    query = "?sort=0&desc=1&flt0_kind-is=person&page_size=200"
    shown = screen(admin, f"/owners/{query}")
    exported = workbook(admin, f"/owners/export/xlsx/{query}")
    assert [row[0] for row in exported[1:]] == [row[0].replace(" ", "") for row in shown]
    assert [row[2] or "—" for row in exported[1:]] == [row[2] for row in shown]
    assert len(shown) >= 6
    assert not [row for row in exported if "南苑的人" in row]


def test_a_filter_of_the_screen_is_a_filter_of_the_file(admin):
    for query in ("?search=3-1-", "?flt0_number-has=3-1-"):
        assert len(workbook(admin, f"/units/export/xlsx/{query}")) == 4


def test_no_text_becomes_a_formula_and_none_loses_a_sign(admin):
    for query in ("?search=", ""):
        cells = {row[0] for row in workbook(admin, f"/owners/export/xlsx/{query}")}
        assert set(FORMULAS) <= cells
    answer = admin.get("/owners/export/xlsx/")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "n", "d"}


def test_csv_marks_what_a_spreadsheet_would_run(admin):
    text = admin.get("/owners/export/csv/").data.decode("utf-8-sig")
    names = [row[0] for row in csv.reader(io.StringIO(text))]
    assert {f"'{formula}" for formula in FORMULAS} <= set(names)
    assert not [name for name in names if name[:1] in "=+-@"]


def test_signs_no_file_can_hold_are_left_out_alone(admin):
    names = [row[0] for row in workbook(admin, "/owners/export/xlsx/")]
    assert "控制符号" in names


def test_numbers_are_numbers_and_long_digits_are_texts(admin):
    header, *rows = workbook(admin, "/units/export/xlsx/?search=3-1-")
    (area,) = [place for place, title in enumerate(header) if title.startswith("建筑面积")]
    assert {row[area] for row in rows} == {1234.5}
    phones = [row[2] for row in workbook(admin, "/owners/export/xlsx/?search=00123")[1:]]
    assert phones == ["***23"]


def test_negative_numbers_stay_numbers_in_csv():
    assert exports._csv_cell(Decimal("-5.00")) == "-5.00"
    assert exports._csv_cell("-5.00 元") == "'-5.00 元"


def test_times_are_local_and_days_are_days():
    file, count = exports.write_workbook(["a", "b"], iter([[datetime(2026, 3, 2, 9, 5), None]]), "表")  # noqa: DTZ001
    with file:
        sheet = openpyxl.load_workbook(file).active
        assert (count, sheet["A2"].value) == (1, datetime(2026, 3, 2, 9, 5))  # noqa: DTZ001


def test_an_export_is_put_on_the_record_with_its_count_and_filter(admin, cast: Cast, record):
    admin.get("/units/export/csv/?flt0_number-has=3-1-&search=3-1-0")
    entry = record("record.exported")[0]
    assert (entry.office_id, entry.subject_kind) == (cast.north.id, "unit")
    assert entry.after["count"] == 1
    assert entry.after["filters"] == ["房号 包含 3-1-"]
    assert "3-1-0" not in str({key: value for key, value in entry.after.items() if key != "filters"})


def test_a_file_is_called_after_list_office_and_day(admin, cast: Cast):
    called = unquote(admin.get("/units/export/xlsx/").headers["Content-Disposition"])
    assert "房屋-北苑管理处-" in called
    assert called.endswith(".xlsx")


def test_no_other_kind_of_file_exists(admin):
    for kind in ("json", "xls", "html", "..%2fetc"):
        assert admin.get(f"/units/export/{kind}/").status_code == 404


def test_across_offices_each_row_says_whose_it_is(sign_in, cast: Cast, database, record):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="exporter", name="导出人")
        for house in (cast.north, cast.south):
            make.posting(session, person, Role.OFFICE_ADMIN, house.office)
        session.commit()
    header, *rows = workbook(sign_in(person), "/owners/export/xlsx/")
    assert header[-1] == "管理处"
    assert {row[-1] for row in rows} == {cast.north.office.name, cast.south.office.name}
    assert {entry.office_id for entry in record("record.exported")[:2]} == {cast.north.id, cast.south.id}


def test_who_may_not_export_does_not(sign_in, cast: Cast):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    assert desk.get("/owners/").status_code == 200
    assert desk.get("/owners/export/csv/").status_code == 403
