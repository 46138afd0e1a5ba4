"""The public calendar of the group: which edition of a year is in force, and when an office works.

What was announced comes with the program (``policy/holidays.toml``); an edition that the group confirmed stands in its
place, the latest of several. A year without either is worked from Monday to Friday, and the screens say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.errors import Refusal
from tenant.journal import actor_of
from tenant.models import CalendarDay, CalendarYear, Office
from tenant.rules.calendar_days import OfficeHours
from tenant.rules.holiday_lines import SpecialDay, Unreadable, read_days
from tenant.rules.terms import DayKind
from tenant.services.lookups import find, optional, refuse_unstorable, written

YEARS = range(2000, 2100)
AUTUMN = 10
"""The month from which on next year's arrangement is expected."""


@dataclass(frozen=True, slots=True)
class YearInForce:
    """A year as it counts: ``edition`` 0 came with the program; ``published`` says where it was announced."""

    year: int
    edition: int
    published: str | None
    days: tuple[SpecialDay, ...]


def desk_hours(office: Office) -> OfficeHours:
    """Return zone and desk hours of an office, without the public calendar: what most clocks need."""
    return OfficeHours(zone=office.zone, opens=office.desk_opens, closes=office.desk_closes)


def hours_of(session: Session, office: Office) -> OfficeHours:
    """Return when an office works, by the arrangements in force of all years."""
    days = [day for year in in_force(session).values() for day in year.days]
    return OfficeHours(
        zone=office.zone,
        opens=office.desk_opens,
        closes=office.desk_closes,
        off=frozenset(day.day for day in days if day.kind is DayKind.HOLIDAY),
        worked=frozenset(day.day for day in days if day.kind is DayKind.WORKING),
    )


def in_force(session: Session) -> dict[int, YearInForce]:
    """Return the arrangement of each year that has one: the latest confirmed edition, else what was announced.

    Two queries, however many years and editions there are.
    """
    found = {
        year.year: YearInForce(year.year, 0, year.published, year.days)
        for year in policy.holidays()
        if year.is_published
    }
    confirmed = select(CalendarYear).where(CalendarYear.confirmed_at.is_not(None))
    latest = {row.year: row for row in session.scalars(confirmed.order_by(CalendarYear.year, CalendarYear.edition))}
    kept: dict[int, list[SpecialDay]] = {row.id: [] for row in latest.values()}
    days = select(CalendarDay).where(CalendarDay.calendar_year_id.in_(kept)).order_by(CalendarDay.day)
    for day in session.scalars(days) if kept else ():
        kept[day.calendar_year_id].append(SpecialDay(day.day, day.kind, day.name))
    for row in latest.values():
        found[row.year] = YearInForce(row.year, row.edition, row.published, tuple(kept[row.id]))
    return dict(sorted(found.items()))


def unconfirmed(session: Session, today: date) -> list[int]:
    """Return the years that need an arrangement and have none: this one, and in autumn the next."""
    needed = [today.year, *([today.year + 1] if today.month >= AUTUMN else [])]
    known = in_force(session)
    return [year for year in needed if year not in known]


def editions(session: Session) -> Sequence[CalendarYear]:
    """Return the group's own editions, the latest year and edition first."""
    return session.scalars(select(CalendarYear).order_by(CalendarYear.year.desc(), CalendarYear.edition.desc())).all()


def days_of(session: Session, row: CalendarYear) -> tuple[SpecialDay, ...]:
    """Return the days of an edition, in order."""
    kept = select(CalendarDay).where(CalendarDay.calendar_year_id == row.id).order_by(CalendarDay.day)
    return tuple(SpecialDay(day.day, day.kind, day.name) for day in session.scalars(kept))


def known_days(session: Session, year: int) -> tuple[SpecialDay, ...]:
    """Return what is known of a year, to begin an edition with: what is in force, else what the law fixes."""
    held = in_force(session).get(year)
    if held is not None:
        return held.days
    return next((known.days for known in policy.holidays() if known.year == year), ())


def no_year(text: str) -> Refusal:
    """Return the refusal of what was written for a year and is none."""
    message = f"「年份」{text[:20] or '没有填写'}，不可用：应在 {YEARS.start} 至 {YEARS.stop - 1} 之间。"
    return Refusal(code="year", message=message, field="year", value=text[:20])


def draft(session: Session, year: int) -> CalendarYear:
    """Begin the next edition of a year, with the days that are known of it.

    Raises Refusal for a year that is none, and while an earlier edition of it is still a draft.
    """
    if year not in YEARS:
        raise no_year(str(year))
    open_one = select(CalendarYear).where(CalendarYear.year == year, CalendarYear.confirmed_at.is_(None))
    waiting = session.scalars(open_one).first()
    if waiting is not None:
        message = f"「{waiting}」还是草稿。请先改好并确认，或删除它，再建下一版。"
        raise Refusal(code="draft_waits", message=message, field="year", value=str(year))
    latest = session.scalar(select(func.max(CalendarYear.edition)).where(CalendarYear.year == year)) or 0
    row = CalendarYear(year=year, edition=latest + 1)
    session.add(row)
    session.flush()
    _keep(session, row, known_days(session, year))
    return row


def write(session: Session, edition_id: int, text: str, published: str | None) -> CalendarYear:
    """Let an edition hold the days that ``text`` names, instead of those it held.

    Raises NotFound for no edition, Refusal for one that is confirmed, for signs that cannot be kept, and for the first
    line that says no day.
    """
    row = _draft(session, edition_id)
    refuse_unstorable(text.replace("\r\n", "\n"), field="days", label="放假和调休")
    try:
        days = read_days(text, row.year)
    except Unreadable as error:
        raise Refusal(code="unreadable", message=str(error), field="days", value=text[:40]) from error
    row.published = optional(published, field="published", label="公布文件", limit=200)
    for kept in session.scalars(select(CalendarDay).where(CalendarDay.calendar_year_id == row.id)):
        session.delete(kept)
    session.flush()
    _keep(session, row, days)
    return row


def confirm(session: Session, edition_id: int) -> CalendarYear:
    """Put an edition into force for all offices, for good: a correction is the next edition.

    Raises NotFound for no edition, Refusal for one that is confirmed, says not where it was announced, or is empty.
    """
    row = _draft(session, edition_id)
    written(row.published, field="published", label="公布文件", limit=200)
    if not days_of(session, row):
        message = f"「{row}」还没有写任何日期。请先粘贴公布的放假和调休日期，保存后再确认。"
        raise Refusal(code="no_days", message=message, field="days", value="")
    row.confirmed_at, row.confirmed_by = clock.now(), actor_of(session).name
    session.flush()
    return row


def discard(session: Session, edition_id: int) -> None:
    """Remove a draft. Raises NotFound for no edition, Refusal for one that is confirmed."""
    row = _draft(session, edition_id)
    for kept in session.scalars(select(CalendarDay).where(CalendarDay.calendar_year_id == row.id)):
        session.delete(kept)
    session.flush()
    session.delete(row)
    session.flush()


def _draft(session: Session, edition_id: int) -> CalendarYear:
    row = find(session, CalendarYear, edition_id, field="edition", lock=True)
    if row.confirmed_at is not None:
        message = f"「{row}」已由{row.confirmed_by}确认，不能再改。要更正，请建下一版。"
        raise Refusal(code="confirmed", message=message, field="edition", value=str(row))
    return row


def _keep(session: Session, row: CalendarYear, days: Sequence[SpecialDay]) -> None:
    session.add_all(CalendarDay(calendar_year_id=row.id, day=one.day, kind=one.kind, name=one.name) for one in days)
    session.flush()
