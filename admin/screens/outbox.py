"""发件箱: outgoing mail as it was written, whom it went to, what became of it, and what a person decides about it.

Mail is written by the clocks and never by hand. The words looked for come in a form that is posted: names of owners
stay out of addresses (B-O5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import defer

from admin import access, auth, formats
from admin.access import needs
from admin.references import parse_id
from admin.screens import figures, mail_deeds, mail_pages, workbench
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant.errors import NotFound, Refusal
from tenant.models import Mail
from tenant.rules.terms import Act, Area, MailClass, MailState
from tenant.services import mails

NOT_FOUND: Final = 404
PAGE: Final = 40
LONGEST: Final = 120
MOST_COUNTED: Final = 1000
"""States are counted up to here: who has more of them wants no exact number, and the page is not to wait for one."""
FILTERS: Final[dict[str, tuple[str, tuple[MailState, ...], str]]] = {
    "": ("全部", (), ""),
    "trouble": ("待处理", figures.TROUBLE, "red"),
    "waiting": ("待发送", (MailState.QUEUED, MailState.SENDING), ""),
    "sent": ("已发送", (MailState.SENT,), ""),
    "unknown": ("结果不明", (MailState.UNKNOWN,), "red"),
    "failed": ("发送失败", (MailState.FAILED,), "red"),
    "bounced": ("被退回", (MailState.BOUNCED,), "red"),
    "withheld": ("已扣发", (MailState.WITHHELD,), "amber"),
    "gathered": ("已并入汇总", (MailState.GATHERED,), ""),
}
"""The states a list can be narrowed to: key in the address → label, states, tone of its count."""
FRAMED: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
"""What a mail's own page may do when it is shown in a frame of ours: be looked at."""
screen = Blueprint("outbox", __name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list is narrowed to; every side empty or None is open. ``before`` is where the page begins."""

    state: str
    mail_class: str
    office_id: int | None
    before: int | None
    words: str

    def kept(self, **more: Any) -> dict[str, Any]:
        """Return the parts that may stand in an address: all but the words, which may name a person."""
        parts = {"state": self.state, "class": self.mail_class, "office": self.office_id, "before": self.before} | more
        return {name: value for name, value in parts.items() if value}

    def conditions(self, *, with_state: bool = True) -> Iterator[ColumnElement[bool]]:
        """Yield the condition of each side that is not open, but for the place the page begins at."""
        states = FILTERS[self.state][1]
        if with_state and states:
            yield Mail.state.in_(states)
        if self.mail_class:
            yield Mail.mail_class == MailClass(self.mail_class)
        if self.office_id is not None:
            yield Mail.office_id == self.office_id
        if self.words:
            columns = (Mail.recipient_name, Mail.subject, Mail.message_id)
            yield or_(*(column.icontains(self.words, autoescape=True) for column in columns))


@screen.route("/outbox/", methods=["GET", "POST"])
@needs(Act.VIEW, Area.MAILS)
def show() -> ResponseReturnValue:
    """List mails, the newest first, and show one beside the list; posted, only those with the words ``q`` in them."""
    asked = _asked()
    rows = _rows(asked)
    reading = _mail(request.values.get("mail"))
    following = rows[PAGE - 1][0].id if len(rows) > PAGE else None
    return render_template(
        "wuguan/outbox.html",
        asked=asked,
        lines=[mail_pages.line(mail, has_body=has_body) for mail, has_body in rows[:PAGE]],
        mail=mail_pages.page(reading) if reading else None,
        filters=_filters(asked),
        classes=list(MailClass),
        following=following,
        form=request.args.get("form", "html"),
        here=url_for(".show", **asked.kept()),
        newest=url_for(".show", **asked.kept(before=None)),
        deeds=mail_deeds.DEEDS,
        gate=gate_facts(),
        is_collected=current_app.extensions["wuguan.settings"].smtp_url is None,
    )


@screen.get("/mailbox/")
@needs(Act.VIEW, Area.MAILS)
def old_address() -> ResponseReturnValue:
    """Lead from the address of before, which stands in bookmarks, to the one of now."""
    asked: dict[str, Any] = {key: value for key, value in request.args.items() if key in {"state", "mail", "before"}}
    return redirect(url_for(".show", **asked))


@screen.get("/outbox/<int:mail_id>/body")
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


# ---- what a person decides
@screen.post("/outbox/<int:mail_id>/<deed>")
@needs(Act.ACT, Area.MAILS)
def decide(mail_id: int, deed: str) -> ResponseReturnValue:
    """Do one thing about one mail, and show it again."""
    found = mail_deeds.DEEDS.get(deed) or abort(NOT_FOUND)
    version, reason = parse_id(request.form.get("version")), request.form.get("reason", "")
    mail = mail_deeds.carry_out(session_at_hand(), found, mail_id, version, reason)
    flash(f"{found.done}：{mail_deeds.about(mail)}「{mail.subject}」。", "success")
    return redirect(auth.way_on(request.form.get("url")))


@screen.post("/outbox/chosen")
@needs(Act.ACT, Area.MAILS)
def decide_on_chosen() -> ResponseReturnValue:
    """Do one thing about every chosen mail; what cannot be done about one is said, and holds up no other."""
    deed = mail_deeds.DEEDS.get(request.form.get("action", "")) or abort(NOT_FOUND)
    session, done, refused = session_at_hand(), 0, []
    for mail_id, version in sorted(_chosen(), key=lambda chosen: chosen[0]):
        try:
            with session.begin_nested():
                mail_deeds.carry_out(session, deed, mail_id, version, request.form.get("reason", ""))
            done += 1
        except NotFound:
            refused.append("有邮件已不在列表中，没有办理。")
        except Refusal as refusal:
            refused.append(refusal.message)
    if done:
        flash(f"{deed.done}：{done} 封。", "success")
    for words in dict.fromkeys(refused):
        flash(words, "error")
    return redirect(auth.way_on(request.form.get("url")))


def _chosen() -> Iterator[tuple[int, int | None]]:
    """Yield id and version of the mails chosen in the list, a page of them at the most."""
    for spelled in request.form.getlist("rowid")[:PAGE]:
        number, _, version = spelled.partition(".")
        mail_id = parse_id(number)
        if mail_id is not None:
            yield mail_id, parse_id(version)


# ---- the group's switch
def may_switch() -> bool:
    """Tell whether the person may stop all mail: at headquarters, looking at the whole group."""
    person = access.identity()
    is_at_group = person is not None and person.is_headquarters and access.office_at_hand() is None
    return is_at_group and (access.may(Area.POLICY, Act.EDIT) or access.may(Area.SCHEDULE, Act.ACT))


@screen.post("/outbox/stop")
@needs(Act.VIEW, Area.MAILS)
def stop() -> ResponseReturnValue:
    """Stop all mail of the group; what is written from now on waits."""
    if not may_switch():
        access.refuse(Area.POLICY, Act.EDIT)
    mails.stop_all(session_at_hand(), request.form.get("reason", ""))
    flash("已停发全部邮件。恢复之前，各管理处的邮件照常写好、排队，但一封也不会发出。", "success")
    return redirect(url_for(".show"))


@screen.post("/outbox/resume")
@needs(Act.VIEW, Area.MAILS)
def resume() -> ResponseReturnValue:
    """Let mail out again."""
    if not may_switch():
        access.refuse(Area.POLICY, Act.EDIT)
    mails.resume_all(session_at_hand())
    flash("已恢复发信。停发期间排队的邮件将陆续发出。", "success")
    return redirect(url_for(".show"))


def gate_facts() -> dict[str, Any]:
    """Return how the group's switch stands, for everybody, and for who may turn it how many mails it is about."""
    gate = mails.gate(session_at_hand())
    is_stopped = gate is not None and gate.stopped_at is not None
    turns = may_switch()
    return {
        "is_stopped": is_stopped,
        "since": formats.written(gate.stopped_at, zone=access.zone_of(None)) if gate and is_stopped else "",
        "reason": gate.reason if gate else "",
        "by": gate.stopped_by if gate else "",
        "may_turn": turns,
        "waiting": _waiting() if turns else 0,
    }


def _waiting() -> int:
    """Return how many mails of the whole group wait to be sent."""
    queued = Mail.state == literal(MailState.QUEUED, Mail.state.type, literal_execute=True)  # for the partial index
    return session_at_hand().scalar(select(func.count()).select_from(Mail).where(queued)) or 0


# ---- reading
def _asked() -> Asked:
    """Return what the address and the form ask for; what makes no sense is left open."""
    asked, person = request.values, access.identity()
    office = person.office(parse_id(asked.get("office"))) if person and asked.get("office") else None
    return Asked(
        state=asked.get("state", "") if asked.get("state") in FILTERS else "",
        mail_class=asked.get("class", "") if asked.get("class") in {term.value for term in MailClass} else "",
        office_id=office.id if office and access.office_at_hand() is None else None,
        before=parse_id(asked.get("before")),
        words=request.form.get("q", "").replace("\x00", "").strip()[:LONGEST],
    )


def _rows(asked: Asked) -> list[tuple[Mail, bool]]:
    """Return a page of mails and one more, each with whether it still has a body."""
    has_body = Mail.text_body.is_not(None)
    statement = select(Mail, has_body).options(defer(Mail.text_body), defer(Mail.html_body)).where(*asked.conditions())
    if asked.before is not None:
        statement = statement.where(Mail.id < asked.before)
    found = session_at_hand().execute(statement.order_by(Mail.id.desc()).limit(PAGE + 1))
    return [(mail, bool(kept)) for mail, kept in found]


def _filters(asked: Asked) -> list[dict[str, Any]]:
    """Return the tabs, each with how many mails stand behind it; all of them are counted by nobody."""
    counts = _counts(asked)
    return [
        {
            "label": label,
            "url": url_for(".show", **asked.kept(state=key, before=None)),
            "is_here": key == asked.state,
            "count": min(sum(counts[state] for state in states), MOST_COUNTED),
            "is_counted": bool(states) and key != "sent",
            "tone": tone,
        }
        for key, (label, states, tone) in FILTERS.items()
    ]


def _counts(asked: Asked) -> dict[MailState, int]:
    """Return how many mails stand in each state, counted up to a bound, by the conditions of the list but the state."""
    narrowed = list(asked.conditions(with_state=False))
    states = [state for state in MailState if state is not MailState.SENT]
    each = []
    for state in states:
        some = select(Mail.id).where(Mail.state == state, _within_reach(), *narrowed).limit(MOST_COUNTED).subquery()
        each.append(select(func.count()).select_from(some).scalar_subquery())
    found = session_at_hand().execute(select(*each)).one()
    return dict(zip(states, found, strict=True)) | {MailState.SENT: 0}


def _within_reach() -> ColumnElement[bool]:
    """Return the condition of the offices the page is about; named, they let headquarters use the offices' index."""
    return Mail.office_id.in_([office.id for office in workbench.places()])


def count_for_persons() -> int:
    """Return how many mails wait for a person, for the navigation of every page."""
    some = select(Mail.id).where(Mail.state.in_(figures.TROUBLE), _within_reach()).limit(MOST_COUNTED).subquery()
    return session_at_hand().scalar(select(func.count()).select_from(some)) or 0


def _mail(spelled: str | None) -> Mail | None:
    number = parse_id(spelled) if spelled else None
    if number is None:
        return None
    return session_at_hand().scalar(select(Mail).where(Mail.id == number).execution_options(populate_existing=True))


SCREEN: Final = Screen(
    blueprint=screen,
    entries=(Entry("reports", "发件箱", "outbox.show", Area.MAILS, count=count_for_persons, order=80),),
)
