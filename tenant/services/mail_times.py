"""When a mail may go out: at once, after the quiet hours of its office, or gathered with others to the same person."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, literal, null
from sqlalchemy.orm import Session

from tenant import clock
from tenant.models import Office
from tenant.rules.fates import OWED_SILENCE
from tenant.rules.quiet import after_quiet
from tenant.rules.terms import MailClass

REHEARSED: Final = timedelta(hours=1)
"""A stated time so far ahead of the real one is a rehearsal: what is queued then must not wait for that day to come."""
UNGATHERED: Final = timedelta(minutes=10)
"""How long after it should have been gathered a mail goes by itself: who gathers may have stopped."""


def heard(session: Session, mail_class: MailClass, office_id: int, at: datetime) -> datetime:
    """Return the instant from ``at`` on at which a mail of this class may go out: to owners, after the quiet hours."""
    return after_quiet_hours(session, office_id, at) if mail_class in OWED_SILENCE else at


def after_quiet_hours(session: Session, office_id: int, at: datetime) -> datetime:
    """Return the instant itself outside the quiet hours of the office, inside them their end."""
    office = session.get_one(Office, office_id)
    return after_quiet(at, office.quiet_from, office.quiet_until, office.zone)


def due(
    session: Session,
    mail_class: MailClass,
    office_id: int,
    not_before: datetime | None,
    gather_at: datetime | None,
) -> dict[str, ColumnElement[Any]]:
    """Return when a mail queued now is due, and from when on it may be gathered, by the names of the columns.

    One for now (``not_before`` None) is due by the stated time and by the real one, so that no sweep passes it. One
    that waits to be gathered goes by itself when nobody comes; in a rehearsal nothing waits.
    """
    present = clock.now()
    is_rehearsed = literal(present) > func.now() + REHEARSED
    if gather_at is not None:
        left = gather_at + UNGATHERED
        return {
            "not_before": case((is_rehearsed, func.least(func.now(), left)), else_=left),
            "gather_at": case((is_rehearsed, null()), else_=gather_at),
        }
    wished = not_before or present
    instant = heard(session, mail_class, office_id, wished)
    if not_before is not None:
        return {"not_before": literal(instant)}
    if instant == wished:
        return {"not_before": func.least(func.now(), wished)}
    return {"not_before": case((is_rehearsed, func.least(func.now(), instant)), else_=instant)}
