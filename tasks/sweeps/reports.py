"""Reports of offices are drawn when their period is over, and who waits for one hears of it (A-W15, A-C12)."""

import logging
from datetime import datetime
from typing import Final

from tasks.mail.compose import MailKind, compose
from tasks.mail.drafting import to_staff
from tasks.sweeps.drain import PATIENT, Pace, Run, drain
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.db import Database
from tenant.models import DueAction
from tenant.rules.terms import Role
from tenant.scoping import Scope, ScopedSession
from tenant.services import mails, reports
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.services.reports import DUE, LATE, SENT_BACK, SUBMITTED, Told
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

WHAT: Final = {DUE: "今天应报", LATE: "逾期未报", SUBMITTED: "已上报", SENT_BACK: "已退回"}
ASKED: Final = {
    DUE: "核对数据，写明原因和措施，今天上报。",
    LATE: "督促管理处立即上报。",
    SUBMITTED: "审阅；需要更正的，写明原因退回。",
    SENT_BACK: "按退回原因更正后重新上报。",
}
"""What is asked of who reads the mail."""
AT_THE_OFFICE: Final = "立即核对数据、写明原因和措施并上报。"


def run_reports(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
    drawing: bool = True,
) -> SweepReport:
    """Draw every report whose period was over at ``at``, and tell who waits for one, each once; of one office or all.

    ``drawing`` False tells only. ``settings`` None reads the environment. Run twice at the same instant it does nothing
    the second time.
    """
    run, stated = Run(database, at, office_id, pace), settings or Settings.from_environment()
    for drawing_office in run.offices() if drawing else ():
        _draw(run, drawing_office)

    def effect(session: ScopedSession, action: DueAction) -> int | None:
        told = reports.tell(session, action)
        if told is None:
            return None
        with across_offices(run.database, Reason.FINDING_RECIPIENTS, run.actor) as group_session:
            people = reports.recipients(group_session, told, run.day_to_tell(told.zone))
        return sum(mails.queue(session, draft(told, person, stated)) is not None for person in people)

    return drain(run, reports.RULE, effect)


def _draw(run: Run, office_id: int) -> None:
    """Draw for one office in one transaction; an error there is logged and the other offices go on."""
    try:
        with run.database.session(Scope.of([office_id]), run.actor) as session, clock.at(run.at):
            reports.draw(session, office_id, run.at)
            session.commit()
    except Exception:
        log.exception("reports of office %s could not be drawn", office_id)


def draft(told: Told, person: Recipient, settings: Settings) -> MailDraft:
    """Return the mail that says which report it is about, how it stands, what is asked, and where it is."""
    at_the_office = told.what == LATE and person.role is Role.DIRECTOR
    composed = compose(
        MailKind.REPORT,
        {
            "asked": AT_THE_OFFICE if at_the_office else ASKED[told.what],
            "due_on": told.due_on.isoformat(),
            "kind": told.kind.label,
            "link": f"{settings.base_url}/reports/details/?id={told.report_id}",
            "name": person.name,
            "number": told.number,
            "office": told.office_name,
            "period": f"{told.from_on} 至 {told.last_on}",
            "source": told.source,
            "what": WHAT[told.what],
            "why": told.why or "无",
        },
    )
    return to_staff(
        person,
        composed,
        settings,
        office_id=told.office_id,
        key=f"report:{told.report_id}:{told.what}:{told.cycle}",
        about=("report", told.report_id),
    )
