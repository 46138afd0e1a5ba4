"""Who has to see to a complaint gets a mail as soon as it is graded, and as soon as it is graded otherwise."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tasks.mail.compose import MailKind, compose
from tasks.mail.drafting import to_staff
from tasks.sweeps.drain import PATIENT, Pace, Run, drain
from tasks.sweeps.report import SweepReport
from tenant.db import Database
from tenant.models import DueAction
from tenant.rules.terms import Role
from tenant.scoping import ScopedSession
from tenant.services import mails, routing
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.services.routing import Routed
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

ASKED: Final = {
    Role.ASSISTANT: "马上处理，并向主任报告。",
    Role.DIRECTOR: "决定处理办法，落实由谁、在什么时候完成，并答复客户。",
    Role.GENERAL_MANAGER: "亲自处理，并答复客户。",
}
"""What who takes a complaint up is asked to do (A-C7)."""
INFORMED: Final = "知悉此事，督促处理，并向上报告。"
NOBODY_BELOW: Final = "指定人员处理：管理处目前没有可以通知的经办人。"
HARM: Final = "损害仍在继续，请先派人制止，再办理投诉。"


def run_routing(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
) -> SweepReport:
    """Tell of every grading due at ``at``, each once; of one office or of all (A-C7).

    ``settings`` None reads the environment. Run twice at the same instant it does nothing the second time.
    """
    run, stated = Run(database, at, office_id, pace), settings or Settings.from_environment()

    def effect(session: ScopedSession, action: DueAction) -> int | None:
        routed = routing.route(session, action)
        if routed is None:
            return None
        with across_offices(run.database, Reason.FINDING_RECIPIENTS, run.actor) as group_session:
            people = routing.recipients(group_session, routed, run.day_to_tell(routed.zone))
        return sum(mails.queue(session, draft(routed, person, stated)) is not None for person in people)

    return drain(run, routing.RULE, effect)


def draft(routed: Routed, person: Recipient, settings: Settings) -> MailDraft:
    """Return the mail that tells ``person`` what is complained of, how grave it is, what is asked, and where to act."""
    composed = compose(
        MailKind.ROUTING,
        {
            "about": routed.about or "未写明",
            "asked": _asked(routed, person.role),
            "content": routed.content,
            "demand": routed.demand or "未写明",
            "gravity": routed.gravity.label,
            "harm": HARM if routed.harm else "没有仍在继续的损害。",
            "link": f"{settings.base_url}/tickets/{routed.ticket_id}",
            "name": person.name,
            "number": routed.number,
            "office": routed.office_name,
            "place": routed.place or "公共区域",
            "received_at": f"{routed.received_at.astimezone(ZoneInfo(routed.zone)):%Y-%m-%d %H:%M}",
            "role": person.role.label,
            "source": routed.source,
            "why": routed.why or "登记时定级",
        },
    )
    return to_staff(
        person,
        composed,
        settings,
        office_id=routed.office_id,
        key=f"routing:{routed.ticket_id}:{routed.grading}",
        about=("ticket", routed.ticket_id),
    )


def _asked(routed: Routed, role: Role) -> str:
    if role is routed.tell[0]:
        return ASKED.get(role, INFORMED)
    return INFORMED if role in routed.tell else NOBODY_BELOW
