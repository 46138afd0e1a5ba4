"""The timetable: every slot fires once, whoever looks, however late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import delete, func, select, update

from tasks import schedule
from tasks.actors import DUTIES
from tasks.schedule import TIMETABLE, Daily, Entry, Every, fire_due
from tenant.journal import CLOCKWORK
from tenant.models import ImportBatch, OutboxMessage, Schedule, ScheduleFire
from tenant.scoping import PERMIT
from tenant.unscoped import Reason, across_offices

SUNDAY = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai."""
DAILY = (Entry("daily", Daily(time(9)), "sweep_dunning"),)
OFTEN = (Entry("often", Every(timedelta(seconds=5)), "sweep_mail"),)


@pytest.fixture(autouse=True)
def nothing_fired(database):
    with across_offices(database, Reason.CLAIMING) as session:
        for model in (OutboxMessage, Schedule, ScheduleFire):
            session.execute(delete(model), execution_options=PERMIT)
        session.commit()


def woken(database):
    with across_offices(database, Reason.CLAIMING) as session:
        return list(session.scalars(select(OutboxMessage.actor)))


@pytest.mark.parametrize(
    ("at", "slot"),
    [
        (SUNDAY, SUNDAY),
        (SUNDAY - timedelta(microseconds=1), SUNDAY - timedelta(days=1)),
        (SUNDAY + timedelta(hours=23, minutes=59), SUNDAY),
        (datetime(2028, 2, 29, 2, tzinfo=UTC), datetime(2028, 2, 29, 1, tzinfo=UTC)),
        (datetime(2026, 10, 31, 15, 59, tzinfo=UTC), datetime(2026, 10, 31, 1, tzinfo=UTC)),
    ],
)
def test_a_daily_slot_is_the_latest_at_its_local_time(at, slot):
    assert Daily(time(9)).latest(at) == slot


def test_everything_in_the_timetable_wakes_an_actor_that_exists():
    assert {entry.wakes for entry in TIMETABLE} <= set(DUTIES)
    assert len({entry.name for entry in TIMETABLE}) == len(TIMETABLE)


def test_a_slot_fires_once(database):
    assert fire_due(database, SUNDAY, DAILY) == ["daily"]
    assert fire_due(database, SUNDAY, DAILY) == []
    assert fire_due(database, SUNDAY + timedelta(hours=23), DAILY) == []
    assert fire_due(database, SUNDAY + timedelta(hours=24), DAILY) == ["daily"]


def test_days_of_downtime_are_caught_up_by_the_latest_slot_alone(database):
    fire_due(database, SUNDAY, DAILY)
    assert fire_due(database, SUNDAY + timedelta(days=3, hours=1), DAILY) == ["daily"]
    with across_offices(database, Reason.CLAIMING) as session:
        slots = list(session.scalars(select(ScheduleFire.fire_at).order_by(ScheduleFire.fire_at)))
    assert slots == [SUNDAY, SUNDAY + timedelta(days=3)]


def test_eight_schedulers_fire_a_slot_once(database):
    slots = [SUNDAY + timedelta(days=day) for day in range(10)]
    with ThreadPoolExecutor(8) as pool:
        for slot in slots:
            fired = list(pool.map(lambda at: fire_due(database, at, DAILY), [slot] * 8))
            assert sorted(map(len, fired)) == [0] * 7 + [1]
    with across_offices(database, Reason.CLAIMING) as session:
        assert session.scalar(select(func.count(ScheduleFire.id))) == len(slots)


def test_what_waits_in_the_outbox_is_not_woken_again(database):
    for second in (0, 5, 10):
        assert fire_due(database, SUNDAY + timedelta(seconds=second), OFTEN) == ["often"]
    assert woken(database) == ["sweep_mail"]


def test_an_entry_that_is_switched_off_does_not_fire(database):
    fire_due(database, SUNDAY, OFTEN)
    with across_offices(database, Reason.CLAIMING) as session:
        session.execute(update(Schedule).values(enabled=False), execution_options=PERMIT)
        session.commit()
    assert fire_due(database, SUNDAY + timedelta(minutes=1), OFTEN) == []


def test_a_clock_set_back_delays_the_sweeps_by_minutes_at_most_and_doubles_no_day(database):
    ahead = SUNDAY + timedelta(days=400)
    fire_due(database, ahead, OFTEN + DAILY)
    assert fire_due(database, SUNDAY, OFTEN + DAILY) == ["often", "daily"]
    assert fire_due(database, ahead, DAILY) == []


def test_old_rows_of_the_machinery_are_removed_and_young_ones_stay(database):
    fire_due(database, SUNDAY, DAILY)
    fire_due(database, SUNDAY + timedelta(days=40), DAILY)
    schedule.tidy(database, SUNDAY + timedelta(days=41))
    with across_offices(database, Reason.CLAIMING) as session:
        assert list(session.scalars(select(ScheduleFire.fire_at))) == [SUNDAY + timedelta(days=40)]


def test_files_of_imports_are_deleted_after_ninety_days_and_the_batch_stays(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        kept = {"kind": "roster", "file_digest": "0" * 64, "file_size": 1, "file": b"x", "plan": b"y"}
        for name, month in (("old.xlsx", 1), ("young.xlsx", 6)):
            created_at = datetime(2026, month, 1, tzinfo=UTC)
            session.add(ImportBatch(office_id=cast.north.id, file_name=name, created_at=created_at, **kept))
        session.commit()
    schedule.tidy(database, datetime(2026, 6, 2, tzinfo=UTC))
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        found = session.execute(select(ImportBatch.file_name, ImportBatch.file, ImportBatch.plan)).all()
    assert sorted(tuple(row) for row in found) == [("old.xlsx", None, None), ("young.xlsx", b"x", b"y")]
