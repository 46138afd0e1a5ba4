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
from decimal import Decimal
from enum import Enum as Coded
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Delete,
    FromClause,
    Insert,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    Time,
    Update,
    and_,
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
Columns = Mapping[str, Sequence[Any]]
"""Name of a column → its values, of as many rows in each."""
PLACE = "place_in_rows"
MANY: Final = 50
"""From how many rows on it pays to send each column by itself."""
_PARTED, _NULL = "\x1f", "\x1e"
"""What stands between two values of a column that travels as one text, and for none."""
_PARTABLE = (String, Numeric, Integer, Boolean, Date, DateTime, Time, JSON)
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


class Change(NamedTuple):
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

    def record_inserts(self, session: Session, table: Table, ids: Sequence[int], columns: "Columns") -> None:
        """Record rows of ``table`` that were inserted past the unit of work, a value of each column for each id."""

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
    for office_id in {row["office_id"] for row in (*inserts, *(before for before, _ in updates), *deletes)}:
        scope.require(office_id)
    for _, after in updates:
        if not FIXED.isdisjoint(after):
            message = f"{', '.join(sorted(FIXED & set(after)))} of a {model.__name__} may not be changed"
            raise WallBreach(message)
    table = inspect(model).local_table
    if not isinstance(table, Table):
        message = f"{model.__name__} is not one table"
        raise WallBreach(message)
    session.flush()
    ids = _insert_columns(session, table, across(table, inserts)) if inserts else []
    for columns, rows in _by_columns(updates).items():
        _update(session, table, columns, rows)
    if deletes:
        _delete(session, table, deletes)
    if updates or deletes:
        recorder_of(session).record_changes(session, table, [*_changes(updates), *map(_deletion, deletes)])
    return ids


def write_columns(
    session: Session, model: "type[OfficeScoped]", columns: Columns, shared: Row = MappingProxyType({})
) -> list[int]:
    """Insert many rows of ``model`` given column by column, each with its audit entry; ``shared`` holds for all.

    Returns the new ids in the order of the rows; raises as :func:`write_rows` does.
    """
    count = len(next(iter(columns.values())))
    whole = {**{name: [value] * count for name, value in shared.items()}, **columns}
    scope = scope_of(session)
    for office_id in set(whole["office_id"]):
        scope.require(office_id)
    table = inspect(model).local_table
    if not isinstance(table, Table):
        message = f"{model.__name__} is not one table"
        raise WallBreach(message)
    session.flush()
    return _insert_columns(session, table, whole) if count else []


def _insert_columns(session: Session, table: Table, columns: Columns) -> list[int]:
    """Insert rows and put them on the record; return their ids.

    They come in the order of the rows: PostgreSQL computes an identity after it has sorted.
    """
    statement = insert_of(table, columns).returning(table.c.id)
    ids = sorted(session.connection().execute(statement, execution_options=PERMIT).scalars())
    recorder_of(session).record_inserts(session, table, ids, columns)
    return ids


def across(table: Table, rows: Sequence[Row]) -> Columns:
    """Return rows as columns; raises ValueError unless all name the same columns."""
    names = rows[0].keys()
    if any(row.keys() != names for row in rows):
        message = f"rows of {table.name} name different columns"
        raise ValueError(message)
    return {name: [row[name] for row in rows] for name in names}


def insert_of(table: Table, columns: Columns) -> Insert:
    """Return the statement that inserts rows; each value is read as its column reads text: too long is refused."""
    given = given_columns({name: table.c[name] for name in columns}, columns)
    chosen = select(*(given.values[name] for name in columns)).order_by(given.place)
    return insert(table).from_select(list(columns), chosen)


class Given(NamedTuple):
    """Rows that travel with a statement: what it selects from, the value of each column, their place in order."""

    source: FromClause
    values: Mapping[str, ColumnElement[Any]]
    place: ColumnElement[int]


def given_rows(columns: Mapping[str, Column[Any]], rows: Sequence[Row]) -> Given:
    """Return ``rows`` as something to select from, each value of the type of its column; ``columns`` by row's name."""
    return given_columns(columns, {name: [row[name] for row in rows] for name in columns})


