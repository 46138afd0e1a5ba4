"""Worlds to prove the wall in: a copy of the database with both offices furnished, and a way to open sessions in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

from audit.capture import Capture
from cast import Cast, House, hire_cast
from furnish import Furniture, furnish, truth
from tenant import embedded
from tenant.db import Addresses, Database
from tenant.journal import CLOCKWORK
from tenant.scoping import Scope, role_of

_copies = count(1)
OpenSession = Callable[[Scope], AbstractContextManager[Session]]


@dataclass
class World:
    """A database with both offices furnished; ``open`` gives a session behind the walls that stand in this world."""

    name: str
    database: Database
    owner: Engine
    cast: Cast
    made: Furniture
    open: OpenSession
    guarded: bool
    known: dict[str, dict[int, int | None]] = field(default_factory=dict)

    @property
    def houses(self) -> list[tuple[House, House]]:
        """Each office with the other one."""
        return [(self.cast.north, self.cast.south), (self.cast.south, self.cast.north)]

    def own(self, table: str, office_id: int) -> set[int]:
        """The ids of the rows of ``table`` that the office has, as a superuser counts them."""
        return {row for row, office in self.truth(table).items() if office == office_id}

    def all(self, table: str) -> set[int]:
        """The ids of all rows of ``table``."""
        return set(self.truth(table))

    def truth(self, table: str) -> dict[int, int | None]:
        """The office of every row of ``table``, as the superuser saw it at first; ``look_again`` after changes."""
        if table not in self.known:
            self.known[table] = truth(self.owner, table)
        return self.known[table]

    def look_again(self) -> None:
        """Forget what the superuser saw."""
        self.known.clear()

    def statement(self, statement: str) -> None:
        """Run ``statement`` as the superuser."""
        self.look_again()
        with self.owner.begin() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def copied(server: embedded.EmbeddedServer, template: str) -> Iterator[Addresses]:
    """A copy of the migrated template, for as long as the block lasts."""
    name = f"isolated_{next(_copies)}"
    maintenance = create_engine(server.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield Addresses(app=server.url("wuguan_app", name), owner=server.url("postgres", name))
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    maintenance.dispose()


@contextmanager
def built(addresses: Addresses, *, furnished: bool = True) -> Iterator[World]:
    """A world with both walls, with a row of every table unless ``furnished`` is False."""
    database = Database(addresses, Capture(), pool_size=5)
    owner = create_engine(addresses.owner)
    cast = hire_cast(database)
    made = furnish(database, [cast.north.id, cast.south.id]) if furnished else Furniture()

    def open_session(scope: Scope) -> AbstractContextManager[Session]:
        return database.session(scope, CLOCKWORK)

    try:
        yield World("both walls", database, owner, cast, made, open_session, guarded=True)
    finally:
        database.engine.dispose()
        owner.dispose()


def plain(engine: Engine, role: str | None = None) -> OpenSession:
    """Return what opens sessions of SQLAlchemy's own, with nothing but the settings that row-level security reads.

    ``role`` None: the one that the scope calls for.
    """

    @contextmanager
    def open_session(scope: Scope) -> Iterator[Session]:
        offices = ",".join(str(office_id) for office_id in sorted(scope.office_ids))
        with Session(engine) as session:

            @event.listens_for(session, "after_begin")
            def _tell(_session: Session, _transaction: object, connection: object) -> None:
                connection.exec_driver_sql(
                    "SELECT set_config('role', %(role)s, true), set_config('wuguan.offices', %(offices)s, true)",
                    {"role": role or role_of(scope), "offices": offices},
                )

            session.info["scope"] = Scope.everywhere()  # the check of loaded rows asks every session
            yield session

    return open_session
