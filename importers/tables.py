"""Which sheets of a book are read, which of their columns is which, and where several tables stand side by side."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from importers.blocks import Altered
from importers.cells import CellKind, column_letter, text_of
from importers.choices import NOTE, Choices, SheetChoice
from importers.faults import shown_text
from importers.headings import (
    SEARCHED_COLUMNS,
    SEARCHED_ROWS,
    Heading,
    SheetMapping,
    Words,
    Written,
    decisive,
    header_row,
    layout_of,
    missing,
    written_headings,
)
from importers.mapping import CHOSEN, LAYOUT, REASONS, Vocabulary, block_name, comparable
from importers.suggestions import likely_header, looks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importers.cells import Value
    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet

_SAMPLES = 3
_SAMPLED_ROWS = 30
_NEAR_ROWS = 200
_UNSAID = SheetChoice()


class Place(NamedTuple):
    """A column before it is settled which of two of the same meaning is read: where, what stands above, what it means.

    `identifier` is None for a column not read, `source` says who decided (also that it is not read).
    """

    column: int
    text: str
    identifier: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Tab:
    """One sheet of the book: how it is mapped as a whole (None: no header was found) and which tables are read of it.

    `tables` is empty for a sheet that is not read; `missing` are labels of columns it cannot be read without.
    """

    sheet: Sheet
    mapping: SheetMapping | None = None
    tables: tuple[tuple[Sheet, SheetMapping], ...] = ()
    missing: tuple[str, ...] = ()
    is_wanted: bool = True
    chosen: Mapping[str, str | None] = field(default_factory=dict)
    """Letter → meaning, of the columns people decided, now or in an earlier file: what is worth remembering."""

    @property
    def is_read(self) -> bool:
        """Tell whether rows of the sheet are read."""
        return bool(self.tables)

    def layout(self) -> dict[str, Any]:
        """Return what `importers.layouts.keep` takes; no value of any cell."""
        mapping = self.mapping or SheetMapping(self.sheet.name, 0, ())
        meant = {heading.letter: heading.identifier for heading in mapping.headings if heading.identifier}
        return {
            "sheet": self.sheet.name,
            "fingerprint": mapping.fingerprint,
            "header_row": mapping.row,
            "headings": [heading.text for heading in mapping.headings],
            "columns": meant | {letter: said for letter, said in self.chosen.items() if said is None},
            "unread": [heading.letter for heading in mapping.headings if heading.identifier is None],
            "rooms": dict(mapping.rooms),
        }


def tab_of_sheet(sheet: Sheet, kind: SheetKind, words: Words, choices: Choices, vocabulary: Vocabulary) -> Tab:
    """Return how a sheet is understood, by what people said, by its layout, by its headings, in this order."""
    choice = choices.sheets.get(sheet.name)
    is_wanted = choice.is_read if choice else not sheet.hidden
    said = choice or _UNSAID
    if not any(sheet.rows):
        return Tab(sheet, is_wanted=False)
    row = said.header_row if said.header_row is not None else _header(sheet, words, vocabulary)
    if row is None or row > len(sheet.rows):
        return Tab(sheet, is_wanted=is_wanted)
    headings = written_headings(sheet, row) if row else []
    print_ = layout_of(headings) if row else looks(sheet, words)
    kept = vocabulary.layouts.get(print_, {}) if print_ else {}
    chosen, remembered = _possible(said.columns, kind), _possible(kept.get("columns", {}), kind)
    places = _places(sheet, row, headings, words, {**_from(remembered, LAYOUT), **_from(chosen, CHOSEN)})
    rooms = {**kept.get("rooms", {}), **choices.rooms}
    whole = SheetMapping(sheet.name, row, (), fingerprint=print_, rooms=rooms)
    return _laid_out(sheet, kind, whole, places, Tab(sheet, is_wanted=is_wanted, chosen={**remembered, **chosen}))


def _header(sheet: Sheet, words: Words, vocabulary: Vocabulary) -> int | None:
    """Return the header's row, 0 for a table without one that the office has mapped before, None for none found."""
    row = header_row(sheet, words, vocabulary.layouts)
    if row is not None:
        return row
    if any(layout.get("header_row") == 0 for layout in vocabulary.layouts.values()):
        print_ = looks(sheet, words)
        if print_ in vocabulary.layouts:
            return 0
    if words.patience <= 0:
        return None
    words.patience -= sum(map(len, sheet.rows[:SEARCHED_ROWS]))
    return likely_header(sheet, words)


