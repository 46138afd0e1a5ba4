"""The first wall between offices: every statement of a session is scoped or refused.

A :class:`Scope` is the set of offices a piece of work may touch, derived on the server from a person's postings, a
job's row or a command's option, never from what a browser sent. It is pinned to the session when the session is made.

Reads through the ORM get the criterion ``office_id = ANY (:wall)`` on every walled table, wherever it stands in the
statement. What reaches the cursor is then checked again as SQL: a walled table that stands there more often than its
criterion does is refused, and so is any change that does not come from a flush or from the one audited bulk helper.
Row-level security (``tenant.db``) does it all once more below.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, BigInteger, Connection, Engine, TextClause, any_, bindparam, event, inspect
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.orm.session import SessionTransaction

from tenant.errors import ScopeMissing, WallBreach
from tenant.models.base import Base, GroupOnly, GroupShared, Walled

if TYPE_CHECKING:
    from tenant.journal import Actor, Recorder

_KEY = object()
PERMIT: Final[dict[str, object]] = {"wall_permit": _KEY}
"""Execution options that let one statement pass the cursor check; a lint says who may use them, and why."""

_REFRESH: Final[dict[str, object]] = {"wall_permit": _KEY}
SESSION = "wall_session"


@dataclass(frozen=True, slots=True)
class Scope:
    """The offices a piece of work may touch; ``is_everywhere`` is headquarters, which has a database role of its own."""

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

    def __init__(self, bind: Engine, *, scope: Scope, actor: "Actor", recorder: "Recorder", reason: str | None) -> None:
        """Bind the session to its scope; ``reason`` stands in every audit entry it makes, None for none."""
        super().__init__(
            bind=bind,
            expire_on_commit=False,
            info={"scope": scope, "actor": actor, "recorder": recorder, "reason": reason, "flushing": False},
        )
        recorder.watch(self)


def scope_of(session: Session) -> Scope:
    """Return the session's scope; raises ScopeMissing where there is none."""
    scope = session.info.get("scope")
    if not isinstance(scope, Scope):
        message = "the session has no scope: open it through tenant.db.Database"
        raise ScopeMissing(message)
    return scope


@event.listens_for(ScopedSession, "after_begin")
def _tell_the_database(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    """State scope and role for this transaction only: nothing is left on a pooled connection."""
    scope = scope_of(session)
    connection.info[SESSION] = session
    role = "wuguan_hq" if scope.is_everywhere else "wuguan_app"
    offices = ",".join(str(office_id) for office_id in sorted(scope.office_ids))
    connection.connection.cursor().execute(
        "SELECT set_config('role', %s, true), set_config('wuguan.offices', %s, true)", (role, offices)
    )


@event.listens_for(ScopedSession, "do_orm_execute")
def _scope_reads(state: ORMExecuteState) -> None:
    scope = scope_of(state.session)
    if not state.is_select or scope.is_everywhere:
        return
    if state.is_column_load:
        state.update_execution_options(**_REFRESH)
        return
    wall = bindparam("wall", sorted(scope.office_ids), ARRAY(BigInteger), unique=True)
    state.statement = state.statement.options(
        with_loader_criteria(Walled, lambda cls: cls.office_id == any_(wall), include_aliases=True)
    )


@event.listens_for(ScopedSession, "before_flush")
def _guard_changes(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Refuse a row outside the scope, a row without an office, and a row that would move to another office."""
    scope = scope_of(session)
    for row in session.new:
        _require_row(scope, row)
    for row in (*session.dirty, *session.deleted):
        _require_row(scope, row)
        if isinstance(row, Walled) and row.wall_column == "office_id":
            if inspect(row).attrs["office_id"].history.deleted:
                message = f"{type(row).__name__} {row.id} may not move to another office"
                raise WallBreach(message)
    session.info["flushing"] = True


def _require_row(scope: Scope, row: object) -> None:
    if scope.is_everywhere:
        return
    if isinstance(row, GroupShared | GroupOnly):
        message = f"{type(row).__name__} is the group's: an office session may not write it"
        raise WallBreach(message)
    if isinstance(row, Walled):
        scope.require(getattr(row, row.wall_column))


@event.listens_for(ScopedSession, "after_flush_postexec")
def _flushed(session: Session, _context: UOWTransaction) -> None:
    session.info["flushing"] = False


@event.listens_for(ScopedSession, "after_soft_rollback")
def _flush_failed(session: Session, _previous: SessionTransaction) -> None:
    session.info["flushing"] = False


@event.listens_for(Walled, "load", propagate=True)
def _check_loaded(row: Walled, context: Any) -> None:
    """Look once more at each instance that was loaded, whatever statement brought it."""
    scope_of(context.session).require(getattr(row, row.wall_column))


def guard(engine: Engine) -> None:
    """Check every statement that reaches a cursor of ``engine``."""
    event.listen(engine, "before_execute", _refuse_text)
    event.listen(engine, "before_cursor_execute", _check_cursor)


def _refuse_text(
    connection: Connection, statement: object, _multi: object, _params: object, options: dict[str, Any]
) -> None:
    permit = options.get("wall_permit") or connection.get_execution_options().get("wall_permit")
    if isinstance(statement, TextClause) and permit is not _KEY:
        message = "textual SQL passes the wall by: write it with the models, or give the reason beside PERMIT"
        raise WallBreach(message)


def _check_cursor(
    connection: Connection,
    _cursor: DBAPICursor,
    statement: str,
    _parameters: object,
    context: ExecutionContext | None,
    _many: bool,
) -> None:
    if context is not None and context.execution_options.get("wall_permit") is _KEY:
        return
    session = connection.info.get(SESSION)
    if session is None or connection.info.get(SESSION) is None:
        message = "a statement outside a session has no scope"
        raise ScopeMissing(message)
    scope = scope_of(session)
    kind = statement.lstrip()[:6].upper()
    if kind in {"INSERT", "UPDATE", "DELETE"}:
        if not session.info["flushing"]:
            message = f"{kind} past the unit of work: use the session, or tenant.journal.write_rows"
            raise WallBreach(message)
        return
    if scope.is_everywhere:
        return
    unscoped = unscoped_tables(statement)
    if unscoped:
        message = f"read of {', '.join(unscoped)} without the office criterion"
        raise WallBreach(message)


@lru_cache(maxsize=4096)
def unscoped_tables(statement: str) -> tuple[str, ...]:
    """Return the walled tables that stand in ``statement`` more often than their criterion; empty when all is well."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", statement)
    missing = []
    for name, column in walled_tables().items():
        for alias, count in _occurrences(bare, name).items():
            criteria = len(re.findall(rf'(?<![\w.])"?{alias}"?\."?{column}"? = ANY \(%\(wall_', bare))
            if criteria < count:
                missing.append(name)
    return tuple(missing)


@lru_cache(maxsize=1)
def walled_tables() -> dict[str, str]:
    """Return each walled table with the column its wall runs along."""
    return {
        mapper.local_table.name: mapper.class_.wall_column
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Walled)
    }


def _occurrences(statement: str, table: str) -> dict[str, int]:
    """Return how often ``table`` stands in a FROM or JOIN of ``statement``, by alias."""
    found: dict[str, int] = {}
    for match in re.finditer(rf'(?:\bFROM|\bJOIN|,|\()\s*"?{table}"?(?![\w."])(?:\s+AS\s+"?(\w+)"?)?', statement, re.I):
        alias = match.group(1) or table
        found[alias] = found.get(alias, 0) + 1
    return found
