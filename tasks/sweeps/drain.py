"""The loop under every sweep: claim → commit → re-check → effect, events, mails and settlement in one transaction.

Each effect runs in its own office's scope, as the clockwork, at the instant the sweep was asked for. A row that fails
is given back and passed over for the rest of the run, so that it holds up no other; so does an office whose rows all
fail, and a row that cannot even be given back is left to its lease.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from tasks.errands import clockwork as clockwork_at_hand
from tasks.sweeps.report import SweepReport
from tenant import clock
from tenant.calendars import local_day
from tenant.db import Database
from tenant.journal import Actor
from tenant.models import DueAction, Office
from tenant.rules.terms import DueState
from tenant.scoping import Scope, ScopedSession
from tenant.services import clockwork
from tenant.services.clockwork import Claim, ClaimLost, Outstanding
from tenant.texts import storable
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(seconds=5)
"""How long an effect waits for what somebody else has locked: well within a lease, or worker after worker would."""
PAUSE = 0.1
"""Seconds between two looks at what another worker still holds."""

Effect = Callable[[ScopedSession, DueAction], int | None]
"""Does one action in the session given, without committing, and returns how many mails it queued; None: pointless.

The action is the row as it was claimed; it belongs to no session and is only read."""

Observer = Callable[[str, float | None, DueState], None]
"""Is told the rule, how many seconds late an action was attempted (not below 0), and what it became.

