"""What a text may hold: what people write stays, what no file, mail or screen can carry is found."""

import pytest

from tenant.texts import storable, unstorable


@pytest.mark.parametrize(
    "text", ["王安", "张三\u3000李四", "一行\n二行\t表", "👨\u200d👩\u200d👧 一家", "a\u00a0b", "𠮷野家", ""]
)
def test_what_people_write_may_stay(text):
    assert not unstorable(text)
    assert storable(text) == text


@pytest.mark.parametrize("sign", ["\x00", "\x01", "\x1b", "\x7f", "\x85", "\udcff", "\u202e", "\u2067", "\uffff", "\r"])
def test_what_cannot_be_carried_is_found_and_can_be_left_out(sign):
    assert unstorable(f"王{sign}安") == {sign}
    assert storable(f"王{sign}安") == "王安"
