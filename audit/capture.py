"""The record writes itself: what a session flushes is recorded in the same transaction, or neither happens."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Table, event, insert, inspect
from sqlalchemy.orm import InstanceState, Session, UOWTransaction

from audit.models import AuditEntry
from audit.redaction import mask
from tenant import clock
from tenant.journal import Change, RecordedAct, actor_of
from tenant.models.base import Base, Walled
from tenant.scoping import PERMIT

UNRECORDED_COLUMNS = frozenset({"version", "created_at", "claim_token", "lease_until"})
"""Columns that change as a side effect of every write and say nothing a reviewer could use."""

UNRECORDED_TABLES = frozenset({"audit_entry", "outbox_message", "schedule_fire", "number_series"})
"""Tables of the machinery: each of their rows stands for an act that is recorded under its own name."""


class Capture:
    """The recorder handed to :class:`tenant.db.Database` by every composition root."""

    def watch(self, session: Session) -> None:
        """Record every flush of ``session``."""
        event.listen(session, "after_flush", self._flushed)

    def record_changes(self, session: Session, table: Table, changes: Sequence[Change]) -> None:
        """Record rows of ``table`` that were written past the unit of work, one entry each."""
        entries = []
        for change in changes:
            before, after = _values(table, change.before), _values(table, change.after)
            verb = _verb(before is not None, after is not None)
            entries.append(_entry(session, f"{table.name}.{verb}", table.name, change.subject_id, change.office_id) | {
                "before": before, "after": after,
            })
        _write(session, entries)

    def record_act(self, session: Session, act: RecordedAct) -> None:
        """Record an act that changes no row by itself."""
        entry = _entry(session, act.verb, act.subject_kind, act.subject_id, act.office_id)
        if act.reason is not None:
            entry["reason"] = act.reason
        _write(session, [entry | {"before": None, "after": dict(act.facts) if act.facts else None}])

    def _flushed(self, session: Session, _context: UOWTransaction) -> None:
        entries = [
            *(_row_entry(session, row, "create") for row in session.new),
            *(_row_entry(session, row, "update") for row in session.dirty if session.is_modified(row)),
            *(_row_entry(session, row, "delete") for row in session.deleted),
        ]
        _write(session, [entry for entry in entries if entry is not None])


def _verb(was: bool, is_now: bool) -> str:  # noqa: FBT001 - a two-by-two table
    return "update" if was and is_now else "create" if is_now else "delete"


def _row_entry(session: Session, row: Any, verb: str) -> dict[str, Any] | None:
    state: InstanceState[Any] = inspect(row)
    table = state.mapper.local_table
    if not isinstance(row, Base) or not isinstance(table, Table) or table.name in UNRECORDED_TABLES:
        return None
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for column, old, new in _column_history(state, verb):
        before[column.name], after[column.name] = _json(column, old), _json(column, new)
    if verb == "update" and not after:
        return None
    office_id = getattr(row, row.wall_column) if isinstance(row, Walled) else None
    entry = _entry(session, f"{table.name}.{verb}", table.name, row.id, office_id)
    return entry | {"before": None if verb == "create" else before, "after": None if verb == "delete" else after}


def _column_history(state: InstanceState[Any], verb: str) -> Iterator[tuple[Column[Any], object, object]]:
    """Yield each recorded column with its old and new value; for an update only those that changed."""
    for attribute in state.mapper.column_attrs:
        column = attribute.columns[0]
        if not isinstance(column, Column) or column.name in UNRECORDED_COLUMNS:
            continue
        if verb == "update":
            history = state.attrs[attribute.key].history
            if history.has_changes():
                yield column, (history.deleted or [None])[0], (history.added or [None])[0]
        elif attribute.key in state.dict:
            value = state.dict[attribute.key]
            yield column, value, value


def _values(table: Table, row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        name: _json(table.c[name], value) for name, value in row.items() if name not in UNRECORDED_COLUMNS | {"id"}
    }


def _entry(
    session: Session, verb: str, subject_kind: str | None, subject_id: int | None, office_id: int | None
) -> dict[str, Any]:
    actor = actor_of(session)
    return {
        "at": clock.now(),
        "office_id": office_id,
        "actor_kind": actor.kind,
        "actor_id": actor.staff_id,
        "actor_name": actor.name,
        "request_id": actor.request_id,
        "address": actor.address,
        "verb": verb,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "reason": session.info.get("reason"),
    }


def _write(session: Session, entries: list[dict[str, Any]]) -> None:
    if entries:
        session.connection().execute(insert(AuditEntry), entries, execution_options=PERMIT)


def _json(column: Column[Any], value: object) -> object:
    """Return ``value`` as the record keeps it: plain JSON, personal values masked, secrets and bodies as digests."""
    if value is None:
        return None
    if column.info.get("secret"):
        return "***"
    if column.info.get("redacted"):
        raw = value if isinstance(value, bytes) else str(value).encode()
        return f"{len(raw)} 字节 sha256:{sha256(raw).hexdigest()[:16]}"
    if column.info.get("personal"):
        return mask(column.name, str(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
