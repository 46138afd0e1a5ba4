"""What a preview would write is kept with it and, where the office stands as it did, written without reading again."""

import pytest
from sqlalchemy import select

import make
from importers import apply as applying
from importers import script
from importers.apply import apply, preview
from importers.reading import read
from importers.undo import undo
from tenant.models import Occupant, Owner, Ownership, Unit
from tenant.rules.terms import ImportState, Role
from workbooks import builders


@pytest.fixture
def north(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def readings(monkeypatch):
    """How often applying has read its file again."""
    found = []

    def counted(*given):
        found.append(given)
        return read(*given)

    monkeypatch.setattr(applying, "read", counted)
    return found


MADE_ANEW = {"id", "created_at", "building_id", "section_id"}


def contents(session, office_id):
    session.flush()
    return [
        [
            tuple(row)
            for row in session.execute(
                select(*(column for column in model.__table__.c if column.name not in MADE_ANEW))
                .where(model.office_id == office_id)
                .order_by(model.id)
            )
        ]
        for model in (Unit, Owner)
    ]


def test_where_nothing_has_changed_the_file_is_not_read_again(north, cast, readings):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    apply(north, batch.id)
    assert batch.state is ImportState.APPLIED
    assert readings == []
    assert north.scalar(select(Unit.version).where(Unit.number == "3-2-1501")) == 1


def test_what_is_written_so_is_what_planning_again_would_write(north, cast, readings):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    apply(north, batch.id)
    by_script = contents(north, cast.north.id)
    undo(north, batch.id)
    again = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    again.plan_index = {name: kept for name, kept in again.plan_index.items() if name != "script"}
    apply(north, again.id)
    assert len(readings) == 1
    assert contents(north, cast.north.id) == by_script
    assert again.counts == {name: kept for name, kept in batch.counts.items() if name != "undone"}


def standing_alone(session, cast, number):
    """Make a shop without a building: it brings no second estate with it."""
    unit = Unit(office_id=cast.north.id, number=number, room=number)
    session.add(unit)
    session.flush()
    return unit


@pytest.mark.parametrize("what", ["unit", "owner", "ownership", "occupant", "a new unit"])
def test_whatever_has_changed_since_the_file_is_read_and_planned_again(north, cast, readings, what):
    unit = standing_alone(north, cast, "S88")
    owner = make.owner(north, cast.north.id, name="李四")
    ownership = make.ownership(north, unit, owner)
    occupant = Occupant(office_id=cast.north.id, unit_id=unit.id, name="王五")
    north.add(occupant)
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    if what == "unit":
        unit.note = "改过"
    elif what == "owner":
        owner.note = "改过"
    elif what == "ownership":
        ownership.to_on = make.NOON.date()
    elif what == "occupant":
        north.delete(occupant)
    else:
        standing_alone(north, cast, "S89")
    north.flush()
    apply(north, batch.id)
    assert len(readings) == 1
    assert batch.state is ImportState.APPLIED
    assert north.scalar(select(Ownership.id).join(Unit, Unit.id == Ownership.unit_id).where(Unit.number == "3-2-1501"))


def test_what_was_kept_for_another_schema_is_planned_again(north, cast, readings, monkeypatch):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    monkeypatch.setattr(script, "_schema", lambda: "0000")
    apply(north, batch.id)
    assert len(readings) == 1
    assert batch.state is ImportState.APPLIED
