"""Who keeps the rota hears the day before which shifts nobody has: one mail a day and person (B-S1)."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from tasks.mail.compose import MailKind, compose
from tasks.mail.drafting import to_staff
from tasks.sweeps.drain import PATIENT, Pace, Run
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.calendars import local_day
from tenant.db import Database
from tenant.models import Office
from tenant.rules.terms import Role
from tenant.scoping import Scope
from tenant.services import duties, mails, postings
from tenant.services.duties import Watched
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

SUBJECT = "rota"
KEEPERS = (Role.SUPERVISOR, Role.DIRECTOR)
"""Who is told: the supervisor, where there is none the director."""


def run_gaps(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
) -> SweepReport:
    """Tell of the shifts of the day after ``at`` for which nobody comes, of one office or of all.

    ``due`` counts these shifts, ``mails`` the mails: run twice for a day it writes no second one. An office without
    shifts is never told anything, and one where it fails is logged and passed over.
    """
    run, report = Run(database, at, office_id, pace), SweepReport(at=at)
    stated = settings or Settings.from_environment()
    for place in run.offices():
        if run.is_over():
            break
        try:
            _tell(run, place, stated, report)
        except Exception:
            log.exception("the gaps of the rota of office %s could not be told", place)
    return report


def _tell(run: Run, office_id: int, settings: Settings, report: SweepReport) -> None:
    with run.database.session(Scope.of([office_id]), run.actor) as session, clock.at(run.at):
        office = session.get_one(Office, office_id)
        day = local_day(run.at, office.zone) + timedelta(days=1)
        gaps = duties.gaps(session, office, day, day)
        people = _keepers(run, office) if gaps else []
        queued = [mails.queue(session, draft(gaps, person, office, day, settings)) for person in people]
        session.commit()
    report.due += len(gaps)
    report.done += len(gaps) if any(queued) else 0
    report.mails += sum(mail is not None for mail in queued)


def _keepers(run: Run, office: Office) -> list[Recipient]:
    """Return who keeps the rota and is there today, substitutes in place of who is away."""
    day = local_day(run.told_at, office.zone)
    with across_offices(run.database, Reason.FINDING_RECIPIENTS, run.actor) as session:
        watch = duties.watch(session, office.id, run.told_at, office.zone)
        for role in KEEPERS:
            found = postings.recipients(session, office.id, role, day, watch)
            if found:
                return found
    return []


def draft(gaps: Sequence[Watched], person: Recipient, office: Office, day: date, settings: Settings) -> MailDraft:
    """Return the mail that tells ``person`` which shifts of ``day`` nobody has, and where to put somebody on them."""
    named = (f"{gap.shift.name}（{gap.shift.begins:%H:%M}—{gap.shift.ends:%H:%M}）" for gap in gaps)
    composed = compose(
        MailKind.DUTY_GAPS,
        {
            "count": str(len(gaps)),
            "day": day.isoformat(),
            "gaps": "、".join(named),
            "link": f"{settings.base_url}/rota?week={day}",
            "name": person.name,
            "office": office.name,
        },
    )
    return to_staff(
        person,
        composed,
        settings,
        office_id=office.id,
        key=f"rota:{day}",
        about=(SUBJECT, office.id),
    )
