"""What an unknown column may be, by the likeness of its heading and by what stands below it: proposed, never taken."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz import fuzz, process

from importers import columns as of
from importers.cells import Cell, CellKind, compact, is_absent, text_of
from importers.faults import CellFault
from importers.headings import SEARCHED_ROWS, Words, Written, written_headings
from importers.mapping import comparable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from importers.columns import Column
    from importers.headings import SheetMapping
    from importers.workbook import Sheet

WORTH_SAYING: Final = 40
"""Confidence, of 100, from which on a suggestion is shown."""
_SAMPLES = 40
_SAMPLED_ROWS = 200
_LIKE = 0.6
"""Likeness of two headings, of 1, from which on they may mean the same."""
_PARTLY = 0.9
_BY_NAME, _BY_VALUES, _VALUES_ALONE = 0.7, 0.3, 0.75
_MOST = 0.7
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_SIGNS: Final[tuple[tuple[type[Column], re.Pattern[str]], ...]] = (
    (of.BuildingColumn, re.compile(r"第?[0-9A-Za-z一二三四五六七八九十]{1,4}(?:号?楼|栋|幢|座|#)")),
    (of.SectionColumn, re.compile(r"第?[0-9A-Za-z一二三四五六七八九十]{1,3}(?:单元|门|梯)")),
    (
        of.RoomColumn,
        re.compile(r".{0,12}[-#栋幢座元].{0,8}[0-9]{2,4}[A-Z]?(?:室|房|号)?|[0-9]{3,4}[A-Z]?(?:室|房)?|S[0-9]{2,3}"),
    ),
    (
        of.NamesColumn,
        re.compile(rf"(?:欧阳|上官|司马|诸葛|[{_SURNAMES}])[\u4e00-\u9fff]{{1,2}}(?:[、，,/;；].+)?|.{{2,}}公司"),
    ),
    (of.PhonesColumn, re.compile(r".{0,6}(?:1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}).*")),
    (of.DocumentsColumn, re.compile(r".{0,6}[0-9]{15}(?:[0-9]{2}[0-9Xx])?.*")),
    (of.EmailColumn, re.compile(r".+@.+")),
    (of.AreaColumn, re.compile(r"[0-9]{2,4}\.[0-9]{1,4}|[0-9.]+(?:㎡|m2|平.*)")),
    (of.DayColumn, re.compile(r"(?:19|20)[0-9]{2}[-/.年].*")),
)
"""What values of a column look like where nothing else tells: narrower than what the column would take."""


class Suggestion(NamedTuple):
    """What a column may be, and how sure that is, of 100."""

    identifier: str
    confidence: int


def likely_header(sheet: Sheet, words: Words) -> int | None:
    """Return the row whose headings are most like those of the kind, None when hardly any is."""
    best: tuple[int, int] | None = None
    known = list(words.known)
    for row in range(1, min(SEARCHED_ROWS, len(sheet.rows)) + 1):
        texts = {comparable(heading.text) for heading in written_headings(sheet, row)[:_SAMPLES] if heading.text}
        alike = (process.extractOne(text, known, scorer=fuzz.ratio, score_cutoff=100 * _MOST) for text in texts)
        found = {words.known[one[0]] for one in alike if one}
        if len(found) > 1 and (best is None or len(found) > best[0]):
            best = (len(found), row)
    return best[1] if best else None


def suggestions(sheet: Sheet, mapping: SheetMapping, words: Words) -> dict[int, Suggestion]:
    """Return column → what it may be, for the columns that nobody has said anything about; best first come."""
    taken = set(mapping.columns)
    open_ = [heading for heading in mapping.headings if heading.identifier is None and heading.source is None]
    ranked: list[tuple[int, int, str]] = []
    for heading in open_[:_SAMPLES]:
        cells = sampled(sheet, mapping.row, heading.column)
        group = Written(heading.text)
        for column in words.kind.columns:
            if column.identifier in taken:
                continue
            confidence = _confidence(group, column, cells, words, is_named=not heading.text.endswith(" 列"))
            if confidence >= WORTH_SAYING:
                ranked.append((confidence, heading.column, column.identifier))
    found: dict[int, Suggestion] = {}
    for confidence, place, identifier in sorted(ranked, key=lambda one: (-one[0], one[1])):
        if place not in found and identifier not in {one.identifier for one in found.values()}:
            found[place] = Suggestion(identifier, confidence)
    return found


def looks(sheet: Sheet, words: Words) -> str:
    """Return the digest of a table without headings: what each of its columns looks like; empty where too few do."""
    width = max((len(values) for values in sheet.rows[:_SAMPLED_ROWS]), default=0)
    seen: list[str] = []
    for place in range(1, min(width, _SAMPLES) + 1):
        cells = sampled(sheet, 0, place)
        alike = [(_looks(column, cells), column.identifier) for column in words.kind.columns]
        share, identifier = max(alike, key=lambda one: one[0])
        seen.append(f"#{identifier}" if share >= _MOST else "#")
    known = sum(1 for one in seen if len(one) > 1)
    return hashlib.sha256("\n".join(seen).encode()).hexdigest() if known > 1 else ""


def agreement(column: Column, cells: Sequence[Cell]) -> int:
    """Return how well the values below a mapped heading suit its column, of 100: half is the heading's word alone."""
    return round(50 + 50 * _share(column, cells)) if cells else 100


