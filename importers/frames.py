"""How a plan is kept with its batch: in frames of a few hundred rows, so that a page of it costs one short read.

The first frame is the head; then come, for each outcome, the rows in the order of the file, the refused cells, and
last a digest of each row that would be written. `ImportBatch.plan_index` says where each begins. A frame is JSON,
deflated by itself; the database hands out a part of the column without reading the rest.
"""

from __future__ import annotations

import json
import zlib
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import object_session

from importers.marked_sheet import REASON_HEADING
from importers.plan import NOT_IN_FILE, Outcome, RowPlan
from tenant.models import ImportBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from importers.headings import SheetMapping
    from importers.plan import Plan
    from importers.reading import Reading
    from importers.workbook import Sheet

A_FRAME: Final = 200
"""Rows in one frame."""
WRITING: Final = frozenset({Outcome.NEW, Outcome.CHANGED})
_DIGEST: Final = 8
_AT_ONCE: Final = 25
"""Frames fetched by one statement while searching."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NOTHING: Final[Mapping[str, Any]] = {"count": 0, "at": 0, "lengths": ()}


class Packed(NamedTuple):
    """A plan as the batch keeps it: the frames one after the other, and where they are."""

    content: bytes
    places: dict[str, Any]


class _Frames:
    """Lines on their way into frames; each frame is deflated as soon as it is full."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.count = 0
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Take a line in."""
        self._lines.append(line)
        self.count += 1
        if len(self._lines) == A_FRAME:
            self._close()

    @property
    def size(self) -> int:
        """Return the bytes of all frames."""
        return sum(map(len, self.frames))

    def placed(self, at: int) -> dict[str, Any]:
        """Return what the index says of them, the first standing at ``at``; nothing more can be added then."""
        if self._lines:
            self._close()
        return {"count": self.count, "at": at, "lengths": [len(frame) for frame in self.frames]}

    def _close(self) -> None:
        self.frames.append(_deflated(f"[{','.join(self._lines)}]"))
        self._lines.clear()


def packed(reading: Reading, plan: Plan | None) -> Packed:
    """Return the frames of a plan; without one, since the columns are not clear yet, there is the head alone."""
    faults: dict[tuple[str, int], list[dict[str, object]]] = {}
    for cell in plan.refused if plan else ():
        faults.setdefault((cell.sheet, cell.row), []).append(cell.as_json())
    kept = {outcome.value: _Frames() for outcome in Outcome}
    digests = bytearray()
    for outcome, sheet, row, text in plan.texts() if plan else ():
        if outcome in WRITING:
            digests += digest_of(text)
        found = faults.get((sheet, row))
        kept[outcome.value].add(f"[{text},{_encode(found)}]" if found else f"[{text}]")
    cells = _Frames()
    for refused in faults.values():
        for each in refused:
            cells.add(_encode(each))
    frames = [_deflated(_encode(_head(reading, plan)))]
    at = len(frames[0])
    index: dict[str, Any] = {"head": at, "rows": {}}
    for name, made in kept.items():
        index["rows"][name] = made.placed(at)
        at += made.size
    index["cells"] = cells.placed(at)
    at += cells.size
    frames += [frame for made in (*kept.values(), cells) for frame in made.frames]
    index["digests"] = {"at": at, "length": len(digests)}
    return Packed(b"".join([*frames, digests]), index)


def head(batch: ImportBatch) -> dict[str, Any]:
    """Return what is shown above the rows: `notices`, `understood`, `missing`, `columns`, `totals`, `refused_cells`.

    `missing` is subject → lasting rows that the file does not name, `totals` rows per outcome, `refused_cells` how many
    cells are refused. Once the plan was deleted on schedule only the numbers are left.
    """
    index = batch.plan_index or {}
    length = int(index.get("head", 0))
    part = _part(batch, 0, length) if length else None
    kept = _inflated(part) if part else {"notices": [], "understood": {}, "missing": {}, "columns": []}
    totals = {outcome.value: int(_placed(batch, outcome.value)["count"]) for outcome in Outcome}
    return kept | {"totals": totals, "refused_cells": int(index.get("cells", _NOTHING)["count"])}


def rows(session: Session, batch: ImportBatch, outcome: str, start: int, count: int) -> list[dict[str, Any]]:
    """Return up to ``count`` rows of an outcome from the ``start``-th (from 0) on, each with its `faults`.

    A row is what `RowPlan.as_json` returns, with `faults`: sheet, row, column, value, code and reason of each.
    """
    placed = _placed(batch, outcome)
    first, last = start // A_FRAME, (start + count - 1) // A_FRAME + 1
    found = [row for frame in _frames(session, batch, placed, first, last) for row in _inflated(frame)]
    offset = start - first * A_FRAME
    return [_as_shown(*row) for row in found[offset : offset + count]]


def search(session: Session, batch: ImportBatch, outcome: str, words: str, limit: int) -> list[dict[str, Any]]:
    """Return up to ``limit`` rows of an outcome in which every one of the ``words`` stands, in any case of letters."""
    wanted = words.lower().split()
    marks = [_encode(word)[1:-1] for word in wanted]
    placed = _placed(batch, outcome)
    found: list[dict[str, Any]] = []
    for first in range(0, len(placed["lengths"]), _AT_ONCE):
        for frame in _frames(session, batch, placed, first, first + _AT_ONCE):
            text = zlib.decompress(frame).decode()
            lowered = text.lower()
            if not all(mark in lowered for mark in marks):
                continue
            for row in json.loads(text):
                shown = _as_shown(*row)
                said = _said(shown)
                if all(word in said for word in wanted):
                    found.append(shown)
            if len(found) >= limit:
                return found[:limit]
    return found


def refused_cells(batch: ImportBatch) -> list[dict[str, Any]]:
    """Return every refused cell in the order of the file, as the JSON answer has them; none once they were deleted."""
    placed = (batch.plan_index or {}).get("cells", _NOTHING)
    content = batch.plan or b""
    return [cell for frame in _cut(content, placed) for cell in _inflated(frame)]


def tables(batch: ImportBatch) -> list[dict[str, Any]]:
    """Return the tables a plan was made of, as the head's `columns` name them; none once they were deleted."""
    found: list[dict[str, Any]] = _head_at_hand(batch).get("columns", [])
    return found


