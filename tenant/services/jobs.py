"""Long work in the background: asked for once, done in chunks by whoever holds the claim, cancelled or given up.

A job is a row of its office. Asking and cancelling are changes a person makes; taking up, progress and giving back
change rows of the machinery by key and carry ``PERMIT``. A job ends in the transaction of its last effect, by the token
of the claim: who lost it in between writes nothing. Leases are measured by the database's clock.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenant import clock, outbox
from tenant.errors import NotFound, Refusal
from tenant.journal import actor_of
from tenant.models import Job, Office
from tenant.rules.terms import JobState
from tenant.scoping import PERMIT, scope_of

ACTOR = "run_job"
LIVE = (JobState.WAITING, JobState.RUNNING)
MOST_ATTEMPTS = 5
LEASE = timedelta(seconds=30)
"""How long a claim holds without a sign of life; its holder gives one every few seconds."""
WAKE_AGAIN = timedelta(seconds=10)
"""How long a job waits for the worker it woke before another is woken: messages get lost."""
AT_ONCE = 50
_BY_KEY: dict[str, Any] = {**PERMIT, "synchronize_session": False}


@dataclass(frozen=True, slots=True)
class JobClaim:
    """The right to do one job until its lease ends: ``token`` proves it, ``attempts`` counts this one too."""

    id: int
    office_id: int
    kind: str
    token: str
    attempts: int


class JobLost(Exception):
    """The claim is no longer ours: cancelled, or its lease ended and another took it. Nothing may be committed."""


def ask(
    session: Session, *, kind: str, subject_kind: str, subject_id: int, office_id: int, total: int | None = None
) -> Job:
    """Ask for the work ``kind`` on a subject and wake a worker once the transaction of ``session`` is committed.

    Returns the live job of the same kind and subject where there is one: a doubled click asks once. Raises WallBreach
    for an office outside the session's scope.
    """
    scope_of(session).require(office_id)
    known = _live(session, kind, subject_id, office_id)
    if known is not None:
        return known
    job = Job(
        office_id=office_id,
        kind=kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        state=JobState.WAITING,
        total=total,
        asked_by_id=actor_of(session).posting_id,
        request_id=actor_of(session).request_id,
        lease_until=func.now() + WAKE_AGAIN,
    )
    try:
        with session.begin_nested():
            session.add(job)
            session.flush()
    except IntegrityError:
        theirs = _live(session, kind, subject_id, office_id)  # asked for at the same moment
        if theirs is None:
            raise
        return theirs
    outbox.wake(session, ACTOR, office_id=office_id, job_id=job.id)
    return job


def latest(session: Session, kind: str, subject_id: int) -> Job | None:
    """Return the youngest job of a kind on a subject, as it stands in the database now; None where there was none."""
    return session.scalars(
        select(Job)
        .where(Job.kind == kind, Job.subject_id == subject_id)
        .order_by(Job.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


def ask_cancel(session: Session, job_id: int) -> Job:
    """Ask for a job to be given up; where no worker has it in hand it is cancelled at once, as its state then says.

    Raises NotFound for a missing job and for another office's alike, Refusal ``job_over`` for one that has ended.
    """
    found = session.execute(
        select(Job, Job.lease_until < func.now())
        .where(Job.id == job_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound
    job, has_lapsed = found
    if job.state not in LIVE:
        raise Refusal(code="job_over", message=f"这项后台任务{job.state.label}，不能再取消。请刷新页面查看结果。")
    job.cancel_asked_at = job.cancel_asked_at or clock.now()
    if job.state is JobState.WAITING or has_lapsed:
        _end(job, JobState.CANCELLED, None)
    session.flush()
    return job


def claim(session: Session, job_id: int) -> JobClaim | None:
    """Take a job up: attempt counted, lease begun; None where it has ended, somebody has it, or there is none.

    The caller commits at once, before the work: work that kills its process is counted all the same.
    """
    is_free = or_(_is(JobState.WAITING), and_(_is(JobState.RUNNING), Job.lease_until < func.now()))
    locked = select(Job.id).where(Job.id == job_id, is_free).with_for_update(skip_locked=True).cte("locked")
    token = str(uuid.uuid4())
    taking = (
        update(Job)
        .where(Job.id == locked.c.id)
        .values(
            state=JobState.RUNNING,
            claim_token=token,
            lease_until=func.now() + LEASE,
            attempts=Job.attempts + 1,
            started_at=func.coalesce(Job.started_at, func.now()),
            version=Job.version + 1,
        )
        .returning(Job.id, Job.office_id, Job.kind, Job.attempts)
    )
    row = session.execute(taking, execution_options=_BY_KEY).one_or_none()
    return None if row is None else JobClaim(row.id, row.office_id, row.kind, token, row.attempts)


def hold(session: Session, held: JobClaim, **progress: str | int | None) -> bool:
    """Renew the lease, note ``phase``, ``done`` or ``total`` with it, and tell whether the job shall be given up.

    Raises JobLost when the claim is no longer ours. The version stays: nobody's edit is made stale by progress.
    """
    renewing = (
        update(Job)
        .where(*_held_by(held))
        .values(lease_until=func.now() + LEASE, state=JobState.RUNNING, **progress)
        .returning(Job.id, Job.cancel_asked_at)
    )
    row = session.execute(renewing, execution_options=_BY_KEY).one_or_none()
    if row is None:
        raise JobLost(held.id)
    return row.cancel_asked_at is not None


def give_back(session: Session, held: JobClaim, *, is_counted: bool, wait: timedelta, error: str | None = None) -> None:
    """Let a job go, to be taken up again by a worker's message, or after ``wait`` without one.

    ``is_counted`` False takes the attempt back: the job was laid down in good order. Raises JobLost where it is lost.
    """
    giving = (
        update(Job)
        .where(*_held_by(held))
        .values(
            state=JobState.WAITING,
            claim_token=None,
            lease_until=func.now() + wait,
            attempts=Job.attempts if is_counted else Job.attempts - 1,
            last_error=error,
            version=Job.version + 1,
        )
        .returning(Job.id)
    )
    if session.scalar(giving, execution_options=_BY_KEY) is None:
        raise JobLost(held.id)


def finish(
    session: Session, held: JobClaim, state: JobState, *, error: str | None = None, done: int | None = None
) -> None:
    """End a job in the transaction of its last effect, as the last thing before the commit; recorded.

    ``done`` None leaves the count as it was told last. Raises JobLost when the claim is no longer ours: then nothing of
    the effect may be committed.
    """
    session.flush()
    job = session.scalars(
        select(Job).where(*_held_by(held)).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if job is None:
        raise JobLost(held.id)
    if done is not None:
        job.done = job.total = done
    _end(job, state, error)
    session.flush()


def stranded(group_session: Session) -> Sequence[tuple[int, int]]:
    """Return id and office of the jobs that nobody is at, each to be woken; one look at one index.

    Those are jobs whose worker is gone and jobs whose message was lost. Who asks next does not get them again until
    they have had time to be taken up. A worker that was only slow may still finish until another has taken over.
    Offices that are archived are left alone.
    """
    found = forgotten().with_for_update(skip_locked=True).cte("forgotten")
    waiting = (
        update(Job)
        .where(Job.id == found.c.id)
        .values(state=JobState.WAITING, lease_until=func.now() + WAKE_AGAIN)
        .returning(Job.id, Job.office_id)
    )
    return [(row.id, row.office_id) for row in group_session.execute(waiting, execution_options=_BY_KEY)]


def forgotten() -> Select[int]:
    """Return the statement that finds the jobs nobody is at, the longest forgotten first."""
    return (
        select(Job.id)
        .where(or_(*map(_is, LIVE)), Job.lease_until < func.now(), office_is_open())
        .order_by(Job.lease_until)
        .limit(AT_ONCE)
    )


def office_is_open() -> ColumnElement[bool]:
    """Return the condition that the office of a job is in use: nobody goes on with what an archived one asked for."""
    return select(Office.id).where(Office.id == Job.office_id, Office.archived_at.is_(None)).exists()


def _live(session: Session, kind: str, subject_id: int, office_id: int) -> Job | None:
    """Return the job of a kind and subject that waits or runs; there is at most one."""
    return session.scalars(
        select(Job).where(
            Job.office_id == office_id, Job.kind == kind, Job.subject_id == subject_id, Job.state.in_(LIVE)
        )
    ).one_or_none()


def _end(job: Job, state: JobState, error: str | None) -> None:
    job.state, job.last_error, job.ended_at = state, error, clock.now()
    job.claim_token = job.lease_until = None


def _is(state: JobState) -> ColumnElement[bool]:
    """Return the condition with the state written out: a partial index serves no plan in which it is a parameter."""
    return Job.state == literal(state, Job.state.type, literal_execute=True)


def _held_by(held: JobClaim) -> list[ColumnElement[bool]]:
    """Return what is true of a job as long as it is ours: also where it was thought forgotten and nobody came."""
    return [
        Job.office_id == held.office_id,
        Job.id == held.id,
        Job.claim_token == held.token,
        Job.state.in_(LIVE),
    ]
