"""审计: who did what to which record, when, from where and why; told in sentences, before and after."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from admin import access, formats
from admin.access import needs
from admin.exports import Cell, write_workbook
from admin.references import parse_id
from admin.screens import clockwork_lines, importing_lines, wording
from admin.session import session_at_hand
from admin.site import Entry, Screen
from audit import timeline, verbs
from audit.models import AuditEntry
from tenant.journal import RecordedAct, note
from tenant.models import Base
from tenant.rules.terms import Act, Area

LONGEST: Final = 64
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TITLES: Final = ("时间", "操作者", "事项", "管理处", "原因", "来源地址", "请求编号")
FACTS: Final = {
    "act": "操作",
    "answer": "客户意见",
    "area": "功能范围",
    "at": "时间",
    "before": "早于",
    "clocks": "时限项数",
    "columns": "栏目",
    "count": "条数",
    "file": "文件",
    "filters": "条件",
    "format": "格式",
    "examples": "例如",
    "ids": "编号",
    "late_after": "计算后超时",
    "late_before": "计算前超时",
    "login": "登录名",
    "mails": "封数",
    "path": "地址",
    "search": "按文字查找",
    "sweep": "事项",
    **clockwork_lines.RULES,
}
"""What the facts of an act are called that is no change of a row."""
INSTANTS: Final = frozenset({"at", "before"})
MOST_LISTED: Final = 20
UNLISTED: Final = frozenset({"audit_entry", "outbox_message", "schedule_fire", "number_series", "sign_in"})

screen = Blueprint("record", __name__)


@screen.get("/audit")
@needs(Act.VIEW, Area.AUDIT)
def show() -> ResponseReturnValue:
    """Show the newest entries that answer the question in the address."""
    asked = {name: value for name, value in request.args.items() if value and name != "behind"}
    entries, following = timeline.page(session_at_hand(), _question(), behind=_place(request.args.get("behind")))
    return render_template(
        "wuguan/audit.html",
        lines=[_line(entry) for entry in entries],
        asked=asked,
        kinds=_kinds(),
        verbs=_verbs(),
        following=url_for(".show", behind=_spelled(following), **_plain(asked)) if following else None,
        newest=url_for(".show", **_plain(asked)) if request.args.get("behind") else None,
        export_url=url_for(".export", **_plain(asked)) if access.may(Area.AUDIT, Act.EXPORT) else None,
    )


@screen.get("/audit/export")
@needs(Act.EXPORT, Area.AUDIT)
def export() -> ResponseReturnValue:
    """Send all entries that answer the question: the same conditions as the screen; the export is recorded itself."""
    session = session_at_hand()
    file, count = write_workbook(list(TITLES), _rows(timeline.export(session, _question())), "审计")
    office = access.office_at_hand()
    facts: dict[str, object] = {"format": "xlsx", "count": count, "filters": sorted(request.args)}
    note(
        session,
        RecordedAct(
            verb="record.exported", subject_kind="audit_entry", office_id=office.id if office else None, facts=facts
        ),
    )
    response = send_file(file, mimetype=XLSX, as_attachment=True, download_name="审计.xlsx", max_age=0)
    response.call_on_close(file.close)
    return response


# ---- the question
def _question() -> timeline.Question:
    """Return what the address asks; a side that makes no sense is left open."""
    asked = request.args
    verb = asked.get("verb", "")[:LONGEST].strip() or None
    return timeline.Question(
        office_id=_office(asked.get("office")),
        actor_name=asked.get("actor", "")[:LONGEST].replace("\x00", "").strip() or None,
        verb=verb.replace("\x00", "") if verb else None,
        subject_kind=asked.get("kind") if asked.get("kind") in dict(_kinds()) else None,
        subject_id=parse_id(asked.get("subject")),
        request_id=asked.get("request", "")[:LONGEST].replace("\x00", "").strip() or None,
        since=_midnight(asked.get("since")),
        until=_midnight(asked.get("until"), days=1),
    )


def _office(spelled: str | None) -> int | None:
    person = access.identity()
    office = person.office(parse_id(spelled)) if person and spelled else None
    return office.id if office else None


def _midnight(spelled: str | None, days: int = 0) -> datetime | None:
    try:
        day = date.fromisoformat(spelled or "") + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time(), ZoneInfo(access.zone_of(None))).astimezone(UTC)


def _place(spelled: str | None) -> timeline.Place | None:
    instant, _, number = (spelled or "").partition("~")
    row_id = parse_id(number)
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        return None
    return timeline.Place(at, row_id) if row_id is not None and at.tzinfo is not None else None


def _spelled(place: timeline.Place) -> str:
    return f"{place.at.astimezone(UTC).isoformat()}~{place.id}"


def _plain(asked: dict[str, str]) -> dict[str, Any]:
    """Return the words of an address that may be said again: url_for's own names begin with an underscore."""
    return {name: value for name, value in asked.items() if not name.startswith("_")}


