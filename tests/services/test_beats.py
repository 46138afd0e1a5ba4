"""Each process says that it is alive, by the database's clock, and how wrong its own is."""

import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from audit.models import AuditEntry
from tasks.beats import beating
from tenant import clock
from tenant.db import Database
from tenant.models import Beat
from tenant.rules.terms import BeatKind
from tenant.services import beats, health
from tenant.services.beats import Instance
from tenant.unscoped import Reason, across_offices
from waiting import wait_until


@pytest.fixture
def group(database, cast):
    with across_offices(database, Reason.WATCHING) as session:
        yield session


def process(**columns):
    values = {"kind": BeatKind.WORKER, "host": "one", "pid": 7, "queues": ("sweeps", "mail"), "instance": "seven"}
    return Instance(**values | columns)


def rows(session, instance="seven"):
    return session.scalars(
        select(Beat).where(Beat.instance == instance).execution_options(populate_existing=True)
    ).all()


@contextmanager
def clock_of_machine(monkeypatch, off):
    """The machine's clock as it is off by so much; the database's stays right."""
    true = clock.now
    with monkeypatch.context() as wrong:
        wrong.setattr(clock, "now", lambda: true() + off)
        yield


def test_a_beat_makes_a_row_and_the_next_writes_it_over(group):
    beats.beat(group, process())
    [first] = rows(group)
    began, beaten = first.started_at, first.beat_at
    beats.beat(group, process())
    [second] = rows(group)
    assert (second.started_at, second.host, second.pid, second.queues) == (began, "one", 7, "sweeps,mail")
    assert second.beat_at > beaten


def test_two_processes_of_one_machine_have_a_row_each(group):
    one, other = process(), replace(process(), instance="eight", pid=8)
    beats.beat(group, one)
    beats.beat(group, other)
    assert len(rows(group)) == len(rows(group, "eight")) == 1


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(seconds=-90)])
def test_a_clock_that_is_wrong_is_measured_and_beats_by_the_databases(group, monkeypatch, off):
    with clock_of_machine(monkeypatch, off):
        skew = beats.beat(group, process())
    assert abs(skew - off / timedelta(milliseconds=1)) < 1500
    [row] = rows(group)
    assert abs(row.beat_at - group.scalar(select(func.clock_timestamp()))) < timedelta(seconds=10)
    [found] = health.running(group, group.scalar(select(func.clock_timestamp())))
    assert (found.is_alive, found.is_skewed, found.skew) == (True, True, skew)


def test_a_clock_that_is_right_is_no_skew(group):
    assert abs(beats.beat(group, process())) < health.TOLERATED_SKEW


def test_who_stopped_is_neither_alive_nor_lost_and_a_silent_one_is_forgotten_after_a_day(group):
    beats.beat(group, process())
    beats.stop(group, process())
    [found] = health.running(group, group.scalar(select(func.clock_timestamp())))
    assert (found.is_alive, found.is_lost) == (False, False)
    [row] = rows(group)
    group.delete(row)
    for number, age in enumerate((timedelta(hours=23), timedelta(hours=25))):
        at = group.scalar(select(func.now())) - age
        group.add(Beat(instance=f"old{number}", kind=BeatKind.WEB, host="one", pid=1, started_at=at, beat_at=at))
    group.flush()
    beats.forget(group)
    assert group.scalars(select(Beat.instance)).all() == ["old0"]


def test_a_beat_is_nothing_for_the_record(group):
    before = group.scalar(select(func.count(AuditEntry.id)))
    beats.beat(group, process())
    beats.stop(group, process())
    beats.forget(group)
    assert group.scalar(select(func.count(AuditEntry.id))) == before


def seen(database):
    with across_offices(database, Reason.WATCHING) as session:
        return health.running(session, session.scalar(select(func.clock_timestamp())))


def test_a_process_beats_while_it_runs_and_says_good_bye(database, cast):
    with beating(database, BeatKind.WORKER, ("mail",), seconds=0.05):
        [found] = wait_until(lambda: seen(database))
        assert (found.kind, found.queues, found.is_alive) == (BeatKind.WORKER, frozenset({"mail"}), True)
    [ended] = seen(database)
    assert ended.has_stopped


def test_a_database_that_is_away_is_said_once_and_ends_nothing(database, caplog):
    gone = replace(database.addresses, app=database.addresses.app.set(port=1, query={}, host="127.0.0.1"))
    away = Database(gone, database.recorder, pool_size=1)
    with caplog.at_level(logging.WARNING), beating(away, BeatKind.WEB, seconds=0.01):
        wait_until(lambda: "no beat could be written" in caplog.text)
        time.sleep(0.3)
    assert caplog.text.count("no beat could be written") == 1
    away.engine.dispose()


def test_a_wrong_clock_is_said_once(database, monkeypatch, caplog):
    an_hour_slow = clock_of_machine(monkeypatch, timedelta(hours=-1))
    with caplog.at_level(logging.WARNING), an_hour_slow, beating(database, BeatKind.WORKER, seconds=0.01):
        wait_until(lambda: "behind the database's" in caplog.text)
        time.sleep(0.3)
    assert caplog.text.count("this machine's clock") == 1
