"""A batch from the file that was uploaded to the preview of what it would do, and again after each decision.

A small file is read while the person waits, a larger one by a background job. Nothing is written here but the batch.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from importers import frames, script
from importers.cells import safe_text
from importers.choices import Choices
from importers.layouts import keep, vocabulary
from importers.reading import read, silent
from importers.sheets import kind_named
from importers.turns import found, locked, require_edition, undisturbed
from importers.workbook import Limits, opening, scan
from tenant import clock
from tenant.errors import Refusal
from tenant.journal import actor_of
from tenant.models import ImportBatch, Office
from tenant.rules.terms import ImportState
from tenant.services import jobs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from importers.reading import Report
    from importers.sheets import SheetKind

READING: Final = "import_read"
WRITING: Final = "import"
UNDOING: Final = "import_undo"
FORESEEING: Final = "import_foresee"
"""The kinds of background work there are on a batch."""
SUBJECT: Final = "import_batch"
DECIDABLE: Final = (ImportState.MAPPING, ImportState.PREVIEWED, ImportState.REFUSED, ImportState.FAILED)
"""Where a batch stands while people may still say how it is to be read and what it may do."""
LONGEST_FAULT: Final = 500
_WHILE_WAITING: Final = 128 << 10
"""Bytes of a file that is read while the person waits: two thousand rows or so, a second."""
_INFLATED: Final = 4 << 20
"""Bytes of such a file once its parts are inflated, as its archive declares them."""
_DOUBLE_CLICK: Final = timedelta(minutes=1)


def receive(session: Session, office: Office, kind: str, file_name: str, content: bytes) -> ImportBatch:
    """Take a file in: a small one is read and planned at once, a larger one by the job `import_read`.

    The very same file from the same person within a minute, of which nothing was decided yet, is the batch it was
    already: a doubled click uploads once. Raises Refusal for a file that is refused without being opened, and for a
    small one also where it cannot be read; then there is no batch.
    """
    sheet_kind = kind_named(kind)
    scan(content, Limits())
    digest = hashlib.sha256(content).hexdigest()
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{office.id} {kind} {digest}", 0))))
    known = _just_uploaded(session, office, sheet_kind.identifier, digest)
    if known is not None:
        return known
    batch = _new(office, sheet_kind, file_name, content, actor_of(session).posting_id)
    return _read_or_ask(session, office, batch)


def preview(
    session: Session, office: Office, kind: str, file_name: str, content: bytes, choices: Choices | None = None
) -> ImportBatch:
    """Read and plan a file at once, however long it takes, and keep it as a batch; nothing else is written.

    ``choices`` None: nothing was decided. Raises Refusal when the file as a whole cannot be taken; then there is no
    batch.
    """
    batch = _new(office, kind_named(kind), file_name, content, actor_of(session).posting_id)
    batch.choices = choices.as_json() if choices else {}
    _understand(session, office, batch, content, silent)
    session.add(batch)
    session.flush()
    return batch


def decide(session: Session, batch_id: int, choices: Choices, edition: int | None = None) -> ImportBatch:
    """Keep what was decided and read and plan the batch again by it, at once or by job.

    ``edition`` is the version whose choices these go on from, None where nobody says: what another person decided
    meanwhile is not lost. Raises NotFound; Refusal `decided_meanwhile`, `batch_not_waiting` for a batch that is in
    hand, written or given up, `file_deleted` once its file is gone; and for a small file the Refusal of reading it so:
    then the choices are as they were.
    """
    batch = locked(session, batch_id, *DECIDABLE)
    require_edition(batch, edition)
    if batch.file is None:
        raise file_deleted()
    batch.choices = choices.as_json()
    return _read_or_ask(session, session.get_one(Office, batch.office_id), batch)


def read_again(session: Session, batch_id: int, report: Report = silent) -> ImportBatch:
    """Read and plan a batch in state `uploaded`: what the job `import_read` does. Raises as `preview` does."""
    batch = locked(session, batch_id, ImportState.UPLOADED)
    if batch.file is None:
        raise file_deleted()
    _understand(session, session.get_one(Office, batch.office_id), batch, batch.file, report)
    session.flush()
    return batch


def lay_down_reading(session: Session, batch_id: int, why: str | None, *, is_refused: bool = False) -> None:
    """Say what became of a batch whose reading ended without a preview; one that is not being read is left alone.

    ``why`` None: somebody cancelled it. A batch that was never previewed is then given up; one read again stays open
    for other decisions. ``is_refused``: the file itself is the reason, else the reading broke down.
    """
    batch = found(session, batch_id)
    if batch is None or batch.state is not ImportState.UPLOADED:
        return
    if why is None:
        was_read = bool(batch.plan_index)
        batch.state = ImportState.REFUSED if was_read else ImportState.CANCELLED
        batch.fault = "已取消读取。可以修改选择后再次预览。" if was_read else None
    else:
        batch.state = ImportState.REFUSED if is_refused else ImportState.FAILED
        batch.fault = why[:LONGEST_FAULT]
    session.flush()


def remember_mapping(session: Session, batch_id: int) -> None:
    """Keep how the batch's columns and rooms were read: the office's next file of this layout is read the same way.

    Raises as `decide` does for a batch that is not waiting for a decision.
    """
    batch = locked(session, batch_id, *DECIDABLE)
    layouts: Any = batch.mapping.get("layouts", [])
    keep(session, session.get_one(Office, batch.office_id), kind_named(batch.kind), layouts)


def cancel(session: Session, batch_id: int) -> ImportBatch:
    """Give a batch up that is waiting for a decision; raises as `decide` does."""
    batch = locked(session, batch_id, *DECIDABLE)
    batch.state = ImportState.CANCELLED
    session.flush()
    return batch


def file_deleted() -> Refusal:
    """Return the refusal of a batch whose file is no longer kept."""
    return Refusal(code="file_deleted", message="这个批次的文件已按期删除，不能再写入。请重新上传文件。")


def _new(office: Office, kind: SheetKind, file_name: str, content: bytes, posting_id: int | None) -> ImportBatch:
    return ImportBatch(
        office_id=office.id,
        kind=kind.identifier,
        file_name=safe_text(re.split(r"[/\\]", file_name)[-1])[-255:] or "未命名",
        file_digest=hashlib.sha256(content).hexdigest(),
        file_size=len(content),
        file=content,
        state=ImportState.UPLOADED,
        mapping={},
        choices={},
        counts={},
        plan_index={},
        uploaded_by_id=posting_id,
    )


def _just_uploaded(session: Session, office: Office, kind: str, digest: str) -> ImportBatch | None:
    """Return the batch that a doubled click has made already."""
    return session.scalar(
        select(ImportBatch)
        .where(
            ImportBatch.office_id == office.id,
            ImportBatch.file_digest == digest,
            ImportBatch.kind == kind,
            ImportBatch.state.in_((ImportState.UPLOADED, ImportState.MAPPING, ImportState.PREVIEWED)),
            ImportBatch.uploaded_by_id.is_not_distinct_from(actor_of(session).posting_id),
            ImportBatch.choices == {},
            ImportBatch.created_at > func.now() - _DOUBLE_CLICK,
        )
        .order_by(ImportBatch.id.desc())
        .limit(1)
    )


def _read_or_ask(session: Session, office: Office, batch: ImportBatch) -> ImportBatch:
    """Read a small file now and let a job read a larger one."""
    content = batch.file or b""
    if _is_small(content):
        _understand(session, office, batch, content, silent)
        session.add(batch)
        session.flush()
        return batch
    batch.state, batch.fault = ImportState.UPLOADED, None
    session.add(batch)
    session.flush()
    jobs.ask(session, kind=READING, subject_kind=SUBJECT, subject_id=batch.id, office_id=office.id)
    return batch


def _is_small(content: bytes) -> bool:
    if len(content) > _WHILE_WAITING:
        return False
    if not content.startswith(b"PK"):
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(entry.file_size for entry in archive.infolist()) <= _INFLATED
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        return True  # refused by the scan, at once


def _understand(session: Session, office: Office, batch: ImportBatch, content: bytes, report: Report) -> None:
    """Read the file as was decided, plan it where its columns are clear, and keep both with the batch."""
    began = time.perf_counter()
    kind, on = kind_named(batch.kind), clock.today(office.zone)
    choices = Choices.from_json(batch.choices)
    with undisturbed(), opening(content, batch.file_name) as opened:
        report("读取文件", 0, None)
        stood, state = script.standing_of(session, office, kind), kind.load(session, office)
        reading = read(opened, batch.file_name, kind, report, choices, vocabulary(session, office, kind))
        choices = choices.within({tab.sheet.name: len(tab.sheet.rows) for tab in reading.tabs})
        reading.notices.extend(_told_before(session, office, batch))
        plan = None
        if reading.is_ready:
            report("比对", len(reading.records), len(reading.records))
            plan = kind.plan(reading.records, state, on, choices)
        batch.plan, batch.plan_index = script.added(session, office, kind, plan, frames.packed(reading, plan), stood)
    batch.state = ImportState.MAPPING if plan is None else ImportState.PREVIEWED
    batch.fault = None if reading.shortfall is None else reading.shortfall.message[:LONGEST_FAULT]
    batch.sheet = reading.sheet[:100]
    batch.choices = choices.as_json() if batch.choices else {}
    batch.counts = dict(plan.counts) if plan else {}
    batch.mapping = {
        "on": on.isoformat(),
        "sheets": [mapping.as_json() for mapping in reading.mappings],
        "layouts": reading.layouts(),
    }
    batch.read_ms = round((time.perf_counter() - began) * 1000)


def _told_before(session: Session, office: Office, batch: ImportBatch) -> list[str]:
    """Return a notice when this very file was applied before; nothing of it is written twice, but it is told."""
    earlier = session.scalar(
        select(ImportBatch.id)
        .where(
            ImportBatch.office_id == office.id,
            ImportBatch.file_digest == batch.file_digest,
            ImportBatch.state == ImportState.APPLIED,
        )
        .order_by(ImportBatch.id.desc())
        .limit(1)
    )
    return [] if earlier is None else [f"同一份文件已作为批次 {earlier} 写入过；没有变化的行不会再写一次。"]
