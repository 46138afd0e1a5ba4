"""What undoing a large batch would do: reckoned in the background, and kept with the batch until it is reckoned again.

Looking at a hundred thousand rows takes half a minute; a page waits for a few thousand at most. What is kept stands
behind the frames of the plan, names records and is deleted with them.
"""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select

from importers import undo
from importers.reading import silent
from importers.turns import found
from importers.undo import Undoing
from tenant import clock
from tenant.models import ImportBatch
from tenant.rules.terms import ImportState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from importers.reading import Report

LARGE: Final = 2_000
"""Records written from which on nobody waits for the reckoning: half a second of it or so."""
_FORESEEN: Final = "foreseen"


class Foreseen(NamedTuple):
    """What undoing would have done at that moment; undoing itself looks at everything once more."""

    at: datetime
    undoing: Undoing


def is_large(batch: ImportBatch) -> bool:
    """Tell whether a batch has written more than a page can wait for."""
    counts: Mapping[str, Any] = batch.counts
    parts = [part for name, part in counts.items() if name not in {"rows", "undone"} and isinstance(part, dict)]
    written: int = sum(part.get("new", 0) + part.get("changed", 0) for part in parts)
    return written >= LARGE


def reckon(session: Session, batch_id: int, report: Report = silent) -> Undoing:
    """Return what undoing a batch would do and keep it with the batch: what the job `import_foresee` does.

    Raises as `importers.undo.foresee` does. A batch that is being undone by now keeps nothing of it.
    """
    undoing = undo.foresee(session, batch_id, report)
    batch = found(session, batch_id)
    if batch is not None and batch.state is ImportState.APPLIED:
        index, content = batch.plan_index or {}, batch.plan or b""
        if _FORESEEN in index:
            content = content[: index[_FORESEEN]["at"]]
        frame = _packed(undoing)
        batch.plan = content + frame
        batch.plan_index = index | {_FORESEEN: {"at": len(content), "length": len(frame)}}
        session.flush()
    return undoing


def kept(session: Session, batch: ImportBatch) -> Foreseen | None:
    """Return what was reckoned last, None where nothing was, or where it was deleted on schedule."""
    place = (batch.plan_index or {}).get(_FORESEEN)
    if place is None:
        return None
    part = func.substring(ImportBatch.plan, place["at"] + 1, place["length"])
    frame = session.scalar(select(part).where(ImportBatch.id == batch.id))
    if not frame:
        return None
    held = json.loads(zlib.decompress(frame))
    return Foreseen(datetime.fromisoformat(held["at"]), Undoing(batch.id, held["counts"], held["kept"]))


def _packed(undoing: Undoing) -> bytes:
    held = {
        "at": clock.now().isoformat(),
        "counts": {label: dict(counted) for label, counted in undoing.counts.items()},
        "kept": [dict(row) for row in undoing.kept],
    }
    return zlib.compress(json.dumps(held, ensure_ascii=False).encode("utf-8", "replace"))
