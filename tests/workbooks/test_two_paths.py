"""Together or row by row: in offices and rosters drawn by chance both ways read, plan and write the same."""

import random
from dataclasses import replace
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Text, func, select
from sqlalchemy import cast as cast_to

import make
from audit.models import AuditEntry
from importers import undo
from importers.apply import apply, preview, unpacked
from importers.batches import decide
from importers.faults import fault
from importers.plan import NOT_IN_FILE
from importers.roster.plain import PlainRow
from tenant.errors import Refusal
from tenant.models import Building, Estate, Occupant, Owner, Ownership, Section, Unit
from tenant.rules.terms import ImportState, Role
from workbooks import chance as drawing
from workbooks.builders import saved
from workbooks.pure import ROSTER, TODAY, carried_out
from workbooks.rows import nothing_plain
from workbooks.test_plain_rows import contents, said

SEEDS = st.integers(0, 2**40)


def read(sheets):
    """Return the records of sheets, what of them was skipped, and how many dummy numbers were met."""
    readers = [sheet.reader() for sheet in sheets]
    records = [record for reader in readers for record in reader.records()]
    return records, [reader.skipped for reader in readers], [reader.placeholders for reader in readers]


def both_ways(sheets):
    together = read(sheets)
    with nothing_plain():
        alone = read(sheets)
    assert not any(isinstance(record, PlainRow) for record in alone[0])
    return together, alone


def everything(state):
    """All that stands in a state, whatever the ids and the order."""
    numbers = {unit.id: unit.number for unit in state.units.values()}
    living = sorted(repr((numbers[one.unit_id], one[2:])) for one in state.occupants)
    return contents(state), sorted(repr(owner[1:]) for owner in state.owners), living


def drawn(seed):
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    state = drawing.state_drawn(chance)
    return chance, state, drawing.sheets_drawn(chance, state)


@settings(max_examples=400)
@given(SEEDS)
def test_what_is_read_together_is_planned_as_what_is_read_row_by_row(seed):
    chance, state, sheets = drawn(seed)
    (quick, *met), (slow, *met_slowly) = both_ways(sheets)
    assert ([one.place for one in quick], met) == ([one.place for one in slow], met_slowly)
    choices = drawing.choices_drawn(chance)
    held = {one.place: fault("conflict_changed") for one in slow if chance.random() < 0.05}
    plan = ROSTER.plan(slow, state, TODAY, choices, held)
    answers = {(row.sheet, row.row): chance.choice(row.candidates)[0] for row in plan.rows if row.candidates}
    if chance.random() < 0.5:
        choices = replace(choices, answers=answers)
        plan = ROSTER.plan(slow, state, TODAY, choices, held)
    same = ROSTER.plan(quick, state, TODAY, choices, held)
    assert said(same) == said(plan)
    assert same.rows.outcomes() == plan.rows.outcomes()
    assert same.rows.outcomes(in_file=True) == plan.rows.outcomes(in_file=True)
    assert everything(carried_out(state, same)) == everything(carried_out(state, plan))


def test_chance_draws_rows_of_every_fate():
    """Else the other tests would say nothing of the quick way."""
    new = same = weighed = 0
    for seed in range(400):
        _, state, sheets = drawn(seed)
        records, *_ = read(sheets)
        plan = ROSTER.plan(records, state, TODAY)
        new, same = new + len(plan.drafts.arrivals), same + plan.rows._found.same
        weighed += len(plan.rows._found.weighed)
    assert min(new, same) > 20
    assert weighed > 300


# ---- on a real database


def furnished(session, office, state):
    """Put what was drawn into an office; return owner as drawn → id."""
    estate = session.scalar(select(Estate))
    if state.estates > 1:
        make.estate(session, office.id, name="二期")
    buildings = {
        code: make.building(session, office.id, code=code, name=f"{code}栋", estate=estate)
        for code in sorted(state.buildings)
    }
    units = {one.id: _stood(session, office, one, buildings) for one in state.units.values()}
    owners = {one.id: make.owner(session, office.id, **_named(one, 1)) for one in state.owners}
    for one in state.ownerships:
        terms = {"share": one.share, "is_payer": one.is_payer, "from_on": one.from_on}
        make.ownership(session, units[one.unit_id], owners[one.owner_id], **terms)
        make.ownership(
            session, units[one.unit_id], owners[1], share=1, from_on=date(2001, 1, 1), to_on=date(2002, 1, 1)
        )
    for one in state.occupants:
        session.add(Occupant(office_id=office.id, unit_id=units[one.unit_id].id, **_named(one, 2)))
    session.flush()
    return {number: owner.id for number, owner in owners.items()}


