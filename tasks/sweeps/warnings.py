"""Whoever has a matter is told that a clock on it will run out, in time to do something about it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tasks.mail.compose import MailKind, compose, show_minutes
from tasks.mail.drafting import to_staff
from tasks.sweeps.drain import PATIENT, Pace, Run, drain
from tasks.sweeps.escalations import ASKED
from tasks.sweeps.report import SweepReport
from tenant.db import Database
from tenant.models import DueAction
from tenant.scoping import ScopedSession
from tenant.services import escalations, mails, warnings
from tenant.services.escalations import Raised
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices


def run_warnings(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
) -> SweepReport:
    """Warn of every clock that is to be warned of at ``at``, each once; of one office or of all.

    ``settings`` None reads the environment. Run twice at the same instant it does nothing the second time.
    """
    run = Run(database, at, office_id, pace)
    return drain(run, warnings.RULE, _Warning(run, settings or Settings.from_environment()).warn)


class _Warning:
    """The warnings of one run."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self.run = run
        self.settings = settings

    def warn(self, session: ScopedSession, action: DueAction) -> int | None:
        """Warn of one clock, and queue a mail to each of those who would be told first if it ran out."""
        raised = warnings.warn(session, action, self.run.at)
        if raised is None:
            return None
        with across_offices(self.run.database, Reason.FINDING_RECIPIENTS, self.run.actor) as group:
            people = escalations.recipients(group, raised, self.run.told_at)
        queued = [mails.queue(session, draft(raised, person, action, self.settings)) for person in people]
        return sum(mail is not None for mail in queued)


def draft(raised: Raised, person: Recipient, action: DueAction, settings: Settings) -> MailDraft:
    """Return the mail that tells ``person`` what will be due, where, how much time is left, and where to act."""
    zone = ZoneInfo(raised.zone)
    left = (raised.due_at - raised.raised_at) // timedelta(minutes=1)
    composed = compose(
        MailKind.WARNING,
        {
            "asked": ASKED.get(person.role, "请过问并督促办理。"),
            "clock": raised.clock_kind.label,
            "content": raised.content,
            "due_at": f"{raised.due_at.astimezone(zone):%Y-%m-%d %H:%M}",
            "left": show_minutes(left),
            "link": f"{settings.base_url}/tickets/{raised.ticket_id}",
            "name": person.name,
            "number": raised.ticket_number,
            "office": raised.office_name,
            "place": raised.place or "公共区域",
            "source": raised.source,
            "ticket_kind": raised.ticket_kind.label,
        },
    )
    return to_staff(
        person,
        composed,
        settings,
        office_id=raised.office_id,
        key=f"warning:{action.subject_id}",
        about=("ticket", raised.ticket_id),
    )
