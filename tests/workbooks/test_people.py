"""Who stands in a cell, case by case as offices write it: names, shares, phones, documents, and what says nothing."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from importers.cells import Cell, kind_of
from importers.faults import CellFault
from importers.people import Mistake, read_documents, read_names, read_phones
from importers.roster.phones import known_phones
from tenant.rules.terms import HandoverState, OccupantRelation
from workbooks.builders import check_digit, id_of, phone_of
from workbooks.pure import ROSTER
from workbooks.rows import planned_rows, state_after

A, B = phone_of(1), phone_of(2)


def cleaned(identifier, value):
    """Return what a column of the roster makes of a value."""
    return ROSTER.column(identifier).clean(Cell(value, kind_of(value), 1, "A"))


# ---- names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("张三、李四", ["张三", "李四"]),
        ("张三，李四", ["张三", "李四"]),
        ("张三/李四", ["张三", "李四"]),
        ("张三;李四", ["张三", "李四"]),
        ("张三 李四", ["张三", "李四"]),
        ("张三\n李四", ["张三", "李四"]),
        ("张三&李四", ["张三", "李四"]),
        ("张三和李四", ["张三", "李四"]),
        ("张三（夫）李四（妻）", ["张三", "李四"]),
        ("张三（配偶：李四）", ["张三", "李四"]),
        ("业主：张三 配偶：李四", ["张三", "李四"]),
        ("郑和", ["郑和"]),
        ("欧阳 修", ["欧阳修"]),
        ("张  三", ["张三"]),
        ("Anna Berg", ["Anna Berg"]),
        ("买买提·吐尔逊", ["买买提·吐尔逊"]),
        ("远山商贸（深圳）有限公司", ["远山商贸（深圳）有限公司"]),
        ("远山商贸(深圳)有限公司", ["远山商贸（深圳）有限公司"]),
        ("天和与地有限公司", ["天和与地有限公司"]),
        ("「张三、李四」", ["张三、李四"]),
        ("未售", []),
        ("／", []),
    ],
)
def test_the_names_of_a_cell(text, names):
    assert [one.name for one in read_names(text)] == names


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("张三（50%）、李四（50%）", [Fraction(1, 2)] * 2),
        ("张三（60％）李四（40％）", [Fraction(3, 5), Fraction(2, 5)]),
        ("张三50%", [Fraction(1, 2)]),
        ("张三 1/3、李四 2/3", [Fraction(1, 3), Fraction(2, 3)]),
        ("张三：50%；李四：50%", [Fraction(1, 2)] * 2),
        ("张三(占50%)、李四", [Fraction(1, 2), None]),
        ("张三 0.25", [Fraction(1, 4)]),
        ("「张三、李四」（50%）", [Fraction(1, 2)]),
    ],
)
def test_the_shares_of_a_cell(text, shares):
    assert [one.share for one in read_names(text)] == shares


@pytest.mark.parametrize("text", ["同上", "业主", "张三等2人", "张三等人", "1", "张三 13900000001", "！"])
def test_what_is_no_name_is_refused(text):
    assert isinstance(read_names(text), Mistake)


def test_companies_own_as_companies():
    state = state_after(("房号", "业主姓名"), ("S01", "远山商贸有限公司"), ("1-1-101", "张三"))
    assert [owner.kind.value for owner in state.owners] == ["company", "person"]


# ---- phones


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        (f"本人：{A}；配偶：{B}", [(A, "本人"), (B, "配偶")]),
        (f"本人{A}配偶{B}", [(A, "本人"), (B, "配偶")]),
        (f"{A} {B}", [(A, ""), (B, "")]),
        (f"电话1：{A} 电话2：{B}", [(A, ""), (B, "")]),
        (f"{A}（微信同号）", [(A, "")]),
        ("１３９００００００２７", [("13900000027", "")]),
        ("139-0000-0001", [(A, "")]),
        ("1390 000 0001", [(A, "")]),
        ("+86 139 0000 0001", [(A, "")]),
        ("0755-26543210转801", [("0755-26543210-801", "")]),
        ("（0755）26543210－801", [("0755-26543210-801", "")]),
        ("0755—26543210", [("0755-26543210", "")]),
        ("021 - 6543 2100 ext 12", [("021-65432100-12", "")]),
        ("400-800-1234", [("4008001234", "")]),
        ("+852 9123 4567", [("+852-91234567", "")]),
        ("00852-91234567", [("+852-91234567", "")]),
        ("「晚上打」", [("晚上打", "")]),
        ("空号", []),
        ("无电话", []),
        ("无", []),
    ],
)
def test_the_phones_of_a_cell(text, phones):
    assert [(one.number, one.label) for one in read_phones(text)] == phones


@pytest.mark.parametrize("text", ["1390000000", "139000000011", "见备注", f"{A}、139000", "0755-26543210/801"])
def test_what_is_no_phone_is_refused(text):
    assert isinstance(read_phones(text), Mistake)


@pytest.mark.parametrize("text", ["18999999999", "111111", "13800138000", "00000000000"])
def test_a_placeholder_is_known_as_one(text):
    assert [one.is_placeholder for one in read_phones(text)] == [True]


def test_phones_kept_as_people_typed_them_are_known_again():
    assert known_phones("139 0000 0001", "配偶 13900000002、座机：0755-26543210") == [
        (A, ""),
        (B, "配偶"),
        ("0755-26543210", ""),
    ]


# ---- documents

FIFTEEN = "990101900101001"


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        (id_of(1), [(id_of(1), "")]),
        (FIFTEEN, ["990101199001010" + "01" + check_digit("99010119900101001"), ""]),
        (f"张三：{id_of(1)}；李四：{id_of(2)}", [(id_of(1), "张三"), (id_of(2), "李四")]),
        (f"{id_of(1)}（张三）", [(id_of(1), "张三")]),
        (f"身份证：{id_of(1)}", [(id_of(1), "")]),
        (f"{id_of(1)} {id_of(2)}", [(id_of(1), ""), (id_of(2), "")]),
        ("护照E12345678", [("E12345678", "")]),
        ("M12345678（澳门）", [("M12345678", "")]),
        ("C123456（7）", [("C123456(7)", "")]),
        ("1234567(8)", [("1234567(8)", "")]),
        ("台胞证 01234567", [("01234567", "台胞证")]),
        ("12345678-9", [("12345678-9", "")]),
        ("军字第1234567号", [("军字第1234567号", "")]),
        ("营业执照 440301103456789", [("440301103456789", "营业执照")]),
        ("无证件", []),
    ],
)
def test_the_documents_of_a_cell(text, documents):
    expected = documents if all(isinstance(one, tuple) for one in documents) else [tuple(documents)]
    assert [(one.number, one.label) for one in read_documents(text)] == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (id_of(1)[:17], "id_length"),
        (id_of(1) + "1", "id_length"),
        (id_of(1)[:17] + ("0" if id_of(1)[17] != "0" else "1"), "id_checksum"),
        ("990101199002300011", "id_birthday"),
        ("同上", "id_unreadable"),
    ],
)
def test_a_document_that_cannot_be_right_is_refused(text, code):
    assert read_documents(text).code == code


@pytest.mark.parametrize("value", [9901011990010100, 990101199001010011, 9.9e17, "9.90101199001010E+17", 1e300])
def test_digits_lost_to_a_number_cell_are_refused(value):
    found = cleaned("documents", value)
    assert isinstance(found, CellFault)
    assert found.code == "digits_lost"


def test_fifteen_digits_are_not_lost_in_a_number_cell():
    assert [one.number[:17] for one in cleaned("documents", int(FIFTEEN))] == ["99010119900101001"]


def test_a_placeholder_is_never_a_key():
    sheet = ("房号", "业主姓名", "联系电话", "身份证号")
    rows = [("1-1-101", "张三", "18999999999", "1" * 18), ("1-1-102", "张三", "18999999999", "1" * 18)]
    plan = planned_rows(sheet, *rows)
    assert plan.counts["owners"]["new"] == 2
    assert not state_after(sheet, rows[0]).owners[0].phone


# ---- days, areas, choices, notes


@pytest.mark.parametrize(
    "value",
    [
        "2010.4.11",
        "2010-04-11",
        "2010/4/11",
        "2010年4月11日",
        "20100411",
        20100411,
        40279,
        "40279",
        "２０１０．４．１１",
        "二〇一〇年四月十一日",
        "2010、4、11",
        "2010-04-11 10:30",
        dt.date(2010, 4, 11),
        dt.datetime(2010, 4, 11, 8),  # noqa: DTZ001 - as a cell holds it
    ],
)
def test_a_day_is_read_however_it_is_written(value):
    assert cleaned("handed_over_on", value) == dt.date(2010, 4, 11)


@pytest.mark.parametrize("value", ["2009年6月", "2009.6", "2009-06", "200906", "二〇〇九年六月"])
def test_a_month_is_its_first_day(value):
    assert cleaned("handed_over_on", value) == dt.date(2009, 6, 1)


@pytest.mark.parametrize(
    "value", ["10.4.11", "2010年", "2010-13-01", "2010-02-30", True, "二〇一〇年十三月", "1900-01-01"]
)
def test_a_day_that_cannot_be_told_is_refused(value):
    assert isinstance(cleaned("handed_over_on", value), CellFault)


@pytest.mark.parametrize(
    ("value", "area"),
    [
        ("89.5㎡", "89.50"),
        ("约89平米", "89.00"),
        ("建筑面积：89.5", "89.50"),
        ("1,024.5", "1024.50"),
        (89.456, "89.46"),
    ],
)
def test_an_area_is_read_with_its_unit(value, area):
    assert cleaned("area", value) == Decimal(area)


@pytest.mark.parametrize("value", ["是", "有", "√", "Y", True, "已交付", "已入住"])
def test_yes_in_every_way_is_yes(value):
    assert cleaned("handover_state", value) is HandoverState.HANDED_OVER


@pytest.mark.parametrize("value", ["否", "×", "N", False, "未交付", "未入住"])
def test_no_in_every_way_is_no(value):
    assert cleaned("handover_state", value) is HandoverState.PENDING


@pytest.mark.parametrize("value", ["／", "无", "—", "n/a", "", None])
def test_none_in_every_way_is_none(value):
    assert cleaned("handover_state", value) is None
    assert cleaned("documents", value) is None


@pytest.mark.parametrize(
    ("text", "relation"),
    [("业主本人", "owner"), ("业主家属", "family"), ("配偶", "family"), ("承租", "renter"), ("朋友", "other")],
)
def test_how_somebody_stands_to_the_owner(text, relation):
    assert cleaned("occupant_relation", text) is OccupantRelation(relation)


def test_a_note_stays_as_it_was_written():
    assert cleaned("note", " 说明：常年出差（ＡＢ） ") == "说明：常年出差（ＡＢ）"
    assert cleaned("note", "1E02") == "1E02"
