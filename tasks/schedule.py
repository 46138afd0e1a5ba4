"""What makes each slot of the timetable fire once, whatever number of schedulers look at it, whatever their clocks say.

All of them ask the database what time it is. A slot fires in one transaction: the row of its entry, locked, moves on
to it, a row unique by office, entry and slot is left where it is one of the calendar, and the wake-up is put in the
outbox. A row that another scheduler has locked is left to it and looked at again with the next tick.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, BigInteger, DateTime, column, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks.slots import MOST_CAUGHT_UP, Daily, Every, Monthly, Weekly
from tasks.timetable import (
    TIMETABLE,
    Entry,
    Line,
    Standing,
    kept_rows,
    latest_slot,
    lines,
    next_slot,
    standings,
)
from tenant import clock, outbox
from tenant.db import Database
from tenant.models import ImportBatch, OutboxMessage, Schedule, ScheduleFire
from tenant.rules.terms import CatchUp
from tenant.scoping import PERMIT
from tenant.services import mails
from tenant.unscoped import Reason, across_offices

__all__ = [
    "RELAY_SECONDS",
    "TIMETABLE",
    "Daily",
    "Entry",
    "Every",
    "Line",
    "Monthly",
    "Weekly",
    "fire_due",
    "lines",
    "now",
    "tidy",
]

log = logging.getLogger(__name__)

RELAY_SECONDS = 1.0
"""How often a worker looks at this timetable and puts what was woken on the broker."""
LONGEST_REST = 15.0
"""Seconds after which the database is asked again, for switches, times set on the screen and a clock that was set."""
RELAYED_KEPT, IMPORTS_KEPT = timedelta(days=1), timedelta(days=90)
FIRES_KEPT = timedelta(days=70)
"""Two months and more: a clock set back finds that the slot before has fired, also that of a monthly entry."""
IMPORTS_AT_ONCE = 200
A_CLEARING, CLEARINGS = 500, 100
"""Mails cleared by one transaction, and transactions in one night."""
A_STATEMENT = 1000
"""Rows written by one statement."""

Fired: TypeAlias = tuple[Standing, datetime]
Row = TypeVar("Row")


@dataclass(slots=True)
class _Rest:
    """What a process remembers between two ticks: when it looked, what time it was then, and when the next slot is."""

    looked: float
    seen_at: datetime
    next_at: datetime

    def goes_on(self) -> bool:
        """Tell whether nothing can be due yet and there is no need to look."""
        rested = time.monotonic() - self.looked
        return rested < LONGEST_REST and self.seen_at + timedelta(seconds=rested) < self.next_at


_rests: WeakKeyDictionary[Database, _Rest] = WeakKeyDictionary()


def now(database: Database) -> datetime:
    """Return the present by the database's clock, the one that all machines share; a stated time stands before it."""
    stated = clock.stated()
    if stated is not None:
        return stated
    with across_offices(database, Reason.CLAIMING) as session:
        return _present(session)


def fire_due(database: Database, at: datetime | None = None, timetable: tuple[Entry, ...] = TIMETABLE) -> list[str]:
    """Fire every slot that has come and has not fired, in one transaction; return the names of their entries, in order.

    A name stands there once for each slot and each office. Entries switched off are left out. An actor that waits in
    the outbox already, for the same office and slot, is not woken again. ``at`` None is the present by the database's
    clock; then a process that knows that nothing is due yet does not even ask, for a quarter of a minute at most.
    """
    rests = at is None and clock.stated() is None
    rest = _rests.get(database) if rests else None
    if rest is not None and rest.goes_on():
        return []
    looked = time.monotonic()
    with across_offices(database, Reason.CLAIMING) as session:
        present = at or clock.stated() or _present(session)
        found = standings(session, timetable)
        late = [standing for standing in found if standing.missed(present) is not None]
        fired, left = _fire(session, late, None if rests else present) if late else ([], False)
        session.commit()
    if rests:
        coming = [next_slot(standing.slots, present) for standing in found if standing.enabled and not left]
        _rests[database] = _Rest(looked, present, min(coming, default=present))
    return [standing.entry.name for standing, _ in fired]


