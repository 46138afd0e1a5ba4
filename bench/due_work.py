"""What the drains of :mod:`bench.due` share: one table of effects, what is due, and worker processes started together.

Every contender inserts the same row into the same table and commits it; the row carries the database's own clock, and
what is measured runs from the first effect to the last, so that no start of an interpreter is in it.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import Table, UniqueConstraint, create_engine, func, text
from sqlalchemy.orm import Mapped, mapped_column

from bench.world import superuser
from tenant import row_security
from tenant.db import Database
from tenant.models.base import OfficeScoped

RULE: Final = "bench"
INSERT: Final = (
    "INSERT INTO bench_effect (office_id, subject_id) VALUES (%s, %s) ON CONFLICT (office_id, subject_id) DO NOTHING"
)
"""The effect, as the peers write it."""


class BenchEffect(OfficeScoped):
    """测量结果 — that one due action was done, and when by the database's clock."""

    __tablename__ = "bench_effect"
    __table_args__ = (UniqueConstraint("office_id", "subject_id"),)

    subject_id: Mapped[int]
    done_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


def prepare(database: Database, offices: int) -> None:
    """Make the table of effects, walled as every other, and ``offices`` offices."""
    table = BenchEffect.__table__
    assert isinstance(table, Table)
    engine = create_engine(database.addresses.owner)
    with engine.begin() as connection:
        connection.execute(text("SET ROLE wuguan_owner"))
        table.create(connection)
        for statement in row_security.wall("bench_effect", OfficeScoped):
            connection.execute(text(statement))
    engine.dispose()
    with superuser(database) as connection:
        connection.execute("INSERT INTO company (code, name) VALUES ('C', '物业公司')")
        connection.execute(
            "INSERT INTO office (company_id, code, name) SELECT c.id, 'O' || n, '第 ' || n || ' 管理处'"
            " FROM company c, generate_series(1, %s) n",
            (offices,),
        )


def plan(database: Database, count: int, *, spread: float = 0.0, last_in: float = 0.0) -> None:
    """Let ``count`` actions be due, shared out among the offices, each ``spread`` seconds after the one before.

    The last is due ``last_in`` seconds from now. What was there before is gone; the planner knows what is there.
    """
    with superuser(database) as connection:
        connection.execute("TRUNCATE bench_effect, due_action")
        connection.execute(
            "INSERT INTO due_action (office_id, rule, subject_kind, subject_id, level, cycle, due_at, facts)"
            " SELECT o.id, %s, 'bench', n, 1, '1', now() + (%s - (%s - n) * %s) * interval '1 second', '{}'"
            " FROM generate_series(1, %s) n JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place,"
            " count(*) OVER () AS many FROM office) o ON o.place = n %% o.many",
            (RULE, last_in, count, spread, count),
        )
        connection.execute("VACUUM ANALYZE due_action, bench_effect")


def span(connection: psycopg.Connection, expected: int) -> float:
    """Return the seconds from the first effect to the last; there must be ``expected``, each once."""
    query = "SELECT count(*), count(DISTINCT subject_id), extract(epoch FROM max(done_at) - min(done_at))"
    row = connection.execute(f"{query} FROM bench_effect".encode()).fetchone()
    assert row is not None
    assert row[0] == row[1] == expected, f"{row[0]} effects of {expected}"
    return float(row[2])


@contextmanager
def workers(kind: str, count: int, arguments: Sequence[str]) -> Iterator[Callable[[], None]]:
    """Start ``count`` worker processes of ``kind``; yields what lets them begin all at once, when all are ready."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.due_workers", kind, *arguments]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        for _ in range(count)
    ]

    def begin() -> None:
        for worker in running:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()

    try:
        for worker in running:
            assert worker.stdout is not None
            while (line := worker.stdout.readline()) != "ready\n":
                assert line, f"a worker of {kind} ended before it was ready"
        yield begin
    finally:
        for worker in running:
            worker.terminate()
            worker.communicate()


def address(database: Database) -> str:
    """Return the address by which a peer connects: as a superuser, whom no policy costs anything."""
    return database.addresses.owner.set(drivername="postgresql").render_as_string(hide_password=False)
