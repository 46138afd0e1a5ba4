"""The database: addresses, roles, sessions, migrations' connection.

Four roles. ``wuguan_owner`` owns the tables and migrates; ``wuguan_app`` serves and is bound by row-level security.
Two are taken on for one transaction: ``wuguan_office`` by the sessions of one office, ``wuguan_hq`` by headquarters'.
Each has a policy of its own, because one policy that says all of it costs every office its indexes. ``wuguan_app`` may
become either but inherits neither.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from tenant import embedded
from tenant.errors import SettingsError
from tenant.journal import Actor, Recorder
from tenant.models import Base
from tenant.scoping import PATIENCE, PERMIT, Scope, ScopedSession, guard
from tenant.settings import Settings

OWNER, APP, ONE_OFFICE, HEADQUARTERS = "wuguan_owner", "wuguan_app", "wuguan_office", "wuguan_hq"
DATABASE_NAME = "wuguan"
OLDEST_SERVER = 150000
LONGEST_STATEMENT = 5 * 60 * 1000
"""Milliseconds."""
DUPLICATE = "42710"

ROLES = f"""
DO $$ BEGIN
  PERFORM pg_advisory_xact_lock(7719001);
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') THEN CREATE ROLE {OWNER} LOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') THEN CREATE ROLE {APP} LOGIN NOINHERIT; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ONE_OFFICE}') THEN CREATE ROLE {ONE_OFFICE} NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{HEADQUARTERS}') THEN
    CREATE ROLE {HEADQUARTERS} NOLOGIN;
  END IF;
  IF NOT pg_has_role('{APP}', '{ONE_OFFICE}', 'MEMBER') THEN GRANT {ONE_OFFICE} TO {APP}; END IF;
  IF NOT pg_has_role('{APP}', '{HEADQUARTERS}', 'MEMBER') THEN GRANT {HEADQUARTERS} TO {APP}; END IF;
