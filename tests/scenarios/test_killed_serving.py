"""``serve`` killed while it imports, the process beside it or the whole: all rows or none, and nobody left behind."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from importers import batches, undo
from importers.apply import begin
from jobs.asking import job_of, lapse, look
from scenarios.test_killed_imports import ROWS, database, roster
from tenant.db import Database
from tenant.journal import Actor
from tenant.models import ImportBatch, Job, Office, Owner, Posting, Unit
from tenant.rules.terms import ActorKind, ImportState, JobState
from tenant.scoping import Scope
from tenant.services import jobs
from waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from conftest import Program

__all__ = ["database"]
STAGES = {
    batches.READING: (ImportState.UPLOADED, ImportState.PREVIEWED),
    batches.WRITING: (ImportState.APPLYING, ImportState.APPLIED),
    batches.UNDOING: (ImportState.UNDOING, ImportState.UNDONE),
}
"""What a batch is while it is worked on, and what it is then."""
SOON = 0.8
"""Seconds in which no stage is through, on most machines: a kill by then lands."""


def children_of(pid: int) -> set[int]:
    """Return the processes that a process has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            child, parent = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(child)
    found, fresh = set(), [pid]
    while fresh:
        fresh = [child for one in fresh for child in parents.get(one, ())]
        found.update(fresh)
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Serving:
    """``serve`` in a process of its own, started again when it was killed, and one roster that it works on."""

    def __init__(self, wuguan: "Program", database: Database) -> None:
        self.wuguan, self.database = wuguan, database
        self.running: subprocess.Popen[str] | None = None
        self.orphans: set[int] = set()
        (self.office,) = look(database, select(Office))
        (post,) = look(database, select(Posting))
        self.clerk = Actor(ActorKind.PERSON, "文员", staff_id=post.staff_id, posting_id=post.id, request_id="r-serve")

    def up(self) -> int:
        """Return the process that works on imports, of a `serve` that is started where none runs."""
        if self.running is None:
            self.running = self.wuguan.start("serve", "--port", "0")
        pid = self.running.pid
        wait_until(lambda: self.beside(pid) or self.running.poll() is not None, "the process beside")
        assert self.running.poll() is None, self.running.stdout.read()
        return self.beside(pid)[0]

    @staticmethod
    def beside(pid: int) -> list[int]:
        """Return the processes of a `serve` that work on imports: one, once pages answer."""
        return [one for one in children_of(pid) if b"imports" in told(one)]

    def down(self) -> None:
        """Kill all of it at once; those it had started have to end by themselves."""
        if self.running is not None:
            self.orphans |= children_of(self.running.pid)
            self.running.kill()
            self.running.communicate()
            self.running = None

    def ask(self, stage: str, batch_id: int) -> tuple[int, int]:
        """Ask for the next stage as the page does; return batch and job."""
        with self.database.session(Scope.of([self.office.id]), self.clerk) as session:
            if stage == batches.READING:
                content = roster()
                batch = ImportBatch(
                    office_id=self.office.id, kind="roster", file_name="名册.xlsx", file_digest="0" * 64,
                    file_size=len(content), file=content, state=ImportState.UPLOADED,
                )  # fmt: skip
                session.add(batch)
                session.flush()
                batch_id = batch.id
            else:
                (begin if stage == batches.WRITING else undo.begin)(session, batch_id)
            about = {"subject_kind": "import_batch", "subject_id": batch_id, "office_id": self.office.id}
            job = jobs.ask(session, kind=stage, **about)
            session.commit()
            return batch_id, job.id

    def see(self, stage: str, batch_id: int, job_id: int) -> None:
        """Look at what there is: all rows or none, and the batch says which."""
        state, is_done, found = self.standing(batch_id, job_id)
        while (now := self.standing(batch_id, job_id)) != (state, is_done, found):
            state, is_done, found = now
        before, after = STAGES[stage]
        assert (state, is_done) in {(before, False), (after, True)}
        written = state in {ImportState.APPLIED, ImportState.UNDOING}
        assert found == ((ROWS, ROWS) if written else (0, 0))

    def standing(self, batch_id: int, job_id: int) -> tuple[ImportState, bool, tuple[int, int]]:
        """Return what the batch is, whether the job is done, and how many units and owners there are."""
        (batch,) = look(self.database, select(ImportBatch).where(ImportBatch.id == batch_id))
        counted = len(look(self.database, select(Unit.id))), len(look(self.database, select(Owner.id)))
        return batch.state, job_of(self.database, job_id).state is JobState.DONE, counted

    def has_begun(self, job_id: int, attempt: int) -> bool:
        """Tell whether a job has been taken up so often, or is done."""
        job: Job = job_of(self.database, job_id)
        return job.attempts >= attempt or job.state is JobState.DONE

    def is_done(self, job_id: int) -> bool:
        """Tell whether a job is done; raises where it has failed."""
        job: Job = job_of(self.database, job_id)
        assert job.state is not JobState.FAILED, job.last_error
        return job.state is JobState.DONE


def told(pid: int) -> bytes:
    """Return what a process was started with."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.fixture
def serving(wuguan: "Program", database: Database) -> Iterator[Serving]:
    """A `serve` that is gone at the end, whatever became of it."""
    made = Serving(wuguan, database)
    yield made
    made.down()


def test_serve_killed_in_the_middle_of_an_import_leaves_all_rows_or_none_and_nobody_behind(serving: Serving) -> None:
    moments, landed, batch_id = random.Random(7), 0, 0  # noqa: S311 - moments, not secrets
    for stage in STAGES:
        batch_id, job_id = serving.ask(stage, batch_id)
        for attempt, victim in enumerate(("beside", "all"), 1):
            serving.up()
            wait_until(lambda job_id=job_id, attempt=attempt: serving.has_begun(job_id, attempt), f"{stage} to begin")
            time.sleep(moments.uniform(0, SOON))
            is_landing = job_of(serving.database, job_id).state is JobState.RUNNING
            if victim == "all":
                serving.down()
            else:
                os.kill(serving.up(), signal.SIGKILL)
            serving.see(stage, batch_id, job_id)
            if serving.is_done(job_id):
                break
            landed += is_landing
            lapse(serving.database, job_id)  # half a minute goes by
        serving.up()
        wait_until(lambda job_id=job_id: serving.is_done(job_id), f"{stage} to be done")
        serving.see(stage, batch_id, job_id)
    serving.down()
    print(f"{landed} kills landed in the middle of an import")  # noqa: T201 - the count is part of the claim
    assert landed >= len(STAGES) - 1
    wait_until(lambda: not any(map(is_alive, serving.orphans)), "all that was started to end", patience=60)
