"""What the outbox says of one mail: a line of the list, the page beside it, the story of what happened to it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from flask import url_for
from sqlalchemy import select

from admin import access, formats
from admin.screens import mail_deeds, wording, workbench
from admin.session import session_at_hand
from audit import timeline, verbs
from audit.models import AuditEntry
from audit.redaction import mask_address
from tenant import clock
from tenant.models import Mail
from tenant.rules.terms import Act, ActorKind, Area, MailState
from tenant.services import gathering

ADDRESS: Final = re.compile(r"[\w.+%-]+@[\w.-]+")
STORY: Final = 30
TOLD: Final[dict[tuple[str, bool], str]] = {
    ("queued", False): "稍后再发",
    ("sent", False): "发出",
    ("queued", True): "排入待发送",
    ("sent", True): "确认已送达",
    ("withheld", True): "扣发",
    ("failed", False): "发送失败",
    ("unknown", False): "发送结果不明",
    ("bounced", False): "收到退信",
    ("gathered", False): "并入汇总",
}
"""What a change of state is called in a mail's story, by the new state and whether a person made it."""


def line(mail: Mail, *, has_body: bool) -> dict[str, Any]:
    """Return one mail as a line of the list."""
    person = access.identity()
    office = person.office(mail.office_id) if person else None
    return {
        "id": mail.id,
        "key": f"{mail.id}.{mail.version}",
        "subject": mail.subject,
        "recipient": mail.recipient_name,
        "about": mail_deeds.about(mail),
        "office": office.name if office and access.office_at_hand() is None else "",
        "state": formats.badge(mail.state),
        "mail_class": mail.mail_class.label,
        "resends": mail.resends,
        "at": formats.shown(mail.sent_at or mail.created_at, zone=access.zone_of(mail.office_id)),
        "deeds": [deed.name for deed in mail_deeds.DEEDS.values() if deed.fits(mail.state, has_body=has_body)],
    }


def page(mail: Mail) -> dict[str, Any]:
    """Return one mail as it is read: what it says, what became of it, what can be done about it."""
    zone, has_body = access.zone_of(mail.office_id), mail.text_body is not None
    fitting = [deed for deed in mail_deeds.DEEDS.values() if deed.fits(mail.state, has_body=has_body)]
    waits = mail.state is MailState.QUEUED and mail.not_before > clock.now()
    return {
        "id": mail.id,
        "version": mail.version,
        "subject": mail.subject,
        "recipient": mail_deeds.about(mail),
        "state": formats.badge(mail.state),
        "advice": mail_deeds.ADVICE.get(mail.state, ""),
        "deeds": [(deed, deed.risk(mail.state)) for deed in fitting] if access.may(Area.MAILS, Act.ACT) else [],
        "times": [
            (label, formats.shown(instant, zone=zone))
            for label, instant in (
                ("写成时间", mail.created_at),
                ("等候汇总至", mail.gather_at if waits else None),
                ("最早发送时间", mail.not_before if waits else None),
                ("发送时间", mail.sent_at),
                ("退回时间", mail.bounced_at),
            )
            if instant is not None
        ],
        "mail_class": mail.mail_class.label,
        "attempts": mail.attempts,
        "resends": mail.resends,
        "error": without_addresses(mail.last_error or ""),
        "is_trouble": mail.state is not MailState.WITHHELD,
        "message_id": mail.message_id,
        "text": mail.text_body,
        "is_cleared": not has_body,
        "digest": mail.body_digest,
        "html": url_for("outbox.body", mail_id=mail.id) if mail.html_body else None,
        "about": _about(mail),
        "gathered_into": _beside(mail.gathered_into_id),
        "gathers": _gathered(mail),
        "record": wording.page_of("mail", mail.id) if access.may(Area.OWNERS, Act.REVEAL) else None,
        "story": [_told(entry, zone) for entry in timeline.of_record(session_at_hand(), "mail", mail.id, limit=STORY)],
    }


def without_addresses(text: str) -> str:
    """Return what a server answered with the addresses in it masked: it repeats them word for word (B-O5)."""
    return ADDRESS.sub(lambda found: mask_address(found.group()), text)


def _told(entry: AuditEntry, zone: str) -> dict[str, Any]:
    """Return one entry of a mail's story: who, when, what it became, and why."""
    state = str((entry.after or {}).get("state", ""))
    is_new, is_person = entry.verb == "mail.create", entry.actor_kind is ActorKind.PERSON
    title = "写成，排入待发送" if is_new else TOLD.get((state, is_person)) or verbs.verb_label(entry.verb)
    return {
        "at": formats.shown(entry.at, zone=zone),
        "actor": entry.actor_name,
        "title": title,
        "facts": [] if is_new else list(_differences(entry)),
        "reason": verbs.reason(entry.reason) if entry.reason else "",
    }


def _differences(entry: AuditEntry) -> Iterator[str]:
    """Yield what an entry changed that says something about the mail's fate."""
    before, after = entry.before or {}, entry.after or {}
    if "state" in after:
        yield " → ".join(verbs.shown("mail", "state", side["state"]) for side in (before, after) if "state" in side)
    if after.get("last_error"):
        yield without_addresses(str(after["last_error"]))


def _beside(mail_id: int | None) -> str | None:
    """Return the page of another mail, None for none."""
    return None if mail_id is None else url_for("outbox.show", mail=mail_id)


def _gathered(mail: Mail) -> list[tuple[str, str]]:
    """Return subject and page of each mail whose content stands in this one, the oldest first."""
    if mail.subject_kind != gathering.SUBJECT:
        return []
    parts = select(Mail.id, Mail.subject).where(Mail.office_id == mail.office_id, Mail.gathered_into_id == mail.id)
    found = session_at_hand().execute(parts.order_by(Mail.id)).all()
    return [(part.subject, url_for("outbox.show", mail=part.id)) for part in found]


def _about(mail: Mail) -> str | None:
    """Return the page of what the mail is about, None where there is none."""
    if mail.subject_kind == "ticket":
        return url_for("workbench.open_ticket", ticket_id=mail.subject_id) if workbench.selection().kinds else None
    return wording.page_of(mail.subject_kind, mail.subject_id)
