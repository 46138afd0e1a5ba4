"""A written batch taken back: every table is as it was, what others have touched since is listed and left."""

from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from importers import undo
from importers.apply import apply, preview
from tenant.models import Building, ImportBatch, Occupant, Owner, Unit
from tenant.models.base import OfficeScoped
from tenant.rules.terms import ImportState, Role
from workbooks import builders

MACHINERY = {"import_batch", "job", "audit_entry", "audit_seal", "import_layout", "heading_alias"}
BOOKKEEPING = {"version"}


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def sums_of(session):
    """Return table → the rows an office has in it, with all that they hold but the count of their changes."""
    session.expire_all()
    found = {}
    for mapper in OfficeScoped.registry.mappers:
        name = mapper.local_table.name
        if issubclass(mapper.class_, OfficeScoped) and name not in MACHINERY:
            columns = [attr.class_attribute for attr in mapper.column_attrs if attr.key not in BOOKKEEPING]
            found[name] = sorted(map(repr, session.execute(select(*columns))))
    return found


def written(session, cast, content, kind="roster"):
    """Preview and apply a file; return its batch."""
    return apply(session, preview(session, cast.north.office, kind, "名册.xlsx", content).id)


def test_what_was_written_is_gone_again_and_every_table_is_as_it_was(north, cast):
    before = sums_of(north)
    batch = written(north, cast, builders.plain())
    assert sums_of(north) != before
    foreseen = undo.foresee(north, batch.id)
    undone = undo.undo(north, batch.id)
    assert sums_of(north) == before
    assert foreseen.is_exact
    assert foreseen.counts["房屋"] == {"removed": 4, "restored": 0, "kept": 0}
    assert (undone.state, undone.counts["undone"]["kept"]) == (ImportState.UNDONE, 0)
    assert undone.undone_by_id == cast.north.people[Role.OFFICE_ADMIN].id


def test_changed_units_owners_and_transfers_are_as_they_were(north, cast):
    unit = make.unit(north, cast.north.id, number="8-1-101", area=Decimal(80))
    owner = make.owner(north, cast.north.id, name="旧主")
    make.ownership(north, unit, owner)
    before = sums_of(north)
    content = builders.workbook(
        ["房号", "业主姓名", "电话", "面积", "备注"], ["8-1-101", "新主", builders.phone_of(5), 95.5, "换了主人"]
    )
    batch = written(north, cast, content)
    assert undo.foresee(north, batch.id).counts["产权"] == {"removed": 1, "restored": 1, "kept": 0}
    undo.undo(north, batch.id)
    assert sums_of(north) == before


def test_a_row_changed_since_is_listed_and_left_and_the_rest_goes_back(north, cast):
    batch = written(north, cast, builders.plain())
    touched = north.scalar(select(Unit).where(Unit.number == "3-2-1501"))
    touched.note = "物业改过"
    north.flush()
    foreseen = undo.foresee(north, batch.id)
    assert {"what": "房屋 3-2-1501", "why": "导入之后又被修改过"} in foreseen.kept
    assert foreseen.counts["房屋"] == {"removed": 3, "restored": 0, "kept": 1}
    done = undo.undo(north, batch.id)
    assert set(north.scalars(select(Unit.number))) == {"1-1-101", "3-2-1501"}
    assert "3" in set(north.scalars(select(Building.code))), "the unit that stays keeps its building"
    assert set(north.scalars(select(Owner.name))).isdisjoint({"张三"})
    assert undo.left(done) == foreseen.kept


def test_an_owner_others_refer_to_by_now_stays_with_what_it_needs(north, cast):
    batch = written(north, cast, builders.plain())
    unit = north.scalar(select(Unit).where(Unit.number == "3-2-1501"))
    north.add(Occupant(office_id=cast.north.id, unit_id=unit.id, name="租客"))
    north.flush()
    undo.undo(north, batch.id)
    assert set(north.scalars(select(Unit.number))) == {"1-1-101", "3-2-1501"}
    assert "住户用到它" in " ".join(row["why"] for row in undo.left(north.get_one(ImportBatch, batch.id)))
