"""The record writes itself: what a session flushes is recorded in the same transaction, or neither happens."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Text, cast, event, insert, inspect, literal, select
from sqlalchemy.orm import InstanceState, Mapper, Session, UOWTransaction

from audit.models import AuditEntry
from audit.redaction import mask, masker
from tenant import clock
from tenant.journal import MANY, Change, Columns, RecordedAct, across, actor_of, given_columns, insert_of
from tenant.models.base import Base, Walled
from tenant.scoping import PERMIT, scope_of

UNRECORDED_COLUMNS = frozenset({"id", "office_id", "version", "created_at", "claim_token", "lease_until"})
"""Columns that stand in the entry itself, or change with every write and say nothing a reviewer could use."""

UNRECORDED_TABLES = frozenset(
    {"audit_entry", "audit_seal", "billing_line", "outbox_message", "schedule_fire", "number_series", "sign_in"}
)
"""Tables of the machinery: each of their rows stands for an act, or a charge, that is recorded under its own name."""

_AS_SENT: Column[Any] = Column("after", Text)
"""What is JSON already travels as text, so that it is not made JSON once more."""

ONE_BY_ONE = insert(AuditEntry).inline()
"""Inline: asking for the new id back would need the right to see the entry, which an office lacks on the group's.

Made once: made anew for each flush, half of what an entry costs would be the compiling of this statement."""


class Capture:
    """The recorder handed to :class:`tenant.db.Database` by every composition root."""

    def watch(self, session: Session) -> None:
        """Record every flush of ``session``."""
        event.listen(session, "after_flush", self._flushed)

    def record_changes(self, session: Session, table: Table, changes: Sequence[Change]) -> None:
        """Record rows of ``table`` that were written past the unit of work, one entry each that changed anything."""
        if table.name in UNRECORDED_TABLES:
            return
        common = _common(session)
        entries = (_change_entry(common, table, change) for change in changes)
        _write(session, [entry for entry in entries if entry is not None])

    def record_inserts(self, session: Session, table: Table, ids: Sequence[int], columns: Columns) -> None:
        """Record rows that were inserted together, one entry each."""
        if table.name in UNRECORDED_TABLES:
            return
        common = _common(session)
        if len(ids) >= MANY:
            _write_created(session, common, table, ids, columns)
            return
        rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
        made = (Change(row_id, row["office_id"], None, row) for row_id, row in zip(ids, rows, strict=True))
        _write(session, [entry for change in made if (entry := _change_entry(common, table, change))])

    def record_act(self, session: Session, act: RecordedAct) -> None:
        """Record an act that changes no row by itself.

        An act that names no office belongs to the session's one office; where there are several, to the group.
        """
        scope = scope_of(session)
        office_id = act.office_id
        if office_id is None and len(scope.office_ids) == 1:
            (office_id,) = scope.office_ids
        entry = _common(session) | {
            "verb": act.verb,
            "subject_kind": act.subject_kind,
            "subject_id": act.subject_id,
            "office_id": office_id,
            "before": None,
            "after": dict(act.facts) if act.facts else None,
        }
        _write(session, [entry | {"reason": act.reason} if act.reason is not None else entry])

    def _flushed(self, session: Session, _context: UOWTransaction) -> None:
        common = _common(session)
        entries = [
            *(_row_entry(common, row, "create") for row in session.new),
            *(_row_entry(common, row, "update") for row in session.dirty),
            *(_row_entry(common, row, "delete") for row in session.deleted),
        ]
        _write(session, [entry for entry in entries if entry is not None])


def _common(session: Session) -> dict[str, Any]:
    """Return what all entries of one flush share: when, who, from where, why."""
    actor = actor_of(session)
    return {
        "at": clock.now(),
        "actor_kind": actor.kind,
        "actor_id": actor.staff_id,
        "actor_name": actor.name,
        "request_id": actor.request_id,
        "address": actor.address,
        "reason": session.info.get("reason"),
    }


def _change_entry(common: dict[str, Any], table: Table, change: Change) -> dict[str, Any] | None:
    before, after = _values(table, change.before), _values(table, change.after)
    if change.before is not None and change.after is not None:
        changed = [name for name, value in change.after.items() if change.before[name] != value]
        if UNRECORDED_COLUMNS.issuperset(changed):
            return None
        before = _values(table, {name: change.before[name] for name in changed})
        after = _values(table, {name: change.after[name] for name in changed})
    return common | {
        "verb": f"{table.name}.{_verb(before is not None, after is not None)}",
        "subject_kind": table.name,
        "subject_id": change.subject_id,
        "office_id": change.office_id,
        "before": before,
        "after": after,
    }


def _verb(was: bool, is_now: bool) -> str:  # noqa: FBT001 - a two-by-two table
    return "update" if was and is_now else "create" if is_now else "delete"


def _row_entry(common: dict[str, Any], row: object, verb: str) -> dict[str, Any] | None:
    """Return the entry of a flushed row; None where it is not recorded or nothing of note changed."""
    if not isinstance(row, Base) or row.__tablename__ in UNRECORDED_TABLES:
        return None
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    history = _changed if verb == "update" else _present
    for column, old, new in history(inspect(row)):
        before[column.name], after[column.name] = kept(column, old), kept(column, new)
    if verb == "update" and not after:
        return None
    return common | {
        "verb": f"{row.__tablename__}.{verb}",
        "subject_kind": row.__tablename__,
        "subject_id": row.id,
        "office_id": getattr(row, row.wall_column) if isinstance(row, Walled) else None,
        "before": None if verb == "create" else before,
        "after": None if verb == "delete" else after,
    }


@cache
def _recorded(mapper: Mapper[Any]) -> tuple[tuple[str, Column[Any]], ...]:
    """Return the attributes of a class that are recorded, each with its column."""
    found = []
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if isinstance(column, Column) and column.name not in UNRECORDED_COLUMNS:
            found.append((attribute.key, column))
    return tuple(found)


def _changed(state: InstanceState[Any]) -> Iterator[tuple[Column[Any], object, object]]:
    """Yield each recorded column that an update changed, with its old and new value."""
    for key, column in _recorded(state.mapper):
        if key in state.committed_state:
            history = state.attrs[key].history
            if history.has_changes():
                yield column, (history.deleted or [None])[0], (history.added or [None])[0]


def _present(state: InstanceState[Any]) -> Iterator[tuple[Column[Any], object, object]]:
    """Yield each recorded column of a new or deleted row that has a value, on both sides."""
    for key, column in _recorded(state.mapper):
        value = state.dict.get(key)
        if value is not None:
            yield column, value, value


def _values(table: Table, row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the recorded columns of a row written in bulk, as the record keeps them; None stays None."""
    if row is None:
        return None
    return {name: kept(table.c[name], value) for name, value in row.items() if name not in UNRECORDED_COLUMNS}


