"""Where the table of a sheet begins, and what stands above its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from importers.cells import column_letter, compact, plain
from importers.choices import NOTE
from importers.mapping import ALIAS, KNOWN, Vocabulary, comparable, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importers.sheets.kinds import SheetKind
    from importers.workbook import Sheet

SEARCHED_ROWS = 30
SEARCHED_COLUMNS = 256
_LONGEST_HEADING = 40
_LEAST_MATCHES = 2
_LONGEST_GROUP = 20
_REMEMBERED = 20_000
_PATIENCE = 150_000
"""Different texts of one book that are looked at closely as headings: hundreds are, the rest stands below them."""
_BRACKETED = re.compile(r"[(（【\[].*?[)）】\]]")
_PARTED = re.compile(r"[/、|或及]")
_ENGLISH = re.compile(r"(?<=[\u4e00-\u9fff]{2})[a-z.]+$")
"""The same once more in English, below or behind the Chinese: `房号 Room No.`."""
_SAYS_NOTHING = re.compile(r"信息|资料|情况|基本|档案|登记|一览|[栏类]$")
_OTHER_PEOPLE = re.compile(r"租户|租客|承租|住户|紧急|家属|家庭|配偶|成员|代理|使用人|联系人")
_OTHER_THINGS = re.compile(r"车|储藏|水表|电表|气表|费|押金")


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading: its column, its text, the identifier it stands for (None: not read), a few of the values below.

    `source` is where its meaning comes from (`importers.mapping`), None where it has none. A column without a heading
    is called by its letter.
    """

    column: int
    text: str
    identifier: str | None
    samples: tuple[str, ...] = ()
    source: str | None = None

    @property
    def letter(self) -> str:
        """Return the letter the user sees above the column."""
        return column_letter(self.column)


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """How one table is read: the header's row (from 1; 0: it has none) and what each heading stands for."""

    sheet: str
    row: int
    headings: tuple[Heading, ...]
    notices: tuple[str, ...] = ()
    fingerprint: str = ""
    rooms: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, int]:
        """Return identifier → column, counted from 1; columns kept in the note are not among them."""
        return {
            heading.identifier: heading.column
            for heading in self.headings
            if heading.identifier and heading.identifier != NOTE
        }

    @property
    def noted(self) -> tuple[Heading, ...]:
        """Return the headings of columns whose values are kept in the note."""
        return tuple(heading for heading in self.headings if heading.identifier == NOTE)

    def heading_of(self, identifier: str) -> Heading | None:
        """Return the heading that stands for an identifier, None when the sheet has no such column."""
        return next((heading for heading in self.headings if heading.identifier == identifier), None)

    def as_json(self) -> dict[str, object]:
        """Return what the batch keeps: how the columns were understood, no value of any cell."""
        return {
            "sheet": self.sheet,
            "header_row": self.row,
            "columns": [[heading.letter, heading.text, heading.identifier] for heading in self.headings],
        }


class Written(NamedTuple):
    """A heading as it stands, and the wider one over it and its neighbours (empty: none).

    ``is_shared``: it stands in the column before, in one cell made of several.
    """

    text: str
    group: str = ""
    is_shared: bool = False


class Meaning(NamedTuple):
    """What a heading stands for, and who says so."""

    identifier: str
    source: str


class Words:
    """Every heading a kind is known by: the product's and the office's own, which goes first."""

    def __init__(self, kind: SheetKind, vocabulary: Vocabulary) -> None:
        self.kind = kind
        self.known: dict[str, str] = {}
        for column in kind.columns:
            for heading in column.headings:
                self.known.setdefault(comparable(heading), column.identifier)
        self.aliases = vocabulary.aliases
        self.patience = _PATIENCE
        """How many texts more are looked at closely; then only what is met before or written plainly is known."""
        self._met: dict[Written, Meaning | None] = {}

    def meaning(self, heading: Written) -> Meaning | None:
        """Return what a heading stands for, None for what nobody has said.

        Under a wider heading the two are read together (`业主` over `电话`). What stands under somebody else's
        (`紧急联系人`, `租户`), or under a thing the kind knows nothing of, is not the owner's.
        """
        if not heading.text:
            return None
        if heading not in self._met:
            if self.patience <= 0:
                return self._at_once(heading.text)
            if len(self._met) >= _REMEMBERED:
                self._met = {written: meaning for written, meaning in self._met.items() if meaning}
            self.patience -= 1
            self._met[heading] = self._understood(heading)
        return self._met[heading]

    def _at_once(self, text: str) -> Meaning | None:
        if text in self.aliases:
            return Meaning(self.aliases[text], ALIAS)
        return Meaning(self.known[text], KNOWN) if text in self.known else None

    def _understood(self, heading: Written) -> Meaning | None:
        text, group, _ = heading
        theme = _SAYS_NOTHING.sub("", compact(group))
        if theme:
            if found := self._said(theme + text):
                return found
            if _OTHER_PEOPLE.search(theme) or (_OTHER_THINGS.search(theme) and not self._speaks_of(theme)):
                return None
        return self._said(text)

    def _speaks_of(self, theme: str) -> bool:
        return any(word.startswith(theme[:2]) for word in self.known)

    def _said(self, text: str) -> Meaning | None:
        """Look a heading up as written, else without its brackets, else by its parts (`业主姓名/单位`).

        Where the parts mean several columns (`楼栋/单元/房号`) it is the decisive one, whose cells hold the whole key.
        """
        bare = _BRACKETED.sub("", compact(text))
        for candidate in (comparable(text), comparable(bare), _ENGLISH.sub("", comparable(bare))):
            if candidate in self.aliases:
                return Meaning(self.aliases[candidate], ALIAS)
            if candidate in self.known:
                return Meaning(self.known[candidate], KNOWN)
        parts = {self.known[key] for part in _PARTED.split(bare) if (key := comparable(part)) in self.known}
        for identifier in decisive(self.kind):
            if identifier in parts:
                return Meaning(identifier, KNOWN)
        return Meaning(parts.pop(), KNOWN) if len(parts) == 1 else None


