"""What people may change of the timetable: switches, and an office's own times; recorded, and refused in words."""

from datetime import time, timedelta

import pytest
from sqlalchemy import delete, select

import make
from audit.models import AuditEntry
from desk import DAY, HOUR, at_desk
from tasks.schedule import TIMETABLE, Daily, Entry, fire_due, lines
from tenant import clock
from tenant.calendars import at_local, local_day
from tenant.errors import NotFound, Refusal
from tenant.models import OutboxMessage, Schedule, ScheduleFire
from tenant.rules.terms import CatchUp, Role
from tenant.scoping import PERMIT
from tenant.services import timetable
from tenant.unscoped import Reason, across_offices

DUNNING = (Entry("dunning", "催缴", Daily(time(9)), "sweep_dunning", per_office=True),)
MONDAY = at_local(local_day(make.NOON, "Asia/Shanghai"), time(9), "Asia/Shanghai")
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_fired(database):
    with across_offices(database, Reason.CLAIMING) as session:
        for model in (OutboxMessage, Schedule, ScheduleFire):
            session.execute(delete(model), execution_options=PERMIT)
        session.commit()


def set_time(database, house, at, *, now=MONDAY, name="dunning"):
    with at_desk(database, house, now, Role.DIRECTOR) as session:
        timetable.set_time(session, house.id, name, at)
        session.commit()


def switch(database, office_id, name="dunning", *, on, now=MONDAY):
    with across_offices(database, Reason.SETTING_UP) as session, clock.at(now):
        timetable.switch(session, office_id, name, on=on)
        session.commit()


def fired(database, at, office_id, entries=DUNNING):
    """Fire what is due at ``at`` and return how often the office's actor was woken for it."""
    fire_due(database, at, entries)
    with across_offices(database, Reason.CLAIMING) as session:
        woken = list(session.scalars(select(OutboxMessage).where(OutboxMessage.relayed_at.is_(None))))
        for message in woken:
            message.relayed_at = at
        session.commit()
    return sum(message.office_id == office_id for message in woken)


def test_the_names_that_people_may_change_are_those_of_the_timetable():
    own = {entry.name: timetable.OfficeEntry(entry.label, entry.slots.at) for entry in TIMETABLE if entry.per_office}
    assert own == timetable.OF_OFFICES
    assert {entry.name: entry.label for entry in TIMETABLE if not entry.per_office} == timetable.OF_THE_GROUP


def test_an_office_sets_its_own_time_and_goes_back_to_the_timetable_s(database, cast):
    fired(database, MONDAY - 2 * DAY, cast.north.id)
    set_time(database, cast.north, time(10, 30), now=MONDAY - DAY - HOUR)
    assert fired(database, MONDAY - DAY + HOUR, cast.north.id) == 0
    assert fired(database, MONDAY - DAY + 90 * MINUTE, cast.north.id) == 1
    assert fired(database, MONDAY + HOUR, cast.south.id) == 1, "the other office keeps the timetable's"
    with at_desk(database, cast.north, MONDAY) as session:
        (line,) = lines(session, MONDAY, timetable=DUNNING)
        assert (line.when, line.at, line.is_own_time) == ("每天 10:30", time(10, 30), True)
    set_time(database, cast.north, None, now=MONDAY + HOUR)
    assert fired(database, MONDAY + HOUR, cast.north.id) == 1


@pytest.mark.parametrize(("set_at", "at"), [(HOUR, time(11)), (5 * HOUR, time(13))], ids=["to come", "just passed"])
def test_a_day_on_which_it_has_run_has_no_second_slot(database, cast, set_at, at):
    assert fired(database, MONDAY, cast.north.id) == 1
    set_time(database, cast.north, at, now=MONDAY + set_at)
    assert fired(database, MONDAY + 10 * HOUR, cast.north.id) == 0
    assert fired(database, MONDAY + DAY + 10 * HOUR, cast.north.id) == 1


def test_a_time_set_before_the_day_s_run_is_made_up_for_when_it_has_passed(database, cast):
    fired(database, MONDAY - DAY, cast.north.id)
    set_time(database, cast.north, time(8), now=MONDAY - MINUTE)
    assert fired(database, MONDAY - MINUTE, cast.north.id) == 1
    assert fired(database, MONDAY + HOUR, cast.north.id) == 0


