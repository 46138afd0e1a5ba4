"""试算: what the draft of a time limit would have done in the last months, before it is put into force (A-W5, A-O2)."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin import access
from admin.access import needs
from admin.exports import TYPES, Cell, note_taken, write_workbook
from admin.screens import limit_words, replays_lines, wording, workbench
from admin.screens.days import day_asked
from admin.session import session_at_hand
from admin.site import Screen
from tasks import jobs as background
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import ClockPolicy, Job, Office, OfficeClockPolicy, PolicyReplay
from tenant.rules.terms import Act, Area
from tenant.services import jobs, replays
from tenant.services.limits import Policy

LEVELS: Final[dict[str, Any]] = {"group": ClockPolicy, "office": OfficeClockPolicy}
"""Whose limit an address means: the group's or a company's, or an office's own."""
UNPROCESSABLE: Final = 422

screen = Blueprint("replays", __name__)


@screen.get("/limits/<level>/<int:row_id>/replay")
@needs(Act.VIEW, Area.POLICY)
def show(level: str, row_id: int) -> ResponseReturnValue:
    """Show what came of the last trial, or how far the one at hand is."""
    return _page(level, _draft(level, row_id))


@screen.post("/limits/<level>/<int:row_id>/replay")
@needs(Act.EDIT, Area.POLICY)
def start(level: str, row_id: int) -> ResponseReturnValue:
    """Ask for the draft to be tried, in every office within reach that it would hold for."""
    draft = _draft(level, row_id)
    try:
        from_on, until_on = day_asked("from_on", "起始日"), day_asked("until_on", "截止日")
        places = _offices(draft)
        for office in places:
            replays.ask(session_at_hand(), draft, office, from_on, until_on)
    except Refusal as refusal:
        return _page(level, draft, refusal), UNPROCESSABLE
    flash(f"已开始试算 {len(places)} 个管理处。可以离开本页，算完后结果保留在这里。", "success")
    return redirect(url_for(".show", level=level, row_id=row_id))


@screen.get("/limits/<level>/<int:row_id>/replay/progress")
@needs(Act.VIEW, Area.POLICY)
def progress(level: str, row_id: int) -> ResponseReturnValue:
    """Tell a page that waits how far the trial is; 404 alike for no draft and one that was never tried."""
    found = _jobs(_tried(_draft(level, row_id)))
    if not found:
        raise NotFound
    return jsonify(replays_lines.progress(list(found.values())))


@screen.post("/limits/<level>/<int:row_id>/replay/stop")
@needs(Act.EDIT, Area.POLICY)
def stop(level: str, row_id: int) -> ResponseReturnValue:
    """Give up the trials that are not counted yet; nothing is left of them."""
    for job in _jobs(_tried(_draft(level, row_id))).values():
        if job.state in jobs.LIVE:
            background.cancel(session_at_hand(), job.id)
    return redirect(url_for(".show", level=level, row_id=row_id))


