"""The deployment examined: settings, broker, mail servers, database, schema, clockwork, processes."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from audit.capture import Capture
from tasks import broker, schedule
from tasks.mail.inbox import Inbox, InboxDown
from tasks.mail.message import read_sender
from tasks.mail.transport import SmtpTransport, TransportDown
from tenant import clock, migrations
from tenant.db import Addresses, Database, locate
from tenant.errors import Refusal
from tenant.files import FileGone, StoreDown, new_key, open_store
from tenant.rules.terms import MailState
from tenant.services import health, holidays
from tenant.services.health import Health, Running
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

TOLERATED_MAIL_LAG = timedelta(minutes=5)
PATIENCE = 5.0
"""Seconds a mail server has for each of its answers."""
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


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
    """Yield what is to be said of the servers beside the database, and of the addresses we use ourselves."""
    fault = broker.fault(settings)
    where = "内置" if settings.broker_url is None else broker.place(settings.broker_url)
    yield Finding("broker", "消息队列", ok=fault is None, value=where, advice=fault)
    yield _files(settings)
    yield from _senders(settings)
    if settings.bounce_imap_url is not None:
        yield _bounces(settings)
    if settings.metrics_address is not None:
        yield _metrics(*settings.metrics_address)


def _files(settings: Settings) -> Finding:
    """Return whether the store of files takes one in, hands it out again and deletes it."""
    key, said = new_key(), b"wuguan doctor"
    place = "WUGUAN_FILES"
    try:
        store = open_store(settings)
        place = store.place
        store.put(key, said, "text/plain")
        is_same = b"".join(store.read(key)) == said
        store.remove(key)
    except (StoreDown, FileGone) as error:
        advice = (
            f"{error}附件暂不能上传和查看。请检查 WUGUAN_FILES、磁盘空间和权限，对象存储另查 AWS_ACCESS_KEY_ID 等密钥。"
        )
        return Finding("files", "附件存放处", ok=False, value=place, advice=advice)
    return Finding(
        "files",
        "附件存放处",
        ok=is_same,
        value=place,
        advice=None if is_same else "存进去的与取出来的不同。请更换存储。",
    )


def _senders(settings: Settings) -> Iterator[Finding]:
    """Yield what is to be said of the sender's address and of the server that takes our mail."""
    try:
        sender = read_sender(settings.mail_from)
    except Refusal as refusal:
        yield Finding("mail_from", "发件人", ok=False, value="不可用", advice=refusal.message)
        return
    is_invented = settings.smtp_url is not None and sender.domain.endswith(".invalid")
    yield Finding(
        "mail_from",
        "发件人",
        ok=not is_invented,
        value=sender.domain,
        advice="发件地址是虚构的，收件方会拒收。请用 WUGUAN_MAIL_FROM 写明本单位的发件人。" if is_invented else None,
    )
    if settings.smtp_url is None:
        yield Finding("smtp", "发信服务器", ok=True, value="内置")
        return
    parts = urlsplit(settings.smtp_url)
    where = f"{parts.hostname}:{parts.port or (465 if parts.scheme == 'smtps' else 25)}"
    try:
        is_private = _knock(settings, settings.smtp_url, sender.domain)
    except (TransportDown, Refusal) as error:
        yield Finding("smtp", "发信服务器", ok=False, value=where, advice=str(error))
        return
    yield Finding(
        "smtp",
        "发信服务器",
        ok=is_private or parts.hostname in LOCAL,
        value=f"{where}（{'已加密' if is_private else '未加密'}）",
        advice="邮件以明文经过网络。请让服务器支持 STARTTLS，或改用 smtps:// 地址。",
    )


def _knock(settings: Settings, url: str, hello: str) -> bool:
    """Connect, go over to TLS and log in as a sender does; tell whether the connection is private."""
    with closing(SmtpTransport(url, hello=hello, ca_file=settings.smtp_ca_file, reply_seconds=PATIENCE)) as transport:
        connection = transport._ready()  # noqa: SLF001 - all that a sender does before its first mail
        return isinstance(connection.sock, ssl.SSLSocket)


def _bounces(settings: Settings) -> Finding:
    """Return what is to be said of the mailbox for returned mail."""
    url = settings.bounce_imap_url or ""
    where = urlsplit(url).hostname or ""
    try:
        Inbox(url, ca_file=settings.smtp_ca_file).close()
    except (InboxDown, Refusal) as error:
        return Finding("bounces", "退信邮箱", ok=False, value=where, advice=str(error))
    return Finding("bounces", "退信邮箱", ok=True, value=where)