def _possible(columns: Mapping[str, str | None], kind: SheetKind) -> dict[str, str | None]:
    """Return letter → meaning without what the kind does not know; only a kind with a note can keep columns in it."""
    known = {column.identifier for column in kind.columns}
    known |= {NOTE} if "note" in known else set()
    return {letter: name for letter, name in columns.items() if name is None or name in known}


def _from(columns: Mapping[str, str | None], source: str) -> dict[str, tuple[str | None, str]]:
    return {letter: (name, source) for letter, name in columns.items()}


def _places(
    sheet: Sheet,
    row: int,
    headings: Sequence[Written],
    words: Words,
    said: Mapping[str, tuple[str | None, str]],
) -> list[Place]:
    """Return the columns of the table: those with a heading, and those among them without one that hold values."""
    width = max((place for place, heading in enumerate(headings, 1) if heading.text), default=0)
    filled = _filled(sheet, row, width if row else None)
    places: list[Place] = []
    for column in range(1, max(width, max(filled, default=0)) + 1):
        heading = headings[column - 1] if column <= len(headings) else Written("")
        is_headed = bool(heading.text) and not heading.is_shared
        if heading.text == REASONS or not (is_headed or column in filled):
            continue
        letter = column_letter(column)
        identifier: str | None
        source: str | None
        if letter in said:
            identifier, source = said[letter]
        else:
            meant = words.meaning(heading)
            identifier, source = (meant.identifier, meant.source) if meant else (None, None)
        places.append(Place(column, heading.text or f"{letter} 列", identifier, source))
    return places


def _filled(sheet: Sheet, row: int, width: int | None) -> set[int]:
    """Return the columns that hold a value in the first rows below the header, up to a width (None: however wide)."""
    found: set[int] = set()
    for values in sheet.rows[row : row + _NEAR_ROWS]:
        found.update(place for place, value in enumerate(values[:width], 1) if value not in {None, ""})
    return {place for place in found if place <= SEARCHED_COLUMNS}


def _laid_out(sheet: Sheet, kind: SheetKind, whole: SheetMapping, places: list[Place], tab: Tab) -> Tab:
    """Return the tab with its mapping, and with the tables that can be read of it."""
    blocks = side_by_side(places, kind)
    settled = [_settled(sheet, whole, block, kind) for block in blocks]
    inside = {heading.column for mapping in settled for heading in mapping.headings}
    beside = [Heading(place.column, place.text, None) for place in places if place.column not in inside]
    headings = {heading.column: heading for mapping in reversed(settled) for heading in mapping.headings}
    headings |= {heading.column: heading for heading in beside}
    notices = tuple(notice for mapping in settled for notice in mapping.notices)
    mapping = replace(whole, headings=tuple(headings[column] for column in sorted(headings)), notices=notices)
    lacking = tuple(missing(settled[0].columns, kind))
    tables: tuple[tuple[Sheet, SheetMapping], ...] = ()
    if tab.is_wanted and not lacking:
        tables = ((sheet, mapping),) if len(settled) == 1 else _cut_out(sheet, settled)
    if len(tables) > 1:
        named = "、".join(table.name.removeprefix(sheet.name).strip("[]").replace(":", "–") for table, _ in tables)
        notices = (
            f"工作表「{shown_text(sheet.name)}」并排放着 {len(tables)} 个表格，已分别读取：{named} 列。",
            *notices,
        )
        mapping = replace(mapping, notices=notices)
    return replace(tab, mapping=mapping, tables=tables, missing=lacking)


