"""Once a night what is planned is held against what should be, office by office, and mended where it differs."""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime

from tasks import timetable
from tasks.sweeps.drain import PATIENT, Pace, Run
from tenant import clock, outbox
from tenant.db import Database
from tenant.scoping import Scope
from tenant.services import replanning
from tenant.services.clock_plans import Place
from tenant.services.replanning import Replanned
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

ACTOR = "replan"
PLANNING = "sweep_dunning"


@dataclass(slots=True)
class ReplanReport:
    """The count of one run at the instant ``at``: actions ``planned`` (or moved) and ``cancelled``.

    ``offices`` is how many offices had anything to mend: zero, when all is well.
    """

    at: datetime
    planned: int = 0
    cancelled: int = 0
    offices: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the four values under their stable names, ``at`` as ISO text."""
        return asdict(self) | {"at": self.at.isoformat()}


def run_replan(database: Database, at: datetime, office_id: int | None = None, *, pace: Pace = PATIENT) -> ReplanReport:
    """Hold the plan of one office or of all against their state at ``at``, and mend it.

    Run twice it does nothing the second time. An office where it fails is logged and the others go on; offices that
    the pace leaves no time for are left to a message each.
    """
    run, report = Run(database, at, office_id, pace), ReplanReport(at=at)
    left = run.offices()
    while left and (not run.is_over() or office_id is not None):
        _replan(run, left.pop(0), report)
    if left:
        _leave(run, left)
    return report


def _leave(run: Run, offices: list[int]) -> None:
    with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
        for office_id in offices:
            outbox.wake(session, ACTOR, office_id=office_id)
        session.commit()


def _replan(run: Run, office_id: int, report: ReplanReport) -> None:
    """Mend one office, transaction by transaction, and count what had to be done."""
    place: Place | None = Place()
    planned = cancelled = 0
    try:
        while place is not None:
            with run.database.session(Scope.of([office_id]), run.actor) as session, clock.at(run.at):
                done = replanning.replan(session, office_id, run.at, _planned_until(run, office_id), place)
                session.commit()
            _warn(office_id, done)
            planned, cancelled, place = planned + done.planned, cancelled + done.cancelled, done.rest
    except Exception:
        log.exception("the plan of office %s could not be held against its state", office_id)
    report.planned += planned
    report.cancelled += cancelled
    report.offices += bool(planned or cancelled)


def _planned_until(run: Run, office_id: int) -> datetime | None:
    """Return the latest slot at which the office's dunning should have been planned, None where it is switched off."""
    entries = tuple(entry for entry in timetable.TIMETABLE if entry.wakes == PLANNING)
    with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
        found = timetable.standings(session, entries, office_id)
    return max((standing.slots.latest(run.at) for standing in found if standing.enabled), default=None)


def _warn(office_id: int, done: Replanned) -> None:
    facts = done.facts()
    if facts:
        log.warning("the plan of office %s had to be mended: %s", office_id, facts)
