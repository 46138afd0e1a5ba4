"""What people choose about an import: its mode, what becomes of what is missing, whom a doubtful row means."""

import datetime as dt
from decimal import Decimal

import pytest

from importers.choices import Choices
from importers.faults import fault
from importers.plan import NOT_IN_FILE, Outcome
from importers.roster.state import OwnerState, RosterState
from tenant.rules.terms import HandoverState, ImportMode, OccupantRelation
from workbooks.builders import id_of, phone_of
from workbooks.pure import TODAY, brought, carried_out
from workbooks.rows import changes, planned_rows, state_after

FILL, REPLACE = Choices(mode=ImportMode.FILL), Choices(mode=ImportMode.REPLACE)
SHEET = ("房号", "业主姓名", "联系电话", "身份证号", "建筑面积", "交房日期", "备注")
FULL = ("1-1-101", "张三", phone_of(1), id_of(1), 89.5, "2015-06-01", "常年出差")


def answering(**answers):
    """Return choices that answer the row of that number: row_2="7"."""
    return Choices(answers={("表", int(row.removeprefix("row_"))): said for row, said in answers.items()})


# ---- modes


def test_filling_writes_only_where_there_is_nothing():
    state = state_after(SHEET, ("1-1-101", "张三", None, None, 89.5, None, None))
    plan = planned_rows(
        SHEET, ("1-1-101", "张三", phone_of(2), id_of(2), 90, "2020-01-01", "甲"), state=state, choices=FILL
    )
    assert changes(plan) == [
        ("units", "1-1-101", "交房日期", "", "2020-01-01"),
        ("units", "1-1-101", "备注", "", "甲"),
        ("units", "1-1-101", "交房状态", "未交房", "已交房"),
        ("owners", "张三", "电话", "", phone_of(2)),
        ("owners", "张三", "证件号", "", id_of(2)),
    ]


def test_filling_changes_nothing_that_is_full():
    state = state_after(SHEET, FULL)
    other = ("1-1-101", "张三", phone_of(2), None, 90, "2020-01-01", "乙")
    assert planned_rows(SHEET, other, state=state, choices=FILL).is_empty


def test_filling_leaves_the_owners_of_a_unit_alone_and_says_so():
    state = state_after(SHEET, FULL)
    plan = planned_rows(SHEET, ("1-1-101", "李四", phone_of(2)), state=state, choices=FILL)
    assert plan.is_empty
    assert any("只补空白" in notice for notice in plan.notices)


def test_filling_gives_an_owner_to_a_unit_that_has_none():
    state = state_after(SHEET, ("1-1-101", None))
    plan = planned_rows(SHEET, ("1-1-101", "李四", phone_of(2)), state=state, choices=FILL)
    assert brought(plan, "ownerships") == [("new", "1-1-101 李四")]


def test_replacing_erases_what_the_file_leaves_blank_in_a_column_it_has():
    state = state_after(SHEET, FULL)
    plan = planned_rows(SHEET, ("1-1-101", "张三"), state=state, choices=REPLACE)
    after = carried_out(state, plan)
    unit, owner = after.units["1-1-101"], after.owners[0]
    assert (unit.area, unit.handed_over_on, unit.note) == (None, None, None)
    assert (owner.phone, owner.id_number) == (None, None)
    assert unit.handover_state is HandoverState.HANDED_OVER


def test_replacing_leaves_alone_what_the_file_has_no_column_for():
    state = state_after(SHEET, FULL)
    assert planned_rows(("房号", "业主姓名"), ("1-1-101", "张三"), state=state, choices=REPLACE).is_empty


def test_a_placeholder_is_no_blank_and_erases_nothing():
    state = state_after(SHEET, FULL)
    row = ("1-1-101", "张三", "18999999999", "111111111111111111", 89.5, "2015-06-01", "常年出差")
    assert planned_rows(SHEET, row, state=state, choices=REPLACE).is_empty


def test_replacing_takes_the_phones_of_the_file_for_all_there_are():
    state = state_after(SHEET, ("1-1-101", "张三", f"{phone_of(1)}、配偶：{phone_of(2)}"))
    after = carried_out(state, planned_rows(SHEET, ("1-1-101", "张三", phone_of(3)), state=state, choices=REPLACE))
    assert (after.owners[0].phone, after.owners[0].other_phones) == (phone_of(3), None)


def test_replacing_ends_a_co_owner_whom_the_file_no_longer_names():
    state = state_after(SHEET, ("1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}"))
    plan = planned_rows(SHEET, ("1-1-101", "李四", phone_of(2)), state=state, choices=REPLACE)
    [left] = carried_out(state, plan).ownerships
    assert (left.share, left.is_payer) == (Decimal(1), True)
    assert ("ownerships", "1-1-101 张三", "结束日期", "", str(TODAY - dt.timedelta(days=1))) in changes(plan)


