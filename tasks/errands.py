"""One errand of the clockwork: which number ties it together, for which office it is, who acts.

What a message says of offices is only a question: the office is looked up again. Who writes the log reads the number
and the office from :mod:`tenant.logs`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select

from tenant import logs
from tenant.db import Database
from tenant.journal import CLOCKWORK, Actor
from tenant.models import Office
from tenant.unscoped import Reason, across_offices

LONGEST_NUMBER = 32


class OfficeGone(Exception):
    """A message names an office that is not there, or no longer worked for: there is nothing to do."""


@contextmanager
def errand(database: Database, office_id: object, request_id: object = None) -> Iterator[None]:
    """Tie all that is done inside together by ``request_id``, a new number for None, in the office of the message.

    Raises OfficeGone for an id that is no office's, and for an archived one. None is every office.
    """
    office = None if office_id is None else _known_office(database, office_id)
    number = str(request_id)[:LONGEST_NUMBER] if request_id else uuid.uuid4().hex
    tied, placed = logs.correlation.set(number), logs.office.set(office)
    try:
        yield
    finally:
        logs.office.reset(placed)
        logs.correlation.reset(tied)


def clockwork() -> Actor:
    """Return the clockwork as it acts in the errand at hand; with a new number outside of one."""
    return replace(CLOCKWORK, request_id=logs.correlation.get() or uuid.uuid4().hex)


def _known_office(database: Database, office_id: object) -> int:
    if isinstance(office_id, bool) or not isinstance(office_id, int):
        raise OfficeGone(repr(office_id)[:50])
    with across_offices(database, Reason.CLAIMING) as session:
        known = session.scalar(select(Office.id).where(Office.id == office_id, Office.archived_at.is_(None)))
    if known is None:
        raise OfficeGone(office_id)
    return known
