"""Being told to stop: by a signal, or by the end of the process that started us."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
SAME_WISH_SECONDS = 0.5
SUPERVISED = "WUGUAN_SUPERVISED"
"""Set for a process that another of ours watches over: it ends when that one does, however that ends."""


def leave_at_once() -> None:
    """End this process here and now; what it was at is given back by the leases."""
    sys.stderr.write("立即停止。\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)


@contextmanager
def stop_on_signal(at_second: Callable[[], None] = leave_at_once) -> Iterator[threading.Event]:
    """Give the event that the first SIGINT or SIGTERM sets; the second of them calls ``at_second``.

    One wish that arrives twice, from a terminal and from whatever started us there, is one.
    """
    stop = threading.Event()
    asked: list[float] = []

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.append(time.monotonic())
        if asked[-1] - asked[0] > SAME_WISH_SECONDS:
            at_second()
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    if is_supervised():
        threading.Thread(target=_stop_with_parent, args=(stop,), name="parent", daemon=True).start()
    try:
        yield stop
    finally:
        for number, given in before.items():
            signal.signal(number, given)


def is_supervised() -> bool:
    """Tell whether a process of ours started this one and watches over it."""
    return bool(os.environ.get(SUPERVISED))


def _stop_with_parent(stop: threading.Event) -> None:
    """Stop when standard input ends: its other end is held by the parent alone, who never writes."""
    while os.read(0, 64):
        pass
    stop.set()
