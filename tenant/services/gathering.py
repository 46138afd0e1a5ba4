"""One mail instead of a flood: what is not pressing waits, and goes out together with the rest to the same person.

Parts stay queued until they are gathered, in one transaction with the mail that lists them, under the lock of the
oldest one: who else comes for the same person meanwhile leaves them alone. A part that nobody gathers goes by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, literal, select
from sqlalchemy.orm import Session, aliased

from tenant.models import Clock, Escalation, Mail, Office, Ticket, Unit
from tenant.rules.addresses import shortened
from tenant.rules.fates import Hand
from tenant.rules.ladder import minutes_late
from tenant.rules.quiet import next_quarter
from tenant.rules.terms import MailClass, MailState, Role, TicketKind
from tenant.services import escalations, mail_marks, mail_times, mails

WITHIN: Final = timedelta(hours=1)
MOST: Final = 200
"""So many stand in one mail; more go into the next."""
SUBJECT: Final = "gathering"


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody of an office for whom something waits to be gathered."""

    office_id: int
    address: str


@dataclass(frozen=True, slots=True)
class Part:
    """One of what is gathered; ``late_minutes`` is now, ``is_done``: what was late was done or called off since."""

    mail: Mail
    ticket_id: int
    ticket_number: str
    ticket_kind: TicketKind
    clock: str
    content: str
    place: str | None
    due_at: datetime
    late_minutes: int
    level: int
    role: Role
    is_done: bool


# ---- held
def gather_at(session: Session, raised: escalations.Raised, address: str, at: datetime) -> datetime | None:
    """Return when what was raised ``at`` is to be gathered for ``address``, None when it goes out at once by itself.

    What presses always does. What can wait, waits in the quiet hours of the office until they end. To somebody who got
    as many mails of the kind within the hour as the office allows, the next ones are gathered every quarter.
    """
    if raised.presses:
        return None
    if raised.waits:
        heard = mail_times.after_quiet_hours(session, raised.office_id, at)
        if heard > at:
            return heard
    return next_quarter(at) if _has_enough(session, raised.office_id, address, at) else None


def _has_enough(session: Session, office_id: int, address: str, at: datetime) -> bool:
    """Tell whether the address got its fill within the hour before ``at``: read from the index, newest first.

    What is said to have been raised later than ``at`` was so before a clock was set back; of long after it, rehearsed.
    """
    most = session.get_one(Office, office_id).gather_after
    if most <= 0:
        return False
    statement = (
        select(Escalation.raised_at)
        .join(Mail, and_(Mail.subject_id == Escalation.id, Mail.office_id == Escalation.office_id))
        .where(*_escalations_to(office_id, address), Mail.subject_kind == escalations.SUBJECT, Mail.gather_at.is_(None))
        .order_by(Mail.id.desc())
        .offset(most - 1)
        .limit(1)
    )
    earliest = session.scalars(statement).one_or_none()
    return earliest is not None and abs(at - earliest) < WITHIN


# ---- gathered
def addressees(group_session: Session, at: datetime, office_id: int | None = None) -> list[Addressee]:
    """Return for whom something is to be gathered at ``at``, who waited longest first."""
    waiting = [mails.is_in(MailState.QUEUED), Mail.gather_at <= at, *mails.of_office(office_id)]
    statement = (
        select(Mail.office_id, Mail.recipient_address)
        .where(*waiting)
        .group_by(Mail.office_id, Mail.recipient_address)
        .order_by(func.min(Mail.gather_at), func.min(Mail.id))
    )
    return [Addressee(*row) for row in group_session.execute(statement)]


def take(session: Session, addressee: Addressee, at: datetime) -> list[Part]:
    """Return what waits for somebody to be gathered at ``at``, locked, the oldest first; empty when somebody is at it.

    The oldest one is the lock: two that gather for the same person at once never share it out among them.
    """
    waiting = [
        *_escalations_to(addressee.office_id, addressee.address),
        mails.is_in(MailState.QUEUED),
        Mail.gather_at <= at,
    ]
    first = session.scalar(select(func.min(Mail.id)).where(*waiting))
    holding = select(Mail.id).where(Mail.id == first, *waiting).with_for_update(skip_locked=True)
    if first is None or session.scalars(holding).one_or_none() is None:
        return []
    locking = select(Mail).where(*waiting).order_by(Mail.id).limit(MOST).with_for_update()
    parts = session.scalars(locking.execution_options(populate_existing=True)).all()
    facts = _facts(session, parts, at)
    return [facts[mail.id] for mail in parts if mail.id in facts]


def let_go(part: Part, at: datetime) -> None:
    """Let the only one that waits go out by itself."""
    part.mail.gather_at, part.mail.not_before = None, min(at, part.mail.not_before)


def gather(session: Session, parts: Sequence[Part], digest: mails.MailDraft) -> Mail | None:
    """Queue the mail that lists ``parts``, and close them with it; None when it was queued before, and nothing is done.

    In the transaction in which they were taken.
    """
    mail = mails.queue(session, digest)
    if mail is None:
        return None
    for part in parts:
        mail_marks.turn(part.mail, MailState.GATHERED, Hand.GATHERER)
        part.mail.gathered_into_id = mail.id
    session.flush()
    return mail


def _facts(session: Session, parts: Sequence[Mail], at: datetime) -> dict[int, Part]:
    """Return what each part is about, by its id, as it stands now."""
    about = aliased(Ticket)
    statement = (
        select(Escalation, Clock, about, Unit.number)
        .join(Clock, and_(Clock.id == Escalation.clock_id, Clock.office_id == Escalation.office_id))
        .join(about, and_(about.id == Escalation.ticket_id, about.office_id == Escalation.office_id))
        .outerjoin(Unit, and_(Unit.id == about.unit_id, Unit.office_id == about.office_id))
        .where(Escalation.id.in_([mail.subject_id for mail in parts]))
    )
    found = {row[0].id: row for row in session.execute(statement)}
    return {mail.id: _part(mail, *found[mail.subject_id], at) for mail in parts if mail.subject_id in found}


def _part(mail: Mail, raised: Escalation, clock: Clock, ticket: Ticket, unit: str | None, at: datetime) -> Part:
    return Part(
        mail=mail,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        ticket_kind=ticket.kind,
        clock=clock.kind.label,
        content=ticket.content,
        place=unit or ticket.location,
        due_at=clock.due_at,
        late_minutes=minutes_late(clock.due_at, at),
        level=raised.level,
        role=raised.role,
        is_done=clock.met_at is not None or clock.cancelled_at is not None or ticket.closed_at is not None,
    )


def _escalations_to(office_id: int, address: str) -> list[ColumnElement[bool]]:
    """Return the conditions of the index of mails to staff up the line, by whom they go to."""
    of_class = Mail.mail_class == literal(MailClass.ESCALATION, Mail.mail_class.type, literal_execute=True)
    return [Mail.office_id == office_id, Mail.recipient_address == shortened(address), of_class]
