"""An import from upload to the office's tables: preview first, then apply once, in the caller's transaction.

`preview` reads and plans and writes nothing but the batch. `apply` reads the same file again, plans it against the
present state and carries out only what was previewed: a row that would now do something else comes back as a conflict.
Both belong to one office; nothing outside of it is read. In the background an import is begun first, so that everybody
sees that it is under way, then applied, or laid down again.
"""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import json
import re
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from importers.cells import safe_text
from importers.choices import Choices
from importers.faults import CellFault, fault
from importers.plan import Outcome
from importers.reading import Reading, Report, read, silent
from importers.sheets import kind_named
from importers.writing import Writer
from tenant import clock
from tenant.errors import Conflict, NotFound, Refusal
from tenant.journal import StaleRow, actor_of, because
from tenant.models import ImportBatch, Office
from tenant.rules.terms import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from importers.headings import SheetMapping
    from importers.plan import Plan
    from importers.sheets import SheetKind
    from importers.workbook import Sheet

_LOCK = 7_719_004
"""With the office: one import at a time; a number of its own, signing in has 7719002 and 7719003."""
_WRITING = frozenset({Outcome.NEW, Outcome.CHANGED})
_LONGEST_FAULT = 500
_LOOK_AGAIN = 0.2
"""Seconds between two tries for the office's lock."""


def preview(session: Session, office: Office, kind: str, file_name: str, content: bytes) -> ImportBatch:
    """Read and plan a file and keep it as a batch in state `previewed`; nothing else is written.

    Raises Refusal when the file as a whole cannot be taken; then there is no batch.
    """
    sheet_kind = kind_named(kind)
    on = clock.today(office.zone)
    digest = hashlib.sha256(content).hexdigest()
    with _undisturbed():
        reading = read(content, file_name, sheet_kind)
        reading.notices.extend(_told_before(session, office, digest))
        plan = sheet_kind.plan(reading.records, sheet_kind.load(session, office), on)
        packed = _packed(plan, reading)
    batch = ImportBatch(
        office_id=office.id,
        kind=sheet_kind.identifier,
        file_name=safe_text(re.split(r"[/\\]", file_name)[-1])[-255:] or "未命名",
        file_digest=digest,
        file_size=len(content),
        file=content,
        sheet=reading.sheet[:100],
        state=ImportState.PREVIEWED,
        mapping={"on": on.isoformat(), "sheets": [mapping.as_json() for mapping in reading.mappings]},
        counts=dict(plan.counts),
        plan=packed,
        uploaded_by_id=actor_of(session).posting_id,
    )
    session.add(batch)
    session.flush()
    return batch


def begin(session: Session, batch_id: int) -> ImportBatch:
    """Say that a previewed batch is being applied: state `applying`; who applies it does so with ``begun``.

    A batch that is being applied already is returned as it is; raises as `apply` does for every other.
    """
    batch = session.get(ImportBatch, batch_id, populate_existing=True)
    if batch is None or batch.state is not ImportState.APPLYING:  # whoever applies it holds its row till the end
        batch = _locked(session, batch_id, ImportState.PREVIEWED, ImportState.APPLYING)
    batch.state, batch.fault = ImportState.APPLYING, None
    session.flush()
    return batch


def lay_down(session: Session, batch_id: int, why: str | None = None, *, for_good: bool = False) -> None:
    """Take back that a batch is being applied: nothing of it was written, and it can be applied again.

    ``why`` is what people are told, None for nothing; ``for_good`` means it cannot be applied as it is: `refused`.
    A batch that is not being applied is left alone.
    """
    batch = _found(session, batch_id)
    if batch is not None and batch.state is ImportState.APPLYING:
        batch.state = ImportState.REFUSED if for_good else ImportState.PREVIEWED
        batch.fault = why and why[:_LONGEST_FAULT]
        session.flush()


def apply(session: Session, batch_id: int, *, begun: bool = False, report: Report = silent) -> ImportBatch:
    """Carry out a previewed batch, all or nothing, in the caller's transaction; the batch ends in state `applied`.

    ``begun``: it was begun before and is in state `applying`. ``report`` is told how far it is; whatever it raises ends
    the import with nothing written. Raises NotFound for a missing batch, Refusal `batch_not_waiting` for one that was
    applied or cancelled before (a doubled click waits for the first and is then told so), Conflict when somebody wrote
    to the same rows meanwhile.
    """
    batch = _locked(session, batch_id, ImportState.APPLYING if begun else ImportState.PREVIEWED)
    _wait_for_turn(session, batch.office_id, report)
    office = session.get_one(Office, batch.office_id)
    if batch.file is None:
        raise Refusal(code="file_deleted", message="这个批次的文件已按期删除，不能再写入。请重新上传文件。")
    kind = kind_named(batch.kind)
    with _undisturbed():
        reading = read(batch.file, batch.file_name, kind, report)
        report("比对", len(reading.records), len(reading.records))
        plan = _replanned(session, office, kind, reading, batch)
        packed = _packed(plan, reading)
    because(session, f"导入「{batch.file_name}」（批次 {batch.id}）")
    try:
        with _undisturbed():
            kind.write(Writer(session, _counted(plan, report)), office, plan)
        batch.counts = dict(plan.counts)
        batch.plan = packed
        batch.state = ImportState.APPLIED
        batch.applied_at, batch.fault = clock.now(), None
        session.flush()
    except (StaleRow, IntegrityError) as raced:
        raise Conflict(
            code="import_raced",
            message="写入时有人正在修改同样的房屋或业主，本次没有写入任何内容。请重新预览后再写入。",
        ) from raced
    because(session, None)
    return batch


