"""后台运行: is the clockwork on time, what runs when, what stopped and waits for a person, what long work is under way.

An office sees its own; the processes and the entries of the group are headquarters'.
"""

import re
from datetime import time
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin import access, formats
from admin.access import needs
from admin.references import parse_id
from admin.screens import clockwork_lines as lines
from admin.screens import wording
from admin.session import session_at_hand
from admin.site import Entry, Screen
from audit import timeline
from tasks import jobs as background
from tasks import schedule
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import DueAction
from tenant.rules.terms import Act, Area, DueState
from tenant.services import clockwork, health, jobs, timetable
from tenant.services.lookups import find

STOPPED: Final = 50
JOBS: Final = 20
MENDINGS: Final = 10
CLOCK_TIME: Final = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)")
MOVED_ON: Final = "这件到期事项在您打开之后已有人办理，没有再办理。请看最新情况。"

screen = Blueprint("clockwork", __name__)


@screen.get("/clockwork")
@needs(Act.VIEW, Area.SCHEDULE)
def show() -> ResponseReturnValue:
    """Show how the clockwork stands: of the whole group, or of the office at hand."""
    session, at = session_at_hand(), clock.now()
    dead = select(DueAction).where(DueAction.state == DueState.DEAD).order_by(DueAction.id.desc()).limit(STOPPED + 1)
    rows = session.scalars(dead).all()
    departures = lines.departures() if is_at_group() else {}
    mendings, _ = timeline.page(session, timeline.Question(verb="clockwork.mended"), limit=MENDINGS)
    return render_template(
        "wuguan/clockwork.html",
        health=_health() if is_at_group() else None,
        entries=[lines.entry(line, at, departures.get(line.name, ())) for line in schedule.lines(session, at)],
        stopped=lines.stopped(rows[:STOPPED]),
        is_cut=len(rows) > STOPPED,
        jobs=lines.latest_jobs(JOBS),
        mended=[lines.mended(entry) for entry in mendings],
        actions_url=wording.list_of("due_action"),
        jobs_url=wording.list_of("job"),
        several=access.office_at_hand() is None,
    )


def is_at_group() -> bool:
    """Tell whether the person looks at the whole group, whose processes and entries are no office's matter."""
    person = access.identity()
    return person is not None and person.is_headquarters and access.office_at_hand() is None


def _health() -> dict[str, Any]:
    """Return how the clockwork stands, in words; asked of a session that sees every office."""
    found = health.look(session_at_hand())
    late = [lines.RULES.get(lag.rule, lag.rule) for lag in found.lags if lag.waiting]
    return {
        "is_ok": found.ok,
        "lateness": lines.lateness(found.lateness) if found.lateness else "没有积压",
        "state": "准点" if found.ok else "晚了" if found.lateness > health.TOLERATED else "没有人办",
        "is_late": found.lateness > health.TOLERATED,
        "waiting": sum(lag.waiting for lag in found.lags),
        "late_rules": "、".join(late),
        "mail_lateness": _mail_lateness(found),
        "is_mail_late": found.mail_lateness > health.TOLERATED,
        "mail_waiting": found.mail.waiting,
        "dead": found.dead,
        "jobs_waiting": found.jobs_waiting,
        "jobs_stuck": found.jobs_stuck,
        "outbox": found.outbox,
        "outbox_since": formats.shown(found.outbox_since),
        "unattended": "、".join(lines.QUEUES.get(queue, queue) for queue in found.unattended),
        "processes": [lines.process(running) for running in found.processes],
        "alive": sum(running.is_alive for running in found.processes),
        "lost": len(found.lost),
        "enough": health.ENOUGH,
    }


def _mail_lateness(found: health.Health) -> str:
    if found.mail_stopped_at is not None:
        return "已停发"
    return lines.lateness(found.mail_lateness) if found.mail_lateness else "没有积压"


