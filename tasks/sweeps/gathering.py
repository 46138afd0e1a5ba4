"""What waits to be gathered goes out in one mail to each person, exactly once, whoever else gathers."""

import logging
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tasks.mail.compose import Composed, MailKind, compose, show_minutes
from tasks.mail.message import read_sender
from tasks.sweeps.drain import PATIENT, Pace, Run
from tasks.sweeps.escalations import ASKED
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.db import Database
from tenant.models import Office
from tenant.rules.terms import MailClass
from tenant.scoping import Scope
from tenant.services import gathering
from tenant.services.gathering import Addressee, Part
from tenant.services.mails import MailDraft
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

CONTENT = 60
"""Letters of what it is about that stand in a line."""


def run_gathering(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
) -> SweepReport:
    """Gather what is to be gathered at ``at``, one mail for each person; of one office or of all.

    ``due`` counts the parts, ``done`` those that are in a mail now, ``mails`` these mails; a part that is the only one
    is let go by itself. Run twice at the same instant it does nothing the second time. A person with whom it fails is
    logged and passed over; what nobody gathers goes out by itself a little later.
    """
    run, report = Run(database, at, office_id, pace), SweepReport(at=at)
    stated = settings or Settings.from_environment()
    failed: set[Addressee] = set()
    while not run.is_over():
        with across_offices(database, Reason.CLAIMING, run.actor) as session:
            waiting = [one for one in gathering.addressees(session, at, office_id) if one not in failed]
        taken = sum(_gather(run, addressee, stated, report, failed) for addressee in waiting if not run.is_over())
        if not taken:
            break
    return report


def _gather(run: Run, addressee: Addressee, settings: Settings, report: SweepReport, failed: set[Addressee]) -> int:
    """Gather for one person in one transaction; returns how many parts were seen to."""
    try:
        with run.database.session(Scope.of([addressee.office_id]), run.actor) as session, clock.at(run.at):
            parts = gathering.take(session, addressee, run.at)
            mail = None
            if len(parts) == 1:
                gathering.let_go(parts[0], run.at)
            elif parts:
                office = session.get_one(Office, addressee.office_id)
                mail = gathering.gather(session, parts, draft(parts, office, settings))
            session.commit()
    except Exception:
        log.exception("what waits for somebody of office %s could not be gathered", addressee.office_id)
        failed.add(addressee)
        return 0
    report.due += len(parts)
    if mail is not None:
        report.done += len(parts)
        report.mails += 1
    return len(parts)


def draft(parts: Sequence[Part], office: Office, settings: Settings) -> MailDraft:
    """Return the mail that lists ``parts``: what is still to be done first, the latest of it on top (A-S5)."""
    first, done = parts[0].mail, sum(part.is_done for part in parts)
    sorted_parts = sorted(parts, key=lambda part: (part.is_done, -part.late_minutes, part.mail.id))
    composed = compose(
        MailKind.GATHERED,
        {
            "count": str(len(parts)),
            "done": str(done),
            "name": first.recipient_name,
            "office": office.name,
            "open": str(len(parts) - done),
        },
        [line(part, office.zone, settings) for part in sorted_parts],
    )
    return MailDraft(
        office_id=office.id,
        dedup_key=f"gathered:{first.id}",
        mail_class=MailClass.ESCALATION,
        recipient_name=first.recipient_name,
        recipient_address=first.recipient_address,
        subject=composed.subject,
        text_body=composed.text,
        html_body=composed.html,
        subject_kind=gathering.SUBJECT,
        subject_id=first.id,
        domain=read_sender(settings.mail_from).domain,
    )


def line(part: Part, zone: str, settings: Settings) -> Composed:
    """Return what the mail says of one part: what, where, how late, what is asked, and where to act."""
    content = part.content if len(part.content) <= CONTENT else f"{part.content[:CONTENT]}…"
    return compose(
        MailKind.GATHERED_LINE,
        {
            "asked": "其间已办，无需再办。" if part.is_done else f"请您：{ASKED.get(part.role, '过问并督促办理。')}",
            "clock": part.clock,
            "content": " ".join(content.split()),
            "due_at": f"{part.due_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}",
            "late": "已办" if part.is_done else f"已超时 {show_minutes(part.late_minutes)}",
            "link": f"{settings.base_url}/tickets/{part.ticket_id}",
            "mark": "【已办】" if part.is_done else "",
            "number": part.ticket_number,
            "place": part.place or "公共区域",
            "ticket_kind": part.ticket_kind.label,
        },
    )
