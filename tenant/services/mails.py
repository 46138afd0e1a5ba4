"""Mails: queued with what they tell of, claimed one by one, marked with what became of them, decided on by people.

A mail is claimed in one transaction and marked in another, with the sending in between. A worker that dies while
sending leaves the mail in ``sending``; when its lease ends nobody can tell whether it went out, so it becomes
``unknown`` and waits for a person; a reminder is queued once more by itself. The same reason and recipient make no
second row. Which state may follow which, and in whose hand, says :mod:`tenant.rules.fates`.

Statements that carry ``PERMIT`` change rows of the machinery by key and state; what becomes of a mail is recorded.
"""

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, ScalarSelect, Select, Table, func, literal, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, undefer

from tenant import clock, journal
from tenant.errors import Refusal, WallBreach
from tenant.journal import Change, RecordedAct, recorder_of
from tenant.models import Office
from tenant.models.mails import Mail, MailGate
from tenant.rules.addresses import domain_of, shortened
from tenant.rules.fates import SETTLED, Hand, may, sends_itself_again
from tenant.rules.terms import MailClass, MailState
from tenant.scoping import PERMIT, scope_of
from tenant.services import mail_marks, mail_times
from tenant.services.lookups import find, written

BODY_KEPT = timedelta(days=90)
"""How long what a mail said is kept; then its digest alone."""
LINE, NAME = 200, 100
COUNTED = 10_000
"""So far :func:`pulse` counts; more are not told apart."""
GATE, GATE_LOCK = "group", 7_719_018
_BY_KEY: Final = {"execution_options": {**PERMIT, "synchronize_session": False}}