@pytest.mark.parametrize("mode", list(ImportMode))
def test_what_a_mode_has_done_it_does_not_do_again(mode):
    state = state_after(SHEET, FULL, ("1-1-102", "王五"))
    rows = [("1-1-101", "张三、李四", phone_of(5), None, 70, None, "乙"), ("1-1-103", "赵六", phone_of(6))]
    choices = Choices(mode=mode)
    state = carried_out(state, planned_rows(SHEET, *rows, state=state, choices=choices))
    assert planned_rows(SHEET, *rows, state=state, choices=choices).is_empty


# ---- what is missing from the file


def test_what_is_missing_is_counted_and_left_alone():
    state = state_after(SHEET, FULL, ("1-1-102", "李四、王五"))
    plan = planned_rows(SHEET, FULL, state=state)
    assert plan.missing == {"units": 1, "ownerships": 2, "occupants": 0}
    assert plan.is_empty


def test_what_is_missing_ends_on_the_day_people_chose():
    state = state_after(SHEET, FULL, ("1-1-102", "李四、王五"))
    last = dt.date(2026, 10, 31)
    plan = planned_rows(SHEET, FULL, state=state, choices=Choices(ends_on=last))
    assert {change[2:] for change in changes(plan)} == {("结束日期", "", "2026-10-31")}
    assert [(row.sheet, row.name, row.people) for row in plan.rows if not row.is_in_file] == [
        (NOT_IN_FILE, "1-1-102", "李四、王五")
    ]
    assert plan.counts["rows"]["read"] == 1
    assert plan.missing["ownerships"] == 2
    after = carried_out(state, plan)
    assert len(after.ownerships) == 1
    assert len(after.units) == 2


def test_a_co_owner_whom_the_file_does_not_name_is_missing_too_and_the_other_pays():
    state = state_after(SHEET, ("1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}"))
    row = ("1-1-101", "李四", phone_of(2))
    assert planned_rows(SHEET, row, state=state).missing["ownerships"] == 1
    after = carried_out(state, planned_rows(SHEET, row, state=state, choices=Choices(ends_on=TODAY)))
    assert [(one.share, one.is_payer) for one in after.ownerships] == [(Decimal(1), True)]


def test_an_ownership_that_is_missing_never_ends_before_it_began():
    state = state_after((*SHEET, "产权登记日期"), ("1-1-101", "张三", None, None, None, None, None, "2026-11-01"))
    plan = planned_rows(SHEET, ("1-1-102", "李四"), state=state, choices=Choices(ends_on=dt.date(2026, 1, 1)))
    assert ("ownerships", "1-1-101 张三", "结束日期", "", "2026-11-01") in changes(plan)


def test_a_unit_whose_row_is_refused_is_not_missing():
    state = state_after(SHEET, FULL)
    refused = ("1-1-101", "张三", "不是电话")
    plan = planned_rows(SHEET, refused, ("1-1-102", "李四"), state=state, choices=Choices(ends_on=TODAY))
    assert plan.missing["ownerships"] == 0
    assert not changes(plan)


def test_nothing_ends_while_a_row_may_be_about_any_unit():
    state = state_after(SHEET, FULL)
    plan = planned_rows(SHEET, ("看不懂", "张三"), ("1-1-102", "李四"), state=state, choices=Choices(ends_on=TODAY))
    assert not changes(plan)
    assert any("看不出是哪套房" in notice for notice in plan.notices)


def test_an_end_that_is_held_back_comes_as_a_conflict():
    state = state_after(SHEET, FULL, ("1-1-102", "李四"))
    choices = Choices(ends_on=TODAY)
    [gone] = [row for row in planned_rows(SHEET, FULL, state=state, choices=choices).rows if not row.is_in_file]
    held = {(gone.sheet, gone.row): fault("conflict_changed")}
    plan = planned_rows(SHEET, FULL, state=state, choices=choices, held=held)
    assert plan.is_empty
    assert [(row.sheet, row.outcome) for row in plan.rows][1:] == [(NOT_IN_FILE, Outcome.CONFLICT)]
    assert plan.refused[0].sentence.startswith("「1-1-102」：")