def unpacked(batch: ImportBatch) -> dict[str, Any]:
    """Return the whole of a plan at once: `head` with `rows` of every outcome and all `refused` cells.

    For small files and for programs: a plan of 100,000 rows takes a second and much memory. Empty once it was deleted.
    """
    kept = {"notices": [], "understood": {}, "missing": {}, "columns": []} | _head_at_hand(batch)
    content = batch.plan or b""
    shown = [
        _as_shown(*row)
        for outcome in Outcome
        for frame in _cut(content, _placed(batch, outcome.value))
        for row in _inflated(frame)
    ]
    order = {table["sheet"]: place for place, table in enumerate(kept["columns"])}
    shown.sort(key=lambda row: (order.get(row["sheet"], len(order)), row["row"]))
    return kept | {"rows": shown, "refused": refused_cells(batch)}


def digests(batch: ImportBatch) -> frozenset[bytes]:
    """Return a digest of each row that the preview would write: what `digest_of` returns for the very same row."""
    placed = (batch.plan_index or {}).get("digests")
    content = batch.plan
    if placed is None or content is None:
        return frozenset()
    kept = content[placed["at"] : placed["at"] + placed["length"]]
    return frozenset(kept[at : at + _DIGEST] for at in range(0, len(kept), _DIGEST))


def is_other(batch: ImportBatch, plan: Plan) -> bool:
    """Tell a plan that does not count as the one that is kept: somebody did meanwhile what the file would do."""
    counted = plan.outcomes()
    return any(_placed(batch, outcome.value)["count"] != counted.get(outcome, 0) for outcome in Outcome)


