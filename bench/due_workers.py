"""``python -m bench.due_workers KIND …``: one worker process of :mod:`bench.due`, ours or a peer's.

It says ``ready`` when it has connected, waits for a line, and drains what is due.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from sqlalchemy.engine import make_url

from audit.capture import Capture
from bench.due_work import INSERT, RULE, BenchEffect
from tasks.sweeps import Pace
from tasks.sweeps.drain import Run, drain
from tenant import clock
from tenant.db import Addresses, Database
from tenant.models import DueAction
from tenant.scoping import PERMIT, ScopedSession
from tenant.services.clockwork import A_ROUND
from tenant.unscoped import Reason, across_offices

CLAIM: Final = """
UPDATE due_action SET state = 'claimed', attempts = attempts + 1, lease_until = now() + interval '20 seconds'
WHERE id IN (
  SELECT id FROM due_action WHERE rule = %s AND state = 'pending' AND attempts = 0 AND due_at <= now()
  ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id, office_id, subject_id
"""
DONE: Final = "UPDATE due_action SET state = 'done', settled_at = now() WHERE id = %s AND state = 'claimed'"


def gate() -> None:
    """Say that we are ready, and wait until all may begin."""
    print("ready", flush=True)
    sys.stdin.readline()


def ours(url: str, how: str = "plain") -> None:
    """Drain as the product does: with the peers' own statement, or ``recorded``, as the ORM and the record write it."""
    database = opened(url)
    gate()
    drain(Run(database, clock.now(), None, Pace(waits=False)), RULE, recorded if how == "recorded" else plain)


def ticking(url: str, period: str) -> None:
    """Drain whenever a slot of the timetable has passed, a worker's tick later, until we are stopped."""
    database = opened(url)
    gate()
    while True:
        seconds = clock.now().timestamp()
        time.sleep(float(period) - seconds % float(period) + 1.0)
        drain(Run(database, clock.now(), None, Pace(waits=False, seconds=30)), RULE, plain)


def opened(url: str) -> Database:
    """Return the database, connected."""
    address = make_url(url)
    database = Database(Addresses(app=address, owner=address), Capture(), pool_size=2)
    with across_offices(database, Reason.CLAIMING) as session:
        session.connection()
    return database


def plain(session: ScopedSession, action: DueAction) -> int:
    """Do the effect by the statement of the peers."""
    row = (action.office_id, action.subject_id)
    session.connection().exec_driver_sql(INSERT, row, execution_options=PERMIT)
    return 0


def recorded(session: ScopedSession, action: DueAction) -> int:
    """Do the effect as the product would: through the ORM, which records it."""
    session.add(BenchEffect(office_id=action.office_id, subject_id=action.subject_id))
    return 0


def bare(url: str) -> None:
    """Do the same with nothing around it: claim, commit, then effect and mark in one transaction each."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1")
        connection.commit()
        gate()
        while claims := connection.execute(CLAIM.encode(), (RULE, A_ROUND)).fetchall():
            connection.commit()
            for action_id, office_id, subject_id in claims:
                connection.execute(INSERT.encode(), (office_id, subject_id))
                connection.execute(DONE.encode(), (action_id,))
                connection.commit()


def celery_app(url: str, broker: str) -> Any:  # noqa: ANN401 - Celery ships no types
    """Return Celery's application with its one task: late acknowledgement, no results, nothing it does not need."""
    from celery import Celery, signals  # noqa: PLC0415 - a peer: only the bench has it

    app = Celery("bench", broker=broker, set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        task_default_queue="due",
        worker_prefetch_multiplier=64,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
    )
    held: dict[str, psycopg.Connection] = {}

    @signals.worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator, unused-ignore]
    def connect(**_: object) -> None:
        held["connection"] = psycopg.connect(url)

    @app.task(name="effect")  # type: ignore[untyped-decorator, unused-ignore]
    def effect(office_id: int, subject_id: int) -> None:
        with held["connection"].transaction():
            held["connection"].execute(INSERT.encode(), (office_id, subject_id))

    return app


def celery(url: str, broker: str, processes: str) -> None:
    """Run Celery's own worker with so many processes."""
    app = celery_app(url, broker)
    gate()
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
    app.worker_main(["worker", "--pool=prefork", f"--concurrency={processes}", *quiet])


def procrastinate_app(url: str) -> Any:  # noqa: ANN401 - used where it is made
    """Return Procrastinate's application with its one task, which keeps a connection of its own."""
    import procrastinate  # noqa: PLC0415 - a peer: only the bench has it

    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    idle: list[psycopg.AsyncConnection] = []

    @app.task(name="effect", queue="due")
    async def effect(office_id: int, subject_id: int) -> None:
        connection = idle.pop() if idle else await psycopg.AsyncConnection.connect(url)
        async with connection.transaction():
            await connection.execute(INSERT.encode(), (office_id, subject_id))
        idle.append(connection)

    return app


def procrastinate(url: str, concurrency: str) -> None:
    """Run Procrastinate's own worker until its queue is empty, ``concurrency`` jobs at a time."""
    app = procrastinate_app(url)

    async def work() -> None:
        async with app.open_async():
            gate()
            await app.run_worker_async(
                queues=["due"], wait=False, concurrency=int(concurrency), install_signal_handlers=False
            )

    asyncio.run(work())


KINDS: Final[dict[str, Callable[..., None]]] = {
    "ours": ours,
    "ticking": ticking,
    "bare": bare,
    "celery": celery,
    "procrastinate": procrastinate,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:])
