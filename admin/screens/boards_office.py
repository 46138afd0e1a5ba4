"""主管看板 / 主任看板: what went up the line, is late, did not satisfy, is grave, waits too long; the log (A-S5)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin import access, auth, formats
from admin.access import needs
from admin.screens import boards as board
from admin.screens import figures, workbench
from admin.screens.boards_cards import Looking
from admin.screens.days import day_asked
from admin.session import session_at_hand
from admin.site import Entry, Screen
from audit.models import AuditEntry
from tenant import clock
from tenant.calendars import end_of_day, start_of_day
from tenant.errors import NotFound, Refusal
from tenant.rules.terms import Act, Area, Role
from tenant.services import boards, daily_log

LABELS: Final = {
    boards.ESCALATED: "已升级",
    boards.OVERDUE: "超时",
    boards.GRAVE: "重要与重大投诉",
    boards.UNSATISFIED: "回访不满意",
    boards.OVERLONG: "等待超过约定",
}
EMPTY: Final = {
    boards.ESCALATED: "没有待确认的升级。确认后下一级会晚些再通知。",
    boards.OVERDUE: "派单、到场、答复、回访都在时限之内。",
    boards.GRAVE: "没有在办的重要或重大投诉。",
    boards.UNSATISFIED: "客户不满意的事在这里，直到回访满意为止。",
    boards.OVERLONG: "没有等过了头的事。",
}
DAYS_SHOWN: Final = 2
"""Today's log and yesterday's: what was not checked then is still to be."""

screen = Blueprint("office_board", __name__)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A day of the log on the board; ``checked``: by whom and when it was last checked, empty where nobody has."""

    day: date
    label: str
    log: boards.LogDay
    checked: str


@screen.get("/boards/office")
@needs(Act.VIEW, Area.OFFICE_BOARD)
def show() -> ResponseReturnValue:
    """Show what needs whoever answers for the office."""
    session, at = session_at_hand(), clock.now()
    lanes = boards.office_board(session, at, **board.asked())
    looking = Looking(session, at, board.here(".show"), {}, working=False)
    filled = board.filled(looking, lanes, LABELS, ".show")
    is_whole = not request.args.get("lane")
    raised = [card.ticket_id for lane in filled if lane.name == boards.ESCALATED for card in lane.cards]
    return board.page(
        "wuguan/board_office.html",
        title=_title(),
        lanes=filled,
        empty=EMPTY,
        logs=_logs(at) if is_whole else [],
        numbers=_numbers(at) if is_whole else None,
        standing=figures.total(_standing(at)) if is_whole else None,
        raised={row.ticket_id: workbench.escalation_line(row) for row in figures.escalations_of(session, raised)},
        **board.choices(),
    )


@screen.post("/boards/office/log")
@needs(Act.EDIT, Area.DAILY_LOG)
def check_log() -> ResponseReturnValue:
    """Note that the log of a day was looked through: what counts is what stood there then (A-S5)."""
    office = _office()
    day = day_asked("day", "日期")
    found = _log(office, day)
    if found.latest_id is None:
        raise NotFound
    waiting = daily_log.check_day(session_at_hand(), found.latest_id)
    flash(f"已记下您查看了 {day} 的日志" + (f"，其中 {waiting} 条还没有交接办理。" if waiting else "。"), "success")
    return redirect(auth.way_on(request.form.get("url")))


# ---- the day
def _title() -> str:
    """Return what the board is called: the director's, else the supervisor's."""
    return "主任看板" if board.postings_here(Role.DIRECTOR) else "主管看板"


def _office() -> access.OfficeAtHand:
    office = access.office_at_hand()
    if office is None:
        message = "日志按管理处检查。请先在上方选择一个管理处。"
        raise Refusal(code="no_office", message=message, field="office")
    return office


def _bounds(office: access.OfficeAtHand, day: date) -> tuple[datetime, datetime]:
    since = start_of_day(day, office.zone)
    return since, end_of_day(since, office.zone)


def _log(office: access.OfficeAtHand, day: date) -> boards.LogDay:
    return boards.log_of_day(session_at_hand(), office.id, *_bounds(office, day))


def _logs(at: datetime) -> list[LogLine]:
    """Return today's log and, where nobody has checked it, yesterday's; nothing while several offices are looked at."""
    office = access.office_at_hand()
    if office is None or not access.may(Area.DAILY_LOG):
        return []
    today = clock.today(office.zone)
    checked = _checked(office, today - timedelta(days=DAYS_SHOWN - 1), at)
    lines = []
    for back, label in enumerate(("今日", "昨日")):
        day = today - timedelta(days=back)
        line = LogLine(day, label, _log(office, day), checked.get(day.isoformat(), ""))
        if back == 0 or (line.log.entries and not line.checked):
            lines.append(line)
    return lines


def _checked(office: access.OfficeAtHand, since: date, at: datetime) -> dict[str, str]:
    """Return who checked the log of a day last and when, by the day, from the record itself."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.office_id == office.id, AuditEntry.verb == daily_log.CHECKED)
        .where(AuditEntry.at >= start_of_day(since, office.zone), AuditEntry.at <= at + timedelta(minutes=1))
        .order_by(AuditEntry.id)
    )
    return {
        str((entry.after or {}).get("day")): f"{entry.actor_name} {formats.written(entry.at, zone=office.zone)[-5:]}"
        for entry in session_at_hand().scalars(statement)
    }


def _numbers(at: datetime) -> boards.DayNumbers:
    zone = access.zone_of(None)
    since = start_of_day(clock.today(zone), zone)
    return boards.day_numbers(session_at_hand(), since, end_of_day(at, zone))


def _standing(at: datetime) -> Any:
    """Return how the offices within reach stand now."""
    ids = [office.id for office in workbench.places()]
    return figures.by_office(session_at_hand(), ids, at, clock.today(access.zone_of(None)), with_money=False).values()


SCREEN: Final = Screen(
    blueprint=screen,
    entries=(Entry("workbench", "主管看板", "office_board.show", Area.OFFICE_BOARD, order=-10),),
)
