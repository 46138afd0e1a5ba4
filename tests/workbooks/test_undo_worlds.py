"""Undoing in worlds drawn by chance: exact where nobody came in between, and never in the way of who did."""

import random
from decimal import Decimal
from itertools import count

import pytest
from sqlalchemy import select

import make
from importers import undo
from importers.apply import apply, preview
from tenant.models import Occupant, Owner, Ownership, Unit
from tenant.rules.terms import Role
from workbooks import builders
from workbooks.test_undo import sums_of

HEADINGS = ["房号", "业主姓名", "电话", "证件号", "面积", "备注"]
SEEDS = range(12)
_serials = count(3_000)


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def furnished(session, office, chance):
    """Make shops, some with an owner or two; return their numbers and their owners' names and phones."""
    numbers, people = [f"S{90 + place}" for place in range(8)], []
    for number in numbers:
        unit = make.unit(session, office.id, number=number, building=None, area=chance.choice([None, Decimal(50)]))
        for _ in range(chance.randint(0, 2)):
            serial = next(_serials)
            owner = make.owner(session, office.id, name=f"赵{serial}", phone=builders.phone_of(serial))
            make.ownership(session, unit, owner, share=Decimal("0.5"))
            people.append((owner.name, owner.phone))
    return numbers, people


def drawn(chance, numbers, people):
    """Return a roster that names old shops and new ones, old owners and new ones."""
    rows = []
    for number in chance.sample([*numbers, "S201", "S202", "S203"], 8):
        serial = next(_serials)
        new = (f"钱{serial}", builders.phone_of(serial))
        name, phone = chance.choice([*people, new, new]) if people else new
        document = builders.id_of(serial) if chance.random() < 0.3 else None
        rows.append([number, name, phone, document, chance.choice([None, 50, 61.5]), chance.choice([None, "靠马路"])])
    return builders.workbook(HEADINGS, *rows)


def applied(session, cast, content):
    return apply(session, preview(session, cast.north.office, "roster", "名册.xlsx", content).id)


def meddle(session, office, chance):
    """Do what people do in an office; return the rows they have touched."""
    unit = chance.choice(session.scalars(select(Unit).where(Unit.number.like("S%")).order_by(Unit.id)).all())
    owner = chance.choice(
        session.scalars(select(Owner).where(Owner.name.regexp_match("^[赵钱]")).order_by(Owner.id)).all()
    )
    lasting = session.scalars(select(Ownership).where(Ownership.to_on.is_(None)).order_by(Ownership.id)).all()
    match chance.randrange(5):
        case 0:
            unit.note = "已核对"
            touched = [unit]
        case 1:
            owner.id_number = builders.id_of(next(_serials))
            touched = [owner]
        case 2:
            living = Occupant(office_id=office.id, unit_id=unit.id, name="租客")
            session.add(living)
            touched = [living]
        case 3:
            touched = [make.ownership(session, unit, make.owner(session, office.id), share=Decimal("0.1"))]
        case _:
            ownership = chance.choice(lasting)
            ownership.is_payer = not ownership.is_payer
            touched = [ownership]
    session.flush()
    return touched


def held(rows):
    return [{column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs} for row in rows]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_roster_did_undoing_leaves_every_table_as_it_was(north, cast, seed):
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    numbers, people = furnished(north, cast.north.office, chance)
    north.flush()
    before = sums_of(north)
    batches = [applied(north, cast, drawn(chance, numbers, people)) for _ in range(2)]
    for batch in reversed(batches):
        assert undo.foresee(north, batch.id).is_exact
        undo.undo(north, batch.id)
    assert sums_of(north) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_people_did_meanwhile_stays_as_they_left_it(north, cast, seed):
    chance = random.Random(1_000 + seed)  # noqa: S311 - chance, not secrecy
    numbers, people = furnished(north, cast.north.office, chance)
    north.flush()
    batch = applied(north, cast, drawn(chance, numbers, people))
    touched = [row for _ in range(chance.randint(1, 4)) for row in meddle(north, cast.north.office, chance)]
    left = held(touched)
    foreseen = undo.foresee(north, batch.id)
    undone = undo.undo(north, batch.id)
    for row in touched:
        north.refresh(row)
    assert held(touched) == left
    assert undone.counts["undone"]["kept"] == sum(counted["kept"] for counted in foreseen.counts.values())
    payers = select(Ownership.unit_id).where(Ownership.to_on.is_(None), Ownership.share == 1)
    whole = list(north.scalars(payers))
    assert len(whole) == len(set(whole)), "nobody owns the whole of a unit beside somebody else who does"
