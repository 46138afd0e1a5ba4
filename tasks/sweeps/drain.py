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
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.db import Database
from tenant.journal import CLOCKWORK, Actor
from tenant.models import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import Scope, ScopedSession
from tenant.services import clockwork
from tenant.services.clockwork import Claim, ClaimLost
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
    started: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        """Tell whether the time of this run is used up."""
        pace = self.pace
        is_late = pace.seconds is not None and time.monotonic() - self.started > pace.seconds
        return is_late or (pace.stop is not None and pace.stop.is_set())


def drain(run: Run, rule: str, effect: Effect) -> SweepReport:
    """Do everything of ``rule`` that is due, until nothing is; each once, whoever else is at it.

    An error of one action is logged and counted against it; an error of the database itself is raised.
    """
    report, failed = SweepReport(at=run.at), set[int]()
    while not run.is_over():
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            died = clockwork.take_back(session, rule, office_id=run.office_id)
            claims = clockwork.claim(
                session, rule, run.at, office_id=run.office_id, lease=run.pace.lease, passing_over=failed
            )
            is_held = not claims and clockwork.held_elsewhere(session, rule, run.at, office_id=run.office_id)
            session.commit()
        report.due += len(died)
        report.dead += len(died)
        for claim in claims:
            _count(report, failed, claim, _attempt(run, claim, effect))
        if is_held and run.pace.waits:
            time.sleep(PAUSE)
        elif not claims:
            break
    return report


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one claim: ``state`` None when it was lost to another."""

    state: DueState | None
    mails: int = 0


def _attempt(run: Run, claim: Claim, effect: Effect) -> _Outcome:
    """Do one action in one transaction, or give it back."""
    try:
        with run.database.session(Scope.of([claim.office_id]), run.actor) as session, clock.at(run.at):
            mails = effect(session, clockwork.claimed(session, claim))
            state = DueState.CANCELLED if mails is None else DueState.DONE
            clockwork.settle(session, claim, state)
            session.commit()
            return _Outcome(state, mails or 0)
    except ClaimLost:
        return _Outcome(None)
    except Exception as error:
        log.exception("due action %s failed (attempt %s)", claim.id, claim.attempts)
        return _Outcome(_give_back(run, claim, describe(error)))


def _give_back(run: Run, claim: Claim, error: str) -> DueState | None:
    """Return what became of a claim after an error, None when it was lost meanwhile."""
    with run.database.session(Scope.of([claim.office_id]), run.actor) as session:
        try:
            state = clockwork.fail(session, claim, error)
        except ClaimLost:
            return None
        session.commit()
        return state


def _count(report: SweepReport, failed: set[int], claim: Claim, outcome: _Outcome) -> None:
    if outcome.state is None:
        return
    report.due += 1
    report.mails += outcome.mails
    if outcome.state is DueState.DONE:
        report.done += 1
    elif outcome.state is DueState.CANCELLED:
        report.cancelled += 1
    else:
        failed.add(claim.id)
        report.dead += outcome.state is DueState.DEAD


def describe(error: Exception) -> str:
    """Return an error in one line for the operator: its kind and first line, never the statement and its values."""
    cause: BaseException = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = (str(cause).strip().splitlines() or [""])[0]
    return f"{type(cause).__name__}: {first}"[:300]