Late is counted from when it was due, or planned if that was later. None: it was tried before and had to wait, which is
no delay of the clockwork.
"""

observers: list[Observer] = []
"""Who is told of each attempt: done, cancelled, pending (to be tried again) or dead. One that raises is logged."""

_left_off: dict[str, int] = {}
"""The office that had the last turn, for each rule: who comes after a run that was cut short begins behind it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run goes on.

    ``waits``: it stays until what other workers hold is settled or given up, so that nothing due at its instant is left
    when it returns. ``seconds``: after so long it leaves the rest to the next run, None for no limit; when ``stop`` is
    set, at once. ``lease`` is how long a claim holds; ``per_office`` is how many of one office a round takes at
    the most.
    """

    waits: bool = True
    seconds: float | None = None
    stop: threading.Event | None = None
    lease: timedelta = clockwork.LEASE
    per_office: int = clockwork.PER_OFFICE


PATIENT = Pace()
"""The pace of a command: until all is done."""


@dataclass(slots=True)
class Run:
    """One run of a sweep: where, at what instant, for which office (None: all), at what pace."""

    database: Database
    at: datetime
    office_id: int | None
    pace: Pace
    actor: Actor = field(default_factory=clockwork_at_hand)
    begun_at: datetime = field(default_factory=clock.now)
    started: float = field(default_factory=time.monotonic)

    def offices(self) -> list[int]:
        """Return the offices in use, or the one that was asked for where it is."""
        statement = select(Office.id).where(Office.archived_at.is_(None)).order_by(Office.id)
        if self.office_id is not None:
            statement = statement.where(Office.id == self.office_id)
        with across_offices(self.database, Reason.CLAIMING, self.actor) as session:
            return list(session.scalars(statement))

    @property
    def told_at(self) -> datetime:
        """The instant at which it is asked who is to be told: the run's, or now if that is later.

        A run for an instant gone by tells those who are at their posts now: the mail goes out now.
        """
        return max(self.at, self.begun_at)

    def day_to_tell(self, zone: str) -> date:
        """Return the day on which postings are asked who is to be told."""
        return local_day(self.told_at, zone)

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
        self.ungiven = 0

    def until_done(self) -> SweepReport:
        """Take rounds until a round finds nothing, and nobody else has anything we wait for."""
        while not self.run.is_over():
            found, claims = self._take()
            taken = self._do(claims)
            if found.again or found.held:
                taken += self._do(self._take_suspect())
            if taken:
                continue
            if not (found and self.run.pace.waits):
                break
            time.sleep(PAUSE)
        return self.report

    def _take(self) -> tuple[Outstanding, list[Claim]]:
        """Look what there is to do, take back what a dead worker held, and claim a round of what was never tried."""
        run, claims = self.run, list[Claim]()
        with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
            found = clockwork.outstanding(session, self.rule, run.at, office_id=run.office_id, passing_over=self.failed)
            if found.held:
                died = clockwork.take_back(session, self.rule, office_id=run.office_id)
                self.report.due += len(died)
                self.report.dead += len(died)
            if found.fresh:
                claims = self._claim(session)
            session.commit()
        return found, claims

    def _take_suspect(self) -> list[Claim]:
        """Claim one action that was tried before, alone: should its worker die of it, no other loses an attempt."""
        with across_offices(self.run.database, Reason.CLAIMING, self.run.actor) as session:
            claims = self._claim(session, suspects=True)
            session.commit()
        return claims

    def _claim(self, session: ScopedSession, *, suspects: bool = False) -> list[Claim]:
        """Claim for the office whose turn it is and those that follow, and remember where the next turn begins."""
        run, turn = self.run, f"{self.rule} again" if suspects else self.rule
        after = _left_off.get(turn, 0)
        claims = clockwork.claim(
            session,
            self.rule,
            run.at,
            office_id=run.office_id,
            per_office=run.pace.per_office,
            after=after,
            lease=run.pace.lease,
            passing_over=self.failed if suspects else (),
            suspects=suspects,
        )
        if claims:
            # those up to ``after`` had their turn behind the end of the list
            _left_off[turn] = max(claims, key=lambda claim: (claim.office_id <= after, claim.office_id)).office_id
        return claims

    def _do(self, claims: list[Claim]) -> int:
        """Do each action, give back what there is no time for any more, and return how many were claimed.

        That is when the run is to end, or half of the lease is over: the rest would be done by two workers at once.
        """
        enough = time.monotonic() + self.run.pace.lease.total_seconds() / 2
        if claims:
            with self.run.database.holding(patience=LONGEST_WAIT) as database:
                for number, claim in enumerate(claims):
                    if number and (self.run.is_over() or time.monotonic() > enough):
                        self._release(claims[number:])
                        break
                    self._attempt(database, claim)
        return len(claims)

    def _release(self, claims: list[Claim]) -> None:
        with across_offices(self.run.database, Reason.CLAIMING, self.run.actor) as session:
            clockwork.release(session, claims)
            session.commit()

    def _attempt(self, database: Database, claim: Claim) -> None:
        """Do one action in one transaction, or give it back; a claim that was lost meanwhile is not ours to count."""
        run, mails = self.run, 0
        try:
            with database.session(Scope.of([claim.office_id]), run.actor) as session, clock.at(run.at):
                queued = self.effect(session, claim.action)
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
        self._count(claim, state, mails)

    def _give_back(self, claim: Claim, error: str) -> DueState | None:
        """Return what became of a claim after an error, None when it was lost meanwhile or could not be given back.

        Not in the office's scope, which may be what failed. Twice in a row it is no matter of one row: it is raised.
        """
        try:
            with across_offices(self.run.database, Reason.CLAIMING, self.run.actor) as session:
                state = clockwork.fail(session, claim, error)
                session.commit()
        except ClaimLost:
            return None
        except Exception:
            self.ungiven += 1
            if self.ungiven > 1:
                raise
            log.exception("due action %s could not be given back: its lease will end", claim.id)
            return None
        self.ungiven = 0
        return state

    def _count(self, claim: Claim, state: DueState, mails: int) -> None:
        self.report.due += 1
        self.report.mails += mails
        self.report.done += state is DueState.DONE
        self.report.cancelled += state is DueState.CANCELLED
        self.report.dead += state is DueState.DEAD
        late = _lateness(claim) if claim.attempts == 1 else None
        for observer in observers:
            try:
                observer(self.rule, late, state)
            except Exception:
                log.exception("an observer of the sweeps failed")


def _lateness(claim: Claim) -> float:
    """Return how many seconds ago an action could have been begun; a step planned today may be due since midnight."""
    return max((clock.now() - max(claim.due_at, claim.action.created_at)).total_seconds(), 0.0)


def describe(error: Exception) -> str:
    """Return an error in one line for the operator: its kind and first line, never the statement and its values."""
    cause: BaseException = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = (str(cause).strip().splitlines() or [""])[0]
    return storable(f"{type(cause).__name__}: {first}")[:300]
