"""Workers killed again and again while they read, write and undo imports: all rows or none, once, and never a lie."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook
from sqlalchemy import select, text, update

from audit.capture import Capture
from audit.models import AuditEntry
from importers import batches, undo
from importers.apply import begin, preview
from jobs.asking import job_of, lapse, look
from kills import Nursery, a_seed, nursery, order_for
from tenant import clock
from tenant.db import Database, locate
from tenant.journal import Actor
from tenant.models import ImportBatch, Job, Office, Owner, Posting, Unit
from tenant.rules.terms import ActorKind, ImportState, JobState
from tenant.scoping import PERMIT, Scope
from tenant.services import jobs
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices
from waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from conftest import Program

ROWS, KILLS, PATIENCE = 2000, 4, 120
SOON = 0.5
"""Seconds in which nobody has written so many rows: a kill by then lands."""
LISTED, MOMENTS, KILLS_A_STAGE, IN_PEACE = 20, 200, 12, 2
LIST = "\n".join(
    ["楼栋,单元,房号,业主姓名,建筑面积", *(f"K,1,{number + 101},名单{number},90" for number in range(LISTED))]
).encode()
STAGES = {
    batches.READING: (ImportState.UPLOADED, ImportState.PREVIEWED),
    batches.WRITING: (ImportState.APPLYING, ImportState.APPLIED),
    batches.UNDOING: (ImportState.UNDOING, ImportState.UNDONE),
}
"""What a batch is while it is worked on, and what it is then."""


@pytest.fixture(scope="module")
def database(wuguan: "Program") -> Iterator[Database]:
    """The program's own database, with an office and its clerk."""
    assert wuguan("company", "add", "EAST", "东区物业").code == 0
    assert wuguan("office", "add", "NORTH", "北苑管理处", "--company", "EAST").code == 0
    assert wuguan("staff", "add", "clerk", "文员", "--role", "office_admin", "--office", "NORTH").code == 0
    opened = Database(locate(Settings(home=wuguan.home)), Capture(), pool_size=2)
    yield opened
    opened.engine.dispose()


