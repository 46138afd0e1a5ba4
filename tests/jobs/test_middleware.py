"""What each message passes through: one number for all it does, an office that is there, an actor for the record."""

import threading
import uuid
from datetime import timedelta

import pytest
from dramatiq import Worker
from sqlalchemy import select

import make
from audit.models import AuditEntry
from desk import at_desk, request
from tasks import actors, sweeps
from tasks.actors import DUTIES, Duty, Works
from tasks.broker import make_broker
from tasks.errands import OfficeGone, clockwork, errand
from tasks.relay import do_without, relay
from tenant import clock, logs, outbox
from tenant.journal import CLOCKWORK
from tenant.models import Office
from tenant.rules.terms import ActorKind
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices


@pytest.fixture
def works(database, settings):
    return Works(database, settings)


@pytest.fixture
def seen(monkeypatch):
    """What an actor finds around it: the number, the office, who acts."""
    found = []

    def look_around(works, office_id=None):
        found.append((logs.correlation.get(), logs.office.get(), clockwork(), threading.current_thread().name))

    monkeypatch.setitem(DUTIES, "tidy", Duty(look_around, "sweeps"))
    return found


def wake(database, office_id=None, request_id=None):
    actor = CLOCKWORK if request_id is None else clockwork()
    with database.session(Scope.everywhere(), actor) as session:
        outbox.wake(session, "tidy", office_id=office_id)
        session.commit()


def through_a_worker(works):
    """Relay and work as `wuguan serve` does; return when a message came through, or raise."""
    broker = make_broker(works.settings)
    actors.declare(broker, works)
    worker = Worker(broker, worker_timeout=50, worker_threads=1)
    worker.start()
    try:
        relay(works.database, broker)
        for queue in broker.get_declared_queues():
            broker.join(queue, timeout=30_000)
    finally:
        worker.stop()
        broker.close()


@pytest.mark.parametrize("way", [through_a_worker, do_without], ids=["worker", "without"])
def test_the_number_of_the_request_goes_with_its_wake_up(database, cast, works, seen, way):
    with errand(database, None, "r-4711"):
        wake(database, cast.north.id, "of the errand")
    way(works)
    ((number, office, actor, _),) = seen
    assert (number, office) == ("r-4711", cast.north.id)
    assert (actor.kind, actor.name, actor.request_id) == (ActorKind.CLOCKWORK, CLOCKWORK.name, "r-4711")
    assert logs.correlation.get() is None
    assert logs.office.get() is None


@pytest.mark.parametrize("way", [through_a_worker, do_without], ids=["worker", "without"])
def test_who_was_woken_by_nobody_in_particular_has_a_number_of_its_own(database, works, seen, way):
    wake(database)
    way(works)
    ((number, office, actor, _),) = seen
    assert uuid.UUID(number)
    assert office is None
    assert actor.request_id == number


@pytest.mark.parametrize("way", [through_a_worker, do_without], ids=["worker", "without"])
def test_a_message_for_an_archived_office_is_dropped_with_a_line(database, works, seen, way, caplog):
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=make.company(session))
        session.commit()
        office_id = office.id
    wake(database, office_id)
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(Office, office_id).archived_at = clock.now()
        session.commit()
    way(works)
    assert seen == []
    assert f"office {office_id} is not worked for" in caplog.text


@pytest.mark.parametrize("forged", [999_999, "1", True, [1], {"id": 1}])
def test_an_office_that_is_none_is_no_office(database, cast, forged):
    with pytest.raises(OfficeGone), errand(database, forged):
        pytest.fail("it began")


def test_two_errands_on_one_thread_do_not_see_each_other(database, cast, works, seen):
    for office_id in (cast.north.id, None, cast.south.id):
        wake(database, office_id)
    through_a_worker(works)
    numbers, offices, _, threads = zip(*seen, strict=True)
    assert len(set(threads)) == 1
    assert len(set(numbers)) == 3
    assert offices == (cast.north.id, None, cast.south.id)


def test_an_errand_ends_with_its_message_also_where_the_message_fails(database, works, seen, monkeypatch, caplog):
    monkeypatch.setitem(DUTIES, "seal_record", Duty(lambda works: 1 / 0, "sweeps"))
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        outbox.wake(session, "seal_record")
        session.commit()
    wake(database)
    through_a_worker(works)
    assert "seal_record failed" in caplog.text
    assert len(seen) == 1


def test_what_a_sweep_does_stands_in_the_record_under_the_number_that_woke_it(database, cast, settings):
    with at_desk(database, cast.north, make.NOON) as session:
        request(session, cast.north)
        session.commit()
    with errand(database, cast.north.id, "r-sweep"):
        sweeps.run_escalations(database, make.NOON + timedelta(hours=2), cast.north.id, settings=settings)
    with across_offices(database, Reason.SIGNING_IN) as session:
        made = session.scalars(select(AuditEntry).where(AuditEntry.verb == "escalation.create")).all()
    assert made
    assert {(entry.actor_kind, entry.request_id) for entry in made} == {(ActorKind.CLOCKWORK, "r-sweep")}


def test_a_database_that_is_away_drops_the_message_and_ends_no_thread(database, works, seen, monkeypatch, caplog):
    def away(*_):
        message = "away"
        raise ConnectionError(message)

    wake(database)
    monkeypatch.setattr("tasks.middleware.errand", away)
    through_a_worker(works)
    assert seen == []
    assert "could not be looked up" in caplog.text
