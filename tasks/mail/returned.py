"""Returned mail read: which mail of ours it is about, and whether it failed for good.

Servers that keep to RFC 3464 say it in a part of its own. Many do not: they write a letter, in whatever language, with
a code somewhere and the mail they could not deliver below it. What is read here was written by strangers: nothing in it
may raise, and nothing counts as a return that does not look like one.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from html import unescape
from typing import Any, Final

from audit.redaction import mask_address
from tasks.mail.message import one_line
from tenant.services.bounces import LONGEST_REASON, Returned

OUR_ID: Final = re.compile(r"<[0-9a-f]{32}@[A-Za-z0-9.-]{1,253}>")
ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
ENHANCED: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
PLAIN: Final = re.compile(
    r"(?:^|[:：(（\[]|\b(?:code|error|said|reply)|错误码|错误代码|返回|回复)[ \t]{0,8}([45])[0-7]\d(?=[ \t\-#,，)）])",
    re.IGNORECASE | re.MULTILINE,
)
"""A code alone counts only where a server's answer would stand: the mail below may speak of 450 yuan."""
TAG: Final = re.compile(r"<[^<>]{1,2000}>")
MACHINES: Final = re.compile(r"mailer-?daemon|post-?master|mail delivery|投递|退信|系统", re.IGNORECASE)
TITLES: Final = re.compile(
    r"undeliver|delivery.{0,20}(?:fail|status|delay|problem)|returned mail|failure notice|mail.{0,20}fail"
    r"|退信|退回|投递失败|发送失败|未能送达|无法送达|无法投递|投递状态|投递延迟",
    re.IGNORECASE,
)
FOR_GOOD: Final = re.compile(
    r"(?:收件人|收件账号|用户|账号|帐号|邮箱|地址|域名)[^。；\n]{0,12}(?:不存在|已停用|被停用|已注销|无效|错误)"
    r"|拒绝接收|被拒收|投递失败|无法投递|已被退回"
    r"|user unknown|unknown user|no such (?:user|recipient|mailbox|person)|does not exist"
    r"|mailbox (?:unavailable|not found)"
    r"|permanent(?:ly)? (?:fatal )?(?:error|failure)|address rejected|giving up|could not be delivered",
    re.IGNORECASE,
)
FOR_NOW: Final = re.compile(
    r"延迟|暂时|稍后|仍在尝试|继续尝试|will (?:be retried|keep trying|retry)|still trying|has been delayed"
    r"|not yet been delivered|do(?:es)? not need to resend|warning message only|temporar",
    re.IGNORECASE,
)
COPY: Final = re.compile(
    r"^[ \t>]*(?:-{2,}[^\n]{0,80}(?:copy|below|original|原)|(?:return-path|received|message-id|mime-version):[ \t])",
    re.IGNORECASE | re.MULTILINE,
)
"""Where a letter goes on with the mail it returns."""
ARRIVED: Final = frozenset({"delivered", "relayed", "expanded"})
ACTIONS: Final = ARRIVED | {"failed", "delayed"}
MOST_PARTS, MOST_TEXT = 60, 200_000


def read(content: bytes, received_at: datetime | None = None) -> list[Returned]:
    """Return what a message says of mails of ours, one for each mail; nothing for a message that is no return.

    ``received_at`` is when it came, None where nobody knows. Never raises, whatever the bytes are.
    """
    message = message_from_bytes(content)
    parts = list(_parts(message))
    reports = [report for part in parts for report in _reports(part)]
    if not reports and not _looks_returned(message):
        return []
    named = _ours(message, parts)
    if not named:
        return []
    text = _text(parts)
    said = [_of_report(report) for report in reports] or [_of_letter(message, text)]
    worst = max(said, key=lambda told: _weight(*told[:2]))
    status, action, reason = worst
    if action in ARRIVED:
        return []
    return [Returned(message_id, status, action, masked(reason), received_at) for message_id in named]


def masked(words: str) -> str:
    """Return what a server said, in one line of at most 300 letters, with every address in it masked (B-O5)."""
    return ADDRESS.sub(lambda found: mask_address(found.group()), one_line(words))[:LONGEST_REASON]


def _weight(status: str, action: str) -> int:
    """Order what is said of one mail: what failed for good before what is delayed, that before what arrived."""
    said = Returned("", status, action)
    return 2 if said.is_final else 1 if action == "delayed" or status.startswith("4") else 0


# ---- the standard
def _reports(part: Message) -> Iterator[Message]:
    """Yield the blocks about recipients of a delivery report."""
    if part.get_content_type() not in {"message/delivery-status", "message/global-delivery-status"}:
        return
    blocks = _below(part) or [message_from_bytes(_bytes(part))]
    for block in blocks[:MOST_PARTS]:
        if isinstance(block, Message) and any(_header(block, name) for name in ("Action", "Status", "Final-Recipient")):
            yield block


