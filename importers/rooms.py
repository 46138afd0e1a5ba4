"""The key of a unit, out of whatever stands in a cell, and the ways in which an office's room texts may be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from importers.cells import compact
from importers.mapping import tab_of
from tenant.rules import rooms as grammar
from tenant.rules.rooms import UnitKey

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UnitKey", "building_code", "building_of_sheet", "group_of", "section_code", "unit_key"]

_LONGEST = 48
_LONGEST_SHAPE = 20
_LONG_DIGITS = 5
_MOST_DIGITS = 9
_NUMBERS = re.compile(r"[0-9]+|[一二三四五六七八九十]+(?=[栋幢座号楼单门梯期])")
_LETTERS = re.compile(r"[A-Za-z]+")
_PARTS = re.compile(r"[0-9A-Za-z]+")
_LOOSE = re.compile(r"[NA]+(?:[-/#._][NA]+){1,3}(?:号房|室|房|户|号)?")
_ROLE = re.compile(r"([a-z]+)([0-9]?)")

_READINGS: Final[dict[int, tuple[str, ...]]] = {
    2: ("building-room", "section-room", "floor-room"),
    3: ("building-section-room", "phase-building-room", "building-floor-room", "section-floor-room"),
    4: ("phase-building-section-room", "building-section-floor-room"),
}
"""By the number of its parts, how a text may be read whose parts nothing names; the usual one first."""
_DIGITS: Final[dict[int, tuple[str, ...]]] = {
    5: ("room", "building1-room4"),
    6: ("building2-room4", "building1-section1-room4"),
    7: ("building2-section1-room4", "building1-section2-room4", "building3-room4"),
    8: ("building2-section2-room4", "building3-section1-room4"),
    9: ("building3-section2-room4", "building2-section2-room5"),
}
"""By their number, how digits may be read that nothing parts; each role with how many of them are its."""
_WORDS: Final = {"phase": "期", "building": "栋", "section": "单元", "floor": "层", "room": "室"}


def building_code(text: str) -> str | None:
    """Return a building's code: `3栋`, `3#`, `3 号楼`, `第三幢` → `3`; None when the text is no building."""
    return grammar.building_code(compact(text))


def section_code(text: str) -> str | None:
    """Return a section's code: `2单元`, `二单元` → `2`; None when the text is no section."""
    return grammar.section_code(compact(text))


def building_of_sheet(name: str) -> str | None:
    """Return the building a sheet is named after (`3栋`, `A座`), None when its name says no such thing."""
    match = re.fullmatch(rf"第?({grammar.PART}){grammar.BUILDING_WORD}.{{0,6}}", compact(tab_of(name))[:_LONGEST])
    return grammar.numeral(match[1]).upper() if match else None


def group_of(text: str) -> tuple[str | None, str | None] | None:
    """Return building and section that a line over a group of units names (`3栋2单元`), None when it names none."""
    return grammar.group_of(compact(text))


def unit_key(text: str, readings: Mapping[str, str] | None = None) -> UnitKey | None:
    """Read a whole or partial key out of one text; building and section are None where the text does not say them.

    ``readings`` is shape → how people said it is read (`building-floor-room`); a shape they said nothing about is read
    as the trade writes it. None when it is nothing of the kind. Nothing is completed.
    """
    text = compact(text)
    if readings and len(text) <= _LONGEST and (reading := readings.get(shape_of(text))):
        return _read_as(text, reading)
    return grammar.unit_key(text)


def shape_of(text: str) -> str:
    """Return what a room text looks like, whatever its numbers: `3-2-1501` → `N-N-N`, `3栋1501室` → `N栋N室`."""
    text = compact(text)[:_LONGEST]
    if text.isascii() and text.isdigit():
        return "N" if len(text) < _LONG_DIGITS else f"{len(text)}位数字"
    return _LETTERS.sub("A", _NUMBERS.sub("\0", text.removeprefix("第"))).replace("\0", "N")[:_LONGEST_SHAPE]


def is_room_like(text: str) -> bool:
    """Tell whether a text may be a room at all, however it is read: short, and with a number or a letter in it."""
    return len(text) <= _LONGEST and _PARTS.search(compact(text)) is not None


def options_of(sample: str) -> list[str]:
    """Return how a text of this shape may be read, the usual one first; none where its own words say it."""
    text = compact(sample)
    if text.isascii() and text.isdigit():
        return list(_DIGITS.get(len(text), ()))
    if not _LOOSE.fullmatch(shape_of(text)):
        return []
    return list(_READINGS.get(len(_PARTS.findall(text)), ()))


def usual(sample: str) -> str | None:
    """Return how a text is read when nobody says anything: its roles joined by dashes, None when it is not read."""
    key = grammar.unit_key(compact(sample))
    if key is None:
        return None
    roles = [role for role in ("building", "section", "room") if getattr(key, role)]
    return "-".join(roles)


def said(key: UnitKey | None) -> str:
    """Return a key in words: `3栋 2单元 1501室`, `商铺 S01`; empty for none."""
    if key is None:
        return ""
    if key.building is None and key.section is None and key.room.startswith("S"):
        return f"商铺 {key.room}"
    parts = [(key.building, "栋"), (key.section, "单元"), (key.room, "室")]
    return " ".join(f"{part}{word}" for part, word in parts if part)


def _read_as(text: str, reading: str) -> UnitKey | None:
    """Return the key of a text whose parts have these roles, None when it has not as many."""
    roles = [_ROLE.fullmatch(role) for role in reading.split("-")]
    names = [role[1] for role in roles if role]
    if len(names) != len(roles) or not set(names) <= _WORDS.keys() or "room" not in names:
        return None
    widths = [int(role[2] or 0) for role in roles if role]
    parts = _cut(text, widths) if all(widths) else _PARTS.findall(text)
    if len(parts) != len(names):
        return None
    by_role = dict(zip(names, parts, strict=True))
    room, building = by_role["room"], by_role.get("building")
    if floor := by_role.get("floor"):
        room = room if room[:-2] == floor else floor + room.zfill(2)
    if building and (phase := by_role.get("phase")):
        building = f"{phase}期{building}"
    return grammar.made(building, by_role.get("section"), room)


def _cut(text: str, widths: list[int]) -> list[str]:
    """Return digits cut to these widths without the zeros that only fill them up; nothing when they do not fit."""
    if len(text) != sum(widths):
        return []
    parts = []
    for width in widths:
        parts.append(text[:width].lstrip("0") or "0")
        text = text[width:]
    return parts
