"""The loop under every sweep: claim → commit → re-check → effect, events, mails and settlement in one transaction.

Each effect runs in its own office's scope, as the clockwork, at the instant the sweep was asked for. A row that fails
is given back and passed over for the rest of the run, so that it holds up no other.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.calendars import local_day
from tenant.db import Database
from tenant.journal import CLOCKWORK, Actor
from tenant.models import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import Scope, ScopedSession
from tenant.services import clockwork
from tenant.services.clockwork import Claim, ClaimLost, Outstanding
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

PAUSE = 0.1
"""Seconds between two looks at what another worker still holds."""

Effect = Callable[[ScopedSession, DueAction], int | None]
"""Does one action in the session given, without committing, and returns how many mails it queued; None: pointless."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run goes on.

    ``waits``: it stays until what other workers hold is settled or given up, so that nothing due at its instant is left
    when it returns. ``seconds``: after so long it leaves the rest to the next run, None for no limit; when ``stop`` is
    set, at once. ``lease`` is how long a claim holds.
    """

    waits: bool = True
    seconds: float | None = None
    stop: threading.Event | None = None
    lease: timedelta = clockwork.LEASE


PATIENT = Pace()
"""The pace of a command: until all is done."""


@dataclass(slots=True)
class Run:
    """One run of a sweep: where, at what instant, for which office (None: all), at what pace."""

    database: Database
    at: datetime
    office_id: int | None
    pace: Pace
    actor: Actor = field(default_factory=lambda: replace(CLOCKWORK, request_id=uuid.uuid4().hex))
    begun_at: datetime = field(default_factory=clock.now)
    started: float = field(default_factory=time.monotonic)

    def day_to_tell(self, zone: str) -> date:
        """Return the day on which postings are asked who is to be told: that of the run's instant, or today if later.

        A run for an instant gone by tells those who are at their posts now: the mail goes out now.
        """
        return local_day(max(self.at, self.begun_at), zone)

    def is_over(self) -> bool:
        """Tell whether the time of this run is used up."""
        pace = self.pace
        is_late = pace.seconds is not None and time.monotonic() - self.started > pace.seconds
        return is_late or (pace.stop is not None and pace.stop.is_set())


def drain(run: Run, rule: str, effect: Effect) -> SweepReport:
    """Do everything of ``rule`` that is due, until nothing is; each once, whoever else is at it.

    An error of one action is logged and counted against it; an error of the database itself is raised.
    """
    return _Draining(run, rule, effect).until_done()


class _Draining:
    """One run over the actions of one rule."""

    def __init__(self, run: Run, rule: str, effect: Effect) -> None:
        self.run = run
        self.rule = rule
        self.effect = effect
        self.report = SweepReport(at=run.at)
        self.failed: set[int] = set()

    def until_done(self) -> SweepReport:
        """Take rounds until a round finds nothing, and nobody else has anything we wait for."""
        while not self.run.is_over():
            found = self._look()
            if not (found.waiting or found.held):
                break
            if self._round(suspects=False) + self._round(suspects=True):
                continue
            if not (found.held and self.run.pace.waits):
                break
            time.sleep(PAUSE)
        return self.report

    def _look(self) -> Outstanding:
        """Return whether there is anything to do; take back what a dead worker held."""
        run = self.run
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            found = clockwork.outstanding(session, self.rule, run.at, office_id=run.office_id)
            if found.held:
                died = clockwork.take_back(session, self.rule, office_id=run.office_id)
                self.report.due += len(died)
                self.report.dead += len(died)
            session.commit()
        return found

    def _round(self, *, suspects: bool) -> int:
        """Claim some actions, do each, and return how many that were."""
        run = self.run
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            claims = clockwork.claim(
                session,
                self.rule,
                run.at,
                office_id=run.office_id,
                lease=run.pace.lease,
                passing_over=self.failed,
                suspects=suspects,
            )
            session.commit()
        for claim in claims:
            self._attempt(claim)
        return len(claims)

    def _attempt(self, claim: Claim) -> None:
        """Do one action in one transaction, or give it back; a claim that was lost meanwhile is not ours to count."""
        run, mails = self.run, 0
        try:
            with run.database.session(Scope.of([claim.office_id]), run.actor) as session, clock.at(run.at):
                queued = self.effect(session, clockwork.claimed(session, claim))
                state = DueState.CANCELLED if queued is None else DueState.DONE
                clockwork.settle(session, claim, state)
                session.commit()
                mails = queued or 0
        except ClaimLost:
            return
        except Exception as error:
            log.exception("due action %s failed (attempt %s)", claim.id, claim.attempts)
            self.failed.add(claim.id)
            given_back = self._give_back(claim, describe(error))
            if given_back is None:
                return
            state = given_back
        self._count(state, mails)

    def _give_back(self, claim: Claim, error: str) -> DueState | None:
        """Return what became of a claim after an error, None when it was lost meanwhile."""
        with self.run.database.session(Scope.of([claim.office_id]), self.run.actor) as session:
            try:
                state = clockwork.fail(session, claim, error)
            except ClaimLost:
                return None
            session.commit()
            return state

    def _count(self, state: DueState, mails: int) -> None:
        self.report.due += 1
        self.report.mails += mails
        self.report.done += state is DueState.DONE
        self.report.cancelled += state is DueState.CANCELLED
        self.report.dead += state is DueState.DEAD


def describe(error: Exception) -> str:
    """Return an error in one line for the operator: its kind and first line, never the statement and its values."""
    cause: BaseException = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = (str(cause).strip().splitlines() or [""])[0]
    return f"{type(cause).__name__}: {first}"[:300]
