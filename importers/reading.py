"""From an uploaded file to the records of a kind of sheet: open, find the tables, clean the rows, assemble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from importers import columns as of
from importers.choices import Choices
from importers.faults import shown_text
from importers.headings import SEARCHED_ROWS, Words
from importers.mapping import Vocabulary, tab_of
from importers.overlay import overlaid
from importers.rows import RowReader
from importers.tables import Tab, tab_of_sheet
from importers.understanding import rooms_understood, sheets_understood
from importers.workbook import open_workbook
from tenant.errors import Refusal

if TYPE_CHECKING:
    from importers.headings import SheetMapping
    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet, Workbook

Report = Callable[[str, int, int | None], None]
"""Told how far an import is: the phase in Chinese, rows done, rows in all (None: not known). May raise to end it."""

_TOLD_EVERY = 500
_NOTICED_PLACEHOLDERS = "有 {count} 个占位号码（如 18999999999、111111…）没有录入。"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: its records in order, the tables they come from, and what the user should know."""

    records: list[Any]
    tables: list[tuple[Sheet, SheetMapping]]
    notices: list[str]
    shortfall: Refusal | None = None
    """Why it cannot be planned yet: no header, a required column missing; None when it can."""
    tabs: list[Tab] = field(default_factory=list)
    """Every sheet of the book, also those that are not read."""
    words: Words | None = None
    choices: Choices = field(default_factory=Choices)
    sections_by_dash: frozenset[str] = frozenset()
    """The tables where `2-1501` is section and room, because another column names the building."""

    @property
    def is_ready(self) -> bool:
        """Tell whether every required column was found, so that the records are all there."""
        return self.shortfall is None

    @property
    def mappings(self) -> list[SheetMapping]:
        """Return how each table was mapped."""
        return [mapping for _, mapping in self.tables]

    @property
    def sheet(self) -> str:
        """Return the names of the sheets that were read, joined by 、."""
        return "、".join(dict.fromkeys(tab_of(mapping.sheet) for mapping in self.mappings))

    def understood(self) -> dict[str, Any]:
        """Return how sheets, columns and rooms were understood, for the screen; JSON with values of cells in it."""
        if self.words is None:
            return {"sheets": [], "rooms": []}
        return {
            "sheets": sheets_understood(self.tabs, self.words, self.choices),
            "rooms": rooms_understood(self.tables, self.words.kind, self.sections_by_dash),
        }

    def layouts(self) -> list[dict[str, Any]]:
        """Return the layout of each sheet that was read, as `importers.layouts.keep` takes it; no value of any cell."""
        return [tab.layout() for tab in self.tabs if tab.is_read]


