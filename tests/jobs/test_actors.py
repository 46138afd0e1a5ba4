"""Actors carry ids and nothing else, and no error of one message gets out of it."""

import inspect
import threading

import pytest
from dramatiq.middleware import Interrupt
from sqlalchemy import select

from desk import HOUR, at_desk, request
from tasks import actors, schedule
from tasks.actors import DUTIES, Duty, Works
from tenant import clock
from tenant.models import Escalation


@pytest.fixture
def works(database, settings):
    return Works(database, settings)


def test_an_error_of_one_message_is_logged_and_ends_with_it(works, caplog, monkeypatch):
    monkeypatch.setitem(DUTIES, "tidy", Duty(lambda works: 1 / 0, "sweeps"))
    actors.perform(works, "tidy", {})
    assert "tidy failed" in caplog.text


def test_a_message_that_took_too_long_is_over_and_says_so(works, caplog, monkeypatch):
    def dawdle(works):
        raise Interrupt

    monkeypatch.setitem(DUTIES, "tidy", Duty(dawdle, "sweeps", seconds=7))
    actors.perform(works, "tidy", {})
    assert "tidy was ended after 7 seconds" in caplog.text


def test_a_message_with_arguments_that_nobody_takes_ends_with_a_log_line(works, caplog):
    actors.perform(works, "tidy", {"surprise": 1})
    assert "tidy failed" in caplog.text


@pytest.mark.parametrize("name", DUTIES)
def test_an_actor_takes_the_slot_that_woke_it_and_does_not_mind(works, monkeypatch, name):
    taken = []
    monkeypatch.setitem(DUTIES, name, Duty(lambda works, **ids: taken.append(ids), DUTIES[name].queue))
    actors.perform(works, name, {"slot": "2026-03-02T09:00:00+08:00", "office_id": 1})
    assert taken == [{"office_id": 1}]


def test_of_one_actor_only_so_many_are_at_work_in_one_process(works, monkeypatch):
    inside, go = threading.Barrier(3), threading.Event()
    done = []

    def hold(works):
        inside.wait(30)
        go.wait(30)
        done.append(1)

    monkeypatch.setitem(DUTIES, "sweep_mail", Duty(hold, "mail", at_once=2))
    threads = [threading.Thread(target=actors.perform, args=(works, "sweep_mail", {})) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(30)
    actors.perform(works, "sweep_mail", {})
    assert done == []
    go.set()
    for thread in threads:
        thread.join(30)
    assert len(done) == 2
    assert works.turnstile.busy["sweep_mail"] == 0


@pytest.mark.parametrize("name", DUTIES)
def test_an_actor_takes_ids_and_has_a_limit_of_its_own(name):
    duty = DUTIES[name]
    taken = [parameter for parameter in inspect.signature(duty.function).parameters if parameter != "works"]
    assert all(parameter.endswith("_id") for parameter in taken)
    assert actors.A_RUN < duty.seconds < 30 * 60, "longer than a run, shorter than RabbitMQ lets one message take"


def test_every_actor_that_the_timetable_wakes_is_declared():
    assert {entry.wakes for entry in schedule.TIMETABLE} <= DUTIES.keys()


def test_imports_mails_and_sweeps_wait_in_queues_of_their_own():
    assert {duty.queue for duty in DUTIES.values()} == {"sweeps", "runs", "mail", "imports"}


def test_a_worker_whose_clock_is_an_hour_ahead_raises_nothing_early(works, cast, monkeypatch):
    with at_desk(works.database, cast.north, schedule.now(works.database)) as session:
        ticket_id = request(session, cast.north).ticket_id
        session.commit()
    raised = select(Escalation).where(Escalation.ticket_id == ticket_id)
    ahead = clock.now() + HOUR
    monkeypatch.setattr(clock, "now", lambda: clock.stated() or ahead)
    actors.perform(works, "sweep_escalations", {})
    with at_desk(works.database, cast.north) as session:
        assert session.scalars(raised).all() == []
    with clock.at(ahead):
        actors.perform(works, "sweep_escalations", {})
    with at_desk(works.database, cast.north) as session:
        assert session.scalars(raised).all()
