"""Waiting for what others do: a thread, a worker, a server."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

PATIENCE = 120.0
LOOK_AGAIN = 0.05
Found = TypeVar("Found")


def wait_until(claim: Callable[[], Found], what: str = "what should come", *, patience: float = PATIENCE) -> Found:
    """Wait until ``claim()`` holds and return its value; fails with ``what`` after ``patience`` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = claim()
        if found:
            return found
        time.sleep(LOOK_AGAIN)
    pytest.fail(f"waited {patience:.0f} s for {what}")
