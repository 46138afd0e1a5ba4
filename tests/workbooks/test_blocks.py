"""Cells that travel and are kept in blocks come back as they were; what is no block is refused, whatever it is."""

import datetime as dt
import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import _prescan, _reader, blocks
from importers.blocks import Altered, Rows, Unreadable, packed
from importers.workbook import Workbook, open_workbook, opening
from tenant.errors import Refusal

NOON = dt.datetime.fromisoformat("2010-04-11T12:30")
VALUES = st.one_of(
    st.none(),
    st.just(""),
    st.text(max_size=6),
    st.sampled_from(["1栋", "a\x1fb", "\ud800", "\0", "李四"]),
    st.floats(allow_nan=False),
    st.integers(-(2**60), 2**60),
    st.booleans(),
    st.just(NOON),
)


def kept(rows, cells=10**6):
    """Return rows as they come through the child and are kept."""
    return Rows(block for block in _reader._blocks(rows, _reader._Budget(cells)) if block is not None)


def trimmed(rows):
    """Return what is to come back: blank texts are nothing, nothing stands at the end of a row or of all rows."""
    expected = [[None if value == "" else value for value in row] for row in rows]
    for row in expected:
        while row and row[-1] is None:
            row.pop()
    while expected and not expected[-1]:
        expected.pop()
    return expected


@given(st.lists(st.lists(VALUES, max_size=5), max_size=12))
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_cells_comes_back_as_it_was(rows):
    back = list(kept(rows))
    assert back == trimmed(rows)
    assert [[*map(type, row)] for row in back] == [[*map(type, row)] for row in trimmed(rows)]


def test_rows_are_the_same_by_place_in_a_piece_and_one_after_the_other():
    rows = kept([["房", number, None, "尾"] if number % 3 else [] for number in range(1, 2000)])
    every = list(rows)
    assert len(rows) == len(every) == 1999
    assert rows[-1] == every[-1] == ["房", 1999, None, "尾"]
    assert rows[510:514] == every[510:514]
    assert [rows[place] for place in range(len(rows) - 1, -1, -7)] == every[::-7]
    assert [rows.width(row) for row in (1, 2, 3, 1999)] == [4, 4, 0, 4]
    with pytest.raises(IndexError):
        rows[1999]


def test_rows_seen_otherwise_are_the_same_however_they_are_asked_for():
    rows = Altered(kept([["x", number] for number in range(1, 1401)]), lambda row, values: [row, *values])
    every = list(rows)
    assert len(rows) == len(every) == 1400
    assert rows[0] == every[0] == [1, "x", 1]
    assert rows[-1] == every[-1] == [1400, "x", 1400]
    assert rows[500:530] == every[500:530]
    assert rows[::-300] == every[::-300]


def test_a_changed_row_changes_nothing_that_is_kept():
    rows = kept([["一", "二"]])
    next(iter(rows))[0] = "三"
    assert list(rows) == [["一", "二"]]


def test_a_day_is_an_instant_and_an_hour_its_text():
    rows = kept([[dt.date(2010, 4, 11), dt.time(8, 30)], [NOON, "x"], [None, math.inf]])
    assert list(rows) == [[dt.datetime.fromisoformat("2010-04-11"), "08:30:00"], [NOON, "x"], [None, math.inf]]


def test_a_value_filled_down_reaches_across_blocks_and_leaves_blank_rows_blank():
    rows = kept(
        [["1栋", number] if number % 4 == 1 else [None, number] if number % 4 else [] for number in range(1301)]
    )
    rows.fill_down(1, 500, 1200, "3栋")
    rows.fill_down(5, 1025, 1026, "旁")
    every = list(rows)
    assert {row[0] for row in every[499:1200] if row} == {"3栋"}
    assert every[498][0] != "3栋" != every[1200:][1][0]
    assert not every[500]
    assert every[1025] == rows[1025] == ["3栋", 1025, None, None, "旁"]


def test_one_wide_row_among_narrow_ones_costs_no_block_of_its_width():
    made = [
        block
        for block in _reader._blocks([*[["x"]] * 400, ["y"] * 16_000, *[["x"]] * 400], _reader._Budget(10**6))
        if block
    ]
    assert max(map(len, made)) < 8 * blocks.AREA
    assert sum(map(blocks.size_of, made)) == 801


def test_a_block_of_long_texts_is_refused_before_it_is_put_together():
    long = "长" * 32_000
    with pytest.raises(_prescan.Suspicious, match="workbook_too_large"):
        kept([[long] for _ in range(512)] * 20)


BLOCK = packed(
    [["a", 1.5, None, NOON, True], ["b", None, None, None, 2], ["", 2.5, "x", NOON, "y"]],
    [5, 5, 5],
    lambda _cells, _characters: None,
)


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_no_damaged_block_comes_to_anything_but_cells_or_unreadable(data):
    content = bytearray(BLOCK)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows = list(Rows([bytes(content)]))
    except Unreadable:
        return
    assert all(isinstance(value, str | int | float | dt.datetime | None) for row in rows for value in row)


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_bytes_are_taken_for_a_block_that_are_none(content):
    try:
        list(Rows([content]))
    except Unreadable:
        return
    assert content[:2] == bytes(2) or len(content) > 6


@pytest.mark.parametrize(
    "json", [b"[[[]]]", b'[{"a":1}]', b"[" * 90_000, b"[1,2]", b"{}", b"1", b'[["2010"]]', b"\xff"]
)
def test_odd_json_in_a_block_is_unreadable(json):
    head = blocks._HEAD.pack(1, 1) + (1).to_bytes(2, "little")
    with pytest.raises(Unreadable):
        list(Rows([head + blocks._COLUMN.pack(b"m", len(json)) + json]))


def test_a_child_that_answers_no_cells_is_a_refusal_when_they_are_looked_at(monkeypatch):
    wrong = blocks._HEAD.pack(1, 1) + (1).to_bytes(2, "little") + blocks._COLUMN.pack(b"m", 2) + b"{}"
    said = [{"sheets": 1}, _reader._sheet_line("表"), wrong, None]
    monkeypatch.setattr("importers.workbook.answers", lambda *_asked: iter(said))
    (sheet,) = open_workbook(b"a,b").sheets
    with pytest.raises(Refusal) as refused:
        sheet.cell(1, 1)
    assert refused.value.code == "reader_died"


def test_a_workbook_is_opened_while_something_else_is_done(monkeypatch):
    done = threading.Event()
    book = Workbook(())
    monkeypatch.setattr("importers.workbook.open_workbook", lambda *_asked: book if done.wait(20) else None)
    with opening(b"a,b") as opened:
        done.set()
        assert opened() is book


def test_what_is_wrong_with_a_workbook_is_told_to_whoever_waits_for_it():
    with opening(b"PK\x03\x04") as opened, pytest.raises(Refusal) as refused:
        opened()
    assert refused.value.code == "workbook_damaged"
