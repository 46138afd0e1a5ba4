"""Long work: asked for once, done once whatever dies, cancelled between chunks, given up after five attempts."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

import make
from audit.models import AuditEntry
from jobs.asking import CHUNKS, all_steps, ask, at_office, claim, counting_kind, job_of, lapse, look, steps_of
from tasks import jobs as running
from tasks.actors import Works, perform
from tasks.jobs import JobKind, Progress
from tasks.relay import do_without
from tenant.errors import NotFound, Refusal, WallBreach
from tenant.journal import CLOCKWORK
from tenant.models import Job, OutboxMessage, Owner, Posting
from tenant.rules.terms import ActorKind, JobState, Role
from tenant.scoping import PERMIT
from tenant.services import jobs
from tenant.services.jobs import JobLost
from tenant.unscoped import Reason, across_offices


@pytest.fixture
def works(database, settings):
    return Works(database, settings)


@pytest.fixture
def counting(monkeypatch, cast):
    """A kind of work of seven chunks that makes an owner in each; what it was told besides is kept."""
    told = {"undone": []}

    def and_then(session, job, report):
        if "step" in told:
            told["step"](session, job, report)

    kind = counting_kind(and_then, told["undone"])
    monkeypatch.setattr(running, "KINDS", {**running.KINDS, "counting": kind})
    return told


def test_a_job_is_asked_for_once_and_wakes_a_worker(database, cast, works, counting):
    first, second = ask(database, cast, subject_id=10), ask(database, cast, subject_id=10)
    assert first == second
    assert ask(database, cast, subject_id=11) != first
    wishes = look(database, select(OutboxMessage).where(OutboxMessage.actor == "run_job"))
    assert [wish.arguments["job_id"] for wish in wishes].count(first) == 1
    assert {wish.request_id for wish in wishes} == {"r-test"}
    do_without(works)
    assert ask(database, cast, subject_id=10) != first, "what has ended may be asked for again"


def test_who_asks_at_the_same_moment_gets_the_one_that_was_first(database, cast, counting):
    with at_office(database, cast) as one, at_office(database, cast) as other:
        wanted = {"kind": "counting", "subject_kind": "office", "subject_id": 12, "office_id": cast.north.id}
        first = jobs.ask(one, **wanted)
        found = []
        later = threading.Thread(target=lambda: found.append(jobs.ask(other, **wanted).id))
        later.start()
        time.sleep(0.3)
        one.commit()
        later.join(30)
        other.commit()
    assert found == [first.id]


def test_a_job_for_another_office_is_refused(database, cast):
    with at_office(database, cast) as session, pytest.raises(WallBreach):
        jobs.ask(session, kind="import", subject_kind="office", subject_id=1, office_id=cast.south.id)


def test_what_was_not_committed_is_no_job(database, cast):
    with at_office(database, cast) as session:
        job_id = jobs.ask(session, kind="x", subject_kind="office", subject_id=99, office_id=cast.north.id).id
    assert look(database, select(Job).where(Job.id == job_id)) == []


def test_each_chunk_is_done_once_in_the_name_of_who_asked(database, cast, works, counting):
    job_id = ask(database, cast)
    perform(works, "run_job", {"job_id": job_id})
    job = job_of(database, job_id)
    assert (job.state, job.done, job.total, job.attempts) == (JobState.DONE, CHUNKS, CHUNKS, 1)
    assert job.started_at <= job.ended_at
    assert steps_of(database, job_id) == all_steps(job_id)
    made = look(database, select(AuditEntry).where(AuditEntry.verb == "owner.create").order_by(AuditEntry.id.desc()))
    post = cast.north.people[Role.OFFICE_ADMIN]
    assert {(entry.actor_kind, entry.actor_id, entry.request_id) for entry in made[:CHUNKS]} == {
        (ActorKind.PERSON, post.staff_id, "r-test")
    }
    perform(works, "run_job", {"job_id": job_id})
    assert steps_of(database, job_id) == all_steps(job_id)


def test_ten_workers_woken_for_one_job_do_it_once(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=20)
    threads = [threading.Thread(target=running.run, args=(works, job_id)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert steps_of(database, job_id) == all_steps(job_id)
    assert job_of(database, job_id).state is JobState.DONE


def test_whose_posting_has_ended_asks_in_nobodys_name(database, cast, works, counting):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="leaver", name="离职人")
        post = make.posting(session, person, Role.FRONT_DESK, cast.north.office)
        session.commit()
        post_id = post.id
    job_id = ask(database, cast, subject_id=30)
    with across_offices(database, Reason.SETTING_UP) as session:
        post = session.get_one(Posting, post_id)
        post.to_on = make.NOON.date() - timedelta(days=1)
        session.get_one(Job, job_id).asked_by_id = post_id
        session.commit()
    perform(works, "run_job", {"job_id": job_id})
    made = look(database, select(AuditEntry).where(AuditEntry.verb == "owner.create").order_by(AuditEntry.id.desc()))
    assert (made[0].actor_kind, made[0].actor_name, made[0].request_id) == (
        ActorKind.CLOCKWORK,
        CLOCKWORK.name,
        "r-test",
    )


def test_the_office_is_that_of_the_row_whatever_the_message_says(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=40)
    perform(works, "run_job", {"job_id": job_id, "office_id": cast.south.id})
    of_south = look(
        database, select(Owner.id).where(Owner.name.like(f"第{job_id}件%"), Owner.office_id == cast.south.id)
    )
    assert of_south == []
    assert steps_of(database, job_id) == all_steps(job_id)


def test_when_the_time_of_a_message_is_used_up_it_is_laid_down_and_wakes_itself(
    database, cast, works, counting, monkeypatch
):
    monkeypatch.setattr("tasks.actors.A_RUN", 0.0)
    job_id = ask(database, cast, subject_id=50)
    rounds = 0
    while job_of(database, job_id).state is not JobState.DONE:
        before = len(steps_of(database, job_id))
        do_without(works)
        rounds += 1
        assert len(steps_of(database, job_id)) == before + 1
    assert rounds == CHUNKS
    assert job_of(database, job_id).attempts <= 1, "laid down in good order is no failure"
    assert steps_of(database, job_id) == all_steps(job_id)


def test_a_job_that_gets_nowhere_does_not_go_on_for_ever(database, cast, works, counting, monkeypatch):
    monkeypatch.setattr("tasks.actors.A_RUN", 0.0)
    idle = JobKind(step=lambda session, job, report, database: Progress(done=0), undo=lambda session, job, ending: None)
    monkeypatch.setattr(running, "KINDS", {"counting": idle})
    job_id = ask(database, cast, subject_id=51)
    for _ in range(20):
        do_without(works)
    job = job_of(database, job_id)
    assert job.state is JobState.FAILED
    assert job.attempts == jobs.MOST_ATTEMPTS + 1


def test_a_worker_that_is_told_to_stop_gives_the_job_back_at_once(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=52)
    counting["step"] = lambda session, job, report: works.stop.set()
    perform(works, "run_job", {"job_id": job_id})
    job = job_of(database, job_id)
    assert (job.state, job.done, job.claim_token) == (JobState.WAITING, 1, None)
    works.stop.clear()
    del counting["step"]
    do_without(works)
    assert steps_of(database, job_id) == all_steps(job_id)


def test_cancelled_between_chunks_it_keeps_what_is_done_and_puts_the_rest_right(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=60)

    def cancel_at_three(session, job, report):
        if job.done == 2:
            with at_office(database, cast) as other:
                asked = jobs.ask_cancel(other, job_id)
                assert asked.state is JobState.RUNNING
                other.commit()

    counting["step"] = cancel_at_three
    perform(works, "run_job", {"job_id": job_id})
    assert job_of(database, job_id).state is JobState.CANCELLED
    assert len(steps_of(database, job_id)) == 3
    (ending,) = counting["undone"]
    assert (ending.why, ending.refusal) == (None, None)


def test_cancelled_inside_a_chunk_the_chunk_leaves_nothing(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=61)

    def cancel(session, job, report):
        session.flush()
        with at_office(database, cast) as other:
            jobs.ask_cancel(other, job_id)
            other.commit()
        report("写入", 1, 2)
        pytest.fail("it went on")

    counting["step"] = cancel
    perform(works, "run_job", {"job_id": job_id})
    assert job_of(database, job_id).state is JobState.CANCELLED
    assert steps_of(database, job_id) == []


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_is_over_not_at_all(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=62)
    with at_office(database, cast) as session:
        assert jobs.ask_cancel(session, job_id).state is JobState.CANCELLED
        session.commit()
    do_without(works)
    assert steps_of(database, job_id) == []
    with at_office(database, cast) as session, pytest.raises(Refusal, match="已取消"):
        jobs.ask_cancel(session, job_id)


def test_another_offices_job_cannot_be_cancelled_or_seen(database, cast, counting):
    job_id = ask(database, cast, subject_id=63)
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as session:
        with pytest.raises(NotFound):
            jobs.ask_cancel(session, job_id)
        assert jobs.latest(session, "counting", 63) is None
    with at_office(database, cast) as session:
        assert jobs.latest(session, "counting", 63).id == job_id


def test_an_error_is_tried_again_later_and_the_fifth_ends_it_with_a_reason(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=70)

    def fall(session, job, report):
        raise ZeroDivisionError

    counting["step"] = fall
    for attempt in range(1, jobs.MOST_ATTEMPTS + 1):
        perform(works, "run_job", {"job_id": job_id})
        assert job_of(database, job_id).attempts == attempt
        assert look(database, select(Job.id).where(Job.id == job_id, Job.lease_until > text("now()"))) or attempt == 5
    job = job_of(database, job_id)
    assert job.state is JobState.FAILED
    assert "已尝试 5 次" in job.last_error
    assert "ZeroDivisionError" in job.last_error
    (ending,) = counting["undone"]
    assert ending.refusal is None
    assert steps_of(database, job_id) == []


def test_a_refusal_ends_it_at_once_with_its_sentence(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=71)

    def refuse(session, job, report):
        raise Refusal(code="no", message="不行。")

    counting["step"] = refuse
    perform(works, "run_job", {"job_id": job_id})
    job = job_of(database, job_id)
    assert (job.state, job.last_error) == (JobState.FAILED, "不行。")
    assert counting["undone"][0].refusal.code == "no"


def test_work_that_kills_its_worker_five_times_is_given_up(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=72)
    for attempt in range(1, jobs.MOST_ATTEMPTS + 1):
        assert claim(database, job_id).attempts == attempt
        assert claim(database, job_id) is None, "somebody has it"
        lapse(database, job_id)
    perform(works, "run_job", {"job_id": job_id})
    job = job_of(database, job_id)
    assert job.state is JobState.FAILED
    assert "中断 5 次" in job.last_error
    assert steps_of(database, job_id) == []


def test_who_gets_on_has_earlier_kills_forgiven(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=73)
    for _ in range(jobs.MOST_ATTEMPTS - 1):
        claim(database, job_id)
        lapse(database, job_id)
    perform(works, "run_job", {"job_id": job_id})
    job = job_of(database, job_id)
    assert (job.state, job.attempts) == (JobState.DONE, 1)


def test_a_worker_that_lost_its_job_commits_nothing(database, cast, works, counting):
    job_id = ask(database, cast, subject_id=74)

    def lose_it(session, job, report):
        lapse(database, job_id)
        assert claim(database, job_id) is not None

    counting["step"] = lose_it
    perform(works, "run_job", {"job_id": job_id})
    assert steps_of(database, job_id) == []
    assert job_of(database, job_id).state is JobState.RUNNING, "it is the other's now"


def test_a_lost_claim_can_neither_finish_nor_give_back(database, cast, counting):
    job_id = ask(database, cast, subject_id=75)
    lost = claim(database, job_id)
    lapse(database, job_id)
    assert claim(database, job_id)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        for late in (
            lambda: jobs.hold(session, lost),
            lambda: jobs.finish(session, lost, JobState.DONE),
            lambda: jobs.give_back(session, lost, is_counted=True, wait=timedelta(0)),
        ):
            with pytest.raises(JobLost):
                late()


def test_a_job_nobody_is_at_is_found_once_and_woken(database, cast, works, counting):
    """Its message was lost, or its worker was killed: either way it is done in the end."""
    lost, killed, held = (ask(database, cast, subject_id=number) for number in (80, 81, 82))
    claim(database, killed)
    claim(database, held)
    with across_offices(database, Reason.CLAIMING) as session:
        gone = update(OutboxMessage).values(relayed_at=text("now()"))
        session.execute(gone, execution_options={**PERMIT, "synchronize_session": False})
        session.commit()
    assert running.wake_stranded(works) == 0, "each has time to be taken up first"
    lapse(database, lost)
    lapse(database, killed)
    assert running.wake_stranded(works) == 2
    assert running.wake_stranded(works) == 0
    do_without(works)
    assert steps_of(database, lost) == all_steps(lost)
    assert steps_of(database, killed) == all_steps(killed)
    assert job_of(database, held).state is JobState.RUNNING


def test_looking_for_jobs_nobody_is_at_is_one_look_at_an_index(database, cast):
    with across_offices(database, Reason.CLAIMING) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"), execution_options=PERMIT)
        forgotten = jobs.forgotten()
        compiled = forgotten.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = session.scalars(text(f"EXPLAIN {compiled}"), execution_options=PERMIT).all()
    assert any("ix_job_lease_until" in line for line in plan), plan


def test_a_long_chunk_keeps_its_claim(database, cast, works, counting, monkeypatch):
    monkeypatch.setattr(running, "SIGN_OF_LIFE", 0.05)
    job_id = ask(database, cast, subject_id=90)
    leases = []

    def dawdle(session, job, report):
        if job.done == 0:
            lapse(database, job_id)
            until = time.monotonic() + 30
            while not leases and time.monotonic() < until:
                leases.extend(look(database, select(Job.id).where(Job.id == job_id, Job.lease_until > text("now()"))))
                time.sleep(0.05)

    counting["step"] = dawdle
    perform(works, "run_job", {"job_id": job_id})
    assert leases == [job_id]
    assert job_of(database, job_id).state is JobState.DONE
