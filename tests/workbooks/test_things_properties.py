"""Whatever a ledger or a meter sheet says: carried out, it leaves nothing to do, and nothing that cannot be."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import count, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from importers.choices import Choices
from importers.plan import Outcome
from importers.sheets import kind_named
from importers.things.drafts import Link
from importers.things.meter_state import MetersState, MeterState, ReadingState
from importers.things.parking_state import LeaseState, ParkingState, SpaceState, VehicleState
from tenant.rules.meters import counted
from tenant.rules.parking import LeaseTerm
from tenant.rules.terms import ImportMode
from workbooks.things import records_of

PARKING, METERS = kind_named("parking"), kind_named("meters")
TODAY = dt.date(2026, 11, 21)
UNITS = {"1-1-101": 1, "1-1-102": 2}
_ids = count(1_000)


def states_after(drafts, made, key):
    """Return the states of drafts as the database would hold them, beside what each is called there."""
    after = {}
    for draft in drafts:
        if draft.state is None:
            after[key(draft)] = made(next(_ids), draft)
        elif draft.change:
            after[key(draft)] = replace(draft.state, **draft.change)
    return after


def parking_after(state, plan):
    """Return the state after a plan, as the database would hold it."""
    drafts = plan.drafts
    made = states_after(drafts.spaces, lambda row, one: SpaceState(row, one.name, **one.change), lambda one: one.name)
    spaces = {**state.spaces, **made}
    made = states_after(
        drafts.vehicles, lambda row, one: VehicleState(row, one.name, **one.change), lambda one: one.name
    )
    vehicles = {**state.vehicles, **made}
    for lease in drafts.leases:
        named = lease.change.get("vehicle")
        if named is not None:
            lease.change = {**lease.change, "vehicle": Link(vehicles[named.name].id, named.name)}
    made = states_after(
        drafts.leases,
        lambda row, one: LeaseState(row, one.space, **one.change),
        lambda one: one.state.id if one.state else next(_ids),
    )
    leases = {**{lease.id: lease for lease in state.leases}, **made}
    return replace(state, spaces=spaces, vehicles=vehicles, leases=list(leases.values()))


def meters_after(state, plan):
    """Return the state after a plan, as the database would hold it."""
    made = states_after(
        plan.drafts.meters, lambda row, one: MeterState(row, one.kind, one.number, **one.change), lambda one: one
    )
    ids = {draft: made[draft].id if draft in made else draft.state.id for draft in plan.drafts.meters}
    meters = {meter.id: meter for meter in state.meters} | {meter.id: meter for meter in made.values()}
    readings = {meter: {one.read_on: one for one in shown} for meter, shown in state.readings.items()}
    for meter, day, draft in plan.drafts.readings:
        if draft.state is None:
            new = ReadingState(next(_ids), ids[meter], day, **draft.change)
        else:
            new = replace(draft.state, **draft.change)
        readings.setdefault(ids[meter], {})[day] = new
    listed = {meter: list(shown.values()) for meter, shown in readings.items()}
    return MetersState(state.units, list(meters.values()), listed)


def taken(plan, records):
    """Return the records a plan carries out."""
    fates = {(row.sheet, row.row): row.outcome for row in plan.rows}
    return [one for one in records if fates[one.place] not in {Outcome.CONFLICT, Outcome.REFUSED}]


days = st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)).map(str)
modes = st.sampled_from(list(ImportMode))
LEDGER = ["车位号", "车位类别", "房号", "车主", "车牌号", "承租人", "月租", "起租日", "止租日", "备注"]
ledger_rows = st.lists(
    st.tuples(
        st.sampled_from([None, "B1-001", "B1-002", "B1-01"]),
        st.sampled_from([None, "产权车位", "公共车位"]),
        st.sampled_from([None, "1-1-101", "1-1-102", "9-9-909"]),
        st.sampled_from([None, "张三", "李四"]),
        st.sampled_from([None, "粤B7K012", "粤B7K012、粤BD10234", "粤B1"]),
        st.sampled_from([None, "张三", "李四", "王五"]),
        st.sampled_from([None, 300, 350]),
        st.none() | days,
        st.none() | days,
        st.sampled_from([None, "靠近电梯"]),
    ),
    max_size=7,
)
SHEET = ["房号", "表号", "表计种类", "倍率", "满刻度", "上期读数", "上期抄表日期", "本期读数", "抄表日期"]
sheet_rows = st.lists(
    st.tuples(
        st.sampled_from([None, "1-1-101", "1-1-102"]),
        st.sampled_from([None, "W1", "W2"]),
        st.sampled_from([None, "水表", "水表", "电表"]),
        st.sampled_from([None, None, 40]),
        st.sampled_from([None, None, 200]),
        st.none() | st.integers(0, 120),
        st.none() | days,
        st.none() | st.integers(0, 220),
        st.none() | days,
    ),
    max_size=7,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ledger_rows, modes, st.none() | st.just(TODAY)), min_size=1, max_size=3))
def test_a_ledger_carried_out_leaves_nothing_to_do_and_no_space_let_twice(files):
    state = ParkingState(units=UNITS, owners={("1-1-101", "张三"): [7]})
    for rows, mode, ends_on in files:
        records = records_of(PARKING, LEDGER, rows)
        plan = PARKING.plan(records, state, TODAY, Choices(mode=mode, ends_on=ends_on))
        assert [row.outcome for row in plan.rows if row.is_in_file] == [
            {(row.sheet, row.row): row.outcome for row in plan.rows}[one.place] for one in records
        ]
        kept = taken(plan, records)
        state = parking_after(state, plan)
        again = PARKING.plan(kept, state, TODAY, Choices(mode=mode))
        assert again.is_empty, (again.subjects, [row for row in again.rows if row.outcome is not Outcome.SAME])
        for number in state.spaces:
            terms = [LeaseTerm(one.from_on, one.to_on) for one in state.leases if one.space == number]
            assert all(term.to_on is None or term.from_on <= term.to_on for term in terms)
            assert not [one for one in terms for other in terms if one is not other and one.overlaps(other)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(sheet_rows, modes), min_size=1, max_size=3))
def test_a_sheet_carried_out_leaves_nothing_to_do_and_no_meter_running_backwards(files):
    state = MetersState(units=UNITS)
    for rows, mode in files:
        records = records_of(METERS, SHEET, rows)
        plan = METERS.plan(records, state, TODAY, Choices(mode=mode))
        kept = taken(plan, records)
        state = meters_after(state, plan)
        again = METERS.plan(kept, state, TODAY, Choices(mode=mode))
        assert again.is_empty, (again.subjects, again.refused)
        for meter in state.meters:
            shown = sorted(state.readings.get(meter.id, ()), key=lambda one: one.read_on)
            spans = [counted(one.shown, other.shown, meter.full_scale) for one, other in pairwise(shown)]
            assert all(span is not None and span >= Decimal(0) for span in spans)
