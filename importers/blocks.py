"""Cells in blocks of some hundred rows, column by column: so they come from the reading child, and so they are kept.

A hundred thousand rows of fifteen columns are a few megabytes so, where lists of values are a hundred. A block is taken
apart when one of its rows is asked for, and forgotten again. Nothing in it is executed, nothing is believed: what does
not say what a block says raises `Unreadable`.
"""

from __future__ import annotations

import datetime as dt
import json
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Final, cast, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from importers.cells import Value

ROWS: Final = 512
"""Rows in a block at the most."""
AREA: Final = 65_536
"""Cells in a block at the most, blank ones among them, unless one row alone has more."""
SAID, CELLS = b"{", b"#"
"""What a frame of the child's answer holds: JSON, or a block."""
FRAME: Final = struct.Struct("<cI")
MOST_COLUMNS: Final = 16_384
_HEAD: Final = struct.Struct("<IH")
_COLUMN: Final = struct.Struct("<cI")
_BLANK, _TEXTS, _SOME_TEXTS, _NUMBERS, _SOME_NUMBERS, _DAYS, _MIXED = (bytes((sign,)) for sign in b"-tTnNdm")
_PARTED: Final = "\x1f"
_KEPT_OPEN: Final = 4
_DAY_TYPES: Final = frozenset({dt.date, dt.datetime})
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_SINGLE: Final = frozenset({str, int, float, bool, type(None)})


class Unreadable(Exception):
    """Bytes that are no block of cells."""


def packed(rows: Sequence[Sequence[Any]], widths: Sequence[int], took: Callable[[int, int], None]) -> bytes:
    """Return rows of values as a block; of each row only the first `widths` values count.

    ``took`` is told how many cells and how many characters go into it, the latter before they are put together.
    """
    widest = max(widths, default=0)
    took(sum(widths), 0)
    parts = [_HEAD.pack(len(rows), widest), array("H", widths).tobytes()]
    for values in islice(zip_longest(*rows, fillvalue=""), widest):
        kind, content = _column_packed(values, took)
        parts += (_COLUMN.pack(kind, len(content)), content)
    return b"".join(parts)


def _column_packed(values: Sequence[Any], took: Callable[[int, int], None]) -> tuple[bytes, bytes]:
    kinds = set(map(type, values))
    if type(None) in kinds:
        values = ["" if value is None else value for value in values]
        kinds = (kinds - {type(None)}) | {str}
    if kinds == {float}:
        return _NUMBERS, array("d", values).tobytes()
    if kinds == {str}:
        return _texts_packed(values, took)
    filled = [value for value in values if value != ""]
    kinds = set(map(type, filled))
    if kinds == {float}:
        return _SOME_NUMBERS, bytes(value != "" for value in values) + array("d", filled).tobytes()
    if kinds <= _DAY_TYPES:
        return _DAYS, _PARTED.join(value and value.isoformat() for value in values).encode()
    took(0, sum(len(value) for value in filled if isinstance(value, str)))
    return _MIXED, _encode([_single(value) for value in values]).encode()


def _texts_packed(values: Sequence[str], took: Callable[[int, int], None]) -> tuple[bytes, bytes]:
    characters = sum(map(len, values))
    if not characters:
        return _BLANK, b""
    took(0, characters)
    text = _PARTED.join(values)
    if len(text) - characters != text.count(_PARTED):
        return _MIXED, _encode([value or None for value in values]).encode()
    return _SOME_TEXTS if "" in values else _TEXTS, text.encode("utf-8", "surrogatepass")