CAN_BE_DONE = {
    MailState.QUEUED: "它会按时发出；如果不应发出，请扣发。",
    MailState.SENDING: "它正在发送，请稍后刷新，看到结果后再办理。",
    MailState.SENT: "收件方的服务器已经接收，不需要再办理。",
    MailState.FAILED: "可以重新发送，或改用其他方式通知收件人。",
    MailState.UNKNOWN: "请先向收件人核实，再选择「确认已送达」或「重新发送」。",
    MailState.WITHHELD: "可以恢复发送。",
    MailState.BOUNCED: "请核对邮箱；可以重新发送，或改用其他方式通知收件人。",
    MailState.GATHERED: "它的内容已写进一封汇总邮件，请办理那一封。",
}


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A mail to be queued: why (``dedup_key``), to whom, what.

    ``html_body`` None for plain text alone; ``domain`` ends the Message-ID; ``not_before`` None for at once.
    ``gather_at`` lets it wait to be gathered from then on with others to the same person, None: it goes by itself.
    """

    office_id: int
    dedup_key: str
    mail_class: MailClass
    recipient_name: str
    recipient_address: str
    subject: str
    text_body: str
    subject_kind: str
    subject_id: int
    html_body: str | None = None
    domain: str = "wuguan.invalid"
    not_before: datetime | None = None
    gather_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MailClaim:
    """The right to send one mail until its lease ends."""

    id: int
    office_id: int
    token: str


@dataclass(frozen=True, slots=True)
class MailPulse:
    """How mail stands: the oldest that is due (None: none is), how many are, and how many there are in each state.

    Each number is exact up to ``COUNTED``, which means that many or more.
    """

    oldest_due_at: datetime | None
    waiting: int
    by_state: dict[MailState, int]


# ---- queued
def queue(session: Session, draft: MailDraft) -> Mail | None:
    """Queue a mail in the transaction of what it tells of; None when this reason and recipient have one already.

    Its Message-ID is given here, once and for ever. One to an owner that would be due in the office's quiet hours is
    due when they end. Raises WallBreach for an office outside the session's scope.
    """
    scope_of(session).require(draft.office_id)
    columns = {
        "office_id": draft.office_id,
        "dedup_key": draft.dedup_key,
        "message_id": f"<{uuid.uuid4().hex}@{draft.domain}>",
        "mail_class": draft.mail_class,
        "recipient_name": draft.recipient_name[:NAME],
        "recipient_address": shortened(draft.recipient_address),
        "domain": domain_of(draft.recipient_address),
        "subject": draft.subject[:LINE],
        "text_body": draft.text_body,
        "html_body": draft.html_body,
        "body_digest": digest_of(draft.text_body, draft.html_body),
        "subject_kind": draft.subject_kind,
        "subject_id": draft.subject_id,
    }
    statement = (
        insert(Mail)
        .values(**columns, state=MailState.QUEUED, **_due(session, draft))
        .on_conflict_do_nothing(index_elements=["office_id", "dedup_key"])
        .returning(Mail)
    )
    mail = session.scalar(statement, execution_options=PERMIT)
    if mail is not None:
        change = Change(subject_id=mail.id, office_id=mail.office_id, before=None, after=columns)
        recorder_of(session).record_changes(session, cast("Table", Mail.__table__), [change])
    return mail


def _due(session: Session, draft: MailDraft) -> dict[str, ColumnElement[Any]]:
    return mail_times.due(session, draft.mail_class, draft.office_id, draft.not_before, draft.gather_at)


def digest_of(text_body: str, html_body: str | None) -> str:
    """Return the SHA-256, in hex, of both forms of a body, by which it can be told again when it is gone.

    What is digested is the UTF-8 of the JSON array of both, ``["…","…"]`` or ``["…",null]``, without spaces and with
    nothing escaped that need not be.
    """
    canonical = json.dumps([text_body, html_body], ensure_ascii=False, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()


# ---- sent
def claim(
    session: Session, mail_id: int, office_id: int, lease: timedelta, *, at: datetime | None = None
) -> MailClaim | None:
    """Claim one mail that is due ``at``, None for whenever it is; the caller commits before sending.

    None when another worker was faster, also where it has put the mail off since it was seen, when a person held it
    back, or all mail is stopped: while the gate is being closed this waits, and afterwards claims nothing.
    """
    session.execute(select(func.pg_advisory_xact_lock_shared(GATE_LOCK)))
    token = str(uuid.uuid4())
    taking = (
        update(Mail)
        .where(Mail.office_id == office_id, Mail.id == mail_id, is_in(MailState.QUEUED), gate_is_open())
        .where(*([] if at is None else [Mail.not_before <= at]))
        .values(
            state=MailState.SENDING,
            claim_token=token,
            lease_until=func.now() + lease,
            attempts=Mail.attempts + 1,
            version=Mail.version + 1,
        )
        .returning(Mail.id)
    )
    taken = session.scalar(taking, **_BY_KEY)
    return None if taken is None else MailClaim(id=taken, office_id=office_id, token=token)


def claimed(session: Session, claim: MailClaim) -> Mail | None:
    """Return the claimed mail, locked; None when it is no longer ours to mark.

    A mail whose lease ended while we were sending is still ours as long as nobody decided on it or claimed it: we know
    what became of it.
    """
    statement = select(Mail).where(
        Mail.office_id == claim.office_id,
        Mail.id == claim.id,
        Mail.claim_token == claim.token,
        Mail.state.in_([MailState.SENDING, MailState.UNKNOWN, MailState.QUEUED]),
    )
    return session.scalars(statement.options(undefer("*")).with_for_update()).one_or_none()


def expire(
    session: Session, *, at: datetime | None = None, office_id: int | None = None, repeatable: bool = False
) -> list[int]:
    """Close what a dead worker left in ``sending``, and return the ids of those that wait for a person now.

    They become ``unknown``. Queued again are reminders, once each, and all of them where sending twice is the same as
    sending once (``repeatable``). ``session`` is one of ``across_offices``; ``at`` None is now.
    """
    ended = [is_in(MailState.SENDING), Mail.lease_until < func.now(), *of_office(office_id)]
    left = session.scalars(select(Mail).where(*ended).order_by(Mail.id).with_for_update(skip_locked=True)).all()
    for mail in left:
        if repeatable:
            mail_marks.settle(mail, MailState.QUEUED, None)
        elif sends_itself_again(mail.mail_class, mail.resends):
            mail_marks.once_more(mail, at or clock.now(), mail_marks.INTERRUPTED)
        else:
            # the token stays, here and above: should its worker live after all, it may still say what became of it
            mail_marks.turn(mail, MailState.UNKNOWN, Hand.SENDER)
            mail.last_error = mail_marks.INTERRUPTED
    session.flush()
    return [mail.id for mail in left if mail.state is MailState.UNKNOWN]


# ---- decided on by a person
def mark_delivered(session: Session, mail_id: int) -> Mail:
    """Record that a mail of unknown fate has arrived, as the recipient or the server's log says."""
    mail = _decided(session, mail_id, MailState.SENT, "登记为已送达", (MailState.UNKNOWN,))
    mail.sent_at, mail.last_error = clock.now(), None
    session.flush()
    return mail


