"""The keys of units as people write them: `3-2-1501`, `3栋2单元1501`, `商铺01`; read here and nowhere else."""

import re
from dataclasses import dataclass, field

_LONGEST = 48
_LONGEST_PART = 16
_LONGEST_ROOM = 20

PART = r"[0-9A-Za-z\u4e00-\u9fff]{1,8}?"
_ROOM = r"(?:[A-Za-z]{0,2}-?[0-9]{1,5}[A-Za-z]{0,2}|[A-Za-z]{1,2})"
BUILDING_WORD = r"(?:号?楼栋|号?楼|栋楼?|幢|座|#楼?|号)"
_SECTION_WORD = r"(?:单元|门栋|门洞|门|梯|#)"
ROOM_WORD = r"(?:号房|室|房|户|号|商铺|铺)?"

_NUMERALS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PHASE = re.compile(r"([一二三四五六七八九十]{1,3})期")

_SHOP = re.compile(
    r"(?:(?:商铺|商业|门面房?|门市房?|底商|铺位?)-?([0-9]{1,4}(?:-[0-9]{1,4})?[A-Z]?)|S-?([0-9]{1,4}[A-Z]?))(?:号|铺)?"
)
_WORDS = re.compile(
    rf"第?({PART}){BUILDING_WORD}-?(?:第?({PART})(?:{_SECTION_WORD}-?|-))?(?:[0-9]{{1,2}}[层楼]-?)?(?P<room>{_ROOM}){ROOM_WORD}"
)
_SECTION_AND_ROOM = re.compile(rf"第?({PART}){_SECTION_WORD}-?({_ROOM}){ROOM_WORD}")
_DASHED = re.compile(rf"([0-9A-Za-z\u4e00-\u9fff]{{1,8}})[-/](?:([0-9A-Za-z]{{1,4}})[-/])?(?P<room>{_ROOM}){ROOM_WORD}")
_BARE = re.compile(rf"(?:[0-9]{{1,2}}[层楼]-?)?({_ROOM}){ROOM_WORD}")
_SHORT = r"[0-9A-Za-z一二三四五六七八九十]{1,4}"
_GROUP = re.compile(
    rf"第?({PART})(?:号?楼栋?|栋楼?|幢|座|#楼?)-?(?:第?({_SHORT})(?:单元|门栋|梯))?|第?({_SHORT})(?:单元|门栋|梯)"
)
_BUILDING_TEXT = re.compile(rf"(?:第)?([0-9A-Za-z\u4e00-\u9fff]{{1,12}}?){BUILDING_WORD}?")
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
    """Return a building's code: `3栋`, `3#`, `3号楼`, `第三幢` → `3`; None when the text is no building."""
    return _code(_BUILDING_TEXT, text)


def section_code(text: str) -> str | None:
    """Return a section's code: `2单元`, `二单元` → `2`; None when the text is no section."""
    return _code(_SECTION_TEXT, text)


def group_of(text: str) -> tuple[str | None, str | None] | None:
    """Return building and section that a line over a group of units names: `3栋2单元`, `3栋`, `2单元`; else None."""
    match = _GROUP.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    building, section = match[1], match[2] or match[3]
    return building and numeral(building).upper(), section and numeral(section).upper()


def unit_key(text: str) -> UnitKey | None:
    """Read a whole or partial key out of one text without blanks; None for what a text does not say.

    None when it is nothing the trade writes, or would be stored under a number that reads otherwise. Nothing is
    completed: `1501` stays a room without a building.
    """
    key = _read(text)
    if key is None or text.isascii():
        return key
    again = _read(key.number)
    return key if again and again.number == key.number else None


def _read(text: str) -> UnitKey | None:  # noqa: PLR0911  one answer for each way of writing it
    if not text or len(text) > _LONGEST:
        return None
    if match := _SHOP.fullmatch(text.upper()):
        return UnitKey(room="S" + (match[1] or match[2]))
    if match := _WORDS.fullmatch(text):
        return made(match[1], match[2], match["room"])
    if match := _DASHED.fullmatch(text):
        return made(building_code(match[1]), match[2], match["room"], is_dashed=match[2] is None)
    if match := _SECTION_AND_ROOM.fullmatch(text):
        return made(None, match[1], match[2])
    if match := _BARE.fullmatch(text):
        return made(None, None, match[1])
    return None


def made(building: str | None, section: str | None, room: str, *, is_dashed: bool = False) -> UnitKey | None:
    """Return the key of these parts as codes, None when one of them is too long to be one; a shop has no building."""
    if building in _SHOP_BUILDINGS:
        return UnitKey(room="S" + room.upper().removeprefix("S"))
    key = UnitKey(
        room=room.upper(),
        building=numeral(building).upper() if building else None,
        section=numeral(section).upper() if section else None,
        is_dashed=is_dashed,
    )
    fits = all(len(part or "") <= _LONGEST_PART for part in (key.building, key.section))
    return key if fits and len(key.room) <= _LONGEST_ROOM else None


def _code(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.fullmatch(text[:_LONGEST])
    code = numeral(match[1]).upper() if match else ""
    return code if 0 < len(code) <= _LONGEST_PART else None


def numeral(text: str) -> str:
    """Return `十二` as `12` (up to ninety-nine) and `一期3` as `1期3`; any other text as it is."""
    if phase := _PHASE.match(text):
        return f"{numeral(phase[1])}期{numeral(text[phase.end() :])}"
    tens, ten, ones = text.partition("十")
    if text in _NUMERALS:
        return str(_NUMERALS[text])
    if ten and (not tens or tens in _NUMERALS) and (not ones or ones in _NUMERALS):
        return str(_NUMERALS.get(tens, 1) * 10 + _NUMERALS.get(ones, 0))
    return text
