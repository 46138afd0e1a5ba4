"""The numbers given out one after another: tickets by kind and day, receipts for ever (A-W2, B-F9)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenant.calendars import local_day
from tenant.models import NumberSeries, Office
from tenant.rules.numbers import ticket_number
from tenant.rules.terms import TicketKind

RECEIPTS = "receipt"


def next_number(session: Session, office_id: int, series: str) -> int:
    """Return the next number of an office's series, 1 at first.

    The series stays locked until the transaction ends, so that numbers have no gap and no double: one taken in a
    transaction that is rolled back is given out again (B-F9).
    """
    row = hold(session, office_id, series)
    row.last += 1
    session.flush()
    return row.last


def hold(session: Session, office_id: int, series: str) -> NumberSeries:
    """Return an office's series, locked until the transaction ends: whoever else wants it waits.

    Work that must not run twice at once in an office holds a series of its own name without taking a number.
    """
    return _locked(session, office_id, series) or _begun(session, office_id, series)


def next_ticket_number(session: Session, office: Office, kind: TicketKind, at: datetime) -> str:
    """Return the next number of a ticket registered at ``at``: ``BS20261121-0007``, by the office's own day (A-W2)."""
    day = local_day(at, office.zone)
    return ticket_number(kind, day, next_number(session, office.id, f"{kind.value}-{day.isoformat()}"))


def _locked(session: Session, office_id: int, series: str) -> NumberSeries | None:
    statement = (
        select(NumberSeries)
        .where(NumberSeries.office_id == office_id, NumberSeries.series == series)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).one_or_none()


def _begun(session: Session, office_id: int, series: str) -> NumberSeries:
    """Begin the series; where somebody else began it meanwhile, wait for them and take theirs."""
    session.flush()
    try:
        with session.begin_nested():
            row = NumberSeries(office_id=office_id, series=series, last=0)
            session.add(row)
            session.flush()
        return row
    except IntegrityError:
        found = _locked(session, office_id, series)
        if found is None:
            raise
        return found
