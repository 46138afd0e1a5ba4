"""Queued mails go out: claim → commit → send → mark, one at a time."""

import logging
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from audit.redaction import mask_address
from tasks.mail.message import BadAddress, Bodiless, build, one_line, read_sender
from tasks.mail.transport import Deferred, Rejected, Transport, TransportDown, Uncertain, transport_for
from tasks.sweeps.drain import PATIENT, PAUSE, Pace, Run, describe
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.db import Database
from tenant.models import Mail
from tenant.rules.addresses import wire_address
from tenant.rules.terms import MailState
from tenant.scoping import Scope, ScopedSession
from tenant.services import mail_marks, mail_turns, mails
from tenant.services.mail_turns import Outstanding, Waiting
from tenant.services.mails import MailClaim
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

SERVER_DOWN = timedelta(minutes=1)
"""How long a mail waits when the server could not be reached at all."""

MOST_UNSURE = 5
"""So many fates in a row that nobody knows are the server's doing: what it is offered next would be unknown too."""
REST = timedelta(minutes=10)
"""How long all mail waits then."""

Verdict = Callable[[Mail], None]


def run_mail(
    database: Database,
    at: datetime,
    office_id: int | None = None,
    *,
    settings: Settings | None = None,
    transport: Transport | None = None,
    pace: Pace = PATIENT,
) -> SweepReport:
    """Send every mail queued for ``at`` or earlier; of one office or of all, offices and domains taking turns.

    ``due`` counts the mails taken up, ``done`` and ``mails`` those sent, ``dead`` those refused for good or left
    ``unknown``. ``settings`` None reads the environment; ``transport`` None is the one the settings ask for. A server
    that is down ends the run; the mails stay queued. So does the group's switch, and no mail to an owner goes out in
    the quiet hours of its office at ``at``. A server that takes the content and never answers, mail after mail, is left
    alone for ten minutes by all workers.
    """
    stated = settings or Settings.from_environment()
    run = Run(database, at, office_id, pace)
    with closing(transport_for(stated) if transport is None else transport) as carrier:
        return _Sending(run, stated, carrier).drain()


