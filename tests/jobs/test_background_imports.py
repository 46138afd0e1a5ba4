"""Importing in the background: whole or not at all, once, seen while it runs, and never left half-way in silence."""

import threading
from itertools import count

import pytest
from sqlalchemy import select

from audit.models import AuditEntry
from importers.apply import preview
from jobs.asking import ask_import, at_office, job_of, look
from tasks import jobs as running
from tasks.actors import Works, perform
from tasks.relay import do_without
from tenant.models import ImportBatch, Owner
from tenant.rules.terms import ImportState, JobState, Role
from tenant.services import jobs
from tenant.unscoped import Reason, across_offices
from waiting import wait_until
from workbooks import builders

_buildings = count(100)


@pytest.fixture
def works(database, settings):
    return Works(database, settings)


@pytest.fixture
def batch_id(database, cast):
    """A roster of the north office, previewed."""
    return previewed(database, cast)


def previewed(database, cast):
    """Preview a roster that nobody has imported before, and return its batch."""
    building = next(_buildings)
    rows = [[f"{building}栋", "1单元", f"{number}01", f"业主{building}{number}", 90] for number in range(1, 6)]
    content = builders.workbook(["楼栋", "单元", "房号", "业主姓名", "建筑面积"], *rows)
    with at_office(database, cast) as session:
        made = preview(session, cast.north.office, "roster", "名册.xlsx", content)
        session.commit()
        return made.id


def test_an_import_is_applied_as_the_person_who_asked_and_once(database, cast, works, batch_id):
    post = cast.north.people[Role.OFFICE_ADMIN]
    owners = len(look(database, select(Owner.id)))
    job_id = ask_import(database, cast, batch_id)
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    assert batch.state is ImportState.APPLYING
    do_without(works)
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    job = job_of(database, job_id)
    assert (batch.state, job.state) == (ImportState.APPLIED, JobState.DONE)
    assert job.done == job.total == batch.counts["rows"]["read"]
    written = len(look(database, select(Owner.id)))
    assert written > owners
    last = look(database, select(AuditEntry).where(AuditEntry.verb == "owner.create").order_by(AuditEntry.id.desc()))[0]
    assert (last.actor_id, last.actor_name, last.request_id) == (post.staff_id, post.staff.name, "r-test")
    perform(works, "run_job", {"job_id": job_id, "office_id": cast.north.id})
    assert len(look(database, select(Owner.id))) == written


def test_its_progress_is_seen_while_it_runs_and_a_cancel_leaves_nothing(database, cast, works, batch_id, monkeypatch):
    monkeypatch.setattr(running, "TOLD_EVERY", 0.0)
    job_id = ask_import(database, cast, batch_id)
    owners = len(look(database, select(Owner.id)))
    seen = []
    tell = jobs.hold

    def and_look(session, held, **progress):
        result = tell(session, held, **progress)
        if progress:
            session.commit()
            job = job_of(database, job_id)
            seen.append((job.phase, job.done, job.total))
            if job.phase == "写入" and job.done:
                with at_office(database, cast) as other:
                    jobs.ask_cancel(other, job_id)
                    other.commit()
        return result

    monkeypatch.setattr(jobs, "hold", and_look)
    do_without(works)
    assert [phase for phase, _, _ in seen][:2] == ["读取文件", "比对"]
    assert any(phase == "写入" and 0 < done < total for phase, done, total in seen)
    assert job_of(database, job_id).state is JobState.CANCELLED
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    assert (batch.state, batch.fault) == (ImportState.PREVIEWED, None)
    assert len(look(database, select(Owner.id))) == owners
    monkeypatch.undo()
    ask_import(database, cast, batch_id)
    do_without(works)
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    assert batch.state is ImportState.APPLIED


def test_a_refused_import_says_why_on_the_batch(database, cast, works, batch_id):
    job_id = ask_import(database, cast, batch_id)
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(ImportBatch, batch_id).file = None
        session.commit()
    do_without(works)
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    assert batch.state is ImportState.REFUSED
    assert "重新上传" in batch.fault
    assert job_of(database, job_id).state is JobState.FAILED


def test_an_import_that_breaks_down_five_times_can_be_tried_again_by_its_person(
    database, cast, works, batch_id, monkeypatch
):
    job_id = ask_import(database, cast, batch_id)
    monkeypatch.setattr("importers.apply.read", lambda *_: 1 / 0)
    for _ in range(jobs.MOST_ATTEMPTS):
        perform(works, "run_job", {"job_id": job_id})
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    assert batch.state is ImportState.PREVIEWED
    assert "没有写入任何内容" in batch.fault
    assert job_of(database, job_id).state is JobState.FAILED


def test_a_worker_that_must_go_undoes_an_import_and_the_next_one_writes_it(
    database, cast, works, batch_id, monkeypatch
):
    monkeypatch.setattr(running, "GIVE_IN", -1.0)
    job_id = ask_import(database, cast, batch_id)
    owners = len(look(database, select(Owner.id)))
    works.stop.set()
    perform(works, "run_job", {"job_id": job_id})
    job = job_of(database, job_id)
    assert (job.state, job.attempts, job.claim_token) == (JobState.WAITING, 0, None), "given back, and not its fault"
    assert len(look(database, select(Owner.id))) == owners
    works.stop.clear()
    do_without(works)
    assert job_of(database, job_id).state is JobState.DONE
    assert len(look(database, select(Owner.id))) == owners + 5


def test_two_imports_of_an_office_wait_for_each_other_and_both_are_written(
    database, cast, works, batch_id, monkeypatch
):
    first = ask_import(database, cast, batch_id)
    go = threading.Event()
    write = running.importing.apply

    def hold_the_turn(session, number, **options):
        batch = write(session, number, **options)
        assert go.wait(60)
        return batch

    monkeypatch.setattr(running.importing, "apply", hold_the_turn)
    holder = threading.Thread(target=running.run, args=(works, first))
    holder.start()
    wait_until(lambda: job_of(database, first).phase == "写入")
    monkeypatch.setattr(running.importing, "apply", write)
    second = ask_import(database, cast, previewed(database, cast))
    waiter = threading.Thread(target=running.run, args=(works, second))
    waiter.start()
    wait_until(lambda: "另一次导入" in job_of(database, second).phase)
    go.set()
    for thread in (holder, waiter):
        thread.join(60)
    assert {job_of(database, number).state for number in (first, second)} == {JobState.DONE}
