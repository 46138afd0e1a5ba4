"""The preview as it is kept: a page of it is one short read, and nothing of it is lost."""

import pytest
from sqlalchemy import event

from importers import frames
from importers.apply import preview, unpacked
from tenant.rules.terms import Role
from workbooks import builders

HEADINGS = ["楼栋", "单元", "房号", "业主姓名", "建筑面积"]
MANY = 450
"""Rows of the long roster: three frames, the last of them not full."""


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def long_batch(north, cast):
    """A roster of 450 good rows and three that are refused."""
    rows = [["71", "1", f"{number // 10 + 1}{number % 10 + 1:02d}", f"业主{number}", 90] for number in range(MANY)]
    wrong = [["72", "1", f"{number}01", f"错行{number}", "很大"] for number in range(1, 4)]
    return preview(north, cast.north.office, "roster", "长名册.xlsx", builders.workbook(HEADINGS, *rows, *wrong))


def test_pages_put_together_are_the_whole_in_the_order_of_the_file(north, long_batch):
    whole = [row for row in unpacked(long_batch)["rows"] if row["outcome"] == "new"]
    paged = [row for start in range(0, MANY + 70, 70) for row in frames.rows(north, long_batch, "new", start, 70)]
    assert [row["row"] for row in paged] == list(range(2, MANY + 2))
    assert paged == whole


def test_a_page_across_two_frames_is_read_without_the_rest(north, long_batch):
    north.flush()
    north.expire(long_batch, ["plan"])
    asked = []

    def ask(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(north.bind, "before_cursor_execute", ask)
    page = frames.rows(north, long_batch, "new", frames.A_FRAME - 5, 10)
    event.remove(north.bind, "before_cursor_execute", ask)
    reads = [statement for statement in asked if "import_batch.plan" in statement]
    assert [row["row"] for row in page] == list(range(frames.A_FRAME - 3, frames.A_FRAME + 7))
    assert len(reads) == 1
    assert "substring" in reads[0]


def test_the_head_counts_every_outcome_and_tells_what_was_understood(north, long_batch):
    head = frames.head(long_batch)
    assert head["totals"] == {"new": MANY, "changed": 0, "same": 0, "conflict": 0, "refused": 3}
    assert head["refused_cells"] == 3
    assert head["columns"][0]["header_row"] == 1
    assert head["understood"]


def test_a_refused_row_carries_its_reasons(north, long_batch):
    refused = frames.rows(north, long_batch, "refused", 0, 100)
    assert [[cell["code"] for cell in row["faults"]] for row in refused] == [["area_unreadable"]] * 3
    assert [cell for row in refused for cell in row["faults"]] == frames.refused_cells(long_batch)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("业主449", [451]), ("71-1-1201", [112]), ("71-1-1201 业主110", [112]), ("业主110 71-1-9999", []), ("没有", [])],
)
def test_words_are_found_wherever_they_stand_in_a_row(north, long_batch, words, numbers):
    assert [row["row"] for row in frames.search(north, long_batch, "new", words, 100)] == numbers


def test_signs_that_json_writes_otherwise_are_found_too(north, cast):
    content = builders.workbook(HEADINGS, ["73", "1", "101", "业主", 'a\\b"c'])
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", content)
    assert [row["row"] for row in frames.search(north, batch, "refused", '\\b"', 10)] == [2]


def test_a_search_ends_at_its_limit(north, long_batch):
    assert [row["row"] for row in frames.search(north, long_batch, "new", "业主", 3)] == [2, 3, 4]


def test_once_the_plan_was_deleted_only_the_numbers_are_left(north, long_batch):
    long_batch.plan = None
    north.flush()
    head = frames.head(long_batch)
    assert (head["totals"]["new"], head["understood"], head["columns"]) == (MANY, {}, [])
    assert frames.rows(north, long_batch, "new", 0, 10) == []
    assert frames.search(north, long_batch, "new", "业主", 10) == []
    assert unpacked(long_batch)["rows"] == frames.refused_cells(long_batch) == []
