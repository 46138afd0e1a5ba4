"""Clocks that have run out go up the line, and those up the line get a mail."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from tasks.mail.compose import MailKind, compose, show_minutes
from tasks.mail.drafting import to_staff
from tasks.sweeps.drain import PATIENT, Pace, Run, drain
from tasks.sweeps.report import SweepReport
from tenant.db import Database
from tenant.models import DueAction, Office
from tenant.rules.terms import ClockKind, MailClass, Role
from tenant.scoping import ScopedSession
from tenant.services import escalations, gathering, mail_times, mails
from tenant.services.escalations import Raised
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

ASKED = {
    Role.TECHNICIAN: "马上到场处理；不能到场，请立即告诉前台另派人员或与客户预约。",
    Role.FRONT_DESK: "马上办理，并把处理安排告诉客户。",
    Role.DEPARTMENT_HEAD: "马上签收，安排人员处理。",
    Role.ENGINEERING_ASSISTANT: "马上联系责任方，跟进处理。",
    Role.ASSISTANT: "马上处理，并向主任报告。",
    Role.SUPERVISOR: "督促办理，落实由谁、在什么时候完成。",
    Role.DIRECTOR: "过问此事，决定处理办法，并答复客户。",
    Role.GENERAL_MANAGER: "亲自处理，并答复客户。",
    Role.COMPANY_CENTRE: "督促管理处处置，跟进到办结。",
    Role.GROUP_CENTRE: "督促公司处置，必要时介入。",
}
"""What somebody in a role is asked to do when a matter reaches them (A-C7, A-O2, A-S5)."""


def run_escalations(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
) -> SweepReport:
    """Raise every escalation due at ``at``, level by level, each once; of one office or of all.

    ``settings`` None reads the environment. Run twice at the same instant it does nothing the second time.
    """
    run = Run(database, at, office_id, pace)
    return drain(run, escalations.RULE, _Telling(run, settings or Settings.from_environment()).escalate)


class _Telling:
    """The escalations of one run, and who hears of them: looked up once a run for each office and duty."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self.run = run
        self.settings = settings
        self.known: dict[tuple[object, ...], list[Recipient]] = {}
        self.office: Office | None = None  # held for the transaction: a session forgets rows that nobody holds

    def escalate(self, session: ScopedSession, action: DueAction) -> int | None:
        """Raise one level, queue a mail to each of those up the line, and note how many they are."""
        people = list[Recipient]()
        self.office = session.get_one(Office, action.office_id)

        def telling(raised: Raised) -> int:
            people.extend(self._people(session, raised))
            return len(people)

        raised = escalations.escalate(session, action, self.run.at, telling)
        if raised is None:
            return None
        queued = [mails.queue(session, self._draft(session, raised, person)) for person in people]
        return sum(mail is not None for mail in queued)

    def _draft(self, session: ScopedSession, raised: Raised, person: Recipient) -> MailDraft:
        held = gathering.gather_at(session, raised, person.address, self.run.at)
        return replace(draft(raised, person, self.settings), gather_at=held)

    def _people(self, session: ScopedSession, raised: Raised) -> list[Recipient]:
        """Return who is told: of what can wait, those who are there when the quiet hours end."""
        if raised.clock_kind is ClockKind.REGRADE:
            return []  # who must hear that a complaint is grave now hears it from run_routing, in words of its own
        at = self.run.told_at
        if raised.waits:
            at = mail_times.after_quiet_hours(session, raised.office_id, at)
        key = (raised.office_id, raised.tell, raised.above, raised.department_id, raised.technician_id, at)
        if key not in self.known:
            with across_offices(self.run.database, Reason.FINDING_RECIPIENTS, self.run.actor) as group:
                self.known[key] = escalations.recipients(group, raised, at)
        return self.known[key]


def draft(raised: Raised, person: Recipient, settings: Settings) -> MailDraft:
    """Return the mail that tells ``person`` what, where, how late, what is asked, and where to act."""
    zone = ZoneInfo(raised.zone)
    composed = compose(
        MailKind.ESCALATION,
        {
            "asked": ASKED.get(person.role, "请过问并督促办理。"),
            "clock": raised.clock_kind.label,
            "content": raised.content,
            "due_at": f"{raised.due_at.astimezone(zone):%Y-%m-%d %H:%M}",
            "late": show_minutes(raised.late_minutes),
            "level": str(raised.level),
            "link": f"{settings.base_url}/tickets/{raised.ticket_id}",
            "name": person.name,
            "number": raised.ticket_number,
            "office": raised.office_name,
            "place": raised.place or "公共区域",
            "role": person.role.label,
            "source": raised.source,
            "ticket_kind": raised.ticket_kind.label,
        },
    )
    return to_staff(
        person,
        composed,
        settings,
        office_id=raised.office_id,
        key=f"escalation:{raised.escalation_id}",
        about=(escalations.SUBJECT, raised.escalation_id),
        mail_class=MailClass.ESCALATION,
    )