END $$;
"""  # noqa: S608 - four names of our own, no input


@dataclass(slots=True)
class Addresses:
    """Where the database is: for serving, for migrating; ``server`` is the embedded one, None where another answers."""

    app: URL
    owner: URL
    server: embedded.EmbeddedServer | None = None


class Database:
    """The open database: makes sessions, each with a scope, an actor and a recorder."""

    def __init__(self, addresses: Addresses, recorder: Recorder, *, pool_size: int = 10) -> None:
        """Prepare the pool; nothing is connected yet."""
        self.addresses = addresses
        self.recorder = recorder
        self.engine = _engine(addresses.app, role=APP, pool_size=pool_size)
        guard(self.engine)

    @contextmanager
    def session(self, scope: Scope, actor: Actor, *, reason: str | None = None) -> Iterator[ScopedSession]:
        """Open a session; the caller commits at its edge, and what is not committed is rolled back."""
        session = self.make_session(scope, actor, reason=reason)
        try:
            yield session
        finally:
            session.close()

    def make_session(self, scope: Scope, actor: Actor, *, reason: str | None = None) -> ScopedSession:
        """Return a session that the caller closes: for an edge that spans several calls, such as a web request."""
        return ScopedSession(self.engine, scope=scope, actor=actor, recorder=self.recorder, reason=reason)

    @contextmanager
    def holding(self, patience: timedelta | None = None) -> Iterator["Database"]:
        """Yield this database on one connection, kept for many short transactions one after the other.

        Each session of a pool asks first whether its connection still answers; here only the first does. Should it
        break, the next session gets another one. A statement that waits longer than ``patience`` for what somebody else
        has locked fails, None: it waits as long as any.
        """
        with self.engine.connect() as connection:
            yield _OneConnection(self, connection, patience)

    def check(self) -> None:
        """Connect once; raises SettingsError when the server is out of reach, too old, or the role too strong."""
        try:
            with self.engine.connect() as connection:
                row = connection.execute(
                    text(
                        "SELECT current_setting('server_version_num')::int, rolsuper OR rolbypassrls"
                        " FROM pg_roles WHERE rolname = current_user"
                    ),
                    execution_options=PERMIT,
                ).one()
        except DBAPIError as error:
            raise unreachable(self.addresses.app, error) from error
        if row[0] < OLDEST_SERVER:
            raise SettingsError(
                code="database_too_old",
                message=f"PostgreSQL 版本过低（{row[0] // 10000}）。请升级到 15 或更高版本。",
                field="DATABASE_URL",
                value=str(row[0]),
            )
        if row[1]:
            raise SettingsError(
                code="role_too_strong",
                message=(
                    f"数据库角色可以绕过行级安全，不能用于对外服务。"
                    f"请改用 {APP} 登录，或运行 wuguan db upgrade 建立角色。"
                ),
                field="DATABASE_URL",
            )


class _OneConnection(Database):
    """A database whose sessions work on one connection in turn, never two at once."""

    def __init__(self, whole: Database, connection: Connection, patience: timedelta | None) -> None:
        self.addresses = whole.addresses
        self.recorder = whole.recorder
        self.engine = whole.engine
        self.connection = connection
        self.patience = patience

    def make_session(self, scope: Scope, actor: Actor, *, reason: str | None = None) -> ScopedSession:
        """Return a session on the connection that is held."""
        session = ScopedSession(self.connection, scope=scope, actor=actor, recorder=self.recorder, reason=reason)
        session.info[PATIENCE] = self.patience
        return session


def locate(settings: Settings) -> Addresses:
    """Return where the database is, starting the embedded server and making roles and database where needed."""
    if settings.database_url is not None:
        app = make_url(settings.database_url).set(drivername="postgresql+psycopg")
        owner = settings.owner_database_url
        return Addresses(app=app, owner=make_url(owner).set(drivername="postgresql+psycopg") if owner else app)
    server = embedded.start(settings.home / "postgres")
    addresses = Addresses(
        app=server.url(APP, DATABASE_NAME), owner=server.url("postgres", DATABASE_NAME), server=server
    )
    create_database(server.url("postgres", "postgres"), DATABASE_NAME)
    make_roles(addresses.owner)
    return addresses


def create_database(maintenance: URL, name: str) -> None:
    """Create the database ``name`` where it is missing."""
    engine = create_engine(maintenance, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}):
                connection.execute(text(f'CREATE DATABASE "{name}" ENCODING utf8 TEMPLATE template0'))
    finally:
        engine.dispose()


def make_roles(owner: URL) -> None:
    """Make the four roles where they are missing, and give ``wuguan_owner`` the right to make tables.

    Raises SettingsError when the login may not: then an administrator makes them once, as the message says.
    """
    engine = create_engine(owner)
    try:
        with engine.begin() as connection:
            connection.execute(text(ROLES))
            connection.execute(text(f"GRANT {OWNER} TO CURRENT_USER"))
            connection.execute(text(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}"))
    except OperationalError as error:
        raise unreachable(owner, error) from error
    except DBAPIError as error:
        raise SettingsError(
            code="roles_missing",
            message=(
                f"当前登录无权建立数据库角色。请由数据库管理员建立 {OWNER}、{APP}、{ONE_OFFICE}、{HEADQUARTERS}，"
                "或用管理员地址设置 WUGUAN_OWNER_DATABASE_URL 后再运行 wuguan db upgrade。"
            ),
            field="WUGUAN_OWNER_DATABASE_URL",
        ) from error
    finally:
        engine.dispose()


def owner_engine(addresses: Addresses) -> Engine:
    """Return an engine that works as ``wuguan_owner``: for migrations, never for serving."""
    return _engine(addresses.owner, role=OWNER, pool_size=1)


def serving_engine(addresses: Addresses) -> Engine:
    """Return an engine that works as ``wuguan_app`` outside any session: for what stands in no table of ours."""
    return _engine(addresses.app, role=APP, pool_size=1)


def refresh_statistics(addresses: Addresses) -> None:
    """Tell the planner what a bulk load has brought; without, its first queries over these rows may take minutes.

    The server does so by itself within minutes; only the owner of the tables may ask for it at once.
    """
    engine = owner_engine(addresses)
    try:
        with engine.begin() as connection:
            for table in Base.metadata.sorted_tables:
                connection.execute(text(f'ANALYZE "{table.name}"'))
    finally:
        engine.dispose()


def _engine(url: URL, *, role: str, pool_size: int) -> Engine:
    """Return an engine whose every connection begins as ``role``, whoever logged in.

    A statement that serves is given up after :data:`LONGEST_STATEMENT`, so that none blocks a worker for ever.
    """
    options = "" if url.username == role else f"-c role={role}"
    if role != OWNER:
        options += f" -c statement_timeout={LONGEST_STATEMENT}"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args={"options": f"{options} -c timezone=UTC".strip(), "connect_timeout": 5},
    )


def unreachable(url: URL, error: DBAPIError) -> SettingsError:
    """Return the refusal for a database that does not answer at ``url``."""
    place = f"{url.host or url.query.get('host', '')}/{url.database}"
    return SettingsError(
        code="database_unreachable",
        message=(
            f"连接不上数据库 {place}（{str(error.orig).strip().splitlines()[0][:160]}）。"
            "请检查 DATABASE_URL、数据库是否启动、角色是否已由 wuguan db upgrade 建立。"
        ),
        field="DATABASE_URL",
        value=place,
    )
