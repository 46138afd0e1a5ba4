"""Whose turn it is: a batch is in one hand at a time, and an office has one import written or undone at a time."""

from __future__ import annotations

import ctypes
import gc
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from tenant.errors import Conflict, NotFound, Refusal
from tenant.journal import LONGEST_REASON
from tenant.models import ImportBatch
from tenant.rules.terms import ImportState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from importers.reading import Report

_LOCK: Final = 7_719_004
"""With the office: one import at a time; a number of its own, signing in has 7719002 and 7719003."""
_LOOK_AGAIN: Final = 0.2
"""Seconds between two tries for the office's lock."""
_IN_HAND: Final = {
    ImportState.UPLOADED: "正在读取。请等读取结束，或先取消读取。",
    ImportState.MAPPING: "还没有对好列。请先对列，再预览。",
    ImportState.PREVIEWED: "还没有写入。",
    ImportState.APPLYING: "正在写入。请等它结束，或先取消写入。",
    ImportState.UNDOING: "正在撤销。请等它结束。",
    ImportState.APPLIED: "已写入，不会再写一次。如有改动，请重新上传文件。",
}


def locked(session: Session, batch_id: int, *awaited: ImportState) -> ImportBatch:
    """Return a batch in one of the states ``awaited``, its row locked; one in another state is refused at once.

    Raises NotFound for a missing batch and Refusal `batch_not_waiting`, saying where the batch stands.
    """
    state = session.scalar(select(ImportBatch.state).where(ImportBatch.id == batch_id))
    batch = None
    if state in awaited:  # whoever is at work on a batch holds its row: nobody waits for that only to be refused
        batch = found(session, batch_id)
        state = batch.state if batch is not None else None
    if state is None:
        raise NotFound
    if batch is None or state not in awaited:
        raise Refusal(
            code="batch_not_waiting",
            message=_standing(session.get_one(ImportBatch, batch_id), state),
            field="batch",
            value=str(batch_id),
        )
    return batch


def reason_of(doing: str, batch: ImportBatch) -> str:
    """Return what stands in the record of all that a batch brings about; a file's name of any length fits."""
    rest = f"{doing}「」（批次 {batch.id}）"
    name, room = batch.file_name, LONGEST_REASON - len(rest)
    return rest.replace("「」", f"「{name if len(name) <= room else f'{name[: room - 1]}…'}」")


def require_edition(batch: ImportBatch, edition: int | None) -> None:
    """Refuse what was decided on another edition of a batch than the one there is; ``edition`` None: not said.

    Raises Refusal `decided_meanwhile`. The batch's row is locked, else it may change the moment after.
    """
    if edition is not None and edition != batch.version:
        raise Refusal(
            code="decided_meanwhile", message="有人刚改过这份文件的读法或选择。请核对现在的内容，再提交一次。"
        )


def found(session: Session, batch_id: int) -> ImportBatch | None:
    """Return a batch as it is now, its row locked; None where there is none."""
    return session.scalar(
        select(ImportBatch)
        .where(ImportBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def wait_for_turn(session: Session, office_id: int, report: Report, patience: float | None = None) -> None:
    """Wait until no other import of the office is being written or undone; the lock holds to the transaction's end.

    ``patience`` seconds at most, None without end; raises Conflict `import_busy` when it is used up.
    """
    began = time.monotonic()
    turn = select(func.pg_try_advisory_xact_lock(_LOCK, office_id))
    while not session.scalar(turn):
        if patience is not None and time.monotonic() - began >= patience:
            raise Conflict(
                code="import_busy",
                message="本管理处正在写入或撤销另一次导入，已等了一会儿，本次没有写入任何内容。请稍后再试。",
            )
        report("等待本管理处的另一次导入", 0, None)
        time.sleep(_LOOK_AGAIN)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no cycle collection run: a plan is hundreds of thousands of small objects, none of them garbage yet.

    Halves the time of planning. Whoever comes first turns it on again, also where two imports run side by side.
    What earlier work has freed goes back to the system before: two large imports do not add up in one process.
    """
    _give_back()
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _give_back() -> None:
    """Let the C library give back what it keeps of freed memory, where it knows how; it does not by itself."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def _standing(batch: ImportBatch, state: ImportState) -> str:
    said = _IN_HAND.get(state, f"{state.label}，不能再这样做。如有需要，请重新上传文件。")
    return f"批次 {batch.id}「{batch.file_name}」{said}"