def _kinds() -> list[tuple[str, str]]:
    tables = (mapper.local_table.name for mapper in Base.registry.mappers)  # type: ignore[attr-defined]
    return sorted((table, verbs.term(table)) for table in tables if table not in UNLISTED)


def _verbs() -> list[tuple[str, str]]:
    return [(verb, verbs.verb_label(verb)) for verb in sorted(verbs.ACTS)]


# ---- the answer
def _line(entry: AuditEntry) -> dict[str, Any]:
    person = access.identity()
    office = person.office(entry.office_id) if person else None
    return {
        "at": formats.shown(entry.at, zone=access.zone_of(entry.office_id)),
        "actor": entry.actor_name,
        "actor_kind": entry.actor_kind.label,
        "sentence": verbs.verb_label(entry.verb),
        "subject": verbs.subject(entry),
        "subject_url": wording.page_of(entry.subject_kind, entry.subject_id),
        "history_url": url_for(".show", kind=entry.subject_kind, subject=entry.subject_id),
        "office": office.name if office else "总部" if entry.office_id is None else "",
        "reason": verbs.reason(entry.reason) if entry.reason else "",
        "address": entry.address or "",
        "request": entry.request_id or "",
        "request_url": url_for(".show", request=entry.request_id) if entry.request_id else None,
        "changes": list(_changes(entry)),
    }


def _changes(entry: AuditEntry) -> Iterator[dict[str, str]]:
    before, after = entry.before or {}, entry.after or {}
    is_act = entry.verb in verbs.ACTS
    for name in dict.fromkeys((*before, *after)):
        yield {
            "label": FACTS.get(name, name) if is_act else verbs.column_label(entry.subject_kind, name),
            "before": _value(entry, name, before[name]) if before.get(name) is not None else "",
            "after": _value(entry, name, after.get(name)),
        }


def _value(entry: AuditEntry, name: str, value: object) -> str:
    """Return a recorded value in words; an instant, kept in UTC, in the zone of its office."""
    if isinstance(value, list) and (entry.subject_kind, name) == ("import_batch", "mapping"):
        value = [importing_lines.column_read(str(one)) for one in value]
    if isinstance(value, list):
        rest = f" 等 {len(value)} 项" if len(value) > MOST_LISTED else ""
        return "、".join(map(str, value[:MOST_LISTED])) + rest or verbs.shown(None, name, None)
    if isinstance(value, dict):
        return clockwork_lines.mending(value)
    if name in {"area", "act"} and entry.verb in verbs.ACTS:
        terms: type[Area | Act] = Area if name == "area" else Act
        return next((term.label for term in terms if term.value == value), str(value))
    if isinstance(value, str) and (name.endswith("_at") or name in INSTANTS):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return value
        return formats.written(instant, zone=access.zone_of(entry.office_id)) if instant.tzinfo else value
    return verbs.shown(entry.subject_kind, name, value)


def _rows(entries: Iterator[AuditEntry]) -> Iterator[list[Cell]]:
    person = access.identity()
    for entry in entries:
        office = person.office(entry.office_id) if person else None
        yield [
            entry.at.astimezone(ZoneInfo(access.zone_of(entry.office_id))),
            entry.actor_name,
            verbs.sentence(entry),
            office.name if office else "",
            verbs.reason(entry.reason) if entry.reason else "",
            entry.address or "",
            entry.request_id or "",
        ]


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("audit", "审计", "record.show", Area.AUDIT, order=10),))
