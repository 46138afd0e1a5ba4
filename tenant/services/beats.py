"""Beats: each process of the program says every few seconds that it is alive, by the database's clock.

One row a process, written over with each beat. Statements carry ``PERMIT``: they change machinery of the group by key,
and a beat every few seconds is no history for the record.
"""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenant import clock
from tenant.models.clockwork import Beat
from tenant.rules.terms import BeatKind
from tenant.scoping import PERMIT

KEPT = timedelta(days=1)
"""A process that has been silent for so long is forgotten."""
MILLISECOND = timedelta(milliseconds=1)
_BY_KEY = {**PERMIT, "synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Instance:
    """A running process of the program: what it does, where, and for which queues; ``instance`` is its own name."""

    kind: BeatKind
    host: str
    pid: int
    queues: tuple[str, ...] = ()
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))


def beat(group_session: Session, process: Instance) -> int:
    """Say that ``process`` is alive now, and return how many milliseconds its clock is ahead of the database's.

    ``group_session`` is one of ``across_offices``. The first beat makes the row; a row that was forgotten comes back.
    """
    skew = measure(group_session)
    columns = {
        "instance": process.instance,
        "kind": process.kind,
        "host": process.host[:100],
        "pid": process.pid,
        "queues": ",".join(process.queues)[:100],
        "started_at": func.now(),
        "beat_at": func.clock_timestamp(),
        "skew": skew,
    }
    again = {"beat_at": func.clock_timestamp(), "skew": skew, "stopped_at": None}
    statement = insert(Beat).values(columns).on_conflict_do_update(index_elements=["instance"], set_=again)
    group_session.execute(statement, execution_options=PERMIT)
    return skew


def measure(group_session: Session) -> int:
    """Return how many milliseconds this machine's clock is ahead of the database's, half the way there taken off."""
    group_session.scalar(select(func.now()))  # what opening the transaction costs is not the way there
    before = clock.now()
    theirs = group_session.scalar(select(func.clock_timestamp()))
    after = clock.now()
    if theirs is None:
        message = "the database does not tell the time"
        raise TypeError(message)
    ahead: timedelta = before + (after - before) / 2 - theirs
    return round(ahead / MILLISECOND)


def stop(group_session: Session, process: Instance) -> None:
    """Say that ``process`` ends in an orderly way."""
    ending = update(Beat).where(Beat.instance == process.instance).values(stopped_at=func.clock_timestamp())
    group_session.execute(ending, execution_options=_BY_KEY)


def forget(group_session: Session) -> None:
    """Remove the rows of processes that have been silent for :data:`KEPT`."""
    silent = delete(Beat).where(Beat.beat_at < func.now() - KEPT)
    group_session.execute(silent, execution_options=_BY_KEY)
