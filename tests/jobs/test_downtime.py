"""The database goes away, days go by, clocks disagree: what is due happens once, and the workers come back alone."""

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

import psutil
import pytest
from sqlalchemy import create_engine, func, select, text

import bells
import make
from audit.capture import Capture
from cast import hire_cast
from desk import DAY, HOUR, MINUTE, at_desk, complaint, request
from kills import a_seed, kill_sweeps, three_workers
from tasks import sweeps
from tasks.sweeps import Pace
from tenant import clock, embedded, migrations
from tenant.db import Addresses, Database, create_database, make_roles
from tenant.journal import CLOCKWORK
from tenant.models import Clock, DueAction, Escalation, Mail
from tenant.rules.terms import DueState
from tenant.scoping import Scope
from tenant.services import clockwork
from tenant.unscoped import Reason, across_offices
from waiting import wait_until

CUTS = 25
SOON = Pace(lease=timedelta(seconds=1))
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name AND usename = 'wuguan_app'"
ALIVE = {psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP}
SKEWS = ({"skew": -3600}, {"skew": 0}, {"skew": 3600})


def look(database, statement):
    with across_offices(database, Reason.CLAIMING) as session:
        return session.execute(statement).all()


def retry_dead(database):
    stopped = look(database, select(DueAction.id, DueAction.office_id).where(DueAction.state == DueState.DEAD))
    for action_id, office_id in stopped:
        with database.session(Scope.of([office_id]), CLOCKWORK) as session, clock.at(bells.AT):
            clockwork.retry(session, action_id)
            session.commit()
    return len(stopped)


@pytest.fixture
def houses(database):
    """Two offices for one test alone, so that nothing of another test is in its way."""
    return bells.houses(database, 2)


