"""Exports: the list as a file, made by the query of the screen, with nothing in it that a spreadsheet would run."""

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter
from flask import abort, send_file
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session

from admin import access, formats
from admin.access import needs
from admin.listing import OFFICE_COLUMN, column_at
from tenant import clock
from tenant.errors import Refusal
from tenant.journal import RecordedAct, note
from tenant.rules.terms import Act
from tenant.texts import storable

NOT_FOUND: Final = 404
MOST_ROWS: Final = 500_000
ROWS_AT_A_TIME: Final = 1000
LONGEST_CELL: Final = 32_000
STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
Cell = str | Decimal | datetime | date | int | None


def printable(text: str) -> str:
    """Return ``text`` without the signs that no workbook can hold: one of them would spoil the whole file."""
    return storable(text)[:LONGEST_CELL]


def write_workbook(titles: list[str], rows: Iterator[list[Cell]], sheet_name: str) -> tuple[IO[bytes], int]:
    """Return an open workbook of ``rows`` and their number; every text is a text, whatever it begins with."""
    file = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - closed by the response that sends it
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(printable(sheet_name)[:31])
    head = book.add_format({"bold": True, "bottom": 1})
    looks = {
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "number": book.add_format({"num_format": "#,##0.00####"}),
    }
    for place, title in enumerate(titles):
        sheet.write_string(0, place, title, head)
    sheet.freeze_panes(1, 0)
    count = 0
    for count, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            _write_cell(sheet, (count, place), value, looks)
    book.close()
    file.seek(0)
    return file, count


def _write_cell(sheet: Any, at: tuple[int, int], value: Cell, looks: dict[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, datetime):
        sheet.write_datetime(*at, value.replace(tzinfo=None), looks["moment"])
    elif isinstance(value, date):
        sheet.write_datetime(*at, datetime(value.year, value.month, value.day), looks["day"])  # noqa: DTZ001 - a day
    elif isinstance(value, Decimal):
        sheet.write_number(*at, float(value), looks["number"])
    elif isinstance(value, int):
        sheet.write_number(*at, value)
    else:
        sheet.write_string(*at, printable(value))


def write_csv(titles: list[str], rows: Iterator[list[Cell]]) -> tuple[IO[bytes], int]:
    """Return an open CSV file of ``rows`` and their number, with the mark Excel knows UTF-8 by.

    A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers, also negative ones, are
    written as they are.
    """
    file = tempfile.TemporaryFile(suffix=".csv")  # noqa: SIM115 - closed by the response that sends it
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(titles)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is how many there were
        writer.writerow([_csv_cell(value) for value in row])
    text.flush()
    text.detach()
    file.seek(0)
    return file, count


def _csv_cell(value: Cell) -> str:
    if isinstance(value, str):
        plain = printable(value)
        return f"'{plain}" if plain.startswith(STARTS_A_FORMULA) else plain
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return formats.written(value)


class Exporting:
    """The part of a view that hands out its list as a file."""

    model: Any
    export_types: Any

    @expose("/export/<export_type>/")
    @needs(Act.EXPORT)
    def export(self, export_type: str) -> ResponseReturnValue:
        """Send the rows of the screen, with its filters and in its order, as a file; put it on the record."""
        view: Any = self
        if export_type not in self.export_types:
            abort(NOT_FOUND)
        args = view._get_list_extra_args()  # noqa: SLF001 - Flask-Admin's reading of the address
        sorted_by = view._get_column_by_idx(args.sort)  # noqa: SLF001
        query = self.rows(sorted_by and sorted_by[0], args.sort_desc, args.search, args.filters)  # type: ignore[attr-defined]
        columns = self.export_columns()
        rows = self._cells(query.limit(MOST_ROWS + 1), [path for path, _ in columns])
        titles = [title for _, title in columns]
        name = str(view.name)
        file, count = write_csv(titles, rows) if export_type == "csv" else write_workbook(titles, rows, name)
        if count > MOST_ROWS:
            file.close()
            raise Refusal(code="too_many_rows", message=f"超过 {MOST_ROWS} 行，不能一次导出。请先筛选，再分几次导出。")
        self._note_export(export_type, count, args)
        return _as_download(file, export_type, name)

    def export_columns(self) -> list[tuple[str, str]]:
        """Return the columns of the screen, and across offices whose each row is."""
        view: Any = self
        columns = list(view._list_columns)  # noqa: SLF001
        if access.office_at_hand() is None and "office_id" in self.model.__table__.c:
            columns.append(OFFICE_COLUMN)
        return columns

    def _cells(self, query: Any, paths: list[str]) -> Iterator[list[Cell]]:
        """Yield the rows of ``query`` as cells, a thousand at a time, so that a large list needs little memory."""
        view: Any = self
        waiting: list[Any] = []
        for row in query.yield_per(ROWS_AT_A_TIME):
            waiting.append(row)
            if len(waiting) == ROWS_AT_A_TIME:
                view.prepare(waiting)
                yield from ([self.export_cell(found, path) for path in paths] for found in waiting)
                waiting = []
        view.prepare(waiting)
        yield from ([self.export_cell(found, path) for path in paths] for found in waiting)

    def export_cell(self, row: Any, path: str) -> Cell:
        """Return one cell as the screen shows it: words for codes, personal values masked, numbers as numbers."""
        view: Any = self
        column, value = column_at(self.model, path), view.value(row, path)
        if column is not None and formats.is_masked(column):
            return formats.masked(column, value)
        if isinstance(value, datetime):
            return value.astimezone(ZoneInfo(formats.row_zone(row)))
        if isinstance(value, Decimal | date) or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        return formats.written(value)

    def _note_export(self, export_type: str, count: int, args: Any) -> None:
        """Put on the record who took how many rows, by which filter; once for each office they may be of."""
        view: Any = self
        filters = view._filters  # noqa: SLF001
        words = [f"{name} {filters[index].operation()} {value}" for index, name, value in args.filters or ()]
        facts: dict[str, object] = {"format": export_type, "count": count, "filters": words}
        facts["search"] = bool(args.search)  # that there was one: the words may be a name or a telephone number
        note_taken(view.session, "record.exported", self.model.__tablename__, facts)


def note_taken(session: Session, verb: str, subject_kind: str | None, facts: dict[str, object]) -> None:
    """Put on the record that something was taken away as a file; once for each office it may be of."""
    person, office = access.identity(), access.office_at_hand()
    offices: list[int | None] = [office.id] if office else [None]
    if office is None and person is not None and not person.is_headquarters:
        offices = [found.id for found in person.offices]
    for office_id in offices:
        note(session, RecordedAct(verb=verb, subject_kind=subject_kind, office_id=office_id, facts=facts))


def _as_download(file: IO[bytes], export_type: str, name: str) -> ResponseReturnValue:
    office = access.office_at_hand()
    day = clock.today(access.zone_of(None)).strftime("%Y%m%d")
    called = f"{name}-{office.name if office else '全部管理处'}-{day}.{export_type}"
    response = send_file(file, mimetype=TYPES[export_type], as_attachment=True, download_name=called, max_age=0)
    response.call_on_close(file.close)
    return response
