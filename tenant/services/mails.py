"""Mails: queued with what they tell of, claimed one by one, marked with what became of them.

``queued → sending → sent | failed | unknown``. A mail is claimed in one transaction and marked in another, with the
sending in between. A worker that dies while sending leaves the mail in ``sending``; when its lease ends nobody can tell
whether it went out, so it becomes ``unknown`` and waits for a person. The same reason and recipient make no second row.

Statements that carry ``PERMIT`` change rows of the machinery by key and state; what becomes of a mail is recorded.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Table, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, undefer

from tenant import clock
from tenant.journal import Change, recorder_of
from tenant.models.mails import Mail
from tenant.rules.terms import MailClass, MailState
from tenant.scoping import PERMIT, scope_of

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""How long a mail waits after each refusal that may pass; after the last one it has failed."""
LINE = 200


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A mail to be queued: why (``dedup_key``), to whom, what.

    ``html_body`` None for plain text alone; ``domain`` ends the Message-ID; ``not_before`` None for at once.
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


@dataclass(frozen=True, slots=True)
class MailClaim:
    """The right to send one mail until its lease ends."""

    id: int
    office_id: int
    token: str


def queue(session: Session, draft: MailDraft) -> Mail | None:
    """Queue a mail in the transaction of what it tells of; None when this reason and recipient have one already.

    Its Message-ID is given here, once and for ever. Raises WallBreach for an office outside the session's scope.
    """
    scope_of(session).require(draft.office_id)
    # a mail for now is due by the stated time and by the real one, so that no sweep at either passes it over
    at_once = func.least(func.now(), clock.now())
    columns = {
        "office_id": draft.office_id,
        "dedup_key": draft.dedup_key,
        "message_id": f"<{uuid.uuid4().hex}@{draft.domain}>",
        "mail_class": draft.mail_class,
        "recipient_name": draft.recipient_name,
        "recipient_address": draft.recipient_address,
        "subject": draft.subject[:LINE],
        "text_body": draft.text_body,
        "html_body": draft.html_body,
        "subject_kind": draft.subject_kind,
        "subject_id": draft.subject_id,
    }
    statement = (
        insert(Mail)
        .values(**columns, state=MailState.QUEUED, not_before=draft.not_before or at_once)
        .on_conflict_do_nothing(index_elements=["office_id", "dedup_key"])
        .returning(Mail)
    )
    mail = session.scalar(statement, execution_options=PERMIT)
    if mail is not None:
        change = Change(subject_id=mail.id, office_id=mail.office_id, before=None, after=columns)
        recorder_of(session).record_changes(session, cast("Table", Mail.__table__), [change])
    return mail


def waiting(
    session: Session,
    at: datetime,
    *,
    office_id: int | None = None,
    limit: int = 100,
) -> list[tuple[int, int]]:
    """Return id and office of mails that may be sent at ``at``, offices taking turns, the oldest of each first.

    ``session`` is one of ``across_offices``. Nothing is locked: each is claimed by itself.
    """
    turn = func.row_number().over(partition_by=Mail.office_id, order_by=Mail.id)
    due = [_is(MailState.QUEUED), Mail.not_before <= at]
    statement = select(Mail.id, Mail.office_id).where(*due, *_of_office(office_id))
    return [(row.id, row.office_id) for row in session.execute(statement.order_by(turn, Mail.id).limit(limit))]


def claim(session: Session, mail_id: int, office_id: int, lease: timedelta) -> MailClaim | None:
    """Claim one mail; the caller commits before sending. None when another worker was faster, or a person held it."""
    token = str(uuid.uuid4())
    taking = (
        update(Mail)
        .where(Mail.office_id == office_id, Mail.id == mail_id, Mail.state == MailState.QUEUED)
        .values(
            state=MailState.SENDING,
            claim_token=token,
            lease_until=func.now() + lease,
            attempts=Mail.attempts + 1,
            version=Mail.version + 1,
        )
        .returning(Mail.id)
    )
    taken = session.scalar(taking, execution_options={**PERMIT, "synchronize_session": False})
    return None if taken is None else MailClaim(id=taken, office_id=office_id, token=token)


def claimed(session: Session, claim: MailClaim) -> Mail | None:
    """Return the claimed mail, locked; None when it is no longer ours to mark.

    A mail whose lease ended while we were sending is still ours as long as nobody decided on it: we know what became
    of it.
    """
    statement = select(Mail).where(
        Mail.office_id == claim.office_id,
        Mail.id == claim.id,
        Mail.claim_token == claim.token,
        Mail.state.in_([MailState.SENDING, MailState.UNKNOWN]),
    )
    return session.scalars(statement.options(undefer("*")).with_for_update()).one_or_none()


def mark_sent(mail: Mail, at: datetime) -> None:
    """Mark a mail as taken over by the next server."""
    mail.state, mail.sent_at = MailState.SENT, at
    _release(mail, None)


def mark_failed(mail: Mail, error: str) -> None:
    """Mark a mail as refused for good."""
    mail.state = MailState.FAILED
    _release(mail, error)


def mark_unknown(mail: Mail, error: str) -> None:
    """Mark a mail as sent or not, nobody knows; a person decides, and it is never sent again by itself."""
    mail.state = MailState.UNKNOWN
    _release(mail, error)


def put_back(mail: Mail, at: datetime, error: str) -> None:
    """Queue a mail again after a refusal that may pass, later each time; after the last time it has failed."""
    if mail.attempts > len(RETRY_AFTER):
        mark_failed(mail, error)
        return
    mail.state, mail.not_before = MailState.QUEUED, at + RETRY_AFTER[max(mail.attempts, 1) - 1]
    _release(mail, error)


def put_back_untried(mail: Mail, at: datetime, error: str) -> None:
    """Queue a mail again that was never offered to a server: the attempt does not count against it."""
    mail.state, mail.not_before, mail.attempts = MailState.QUEUED, at, max(mail.attempts - 1, 0)
    _release(mail, error)


def expire(session: Session, *, office_id: int | None = None, repeatable: bool = False) -> list[int]:
    """Close what a dead worker left in ``sending``, and return the ids.

    They become ``unknown``; queued again only where sending twice is the same as sending once (``repeatable``).
    ``session`` is one of ``across_offices``.
    """
    ended = [_is(MailState.SENDING), Mail.lease_until < func.now(), *_of_office(office_id)]
    left = session.scalars(select(Mail).where(*ended).order_by(Mail.id).with_for_update(skip_locked=True)).all()
    for mail in left:
        if repeatable:
            mail.state = MailState.QUEUED
            _release(mail, None)
        else:
            # the token stays: should its worker be alive after all, it may still say what became of the mail
            mail.state, mail.last_error = MailState.UNKNOWN, "发送中断，不能确定是否已送达"
    session.flush()
    return [mail.id for mail in left]


def in_flight(session: Session, *, office_id: int | None = None) -> bool:
    """Tell whether a mail is being sent at this moment, or was when its worker died."""
    statement = select(Mail.id).where(_is(MailState.SENDING), *_of_office(office_id))
    return session.scalars(statement.limit(1)).first() is not None


def _of_office(office_id: int | None) -> list[ColumnElement[bool]]:
    return [] if office_id is None else [Mail.office_id == office_id]


def _is(state: MailState) -> ColumnElement[bool]:
    """Return the condition with the state written out: a partial index serves no plan in which it is a parameter."""
    return Mail.state == literal(state, Mail.state.type, literal_execute=True)


def _release(mail: Mail, error: str | None) -> None:
    mail.claim_token, mail.lease_until, mail.last_error = None, None, error