def send_again(session: Session, mail_id: int) -> Mail:
    """Queue the same mail once more, under its Message-ID. Raises Refusal once its body is no longer kept."""
    states = (MailState.UNKNOWN, MailState.FAILED, MailState.BOUNCED, MailState.WITHHELD)
    mail = _decided(session, mail_id, MailState.QUEUED, "重新发送", states)
    mail.resends += 1
    _queue_now(session, mail)
    return mail


def withhold(session: Session, mail_id: int, reason: str) -> Mail:
    """Keep a queued mail back until somebody releases it. Raises Refusal without a reason, and once it is under way."""
    words = written(reason, field="reason", label="扣发原因", limit=journal.LONGEST_REASON)
    mail = _decided(session, mail_id, MailState.WITHHELD, "扣发", (MailState.QUEUED,))
    journal.because(session, words)
    mail.last_error = f"已扣发：{words}"
    session.flush()
    return mail


def release(session: Session, mail_id: int) -> Mail:
    """Queue a mail again that was kept back. Raises Refusal once its body is no longer kept."""
    mail = _decided(session, mail_id, MailState.QUEUED, "恢复发送", (MailState.WITHHELD,))
    _queue_now(session, mail)
    return mail


def _queue_now(session: Session, mail: Mail) -> None:
    mail.not_before = mail_times.heard(session, mail.mail_class, mail.office_id, clock.now())
    mail.attempts, mail.last_error, mail.bounced_at = 0, None, None
    session.flush()


def _decided(session: Session, mail_id: int, state: MailState, act: str, before: tuple[MailState, ...]) -> Mail:
    """Return the mail in its new state, locked and nobody's claim any more. Raises Refusal and NotFound."""
    mail = find(session, Mail, mail_id, field="mail", lock=True)
    if mail.state not in before or not may(Hand.PERSON, mail.state, state):
        raise Refusal(
            code="wrong_state",
            message=f"这封邮件现为「{mail.state.label}」，不能{act}。{CAN_BE_DONE[mail.state]}",
            field="state",
            value=mail.state.label,
        )
    if state is MailState.QUEUED and mail.text_body is None:
        raise Refusal(
            code="body_cleared",
            message=(
                f"这封邮件的正文已过 {BODY_KEPT.days} 天的保存期，不能{act}。"
                "请打开它所说的单据重新通知，或改用电话联系收件人。"
            ),
            field="mail",
            value=str(mail_id),
        )
    mail_marks.turn(mail, state, Hand.PERSON)
    mail.claim_token, mail.lease_until = None, None
    return mail


# ---- the group's switch
def gate(session: Session) -> MailGate | None:
    """Return the group's switch; None, or without ``stopped_at``: mail goes out."""
    return session.scalars(select(MailGate).where(MailGate.name == GATE)).one_or_none()


def gate_is_open() -> ColumnElement[bool]:
    """Return the condition that mail may go out at all."""
    stopped = select(MailGate.id).where(MailGate.name == GATE, MailGate.stopped_at.is_not(None))
    return ~stopped.exists()


def stop_all(session: Session, reason: str) -> MailGate:
    """Stop all mail of the group; ``session`` is headquarters'. From its commit on no mail is begun.

    Raises Refusal without a reason, and when it is stopped already.
    """
    words = written(reason, field="reason", label="停发原因", limit=journal.LONGEST_REASON)
    held = _gate_to_turn(session)
    if held.stopped_at is not None:
        message = f"全部邮件已由{held.stopped_by}停发（{held.reason}）。要改原因，请先恢复发信，再重新停发。"
        raise Refusal(code="already_stopped", message=message, field="gate", value=held.reason)
    journal.because(session, words)
    held.stopped_at, held.reason, held.stopped_by = clock.now(), words, journal.actor_of(session).name[:NAME]
    session.flush()
    return held


