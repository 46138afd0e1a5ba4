"""Whom a row means and what it changes: nobody is merged on a name, a doubt is a question, and twice is once."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.cells import Cell, kind_of
from importers.faults import CellFault, fault
from importers.headings import Heading, SheetMapping
from importers.plan import Outcome
from importers.roster.state import OwnershipState, OwnerState, RosterState, UnitState
from importers.rows import RowReader
from importers.workbook import Sheet
from workbooks.builders import id_of, phone_of
from workbooks.pure import NOTHING, ROSTER, TODAY, brought, carried_out

HEADINGS = {
    "房号": "room",
    "业主姓名": "owners",
    "联系电话": "phones",
    "身份证号": "documents",
    "建筑面积": "area",
    "交房日期": "handed_over_on",
    "过户日期": "owned_from_on",
    "备注": "note",
}


def plan_of(*rows, state=NOTHING, held=None):
    """Plan rows of 房号, 业主姓名, 联系电话, 身份证号, 建筑面积, 交房日期, 过户日期, 备注 below a header in row 1."""
    mapping = SheetMapping(
        "表", 1, tuple(Heading(at, text, name) for at, (text, name) in enumerate(HEADINGS.items(), 1))
    )
    sheet = Sheet("表", [list(HEADINGS), *map(list, rows)])
    records = [ROSTER.assemble(row) for row in RowReader(sheet, mapping, ROSTER).rows()]
    return ROSTER.plan(records, state, TODAY, held_back=held)


def state_of(*rows):
    """Return the state after importing rows into an empty office."""
    plan = plan_of(*rows)
    assert not plan.refused
    return carried_out(NOTHING, plan)


def codes(plan):
    return [(cell.row, cell.code) for cell in plan.refused]


# ---- identity


def test_one_id_is_one_person_whatever_the_phone():
    plan = plan_of(["1-1-101", "张三", phone_of(1), id_of(1)], ["1-1-102", "张三", phone_of(2), id_of(1)])
    assert plan.counts["owners"] == {"new": 1, "changed": 0, "same": 0}
    assert plan.counts["ownerships"]["new"] == 2


def test_phone_and_name_together_are_one_person():
    plan = plan_of(["1-1-101", "张三", phone_of(1)], ["1-1-102", "张三", phone_of(1)])
    assert plan.counts["owners"]["new"] == 1


def test_a_name_alone_is_never_enough_across_units():
    state = state_of(["1-1-101", "张三"])
    assert plan_of(["1-1-102", "张三"], ["1-1-103", "张三"], state=state).counts["owners"]["new"] == 2


def test_a_phone_alone_is_not_enough_either():
    assert plan_of(["1-1-101", "张三", phone_of(1)], ["1-1-102", "李四", phone_of(1)]).counts["owners"]["new"] == 2


def test_the_same_name_at_the_same_unit_is_the_same_person():
    state = state_of(["1-1-101", "张三"])
    plan = plan_of(["1-1-101", "张三", phone_of(1), id_of(1)], state=state)
    assert brought(plan, "owners") == [("changed", "张三")]
    owner = carried_out(state, plan).owners[0]
    assert (owner.phone, owner.id_number) == (phone_of(1), id_of(1))


def test_a_placeholder_is_never_a_key():
    rows = [["1-1-101", "张三", "18999999999", "1" * 18], ["1-1-102", "张三", "18999999999", "1" * 18]]
    plan = plan_of(*rows)
    assert plan.counts["owners"]["new"] == 2
    assert all(owner.phone is None and owner.id_number is None for owner in carried_out(NOTHING, plan).owners)


def test_one_id_under_two_names_is_a_question():
    assert codes(plan_of(["1-1-101", "张三", None, id_of(1)], ["1-1-102", "李四", None, id_of(1)])) == [
        (3, "conflict_owner_name")
    ]


def test_another_id_for_the_same_person_is_a_question():
    state = state_of(["1-1-101", "张三", phone_of(1), id_of(1)])
    assert codes(plan_of(["1-1-101", "张三", phone_of(1), id_of(2)], state=state)) == [(2, "conflict_owner_id")]


def test_two_who_would_fit_are_a_question():
    state = RosterState(owners=[OwnerState(number, "张三", phone=phone_of(1)) for number in (1, 2)])
    assert codes(plan_of(["1-1-101", "张三", phone_of(1)], state=state)) == [(2, "conflict_owner_unclear")]


# ---- what changes


def test_a_blank_never_erases():
    full = ["1-1-101", "张三", phone_of(1), id_of(1), 89.5, "2015-06-01", None, "常年出差"]
    plan = plan_of(["1-1-101", "张三"], state=state_of(full))
    assert plan.is_empty


def test_a_changed_field_is_shown_with_old_and_new():
    plan = plan_of(["1-1-101", "张三", None, None, 90], state=state_of(["1-1-101", "张三", None, None, 89.5]))
    [change] = [change for row in plan.rows for fact in row.facts for change in fact.changes]
    assert change == ("建筑面积", "89.50", "90.00")
    assert plan.rows[0].outcome is Outcome.CHANGED


def test_a_new_phone_replaces_one_that_the_file_no_longer_has():
    state = state_of(["1-1-101", "张三", phone_of(1), id_of(1)])
    owner = carried_out(state, plan_of(["1-1-101", "张三", phone_of(2), id_of(1)], state=state)).owners[0]
    assert (owner.phone, owner.other_phones) == (phone_of(2), None)


def test_a_further_phone_is_added_to_the_known_one():
    state = state_of(["1-1-101", "张三", phone_of(1), id_of(1)])
    both = f"{phone_of(1)}、{phone_of(2)}"
    owner = carried_out(state, plan_of(["1-1-101", "张三", both, id_of(1)], state=state)).owners[0]
    assert (owner.phone, owner.other_phones) == (phone_of(1), phone_of(2))


def test_two_rows_that_disagree_about_a_unit_are_a_question():
    plan = plan_of(["1-1-101", "张三", None, None, 89.5], ["1-1-101", "李四", None, None, 90])
    assert codes(plan) == [(3, "conflict_unit")]
    assert "第 2 行" in plan.refused[0].reason


def test_a_handover_in_the_past_hands_the_unit_over():
    assert (
        state_of(["1-1-101", "张三", None, None, None, "2015-06-01"]).units["1-1-101"].handover_state == "handed_over"
    )
    assert state_of(["1-1-101", "张三", None, None, None, "2027-06-01"]).units["1-1-101"].handover_state == "pending"


# ---- ownership


def test_a_unit_missing_from_the_file_is_left_alone():
    state = state_of(["1-1-101", "张三"], ["1-1-102", "李四"])
    assert carried_out(state, plan_of(["1-1-101", "张三"], state=state)) == state


def test_a_changed_owner_ends_the_old_and_begins_the_new():
    state = state_of(["1-1-101", "张三", phone_of(1)])
    plan = plan_of(["1-1-101", "李四", phone_of(2)], state=state)
    assert brought(plan, "ownerships") == [("changed", "1-1-101 张三"), ("new", "1-1-101 李四")]
    ended, begun = plan.drafts.ownerships
    assert ended.change == {"to_on": TODAY - dt.timedelta(days=1)}
    assert begun.change == {"share": Decimal(1), "is_payer": True, "from_on": TODAY}


def test_a_transfer_happens_on_the_day_the_file_gives():
    state = state_of(["1-1-101", "张三"])
    ended, begun = plan_of(["1-1-101", "李四", None, None, None, None, "2020-03-01"], state=state).drafts.ownerships
    assert ended.change["to_on"] == dt.date(2020, 2, 29)
    assert begun.change["from_on"] == dt.date(2020, 3, 1)


def test_an_ownership_never_ends_before_it_began():
    state = state_of(["1-1-101", "张三", None, None, None, None, "2020-03-01"])
    ended, _ = plan_of(["1-1-101", "李四", None, None, None, None, "2019-01-01"], state=state).drafts.ownerships
    assert ended.change["to_on"] == dt.date(2020, 3, 1)


def test_a_co_owner_who_is_not_named_stays_until_somebody_new_arrives():
    state = state_of(["1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}"])
    assert plan_of(["1-1-101", "张三", phone_of(1)], state=state).is_empty
    plan = plan_of(["1-1-101", "张三、王五", f"{phone_of(1)}、{phone_of(3)}"], state=state)
    assert brought(plan, "ownerships") == [("changed", "1-1-101 李四"), ("new", "1-1-101 王五")]


def test_shares_are_equal_unless_given_and_the_first_named_pays():
    plan = plan_of(["1-1-101", "张三（50%）、李四、王五"])
    shares = [(draft.change["share"], draft.change["is_payer"]) for draft in plan.drafts.ownerships]
    assert shares == [(Decimal("0.500000"), True), (Decimal("0.250000"), False), (Decimal("0.250000"), False)]


def test_owners_on_rows_of_their_own_share_the_unit():
    plan = plan_of(["1-1-101", "张三", phone_of(1)], ["1-1-101", "李四", phone_of(2)])
    assert plan.counts["units"]["new"] == 1
    assert [draft.change["share"] for draft in plan.drafts.ownerships] == [Decimal("0.500000")] * 2


def test_an_additional_owner_halves_the_share_of_the_first():
    state = state_of(["1-1-101", "张三", phone_of(1)])
    plan = plan_of(["1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}"], state=state)
    assert plan.counts["ownerships"] == {"new": 1, "changed": 1, "same": 0}


def test_no_transfer_while_another_row_of_the_unit_is_refused():
    state = state_of(["1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}"])
    plan = plan_of(["1-1-101", "王五", phone_of(3)], ["1-1-101", "李四", "不是电话"], state=state)
    assert codes(plan) == [(2, "conflict_unit_incomplete"), (3, "phone_unreadable")]
    assert plan.is_empty


def test_rows_held_back_come_as_conflicts_and_write_nothing():
    plan = plan_of(["1-1-101", "张三"], ["1-1-102", "李四"], held={("表", 2): fault("conflict_changed")})
    assert plan.counts["rows"] == {"read": 2, "refused": 0, "conflict": 1}
    assert brought(plan, "units") == [("new", "1-1-102")]


def test_a_new_building_needs_to_know_its_estate():
    several = RosterState(estates=2, buildings=frozenset({"1"}))
    assert codes(plan_of(["1-1-101", "张三"], ["2-1-101", "李四"], state=several)) == [(3, "conflict_estate_unclear")]


def test_noise_in_the_office_is_not_touched():
    noise = RosterState(
        {"9-9-999": UnitState(1, "9-9-999")},
        [OwnerState(1, "张三", phone=phone_of(9))],
        [OwnershipState(1, 1, 1, Decimal(1))],
    )
    plan = plan_of(["1-1-101", "张三", phone_of(1)], state=noise)
    assert plan.counts["owners"] == {"new": 1, "changed": 0, "same": 0}
    assert carried_out(noise, plan).units["9-9-999"] == noise.units["9-9-999"]


# ---- properties

NAMES = st.sampled_from(["张三", "李四", "王五", "张三、李四", "李四，王五", "张三、王五（30%）", "未售", None])
PHONES = st.sampled_from(
    [None, phone_of(1), phone_of(2), f"{phone_of(1)}、{phone_of(3)}", f"配偶：{phone_of(2)}", "无"]
)
DOCUMENTS = st.sampled_from([None, None, id_of(1), id_of(2), f"张三：{id_of(1)}", f"{id_of(3)}、{id_of(4)}"])
AREAS = st.sampled_from([None, 80, "90㎡", "不详", "坏的"])
DAYS = st.sampled_from([None, "2015-06-01", "2030.1.1"])
ROOMS = st.sampled_from(["1-1-101", "1栋1单元102", "S01", "坏", None])
ROWS = st.lists(
    st.tuples(ROOMS, NAMES, PHONES, DOCUMENTS, AREAS, DAYS, DAYS, st.sampled_from([None, "甲", "乙"])), max_size=7
)


@given(ROWS, ROWS)
@settings(max_examples=600, deadline=None)
def test_a_plan_carried_out_leaves_nothing_to_do(before, rows):
    """What was a question may be answered by what the other rows brought; then once more, and never for ever."""
    state = carried_out(NOTHING, plan_of(*before))
    plan = plan_of(*rows, state=state)
    for _ in range(1 + plan.counts["rows"]["conflict"]):
        state = carried_out(state, plan)
        plan = plan_of(*rows, state=state)
    assert plan.is_empty, plan.counts


@given(ROWS, ROWS)
@settings(max_examples=200, deadline=None)
def test_a_plan_counts_every_row_once_and_is_the_same_twice(before, rows):
    state = carried_out(NOTHING, plan_of(*before))
    plan, twin = plan_of(*rows, state=state), plan_of(*rows, state=state)
    assert [row.digest for row in plan.rows] == [row.digest for row in twin.rows]
    outcomes = [row.outcome for row in plan.rows]
    assert plan.counts["rows"]["refused"] == outcomes.count(Outcome.REFUSED)
    assert {cell.row for cell in plan.refused} == {
        row.row for row in plan.rows if row.outcome in {Outcome.REFUSED, Outcome.CONFLICT}
    }


@given(ROWS)
@settings(max_examples=200, deadline=None)
def test_no_two_owners_ever_share_an_id_and_no_share_exceeds_the_whole(rows):
    state = carried_out(NOTHING, plan_of(*rows))
    documents = [owner.id_number for owner in state.owners if owner.id_number]
    assert len(documents) == len(set(documents))
    pairs = [(ownership.unit_id, ownership.owner_id) for ownership in state.ownerships]
    assert len(pairs) == len(set(pairs))
    assert all(0 < ownership.share <= 1 for ownership in state.ownerships)


@given(
    st.lists(st.one_of(st.text(max_size=20), st.floats(), st.integers(), st.dates(), st.none()), min_size=8, max_size=8)
)
@settings(max_examples=500, deadline=None)
def test_no_content_of_a_row_makes_planning_raise(row):
    plan_of(row)


def test_cells_given_as_values_have_kinds():
    assert not isinstance(ROSTER.column("area").clean(Cell(1, kind_of(1), 1, "A")), CellFault)
    with pytest.raises(StopIteration):
        ROSTER.column("no such column")