def cancel(session: Session, batch_id: int) -> ImportBatch:
    """Give a previewed batch up; raises as `apply` does."""
    batch = _locked(session, batch_id, ImportState.PREVIEWED)
    batch.state = ImportState.CANCELLED
    session.flush()
    return batch


def _told_before(session: Session, office: Office, digest: str) -> list[str]:
    """Return a notice when this very file was applied before; nothing of it is written twice, but it is told."""
    batch = session.scalar(
        select(ImportBatch)
        .where(
            ImportBatch.office_id == office.id,
            ImportBatch.file_digest == digest,
            ImportBatch.state == ImportState.APPLIED,
        )
        .order_by(ImportBatch.id.desc())
        .limit(1)
    )
    return [] if batch is None else [f"同一份文件已作为批次 {batch.id} 写入过；没有变化的行不会再写一次。"]


def _locked(session: Session, batch_id: int, *awaited: ImportState) -> ImportBatch:
    """Return a batch in one of the states ``awaited``, its row locked; one being applied is refused without waiting."""
    state = session.scalar(select(ImportBatch.state).where(ImportBatch.id == batch_id))
    batch = None
    if state is not ImportState.APPLYING or state in awaited:
        batch = _found(session, batch_id)
        state = batch.state if batch is not None else None
    if state is None:
        raise NotFound
    if batch is None or state not in awaited:
        raise Refusal(
            code="batch_not_waiting",
            message=_not_waiting(session.get_one(ImportBatch, batch_id), state),
            field="batch",
            value=str(batch_id),
        )
    return batch


def _found(session: Session, batch_id: int) -> ImportBatch | None:
    """Return a batch as it is now, its row locked."""
    return session.scalar(
        select(ImportBatch)
        .where(ImportBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _not_waiting(batch: ImportBatch, state: ImportState) -> str:
    if state is ImportState.APPLYING:
        return f"批次 {batch.id}「{batch.file_name}」正在写入。请等它结束，或先取消写入。"
    return f"批次 {batch.id}「{batch.file_name}」{state.label}，不会再写一次。如有改动，请重新上传文件。"


def _wait_for_turn(session: Session, office_id: int, report: Report) -> None:
    """Wait until no other import of the office is being applied; the lock is held until the transaction ends."""
    turn = select(func.pg_try_advisory_xact_lock(_LOCK, office_id))
    while not session.scalar(turn):
        report("等待本管理处的另一次导入", 0, None)
        time.sleep(_LOOK_AGAIN)


def _counted(plan: Plan, report: Report) -> Callable[[int], None]:
    """Return what a kind tells how many records more it has written."""
    total = sum(counted["new"] + counted["changed"] for counted in plan.subjects.values())
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        report("写入", done, total)

    count(0)
    return count


def _replanned(session: Session, office: Office, kind: SheetKind, reading: Reading, batch: ImportBatch) -> Plan:
    """Plan again against the present state, and hold back each row that would not do what was previewed."""
    state = kind.load(session, office)
    on = dt.date.fromisoformat(str(batch.mapping["on"]))
    seen = {(row["sheet"], row["row"]): row for row in unpacked(batch)["rows"]}
    held: dict[tuple[str, int], CellFault] = {}
    while True:
        plan = kind.plan(reading.records, state, on, Choices(), held)
        changed = [
            (row.sheet, row.row)
            for row in plan.rows
            if row.outcome in _WRITING and seen.get((row.sheet, row.row), {}).get("digest") != row.digest
        ]
        if not changed:
            return plan
        held |= dict.fromkeys(changed, fault("conflict_changed"))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no cycle collection run: a plan is hundreds of thousands of small objects, none of them garbage yet.

    Halves the time of planning. Whoever comes first turns it on again, also where two imports run side by side.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _packed(plan: Plan, reading: Reading) -> bytes:
    kept = {
        "rows": [row.as_json() for row in plan.rows],
        "refused": [cell.as_json() for cell in plan.refused],
        "notices": [*reading.notices, *plan.notices],
        "columns": [
            {
                "sheet": mapping.sheet,
                "header_row": mapping.row,
                "reason_column": _reason_column(plan, sheet, mapping),
                "headings": [
                    {
                        "column": heading.letter,
                        "heading": heading.text,
                        "identifier": heading.identifier,
                        "samples": heading.samples,
                    }
                    for heading in mapping.headings
                ],
            }
            for sheet, mapping in reading.tables
        ],
    }
    return zlib.compress(json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace"), 1)


def _reason_column(plan: Plan, sheet: Sheet, mapping: SheetMapping) -> int:
    """Return the first column right of the header and of all refused rows: reasons overwrite nothing there."""
    rows = {cell.row for cell in plan.refused if cell.sheet == sheet.name} | {mapping.row}
    return 1 + max(len(sheet.rows[row - 1]) for row in rows)


def unpacked(batch: ImportBatch) -> dict[str, Any]:
    """Return what the preview shows: `rows`, `refused`, `notices`, `columns`; empty once it was deleted on schedule."""
    if batch.plan is None:
        return {"rows": [], "refused": [], "notices": [], "columns": []}
    kept: dict[str, Any] = json.loads(zlib.decompress(batch.plan))
    return kept


def answer(batch: ImportBatch) -> dict[str, Any]:
    """Return the import's JSON answer; its shape is a promise (`docs/commands.md`)."""
    return {
        "batch": batch.id,
        "kind": batch.kind,
        "state": batch.state.value,
        "sheet": batch.sheet,
        "counts": dict(batch.counts),
        "refused": unpacked(batch)["refused"],
    }
