"""Numbers shown with zeros before them (format `0000`): what people see as 0101 is kept in the file as 101.

Runs only inside the limited child process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MOST_COLUMNS: Final = 64
_MOST_STYLES: Final = 500
_ZEROS: Final = re.compile(r"(0{2,18})(?:;.*)?", re.DOTALL)


def digits_of(code: str) -> int:
    """Return how many digits a number format shows at the least, 0 for one that shows no zeros before a number."""
    match = _ZEROS.fullmatch(code)
    return len(match[1]) if match else 0


class Styles:
    """The handlers of the part that says how cells are shown."""

    def __init__(self) -> None:
        self.digits: dict[bytes, int] = {}
        """Number of a style → how many digits it shows at the least, of those that show zeros."""
        self._formats: dict[str, int] = {}
        self._count = 0
        self._inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take note of a format, or of a style of cells that uses one."""
        tag = name.rpartition(":")[2]
        if tag == "numFmt" and len(self._formats) < _MOST_STYLES:
            if digits := digits_of(attributes.get("formatCode", "")):
                self._formats[attributes.get("numFmtId", "")] = digits
        elif tag == "cellXfs":
            self._inside = True
        elif tag == "xf" and self._inside:
            digits = self._formats.get(attributes.get("numFmtId", ""), 0)
            if digits and len(self.digits) < _MOST_STYLES:
                self.digits[b"%d" % self._count] = digits
            self._count += 1

    def end(self, name: str) -> None:
        """See where the styles of cells end."""
        if name.rpartition(":")[2] == "cellXfs":
            self._inside = False


class Zeros:
    """Where numbers are shown with zeros before them (`0000`): what people see as 0101 is kept as 101."""

    def __init__(self, styles: Mapping[bytes, int] | None = None) -> None:
        self.styles = styles or {}
        """Number of a style → how many digits it shows at the least."""
        self.digits: dict[int, bytearray] = {}
        """Column → for each row, from 0 on, how many digits are shown at the least, 0 where nothing is said."""
        alike = b"|".join(map(re.escape, self.styles))
        self._cell = re.compile(rb'<c r="([A-Z]{1,2})[0-9]+" s="(' + alike + rb')"(?: t="n")?><') if alike else None

    def cells(self, row: bytes) -> list[tuple[bytes, bytes]]:
        """Return letters and style of each cell of a plain row whose number is shown so."""
        return self._cell.findall(row) if self._cell else []

    def note(self, row: int, column: int, style: bytes) -> None:
        """Take note of a cell, if its style is one of those."""
        if style in self.styles:
            self.show(row, column, self.styles[style])

    def show(self, row: int, column: int, digits: int) -> None:
        """Take note of a cell whose number is shown with so many digits."""
        if column not in self.digits and len(self.digits) >= _MOST_COLUMNS:
            return
        rows = self.digits.setdefault(column, bytearray())
        rows.extend(bytes(max(row + 1 - len(rows), 0)))
        rows[row] = digits

    def shown(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Yield rows, from row 1 on, with the numbers noted as texts of as many digits as are shown."""
        for number, row in enumerate(rows, 1):
            values = row
            for column, digits in self.digits.items():
                if number < len(digits) and digits[number] and column <= len(row):
                    text = _with_zeros(row[column - 1], digits[number])
                    if text:
                        values = [*values[: column - 1], text, *values[column:]]
            yield values


def _with_zeros(value: object, digits: int) -> str | None:
    """Return a whole number with its zeros, None for anything that is shown without."""
    if isinstance(value, bool) or not isinstance(value, float | int) or not 0 <= value < 10 ** (digits - 1):
        return None
    return f"{int(value):0{digits}d}" if value == int(value) else None
