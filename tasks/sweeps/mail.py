"""Queued mails go out: claim → commit → send → mark, one at a time."""

import logging
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from audit.redaction import mask_address
from tasks.mail.message import BadAddress, build, read_sender
from tasks.mail.transport import Deferred, Rejected, Transport, TransportDown, Uncertain, transport_for
from tasks.sweeps.drain import PATIENT, PAUSE, Pace, Run, describe
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.db import Database
from tenant.models import Mail
from tenant.rules.terms import MailState
from tenant.scoping import Scope
from tenant.services import mails
from tenant.services.mails import MailClaim
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

SERVER_DOWN = timedelta(minutes=1)
"""How long a mail waits when the server could not be reached at all."""

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
    """Send every mail queued for ``at`` or earlier; of one office or of all, offices taking turns.

    ``due`` counts the mails taken up, ``done`` and ``mails`` those sent, ``dead`` those refused for good or left
    ``unknown``. ``settings`` None reads the environment; ``transport`` None is the one the settings ask for. A server
    that is down ends the run; the mails stay queued.
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
        self.transport = transport
        self.report = SweepReport(at=run.at)
        self.is_down = False

    def drain(self) -> SweepReport:
        """Send until nothing is queued, the time is up, or the server is down."""
        while not self._must_stop():
            waiting, is_held = self._look()
            for mail_id, office_id in waiting:
                if self._must_stop():
                    break
                self._send(mail_id, office_id)
            if not waiting:
                if not (is_held and self.run.pace.waits):
                    break
                time.sleep(PAUSE)
        return self.report

    def _must_stop(self) -> bool:
        return self.is_down or self.run.is_over()

    def _look(self) -> tuple[list[tuple[int, int]], bool]:
        """Return what waits, and whether another worker has a mail in hand; close what a dead one left."""
        run = self.run
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            left = mails.expire(session, office_id=run.office_id, repeatable=self.transport.repeatable)
            session.commit()
            waiting = mails.waiting(session, run.at, office_id=run.office_id)
            is_held = mails.in_flight(session, office_id=run.office_id)
        if not self.transport.repeatable:
            self.report.due += len(left)
            self.report.dead += len(left)
        return waiting, is_held

    def _send(self, mail_id: int, office_id: int) -> None:
        """Claim one mail, send it, mark it."""
        run, scope = self.run, Scope.of([office_id])
        with run.database.session(scope, run.actor) as session:
            claim = mails.claim(session, mail_id, office_id, self.transport.lease)
            mail = mails.claimed(session, claim) if claim is not None else None
            session.commit()
        if claim is not None and mail is not None:
            self.report.due += 1
            self._mark(claim, self._deliver(mail))

    def _deliver(self, mail: Mail) -> Verdict:
        """Hand one mail to the transport and return what is to be written on its row."""
        at = self.run.at
        try:
            self.transport.send(build(mail, self.sender, clock.now()))
        except TransportDown as error:
            self.is_down, reason = True, _masked(mail, str(error))
            log.warning("mail transport is down: %s", reason)
            return lambda row: mails.put_back_untried(row, at + SERVER_DOWN, reason)
        except Deferred as error:
            reason = _masked(mail, str(error))
            return lambda row: mails.put_back(row, at, reason)
        except (Rejected, BadAddress) as error:
            words = f"收件地址无效：{error}" if isinstance(error, BadAddress) else str(error)
            reason = _masked(mail, words)
            return lambda row: mails.mark_failed(row, reason)
        except Uncertain as error:
            reason = _masked(mail, str(error))
            return lambda row: mails.mark_unknown(row, reason)
        except Exception as error:
            log.exception("mail %s broke off", mail.id)
            reason = _masked(mail, describe(error))
            return lambda row: mails.mark_unknown(row, reason)
        return lambda row: mails.mark_sent(row, clock.now())

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


def _masked(mail: Mail, words: str) -> str:
    """Return ``words`` with the recipient's address masked: servers like to repeat the one they refuse (B-O5)."""
    spelled, masked = re.escape(mail.recipient_address), mask_address(mail.recipient_address)
    return re.sub(spelled, lambda _: masked, words, flags=re.IGNORECASE)
