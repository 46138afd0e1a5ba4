"""The columns a sheet may have: each knows its headings and how its cells are cleaned.

`clean` is total: whatever stands in a cell, it returns a value, None for nothing, or a `CellFault`; it never raises.
It depends on the cell's value and kind alone.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from importers import people, rooms
from importers.cells import Cell, CellKind, compact, is_absent, is_lossy, plain, safe_text, text_of
from importers.faults import CellFault, fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from tenant.rules.terms import Term

_EARLIEST, _LATEST = dt.date(1950, 1, 1), dt.date(2100, 1, 1)
_SERIAL_ORIGIN = dt.date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 18_264, 73_050
_DAY = re.compile(r"([0-9]{4})(?:[-/.、年])([0-9]{1,2})(?:[-/.、月]([0-9]{1,2})?[日号]?)?(?:[ T].*)?")
_EIGHT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})?")
_WRITTEN_OUT = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月(?:([一二三四五六七八九十]{1,3})[日号])?"
)
_NUMERALS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_AREA = re.compile(
    r"(?:建筑面积|产权面积|面积)?:?约?"
    r"([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,10})?|[0-9]{1,9}(?:\.[0-9]{1,20})?)(?:㎡|m2|m²|平方米|平米|平方|平)?"
)
_LARGEST_AREA = Decimal(100_000)
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{2}|[0-9]\.[0-9]+[Ee][0-9]{2}")
_WHOLE = re.compile(r"[1-9][0-9]{0,14}")
_CENT = Decimal("0.01")
_EMAIL = re.compile(r"[^@\s,;，；、]{1,64}@[^@\s,;，；、]+\.[^@\s,;，；、.]+")
_LONGEST_EMAIL = 254


@dataclass(frozen=True)
class Column(ABC):
    """A column of a kind of sheet: what the product calls it, how offices head it, how its cells are read.

    `aliases` are headings parted by blanks; `spare` names the column that takes a second heading of the same meaning.
    """

    identifier: str
    label: str
    aliases: str = ""
    spare: str | None = None

    @property
    def headings(self) -> tuple[str, ...]:
        """Return every heading this column goes by, the product's own first."""
        return (self.label, *self.aliases.split())

    def clean(self, cell: Cell) -> object:
        """Return the cell's value, None when it says there is none, or a CellFault. Never raises."""
        if cell.kind is CellKind.EMPTY:
            return None
        if cell.kind is CellKind.ERROR:
            return fault("cell_error", str(cell.value))
        if cell.kind is CellKind.FORMULA:
            return fault("formula_unsaved")
        if is_lossy(cell.value):
            return fault("digits_lost")
        text = text_of(cell)
        if self.says_nothing(text):
            return None
        return fault("digits_lost") if _SCIENTIFIC.fullmatch(text) else self.read(cell, text)

    def says_nothing(self, text: str) -> bool:
        """Tell whether a plain text is a way of writing that there is nothing (／ 无 —)."""
        return is_absent(text)

    def placeholders(self, value: object) -> int:
        """Return how many placeholders a cleaned value holds: numbers nobody has, which are never taken."""
        if not isinstance(value, tuple):
            return 0
        return sum(1 for part in value if isinstance(part, people.Labelled) and part.is_placeholder)

    @abstractmethod
    def read(self, cell: Cell, text: str) -> object:
        """Return the value of a cell that holds something; `text` is its plain text."""


@dataclass(frozen=True)
class TextColumn(Column):
    """Free text up to `longest` characters, kept as it was written."""

    longest: int = 500

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the text with its own punctuation, full-width or not."""
        if len(text) > self.longest:
            return fault("too_long", limit=self.longest)
        written = safe_text(cell.value).strip() if isinstance(cell.value, str) else text
        whole = people.quoted(written)
        return whole if whole and people.needs_quotes(plain(whole)) else written


@dataclass(frozen=True)
class EmailColumn(Column):
    """One mail address, kept in lower case."""

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the address."""
        del cell
        address = text.strip().lower()
        is_one = _EMAIL.fullmatch(address) is not None and len(address) <= _LONGEST_EMAIL
        return address if is_one else fault("email_unreadable", text)


