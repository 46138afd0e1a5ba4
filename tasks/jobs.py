"""Long work, chunk by chunk: claim → commit → a chunk and its progress in one transaction → … → the end with the last.

Each chunk runs in the scope of the job's own office, as the person who asked, both read from the database again. While
it runs, a thread keeps the claim alive; a process that dies lets it lapse, and another takes the job up. What a chunk
tells from inside goes out in a transaction of its own, so that it is seen at once.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from audit import timeline
from importers import apply as importing
from importers import batches, foresight
from importers import undo as undoing
from importers.reading import Report
from tasks.errands import clockwork
from tasks.replaying import Reached
from tasks.sweeps.drain import describe
from tenant import clock, logs, outbox
from tenant.calendars import local_day
from tenant.db import Database
from tenant.errors import Conflict, Refusal
from tenant.journal import Actor
from tenant.models import ImportBatch, Job, Office, Posting
from tenant.rules.terms import ActorKind, JobState
from tenant.scoping import Scope, ScopedSession
from tenant.services import billing, jobs, pasts, replays
from tenant.services.jobs import JobClaim, JobLost
from tenant.unscoped import Reason, across_offices

if TYPE_CHECKING:
    from tasks.actors import Works

log = logging.getLogger(__name__)

SIGN_OF_LIFE: Final = 5.0
"""Seconds between two renewals of a claim; a sixth of its lease."""
TOLD_EVERY: Final = 0.5
"""Seconds between two rows of progress, so that telling costs nothing beside the work."""
GIVE_IN: Final = 10.0
"""Seconds that a chunk may go on after the worker was told to stop; then it is undone and given back."""
AFTER_ERROR: Final = timedelta(seconds=5)
"""How long a job waits after its first error; after the next twice as long, and so on."""
AT_ONCE: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Progress:
    """What stands once a chunk is committed: rows done, rows in all (None: not known); ``is_last``: all is done."""

    done: int
    total: int | None = None
    phase: str = ""
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a job ended without being done: ``why`` in Chinese, None where somebody asked for it.

    ``refusal`` is what the domain said, None where the work itself broke down.
    """

    why: str | None = None
    refusal: Refusal | None = None


