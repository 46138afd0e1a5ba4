"""Plates and space numbers: every way of writing one is read as that one, and nothing else is read as one."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.errors import Refusal
from tenant.rules import parking
from tenant.rules.parking import LeaseTerm

PLATES = {
    "粤B7K012": "粤B7K012",
    "粤b·7k012": "粤B7K012",
    "粤Ｂ－７Ｋ０１２": "粤B7K012",
    " 粤B 7K012 ": "粤B7K012",
    "粤BD10234": "粤BD10234",
    "粤BAA1234": "粤BAA1234",
    "粤B10234D": "粤B10234D",
    "粤Z1234港": "粤Z1234港",
    "粤B1234学": "粤B1234学",
    "WJ粤12345": "WJ粤12345",
    "使014578": "使014578",
    "沪A0023领": "沪A0023领",
}
SPACES = {
    "B1-023": "B1-023",
    "b1—023": "B1-023",
    "A区 12号": "A区12",
    "车位88": "88",
    "负一层 023 号车位": "负一层023",
    "Ｃ０１": "C01",
}


@pytest.mark.parametrize(("text", "kept"), PLATES.items())
def test_a_plate_is_kept_in_one_way(text, kept):
    assert parking.plate_of(text) == kept
    assert parking.parse_plate(text) == kept


@pytest.mark.parametrize(
    "text", ["", "粤B123", "粤BI2345", "粤BO2345", "粤B1234567890", "B12345", "甲B12345", "粤BZZ1234"]
)
def test_what_is_no_plate_is_refused(text):
    assert parking.plate_of(text) is None
    with pytest.raises(Refusal) as refused:
        parking.parse_plate(text)
    assert refused.value.code == "plate"


def test_letters_that_look_like_digits_are_named_and_not_replaced():
    with pytest.raises(Refusal) as refused:
        parking.parse_plate("粤BO2345")
    assert "字母 I 和 O" in refused.value.message


@pytest.mark.parametrize(("text", "kept"), SPACES.items())
def test_a_space_number_is_kept_in_one_way(text, kept):
    assert parking.space_number_of(text) == kept
    assert parking.parse_space_number(kept) == kept


@pytest.mark.parametrize("text", ["", "无", "车位", "A区", "1" * 21, "见附表；12"])
def test_what_is_no_space_number_is_refused(text):
    with pytest.raises(Refusal) as refused:
        parking.parse_space_number(text)
    assert refused.value.code == "space_number"


def test_ways_of_writing_one_place_have_a_form_in_common_and_other_places_do_not():
    assert len({parking.loose_space_number(text) for text in ("B1-023", "B1-23", "B1区23", "B1#23")}) == 1
    assert len({parking.loose_space_number(text) for text in ("B1-23", "B12-3", "B123", "A1-23")}) == 4


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_a_refusal(text):
    plate, number = parking.plate_of(text), parking.space_number_of(text)
    assert plate is None or parking.plate_of(plate) == plate
    assert number is None or parking.space_number_of(number) == number
    assert isinstance(parking.loose_space_number(text), str)


DAYS = st.dates(date(2020, 1, 1), date(2020, 3, 1))


@given(DAYS, st.none() | DAYS, DAYS, st.none() | DAYS)
def test_two_terms_overlap_where_some_day_belongs_to_both(begins, ends, other_begins, other_ends):
    one, other = LeaseTerm(begins, ends), LeaseTerm(other_begins, other_ends)
    days = [date.fromordinal(day) for day in range(date(2020, 1, 1).toordinal(), date(2020, 3, 3).toordinal())]
    assert one.overlaps(other) is any(one.holds(day) and other.holds(day) for day in days) or not _runs(one, other)


def _runs(*terms):
    return all(term.to_on is None or term.from_on <= term.to_on for term in terms)
