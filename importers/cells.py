"""One cell of a workbook, and its text made comparable.

Everything here is total: no content of a cell, however odd, raises.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | int | float | bool | dt.date | dt.datetime | None

#: From here on a number cell has lost digits: a spreadsheet keeps fifteen.
FIRST_LOSSY_NUMBER = 10**15

#: Longest text a cell is read to, in characters; a spreadsheet itself allows 32,767.
LONGEST_TEXT = 32_767

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\t\v\f"), " ")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣"), "-")
_LINES = dict.fromkeys(map(ord, "\r\u0085\u2028\u2029"), "\n")
_WIDE = re.compile("[\uff01-\uff5e]")
"""The only printable signs that are replaced."""
_TABLE: dict[int, int | str] = {**_FULL_WIDTH, **_SPACES, **_LINES}

_ABSENT = frozenset(
    [
        "-",
        "--",
        "---",
        "/",
        "//",
        "\\",
        ".",
        "。",
        "、",
        "×",
        "无",
        "暂无",
        "没有",
        "未知",
        "不详",
        "不明",
        "空",
        "未填",
        "未登记",
    ]
) | {"无数据", "待补", "待补充", "n/a", "na", "#n/a", "null", "none", "nil"}


_ABSENT_BEGINS = frozenset("".join(word[0] + word[0].upper() for word in _ABSENT))
_BEGINS_PLAINLY = re.compile(r"[0-9A-Za-z\u4e00-\u9fff]").match
"""A sign that stays the first of its text however the text is made comparable."""


class CellKind(StrEnum):
    """What the workbook stored in a cell."""

    EMPTY = "empty"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    ERROR = "error"
    FORMULA = "formula"
    """A formula that was saved without its result."""


class Cell(NamedTuple):
    """A typed cell. `row` counts from 1, `column` is the letter the user sees."""

    value: Value
    kind: CellKind
    row: int
    column: str


def kind_of(value: Value) -> CellKind:
    """Return the kind a bare value has; errors and uncached formulas are known only from the workbook's own markup."""
    if value is None or value == "":
        return CellKind.EMPTY
    if isinstance(value, str):
        return CellKind.TEXT
    if isinstance(value, bool):
        return CellKind.BOOLEAN
    if isinstance(value, int | float):
        return CellKind.NUMBER
    return CellKind.DATE


def column_letter(index: int) -> str:
    """Return the letters of the column counted from 1: 1 → A, 27 → AA."""
    letters = ""
    while index > 0:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the place of a column counted from 1: A → 1, AA → 27."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index


def is_lossy(value: Value) -> bool:
    """Tell whether a number has passed fifteen digits, so that its last ones are no longer the user's."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) >= FIRST_LOSSY_NUMBER or not math.isfinite(value)


def written(value: Value) -> str:  # noqa: PLR0911  one answer for each type
    """Return a value as the user would read it in the sheet: 13800000000.0 → `13800000000`, a date → `2010-04-11`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value) if abs(value) < FIRST_LOSSY_NUMBER else f"{Decimal(value):.14E}"
    if isinstance(value, float):
        return _written_float(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") if value.time() != dt.time() else value.date().isoformat()
    return value.isoformat()


def _written_float(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= FIRST_LOSSY_NUMBER:
        return f"{value:.14E}"
    return str(int(value)) if value.is_integer() else repr(value)


def plain(text: str) -> str:
    """Return text with full-width letters, digits and signs made half-width, invisible characters gone, ends trimmed.

    Line breaks stay (they separate values in a cell). Ideographs are never touched: a name must stay the name.
    """
    if text.isprintable() and not _WIDE.search(text):
        return text[:LONGEST_TEXT].strip()
    text = text[:LONGEST_TEXT].translate(_TABLE)
    if not text.isprintable():
        text = "".join(sign for sign in text if sign == "\n" or not _is_invisible(sign))
    return text.strip()


def compact(text: str) -> str:
    """Return plain text without any blank in it and with one kind of dash: for codes, numbers and headings."""
    return re.sub(r"\s+", "", plain(text).translate(_DASHES))


def text_of(cell: Cell) -> str:
    """Return a cell's plain text."""
    return plain(written(cell.value))


def is_absent(text: str) -> bool:
    """Tell whether a text is one of the ways people write that there is nothing: ／ 无 — n/a."""
    if not text or (text[0] not in _ABSENT_BEGINS and _BEGINS_PLAINLY(text)):
        return not text
    return compact(text).lower() in _ABSENT


def safe_text(text: str) -> str:
    """Return text fit to be stored and written again: no control characters but line breaks, no lone surrogates."""
    return "".join(sign for sign in text if sign == "\n" or not _is_invisible(sign))


def _is_invisible(sign: str) -> bool:
    """Tell controls, format signs, lone surrogates and non-characters; ideographs newer than Python are kept."""
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs"} or ord(sign) & 0xFFFE == 0xFFFE  # noqa: PLR2004
