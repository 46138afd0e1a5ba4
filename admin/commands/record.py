"""``wuguan audit``: read the record, and prove that nobody altered it."""

import sys
from dataclasses import asdict

import click
from sqlalchemy import select

from admin.commands.edge import REFUSED, answer, answers, find_office, open_database, operator
from audit import chain, verbs
from audit.models import AuditEntry
from tenant.unscoped import Reason, across_offices


@click.group("audit", help="审计记录。")
def group() -> None:
    """Hold the commands about the record."""


@group.command("list", help="列出审计记录，最近的在前。")
@click.option("--office", "office_code", help="只看这个管理处。")
@click.option("--verb", help="只看这个动作，如 owner.update。")
@click.option("--subject", help="只看这种对象，如 owner。")
@click.option("--limit", type=click.IntRange(1, 100000), default=100, show_default=True, help="最多列出多少条。")
@answers
def list_entries(*, office_code: str | None, verb: str | None, subject: str | None, limit: int, as_json: bool) -> None:
    """Print entries, newest first; reading them is itself on the record."""
    with open_database() as database:
        query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
        if office_code is not None:
            query = query.where(AuditEntry.office_id == find_office(database, office_code).id)
        if verb is not None:
            query = query.where(AuditEntry.verb == verb)
        if subject is not None:
            query = query.where(AuditEntry.subject_kind == subject)
        with across_offices(database, Reason.REVIEWING, operator()) as session:
            entries = session.scalars(query).all()
            session.commit()
    payload = [_describe(entry) for entry in entries]
    lines = [f"{entry.at:%Y-%m-%d %H:%M:%S}Z  {entry.actor_name}  {verbs.sentence(entry)}" for entry in entries]
    answer({"entries": payload}, as_json=as_json, sentence="\n".join(lines) or "没有审计记录。")


def _describe(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "office_id": entry.office_id,
        "actor_kind": entry.actor_kind.value,
        "actor": entry.actor_name,
        "verb": entry.verb,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "address": entry.address,
    }


@group.command("verify", help="验证审计记录未被改动；有问题时退出码为 1，并指出第一条有问题的记录。")
@answers
def verify(*, as_json: bool) -> None:
    """Seal what waits, then prove the chain; exit 1 names the first bad entry."""
    with open_database() as database, across_offices(database, Reason.REVIEWING, operator()) as session:
        while chain.seal(session):  # some thousands at a time
            session.commit()
        session.commit()
        found = chain.verify(session)
    payload = {
        "ok": found.ok,
        "entries": found.entries,
        "sealed": found.sealed,
        "first_bad": found.first_bad,
        "fault": asdict(found.fault) if found.fault else None,
        "heads": {str(office_id): asdict(head) for office_id, head in found.heads.items()},
    }
    sentence = f"审计记录完整：共 {found.entries} 条，已封存 {found.sealed} 条。"
    if not found.ok:
        sentence = f"审计记录被改动：第一处在记录 {found.first_bad}。请立即保全数据库并通知审计员。"
    answer(payload, as_json=as_json, sentence=sentence)
    if not found.ok:
        sys.exit(REFUSED)
