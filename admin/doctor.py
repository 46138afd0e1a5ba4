"""The deployment examined: settings, database, schema, queue, mail, broker."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import func, select

from audit.capture import Capture
from tenant import clock, migrations
from tenant.db import Addresses, Database, locate
from tenant.errors import Refusal
from tenant.models import DueAction, Mail
from tenant.rules.terms import DueState, MailState
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

TOLERATED_LAG = timedelta(minutes=5)
DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``advice`` says what to do when it is not ``ok``, None where there is nothing to do."""

    name: str
    label: str
    ok: bool
    value: str
    advice: str | None = None


def examine() -> list[Finding]:
    """Look at everything that can be looked at; what cannot be reached is a finding, never an exception."""
    try:
        settings = Settings.from_environment()
    except Refusal as refusal:
        return [Finding("settings", "设置", ok=False, value=refusal.field or "", advice=refusal.message)]
    found = [Finding("settings", "设置", ok=True, value=str(settings.home))]
    found += _services(settings)
    try:
        addresses = locate(settings)
    except Refusal as refusal:
        return [*found, Finding("database", "数据库", ok=False, value="不可用", advice=refusal.message)]
    try:
        found += _database(addresses)
    finally:
        if addresses.server is not None:
            addresses.server.stop()
    return found


def _services(settings: Settings) -> Iterator[Finding]:
    places = (("broker", "消息队列", settings.broker_url), ("smtp", "发信服务器", settings.smtp_url))
    for name, label, url in places:
        if url is None:
            yield Finding(name, label, ok=True, value="内置")
            continue
        parts = urlsplit(url)
        place = (parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORTS[parts.scheme])
        try:
            socket.create_connection(place, timeout=3).close()
        except OSError as error:
            advice = f"{place[0]}:{place[1]} 没有应答（{error.strerror or error}）。请检查地址，并确认服务已启动。"
            yield Finding(name, label, ok=False, value=f"{place[0]}:{place[1]}", advice=advice)
        else:
            yield Finding(name, label, ok=True, value=f"{place[0]}:{place[1]}")


def _database(addresses: Addresses) -> list[Finding]:
    database = Database(addresses, Capture(), pool_size=1)
    try:
        database.check()
        revision, head = migrations.current(addresses), migrations.head()
        kind = "内置" if addresses.server is not None else f"{addresses.app.host}/{addresses.app.database}"
        found = [
            Finding("database", "数据库", ok=True, value=kind),
            Finding(
                "head",
                "结构版本",
                ok=revision == head,
                value=f"{revision or '空'}（程序 {head}）",
                advice="请运行 wuguan db upgrade。",
            ),
        ]
        return found if revision != head else [*found, *_clockwork(database)]
    except Refusal as refusal:
        return [Finding("database", "数据库", ok=False, value="不可用", advice=refusal.message)]
    finally:
        database.engine.dispose()


def _clockwork(database: Database) -> Iterator[Finding]:
    with across_offices(database, Reason.CLAIMING) as session:
        planned = func.greatest(DueAction.due_at, DueAction.created_at)  # a step of the ladder is planned when due
        oldest = session.scalar(select(func.min(planned)).where(DueAction.state == DueState.PENDING))
        dead = session.scalar(select(func.count(DueAction.id)).where(DueAction.state == DueState.DEAD)) or 0
        waiting = session.scalar(select(func.min(Mail.not_before)).where(Mail.state == MailState.QUEUED))
        unsure = (
            session.scalar(select(func.count(Mail.id)).where(Mail.state.in_([MailState.UNKNOWN, MailState.FAILED])))
            or 0
        )
    yield _lag("queue", "到期事项滞后", oldest, "请确认 wuguan worker（或 wuguan serve）正在运行。")
    yield Finding(
        "dead",
        "停止的到期事项",
        ok=dead == 0,
        value=str(dead),
        advice="请在「设置 → 到期事项」中查看原因，排除后告知系统管理员。",
    )
    yield _lag("mail_queue", "邮件滞后", waiting, "请确认 worker 正在运行、发信服务器可用。")
    yield Finding(
        "mail_trouble",
        "失败或结果不明的邮件",
        ok=unsure == 0,
        value=str(unsure),
        advice="请在「收件箱 → 发送异常」中逐封核对，需要时改用电话通知。",
    )


def _lag(name: str, label: str, oldest: datetime | None, advice: str) -> Finding:
    lag = max(clock.now() - oldest, timedelta()) if oldest is not None else timedelta()
    value = f"{int(lag.total_seconds())} 秒"
    return Finding(name, label, ok=lag <= TOLERATED_LAG, value=value, advice=advice)
