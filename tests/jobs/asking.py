"""Asking for long work in the tests, and looking at what became of it."""

from sqlalchemy import select, text, update

import make
from importers.apply import begin
from tasks.jobs import JobKind, Progress
from tenant.models import Job, Owner
from tenant.rules.terms import Role
from tenant.scoping import PERMIT
from tenant.services import jobs
from tenant.unscoped import Reason, across_offices

CHUNKS = 7


def counting_kind(and_then=None, undone=None):
    """Return a kind of work of seven chunks that makes an owner in each, calls ``and_then`` and keeps what it undid."""

    def step(session, job, report, _database):
        make.owner(session, job.office_id, name=f"第{job.id}件第{job.done + 1}步")
        if and_then is not None:
            and_then(session, job, report)
        return Progress(done=job.done + 1, total=CHUNKS, phase="计数", is_last=job.done + 1 == CHUNKS)

    return JobKind(step=step, undo=lambda session, job, ending: undone is not None and undone.append(ending))


def at_office(database, cast, role=Role.OFFICE_ADMIN):
    return database.session(cast.north.scope(), cast.north.actor(role))


def ask(database, cast, kind="counting", subject_id=1):
    with at_office(database, cast) as session:
        job = jobs.ask(session, kind=kind, subject_kind="office", subject_id=subject_id, office_id=cast.north.id)
        session.commit()
        return job.id


def ask_import(database, cast, batch_id):
    with at_office(database, cast) as session:
        begin(session, batch_id)
        job = jobs.ask(
            session, kind="import", subject_kind="import_batch", subject_id=batch_id, office_id=cast.north.id
        )
        session.commit()
        return job.id


def look(database, statement):
    with across_offices(database, Reason.SIGNING_IN) as session:
        return list(session.scalars(statement))


def job_of(database, job_id):
    (job,) = look(database, select(Job).where(Job.id == job_id))
    return job


def steps_of(database, job_id):
    return look(database, select(Owner.name).where(Owner.name.like(f"第{job_id}件%")).order_by(Owner.id))


def all_steps(job_id):
    return [f"第{job_id}件第{number}步" for number in range(1, CHUNKS + 1)]


def lapse(database, job_id):
    """Let the lease of a job end, as the time does where its worker was killed."""
    with across_offices(database, Reason.CLAIMING) as session:
        ended = update(Job).where(Job.id == job_id).values(lease_until=text("now() - interval '1 second'"))
        session.execute(ended, execution_options={**PERMIT, "synchronize_session": False})
        session.commit()


def claim(database, job_id):
    with across_offices(database, Reason.CLAIMING) as session:
        found = jobs.claim(session, job_id)
        session.commit()
        return found
