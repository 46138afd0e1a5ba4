"""Today's daily log beside the desk: what was entered, what waits for the handover, until when (B-S2, B-S3)."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from admin import access
from admin.screens import wording
from admin.session import session_at_hand
from tenant.calendars import end_of_day, next_opening, start_of_day, zone_of
from tenant.models import LogEntry, Office
from tenant.rules.terms import Area
from tenant.services import boards

LINES: Final = 8


def todays_log(at: datetime) -> dict[str, Any] | None:
    """Return today's log of the office at hand: counts, and lines, those that wait first; None where it is not theirs
    to see, or several offices are looked at.
    """
    place = access.office_at_hand()
    if place is None or not access.may(Area.DAILY_LOG):
        return None
    session = session_at_hand()
    office = session.get_one(Office, place.id)
    since = start_of_day(at.astimezone(zone_of(place.zone)).date(), place.zone)
    until = end_of_day(at, place.zone)
    statement = (
        select(LogEntry)
        .options(joinedload(LogEntry.unit), joinedload(LogEntry.ticket))
        .where(LogEntry.office_id == place.id, LogEntry.at < until)
        .where(or_(LogEntry.at >= since, LogEntry.settled_at.is_(None)))
        .order_by(LogEntry.settled_at.is_not(None), LogEntry.at.desc(), LogEntry.id.desc())
        .limit(LINES)
    )
    return {
        "lines": [_line(row, office, at) for row in session.scalars(statement)],
        "count": boards.log_of_day(session, place.id, since, until).entries,
        "list_url": wording.list_of("log_entry"),
        "create_url": wording.form_for("log_entry"),
    }


def _line(row: LogEntry, office: Office, at: datetime) -> dict[str, Any]:
    """Return an entry as a line: when, who, about what; what it became, or how long it may still wait."""
    remaining = None
    if row.settled_at is None:
        remaining = wording.remaining(next_opening(row.at, office.desk_opens, office.zone), at)
    stands = f"已转 {row.ticket}" if row.ticket else "已办结"
    return {
        "url": wording.page_of("log_entry", row.id),
        "at": row.at.astimezone(zone_of(office.zone)).strftime("%H:%M"),
        "who": " ".join(filter(None, (str(row.unit or ""), row.caller_name))) or row.channel.label,
        "content": row.content,
        "stands": stands if row.settled_at else "",
        "remaining": remaining,
    }
