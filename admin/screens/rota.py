"""排班表: who has which shift on which day of a week, where nobody does, and who is away (B-S1, A-O3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from admin import access
from admin.access import needs
from admin.exports import TYPES, Cell, note_taken, write_workbook
from admin.references import parse_id
from admin.screens.days import day_asked
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Office, Posting, Shift
from tenant.rules.terms import Act, Area
from tenant.services import absences, duties
from tenant.services.duties import A_WEEK, Watched

WEEKDAYS: Final = "一二三四五六日"
DAYS: Final = 7

screen = Blueprint("rota", __name__)


@dataclass(frozen=True, slots=True)
class Day:
    """One column of the rota."""

    day: date
    label: str
    is_today: bool


@screen.get("/rota")
@needs(Act.VIEW, Area.DUTIES)
def show() -> ResponseReturnValue:
    """Show the rota of the week asked for, this one as a rule; of one office."""
    office = _office()
    if office is None:
        return render_template("wuguan/rota.html", office_here=None)
    session, monday = session_at_hand(), _monday()
    last, today = monday + timedelta(days=DAYS - 1), clock.today(office.zone)
    known, may_edit = duties.shifts(session, office.id), access.may(Area.DUTIES, Act.EDIT)
    cells = duties.grid(session, office, monday, last)
    days = [_day(monday + timedelta(days=n), today) for n in range(DAYS)]
    return render_template(
        "wuguan/rota.html",
        office_here=office,
        monday=monday,
        last=last,
        days=days,
        shifts=known,
        rows=[(shift, [cells[shift.id, column.day] for column in days]) for shift in known],
        gaps=sum(cell.is_unmanned and not cell.is_over for cell in cells.values()),
        uncovered=duties.unmanned_hours(session, office),
        eligible=duties.eligible(session, office.id, monday, last) if may_edit else (),
        away=_away(office, monday, last),
        usual=duties.USUAL,
        may_edit=may_edit,
        may_export=access.may(Area.DUTIES, Act.EXPORT),
        previous=url_for(".show", week=monday - A_WEEK),
        following=url_for(".show", week=monday + A_WEEK),
    )


@screen.post("/rota/add")
@needs(Act.EDIT, Area.DUTIES)
def add() -> ResponseReturnValue:
    """Put somebody on the rota for one shift of one day."""
    day, shift_id, posting_id = day_asked("day", "日期"), _number("shift"), request.form.get("posting", "")
    if parse_id(posting_id) is None:
        flash("没有选择值班人。请先选择一位同事，再按「排班」。", "error")
        return _back(day)
    try:
        duty = duties.assign(session_at_hand(), shift_id, day, _number("posting"))
    except NotFound:
        raise
    except Refusal as refusal:
        session_at_hand().rollback()
        flash(refusal.message, "error")
    else:
        flash(f"已把{duty.posting.staff.name}排在 {day} 的「{duty.shift.name}」。", "success")
    return _back(day)


@screen.post("/rota/remove")
@needs(Act.EDIT, Area.DUTIES)
def remove() -> ResponseReturnValue:
    """Take somebody off the rota."""
    try:
        duty = duties.take_off(session_at_hand(), _number("duty"))
    except NotFound:
        raise
    except Refusal as refusal:
        session_at_hand().rollback()
        flash(refusal.message, "error")
        return _back(_monday())
    flash(f"已把{duty.posting.staff.name}从 {duty.duty_on} 的「{duty.shift.name}」移除。", "success")
    return _back(duty.duty_on)


@screen.post("/rota/copy")
@needs(Act.EDIT, Area.DUTIES)
def copy() -> ResponseReturnValue:
    """Put on the rota of a week whoever was on it the week before."""
    office, monday = _office(), _monday()
    if office is None:
        raise NotFound
    try:
        made, left_out = duties.copy_week(session_at_hand(), office.id, monday)
    except Refusal as refusal:
        flash(refusal.message, "error")
        return _back(monday)
    beside = f"；{left_out} 人次没有复制：请假、已离任，或班次已过" if left_out else ""
    flash(f"已复制上一周的排班 {made} 人次{beside}。", "success")
    return _back(monday)


@screen.post("/rota/usual")
@needs(Act.CREATE, Area.DUTIES)
def take_usual() -> ResponseReturnValue:
    """Give an office without shifts those of the handbook (B-S1)."""
    office = _office()
    if office is None:
        raise NotFound
    try:
        made = duties.take_usual(session_at_hand(), office.id)
    except Refusal as refusal:
        flash(refusal.message, "error")
    else:
        flash(f"已建立班次「{'」「'.join(shift.name for shift in made)}」，请逐日排人。", "success")
    return redirect(url_for(".show"))


@screen.get("/rota/export")
@needs(Act.EXPORT, Area.DUTIES)
def export() -> ResponseReturnValue:
    """Send the week as a workbook, and put it on the record."""
    office, monday = _office(), _monday()
    if office is None:
        raise NotFound
    session, last = session_at_hand(), monday + timedelta(days=DAYS - 1)
    cells = duties.grid(session, office, monday, last)
    days = [monday + timedelta(days=n) for n in range(DAYS)]
    titles = ["班次", "时间", *(f"{day} 周{WEEKDAYS[day.weekday()]}" for day in days)]
    file, count = write_workbook(titles, _written(duties.shifts(session, office.id), cells, days), "排班表")
    facts = {"format": "xlsx", "count": count, "filters": [f"{monday} 至 {last}"]}
    note_taken(session, "rota.exported", None, facts)
    name = f"排班表-{office.code}-{monday}.xlsx"
    response = send_file(file, mimetype=TYPES["xlsx"], as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


def _written(known: Any, cells: dict[tuple[int, date], Watched], days: list[date]) -> Iterator[list[Cell]]:
    for shift in known:
        yield [shift.name, hours(shift), *(_names(cells[shift.id, day]) for day in days)]


def _names(cell: Watched) -> str:
    return "、".join(person.who for person in cell.people if person.who) or "无人值班"


def hours(shift: Shift) -> str:
    """Return the hours of a shift in words: 17:30—次日 08:00."""
    following = "次日 " if duties.hours_of(shift).runs_past_midnight else ""
    return f"{shift.begins:%H:%M}—{following}{shift.ends:%H:%M}"


def _away(office: Office, first: date, last: date) -> list[dict[str, Any]]:
    """Return who is away on a day of the week, and who stands in."""
    found = {
        row.id: row
        for n in range((last - first).days + 1)
        for row in absences.on(session_at_hand(), [office.id], first + timedelta(days=n))
    }
    return [
        {
            "who": _named(row.posting),
            "days": f"{row.from_on:%m-%d} 至 {row.to_on:%m-%d}",
            "substitute": _named(row.substitute) if row.substitute else None,
            "url": url_for("absences.details_view", id=row.id),
        }
        for row in found.values()
    ]


def _named(posting: Posting) -> str:
    return str(posting)


def _day(day: date, today: date) -> Day:
    return Day(day, f"周{WEEKDAYS[day.weekday()]}", is_today=day == today)


def _office() -> Office | None:
    here = access.office_at_hand()
    return None if here is None else session_at_hand().get(Office, here.id)


def _monday() -> date:
    """Return the Monday of the week asked for, of this week where none is."""
    day = day_asked("week", "周", clock.today(access.zone_of(None)))
    return day - timedelta(days=day.weekday())


def _number(key: str) -> int:
    found = parse_id(request.form.get(key, ""))
    if found is None:
        raise NotFound(field=key)
    return found


def _back(day: date) -> Response:
    return redirect(url_for(".show", week=day - timedelta(days=day.weekday())))


def _gaps() -> int:
    """Return how many shifts of today and tomorrow nobody has, for the line of the navigation."""
    office = _office()
    if office is None:
        return 0
    today = clock.today(office.zone)
    return len(duties.gaps(session_at_hand(), office, today, today + timedelta(days=1)))


screen.add_app_template_filter(hours, "shift_hours")

SCREEN: Final = Screen(
    blueprint=screen, entries=(Entry("workbench", "排班表", "rota.show", Area.DUTIES, _gaps, order=60),)
)
