"""A test may read the clock: it compares with it."""

from datetime import UTC, datetime


def test_now():
    assert datetime.now(UTC)
