"""What the forms of an import say, as choices: only what somebody decided is one, and nothing is lost between pages."""

import datetime as dt

import pytest
from werkzeug.datastructures import MultiDict

from admin.screens import importing_asked as asked
from importers.choices import NOTE, Choices, SheetChoice
from tenant.errors import Refusal
from tenant.rules.terms import ImportMode

KNOWN = frozenset({"room", "owners", "phones"})
ROOM = {"letter": "A", "heading": "房号", "identifier": "room"}
WORDS = {"letter": "B", "heading": "联络", "identifier": None}
UNDERSTOOD = {
    "sheets": [{"name": "甲|乙", "is_read": True, "header_row": 1, "columns": [ROOM, WORDS]}],
    "rooms": [{"shape": "N-N", "options": [["building-room", "3栋 1501"], ["section-room", "3单元 1501"]]}],
}
AS_FOUND = {"sheet-0": "甲|乙", "read-0": "on", "header-0": "1", "column-0-A": "room", "column-0-B": ""}


def read_as(form, before=None):
    """Return the choices a mapping form makes."""
    return asked.read_as_asked(MultiDict(form), UNDERSTOOD, before or Choices(), KNOWN)


def test_a_page_sent_as_it_was_found_decides_nothing():
    assert read_as(AS_FOUND) == Choices()


def test_only_the_column_that_was_changed_is_a_choice():
    chosen = read_as(AS_FOUND | {"column-0-B": "phones"})
    assert chosen.sheets == {"甲|乙": SheetChoice(columns={"B": "phones"})}
    again = read_as(AS_FOUND | {"column-0-B": ""}, chosen)
    assert again.sheets["甲|乙"].columns == {"B": None}


def test_a_column_may_go_into_the_note_and_into_nothing_that_does_not_exist():
    assert read_as(AS_FOUND | {"column-0-B": NOTE}).sheets["甲|乙"].columns == {"B": NOTE}
    assert read_as(AS_FOUND | {"column-0-B": "salary"}) == Choices()


def test_another_row_as_header_has_its_columns_found_anew():
    before = Choices(sheets={"甲|乙": SheetChoice(columns={"B": "phones"})})
    chosen = read_as(AS_FOUND | {"header-0": "3", "column-0-B": "owners"}, before)
    assert chosen.sheets == {"甲|乙": SheetChoice(header_row=3)}
    assert read_as(AS_FOUND | {"header-0": "0"}).sheets["甲|乙"].header_row == 0


@pytest.mark.parametrize("row", ["-1", "x", "", "9" * 40, "１.5"])
def test_a_header_row_that_is_none_is_not_said(row):
    assert read_as(AS_FOUND | {"header-0": row}) == Choices()


def test_a_sheet_that_is_not_to_be_read_is_left_out_and_taken_in_again():
    form = {name: value for name, value in AS_FOUND.items() if name != "read-0"}
    left_out = read_as(form)
    assert left_out.sheets["甲|乙"].is_read is False
    assert read_as(AS_FOUND, left_out).sheets["甲|乙"].is_read is True


def test_a_form_of_another_file_says_nothing_about_this_one():
    assert read_as(AS_FOUND | {"sheet-0": "丙", "column-0-B": "phones"}) == Choices()


def test_hidden_rows_are_asked_about_only_where_the_page_asked():
    assert read_as(AS_FOUND).reads_hidden_rows
    assert not read_as(AS_FOUND | {"asks_hidden_rows": "1"}).reads_hidden_rows
    assert read_as(AS_FOUND | {"asks_hidden_rows": "1", "hidden_rows": "on"}).reads_hidden_rows


def test_a_shape_of_room_is_read_as_confirmed_and_as_nothing_that_was_not_offered():
    said = {"shape-0": "N-N", "room-0": "section-room"}
    assert read_as(AS_FOUND | said).rooms == {"N-N": "section-room"}
    assert read_as(AS_FOUND | said | {"room-0": "moon-room"}).rooms == {}


def test_what_is_learnt_is_what_was_ticked_and_stands_for_a_column():
    ticked = MultiDict({"column-0-B": "phones", "learn-0-B": "on", "learn-0-A": "on", "column-0-A": NOTE})
    assert list(asked.learnt(ticked, UNDERSTOOD)) == [("联络", "phones")]


