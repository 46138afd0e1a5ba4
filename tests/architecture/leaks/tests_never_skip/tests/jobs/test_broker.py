"""Three ways to prove nothing."""

import pytest

redis = pytest.importorskip("redis")  # LEAK


@pytest.mark.skip  # LEAK
def test_one():
    pass


@pytest.mark.xfail(reason="later")  # LEAK
def test_two():
    pass


def test_three():
    pytest.skip("no Redis here")  # LEAK


@pytest.mark.parametrize("x", [1])
def test_four(x):
    assert x
