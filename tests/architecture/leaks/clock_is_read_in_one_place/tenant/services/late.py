"""Reads the machine's clock in every way that was ever tried."""

import datetime as dt
import time
from datetime import UTC, date, datetime
from time import monotonic
from time import time as seconds  # LEAK

from tenant import clock


def stamps():
    yield datetime.now(UTC)  # LEAK
    yield datetime.utcnow()  # LEAK
    yield dt.datetime.now()  # LEAK
    yield date.today()  # LEAK
    yield dt.date.today()  # LEAK
    yield time.time()  # LEAK
    yield time.strftime("%Y")  # LEAK
    yield seconds()
    reader = datetime.now  # LEAK
    yield reader(UTC)
    yield clock.now()
    yield monotonic()
    yield time.perf_counter()
    yield datetime.fromtimestamp(0, UTC)
