"""The public calendar of the group: which edition of a year is in force, and when an office works."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant.models import CalendarDay, CalendarYear, Office
from tenant.rules.calendar_days import OfficeHours
from tenant.rules.terms import DayKind


def desk_hours(office: Office) -> OfficeHours:
    """Return zone and desk hours of an office, without the public calendar: what most clocks need."""
    return OfficeHours(zone=office.zone, opens=office.desk_opens, closes=office.desk_closes)


def hours_of(session: Session, office: Office) -> OfficeHours:
    """Return when an office works, by the confirmed editions of all years.

    A year without one is worked from Monday to Friday; the screens say so.
    """
    editions = select(CalendarYear.year, func.max(CalendarYear.edition).label("edition")).where(
        CalendarYear.confirmed_at.is_not(None)
    )
    latest = editions.group_by(CalendarYear.year).subquery()
    days = session.execute(
        select(CalendarDay.day, CalendarDay.kind)
        .join(CalendarYear, CalendarYear.id == CalendarDay.calendar_year_id)
        .join(latest, (latest.c.year == CalendarYear.year) & (latest.c.edition == CalendarYear.edition))
    ).all()
    return OfficeHours(
        zone=office.zone,
        opens=office.desk_opens,
        closes=office.desk_closes,
        off=_of_kind(days, DayKind.HOLIDAY),
        worked=_of_kind(days, DayKind.WORKING),
    )


def _of_kind(days: object, kind: DayKind) -> frozenset[date]:
    return frozenset(day for day, found in days if found is kind)  # type: ignore[attr-defined]