def _metrics(host: str, port: int) -> Finding:
    """Return what is to be said of the private address: figures are for nobody outside."""
    try:
        place = ipaddress.ip_address(host)
        is_open = place.is_unspecified or place.is_global
    except ValueError:
        is_open = False
    return Finding(
        "metrics",
        "指标地址",
        ok=not is_open,
        value=f"{host}:{port}",
        advice="指标没有口令保护。请把 WUGUAN_METRICS 设为 127.0.0.1 或内网地址，并用防火墙只让监控访问。",
    )


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
    """Yield what is to be said of the clockwork, by the same look that pages and monitors rest on."""
    with across_offices(database, Reason.WATCHING) as session:
        seen = health.look(session)
    yield _lag(
        "queue",
        "到期事项滞后",
        seen.lateness,
        health.TOLERATED,
        "请确认 wuguan worker（或 wuguan serve）正在运行；进程和时间表见「后台运行」/clockwork/。",
    )
    yield _count("dead", "停止的到期事项", seen.dead, "请在「后台运行」/clockwork/ 查看原因，排除后逐项重试或放弃。")
    yield _count(
        "jobs", "停滞的导入等任务", seen.jobs_stuck, "请确认有进程处理 imports 队列；详情见「后台运行」/clockwork/。"
    )
    yield _switched_off(database)
    yield _holidays(database)
    yield from _processes(seen)
    yield from _mails(seen)


def _switched_off(database: Database) -> Finding:
    """Return which entries of the timetable the group has switched off: nothing of them happens, however many work."""
    with across_offices(database, Reason.WATCHING) as session:
        lines = schedule.lines(session, clock.now())
    off = sorted({line.label for line in lines if line.office_id is None and not line.enabled})
    return Finding(
        "timetable",
        "停用的定时任务",
        ok=not off,
        value="、".join(off) or "没有",
        advice="停用的任务到点不会执行，积压会越来越多。请在「后台运行」/clockwork/ 重新启用，或确认确实要停。",
    )


def _holidays(database: Database) -> Finding:
    """Return which years lack an arrangement of holidays; next year's, not announced yet, is said and no fault."""
    today = clock.today(clock.DEFAULT_ZONE)
    with across_offices(database, Reason.WATCHING) as session:
        missing = holidays.unconfirmed(session, today)
    return Finding(
        "holidays",
        "节假日安排",
        ok=today.year not in missing,
        value="、".join(f"{year} 年尚未确认" for year in missing) or "已确认",
        advice="按工作日计的时限暂按周一至周五计算。请由集团在「节假日」/holidays 粘贴公布的日期并确认。",
    )


def _processes(seen: Health) -> Iterator[Finding]:
    """Yield what the beats tell: who is alive, who fell silent, whose clock is wrong."""
    living = [one for one in seen.processes if one.is_alive]
    missed = [one for one in seen.lost if not any((one.kind, one.host) == (other.kind, other.host) for other in living)]
    advice = None
    if seen.unattended:
        advice = (
            f"队列 {'、'.join(seen.unattended)} 有事要办却没有进程在办。请启动 wuguan worker，或检查它的 --queues。"
        )
    elif missed:
        advice = f"{_named(missed)} 没有正常停止就没了音信。请查看那台机器上的日志，并确认服务会自动重启。"
    value = "、".join(f"{one.kind.label} {one.host}:{one.pid}" for one in living) or "没有"
    yield Finding("beats", "运行中的进程", ok=advice is None, value=value, advice=advice)
    skewed = "、".join(f"{one.host} {one.skew / 1000:+.1f} 秒" for one in seen.skewed)
    yield Finding(
        "skew",
        "时钟偏差",
        ok=not seen.skewed,
        value=skewed or "正常",
        advice="机器时钟与数据库相差太多。请在该机器上启用 NTP 对时；到期时间以数据库为准，不会因此错过。",
    )


def _named(processes: list[Running]) -> str:
    return "、".join(sorted({f"{one.host} 上的{one.kind.label}" for one in processes}))


def _mails(seen: Health) -> Iterator[Finding]:
    """Yield what is to be said of mail: how late, what waits for a person, whether it is stopped."""
    advice = "请确认 worker 正在运行、发信服务器可用；详情见「发件箱」/outbox/。"
    yield _lag("mail_queue", "邮件滞后", seen.mail_lateness, TOLERATED_MAIL_LAG, advice)
    counts = {state: seen.mail.by_state.get(state, 0) for state in health.TROUBLED}
    told = "、".join(f"{state.label} {count}" for state, count in counts.items() if count)
    yield Finding(
        "mail_trouble",
        "等人处理的邮件",
        ok=not told,
        value=told or "0",
        advice="请在「发件箱」/outbox/ 中逐封核对，确认已送达、重发，或改用电话通知。",
    )
    yield Finding(
        "mail_gate",
        "发信总开关",
        ok=seen.mail_stopped_at is None,
        value="开" if seen.mail_stopped_at is None else f"已停发，{seen.mail.by_state.get(MailState.QUEUED, 0)} 封在等",
        advice="全部邮件已停发。查明后请由集团在「发件箱」/outbox/ 恢复发信。",
    )


def _lag(name: str, label: str, lag: timedelta, tolerated: timedelta, advice: str) -> Finding:
    return Finding(name, label, ok=lag <= tolerated, value=f"{int(lag.total_seconds())} 秒", advice=advice)


def _count(name: str, label: str, count: int, advice: str) -> Finding:
    return Finding(name, label, ok=count == 0, value=str(count), advice=advice)