def test_occupants_are_missing_only_where_the_file_has_a_column_of_them():
    living = ("房号", "业主姓名", "住户姓名")
    state = state_after(living, ("1-1-101", "张三", "赵六"), ("1-1-102", "李四", "孙七"))
    assert planned_rows(SHEET, FULL, state=state).missing["occupants"] == 0
    plan = planned_rows(living, ("1-1-101", "张三", None), state=state, choices=Choices(ends_on=TODAY))
    assert plan.missing == {"units": 1, "ownerships": 1, "occupants": 2}
    assert not carried_out(state, plan).occupants


# ---- whom a row in doubt means


def candidates(plan, row=2):
    [found] = [one.candidates for one in plan.rows if one.row == row]
    return dict(found)


def two_of_one_name():
    return RosterState(owners=[OwnerState(number, "张三", phone=phone_of(1)) for number in (7, 8)])


def test_a_row_in_doubt_offers_whom_it_may_mean_and_somebody_new():
    plan = planned_rows(SHEET, ("1-1-101", "张三", phone_of(1)), state=two_of_one_name())
    assert candidates(plan).keys() == {"7", "8", "new"}
    assert phone_of(1) not in candidates(plan)["7"]
    assert phone_of(1)[-4:] in candidates(plan)["7"]


def test_an_answer_says_whom_a_row_means():
    plan = planned_rows(SHEET, ("1-1-101", "张三", phone_of(1)), state=two_of_one_name(), choices=answering(row_2="8"))
    after = carried_out(two_of_one_name(), plan)
    assert [ownership.owner_id for ownership in after.ownerships] == [8]


def test_an_answer_may_be_somebody_new():
    plan = planned_rows(
        SHEET, ("1-1-101", "张三", phone_of(1)), state=two_of_one_name(), choices=answering(row_2="new")
    )
    assert plan.counts["owners"]["new"] == 1


@pytest.mark.parametrize("answer", ["99", "", "@2.0@x", "NEW", "八", "9"])
def test_an_answer_that_is_no_candidate_answers_nothing(answer):
    stranger = OwnerState(9, "王五", phone=phone_of(9))
    state = RosterState(owners=[*two_of_one_name().owners, stranger])
    plan = planned_rows(SHEET, ("1-1-101", "张三", phone_of(1)), state=state, choices=answering(row_2=answer))
    assert plan.counts["rows"]["conflict"] == 1


def test_an_id_under_another_name_is_that_person_renamed_where_people_say_so():
    state = state_after(SHEET, FULL)
    owner = str(state.owners[0].id)
    row = ("1-1-101", "张叁", None, id_of(1))
    doubtful = planned_rows(SHEET, row, state=state)
    assert candidates(doubtful).keys() == {owner, "new"}
    plan = planned_rows(SHEET, row, state=state, choices=answering(row_2=owner))
    assert changes(plan) == [("owners", "张三", "姓名", "张三", "张叁")]
    after = carried_out(state, plan)
    assert planned_rows(SHEET, row, state=after).is_empty


def test_an_id_of_somebody_else_is_not_given_to_somebody_new():
    state = state_after(SHEET, FULL)
    plan = planned_rows(SHEET, ("1-1-102", "李四", None, id_of(1)), state=state, choices=answering(row_2="new"))
    after = carried_out(state, plan)
    assert [(owner.name, owner.id_number) for owner in after.owners] == [("张三", id_of(1)), ("李四", None)]


def test_another_id_of_the_same_person_is_corrected_where_people_say_so():
    state = state_after(SHEET, FULL)
    owner = str(state.owners[0].id)
    row = ("1-1-101", "张三", phone_of(1), id_of(2))
    assert candidates(planned_rows(SHEET, row, state=state)).keys() == {owner, "new"}
    plan = planned_rows(SHEET, row, state=state, choices=answering(row_2=owner))
    assert changes(plan) == [("owners", "张三", "证件号", id_of(1), id_of(2))]


def test_somebody_the_file_itself_names_can_be_the_answer():
    rows = [("1-1-101", "张三", None, id_of(1)), ("1-1-102", "李四", None, id_of(1))]
    plan = planned_rows(SHEET, *rows)
    [same, _] = candidates(plan, row=3)
    answered = planned_rows(SHEET, *rows, choices=answering(row_3=same))
    assert answered.counts["owners"]["new"] == 1
    assert answered.counts["ownerships"]["new"] == 2


def test_two_owners_in_doubt_in_one_row_are_answered_one_after_the_other():
    names = [(7, "张三", 1), (8, "张三", 1), (9, "李四", 2), (10, "李四", 2)]
    state = RosterState(owners=[OwnerState(number, name, phone=phone_of(phone)) for number, name, phone in names])
    row = ("1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}")
    assert candidates(planned_rows(SHEET, row, state=state)).keys() == {"7", "8", "new"}
    second = planned_rows(SHEET, row, state=state, choices=answering(row_2="8"))
    assert candidates(second).keys() == {"8/9", "8/10", "8/new"}
    plan = planned_rows(SHEET, row, state=state, choices=answering(row_2="8/9"))
    assert {one.owner_id for one in carried_out(state, plan).ownerships} == {8, 9}


