"""Four scheduler processes, one killed every second and a half, over five weeks in half a minute: every slot once.

Time runs fast: each process asks the database how long the test has been going on and multiplies. The weeks hold five
Sundays, a 31st, 29 February 2028, two ends of months, and three days in which no scheduler runs at all.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

import scheduling
from scheduling import BEGUN, DAYS, ENTRIES, TOLERANCE
from tasks import schedule
from tasks.slots import placed
from tenant.calendars import local_day
from tenant.models import Office, OutboxMessage, ScheduleFire
from tenant.rules.terms import CatchUp
from tenant.unscoped import Reason, across_offices

SHANGHAI = "Asia/Shanghai"
NURSERY = Path(scheduling.__file__)
SCHEDULERS = 4
BETWEEN_KILLS = 1.5
ENDED = BEGUN + timedelta(days=DAYS)
DOWN_FROM, DOWN_UNTIL = BEGUN + timedelta(days=12), BEGUN + timedelta(days=15)
A_FEW = 3
"""Ticks of one process after which a slot must have fired: one may find it locked by a process that dies with it."""


class Schedulers:
    """The living processes, and how many were killed alive."""

    def __init__(self, nursery, seed=20280229):
        self.nursery = nursery
        self.chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self.alive = []
        self.kills = 0

    def start(self, wanted=SCHEDULERS):
        """Fork until so many run, with clocks of their own that are up to an hour off."""
        while len(self.alive) < wanted:
            self.nursery.stdin.write(f"{self.chance.choice([-1, 0, 1])}\n")
            self.nursery.stdin.flush()
            self.alive.append(int(self.nursery.stdout.readline()))

    def kill(self, count=1):
        """Kill some of them, whatever they are at."""
        for _ in range(count):
            os.kill(self.alive.pop(self.chance.randrange(len(self.alive))), signal.SIGKILL)
            self.kills += 1


def fly(database, schedulers, origin):
    """Kill and replace until the simulated weeks are over, three days of them without anybody; return the kills."""
    next_kill, was_down = time.monotonic() + BETWEEN_KILLS, False
    while (at := scheduling.simulated(schedule.now(database), origin)) < ENDED:
        if DOWN_FROM <= at < DOWN_UNTIL:
            if not was_down:
                schedulers.kill(SCHEDULERS)
                was_down = True
        else:
            if time.monotonic() >= next_kill and len(schedulers.alive) == SCHEDULERS:
                schedulers.kill()
                next_kill += BETWEEN_KILLS
            schedulers.start()
        time.sleep(0.02)
    landed = schedulers.kills
    schedulers.kill(SCHEDULERS)
    return landed


@pytest.fixture(scope="module")
def flown(database, cast, tmp_path_factory):
    """The weeks, flown: how many kills landed, what fired, what was woken, and each process's ticks."""
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get(Office, cast.south.id).zone = "Asia/Urumqi"
        session.commit()
    folder = tmp_path_factory.mktemp("schedulers")
    url = database.addresses.app.render_as_string(hide_password=False)
    command = [sys.executable, str(NURSERY), url, str(folder)]
    with subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=NURSERY.parents[1]
    ) as nursery:
        schedulers, origin = Schedulers(nursery), datetime.fromisoformat(nursery.stdout.readline().strip())
        try:
            landed = fly(database, schedulers, origin)
        finally:
            nursery.stdin.close()
    schedule.fire_due(database, ENDED, ENTRIES)
    return landed, *_left(database), [_ticks(log) for log in folder.glob("*.log")]


def _left(database):
    with across_offices(database, Reason.CLAIMING) as session:
        fires = session.execute(select(ScheduleFire.name, ScheduleFire.office_id, ScheduleFire.fire_at)).all()
        woken = session.scalars(select(OutboxMessage)).all()
        return [tuple(row) for row in fires], [
            (row.actor, row.office_id, datetime.fromisoformat(row.arguments["slot"]))
            for row in woken
            if "slot" in row.arguments
        ]