Step = Callable[[ScopedSession, Job, Report, Database], Progress]
"""Does the next chunk of a job, from ``done`` on, without committing; may tell how far it is, and then be ended.

The database is there for what has to be looked up outside the job's office.
"""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of long work: its next chunk, and what is put right where it ends without being done."""

    step: Step
    undo: Callable[[ScopedSession, Job, Ending], None]


class _CancelAsked(Exception):
    """Somebody asked for the job to be given up."""


class _Stopping(Exception):
    """The worker shall end: the chunk is undone and the job given back."""


def run(works: "Works", job_id: int) -> None:
    """Take a job up, unless it is over or in hand, and go on until it ends or the time of one message is used up."""
    with across_offices(works.database, Reason.CLAIMING, clockwork()) as session:
        claim = jobs.claim(session, job_id)
        session.commit()
    if claim is not None:
        _Running(works, claim).until_over()


def wake_stranded(works: "Works") -> int:
    """Wake a worker for every job that nobody is at, and return how many there were."""
    with across_offices(works.database, Reason.CLAIMING) as session:
        found = jobs.stranded(session)
        for job_id, office_id in found:
            outbox.wake(session, jobs.ACTOR, office_id=office_id, job_id=job_id)
        session.commit()
    return len(found)


def cancel(session: ScopedSession, job_id: int) -> Job:
    """Ask for a job to be given up, in the caller's transaction; one that nobody is at ends here, and is put right.

    Raises NotFound and Refusal as :func:`tenant.services.jobs.ask_cancel` does.
    """
    job = jobs.ask_cancel(session, job_id)
    kind = KINDS.get(job.kind)
    if kind is not None and job.state is JobState.CANCELLED:
        kind.undo(session, job, Ending())
    return job


class _Running:
    """One run of one job by the holder of its claim."""

    def __init__(self, works: "Works", claim: JobClaim) -> None:
        self.works = works
        self.claim = claim
        self.scope = Scope.of([claim.office_id])
        self.over = threading.Event()
        self.is_lost = False
        self.begun = self.told = time.monotonic()
        self.stopped: float | None = None
        self.phase = ""
        self.has_advanced = False
        self.person = self._asker()

    def until_over(self) -> None:
        """Go on to the end, or give the job back; an error counts against it, the fifth ends it."""
        with self._number(), self._kept():
            try:
                if self.claim.attempts > jobs.MOST_ATTEMPTS:
                    self._end(JobState.FAILED, Ending(f"处理它的后台进程已中断 {jobs.MOST_ATTEMPTS} 次。"))
                else:
                    self._go_on()
            except JobLost:
                log.warning("job %s was taken from us", self.claim.id)
            except _CancelAsked:
                self._end(JobState.CANCELLED, Ending())
            except _Stopping:
                self._give_back(is_counted=False, wait=AT_ONCE)
            except Refusal as refusal:
                self._end(JobState.FAILED, Ending(refusal.message, refusal))
            except Exception as error:
                log.exception("job %s failed (attempt %s)", self.claim.id, self.claim.attempts)
                self._failed(describe(error))

    def _go_on(self) -> None:
        """Do chunk after chunk; lay the job down when the time of one message is used up."""
        kind = KINDS[self.claim.kind]
        while not self._chunk(kind):
            if self.works.stop.is_set():
                raise _Stopping
            if time.monotonic() - self.begun > (self.works.pace.seconds or 0):
                self._give_back(is_counted=not self.has_advanced, wait=AT_ONCE)
                return

    def _chunk(self, kind: JobKind) -> bool:
        """Do one chunk and its progress in one transaction; tell whether it was the last."""
        with self._session() as session:
            if jobs.hold(session, self.claim):
                raise _CancelAsked
            session.commit()  # the row of the job is not kept locked while the chunk runs
            job = session.get_one(Job, self.claim.id, populate_existing=True)
            progress = kind.step(session, job, self.report, self.works.database)
            if progress.is_last:
                jobs.finish(session, self.claim, JobState.DONE, done=progress.done)
            else:
                self._advance(session, job.done, progress)
            session.commit()
        return progress.is_last

    def _advance(self, session: ScopedSession, before: int, progress: Progress) -> None:
        """Note what stands with this chunk; whoever gets on has its earlier attempts forgiven."""
        if progress.done > before:
            self.has_advanced = True
            self.claim = replace(self.claim, attempts=1)
        noted = {"done": progress.done, "total": progress.total, "phase": progress.phase}
        jobs.hold(session, self.claim, **noted, attempts=self.claim.attempts)

    def report(self, phase: str, done: int, total: int | None) -> None:
        """Tell how far a chunk is; ends it when the job shall be given up, was lost, or the worker must go."""
        if self.is_lost:
            raise JobLost(self.claim.id)
        if self.works.stop.is_set():
            self.stopped = self.stopped or time.monotonic()
            if time.monotonic() - self.stopped > GIVE_IN:
                raise _Stopping
        if phase == self.phase and time.monotonic() - self.told < TOLD_EVERY:
            return
        self.phase, self.told = phase, time.monotonic()
        with self._session() as session:
            is_unwanted = jobs.hold(session, self.claim, phase=phase, done=done, total=total)
            session.commit()
        if is_unwanted:
            raise _CancelAsked

    def _failed(self, error: str) -> None:
        """Let a job wait after an error, longer each time; end it at its fifth."""
        attempts = self.claim.attempts
        if attempts >= jobs.MOST_ATTEMPTS:
            self._end(JobState.FAILED, Ending(f"已尝试 {attempts} 次都没有成功。"), detail=error)
        else:
            self._give_back(is_counted=True, wait=AFTER_ERROR * attempts, error=error)

    def _give_back(self, *, is_counted: bool, wait: timedelta, error: str | None = None) -> None:
        with self._session() as session, suppress(JobLost):
            jobs.give_back(session, self.claim, is_counted=is_counted, wait=wait, error=error)
            if wait == AT_ONCE:
                outbox.wake(session, jobs.ACTOR, office_id=self.claim.office_id, job_id=self.claim.id)
            session.commit()

    def _end(self, state: JobState, ending: Ending, *, detail: str | None = None) -> None:
        """Put right what the job has left, and end it, in one transaction."""
        kind = KINDS.get(self.claim.kind)
        with self._session() as session, suppress(JobLost):
            job = session.get_one(Job, self.claim.id)
            if kind is not None:
                kind.undo(session, job, ending)
            why = "：".join(part for part in (ending.why, detail) if part) or None
            jobs.finish(session, self.claim, state, error=why)
            session.commit()

    @contextmanager
    def _session(self) -> Iterator[ScopedSession]:
        with self.works.database.session(self.scope, self.person) as session:
            yield session

    @contextmanager
    def _number(self) -> Iterator[None]:
        """Tie what is logged to what asked for the job, in the job's own office."""
        tied = logs.correlation.set(self.person.request_id)
        placed = logs.office.set(self.claim.office_id)
        try:
            yield
        finally:
            logs.office.reset(placed)
            logs.correlation.reset(tied)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep the claim alive from a thread of its own for as long as the block runs."""
        keeper = threading.Thread(target=self._keep, name=f"job {self.claim.id}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self.over.set()
            keeper.join()

    def _keep(self) -> None:
        while not self.over.wait(SIGN_OF_LIFE):
            try:
                with self._session() as session:
                    jobs.hold(session, self.claim)
                    session.commit()
            except JobLost:
                self.is_lost = True
                return
            except Exception:
                log.exception("no sign of life from job %s", self.claim.id)

    def _asker(self) -> Actor:
        """Return who asked for the job, read again; the clockwork in their place where their posting has ended."""
        nobody = clockwork()
        with self.works.database.session(self.scope, nobody) as session:
            job = session.get_one(Job, self.claim.id)
            number = job.request_id or nobody.request_id
            posting = session.get(Posting, job.asked_by_id) if job.asked_by_id is not None else None
            office = session.get_one(Office, job.office_id)
            today = local_day(clock.now(), office.zone)
            if posting is None or posting.from_on > today or (posting.to_on is not None and posting.to_on < today):
                return replace(nobody, request_id=number)
            return Actor(ActorKind.PERSON, posting.staff.name, posting.staff_id, posting.id, number)


# ---- the kinds there are
def _read_import(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Read and plan a batch that was too large to be waited for."""
    batch = batches.read_again(session, job.subject_id, report)
    read = _rows_of(batch)
    return Progress(done=read, total=read, is_last=True)


