"""Days that a page is asked for, in its address or in its form."""

from datetime import date
from typing import Final

from flask import request

from tenant.errors import Refusal

EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2999, 12, 31)
"""What lies outside is a slip of the pen; at the ends of the calendar no day before and no midnight can be reckoned."""


def day_asked(key: str, label: str, otherwise: date | None = None) -> date:
    """Return the day under ``key`` of what was asked, ``otherwise`` where it names none.

    Raises Refusal for what is no day, for one before 1900 or after 2999, and for a missing one where there is no other.
    """
    text = request.values.get(key, "").strip()
    if not text and otherwise is not None:
        return otherwise
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        message = f"「{label}」{text[:20] or '没有填写'}，不是日期。请按 2026-11-21 的样子填写。"
        raise Refusal(code="no_day", message=message, field=key, value=text[:20]) from error
    if not EARLIEST <= day <= LATEST:
        message = f"「{label}」{day} 不在 {EARLIEST.year} 年至 {LATEST.year} 年之间。请核对年份后重新填写。"
        raise Refusal(code="no_day", message=message, field=key, value=text[:20])
    return day
