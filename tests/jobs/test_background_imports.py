"""Importing in the background: whole or not at all, once, seen while it runs, and never left half-way in silence."""

import io
import threading
import zipfile
from itertools import count

import pytest
from sqlalchemy import select

from audit.models import AuditEntry
from importers import batches, undo
from importers.apply import preview
from jobs.asking import ask_import, at_office, job_of, look
from tasks import jobs as running
from tasks.actors import Works, perform
from tasks.relay import do_without
from tenant.models import ImportBatch, Office, Owner
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
    monkeypatch.setattr("importers.apply.wait_for_turn", lambda *_: 1 / 0)
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


def uploaded(database, cast, content):
    """Take in a file as one that is too long to be waited for; return its batch."""
    with at_office(database, cast) as session:
        place = session.get_one(Office, cast.north.id)
        batch = batches.receive(session, place, "roster", "长名册.csv", content)
        session.commit()
        assert batch.state is ImportState.UPLOADED
        return batch.id


def long_roster(columns="楼栋,单元,房号,业主姓名,建筑面积"):
    building = next(_buildings)
    rows = [f"{building},1,{number + 101},长户{building}-{number},90" for number in range(5_000)]
    return "\n".join([columns, *rows]).encode()


def broken_workbook():
    """Return a workbook that looks like one from outside, and whose sheet breaks off."""
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(builders.of_size(3_000))) as source, zipfile.ZipFile(whole, "w") as target:
        for part in source.namelist():
            body = source.read(part)
            target.writestr(part, body[: len(body) // 2] if part.endswith("sheet1.xml") else body)
    return whole.getvalue()


def the_batch(database, batch_id):
    (batch,) = look(database, select(ImportBatch).where(ImportBatch.id == batch_id))
    return batch


def ask_undo(database, cast, batch_id):
    with at_office(database, cast) as session:
        undo.begin(session, batch_id)
        job = jobs.ask(
            session, kind=batches.UNDOING, subject_kind="import_batch", subject_id=batch_id, office_id=cast.north.id
        )
        session.commit()
        return job.id


def test_a_long_file_is_read_in_the_background_and_tells_how_far_it_is(database, cast, works, monkeypatch):
    monkeypatch.setattr(running, "TOLD_EVERY", 0.0)
    batch_id = uploaded(database, cast, long_roster())
    seen, tell = [], jobs.hold

    def and_look(session, held, **progress):
        seen.append(tuple(progress.values()))
        return tell(session, held, **progress)

    monkeypatch.setattr(jobs, "hold", and_look)
    do_without(works)
    batch = the_batch(database, batch_id)
    assert (batch.state, batch.counts["rows"]["read"]) == (ImportState.PREVIEWED, 5_000)
    assert any(told[0] == "读取文件" and 0 < told[1] < 5_000 for told in seen if len(told) == 3)


def test_a_long_file_that_cannot_be_read_is_refused_once_with_its_sentence(database, cast, works):
    batch_id = uploaded(database, cast, broken_workbook())
    do_without(works)
    batch = the_batch(database, batch_id)
    assert batch.state is ImportState.REFUSED
    assert "损坏" in batch.fault
    with at_office(database, cast) as session:
        job = jobs.latest(session, batches.READING, batch_id)
        assert (job.state, job.attempts) == (JobState.FAILED, 1), "a file is not tried again for ever"


def test_a_reading_that_was_cancelled_gives_the_batch_up(database, cast, works):
    batch_id = uploaded(database, cast, long_roster())
    with at_office(database, cast) as session:
        running.cancel(session, jobs.latest(session, batches.READING, batch_id).id)
        session.commit()
    do_without(works)
    batch = the_batch(database, batch_id)
    assert (batch.state, batch.fault) == (ImportState.CANCELLED, None)


def test_a_reading_that_breaks_down_five_times_has_failed_and_says_so(database, cast, works, monkeypatch):
    batch_id = uploaded(database, cast, long_roster())
    monkeypatch.setattr("importers.batches.read", lambda *_: 1 / 0)
    with at_office(database, cast) as session:
        job_id = jobs.latest(session, batches.READING, batch_id).id
    for _ in range(jobs.MOST_ATTEMPTS):
        perform(works, "run_job", {"job_id": job_id})
    batch = the_batch(database, batch_id)
    assert batch.state is ImportState.FAILED
    assert "重新上传" in batch.fault


def test_an_undo_in_the_background_is_done_as_the_person_who_asked_and_once(database, cast, works, batch_id):
    before = len(look(database, select(Owner.id)))
    ask_import(database, cast, batch_id)
    do_without(works)
    job_id = ask_undo(database, cast, batch_id)
    assert ask_undo(database, cast, batch_id) == job_id, "a doubled click asks once"
    assert the_batch(database, batch_id).state is ImportState.UNDOING
    do_without(works)
    batch, job = the_batch(database, batch_id), job_of(database, job_id)
    assert (batch.state, job.state) == (ImportState.UNDONE, JobState.DONE)
    assert job.done == job.total == batch.counts["undone"]["removed"] > 0
    assert len(look(database, select(Owner.id))) == before
    last = look(database, select(AuditEntry).where(AuditEntry.verb == "owner.delete").order_by(AuditEntry.id.desc()))[0]
    assert last.actor_id == cast.north.people[Role.OFFICE_ADMIN].staff_id


def test_an_undo_that_was_cancelled_leaves_everything_written(database, cast, works, batch_id, monkeypatch):
    monkeypatch.setattr(running, "TOLD_EVERY", 0.0)
    ask_import(database, cast, batch_id)
    do_without(works)
    written = len(look(database, select(Owner.id)))
    job_id = ask_undo(database, cast, batch_id)
    tell = jobs.hold

    def and_cancel(session, held, **progress):
        result = tell(session, held, **progress)
        if progress.get("phase") == "撤销" and progress["done"]:
            session.commit()
            with at_office(database, cast) as other:
                jobs.ask_cancel(other, job_id)
                other.commit()
        return result

    monkeypatch.setattr(jobs, "hold", and_cancel)
    do_without(works)
    assert job_of(database, job_id).state is JobState.CANCELLED
    assert the_batch(database, batch_id).state is ImportState.APPLIED
    assert len(look(database, select(Owner.id))) == written


def test_an_undo_that_has_become_impossible_says_why_and_leaves_the_batch_written(database, cast, works, batch_id):
    ask_import(database, cast, batch_id)
    do_without(works)
    ask_undo(database, cast, batch_id)
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(ImportBatch, batch_id).trace = None
        session.commit()
    do_without(works)
    batch = the_batch(database, batch_id)
    assert batch.state is ImportState.APPLIED
    assert "按期删除" in batch.fault