def decisive(kind: SheetKind) -> list[str]:
    """Return the columns of the key whose cells may hold the whole of it, the most telling first."""
    return [identifier for identifier in reversed(kind.key) if identifier not in {"building", "section"}]


def header_row(sheet: Sheet, words: Words, layouts: Mapping[str, object]) -> int | None:
    """Return the row of the header within the first thirty, from 1; None when no row looks like one.

    A layout the office has used before is found first; else the row that names most columns is the header.
    """
    best: tuple[int, int] | None = None
    above: list[str] = []
    for row in range(1, min(SEARCHED_ROWS, len(sheet.rows)) + 1):
        own = _texts(sheet, row)
        headings, above = _shared(sheet, row, _put_together(own, above)), own
        if layouts and layout_of(headings) in layouts:
            return row
        found = {meant.identifier for heading in headings if (meant := words.meaning(heading))}
        if len(found) >= _LEAST_MATCHES and (best is None or len(found) > best[0]):
            best = (len(found), row)
    return best[1] if best else None


def written_headings(sheet: Sheet, row: int) -> list[Written]:
    """Return the headings of a row from column A on: headers come in two rows too.

    Where the row is blank, what stands above counts, else what stands above spans the columns up to the next one. A
    title or a date over the table is neither. One cell made of several is the heading of each column it covers.
    """
    return _shared(sheet, row, _put_together(_texts(sheet, row), _texts(sheet, row - 1) if row > 1 else []))


def layout_of(headings: Sequence[Written]) -> str:
    """Return the digest of a layout, as `importers.mapping.fingerprint` makes it of what is written in the cells."""
    return fingerprint(["" if heading.is_shared else heading.text for heading in headings])


def _shared(sheet: Sheet, row: int, headings: list[Written]) -> list[Written]:
    """Return the headings with those that stand in one cell over several columns given to each of them."""
    for first, last, left, right in sheet.spans:
        if not (first <= row <= last and left <= len(headings) and headings[left - 1].text):
            continue
        end = min(right, SEARCHED_COLUMNS)
        headings += [Written("")] * (end - len(headings))
        for column in range(left, end):
            if not headings[column].text:
                headings[column] = headings[left - 1]._replace(is_shared=True)
    return headings


def _put_together(own: list[str], above: list[str]) -> list[Written]:
    if not any(own) or sum(1 for text in above if text) < _LEAST_MATCHES:
        return [Written(text) for text in own]
    width = max(len(own), len(above))
    own, above = (texts + [""] * (width - len(texts)) for texts in (own, above))
    written: list[Written] = []
    group = ""
    for text, over in zip(own, above, strict=True):
        if over:
            group = over if over != text and text and _may_span(over) else ""
        standing = text or (over if _may_span(over) else "")
        written.append(Written(standing, group if text else ""))
    return written


def _may_span(text: str) -> bool:
    bare = compact(text)
    return 0 < len(bare) <= _LONGEST_GROUP and ":" not in bare[:-1]


def _texts(sheet: Sheet, row: int) -> list[str]:
    """Return the texts of a row; what is no text, or stands for an error, is no heading."""
    texts = [_heading_text(value) if type(value) is str else "" for value in sheet.rows[row - 1][:SEARCHED_COLUMNS]]
    if sheet.marks:
        return ["" if (row, column) in sheet.marks else text for column, text in enumerate(texts, 1)]
    return texts


def _heading_text(text: str) -> str:
    return " ".join(plain(text).split())[:_LONGEST_HEADING]


def missing(identifiers: Sequence[str] | Mapping[str, object], kind: SheetKind) -> list[str]:
    """Return the labels of required columns that are not among the identifiers, alternatives joined by 或."""
    have = set(identifiers)
    return [
        "或".join(f"「{kind.column(identifier).label}」" for identifier in group)
        for group in kind.required
        if not have & set(group)
    ]