def side_by_side(places: Sequence[Place], kind: SheetKind) -> list[list[Place]]:
    """Return the tables that stand beside one another, each with its own columns; one, as it is, where it is one.

    The decisive column of the key (房号) comes once for each table. What stands before the first of them, and not
    again before the others, is shared where it is part of the key (楼栋).
    """
    meant = {place.identifier for place in places}
    key = next((identifier for identifier in decisive(kind) if identifier in meant), kind.key[-1])
    at = [index for index, place in enumerate(places) if place.identifier == key]
    if len(at) < 2:  # noqa: PLR2004
        return [list(places)]
    lead = [comparable(place.text) for place in places[: at[0]]]
    starts = [0]
    for before, index in pairwise(at):
        back = 0
        while (
            back < len(lead)
            and index - back - 1 > before
            and comparable(places[index - back - 1].text) == lead[len(lead) - back - 1]
        ):
            back += 1
        starts.append(index - back)
    blocks = [list(places[start:end]) for start, end in zip(starts, [*starts[1:], len(places)], strict=True)]
    shared = [place for place in places[: at[0]] if place.identifier in kind.key and place.identifier != key]
    for block in blocks[1:]:
        named = {place.identifier for place in block}
        block[:0] = [place for place in shared if place.identifier not in named]
    whole = [block for block in blocks if not missing([place.identifier or "" for place in block], kind)]
    return whole if len(whole) > 1 else [list(places)]


def _settled(sheet: Sheet, whole: SheetMapping, places: Sequence[Place], kind: SheetKind) -> SheetMapping:
    """Return a table's mapping: of two columns of one meaning the second goes to its spare column or is not read.

    What people decided comes before what the headings say.
    """
    taken: set[str] = set()
    headings: list[Heading] = []
    repeated: list[str] = []
    for place in sorted(places, key=lambda place: (place.source not in {CHOSEN, LAYOUT}, place.column)):
        meant = identifier = place.identifier
        if identifier in taken:
            identifier = kind.column(identifier).spare
        if meant and (identifier is None or identifier in taken):
            repeated.append(f"{column_letter(place.column)} 列「{place.text}」")
            identifier = None
        if identifier and identifier != NOTE:
            taken.add(identifier)
        samples = _samples(sheet, whole.row, place.column)
        source = place.source if identifier or not meant else None
        headings.append(Heading(place.column, place.text, identifier, samples, source))
    notices: tuple[str, ...] = ()
    if repeated:
        notices = (f"工作表「{shown_text(sheet.name)}」里重复的列没有读取：{'、'.join(repeated[:10])}。",)
    return replace(whole, headings=tuple(sorted(headings, key=lambda heading: heading.column)), notices=notices)


def _cut_out(sheet: Sheet, blocks: Sequence[SheetMapping]) -> tuple[tuple[Sheet, SheetMapping], ...]:
    """Return tables side by side as sheets of their own: nothing of its neighbours stands in any of them."""
    tables: list[tuple[Sheet, SheetMapping]] = []
    before: set[int] = set()
    for block in blocks:
        inside = {heading.column for heading in block.headings}
        own = sorted(inside - before)
        before |= inside
        name = block_name(sheet.name, column_letter(own[0]), column_letter(own[-1]))
        rows = Altered(sheet.rows, _only(inside, block.row))
        tables.append((replace(sheet, name=name, rows=rows), replace(block, sheet=name, notices=())))
    return tuple(tables)


def _only(inside: set[int], header: int) -> Callable[[int, Sequence[Value]], Sequence[Value]]:
    """Return what leaves of each row, but the header's, the values of some columns alone."""

    def altered(row: int, values: Sequence[Value]) -> Sequence[Value]:
        if row == header:
            return values
        return [value if place in inside else None for place, value in enumerate(values, 1)]

    return altered


def _samples(sheet: Sheet, header: int, column: int) -> tuple[str, ...]:
    """Return the first few values below a heading, for the preview."""
    found: list[str] = []
    for row in range(header + 1, min(header + _SAMPLED_ROWS, len(sheet.rows)) + 1):
        cell = sheet.cell(row, column)
        if cell.kind is not CellKind.EMPTY and (text := shown_text(text_of(cell))):
            found.append(text)
        if len(found) == _SAMPLES:
            break
    return tuple(found)
