"""Questions of money sheets: one answer serves all rows alike, and a due date that moved is one charge."""

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from importers import batches, undo
from importers.apply import apply, preview
from importers.choices import Choices
from importers.reading import read
from importers.sheets import kind_named
from tenant.models import Charge
from tenant.rules.terms import Role
from workbooks.builders import workbook

SHEET = "业主名册"
HEAD = {
    "arrears": ["房号", "业主", "收费项目", "费用期间", "应缴日", "应收金额", "已缴金额"],
    "payments": ["收据号", "房号", "缴费人", "金额", "收款日期", "收款方式"],
}


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def sold(north, cast):
    """A flat that 旧主 sold to 新主 at the turn of 2025."""
    unit = make.unit(north, cast.north.id, number="7-1-301")
    make.ownership(north, unit, make.owner(north, cast.north.id, name="旧主"), to_on=dt.date(2024, 12, 31))
    make.ownership(north, unit, make.owner(north, cast.north.id, name="新主"), from_on=dt.date(2025, 1, 1))
    return unit


@pytest.fixture
def shared(north, cast):
    """A flat of 何欠, who owes 300 for each of January to March, and of 何妻, who owes nothing."""
    unit = make.unit(north, cast.north.id, number="7-1-302")
    owner = make.owner(north, cast.north.id, name="何欠")
    make.ownership(north, unit, owner, share=Decimal("0.5"))
    make.ownership(north, unit, make.owner(north, cast.north.id, name="何妻"), is_payer=False, share=Decimal("0.5"))
    kind = make.charge_type(north, cast.north.id, name="物业服务费")
    for month in (1, 2, 3):
        day = dt.date(2026, month, 1)
        period = {"period_from": day, "period_to": day.replace(day=28)}
        make.charge(north, unit, owner, day, charge_type=kind, amount=Decimal(300), **period)
    return unit


def planned(session, cast, kind, *rows, **choices):
    """Plan a sheet against the books as they are, on 2026-11-21."""
    sheet = kind_named(kind)
    records = read(workbook(HEAD[kind], *rows), "账.xlsx", sheet).records
    return sheet.plan(records, sheet.load(session, cast.north.office), dt.date(2026, 11, 21), Choices(**choices))


def owed(session, cast, *rows, **choices):
    return planned(session, cast, "arrears", *rows, **choices)


def paid(session, cast, *rows, **choices):
    return planned(session, cast, "payments", *rows, **choices)


def posted(session, unit):
    found = select(Charge).where(Charge.unit_id == unit.id).order_by(Charge.id)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def codes(plan):
    return [(cell.row, cell.code) for cell in plan.refused]


def test_one_answer_serves_every_row_of_that_unit_and_name(north, cast, sold):
    rows = [["7-1-301", "路人甲", "物业服务费", f"2026-{month:02}", None, 300, None] for month in (1, 2, 3)]
    other = ["7-1-301", "路人乙", "电梯费", "2026-01", None, 30, None]
    assert [row for row, _ in codes(owed(north, cast, *rows, other))] == [2, 3, 4, 5]
    old = next(said for said, name in owed(north, cast, *rows).rows[0].candidates if name.startswith("旧主"))
    plan = owed(north, cast, *rows, other, answers={(SHEET, 3): old})
    assert [row.people for row in plan.rows] == ["旧主", "旧主", "旧主", "路人乙"]
    assert [row for row, _ in codes(plan)] == [5]
    assert any("2 行与您答复过的行是同一套房、同一姓名" in notice for notice in plan.notices)
    new = next(said for said, name in owed(north, cast, *rows).rows[0].candidates if name.startswith("新主"))
    plan = owed(north, cast, *rows, answers={(SHEET, 2): new, (SHEET, 3): old})
    assert [row for row, _ in codes(plan)] == [4], "two answers that differ say nothing of a third row"


def test_a_due_date_put_right_without_a_period_is_asked_about_and_not_posted_twice(north, cast, sold):
    row = ["7-1-301", None, "装修垃圾费", None, "2026-01-10", 300, None]
    apply(north, preview(north, cast.north.office, "arrears", "欠费.xlsx", workbook(HEAD["arrears"], row)).id)
    later = [*row[:4], "2026-01-15", *row[5:]]
    asked = owed(north, cast, later)
    assert codes(asked) == [(2, "conflict_charge_moved")]
    (same, words), (another, _) = asked.rows[0].candidates
    assert "2026-01-10" in words
    assert owed(north, cast, row, later).counts["charges"] == {"new": 1, "changed": 0, "same": 1}
    assert owed(north, cast, [*row[:4], "2026-02-10", *row[5:]]).counts["charges"]["new"] == 1, "next month"
    assert owed(north, cast, later, answers={(SHEET, 2): another}).counts["charges"]["new"] == 1
    batch = preview(north, cast.north.office, "arrears", "欠费.xlsx", workbook(HEAD["arrears"], later))
    decided = batches.decide(north, batch.id, Choices(answers={(SHEET, 2): same}))
    assert decided.counts["charges"] == {"new": 0, "changed": 1, "same": 0}
    apply(north, batch.id)
    (charge,) = posted(north, sold)
    assert (charge.due_on, charge.period_from, charge.period_to) == (dt.date(2026, 1, 15),) * 3
    assert owed(north, cast, later).is_empty
    undo.undo(north, batch.id)
    (charge,) = posted(north, sold)
    assert (charge.due_on, charge.period_from) == (dt.date(2026, 1, 10),) * 2


def test_a_co_owner_who_pays_for_another_is_asked_about_once(north, cast, shared):
    rows = [[f"K{n}", "7-1-302", "何妻", 300, f"2026-04-{n + 1:02}", "现金"] for n in range(3)]
    asked = paid(north, cast, *rows)
    assert codes(asked) == [(row, "conflict_overpaid") for row in (2, 3, 4)]
    said = next(said for said, words in asked.rows[0].candidates if "何欠" in words)
    plan = paid(north, cast, *rows, answers={(SHEET, 3): said})
    assert (plan.refused, [row.people for row in plan.rows]) == ([], ["何欠"] * 3)
    assert any("2 行与您答复过的行" in notice for notice in plan.notices)
    more = [*rows, ["K3", "7-1-302", "何妻", 300, "2026-04-09", "现金"]]
    left = codes(paid(north, cast, *more, answers={(SHEET, 3): said}))
    assert left == [(5, "conflict_overpaid")], "by then all is paid"
