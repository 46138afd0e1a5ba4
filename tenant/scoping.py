"""The first wall between offices: every statement of a session is scoped or refused.

A :class:`Scope` is the set of offices a piece of work may touch, derived on the server from a person's postings, a
job's row or a command's option, never from what a browser sent. It is pinned to the session when the session is made.

Reads through the ORM get the criterion ``office_id = :wall`` (for several offices ``= ANY (:wall)``) on every walled
table, wherever it stands in the statement. What reaches the cursor is then checked again as SQL: a walled table that
stands there more often than its criterion does is refused, and so is any change that does not come from a flush or
from the one audited bulk helper.
Row-level security (``tenant.row_security``) does it all once more below.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import ARRAY, BigInteger, Connection, Engine, TextClause, TextualSelect, any_, bindparam, event, inspect
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.orm import (
    InstanceState,
    LoaderCriteriaOption,
    ORMExecuteState,
    Session,
    UOWTransaction,
    with_loader_criteria,
)
from sqlalchemy.orm.session import SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

from tenant.errors import ScopeMissing, WallBreach
from tenant.models.base import Base, GroupOnly, GroupShared, Walled

if TYPE_CHECKING:
    from tenant.journal import Actor, Recorder

MILLISECOND: Final = timedelta(milliseconds=1)
_KEY = object()
PERMIT: Final[dict[str, object]] = {"wall_permit": _KEY}
"""Execution options that let one statement pass the cursor check; a test lists who may use them, and why."""

SESSION: Final = "wall_session"
PATIENCE: Final = "patience"
"""What a session knows of how long it waits for a lock; with nothing there, as long as a statement may take."""
STRINGS: Final = re.compile(r"'(?:[^']|'')*'")
CHANGES: Final = re.compile(
    r"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO)\b|(?<!FOR )(?<!KEY )\bUPDATE\b", re.IGNORECASE
)
READS: Final = ("SELECT", "WITH", "(", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
HIDING: Final = re.compile(r"--|/\*|\bset_config\s*\(|\bFULL\s+(?:OUTER\s+)?JOIN\b", re.IGNORECASE)
"""What no statement of ours contains: a comment could hide a table's name, ``set_config`` would move the wall, and a
full join shows the rows that do not meet the criterion, because it stands in its ON."""
CRITERION: Final = re.compile(r'"?(\w+)"?\."?(\w+)"? = (?:ANY \()?%\(wall_')


@dataclass(frozen=True, slots=True)
class Scope:
    """The offices a piece of work may touch; ``is_everywhere`` is headquarters, with a database role of its own."""

    office_ids: frozenset[int] = field(default_factory=frozenset)
    is_everywhere: bool = False

    @classmethod
    def of(cls, office_ids: Iterable[int]) -> "Scope":
        """Return the scope of just these offices; none of them is a scope that sees nothing."""
        return cls(office_ids=frozenset(office_ids))

    @classmethod
    def everywhere(cls) -> "Scope":
        """Return headquarters' scope."""
        return cls(is_everywhere=True)

    def holds(self, office_id: int | None) -> bool:
        """Tell whether a row of ``office_id`` lies inside; a row without an office lies only in headquarters' scope."""
        return self.is_everywhere or office_id in self.office_ids

    def require(self, office_id: int | None) -> None:
        """Raise WallBreach unless ``office_id`` lies inside."""
        if not self.holds(office_id):
            message = f"office {office_id} lies outside the scope"
            raise WallBreach(message)

    def narrowed_to(self, office_id: int) -> "Scope":
        """Return the scope of one office of this scope; raises WallBreach when it lies outside."""
        self.require(office_id)
        return Scope.of([office_id])


class ScopedSession(Session):
    """A session with a scope and an actor, both pinned for its whole life."""

    def __init__(
        self, bind: Engine | Connection, *, scope: Scope, actor: "Actor", recorder: "Recorder", reason: str | None
    ) -> None:
        """Bind the session to its scope; ``reason`` stands in every audit entry it makes, None for none."""
        super().__init__(
            bind=bind,
            expire_on_commit=False,
            info={
                "scope": scope,
                "actor": actor,
                "recorder": recorder,
                "reason": reason,
                "standing_reason": reason,
                "flushing": False,
            },
        )
        recorder.watch(self)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is pending; only in here may a statement change a row."""
        already, self.info["flushing"] = self.info["flushing"], True
        try:
            super().flush(objects)
        finally:
            self.info["flushing"] = already


def scope_of(session: Session) -> Scope:
    """Return the session's scope; raises ScopeMissing where there is none."""
    scope = session.info.get("scope")
    if not isinstance(scope, Scope):
        message = "the session has no scope: open it through tenant.db.Database"
        raise ScopeMissing(message)
    return scope


def role_of(scope: Scope) -> str:
    """Return the database role that a session of ``scope`` takes on; each has its own policy (``row_security``)."""
    if scope.is_everywhere:
        return "wuguan_hq"
    return "wuguan_office" if len(scope.office_ids) == 1 else "wuguan_app"