def _of_report(block: Message) -> tuple[str, str, str]:
    """Return status, action and reason of one recipient."""
    diagnosis = _header(block, "Diagnostic-Code").partition(";")[2].strip() or _header(block, "Diagnostic-Code")
    action = (_header(block, "Action").split() or [""])[0].lower()
    found = ENHANCED.search(_header(block, "Status")) or ENHANCED.search(diagnosis)
    return (found.group() if found else "", action if action in ACTIONS else "", diagnosis)


# ---- letters
def _looks_returned(message: Message) -> bool:
    """Tell whether a machine wrote it because a mail came back: by its sender and its title, not because it answers."""
    if _header(message, "Auto-Submitted").lower().startswith("auto-replied") or _header(message, "X-Autoreply"):
        return False
    if _header(message, "X-Failed-Recipients"):
        return True
    by_machine = MACHINES.search(_header(message, "From")) or _header(message, "Return-Path") == "<>"
    return bool(by_machine and TITLES.search(_header(message, "Subject")))


def _of_letter(message: Message, text: str) -> tuple[str, str, str]:
    """Return status, action and reason of a letter: by its code, else by its words; nothing where neither is clear."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    enhanced, plain = ENHANCED.search(text), PLAIN.search(text)
    for_now = FOR_NOW.search(_header(message, "Subject")) or FOR_NOW.search(text)
    told = enhanced or plain or FOR_GOOD.search(text) or for_now
    reason = next((line for line in lines if told and told.group() in line), lines[0] if lines else "")
    status = enhanced.group() if enhanced else f"{plain.group(1)}.0.0" if plain else ""
    if status:
        is_delayed = status.startswith("4") or (for_now is not None and not FOR_GOOD.search(text))
        return status, "delayed" if is_delayed else "failed" if status.startswith("5") else "", reason
    if for_now:
        return "", "delayed", reason
    return "", "failed" if FOR_GOOD.search(text) or _header(message, "X-Failed-Recipients") else "", reason


def _text(parts: list[Message]) -> str:
    """Return what the letter itself says, without the mail it returns."""
    texts = []
    for part in parts:
        kind = part.get_content_type()
        if kind in {"message/rfc822", "text/rfc822-headers"}:
            break
        if kind in {"text/plain", "text/html"}:
            told = _decoded(part)
            texts.append(unescape(TAG.sub(" ", told)) if kind == "text/html" else told)
    told = "\n".join(texts)[:MOST_TEXT]
    copy = COPY.search(told)
    return told[: copy.start()] if copy else told


# ---- whose mail
def _ours(message: Message, parts: list[Message]) -> list[str]:
    """Return the Message-IDs of ours it tells of: of the mail it brings back, else of what it answers, else in it."""
    brought = [_header(part, "Message-ID") for part in parts[1:] if part.get_content_type() != "text/rfc822-headers"]
    brought += [_decoded(part) for part in parts if part.get_content_type() == "text/rfc822-headers"]
    answered = [
        _header(message, "In-Reply-To"),
        _header(message, "References"),
        _header(message, "X-Original-Message-ID"),
    ]
    for places in (brought, answered, [_decoded(part) for part in parts if part.get_content_maintype() == "text"]):
        found = dict.fromkeys(name for place in places for name in OUR_ID.findall(unescape(place)[:MOST_TEXT]))
        if found:
            return list(found)[:MOST_PARTS]
    return []


# ---- reading what strangers wrote
def _parts(message: Message) -> Iterator[Message]:
    """Yield the message and what is in it, itself first; deep and long ones are cut."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        yield part
        waiting[:0] = [below for below in _below(part) if isinstance(below, Message)]


def _header(message: Message, name: str) -> str:
    """Return a header as text, empty where there is none; what cannot be decoded stands as it came."""
    raw: Any = message.get(name)
    if raw is None:
        return ""
    try:
        pieces = decode_header(raw)
    except ValueError:  # base64 that is none
        return str(raw)
    return "".join(_spelled(piece, charset) if isinstance(piece, bytes) else piece for piece, charset in pieces).strip()


def _decoded(part: Message) -> str:
    return _spelled(_bytes(part), _charset(part))[:MOST_TEXT]


def _below(part: Message) -> list[Any]:
    """Return the messages a part is made of, none where it is one piece."""
    return part.get_payload() if part.is_multipart() else []  # type: ignore[return-value]


def _bytes(part: Message) -> bytes:
    try:
        payload: Any = part.get_payload(decode=True)
    except (ValueError, LookupError):  # a charset or an encoding that nobody knows
        return b""
    return payload if isinstance(payload, bytes) else b""


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError):
        return None


def _spelled(raw: bytes, charset: str | None) -> str:
    """Decode by the charset stated, else as UTF-8, else as the charset of Chinese mail."""
    for name in (charset, "utf-8", "gb18030"):
        if name:
            try:
                return raw.decode(name)
            except (UnicodeError, LookupError, ValueError):
                continue
    return raw.decode("ascii", "replace")
