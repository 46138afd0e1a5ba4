"""Due actions drained, beside a bare loop, Celery and Procrastinate; how late they are done; what waiting costs.

All write the same row into the same table of the same server, one transaction each, as worker processes of their own.
The bare loop is the floor: claim, commit, then effect and mark in one transaction, in psycopg and nothing else. Celery
has Redis and never loses what it holds (late acknowledgement); Procrastinate has the same PostgreSQL. What is enqueued
lies there before the time begins. Ours plans the same rows; besides the peers' statement it is also run with the effect
as the product writes it: through the ORM, with its entry in the record.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, permutations
from typing import Any, Final

import psycopg
from sqlalchemy import event

from bench.due_work import RULE, address, plan, prepare, span, workers
from bench.due_workers import celery_app, procrastinate_app
from bench.measure import Sizes, ratio, raw_of, say, verdict
from bench.plans import Asked, bound, plan_of, scans
from bench.world import World, superuser
from tasks import timetable
from tasks.sweeps import Pace
from tasks.sweeps.drain import Run, drain
from tenant import clock
from tenant.db import Database
from tenant.scoping import Scope
from tenant.services import clockwork
from tenant.unscoped import Reason, across_offices

ENOUGH: Final = 6_000
"""How many actions each drains in all, in several rounds if need be: a long one is its own average."""
OFFICES: Final = 200
MANY: Final = 100_000
A_SECOND: Final = 100
"""How many fall due each second while lateness is measured."""
A_TICK: Final = 1.0
"""Seconds that may pass between a slot of the timetable and the worker that looks."""
LATENESS_TARGET: Final = 7.0
FLOOR: Final = "bare loop"
PATIENCE: Final = 1800

Enqueue = Callable[[int], None]


class Contender:
    """One way to drain: what its worker processes are told, and how its work is put before them."""

    def __init__(self, kind: str, enqueue: Enqueue, *arguments: str, one_master: bool = False) -> None:
        self.kind = kind
        self.enqueue = enqueue
        self.arguments = arguments
        self.one_master = one_master

    def drained(self, database: Database, count: int, processes: int) -> float:
        """Return the seconds from the first effect to the last with so many worker processes."""
        plan(database, count)
        self.enqueue(count)
        started, told = (1, [*self.arguments, str(processes)]) if self.one_master else (processes, self.arguments)
        with superuser(database) as connection, workers(self.kind, started, told) as begin:
            begin()
            until = time.monotonic() + PATIENCE
            while _effects(connection) < count:
                assert time.monotonic() < until, f"{self.kind} does not end"
                time.sleep(0.2)
            return span(connection, count)


def run(world: World, sizes: Sizes) -> None:
    """Print what each takes with one and with two workers, then lateness and the cost of looking."""
    with world.database("due") as database, _redis() as broker:
        prepare(database, OFFICES)
        contenders = _contenders(database, broker)
        for processes in (1, 2):
            taken = _race(contenders, database, sizes.due_actions, processes)
            _table(f"{sizes.due_actions:,} actions, {processes} worker{'s' * (processes > 1)}", taken)
        _lateness(database, seconds=sizes.due_actions // 200)
        _looking(database)


def _contenders(database: Database, broker: str | None) -> dict[str, Contender]:
    url = address(database)
    own = database.addresses.app.render_as_string(hide_password=False)

    def planned(_count: int) -> None:
        """Leave what is planned: it is the queue."""

    found = {
        FLOOR: Contender("bare", planned, url),
        "ours": Contender("ours", planned, own),
        "ours, ORM and record": Contender("ours", planned, own, "recorded"),
        "Procrastinate": Contender("procrastinate", _procrastinate(url), url, "1"),
        "Procrastinate, 10 at once": Contender("procrastinate", _procrastinate(url), url, "10"),
    }
    if broker is not None:
        found["Celery"] = Contender("celery", _celery(url, broker), url, broker, one_master=True)
    return found


def _race(contenders: dict[str, Contender], database: Database, count: int, processes: int) -> dict[str, list[float]]:
    """Let all drain the same by turns, in another order each round."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for order in islice(permutations(contenders), 0, None, 151):
        for name in order:
            taken[name].append(contenders[name].drained(database, count, processes))
        if len(taken[FLOOR]) * count >= ENOUGH:
            break
    return taken


def _table(title: str, taken: dict[str, list[float]]) -> None:
    say(title, "", raw_of({FLOOR: taken[FLOOR]}))
    for name, times in taken.items():
        if name != FLOOR:
            value = ratio(times, taken[FLOOR])
            target = 2.0 if name == "ours" else None
            case = f"  {name}" + (f" (≤ {target:g}×)" if target else "")
            say(case, f"{value:.2f}× of the loop", raw_of({name: times}), verdict(value, target))
    for name in ("Celery", "Procrastinate", "Procrastinate, 10 at once"):
        if name in taken:
            value = ratio(taken["ours"], taken[name])
            say(f"  ours beside {name} (< 1×)", f"{value:.2f}×", "", verdict(value, 1.0))


