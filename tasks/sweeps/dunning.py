"""Owners in arrears are reminded, and what is the office's to do next is put before it."""

import logging
from datetime import datetime

from tasks.mail.compose import MailKind, compose
from tasks.mail.message import read_sender
from tasks.sweeps.drain import PATIENT, Pace, Run, drain
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.calendars import local_day
from tenant.db import Database
from tenant.models import DueAction
from tenant.money import show_money
from tenant.rules.terms import DunningLevel, MailClass
from tenant.scoping import Scope, ScopedSession
from tenant.services import dunning, mails, postings
from tenant.services.dunning import NoticeTaken
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

ASKED = {
    DunningLevel.LETTER: "书面知会法律顾问，由律师以特快专递发出律师函，并登记回执。",
    DunningLevel.SUIT: "备齐欠费明细和历次催缴记录，书面委托法律顾问起诉。",
    DunningLevel.WATCH: "留意该业主房屋的出售和产权变更，有变化及时登记。",
}
"""What the office is asked to do at each step that is not a reminder (B-F3, B-F4, B-F7)."""


def run_dunning(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    pace: Pace = PATIENT,
    planning: bool = True,
) -> SweepReport:
    """Plan every dunning step reached at ``at`` and take it, each once; of one office or of all.

    ``planning`` False takes only what was planned before: what a run that was cut short or killed has left.
    ``settings`` None reads the environment. Run twice at the same instant it does nothing the second time.
    """
    stated = settings or Settings.from_environment()
    run = Run(database, at, office_id, pace)
    for planning_office in run.offices() if planning else ():
        _plan(run, planning_office)

    def effect(session: ScopedSession, action: DueAction) -> int | None:
        taken = dunning.take_step(session, action, at)
        return None if taken is None else _tell(session, run, stated, taken)

    return drain(run, dunning.RULE, effect)


def _plan(run: Run, office_id: int) -> None:
    """Plan for one office in one transaction; an error there is logged and the other offices go on."""
    try:
        with run.database.session(Scope.of([office_id]), run.actor) as session, clock.at(run.at):
            dunning.plan_steps(session, office_id, run.at)
            session.commit()
    except Exception:
        log.exception("dunning steps of office %s could not be planned", office_id)


def _tell(session: ScopedSession, run: Run, settings: Settings, taken: NoticeTaken) -> int:
    """Queue the reminder to the owner, or the notice to those at the office who must act."""
    drafts = []
    if taken.owner_address is not None:
        drafts.append(reminder(taken, taken.owner_address, run.at, settings))
    if taken.tell:
        day, people = run.day_to_tell(taken.zone), dict[str, Recipient]()
        with across_offices(run.database, Reason.FINDING_RECIPIENTS, run.actor) as group_session:
            for role in taken.tell:
                found = postings.recipients(group_session, taken.office_id, role, day)
                people |= {person.address: person for person in found}
        drafts += [legal_step(taken, person, settings) for person in people.values()]
    return sum(mails.queue(session, draft) is not None for draft in drafts)


def reminder(taken: NoticeTaken, address: str, at: datetime, settings: Settings) -> MailDraft:
    """Return the reminder to an owner: what is owed first, how to pay, whom to call, what it may cost (B-F2)."""
    values = {
        "amount": show_money(taken.amount),
        "day": f"{local_day(at, taken.zone):%Y-%m-%d}",
        "late_fee": show_money(taken.late_fee),
        "name": taken.owner_name,
        "office": taken.office_name,
        "payment": "到管理处前台缴纳，或按缴费通知单上的账户转账，转账请注明房号。",
        "period": f"{taken.oldest_due_on:%Y-%m-%d} 起到期，共 {taken.charges} 笔",
        "phone": taken.office_phone or "请到管理处前台咨询",
    }
    return _draft(taken, MailKind.ARREARS_REMINDER, MailClass.REMINDER, (taken.owner_name, address), values, settings)


def legal_step(taken: NoticeTaken, person: Recipient, settings: Settings) -> MailDraft:
    """Return the notice to a member of staff that a letter, a suit or a watch waits for them (B-F3 to B-F5, B-F7)."""
    values = {
        "amount": show_money(taken.amount),
        "anchor_on": f"{taken.oldest_due_on:%Y-%m-%d}",
        "asked": ASKED.get(taken.level, "请按催缴方案办理。"),
        "late_fee": show_money(taken.late_fee),
        "link": f"{settings.base_url}/dunning_notices/details/?id={taken.notice_id}",
        "name": person.name,
        "office": taken.office_name,
        "owner": taken.owner_name,
        "reached_on": f"{taken.reached_on:%Y-%m-%d}",
        "sequence": str(taken.sequence),
        "source": taken.source,
        "step": taken.level.label,
    }
    return _draft(taken, MailKind.LEGAL_STEP, MailClass.NOTICE, (person.name, person.address), values, settings)


def _draft(
    taken: NoticeTaken,
    kind: MailKind,
    mail_class: MailClass,
    recipient: tuple[str, str],
    values: dict[str, str],
    settings: Settings,
) -> MailDraft:
    composed, (name, address) = compose(kind, values), recipient
    return MailDraft(
        office_id=taken.office_id,
        dedup_key=f"dunning:{taken.notice_id}:{address}"[:200],
        mail_class=mail_class,
        recipient_name=name,
        recipient_address=address,
        subject=composed.subject,
        text_body=composed.text,
        html_body=composed.html,
        subject_kind="dunning_notice",
        subject_id=taken.notice_id,
        domain=read_sender(settings.mail_from).domain,
    )
