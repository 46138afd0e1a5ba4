"""A limit of the office's own, for tests of what stands in the tables' place."""

from datetime import date

from tenant.models import OfficeClockPolicy
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, TicketKind
from tenant.services import limit_drafts

TODAY = date(2026, 3, 2)
REPLY = {
    "ticket": TicketKind.REQUEST,
    "clock": ClockKind.FIRST_REPLY,
    "measure": ClockMeasure.MINUTES,
    "calendar": ClockCalendar.ALWAYS,
    "effective_on": TODAY,
    "why": "人手不足",
}


def own(session, house, **said):
    """Put a limit of the office into force."""
    row = OfficeClockPolicy(office_id=house.id, **REPLY | said)
    limit_drafts.check(session, row)
    session.add(row)
    session.flush()
    return limit_drafts.activate(session, OfficeClockPolicy, row.id)
