"""A deployment as operators have it: programs of their own, settings in the environment, files of deploy/."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

import make
import warm
from audit.capture import Capture
from cast import Cast, hire_cast
from desk import at_desk, request
from tasks import sweeps
from tenant import migrations
from tenant.db import Database, locate
from tenant.settings import Settings
from waiting import wait_until

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
WUGUAN = Path(sys.executable).with_name("wuguan")
OWN = "WUGUAN_TEST_DATABASE_URL"
PATIENCE = 60.0
LATER = timedelta(hours=2)
_names = count(1)


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a program: nothing of this machine's settings but its path, and ``settings``."""
    ours = ("WUGUAN_", "DATABASE_", "BROKER_", "PG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"WUGUAN_COMMAND": str(WUGUAN)} | settings


def call(*command: str | Path, env: dict[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; ``wuguan`` in a process that need not import it first."""
    if command[0] == WUGUAN and not options:
        return warm.run(command[1:], env, timeout=180)
    return subprocess.run(  # noqa: S603 - our own programs
        [str(part) for part in command], env=env, capture_output=True, text=True, timeout=180, check=False, **options
    )


@dataclass
class Instance:
    """A program that goes on, with what it said."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """All it has said so far."""
        return self.log.read_text("utf-8", "replace")

    def stop(self, patience: float = PATIENCE) -> int:
        """Ask it to end, wait, and return its exit code; raises TimeoutExpired."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=patience)


@dataclass
class Crew:
    """Programs that run until the test ends."""

    folder: Path
    running: list[Instance] = field(default_factory=list)

    def start(self, *command: str | Path, env: dict[str, str], **options: Any) -> Instance:
        """Start a program that goes on."""
        log = self.folder / f"{len(self.running)}.log"
        with log.open("wb") as output:
            begun = subprocess.Popen(  # noqa: S603 - our own programs
                [str(part) for part in command], env=env, stdout=output, stderr=subprocess.STDOUT, **options
            )
        instance = Instance(begun, log)
        self.running.append(instance)
        return instance

    def until(self, condition: Callable[[], Any], *, what: str, patience: float = PATIENCE) -> Any:
        """Wait as :func:`wait_until` does; where it is in vain, the failure tells what the programs said."""
        try:
            return wait_until(condition, what, patience=patience)
        except pytest.fail.Exception as failure:
            said = "\n".join(f"{instance.process.args!s}:\n{instance.said[-2000:]}" for instance in self.running)
            pytest.fail(f"{failure}\n{said}")

    def dismiss(self) -> None:
        """End whatever still runs, by force where it does not listen."""
        for instance in self.running:
            if instance.process.poll() is None:
                instance.process.send_signal(signal.SIGTERM)
        for instance in self.running:
            try:
                instance.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                instance.process.kill()
                instance.process.wait()


def free_port() -> int:
    """Return a port nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


# ---- a PostgreSQL of its own
def own_server() -> URL:
    """Return the address of the machine's own PostgreSQL, for its superuser."""
    named = os.environ.get(OWN)
    if not named:
        pytest.fail(f"CI must name a PostgreSQL of its own in {OWN}")
    return make_url(named).set(drivername="postgresql+psycopg")


@contextmanager
def fresh_database(server: URL) -> Iterator[URL]:
    """Make an empty database, give its address for the superuser, and drop it at the end."""
    name = f"wuguan_deployed_{os.getpid()}_{next(_names)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" ENCODING utf8 TEMPLATE template0')
    try:
        yield server.set(database=name)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        engine.dispose()


def plain(address: URL) -> str:
    """Return an address as a setting has it."""
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


def serving(env: dict[str, str]) -> dict[str, str]:
    """Return ``env`` as those who serve have it: the login that migrates is not given to them."""
    return {name: value for name, value in env.items() if name != "WUGUAN_OWNER_DATABASE_URL"}


# ---- what stands in it
@contextmanager
def opened(env: dict[str, str]) -> Iterator[Database]:
    """Open the database a program with this environment would open."""
    addresses = locate(Settings.from_environment(env))
    database = Database(addresses, Capture(), pool_size=3)
    try:
        yield database
    finally:
        database.engine.dispose()
        if addresses.server is not None:
            addresses.server.stop()


def peopled(env: dict[str, str]) -> Cast:
    """Bring the database to the head and put the cast into it."""
    with opened(env) as database:
        migrations.upgrade(database.addresses)
        return hire_cast(database)


def register(database: Database, cast: Cast, at: datetime = make.NOON) -> str:
    """Register an urgent request at ``at`` and return its number."""
    with at_desk(database, cast.north, at) as session:
        made = request(session, cast.north, urgent=True, received_at=at)
        number: str = made.ticket.number
        session.commit()
    return number


def escalate(database: Database, env: dict[str, str], at: datetime = make.NOON + LATER) -> int:
    """Send what is overdue at ``at`` up the line and return how many mails that wrote."""
    return sweeps.run_escalations(database, at, settings=Settings.from_environment(env)).mails


def asked(address: URL, query: str) -> Any:
    """Return the one value ``query`` asks of a database, as its superuser; None for a statement that asks nothing."""
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        done = connection.execute(text(query))
        found = done.scalar() if done.returns_rows else None
    engine.dispose()
    return found
