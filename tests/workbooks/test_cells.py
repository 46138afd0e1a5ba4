"""What is written in a cell, and what is understood of it: nothing is guessed, and nothing whatever raises."""

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importers.cells import Cell, CellKind, column_index, column_letter, kind_of, safe_text
from importers.faults import CellFault
from importers.people import read_documents, read_names, read_phones
from importers.rooms import building_of_sheet, unit_key
from tenant.rules.terms import HandoverState, UnitUsage
from workbooks.builders import id_of, phone_of
from workbooks.pure import ROSTER

COLUMNS = {column.identifier: column for column in ROSTER.columns}


def cleaned(identifier, value, kind=None):
    return COLUMNS[identifier].clean(Cell(value, kind or kind_of(value), 37, "F"))


def code_of(identifier, value, kind=None):
    found = cleaned(identifier, value, kind)
    assert isinstance(found, CellFault), found
    return found.code


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3-2-1501", "3-2-1501"),
        ("３－２－１５０１", "3-2-1501"),
        ("3—2—1501", "3-2-1501"),
        ("3栋2单元1501", "3-2-1501"),
        ("第三栋二单元1501室", "3-2-1501"),
        ("3号楼2单元1501室", "3-2-1501"),
        ("3幢 1501 室", "3-1501"),
        ("十二栋一单元502", "12-1-502"),
        ("3#1501", "3-1501"),
        ("3#2-1501", "3-2-1501"),
        ("3#楼2单元1501", "3-2-1501"),
        ("A座1203", "A-1203"),
        ("b座1203", "B-1203"),
        ("3栋15层1501", "3-1501"),
        ("S01", "S01"),
        ("s01", "S01"),
        ("商铺01", "S01"),
        ("商铺12号", "S12"),
        ("3栋S01", "3-S01"),
        ("3栋101商铺", "3-101"),
        ("1501", "1501"),
        ("2单元301", "2-301"),
    ],
)
def test_a_unit_is_read_from_one_text(text, number):
    assert unit_key(text).number == number


@pytest.mark.parametrize("text", ["张三", "3栋1单元", "3-2-1501-7-8", "1501；1502", "x" * 300, "3栋2单元", "(1501)"])
def test_what_is_no_unit_is_not_made_one(text):
    assert unit_key(text) is None


def test_a_floor_is_derived_where_the_number_says_so():
    assert [unit_key(text).floor for text in ("3-2-1501", "3-101", "S01", "3-12345", "B1-023")] == [
        15,
        1,
        None,
        None,
        None,
    ]


def test_a_room_that_became_a_date_is_refused():
    assert code_of("room", dt.datetime(2026, 3, 2)) == "room_became_date"  # noqa: DTZ001  cells have no zone


def test_a_sheet_can_be_named_after_its_building():
    assert [building_of_sheet(name) for name in ("3栋", "A座业主", "1号楼", "Sheet1", "业主名册")] == [
        "3",
        "A",
        "1",
        None,
        None,
    ]


def test_a_number_cell_keeps_fifteen_digits_and_no_more():
    assert code_of("documents", 110105199001010012.0) == "digits_lost"
    assert code_of("documents", 1e15) == "digits_lost"
    assert code_of("documents", "1.10105199001010E+17") == "digits_lost"
    assert cleaned("documents", 990101900101001.0)[0].number == id_of(1)
    assert cleaned("phones", 13900000001.0)[0].number == phone_of(1)


@pytest.mark.parametrize("text", ["／", "无", "—", "--", "暂无", "N/A", "", " ", "\u3000", "不详", "null"])
@pytest.mark.parametrize("identifier", list(COLUMNS))
def test_nothing_is_written_in_many_ways(identifier, text):
    assert cleaned(identifier, text) is None


