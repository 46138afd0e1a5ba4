"""What pages of our own say about time and money, and where a record's own page is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import current_app, url_for

from admin import access, formats
from admin.listing import column_at

SOON: Final = timedelta(minutes=30)
"""From when on a deadline is shown in amber."""

STOP_IT_FIRST: Final = "损害仍在继续：请立即派人制止，再办理投诉。制止后请登记「已制止损害」。"
"""What whoever registers a complaint is told at once while harm goes on (A-C8)."""

NUMBERS: Final = ("Numeric", "BigInteger", "Integer")
KINDS: Final = {
    "DateTime": "is-time",
    "Date": "is-time",
    "Enum": "is-short",
    "Boolean": "is-short",
    "Text": "is-long",
    **dict.fromkeys(NUMBERS, "is-number"),
}
"""Column type → how a list sets it: numbers to the right, times and states in one line, long texts cut."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """How a deadline stands: the words, and the tone that repeats them (``red`` over, ``amber`` soon, ``grey``)."""

    words: str
    tone: str


def duration(span: timedelta) -> str:
    """Return a span in words of at most two units: 2 小时 10 分, 3 天 4 小时, 不到 1 分钟."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "不到 1 分钟"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"
    return f"{minutes} 分钟"


def remaining(due_at: datetime, at: datetime) -> Remaining:
    """Return how the deadline ``due_at`` stands at the instant ``at``."""
    if due_at < at:
        return Remaining(f"超时 {duration(at - due_at)}", "red")
    left = due_at - at
    return Remaining(f"还剩 {duration(left)}", "amber" if left <= SOON else "grey")


def percent(part: Decimal | int, whole: Decimal | int) -> str:
    """Return a share with one decimal, a dash where there is no whole."""
    return f"{Decimal(part) / Decimal(whole) * 100:.1f}%" if whole else formats.NOTHING


def column_kind(view: Any, path: str) -> str:
    """Return how a list of ``view`` sets the column at ``path``; empty for plain text."""
    column = column_at(view.model, path)
    return KINDS.get(type(column.type).__name__, "") if column is not None else ""


def view_of(table: str | None) -> Any | None:
    """Return the Flask-Admin view of a table that the person may open, None where there is none."""
    for view in current_app.extensions["admin"][0]._views:  # noqa: SLF001 - Flask-Admin has no other list
        model = getattr(view, "model", None)
        if model is not None and model.__tablename__ == table:
            return view if access.may(view.area) else None
    return None


def page_of(table: str | None, row_id: int | None) -> str | None:
    """Return the address of a record's own page, None where there is none or the person may not open it."""
    view = view_of(table) if table and row_id else None
    return url_for(f"{view.endpoint}.details_view", id=row_id) if view is not None else None


def list_of(table: str) -> str | None:
    """Return the address of the list of a table, None where there is none or the person may not open it."""
    view = view_of(table)
    return url_for(f"{view.endpoint}.index_view") if view is not None else None


def form_for(table: str) -> str | None:
    """Return the address of the form for a new record, None where the person may make none."""
    view = view_of(table)
    return url_for(f"{view.endpoint}.create_view") if view is not None and view.can_create else None