def _ticks(log):
    """Return instants and names of what one process was through with; a line it died over is left out."""
    lines = log.read_text().splitlines(keepends=True)
    ticks = [json.loads(line) for line in lines if line.endswith("\n")]
    return [(datetime.fromisoformat(at), names) for at, names in ticks]


def expected(entry, slots=None):
    """Return every slot of the weeks, and the one before them that was fired to begin with."""
    slots = slots or entry.slots
    return [slots.latest(BEGUN), *slots.between(BEGUN, ENDED)]


def was_looked_for(ticks, since, until):
    """Tell whether one process was through with a few ticks between the two instants."""
    for of_process in ticks:
        instants = [at for at, _ in of_process]
        if bisect_left(instants, until) - bisect_left(instants, since) >= A_FEW:
            return True
    return False


def test_four_schedulers_under_fire_fire_every_slot_once(flown, cast, announce):
    kills, fires, woken, ticks = flown
    zones = {cast.north.id: SHANGHAI, cast.south.id: "Asia/Urumqi"}
    counts = []
    assert len(fires) == len(set(fires))
    for entry in ENTRIES:
        if entry.catch_up is not CatchUp.ALL:
            continue
        places = {office_id: placed(entry.slots, zone, None) for office_id, zone in zones.items()}
        for office_id, slots in (places if entry.per_office else {None: entry.slots}).items():
            fired = sorted(slot for name, office, slot in fires if (name, office) == (entry.name, office_id))
            told = sorted(slot for name, office, slot in woken if (name, office) == (entry.wakes, office_id))
            assert fired == told, entry.name
            assert fired == expected(entry, slots), entry.name
        counts.append(f"{entry.name} {sum(name == entry.name for name, *_ in fires)}")
    days = Counter(local_day(slot, SHANGHAI) for name, _, slot in fires if name == "every_day")
    assert days[date(2028, 2, 29)] == days[date(2028, 1, 31)] == 1
    assert {local_day(slot, SHANGHAI) for name, _, slot in fires if name == "month_ends"} >= {
        date(2028, 1, 31), date(2028, 2, 29)
    }  # fmt: skip
    assert sum(day.weekday() == 6 for day in days) >= 5
    announce(
        f"{SCHEDULERS} schedulers, {kills} kills landed, {sum(map(len, ticks))} ticks over {DAYS} days:"
        f" {', '.join(counts)} slots, none missing, none doubled"
    )
    assert kills >= 15


@pytest.mark.parametrize("name", ["latest", "skipping"])
def test_an_entry_that_does_not_make_up_for_all_misses_only_what_nobody_was_there_for(flown, announce, name):
    _, fires, _, ticks = flown
    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    fired = [slot for fired_name, _, slot in fires if fired_name == name]
    wanted = expected(entry)
    assert len(fired) == len(set(fired))
    assert set(fired) <= set(wanted)
    missed = []
    for slot, following in pairwise([*wanted, entry.slots.after(wanted[-1])]):
        until = following if entry.catch_up is CatchUp.LATEST else min(following, slot + TOLERANCE)
        if slot not in fired:
            missed.append(slot)
            assert not was_looked_for(ticks, slot, until), f"{name} did not fire at {slot}"
    announce(f"{name}: {len(fired)} of {len(wanted)} slots fired, {len(missed)} while nobody was there, none doubled")
    nobody = DOWN_FROM + timedelta(hours=12)  # the last of them dies a moment later
    down = {slot for slot in wanted if slot > nobody and entry.slots.after(slot) <= DOWN_UNTIL}
    assert down
    assert down <= set(missed)
    assert len(fired) > len(wanted) // 4


def test_slots_that_leave_no_row_are_fired_once_too(flown, announce):
    _, _, _, ticks = flown
    (entry,) = (entry for entry in ENTRIES if entry.name == "often")
    told = Counter(entry.slots.latest(at) for of_process in ticks for at, names in of_process if "often" in names)
    announce(f"often: {len(told)} slots fired, none doubled")
    assert max(told.values()) == 1
    assert len(told) > DAYS / 2
