"""A written batch taken back, also days later: what others have not touched since is as it was before, exactly.

A row that somebody changed, that others refer to by now, or whose old values another row has taken meanwhile is listed
and left. So is what cannot go without it. All of it is found before anything is written; then rows are restored and
removed in the reverse order of writing, each on the record, in the caller's transaction.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from importers import trails
from importers.batches import LONGEST_FAULT
from importers.reading import silent
from importers.standing import Standing
from importers.turns import found, locked, reason_of, wait_for_turn
from importers.writing import MANY, count_anew
from tenant import clock
from tenant.errors import Conflict, NotFound, Refusal
from tenant.journal import StaleRow, actor_of, because, write_rows
from tenant.models import ImportBatch
from tenant.rules.terms import ImportState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from importers.reading import Report

_A_PIECE: Final = 5_000
_LISTED: Final = 500
"""How many of the rows that are left are named one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing a batch would do, or did.

    ``counts`` is what people call a thing (房屋) → `removed`, `restored` and `kept`; ``kept`` names what stays as it is
    and why, up to 500 of them; ``is_exact`` tells that nothing is left.
    """

    batch_id: int
    counts: Mapping[str, Mapping[str, int]]
    kept: Sequence[Mapping[str, str]]

    @property
    def is_exact(self) -> bool:
        """Tell that all of the batch goes back."""
        return not any(counted["kept"] for counted in self.counts.values())

    @property
    def total(self) -> int:
        """Return how many rows would be written."""
        return sum(counted["removed"] + counted["restored"] for counted in self.counts.values())


def foresee(session: Session, batch_id: int, report: Report = silent) -> Undoing:
    """Return what undoing a written batch would do now; nothing is written. Raises as `require_undoable` does."""
    batch = require_undoable(session, batch_id)
    return _foreseen(batch, _standing(session, batch, report))


def require_undoable(session: Session, batch_id: int) -> ImportBatch:
    """Return a batch that is written and of which there is what undoing needs, without looking at that.

    Raises NotFound; Refusal `batch_not_waiting` for a batch that is not written, `trace_deleted` once what undoing
    needs was deleted on schedule.
    """
    batch = session.get(ImportBatch, batch_id, populate_existing=True)
    if batch is None:
        raise NotFound
    if batch.state not in {ImportState.APPLIED, ImportState.UNDOING}:
        raise _not_written(batch)
    if not session.scalar(select(ImportBatch.trace.is_not(None)).where(ImportBatch.id == batch_id)):
        raise _trace_deleted()
    return batch


def begin(session: Session, batch_id: int) -> ImportBatch:
    """Say that a written batch is being undone: state `undoing`; who undoes it does so with ``begun``.

    One that is being undone already is returned as it is; raises as `foresee` does for every other.
    """
    batch = session.get(ImportBatch, batch_id, populate_existing=True)
    if batch is not None and batch.state is ImportState.UNDOING:
        return batch  # whoever undoes it holds its row till the end
    batch = locked(session, batch_id, ImportState.APPLIED, ImportState.UNDOING)
    if batch.trace is None:
        raise _trace_deleted()
    batch.state, batch.fault = ImportState.UNDOING, None
    session.flush()
    return batch


def lay_down(session: Session, batch_id: int, why: str | None = None) -> None:
    """Take back that a batch is being undone: it stays written, and undoing it can be tried again.

    ``why`` is what people are told, None for nothing.
    """
    batch = found(session, batch_id)
    if batch is not None and batch.state is ImportState.UNDOING:
        batch.state, batch.fault = ImportState.APPLIED, why and why[:LONGEST_FAULT]
        session.flush()


def undo(
    session: Session, batch_id: int, *, begun: bool = False, report: Report = silent, patience: float | None = None
) -> ImportBatch:
    """Undo a written batch in the caller's transaction; the batch ends in state `undone`, with `undone` in its counts.

    ``begun``, ``report`` and ``patience`` are as in `importers.apply.apply`. Raises as `foresee` does, and Conflict
    when somebody writes to the same rows at this moment; then nothing may be committed, and it can be tried again.
    """
    batch = locked(session, batch_id, ImportState.UNDOING if begun else ImportState.APPLIED)
    wait_for_turn(session, batch.office_id, report, patience)
    standing = _standing(session, batch, report)
    undoing = _foreseen(batch, standing)
    because(session, reason_of("撤销导入", batch))
    try:
        _carry_out(session, standing, undoing.total, report)
        batch.counts = batch.counts | {"undone": _summed(undoing)}
        batch.trace = trails.ended(undoing.kept, standing.moves(), undoing.counts)
        batch.state, batch.fault = ImportState.UNDONE, None
        batch.undone_at, batch.undone_by_id = clock.now(), actor_of(session).posting_id
        session.flush()
    except (StaleRow, IntegrityError) as raced:
        raise Conflict(
            code="undo_raced",
            message="撤销时有人正在修改同样的内容，本次什么也没有撤销。请稍后再试。",
        ) from raced
    because(session, None)
    return batch


def left(batch: ImportBatch) -> list[dict[str, str]]:
    """Return what an undone batch left as it was, each with `what` and `why`; empty once that was deleted."""
    return trails.left(batch.trace) if batch.state is ImportState.UNDONE else []


def outcome(batch: ImportBatch) -> Undoing:
    """Return what undoing a batch did; without counts or names once those were deleted."""
    return Undoing(batch.id, trails.counts(batch.trace), left(batch))


def _standing(session: Session, batch: ImportBatch, report: Report) -> Standing:
    if batch.trace is None:
        raise _trace_deleted()
    report("核对现状", 0, None)
    return Standing(session, batch, trails.unpacked(batch.trace), report)


def _carry_out(session: Session, standing: Standing, total: int, report: Report) -> None:
    done, steps = 0, list(standing.steps())
    report("撤销", done, total)
    if sum(len(step.ids) for step in steps) >= MANY:
        count_anew(session)
    for model, updates in standing.aside():
        write_rows(session, model, updates=updates)
    for step in steps:
        for first in range(0, len(step.ids), _A_PIECE):
            rows = standing.rows(step.model, step.ids[first : first + _A_PIECE])
            if step.is_removal:
                write_rows(session, step.model, deletes=[row for row, _ in rows])
            else:
                write_rows(session, step.model, updates=rows)
            done += len(rows)
            report("撤销", done, total)


def _foreseen(batch: ImportBatch, standing: Standing) -> Undoing:
    counts: dict[str, Counter[str]] = {}
    for label, what, count in standing.counted():
        counts.setdefault(label, Counter(removed=0, restored=0, kept=0))[what] += count
    return Undoing(batch.id, counts, standing.kept_named(_LISTED))


def _summed(undoing: Undoing) -> dict[str, int]:
    total: Counter[str] = Counter(removed=0, restored=0, kept=0)
    for counted in undoing.counts.values():
        total.update(counted)
    return dict(total)


def _trace_deleted() -> Refusal:
    return Refusal(
        code="trace_deleted",
        message="撤销这个批次所需的记录已按期删除，不能再整批撤销。请在相应的页面逐条更正。",
    )


def _not_written(batch: ImportBatch) -> Refusal:
    return Refusal(
        code="batch_not_waiting",
        message=f"批次 {batch.id}「{batch.file_name}」{batch.state.label}，没有可以撤销的内容。",
        field="batch",
        value=str(batch.id),
    )