def test_the_mode_and_what_becomes_of_the_rest_are_taken_together():
    form = MultiDict({"mode": "replace", "all_or_nothing": "on", "missing": "end", "ends_on": "2026-03-31"})
    chosen = asked.options_as_asked(form, Choices())
    assert (chosen.mode, chosen.all_or_nothing, chosen.ends_on) == (ImportMode.REPLACE, True, dt.date(2026, 3, 31))
    kept = asked.options_as_asked(MultiDict({"mode": "x", "missing": "keep", "ends_on": "2026-03-31"}), chosen)
    assert (kept.mode, kept.all_or_nothing, kept.ends_on) == (ImportMode.REPLACE, False, None)


@pytest.mark.parametrize("day", ["", "2026-02-30", "明天", "2026-1-1x"])
def test_a_day_that_is_none_is_refused_in_words(day):
    with pytest.raises(Refusal, match="在哪一天结束"):
        asked.options_as_asked(MultiDict({"missing": "end", "ends_on": day}), Choices())


def test_a_cell_left_as_it_stood_is_no_edit():
    form = MultiDict(
        {
            "edit|12|E|甲|乙": " 89.5 ", "was|12|E|甲|乙": "一百平",
            "edit|13|E|甲|乙": "90平", "was|13|E|甲|乙": "90平",
            "edit|14|E|甲|乙": "", "was|14|E|甲|乙": "x",
        }
    )  # fmt: skip
    chosen = asked.corrected_as_asked(form, Choices())
    assert chosen.edits == {("甲|乙", 12, "E"): "89.5", ("甲|乙", 14, "E"): ""}


def test_answers_are_taken_and_taken_back():
    chosen = asked.corrected_as_asked(MultiDict({"answer|7||甲": "41", "answer|8||甲": "new"}), Choices())
    assert chosen.answers == {("甲", 7): "41", ("甲", 8): "new"}
    assert asked.corrected_as_asked(MultiDict({"answer|7||甲": ""}), chosen).answers == {("甲", 8): "new"}


def test_edits_of_an_earlier_page_stay():
    before = asked.corrected_as_asked(MultiDict({"edit|1|A|甲": "a"}), Choices())
    after = asked.corrected_as_asked(MultiDict({"edit|2|A|甲": "b"}), before)
    assert set(after.edits.values()) == {"a", "b"}
    assert asked.uncorrected(after) == Choices()


@pytest.mark.parametrize("place", ["x|A|甲", "1|A|", "", "-1|A|甲"])
def test_a_place_that_no_file_has_is_refused(place):
    with pytest.raises(Refusal, match="对不上"):
        asked.corrected_as_asked(MultiDict({f"edit|{place}": "a"}), Choices())


def test_a_text_that_no_cell_has_room_for_is_refused():
    with pytest.raises(Refusal, match="一格最多"):
        asked.corrected_as_asked(MultiDict({"edit|1|A|甲": "长" * (asked.LONGEST_CELL + 1)}), Choices())


def test_signs_that_cannot_be_kept_are_left_out_of_what_is_put_right_by_hand():
    form = MultiDict({"edit|2|C|甲": "89\x00.5\ud800", "answer|3||甲": "new\x00"})
    chosen = asked.corrected_as_asked(form, Choices())
    assert chosen.edits == {("甲", 2, "C"): "89.5"}
    assert chosen.answers == {("甲", 3): "new"}


@pytest.mark.parametrize("place", ["2|\x00|甲", "2|C|甲\x00"])
def test_a_place_that_no_page_names_is_refused(place):
    with pytest.raises(Refusal):
        asked.corrected_as_asked(MultiDict({f"edit|{place}": "1"}), Choices())


def test_more_than_a_page_is_made_for_is_refused_and_says_what_to_do_instead(monkeypatch):
    monkeypatch.setattr(asked, "MOST_EDITS", 3)
    before = asked.corrected_as_asked(MultiDict({"edit|1|A|甲": "a", "answer|2||甲": "new"}), Choices())
    assert asked.corrected_as_asked(MultiDict({"edit|1|A|甲": "b", "edit|3|A|甲": "c"}), before)
    with pytest.raises(Refusal, match="待改正的工作簿"):
        asked.corrected_as_asked(MultiDict({"edit|3|A|甲": "c", "edit|4|A|甲": "d"}), before)
    monkeypatch.setattr(asked, "MOST_SIGNS", 10)
    with pytest.raises(Refusal, match="重新上传"):
        asked.corrected_as_asked(MultiDict({"edit|3|A|甲": "很长很长很长很长"}), before)
