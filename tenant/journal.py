"""The seam between what the domain does and the record of who did it.

The domain knows that it is recorded, not how: a composition root hands a :class:`Recorder` to the database, and a
session without one cannot be made. Changes made through the session are recorded at flush by themselves; two things
need saying out loud, and both are here: :func:`note` for an act that changes no row, and :func:`write_rows`, the one
way to write many rows without the unit of work.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import (
    JSON,
    BigInteger,
    Insert,
    Table,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Session

from tenant.errors import WallBreach
from tenant.rules.terms import ActorKind
from tenant.scoping import PERMIT, scope_of

if TYPE_CHECKING:
    from tenant.models.base import OfficeScoped

Row = Mapping[str, Any]
PLACE = "place_in_rows"
LONGEST_REASON = 200
FIXED = frozenset({"id", "office_id", "version"})
"""Columns that no bulk update may name: which row it is, whose it is, and the count of its changes."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in person, the clocks, or somebody at the command line.

    ``posting_id`` is the posting a person acts through in the office at hand, None outside one; ``request_id`` ties
    together all that one request, command or job did; ``address`` is the network address, None for clocks.
    """

    kind: ActorKind
    name: str
    staff_id: int | None = None
    posting_id: int | None = None
    request_id: str | None = None
    address: str | None = None


CLOCKWORK = Actor(kind=ActorKind.CLOCKWORK, name="系统时钟")


@dataclass(frozen=True, slots=True)
class Change:
    """One row as it was and as it is: ``before`` None for an insert, ``after`` None for a delete."""

    subject_id: int
    office_id: int | None
    before: Row | None
    after: Row | None


class Recorder(Protocol):
    """What the record must be able to do; ``audit.capture`` does it."""

    def watch(self, session: Session) -> None:
        """Record every flush of ``session`` from now on, in its own transaction."""

    def record_changes(self, session: Session, table: Table, changes: Sequence[Change]) -> None:
        """Record rows of ``table`` written past the unit of work."""

    def record_act(self, session: Session, act: "RecordedAct") -> None:
        """Record an act that changes no row by itself."""


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """An act worth recording that is not a change of a row: an export, a denial, a sign-in, a crossing of the wall.

    ``verb`` is a code (``mail.sent``), rendered into a sentence when shown; ``facts`` are plain JSON values.
    """

    verb: str
    subject_kind: str | None = None
    subject_id: int | None = None
    office_id: int | None = None
    reason: str | None = None
    facts: Mapping[str, object] | None = None


def actor_of(session: Session) -> Actor:
    """Return who acts in ``session``; every session of :class:`tenant.db.Database` has one."""
    actor = session.info["actor"]
    if not isinstance(actor, Actor):
        message = "the session has no actor"
        raise TypeError(message)
    return actor


def recorder_of(session: Session) -> Recorder:
    """Return the recorder of ``session``."""
    recorder: Recorder = session.info["recorder"]
    return recorder


def note(session: Session, act: RecordedAct) -> None:
    """Put an act on the record, in the transaction of ``session``."""
    recorder_of(session).record_act(session, act)


def because(session: Session, reason: str | None) -> None:
    """Give the reason for what ``session`` changes until its transaction ends; it stands in each entry.

    An entry has room for :data:`LONGEST_REASON` characters: who asks a person for a reason says so beforehand.
    """
    session.info["reason"] = reason


def write_rows(
    session: Session,
    model: "type[OfficeScoped]",
    *,
    inserts: Sequence[Row] = (),
    updates: Sequence[tuple[Row, Row]] = (),
    deletes: Sequence[Row] = (),
) -> list[int]:
    """Insert, update and delete many rows of ``model`` at once, each with its audit entry; the one audited bulk helper.

    ``inserts`` are column → value and must name the same columns in every row; ``updates`` are pairs of the row as it
    was read (with ``id``, ``office_id`` and ``version``) and the columns that change; ``deletes`` are rows as they were
    read, and what they held goes on the record. Returns the new ids in the order of ``inserts``. Raises WallBreach when
    a row lies outside the session's scope, and :class:`StaleRow` when a row changed since it was read; then nothing may
    be committed.
    """
    scope = scope_of(session)
    for row in [*inserts, *(before for before, _ in updates), *deletes]:
        scope.require(row["office_id"])
    for _, after in updates:
        if not FIXED.isdisjoint(after):
            message = f"{', '.join(sorted(FIXED & set(after)))} of a {model.__name__} may not be changed"
            raise WallBreach(message)
    table = inspect(model).local_table
    if not isinstance(table, Table):
        message = f"{model.__name__} is not one table"
        raise WallBreach(message)
    session.flush()
    ids = _insert(session, table, inserts) if inserts else []
    for columns, rows in _by_columns(updates).items():
        _update(session, table, columns, rows)
    if deletes:
        _delete(session, table, deletes)
    changes = [*_changes(inserts, ids, updates), *map(_deletion, deletes)]
    recorder_of(session).record_changes(session, table, changes)
    return ids


def insert_of(table: Table, rows: Sequence[Row]) -> Insert:
    """Return the statement that inserts ``rows``; raises ValueError unless all name the same columns.

    The rows travel as one JSON text, which neither side has to escape, quote or parse value by value: a VALUES list of
    10,000 audit entries took five times as long. Each value is read as its column reads text, so that what is too long
    is refused and not cut. The rows get their ids in the order they are given in: PostgreSQL computes an identity after
    it has sorted.
    """
    names = rows[0].keys()
    if any(row.keys() != names for row in rows):
        message = f"rows of {table.name} name different columns"
        raise ValueError(message)
    text = json.dumps([{**row, PLACE: place} for place, row in enumerate(rows)], default=_plain)
    given = (
        func.json_to_recordset(cast(bindparam("rows", text, Text, unique=True), JSON))
        .table_valued(*(column(name, table.c[name].type) for name in names), column(PLACE, BigInteger))
        .render_derived(name="given", with_types=True)
    )
    values = select(*(given.c[name] for name in names)).order_by(given.c[PLACE])
    return insert(table).from_select(list(names), values)


def _plain(value: object) -> str:
    """Return a value that JSON does not know as the text its column reads."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _insert(session: Session, table: Table, rows: Sequence[Row]) -> list[int]:
    statement = insert_of(table, rows).returning(table.c.id)
    return sorted(session.connection().execute(statement, execution_options=PERMIT).scalars())


