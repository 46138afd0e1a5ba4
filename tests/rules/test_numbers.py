import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.errors import Refusal
from tenant.rules.numbers import (
    UnitNumber,
    parse_receipt_number,
    parse_ticket_number,
    parse_unit_number,
    receipt_number,
    ticket_number,
    work_order_number,
)
from tenant.rules.terms import TicketKind

PARTS = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=1, max_size=12)


@given(st.sampled_from(TicketKind), st.dates(), st.integers(1, 999_999))
def test_a_ticket_number_reads_back(kind, day, running):
    number = parse_ticket_number(ticket_number(kind, day, running))
    assert (number.kind, number.day, number.running) == (kind, day, running)


def test_ticket_numbers_look_like_this():
    day = date(2026, 11, 21)
    assert ticket_number(TicketKind.REQUEST, day, 7) == "BS20261121-0007"
    assert ticket_number(TicketKind.COMPLAINT, day, 12345) == "TS20261121-12345"
    assert work_order_number("BS20261121-0007", 2) == "BS20261121-0007-2"


@pytest.mark.parametrize(
    "text", ["bs20261121-0007", " BS20261121-0007 ", "ＢＳ２０２６1121－０００７", "BS20261121—0007"]
)
def test_ticket_numbers_are_read_as_people_type_them(text):
    assert str(parse_ticket_number(text)) == "BS20261121-0007"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BS20261121",
        "BS20261131-0001",
        "XX20261121-0001",
        "BS20261121-0000",
        "BS20261121-7",
        "BS20261121-00007",
        "7",
    ],
)
def test_what_is_no_ticket_number_is_refused_in_words(text):
    with pytest.raises(Refusal) as refused:
        parse_ticket_number(text)
    assert refused.value.code == "ticket_number"
    assert "BS20261121-0007" in refused.value.message


@pytest.mark.parametrize("running", [0, -1, 1_000_000])
def test_running_numbers_outside_the_form_are_errors_of_the_program(running):
    with pytest.raises(ValueError, match="running"):
        ticket_number(TicketKind.REQUEST, date(2026, 11, 21), running)


def test_work_orders_are_counted_from_one():
    with pytest.raises(ValueError, match="begin"):
        work_order_number("BS20261121-0007", 0)


@given(st.integers(1, 99_999_999))
def test_a_receipt_number_has_eight_digits_and_reads_back(running):
    assert len(receipt_number(running)) == 8
    assert parse_receipt_number(receipt_number(running)) == running


@pytest.mark.parametrize("text", ["", "1", "000000001", "00000000", "0001234a", "-0000001"])
def test_what_is_no_receipt_number_is_refused(text):
    with pytest.raises(Refusal) as refused:
        parse_receipt_number(text)
    assert refused.value.code == "receipt_number"


@pytest.mark.parametrize("running", [0, 100_000_000])
def test_receipts_end_with_eight_digits(running):
    with pytest.raises(ValueError, match="receipt"):
        receipt_number(running)


@given(PARTS, st.none() | PARTS, PARTS)
def test_a_unit_number_reads_back(building, section, room):
    number = UnitNumber(building, section, room)
    is_shop = building == "S" and section is None  # S-01 is how shop S01 is written, in whatever building it stands
    assert parse_unit_number(str(number)) == number or is_shop


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5-1-101", "5-1-101"),
        (" 5 - 1 - 101 ", "5-1-101"),
        ("5—1—101", "5-1-101"),
        ("５－１－１０１", "5-1-101"),
        ("5-1-101室", "5-1-101"),
        ("5栋1单元101室", "5-1-101"),
        ("5号楼1单元101", "5-1-101"),
        ("5幢101房", "5-101"),
        ("a座1203", "A-1203"),
        ("12-0101", "12-0101"),
        ("五栋101", "5-101"),
        ("5#1-101", "5-1-101"),
        ("一期3栋1501", "1期3-1501"),
        ("商铺01", "S01"),
        ("s01", "S01"),
        ("S01", "S01"),
    ],
)
def test_unit_numbers_are_read_as_people_write_them(text, number):
    assert str(parse_unit_number(text)) == number


def test_a_unit_number_knows_its_parts():
    assert parse_unit_number("5-1-101") == UnitNumber("5", "1", "101")
    assert parse_unit_number("S01") == UnitNumber(None, None, "S01")


@pytest.mark.parametrize("text", ["", "101", "5-", "-5-101", "5-1-1-101", "5-1-" + "1" * 13, "ß-1-1"])
def test_what_is_no_unit_number_is_refused_in_words(text):
    with pytest.raises(Refusal) as refused:
        parse_unit_number(text)
    assert refused.value.code == "unit_number"
    assert refused.value.value == text


@given(st.text(max_size=15))
def test_no_text_crashes_a_reader(text):
    for read in (parse_ticket_number, parse_receipt_number, parse_unit_number):
        with contextlib.suppress(Refusal):
            read(text)
