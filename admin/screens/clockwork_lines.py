"""What the page of the clockwork says of one process, entry, stopped action, job or mending."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from flask import url_for
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from admin import access, formats
from admin.screens import wording, workbench
from admin.screens.mail_pages import without_addresses
from admin.session import session_at_hand
from audit import verbs
from audit.models import AuditEntry
from tasks.timetable import Line
from tenant.models import Clock, DueAction, ImportBatch, Job, Owner, Posting, Schedule
from tenant.rules.terms import Act, Area, BeatKind, CatchUp
from tenant.services import clocks, daily_log, dunning, health, jobs, reports, routing

RULES: Final = {
    clocks.RULE: "升级",
    clocks.WARNING: "到期提醒",
    daily_log.RULE: "夜间登记转办",
    dunning.RULE: "催缴步骤",
    routing.RULE: "投诉通知",
    reports.RULE: "报表通知",
}
"""What the rules of due actions are called."""
QUEUES: Final = {"sweeps": "到期事项", "mail": "发信", "imports": "导入"}
CATCH_UP: Final = {
    CatchUp.ALL: "错过的逐次补做",
    CatchUp.LATEST: "错过的只补最近一次",
    CatchUp.SKIP: "错过的不补",
}
MENDINGS: Final = {"planned": "补上", "moved": "改到正确时间", "cancelled": "取消多余"}
JOBS: Final = {
    "import": "写入名册",
    "import_read": "读取表格",
    "import_undo": "撤销导入",
    "import_foresee": "核对能否撤销",
    "policy_replay": "规则试算",
}
LONGEST_ERROR: Final = 300
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def ago(instant: datetime | None, at: datetime, zone: str) -> Any:
    """Return how long ago something was: in seconds and minutes within the hour, else its local time."""
    if instant is None:
        return formats.NOTHING
    span = at - instant
    if timedelta() <= span < MINUTE:
        return f"{int(span.total_seconds())} 秒前"
    if MINUTE <= span < 60 * MINUTE:
        return f"{int(span.total_seconds() // 60)} 分钟前"
    return formats.shown(instant, zone=zone)


def lateness(span: timedelta) -> str:
    """Return a delay in words; under a minute in seconds."""
    return f"{int(span.total_seconds())} 秒" if span < MINUTE else wording.duration(span)


# ---- processes
def process(running: health.Running) -> dict[str, Any]:
    """Return one process of the program as a line."""
    state, tone = ("失去联系", "red") if running.is_lost else ("正常", "green")
    if running.has_stopped:
        state, tone = "已停止", "grey"
    return {
        "kind": running.kind.label,
        "place": f"{running.host}:{running.pid}",
        "queues": "、".join(QUEUES.get(queue, queue) for queue in sorted(running.queues)) or _duty(running.kind),
        "started": formats.shown(running.started_at),
        "beat": f"{lateness(running.age)}前",
        "skew": f"{running.skew / 1000:+.1f} 秒",
        "is_skewed": running.is_skewed and not running.has_stopped,
        "state": state,
        "tone": tone,
    }


def _duty(kind: BeatKind) -> str:
    return "" if kind is BeatKind.WEB else kind.label


# ---- the timetable
def entry(line: Line, at: datetime, departures: Sequence[str]) -> dict[str, Any]:
    """Return one entry of the timetable as a line; ``departures`` are the offices that have it otherwise."""
    zone, person = access.zone_of(line.office_id), access.identity()
    office = person.office(line.office_id) if person and line.office_id else None
    is_counted = line.at is None and not line.per_office  # comes every so often: a next time would be now, for ever
    return {
        "name": line.name,
        "label": line.label,
        "office": office.name if office and access.office_at_hand() is None else "",
        "office_id": line.office_id,
        "when": line.when,
        "last": ago(line.last_fire_at, at, zone),
        "next": "" if not line.enabled else "随时" if is_counted else formats.shown(line.next_at, zone=zone),
        "catch_up": CATCH_UP[line.catch_up],
        "is_on": line.enabled,
        "is_own_time": line.is_own_time,
        "at": f"{line.at:%H:%M}" if line.at else "",
        "may_set_time": line.per_office and line.office_id is not None and access.may(Area.SCHEDULE, Act.EDIT),
        "may_switch": may_switch(),
        "for_all": line.office_id is None,
        "per_office": line.per_office,
        "departures": departures,
    }


def may_switch() -> bool:
    """Tell whether the person may switch entries on and off: headquarters alone, for all or for the office at hand."""
    person = access.identity()
    return person is not None and person.is_headquarters and access.may(Area.SCHEDULE, Act.EDIT)


def departures() -> dict[str, list[str]]:
    """Return, by entry, the offices that have it at a time of their own, or not at all; for who sees them all."""
    person = access.identity()
    statement = select(Schedule).where(Schedule.office_id.is_not(None)).order_by(Schedule.office_id)
    found: dict[str, list[str]] = {}
    for row in session_at_hand().scalars(statement.where(or_(Schedule.at.is_not(None), ~Schedule.enabled))):
        office = person.office(row.office_id) if person else None
        if office is not None:
            how = f"{row.at:%H:%M}" if row.enabled and row.at else "停用"
            found.setdefault(row.name, []).append(f"{office.name} {how}")
    return found


# ---- due actions that stopped
def stopped(rows: Sequence[DueAction]) -> list[dict[str, Any]]:
    """Return due actions that stopped as lines, each with what it is about."""
    subjects = _subjects(rows)
    person = access.identity()
    found = []
    for row in rows:
        nameless = (f"{verbs.term(row.subject_kind)} #{row.subject_id}", None)
        words, url = subjects.get((row.subject_kind, row.subject_id), nameless)
        office = person.office(row.office_id) if person else None
        zone = access.zone_of(row.office_id)
        error = without_addresses(row.last_error or "")
        found.append(
            {
                "id": row.id,
                "key": f"{row.id}.{row.version}",
                "discard_url": url_for(
                    "due_actions.act_view", verb="discard", id=row.id, url=url_for("clockwork.show")
                ),
                "version": row.version,
                "rule": RULES.get(row.rule, row.rule),
                "subject": words,
                "url": url,
                "level": row.level,
                "office": office.name if office else "",
                "due": formats.shown(row.due_at, zone=zone),
                "stopped": formats.shown(row.settled_at, zone=zone),
                "attempts": row.attempts,
                "error": error[:LONGEST_ERROR] + ("…" if len(error) > LONGEST_ERROR else ""),
            }
        )
    return found


def _subjects(rows: Iterable[DueAction]) -> dict[tuple[str, int], tuple[str, str | None]]:
    """Return what the actions are about, in words and with its page, asked once for each kind."""
    session = session_at_hand()
    ids: dict[str, set[int]] = {}
    for row in rows:
        ids.setdefault(row.subject_kind, set()).add(row.subject_id)
    found: dict[tuple[str, int], tuple[str, str | None]] = {}
    held = select(Clock).where(Clock.id.in_(ids.get(clocks.SUBJECT, ()))).options(joinedload(Clock.ticket))
    for clock in session.scalars(held):
        words = f"{clock.ticket.kind.label} {clock.ticket.number} · {clock.kind.label}"
        found[clocks.SUBJECT, clock.id] = (words, workbench.ticket_url(clock.ticket))
    for owner in session.scalars(select(Owner).where(Owner.id.in_(ids.get(dunning.SUBJECT, ())))):
        is_known = access.may(Area.OWNERS) or access.may(Area.DUNNING)
        words = owner.name if is_known else f"{verbs.term(dunning.SUBJECT)} #{owner.id}"
        found[dunning.SUBJECT, owner.id] = (words, wording.page_of("owner", owner.id))
    return found


# ---- jobs
def latest_jobs(limit: int) -> list[dict[str, Any]]:
    """Return the latest jobs as lines, by whom each was asked for."""
    session, person = session_at_hand(), access.identity()
    rows = session.scalars(select(Job).order_by(Job.id.desc()).limit(limit)).all()
    posts = {row.asked_by_id for row in rows if row.asked_by_id is not None}
    people = select(Posting).where(Posting.id.in_(posts)).options(joinedload(Posting.staff))
    names = {post.id: post.staff.name for post in session.scalars(people)}
    files = select(ImportBatch.id, ImportBatch.file_name)
    batches = [row.subject_id for row in rows if row.subject_kind == ImportBatch.__tablename__]
    titles: dict[int, str] = dict(iter(session.execute(files.where(ImportBatch.id.in_(batches)))))
    found = []
    for row in rows:
        office = person.office(row.office_id) if person else None
        title = titles.get(row.subject_id) if row.subject_kind == ImportBatch.__tablename__ else None
        found.append(
            {
                "id": row.id,
                "kind": job_label(row.kind),
                "subject": title or f"{verbs.term(row.subject_kind)} #{row.subject_id}",
                "url": _job_url(row),
                "office": office.name if office else "",
                "phase": row.phase,
                "done": row.done,
                "total": row.total,
                "by": names.get(row.asked_by_id or 0, ""),
                "state": formats.badge(row.state),
                "asked": formats.shown(row.created_at, zone=access.zone_of(row.office_id)),
                "error": without_addresses(row.last_error or ""),
                "is_live": row.state in jobs.LIVE,
                "is_ending": row.cancel_asked_at is not None and row.state in jobs.LIVE,
            }
        )
    return found


def job_label(kind: str) -> str:
    """Return what a kind of job is called."""
    return JOBS.get(kind, kind)


def _job_url(row: Job) -> str | None:
    if row.subject_kind == ImportBatch.__tablename__:
        return url_for("importing.batch", batch_id=row.subject_id) if access.may(Area.IMPORTS) else None
    return wording.page_of(row.subject_kind, row.subject_id)


# ---- what the planner mended
def mended(entry: AuditEntry) -> dict[str, Any]:
    """Return one mending of the nightly planner as a line: when, whose, and for each rule what it put right."""
    person = access.identity()
    office = person.office(entry.office_id) if person else None
    return {
        "at": formats.shown(entry.at, zone=access.zone_of(entry.office_id)),
        "office": office.name if office else "总部" if entry.office_id is None else "",
        "rules": [
            {"rule": RULES.get(rule, rule), "words": mending(counts)}
            for rule, counts in (entry.after or {}).items()
            if isinstance(counts, dict)
        ],
    }


def mending(counts: dict[str, Any]) -> str:
    """Return in words what the planner put right for one rule."""
    done = [f"{label} {counts[name]} 件" for name, label in MENDINGS.items() if counts.get(name)]
    return "、".join(done) or "没有改动"