@dataclass(frozen=True)
class BuildingColumn(Column):
    """A building's code: `3栋`, `3#`, `A座` → `3`, `3`, `A`."""

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the code."""
        del cell
        return rooms.building_code(text) or fault("building_unreadable", text)


@dataclass(frozen=True)
class SectionColumn(Column):
    """A section's code: `2单元` → `2`."""

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the code."""
        del cell
        return rooms.section_code(text) or fault("section_unreadable", text)


@dataclass(frozen=True)
class RoomColumn(Column):
    """A room, or a whole unit key in one text; `readings` is shape of a text → how people said it is read."""

    readings: Mapping[str, str] = field(default_factory=dict)

    def read(self, cell: Cell, text: str) -> rooms.UnitKey | CellFault:
        """Return the key as far as the text tells it."""
        if cell.kind is CellKind.DATE:  # `3-2` typed into a General cell becomes the second of March
            return fault("room_became_date")
        return rooms.unit_key(text, self.readings) or fault("unit_unreadable", text)


@dataclass(frozen=True)
class NamesColumn(Column):
    """One or several owners."""

    def read(self, cell: Cell, text: str) -> tuple[people.Name, ...] | CellFault | None:
        """Return the names in their order, None when the cell says the unit has no owner."""
        del cell
        names = people.read_names(text)
        return _fault_of(names) if isinstance(names, people.Mistake) else names or None


@dataclass(frozen=True)
class PhonesColumn(Column):
    """One or several phones with their labels."""

    def read(self, cell: Cell, text: str) -> tuple[people.Labelled, ...] | CellFault | None:
        """Return the phones in their order, placeholders among them."""
        del cell
        phones = people.read_phones(text)
        return _fault_of(phones) if isinstance(phones, people.Mistake) else phones or None


@dataclass(frozen=True)
class DocumentsColumn(Column):
    """One or several identity documents with the names beside them."""

    def read(self, cell: Cell, text: str) -> tuple[people.Labelled, ...] | CellFault | None:
        """Return the numbers in their order, placeholders among them."""
        del cell
        documents = people.read_documents(text)
        return _fault_of(documents) if isinstance(documents, people.Mistake) else documents or None


@dataclass(frozen=True)
class AreaColumn(Column):
    """Square metres to two decimals."""

    def read(self, cell: Cell, text: str) -> Decimal | CellFault:
        """Return the area; `89.5㎡` and `1,024.50 平方米` are areas, a date is not."""
        match = _AREA.fullmatch(compact(text).lower().removesuffix("。"))
        if cell.kind in {CellKind.DATE, CellKind.BOOLEAN} or not match:
            return fault("area_unreadable", text)
        area = Decimal(match[1].replace(",", "")).quantize(_CENT, ROUND_HALF_UP)
        return area if 0 < area < _LARGEST_AREA else fault("area_range", text)


@dataclass(frozen=True)
class DayColumn(Column):
    """A day: a date cell, a serial number, `20100411`, `2010.4.11`, `2010年4月11日`; `2009年6月` is its first."""

    def read(self, cell: Cell, text: str) -> dt.date | CellFault:
        """Return the day."""
        day = _day_of(cell, compact(text) if cell.kind is CellKind.NUMBER else plain(text))
        if day is None:
            return fault("date_unreadable", text)
        return day if _EARLIEST <= day < _LATEST else fault("date_range", text)


def _day_of(cell: Cell, text: str) -> dt.date | None:
    if isinstance(cell.value, dt.datetime):
        return cell.value.date()
    if isinstance(cell.value, dt.date):
        return cell.value
    if isinstance(cell.value, bool):
        return None
    if match := _EIGHT.fullmatch(text) or _DAY.fullmatch(re.sub(r"\s*([年月日])\s*", r"\1", text)):
        return _made_day(match[1], match[2], match[3] or "1")
    if re.fullmatch(r"[0-9]{5}(?:\.[0-9]+)?", text) and _FIRST_SERIAL <= int(text[:5]) <= _LAST_SERIAL:
        return _SERIAL_ORIGIN + dt.timedelta(days=int(text[:5]))
    written = _WRITTEN_OUT.fullmatch(compact(text))
    year, month, day = written.groups(default="一") if written else ("", "", "")
    return _made_day(year.translate(_NUMERALS), _counted(month), _counted(day))


def _counted(numeral: str) -> str:
    """Return `三十一` as `31`; a text that is no such number gives one that no month has."""
    tens, ten, ones = numeral.partition("十")
    return f"{tens.translate(_NUMERALS) or '1'}{ones.translate(_NUMERALS) or '0'}" if ten else tens.translate(_NUMERALS)


def _made_day(year: str, month: str, day: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


@dataclass(frozen=True)
class NumberColumn(Column):
    """A whole number above zero that the product itself gave out; anything else that stands there says nothing."""

    def read(self, cell: Cell, text: str) -> int | None:
        """Return the number, None for what is no such number."""
        del cell
        return int(text) if _WHOLE.fullmatch(text) else None


@dataclass(frozen=True)
class ChoiceColumn(Column):
    """One of a few terms, by the words the trade uses for them; the first word found in the text decides."""

    words: Mapping[Any, str] = field(default_factory=dict)

    def says_nothing(self, text: str) -> bool:
        """Tell whether the text says nothing; where × is one of the words, it says something."""
        bare = compact(text).upper()
        return is_absent(text) and not any(bare in words.split() for words in self.words.values() if bare)

    def read(self, cell: Cell, text: str) -> Term | CellFault:
        """Return the term, a fault naming the choices when the text is none of them."""
        del cell
        bare = compact(text).upper()
        pairs: list[tuple[str, Term]] = [(word, term) for term, words in self.words.items() for word in words.split()]
        for word, term in pairs:
            if word == bare or (len(word) > 1 and word in bare):
                return term
        return fault("choice_unknown", text, known="、".join(term.label for term in self.words))


def _fault_of(mistake: people.Mistake) -> CellFault:
    return fault(mistake.code, mistake.part, limit=100)


def as_decimal(share: Fraction) -> Decimal:
    """Return a share to six decimals, as it is stored."""
    return (Decimal(share.numerator) / Decimal(share.denominator)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
