"""How values look on the screen: words for codes, local times, money with two decimals, personal values masked."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import Column
from sqlalchemy.orm import DeclarativeBase

from admin import access
from audit.redaction import mask
from tenant import clock
from tenant.money import show_money
from tenant.rules.terms import (
    DueState,
    DunningNoticeState,
    Gravity,
    ImportState,
    JobState,
    MailState,
    RectificationState,
    Satisfaction,
    Term,
    TicketState,
    WorkOrderState,
)

NOTHING: Final = "—"
MASKED_BY_NAME: Final = ("phone", "id_number", "email", "address")
"""Personal columns whose values are masked on the screen; a name is how people are spoken to, and is shown."""

TONES: Final[dict[Term, str]] = {
    TicketState.DONE: "green",
    TicketState.CLOSED: "green",
    TicketState.REGISTERED: "amber",
    TicketState.WAITING: "amber",
    WorkOrderState.DONE: "green",
    WorkOrderState.SIGNED: "green",
    WorkOrderState.FILED: "green",
    WorkOrderState.WAITING: "amber",
    WorkOrderState.DISPATCHED: "amber",
    RectificationState.ISSUED: "amber",
    RectificationState.RETURNED: "amber",
    RectificationState.REJECTED: "red",
    RectificationState.ACCEPTED: "amber",
    RectificationState.OWNER_SIGNED: "green",
    RectificationState.FILED: "green",
    MailState.SENT: "green",
    MailState.FAILED: "red",
    MailState.UNKNOWN: "red",
    MailState.BOUNCED: "red",
    MailState.WITHHELD: "amber",
    ImportState.APPLIED: "green",
    ImportState.FAILED: "red",
    ImportState.REFUSED: "red",
    DueState.DONE: "green",
    DueState.DEAD: "red",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    DunningNoticeState.SIGNED: "green",
    DunningNoticeState.PLANNED: "amber",
    Gravity.GRAVE: "red",
    Gravity.MAJOR: "amber",
    Satisfaction.SATISFIED: "green",
    Satisfaction.DISSATISFIED: "red",
}
"""Colours with a meaning: green done, amber due soon, red overdue or failed; every other state is grey."""

BADGED: Final = (
    TicketState,
    WorkOrderState,
    RectificationState,
    MailState,
    ImportState,
    DueState,
    JobState,
    DunningNoticeState,
    Gravity,
    Satisfaction,
)

WORDS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: "",
    Term: lambda term: str(term.label),
    bool: lambda flag: "是" if flag else "否",
    date: lambda day: str(day.isoformat()),
    time: lambda moment: str(moment.strftime("%H:%M")),
    Decimal: lambda number: f"{number:f}",
}
"""How values are put into words, by their kind; what is not named here is a text already."""


def written(value: object, *, zone: str = clock.DEFAULT_ZONE) -> str:
    """Return ``value`` as plain text, for a cell of a workbook as for one of the screen; None is empty."""
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    for kind, words in WORDS.items():
        if isinstance(value, kind):
            return words(value)
    return str(value)


def shown(value: object, *, column: Column[Any] | None = None, zone: str = clock.DEFAULT_ZONE) -> Markup | str:
    """Return ``value`` for the screen: a badge for a state, short local time, money with separators."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, BADGED):
        return badge(value)
    if isinstance(value, datetime):
        return _moment(value, zone)
    if isinstance(value, Decimal):
        return Markup('<span class="number">{}</span>').format(money(value) if is_money(column) else f"{value:f}")
    return written(value, zone=zone)


def badge(term: Term) -> Markup:
    """Return a state as a coloured word; the colour repeats what the word says."""
    return Markup('<span class="badge badge-{}">{}</span>').format(TONES.get(term, "grey"), term.label)


def money(amount: Decimal) -> str:
    """Return an amount with thousands separators and two decimals: 1,260.00."""
    return show_money(amount)


def is_money(column: Column[Any] | None) -> bool:
    """Tell whether a column holds an amount of money: two decimals, and not a floor area."""
    return column is not None and getattr(column.type, "scale", None) == 2 and column.name != "area"  # noqa: PLR2004


def _moment(instant: datetime, zone: str) -> Markup:
    local = instant.astimezone(ZoneInfo(zone))
    is_this_year = local.year == clock.now().astimezone(ZoneInfo(zone)).year
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="minutes"),
        local.strftime("%Y-%m-%d %H:%M"),
        local.strftime("%m-%d %H:%M" if is_this_year else "%Y-%m-%d %H:%M"),
    )


def is_masked(column: Column[Any] | None) -> bool:
    """Tell whether the values of a column are masked until somebody reveals them (B-O5)."""
    if column is None or not column.info.get("personal"):
        return False
    return any(word in column.name for word in MASKED_BY_NAME)


def masked(column: Column[Any], value: object) -> str:
    """Return a personal value as it may be shown to anybody who may see the row."""
    return mask(column.name, str(value)) if value else ""


def row_zone(row: object) -> str:
    """Return the zone in which the times of ``row`` are shown: its office's."""
    return access.zone_of(getattr(row, "office_id", None))


def term_of(model: type[DeclarativeBase]) -> str:
    """Return what a model is called, from the head of its docstring: 房屋."""
    return (model.__doc__ or model.__name__).partition(" — ")[0].strip()
