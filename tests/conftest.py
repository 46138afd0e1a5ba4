"""A real PostgreSQL for every test that needs one: one embedded server, one migrated template, a copy per module."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from audit.capture import Capture
from cast import Cast, hire_cast
from tenant import embedded, migrations
from tenant.db import Addresses, Database, create_database, make_roles

_copies = count(1)

settings.register_profile("wuguan", deadline=None)  # a busy machine is slow, not wrong
settings.register_profile("gate", deadline=None, derandomize=True)  # the same tree gets the same verdict twice
settings.load_profile("gate" if os.environ.get("CI") else "wuguan")


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.EmbeddedServer]:
    """The suite's own embedded server, in a folder of its own that goes when the suite ends."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-tests-"))
    running = embedded.start(folder / "postgres")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _maintain(running, f"ALTER SYSTEM SET {setting} = off")
    _maintain(running, "SELECT pg_reload_conf()")
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: embedded.EmbeddedServer) -> str:
    """The name of a database that is migrated and empty, for copying."""
    create_database(server.url("postgres", "postgres"), "template_wuguan")
    migrations.upgrade(_addresses(server, "template_wuguan"))
    return "template_wuguan"


@pytest.fixture(scope="module")
def database(server: embedded.EmbeddedServer, template: str) -> Iterator[Database]:
    """A migrated, empty database for this module alone."""
    name = f"copy_{next(_copies)}"
    _maintain(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    opened = Database(_addresses(server, name), Capture(), pool_size=5)
    yield opened
    opened.engine.dispose()
    _maintain(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def cast(database: Database) -> Cast:
    """Two companies with an office each, people in them, headquarters and a stranger; noise in both offices."""
    return hire_cast(database)


def _addresses(server: embedded.EmbeddedServer, name: str) -> Addresses:
    owner = server.url("postgres", name)
    make_roles(owner)
    return Addresses(app=server.url("wuguan_app", name), owner=owner)


def _maintain(server: embedded.EmbeddedServer, statement: str) -> None:
    engine = create_engine(server.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