def test_a_conflict_that_is_no_question_of_identity_offers_nobody():
    plan = planned_rows(SHEET, ("1-1-101", "张三", None, None, 89.5), ("1-1-101", "李四", None, None, 90))
    assert plan.rows[1].outcome is Outcome.CONFLICT
    assert not plan.rows[1].candidates


def test_namesakes_are_different_people_and_people_are_told():
    state = state_after(SHEET, FULL)
    plan = planned_rows(SHEET, ("1-1-102", "张三"), ("1-1-103", "李四"), state=state)
    assert plan.counts["owners"]["new"] == 2
    assert [notice for notice in plan.notices if notice.startswith("有 1 位新业主与另一位业主同名")]


# ---- rows of our own export


EXPORTED = ("房号", "业主姓名", "联系电话", "身份证号", "系统业主号")


def test_the_number_of_an_owner_tells_two_of_one_name_apart():
    plan = planned_rows(EXPORTED, ("1-1-101", "张三", phone_of(1), None, 8), state=two_of_one_name())
    assert [one.owner_id for one in carried_out(two_of_one_name(), plan).ownerships] == [8]


def test_the_number_with_the_same_phone_renames_the_owner():
    state = state_after(SHEET, FULL)
    number = state.owners[0].id
    plan = planned_rows(EXPORTED, ("1-1-101", "张叁", phone_of(1), None, number), state=state)
    assert changes(plan) == [("owners", "张三", "姓名", "张三", "张叁")]


def test_the_number_with_nothing_else_the_same_is_a_question():
    state = state_after(SHEET, FULL)
    number = state.owners[0].id
    plan = planned_rows(EXPORTED, ("1-1-101", "李四", phone_of(2), None, number), state=state)
    assert [cell.code for cell in plan.refused] == ["conflict_owner_number"]
    assert candidates(plan).keys() == {str(number), "new"}


def test_a_number_the_office_does_not_know_says_nothing():
    plan = planned_rows(EXPORTED, ("1-1-101", "张三", phone_of(1), None, 999))
    assert plan.counts["owners"]["new"] == 1


# ---- occupants


LIVING = ("房号", "业主姓名", "住户姓名", "住户电话", "与业主关系")


def test_occupants_come_with_their_phones_and_how_they_stand_to_the_owner():
    state = state_after(
        LIVING,
        ("1-1-101", "张三", "赵六、孙七", f"{phone_of(6)}、{phone_of(7)}", "租户"),
        ("1-1-102", "李四", "李四", None, None),
    )
    assert [(one.name, one.phone, one.relation) for one in state.occupants] == [
        ("赵六", phone_of(6), OccupantRelation.RENTER),
        ("孙七", phone_of(7), OccupantRelation.RENTER),
        ("李四", None, OccupantRelation.OWNER),
    ]


def test_an_occupants_phone_is_updated_and_nobody_leaves_for_it():
    state = state_after(LIVING, ("1-1-101", "张三", "赵六", phone_of(6), "租户"))
    plan = planned_rows(LIVING, ("1-1-101", "张三", "赵六", phone_of(8), None), state=state)
    assert changes(plan) == [("occupants", "1-1-101 赵六", "电话", phone_of(6), phone_of(8))]


def test_a_new_tenant_stands_beside_the_old_until_the_file_replaces():
    state = state_after(LIVING, ("1-1-101", "张三", "赵六", phone_of(6), "租户"))
    row = ("1-1-101", "张三", "孙七", phone_of(7), "租户")
    assert len(carried_out(state, planned_rows(LIVING, row, state=state)).occupants) == 2
    [left] = carried_out(state, planned_rows(LIVING, row, state=state, choices=REPLACE)).occupants
    assert left.name == "孙七"


def test_filling_adds_no_occupant_where_somebody_lives():
    state = state_after(LIVING, ("1-1-101", "张三", "赵六", None, "租户"))
    plan = planned_rows(LIVING, ("1-1-101", "张三", "孙七", None, "租户"), state=state, choices=FILL)
    assert plan.is_empty


def test_a_phone_of_an_occupant_without_a_name_is_refused():
    plan = planned_rows(LIVING, ("1-1-101", "张三", None, phone_of(6), None))
    assert [cell.code for cell in plan.refused] == ["occupant_missing"]
