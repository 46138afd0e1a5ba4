"""The actors: what a message can ask for. Each carries ids and calls a sweep or a service, which commits at its edge.

Office, number and acting person of what they do are given by ``tasks.errands`` and ``tasks.jobs``, from the database.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from dramatiq import Actor, Broker
from dramatiq.middleware import Interrupt

from audit import chain
from tasks import jobs, schedule, sweeps
from tasks.errands import clockwork
from tasks.middleware import Errands
from tasks.sweeps import Pace
from tenant.db import Database
from tenant.files import open_store
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

RUNS = "runs"
"""The queue of what goes over whole offices, part of ``sweeps`` to who names queues: it has threads of its own, because
at nine each office has its run, and what has run out goes up the line all the same."""
A_RUN = 30.0
"""Seconds after which a sweep leaves the rest to the next message: nothing long in one message."""
A_LONG_RUN = 900.0
"""Seconds for what can only be done whole, once a night: a million files are listed in a few minutes."""


class Turnstile:
    """How many of each actor are at work in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.busy: Counter[str] = Counter()

    @contextmanager
    def passing(self, name: str, most: int | None) -> Iterator[bool]:
        """Count one more of ``name`` inside, and tell whether there was room below ``most``, None: always."""
        with self.lock:
            may_pass = most is None or self.busy[name] < most
            self.busy[name] += may_pass
        try:
            yield may_pass
        finally:
            with self.lock:
                self.busy[name] -= may_pass


@dataclass(frozen=True, slots=True)
class Works:
    """What actors work with: the database, the settings, and the event that asks them to finish."""

    database: Database
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    turnstile: Turnstile = field(default_factory=Turnstile)

    @property
    def now(self) -> datetime:
        """The present by the database's clock: a worker whose own goes wrong does nothing too early."""
        return schedule.now(self.database)

    @property
    def pace(self) -> Pace:
        """The pace of a sweep inside a worker: it waits for nobody and ends soon."""
        return Pace(waits=False, seconds=A_RUN, stop=self.stop)


