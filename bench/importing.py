"""A roster of fifteen columns from the file to the tables, previewed and recorded, beside what the bare work costs.

The floor is calamine reading the very file and COPY of the very rows, those of the record among them, into the same
indexed tables. Peers take the same 10,000 rows through django-import-export's own flow: load, dry run, load, import.
"""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final

import psutil
import python_calamine

from bench import peer_django
from bench.importing_rows import invented, workbook
from bench.measure import Sizes, say, span, verdict
from bench.roster import offices
from bench.world import World, superuser
from importers import apply as importing
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Office
from tenant.scoping import Scope

PLACES: Final = ("company", "office", "estate", "building", "section")
WRITTEN: Final = ("unit", "owner", "ownership", "audit_entry")
FLOOR, AGAIN, PEER, FASTEST, MEMORY, LINEAR = 2.2, 1 / 3, 1 / 30, 1 / 5, 500, 1.15


@dataclass(slots=True)
class Taken:
    """One run: seconds on the wall for each part, and megabytes of this process with its children at the most."""

    preview: float = 0
    apply: float = 0
    computing: float = 0
    megabytes: int = 0

    @property
    def whole(self) -> float:
        """Return the seconds of both parts."""
        return self.preview + self.apply


def run(world: World, sizes: Sizes) -> None:
    """Print each target beside what was measured."""
    rows = 10 * sizes.roster_rows
    content = workbook(invented(rows))
    ours, again, floor = measured(world, content, "importing")
    say(f"{rows:,} rows × 15, {len(content) >> 20} MB of workbook", "", "")
    against("read, preview, apply to the floor", ours.whole, floor, FLOOR, "floor")
    say("  of it", "", f"preview {span(ours.preview)}, apply {span(ours.apply)}, computing here {span(ours.computing)}")
    say("memory of all its processes", f"{ours.megabytes} MB (≤ {MEMORY})", "", verdict(ours.megabytes, MEMORY))
    against("the same file again: nothing is written", again.whole, ours.whole, AGAIN, "first time")
    small = workbook(invented(sizes.roster_rows))
    flow, _, _ = measured(world, small, "importing_small")
    for name, is_fast, target in (("as it comes", False, PEER), ("fastest bulk mode", True, FASTEST)):
        peer = peer_django.flow(world, small, fast=is_fast)
        if peer is None:
            say(f"django-import-export, {name}", "not installed", "make bench installs it")
        else:
            against(f"{sizes.roster_rows:,} rows to django-import-export, {name}", flow.whole, peer, target, "peer")
    against("ten times the rows to ten times the time", ours.whole / 10, flow.whole, LINEAR, "a tenth, ")


def against(case: str, ours: float, peer: float, target: float, what: str) -> None:
    """Print a ratio beside its target."""
    value = ours / peer
    say(case, f"{value:.3f}× (≤ {target:.3g}×)", f"ours {span(ours)}, {what} {span(peer)}", verdict(value, target))


def measured(world: World, content: bytes, name: str) -> tuple[Taken, Taken, float]:
    """Import a file, import it again, and return both with the seconds of the floor."""
    with world.database(name) as database:
        (office_id,) = offices(database, 1)
        first = imported(database, office_id, content)
        again = imported(database, office_id, content)
        texts = copied(database)
    with world.database(f"{name}_floor") as database:
        return first, again, floor_of(database, texts, content)


def imported(database: Database, office_id: int, content: bytes) -> Taken:
    """Take a file through preview and apply, as two requests would."""
    taken, computing = Taken(), process_time()
    with watched(taken):
        start = perf_counter()
        with database.session(Scope.of([office_id]), CLOCKWORK) as session:
            batch = importing.preview(session, session.get_one(Office, office_id), "roster", "业主名册.xlsx", content)
            session.commit()
            batch_id, refused = batch.id, batch.counts["rows"]["refused"]  # type: ignore[index]  # the import's JSON
        assert refused == 0, refused
        taken.preview = perf_counter() - start
        start = perf_counter()
        with database.session(Scope.of([office_id]), CLOCKWORK) as session:
            importing.apply(session, batch_id)
            session.commit()
        taken.apply = perf_counter() - start
    taken.computing = process_time() - computing
    return taken


def copied(database: Database) -> dict[str, bytes]:
    """Return what an import has written, as COPY reads it; the rows of `import_batch` are ours alone."""
    texts = {}
    with superuser(database) as connection:
        for table in (*PLACES, *WRITTEN):
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                texts[table] = b"".join(map(bytes, copy))
    return texts


def floor_of(database: Database, texts: dict[str, bytes], content: bytes) -> float:
    """Return the seconds of calamine reading the file and COPY of its rows and their entries, in one transaction."""
    with superuser(database) as connection:
        with connection.transaction():
            for table in PLACES:
                put(connection, table, texts[table])
        start = perf_counter()
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            rows = sum(1 for _ in book.get_sheet_by_index(0).iter_rows())
        with connection.transaction():
            for table in WRITTEN:
                put(connection, table, texts[table])
        assert rows > 0
        return perf_counter() - start


def put(connection: object, table: str, text: bytes) -> None:
    """Copy lines into a table."""
    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[attr-defined]  # psycopg's
        copy.write(text)


@contextmanager
def watched(taken: Taken) -> Iterator[None]:
    """Look ten times a second at how much memory this process and its children hold; the server is not one of them."""
    over = threading.Event()
    here = psutil.Process(os.getpid())

    def look() -> None:
        while not over.wait(0.1):
            held = 0
            for process in (here, *here.children(recursive=True)):
                try:
                    if process.name().startswith("postgres"):
                        continue
                    held += process.memory_info().rss
                except psutil.Error:
                    continue
            taken.megabytes = max(taken.megabytes, held >> 20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
