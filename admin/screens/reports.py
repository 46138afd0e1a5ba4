"""报表上报情况: which offices have handed in, which are late, and all their figures in one workbook (A-W15, A-C12)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Final

from flask import Blueprint, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin import access
from admin.access import needs
from admin.exports import TYPES, Cell, note_taken, write_workbook
from admin.screens import report_figures, workbench
from admin.screens.days import day_asked
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock, policy
from tenant.calendars import local_day
from tenant.errors import NotFound
from tenant.journal import RecordedAct, note
from tenant.models import Report
from tenant.rules.reporting import Period, following, latest_closed
from tenant.rules.terms import Act, Area, ReportKind

screen = Blueprint("reports_standing", __name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one office stands with the report of a period: ``words`` and the ``tone`` that repeats them."""

    office: str
    words: str
    tone: str
    number: str
    submitted: str
    url: str | None


@screen.get("/report_standing")
@needs(Act.VIEW, Area.REPORTS)
def show() -> ResponseReturnValue:
    """Show for one kind and period how every office within reach stands."""
    kind, period = _asked()
    found = _reports(kind, period)
    lines = [_standing(place, found.get(place.id), period) for place in workbench.places()]
    term, here = policy.report(kind), {"kind": kind.value}
    return render_template(
        "wuguan/report_standing.html",
        kind=kind,
        kinds=list(ReportKind),
        period=period,
        last_on=period.until_on - timedelta(days=1),
        lines=lines,
        handed_in=sum(line.tone == "green" for line in lines),
        late=sum(line.tone == "red" for line in lines),
        earlier_url=url_for(".show", _external=False, **here, day=period.from_on.isoformat()),
        later_url=url_for(".show", _external=False, **here, day=following(term, period.until_on).until_on.isoformat()),
        has_later=following(term, period.until_on).until_on <= clock.today(access.zone_of(None)),
        day=period.until_on.isoformat(),
        export_url=(
            url_for(".export", _external=False, **here, day=period.until_on.isoformat())
            if access.may(Area.REPORTS, Act.EXPORT)
            else None
        ),
    )


@screen.get("/report_standing/export")
@needs(Act.EXPORT, Area.REPORTS)
def export() -> ResponseReturnValue:
    """Send the figures of all offices that handed in as one workbook, each line with its office; on the record."""
    kind, period = _asked()
    found, names = _reports(kind, period), {place.id: place.name for place in workbench.places()}
    rows = [row for row in found.values() if row.submitted_at is not None or access.may(Area.REPORTS, Act.EDIT)]
    file, count = write_workbook(["管理处", "编号", *report_figures.TITLES], _lines(rows, names), kind.label)
    words = f"{kind.label} {period.from_on} 至 {period.until_on - timedelta(days=1)}"
    note_taken(session_at_hand(), "reports.exported", None, {"format": "xlsx", "count": count, "filters": [words]})
    return _sent(file, f"{kind.label}-{period.from_on}.xlsx")


@screen.get("/report_standing/workbook/<int:report_id>")
@needs(Act.EXPORT, Area.REPORTS)
def workbook(report_id: int) -> ResponseReturnValue:
    """Send the figures of one report as a workbook; put it on the record."""
    session = session_at_hand()
    row = session.scalars(report_figures.readable(select(Report).where(Report.id == report_id))).one_or_none()
    if row is None:
        raise NotFound
    file, count = write_workbook(list(report_figures.TITLES), report_figures.written(row.figures), row.kind.label)
    note(
        session,
        RecordedAct(
            verb="record.exported",
            subject_kind=Report.__tablename__,
            subject_id=row.id,
            office_id=row.office_id,
            facts={"format": "xlsx", "count": count, "filters": [row.number]},
        ),
    )
    return _sent(file, f"{row.kind.label}-{row.number}.xlsx")


def _asked() -> tuple[ReportKind, Period]:
    """Return the kind and the period asked for: the latest that was over on the day named, today as a rule."""
    kind = request.args.get("kind", "")
    known = ReportKind(kind) if kind in set(ReportKind) else ReportKind.WEEK
    day = day_asked("day", "日期", clock.today(access.zone_of(None)))
    return known, latest_closed(policy.report(known), day)


def _reports(kind: ReportKind, period: Period) -> dict[int, Report]:
    """Return the reports of a period by office, drafts among them."""
    statement = select(Report).where(
        Report.kind == kind,
        Report.from_on == period.from_on,
        Report.office_id.in_([place.id for place in workbench.places()]),
    )
    return {row.office_id: row for row in session_at_hand().scalars(statement.order_by(Report.office_id))}


def _standing(place: access.OfficeAtHand, row: Report | None, period: Period) -> Standing:
    day = local_day(clock.now(), place.zone)
    late = (day - period.due_on).days
    words, tone, submitted, url = "", "red" if late > 0 else "grey", "", None
    if row is None:
        words, tone = "未生成", "grey"
    elif row.submitted_at is not None:
        on = local_day(row.submitted_at, place.zone)
        after = (on - period.due_on).days
        words, tone = f"已上报（迟 {after} 天）" if after > 0 else "已上报", "green"
        submitted = on.isoformat()
    elif row.sent_back_at is not None:
        words, tone = "已退回，待重新上报", "amber"
    else:
        words = f"逾期 {late} 天未报" if late > 0 else f"未上报，应于 {period.due_on} 前报"
    if row is not None and (row.submitted_at is not None or access.may(Area.REPORTS, Act.EDIT)):
        url = url_for("reports.details_view", id=row.id)
    return Standing(place.name, words, tone, row.number if row else "", submitted, url)


def _lines(rows: Sequence[Report], names: dict[int, str]) -> Iterator[list[Cell]]:
    for row in rows:
        yield from report_figures.written(row.figures, names.get(row.office_id, ""), row.number)


def _sent(file: IO[bytes], name: str) -> ResponseReturnValue:
    response = send_file(file, mimetype=TYPES["xlsx"], as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


SCREEN: Final = Screen(
    blueprint=screen,
    entries=(Entry("reports", "上报情况", "reports_standing.show", Area.REPORTS, order=30),),
)
