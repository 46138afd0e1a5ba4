"""Who would have been written to, had other limits held: looked up as a sweep would have, on the day itself."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tenant.calendars import local_day
from tenant.models import Absence, Office, Posting, Shift
from tenant.rules.replaying import Told
from tenant.rules.terms import ClockKind, TicketKind
from tenant.services import duties, escalations
from tenant.services.escalations import Raised
from tenant.services.pasts import Hands
from tenant.services.postings import Recipient


class Reached:
    """The people reached in one office; an answer holds for as long as nobody comes, goes, is away or is on duty.

    ``group_session`` sees every office: those up the line stand outside this one.
    """

    def __init__(self, group_session: Session, office: Office) -> None:
        self.session = group_session
        self.office = office
        self.shifts: Sequence[Shift] = duties.shifts(group_session, office.id)
        self.changes = _changes(group_session, office)
        self.known: dict[tuple[object, ...], Sequence[Recipient]] = {}

    def __call__(self, told: Told, hands: Hands) -> Sequence[Recipient]:
        """Return who would have been written to."""
        key = (told.tell, told.above, told.waits, hands.department_id, hands.technician_id, *self._when(told.at))
        if key not in self.known:
            self.known[key] = escalations.recipients(self.session, self._raised(told, hands), told.at)
        return self.known[key]

    def _when(self, at: datetime) -> tuple[object, ...]:
        """Return all of an instant that decides who is there: the stretch of days, and the shifts on duty by day."""
        zone = self.office.zone
        stretch = bisect_right(self.changes, local_day(at, zone))
        return stretch, *(duties.hours_of(shift).day_of(at, zone) for shift in self.shifts)

    def _raised(self, told: Told, hands: Hands) -> Raised:
        return Raised(
            escalation_id=0,
            office_id=self.office.id,
            office_name=self.office.name,
            zone=self.office.zone,
            ticket_id=0,
            ticket_number="",
            ticket_kind=TicketKind.REQUEST,
            clock_kind=ClockKind.PROMISED,
            level=told.level,
            tell=told.tell,
            above=told.above,
            due_at=told.at,
            raised_at=told.at,
            late_minutes=0,
            source="",
            content="",
            place=None,
            department_id=hands.department_id,
            technician_id=hands.technician_id,
            waits=told.waits,
        )


def _changes(group_session: Session, office: Office) -> list[date]:
    """Return the days on which a posting or an absence begins or has ended: between two of them nothing changes."""
    near = or_(Posting.office_id == office.id, Posting.office_id.is_(None))
    spans = [*group_session.execute(select(Posting.from_on, Posting.to_on).where(near))]
    spans += group_session.execute(select(Absence.from_on, Absence.to_on).where(Absence.office_id == office.id))
    begins = {begin for begin, _ in spans}
    return sorted(begins | {end + timedelta(days=1) for _, end in spans if end is not None})