def resume_all(session: Session) -> MailGate:
    """Let mail out again; what was queued meanwhile goes out. Raises Refusal when it is not stopped."""
    held = _gate_to_turn(session)
    if held.stopped_at is None:
        message = "邮件没有停发，正在正常发送。请刷新页面查看最新状态。"
        raise Refusal(code="not_stopped", message=message, field="gate")
    held.stopped_at, held.reason, held.stopped_by = None, None, None
    session.flush()
    return held


def _gate_to_turn(session: Session) -> MailGate:
    """Return the switch for a change: waits for the claims that are under way, and lets none begin until it ends."""
    if not scope_of(session).is_everywhere:
        message = "the switch of all mail is the group's: an office session may not turn it"
        raise WallBreach(message)
    session.execute(select(func.pg_advisory_xact_lock(GATE_LOCK)))
    statement = select(MailGate).where(MailGate.name == GATE).execution_options(populate_existing=True)
    held = session.scalars(statement).one_or_none()
    if held is None:
        held = MailGate(name=GATE)
        session.add(held)
        session.flush()
    return held


# ---- kept, and counted
def clear_bodies(session: Session, before: datetime, limit: int) -> int:
    """Clear the bodies of up to ``limit`` settled mails written before ``before``, and return how many that were.

    Their digests stay. ``session`` is one of ``across_offices``; the record of each office says which mails they were,
    never what they said.
    """
    old = [Mail.text_body.is_not(None), Mail.created_at < before, Mail.state.in_(SETTLED)]
    oldest = select(Mail.id, Mail.office_id).where(*old).order_by(Mail.created_at, Mail.id).limit(limit)
    cleared = defaultdict[int, list[int]](list)
    for row in session.execute(oldest.with_for_update(skip_locked=True)):
        cleared[row.office_id].append(row.id)
    for office_id, ids in cleared.items():
        these = [Mail.office_id == office_id, Mail.id.in_(ids)]
        bodies = select(Mail.id, Mail.text_body, Mail.html_body).where(*these, Mail.body_digest.is_(None))
        for mail_id, text_body, html_body in session.execute(bodies).all():  # written before digests were kept
            digest = digest_of(text_body or "", html_body)
            session.execute(update(Mail).where(*these, Mail.id == mail_id).values(body_digest=digest), **_BY_KEY)
        emptied = {"text_body": None, "html_body": None, "version": Mail.version + 1}
        session.execute(update(Mail).where(*these).values(emptied), **_BY_KEY)
        facts = {"mails": len(ids), "ids": ids, "before": before.isoformat()}
        journal.note(session, RecordedAct(verb="mail.bodies_cleared", office_id=office_id, facts=facts))
    return sum(map(len, cleared.values()))


def pulse(group_session: Session, at: datetime) -> MailPulse:
    """Return how mail stands at ``at``, by indexes alone; ``group_session`` sees every office."""
    due = select(Mail.not_before).where(is_in(MailState.QUEUED), Mail.not_before <= at)
    oldest = group_session.scalar(due.order_by(Mail.not_before).limit(1))
    counts = [_count(due.limit(COUNTED))]
    for state in MailState:  # office by office, because the index begins with the office
        here = select(Mail.id).where(Mail.office_id == Office.id, is_in(state)).limit(COUNTED).lateral()
        counts.append(_count(select(here.c.id).select_from(Office).join(here, true()).limit(COUNTED)))
    waiting, *by_state = group_session.execute(select(*counts)).one()
    return MailPulse(oldest, waiting, dict(zip(MailState, by_state, strict=True)))


def _count(rows: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows.subquery()).scalar_subquery()


def of_office(office_id: int | None) -> list[ColumnElement[bool]]:
    """Return the condition of one office; none where it is None."""
    return [] if office_id is None else [Mail.office_id == office_id]


def is_in(state: MailState) -> ColumnElement[bool]:
    """Return the condition with the state written out: a partial index serves no plan in which it is a parameter."""
    return Mail.state == literal(state, Mail.state.type, literal_execute=True)