def given_columns(columns: Mapping[str, Column[Any]], values: Columns) -> Given:
    """Return rows given column by column as something to select from.

    Each column travels as one text that neither side has to escape or parse as anything but its values: that costs the
    server what COPY would cost it, and us a hundredth of a VALUES list. Where a value holds a sign that parts values,
    and for few rows, all travel as one JSON text.
    """
    count = len(next(iter(values.values())))
    texts = _texts(columns, values) if count >= MANY else None
    if texts is None:
        return _given_as_json(columns, values)
    arrays = [func.string_to_array(bindparam(None, text, Text, unique=True), _PARTED, _NULL) for text in texts]
    given = (
        func.unnest(*arrays)
        .table_valued(*(column(name, Text) for name in columns), with_ordinality=PLACE)
        .render_derived(name="given")
    )
    read = {
        name: given.c[name] if isinstance(target.type, String) else cast(given.c[name], target.type)
        for name, target in columns.items()
    }
    return Given(given, read, given.c[PLACE])


def _given_as_json(columns: Mapping[str, Column[Any]], values: Columns) -> Given:
    rows = zip(*(values[name] for name in columns), strict=True)
    listed = [dict(zip(columns, row, strict=True)) | {PLACE: place} for place, row in enumerate(rows)]
    text = json.dumps(listed, default=_plain)
    given = (
        func.json_to_recordset(cast(bindparam("rows", text, Text, unique=True), JSON))
        .table_valued(*(column(name, target.type) for name, target in columns.items()), column(PLACE, BigInteger))
        .render_derived(name="given", with_types=True)
    )
    return Given(given, {name: given.c[name] for name in columns}, given.c[PLACE])


def _texts(columns: Mapping[str, Column[Any]], values: Columns) -> list[str] | None:
    """Return each column as one text, None where a type or a value does not allow of it."""
    texts = []
    for name, target in columns.items():
        if not isinstance(target.type, _PARTABLE):
            return None
        listed = values[name]
        text = _PARTED.join(_sent(listed, is_json=isinstance(target.type, JSON)))
        if text.count(_PARTED) != len(listed) - 1 or text.count(_NULL) != listed.count(None):
            return None
        texts.append(text)
    return texts


def _sent(values: Sequence[Any], *, is_json: bool) -> Sequence[str]:
    """Return each value as the text its column reads; of codes and days, what repeats is made once."""
    kinds = set(map(type, values)) - {type(None)}
    if is_json:
        return [_NULL if value is None else json.dumps(value) for value in values]
    if kinds <= {str}:
        return [_NULL if value is None else value for value in values] if None in values else values
    if kinds in ({int}, {Decimal}):
        return [_NULL if value is None else str(value) for value in values]
    if len(kinds) == 1:
        known = {value: _as_text(value) for value in set(values)} | {None: _NULL}
        return [known[value] for value in values]
    return [_NULL if value is None else _as_text(value) for value in values]


def _as_text(value: object) -> str:
    """Return a value as the text its column reads."""
    if isinstance(value, Coded):
        return str(value.value)
    return ("true" if value else "false") if isinstance(value, bool) else str(_plain(value))


def _plain(value: object) -> str:
    """Return a value that JSON does not know as the text its column reads."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _update(session: Session, table: Table, columns: Sequence[str], rows: Sequence[tuple[Row, Row]]) -> None:
    named = {f"to_{name}": table.c[name] for name in columns}
    given = given_rows(
        _identifying(table) | named,
        [_identity(before) | {f"to_{name}": after[name] for name in columns} for before, after in rows],
    )
    statement = (
        update(table)
        .where(_is_given(table, given))
        .values({name: given.values[f"to_{name}"] for name in columns} | {"version": table.c.version + 1})
    )
    _execute_on(session, table, statement, len(rows))


def _delete(session: Session, table: Table, rows: Sequence[Row]) -> None:
    given = given_rows(_identifying(table), [_identity(row) for row in rows])
    _execute_on(session, table, delete(table).where(_is_given(table, given)), len(rows))


def _execute_on(session: Session, table: Table, statement: Update | Delete, expected: int) -> None:
    """Execute a statement that meets each of so many rows once; raises StaleRow when it meets fewer."""
    if session.connection().execute(statement, execution_options=PERMIT).rowcount != expected:
        raise StaleRow(table.name)


def _identifying(table: Table) -> dict[str, Column[Any]]:
    return {"row_office": table.c.office_id, "row_id": table.c.id, "row_version": table.c.version}


def _identity(row: Row) -> dict[str, Any]:
    return {"row_office": row["office_id"], "row_id": row["id"], "row_version": row["version"]}


def _is_given(table: Table, given: Given) -> ColumnElement[bool]:
    """Return the condition that a row of ``table`` is one of those given, unchanged since it was read."""
    return and_(*(target == given.values[name] for name, target in _identifying(table).items()))


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


def _changes(updates: Sequence[tuple[Row, Row]]) -> Iterable[Change]:
    for before, after in updates:
        yield Change(
            subject_id=before["id"],
            office_id=before["office_id"],
            before={name: before[name] for name in after},
            after=after,
        )
