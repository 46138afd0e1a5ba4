"""收件箱: outgoing mail as it was written, whom it went to and what became of it; nothing can be sent from here."""

from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import defer

from admin import access, formats
from admin.access import needs
from admin.references import parse_id
from admin.screens import figures, wording, workbench
from admin.session import session_at_hand
from admin.site import Entry, Screen
from audit.redaction import mask_address
from tenant.models import Mail
from tenant.rules.terms import Act, Area, MailState

NOT_FOUND: Final = 404
PAGE: Final = 40
FILTERS: Final[dict[str, tuple[str, tuple[MailState, ...]]]] = {
    "": ("全部", ()),
    "waiting": ("待发送", (MailState.QUEUED, MailState.SENDING)),
    "sent": ("已发送", (MailState.SENT,)),
    "trouble": ("发送异常", figures.TROUBLE),
}
FRAMED: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
"""What a mail's own page may do when it is shown in a frame of ours: be looked at."""

screen = Blueprint("mailbox", __name__)


@screen.get("/mailbox/")
@needs(Act.VIEW, Area.MAILS)
def show() -> ResponseReturnValue:
    """List mails, the newest first, and show one of them beside the list."""
    chosen = request.args.get("state", "")
    before = parse_id(request.args.get("before"))
    rows = _rows(FILTERS.get(chosen, FILTERS[""])[1], before)
    reading = _mail(request.args.get("mail"))
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    kept: dict[str, Any] = {"state": chosen or None, "before": before}
    return render_template(
        "wuguan/mailbox.html",
        lines=[_line(mail, reading, kept) for mail in rows[:PAGE]],
        mail=_page(reading) if reading else None,
        filters=[(label, url_for(".show", state=key or None), key == chosen) for key, (label, _) in FILTERS.items()],
        following=url_for(".show", state=chosen or None, before=following) if following else None,
        newest=url_for(".show", state=chosen or None) if before else None,
        form=request.args.get("form", "html"),
        list_url=url_for(".show", **kept),
    )


@screen.get("/mailbox/<int:mail_id>/body")
@needs(Act.VIEW, Area.MAILS)
def body(mail_id: int) -> ResponseReturnValue:
    """Return a mail's own page, for the frame; it may load nothing and run nothing."""
    mail = _mail(str(mail_id))
    if mail is None or mail.html_body is None:
        abort(NOT_FOUND)
    answer = Response(mail.html_body, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = FRAMED
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _rows(states: tuple[MailState, ...], before: int | None) -> list[Mail]:
    bodies = defer(Mail.text_body), defer(Mail.html_body)
    statement = select(Mail).options(*bodies).order_by(Mail.id.desc()).limit(PAGE + 1)
    if states:
        statement = statement.where(Mail.state.in_(states))
    if before is not None:
        statement = statement.where(Mail.id < before)
    return list(session_at_hand().scalars(statement))


def _mail(spelled: str | None) -> Mail | None:
    number = parse_id(spelled) if spelled else None
    if number is None:
        return None
    return session_at_hand().scalar(select(Mail).where(Mail.id == number).execution_options(populate_existing=True))


def _line(mail: Mail, reading: Mail | None, kept: dict[str, Any]) -> dict[str, Any]:
    person = access.identity()
    office = person.office(mail.office_id) if person else None
    return {
        "url": url_for(".show", mail=mail.id, **kept),
        "subject": mail.subject,
        "recipient": mail.recipient_name,
        "office": office.name if office and access.office_at_hand() is None else "",
        "state": formats.badge(mail.state),
        "mail_class": mail.mail_class.label,
        "at": formats.shown(mail.sent_at or mail.created_at, zone=access.zone_of(mail.office_id)),
        "is_open": reading is not None and reading.id == mail.id,
    }


def _page(mail: Mail) -> dict[str, Any]:
    zone = access.zone_of(mail.office_id)
    return {
        "id": mail.id,
        "subject": mail.subject,
        "recipient": f"{mail.recipient_name} <{mask_address(mail.recipient_address)}>",
        "state": formats.badge(mail.state),
        "mail_class": mail.mail_class.label,
        "written": formats.shown(mail.created_at, zone=zone),
        "sent": formats.shown(mail.sent_at, zone=zone),
        "attempts": mail.attempts,
        "error": mail.last_error,
        "message_id": mail.message_id,
        "text": mail.text_body,
        "html": url_for(".body", mail_id=mail.id) if mail.html_body else None,
        "about": _about(mail),
    }


def _about(mail: Mail) -> str | None:
    """Return the page of what the mail is about, None where there is none."""
    if mail.subject_kind == "ticket":
        return url_for("workbench.open_ticket", ticket_id=mail.subject_id) if workbench.selection().kinds else None
    return wording.page_of(mail.subject_kind, mail.subject_id)


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("reports", "收件箱", "mailbox.show", Area.MAILS, order=80),))
