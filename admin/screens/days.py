"""Days that a page is asked for, in its address or in its form."""

from datetime import date

from flask import request

from tenant.errors import Refusal


def day_asked(key: str, label: str, otherwise: date | None = None) -> date:
    """Return the day under ``key`` of what was asked, ``otherwise`` where it names none.

    Raises Refusal for what is no day, and for a missing one where there is no other.
    """
    text = request.values.get(key, "").strip()
    if not text and otherwise is not None:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"「{label}」{text or '没有填写'}，不是日期。请按 2026-11-21 的样子填写。"
        raise Refusal(code="no_day", message=message, field=key, value=text) from error
