"""``wuguan sweep`` and ``wuguan mail``: do now what is due, and see what went out."""

from collections.abc import Callable
from datetime import datetime

import click
from sqlalchemy import select

from admin.commands.edge import (
    OfficeAtHand,
    answer,
    answers,
    find_office,
    open_database,
    operator,
    read_at,
    read_settings,
    read_term,
)
from audit.redaction import mask_address
from tasks import sweeps
from tenant import clock
from tenant.db import Database
from tenant.errors import Refusal
from tenant.files import StoreDown, open_store
from tenant.journal import RecordedAct, note
from tenant.models import Mail, Office
from tenant.rules.terms import MailState
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

KINDS = {
    "escalations": "升级",
    "routing": "投诉通知",
    "handover": "夜间登记转办",
    "warnings": "到期提醒",
    "gathering": "汇总通知",
    "gaps": "值班空缺提醒",
    "dunning": "催缴",
    "mail": "邮件",
    "reports": "报表",
    "replan": "核对",
    "files": "附件",
}

_RUNS: dict[str, Callable[..., sweeps.SweepReport]] = {
    "escalations": sweeps.run_escalations,
    "routing": sweeps.run_routing,
    "warnings": sweeps.run_warnings,
    "gathering": sweeps.run_gathering,
    "gaps": sweeps.run_gaps,
    "reports": sweeps.run_reports,
    "dunning": sweeps.run_dunning,
    "mail": sweeps.run_mail,
}


@click.command(
    "sweep",
    help=(
        "执行到期事项：escalations（升级）、routing（投诉通知）、handover（夜间登记转办）、warnings（到期提醒）、gathering（汇总通知）、"
        "gaps（值班空缺提醒）、dunning（催缴）、mail（发信）、reports（报表）；replan：按现状核对到期事项，缺的补上，多的取消；"
        "files：清除无主的附件文件。"
        "重复执行不会重复办理。"
    ),
)
@click.argument("kind")
@click.option("--at", "at_text", help="视为现在的时间，管理处当地的 ISO 时间；默认现在。")
@click.option("--office", "office_code", help="只处理这个管理处。")
@answers
def sweep(*, kind: str, at_text: str | None, office_code: str | None, as_json: bool) -> None:
    """Do what is due at a time, once."""
    if kind not in KINDS:
        raise Refusal(
            code="unknown_sweep",
            message=f"没有「{kind}」这种到期事项。可用：{'、'.join(KINDS)}。",
            field="kind",
            value=kind,
        )
    settings = read_settings()
    with open_database(settings) as database:
        office = _office(database, office_code)
        at = read_at(at_text, office.zone if office else clock.DEFAULT_ZONE) or clock.now()
        office_id = office.id if office else None
        if at_text is not None:
            _note_stated(database, kind, at, office_id)
        payload, sentence = _sweep(database, kind, at, office_id, settings)
    answer(payload, as_json=as_json, sentence=sentence)


def _sweep(
    database: Database, kind: str, at: datetime, office_id: int | None, settings: Settings
) -> tuple[dict[str, object], str]:
    """Do what is due of one kind; return the report, for a program and in words."""
    if kind == "replan":
        replanned = sweeps.run_replan(database, at, office_id)
        words = f"有出入的管理处 {replanned.offices}，补上 {replanned.planned}，取消 {replanned.cancelled}。"
        return replanned.as_json(), f"{KINDS[kind]}：{words}"
    if kind == "files":
        return _sweep_files(database, at, settings)
    if kind == "handover":
        report = sweeps.run_handover(database, at, office_id)
    else:
        report = _RUNS[kind](database, at, office_id, settings=settings)
    return report.as_json(), (
        f"{KINDS[kind]}：到期 {report.due}，已办 {report.done}，取消 {report.cancelled}，"
        f"停止 {report.dead}，邮件 {report.mails}。"
    )


def _sweep_files(database: Database, at: datetime, settings: Settings) -> tuple[dict[str, object], str]:
    """Delete the files that no matter has; return the report, for a program and in words."""
    try:
        swept = sweeps.run_files(database, at, store=open_store(settings))
    except StoreDown as error:
        message = f"{error}请检查 WUGUAN_FILES，用 wuguan doctor 查看原因后再执行。"
        raise Refusal(code="store_down", message=message, field="WUGUAN_FILES") from error
    words = f"共 {swept.seen} 个文件，清除已删附件的 {swept.removed} 个、无主的 {swept.orphans} 个。"
    if swept.held_back:
        words += (
            f"有 {swept.held_back} 个文件在数据库中没有登记，超过一半，未清除：请核对 WUGUAN_FILES 与数据库是否配套。"
        )
    return swept.as_json(), f"{KINDS['files']}：{words}"


def _note_stated(database: Database, kind: str, at: datetime, office_id: int | None) -> None:
    """Put on the record who ran a sweep for another time than now: what it does is recorded at that time."""
    act = RecordedAct(verb="sweep.stated", office_id=office_id, facts={"sweep": kind, "at": at.isoformat()})
    with across_offices(database, Reason.CLAIMING, operator()) as session:
        note(session, act)
        session.commit()


def _office(database: Database, code: str | None) -> OfficeAtHand | None:
    return None if code is None else find_office(database, code)


@click.group("mail", help="邮件。")
def mail() -> None:
    """Hold the commands about mails."""


@mail.command("list", help="列出邮件，最近的在前。")
@click.option("--office", "office_code", help="只看这个管理处。")
@click.option("--state", "state_code", help="只看这个状态：queued、sending、sent、failed、unknown。")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True, help="最多列出多少封。")
@answers
def list_mails(*, office_code: str | None, state_code: str | None, limit: int, as_json: bool) -> None:
    """Print mails with their state; addresses masked for the eye, whole in the JSON."""
    with open_database() as database:
        office = _office(database, office_code)
        query = select(Mail, Office.code).join(Office, Office.id == Mail.office_id)
        if office is not None:
            query = query.where(Mail.office_id == office.id)
        if state_code is not None:
            query = query.where(Mail.state == read_term(MailState, state_code, field="state", label="邮件状态"))
        with across_offices(database, Reason.REVIEWING, operator()) as session:
            found = session.execute(query.order_by(Mail.id.desc()).limit(limit)).all()
            payload = [_describe(row, code) for row, code in found]
            session.commit()
    lines = [
        f"{row['created_at']}  {row['office']}  {row['state_label']}  {mask_address(str(row['to']))}  {row['subject']}"
        for row in payload
    ]
    answer({"mails": payload}, as_json=as_json, sentence="\n".join(lines) or "没有邮件。")


def _describe(row: Mail, office_code: str) -> dict[str, object]:
    return {
        "id": row.id,
        "office": office_code,
        "state": row.state.value,
        "state_label": row.state.label,
        "class": row.mail_class.value,
        "to": row.recipient_address,
        "name": row.recipient_name,
        "subject": row.subject,
        "message_id": row.message_id,
        "attempts": row.attempts,
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "last_error": row.last_error,
    }
