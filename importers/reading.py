"""From an uploaded file to the records of a kind of sheet: open, find the tables, clean the rows, assemble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importers.choices import Choices
from importers.headings import SheetMapping, locate
from importers.mapping import Vocabulary
from importers.rows import RowReader
from importers.workbook import open_workbook
from tenant.errors import Refusal

if TYPE_CHECKING:
    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet

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

    @property
    def is_ready(self) -> bool:
        """Tell whether every required column was found, so that the records are all there."""
        return self.shortfall is None

    def understood(self) -> dict[str, Any]:
        """Return how sheets, columns and rooms were understood, for the screen; JSON with values of cells in it."""
        return {"sheets": [], "rooms": []}

    def layouts(self) -> list[dict[str, Any]]:
        """Return the layout of each sheet that was read, as `importers.layouts.keep` takes it; no value of any cell."""
        return []

    @property
    def mappings(self) -> list[SheetMapping]:
        """Return how each sheet was mapped."""
        return [mapping for _, mapping in self.tables]

    @property
    def sheet(self) -> str:
        """Return the names of the sheets that were read, joined by 、."""
        return "、".join(mapping.sheet for mapping in self.mappings)


def silent(_phase: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


def read(
    content: bytes,
    file_name: str,
    kind: SheetKind,
    report: Report = silent,
    choices: Choices = Choices(),  # noqa: B008  frozen
    vocabulary: Vocabulary = Vocabulary(),  # noqa: B008  frozen
) -> Reading:
    """Return the records of a file; raises Refusal when the file, its header or all its rows are missing."""
    del choices, vocabulary
    report("读取文件", 0, None)
    found, notices = locate(open_workbook(content, file_name), kind)
    total = sum(len(sheet.rows) - mapping.row for sheet, mapping in found)
    records: list[Any] = []
    placeholders = 0
    for sheet, mapping in found:
        reader = RowReader(sheet, mapping, kind)
        for row in reader.rows():
            records.append(kind.assemble(row))
            if len(records) % _TOLD_EVERY == 0:
                report("读取文件", len(records), total)
        notices.extend(reader.skipped.notices(sheet.name))
        placeholders += reader.placeholders
    if placeholders:
        notices.append(_NOTICED_PLACEHOLDERS.format(count=placeholders))
    if not records:
        raise Refusal(
            code="rows_missing",
            message=f"{kind.label}的表头下面没有一行可以读取的内容。请在表头下面填写后重新上传（示例行不算）。",
            field="file",
        )
    return Reading(records, found, notices)