def tidy(database: Database, at: datetime) -> None:
    """Remove what nobody needs any more: messages and slots of long ago, and what people are named in.

    Those are the files of imports, with their previews, what undoing them needs and the cells people have put right,
    and the bodies of mails, both after 90 days; of a body its digest stays.
    """
    with across_offices(database, Reason.CLAIMING) as session:
        # PERMIT: machinery of the group, removed by age and recorded nowhere; no person stands in it
        relayed = delete(OutboxMessage).where(OutboxMessage.relayed_at < at - RELAYED_KEPT)
        fired = delete(ScheduleFire).where(ScheduleFire.fire_at < at - FIRES_KEPT)
        for removal in (relayed, fired):
            session.execute(removal, execution_options={**PERMIT, "synchronize_session": False})
        session.commit()
    _clear(database, lambda session: _forget_files(session, at - IMPORTS_KEPT, IMPORTS_AT_ONCE), IMPORTS_AT_ONCE)
    _clear(database, lambda session: mails.clear_bodies(session, at - mails.BODY_KEPT, A_CLEARING), A_CLEARING)


def _clear(database: Database, clear: Callable[[Session], int], at_once: int) -> None:
    """Clear in one transaction after the other until nothing is left, or the night has had enough."""
    for _ in range(CLEARINGS):
        with across_offices(database, Reason.CLAIMING) as session:
            cleared = clear(session)
            session.commit()
        if cleared < at_once:
            break


def _forget_files(session: Session, before: datetime, limit: int) -> int:
    kept = select(ImportBatch).where(ImportBatch.file.is_not(None), ImportBatch.created_at < before).limit(limit)
    batches = session.scalars(kept.with_for_update(skip_locked=True)).all()  # what is in hand goes another night
    for batch in batches:
        batch.file = batch.plan = batch.trace = None
        batch.choices = batch.choices | {"edits": [], "answers": []} if batch.choices else {}
        batch.mapping, batch.fault = {"on": batch.mapping.get("on")}, None  # a heading may be a row taken for one
    return len(batches)


def _present(session: Session) -> datetime:
    present: datetime = session.scalars(select(func.clock_timestamp(type_=DateTime(timezone=True)))).one()
    return present


def _fire(session: Session, late: Sequence[Standing], stated: datetime | None) -> tuple[list[Fired], bool]:
    """Fire what is ``late``; return what fired, and whether something was left to another scheduler.

    Under the lock each is looked at again: another may have been quicker. So is the clock, unless the time is stated: a
    process that was suspended meanwhile would take what others fired for the doing of a clock that went wrong.
    """
    held = _locked(session, late)
    at = stated or _present(session)
    moving: dict[int, datetime] = {}
    firing: list[Fired] = []
    for standing in held:
        missed = standing.missed(at)
        if missed is None or standing.row_id is None:
            continue
        moving[standing.row_id] = latest_slot(standing.slots, at)
        firing += [(standing, slot) for slot in missed]
        _tell_what_was_left_out(standing, missed, at)
    kept = _keep(session, [(standing, slot) for standing, slot in firing if standing.slots.is_kept])
    fired = [
        (standing, slot) for standing, slot in firing if not standing.slots.is_kept or (*standing.key, slot) in kept
    ]
    _move(session, moving)
    _wake(session, fired)
    return fired, len(held) < len(late)


