"""Who would have been written to, had other limits held: looked up as a sweep would have, on the day itself."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from tenant.calendars import local_day
from tenant.models import Office, Shift
from tenant.rules.replaying import Told
from tenant.rules.terms import ClockKind, TicketKind
from tenant.services import duties, escalations
from tenant.services.escalations import Raised
from tenant.services.pasts import Hands
from tenant.services.postings import Recipient


class Reached:
    """The people reached in one office; each answer is looked up once for a day, and for the shifts on duty.

    ``group_session`` sees every office: those up the line stand outside this one.
    """

    def __init__(self, group_session: Session, office: Office) -> None:
        self.session = group_session
        self.office = office
        self.shifts: Sequence[Shift] = duties.shifts(group_session, office.id)
        self.known: dict[tuple[object, ...], Sequence[Recipient]] = {}

    def __call__(self, told: Told, hands: Hands) -> Sequence[Recipient]:
        """Return who would have been written to."""
        key = (told.tell, told.above, told.waits, hands.department_id, hands.technician_id, *self._when(told.at))
        if key not in self.known:
            self.known[key] = escalations.recipients(self.session, self._raised(told, hands), told.at)
        return self.known[key]

    def _when(self, at: datetime) -> tuple[object, ...]:
        """Return all of an instant that decides who is there: the day, and on which day the shifts on duty began."""
        zone = self.office.zone
        return local_day(at, zone), *(duties.hours_of(shift).day_of(at, zone) for shift in self.shifts)

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
