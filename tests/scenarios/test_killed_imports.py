"""A worker killed again and again in the middle of an import that somebody asked for on the page: whole, once."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from audit.capture import Capture
from audit.models import AuditEntry
from importers.apply import begin, preview
from jobs.asking import job_of, lapse, look
from tenant.db import Database, locate
from tenant.journal import Actor
from tenant.models import ImportBatch, Office, Owner, Posting, Unit
from tenant.rules.terms import ActorKind, ImportState, JobState
from tenant.scoping import Scope
from tenant.services import jobs
from tenant.settings import Settings
from waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from conftest import Program

ROWS, KILLS, PATIENCE = 2000, 4, 120


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
        landed += killed_at_work(database, job_id, wuguan.start("worker"), moments.uniform(0.0, 1.5))
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