class _Sending:
    """One run over the queue with one transport."""

    def __init__(self, run: Run, settings: Settings, transport: Transport) -> None:
        self.run = run
        self.sender = read_sender(settings.mail_from)
        self.per_minute = settings.mail_per_minute
        self.transport = transport
        self.report = SweepReport(at=run.at)
        self.is_down = False
        self.unsure = 0
        """Mails in a row whose fate nobody knows."""
        self.full = set[str]()
        """Domains that had no slot when this round asked for one."""

    def drain(self) -> SweepReport:
        """Send until nothing is queued, the time is up, or the server is down."""
        while not self._must_stop():
            found, waiting = self._look()
            moved = 0
            for mail in waiting:
                if self._must_stop():
                    break
                moved += self._take_up(mail)
            if moved:
                continue
            if not (found.waiting or (found.held and self.run.pace.waits)):
                break
            time.sleep(PAUSE)  # for a slot of its domain, or for the worker that has it in hand
        return self.report

    def _must_stop(self) -> bool:
        return self.is_down or self.run.is_over()

    def _look(self) -> tuple[Outstanding, list[Waiting]]:
        """Return what there is to do and whose turn it is; close what a dead worker left."""
        run, left, waiting = self.run, list[int](), list[Waiting]()
        self.full.clear()
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            found = mail_turns.outstanding(session, run.at, office_id=run.office_id)
            if found.held:
                left = mails.expire(session, at=run.at, office_id=run.office_id, repeatable=self.transport.repeatable)
                session.commit()
            if found.held or found.waiting:
                waiting = mail_turns.waiting(session, run.at, office_id=run.office_id, paced=self.transport.paced)
        self.report.due += len(left)
        self.report.dead += len(left)
        return found, waiting

    def _take_up(self, mail: Waiting) -> bool:
        """Claim one mail, send it, mark it; tells whether anything became of it."""
        try:
            claim, moved = self._claim(mail)
        except Exception as error:
            log.exception("mail %s could not be claimed", mail.id)
            self._set_aside(mail, describe(error))
            return True
        if claim is not None:
            self._send(claim)
        return moved

    def _claim(self, mail: Waiting) -> tuple[MailClaim | None, bool]:
        """Return the claim, None where it is not this mail's turn; and whether its row has changed."""
        run = self.run
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            if mail_turns.put_off(session, mail, run.at):
                session.commit()
                return None, True
            if mail_turns.is_resting(session, run.at):
                self.is_down = True
                return None, False
            if not self._has_slot(session, mail.domain):
                return None, False
            claim = mails.claim(session, mail.id, mail.office_id, self.transport.lease, at=run.at)
            if claim is not None:  # else the slot goes back with the transaction
                session.commit()
        return claim, claim is not None

    def _has_slot(self, session: ScopedSession, domain: str) -> bool:
        if not self.transport.paced or not domain:
            return True
        if domain not in self.full and mail_turns.take_slot(session, domain, self.per_minute):
            return True
        self.full.add(domain)
        return False

    def _set_aside(self, mail: Waiting, error: str) -> None:
        with across_offices(self.run.database, Reason.CLAIMING, self.run.actor) as session:
            mail_turns.set_aside(session, mail, self.run.at + SERVER_DOWN, error)
            session.commit()

    def _send(self, claim: MailClaim) -> None:
        """Send a claimed mail and write down what became of it."""
        with self.run.database.session(Scope.of([claim.office_id]), self.run.actor) as session:
            mail = mails.claimed(session, claim)
            session.commit()
        if mail is not None:
            self.report.due += 1
            self._mark(claim, self._deliver(mail))
            if self.unsure >= MOST_UNSURE:
                self._rest()

    def _rest(self) -> None:
        """Let all workers leave a server alone that answers nothing; never until a day that is only rehearsed."""
        self.is_down = True
        until = min(self.run.at, clock.now()) + REST
        log.warning("the mail server left %s mails in a row unanswered: all mail waits for %s", self.unsure, REST)
        with across_offices(self.run.database, Reason.CLAIMING, self.run.actor) as session:
            mail_turns.rest(session, until)
            session.commit()

    def _deliver(self, mail: Mail) -> Verdict:
        """Hand one mail to the transport and return what is to be written on its row."""
        at, before = self.run.at, self.unsure
        self.unsure = 0
        try:
            self.transport.send(build(mail, self.sender, clock.now()))
        except TransportDown as error:
            self.is_down, reason = True, _masked(mail, str(error))
            log.warning("mail transport is down: %s", reason)
            return lambda row: mail_marks.put_back_untried(row, at + SERVER_DOWN, reason)
        except Deferred as error:
            reason = _masked(mail, str(error))
            return lambda row: mail_marks.put_back(row, at, reason)
        except (Rejected, BadAddress, Bodiless) as error:
            reason = _masked(mail, _why(error))
            return lambda row: mail_marks.mark_failed(row, reason)
        except Uncertain as error:
            self.unsure = before + 1
            reason = _masked(mail, str(error))
            return lambda row: mail_marks.mark_unknown(row, at, reason)
        except Exception as error:
            log.exception("mail %s broke off", mail.id)
            reason = _masked(mail, describe(error))
            return lambda row: mail_marks.mark_unknown(row, at, reason)
        return lambda row: mail_marks.mark_sent(row, clock.now())

    def _mark(self, claim: MailClaim, verdict: Verdict) -> None:
        """Write the verdict on the row, in a transaction of its own."""
        run = self.run
        with run.database.session(Scope.of([claim.office_id]), run.actor) as session:
            mail = mails.claimed(session, claim)
            if mail is None:
                return
            verdict(mail)
            session.commit()
        if mail.state is MailState.SENT:
            self.report.done += 1
            self.report.mails += 1
        elif mail.state is not MailState.QUEUED:
            self.report.dead += 1


def _why(error: Exception) -> str:
    """Return why a mail will never be sent, and the way out."""
    if isinstance(error, BadAddress):
        return f"收件地址无效：{error}。请更正收件人的邮箱，再重新通知，或改用电话。"
    if isinstance(error, Bodiless):
        return "正文已过保存期，无法发送。请打开它所说的单据重新通知，或改用电话。"
    return str(error)


def _masked(mail: Mail, words: str) -> str:
    """Return ``words`` in one line with the recipient's address masked: servers like to repeat it (B-O5)."""
    travelled = wire_address(mail.recipient_address) or mail.recipient_address
    for spelled in {mail.recipient_address, travelled}:
        masked = mask_address(spelled)
        words = re.sub(re.escape(spelled), lambda _, masked=masked: masked, words, flags=re.IGNORECASE)  # type: ignore[misc]
    return one_line(words)
