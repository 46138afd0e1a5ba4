"""Rosters as offices have them, through the screen: uploaded, previewed, applied, and the units are there."""

import pytest

from tasks.relay import do_without
from workbooks import builders

pytestmark = pytest.mark.browser

SHAPES = {
    "plain": (builders.plain, ("3-2-1501", "S01")),
    "title, side notes, blank rows": (builders.with_title_and_side_notes, ("1-1-102", "1-1-201")),
    "several owners in a cell": (builders.with_several_in_a_cell, ("5-1-101", "5-1-202")),
}


@pytest.fixture(params=["desk"])
def size(request):
    """One width: the walk shows the screen at both."""
    return request.param


@pytest.mark.parametrize("shape", SHAPES)
def test_a_real_shaped_roster_goes_through_the_screen(visit, works, shape):
    build, numbers = SHAPES[shape]
    clerk = visit("north-office_admin")
    clerk.open("/imports")
    clerk.page.set_input_files("input[type=file]", {"name": f"{shape}.xlsx", "mimeType": "", "buffer": build()})
    clerk.follow("text=上传并预览")
    clerk.page.click("text=确认写入")
    clerk.confirm()
    do_without(works)
    clerk.page.wait_for_selector("text=」已写入：", timeout=60_000)
    for number in numbers:
        clerk.open(f"/units/?search={number}")
        assert clerk.sees(number)