def test_times_and_switches_stand_on_the_record_with_who_set_them(database, cast):
    set_time(database, cast.north, time(10, 30))
    set_time(database, cast.north, time(10, 30))
    switch(database, None, "mail", on=False)
    with across_offices(database, Reason.CLAIMING) as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.subject_kind == "schedule").order_by(AuditEntry.id))
        told = [(entry.verb, entry.office_id, entry.after) for entry in found][-4:]
        assert told == [
            ("schedule.create", cast.north.id, {"name": "dunning", "enabled": True}),
            ("schedule.update", cast.north.id, {"at": "10:30:00"}),
            ("schedule.create", None, {"name": "mail", "enabled": True}),
            ("schedule.update", None, {"enabled": False}),
        ]


def test_an_office_switched_off_misses_nothing_to_make_up_for(database, cast):
    everything = (Entry("dunning", "催缴", Daily(time(9)), "sweep_dunning", catch_up=CatchUp.ALL, per_office=True),)
    fired(database, MONDAY, cast.north.id, everything)
    switch(database, cast.north.id, on=False)
    assert fired(database, MONDAY + 3 * DAY, cast.north.id, everything) == 0
    switch(database, cast.north.id, on=True, now=MONDAY + 3 * DAY + HOUR)
    assert fired(database, MONDAY + 3 * DAY + HOUR, cast.north.id, everything) == 0
    assert fired(database, MONDAY + 4 * DAY, cast.north.id, everything) == 1


def test_an_office_switched_on_this_morning_has_its_run_today_at_its_new_time(database, cast):
    fired(database, MONDAY - 2 * DAY, cast.north.id)
    switch(database, cast.north.id, on=False, now=MONDAY - 2 * DAY)
    switch(database, cast.north.id, on=True, now=MONDAY - 2 * MINUTE)
    set_time(database, cast.north, time(10, 30), now=MONDAY - MINUTE)
    assert fired(database, MONDAY + HOUR, cast.north.id) == 0
    assert fired(database, MONDAY + 2 * HOUR, cast.north.id) == 1


def test_what_the_group_switches_off_is_off_for_every_office_and_makes_up_for_nothing(database, cast):
    everything = (Entry("dunning", "催缴", Daily(time(9)), "sweep_dunning", catch_up=CatchUp.ALL, per_office=True),)
    fired(database, MONDAY, cast.north.id, everything)
    switch(database, None, on=False)
    assert fire_due(database, MONDAY + 3 * DAY, everything) == []
    with across_offices(database, Reason.CLAIMING) as session:
        assert [(line.enabled, line.next_at) for line in lines(session, MONDAY, timetable=everything)] == [
            (False, None)
        ]
        assert not lines(session, MONDAY, cast.north.id, everything)[0].enabled
    switch(database, None, on=True, now=MONDAY + 3 * DAY + HOUR)
    assert fired(database, MONDAY + 3 * DAY + HOUR, cast.north.id, everything) == 0
    assert fired(database, MONDAY + 4 * DAY, cast.north.id, everything) == 1


@pytest.mark.parametrize(
    ("name", "at", "code"),
    [
        ("dunnning", time(10), "unknown_entry"),
        ("tidy", time(10), "entry_of_the_group"),
        ("dunning", time(10, 0, 30), "bad_time"),
        ("dunning", time(23), "quiet_time"),
        ("dunning", time(7, 59), "quiet_time"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(database, cast, name, at, code):
    with at_desk(database, cast.north, MONDAY) as session, pytest.raises(Refusal) as refused:
        timetable.set_time(session, cast.north.id, name, at)
    assert refused.value.code == code
    assert refused.value.field in {"name", "at"}
    assert refused.value.value in {name, at.isoformat(), f"{at:%H:%M}"}
    assert "请" in refused.value.message


def test_an_office_without_quiet_hours_may_have_any_time(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=cast.east, quiet_from=time(0), quiet_until=time(0))
        assert timetable.set_time(session, office.id, "dunning", time(23)).at == time(23)


def test_an_office_sets_nothing_of_another_and_nothing_of_the_group(database, cast):
    with at_desk(database, cast.north, MONDAY) as session:
        for change in (
            lambda: timetable.set_time(session, cast.south.id, "dunning", time(10)),
            lambda: timetable.switch(session, cast.south.id, "dunning", on=False),
        ):
            with pytest.raises(NotFound):
                change()
        with pytest.raises(Refusal) as refused:
            timetable.switch(session, None, "mail", on=False)
        assert refused.value.code == "group_switch"
        with pytest.raises(Refusal) as refused:
            timetable.switch(session, cast.north.id, "mail", on=False)
        assert refused.value.code == "entry_of_the_group"


def test_an_archived_office_sets_nothing(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=cast.east, archived_at=MONDAY)
        with pytest.raises(Refusal) as refused:
            timetable.set_time(session, office.id, "dunning", time(10))
    assert refused.value.code == "office_archived"