def test_workers_whose_connections_are_cut_again_and_again_finish_by_themselves(
    database, server, houses, settings, announce
):
    hung = bells.hang(database, houses[1], 40, 8, bells.hang(database, houses[0], 40, 8))
    chance = Random(seed := a_seed())  # noqa: S311 - chance, not secrecy
    engine = create_engine(server.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    name, cut, times = database.addresses.app.database, 0, 0
    with three_workers(database, "bells", settings, bells.AT) as (home, workers), engine.connect() as superuser:
        while times < CUTS and not all(marks.ended for marks in home.marks):
            time.sleep(chance.uniform(0.02, 0.2))
            gone = superuser.scalar(text(CUT), {"name": name})
            cut, times = cut + gone, times + (gone > 0)
        assert [home.bury(worker) for worker in workers] == [0, 0, 0], home.complaints.read_text()[-4000:]
    engine.dispose()
    # those that failed wait before they are tried again; a worker does not wait for them
    wait_until(lambda: _finished(database), "the rest to be done", patience=300)
    found = bells.faults(database, hung)
    announce(f"cuts: {cut} connections cut {times} times, seed {seed}; {len(hung.planned)} effects, faults: {found}")
    assert found == {}
    assert cut > CUTS // 2


def _finished(database):
    bells.ring_all(database, bells.AT, SOON)
    retry_dead(database)
    left = select(func.count(DueAction.id)).where(DueAction.rule == bells.RULE, DueAction.state.in_(clockwork.UNDONE))
    return look(database, left)[0][0] == 0


@pytest.fixture
def own_server(tmp_path):
    """A server of our own, to be stopped and started, with the program's database on it."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-downtime-"))
    servers = [embedded.start(folder / "postgres")]
    create_database(servers[0].url("postgres", "postgres"), "wuguan")
    owner = servers[0].url("postgres", "wuguan")
    make_roles(owner)
    migrations.upgrade(Addresses(app=servers[0].url("wuguan_app", "wuguan"), owner=owner))
    yield servers
    servers[0].stop()
    shutil.rmtree(folder, ignore_errors=True)


def restart(servers, *, crash, away):
    """Take the server away for some seconds, in good order or at once; start it again."""
    running = servers[0]
    folder = running._server.pgdata
    if crash:
        os.kill(running._server.get_pid(), signal.SIGQUIT)
        wait_until(lambda: not (folder / "postmaster.pid").exists(), "the server to stop")
    running.stop()
    time.sleep(away)
    servers[0] = embedded.start(folder)


def test_a_database_stopped_and_started_under_workers_loses_and_doubles_nothing(own_server, settings, announce):
    url = own_server[0].url("wuguan_app", "wuguan")
    database = Database(Addresses(app=url, owner=url), Capture(), pool_size=2)
    cast, began = hire_cast(database), clock.now() - 3 * DAY
    for house in (cast.north, cast.south):
        with at_desk(database, house, began) as session:
            for _ in range(6):
                request(session, house)
            session.commit()
    raised, due = select(func.count(Escalation.id)), select(func.count(DueAction.id)).where(
        DueAction.due_at <= clock.now(), DueAction.state.in_(clockwork.UNDONE)
    )  # fmt: skip

    with three_workers(database, "worker", settings, began) as (_, workers):
        wait_until(lambda: look(database, raised)[0][0], "a worker to begin")
        counts = []
        for crash in (True, False):
            restart(own_server, crash=crash, away=1.0)
            counts.append(look(database, raised)[0][0])
            time.sleep(1.0)
        wait_until(lambda: look(database, due)[0][0] == 0, "the rest to be done", patience=300)
        assert {psutil.Process(worker).status() for worker in workers} <= ALIVE, "nobody had to start them again"

    rows = look(database, select(Escalation.clock_id, Escalation.level, Escalation.cycle, Escalation.told))
    mails = look(database, select(Mail.subject_id, Mail.recipient_address).where(Mail.subject_kind == "escalation"))
    done = look(database, select(func.count(DueAction.id)).where(DueAction.state == DueState.DONE))[0][0]
    announce(f"restarts: escalations raised by each: {counts}, in all {len(rows)}, {len(mails)} mails")
    assert max(Counter(tuple(row)[:3] for row in rows).values()) == 1
    assert len(rows) == done
    assert len(mails) == len(set(mails)) == sum(row.told for row in rows)
    database.engine.dispose()


def raised_in(database, house):
    """Return clock kind, level, role and lateness of all that was raised in an office, in the order of raising."""
    statement = (
        select(Clock.kind, Clock.due_at, Clock.id, Escalation.level, Escalation.role, Escalation.raised_at,
               Escalation.late_minutes)
        .join(Clock, Clock.id == Escalation.clock_id)
        .where(Escalation.office_id == house.id)
        .order_by(Escalation.id)
    )  # fmt: skip
    return look(database, statement)


def test_three_days_of_downtime_change_no_level_and_each_says_how_late_it_is(database, cast, settings):
    back = make.NOON + 3 * DAY
    for house in (cast.north, cast.south):
        with at_desk(database, house, make.NOON) as session:
            request(session, house)
            complaint(session, house)
            session.commit()
    at = make.NOON
    while at < back:
        at += 30 * MINUTE
        sweeps.run_escalations(database, at, cast.south.id, settings=settings)
    sweeps.run_escalations(database, back, cast.north.id, settings=settings)

    late, on_time = raised_in(database, cast.north), raised_in(database, cast.south)
    assert len(late) > 10
    assert Counter((row.kind, row.level, row.role) for row in late) == Counter(
        (row.kind, row.level, row.role) for row in on_time
    )
    for clock_id in {row.id for row in late}:
        levels = [row.level for row in late if row.id == clock_id]
        assert levels == sorted(set(levels)), "in order, each once"
    assert {row.raised_at for row in late} == {back}
    assert all(row.late_minutes == (back - row.due_at) // MINUTE for row in late)
    assert sweeps.run_escalations(database, back, settings=settings).due == 0


def test_leases_run_by_the_database_whatever_the_machines_say(database, houses):
    (house, _), rule = houses, bells.RULE
    bells.hang(database, house, 1, 1)
    with across_offices(database, Reason.CLAIMING) as session, clock.at(bells.AT + HOUR):
        (taken,) = clockwork.claim(session, rule, bells.AT + HOUR, office_id=house.id)
        session.commit()
    for hours in (-1, 1, 100):
        with across_offices(database, Reason.CLAIMING) as session, clock.at(clock.now() + hours * HOUR):
            assert clockwork.take_back(session, rule, office_id=house.id) == []
            session.commit()
    remaining = select(DueAction.state, DueAction.lease_until - func.now()).where(DueAction.id == taken.id)
    ((state, left),) = look(database, remaining)
    assert state is DueState.CLAIMED
    assert timedelta(0) < left <= clockwork.LEASE
    with database.session(house.scope(), CLOCKWORK) as session:
        clockwork.settle(session, taken, DueState.CANCELLED)
        session.commit()


def test_three_machines_with_clocks_an_hour_apart_take_nothing_from_each_other(database, houses, settings, announce):
    hung, at = bells.hang(database, houses[1], 25, 8, bells.hang(database, houses[0], 25, 8)), bells.AT + HOUR
    with three_workers(database, "bells", settings, at, SKEWS, lease=20) as (home, workers):
        assert [home.bury(worker) for worker in workers] == [0, 0, 0], home.complaints.read_text()[-4000:]
        shares = [marks.settled for marks in home.marks]
    assert bells.faults(database, hung) == {}
    offices = {house.id for house in houses}
    attempts = look(database, select(DueAction.attempts).where(DueAction.office_id.in_(offices)).distinct())
    announce(f"clocks an hour apart: {shares} effects by each of three workers, none taken back")
    assert attempts == [(1,)], "nothing was taken from a worker that was alive"


def test_kills_among_machines_with_clocks_an_hour_apart_double_nothing(database, houses, settings, announce):
    hung = bells.hang(database, houses[1], 30, 8, bells.hang(database, houses[0], 30, 8))
    at = bells.AT + HOUR
    toll = kill_sweeps(database, "bells", settings, at, wanted=10, lives=(0, 20), each=SKEWS)
    wait_until(lambda: _finished(database), "the rest to be done", patience=300)
    announce(f"clocks an hour apart: {toll}")
    assert bells.faults(database, hung) == {}
    assert toll.landed >= 10