def _locked(session: Session, late: Sequence[Standing]) -> list[Standing]:
    """Return those of ``late`` whose rows nobody else has locked, as they are kept now, locked; rows are made first."""
    # in one order for everybody: two schedulers that make the same rows wait for each other
    missing = sorted((standing.entry.name, standing.office_id or 0) for standing in late if standing.row_id is None)
    for batch in _batches(missing):
        rows = [{"name": name, "office_id": office_id or None} for name, office_id in batch]
        # PERMIT: rows of the machinery, by their key; each slot's effects are recorded under their own names
        session.execute(insert(Schedule).values(rows).on_conflict_do_nothing(), execution_options=PERMIT)
    by_key = {standing.key: standing for standing in late}
    locking = (
        kept_rows()
        .where(Schedule.name.in_({standing.entry.name for standing in late}))
        .order_by(Schedule.id)
        .with_for_update(skip_locked=True)
    )
    if missing:
        rows_found = [row for row in session.execute(locking) if (row.name, row.office_id) in by_key]
    else:
        ids = [standing.row_id for standing in late]
        rows_found = list(session.execute(locking.where(Schedule.id.in_(ids))))
    held = {(row.name, row.office_id): by_key[row.name, row.office_id].kept(row) for row in rows_found}
    return [held[standing.key] for standing in late if standing.key in held]


def _keep(session: Session, firing: Sequence[Fired]) -> set[tuple[str, int | None, datetime]]:
    """Leave a row for each slot of the calendar; return the keys of those that had none."""
    kept: set[tuple[str, int | None, datetime]] = set()
    for batch in _batches(firing):
        rows = [
            {"office_id": standing.office_id, "name": standing.entry.name, "fire_at": slot, "fired_at": func.now()}
            for standing, slot in batch
        ]
        leaving = insert(ScheduleFire).values(rows).on_conflict_do_nothing()
        returning = leaving.returning(ScheduleFire.name, ScheduleFire.office_id, ScheduleFire.fire_at)
        found = session.execute(returning, execution_options=PERMIT)
        kept |= {(name, office_id, slot) for name, office_id, slot in found}
    return kept


def _move(session: Session, moving: dict[int, datetime]) -> None:
    """Move the rows on to the slots given."""
    if not moving:
        return
    ids = literal(list(moving), ARRAY(BigInteger))
    slots = literal(list(moving.values()), ARRAY(DateTime(timezone=True)))
    given = (
        func.unnest(ids, slots)
        .table_valued(column("row_id", BigInteger), column("slot", DateTime(timezone=True)))
        .render_derived(name="given")
    )
    statement = update(Schedule).where(Schedule.id == given.c.row_id).values(last_fire_at=given.c.slot)
    session.execute(statement, execution_options={**PERMIT, "synchronize_session": False})


def _wake(session: Session, fired: Iterable[Fired]) -> None:
    """Wake the actors of what fired, each once; one that makes up for every slot is told which."""
    waking: dict[tuple[str, int | None, str | None], None] = {}
    for standing, slot in fired:
        told = slot.isoformat() if standing.entry.catch_up is CatchUp.ALL else None
        waking[standing.entry.wakes, standing.office_id, told] = None
    if not waking:
        return
    unrelayed = select(OutboxMessage.actor, OutboxMessage.office_id, OutboxMessage.arguments["slot"].astext)
    names = {name for name, _, _ in waking}
    waiting = session.execute(unrelayed.where(OutboxMessage.relayed_at.is_(None), OutboxMessage.actor.in_(names)))
    already = {tuple(row) for row in waiting}
    for name, office_id, told in waking:
        if (name, office_id, told) not in already:
            outbox.wake(session, name, office_id=office_id, **({"slot": told} if told else {}))


def _tell_what_was_left_out(standing: Standing, missed: Sequence[datetime], at: datetime) -> None:
    """Log which slots are not made up for, so that nobody waits for them."""
    entry, office_id = standing.entry, standing.office_id
    if not missed:
        log.warning("%s (office %s) came too late for %s: skipped", entry.name, office_id, standing.slots.latest(at))
    elif len(missed) == MOST_CAUGHT_UP and standing.last is not None:
        before = standing.slots.latest(missed[0] - datetime.resolution)
        if standing.last < before:
            log.warning("%s (office %s): slots up to %s are not made up for", entry.name, office_id, before)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    following = iter(rows)
    while batch := list(islice(following, A_STATEMENT)):
        yield batch