def digest_of(text: str) -> bytes:
    """Return a digest of where a row stands and all that it brings about: another effect, another text and digest."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST).digest()


def _as_shown(row: Sequence[Any], faults: Sequence[Any] = ()) -> dict[str, Any]:
    """Return a row as the screens take it; what is not set beyond the usual is left out."""
    named = dict(zip(RowPlan._fields, row, strict=False))
    named["facts"] = [
        {"subject": subject, "outcome": outcome, "name": name, "changes": changes}
        for subject, outcome, name, changes in named["facts"]
    ]
    usual = ("sheet", "row", "outcome", "name", "people", "facts")
    shown = {name: value for name, value in named.items() if name in usual or value}
    if named["sheet"] == NOT_IN_FILE:
        shown["is_missing"] = True
    return shown | {"faults": list(faults)}


def _said(row: Mapping[str, Any]) -> str:
    """Return what a row says, for finding it."""
    facts = [
        text for fact in row["facts"] for text in (fact["name"], *(f"{old} {new}" for _, old, new in fact["changes"]))
    ]
    return " ".join((row["name"], row["people"], *facts, *(cell["reason"] for cell in row["faults"]))).lower()


def _head(reading: Reading, plan: Plan | None) -> dict[str, Any]:
    return {
        "notices": [*reading.notices, *(plan.notices if plan else ())],
        "understood": reading.understood(),
        "missing": dict(plan.missing) if plan else {},
        "columns": [
            {
                "sheet": mapping.sheet,
                "header_row": mapping.row,
                "reason_column": _reason_column(plan, sheet, mapping),
                "is_again": bool(mapping.row) and REASON_HEADING in sheet.rows[mapping.row - 1],
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


def _reason_column(plan: Plan | None, sheet: Sheet, mapping: SheetMapping) -> int:
    """Return the first column right of the header and of all refused rows: reasons overwrite nothing there.

    Where the column of reasons is there from the last time, it is that one.
    """
    for place, text in enumerate(sheet.rows[mapping.row - 1] if mapping.row else (), 1):
        if text == REASON_HEADING:
            return place
    numbers = {cell.row for cell in plan.refused if cell.sheet == sheet.name} if plan else set()
    if mapping.row:
        numbers.add(mapping.row)
    return 1 + max((len(sheet.rows[row - 1]) for row in numbers), default=0)


def _placed(batch: ImportBatch, outcome: str) -> Mapping[str, Any]:
    placed: Mapping[str, Any] = (batch.plan_index or {}).get("rows", {}).get(outcome, _NOTHING)
    return placed


def _frames(session: Session, batch: ImportBatch, placed: Mapping[str, Any], first: int, last: int) -> Iterator[bytes]:
    """Yield the frames from ``first`` up to before ``last``, fetched together."""
    lengths = placed["lengths"]
    at = placed["at"] + sum(lengths[:first])
    wanted = lengths[first:last]
    content = _fetched(session, batch, at, sum(wanted)) if wanted else None
    if content:
        yield from _split(content, wanted)


def _cut(content: bytes, placed: Mapping[str, Any]) -> Iterator[bytes]:
    if content:
        yield from _split(content[placed["at"] :], placed["lengths"])


def _split(content: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    ends = list(accumulate(lengths))
    for begin, end in zip([0, *ends], ends, strict=False):
        yield content[begin:end]


def _head_at_hand(batch: ImportBatch) -> dict[str, Any]:
    length = (batch.plan_index or {}).get("head", 0)
    return _inflated(batch.plan[:length]) if batch.plan and length else {}


def _part(batch: ImportBatch, at: int, length: int) -> bytes | None:
    session = object_session(batch)
    return None if session is None else _fetched(session, batch, at, length)


def _fetched(session: Session, batch: ImportBatch, at: int, length: int) -> bytes | None:
    """Return a part of the plan as the database keeps it; None once it was deleted."""
    part = func.substring(ImportBatch.plan, at + 1, length)
    found: bytes | None = session.scalar(select(part).where(ImportBatch.id == batch.id))
    return found


def _deflated(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "replace"), 1)


def _inflated(frame: bytes) -> Any:  # noqa: ANN401  whatever JSON holds
    return json.loads(zlib.decompress(frame))