def silent(_phase: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


def read(
    content: bytes | Callable[[], Workbook],
    file_name: str,
    kind: SheetKind,
    report: Report = silent,
    choices: Choices = Choices(),  # noqa: B008  frozen
    vocabulary: Vocabulary = Vocabulary(),  # noqa: B008  frozen
) -> Reading:
    """Return the records of a file, read as people said in ``choices`` and as the office taught in ``vocabulary``.

    ``content`` are its bytes, or what `importers.workbook.opening` gives where it is being opened already. Raises
    Refusal when the file cannot be opened or holds no row. Where a header or a required column was not found there is
    no record, and `shortfall` says what is missing: it can be put right by mapping.
    """
    report("读取文件", 0, None)
    book = content() if callable(content) else open_workbook(content, file_name)
    words = Words(kind, vocabulary)
    tabs = [tab_of_sheet(overlaid(sheet, choices), kind, words, choices, vocabulary) for sheet in book.sheets]
    notices = [*book.notices, *_told(tabs, kind, choices)]
    shortfall = _shortfall(tabs, kind, choices)
    if shortfall:
        return Reading([], [], notices, shortfall, tabs, words, choices)
    reading = Reading([], [table for tab in tabs for table in tab.tables], notices, None, tabs, words, choices)
    by_dash = _read_rows(reading, kind, report)
    if not reading.records:
        nothing = _rows_missing(kind)
        if not choices.sheets:
            raise nothing
        return Reading([], [], notices, nothing, tabs, words, choices)
    return replace(reading, sections_by_dash=by_dash)


def _read_rows(reading: Reading, kind: SheetKind, report: Report) -> frozenset[str]:
    """Read the tables into the reading's records; return those of them where a dash parts section and room."""
    total = sum(len(sheet.rows) - mapping.row for sheet, mapping in reading.tables)
    records = reading.records
    placeholders = 0
    by_dash: set[str] = set()
    for sheet, mapping in reading.tables:
        reader = RowReader(sheet, mapping, _reading_rooms(kind, mapping))
        for record in reader.records():
            records.append(record)
            if len(records) % _TOLD_EVERY == 0:
                report("读取文件", len(records), total)
        reading.notices.extend(reader.skipped.notices(sheet.name))
        placeholders += reader.placeholders
        if reader.remarks.get("dashes"):
            by_dash.add(sheet.name)
    if placeholders:
        reading.notices.append(_NOTICED_PLACEHOLDERS.format(count=placeholders))
    return frozenset(by_dash)


def _reading_rooms(kind: SheetKind, mapping: SheetMapping) -> SheetKind:
    """Return the kind with its room columns reading texts as people said they are to be read."""
    if not mapping.rooms:
        return kind
    columns = [
        replace(column, readings=mapping.rooms) if isinstance(column, of.RoomColumn) else column
        for column in kind.columns
    ]
    return replace(kind, columns=columns)


def _told(tabs: list[Tab], kind: SheetKind, choices: Choices) -> list[str]:
    """Return what the user should know of how the sheets were taken."""
    notices: list[str] = []
    hidden = [tab.sheet.name for tab in tabs if tab.sheet.hidden and not tab.is_read and any(tab.sheet.rows)]
    if hidden:
        notices.append(f"隐藏的工作表没有读取：{_named(hidden)}。如需导入，可在「对列」里勾选它。")
    for tab in tabs:
        if not tab.is_read:
            continue
        notices += tab.sheet.notices
        if count := len(tab.sheet.hidden_rows):
            taken = "也一并读取了" if choices.reads_hidden_rows else "没有读取"
            notices.append(f"工作表「{shown_text(tab.sheet.name)}」有 {count} 行被隐藏或筛选掉，{taken}。")
        notices += tab.mapping.notices if tab.mapping else ()
    untaken = [tab.sheet.name for tab in tabs if not tab.is_wanted and not tab.sheet.hidden and any(tab.sheet.rows)]
    if untaken:
        notices.append(f"这些工作表按您的选择没有读取：{_named(untaken)}。")
    left_out = [tab.sheet.name for tab in tabs if tab.is_wanted and not tab.is_read]
    if left_out and any(tab.is_read for tab in tabs):
        notices.append(f"这些工作表里没有{kind.label}的表头，没有读取：{_named(left_out)}。")
    return notices


def _named(sheets: list[str]) -> str:
    return "、".join(map(shown_text, sheets))


def _shortfall(tabs: list[Tab], kind: SheetKind, choices: Choices) -> Refusal | None:
    """Return why the book cannot be planned: nothing to read, or a sheet people chose lacks what it needs.

    Raises Refusal when there is no content at all: no mapping helps.
    """
    if not any(any(tab.sheet.rows) for tab in tabs):
        raise Refusal(
            code="sheet_empty",
            message=f"工作簿里没有内容。请填写{kind.label}（表头需有{_needed(kind)}）后重新上传。",
            field="file",
        )
    insisted = [tab for tab in tabs if tab.is_wanted and tab.sheet.name in choices.sheets and not tab.is_read]
    if any(tab.is_read for tab in tabs) and not insisted:
        return None
    candidates = insisted or [tab for tab in tabs if tab.is_wanted]
    mapped = [tab for tab in candidates if tab.mapping]
    if not mapped:
        return _header_missing(kind, is_all_hidden=not candidates)
    return _columns_missing(max(mapped, key=lambda tab: len(tab.mapping.columns if tab.mapping else ())))


def _header_missing(kind: SheetKind, *, is_all_hidden: bool) -> Refusal:
    if is_all_hidden:
        return Refusal(
            code="sheets_unread",
            message="没有一张工作表要读取。请在「对列」里勾选要导入的工作表；隐藏的工作表也可以勾选。",
            field="file",
        )
    return Refusal(
        code="header_missing",
        message=(
            f"前 {SEARCHED_ROWS} 行里没有找到{kind.label}的表头。请在「对列」里指出哪一行是列名、每列是什么；"
            f"或在表格上方保留一行列名，至少有{_needed(kind)}，再重新上传。"
        ),
        field="file",
    )


def _columns_missing(tab: Tab) -> Refusal:
    lacking = "、".join(tab.missing)
    headings = tab.mapping.headings if tab.mapping else ()
    row = tab.mapping.row if tab.mapping else 0
    seen = shown_text("、".join(heading.text for heading in headings))
    where = f"第 {row} 行的表头" if row else "（没有表头）"
    return Refusal(
        code="columns_missing",
        message=(
            f"工作表「{shown_text(tab.sheet.name)}」{where}缺少必填列：{lacking}。已有的列名：{seen}。"
            "请在「对列」里指出哪一列是它；或补上缺少的列，把列名改成上面的写法，再重新上传。"
        ),
        field="header",
        value=shown_text(lacking),
    )


def _rows_missing(kind: SheetKind) -> Refusal:
    return Refusal(
        code="rows_missing",
        message=f"{kind.label}的表头下面没有一行可以读取的内容。请在表头下面填写后重新上传（示例行不算）。",
        field="file",
    )


def _needed(kind: SheetKind) -> str:
    return "、".join("或".join(f"「{kind.column(name).label}」" for name in group) for group in kind.required)