def _update(session: Session, table: Table, columns: Sequence[str], rows: Sequence[tuple[Row, Row]]) -> None:
    statement = (
        update(table)
        .where(
            table.c.office_id == bindparam("row_office"),
            table.c.id == bindparam("row_id"),
            table.c.version == bindparam("row_version"),
        )
        .values({name: bindparam(f"to_{name}") for name in columns} | {"version": table.c.version + 1})
    )
    parameters = [
        {"row_office": before["office_id"], "row_id": before["id"], "row_version": before["version"]}
        | {f"to_{name}": after[name] for name in columns}
        for before, after in rows
    ]
    if session.connection().execute(statement, parameters, execution_options=PERMIT).rowcount != len(rows):
        raise StaleRow(table.name)


def _delete(session: Session, table: Table, rows: Sequence[Row]) -> None:
    statement = delete(table).where(
        table.c.office_id == bindparam("row_office"),
        table.c.id == bindparam("row_id"),
        table.c.version == bindparam("row_version"),
    )
    parameters = [{"row_office": row["office_id"], "row_id": row["id"], "row_version": row["version"]} for row in rows]
    if session.connection().execute(statement, parameters, execution_options=PERMIT).rowcount != len(rows):
        raise StaleRow(table.name)


def _deletion(row: Row) -> Change:
    held = {name: value for name, value in row.items() if name not in FIXED}
    return Change(subject_id=row["id"], office_id=row["office_id"], before=held, after=None)


class StaleRow(Exception):
    """A row to be updated or deleted in bulk changed since it was read."""


def _by_columns(updates: Iterable[tuple[Row, Row]]) -> dict[tuple[str, ...], list[tuple[Row, Row]]]:
    grouped: dict[tuple[str, ...], list[tuple[Row, Row]]] = {}
    for before, after in updates:
        grouped.setdefault(tuple(sorted(after)), []).append((before, after))
    return grouped


def _changes(inserts: Sequence[Row], ids: Sequence[int], updates: Sequence[tuple[Row, Row]]) -> Iterable[Change]:
    for row, row_id in zip(inserts, ids, strict=True):
        yield Change(subject_id=row_id, office_id=row["office_id"], before=None, after=row)
    for before, after in updates:
        yield Change(
            subject_id=before["id"],
            office_id=before["office_id"],
            before={name: before[name] for name in after},
            after=after,
        )
