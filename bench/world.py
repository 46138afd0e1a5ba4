"""Where benchmarks run: an embedded server of their own in a temporary folder, and a migrated copy for each."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL

from audit.capture import Capture
from bench.groups import load_group
from bench.measure import Sizes
from tenant import embedded, migrations
from tenant.db import APP, Addresses, Database, create_database, make_roles

TEMPLATE = "template_wuguan"


@dataclass(frozen=True, slots=True)
class World:
    """A running server; its settings are PostgreSQL's own, so that a write costs what it costs."""

    folder: Path
    server: embedded.EmbeddedServer
    loaded: set[str] = field(default_factory=set)

    @contextmanager
    def group(self, sizes: Sizes) -> Iterator[Database]:
        """Open an invented group of ``sizes``; it is loaded once, and its owners and units stay as they were loaded."""
        name = f"group_{sizes.owners}_{sizes.offices}"
        if name not in self.loaded:
            self._maintain(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        opened = Database(self.addresses(name), Capture(), pool_size=5)
        if name not in self.loaded:
            with superuser(opened) as connection:
                load_group(connection, sizes)
            self.loaded.add(name)
        try:
            yield opened
        finally:
            opened.engine.dispose()

    @contextmanager
    def database(self, name: str) -> Iterator[Database]:
        """Open a migrated, empty copy called ``name``; it is dropped at the end."""
        self._maintain(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        opened = Database(self.addresses(name), Capture(), pool_size=5)
        try:
            yield opened
        finally:
            opened.engine.dispose()
            self._maintain(f'DROP DATABASE "{name}" WITH (FORCE)')

    def addresses(self, name: str) -> Addresses:
        """Return the addresses of the database ``name``."""
        return Addresses(app=self.server.url(APP, name), owner=self.server.url("postgres", name))

    def _maintain(self, statement: str) -> None:
        engine = create_engine(self.server.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def world() -> Iterator[World]:
    """Start a server with a migrated template; both go when the benchmarks end."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-bench-"))
    server = embedded.start(folder / "postgres")
    try:
        create_database(server.url("postgres", "postgres"), TEMPLATE)
        owner = server.url("postgres", TEMPLATE)
        make_roles(owner)
        migrations.upgrade(Addresses(app=server.url(APP, TEMPLATE), owner=owner))
        yield World(folder=folder, server=server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def unguarded_engine(url: URL) -> Engine:
    """Return an engine as a program without any wall would have it: the peer of ours."""
    return create_engine(url, pool_size=2, connect_args={"options": "-c timezone=UTC"})


@contextmanager
def superuser(database: Database) -> Iterator[psycopg.Connection]:
    """Open a bare connection that no policy binds: for loading rows and for the plans without row-level security."""
    address = database.addresses.owner
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection
