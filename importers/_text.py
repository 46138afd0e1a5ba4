"""Tables kept as plain text: encoding, the sign that parts the cells, rows. Runs only in the limited child."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

from importers._prescan import Suspicious

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKED = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNMARKED = ("utf-8-sig", "gb18030")
_SIMPLIFIED = ("姓名", "房号", "业主", "电话", "面积", "楼", "金额", "日期", "车位", "读数", "房间", "室号")
_TRADITIONAL = (
    "姓名",
    "房號",
    "業主",
    "電話",
    "面積",
    "樓",
    "金額",
    "日期",
    "車位",
    "讀數",
    "房間",
    "室號",
    "備註",
    "戶",
)
_DELIMITERS = "\t,;|"
_STATED = re.compile(r"sep=([\t,;|])\r?\n", re.IGNORECASE)
_LOOKED_AT = 16_384
_LONGEST_FIELD = 1 << 17
_MOST_COLUMNS = 16_384


def rows(content: bytes) -> Iterator[list[str]]:
    """Yield the rows of a table kept as text.

    Raises Suspicious: `text_unreadable` for an unknown encoding, `text_big5` for the one of Taiwan, `not_a_workbook`
    for text with NULs in it, `text_quotes` where a quotation mark is opened and not closed again, `workbook_too_large`
    for a row without end.
    """
    text = decoded(content)
    if stated := _STATED.match(text):
        text, delimiter = text[stated.end() :], stated[1]
    else:
        delimiter = delimiter_of(text[:_LOOKED_AT])
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(row) > _MOST_COLUMNS:
                raise Suspicious("workbook_too_large")
            yield row
    except csv.Error:
        raise Suspicious("text_quotes") from None


def decoded(content: bytes) -> str:
    """Return the text: by its mark, else UTF-8, else GB18030; raises Suspicious as `rows` does."""
    marked = next((name for mark, name in _MARKED if content.startswith(mark)), None)
    for encoding in (marked,) if marked else _UNMARKED:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise Suspicious("not_a_workbook")
        if encoding == "gb18030" and _is_big5(content, text):
            raise Suspicious("text_big5")
        return text
    raise Suspicious("text_big5" if not marked and _is_big5(content, "") else "text_unreadable")


def _is_big5(content: bytes, as_read: str) -> bool:
    """Tell text that says something of a roster in Big5 alone: most of its bytes are also signs of GB18030, others."""
    if any(word in as_read for word in _SIMPLIFIED):
        return False
    text = content.decode("cp950", "ignore")
    return sum(word in text for word in _TRADITIONAL) > 1


def delimiter_of(head: str) -> str:
    """Return the sign that parts the most lines into equally many cells; counting signs alone takes names for it."""
    lines = head.splitlines()
    lines = [line for line in (lines[:-1] if len(lines) > 1 and len(head) >= _LOOKED_AT else lines) if line.strip()]
    return max(_DELIMITERS, key=lambda sign: _agreement(lines, sign))


def _agreement(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Return how many lines have the commonest number of cells (of two or more), and that number."""
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if len(row) > 1)
    except csv.Error:
        return (0, 0)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))
