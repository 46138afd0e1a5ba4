"""A parking ledger: a new lessee ends the old lease, a doubt is a question, nothing is guessed, and twice is once."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from importers import undo
from importers.apply import apply, preview
from importers.cells import Cell, CellKind, kind_of
from importers.choices import Choices
from importers.faults import CellFault, fault
from importers.plan import NOT_IN_FILE, Outcome
from importers.reading import read
from importers.rooms import UnitKey
from importers.sheets import kind_named
from importers.things.columns import Plate
from importers.things.drafts import Link
from importers.things.parking_state import LeaseState, ParkingState, SpaceState, VehicleState
from tenant.models import ParkingLease, ParkingSpace, Vehicle
from tenant.rules.terms import ImportMode, ParkingKind, Role
from workbooks.builders import workbook
from workbooks.things import held_by, records_of

PARKING = kind_named("parking")
TODAY = dt.date(2026, 11, 21)
HEADER = ["车位号", "车位类型", "房号", "车主", "联系电话", "车牌号", "承租人", "月租", "起租日", "到期日", "备注"]
DAY = dt.timedelta(days=1)
UNITS = {"1-1-101": 1, "1-1-102": 2, "3-2-1501": 3}


def row(space=None, kind=None, room=None, holder=None, plates=None, lessee=None, rent=None, begins=None, ends=None):
    return [space, kind, room, holder, None, plates, lessee, rent, begins, ends, None]


def plan_of(*rows, state=None, choices=None, held=None, header=HEADER):
    records = read(workbook(header, *rows), "车位.xlsx", PARKING).records
    return PARKING.plan(records, state or ParkingState(units=UNITS), TODAY, choices or Choices(), held)


def codes(plan):
    return [(cell.row, cell.code) for cell in plan.refused]


def brought(plan, subject):
    return [
        (fact.outcome.value, fact.name)
        for one in plan.rows
        for fact in one.facts
        if fact.subject == subject and fact.outcome is not Outcome.SAME
    ]


def let(lessee="张三", begins=dt.date(2024, 1, 1), ends=None, **more):
    """A state in which B1-001 is let, beside a space that nobody rents."""
    spaces = {number: SpaceState(place, number) for place, number in enumerate(("B1-001", "B1-002"), 10)}
    lease = LeaseState(50, "B1-001", lessee, begins, ends, **more)
    return ParkingState(units=UNITS, spaces=spaces, leases=[lease])


# ---- cells


@pytest.mark.parametrize(
    ("text", "plates"),
    [
        ("粤B7K012", ["粤B7K012"]),
        ("粤B·7K012、粤BD10234", ["粤B7K012", "粤BD10234"]),
        ("粤B7K012粤BD10234", ["粤B7K012", "粤BD10234"]),
        ("粤B 7K012 / 粤B-D10234", ["粤B7K012", "粤BD10234"]),
        ("粤B7K012\n粤B7K012", ["粤B7K012"]),
        ("粤b7k012（白色）", ["粤B7K012"]),
    ],
)
def test_several_plates_share_a_cell(text, plates):
    found = PARKING.column("plates").clean(Cell(text, kind_of(text), 1, "A"))
    assert [plate.plate for plate in found] == plates


def test_what_stands_in_brackets_beside_a_plate_is_kept():
    [plate] = PARKING.column("plates").clean(Cell("粤B7K012（白色 丰田）", CellKind.TEXT, 1, "A"))
    assert plate == Plate("粤B7K012", "白色 丰田")


@pytest.mark.parametrize("text", ["无", "待上牌", "／", "粤B00000"])
def test_no_plate_and_an_invented_one_are_nothing(text):
    assert PARKING.column("plates").clean(Cell(text, kind_of(text), 1, "A")) is None


@pytest.mark.parametrize(("text", "code"), [("粤BO2345", "plate_lookalike"), ("粤B123", "plate_unreadable")])
def test_what_is_no_plate_says_why(text, code):
    assert PARKING.column("plates").clean(Cell(text, kind_of(text), 1, "A")).code == code


def test_a_space_that_became_a_date_is_refused():
    day = dt.date(2026, 3, 12)
    assert PARKING.column("space").clean(Cell(day, kind_of(day), 1, "A")).code == "space_became_date"


@pytest.mark.parametrize(("text", "rent"), [("300", 300), ("￥300.00元/月", 300), (".5", Decimal("0.5"))])
def test_a_rent_is_so_much_a_month(text, rent):
    assert PARKING.column("rent").clean(Cell(text, kind_of(text), 1, "A")) == rent


@pytest.mark.parametrize("text", ["三百", "-300", "3600/年", "300-500"])
def test_any_other_rent_is_refused(text):
    assert PARKING.column("rent").clean(Cell(text, kind_of(text), 1, "A")).code == "rent_unreadable"


# ---- what a row means


def test_a_row_brings_a_space_its_vehicles_and_its_lease():
    plan = plan_of(row("B1-001", "租赁", "1-1-101", "张三", "粤B7K012、粤BD10234", None, 300, "2026-01-01"))
    assert not plan.refused
    assert brought(plan, "spaces") == [("new", "B1-001")]
    assert brought(plan, "vehicles") == [("new", "粤B7K012"), ("new", "粤BD10234")]
    assert brought(plan, "leases") == [("new", "B1-001 张三")]
    [lease] = plan.drafts.leases
    assert (lease.change["monthly_rent"], lease.change["from_on"]) == (300, dt.date(2026, 1, 1))
    assert lease.change["vehicle"] == Link(None, "粤B7K012")
    assert plan.drafts.spaces[0].change["unit"] is None  # the unit of who rents it, not of the space


def test_an_owned_space_belongs_to_its_unit_and_is_let_to_nobody():
    plan = plan_of(row("B1-001", "产权", "1-1-101", "张三", "粤B7K012"))
    assert plan.drafts.spaces[0].change["unit"] == Link(1, "1-1-101")
    assert plan.counts["leases"] == {"new": 0, "changed": 0, "same": 0}


def test_a_lessee_who_owns_the_unit_is_tied_to_the_owner():
    state = ParkingState(units=UNITS, owners={("1-1-101", "张三"): [7], ("1-1-102", "李四"): [8, 9]})
    rows = [
        row("B1-001", None, "1-1-101", None, None, "张三", 300),
        row("B1-002", None, "1-1-102", None, None, "李四", 1),
    ]
    assert [lease.change["owner"] for lease in plan_of(*rows, state=state).drafts.leases] == [Link(7, "张三"), None]


def test_a_lease_without_a_first_day_begins_on_the_day_of_the_import():
    [lease] = plan_of(row("B1-001", lessee="张三", rent=300)).drafts.leases
    assert lease.change["from_on"] == TODAY


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (row("B1-001", rent=300), "lessee_missing"),
        (row(None, lessee="张三", rent=300, plates="粤B7K012"), "space_missing"),
        (row("B1-001", lessee="张三", begins="2026-05-01", ends="2026-04-01"), "lease_reversed"),
        (row("B1-001", lessee="张三", ends="2025-04-01"), "lease_start_missing"),
        (row("B1-001", room="9-9-909"), "conflict_unit_unknown"),
        (row("B1-001", plates="粤B123"), "plate_unreadable"),
    ],
)
def test_what_a_row_lacks_is_said_on_it(one, code):
    assert codes(plan_of(one, row("B1-009"))) == [(2, code)]


def test_a_unit_without_its_section_is_suggested_and_not_taken():
    [cell] = plan_of(row("B1-001", room="3-1501")).refused
    assert "3-2-1501" in cell.reason


def test_two_ways_of_writing_one_space_are_a_question():
    assert codes(plan_of(row("B1-001"), row("B1-01"))) == [(3, "conflict_space_alike")]
    assert codes(plan_of(row("B1区1"), state=let())) == [(2, "conflict_space_alike")]


def test_a_row_for_each_plate_is_one_space_and_one_lease():
    plan = plan_of(
        row("B1-001", room="1-1-101", plates="粤B7K012", lessee="张三", rent=300),
        row("B1-001", room="1-1-101", plates="粤BD10234", lessee="张三", rent=300),
    )
    assert not plan.refused
    assert [plan.counts[name]["new"] for name in ("spaces", "vehicles", "leases")] == [1, 2, 1]


def test_two_rows_that_disagree_are_a_question():
    rows = [row("B1-001", room="1-1-101", plates="粤B7K012"), row("B1-002", room="1-1-102", plates="粤B7K012")]
    assert codes(plan_of(*rows)) == [(3, "conflict_thing")]


# ---- who rents it now


def test_the_same_lessee_goes_on():
    plan = plan_of(row("B1-001", lessee="张三"), state=let())
    assert plan.is_empty
    assert plan.counts["leases"]["same"] == 1


def test_a_new_lessee_ends_the_old_lease_on_the_day_before():
    plan = plan_of(row("B1-001", lessee="李四", begins="2026-11-01"), state=let())
    assert brought(plan, "leases") == [("changed", "B1-001 张三"), ("new", "B1-001 李四")]
    assert plan.drafts.leases[0].change == {"to_on": dt.date(2026, 10, 31)}
    assert plan.rows[0].is_transfer


def test_the_same_lessee_from_a_later_day_is_a_renewal_and_no_transfer():
    plan = plan_of(row("B1-001", lessee="张三", begins="2026-11-01", rent=350), state=let())
    assert brought(plan, "leases") == [("changed", "B1-001 张三"), ("new", "B1-001 张三")]
    assert not plan.rows[0].is_transfer


def test_a_lease_that_was_over_stays_as_it_was():
    plan = plan_of(row("B1-001", lessee="李四", begins="2026-11-01"), state=let(ends=dt.date(2025, 1, 1)))
    assert brought(plan, "leases") == [("new", "B1-001 李四")]


def test_a_lessee_from_before_the_known_one_is_a_question():
    plan = plan_of(row("B1-001", lessee="李四", begins="2023-01-01"), state=let())
    assert codes(plan) == [(2, "conflict_lease")]
    assert "张三" in plan.refused[0].reason


def test_a_lease_that_one_row_ends_in_the_past_does_not_go_on_in_another():
    rows = [row("B1-001", lessee="张三"), row("B1-001", lessee="张三", ends="2026-01-31")]
    assert codes(plan_of(*rows, state=let())) == [(3, "conflict_thing")]


def test_a_lease_ended_by_a_file_is_the_same_when_the_file_comes_again():
    plan = plan_of(row("B1-001", lessee="张三", ends="2026-01-31"), state=let(ends=dt.date(2026, 1, 31)))
    assert plan.is_empty
    assert not plan.refused


def test_two_lessees_of_one_space_in_one_file_are_a_question():
    rows = [row("B1-001", lessee="李四", begins="2026-01-01"), row("B1-001", lessee="王五", begins="2026-02-01")]
    assert codes(plan_of(*rows)) == [(3, "conflict_lease")]


def test_filling_blanks_leaves_the_lessee_and_every_value_alone():
    choices = Choices(mode=ImportMode.FILL)
    state = let(monthly_rent=None)
    plan = plan_of(row("B1-001", lessee="李四", begins="2026-11-01"), state=state, choices=choices)
    assert plan.is_empty
    filled = plan_of(row("B1-001", "产权", lessee="张三", rent=300), state=state, choices=choices)
    assert [change.label for one in filled.rows for fact in one.facts for change in fact.changes] == ["月租"]


def test_replacing_erases_what_the_file_leaves_blank_under_a_heading_and_nothing_else():
    state = let(monthly_rent=Decimal(300), owner=Link(7, "张三"))
    plan = plan_of(row("B1-001", lessee="张三"), state=state, choices=Choices(mode=ImportMode.REPLACE))
    [lease] = plan.drafts.leases
    assert lease.change == {"monthly_rent": None}


def test_leases_the_file_does_not_name_are_counted_and_left_alone():
    plan = plan_of(row("B1-002", lessee="李四"), state=let())
    assert plan.missing == {"leases": 1}
    assert brought(plan, "leases") == [("new", "B1-002 李四")]


def test_leases_the_file_does_not_name_end_on_the_day_people_choose():
    day = dt.date(2026, 10, 31)
    plan = plan_of(row("B1-002", lessee="李四"), state=let(), choices=Choices(ends_on=day))
    assert plan.drafts.leases[-1].change == {"to_on": day}
    assert [(one.sheet, one.row) for one in plan.rows if not one.is_in_file] == [(NOT_IN_FILE, 50)]
    assert plan.counts["rows"]["read"] == 1
    assert plan.counts["leases"] == {"new": 1, "changed": 1, "same": 0}


def test_a_list_of_spaces_alone_ends_no_lease():
    plan = plan_of(["B1-002", "租赁"], state=let(), choices=Choices(ends_on=TODAY), header=HEADER[:2])
    assert plan.missing == {"leases": 0}
    assert plan.is_empty


def test_the_lease_of_a_refused_row_is_not_missing():
    plan = plan_of(row("B1-001", plates="粤B123"), row("B1-002"), state=let(), choices=Choices(ends_on=TODAY))
    assert plan.missing == {"leases": 0}


def test_while_a_refused_row_may_be_about_any_space_no_lease_ends():
    rows = [row("B1-002", lessee="李四"), row("看不清", lessee="王五")]
    plan = plan_of(*rows, state=let(), choices=Choices(ends_on=TODAY))
    assert plan.missing == {"leases": 1}
    assert not [one for one in plan.rows if not one.is_in_file]
    assert any("一个也不止租" in notice for notice in plan.notices)


def test_a_lease_that_was_to_end_and_is_held_back_stays():
    held = {(NOT_IN_FILE, 50): fault("conflict_changed")}
    plan = plan_of(row("B1-002", lessee="李四"), state=let(), choices=Choices(ends_on=TODAY), held=held)
    assert [one.outcome for one in plan.rows if not one.is_in_file] == [Outcome.CONFLICT]
    assert plan.counts["leases"]["changed"] == 0


def test_a_row_held_back_comes_back_as_a_conflict_and_does_nothing():
    held = {("业主名册", 2): fault("conflict_changed")}
    plan = plan_of(row("B1-001", lessee="李四"), state=let(), held=held)
    assert codes(plan) == [(2, "conflict_changed")]
    assert plan.rows[0].outcome is Outcome.CONFLICT
    assert plan.is_empty


def test_a_vehicle_that_moved_shows_from_where_to_where():
    state = ParkingState(units=UNITS, vehicles={"粤B7K012": VehicleState(5, "粤B7K012", Link(2, "1-1-102"))})
    plan = plan_of(row(None, None, "1-1-101", None, "粤B7K012"), state=state)
    assert plan.rows[0].facts[0].changes == (("房屋", "1-1-102", "1-1-101"),)


# ---- everything at once


cells = st.one_of(
    st.none(), st.text(max_size=30), st.integers(-(10**18), 10**18), st.floats(), st.booleans(),
    st.dates(), st.sampled_from(["B1-001", "1-1-101", "张三", "粤B7K012", "300", "2026-01-01", "产权", "无"]),
)  # fmt: skip


@given(st.sampled_from(PARKING.columns), cells)
def test_no_content_of_a_cell_raises(column, value):
    found = column.clean(Cell(value, kind_of(value), 1, "A"))
    assert found is None or isinstance(found, CellFault | str | tuple | Decimal | dt.date | UnitKey | ParkingKind)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(cells, min_size=11, max_size=11), min_size=1, max_size=6), st.sampled_from(list(ImportMode)))
def test_no_rows_make_the_planner_raise_and_each_row_has_one_fate(rows, mode):
    records = records_of(PARKING, HEADER, rows)
    plan = PARKING.plan(records, let(), TODAY, Choices(mode=mode, ends_on=TODAY))
    assert [(one.sheet, one.row) for one in plan.rows if one.is_in_file] == [record.place for record in records]
    counted = [outcome for one in plan.rows for fact in one.facts for outcome in [fact.outcome]]
    assert len(counted) <= sum(sum(counts.values()) for counts in plan.subjects.values())


# ---- written


LEDGER = [
    row("B1-001", "租赁", "1-1-101", "张三", "粤B7K012、粤BD10234", None, 300, "2026-01-01", "2027-12-31"),
    row("B1-002", "产权", "1-1-101", "李四", "粤BAD1234"),
    row("A区 3号", "人防"),
    row(None, None, "1-1-101", None, "粤B8K888"),
]


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def test_a_ledger_is_written_once_and_the_second_time_is_all_the_same(north, cast):
    content = workbook(HEADER, *LEDGER)
    batch = preview(north, cast.north.office, "parking", "车位.xlsx", content)
    assert batch.counts["rows"] == {"read": 4, "refused": 0, "conflict": 0}
    apply(north, batch.id)
    spaces = {space.number: space for space in north.scalars(select(ParkingSpace))}
    assert set(spaces) == {"B1-001", "B1-002", "A区3"}
    assert spaces["B1-002"].unit_id == cast.north.unit.id
    assert spaces["A区3"].kind is ParkingKind.CIVIL_DEFENCE
    vehicles = {vehicle.plate: vehicle for vehicle in north.scalars(select(Vehicle))}
    assert set(vehicles) == {"粤B7K012", "粤BD10234", "粤BAD1234", "粤B8K888"}
    assert vehicles["粤BAD1234"].holder_name == "李四"
    [lease] = north.scalars(select(ParkingLease))
    assert (lease.parking_space_id, lease.vehicle_id) == (spaces["B1-001"].id, vehicles["粤B7K012"].id)
    assert (lease.monthly_rent, lease.to_on) == (Decimal("300.00"), dt.date(2027, 12, 31))
    again = preview(north, cast.north.office, "parking", "车位.xlsx", content)
    assert all(again.counts[name]["new"] == again.counts[name]["changed"] == 0 for name in PARKING.subjects)


def test_a_transfer_is_written_in_one_step(north, cast):
    apply(north, preview(north, cast.north.office, "parking", "1.xlsx", workbook(HEADER, *LEDGER)).id)
    other = row("B1-001", "租赁", None, None, "粤B9K999", "王五", 320, "2026-11-01")
    apply(north, preview(north, cast.north.office, "parking", "2.xlsx", workbook(HEADER, other)).id)
    leases = {lease.lessee_name: lease for lease in north.scalars(select(ParkingLease))}
    assert leases["张三"].to_on == dt.date(2026, 10, 31)
    assert (leases["王五"].from_on, leases["王五"].to_on) == (dt.date(2026, 11, 1), None)
    assert leases["王五"].vehicle.plate == "粤B9K999"


def test_a_ledger_undone_leaves_everything_as_it_was(north, cast):
    apply(north, preview(north, cast.north.office, "parking", "1.xlsx", workbook(HEADER, *LEDGER)).id)
    before = held_by(north, ParkingSpace, Vehicle, ParkingLease)
    rows = [
        row("B1-001", "人防", None, None, "粤B9K999、粤B7K012", "王五", 320, "2026-11-01"),
        row("B1-002", "产权", "1-1-101", "李四", "粤BAD1234", "赵六", 200),
        row("B1-077"),
    ]
    batch = apply(north, preview(north, cast.north.office, "parking", "2.xlsx", workbook(HEADER, *rows)).id)
    assert held_by(north, ParkingSpace, Vehicle, ParkingLease) != before
    assert undo.foresee(north, batch.id).is_exact
    undo.undo(north, batch.id)
    assert held_by(north, ParkingSpace, Vehicle, ParkingLease) == before


def test_a_ledger_sees_nothing_of_another_office(database, cast, north):
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as south:
        state = PARKING.load(south, cast.south.office)
    assert not state.spaces
    assert set(state.units.values()).isdisjoint({cast.north.unit.id})