@screen.get("/limits/<level>/<int:row_id>/replay/export")
@needs(Act.EXPORT, Area.REPORTS)
def export(level: str, row_id: int) -> ResponseReturnValue:
    """Send the result as a workbook, office by office where they are several; put it on the record."""
    draft = _draft(level, row_id)
    counted = [replay for replay in _tried(draft) if replay.figures is not None]
    if not counted:
        raise NotFound
    titles = ["管理处", "类别", "项目", "现行", "草案", "相差"]
    file, count = write_workbook(titles, _rows(counted), "规则试算")
    facts = {"format": "xlsx", "count": count, "filters": [limit_words.described(draft)]}
    note_taken(session_at_hand(), "replay.exported", PolicyReplay.__tablename__, facts)
    name = f"规则试算-{draft}-{counted[0].from_on}-{replays.last_day(counted[0])}.xlsx"
    response = send_file(file, mimetype=TYPES["xlsx"], as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


def _page(level: str, draft: Policy, refusal: Refusal | None = None) -> str:
    tried = _tried(draft)
    found = _jobs(tried)
    going = [job for job in found.values() if job.state in jobs.LIVE]
    counted = [replay for replay in tried if replay.figures is not None]
    whole = replays_lines.summed(counted)
    roles, people = replays_lines.told(whole)
    return render_template(
        "wuguan/replay.html",
        address={"level": level, "row_id": draft.id},
        draft=draft,
        words=limit_words.described(draft),
        is_draft=draft.activated_at is None,
        may_try=access.may(Area.POLICY, Act.EDIT) and draft.activated_at is None,
        may_export=access.may(Area.REPORTS, Act.EXPORT),
        record_url=wording.page_of(draft.__tablename__, draft.id),
        asked=_asked(tried),
        refusal=refusal,
        progress=replays_lines.progress(list(found.values())) if going else None,
        failed=[job for job in found.values() if job.state not in jobs.LIVE and job.last_error],
        counted=counted,
        is_stale=any((replay.figures or {})["draft"] != replays.wording(draft) for replay in counted),
        whole=whole,
        figures=replays_lines.figures(whole),
        clocks=replays_lines.clocks(whole),
        columns=replays_lines.COLUMNS,
        roles=roles,
        people=people,
        examples=replays_lines.examples(whole),
        offices=replays_lines.offices(tried, _names(), found) if len(tried) > 1 else [],
    )


def _draft(level: str, row_id: int) -> Policy:
    """Return the limit an address means. Raises NotFound for none, and for one that the person may not see."""
    model = LEVELS.get(level)
    if model is None or not access.may(Area.POLICY):
        raise NotFound
    row: Policy | None = session_at_hand().scalars(select(model).where(model.id == row_id)).one_or_none()
    if row is None or (isinstance(row, ClockPolicy) and row.company_id is not None and not _offices(row)):
        raise NotFound
    return row


def _offices(draft: Policy) -> Sequence[Office]:
    """Return the offices within reach that the draft would hold for."""
    reached = select(Office).where(Office.id.in_([place.id for place in workbench.places()]))
    if isinstance(draft, OfficeClockPolicy):
        reached = reached.where(Office.id == draft.office_id)
    elif draft.company_id is not None:
        reached = reached.where(Office.company_id == draft.company_id)
    return session_at_hand().scalars(reached.order_by(Office.code)).all()


def _tried(draft: Policy) -> list[PolicyReplay]:
    """Return the last trial of each office that the page is about."""
    reach = {office.id for office in _offices(draft)}
    return [replay for replay in replays.all_latest(session_at_hand(), draft) if replay.office_id in reach]


def _jobs(tried: Sequence[PolicyReplay]) -> dict[int, Job]:
    """Return the work on each trial, as it stands now."""
    ids = [replay.id for replay in tried]
    statement = select(Job).where(Job.kind == replays.JOB, Job.subject_id.in_(ids)).order_by(Job.id)
    found = session_at_hand().scalars(statement.execution_options(populate_existing=True))
    return {job.subject_id: job for job in found}


def _names() -> dict[int, str]:
    return {place.id: place.name for place in workbench.places()}


def _rows(counted: Sequence[PolicyReplay]) -> Iterator[list[Cell]]:
    names = _names()
    if len(counted) > 1:
        yield from replays_lines.rows("合计", replays_lines.summed(counted))
    for replay in counted:
        yield from replays_lines.rows(names.get(replay.office_id, ""), replays_lines.summed([replay]))


def _asked(tried: Sequence[PolicyReplay]) -> dict[str, str]:
    """Return the days that the form holds: as they were typed, else of the last trial, else the last ninety."""
    if request.form:
        return {name: request.form.get(name, "") for name in ("from_on", "until_on")}
    if tried:
        return {"from_on": tried[-1].from_on.isoformat(), "until_on": replays.last_day(tried[-1]).isoformat()}
    today = clock.today(access.zone_of(None))
    return {"from_on": (today - replays.USUAL).isoformat(), "until_on": today.isoformat()}


SCREEN: Final = Screen(blueprint=screen)
