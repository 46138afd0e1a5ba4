"""The loop under every sweep: whatever fails in one place, the rest goes on, and nothing is lost or done twice."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, text

import make
from queue_rows import AT, claim, killed, let_time_pass, plan_many, rows, take_back
from tasks.sweeps import Pace, drain
from tasks.sweeps.drain import Run, observers
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT, Scope
from tenant.services import clockwork, numbers
from tenant.unscoped import Reason, across_offices

HURRIED = Pace(waits=False)


def sweep(database, rule, effect, pace=HURRIED, office_id=None):
    return drain.drain(Run(database, AT, office_id, pace), rule, effect)


def noted(done):
    """Return an effect that only notes what it did."""

    def effect(_session, action):
        done.append((action.office_id, action.subject_id))
        return 0

    return effect


def attempts(database, rule):
    return [(row.state, row.attempts) for row in rows(database, rule)]


def test_a_row_that_failed_waits_longer_each_time_and_is_dead_at_the_fifth(database, cast):
    plan_many(database, cast.north.id, "waiting", 1)

    def effect(_session, _action):
        raise RuntimeError("管道破裂")

    for wait in (*clockwork.RETRY_AFTER, None):
        report = sweep(database, "waiting", effect, Pace())
        assert (report.due, report.dead) == (1, wait is None)
        with across_offices(database, Reason.CLAIMING) as session:
            until, now = session.execute(
                select(DueAction.lease_until, text("now()")).where(DueAction.rule == "waiting"),
                execution_options=PERMIT,
            ).one()
        assert until is None if wait is None else wait - timedelta(minutes=1) < until - now <= wait
        assert sweep(database, "waiting", effect, Pace()).due == 0, "it is not tried again before its time"
        let_time_pass(database, "waiting")
    assert attempts(database, "waiting") == [(DueState.DEAD, 5)]


def test_an_outage_of_seconds_costs_a_row_one_attempt_however_often_it_is_looked_at(database, cast):
    plan_many(database, cast.north.id, "outage", 3)
    is_down = True

    def effect(_session, _action):
        if is_down:
            raise ConnectionRefusedError
        return 0

    for _ in range(20):
        sweep(database, "outage", effect)
    assert attempts(database, "outage") == [(DueState.PENDING, 1)] * 3
    is_down = False
    let_time_pass(database, "outage")
    assert sweep(database, "outage", effect).done == 3


def test_an_office_whose_scope_cannot_be_opened_holds_up_no_other(database, cast, monkeypatch):
    plan_many(database, cast.north.id, "closed", 60)
    plan_many(database, cast.south.id, "closed", 60)

    class Closed:
        @staticmethod
        def of(office_ids):
            if cast.north.id in office_ids:
                raise RuntimeError("这个管理处打不开")
            return Scope.of(office_ids)

    monkeypatch.setattr(drain, "Scope", Closed)
    done = []
    report = sweep(database, "closed", noted(done), Pace())
    assert (report.due, report.done) == (120, 60)
    assert {office_id for office_id, _ in done} == {cast.south.id}
    left = [row for row in rows(database, "closed") if row.office_id == cast.north.id]
    assert {(row.state, row.attempts, row.last_error) for row in left} == {
        (DueState.PENDING, 1, "RuntimeError: 这个管理处打不开")
    }


def test_each_effect_of_a_round_is_told_to_the_database_as_its_own_office_s_though_they_share_a_connection(
    database, cast
):
    for house in (cast.north, cast.south):
        plan_many(database, house.id, "one wire", 3)
    asking = text("SELECT current_setting('wuguan.offices'), current_user, pg_backend_pid()")
    told, connections = [], set()

    def effect(session, action):
        offices, role, connection = session.execute(asking, execution_options=PERMIT).one()
        told.append((offices, role) == (str(action.office_id), "wuguan_office"))
        connections.add(connection)
        if action.subject_id == 2:
            raise RuntimeError("管道破裂")
        return 0

    assert sweep(database, "one wire", effect).done == 4
    assert told == [True] * 6
    assert len(connections) == 1


def test_an_effect_that_waits_for_a_row_somebody_has_locked_is_tried_later_and_holds_up_no_other(
    database, cast, monkeypatch
):
    assert drain.LONGEST_WAIT < clockwork.LEASE / 2, "or its claim would be lost while it waits"
    monkeypatch.setattr(drain, "LONGEST_WAIT", timedelta(milliseconds=300))
    plan_many(database, cast.north.id, "waits", 1)
    plan_many(database, cast.south.id, "waits", 1)

    def effect(session, action):
        numbers.hold(session, action.office_id, "waits")
        return 0

    with database.session(cast.north.scope(), CLOCKWORK) as holder:
        numbers.hold(holder, cast.north.id, "waits")
        assert sweep(database, "waits", effect).done == 1
    left, done = rows(database, "waits")
    assert (left.state, left.attempts, done.state) == (DueState.PENDING, 1, DueState.DONE)
    assert "lock timeout" in left.last_error
    let_time_pass(database, "waits")
    assert sweep(database, "waits", effect).done == 1, "nothing of it is left on the connection"


def test_a_row_that_cannot_even_be_given_back_is_left_to_its_lease_and_holds_up_no_other(database, cast, monkeypatch):
    plan_many(database, cast.north.id, "stuck", 3)
    first = rows(database, "stuck")[0].id
    real = clockwork.fail

    def fail(session, taken, error):
        if taken.id == first:
            raise RuntimeError("写不回去")
        return real(session, taken, error)

    def effect(_session, action):
        if action.id == first:
            raise RuntimeError("管道破裂")
        return 0

    monkeypatch.setattr(clockwork, "fail", fail)
    assert sweep(database, "stuck", effect).done == 2
    assert attempts(database, "stuck") == [(DueState.CLAIMED, 1), (DueState.DONE, 1), (DueState.DONE, 1)]
    let_time_pass(database, "stuck")
    assert sweep(database, "stuck", noted([])).done == 1


def test_a_database_that_has_gone_is_raised_and_not_counted_against_every_row(database, cast, monkeypatch):
    plan_many(database, cast.north.id, "gone", 10)

    def gone(*_):
        raise ConnectionError("数据库没有了")

    monkeypatch.setattr(clockwork, "fail", gone)
    with pytest.raises(ConnectionError):
        sweep(database, "gone", gone)
    let_time_pass(database, "gone")
    assert sweep(database, "gone", noted([])).done == 10


def test_a_connection_that_breaks_costs_one_row_one_attempt(database, cast):
    plan_many(database, cast.north.id, "broken", 5)
    first = rows(database, "broken")[0].id
    broken = []

    def effect(session, action):
        if action.id == first and not broken:
            broken.append(action.id)
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"), execution_options=PERMIT)
        return 0

    assert sweep(database, "broken", effect).done == 4
    let_time_pass(database, "broken")
    assert sweep(database, "broken", effect).done == 1
    assert attempts(database, "broken") == [(DueState.DONE, 2)] + [(DueState.DONE, 1)] * 4


def test_an_error_text_that_cannot_be_kept_is_kept_without_its_signs(database, cast):
    plan_many(database, cast.north.id, "signs", 1)

    def effect(_session, _action):
        raise RuntimeError("管道\x00破裂")

    sweep(database, "signs", effect)
    assert rows(database, "signs")[0].last_error == "RuntimeError: 管道破裂"


def test_a_run_that_is_stopped_gives_back_what_it_has_not_begun(database, cast):
    plan_many(database, cast.north.id, "stopped", 10)
    stop = threading.Event()

    def effect(_session, action):
        if action.subject_id == 3:
            stop.set()
        return 0

    assert sweep(database, "stopped", effect, Pace(waits=False, stop=stop)).done == 3
    assert attempts(database, "stopped") == [(DueState.DONE, 1)] * 3 + [(DueState.PENDING, 0)] * 7


def test_a_round_gives_back_what_it_has_not_begun_when_half_of_its_lease_is_over(database, cast):
    plan_many(database, cast.north.id, "slow", 6)

    def effect(_session, _action):
        time.sleep(0.3)
        return 0

    report = sweep(database, "slow", effect, Pace(waits=False, lease=timedelta(seconds=1)))
    assert report.done == 6
    assert attempts(database, "slow") == [(DueState.DONE, 1)] * 6


def test_the_pace_says_how_many_of_one_office_a_round_takes(database, cast):
    plan_many(database, cast.north.id, "capped", 30, due_at=AT - timedelta(days=1))
    done = []

    def effect(session, action):
        if action.subject_id == 1 and action.office_id == cast.north.id:
            plan_many(database, cast.south.id, "capped", 1)
        return noted(done)(session, action)

    assert sweep(database, "capped", effect, Pace(waits=False, per_office=4)).done == 31
    assert [office_id for office_id, _ in done].index(cast.south.id) <= 2 * 4


def test_two_workers_share_what_is_due_and_do_nothing_twice(database, cast):
    for house in (cast.north, cast.south):
        plan_many(database, house.id, "shared", 150)
    done, begin = {1: [], 2: []}, threading.Barrier(2)

    def work(worker):
        begin.wait()
        sweep(database, "shared", noted(done[worker]), Pace())

    workers = [threading.Thread(target=work, args=(worker,)) for worker in done]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done[1] + done[2]) == sorted(
        (house.id, n) for house in (cast.north, cast.south) for n in range(1, 151)
    )
    assert min(len(done[1]), len(done[2])) > 0
    assert set(attempts(database, "shared")) == {(DueState.DONE, 1)}


def test_an_action_that_kills_its_worker_stops_at_five_and_the_others_are_done(database, cast):
    plan_many(database, cast.north.id, "killer", 4)
    culprit = rows(database, "killer")[1].id
    assert len(claim(database, "killer")) == 4  # and the worker dies
    for _ in range(12):
        let_time_pass(database, "killer")
        take_back(database, "killer")
        for taken in claim(database, "killer", suspects=True):
            if taken.id != culprit:
                with database.session(Scope.of([taken.office_id]), CLOCKWORK) as session:
                    clockwork.settle(session, taken, DueState.DONE)
                    session.commit()
    assert attempts(database, "killer") == [
        (DueState.DONE, 2), (DueState.DEAD, 5), (DueState.DONE, 2), (DueState.DONE, 2)
    ]  # fmt: skip
    assert sweep(database, "killer", noted([]), Pace()).due == 0


def test_what_a_person_has_tried_anew_is_done_by_the_next_run(database, cast):
    plan_many(database, cast.north.id, "anew", 1)
    dead = killed(database, "anew")
    assert sweep(database, "anew", noted([])).due == 0
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        clockwork.retry(session, dead)
        session.commit()
    with across_offices(database, Reason.CLAIMING) as session:
        (lag,) = (lag for lag in clockwork.lags(session, make.NOON + timedelta(days=3650)) if lag.rule == "anew")
    assert lag.waiting == 1
    assert drain.drain(Run(database, lag.oldest_due_at, None, HURRIED), "anew", noted([])).done == 1


def test_who_watches_is_told_of_each_attempt_and_cannot_stop_it(database, cast):
    plan_many(database, cast.north.id, "watched", 2, due_at=make.NOON)
    told = []

    def watch(rule, seconds, state):
        told.append((rule, seconds > 0, state))
        raise RuntimeError("看门狗")

    def effect(_session, action):
        if action.subject_id == 1:
            raise RuntimeError("管道破裂")

    observers.append(watch)
    try:
        assert sweep(database, "watched", effect).cancelled == 1
    finally:
        observers.remove(watch)
    assert {(rule, state) for rule, _, state in told} == {
        ("watched", DueState.PENDING), ("watched", DueState.CANCELLED)
    }  # fmt: skip


def test_who_watches_is_told_how_late_the_clockwork_was_and_not_how_long_ago_the_day_began_or_a_failure(database, cast):
    """A dunning step planned this morning is due since midnight, and what failed has had to wait."""
    morning = clock.now() - timedelta(hours=9)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        clockwork.plan(
            session, office_id=cast.north.id, rule="ladder", subject_kind="owner", subject_id=1, due_at=morning
        )
        session.commit()
    told = []

    def watch(_rule, seconds, state):
        told.append((seconds, state))

    def effect(_session, _action):
        if not told:
            raise RuntimeError("管道破裂")
        return 0

    observers.append(watch)
    try:
        drain.drain(Run(database, clock.now(), None, HURRIED), "ladder", effect)
        let_time_pass(database, "ladder")
        drain.drain(Run(database, clock.now(), None, HURRIED), "ladder", effect)
    finally:
        observers.remove(watch)
    (late, failed), again = told
    assert 0 <= late < 600
    assert (failed, again) == (DueState.PENDING, (None, DueState.DONE))
