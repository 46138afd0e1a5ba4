"""A sheet as people want it read: cells they put right in place of what the file says, hidden rows left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from importers.blocks import Altered
from importers.cells import column_index
from importers.mapping import tab_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importers.cells import Value
    from importers.choices import Choices
    from importers.workbook import Sheet

_WIDEST = 16_384


def overlaid(sheet: Sheet, choices: Choices) -> Sheet:
    """Return the sheet with the edits in it and, unless they are wanted, without its hidden rows; itself when neither.

    An edit replaces whatever stands in its cell, also an error; an empty one clears it. One that names no row of the
    file is left out.
    """
    edits = {
        (row, column_index(letter)): text.strip() or None
        for (name, row, letter), text in choices.edits.items()
        if tab_of(name) == sheet.name and letter.isascii() and letter.isupper() and len(letter) <= 3  # noqa: PLR2004
    }
    drops = sheet.hidden_rows if not choices.reads_hidden_rows else frozenset()
    if not edits and not drops:
        return sheet
    changed: dict[int, list[tuple[int, str | None]]] = {}
    for (row, column), text in edits.items():
        if column <= _WIDEST:
            changed.setdefault(row, []).append((column, text))

    def altered(row: int, values: Sequence[Value]) -> Sequence[Value]:
        kept = [] if row in drops else values
        return _with(kept, changed[row]) if row in changed else kept

    marks = {place: mark for place, mark in sheet.marks.items() if place not in edits and place[0] not in drops}
    return replace(sheet, rows=Altered(sheet.rows, altered), marks=marks)


def _with(values: Sequence[Value], texts: Sequence[tuple[int, str | None]]) -> list[Value]:
    widest = max(column for column, _ in texts)
    found = [*values, *[None] * (widest - len(values))]
    for column, text in texts:
        found[column - 1] = text
    return found
