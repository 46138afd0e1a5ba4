"""The times people state: read in the office's zone, refused in Chinese where no calendar on the wall shows them."""

from datetime import UTC, datetime

import pytest

from tenant import clock
from tenant.errors import Refusal


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T09:05", datetime(2026, 11, 21, 1, 5, tzinfo=UTC)),
        (" 2026-11-21 ", datetime(2026, 11, 20, 16, tzinfo=UTC)),
        ("2026-11-21T09:05+00:00", datetime(2026, 11, 21, 9, 5, tzinfo=UTC)),
        ("2026-11-21T09:05Z", datetime(2026, 11, 21, 9, 5, tzinfo=UTC)),
    ],
)
def test_a_stated_time_is_local_unless_it_says_otherwise(text, instant):
    assert clock.parse(text, "Asia/Shanghai") == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "昨天",
        "2026-11-21T24:00",
        "2026-02-30",
        "0001-01-01",
        "9999-12-31T23:59:59-05:00",
        "1899-12-31",
        "2200-01-01",
    ],
)
def test_a_time_that_is_none_or_of_another_age_is_refused(text):
    with pytest.raises(Refusal) as refused:
        clock.parse(text)
    assert refused.value.code == "bad_time"
    assert "请" in refused.value.message
