"""Which time limits make sense: what is wrong with one that somebody wrote down, field by field (A-O2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tenant.rules.limits import Limit
from tenant.rules.terms import ClockCalendar, ClockMeasure, Role

AN_HOUR: Final = 60
A_DAY: Final = 24 * AN_HOUR
LONGEST: Final = {
    ClockMeasure.MINUTES: 31 * A_DAY,
    ClockMeasure.SAME_DAY: 0,
    ClockMeasure.DAYS: 366,
    ClockMeasure.MONTHS: 24,
}
"""The largest amount of each measure."""
MINUTES_IN: Final = {ClockMeasure.MINUTES: 1, ClockMeasure.DAYS: A_DAY, ClockMeasure.MONTHS: 28 * A_DAY}
MOST_STEPS: Final = 10
LATEST_STEP: Final = 30 * A_DAY


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field: its code, the field, the value as it was written, and what to do."""

    code: str
    field: str
    value: str
    message: str


def fault_in_length(measure: ClockMeasure, amount: int, minimum: int, warning: int) -> Fault | None:
    """Return what is wrong with how long a limit is and when it warns, None when it can be kept.

    ``amount`` counts in ``measure`` and must be 0 for the same day; ``minimum`` and ``warning`` are minutes.
    """
    most = LONGEST[measure]
    if measure is ClockMeasure.SAME_DAY and amount:
        return Fault(
            "amount", "amount", str(amount), f"「数量」填了 {amount}，但单位是「当日」。请填 0，或改用别的单位。"
        )
    if measure is not ClockMeasure.SAME_DAY and not 1 <= amount <= most:
        unit = measure.label
        return Fault("amount", "amount", str(amount), f"「数量」{amount} {unit}不可用：应在 1 至 {most} {unit}之间。")
    if not 0 <= minimum <= LONGEST[ClockMeasure.MINUTES]:
        words = f"「至少（分钟）」{minimum} 不可用：应在 0 至 {LONGEST[ClockMeasure.MINUTES]} 之间，0 表示不另设。"
        return Fault("minimum", "minimum", str(minimum), words)
    length = A_DAY if measure is ClockMeasure.SAME_DAY else amount * MINUTES_IN[measure]
    if not 0 <= warning < max(length, minimum):
        words = (
            f"「提前提醒（分钟）」{warning} 不可用：应小于整个时限 {max(length, minimum)} 分钟，否则一开始就要提醒；"
            "0 表示不提醒。"
        )
        return Fault("warning", "warning", str(warning), words)
    return None


def fault_in_calendar(measure: ClockMeasure, calendar: ClockCalendar) -> Fault | None:
    """Return what is wrong with the calendar for such a measure: days do not end when the desk closes."""
    if calendar is ClockCalendar.DESK_HOURS and measure is not ClockMeasure.MINUTES:
        words = (
            f"「计时日历」选了「{calendar.label}」，但单位是「{measure.label}」：按天计的时限到 24:00 为止。"
            f"请改为「{ClockCalendar.ALWAYS.label}」或「{ClockCalendar.WORKING_DAYS.label}」，或改按分钟计。"
        )
        return Fault("calendar", "calendar", calendar.label, words)
    return None


def fault_in_steps(steps: Sequence[Mapping[str, Any]], base: Limit) -> Fault | None:
    """Return what is wrong with the levels of a ladder of one's own, None when it can be climbed.

    Levels count from 1 without gaps, minutes never fall, and each role is told once.
    """
    if not base.steps:
        return _of_steps("", "这项时限到期后不通知任何人，而是自动处理，不能设升级级别。请留空。")
    if not 1 <= len(steps) <= MOST_STEPS:
        return _of_steps(
            str(len(steps)), f"升级级别有 {len(steps)} 级，应为 1 至 {MOST_STEPS} 级。留空表示沿用原来的。"
        )
    for number, step in enumerate(steps, 1):
        before = steps[: number - 1]
        found = _fault_in_step(number, step, before)
        if found is not None:
            return found
    return None


def _fault_in_step(number: int, step: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Fault | None:
    level, after = step["level"], step["after"]
    if level != number:
        return _of_steps(str(level), f"第 {number} 行写的是第 {level} 级：级别应从 1 起逐级写，不跳级、不重复。")
    if step["role"] not in {role.value for role in Role if role.signs_in}:
        return _of_steps(
            str(step["role"]), f"第 {level} 级的角色「{step['role']}」不存在，或不能登录系统。请改为系统中的角色。"
        )
    if step["role"] in {other["role"] for other in before}:
        words = f"第 {level} 级的角色「{Role(step['role']).label}」在下级已经通知过。每个角色只写一次。"
        return _of_steps(Role(step["role"]).label, words)
    if not 0 <= after <= LATEST_STEP:
        return _of_steps(
            str(after), f"第 {level} 级的时间 {after} 分钟不可用：应在超时后 0 至 {LATEST_STEP} 分钟之间。"
        )
    if before and after < before[-1]["after"]:
        words = f"第 {level} 级在超时 {after} 分钟后，早于下一级的 {before[-1]['after']} 分钟。请逐级推迟。"
        return _of_steps(str(after), words)
    return None


def _of_steps(value: str, message: str) -> Fault:
    return Fault("steps", "steps", value, message)