def sampled(sheet: Sheet, header: int, column: int) -> list[Cell]:
    """Return the first cells below a header that say something."""
    found: list[Cell] = []
    for row in range(header + 1, min(header + _SAMPLED_ROWS, len(sheet.rows)) + 1):
        cell = sheet.cell(row, column)
        if cell.kind not in {CellKind.EMPTY, CellKind.ERROR, CellKind.FORMULA} and not is_absent(text_of(cell)):
            found.append(cell)
        if len(found) == _SAMPLES:
            break
    return found


def _confidence(heading: Written, column: Column, cells: Sequence[Cell], words: Words, *, is_named: bool) -> int:
    name = _named(heading.text, column, words) if is_named else 0.0
    if name >= _LIKE:
        share = _share(column, cells) if cells else 1.0
        return round(100 * (_BY_NAME * name + _BY_VALUES * share) * (1.0 if share >= 0.5 else 0.5))  # noqa: PLR2004
    looks = _looks(column, cells)
    return round(100 * _VALUES_ALONE * looks) if looks >= _MOST else 0


def _named(text: str, column: Column, words: Words) -> float:
    """Return how like a heading is to any of those the column goes by, from 0 to 1."""
    own = comparable(text)
    aliases = [alias for alias, identifier in words.aliases.items() if identifier == column.identifier]
    return max(_likeness(own, other) for other in (*map(comparable, column.headings), *aliases))


def _likeness(one: str, other: str) -> float:
    """Compare two headings; one that stands within the other counts nearly as much, if it has two signs at least."""
    whole = fuzz.ratio(one, other) / 100
    if min(len(one), len(other)) < 2:  # noqa: PLR2004
        return whole
    return max(whole, _PARTLY if one in other or other in one else 0.0)


def _share(column: Column, cells: Sequence[Cell]) -> float:
    """Return the share of cells the column takes."""
    return sum(not isinstance(column.clean(cell), CellFault) for cell in cells) / len(cells) if cells else 0.0


def _looks(column: Column, cells: Sequence[Cell]) -> float:
    """Return the share of cells that look like this column and are taken by it, 0 for less than most of them.

    Free text looks like nothing.
    """
    if not cells:
        return 0.0
    sign = next((pattern for kind, pattern in _SIGNS if isinstance(column, kind)), None)
    if sign is None and not isinstance(column.clean(_NONSENSE), CellFault):
        return 0.0
    misses, patience = 0, len(cells) * (1 - _MOST)
    for cell in cells:
        is_day = isinstance(column, of.DayColumn) and cell.kind is CellKind.DATE
        is_alike = sign is None or is_day or sign.fullmatch(compact(text_of(cell)))
        if not is_alike or isinstance(column.clean(cell), CellFault):
            misses += 1
        if misses > patience:
            return 0.0
    return 1 - misses / len(cells)


_NONSENSE = Cell("说不清", CellKind.TEXT, 1, "A")
"""A text that no column with a grammar of its own takes."""
