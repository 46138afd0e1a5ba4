"""Room texts: every shape of them, how it is read, how else it may be, and one grammar for rosters and for the desk."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from importers import rooms
from importers.cells import compact
from importers.choices import Choices
from importers.plan import Outcome
from importers.reading import read
from importers.rooms import shape_of, unit_key
from tenant.errors import Refusal
from tenant.rules.numbers import parse_unit_number
from workbooks import builders
from workbooks.pure import NOTHING, ROSTER, TODAY, readable, spelled


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3-2-1501", "N-N-N"),
        ("３－２－１５０１", "N-N-N"),
        ("3#1501", "N#N"),
        ("3栋2单元1501室", "N栋N单元N室"),
        ("第三栋二单元1501", "N栋N单元N"),
        ("A座1203", "A座N"),
        ("S01", "AN"),
        ("1501", "N"),
        ("0321501", "7位数字"),
    ],
)
def test_a_text_has_the_shape_of_what_stands_between_its_numbers(text, shape):
    assert shape_of(text) == shape


@pytest.mark.parametrize(
    ("text", "reading", "number"),
    [
        ("2-1501", "building-room", "2-1501"),
        ("2-1501", "section-room", "2-1501"),
        ("15-3", "floor-room", "1503"),
        ("15-1503", "floor-room", "1503"),
        ("1-15", "floor-room", "115"),
        ("3-15-01", "building-floor-room", "3-1501"),
        ("3-15-1501", "building-floor-room", "3-1501"),
        ("1-3-1501", "phase-building-room", "1期3-1501"),
        ("1-3-2-1501", "phase-building-section-room", "1期3-2-1501"),
        ("3-2-15-02", "building-section-floor-room", "3-2-1502"),
        ("3#2#1501", "building-section-room", "3-2-1501"),
        ("0321501", "building2-section1-room4", "3-2-1501"),
        ("03020301", "building2-section2-room4", "3-2-301"),
        ("031501", "building2-room4", "3-1501"),
    ],
)
def test_a_text_is_read_as_people_said_its_shape_is(text, reading, number):
    assert unit_key(text, {shape_of(text): reading}).number == number


def test_what_people_said_of_one_shape_says_nothing_of_another():
    assert unit_key("3栋1501", {"N-N": "section-room"}).building == "3"
    assert unit_key("2-1501", {"N-N": "section-room"}) == rooms.UnitKey(room="1501", section="2")


@pytest.mark.parametrize("reading", ["", "room", "building-section-room", "owner-room", "building-", "building2-room9"])
def test_a_reading_that_does_not_fit_its_text_reads_nothing(reading):
    kept = {"N-N": reading} if reading else {}
    assert unit_key("2-1501", kept) == (None if reading else rooms.UnitKey("1501", "2"))


def test_every_option_offered_reads_the_text_it_is_offered_for():
    for text in ("2-1501", "3-2-1501", "1-3-2-1501", "31501", "031501", "0321501", "03021501", "030021501", "3#1501"):
        options = rooms.options_of(text)
        assert options
        for option in options:
            assert unit_key(text, {shape_of(text): option}) is not None, (text, option)


def test_a_text_that_names_its_parts_has_no_options():
    for text in ("3栋2单元1501室", "3号楼1501", "2单元301", "商铺01", "S01", "1501"):
        assert rooms.options_of(text) == []


def understood(*texts, choices=None):
    content = builders.workbook(["房号", "业主姓名"], *([text, f"王{n}"] for n, text in enumerate(texts)), title="表")
    return read(content, "名册.xlsx", ROSTER, choices=choices or Choices()).understood()["rooms"]


def test_each_shape_is_shown_with_how_it_was_read_and_how_else_it_may_be():
    found = understood("3-15-01", "3-15-02", "3栋16单元1室", "S01", "2-101")
    assert [found[0]["shape"], found[0]["count"]] == ["N-N-N", 2]
    assert found[0] | {"options": found[0]["options"][:3]} == {
        "shape": "N-N-N",
        "count": 2,
        "sample": "3-15-01",
        "read_as": "building-section-room",
        "said": "3栋 15单元 01室",
        "options": [
            ["building-section-room", "3栋 15单元 01室"],
            ["phase-building-room", "3期15栋 01室"],
            ["building-floor-room", "3栋 1501室"],
        ],
    }
    said = {shape["shape"]: shape["said"] for shape in found}
    assert said == {
        "N-N-N": "3栋 15单元 01室",
        "N栋N单元N室": "3栋 16单元 1室",
        "AN": "商铺 S01",
        "N-N": "2栋 101室",
    }


def test_the_shape_people_chose_is_read_so_and_said_so():
    choices = Choices(rooms={"N-N-N": "building-floor-room"})
    [shape] = understood("3-15-01", "3-15-02", choices=choices)
    assert (shape["read_as"], shape["said"]) == ("building-floor-room", "3栋 1501室")
    content = builders.workbook(["房号", "业主姓名"], ["3-15-01", "王一"], title="表")
    assert [record.key.number for record in spelled(readable(content, choices=choices))] == ["3-1501"]


def test_a_shape_nobody_can_read_is_shown_with_what_it_may_be():
    [shape] = understood("1-3-2-1501")
    assert (shape["read_as"], shape["said"]) == (None, "")
    assert shape["options"][0][0] == "phase-building-section-room"


def test_a_dash_beside_a_column_of_buildings_is_said_to_part_section_and_room():
    content = builders.workbook(
        ["楼栋", "房号", "业主姓名"], ["5栋", "2-101", "王一"], ["5栋", "1-101", "王二"], title="表"
    )
    reading = readable(content)
    [shape] = reading.understood()["rooms"]
    assert (shape["read_as"], shape["said"]) == ("section-room", "2单元 101室")
    assert [record.key.number for record in spelled(reading)] == ["5-2-101", "5-1-101"]
    said = Choices(rooms={"N-N": "building-room"})
    assert {fault.code for record in spelled(readable(content, choices=said)) for fault in record.faults} == {
        "unit_parts_differ"
    }


def test_a_phase_is_part_of_the_buildings_code_however_it_is_written():
    assert [unit_key(text).building for text in ("一期3栋1501", "1期3栋1501", "一期三栋1501")] == ["1期3"] * 3
    assert rooms.building_code("二期12栋") == "2期12"


TEXTS = st.text(st.sampled_from("0123456789ABSabs栋幢座号楼单元门室房商铺期一二三十#-/ －３#"), max_size=14)


@given(TEXTS)
@example("S-01")
@example("商铺1-2")
@example("3栋S01")
@example("一期3栋1501")
def test_a_number_made_from_a_roster_is_found_again_by_the_desk(text):
    key = unit_key(text)
    if key and (key.building or key.room.startswith("S")) and len(key.building or "") <= 12 and not key.section:
        read_back = parse_unit_number(key.number)
        assert str(read_back) == key.number
    if key and key.building and key.section:
        assert parse_unit_number(key.number).room == key.room


@given(TEXTS)
def test_the_desk_reads_a_text_as_a_roster_does(text):
    key = unit_key(text)
    if key and key.building:
        try:
            assert str(parse_unit_number(text)) == key.number
        except Refusal:
            assert any(len(part or "") > 12 for part in (key.building, key.section, key.room))


READINGS = st.lists(st.sampled_from(["phase", "building", "section", "floor", "room", "room4", "x"]), max_size=5)


@given(st.text(max_size=30) | TEXTS | st.text(string.digits + "-#", max_size=12), READINGS)
def test_no_text_and_no_reading_crashes_the_reader(text, roles):
    shape = shape_of(text)
    assert len(shape) <= 20
    unit_key(text, {shape: "-".join(roles)})
    rooms.said(unit_key(text))
    assert isinstance(rooms.options_of(text), list)
    assert rooms.usual(text) is None or unit_key(compact(text))


@pytest.mark.parametrize(
    "row",
    [
        [None, None, "1" * 16 + "-" + "2" * 16 + "-345678901"],
        ["乙" * 12 + "栋", "乙" * 8 + "单元", "1" * 10 + "-" + "2" * 10],
    ],
)
def test_a_key_there_is_no_room_for_is_refused_and_does_not_hold_up_the_others(row):
    said = Choices(rooms={"N-N-N": "building-section-room", "N-N": "floor-room"})
    content = builders.workbook(["楼栋", "单元", "房号", "业主姓名"], [None, None, "3-1-101", "张三"], [*row, "李四"])
    plan = ROSTER.plan(readable(content, choices=said).records, NOTHING, TODAY)
    assert [(one.outcome, one.name) for one in plan.rows] == [(Outcome.NEW, "3-1-101"), (Outcome.REFUSED, "")]
    (cell,) = plan.refused
    assert (cell.code, cell.heading) == ("unit_unreadable", "房号")
