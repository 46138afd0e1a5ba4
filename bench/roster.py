"""A roster from workbook to tables, beside SQLAlchemy's ``add_all`` of the very same rows, already clean and in memory.

The import reads the file, plans it, shows it, reads it again and applies it: all that its user waits for. The peer only
writes. Both leave an audit entry for each row; the floor is the peer without them. Each round takes a fresh office.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from time import perf_counter
from typing import Final

from sqlalchemy import Table
from sqlalchemy.orm import Session
from xlsxwriter import Workbook

from bench.groups import GIVEN, SURNAMES
from bench.measure import Sizes, compare, say
from bench.world import World
from importers import apply as importing
from tenant.db import Database
from tenant.journal import CLOCKWORK, RecordedAct
from tenant.models import Building, Company, Estate, Office, Owner, Ownership, Section, Unit
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices

ROUNDS: Final = 3
WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
HEADINGS: Final = ("楼栋", "单元", "房号", "业主姓名", "联系电话", "身份证号", "建筑面积", "使用性质", "交房日期")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the roster: one flat and its one owner."""

    building: str
    section: str
    room: str
    name: str
    phone: str
    id_number: str
    area: Decimal
    handed_over_on: date


class Silence:
    """A recorder that records nothing: the floor."""

    def watch(self, session: Session) -> None:
        """Let every flush pass."""

    def record_changes(self, session: Session, table: Table, changes: object) -> None:
        """Leave no entry."""

    def record_inserts(self, session: Session, table: Table, ids: object, columns: object) -> None:
        """Leave no entry."""

    def record_act(self, session: Session, act: RecordedAct) -> None:
        """Leave no entry."""


def run(world: World, sizes: Sizes) -> None:
    """Print what an import takes beside ``add_all`` with and without audit, and what the same import takes again."""
    rows = list(invented(sizes.roster_rows))
    content = workbook(rows)
    with world.database("roster") as database:
        silent = Database(database.addresses, Silence(), pool_size=2)
        fresh = offices(database, 3 * ROUNDS)
        taken: dict[str, list[float]] = {"import": [], "add_all": [], "add_all unrecorded": [], "again": []}
        for _ in range(ROUNDS):
            office = next(fresh)
            taken["import"].append(_timed_import(database, office, content))
            taken["again"].append(_timed_import(database, office, content))
            taken["add_all"].append(_timed_add_all(database, next(fresh), rows))
            taken["add_all unrecorded"].append(_timed_add_all(silent, next(fresh), rows))
        silent.engine.dispose()
    say(f"{sizes.roster_rows:,} rows, {len(content) // 1024:,} KB of workbook", "", "")
    compare("read, preview, apply, recorded", taken, "import", "add_all")
    compare("the same against an unrecorded add_all", taken, "import", "add_all unrecorded")
    compare("what the record costs the ORM", taken, "add_all", "add_all unrecorded")
    compare("the same file once more: nothing to write", taken, "again", "import")


def _timed_import(database: Database, office_id: int, content: bytes) -> float:
    start = perf_counter()
    with database.session(Scope.of([office_id]), CLOCKWORK) as session:
        batch = importing.preview(session, session.get_one(Office, office_id), "roster", "业主名册.xlsx", content)
        session.commit()
        refused = batch.counts["rows"]["refused"]  # type: ignore[index]  # the import's JSON
        assert refused == 0, batch.counts
    with database.session(Scope.of([office_id]), CLOCKWORK) as session:
        importing.apply(session, batch.id)
        session.commit()
    return perf_counter() - start


def _timed_add_all(database: Database, office_id: int, rows: list[Row]) -> float:
    start = perf_counter()
    with database.session(Scope.of([office_id]), CLOCKWORK) as session:
        session.add_all(objects(office_id, rows))
        session.commit()
    return perf_counter() - start


def objects(office_id: int, rows: list[Row]) -> Iterator[Unit | Owner | Ownership]:
    """Yield what the roster says as objects joined to one another; buildings and sections come with the units."""
    estate = Estate(office_id=office_id, name="花园")
    buildings: dict[str, Building] = {}
    sections: dict[tuple[str, str], Section] = {}
    for row in rows:
        building = buildings.setdefault(
            row.building, Building(office_id=office_id, estate=estate, code=row.building, name=f"{row.building}栋")
        )
        section = sections.setdefault(
            (row.building, row.section), Section(office_id=office_id, building=building, code=row.section)
        )
        unit = Unit(
            office_id=office_id,
            building=building,
            section=section,
            number=f"{row.building}-{row.section}-{row.room}",
            room=row.room,
            floor=int(row.room) // 100,
            area=row.area,
            handed_over_on=row.handed_over_on,
        )
        owner = Owner(office_id=office_id, name=row.name, phone=row.phone, id_number=row.id_number)
        yield from (unit, owner, Ownership(office_id=office_id, unit=unit, owner=owner))


def invented(count: int) -> Iterator[Row]:
    """Yield ``count`` lines of an invented roster, the same each time."""
    chance = Random(7)
    for number in range(count):
        building, rest = divmod(number, 160)
        section, flat = divmod(rest, 80)
        born = f"19{chance.randrange(50, 99)}0{chance.randrange(1, 10)}1{chance.randrange(10)}"
        digits = f"99{chance.randrange(10**4):04}{born}{number % 1000:03}"
        yield Row(
            building=str(building + 1),
            section=str(section + 1),
            room=f"{flat // 4 + 1}0{flat % 4 + 1}",
            name="".join((chance.choice(SURNAMES), chance.choice(GIVEN), chance.choice(GIVEN))),
            phone=f"199{chance.randrange(10**8):08}",
            id_number=digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, WEIGHTS, strict=True)) % 11],
            area=Decimal(chance.randrange(6000, 14000)) / 100,
            handed_over_on=date(2020, 1 + number % 12, 1 + number % 28),
        )


def workbook(rows: list[Row]) -> bytes:
    """Return the roster as an office would have it."""
    file = io.BytesIO()
    book = Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet("业主名册")
    sheet.write_row(0, 0, HEADINGS)
    for number, row in enumerate(rows, start=1):
        values = (row.building, row.section, row.room, row.name, row.phone, row.id_number)
        sheet.write_row(number, 0, (*values, float(row.area), "住宅", row.handed_over_on.isoformat()))
    book.close()
    return file.getvalue()


def offices(database: Database, count: int) -> Iterator[int]:
    """Yield the ids of so many new offices of one company."""
    with across_offices(database, Reason.SETTING_UP) as session:
        company = Company(code="C1", name="第一物业公司")
        made = [Office(code=f"O{n}", name=f"第{n}管理处", company=company) for n in range(1, count + 1)]
        session.add_all(made)
        session.commit()
        return iter([office.id for office in made])