def test_errors_and_formulas_without_a_result_are_told():
    assert code_of("area", "#N/A", CellKind.ERROR) == "cell_error"
    assert code_of("area", None, CellKind.FORMULA) == "formula_unsaved"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("张三", ["张三"]),
        ("张三、李四", ["张三", "李四"]),
        ("张三，李四/王五；赵六", ["张三", "李四", "王五", "赵六"]),
        ("张三 李四", ["张三", "李四"]),
        ("张\u3000三", ["张三"]),
        ("张三\n李四", ["张三", "李四"]),
        ("业主：张三", ["张三"]),
        ("Anna Berg", ["Anna Berg"]),
        ("买买提·艾力", ["买买提·艾力"]),
        ("远山商贸有限公司（北苑店、南苑店）", ["远山商贸有限公司（北苑店、南苑店）"]),
        ("未售", []),
        ("张三、张三", ["张三"]),
    ],
)
def test_owners_share_a_cell(text, names):
    assert [name.name for name in read_names(text)] == names


def test_shares_are_read_and_may_not_exceed_the_whole():
    assert [name.share for name in read_names("张三（60%）、李四（2/5）")] == [Fraction(3, 5), Fraction(2, 5)]
    assert code_of("owners", "张三（60%）、李四（60%）") == "shares_exceed_one"
    assert code_of("owners", "张三（1/0）") == "share_unreadable"


@pytest.mark.parametrize("text", ["张三13900000001", "13900000001", "12345"])
def test_a_number_is_no_name(text):
    assert code_of("owners", text) == "name_has_number"


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("13900000001", [("13900000001", "")]),
        ("１３９００００００１２", [("13900000012", "")]),
        ("139 0000 0001", [("13900000001", "")]),
        ("+86 139-0000-0001", [("13900000001", "")]),
        ("本人：13900000001；配偶：13900000002", [("13900000001", "本人"), ("13900000002", "配偶")]),
        ("本人13900000001 配偶13900000002", [("13900000001", "本人"), ("13900000002", "配偶")]),
        ("13900000001（本人）、13900000002（妻）", [("13900000001", "本人"), ("13900000002", "妻")]),
        ("13900000001/0755-26543210", [("13900000001", ""), ("0755-26543210", "")]),
        ("(0755)26543210转801", [("0755-26543210-801", "")]),
        ("座机：26543210", [("26543210", "")]),
        ("400-820-8820", [("4008208820", "")]),
    ],
)
def test_phones_come_with_labels(text, phones):
    assert [(phone.number, phone.label) for phone in read_phones(text)] == phones


@pytest.mark.parametrize("text", ["18999999999", "11111111111", "13800138000", "12345678901", "00000000"])
def test_a_placeholder_is_no_phone(text):
    assert [phone.is_placeholder for phone in read_phones(text)] == [True]


@pytest.mark.parametrize("text", ["1390000000", "139000000011", "张三", "9.9", "139000"])
def test_what_is_no_phone_is_refused(text):
    assert code_of("phones", text) == "phone_unreadable"


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        (id_of(1), [(id_of(1), "")]),
        (id_of(8).lower(), [(id_of(8), "")]),
        ("990101900101001", [(id_of(1), "")]),
        (f"张三：{id_of(1)}", [(id_of(1), "张三")]),
        (f"张三{id_of(1)}、李四{id_of(2)}", [(id_of(1), "张三"), (id_of(2), "李四")]),
        (f"{id_of(1)} {id_of(2)}", [(id_of(1), ""), (id_of(2), "")]),
        (f"{id_of(1)[:6]} {id_of(1)[6:14]} {id_of(1)[14:]}", [(id_of(1), "")]),
        (f"身份证号：{id_of(1)}", [(id_of(1), "")]),
        ("E12345678", [("E12345678", "")]),
        ("军字第1234567号", [("军字第1234567号", "")]),
        ("91350100M000100Y43", [("91350100M000100Y43", "")]),
    ],
)
def test_documents_come_with_names(text, documents):
    assert [(document.number, document.label) for document in read_documents(text)] == documents


@pytest.mark.parametrize("text", ["111111111111111111", "000000000000000000", "123456789012345678"])
def test_a_placeholder_is_no_document(text):
    assert [document.is_placeholder for document in read_documents(text)] == [True]


def test_a_wrong_id_is_refused_by_what_is_wrong_with_it():
    wrong = id_of(1)[:17] + ("0" if id_of(1)[17] != "0" else "1")
    assert code_of("documents", wrong) == "id_checksum"
    assert code_of("documents", id_of(1)[:10] + "1301" + id_of(1)[14:]) == "id_birthday"
    assert code_of("documents", id_of(1)[:17]) == "id_length"
    assert code_of("documents", "123456") == "id_length"


