"""A roster of fifteen columns from the file to the tables, previewed and recorded, beside what the bare work costs.

The floor is calamine reading the very file and COPY of the very rows, those of the record among them, into the same
indexed tables. Peers take the same rows through django-import-export's own flow: load, dry run, load, import. Each
size is imported by a process of its own, so that none finds what an earlier one has left.
"""

import gc
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe, get_context
from typing import Final, TypeVar

import psycopg
import python_calamine

from bench import peer_django
from bench.importing_rows import invented, workbook
from bench.measure import Sizes, say, span, verdict
from bench.roster import offices
from bench.spending import Spent, against, both, middle, spending
from bench.world import World, superuser
from importers import apply as importing
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Office
from tenant.scoping import Scope

PLACES: Final = ("company", "office", "estate", "building", "section")
WRITTEN: Final = ("unit", "owner", "ownership", "audit_entry")
FLOOR, AGAIN, PEER, FASTEST, MEMORY, LINEAR = 2.2, 1 / 3, 1 / 30, 1 / 5, 500, 1.15
ROUNDS: Final = 3
"""Of the floor, whose median counts."""


Found = TypeVar("Found")


@dataclass(slots=True)
class Taken:
    """One run, part by part."""

    preview: Spent
    apply: Spent

    @property
    def whole(self) -> Spent:
        """Return what both parts cost."""
        return both(self.preview, self.apply)


@dataclass(slots=True)
class Compared:
    """What a file cost the first time and again, and what the floor of it costs."""

    first: Taken
    again: Taken
    floor: Spent


def run(world: World, sizes: Sizes) -> None:
    """Print each target beside what was measured."""
    small, large = sizes.roster_rows, 10 * sizes.roster_rows
    found = {rows: apart(partial(compared, world, rows)) for rows in (small, large)}
    for rows, one in found.items():
        tell(rows, one)
    content = workbook(invented(small))
    for name, is_fast, target in (("as it comes", False, PEER), ("fastest bulk mode", True, FASTEST)):
        peer = peer_django.flow(world, content, small, fast=is_fast)
        if peer is None:
            say(f"django-import-export, {name}", "not installed", "make bench installs it")
        else:
            against(f"{small:,} rows to django-import-export, {name}", found[small].first.whole, peer, target, "peer")
    base = found[small].first.whole
    linear(base, small, found[large].first.whole, large)
    if sizes.most_roster_rows:
        most = apart(partial(imported_once, world, sizes.most_roster_rows))
        parts(f"{sizes.most_roster_rows:,} rows × 15", most)
        linear(base, small, most.whole, sizes.most_roster_rows)


def apart(work: Callable[[], Found]) -> Found:
    """Return what ``work`` finds in a copy of this process: what it leaves behind goes with it."""
    found, told = Pipe(duplex=False)
    process = get_context("fork").Process(target=lambda: told.send(work()))
    process.start()
    told.close()
    try:
        return found.recv()  # type: ignore[no-any-return]  # whatever was sent
    finally:
        process.join()


def tell(rows: int, found: Compared) -> None:
    """Print what is measured at one size."""
    parts(f"{rows:,} rows × 15", found.first)
    against("read, preview, apply to the floor", found.first.whole, found.floor, FLOOR, "floor")
    against("the same file again: nothing is written", found.again.whole, found.first.whole, AGAIN, "first time")


def parts(what: str, taken: Taken) -> None:
    """Print what each part of an import cost, and its memory."""
    for name, spent in (("preview", taken.preview), ("apply", taken.apply)):
        computing = f"computing {span(spent.computing)}, of it in the database {span(spent.database)}"
        say(what, name, f"wall {span(spent.wall)}, {computing}")
        what = ""
    most = taken.whole.megabytes
    say("memory of all its processes", f"{most} MB (≤ {MEMORY})", "", verdict(most, MEMORY))


def linear(base: Spent, few: int, spent: Spent, many: int) -> None:
    """Print how the time of a row changes with their number."""
    each = [Spent(one.wall / rows, one.computing / rows) for one, rows in ((spent, many), (base, few))]
    against(f"a row of {many:,} to a row of {few:,}", each[0], each[1], LINEAR, "of few")


def compared(world: World, rows: int) -> Compared:
    """Import a file, import it again, and find out what the floor of it costs."""
    content = workbook(invented(rows))
    with world.database(f"importing_{rows}") as database:
        (office_id,) = offices(database, 1)
        first = imported(world, database, office_id, content)
        again = imported(world, database, office_id, content)
        texts = copied(database)
    floors = []
    for number in range(ROUNDS):
        with world.database(f"importing_{rows}_floor_{number}") as database:
            floors.append(floor_of(world, database, texts, content))
    return Compared(first, again, middle(floors))


def imported_once(world: World, rows: int) -> Taken:
    """Import a file into a fresh database."""
    content = workbook(invented(rows))
    with world.database(f"importing_{rows}") as database:
        (office_id,) = offices(database, 1)
        return imported(world, database, office_id, content)


def imported(world: World, database: Database, office_id: int, content: bytes) -> Taken:
    """Take a file through preview and apply, as two requests would."""
    with spending(world) as preview, database.session(Scope.of([office_id]), CLOCKWORK) as session:
        office = session.get_one(Office, office_id)
        batch = importing.preview(session, office, "roster", "业主名册.xlsx", content)
        session.commit()
        batch_id, refused = batch.id, batch.counts["rows"]["refused"]  # type: ignore[index]  # the import's JSON
        session.close()
    assert refused == 0, refused
    gc.collect()
    with spending(world) as apply, database.session(Scope.of([office_id]), CLOCKWORK) as session:
        importing.apply(session, batch_id)
        session.commit()
    return Taken(preview, apply)


def copied(database: Database) -> dict[str, bytes]:
    """Return what an import has written, as COPY reads it; the rows of `import_batch` are ours alone."""
    texts = {}
    with superuser(database) as connection:
        for table in (*PLACES, *WRITTEN):
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                texts[table] = b"".join(map(bytes, copy))
    return texts


def floor_of(world: World, database: Database, texts: dict[str, bytes], content: bytes) -> Spent:
    """Return what calamine reading the file and COPY of its rows and their entries costs, in one transaction."""
    with superuser(database) as connection:
        with connection.transaction():
            for table in PLACES:
                put(connection, table, texts[table])
        with spending(world) as spent:
            with python_calamine.load_workbook(io.BytesIO(content)) as book:
                rows = sum(1 for _ in book.get_sheet_by_index(0).iter_rows())
            with connection.transaction():
                for table in WRITTEN:
                    put(connection, table, texts[table])
    assert rows > 0
    return spent


def put(connection: psycopg.Connection, table: str, text: bytes) -> None:
    """Copy lines into a table."""
    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        copy.write(text)
