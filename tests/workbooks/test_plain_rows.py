"""What is understood at first sight, and sorted out without weighing, comes to what looking at each row comes to."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import people, people_at_once
from importers.choices import Choices
from importers.plan import Outcome, row_of, row_text
from importers.roster.plain import PlainRow
from importers.roster.sorting import sorted_out
from importers.roster.state import RosterState
from tenant.rules.terms import ImportMode
from workbooks.builders import id_of, phone_of
from workbooks.pure import NOTHING, ROSTER, TODAY, carried_out
from workbooks.rows import nothing_plain, planned_rows, records_of

HEADINGS = (
    "楼栋",
    "单元",
    "房号",
    "业主姓名",
    "联系电话",
    "备用电话",
    "身份证号",
    "电子邮箱",
    "建筑面积",
    "使用性质",
    "交房状态",
    "交房日期",
    "产权登记日期",
    "备注",
    "住户姓名",
    "系统业主号",
)
CELLS = (
    st.sampled_from([None, "1栋", "2", "商铺"]),
    st.sampled_from([None, "1单元"]),
    st.sampled_from(["101", "102", "1-1-101", "S01", "102", "201"]),
    st.sampled_from([None, "张三", "李四", "张三、李四", "南山物业公司", "张三（50%）", "示例"]),
    st.sampled_from([None, phone_of(1), phone_of(2), f"本人：{phone_of(1)}", "18999999999", "0755-26543210"]),
    st.sampled_from([None, phone_of(3), f"配偶：{phone_of(2)}", f"业主：{phone_of(1)}"]),
    st.sampled_from([None, None, id_of(1), id_of(2), id_of(3), "99010119900101001X"]),
    st.sampled_from([None, "a@example.invalid", "B@example.invalid"]),
    st.sampled_from([None, 89.5, "90㎡", True]),
    st.sampled_from([None, "住宅", "商铺"]),
    st.sampled_from([None, "已交房", "未交房"]),
    st.sampled_from([None, "2010.4.11", dt.date(2030, 1, 1)]),
    st.sampled_from([None, "2011-01-02"]),
    st.sampled_from([None, None, "钥匙已领", "合计"]),
    st.sampled_from([None, None, None, "租客甲"]),
    st.sampled_from([None, None, None, 1_000_003]),
)
ROWS = st.lists(st.tuples(*CELLS), min_size=1, max_size=7)
CHOICES = st.builds(
    Choices, mode=st.sampled_from(list(ImportMode)), ends_on=st.sampled_from([None, dt.date(2026, 1, 1)])
)


def one_by_one(records):
    """The same records, each to be weighed."""
    return [record.spelled_out() if isinstance(record, PlainRow) else record for record in records]


def said(plan):
    """All that a plan tells: of each row, of refused cells, of counts, of what is missing."""
    return [row_text(row) for row in plan.rows], plan.refused, plan.counts, plan.notices, plan.missing


def contents(state):
    """What stands in a state, whatever the ids and the order."""
    numbers = {unit.id: unit.number for unit in state.units.values()}
    owners = {owner.id: (owner.name, owner.phone, owner.other_phones, owner.id_number) for owner in state.owners}
    return (
        sorted(repr((*vars_of(unit),)) for unit in state.units.values()),
        sorted(map(repr, owners.values())),
        sorted(
            repr((numbers[one.unit_id], owners[one.owner_id], one.share, one.is_payer, one.from_on))
            for one in state.ownerships
        ),
    )


def vars_of(unit):
    return unit.number, unit.area, unit.usage, unit.handover_state, unit.handed_over_on, unit.note


@settings(max_examples=150)
@given(ROWS, ROWS, CHOICES)
def test_rows_that_need_no_weighing_come_to_what_weighing_them_comes_to(first, second, choices):
    records = records_of(HEADINGS, *first)
    plan, slow = ROSTER.plan(records, NOTHING, TODAY), ROSTER.plan(one_by_one(records), NOTHING, TODAY)
    assert said(plan) == said(slow)
    state = carried_out(NOTHING, slow)
    assert contents(carried_out(NOTHING, plan)) == contents(state)
    again = records_of(HEADINGS, *second, *first)
    plan = ROSTER.plan(again, state, TODAY, choices)
    slow = ROSTER.plan(one_by_one(again), state, TODAY, choices)
    assert said(plan) == said(slow)
    assert contents(carried_out(state, plan)) == contents(carried_out(state, slow))


ODD = st.sampled_from(
    [
        "",
        "　",
        "/",
        "第3页",
        "合计",
        "示例",
        "备注：共3户",
        "1栋2单元",
        "１０１",
        "「例」",
        "\u200b",
        "\x1f",
        0.0,
        False,
        1e15,
    ]
)


@settings(max_examples=150)
@given(st.lists(st.tuples(*(st.one_of(cells, cells, cells, ODD) for cells in CELLS)), min_size=1, max_size=6))
def test_what_is_read_at_first_sight_is_what_reading_cell_by_cell_comes_to(rows):
    together = one_by_one(records_of(HEADINGS, *rows))
    with nothing_plain():
        alone = records_of(HEADINGS, *rows)
    assert [record.place for record in together] == [record.place for record in alone]
    assert list(map(claims, together)) == list(map(claims, alone))


def test_a_marked_cell_is_no_measure_for_the_cells_that_hold_the_same():
    rows = [["1栋", None, "2-101", "张三"], ["1栋", None, "2-102", "李四"]]
    broken, sound = records_of(HEADINGS, *rows, marks={(2, 1): "number:x:y"})
    assert [found.code for found in broken.faults] == ["building_unreadable"]
    assert sound.number == "1-2-102"


def test_a_page_in_a_note_does_not_make_a_record_the_foot_of_a_page():
    row = ["1栋", None, "101", "张三", phone_of(1), *[None] * 8, "第3页"]
    with nothing_plain():
        (alone,) = records_of(HEADINGS, row)
    (together,) = one_by_one(records_of(HEADINGS, row))
    assert claims(alone) == claims(together)
    assert alone.note == "第3页"


@pytest.mark.parametrize("dummy", ["18999999999", "本人：18999999999", "配偶：13000000000", "手机:13800138000"])
def test_a_dummy_number_is_never_a_key_however_it_is_labelled(dummy):
    rows = [["1栋", None, "101", "张三", dummy], ["1栋", None, "102", "张三", dummy]]
    plan = planned_rows(HEADINGS, *rows)
    assert plan.counts["owners"]["new"] == 2
    assert not carried_out(NOTHING, plan).owners[0].phone


@pytest.mark.parametrize("is_last", [False, True])
def test_namesakes_are_told_of_also_where_one_needs_no_weighing(is_last):
    rows = [["1栋", None, "101", "张三", phone_of(1)], ["1栋", None, "102", "张三"]]
    plan = planned_rows(HEADINGS, *(reversed(rows) if is_last else rows))
    assert len(plan.drafts.arrivals) == 1
    (notice,) = plan.notices
    assert notice.startswith("有 1 位新业主与另一位业主同名")


def claims(record):
    names = (
        "number",
        "owners",
        "occupants",
        "area",
        "usage",
        "handover_state",
        "handed_over_on",
        "owned_from_on",
        "note",
    )
    return [getattr(record, name, None) for name in (*names, "faults")]


def test_most_rows_of_a_roster_need_no_weighing():
    rows = [
        ["1栋", "1单元", 100 + at, "张三", phone_of(at), None, id_of(at), None, 80.5, "住宅", "已交房", "2010.4.11"]
        for at in range(9)
    ]
    records = records_of(HEADINGS, *rows)
    assert fates(records, NOTHING) == [Outcome.NEW] * 9
    state = carried_out(NOTHING, ROSTER.plan(records, NOTHING, TODAY))
    assert fates(records, state) == [Outcome.SAME] * 9
    rows[3][8] = 81
    rows[4][4] = phone_of(3)
    assert fates(records_of(HEADINGS, *rows), state).count(Outcome.SAME) == 7


def fates(records, state):
    owned = {}
    for one in state.ownerships:
        owned.setdefault(one.unit_id, []).append(one)
    return sorted_out(records, state, (owned, {}), Choices(), ((), ())).fates


def test_a_row_that_says_what_is_there_is_weighed_when_another_changes_its_owner():
    rows = [
        ["1栋", None, 101, "张三", phone_of(1), None, id_of(1)],
        ["1栋", None, 102, "张三", phone_of(1), None, id_of(1)],
    ]
    state = carried_out(NOTHING, ROSTER.plan(records_of(HEADINGS, *rows), NOTHING, TODAY))
    rows[1][5] = phone_of(5)
    plan = ROSTER.plan(records_of(HEADINGS, *rows), state, TODAY)
    assert plan.counts["owners"] == {"new": 0, "changed": 1, "same": 0}
    assert plan.counts["units"]["same"] == 2
    (fact,) = [fact for fact in plan.rows[0].facts if fact.subject == "owners"]
    assert fact.outcome is Outcome.CHANGED


def test_the_text_of_a_row_is_its_plan():
    plan = ROSTER.plan(
        records_of(HEADINGS, ["1栋", None, 1501, 'Anna "B" Berg', phone_of(1), None, None, None, 90.1]),
        RosterState(),
        TODAY,
    )
    for row in plan.texts():
        assert row_text(row_of(row.text)) == row.text


NUMBERS = st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True)
BORN = st.dates(dt.date(1870, 1, 1), dt.date(2020, 1, 1)).map(lambda day: f"110101{day:%Y%m%d}001")
TEXTS = st.one_of(
    st.sampled_from([id_of(5), phone_of(6), "13800138000", "19911111111", "暂无", "业主", "李四等人", "向阳中心"]),
    st.text("张三李四王公司例等人厂中心无业主本0123456789X：:配偶电话", max_size=14),
    st.from_regex(r"[一-龥]{1,4}[:：]1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"([一-龥]{1,4}[:：])?1[3-9](?P<digit>[0-9])(?P=digit){7,8}[0-9]?", fullmatch=True),
    NUMBERS,
    BORN.map(lambda text: text + people.check_digit(text)),
    st.text(max_size=20),
)


@pytest.mark.parametrize(
    ("together", "alone"),
    [
        (people_at_once.plain_names, people.read_names),
        (people_at_once.plain_phones, people.read_phones),
        (people_at_once.plain_documents, people.read_documents),
    ],
)
@settings(max_examples=150)
@given(texts=st.lists(TEXTS, max_size=12, unique=True))
def test_many_cells_at_once_are_read_as_each_by_itself(together, alone, texts):
    for text, value in together(texts).items():
        assert alone(text) == value
        assert not any(getattr(one, "is_placeholder", False) for one in value)
