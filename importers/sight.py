"""What is plain is understood at first sight: thousands of rows together, column by column, each different text once.

A row of which a cell is anything but plain, or that may be no record at all, is left to be read by itself.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from importers import columns as of
from importers import people_at_once as at_once
from importers.cells import Cell, Value, compact, kind_of
from importers.faults import CellFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

    from importers.columns import Column

A_BLOCK: Final = 4_000
"""Rows that are looked at together."""
_REMEMBERED: Final = 20_000
_COMPARABLE: Final = frozenset({str, float, type(None)})
"""Types whose values are equal only where they are cleaned alike: 1 and True are equal and are not."""
_ODD: Final = object()
"""Stands for a value that wants a closer look: a fault, a placeholder, a blank, an example, the heading once more."""
_SAMPLE: Final = re.compile(r"[(（【\[]?(?:示例|样例|范例|填写示例|例[:：])")
_SUSPECT: Final = re.compile("[例合总小共累制填审复备说注]")
"""A sign of each word by which a line that is no record begins."""
_AT_ONCE: Final[Mapping[type[Column], Callable[[Sequence[str]], Mapping[str, object]]]] = {
    of.NamesColumn: at_once.plain_names,
    of.PhonesColumn: at_once.plain_phones,
    of.DocumentsColumn: at_once.plain_documents,
    of.EmailColumn: at_once.plain_mails,
}


class Seen(NamedTuple):
    """A block of rows: the cleaned values of each column, and of which rows that is all there is to say.

    ``columns`` is identifier → a value for each row, None for a blank one; ``plain`` are places in the block.
    """

    columns: Mapping[str, Sequence[Any]]
    plain: Collection[int]


class FirstSight:
    """Looks at the rows of one sheet; ``columns`` are those that are read, each with its place from 0."""

    def __init__(self, columns: Sequence[tuple[Column, int]], headings: Mapping[str, str], decisive: str) -> None:
        self._columns = columns
        self._headings = headings
        self._decisive = decisive
        self._known: list[dict[Hashable, object]] = [{} for _ in columns]
        self._begins: dict[object, bool] = {}

    def look(self, rows: Sequence[Sequence[Value]], marked: Collection[int]) -> Seen:
        """Return what a block of rows holds; ``marked`` are places of rows that are not to be taken as plain."""
        across = list(zip_longest(*rows))
        nothing = (None,) * len(rows)
        plain = {place for place, values in enumerate(rows) if values}
        plain.difference_update(marked, self._suspects(rows, plain))
        cleaned: dict[str, Sequence[Any]] = {}
        filled = [0] * len(rows)
        for (column, place), known in zip(self._columns, self._known, strict=True):
            values = across[place] if place < len(across) else nothing
            found = self._cleaned(column, values, known)
            if _ODD in found:
                plain.difference_update(at for at, value in enumerate(found) if value is _ODD)
            cleaned[column.identifier] = found
            filled = [count + (value is not None) for count, value in zip(filled, found, strict=True)]
        decisive = cleaned.get(self._decisive, nothing)
        return Seen(cleaned, {at for at in plain if filled[at] > 1 and decisive[at] is not None})

    def _suspects(self, rows: Sequence[Sequence[Value]], places: Collection[int]) -> set[int]:
        """Return the places of rows that begin as a line does that is no record."""
        begins = self._begins
        found = set()
        for place in places:
            values = rows[place]
            first = values[0] or next(filter(None, values), None)
            if type(first) is not str:
                continue
            is_suspect = begins.get(first)
            if is_suspect is None:
                if len(begins) >= _REMEMBERED:
                    begins.clear()
                is_suspect = begins[first] = first.isspace() or _SUSPECT.search(first) is not None
            if is_suspect:
                found.add(place)
        return found

    def _cleaned(self, column: Column, values: Sequence[Value], known: dict[Hashable, object]) -> list[object]:
        """Return what a column makes of each value, `_ODD` where that is not plain."""
        keys: Sequence[Hashable] = values
        if not _COMPARABLE.issuperset(map(type, values)):
            keys = [value if type(value) in _COMPARABLE else (type(value), value) for value in values]
        fresh = set(keys).difference(known)
        if fresh:
            if len(known) + len(fresh) > _REMEMBERED:
                known.clear()
                fresh = set(keys)
            self._learn(column, fresh, known)
        return list(map(known.__getitem__, keys))

    def _learn(self, column: Column, fresh: Collection[Any], known: dict[Hashable, object]) -> None:
        """Take note of what a column makes of these values."""
        known[None] = None
        heading = self._headings[column.identifier]
        together = _AT_ONCE.get(type(column))
        if together:
            known.update(together([key for key in fresh if type(key) is str]))
        known[heading] = _ODD
        for key in fresh:
            if key not in known:
                value = key[1] if type(key) is tuple else key
                known[key] = _looked_at(column, value, heading)


def _looked_at(column: Column, value: Value, heading: str) -> object:
    cleaned = column.clean(Cell(value, kind_of(value), 0, ""))
    is_odd = isinstance(cleaned, CellFault) or column.placeholders(cleaned) > 0
    return _ODD if is_odd or value == heading or is_blank(value) or is_sample(value) else cleaned


def is_blank(value: Value) -> bool:
    """Tell a text of blanks alone."""
    return isinstance(value, str) and not value.strip()


def is_sample(value: Value) -> bool:
    """Tell a text by which a row says that it is an example."""
    return isinstance(value, str) and "例" in value[:8] and _SAMPLE.match(compact(value)) is not None


def begins_as_sample(text: str) -> bool:
    """Tell a compact text that begins as an example does."""
    return _SAMPLE.match(text) is not None
