"""Is the program well: what monitors ask (``/healthz``, ``/readyz``), and what every page says when it is not.

All of it rests on one look at the clockwork, taken in a thread of its own and kept for a moment. Whoever asks waits for
it a little and no longer: a database that hangs makes no page slow.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue

from admin import access
from admin.access import ANYBODY, door
from tenant import migrations
from tenant.db import Database
from tenant.rules.terms import BeatKind
from tenant.services import health
from tenant.services.health import Health
from tenant.unscoped import Reason, across_offices

Seen = TypeVar("Seen")

FRESH: Final = 2.0
"""Seconds for which a look is good enough for monitors."""
FRESH_FOR_PAGES: Final = 10.0
PATIENCE: Final = 5.0
"""Seconds a monitor waits for the database."""
PATIENCE_OF_PAGES: Final = 0.25
FRESH_HEAD: Final = 30.0
UNAVAILABLE: Final = 503
MINUTES_TOLD: Final = 120
HOURS_TOLD: Final = 48

watching = Blueprint("watching", __name__)


class Kept(Generic[Seen]):
    """What was seen a moment ago, looked at again in a thread of its own when it is asked for and too old."""

    def __init__(self, look: Callable[[], Seen]) -> None:
        """Look with ``look``, which may be slow and may fail."""
        self._look = look
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._seen_at: float | None = None
        self._under_way: threading.Event | None = None

    def get(self, *, fresh: float, patience: float) -> Seen | None:
        """Return what was seen at most ``fresh`` seconds ago, waiting ``patience`` for a new look; None when it fails.

        However many ask, one looks.
        """
        with self._lock:
            if self._is_fresh(fresh):
                return self._seen
            if self._under_way is None:
                self._under_way = threading.Event()
                threading.Thread(target=self._renew, args=(self._under_way,), name="look", daemon=True).start()
            under_way = self._under_way
        under_way.wait(patience)
        with self._lock:
            return self._seen if self._is_fresh(fresh + patience) else None

    def _is_fresh(self, fresh: float) -> bool:
        return self._seen_at is not None and time.monotonic() - self._seen_at <= fresh

    def _renew(self, under_way: threading.Event) -> None:
        seen: Seen | None = None
        try:
            seen = self._look()
        except Exception:  # noqa: BLE001, S110 - what cannot be seen is None: whoever asks says so, and pages log their own
            pass
        finally:
            with self._lock:
                self._seen, self._seen_at, self._under_way = seen, time.monotonic(), None
            under_way.set()


class Watch:
    """One process's eye on the clockwork and the schema."""

    def __init__(self, database: Database) -> None:
        """Watch ``database``; nothing is asked yet."""
        self.database = database
        self.health: Kept[Health] = Kept(self._look)
        self.revision: Kept[str] = Kept(self._revision)
        self.head = migrations.head()

    def _look(self) -> Health:
        with across_offices(self.database, Reason.WATCHING) as session:
            return health.look(session)

    def _revision(self) -> str:
        return migrations.current(self.database.addresses) or ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the program can do its work, and the parts of it, without anything about a person, office or machine."""

    ok: bool
    parts: dict[str, Any]


def readiness(watch: Watch) -> Readiness:
    """Return whether database, schema and clockwork are as they should be."""
    seen = watch.health.get(fresh=FRESH, patience=PATIENCE)
    if seen is None:
        return Readiness(ok=False, parts={"ok": False, "database": {"ok": False}})
    found, head = watch.revision.get(fresh=FRESH_HEAD, patience=PATIENCE), watch.head
    ok = seen.ok and found == head
    parts = {
        "ok": ok,
        "database": {"ok": True},
        "head": {"ok": found == head, "database": found, "program": head},
        "clockwork": {
            "ok": seen.ok,
            "lateness_seconds": _seconds(seen.lateness),
            "waiting": {lag.rule: lag.waiting for lag in seen.lags},
            "unattended": list(seen.unattended),
            "dead": seen.dead,
        },
        "mail": {
            "oldest_queued_seconds": _seconds(seen.mail_lateness),
            "waiting": seen.mail.waiting,
            "stopped": seen.mail_stopped_at is not None,
        },
        "outbox": seen.outbox,
        "jobs": {"waiting": seen.jobs_waiting, "stuck": seen.jobs_stuck},
        "beats": [_beats_of(kind, seen) for kind in BeatKind if any(one.kind is kind for one in seen.processes)],
    }
    return Readiness(ok=ok, parts=parts)


def _beats_of(kind: BeatKind, seen: Health) -> dict[str, Any]:
    """Return what is known of all processes of a kind: how many live and are lost, the latest beat, the worst clock."""
    of_kind = [one for one in seen.processes if one.kind is kind]
    return {
        "kind": kind.value,
        "alive": sum(one.is_alive for one in of_kind),
        "lost": sum(one.is_lost for one in of_kind),
        "age_seconds": min(_seconds(one.age) for one in of_kind),
        "skew_ms": max((one.skew for one in of_kind if one.is_alive), key=abs, default=0),
    }


def _seconds(span: timedelta) -> float:
    return round(span.total_seconds(), 1)


# ---- the web
def install(application: Flask, database: Database) -> None:
    """Give ``application`` the two addresses for monitors, and its pages the bars that say what is late."""
    application.extensions["wuguan.watch"] = Watch(database)
    application.register_blueprint(watching)
    application.context_processor(lambda: {"warnings_of_clockwork": warnings_of_clockwork})


@watching.get("/healthz")
@door(ANYBODY)
def healthz() -> ResponseReturnValue:
    """Say that this process answers; the database is not asked."""
    return jsonify({"ok": True})


@watching.get("/readyz")
@door(ANYBODY)
def readyz() -> ResponseReturnValue:
    """Say whether the program can do its work: 200 or 503, with the parts."""
    found = readiness(current_app.extensions["wuguan.watch"])
    return jsonify(found.parts), 200 if found.ok else UNAVAILABLE


def warnings_of_clockwork() -> list[str]:
    """Return what every page of the signed-in says about the clockwork; empty when all is well, or nothing is known."""
    if access.identity() is None:
        return []
    watch: Watch = current_app.extensions["wuguan.watch"]
    seen = watch.health.get(fresh=FRESH_FOR_PAGES, patience=PATIENCE_OF_PAGES)
    return [] if seen is None else warnings_about(seen)


def warnings_about(seen: Health) -> list[str]:
    """Return the sentences for a state of the clockwork: nothing of it but how late it is, and that mail is stopped."""
    found = []
    if seen.lateness > health.TOLERATED:
        span = _in_words(seen.lateness)
        found.append(f"后台已延迟 {span}：到期事项和邮件会晚到。请告知系统管理员检查 wuguan worker。")
    elif seen.late:
        found.append("后台没有在运行：到期事项、邮件和导入会晚到。请告知系统管理员检查 wuguan worker。")
    if seen.mail_stopped_at is not None:
        found.append("集团已停止发信：新邮件都在排队，恢复发信后会自动发出。急事请改用电话通知。")
    return found


def _in_words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < MINUTES_TOLD:
        return f"{minutes} 分钟"
    hours = minutes // 60
    return f"{hours} 小时" if hours < HOURS_TOLD else f"{hours // 24} 天"
