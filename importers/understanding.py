"""How a file was understood, for the screen where people confirm it or put it right."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from importers import columns as of
from importers import rooms
from importers.cells import written
from importers.faults import shown_text
from importers.mapping import SUGGESTED
from importers.suggestions import agreement, sampled, suggestions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importers.cells import Value
    from importers.choices import Choices
    from importers.headings import SheetMapping, Words
    from importers.sheets.kinds import SheetKind
    from importers.tables import Tab
    from importers.workbook import Sheet

_TOP_ROWS = _TOP_COLUMNS = 30
_MOST_SHAPES = 12
MOST_SHEETS = 200
"""Sheets the screen shows; a book of more is read all the same."""
MOST_SUGGESTED = 400
"""Unknown columns of a book from which on no more suggestions are sought: each costs some thousandths of a second."""


def sheets_understood(tabs: Sequence[Tab], words: Words, choices: Choices) -> list[dict[str, Any]]:
    """Return what the screen shows of the sheets, those with content in their order, at most `MOST_SHEETS`."""
    listed: list[dict[str, Any]] = []
    left = MOST_SUGGESTED
    for tab in [tab for tab in tabs if any(tab.sheet.rows)][:MOST_SHEETS]:
        listed.append(sheet_understood(tab, words, choices, left))
        left -= sum(1 for column in listed[-1]["columns"] if column["identifier"] is None)
    return listed


def sheet_understood(tab: Tab, words: Words, choices: Choices, most: int = MOST_SUGGESTED) -> dict[str, Any]:
    """Return what the screen shows of one sheet: whether it is read, its header, its columns with their suggestions.

    ``most`` is how many unknown columns may still be looked at for suggestions; below one, none is.
    """
    mapping = tab.mapping
    chosen = choices.sheets.get(tab.sheet.name)
    return {
        "name": tab.sheet.name,
        "is_read": tab.is_read or (chosen is not None and tab.is_wanted),
        "is_hidden": tab.sheet.hidden,
        "hidden_rows": len(tab.sheet.hidden_rows),
        "header_row": mapping.row if mapping else None,
        "missing": list(tab.missing),
        "top": [_shown(values[:_TOP_COLUMNS]) for values in tab.sheet.rows[:_TOP_ROWS]],
        "columns": _columns_understood(tab.sheet, mapping, words, most) if mapping else [],
    }


def _shown(values: Sequence[Value]) -> list[str]:
    return [shown_text(written(value)) for value in values]


def _columns_understood(sheet: Sheet, mapping: SheetMapping, words: Words, most: int) -> list[dict[str, Any]]:
    proposed = suggestions(sheet, mapping, words) if most > 0 else {}
    known = {column.identifier: column for column in words.kind.columns}
    listed = []
    for heading in mapping.headings:
        suggestion = proposed.get(heading.column)
        confidence = suggestion.confidence if suggestion else 0
        if heading.identifier in known:
            confidence = agreement(known[heading.identifier], sampled(sheet, mapping.row, heading.column))
        elif heading.source:
            confidence = 100
        listed.append(
            {
                "letter": heading.letter,
                "heading": heading.text,
                "identifier": heading.identifier,
                "suggestion": suggestion.identifier if suggestion else None,
                "confidence": confidence,
                "source": heading.source or (SUGGESTED if suggestion else None),
                "samples": list(heading.samples),
            }
        )
    return listed


def rooms_understood(
    tables: Iterable[tuple[Sheet, SheetMapping]], kind: SheetKind, sections_by_dash: frozenset[str]
) -> list[dict[str, Any]]:
    """Return the shapes of room texts, the most frequent first: how each is read, and how else it might be."""
    columns = {column.identifier for column in kind.columns if isinstance(column, of.RoomColumn)}
    counts: Counter[str] = Counter()
    samples: dict[str, tuple[str, SheetMapping, bool]] = {}
    for sheet, mapping in tables:
        for identifier, place in mapping.columns.items():
            if identifier not in columns:
                continue
            for shape, text, count in _shapes(sheet, mapping.row, place):
                counts[shape] += count
                samples.setdefault(shape, (text, mapping, sheet.name in sections_by_dash))
    return [_shape_understood(shape, count, *samples[shape]) for shape, count in counts.most_common(_MOST_SHAPES)]


def _shapes(sheet: Sheet, header: int, place: int) -> Iterable[tuple[str, str, int]]:
    """Return each shape of a column with a text of it and how often it comes."""
    values = Counter(
        values[place - 1]
        for values in islice(sheet.rows, header, None)
        if len(values) >= place and isinstance(values[place - 1], str | int | float)
    )
    found: dict[str, tuple[str, int]] = {}
    for value, count in values.items():
        text = written(value).strip()
        if text and rooms.is_room_like(text):
            shape = rooms.shape_of(text)
            sample, before = found.get(shape, (text, 0))
            found[shape] = (sample, before + count)
    return [(shape, text, count) for shape, (text, count) in found.items()]


def _shape_understood(shape: str, count: int, sample: str, mapping: SheetMapping, by_dash: bool) -> dict[str, Any]:  # noqa: FBT001
    options = rooms.options_of(sample)
    usual = rooms.usual(sample)
    if by_dash and usual == "building-room" and "section-room" in options:
        usual = "section-room"
    read_as = mapping.rooms.get(shape) or usual
    return {
        "shape": shape,
        "count": count,
        "sample": shown_text(sample),
        "read_as": read_as,
        "said": _said(sample, shape, read_as),
        "options": [[option, _said(sample, shape, option)] for option in options],
    }


def _said(sample: str, shape: str, reading: str | None) -> str:
    key = rooms.unit_key(sample, {shape: reading}) if reading and rooms.options_of(sample) else rooms.unit_key(sample)
    return rooms.said(key)
