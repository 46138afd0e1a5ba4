"""The public calendar in force: the latest confirmed edition of each year, read at once (A-O2)."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tenant.services import holidays
from tenant.unscoped import Reason, across_offices


@contextmanager
def statements(database):
    """Collect the statements of the block."""
    seen = []

    def see(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", see)
    yield seen
    event.remove(database.engine, "before_cursor_execute", see)


@pytest.fixture
def group(database):
    with across_offices(database, Reason.SETTING_UP) as session:
        yield session


def confirmed(session, year, text):
    row = holidays.draft(session, year)
    holidays.write(session, row.id, text, "国办通知")
    return holidays.confirm(session, row.id)


def test_the_latest_confirmed_edition_of_each_year_holds_and_costs_two_queries(database, group):
    confirmed(group, 2031, "2031-01-01 放假 元旦")
    confirmed(group, 2031, "2031-01-02 放假 元旦")
    confirmed(group, 2032, "2032-01-01 放假 元旦\n2032-01-04 调休上班 元旦")
    holidays.draft(group, 2032)
    group.flush()
    with statements(database) as seen:
        found = holidays.in_force(group)
    assert len(seen) == 2
    assert [(year, found[year].edition, [f"{day.day:%m-%d}" for day in found[year].days]) for year in (2031, 2032)] == [
        (2031, 2, ["01-02"]), (2032, 1, ["01-01", "01-04"])
    ]  # fmt: skip
