"""Rows of a roster planned in memory: under which headings, against which state, by which choices."""

from contextlib import contextmanager
from unittest.mock import patch

from importers.headings import Heading, SheetMapping
from importers.rows import RowReader
from importers.sight import FirstSight, Seen
from importers.workbook import Sheet
from workbooks.pure import NOTHING, ROSTER, TODAY, carried_out

LABELS = {column.label: column.identifier for column in ROSTER.columns}


def records_of(headings, *rows, marks=None):
    """Return the records of rows below these headings, which are labels of the roster's columns.

    ``marks`` are those of single cells, as a sheet has them: the first row is 2.
    """
    mapping = SheetMapping("表", 1, tuple(Heading(at, text, LABELS[text]) for at, text in enumerate(headings, 1)))
    sheet = Sheet("表", [list(headings), *map(list, rows)], marks=marks or {})
    return list(RowReader(sheet, mapping, ROSTER).records())


@contextmanager
def nothing_plain():
    """Have every row read by itself, cell by cell, as if nothing could be told at first sight."""
    with patch.object(FirstSight, "look", lambda *_: Seen({}, ())):
        yield


def planned_rows(headings, *rows, state=NOTHING, choices=None, held=None):
    """Return the plan of rows below these headings."""
    return ROSTER.plan(records_of(headings, *rows), state, TODAY, choices, held)


def state_after(headings, *rows, state=NOTHING, choices=None):
    """Return the state after rows that are all taken."""
    plan = planned_rows(headings, *rows, state=state, choices=choices)
    assert not plan.refused, [cell.sentence for cell in plan.refused]
    return carried_out(state, plan)


def changes(plan):
    """Return (subject, name, label, old, new) of each change a plan makes to what is there."""
    return [
        (fact.subject, fact.name, *change)
        for row in plan.rows
        for fact in row.facts
        if fact.outcome == "changed"
        for change in fact.changes
    ]