def _single(value: object) -> str | int | float | list[str] | None:
    """Return a value as JSON has it: a day or instant as a list of one ISO text, anything unknown as its text."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, dt.datetime | dt.date):
        return [value.isoformat()]
    return str(value)


def size_of(block: bytes) -> int:
    """Return how many rows a block has; raises Unreadable where its parts are not as long as they say."""
    try:
        rows, columns = _HEAD.unpack_from(block)
        place = _HEAD.size + 2 * rows
        if place > len(block) or rows > ROWS or columns > MOST_COLUMNS or max(_widths(block), default=0) > columns:
            raise Unreadable
        for _ in range(columns):
            place += _COLUMN.size + _COLUMN.unpack_from(block, place)[1]
    except struct.error:
        raise Unreadable from None
    if place != len(block):
        raise Unreadable
    return int(rows)


def _widths(block: bytes) -> array[int]:
    widths = array("H")
    widths.frombytes(block[_HEAD.size : _HEAD.size + 2 * _HEAD.unpack_from(block)[0]])
    return widths


def _opened(block: bytes) -> list[list[Value]]:
    """Return the rows of a block, each cut after its last filled cell; raises Unreadable."""
    count, columns = _HEAD.unpack_from(block)
    place = _HEAD.size + 2 * count
    values: list[Sequence[Value]] = []
    for _ in range(columns):
        kind, length = _COLUMN.unpack_from(block, place)
        place += _COLUMN.size
        column = _column_opened(kind, block[place : place + length], count)
        if len(column) != count:
            raise Unreadable
        values.append(column)
        place += length
    rows: list[list[Value]] = list(map(list, zip(*values, strict=True))) or [[] for _ in range(count)]
    for row, width in zip(rows, _widths(block), strict=True):
        if width < columns:
            del row[width:]
    return rows


def _column_opened(kind: bytes, content: bytes, count: int) -> Sequence[Value]:
    try:
        return _OPENERS[kind](content, count)
    except (ValueError, TypeError, KeyError, StopIteration, RecursionError):
        raise Unreadable from None


def _texts(content: bytes, _count: int) -> list[str]:
    return content.decode("utf-8", "surrogatepass").split(_PARTED)


def _some_numbers(content: bytes, count: int) -> list[float | None]:
    numbers = iter(array("d", content[count:]))
    return [next(numbers) if is_filled else None for is_filled in content[:count]]


def _days(content: bytes, _count: int) -> list[dt.datetime | None]:
    return [_day(text) if text else None for text in content.decode("ascii").split(_PARTED)]


def _day(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=None)


def _believed(value: Any) -> Value:  # noqa: ANN401  JSON
    if type(value) in _SINGLE:
        return cast("Value", value)
    (text,) = value
    return _day(text)


_OPENERS: Final[dict[bytes, Callable[[bytes, int], Sequence[Value]]]] = {
    _BLANK: lambda _content, count: [None] * count,
    _TEXTS: _texts,
    _SOME_TEXTS: lambda content, count: [text or None for text in _texts(content, count)],
    _NUMBERS: lambda content, _count: array("d", content).tolist(),
    _SOME_NUMBERS: _some_numbers,
    _DAYS: _days,
    _MIXED: lambda content, _count: [_believed(value) for value in json.loads(content)],
}


class Rows(Sequence[list["Value"]]):
    """The rows of a sheet, kept in blocks. Rows are made when they are asked for: changing one changes nothing kept."""

    def __init__(self, blocks: Iterable[bytes] = ()) -> None:
        """Keep blocks as `packed` made them; raises Unreadable for anything else."""
        self._blocks: list[bytes] = []
        self._starts: list[int] = []
        self._length = 0
        self._fills: dict[int, list[tuple[int, int, int, Value]]] = {}
        self._open: dict[int, list[list[Value]]] = {}
        for block in blocks:
            self.append(block)

    def append(self, block: bytes) -> None:
        """Add a block below; raises Unreadable for what is none."""
        size = size_of(block)
        if size:
            self._blocks.append(block)
            self._starts.append(self._length)
            self._length += size

    def fill_down(self, column: int, first: int, last: int, value: Value) -> None:
        """Say that a value stands in a column (from 1) of every row from `first` to `last` that holds anything."""
        last = min(last, self._length)
        number = bisect_right(self._starts, first - 1) - 1
        while number >= 0 and first <= last and number < len(self._starts):
            start = self._starts[number]
            end = self._starts[number + 1] if number + 1 < len(self._starts) else self._length
            inside = (column, first - 1 - start, min(last, end) - start, value)
            self._fills.setdefault(number, []).append(inside)
            self._open.pop(number, None)
            first, number = end + 1, number + 1

    def width(self, row: int) -> int:
        """Return the last filled column of a row counted from 1, as it came; the row is not made for it."""
        number = bisect_right(self._starts, row - 1) - 1
        place = _HEAD.size + 2 * (row - 1 - self._starts[number])
        return int.from_bytes(self._blocks[number][place : place + 2], sys.byteorder)

    def __len__(self) -> int:
        """Return how many rows there are, up to the last that holds something."""
        return self._length

    def __iter__(self) -> Iterator[list[Value]]:
        """Yield the rows, a block at a time."""
        for number in range(len(self._blocks)):
            yield from self._open.get(number) or self._made(number)

    @overload
    def __getitem__(self, place: int) -> list[Value]: ...

    @overload
    def __getitem__(self, place: slice) -> list[list[Value]]: ...

    def __getitem__(self, place: int | slice) -> list[Value] | list[list[Value]]:
        """Return a row counted from 0, or a list of them."""
        if isinstance(place, slice):
            first, last, step = place.indices(self._length)
            return self._between(first, last) if step == 1 else [self[one] for one in range(first, last, step)]
        place += self._length if place < 0 else 0
        if not 0 <= place < self._length:
            raise IndexError(place)
        number = bisect_right(self._starts, place) - 1
        return self._at_hand(number)[place - self._starts[number]]

    def _between(self, first: int, last: int) -> list[list[Value]]:
        found: list[list[Value]] = []
        while first < last:
            number = bisect_right(self._starts, first) - 1
            start = self._starts[number]
            found += self._at_hand(number)[first - start : last - start]
            first = start + len(self._open[number])
        return found

    def _at_hand(self, number: int) -> list[list[Value]]:
        rows = self._open.get(number)
        if rows is None:
            while len(self._open) >= _KEPT_OPEN:
                del self._open[next(iter(self._open))]
            rows = self._open[number] = self._made(number)
        return rows

    def _made(self, number: int) -> list[list[Value]]:
        rows = _opened(self._blocks[number])
        for column, first, last, value in self._fills.get(number, ()):
            for row in rows[first:last]:
                if row:
                    row.extend([None] * (column - len(row)))
                    row[column - 1] = value
        return rows


class Altered(Sequence[Sequence["Value"]]):
    """Rows seen otherwise than they are kept: each is altered when it is asked for, and no copy of all is made."""

    def __init__(
        self, rows: Sequence[Sequence[Value]], alter: Callable[[int, Sequence[Value]], Sequence[Value]]
    ) -> None:
        """Keep what `alter` makes of a row's number, counted from 1, and its values."""
        self._rows = rows
        self._alter = alter

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Sequence[Value]]:
        """Yield the rows."""
        return (self._alter(row, values) for row, values in enumerate(self._rows, 1))

    @overload
    def __getitem__(self, place: int) -> Sequence[Value]: ...

    @overload
    def __getitem__(self, place: slice) -> list[Sequence[Value]]: ...

    def __getitem__(self, place: int | slice) -> Sequence[Value] | list[Sequence[Value]]:
        """Return a row counted from 0, or a list of them."""
        if isinstance(place, slice):
            places = range(*place.indices(len(self._rows)))
            return [self._alter(one + 1, values) for one, values in zip(places, self._rows[place], strict=True)]
        values = self._rows[place]
        return self._alter(place % len(self._rows) + 1, values)
