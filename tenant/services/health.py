"""How the clockwork stands: what is late, what is stuck, which processes are alive, told in one round of cheap queries.

Everything here reads and nothing is recorded. Each query goes down an index and stops where nobody needs
to know how many more there are, so that
asking every few seconds costs nothing that a busy database would notice. Ages are measured by the database's clock, the
one clock that all processes share.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Enum, Select, and_, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from tenant.models.clockwork import Beat, DueAction, Job, OutboxMessage
from tenant.rules.terms import BeatKind, DueState, JobState, MailState
from tenant.services import clockwork, jobs, mails
from tenant.services.clockwork import Lag
from tenant.services.mails import MailPulse

ENOUGH = 1000
"""Nobody needs to know whether 1,000 or 5,000 wait: counts stop here."""
TOLERATED = timedelta(minutes=1)
"""Above it the clockwork is late: as long as the longest interval of a sweep that takes steps, that of dunning."""
ALIVE = timedelta(seconds=60)
"""A process that has not said anything for so long is not counted on: twelve beats."""
REMEMBERED = timedelta(days=1)
STUCK = timedelta(minutes=2)
TOLERATED_SKEW = 2000
"""Milliseconds."""
TROUBLED = (MailState.FAILED, MailState.UNKNOWN, MailState.BOUNCED)
"""Mails in these states wait for a person."""


@dataclass(frozen=True, slots=True)
class Running:
    """One process as its last beat told: ``age`` is how long ago that was, ``skew`` how many ms its clock is ahead."""

    kind: BeatKind
    host: str
    pid: int
    queues: frozenset[str]
    started_at: datetime
    age: timedelta
    skew: int
    has_stopped: bool

    @property
    def is_alive(self) -> bool:
        """Tell whether the process can be counted on: it beat a moment ago and has not said good-bye."""
        return not self.has_stopped and self.age <= ALIVE

    @property
    def is_lost(self) -> bool:
        """Tell whether the process fell silent without saying good-bye."""
        return not self.has_stopped and self.age > ALIVE

    @property
    def is_skewed(self) -> bool:
        """Tell whether the machine's clock is too far from the database's."""
        return abs(self.skew) > TOLERATED_SKEW


@dataclass(frozen=True, slots=True)
class Health:
    """The clockwork at the instant ``at`` of the database's clock; counts stop at :data:`ENOUGH`.

    A rule with nothing late has no line in ``lags``.
    ``outbox_since``: since when the oldest wake-up waits for the broker, None for none. ``jobs_stuck``: long work that
    nobody takes up or goes on with. ``processes``: what was heard of in the last day, the living first.
    """

    at: datetime
    lags: tuple[Lag, ...]
    dead: int
    mail: MailPulse
    mail_stopped_at: datetime | None
    jobs_waiting: int
    jobs_stuck: int
    outbox: int
    outbox_since: datetime | None
    processes: tuple[Running, ...]

    @property
    def lateness(self) -> timedelta:
        """Return how long the oldest thing that is due and not done has waited; zero when nothing waits."""
        return max((self.at - lag.oldest_due_at for lag in self.lags), default=timedelta())

    @property
    def mail_lateness(self) -> timedelta:
        """Return how long the oldest mail that may go has waited; zero while mail is stopped on purpose."""
        if self.mail.oldest_due_at is None or self.mail_stopped_at is not None:
            return timedelta()
        return max(self.at - self.mail.oldest_due_at, timedelta())

    @property
    def unattended(self) -> tuple[str, ...]:
        """Return the queues in which something waits and for which no living process works."""
        waits = {
            "sweeps": self.lateness > timedelta(),
            "mail": self.mail_lateness > timedelta(),
            "imports": self.jobs_waiting > 0,
        }
        served = frozenset[str]().union(*(process.queues for process in self.processes if process.is_alive))
        return tuple(queue for queue, something in waits.items() if something and queue not in served)

    @property
    def late(self) -> bool:
        """Tell whether what is due will be late: it is already, or nobody is there to do it."""
        return self.lateness > TOLERATED or bool(self.unattended)

    @property
    def ok(self) -> bool:
        """Tell whether the clockwork keeps up."""
        return not self.late

    @property
    def skewed(self) -> tuple[Running, ...]:
        """Return the living processes whose machine's clock is too far from the database's."""
        return tuple(process for process in self.processes if process.is_alive and process.is_skewed)

    @property
    def lost(self) -> tuple[Running, ...]:
        """Return the processes that fell silent without saying good-bye within the last day."""
        return tuple(process for process in self.processes if process.is_lost)


def look(group_session: Session, at: datetime | None = None) -> Health:
    """Return how the clockwork stands at ``at``, None for now by the database's clock.

    ``group_session`` is one of ``across_offices``. Nothing of any office is in the answer but numbers and times.
    """
    instant = at or group_session.scalars(select(func.now())).one()
    gate = mails.gate(group_session)
    jobs_waiting, jobs_stuck = _jobs(group_session, instant)
    outbox, outbox_since = _outbox(group_session)
    return Health(
        at=instant,
        lags=tuple(clockwork.lags(group_session, instant)),
        dead=_count(group_session, select(DueAction.id).where(_is(DueAction.state, DueState.DEAD))),
        mail=mails.pulse(group_session, instant),
        mail_stopped_at=gate.stopped_at if gate else None,
        jobs_waiting=jobs_waiting,
        jobs_stuck=jobs_stuck,
        outbox=outbox,
        outbox_since=outbox_since,
        processes=running(group_session, instant),
    )


def running(group_session: Session, at: datetime) -> tuple[Running, ...]:
    """Return the processes heard of in the day before ``at``: the living first, each group the latest beat first."""
    beats = select(Beat).where(Beat.beat_at > at - REMEMBERED).order_by(Beat.beat_at.desc(), Beat.id)
    found = [
        Running(
            kind=beat.kind,
            host=beat.host,
            pid=beat.pid,
            queues=frozenset(filter(None, beat.queues.split(","))),
            started_at=beat.started_at,
            age=max(at - beat.beat_at, timedelta()),
            skew=beat.skew,
            has_stopped=beat.stopped_at is not None,
        )
        for beat in group_session.scalars(beats)
    ]
    return tuple(sorted(found, key=lambda process: not process.is_alive))


def _jobs(session: Session, at: datetime) -> tuple[int, int]:
    """Return how many jobs wait to be taken up, and how many nobody takes up or goes on with."""
    waiting, under_way = _is(Job.state, JobState.WAITING), _is(Job.state, JobState.RUNNING)
    is_stuck = or_(and_(waiting, Job.created_at < at - STUCK), and_(under_way, Job.lease_until < at - STUCK))
    counts = select(func.count().filter(waiting), func.count().filter(is_stuck)).where(or_(waiting, under_way))
    found = session.execute(counts.where(jobs.office_is_open())).one()
    return found[0], found[1]


def _outbox(session: Session) -> tuple[int, datetime | None]:
    """Return how many wake-ups wait for the broker, and since when the oldest does."""
    waiting = (
        select(OutboxMessage.created_at)
        .where(OutboxMessage.relayed_at.is_(None))
        .order_by(OutboxMessage.id)
        .limit(ENOUGH)
        .subquery()
    )
    found = session.execute(select(func.count(), func.min(waiting.c.created_at)).select_from(waiting)).one()
    return found[0], found[1]


def _count(session: Session, rows: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(rows.limit(ENOUGH).subquery())) or 0


def _is(column: InstrumentedAttribute[Any], state: DueState | JobState) -> ColumnElement[bool]:
    """Return the condition with the state written out: a partial index serves no plan in which it is a parameter."""
    coded = column.type
    if not isinstance(coded, Enum):
        message = f"{column} is no state"
        raise TypeError(message)
    return column == literal(state, coded, literal_execute=True)