def _unread_import(session: ScopedSession, job: Job, ending: Ending) -> None:
    """Say why a batch has no preview: its file, or a reading that broke down."""
    refusal = ending.refusal
    why = None if ending.why is None else refusal.message if refusal else f"没有读完这个文件。{ending.why}请重新上传。"
    batches.lay_down_reading(session, job.subject_id, why, is_refused=refusal is not None)


def _write_import(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Apply a batch, whole or not at all: one chunk, however long; it tells how far it is from inside."""
    read = _rows_of(importing.apply(session, job.subject_id, begun=True, report=report))
    return Progress(done=read, total=read, is_last=True)


def _unwritten_import(session: ScopedSession, job: Job, ending: Ending) -> None:
    """Let a batch be applied again; one that cannot be as it is, is refused, with the reason."""
    refusal = ending.refusal
    why = (
        None if ending.why is None else refusal.message if refusal else f"写入没有完成，没有写入任何内容。{ending.why}"
    )
    for_good = refusal is not None and not isinstance(refusal, Conflict)
    importing.lay_down(session, job.subject_id, why, for_good=for_good)


def _undo_import(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Undo a batch, whole or not at all."""
    undone = undoing.undo(session, job.subject_id, begun=True, report=report).counts.get("undone")
    done = undone["removed"] + undone["restored"] if isinstance(undone, dict) else 0
    return Progress(done=done, total=done, is_last=True)


def _not_undone_import(session: ScopedSession, job: Job, ending: Ending) -> None:
    """Leave a batch written, as it is, and say why."""
    refusal = ending.refusal
    why = None if ending.why is None else refusal.message if refusal else f"撤销没有完成，什么也没有撤销。{ending.why}"
    undoing.lay_down(session, job.subject_id, why)


def _foresee_undoing(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Reckon what undoing a large batch would do, for its page."""
    foreseen = foresight.reckon(session, job.subject_id, report).total
    return Progress(done=foreseen, total=foreseen, is_last=True)


def _try_limit(session: ScopedSession, job: Job, report: Report, database: Database) -> Progress:
    """Try a draft of a time limit on what has happened: one chunk that only looks, and keeps its result at the end."""

    def remembered(kind: str, row_ids: Sequence[int]) -> pasts.Changes:
        return timeline.what_stood(session, kind, row_ids, pasts.QUALIFYING[kind])

    with across_offices(database, Reason.FINDING_RECIPIENTS, clockwork()) as group:
        reached = Reached(group, group.get_one(Office, job.office_id))
        figures = replays.reckon(session, job.subject_id, remembered, reached, report).figures or {}
    tried = int(figures["tickets"])
    return Progress(done=tried, total=tried, is_last=True)


def _count_billing(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Work out the preview of a month's charging."""
    run = billing.count(session, job.subject_id, report)
    return Progress(done=run.lines or 0, total=run.lines or 0, is_last=True)


def _post_billing(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Post a month's charging, whole or not at all."""
    run = billing.post(session, job.subject_id, report)
    return Progress(done=run.lines or 0, total=run.lines or 0, is_last=True)


def _undo_billing(session: ScopedSession, job: Job, report: Report, _database: Database) -> Progress:
    """Take a posted month back, whole or not at all."""
    run = billing.undo(session, job.subject_id, report)
    return Progress(done=run.lines or 0, total=run.lines or 0, is_last=True)


def _unbilled(session: ScopedSession, job: Job, ending: Ending) -> None:
    """Put a month's charging back to where a person can go on, and say why; what changed meanwhile is counted anew."""
    refusal = ending.refusal
    why = None if ending.why is None else refusal.message if refusal else f"没有完成，什么也没有写入。{ending.why}"
    billing.lay_down(session, job.subject_id, why, recount=isinstance(refusal, Conflict))


def _nothing_left(_session: ScopedSession, _job: Job, _ending: Ending) -> None:
    """Put nothing right: what only looks leaves nothing behind."""


def _rows_of(batch: ImportBatch) -> int:
    rows = batch.counts.get("rows")
    return int(rows["read"]) if isinstance(rows, dict) else 0


KINDS: Final[Mapping[str, JobKind]] = {
    batches.READING: JobKind(step=_read_import, undo=_unread_import),
    batches.WRITING: JobKind(step=_write_import, undo=_unwritten_import),
    batches.UNDOING: JobKind(step=_undo_import, undo=_not_undone_import),
    batches.FORESEEING: JobKind(step=_foresee_undoing, undo=_nothing_left),
    replays.JOB: JobKind(step=_try_limit, undo=_nothing_left),
    billing.COUNTING: JobKind(step=_count_billing, undo=_unbilled),
    billing.POSTING: JobKind(step=_post_billing, undo=_unbilled),
    billing.UNDOING: JobKind(step=_undo_billing, undo=_unbilled),
}
