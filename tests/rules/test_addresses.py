"""Mail addresses: which of them a server takes, how they travel, by which domain they are paced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.rules.addresses import LONGEST, domain_of, shortened, wire_address


@pytest.mark.parametrize(
    ("address", "travels"),
    [
        ("lin@wuguan.invalid", "lin@wuguan.invalid"),
        ("Lin.Zhu+ren@Wuguan.Invalid", "Lin.Zhu+ren@Wuguan.Invalid"),
        ("12345678@qq.com", "12345678@qq.com"),
        ("lin@例子.中国", "lin@xn--fsqu00a.xn--fiqs8s"),
        ("lin@localhost", "lin@localhost"),
        ("林@wuguan.invalid", None),
        ("lin", None),
        ("lin@", None),
        ("@wuguan.invalid", None),
        ("lin@wuguan.invalid, wang@wuguan.invalid", None),
        ("lin@wuguan.invalid\r\nBcc: wang@wuguan.invalid", None),
        ("lin@wuguan_.invalid", None),
    ],
)
def test_an_address_travels_in_ascii_or_is_none(address, travels):
    assert wire_address(address) == travels


@given(st.text(max_size=300))
def test_whatever_is_written_comes_out_as_one_line_of_ascii_or_not_at_all(text):
    for address in (text, f"a@{text}", f"{text}@b.c"):
        travels = wire_address(address)
        if travels is not None:
            assert travels.isascii()
            assert travels.isprintable()
            assert not set(travels) & set(' ,;:<>()[]\\"')
            assert travels.count("@") == 1
            assert len(travels) <= LONGEST
        assert domain_of(address) == (travels.rpartition("@")[2].lower() if travels else "")
        assert len(shortened(address)) <= LONGEST


def test_an_address_too_long_for_its_row_is_kept_as_one_that_is_none():
    long = f"a@{'b.' * 200}c"
    assert len(shortened(long)) == LONGEST
    assert wire_address(shortened(long)) is None
    assert shortened("lin@wuguan.invalid") == "lin@wuguan.invalid"