def _lateness(database: Database, *, seconds: int) -> None:
    """Print how late actions are done that fall due all the time, when the timetable's slots wake the drain."""
    (entry,) = (entry for entry in timetable.TIMETABLE if entry.wakes == "sweep_escalations")
    period = getattr(entry.slots, "period", None)
    assert period is not None
    count = max(seconds, 20) * A_SECOND
    plan(database, count, spread=1 / A_SECOND, last_in=count / A_SECOND + 2)
    own = database.addresses.app.render_as_string(hide_password=False)
    with superuser(database) as connection, workers("ticking", 1, [own, str(period.total_seconds())]) as begin:
        begin()
        while _effects(connection) < count:
            time.sleep(0.5)
        late = connection.execute(
            "SELECT percentile_cont(ARRAY[0.5, 0.99, 1])"
            " WITHIN GROUP (ORDER BY extract(epoch FROM e.done_at - d.due_at))"
            " FROM bench_effect e JOIN due_action d USING (office_id, subject_id)"
        ).fetchone()
    assert late is not None
    middle, worst, last = (float(value) for value in late[0])
    say(
        f"{A_SECOND} due a second, looked for every {period.total_seconds():g} + {A_TICK:g} s",
        f"p99 {worst:.1f} s",
        f"median {middle:.1f} s, longest {last:.1f} s; {count:,} actions",
        verdict(worst, LATENESS_TARGET),
    )


def _looking(database: Database) -> None:
    """Print what a sweep asks when nothing is due, and what a round asks among very many, with their plans."""
    plan(database, MANY, last_in=86_400)
    asked = asked_by(database, lambda: drain(Run(database, clock.now(), None, Pace(waits=False)), RULE, _nothing))
    say(f"a sweep with nothing due, {MANY:,} planned", f"{len(asked)} query", "", verdict(len(asked), 1))
    say_plans(database, asked)

    plan(database, MANY)

    def claim() -> None:
        with across_offices(database, Reason.CLAIMING) as session:
            clockwork.claim(session, RULE, clock.now())

    asked = asked_by(database, claim)
    say(f"a round among {MANY:,} due in {OFFICES} offices", f"{len(asked)} query", "")
    say_plans(database, asked)


def say_plans(database: Database, asked: list[Asked]) -> None:
    """Print how long each statement takes when it is explained while it runs, and the indexes it uses."""
    with bound(database, Scope.everywhere()) as connection:
        for query in asked:
            with connection.transaction(force_rollback=True):
                start = time.perf_counter()
                found = plan_of(connection, query)
                taken = time.perf_counter() - start
            say("", f"{taken * 1e3:.1f} ms", " · ".join(dict.fromkeys(scans(found))))


def asked_by(database: Database, act: Callable[[], object]) -> list[Asked]:
    """Return the statements that ``act`` sends."""
    caught: list[Asked] = []

    def catch(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:  # noqa: ANN401
        caught.append(Asked(statement, values))

    event.listen(database.engine, "before_cursor_execute", catch)
    act()
    event.remove(database.engine, "before_cursor_execute", catch)
    return caught


def _nothing(*_: object) -> int:
    return 0


def _effects(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM bench_effect").fetchone()
    assert row is not None
    return int(row[0])


def _rows(count: int) -> Iterator[dict[str, int]]:
    """Yield what each job of a peer carries: the same as the rows that are planned."""
    return ({"office_id": number % OFFICES + 1, "subject_id": number} for number in range(1, count + 1))


def _celery(url: str, broker: str) -> Enqueue:
    app = celery_app(url, broker)

    def enqueue(count: int) -> None:
        with app.producer_or_acquire() as producer:
            for row in _rows(count):
                app.tasks["effect"].apply_async(kwargs=row, producer=producer)

    return enqueue


def _procrastinate(url: str) -> Enqueue:
    app = procrastinate_app(url)

    def enqueue(count: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection, app.open():
            if connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() == (None,):
                app.schema_manager.apply_schema()
            connection.execute("TRUNCATE procrastinate_jobs CASCADE")
            app.configure_task("effect", queue="due").batch_defer(*_rows(count))
            connection.execute("VACUUM ANALYZE procrastinate_jobs")

    return enqueue


@contextmanager
def _redis() -> Iterator[str | None]:
    """Start a Redis for Celery, in memory alone; yields its address, None where there is none to start."""
    program = shutil.which("redis-server")
    if program is None:
        say("Celery is left out: no redis-server here", "", "")
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    message = "Redis did not start"
    raise RuntimeError(message)
