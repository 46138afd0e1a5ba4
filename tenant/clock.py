"""The only reader of the clock.

Everything that acts on time asks :func:`now`, so that a command's ``--at`` and a test can say what time it is
for one call and all it calls. Instants are aware and in UTC; days belong to an office's zone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from tenant.errors import Refusal

DEFAULT_ZONE = "Asia/Shanghai"

YEARS = range(1900, 2200)
"""What people can mean; beyond lie slips of the keyboard, and days no calendar can count on from."""

_stated: ContextVar[datetime | None] = ContextVar("stated_instant", default=None)


def now() -> datetime:
    """Return the present instant in UTC, or the one stated by the innermost :func:`at`."""
    return _stated.get() or datetime.now(UTC)


def stated() -> datetime | None:
    """Return the instant stated by the innermost :func:`at`, None where the real clock runs."""
    return _stated.get()


def today(zone: str = DEFAULT_ZONE) -> date:
    """Return the present calendar day in ``zone``."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def at(instant: datetime | None) -> Iterator[None]:
    """State the time for the enclosed block; None leaves the real clock running.

    Raises ValueError on a naive instant: a time without a zone is a guess.
    """
    if instant is not None and instant.tzinfo is None:
        message = "an instant needs a zone"
        raise ValueError(message)
    token = _stated.set(instant.astimezone(UTC) if instant is not None else _stated.get())
    try:
        yield
    finally:
        _stated.reset(token)


def parse(text: str, zone: str = DEFAULT_ZONE) -> datetime:
    """Read an ISO time such as ``2026-11-21T09:05`` as local time of ``zone``; a stated offset is kept.

    Raises Refusal ``bad_time`` on anything else, and on a year that nobody can mean.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _no_time(text) from None
    if instant.year not in YEARS:
        raise _no_time(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(zone))
    return instant.astimezone(UTC)


def _no_time(text: str) -> Refusal:
    return Refusal(
        code="bad_time",
        message=(
            f"「{text}」不是时间。请写成 2026-11-21T09:05 这样的格式（管理处当地时间），"
            f"年份在 {YEARS[0]} 到 {YEARS[-1]} 之间。"
        ),
        field="at",
        value=text,
    )