def _named(one, first):
    return dict(zip(one._fields[first:-1], one[first:-1], strict=True))


def _stood(session, office, one, buildings):
    building, *between, room = ("", *one.number.split("-"))[-3:] if "-" in one.number else ("", one.number)
    building = building or one.number.split("-")[0]
    within, section = buildings.get(building), None
    if between and within:
        known = select(Section).where(Section.building_id == within.id)
        section = session.scalar(known) or make.section(session, office.id, building=within)
    standing = {"room": room, "building": within, "section": section, **_named(one, 1)}
    known = session.scalar(select(Unit).where(Unit.number == one.number))
    for name, value in standing.items() if known else ():
        setattr(known, name, value)
    return known or make.unit(session, office.id, **standing)


def file_of(sheets, owners):
    """Return a workbook of the sheets; what it says of owners' numbers is true of the owners there are."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        at = sheet.columns.index("own_number") if "own_number" in sheet.columns else None
        for row in sheet.table:
            page.append([owners.get(value, value) if place == at else value for place, value in enumerate(row)])
    return saved(book)


CALLED = {
    Estate: ("name",),
    Building: ("code",),
    Section: ("building_id", "code"),
    Unit: ("number",),
    Owner: ("name", "kind", "phone", "other_phones", "id_number", "email"),
    Ownership: ("unit_id", "owner_id", "from_on", "to_on"),
    Occupant: ("unit_id", "name", "phone", "to_on"),
}
"""Model → what its rows are called by, whatever their numbers."""


def left_in(session):
    """All that an office holds, and all that is on record of it."""
    session.expire_all()
    names: dict[str, dict[int, str]] = {}
    tables = {}
    for model, called in CALLED.items():
        columns = set(model.__table__.columns.keys()) - {"version", "created_at"}
        rows = [{name: getattr(one, name) for name in columns} for one in session.scalars(select(model))]
        tables[model.__tablename__] = sorted(str(_nameless(row, names)) for row in rows)
        names[model.__tablename__] = {
            row["id"]: str(list(_nameless({name: row[name] for name in called}, names).values())) for row in rows
        }
    here = cast_to(cast_to(func.pg_current_xact_id(), Text), BigInteger)
    record = [
        (
            one.verb,
            names[one.subject_kind].get(one.subject_id),
            _nameless(one.before, names),
            _nameless(one.after, names),
        )
        for one in session.scalars(select(AuditEntry).where(AuditEntry.xid == here))
        if one.subject_kind in names
    ]
    return tables, sorted(map(str, record))


def _nameless(row, names):
    """Return a row without its own number, and with what the numbers in it stand for."""
    return row and {
        name: names[name.removesuffix("_id")].get(value, value) if name.removesuffix("_id") in names else value
        for name, value in sorted(row.items())
        if name not in {"id", "office_id"}
    }


def shown(batch):
    """Return what a preview says, without the numbers of what the office has."""
    kept = unpacked(batch)
    rows = [row | {"candidates": [words for _, words in row.get("candidates", ())]} for row in kept["rows"]]
    rows = sorted((row | {"row": 0} if row["sheet"] == NOT_IN_FILE else row for row in rows), key=str)
    return batch.state, batch.counts, rows, kept["notices"], [cell for cell in kept["refused"] if cell["column"]]


def carried_out_in(database, cast, seed):
    """Import two files drawn by chance, one after the other, and take back the second; return what came of each."""
    chance, state, sheets = drawn(seed)
    seen, batch = [], None
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        owners = furnished(session, cast.north.office, state)
        for content in (file_of(sheets, owners), file_of(drawing.sheets_drawn(chance, state), owners)):
            try:
                batch = preview(session, cast.north.office, "roster", "名册.xlsx", content)
            except Refusal as refused:
                seen.append((refused.message,))
                continue
            if batch.state is ImportState.PREVIEWED:
                batch = decide(session, batch.id, drawing.choices_drawn(chance))
            seen.append(shown(batch))
            before = left_in(session)[0]
            if batch.state is ImportState.PREVIEWED:
                apply(session, batch.id)
                seen.append(left_in(session))
        if batch and batch.state is ImportState.APPLIED:
            undo.undo(session, batch.id)
            assert left_in(session)[0] == before
    return seen


@pytest.mark.parametrize("seed", range(8))
def test_both_ways_leave_the_same_rows_and_the_same_record(database, cast, seed):
    together = carried_out_in(database, cast, seed)
    with nothing_plain():
        alone = carried_out_in(database, cast, seed)
    for one, other in zip(together, alone, strict=True):
        for part, twin in zip(one, other, strict=True):
            assert part == twin
