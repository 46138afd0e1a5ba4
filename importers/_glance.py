"""A first look at a worksheet's markup: rows written in the one plain way programs write them are taken out whole.

A hundred thousand rows take a third of a second where reading tag by tag takes ten. What is left, which is nearly
nothing of an honest sheet, goes to the reader that goes tag by tag: a row with an error in it, with a formula that was
saved without its result, written with a prefix or in any other way. Runs only inside the limited child process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from importers._zeros import Zeros
from importers.cells import column_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST_REST: Final = 4 << 20
"""Bytes without the end of a row from which on nobody waits for it any more."""
_LAST_ROW: Final = 1_048_576
_END: Final = b"</row>"
_ROWS_ARE_ENOUGH: Final = 40
"""Up to so many columns a filled row counts as one filled cell, and no more is asked."""
_HEAD: Final = re.compile(rb"(?:\xef\xbb\xbf)?<(?:\?xml(?P<said>[^>]*)\?>)?")
_UTF8: Final = re.compile(rb"""encoding\s*=\s*["']utf-?8["']|^(?:(?!encoding).)*$""", re.IGNORECASE | re.DOTALL)
_VALUE: Final = (
    rb'<is><t(?: xml:space="preserve")?+>[^<]*+()</t></is>'
    rb"|(?:<f(?:[^<>]*+(?<=/)>|[^<>]*+>[^<]*+</f>))?+<v>[^<]++()</v>"
)
_CELL: Final = (
    rb'<c r="([A-Z]{1,2}+)[0-9]{1,7}+"(?: s="[0-9]*+")?+(?: t="(?:s|n|b|d|str|inlineStr)")?+'
    rb"(?:/>|>(?:" + _VALUE + rb")</c>)"
)
_ROW: Final = re.compile(rb'<row r="([0-9]{1,7}+)"([^<>/]*+)(?:/>|>(?:' + _CELL + rb")*+</row>)")
"""A row beyond doubt: its number, its attributes, the column of its last cell, and a mark where one of them is filled.

Every repetition is possessive: a row that is something else fails where it is something else.
"""


class Doubtful(Exception):
    """The rest of the markup cannot be understood without the rows that were taken out."""


@dataclass(slots=True)
class Seen:
    """What a first look tells: bounds, no exact places. Rows count from 1; `cells` are at least so many filled ones."""

    last_row: int = 0
    last_column: int = 0
    cells: int = 0
    hidden_rows: list[int] = field(default_factory=list)
    zeros: Zeros = field(default_factory=Zeros)
    _rows: int = 0
    _filled: int = 0
    _letters: set[bytes] = field(default_factory=set)

    def rest(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what is left of the markup once its plain rows are taken out and noted.

        Raises Doubtful where a comment, a declaration or a marked section may hold what only looks like a row.
        """
        kept = b""
        for number, piece in enumerate(pieces):
            if number == 0 and not _is_utf8(piece):
                raise Doubtful
            kept += piece
            end = kept.rfind(_END)
            if end >= 0:
                yield self._without_plain_rows(kept[: end + len(_END)])
                kept = kept[end + len(_END) :]
            elif len(kept) > _LONGEST_REST:
                raise Doubtful
        yield self._without_plain_rows(kept)

    def _without_plain_rows(self, markup: bytes) -> bytes:
        self._rows = self._filled = 0
        left = _ROW.sub(self._take, markup)
        if b"<!" in left:
            raise Doubtful
        self.last_column = max(self.last_column, *(column_index(letters.decode()) for letters in self._letters), 0)
        if self.last_column * self._rows > _ROWS_ARE_ENOUGH * self._filled:
            self.cells += sum(markup.count(end) - left.count(end) for end in (b"</v>", b"</is>"))
        else:
            self.cells += self._filled
        return left

    def _take(self, row: re.Match[bytes]) -> bytes:
        """Note a row and leave nothing of it; leave it as it is where it wants a closer look after all."""
        number, attributes, column, text, value = row.groups()
        place = int(number)
        if not 0 < place <= _LAST_ROW:
            return row[0]
        if attributes and b"hidden" in attributes:
            if b'hidden="1"' in attributes or b'hidden="true"' in attributes:
                self.hidden_rows.append(place)
            elif b'hidden="0"' not in attributes and b'hidden="false"' not in attributes:
                return row[0]
        self._rows += 1
        self.last_row = max(self.last_row, place)
        if column is not None:
            self._letters.add(column)
            for letters, style in self.zeros.cells(row[0]):
                self.zeros.note(place, column_index(letters.decode()), style)
            self._filled += value is not None or text is not None
        return b""


def _is_utf8(head: bytes) -> bool:
    found = _HEAD.match(head)
    return found is not None and _UTF8.search(found["said"] or b"") is not None