@event.listens_for(ScopedSession, "after_begin")
def _tell_the_database(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    """State scope, role and patience for this transaction only: nothing is left on a pooled connection.

    The transaction is begun in the same message, which every one of them would otherwise wait for twice. What stands in
    it are numbers and names of ours.
    """
    scope = scope_of(session)
    connection.info[SESSION] = session
    offices = ",".join(str(int(office_id)) for office_id in sorted(scope.office_ids))
    stated = f"SELECT set_config('role', '{role_of(scope)}', true), set_config('wuguan.offices', '{offices}', true)"
    patience = session.info.get(PATIENCE)
    if patience is not None:
        stated += f", set_config('lock_timeout', '{int(patience / MILLISECOND)}ms', true)"
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        message = "the wall is told to PostgreSQL through psycopg"
        raise TypeError(message)
    is_begun = driver.pgconn.transaction_status != TransactionStatus.IDLE
    with driver.lock:
        driver.pgconn.send_query((stated if is_begun else f"BEGIN; {stated}").encode())
        result = driver.wait(execute(driver.pgconn))[-1]
    if result.status != ExecStatus.TUPLES_OK:
        raise error_from_result(result)


@event.listens_for(ScopedSession, "after_transaction_end")
def _forget_the_reason(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info["reason"] = session.info["standing_reason"]


@event.listens_for(ScopedSession, "do_orm_execute")
def _scope_reads(state: ORMExecuteState) -> None:
    scope = scope_of(state.session)
    if not state.is_select or scope.is_everywhere:
        return
    if state.is_column_load:  # of a row that was checked when it came in
        state.update_execution_options(**PERMIT)
        return
    state.statement = state.statement.options(_criterion(scope))


@lru_cache(maxsize=1024)
def _criterion(scope: Scope) -> LoaderCriteriaOption:
    """Return the office criterion of ``scope``, made once for each scope: making it is what a query would pay for.

    One office is asked for by ``=`` and not by ``ANY``: only so the planner knows that an index beginning with the
    office gives its rows in order, and reads 20 of them for a page instead of all.
    """
    if len(scope.office_ids) == 1:
        (office_id,) = scope.office_ids
        one = bindparam("wall", office_id, BigInteger, unique=True)
        return with_loader_criteria(Walled, lambda cls: cls.office_id == one, include_aliases=True)
    many = bindparam("wall", sorted(scope.office_ids), ARRAY(BigInteger), unique=True)
    return with_loader_criteria(Walled, lambda cls: cls.office_id == any_(many), include_aliases=True)


@event.listens_for(ScopedSession, "before_attach")
def _check_attached(session: Session, row: object) -> None:
    """Refuse a stored row of another office that some other session loaded: it would be there to be got by id."""
    if isinstance(row, Walled) and inspect(row).key is not None:
        scope_of(session).require(row.__dict__.get(row.wall_column))


@event.listens_for(ScopedSession, "before_flush")
def _guard_changes(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Refuse a row outside the scope, a row without an office, and a row that would move to another office."""
    scope = scope_of(session)
    for row in session.new:
        _require_row(scope, row)
    for row in (*session.dirty, *session.deleted):
        _require_row(scope, row)
        _require_its_office(row)


def _require_its_office(row: object) -> None:
    if not isinstance(row, Walled):
        return
    state = inspect(row)
    if row.wall_column in state.committed_state and state.attrs[row.wall_column].history.has_changes():
        message = f"{type(row).__name__} {row.id} may not move to another office"
        raise WallBreach(message)


def _require_row(scope: Scope, row: object) -> None:
    if scope.is_everywhere:
        return
    if _is_the_groups(row):
        message = f"{type(row).__name__} is the group's: an office session may not write it"
        raise WallBreach(message)
    if isinstance(row, Walled):
        scope.require(getattr(row, row.wall_column))


def _is_the_groups(row: object) -> bool:
    return isinstance(row, GroupShared | GroupOnly) or (isinstance(row, Walled) and row.kept_by_group)


@event.listens_for(Walled, "load", propagate=True, raw=True)
@event.listens_for(Walled, "refresh", propagate=True, raw=True)
def _check_loaded(state: InstanceState[Walled], context: Any, _columns: object = None) -> None:  # noqa: ANN401
    """Look once more at each instance that was loaded, whatever statement brought it; runs for every row of a page."""
    row, scope = state.obj(), context.session.info.get("scope")
    if row is None or not isinstance(scope, Scope) or row.__dict__.get(row.wall_column) not in scope.office_ids:
        _require_loaded(context.session, state, state.class_.wall_column)


def _require_loaded(session: Session, state: InstanceState[Walled], column: str) -> None:
    if column not in state.dict:
        message = f"{state.class_.__name__} was loaded without its office: load {column} with it"
        raise WallBreach(message)
    scope_of(session).require(state.dict[column])


def guard(engine: Engine) -> None:
    """Check every statement that reaches a cursor of ``engine``."""
    event.listen(engine, "before_execute", _refuse_text)
    event.listen(engine, "before_cursor_execute", _check_cursor)
    event.listen(engine, "checkin", _forget_session)


def _forget_session(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info.pop(SESSION, None)


def _refuse_text(
    connection: Connection, statement: object, _multi: object, _params: object, options: Mapping[str, Any]
) -> None:
    permit = options.get("wall_permit") or connection.get_execution_options().get("wall_permit")
    if isinstance(statement, TextClause | TextualSelect) and permit is not _KEY:
        message = "textual SQL passes the wall by: write it with the models, or give the reason beside PERMIT"
        raise WallBreach(message)


def _check_cursor(
    connection: Connection,
    _cursor: DBAPICursor,
    statement: str,
    parameters: object,
    context: ExecutionContext | None,
    _many: bool,  # noqa: FBT001 - SQLAlchemy's own
) -> None:
    if context is not None and context.execution_options.get("wall_permit") is _KEY:
        return
    session = connection.info.get(SESSION)
    if session is None:
        message = "a statement outside a session has no scope"
        raise ScopeMissing(message)
    scope = scope_of(session)
    shape = shape_of(statement, len(Base.metadata.tables))
    if shape.fault or _is_the_drivers(context):
        message = f"{shape.fault or 'driver-level SQL'} passes the wall by: write it with the models"
        raise WallBreach(message)
    if shape.changes:
        if not _is_flushing(session):
            message = f"{statement[:20]}… past the unit of work: use the session, or tenant.journal.write_rows"
            raise WallBreach(message)
    elif not scope.is_everywhere:
        if shape.unscoped:
            message = f"read of {', '.join(shape.unscoped)} without the office criterion"
            raise WallBreach(message)
        _require_own_wall(scope, parameters)


def _is_the_drivers(context: ExecutionContext | None) -> bool:
    """Tell whether a statement was handed over as a string, so that nothing but its text is known of it."""
    return context is None or context.compiled is None


def _is_flushing(session: Session) -> bool:
    return bool(session.info["flushing"])


def _require_own_wall(scope: Scope, parameters: object) -> None:
    """Refuse a criterion that names other offices than the scope: it only looks like ours."""
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            if name.startswith("wall_") and scope.office_ids != frozenset(
                value if isinstance(value, list) else [value]
            ):
                message = "the office criterion names other offices than the scope"
                raise WallBreach(message)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement looks like from outside.

    ``fault`` names what no statement may hold, None when it is clean; ``changes`` tells whether it changes rows;
    ``unscoped`` are the walled tables that stand in it more often than their criterion.
    """

    fault: str | None
    changes: bool
    unscoped: tuple[str, ...]


@lru_cache(maxsize=4096)
def shape_of(statement: str, tables: int) -> Shape:
    """Return the shape of ``statement``, where ``tables`` tables are known (so that one more asks again)."""
    bare = STRINGS.sub("''", statement).lstrip()
    hiding = HIDING.search(bare)
    if hiding:
        return Shape(fault=hiding.group(), changes=False, unscoped=())
    changes = CHANGES.search(bare) is not None
    if not changes and not bare.upper().startswith(READS):
        return Shape(fault=bare[:20], changes=False, unscoped=())
    return Shape(fault=None, changes=changes, unscoped=_unscoped(bare, tables))


def _unscoped(bare: str, tables: int) -> tuple[str, ...]:
    criteria = Counter(CRITERION.findall(bare))
    columns = walled_tables()
    seen: Counter[tuple[str, str]] = Counter()
    for match in _sightings(tables).finditer(bare):
        seen[match["table"].lower(), match["alias"] or match["table"]] += 1
    return tuple(sorted({table for (table, alias), count in seen.items() if criteria[alias, columns[table]] < count}))


def walled_tables() -> dict[str, str]:
    """Return each walled table with the column its wall runs along."""
    return _walls(len(Base.metadata.tables))


@lru_cache(maxsize=8)
def _walls(_tables: int) -> dict[str, str]:
    walls = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Walled):
            walls[str(mapper.class_.__tablename__)] = mapper.class_.wall_column
    return walls


@lru_cache(maxsize=8)
def _sightings(_tables: int) -> re.Pattern[str]:
    """Return what finds a walled table in a FROM, a JOIN or a list of either, with its alias."""
    names = "|".join(sorted(walled_tables(), key=len, reverse=True))
    return re.compile(
        rf'(?:\bFROM|\bJOIN|\bUSING|,|\()\s*(?:ONLY\s+)?(?:"?public"?\.)?"?(?P<table>{names})"?(?![\w."])'
        r'(?:\s+AS\s+"?(?P<alias>\w+)"?)?',
        re.IGNORECASE,
    )
