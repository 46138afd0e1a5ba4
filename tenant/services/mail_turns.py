"""Whose turn it is: offices and domains each get theirs, and nobody is written to while they should be left alone.

A domain is written to at most so many times a minute, by all workers together: each mail to it takes the next slot of
one row, in the transaction of its claim. A mail whose domain has no slot is passed over and keeps no lease.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, literal, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenant.models import Office
from tenant.models.mails import Mail, MailDomain
from tenant.rules.terms import MailClass, MailState
from tenant.scoping import PERMIT
from tenant.services import mail_times, mails

A_TURN: Final = 10
"""So many mails of one office are looked at in one round."""
A_ROUND: Final = 100
EVERYWHERE: Final = "*"
"""The row that all mail waits for: no domain is called so."""
_NOW: Final = func.clock_timestamp()
"""Slots run on the database's clock, the one that all workers share; not on the time a sweep was asked for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that may be claimed."""

    id: int
    office_id: int
    domain: str
    mail_class: MailClass


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Whether a mail is ``waiting`` and may go out, and whether one is ``held``: being sent, or left by the dead."""

    waiting: bool
    held: bool


def outstanding(session: Session, at: datetime, *, office_id: int | None = None) -> Outstanding:
    """Tell what there is to do at ``at``, by one indexed query; ``session`` is one of ``across_offices``."""
    here = mails.of_office(office_id)
    queued = select(Mail.id).where(mails.is_in(MailState.QUEUED), Mail.not_before <= at, *here)
    held = select(Mail.id).where(mails.is_in(MailState.SENDING), *here)
    row = session.execute(select(queued.exists() & mails.gate_is_open() & ~_rests(at), held.exists())).one()
    return Outstanding(waiting=row[0], held=row[1])


def waiting(session: Session, at: datetime, *, office_id: int | None = None, paced: bool = False) -> list[Waiting]:
    """Return mails that may be sent at ``at``, offices taking turns in no fixed order, the oldest of each first.

    ``paced``: without those whose domain has no slot at this moment. ``session`` is one of ``across_offices``. Nothing
    is locked: each is claimed by itself. None while all mail is stopped.
    """
    due = [mails.is_in(MailState.QUEUED), Mail.not_before <= at, Mail.office_id == Office.id]
    if paced:
        busy = select(MailDomain.domain).where(MailDomain.next_at > _NOW)
        due.append(Mail.domain.not_in(busy))
    turn = func.row_number().over(order_by=Mail.id).label("turn")
    columns = (Mail.id, Mail.office_id, Mail.domain, Mail.mail_class)
    heads = select(*columns, turn).where(*due).order_by(Mail.id).limit(A_TURN).lateral()
    statement = (
        select(heads.c.id, heads.c.office_id, heads.c.domain, heads.c.mail_class)
        .select_from(Office)
        .join(heads, true())
        .where(mails.gate_is_open())
        .order_by(heads.c.turn, func.random())
        .limit(A_ROUND)
    )
    if office_id is not None:
        statement = statement.where(Office.id == office_id)
    return [Waiting(*row) for row in session.execute(statement)]


def rest(session: Session, until: datetime) -> None:
    """Let all mail wait until then at least, in every worker; ``session`` is one of ``across_offices``."""
    statement = insert(MailDomain).values(domain=EVERYWHERE, next_at=until)
    later = statement.on_conflict_do_update(
        index_elements=["domain"], set_={"next_at": func.greatest(MailDomain.next_at, until)}
    )
    session.execute(later, execution_options=PERMIT)


def is_resting(session: Session, at: datetime) -> bool:
    """Tell whether all mail waits at ``at``; ``session`` is one of ``across_offices``."""
    return bool(session.scalar(select(_rests(at))))


def _rests(at: datetime) -> ColumnElement[bool]:
    return select(MailDomain.id).where(MailDomain.domain == EVERYWHERE, MailDomain.next_at > at).exists()


def put_off(session: Session, mail: Waiting, at: datetime) -> bool:
    """Put a mail to an owner off to the end of its office's quiet hours; tells whether it had to be.

    Asked again before each claim, for hours that were changed since it was queued and retries that fall into the night.
    No attempt is counted.
    """
    until = mail_times.heard(session, mail.mail_class, mail.office_id, at)
    if until == at:
        return False
    _defer(session, mail, not_before=until)
    return True


def set_aside(session: Session, mail: Waiting, until: datetime, error: str) -> None:
    """Let a mail wait that could not even be claimed, so that it holds up no other; the row says why."""
    _defer(session, mail, not_before=until, last_error=error)


def _defer(session: Session, mail: Waiting, **columns: object) -> None:
    row = [Mail.office_id == mail.office_id, Mail.id == mail.id, mails.is_in(MailState.QUEUED)]
    later = update(Mail).where(*row).values(**columns, version=Mail.version + 1)
    session.execute(later, execution_options={**PERMIT, "synchronize_session": False})


def take_slot(session: Session, domain: str, per_minute: int) -> bool:
    """Take the next slot of a domain; tells whether there was one now.

    ``per_minute`` holds where the domain has no number of its own. Slots are not saved up. The row stays locked until
    the caller commits, and a slot that was rolled back is free again. ``session`` is one of ``across_offices``.
    """
    own = func.greatest(func.coalesce(MailDomain.per_minute, per_minute), 1)
    first, following = (_NOW + func.make_interval(0, 0, 0, 0, 0, 0, 60.0 / rate) for rate in (literal(per_minute), own))
    statement = (
        insert(MailDomain)
        .values(domain=domain, next_at=first)
        .on_conflict_do_update(
            index_elements=["domain"],
            set_={"next_at": following},
            where=or_(MailDomain.next_at.is_(None), MailDomain.next_at <= _NOW),
        )
        .returning(MailDomain.id)
    )
    return session.scalar(statement, execution_options=PERMIT) is not None
