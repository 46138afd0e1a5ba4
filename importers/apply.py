"""A previewed batch carried out: once, all or nothing, in the caller's transaction.

Where the office stands as it did, `apply` writes what the preview kept. Else it reads the same file again, plans it
against the present state and carries out only what was previewed: a row that would now do something else comes back as
a conflict. In the background an import is begun first, so that everybody
sees that it is under way, then applied, or laid down again.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from importers import frames, script, trails
from importers.batches import LONGEST_FAULT, cancel, file_deleted, preview
from importers.choices import Choices
from importers.faults import CellFault, fault
from importers.frames import WRITING, unpacked
from importers.layouts import as_read, vocabulary
from importers.reading import Reading, Report, read, silent
from importers.sheets import kind_named
from importers.turns import found, locked, reason_of, require_edition, undisturbed, wait_for_turn
from importers.writing import MANY, Writer, count_anew
from tenant import clock
from tenant.errors import Conflict, Refusal
from tenant.journal import StaleRow, actor_of, because
from tenant.models import ImportBatch, Office
from tenant.rules.terms import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session

    from importers.plan import Plan
    from importers.sheets import SheetKind

__all__ = ["answer", "apply", "begin", "cancel", "lay_down", "preview", "unpacked"]


def begin(session: Session, batch_id: int, edition: int | None = None) -> ImportBatch:
    """Say that a previewed batch is being applied: state `applying`; who applies it does so with ``begun``.

    ``edition`` is the version whose preview was looked at, None where nobody says: what another person decided
    meanwhile is not written unseen, but refused (`decided_meanwhile`). A batch that is being applied already
    is returned as it is; raises as `apply` does for every other.
    """
    batch = session.get(ImportBatch, batch_id, populate_existing=True)
    if batch is not None and batch.state is ImportState.APPLYING:
        return batch  # whoever applies it holds its row till the end
    batch = locked(session, batch_id, ImportState.PREVIEWED, ImportState.APPLYING)
    if batch.state is ImportState.PREVIEWED:
        require_edition(batch, edition)
    require_whole(batch, batch.counts)
    batch.state, batch.fault = ImportState.APPLYING, None
    session.flush()
    return batch


def lay_down(session: Session, batch_id: int, why: str | None = None, *, for_good: bool = False) -> None:
    """Take back that a batch is being applied: nothing of it was written, and it can be applied again.

    ``why`` is what people are told, None for nothing; ``for_good`` means it cannot be applied as it is: `refused`.
    A batch that is not being applied is left alone.
    """
    batch = found(session, batch_id)
    if batch is not None and batch.state is ImportState.APPLYING:
        batch.state = ImportState.REFUSED if for_good else ImportState.PREVIEWED
        batch.fault = why and why[:LONGEST_FAULT]
        session.flush()


def apply(
    session: Session, batch_id: int, *, begun: bool = False, report: Report = silent, patience: float | None = None
) -> ImportBatch:
    """Carry out a previewed batch, all or nothing, in the caller's transaction; the batch ends in state `applied`.

    ``begun``: it was begun before and is in state `applying`. ``report`` is told how far it is; whatever it raises ends
    the import with nothing written. ``patience`` is how many seconds to wait for another import of the office, None
    without end. Raises NotFound for a missing batch, Refusal `batch_not_waiting` for one that was applied or cancelled
    before (a doubled click waits for the first and is then told so), `rows_left` where all or nothing was chosen and
    not all rows can be written, Conflict when somebody wrote to the same rows meanwhile or the patience is used up.
    """
    began = time.perf_counter()
    batch = locked(session, batch_id, ImportState.APPLYING if begun else ImportState.PREVIEWED)
    require_whole(batch, batch.counts)
    wait_for_turn(session, batch.office_id, report, patience)
    office = session.get_one(Office, batch.office_id)
    if batch.file is None:
        raise file_deleted()
    kind = kind_named(batch.kind)
    counts: Mapping[str, Any] = batch.counts
    is_current = script.is_current(session, office, kind, batch)
    plan = None if is_current else _planned_again(session, office, batch, report)
    if plan is not None:
        counts = dict(plan.counts)
    because(session, reason_of("导入", batch))
    writer = Writer(session, _counted(counts, report))
    try:
        with undisturbed():
            if plan is None:
                script.carry_out(writer, batch)
            else:
                kind.write(writer, office, plan)
        if writer.written >= MANY:
            count_anew(session)
        batch.counts, batch.trace = dict(counts), trails.packed(writer.trace)
        batch.state, batch.fault = ImportState.APPLIED, None
        batch.applied_at, batch.applied_by_id = clock.now(), actor_of(session).posting_id
        batch.write_ms = round((time.perf_counter() - began) * 1000)
        session.flush()
    except (StaleRow, IntegrityError) as raced:
        raise Conflict(
            code="import_raced",
            message=f"写入{kind.label}时有人正在修改同样的记录，本次没有写入任何内容。请重新预览后再写入。",
        ) from raced
    because(session, None)
    return batch


def require_whole(batch: ImportBatch, counts: Mapping[str, Any], edited: int = 0) -> None:
    """Refuse a batch that is to be written whole or not at all while some of its rows cannot be written.

    ``edited`` of them came to be so since the preview: then it is a Conflict, to be previewed again.
    """
    rows = counts.get("rows", {})
    refused, conflict = int(rows.get("refused", 0)), int(rows.get("conflict", 0))
    if not (refused or conflict) or not Choices.from_json(batch.choices).all_or_nothing:
        return
    said = f"有 {refused} 行被拒绝、{conflict} 行有冲突"
    if edited:
        raise Conflict(
            code="rows_left",
            message=f"选了「全部写入或全部不写」，而预览之后有 {edited} 行已被他人修改，现在{said}。"
            "没有写入任何内容，请重新预览。",
        )
    raise Refusal(
        code="rows_left",
        message=f"选了「全部写入或全部不写」，现在{said}。请先改正这些行，或取消这个选择。",
        field="all_or_nothing",
    )


def _planned_again(session: Session, office: Office, batch: ImportBatch, report: Report) -> Plan:
    """Read and plan a batch against the state as it is by now, rows held back that would not do what was previewed."""
    kind, choices, content = kind_named(batch.kind), Choices.from_json(batch.choices), batch.file or b""
    kept: Any = batch.mapping.get("layouts", ())
    with undisturbed():
        taught = as_read(vocabulary(session, office, kind), kept)
        reading = read(content, batch.file_name, kind, report, choices, taught)
        report("比对", len(reading.records), len(reading.records))
        plan, held = _replanned(session, office, kind, reading, batch, choices)
        if held:
            require_whole(batch, plan.counts, edited=len(held))
        if held or frames.is_other(batch, plan):
            batch.plan, batch.plan_index = frames.packed(reading, plan)
    return plan


def _counted(counts: Mapping[str, Any], report: Report) -> Callable[[int], None]:
    """Return what a kind tells how many records more it has written."""
    total = sum(counted["new"] + counted["changed"] for name, counted in counts.items() if name != "rows")
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        report("写入", done, max(done, total))

    count(0)
    return count


def _replanned(
    session: Session, office: Office, kind: SheetKind, reading: Reading, batch: ImportBatch, choices: Choices
) -> tuple[Plan, Mapping[tuple[str, int], CellFault]]:
    """Plan again against the present state, and hold back each row that would not do what was previewed."""
    state = kind.load(session, office)
    on = dt.date.fromisoformat(str(batch.mapping["on"]))
    seen = frames.digests(batch)
    held: dict[tuple[str, int], CellFault] = {}
    while True:
        plan = kind.plan(reading.records, state, on, choices, held)
        changed = [
            (row.sheet, row.row)
            for row in plan.texts()
            if row.outcome in WRITING and frames.digest_of(row.text) not in seen
        ]
        if not changed:
            return plan, held
        held |= dict.fromkeys(changed, fault("conflict_changed"))


def answer(batch: ImportBatch) -> dict[str, Any]:
    """Return the import's JSON answer; its shape is a promise (`docs/commands.md`)."""
    return {
        "batch": batch.id,
        "kind": batch.kind,
        "state": batch.state.value,
        "sheet": batch.sheet,
        "counts": dict(batch.counts),
        "refused": frames.refused_cells(batch),
    }
