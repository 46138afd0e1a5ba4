"""The timetable, whole, and what makes each of its slots fire once, whatever number of schedulers look at it.

A slot fires when the row of its entry moves on to it: one update, which only one scheduler wins. Slots of the calendar
leave a row each besides, unique by name and time, so that they fire once even where a clock was set back. What was
missed is caught up by its latest slot alone: every sweep asks what is due, not what time it is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tenant import outbox
from tenant.calendars import at_local, local_day
from tenant.clock import DEFAULT_ZONE
from tenant.db import Database
from tenant.models import ImportBatch, OutboxMessage, Schedule, ScheduleFire
from tenant.scoping import PERMIT
from tenant.unscoped import Reason, across_offices

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SET_BACK = timedelta(minutes=5)
"""An entry that fired so far in the future was fired by a clock that went wrong: it is not waited for."""
RELAYED_KEPT, FIRES_KEPT, IMPORTS_KEPT = timedelta(days=1), timedelta(days=30), timedelta(days=90)
IMPORTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Every:
    """A slot every so often, counted from the epoch, so that all schedulers count the same slots."""

    period: timedelta
    is_kept = False

    def latest(self, at: datetime) -> datetime:
        """Return the latest slot at or before ``at``."""
        return at - (at - EPOCH) % self.period


@dataclass(frozen=True, slots=True)
class Daily:
    """A slot a day, at a local time."""

    at: time
    zone: str = DEFAULT_ZONE
    is_kept = True

    def latest(self, at: datetime) -> datetime:
        """Return the latest slot at or before ``at``."""
        today = local_day(at, self.zone)
        slot = at_local(today, self.at, self.zone)
        return slot if slot <= at else at_local(today - timedelta(days=1), self.at, self.zone)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timetable: its name, when, and the actor it wakes."""

    name: str
    slots: Every | Daily
    wakes: str


TIMETABLE = (
    Entry("escalations", Every(timedelta(seconds=15)), "sweep_escalations"),
    Entry("mail", Every(timedelta(seconds=5)), "sweep_mail"),
    Entry("seal", Every(timedelta(seconds=10)), "seal_record"),
    Entry("dunning", Daily(time(9)), "sweep_dunning"),
    Entry("dunning_noon", Daily(time(13)), "sweep_dunning"),  # what a killed run did not come to plan
    Entry("dunning_evening", Daily(time(17)), "sweep_dunning"),
    Entry("dunning_steps", Every(timedelta(minutes=1)), "take_dunning_steps"),
    Entry("tidy", Daily(time(3, 30)), "tidy"),
)
RELAY_SECONDS = 1.0
"""How often a worker looks at this timetable and puts what was woken on the broker."""


def fire_due(database: Database, at: datetime, timetable: tuple[Entry, ...] = TIMETABLE) -> list[str]:
    """Fire every entry whose latest slot at ``at`` has not fired, in one transaction, and return their names.

    Entries switched off in the database are left out. An actor that waits in the outbox already is not woken again.
    """
    with across_offices(database, Reason.CLAIMING) as session:
        known = {row.name: row.last_fire_at for row in session.execute(select(Schedule.name, Schedule.last_fire_at))}
        late = [
            entry
            for entry in timetable
            if _is_late(known.get(entry.name), entry.slots.latest(at), at) and _won(session, entry, at)
        ]
        if late:
            waiting = set(session.scalars(select(OutboxMessage.actor).where(OutboxMessage.relayed_at.is_(None))))
            for entry in late:
                if entry.wakes not in waiting:
                    outbox.wake(session, entry.wakes)
        session.commit()
    return [entry.name for entry in late]


def tidy(database: Database, at: datetime) -> None:
    """Remove what nobody needs any more: relayed messages and slots of long ago, files of imports with their people."""
    with across_offices(database, Reason.CLAIMING) as session:
        # PERMIT: machinery of the group, removed by age and recorded nowhere; no person stands in it
        relayed = delete(OutboxMessage).where(OutboxMessage.relayed_at < at - RELAYED_KEPT)
        fired = delete(ScheduleFire).where(ScheduleFire.fire_at < at - FIRES_KEPT)
        for removal in (relayed, fired):
            session.execute(removal, execution_options={**PERMIT, "synchronize_session": False})
        kept = select(ImportBatch).where(ImportBatch.file.is_not(None), ImportBatch.created_at < at - IMPORTS_KEPT)
        for batch in session.scalars(kept.limit(IMPORTS_AT_ONCE)):
            batch.file = batch.plan = None
        session.commit()


def _is_late(last: datetime | None, slot: datetime, at: datetime) -> bool:
    return last is None or last < slot or last > at + SET_BACK


def _won(session: Session, entry: Entry, at: datetime) -> bool:
    """Move the entry on to its latest slot; tell whether it was us who did."""
    slot = entry.slots.latest(at)
    # PERMIT: rows of the machinery, changed by name; each slot's effects are recorded under their own names
    session.execute(insert(Schedule).values(name=entry.name).on_conflict_do_nothing(), execution_options=PERMIT)
    moving = (
        update(Schedule)
        .where(Schedule.name == entry.name, Schedule.enabled)
        .where(
            or_(Schedule.last_fire_at.is_(None), Schedule.last_fire_at < slot, Schedule.last_fire_at > at + SET_BACK)
        )
        .values(last_fire_at=slot)
        .returning(Schedule.id)
    )
    if session.scalar(moving, execution_options={**PERMIT, "synchronize_session": False}) is None:
        return False
    if not entry.slots.is_kept:
        return True
    firing = (
        insert(ScheduleFire)
        .values(name=entry.name, fire_at=slot, fired_at=func.now())
        .on_conflict_do_nothing()
        .returning(ScheduleFire.id)
    )
    return session.scalar(firing, execution_options=PERMIT) is not None