def sweep_escalations(works: Works, office_id: int | None = None) -> None:
    """Raise the escalations that are due now."""
    sweeps.run_escalations(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def sweep_routing(works: Works, office_id: int | None = None) -> None:
    """Tell who has to see to complaints that were graded."""
    sweeps.run_routing(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def sweep_handover(works: Works, office_id: int | None = None) -> None:
    """Make requests of what the morning handover has overlooked."""
    sweeps.run_handover(works.database, works.now, office_id, pace=works.pace)


def sweep_warnings(works: Works, office_id: int | None = None) -> None:
    """Warn of the clocks that will run out."""
    sweeps.run_warnings(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def draw_reports(works: Works, office_id: int | None = None) -> None:
    """Draw the reports whose period is over."""
    sweeps.run_reports(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def tell_of_reports(works: Works, office_id: int | None = None) -> None:
    """Tell who waits for a report how it stands."""
    pace = works.pace
    sweeps.run_reports(works.database, works.now, office_id, settings=works.settings, pace=pace, drawing=False)


def sweep_dunning(works: Works, office_id: int | None = None) -> None:
    """Take the dunning steps that are due now."""
    sweeps.run_dunning(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def take_dunning_steps(works: Works, office_id: int | None = None) -> None:
    """Take the dunning steps that an earlier run planned and did not come to."""
    pace = works.pace
    sweeps.run_dunning(works.database, works.now, office_id, settings=works.settings, pace=pace, planning=False)


def gather_mails(works: Works, office_id: int | None = None) -> None:
    """Gather what waits for the same people into one mail each."""
    sweeps.run_gathering(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def tell_gaps(works: Works, office_id: int | None = None) -> None:
    """Tell who keeps the rota which shifts of tomorrow nobody has."""
    sweeps.run_gaps(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def sweep_mail(works: Works, office_id: int | None = None) -> None:
    """Send the mails that are queued now."""
    sweeps.run_mail(works.database, works.now, office_id, settings=works.settings, pace=works.pace)


def read_bounces(works: Works) -> None:
    """Read which mails came back."""
    sweeps.run_bounces(works.database, works.now, settings=works.settings, pace=works.pace)


def seal_record(works: Works) -> None:
    """Seal what was recorded since the last time."""
    sealed = 1
    while sealed and not works.stop.is_set():
        with across_offices(works.database, Reason.SEALING, clockwork()) as session:
            sealed = chain.seal(session)
            session.commit()


def replan(works: Works, office_id: int | None = None) -> None:
    """Hold what is planned against what should be, and mend it."""
    sweeps.run_replan(works.database, works.now, office_id, pace=works.pace)


def sweep_files(works: Works) -> None:
    """Delete the files that no matter has."""
    store = open_store(works.settings)
    sweeps.run_files(works.database, works.now, store=store, pace=replace(works.pace, seconds=A_LONG_RUN))


def tidy(works: Works) -> None:
    """Remove what the machinery left behind long ago."""
    schedule.tidy(works.database, works.now)


def run_job(works: Works, job_id: int, office_id: int | None = None) -> None:  # noqa: ARG001 - the row says which office
    """Take up long work that somebody asked for, or go on with it."""
    jobs.run(works, job_id)


@dataclass(frozen=True, slots=True)
class Duty:
    """An actor as it is declared: its function, the queue it waits in, how long one message may take.

    ``at_once`` is how many of it may be at work in one process, None any number: what a slow server or a long import
    holds up shall not keep the threads from the rest. A message above that is dropped; the next slot looks again.
    """

    function: Callable[..., None]
    queue: str
    seconds: int = 120
    at_once: int | None = None


DUTIES = {
    "sweep_escalations": Duty(sweep_escalations, "sweeps", at_once=2),
    "sweep_routing": Duty(sweep_routing, "sweeps", at_once=2),
    "sweep_handover": Duty(sweep_handover, "sweeps", at_once=2),
    "sweep_warnings": Duty(sweep_warnings, "sweeps", at_once=2),
    "draw_reports": Duty(draw_reports, RUNS),
    "tell_of_reports": Duty(tell_of_reports, "sweeps", at_once=2),
    "sweep_dunning": Duty(sweep_dunning, RUNS),
    "take_dunning_steps": Duty(take_dunning_steps, "sweeps", at_once=2),
    "gather_mails": Duty(gather_mails, "sweeps", at_once=1),
    "tell_gaps": Duty(tell_gaps, "sweeps", at_once=2),
    "sweep_mail": Duty(sweep_mail, "mail", at_once=2),
    "read_bounces": Duty(read_bounces, "mail", at_once=1),
    "seal_record": Duty(seal_record, "sweeps", seconds=300, at_once=1),
    "replan": Duty(replan, RUNS, seconds=600),
    "sweep_files": Duty(sweep_files, RUNS, seconds=1200, at_once=1),
    "tidy": Duty(tidy, RUNS, seconds=300),
    "run_job": Duty(run_job, "imports", seconds=1500, at_once=2),  # below RabbitMQ's half hour for one message
}


def declare(broker: Broker, works: Works) -> dict[str, Actor[..., None]]:
    """Declare every duty on ``broker``, give its messages their errands, and return the actors by name."""
    broker.add_middleware(Errands(works.database))
    return {
        name: Actor(
            _bound(name, works),
            broker=broker,
            actor_name=name,
            queue_name=duty.queue,
            priority=0,
            options={"time_limit": duty.seconds * 1000},
        )
        for name, duty in DUTIES.items()
    }


def perform(works: Works, name: str, arguments: dict[str, object]) -> None:
    """Do what a message asks for; an error is logged and the message is over, the database knows what is left to do.

    The ``slot`` of the timetable that woke an actor is not handed on: each asks what is due, not what time it is.
    """
    duty = DUTIES[name]
    asked = {key: value for key, value in arguments.items() if key != "slot"}
    with works.turnstile.passing(name, duty.at_once) as may_pass:
        if not may_pass:
            log.debug("%s is at work %s times here already", name, duty.at_once)
            return
        try:
            duty.function(works, **asked)
        except Exception:
            log.exception("%s failed", name)
        except Interrupt:
            log.error("%s was ended after %s seconds", name, duty.seconds)  # noqa: TRY400 - where it was says nothing


def _bound(name: str, works: Works) -> Callable[..., None]:
    def run(**arguments: object) -> None:
        perform(works, name, arguments)

    return run