def roster() -> bytes:
    """Return a roster long enough to be killed in the middle of."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(("楼栋", "单元", "房号", "业主姓名", "联系电话", "建筑面积"))
    for number in range(ROWS):
        sheet.append(("17", "1", f"{number // 4 + 1}{number % 4 + 1:02d}", f"住户{number}", f"198{number:08d}", 90))
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def asked_for(database: Database) -> tuple[int, int]:
    """Preview the roster and ask for it to be written, as the clerk does on the page; return batch and job."""
    (office,) = look(database, select(Office))
    (post,) = look(database, select(Posting))
    clerk = Actor(ActorKind.PERSON, "文员", staff_id=post.staff_id, posting_id=post.id, request_id="r-clerk")
    with database.session(Scope.of([office.id]), clerk) as session:
        batch = preview(session, session.get_one(Office, office.id), "roster", "名册.xlsx", roster())
        begin(session, batch.id)
        job = jobs.ask(
            session, kind="import", subject_kind="import_batch", subject_id=batch.id, office_id=office.id, total=ROWS
        )
        session.commit()
        return batch.id, job.id


def killed_at_work(database: Database, job_id: int, running: "subprocess.Popen[str]", after: float) -> bool:
    """Kill a worker so long after it has taken the job up; tell whether that was in the middle of it."""
    earlier = job_of(database, job_id).attempts
    try:
        wait_until(lambda: job_of(database, job_id).attempts > earlier)
        time.sleep(after)
    finally:
        running.kill()
        running.communicate()
    return bool(job_of(database, job_id).state is JobState.RUNNING)


def test_a_killed_import_is_taken_up_again_and_written_once(wuguan: "Program", database: Database) -> None:
    batch_id, job_id = asked_for(database)
    moments, landed = random.Random(11), 0  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        landed += killed_at_work(database, job_id, wuguan.start("worker"), moments.uniform(0.0, SOON))
        assert len(look(database, select(Unit.id))) in {0, ROWS}
        if job_of(database, job_id).state is JobState.DONE:
            break
        lapse(database, job_id)  # half a minute goes by
    last = wuguan.start("worker")
    try:
        wait_until(lambda: job_of(database, job_id).state in {JobState.DONE, JobState.FAILED})
    finally:
        last.terminate()
        last.communicate(timeout=PATIENCE)
    print(f"{landed} kills landed in the middle of an import")  # noqa: T201 - the count is part of the claim
    assert landed >= KILLS // 2
    job, (batch,) = job_of(database, job_id), look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    assert (job.state, batch.state, job.done) == (JobState.DONE, ImportState.APPLIED, ROWS)
    assert job.attempts == landed + 1
    assert (len(look(database, select(Unit.id))), len(look(database, select(Owner.id)))) == (ROWS, ROWS)
    entries = look(database, select(AuditEntry).where(AuditEntry.verb == "unit.create"))
    assert len(entries) == len({entry.subject_id for entry in entries}) == ROWS
    assert Counter((entry.actor_name, entry.request_id) for entry in entries) == {("文员", "r-clerk"): ROWS}
    assert wuguan("audit", "verify", "--json").json["ok"]


def lists(database: Database) -> tuple[int, int]:
    """Return how many units and owners of the small list there are."""
    units = look(database, select(Unit.id).where(Unit.number.like("K-%")))
    owners = look(database, select(Owner.id).where(Owner.name.like("名单%")))
    return len(units), len(owners)


class Life:
    """Batches of one small list, read, written and undone by workers that are killed at random moments."""

    def __init__(self, database: Database, home: Nursery, settings: Settings, toll: Counter[str]) -> None:
        self.database, self.home, self.toll = database, home, toll
        self.order = order_for(database, "job", settings, clock.now())
        self.chance = random.Random(a_seed())  # noqa: S311 - moments, not secrets
        self.spans = dict.fromkeys(STAGES, 0.0)
        self.rounds = 0
        (self.office,) = look(database, select(Office))
        (post,) = look(database, select(Posting))
        self.clerk = Actor(ActorKind.PERSON, "文员", staff_id=post.staff_id, posting_id=post.id, request_id="r-kills")

    def round(self) -> None:
        """Take one batch through its whole life, killing on the way.

        The first of all are left in peace: one in the nursery, so that those it bears are at work at once, one timed.
        """
        batch_id = 0
        for stage in STAGES:
            batch_id, job_id = self.ask(stage, batch_id)
            for kills in count():
                if not self.rounds:
                    self.home.ask(rehearse=self.order | {"job": job_id})
                self.work(stage, batch_id, job_id, in_peace=kills == KILLS_A_STAGE or self.rounds < IN_PEACE)
                if job_of(self.database, job_id).state is JobState.DONE:
                    break
        self.rounds += 1

    def ask(self, stage: str, batch_id: int) -> tuple[int, int]:
        """Ask for the next stage as the page does; return batch and job."""
        with self.database.session(Scope.of([self.office.id]), self.clerk) as session:
            if stage == batches.READING:
                batch = ImportBatch(
                    office_id=self.office.id, kind="roster", file_name="名单.csv", file_digest="0" * 64,
                    file_size=len(LIST), file=LIST, state=ImportState.UPLOADED,
                )  # fmt: skip
                session.add(batch)
                session.flush()
                batch_id = batch.id
            elif stage == batches.WRITING:
                begin(session, batch_id)
            else:
                undo.begin(session, batch_id)
            job = jobs.ask(
                session, kind=stage, subject_kind="import_batch", subject_id=batch_id, office_id=self.office.id
            )
            session.commit()
            return batch_id, job.id

    def work(self, stage: str, batch_id: int, job_id: int, *, in_peace: bool) -> None:
        """Let a worker take the job up and kill it at a random moment; one left in peace shows how long it takes."""
        marks, began = self.home.marks[0], time.monotonic()
        worker, moment = self.home.bear(0, self.order | {"job": job_id}), self.chance.uniform(0, self.spans[stage])
        if not in_peace:
            while not marks.ended and time.monotonic() < began + moment:
                time.sleep(0.001)
            os.kill(worker, signal.SIGKILL)
        fate = self.home.bury(worker)
        assert fate in {0, -signal.SIGKILL}, self.home.complaints.read_text()[-4000:]
        # so long it takes at this hour; longer than what was cut short
        self.spans[stage] = self.spans[stage] * 1.1 if fate else time.monotonic() - began
        if in_peace:
            job = job_of(self.database, job_id)
            assert (job.state, job.last_error) == (JobState.DONE, None), self.home.complaints.read_text()[-4000:]
        self.see(stage, batch_id, job_id)
        if fate and not marks.ended and job_of(self.database, job_id).state is JobState.RUNNING:
            self.toll[stage] += 1
            self.toll["in a transaction"] += marks.open > 0
        self.forgive(job_id)

    def see(self, stage: str, batch_id: int, job_id: int) -> None:
        """Look at what there is, at any moment: all rows or none, and the batch says which."""
        standing, found = self.standing(batch_id, job_id), lists(self.database)
        while (now := self.standing(batch_id, job_id)) != standing:  # a commit ends whose sender did not live to see it
            standing, found = now, lists(self.database)
        before, after = STAGES[stage]
        assert standing in {(before, False), (after, True)}
        written = standing[0] in {ImportState.APPLIED, ImportState.UNDOING}
        assert found == ((LISTED, LISTED) if written else (0, 0))

    def standing(self, batch_id: int, job_id: int) -> tuple[ImportState, bool]:
        """Return what the batch is and whether the job is done."""
        (batch,) = look(self.database, select(ImportBatch).where(ImportBatch.id == batch_id))
        return batch.state, job_of(self.database, job_id).state is JobState.DONE

    def forgive(self, job_id: int) -> None:
        """Let the lease of a killed worker end, and the attempt not count: more kills than attempts are wanted."""
        with across_offices(self.database, Reason.CLAIMING) as session:
            ended = update(Job).where(Job.id == job_id, Job.state == JobState.RUNNING)
            values = ended.values(lease_until=text("now() - interval '1 second'"), attempts=0)
            session.execute(values, execution_options={**PERMIT, "synchronize_session": False})
            session.commit()


def test_readings_writings_and_undoings_killed_at_200_moments_leave_all_rows_or_none(
    wuguan: "Program", database: Database
) -> None:
    toll: Counter[str] = Counter()
    with nursery() as home:
        life = Life(database, home, Settings(home=wuguan.home), toll)
        while sum(toll[stage] for stage in STAGES) < MOMENTS or min(toll[stage] for stage in STAGES) < MOMENTS // 10:
            life.round()
    print(f"kills that landed in the middle of work: {dict(toll)}")  # noqa: T201 - the count is part of the claim
    assert all(toll[stage] >= MOMENTS // 10 for stage in STAGES)
    entries = look(database, select(AuditEntry).where(AuditEntry.request_id == "r-kills"))
    made = Counter(entry.verb for entry in entries)
    rounds = len(look(database, select(ImportBatch.id).where(ImportBatch.state == ImportState.UNDONE)))
    assert made["unit.create"] == made["unit.delete"] == rounds * LISTED, "what a killed worker did is not on record"
    assert wuguan("audit", "verify", "--json").json["ok"]