@pytest.mark.parametrize(
    ("value", "area"),
    [
        (89.5, "89.50"),
        ("89.5㎡", "89.50"),
        ("８９．５平方米", "89.50"),
        ("1,024.505 m²", "1024.51"),
        ("约 90 平", "90.00"),
        (89.49999999999999, "89.50"),
    ],
)
def test_areas_come_with_units(value, area):
    assert cleaned("area", value) == Decimal(area)


@pytest.mark.parametrize("value", ["九十", "89.5.1", "89-90", dt.datetime(2026, 1, 1), True])  # noqa: DTZ001
def test_what_is_no_area_is_refused(value):
    assert code_of("area", value) == "area_unreadable"


@pytest.mark.parametrize("value", [0, "0.001", 100_000, "99999999"])
def test_an_area_is_positive_and_of_this_world(value):
    assert code_of("area", value) == "area_range"


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (dt.datetime(2010, 4, 11, 8, 30), dt.date(2010, 4, 11)),  # noqa: DTZ001
        (40279, dt.date(2010, 4, 11)),
        ("40279", dt.date(2010, 4, 11)),
        (20100411, dt.date(2010, 4, 11)),
        ("20100411", dt.date(2010, 4, 11)),
        ("2010-04-11", dt.date(2010, 4, 11)),
        ("2010.4.11", dt.date(2010, 4, 11)),
        ("2010/4/11", dt.date(2010, 4, 11)),
        ("２０１０年４月１１日", dt.date(2010, 4, 11)),
        ("2010 年 4 月 11 日", dt.date(2010, 4, 11)),
        ("2009年6月", dt.date(2009, 6, 1)),
        ("2009.6", dt.date(2009, 6, 1)),
    ],
)
def test_days_are_written_in_many_ways(value, day):
    assert cleaned("handed_over_on", value) == day


@pytest.mark.parametrize("value", ["10.4.11", "2010-13-01", "2010-02-30", "去年", "2010", True, "4/11/2010"])
def test_a_day_that_would_be_a_guess_is_refused(value):
    assert code_of("handed_over_on", value) == "date_unreadable"


def test_choices_go_by_the_words_of_the_trade():
    assert cleaned("usage", "高层住宅") is UnitUsage.RESIDENCE
    assert cleaned("usage", "商业（底商）") is UnitUsage.SHOP
    assert cleaned("handover_state", "未入住") is HandoverState.PENDING
    assert cleaned("handover_state", "√") is HandoverState.HANDED_OVER
    assert "住宅、商铺" in cleaned("usage", "火星基地").reason


def test_the_sentence_says_where_what_and_what_next():
    fault = cleaned("documents", 110105199001010012.0)
    assert fault.reason == "数字格式丢失了末位，无法还原。请把该列设为文本后重新填写。"


def test_columns_are_counted_as_people_see_them():
    assert [column_letter(index) for index in (1, 26, 27, 703, 16384)] == ["A", "Z", "AA", "AAA", "XFD"]
    assert all(column_index(column_letter(index)) == index for index in range(1, 2000))


ODD = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(), max_size=30),  # lone surrogates among them
    st.text("0123456789０１２Xx-—/、，；：（）()%.年月日栋单元室号#商铺S张三李四本人配偶 \n", max_size=40),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.none(),
)


@given(st.sampled_from(list(COLUMNS)), ODD, st.sampled_from([None, CellKind.ERROR, CellKind.FORMULA]))
@example("area", math.nan, None)
@example("area", math.inf, None)
@example("handed_over_on", 10**400, None)
@example("phones", "1" * 32_767, None)
@example("documents", "٣" * 18, None)
@example("owners", "(" * 5_000, None)
@example("room", "3栋" * 5_000, None)
@example("owners", "（" + "9" * 400 + "/" + "9" * 400 + "）", None)
@example("handed_over_on", "2010-1-" + "1" * 5_000, None)
@settings(max_examples=1500, deadline=None)
def test_no_content_of_a_cell_makes_cleaning_raise(identifier, value, kind):
    found = cleaned(identifier, value, kind)
    if isinstance(found, CellFault):
        assert found.reason.endswith("。")
        assert safe_text(found.reason) == found.reason
