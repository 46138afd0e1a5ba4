"""A unit that changes hands: the old ownership ends, the new begins, dated, and is shown as what it is."""

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from importers.apply import apply, preview
from importers.plan import Outcome
from tenant.models import Ownership
from tenant.rules.terms import Role
from workbooks import builders
from workbooks.builders import id_of, phone_of
from workbooks.pure import TODAY, brought, carried_out
from workbooks.rows import changes, planned_rows, state_after

SHEET = ("房号", "业主姓名", "联系电话", "身份证号", "产权登记日期")
OLD = ("1-1-101", "张三", phone_of(1), id_of(1), "2015-06-01")
NEW = ("1-1-101", "李四", phone_of(2), id_of(2), "2026-03-01")


def test_a_transfer_is_marked_as_one():
    plan = planned_rows(SHEET, NEW, ("1-1-102", "王五"), state=state_after(SHEET, OLD))
    assert [row.is_transfer for row in plan.rows] == [True, False]
    assert plan.rows[0].as_json()["is_transfer"] is True
    assert "is_transfer" not in plan.rows[1].as_json()
    assert any("欠费仍记在原业主名下" in notice for notice in plan.notices)


def test_a_first_owner_and_a_further_one_are_no_transfer():
    first = planned_rows(SHEET, OLD)
    both = planned_rows(
        SHEET, ("1-1-101", "张三、李四", f"{phone_of(1)}、{phone_of(2)}"), state=state_after(SHEET, OLD)
    )
    assert not any(row.is_transfer for row in (*first.rows, *both.rows))


def test_the_preview_says_whose_ownership_ends_and_whose_begins_and_when():
    plan = planned_rows(SHEET, NEW, state=state_after(SHEET, OLD))
    ended, begun = [fact for fact in plan.rows[0].facts if fact.subject == "ownerships"]
    assert (ended.name, ended.changes) == ("1-1-101 张三", (("结束日期", "", "2026-02-28"),))
    assert begun.name == "1-1-101 李四"
    assert ("开始日期", "", "2026-03-01") in begun.changes


def test_a_transfer_without_a_day_is_of_the_day_of_the_import():
    state = state_after(SHEET, OLD)
    [begun] = carried_out(state, planned_rows(SHEET, NEW[:4], state=state)).ownerships
    assert begun.from_on == TODAY


def test_each_co_owner_begins_on_their_own_day():
    rows = [("1-1-101", "张三", phone_of(1), None, "2015-06-01"), ("1-1-101", "李四", phone_of(2), None, "2020-01-01")]
    state = state_after(SHEET, *rows)
    assert [one.from_on for one in state.ownerships] == [dt.date(2015, 6, 1), dt.date(2020, 1, 1)]
    assert planned_rows(SHEET, *rows, state=state).is_empty


def test_a_day_that_was_unknown_is_put_in():
    state = state_after(SHEET[:4], OLD[:4])
    plan = planned_rows(SHEET, OLD, state=state)
    assert changes(plan) == [("ownerships", "1-1-101 张三", "开始日期", "", "2015-06-01")]


def test_a_family_that_hands_its_flat_on_keeps_the_shares_the_file_gives():
    state = state_after(SHEET[:3], ("1-1-101", "张三（50%）、王五（50%）", f"{phone_of(1)}、{phone_of(3)}"))
    row = ("1-1-101", "张三（30%）、李四（70%）", f"{phone_of(1)}、{phone_of(2)}")
    after = carried_out(state, planned_rows(SHEET[:3], row, state=state))
    assert [(one.share, one.is_payer) for one in after.ownerships] == [
        (Decimal("0.300000"), True),
        (Decimal("0.700000"), False),
    ]


def test_a_transfer_and_back_again_are_two():
    state = state_after(SHEET[:4], OLD[:4])
    state = carried_out(state, planned_rows(SHEET[:4], NEW[:4], state=state))
    plan = planned_rows(SHEET[:4], OLD[:4], state=state)
    assert brought(plan, "ownerships") == [("changed", "1-1-101 李四"), ("new", "1-1-101 张三")]
    assert plan.counts["owners"]["new"] == 0


def test_a_transfer_carried_out_leaves_nothing_to_do():
    state = state_after(SHEET, OLD)
    after = carried_out(state, planned_rows(SHEET, NEW, state=state))
    plan = planned_rows(SHEET, NEW, state=after)
    assert plan.is_empty
    assert plan.rows[0].outcome is Outcome.SAME
    assert not plan.rows[0].is_transfer


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def test_what_the_old_owner_owes_stays_theirs(north, cast):
    home = make.unit(north, cast.north.id, number="1-1-909")
    seller = make.owner(north, cast.north.id, name="张三", phone=phone_of(91))
    make.ownership(north, home, seller)
    charge = make.charge(north, home, seller, dt.date(2026, 1, 31))
    content = builders.workbook(["房号", "业主姓名", "联系电话"], ["1-1-909", "李四", phone_of(92)])
    apply(north, preview(north, cast.north.office, "roster", "名册.xlsx", content).id)
    north.refresh(charge)
    assert charge.owner_id == seller.id
    held = north.scalars(select(Ownership).where(Ownership.unit_id == home.id).order_by(Ownership.id))
    assert [(one.owner.name, one.to_on is None) for one in held] == [("张三", False), ("李四", True)]
