"""Thirty more rosters as offices have them, each with the plan it must come to: units, people, refusals, notices."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from importers.choices import Choices, SheetChoice
from importers.plan import Outcome
from importers.roster.state import RosterState
from tenant.errors import Refusal
from tenant.rules.terms import HandoverState, UnitUsage
from workbooks import builders_offices as offices
from workbooks import builders_programs as programs
from workbooks.builders import id_of
from workbooks.builders_offices import phone
from workbooks.pure import NOTHING, ROSTER, TODAY, carried_out, readable

FOUR = {"1-1-101": f"安一 {phone(1)}", "1-1-102": f"安二 {phone(2)}"}
THREE = {"1-101": "安一 | 白一", "1-102": "安二 | 白二"}


@dataclass(frozen=True)
class Expected:
    """Unit → its people with phones and documents; refused cells; what is told; more of some units."""

    units: dict
    refused: tuple = ()
    told: tuple = ()
    more: dict = field(default_factory=dict)
    file_name: str = "名册.xlsx"
    choices: Choices = field(default_factory=Choices)


SHAPES = {
    "two rows of headings": (
        offices.two_rows_of_headings,
        Expected({"1-1-101": f"安一 {phone(1)} {id_of(1)}", "1-1-102": f"安二 {phone(2)} {id_of(2)}"}),
    ),
    "headings in two languages": (
        offices.headings_with_everything_around_them,
        Expected(
            {"1-0101": f"安一 {phone(1)}", "1-0102": f"安二 {phone(2)}"},
            more={
                "1-0101": {"area": Decimal("80.50"), "note": "常年空置"},
                "1-0102": {"area": Decimal(90), "note": None},
            },
        ),
    ),
    "a header on every printed page": (
        offices.a_header_on_every_printed_page,
        Expected(
            {"1-101": f"安一 {phone(1)}", "1-102": f"安二 {phone(2)}", "1-201": f"安三 {phone(3)}"},
            told=("第 6 行是合计或说明文字",),
        ),
    ),
    "no header at all": (
        offices.without_any_header,
        Expected(
            FOUR,
            choices=Choices(
                sheets={
                    "Sheet1": SheetChoice(
                        header_row=0,
                        columns={"A": "building", "B": "section", "C": "room", "D": "owners", "E": "phones"},
                    )
                }
            ),
        ),
    ),
    "three blocks side by side": (
        offices.three_blocks_side_by_side,
        Expected(
            {
                "1-101": f"安一 {phone(1)}",
                "1-102": f"安二 {phone(2)}",
                "2-101": f"白一 {phone(11)}",
                "2-102": f"白二 {phone(12)}",
                "3-101": f"陈一 {phone(21)}",
            },
            told=("并排放着 3 个表格",),
        ),
    ),
    "subtotals and signatures": (
        offices.subtotals_and_signatures,
        Expected({"1-101": "安一", "1-102": "安二", "2-101": "白一"}, told=("第 4、6、7、9、10 行是合计",)),
    ),
    "a used range to AA1000": (offices.a_used_range_to_aa1000, Expected(FOUR)),
    "hidden rows, columns and sheets": (
        offices.hidden_rows_columns_and_sheets,
        Expected(FOUR, told=("隐藏的工作表没有读取：已售出", "有 1 行被隐藏")),
    ),
    "hidden rows left out": (
        offices.hidden_rows_columns_and_sheets,
        Expected({"1-1-101": FOUR["1-1-101"]}, told=("没有读取",), choices=Choices(reads_hidden_rows=False)),
    ),
    "a hidden sheet taken": (
        offices.hidden_rows_columns_and_sheets,
        Expected(FOUR | {"9-9-999": "不应出现"}, choices=Choices(sheets={"已售出": SheetChoice(is_read=True)})),
    ),
    "all that Excel offers": (offices.with_all_that_excel_offers, Expected(FOUR)),
    "buildings and sections merged": (
        offices.buildings_and_sections_merged,
        Expected({"1-1-101": "安一", "1-1-102": "安二", "1-2-101": "安三", "1-2-102": "安四"}),
    ),
    "lines that name a building": (
        offices.group_rows,
        Expected(
            {
                "1-1-101": f"安一 {phone(1)}",
                "1-1-102": f"安二 {phone(2)}",
                "1-2-101": f"安三 {phone(3)}",
                "2-101": f"白一 {phone(4)}",
            },
            told=("第 2、5、7 行是楼栋或单元的标题",),
        ),
    ),
    "a sheet for each building": (
        offices.a_sheet_for_each_building,
        Expected(
            {"1-1-101": f"安一 {phone(1)}", "2-1-101": f"白一 {phone(1)}", "12-1-101": f"陈一 {phone(1)}"},
            told=("没有业主名册的表头，没有读取：汇总",),
        ),
    ),
    "a sheet for each kind": (
        offices.a_sheet_for_each_kind,
        Expected({"1-1-101": "安一", "S01": "晨光便利店", "S02": "安一"}, more={"S01": {"usage": UnitUsage.SHOP}}),
    ),
    "addresses in one text": (
        offices.addresses_in_one_text,
        Expected(
            {
                f"3-2-{room}": f"安{name}"
                for room, name in zip((1501, 1502, 1601, 1602, 1701, 1702, 1801), "一二三四五六七", strict=True)
            }
        ),
    ),
    "shops": (
        offices.shops,
        Expected({"S01": "晨光便利店", "S02": "安二", "S03": "安三", "S4": "安四", "S1-05": "安五"}),
    ),
    "towers and villas": (
        offices.towers_and_villas,
        Expected(
            {"A-2501": "远山商贸有限公司", "A-2502": "安二", "别墅8-1": "安三", "联排12-3": "安四"},
            more={"A-2501": {"usage": UnitUsage.OFFICE}, "别墅8-1": {"usage": UnitUsage.RESIDENCE}},
        ),
    ),
    "numbers for everything": (
        offices.numbers_for_everything,
        Expected(
            {"1-1-101": f"安一 {phone(1)} 99010119700101001X"},
            refused=((3, "F", "digits_lost"), (4, "E", "digits_lost"), (5, "C", "room_became_date")),
            more={"1-1-101": {"handed_over_on": dt.date(2010, 4, 11)}},
        ),
    ),
    "one row for each owner": (
        offices.one_row_for_each_owner,
        Expected(
            {
                "1-101": f"安一 {phone(1)} {id_of(1)} | 安二 {phone(2)} {id_of(2)}",
                "1-102": f"安三 {phone(3)} {id_of(3)} | 安四 {phone(4)} {id_of(4)}",
            }
        ),
    ),
    "phones with labels": (
        offices.labelled_phones,
        Expected(
            {
                "1-101": f"安一 {phone(1)} 配偶：{phone(2)}",
                "1-102": f"安二 {phone(3)} | 白二 {phone(4)}",
                "1-103": "安三 0755-26543210-801 26543211",
                "1-104": f"安四 {phone(5)} 宅电：0755-26543212",
                "1-105": f"安五 {phone(6)}",
            }
        ),
    ),
    "owners of every kind": (
        offices.owners_of_every_kind,
        Expected(
            {
                "1-101": "云栖置业（深圳）有限公司",
                "1-102": "Anna Berg E12345678",
                "1-103": f"阿依古丽·买买提 {id_of(3)}",
                "1-104": f"安四（已故） {id_of(4)}",
                "1-105": "",
                "1-106": "",
                "1-107": f"安七 {id_of(7)} | 白七 {id_of(8)}",
            },
            refused=((9, "C", "id_length"),),
        ),
    ),
    "samples and dummies": (
        offices.samples_and_dummies,
        Expected({"1-101": "安一", "1-102": "安二", "1-103": "安三"}, told=("第 2、6 行是示例", "5 个占位号码")),
    ),
    "formulas of every kind": (
        programs.formulas_of_every_kind,
        Expected(
            {"1-101": "安一"},
            refused=((3, "C", "formula_unsaved"), (4, "B", "cell_error"), (5, "C", "cell_error")),
            more={"1-101": {"area": Decimal(80)}},
        ),
    ),
    "written by WPS": (programs.by_wps, Expected({"1-101": "安一", "1-102": "安二", "1-103": "安三"})),
    "strict Open XML": (programs.as_strict, Expected(FOUR)),
    "macros": (programs.as_xlsm, Expected(FOUR, told=("宏没有运行",))),
    "days counted from 1904": (
        programs.counted_from_1904,
        Expected({"1-101": "安一"}, more={"1-101": {"handed_over_on": dt.date(2013, 7, 7)}}),
    ),
    "an .xls": (
        programs.as_xls,
        Expected(
            {"1-101": f"安一 {phone(1)}", "1-103": "安三"},
            refused=((3, "E", "cell_error"),),
            told=("隐藏的工作表没有读取：旧", "有 1 行被隐藏"),
            file_name="名册.xls",
        ),
    ),
    "an .ods": (
        programs.as_ods,
        Expected(
            {"1-101": "安一", "1-102": "安二", "2-101": "白一 | 白二"},
            told=("有 1 行被隐藏",),
            more={"1-102": {"handed_over_on": dt.date(2015, 6, 1), "handover_state": HandoverState.HANDED_OVER}},
            file_name="名册.ods",
        ),
    ),
    "text of another system": (
        programs.csv_of_a_system,
        Expected(
            {"1-101": "安一", "1-102": "安二 | 白二"},
            more={"1-101": {"note": '上下两层，\n有"违建"'}},
            file_name="a.csv",
        ),
    ),
    "text with tabs": (
        programs.csv_with_tabs,
        Expected({"1-101": "安一 | 白一", "1-102": "安二"}, file_name="a.txt"),
    ),
    "text with semicolons": (programs.csv_with_semicolons, Expected(THREE, file_name="a.csv")),
    "text with pipes": (programs.csv_with_pipes, Expected(THREE, file_name="a.csv")),
    "text that says its sign": (programs.csv_that_says_its_sign, Expected(THREE, file_name="a.csv")),
    "text under another name": (programs.open_after_download, Expected(THREE, file_name="业主.xls")),
    "kept for years": (
        offices.kept_for_years,
        Expected(
            {"1-1-101": f"安一 {phone(1)} {phone(2)} {id_of(1)}", "1-1-201": ""},
            refused=((5, "I", "date_unreadable"), (8, "G", "id_length"), (8, "H", "area_unreadable")),
            told=("第 9 行是合计",),
            more={
                "1-1-101": {"area": Decimal("80.50"), "handed_over_on": dt.date(2010, 4, 11)},
                "1-1-201": {"handover_state": HandoverState.PENDING},
            },
        ),
    ),
}


def taken(shape):
    make, expected = SHAPES[shape]
    reading = readable(make(), expected.file_name, expected.choices)
    return expected, reading, ROSTER.plan(reading.records, NOTHING, TODAY, expected.choices)


def people_of(state):
    """Return unit → its owners in their order, each with phone, other phones and document."""
    owners = {owner.id: owner for owner in state.owners}
    numbers = {unit.id: number for number, unit in state.units.items()}
    found = {number: [] for number in state.units}
    for ownership in state.ownerships:
        owner = owners[ownership.owner_id]
        parts = (owner.name, owner.phone, owner.other_phones, owner.id_number)
        found[numbers[ownership.unit_id]].append(" ".join(part for part in parts if part))
    return {number: " | ".join(every) for number, every in found.items()}


def test_there_are_more_than_twenty_five_shapes():
    assert len(SHAPES) > 25


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_comes_to_its_units_and_people(shape):
    expected, _, plan = taken(shape)
    state = carried_out(RosterState(), plan)
    assert people_of(state) == expected.units
    more = {
        number: {name: getattr(state.units[number], name) for name in facts} for number, facts in expected.more.items()
    }
    assert more == expected.more


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_refuses_just_these_cells_and_tells_just_why(shape):
    expected, reading, plan = taken(shape)
    assert sorted((cell.row, cell.column, cell.code) for cell in plan.refused) == sorted(expected.refused)
    assert {row.outcome for row in plan.rows} <= {Outcome.NEW, Outcome.REFUSED}
    told = "".join([*reading.notices, *plan.notices])
    assert [part for part in expected.told if part not in told] == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_that_was_applied_is_all_the_same_afterwards(shape):
    _, reading, plan = taken(shape)
    again = ROSTER.plan(reading.records, carried_out(RosterState(), plan), TODAY, reading.choices)
    assert again.is_empty
    assert again.counts["rows"] == plan.counts["rows"]


def test_shares_of_owners_in_rows_of_their_own():
    _, _, plan = taken("one row for each owner")
    shares = [str(ownership.share) for ownership in carried_out(RosterState(), plan).ownerships]
    assert shares == ["0.600000", "0.400000", "0.500000", "0.500000"]


def test_without_a_header_people_are_asked_which_column_is_which():
    with pytest.raises(Refusal) as refused:
        readable(offices.without_any_header())
    assert refused.value.code == "header_missing"
    assert "对列" in refused.value.message
