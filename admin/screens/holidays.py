"""节假日: which days are off or worked for them, edition by edition; kept by the group, seen by all."""

import re
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin import access
from admin.access import SIGNED_IN, door, needs
from admin.saving import GROUP_ONLY
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.errors import Refusal
from tenant.models import CalendarYear
from tenant.rules.holiday_lines import write_days
from tenant.rules.terms import Act, Area, DayKind
from tenant.services import holidays
from tenant.services.lookups import find

UNACCEPTABLE, CONFLICT = 422, 409

screen = Blueprint("holidays", __name__)


@screen.get("/holidays")
@door(SIGNED_IN)
def show() -> ResponseReturnValue:
    """Show the years in force, and the group's editions."""
    return _page()


@screen.post("/holidays/new")
@needs(Act.EDIT, Area.HOLIDAYS)
def new() -> ResponseReturnValue:
    """Begin the next edition of a year."""
    session, asked = _keeper(), request.form.get("year", "").strip()
    if not re.fullmatch(r"[0-9]{4}", asked):
        return _refused(holidays.no_year(asked))
    try:
        row = holidays.draft(session, int(asked))
    except Refusal as refusal:
        return _refused(refusal)
    flash(f"已建「{row}」草稿，确认之前不起作用。", "success")
    return redirect(url_for(".edit", edition_id=row.id))


@screen.get("/holidays/<int:edition_id>")
@door(SIGNED_IN)
def edit(edition_id: int) -> ResponseReturnValue:
    """Show one edition, a draft with its days as text."""
    row = find(session_at_hand(), CalendarYear, edition_id, field="edition")
    return _edition_page(row, write_days(holidays.days_of(session_at_hand(), row)), row.published)


@screen.post("/holidays/<int:edition_id>")
@needs(Act.EDIT, Area.HOLIDAYS)
def save(edition_id: int) -> ResponseReturnValue:
    """Keep the days that were pasted."""
    session, text, published = _keeper(), request.form.get("days", ""), request.form.get("published")
    try:
        row = holidays.write(session, edition_id, text, published)
    except Refusal as refusal:
        session.rollback()
        row = find(session, CalendarYear, edition_id, field="edition")
        return _edition_page(row, text, published, {refusal.field or "days": refusal.message}), UNACCEPTABLE
    flash(f"已保存「{row}」。", "success")
    return redirect(url_for(".edit", edition_id=row.id))


@screen.post("/holidays/<int:edition_id>/confirm")
@needs(Act.EDIT, Area.HOLIDAYS)
def confirm(edition_id: int) -> ResponseReturnValue:
    """Put an edition into force for good."""
    session = _keeper()
    try:
        row = holidays.confirm(session, edition_id)
    except Refusal as refusal:
        session.rollback()
        row = find(session, CalendarYear, edition_id, field="edition")
        text = write_days(holidays.days_of(session, row))
        return _edition_page(row, text, row.published, {refusal.field or "days": refusal.message}), CONFLICT
    flash(f"已确认「{row}」，此后按工作日计的时限以它为准。", "success")
    return redirect(url_for(".show"))


@screen.post("/holidays/<int:edition_id>/discard")
@needs(Act.EDIT, Area.HOLIDAYS)
def discard(edition_id: int) -> ResponseReturnValue:
    """Remove a draft."""
    session = _keeper()
    try:
        holidays.discard(session, edition_id)
    except Refusal as refusal:
        return _refused(refusal)
    flash("已删除草稿。", "success")
    return redirect(url_for(".show"))


def _refused(refusal: Refusal) -> ResponseReturnValue:
    session_at_hand().rollback()
    flash(refusal.message, "error")
    return _page(), CONFLICT


def _page() -> str:
    session, today = session_at_hand(), clock.today(access.zone_of(None))
    return render_template(
        "wuguan/holidays.html",
        years=[_year(year) for year in reversed(holidays.in_force(session).values())],
        editions=holidays.editions(session),
        unconfirmed=holidays.unconfirmed(session, today),
        next_year=today.year + 1,
        may_edit=_may_edit(),
    )


def _year(year: holidays.YearInForce) -> dict[str, Any]:
    return {
        "year": year.year,
        "edition": f"第 {year.edition} 版" if year.edition else "随程序提供",
        "published": year.published,
        "off": sum(day.kind is DayKind.HOLIDAY for day in year.days),
        "worked": sum(day.kind is DayKind.WORKING for day in year.days),
        "lines": write_days(year.days).splitlines(),
    }


def _edition_page(row: CalendarYear, text: str, published: str | None, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "wuguan/holiday_edition.html",
        edition=row,
        text=text,
        published=published or "",
        errors=errors or {},
        may_edit=_may_edit() and row.confirmed_at is None,
    )


def _may_edit() -> bool:
    """Tell whether the person asking keeps the calendar: one of headquarters, looking at the whole group."""
    person = access.identity()
    is_there = person is not None and person.is_headquarters and access.office_at_hand() is None
    return is_there and access.may(Area.HOLIDAYS, Act.EDIT)


def _keeper() -> Session:
    """Return the session of who keeps the calendar. Raises Refusal for everybody else."""
    if not _may_edit():
        raise Refusal(code="group_only", message=GROUP_ONLY)
    return session_at_hand()


SCREEN: Final = Screen(
    blueprint=screen, entries=(Entry("settings", "节假日", "holidays.show", Area.HOLIDAYS, order=53),)
)
