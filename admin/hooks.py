"""What other programs call: a mail service reports returned mail, signed, without anybody being signed in.

``POST /hooks/bounces`` takes a JSON object: ``message_id``, ``status`` (as ``5.1.1``), ``at`` (when the report was
made, ISO 8601 with a zone), and, where known, ``action`` (``failed``, ``delayed``), ``recipient`` and ``reason``. The
header ``X-Wuguan-Signature`` is the HMAC-SHA256 of the body in hex, by ``WUGUAN_BOUNCE_SECRET``. Without a secret in
the settings there is no such address.
"""

import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from flask import Blueprint, Flask, abort, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from admin.access import ANYBODY, door
from admin.session import LONGEST_ADDRESS, database
from tasks.mail.returned import ACTIONS, ENHANCED, OUR_ID, masked
from tasks.sweeps.bounces import take
from tenant import clock
from tenant.errors import Refusal
from tenant.journal import Actor
from tenant.rules.terms import ActorKind
from tenant.services.bounces import Outcome, Returned

HEADER: Final = "X-Wuguan-Signature"
LARGEST_REPORT: Final = 16 * 1024
TOLERATED: Final = timedelta(minutes=10)
"""How old, or how far ahead of our clock, a report may be: an older one may have been overheard and sent again."""
UNSIGNED, UNREADABLE, LATER, NOT_FOUND, TOO_LARGE = 401, 400, 503, 404, 413

screen = Blueprint("hooks", __name__, url_prefix="/hooks")


def install(application: Flask) -> None:
    """Give ``application`` the addresses; after CSRFProtect, which must not ask these callers for a page's token."""
    application.register_blueprint(screen)
    application.extensions["csrf"].exempt(screen)


@screen.post("/bounces")
@door(ANYBODY)
def bounces() -> ResponseReturnValue:
    """Take one report of returned mail; the same report again changes nothing."""
    request.max_content_length = LARGEST_REPORT
    secret = current_app.extensions["wuguan.settings"].bounce_secret
    if not secret:
        abort(NOT_FOUND)
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        message = f"请求正文超过 {LARGEST_REPORT // 1024} KB。请缩短 reason 后重新提交。"
        return _refused(TOO_LARGE, "too_large", message)
    if not is_signed(body, request.headers.get(HEADER, ""), secret):
        return _refused(
            UNSIGNED, "bad_signature", f"签名不符。请用 WUGUAN_BOUNCE_SECRET 对请求正文签名，放在 {HEADER} 中。"
        )
    try:
        returned = read_report(body)
    except Refusal as refusal:
        return _refused(UNSIGNED if refusal.code == "stale" else UNREADABLE, refusal.code, refusal.message)
    outcome = take(database(), returned, clock.now(), _actor())
    if outcome is Outcome.UNDER_WAY:
        answer = jsonify({"outcome": outcome.value})
        answer.headers["Retry-After"] = "60"
        return answer, LATER
    return jsonify({"outcome": outcome.value})


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Tell whether ``signature`` is that of ``body``, taking the same time whatever is wrong with it."""
    expected = hmac.new(secret.encode(), body, sha256).hexdigest()
    given = signature.strip().lower().removeprefix("sha256=")
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def read_report(body: bytes) -> Returned:
    """Read a signed report. Raises Refusal naming the field that is wrong, ``stale`` for one that is too old."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refusal(code="bad_report", message="请求正文不是 JSON 对象。请按文档的格式提交。", field="body")
    fields = _Fields(said)
    at = fields.instant("at")
    if abs(clock.now() - at) > TOLERATED:
        minutes = int(TOLERATED.total_seconds()) // 60
        message = f"报告时间与当前时间相差超过 {minutes} 分钟。请校准时钟，并在生成报告后立即提交。"
        raise Refusal(code="stale", message=message, field="at", value=at.isoformat())
    return Returned(
        message_id=fields.text("message_id", OUR_ID, "本系统邮件的标识"),
        status=fields.text("status", ENHANCED, "形如 5.1.1 的状态码"),
        action=fields.text("action", re.compile("|".join(sorted(ACTIONS)) + "|"), "投递动作", needed=False),
        reason=masked(fields.text("reason", re.compile(r"(?s).*"), "原因", needed=False)),
        received_at=at,
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a report, each read or refused by name."""

    said: dict[str, Any]

    def text(self, name: str, shape: re.Pattern[str], what: str, *, needed: bool = True) -> str:
        """Return a text of this shape, empty where it is missing and not needed."""
        value = self.said.get(name)
        if value is None and not needed:
            return ""
        if isinstance(value, str) and shape.fullmatch(value):
            return value
        message = f"字段 {name} 应当是{what}。请更正后重新提交。"
        raise Refusal(code="bad_report", message=message, field=name, value=str(value)[:40])

    def instant(self, name: str) -> datetime:
        """Return an instant with its zone."""
        try:
            at = datetime.fromisoformat(str(self.said.get(name)))
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            message = f"字段 {name} 应当是带时区的时间，例如 2026-11-21T09:05:00+08:00。请更正后重新提交。"
            raise Refusal(code="bad_report", message=message, field=name, value=str(self.said.get(name))[:40])
        return at


def _actor() -> Actor:
    return Actor(
        kind=ActorKind.CLOCKWORK,
        name="退信通知",
        request_id=g.request_id,
        address=(request.remote_addr or "")[:LONGEST_ADDRESS] or None,
    )


def _refused(status: int, code: str, message: str) -> ResponseReturnValue:
    return jsonify({"error": {"code": code, "message": message}, "request": g.request_id}), status