# ---- the timetable
@screen.post("/clockwork/timetable/<name>/switch")
@needs(Act.EDIT, Area.SCHEDULE)
def switch(name: str) -> ResponseReturnValue:
    """Switch an entry on or off: for the whole group, or for the office headquarters stands in."""
    if not lines.may_switch():
        access.refuse(Area.SCHEDULE, Act.EDIT)
    office, on = access.office_at_hand(), request.form.get("on") == "1"
    timetable.switch(session_at_hand(), office.id if office else None, name, on=on)
    flash(f"已{'启用' if on else '停用'}「{_label(name)}」。", "success")
    return redirect(url_for(".show"))


@screen.post("/clockwork/timetable/<name>/time")
@needs(Act.EDIT, Area.SCHEDULE)
def set_time(name: str) -> ResponseReturnValue:
    """Let an office have an entry at a time of its own; without one, at the group's again."""
    office, asked = access.office_at_hand(), parse_id(request.form.get("office"))
    office_id = office.id if office else asked
    person = access.identity()
    is_other = office is not None and asked not in {None, office.id}
    if person is None or office_id is None or is_other or not person.may(Area.SCHEDULE, Act.EDIT, office_id):
        raise NotFound  # word for word what a missing office says
    at = _time(request.form.get("at", "")) if request.form.get("own") == "1" else None
    timetable.set_time(session_at_hand(), office_id, name, at)
    flash(f"「{_label(name)}」改为每天 {at:%H:%M}。" if at else f"「{_label(name)}」已按集团时间。", "success")
    return redirect(url_for(".show"))


def _time(spelled: str) -> time:
    """Return the time a form gives; raises Refusal for what is none."""
    found = CLOCK_TIME.fullmatch(spelled.strip())
    if found is None:
        words = f"「{spelled[:20]}」不是时间。请填写当地时间的时和分，24 小时制，例如 09:30。"
        raise Refusal(code="bad_time", message=words, field="at", value=spelled[:20])
    return time(int(found[1]), int(found[2]))


def _label(name: str) -> str:
    return next((entry.label for entry in schedule.TIMETABLE if entry.name == name), name)


# ---- what has stopped
@screen.post("/clockwork/actions/<int:action_id>/retry")
@needs(Act.ACT, Area.SCHEDULE)
def retry(action_id: int) -> ResponseReturnValue:
    """Have one stopped action tried anew; giving it up, which asks for a reason, is a verb of its record."""
    _retry(action_id, parse_id(request.form.get("version")))
    flash("已重新排入，马上再试。", "success")
    return redirect(url_for(".show"))


@screen.post("/clockwork/actions/retry")
@needs(Act.ACT, Area.SCHEDULE)
def retry_chosen() -> ResponseReturnValue:
    """Have every chosen action tried anew; what cannot be done about one is said, and holds up no other."""
    session, done, refused = session_at_hand(), 0, []
    for spelled in sorted(request.form.getlist("rowid")[:STOPPED]):
        number, _, version = spelled.partition(".")
        try:
            with session.begin_nested():
                _retry(parse_id(number) or 0, parse_id(version))
            done += 1
        except Refusal as refusal:
            refused.append(refusal.message)
    if done:
        flash(f"已重新排入，马上再试：{done} 件。", "success")
    for words in dict.fromkeys(refused):
        flash(words, "error")
    return redirect(url_for(".show"))


def _retry(action_id: int, version: int | None) -> None:
    """Have a stopped action tried anew; ``version`` is the state of it that the person had seen."""
    session = session_at_hand()
    action = find(session, DueAction, action_id, field="due_action", lock=True)
    if action.version != version:
        raise Refusal(code="action_moved_on", message=MOVED_ON)
    clockwork.retry(session, action_id)


# ---- long work
@screen.post("/clockwork/jobs/<int:job_id>/cancel")
@needs(Act.ACT, Area.SCHEDULE)
def cancel(job_id: int) -> ResponseReturnValue:
    """Ask for a job to be given up."""
    job = background.cancel(session_at_hand(), job_id)
    live = job.state in jobs.LIVE
    flash("已要求取消，做完手头这一批就停下。" if live else "已取消。", "success")
    return redirect(url_for(".show"))


SCREEN: Final = Screen(
    blueprint=screen, entries=(Entry("settings", "后台运行", "clockwork.show", Area.SCHEDULE, order=65),)
)
