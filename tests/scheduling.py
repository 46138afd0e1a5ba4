"""A nursery of schedulers to be killed: warm, with no thread and no connection, it forks one for each line it reads.

Arguments: address of the database, folder for logs. It says first at which instant of the database's clock the
simulation begins. Each line it reads is how many hours a scheduler's own clock is ahead; the answer is the scheduler's
process number. It fires the timetable below as fast as it can, at simulated instants that all of them reckon from the
database's clock, and writes down each instant it was through with and what it fired.
"""

import json
import os
import signal
import sys
import time as time_module
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from audit.capture import Capture
from tasks import schedule, timetable
from tasks.slots import Daily, Every, Monthly, Weekly
from tasks.timetable import Entry
from tenant import clock
from tenant.db import Addresses, Database
from tenant.rules.terms import CatchUp

BEGUN = datetime(2028, 1, 29, 4, tzinfo=UTC)
"""Noon in Shanghai, two days before a 31st, a month before the 29th of February."""
DAYS = 36
SECONDS = 28
FASTER = DAYS * 86400 / SECONDS
TOLERANCE = timedelta(hours=6)
"""A fifth of a second: what entries that skip put up with here."""
PAUSE = 0.01

ENTRIES = (
    Entry("every_day", "每日", Daily(time(9)), "of_days", CatchUp.ALL),
    Entry("sundays", "周日", Weekly(6, time(9)), "of_sundays", CatchUp.ALL),
    Entry("month_ends", "月末", Monthly(31, time(9)), "of_month_ends", CatchUp.ALL),
    Entry("leap_days", "29 日", Monthly(29, time(9)), "of_leap_days", CatchUp.ALL),
    Entry("of_offices", "管理处", Daily(time(9)), "of_offices", CatchUp.ALL, per_office=True),
    Entry("latest", "最近", Daily(time(12)), "of_latest", CatchUp.LATEST),
    Entry("skipping", "不补", Daily(time(15)), "of_skipping", CatchUp.SKIP),
    Entry("often", "常常", Every(timedelta(hours=6)), "of_often", CatchUp.LATEST),
)


def simulated(present, origin):
    """Return the simulated instant for one of the database's clock."""
    return BEGUN + (present - origin) * FASTER


def warm(url):
    """Return the database with its statements compiled and no connection open, and the instant at which all begins."""
    address = make_url(url)
    database = Database(Addresses(app=address, owner=address), Capture(), pool_size=1)
    schedule.fire_due(database, BEGUN, ENTRIES)  # the first slots of all: those that the weeks begin with
    origin = schedule.now(database)
    database.engine.dispose()
    return database, origin


def run(database, origin, folder, hours_ahead):
    """Fire until killed, or until the nursery is gone."""
    own_clock, nursery = clock.now, os.getppid()
    clock.now = lambda: own_clock() + timedelta(hours=hours_ahead)
    timetable.TOLERANCE = TOLERANCE
    timetable.SET_BACK *= FASTER  # two of them are a moment apart, and that is hours here
    with (Path(folder) / f"{os.getpid()}.log").open("w", buffering=1) as log:
        while os.getppid() == nursery:
            at = simulated(schedule.now(database), origin)
            fired = schedule.fire_due(database, at, ENTRIES)
            log.write(json.dumps([at.isoformat(), fired]) + "\n")
            time_module.sleep(PAUSE)


def main(url, folder):
    """Fork a scheduler for each line until there is no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    database, origin = warm(url)
    print(origin.isoformat(), flush=True)  # noqa: T201 - the test waits for this line
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                run(database, origin, folder, float(line))
            finally:
                os._exit(1)
        print(child, flush=True)  # noqa: T201 - the test waits for this line


if __name__ == "__main__":
    main(*sys.argv[1:])
