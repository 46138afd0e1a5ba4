"""The key of a unit, out of whatever stands there: `3-2-1501`, `3栋2单元1501`, `3#1501`, `商铺01`, or three columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from importers.cells import compact

_LONGEST = 48
_LONGEST_PART = 16
_LONGEST_ROOM = 20

_PART = r"[0-9A-Za-z\u4e00-\u9fff]{1,8}?"
_ROOM = r"(?:[A-Za-z]{0,2}-?[0-9]{1,5}[A-Za-z]{0,2}|[A-Za-z]{1,2})"
_BUILDING_WORD = r"(?:号?楼栋|号?楼|栋楼?|幢|座|#楼?|号)"
_SECTION_WORD = r"(?:单元|门栋|门洞|门|梯|#)"
_ROOM_WORD = r"(?:号房|室|房|户|号|商铺|铺)?"

_NUMERALS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}

_SHOP = re.compile(
    r"(?:(?:商铺|商业|门面房?|门市房?|底商|铺位?)-?([0-9]{1,4}(?:-[0-9]{1,4})?[A-Z]?)|S-?([0-9]{1,4}[A-Z]?))(?:号|铺)?"
)
_WORDS = re.compile(
    rf"第?({_PART}){_BUILDING_WORD}-?(?:第?({_PART})(?:{_SECTION_WORD}-?|-))?(?:[0-9]{{1,2}}[层楼]-?)?(?P<room>{_ROOM}){_ROOM_WORD}"
)
_SECTION_AND_ROOM = re.compile(rf"第?({_PART}){_SECTION_WORD}-?({_ROOM}){_ROOM_WORD}")
_DASHED = re.compile(
    rf"([0-9A-Za-z\u4e00-\u9fff]{{1,8}})[-/](?:([0-9A-Za-z]{{1,4}})[-/])?(?P<room>{_ROOM}){_ROOM_WORD}"
)
_BARE = re.compile(rf"({_ROOM}){_ROOM_WORD}")
_BUILDING_TEXT = re.compile(rf"(?:第)?([0-9A-Za-z\u4e00-\u9fff]{{1,12}}?){_BUILDING_WORD}?")
_SECTION_TEXT = re.compile(rf"(?:第)?([0-9A-Za-z\u4e00-\u9fff]{{1,8}}?){_SECTION_WORD}?")
_SHOP_BUILDINGS = frozenset({"商铺", "商业", "门面", "门市", "底商", "商业街", "S"})


@dataclass(frozen=True, slots=True)
class UnitKey:
    """Building, section and room as codes; None where the unit has none (a shop may stand alone)."""

    room: str
    building: str | None = None
    section: str | None = None
    is_dashed: bool = field(default=False, compare=False)
    """Whether the first part is named by a dash alone (`2-1501`): beside a building's column it may be a section."""

    @property
    def number(self) -> str:
        """Return building-section-room: `5-1-101`, `3-1501`, `S01`."""
        return "-".join(part for part in (self.building, self.section, self.room) if part)

    @property
    def floor(self) -> int | None:
        """Return the floor the room's number tells (1501 → 15, 302 → 3), else None."""
        if re.fullmatch(r"[0-9]{3,4}", self.room):
            return int(self.room[:-2]) or None
        return None


def building_code(text: str) -> str | None:
    """Return a building's code: `3栋`, `3#`, `3 号楼`, `第三幢` → `3`; None when the text is no building."""
    return _code(_BUILDING_TEXT, text, _LONGEST_PART)


def section_code(text: str) -> str | None:
    """Return a section's code: `2单元`, `二单元` → `2`; None when the text is no section."""
    return _code(_SECTION_TEXT, text, _LONGEST_PART)


def building_of_sheet(name: str) -> str | None:
    """Return the building a sheet is named after (`3栋`, `A座`), None when its name says no such thing."""
    match = re.fullmatch(rf"第?({_PART}){_BUILDING_WORD}.{{0,6}}", compact(name)[:_LONGEST])
    return _numeral(match[1]).upper() if match else None


def unit_key(text: str) -> UnitKey | None:  # noqa: PLR0911  one answer for each way of writing it
    """Read a whole or partial key out of one text; building and section are None where the text does not say them.

    None when it is nothing the trade writes. Nothing is completed: `1501` stays a room without a building.
    """
    text = compact(text)
    if not text or len(text) > _LONGEST:
        return None
    if match := _SHOP.fullmatch(text.upper()):
        return UnitKey(room="S" + (match[1] or match[2]))
    if match := _WORDS.fullmatch(text):
        return _made(match[1], match[2], match["room"])
    if match := _DASHED.fullmatch(text):
        return _made(match[1], match[2], match["room"], is_dashed=match[2] is None)
    if match := _SECTION_AND_ROOM.fullmatch(text):
        return _made(None, match[1], match[2])
    if match := _BARE.fullmatch(text):
        return _made(None, None, match[1])
    return None


def _made(building: str | None, section: str | None, room: str, *, is_dashed: bool = False) -> UnitKey | None:
    if building in _SHOP_BUILDINGS:
        return UnitKey(room="S" + room.upper().removeprefix("S"))
    key = UnitKey(
        room=room.upper(),
        building=_numeral(building).upper() if building else None,
        section=_numeral(section).upper() if section else None,
        is_dashed=is_dashed,
    )
    fits = all(len(part or "") <= _LONGEST_PART for part in (key.building, key.section))
    return key if fits and len(key.room) <= _LONGEST_ROOM else None


def _code(pattern: re.Pattern[str], text: str, longest: int) -> str | None:
    match = pattern.fullmatch(compact(text)[:_LONGEST])
    code = _numeral(match[1]).upper() if match else ""
    return code if 0 < len(code) <= longest else None


def _numeral(text: str) -> str:
    """Return `十二` as `12` (up to ninety-nine); any other text as it is."""
    tens, ten, ones = text.partition("十")
    if text in _NUMERALS:
        return str(_NUMERALS[text])
    if ten and (not tens or tens in _NUMERALS) and (not ones or ones in _NUMERALS):
        return str(_NUMERALS.get(tens, 1) * 10 + _NUMERALS.get(ones, 0))
    return text
