"""Two servers to migrate on: the embedded one, and the PostgreSQL of an office that has its own.

The second is named by ``WUGUAN_TEST_DATABASE_URL`` (a superuser's address). In CI it must be there.
"""

import os
from collections.abc import Iterator
from itertools import count

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from tenant.db import Addresses

_names = count(1)
OWN = "WUGUAN_TEST_DATABASE_URL"
SERVERS = ["embedded", "own"] if os.environ.get(OWN) or os.environ.get("CI") else ["embedded"]


@pytest.fixture(params=SERVERS)
def maintenance(request: pytest.FixtureRequest) -> URL:
    """The address of the server's own database, for its superuser."""
    if request.param == "embedded":
        address: URL = request.getfixturevalue("server").url("postgres", "postgres")
        return address
    named = os.environ.get(OWN)
    if not named:
        pytest.fail(f"CI must name a PostgreSQL of its own in {OWN}")
    return make_url(named).set(drivername="postgresql+psycopg")


@pytest.fixture
def empty(maintenance: URL) -> Iterator[Addresses]:
    """An empty database on each server; both addresses log in as the superuser and work as the role they are for."""
    name = f"wuguan_migrations_{os.getpid()}_{next(_names)}"
    engine = create_engine(maintenance, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" ENCODING utf8 TEMPLATE template0')
        try:
            address = maintenance.set(database=name)
            yield Addresses(app=address, owner=address)
        finally:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    engine.dispose()
