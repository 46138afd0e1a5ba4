"""Finding rows for a verb, and reading what a person entered: answers a Refusal where a row or a value is missing."""

from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock
from tenant.calendars import as_utc, zone_of
from tenant.errors import NotFound, Refusal
from tenant.models import Base, Office
from tenant.texts import storable, unstorable

Row = TypeVar("Row", bound=Base)

LONGEST_TEXT: Final = 4000


def find(session: Session, model: type[Row], row_id: int, *, field: str, lock: bool = False) -> Row:
    """Return the row, read anew and locked against other changes when ``lock`` says so.

    The lock does not stop others from referring to the row. Raises NotFound for an id that is missing or foreign.
    """
    statement = select(model).where(model.id == row_id)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise NotFound(field=field, value=str(row_id))
    return row


def open_office(session: Session, office_id: int) -> Office:
    """Return the office. Raises NotFound when it is out of sight, Refusal when it is archived."""
    office = find(session, Office, office_id, field="office")
    if office.archived_at is not None:
        raise Refusal(
            code="office_archived",
            message=f"管理处「{office.name}」已归档，不能再登记或办理。请选择在用的管理处，或先恢复该管理处。",
            field="office",
            value=office.code,
        )
    return office


def written(text: str | None, *, field: str, label: str, limit: int = LONGEST_TEXT) -> str:
    """Return a required text without the spaces around it. Raises Refusal when it is empty, too long or unprintable."""
    plain = optional(text, field=field, label=label, limit=limit)
    if plain is None:
        raise Refusal(code="missing", message=f"「{label}」没有填写。请填写后再保存。", field=field, value=text)
    return plain


def optional(text: str | None, *, field: str, label: str, limit: int) -> str | None:
    """Return a text without the spaces around it, None when nothing is left. Raises Refusal as :func:`written` does."""
    plain = (text or "").replace("\r\n", "\n").strip()
    if len(plain) > limit:
        message = f"「{label}」有 {len(plain)} 个字，最多 {limit} 个。请缩短后再保存。"
        raise Refusal(code="too_long", message=message, field=field, value=f"{plain[:20]}…")
    refuse_unstorable(plain, field=field, label=label)
    return plain or None


def refuse_unstorable(text: str, *, field: str, label: str) -> None:
    """Raise Refusal when ``text`` holds a sign that may not be kept."""
    if unstorable(text):
        message = f"「{label}」含有无法保存的控制字符。请重新输入这段文字。"
        raise Refusal(code="unprintable", message=message, field=field, value=storable(text)[:40])


def moment(at: datetime | None, office: Office, *, field: str, label: str, since: datetime | None = None) -> datetime:
    """Return when something happened: ``at``, or now when it is None.

    Raises Refusal for an instant that has not come yet, or before ``since``; ValueError for a naive one.
    """
    present = clock.now()
    if at is None:
        return present
    instant = as_utc(at)
    if instant > present:
        raise Refusal(
            code="in_the_future",
            message=f"「{label}」{shown(instant, office)} 还没有到。请填写已经发生的时间，或留空表示现在。",
            field=field,
            value=shown(instant, office),
        )
    if since is not None and instant < since:
        raise Refusal(
            code="too_early",
            message=f"「{label}」{shown(instant, office)} 早于上一步的 {shown(since, office)}。请核对时间后重新填写。",
            field=field,
            value=shown(instant, office),
        )
    return instant


def shown(instant: datetime, office: Office) -> str:
    """Return the instant for people, to the minute, in the office's zone: ``2026-11-21 09:05``."""
    return instant.astimezone(zone_of(office.zone)).strftime("%Y-%m-%d %H:%M")
