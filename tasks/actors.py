"""The actors: what a message can ask for. Each carries ids, enters a scope, calls a sweep or a service, commits."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dramatiq import Actor, Broker

from audit import chain
from importers import apply as importing
from tasks import schedule, sweeps
from tasks.sweeps import Pace
from tenant import clock
from tenant.db import Database
from tenant.errors import Refusal
from tenant.journal import CLOCKWORK
from tenant.journal import Actor as Doer
from tenant.models import ImportBatch, Posting
from tenant.rules.terms import ActorKind
from tenant.scoping import Scope
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

A_RUN = 30.0
"""Seconds after which a sweep leaves the rest to the next message: nothing long in one message."""
TIME_LIMIT = 5 * 60 * 1000
FAULT = 500


@dataclass(frozen=True, slots=True)
class Works:
    """What actors work with: the database, the settings, and the event that asks them to finish."""

    database: Database
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def pace(self) -> Pace:
        """The pace of a sweep inside a worker: it waits for nobody and ends soon."""
        return Pace(waits=False, seconds=A_RUN, stop=self.stop)


def sweep_escalations(works: Works, office_id: int | None = None) -> None:
    """Raise the escalations that are due now."""
    sweeps.run_escalations(works.database, clock.now(), office_id, settings=works.settings, pace=works.pace)


def sweep_dunning(works: Works, office_id: int | None = None) -> None:
    """Take the dunning steps that are due now."""
    sweeps.run_dunning(works.database, clock.now(), office_id, settings=works.settings, pace=works.pace)


def take_dunning_steps(works: Works, office_id: int | None = None) -> None:
    """Take the dunning steps that an earlier run planned and did not come to."""
    pace = works.pace
    sweeps.run_dunning(works.database, clock.now(), office_id, settings=works.settings, pace=pace, planning=False)


def sweep_mail(works: Works, office_id: int | None = None) -> None:
    """Send the mails that are queued now."""
    sweeps.run_mail(works.database, clock.now(), office_id, settings=works.settings, pace=works.pace)


def seal_record(works: Works) -> None:
    """Seal what was recorded since the last time."""
    sealed = 1
    while sealed and not works.stop.is_set():
        with across_offices(works.database, Reason.SEALING) as session:
            sealed = chain.seal(session)
            session.commit()


def tidy(works: Works) -> None:
    """Remove what the machinery left behind long ago."""
    schedule.tidy(works.database, clock.now())


def apply_import(works: Works, batch_id: int, office_id: int, posting_id: int | None = None) -> None:
    """Carry out a previewed import as the person in ``posting_id`` who asked for it; a refusal is kept on the batch."""
    scope = Scope.of([office_id])
    try:
        with works.database.session(scope, _doer(works, office_id, posting_id)) as session:
            importing.apply(session, batch_id)
            session.commit()
    except Refusal as refusal:
        with works.database.session(scope, CLOCKWORK) as session:
            batch = session.get(ImportBatch, batch_id)
            if batch is not None and batch.applied_at is None:
                batch.fault = refusal.message[:FAULT]
            session.commit()


def _doer(works: Works, office_id: int, posting_id: int | None) -> Doer:
    """Return who asked, read from the database again; the clockwork where nobody is named or the posting is gone."""
    if posting_id is None:
        return CLOCKWORK
    with works.database.session(Scope.of([office_id]), CLOCKWORK) as session:
        posting = session.get(Posting, posting_id)
        if posting is None:
            return CLOCKWORK
        return Doer(ActorKind.PERSON, posting.staff.name, staff_id=posting.staff_id, posting_id=posting.id)


@dataclass(frozen=True, slots=True)
class Duty:
    """An actor as it is declared: its function and the queue it waits in, so that imports never hold up mails."""

    function: Callable[..., None]
    queue: str


DUTIES = {
    "sweep_escalations": Duty(sweep_escalations, "sweeps"),
    "sweep_dunning": Duty(sweep_dunning, "sweeps"),
    "take_dunning_steps": Duty(take_dunning_steps, "sweeps"),
    "sweep_mail": Duty(sweep_mail, "mail"),
    "seal_record": Duty(seal_record, "sweeps"),
    "tidy": Duty(tidy, "sweeps"),
    "apply_import": Duty(apply_import, "imports"),
}


def declare(broker: Broker, works: Works) -> dict[str, Actor[..., None]]:
    """Declare every duty on ``broker`` and return the actors by name."""
    return {
        name: Actor(
            _bound(name, works),
            broker=broker,
            actor_name=name,
            queue_name=duty.queue,
            priority=0,
            options={"time_limit": TIME_LIMIT},
        )
        for name, duty in DUTIES.items()
    }


def perform(works: Works, name: str, arguments: dict[str, object]) -> None:
    """Do what a message asks for; an error is logged and the message is over, the database knows what is left to do."""
    try:
        DUTIES[name].function(works, **arguments)
    except Exception:
        log.exception("%s failed", name)


def _bound(name: str, works: Works) -> Callable[..., None]:
    def run(**arguments: object) -> None:
        perform(works, name, arguments)

    return run
