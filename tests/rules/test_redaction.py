"""Masked values can be recognised by somebody who knows them, and not used by somebody who does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from audit.redaction import mask, mask_address, mask_id_number, mask_name, mask_phone

COLUMNS = ("name", "phone", "other_phones", "id_number", "email", "address", "recipient_address", "reporter_name")


@pytest.mark.parametrize(
    ("masked", "expected"),
    [
        (mask_name("张三"), "张*"),
        (mask_name("欧阳小明"), "欧***"),
        (mask_name("王"), "*"),
        (mask_name(""), ""),
        (mask_phone("13812345678"), "138****5678"),
        (mask_phone("65551234"), "******34"),
        (mask_phone("110"), "***"),
        (mask_phone(""), ""),
        (mask_id_number("110101199003078888"), "110***********8888"),
        (mask_id_number("A1234567"), "A*******"),
        (mask_address("ouyang@example.invalid"), "o***@example.invalid"),
        (mask_address("和平路 1 号院 5 栋 101"), "和平路 1 ***"),
        (mask_address("北苑"), "北***"),
    ],
)
def test_each_kind_is_masked_in_its_own_way(masked: str, expected: str):
    assert masked == expected


@given(some.sampled_from(COLUMNS), some.text(alphabet="张三李四王五0123456789Xx@.-、 abc", min_size=1, max_size=60))
def test_the_value_itself_never_stands_in_what_is_shown(column: str, value: str):
    shown = mask(column, value)
    assert "*" in shown
    assert value not in shown


@given(some.text(alphabet="0123456789", min_size=1, max_size=20))
def test_of_a_number_at_least_a_third_is_hidden(number: str):
    for masked in (mask_phone(number), mask_id_number(number)):
        assert sum(sign.isdigit() for sign in masked) <= 2 * len(number) / 3


@given(some.sampled_from(COLUMNS))
def test_nothing_stays_nothing(column: str):
    assert mask(column, "") == ""
