from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.errors import Refusal
from tenant.money import FEN, parse_money, show_money, to_fen

AMOUNTS = st.decimals(min_value=Decimal("-999999999999.99"), max_value=Decimal("999999999999.99"), places=2)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_rounding_moves_an_amount_by_at_most_half_a_fen(amount):
    rounded = to_fen(amount)
    assert abs(rounded - amount) <= FEN / 2
    assert rounded.as_tuple().exponent == -2
    assert to_fen(rounded) == rounded


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("1.004999", "1.00"), ("-0.001", "0.00")],
)
def test_halves_go_away_from_zero_and_zero_has_no_sign(exact, rounded):
    assert str(to_fen(Decimal(exact))) == rounded


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_money(amount):
    with pytest.raises(ValueError, match="finite"):
        to_fen(Decimal(amount))


@given(AMOUNTS)
def test_what_is_shown_can_be_typed_back(amount):
    assert parse_money(show_money(amount), negative=True) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,260.00", "1260.00"),
        ("1260", "1260.00"),
        ("1260.5", "1260.50"),
        (" ¥1260 ", "1260.00"),
        ("¥1,260.00", "1260.00"),
        ("1260元", "1260.00"),
        ("1260 元", "1260.00"),
        ("１，２６０．５０", "1260.50"),
        ("+3", "3.00"),
        ("-0", "0.00"),
    ],
)
def test_amounts_are_read_as_people_type_them(text, amount):
    assert str(parse_money(text)) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "money_shape"),
        ("  ", "money_shape"),
        ("十元", "money_shape"),
        ("1,26,0", "money_shape"),
        ("1.", "money_shape"),
        (".5", "money_shape"),
        ("1e5", "money_shape"),
        ("NaN", "money_shape"),
        ("١٢", "money_shape"),
        ("10²", "money_shape"),
        ("=1+1", "money_shape"),
        ("1.000", "money_decimals"),
        ("0.005", "money_decimals"),
        ("-1", "money_negative"),
        ("1234567890123", "money_size"),
    ],
)
def test_nothing_is_guessed(text, code):
    with pytest.raises(Refusal) as refused:
        parse_money(text, field="amount")
    assert refused.value.code == code
    assert refused.value.field == "amount"
    assert refused.value.value == text
    assert refused.value.message.endswith("。")


@given(st.text(max_size=20))
def test_no_text_crashes_the_reader(text):
    try:
        amount = parse_money(text)
    except Refusal:
        return
    assert amount >= 0
    assert amount == to_fen(amount)


def test_thousands_are_separated():
    assert show_money(Decimal("1234567.8")) == "1,234,567.80"
    assert show_money(Decimal(-1260)) == "-1,260.00"
