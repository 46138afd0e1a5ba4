"""The days of a year that differ from their weekday, as people write them: a day or a span a line."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tenant.rules.terms import DayKind

LONGEST_NAME = 50
LONGEST_SPAN = timedelta(days=31)
_DAY = r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?"
_SPAN = r"\s*(?:至|到|~|～|—|－|–)\s*"
_LINE = re.compile(rf"{_DAY}(?:{_SPAN}{_DAY})?[\s,，]+(\S+?)[\s,，]+(.+)")
_KINDS = {kind.label: kind for kind in DayKind} | {
    "休": DayKind.HOLIDAY,
    "上班": DayKind.WORKING,
    "班": DayKind.WORKING,
}
_WEEKEND = 5


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """One day that is off though a weekday may be, or worked though at a weekend."""

    day: date
    kind: DayKind
    name: str


class Unreadable(ValueError):
    """A line that says no day; its text tells which, and how it should be written."""


def read_days(text: str, year: int) -> tuple[SpecialDay, ...]:
    """Return the days that the lines name, in order. Blank lines are nothing.

    Raises Unreadable for the first line that is none, for a day of another year, for a day named twice, and for one
    that is worked though nobody would have been off.
    """
    found: dict[date, SpecialDay] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for special in _days(number, line.strip(), year) if line.strip() else ():
            if special.day in found:
                raise Unreadable(
                    f"第 {number} 行：{special.day} 前面已经写过（{found[special.day].name}）。每天只写一次。"
                )
            found[special.day] = special
    return tuple(sorted(found.values(), key=lambda special: special.day))


def write_days(days: Iterable[SpecialDay]) -> str:
    """Return the days as lines that :func:`read_days` reads, days that follow on one another in one."""
    spans: list[list[SpecialDay]] = []
    for special in sorted(days, key=lambda one: one.day):
        last = spans[-1][-1] if spans else None
        joins = last is not None and (last.kind, last.name) == (special.kind, special.name)
        if last is not None and joins and special.day - last.day == timedelta(days=1):
            spans[-1].append(special)
        else:
            spans.append([special])
    return "\n".join(_written(span) for span in spans)


def _written(span: Sequence[SpecialDay]) -> str:
    first, last = span[0], span[-1]
    days = f"{first.day}" if first.day == last.day else f"{first.day} 至 {last.day}"
    return f"{days} {first.kind.label} {first.name}"


def _days(number: int, line: str, year: int) -> list[SpecialDay]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise Unreadable(
            f"第 {number} 行「{line[:40]}」看不懂。请写成「2026-10-01 至 2026-10-07 放假 国庆节」"
            "或「2026-10-10 调休上班 国庆节」。"
        )
    *parts, kind, name = found.groups()
    first = _date(number, parts[:3])
    last = first if parts[3] is None else _date(number, parts[3:])
    if kind not in _KINDS:
        raise Unreadable(f"第 {number} 行的「{kind}」不是放假也不是调休上班。请改为其中之一。")
    if len(name) > LONGEST_NAME:
        raise Unreadable(f"第 {number} 行的名称有 {len(name)} 个字，最多 {LONGEST_NAME} 个。请缩短。")
    if {first.year, last.year} != {year}:
        raise Unreadable(f"第 {number} 行：{first} 至 {last} 不都在 {year} 年。每年的安排分开写，跨年的假期各写各年。")
    if not first <= last <= first + LONGEST_SPAN:
        raise Unreadable(f"第 {number} 行：{first} 至 {last} 不成一段假期。止日应不早于起日，且不超过一个月。")
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [_special(number, day, _KINDS[kind], name) for day in days]


def _special(number: int, day: date, kind: DayKind, name: str) -> SpecialDay:
    if kind is DayKind.WORKING and day.weekday() < _WEEKEND:
        raise Unreadable(f"第 {number} 行：{day} 是平日，本来就上班，不用写成调休上班。请核对日期。")
    return SpecialDay(day, kind, name)


def _date(number: int, parts: Sequence[str]) -> date:
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise Unreadable(f"第 {number} 行的日期「{'-'.join(parts)}」不存在。请核对。") from None