def _write(session: Session, entries: list[dict[str, Any]]) -> None:
    """Insert the entries; in one statement where there are many of them."""
    if len(entries) >= MANY and isinstance(AuditEntry.__table__, Table):
        statement = insert_of(AuditEntry.__table__, across(AuditEntry.__table__, entries))
        session.connection().execute(statement, execution_options=PERMIT)
    elif entries:
        session.connection().execute(ONE_BY_ONE, entries, execution_options=PERMIT)


def _write_created(
    session: Session, common: Mapping[str, Any], table: Table, ids: Sequence[int], columns: Columns
) -> None:
    """Record rows that were inserted together, column by column: of each, the same columns are kept in the same way."""
    sides = [_kept_texts(table.c[name], values) for name, values in columns.items() if name not in UNRECORDED_COLUMNS]
    entry = inspect(AuditEntry).columns
    shared = {**common, "verb": f"{table.name}.create", "subject_kind": table.name}
    afters = [f"{{{','.join(side)}}}" for side in zip(*sides, strict=True)] if sides else ["{}"] * len(ids)
    given = given_columns(
        {"subject_id": entry.subject_id, "office_id": entry.office_id, "after": _AS_SENT},
        {"subject_id": ids, "office_id": columns["office_id"], "after": afters},
    )
    values: dict[str, ColumnElement[Any]] = {
        name: literal(value, entry[name].type) for name, value in shared.items() if value is not None
    }
    values.update(given.values)
    values["after"] = cast(given.values["after"], entry.after.type)
    statement = insert(AuditEntry).inline().from_select(list(values), select(*values.values()).order_by(given.place))
    session.connection().execute(statement, execution_options=PERMIT)


def _kept_texts(column: Column[Any], values: Sequence[Any]) -> list[str]:
    """Return for each value `"column": value` as JSON, as the record keeps it; what repeats is made once."""
    name = f"{json.dumps(column.name)}: "
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str} and column.info.keys() <= {"personal"}:
        masked = masker(column.name) if column.info.get("personal") else str
        return [name + ("null" if value is None else quoted(masked(value))) for value in values]
    if kinds == {int} and not column.info:
        return [name + ("null" if value is None else str(value)) for value in values]
    if len(kinds) == 1 and not kinds & {dict, list, Decimal}:
        made = {value: name + json.dumps(kept(column, value)) for value in set(values)}
        return [made[value] for value in values]
    return [name + json.dumps(kept(column, value)) for value in values]


def kept(column: Column[Any], value: object) -> object:
    """Return ``value`` as the record keeps it: plain JSON, personal values masked, secrets and bodies as digests.

    Of a column that tells what may be known of its value (``told``), that is kept.
    """
    if value is None:
        return None
    if column.info.get("secret"):
        return "***"
    if told := column.info.get("told"):
        return _plain(told(value))
    if column.info.get("redacted"):
        raw = value if isinstance(value, bytes) else str(value).encode()
        return f"{len(raw)} 字节 sha256:{sha256(raw).hexdigest()[:16]}"
    if column.info.get("personal"):
        return mask(column.name, str(value))
    return _plain(value)


def _plain(value: object) -> object:
    """Return ``value`` as JSON can hold it: enums by value, amounts and times as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
