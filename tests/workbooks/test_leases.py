"""Several rows of a ledger about one space: whatever stands in which order, a space is let to one at a time."""

import datetime as dt
from decimal import Decimal

import pytest

from workbooks.test_parking import let, plan_of, row


@pytest.mark.parametrize("begins", [None, "2024-01-01"])
@pytest.mark.parametrize("lessee", ["张三", "李四"])
def test_a_lease_that_one_row_ends_stays_ended_when_another_row_names_it(lessee, begins):
    rows = [row("B1-001", lessee=lessee, begins="2026-12-01"), row("B1-001", lessee="张三", begins=begins, rent=300)]
    plan = plan_of(*rows, state=let())
    ended, begun = plan.drafts.leases
    assert not plan.refused
    assert ended.change == {"monthly_rent": Decimal(300), "to_on": dt.date(2026, 11, 30)}
    assert begun.change["from_on"] == dt.date(2026, 12, 1)
