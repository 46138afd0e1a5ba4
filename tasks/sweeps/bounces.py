"""Returned mail is read from its mailbox: what came back for good makes a mail bounced, the rest is noted."""

import logging
from collections import Counter
from contextlib import closing
from datetime import datetime

from tasks.mail.inbox import Inbox, InboxDown, Letter
from tasks.mail.returned import read
from tasks.sweeps.drain import PATIENT, Pace, Run
from tenant.db import Database
from tenant.journal import Actor
from tenant.scoping import Scope
from tenant.services import bounces
from tenant.services.bounces import Outcome, Returned
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

A_RUN = 200
"""So many messages are read in one run; the rest waits for the next."""


def run_bounces(database: Database, at: datetime, *, settings: Settings | None = None, pace: Pace = PATIENT) -> int:
    """Read what is new in the mailbox of returned mail, and return how many mails bounced.

    A message is marked as seen after what it says was committed: one that was read and not marked is read again, and
    says nothing new. Without a mailbox in the settings nothing is done; one that cannot be read is logged, and left to
    the next run.
    """
    stated = settings or Settings.from_environment()
    if stated.bounce_imap_url is None:
        return 0
    run, counted = Run(database, at, None, pace), Counter[str]()
    try:
        with closing(Inbox(stated.bounce_imap_url, ca_file=stated.smtp_ca_file)) as inbox:
            for letter in inbox.unseen(A_RUN):
                if run.is_over():
                    break
                _take(run, inbox, letter, counted)
    except InboxDown as error:
        log.warning("returned mail: %s", error)
    if counted:
        log.info("returned mail: %s", ", ".join(f"{number} {word}" for word, number in sorted(counted.items())))
    return counted[Outcome.BOUNCED.value]


def take(database: Database, returned: Returned, at: datetime, actor: Actor) -> Outcome:
    """Write down what was returned, in a transaction of its own in the office of the mail."""
    with across_offices(database, Reason.RETURNED, actor) as session:
        office_id = bounces.office_of(session, returned.message_id)
    if office_id is None:
        return Outcome.NOT_OURS
    with database.session(Scope.of([office_id]), actor) as session:
        outcome = bounces.take(session, returned, at)
        session.commit()
    return outcome


def _take(run: Run, inbox: Inbox, letter: Letter, counted: Counter[str]) -> None:
    """Deal with one message; what fails is logged and looked at again, and holds up no other."""
    try:
        found = read(letter.content, letter.received_at)
        outcomes = [take(run.database, returned, run.at, run.actor) for returned in found]
    except Exception:
        log.exception("message %s of the returned mail could not be dealt with", letter.uid)
        counted["failed"] += 1
        return
    counted.update(outcome.value for outcome in outcomes)
    counted["unread" if not found else "read"] += 1
    if Outcome.UNDER_WAY not in outcomes:
        inbox.done(letter)
