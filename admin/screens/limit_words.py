"""What a time limit says, in words: for the table of what holds, for drafts, and for what is asked before a change."""

from collections.abc import Iterable
from typing import Any, Final

from tasks.mail.compose import show_minutes
from tenant.rules.ladder import EscalationStep
from tenant.rules.limits import ORDINARY, URGENT, Limit
from tenant.rules.terms import (
    ClockCalendar,
    ClockMeasure,
    Gravity,
    PauseReason,
    PostingLevel,
    RequestCategory,
    Role,
    TicketKind,
)

EVERYTHING: Final = "全部"
QUALIFIERS: Final = {
    URGENT: "较急",
    ORDINARY: "一般",
    **{category.value: category.label for category in RequestCategory},
    Gravity.MAJOR.value: Gravity.MAJOR.label,
    Gravity.GRAVE.value: Gravity.GRAVE.label,
}
"""What a limit may be narrowed to, by its stored value."""
ORIGINS: Final = {
    None: "手册默认",
    PostingLevel.GROUP: "集团",
    PostingLevel.COMPANY: "公司",
    PostingLevel.OFFICE: "本管理处",
}
"""Who set a limit."""


def qualifier(stored: str | None) -> str:
    """Return what a limit is narrowed to."""
    return EVERYTHING if stored is None else QUALIFIERS.get(stored, stored)


def length(measure: ClockMeasure, amount: int, minimum: int, calendar: ClockCalendar) -> str:
    """Return how long a limit is: ``15 分钟``, ``当日 24:00 前``, ``3 个工作日内``; with its shortest and its hours."""
    if measure is ClockMeasure.MINUTES:
        words = show_minutes(amount)
    elif measure is ClockMeasure.SAME_DAY:
        words = "当日 24:00 前"
    elif measure is ClockMeasure.DAYS:
        words = f"{amount} {'个工作日' if calendar is ClockCalendar.WORKING_DAYS else '天'}内"
    else:
        words = f"{amount} 个月内"
    further = []
    if minimum:
        further.append(f"至少 {show_minutes(minimum)}")
    if calendar is ClockCalendar.DESK_HOURS or (calendar is ClockCalendar.WORKING_DAYS and "工作日" not in words):
        further.append(f"只计{calendar.label}")
    return f"{words}（{'，'.join(further)}）" if further else words


def warning(minutes: int) -> str:
    """Return how long before the deadline somebody is warned."""
    return f"提前 {show_minutes(minutes)}" if minutes else "不提醒"


def pauses(reasons: Iterable[PauseReason]) -> str:
    """Return for which reasons a limit stands still."""
    named = [reason.label for reason in PauseReason if reason in set(reasons)]
    if len(named) == len(PauseReason):
        return "各种等待都停"
    return "、".join(named) if named else "等待时照走"


def steps(ladder: Iterable[EscalationStep]) -> str:
    """Return who is told, level by level: ``部门负责人（到期）→ 客服主管（+15 分钟）``."""
    words = [f"{step.role.label}（{'到期' if not step.after else '+' + show_minutes(step.after)}）" for step in ladder]
    return " → ".join(words) or "不通知，自动处理"


def steps_written(kept: list[dict[str, Any]] | None) -> str:
    """Return a ladder of one's own as it is written into the form: a level a line."""
    return "\n".join(f"{step['level']} {_role(step['role'])} {step['after']}" for step in kept or [])


def described(row: Any) -> str:
    """Return what a kept limit or draft says, in one sentence."""
    words = length(row.measure, row.amount, row.minimum, row.calendar)
    return f"{row.ticket.label}（{qualifier(row.qualifier)}）的「{row.clock.label}」：{words}，{warning(row.warning)}"


def line(limit: Limit) -> dict[str, Any]:
    """Return one limit that holds, as a line of the table."""
    term = limit.term
    return {
        "ticket": term.ticket,
        "kind": term.kind.label,
        "qualifier": qualifier(term.qualifier),
        "spares": "、".join(qualifier(spared) for spared in sorted(term.spares)),
        "starts": term.starts.label,
        "length": length(term.measure, term.amount, term.minimum, term.calendar),
        "warning": warning(limit.warning) if limit.steps else "—",
        "pauses": pauses(limit.pauses),
        "steps": steps(limit.steps),
        "origin": ORIGINS[limit.level],
        "own": limit.level is not None,
        "source": term.source,
    }


def by_ticket(limits: Iterable[Limit]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the lines under the kind of matter they are about."""
    lines = [line(limit) for limit in limits]
    return [(kind.label, [one for one in lines if one["ticket"] is kind]) for kind in TicketKind]


def _role(stored: str) -> str:
    return Role(stored).label if stored in set(Role) else stored
