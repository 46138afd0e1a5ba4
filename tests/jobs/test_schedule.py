"""The timetable: every slot fires once, whoever looks, however late."""

import time as time_module
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import delete, event, func, select, update

import make
from desk import DAY, HOUR, MINUTE
from importers.choices import Choices
from tasks import schedule
from tasks.actors import DUTIES
from tasks.schedule import TIMETABLE, Daily, Entry, Every, Monthly, Weekly, fire_due, lines
from tasks.slots import MOST_CAUGHT_UP
from tenant import clock, outbox
from tenant.journal import CLOCKWORK
from tenant.models import ImportBatch, Mail, Office, OutboxMessage, Schedule, ScheduleFire
from tenant.rules.terms import CatchUp, MailClass, MailState
from tenant.scoping import PERMIT
from tenant.services import mails
from tenant.services.mails import MailDraft
from tenant.unscoped import Reason, across_offices

SUNDAY = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai."""
DAILY = (Entry("daily", "每日", Daily(time(9)), "sweep_dunning"),)
OFTEN = (Entry("often", "常常", Every(timedelta(seconds=5)), "sweep_mail"),)


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
    fire_due(database, SUNDAY + timedelta(days=80), DAILY)
    schedule.tidy(database, SUNDAY + timedelta(days=81))
    with across_offices(database, Reason.CLAIMING) as session:
        assert list(session.scalars(select(ScheduleFire.fire_at))) == [SUNDAY + timedelta(days=80)]


def test_files_of_imports_are_deleted_after_ninety_days_and_the_batch_stays(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        choices = Choices(edits={("名册", 2, "E"): "李某"}, answers={("名册", 3): "new"}, all_or_nothing=True).as_json()
        kept = {"kind": "roster", "file_digest": "0" * 64, "file_size": 1, "choices": choices}
        kept |= {"file": b"x", "plan": b"y", "trace": b"z", "fault": "已有的列名：张某"}
        kept |= {"mapping": {"on": "2026-01-01", "sheets": [{"columns": [["A", "张某", None]]}], "layouts": ["张某"]}}
        for name, month in (("old.xlsx", 1), ("young.xlsx", 6)):
            created_at = datetime(2026, month, 1, tzinfo=UTC)
            session.add(ImportBatch(office_id=cast.north.id, file_name=name, created_at=created_at, **kept))
        session.commit()
    schedule.tidy(database, datetime(2026, 6, 2, tzinfo=UTC))
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        content = (ImportBatch.file, ImportBatch.plan, ImportBatch.trace)
        found = session.execute(select(ImportBatch.file_name, *content).order_by(ImportBatch.file_name)).all()
        assert [tuple(row) for row in found] == [("old.xlsx", None, None, None), ("young.xlsx", b"x", b"y", b"z")]
        rows = session.scalars(select(ImportBatch)).all()
    chosen = {row.file_name: row.choices for row in rows}
    assert (Choices.from_json(chosen["old.xlsx"]), chosen["young.xlsx"]) == (Choices(all_or_nothing=True), choices)
    said = {row.file_name: str((row.mapping, row.fault)) for row in rows}
    assert ("张某" in said["old.xlsx"], "张某" in said["young.xlsx"]) == (False, True)


def wakes(database):
    """Return actor, office and slot of all that was woken, in order."""
    with across_offices(database, Reason.CLAIMING) as session:
        found = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [(row.actor, row.office_id, row.arguments.get("slot")) for row in found]


def nobody_waits(database):
    """Let all that waits in the outbox be relayed."""
    with across_offices(database, Reason.CLAIMING) as session:
        session.execute(update(OutboxMessage).values(relayed_at=SUNDAY), execution_options=PERMIT)
        session.commit()


def slots_kept(database):
    with across_offices(database, Reason.CLAIMING) as session:
        return list(session.scalars(select(ScheduleFire.fire_at).order_by(ScheduleFire.fire_at)))


@contextmanager
def statements(database):
    """Collect the statements of the block."""
    seen = []

    def see(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", see)
    yield seen
    event.remove(database.engine, "before_cursor_execute", see)


def caught_up(catch_up, slots=None):
    return (Entry("daily", "每日", slots or Daily(time(9)), "sweep_dunning", catch_up=catch_up),)


def test_an_entry_that_makes_up_for_all_wakes_its_actor_for_each_slot_in_order(database):
    all_of_them = caught_up(CatchUp.ALL)
    fire_due(database, SUNDAY, all_of_them)
    nobody_waits(database)
    assert fire_due(database, SUNDAY + 3 * DAY + HOUR, all_of_them) == ["daily"] * 3
    assert slots_kept(database) == [SUNDAY + n * DAY for n in range(4)]
    told = [slot for _, _, slot in wakes(database)]
    assert told == [(SUNDAY + n * DAY).isoformat() for n in range(4)]
    assert fire_due(database, SUNDAY + 3 * DAY + HOUR, all_of_them) == []


def test_three_years_of_downtime_flood_nothing_and_the_log_says_what_was_left_out(database, caplog):
    all_of_them = caught_up(CatchUp.ALL)
    fire_due(database, SUNDAY, all_of_them)
    assert len(fire_due(database, SUNDAY + 1100 * DAY, all_of_them)) == MOST_CAUGHT_UP
    assert slots_kept(database)[1:] == [SUNDAY + n * DAY for n in range(1100 - MOST_CAUGHT_UP + 1, 1101)]
    (said,) = [record.getMessage() for record in caplog.records if "not made up for" in record.getMessage()]
    assert str(SUNDAY + (1100 - MOST_CAUGHT_UP) * DAY) in said


def test_an_entry_that_skips_is_fired_a_little_late_and_otherwise_only_marked(database, caplog):
    skipping = caught_up(CatchUp.SKIP)
    assert fire_due(database, SUNDAY + 14 * MINUTE, skipping) == ["daily"]
    assert fire_due(database, SUNDAY + 3 * DAY + HOUR, skipping) == []
    assert [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]
    assert fire_due(database, SUNDAY + 3 * DAY + HOUR, skipping) == []
    assert fire_due(database, SUNDAY + 4 * DAY, skipping) == ["daily"]
    assert slots_kept(database) == [SUNDAY, SUNDAY + 4 * DAY]


@pytest.mark.parametrize("jump", [400 * DAY, -400 * DAY, HOUR, -HOUR, 4 * MINUTE, -4 * MINUTE])
@pytest.mark.parametrize(
    "slots", [Daily(time(9)), Weekly(6, time(9)), Monthly(1, time(9))], ids=["day", "week", "month"]
)
def test_a_clock_that_jumps_there_and_back_doubles_no_slot(database, jump, slots):
    timetable = caught_up(CatchUp.ALL, slots)
    for at in (
        SUNDAY - 3 * HOUR,
        SUNDAY + HOUR / 60,
        SUNDAY + jump,
        SUNDAY + HOUR,
        SUNDAY + jump + HOUR,
        SUNDAY + HOUR,
    ):
        fire_due(database, at, timetable)
    kept = slots_kept(database)
    assert len(kept) == len(set(kept)) == len(wakes(database))
    assert SUNDAY in kept


def test_a_slot_and_its_wake_up_are_one_transaction(database, monkeypatch):
    def broken(*_arguments, **_named):
        raise RuntimeError("the outbox is full")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "wake", broken)
        with pytest.raises(RuntimeError):
            fire_due(database, SUNDAY, DAILY)
    assert slots_kept(database) == []
    assert fire_due(database, SUNDAY, DAILY) == ["daily"]
    assert wakes(database) == [("sweep_dunning", None, None)]


def test_a_row_that_another_scheduler_holds_is_left_to_it(database):
    fire_due(database, SUNDAY - DAY, OFTEN + DAILY)
    with across_offices(database, Reason.CLAIMING) as other:
        other.scalars(select(Schedule).where(Schedule.name == "daily").with_for_update()).one()
        assert fire_due(database, SUNDAY, OFTEN + DAILY) == ["often"]
    assert fire_due(database, SUNDAY, OFTEN + DAILY) == ["daily"]


def test_bodies_of_mails_are_cleared_after_ninety_days_and_the_digest_stays(database, cast, monkeypatch):
    monkeypatch.setattr(schedule, "A_CLEARING", 2)
    draft = MailDraft(
        cast.north.id, "", MailClass.NOTICE, "业主", "owner@owner.invalid", "通知", "内容", "owner", cast.north.owner.id
    )
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        for number in range(6):
            mail = mails.queue(session, replace(draft, dedup_key=f"tidy:{number}"))
            mail.state = MailState.SENT
            mail.created_at = SUNDAY - (100 * DAY if number < 5 else 80 * DAY)
        session.commit()
    schedule.tidy(database, SUNDAY)
    with across_offices(database, Reason.CLAIMING) as session:
        found = session.execute(select(Mail.text_body, Mail.body_digest.is_not(None)).order_by(Mail.id)).all()
    assert [tuple(row) for row in found] == [(None, True)] * 5 + [("内容", True)]


# ---- offices
PER_OFFICE = (Entry("dunning", "催缴", Daily(time(9)), "sweep_dunning", per_office=True),)


@pytest.fixture
def far_west(database, cast):
    """An office two hours behind Shanghai, in use for one test."""
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=cast.west, zone="Asia/Urumqi")
        session.commit()
    yield office.id
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get(Office, office.id).archived_at = SUNDAY
        session.commit()


def test_each_office_has_slots_of_its_own_in_its_own_zone(database, cast, far_west):
    begun = SUNDAY - DAY / 2
    assert len(fire_due(database, begun, PER_OFFICE)) == 3
    nobody_waits(database)
    assert fire_due(database, SUNDAY, PER_OFFICE) == ["dunning", "dunning"]
    assert {(name, office) for name, office, _ in wakes(database)[3:]} == {
        ("sweep_dunning", cast.north.id), ("sweep_dunning", cast.south.id)
    }  # fmt: skip
    assert fire_due(database, SUNDAY + 2 * HOUR - MINUTE, PER_OFFICE) == []
    assert fire_due(database, SUNDAY + 2 * HOUR, PER_OFFICE) == ["dunning"]
    assert wakes(database)[-1] == ("sweep_dunning", far_west, None)


def test_an_office_that_waits_in_the_outbox_is_not_woken_again_and_the_others_are(database, cast):
    fire_due(database, SUNDAY, PER_OFFICE)
    with across_offices(database, Reason.CLAIMING) as session:
        relayed = update(OutboxMessage).where(OutboxMessage.office_id == cast.north.id).values(relayed_at=SUNDAY)
        session.execute(relayed, execution_options=PERMIT)
        session.commit()
    assert len(fire_due(database, SUNDAY + DAY, PER_OFFICE)) == 2
    assert [office for _, office, _ in wakes(database)].count(cast.north.id) == 2
    assert [office for _, office, _ in wakes(database)].count(cast.south.id) == 1


def test_an_archived_office_has_no_slots(database, cast, far_west):
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get(Office, far_west).archived_at = SUNDAY - DAY
        session.commit()
    assert len(fire_due(database, SUNDAY + 3 * HOUR, PER_OFFICE)) == 2


def test_an_office_in_a_zone_that_nobody_knows_holds_up_no_other(database, cast, far_west):
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get(Office, far_west).zone = "Asia/Nowhere"
        session.commit()
    assert len(fire_due(database, SUNDAY + 3 * HOUR, PER_OFFICE)) == 2


def test_two_hundred_offices_cost_as_many_statements_as_two(database, cast):
    with statements(database) as few:
        fire_due(database, SUNDAY, PER_OFFICE)
    with across_offices(database, Reason.SETTING_UP) as session:
        made = [make.office(session, company=cast.east) for _ in range(200)]
        session.commit()
    with statements(database) as many:
        assert len(fire_due(database, SUNDAY + DAY, PER_OFFICE)) == 202
    assert len(many) <= len(few) + 1
    with statements(database) as idle:
        fire_due(database, SUNDAY + DAY, PER_OFFICE)
    assert len(idle) == 2
    with across_offices(database, Reason.SETTING_UP) as session:
        for office in session.scalars(select(Office).where(Office.id.in_([row.id for row in made]))):
            office.archived_at = SUNDAY
        session.commit()


# ---- the database's clock
def test_the_database_says_what_time_it_is_unless_a_time_is_stated(database):
    with clock.at(SUNDAY):
        assert schedule.now(database) == SUNDAY
    before = clock.now()
    assert abs(schedule.now(database) - before) < MINUTE


def test_schedulers_whose_own_clocks_are_an_hour_off_fire_by_the_database_s(database, monkeypatch):
    period = timedelta(seconds=0.5)
    timetable = (Entry("often", "常常", Every(period), "sweep_mail"),)
    slots, own_clock = [], clock.now
    for skew in (HOUR, -HOUR, HOUR, -HOUR):
        monkeypatch.setattr(clock, "now", lambda skew=skew: own_clock() + skew)
        schedule._rests.clear()
        before = schedule.now(database)
        fire_due(database, timetable=timetable)
        with across_offices(database, Reason.CLAIMING) as session:
            slots.append(session.scalars(select(Schedule.last_fire_at)).one())
        assert before - period <= slots[-1] <= schedule.now(database)
    assert slots == sorted(slots)


def test_a_tick_with_nothing_due_asks_nothing(database, monkeypatch):
    schedule._rests.clear()
    timetable = (Entry("rarely", "不常", Every(timedelta(days=7)), "tidy"),)
    fire_due(database, timetable=timetable)
    with statements(database) as asked:
        for _ in range(100):
            assert fire_due(database, timetable=timetable) == []
    assert asked == []
    passed = time_module.monotonic() + 16
    monkeypatch.setattr(schedule.time, "monotonic", lambda: passed)
    with statements(database) as asked:
        fire_due(database, timetable=timetable)
    assert len(asked) == 2, "the clock and what is kept of the timetable"


def test_a_resting_scheduler_is_back_for_the_next_slot(database):
    schedule._rests.clear()
    timetable = (Entry("often", "常常", Every(timedelta(seconds=0.5)), "sweep_mail"),)
    fired, until = 0, time_module.monotonic() + 3
    while time_module.monotonic() < until:
        fired += len(fire_due(database, timetable=timetable))
        time_module.sleep(0.02)
    assert 5 <= fired <= 8


# ---- the screen's lines
def test_the_lines_tell_when_each_entry_comes_and_came(database, cast):
    timetable = OFTEN + PER_OFFICE
    fire_due(database, SUNDAY, timetable)
    with across_offices(database, Reason.CLAIMING) as session:
        often, dunning = lines(session, SUNDAY + MINUTE, timetable=timetable)
        (own,) = lines(session, SUNDAY + MINUTE, cast.north.id, timetable)
    assert (often.when, often.per_office, often.at) == ("每 5 秒", False, None)
    assert (often.last_fire_at, often.next_at) == (SUNDAY, SUNDAY + timedelta(seconds=65))
    assert (dunning.when, dunning.office_id) == ("每天 09:00（各管理处当地时间）", None)
    assert (dunning.last_fire_at, dunning.next_at) == (SUNDAY, SUNDAY + DAY)
    assert (own.office_id, own.at, own.is_own_time) == (cast.north.id, time(9), False)
    with database.session(cast.south.scope(), CLOCKWORK) as session:
        (seen,) = lines(session, SUNDAY + MINUTE, timetable=timetable)
    assert (seen.name, seen.office_id, seen.last_fire_at) == ("dunning", cast.south.id, SUNDAY)
