"""What a preview would write, kept with it: applied to the very state it was planned on, it need not be planned again.

The kind's own `write` runs once beforehand, against a writer that only takes notes. Rows that are still to be made are
called by negative numbers; when the notes are carried out, each gets its id. Values are kept as the text their columns
read, table by table and column by column, a few thousand rows in a piece.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from importers.frames import Packed
from importers.writing import Writer
from tenant import migrations
from tenant.models.base import Base, OfficeScoped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from importers.plan import Plan
    from importers.sheets import SheetKind
    from importers.writing import Row
    from tenant.models import ImportBatch, Office

_A_PIECE: Final = 5_000
_SCRIPT: Final = "script"
_STANDING: Final = "standing"


@dataclass(frozen=True, slots=True)
class Rehearsal(Writer):
    """A writer that writes nothing: it keeps what it was told, in pieces, and gives negative ids."""

    pieces: list[bytes] = field(default_factory=list)
    made: list[int] = field(default_factory=lambda: [0])

    def write(
        self, model: type[OfficeScoped], *, inserts: Sequence[Row] = (), updates: Sequence[tuple[Row, Row]] = ()
    ) -> list[int]:
        """Keep what is to be written; return a negative number for each row that is to be made."""
        for old, change in updates:
            if any(name in change for name in ("id", "office_id", "version")):
                raise ValueError(old)
        for group in _grouped(updates):
            names = list(group[0][1])
            before = ["id", "office_id", "version", *names]
            for part in _parts(group):
                self._keep(
                    model,
                    before=_columns([old for old, _ in part], before),
                    after=_columns([new for _, new in part], names),
                )
        for part in _parts(inserts):
            self._keep(model, new=_columns(part, list(part[0])), shared={})
        return self._called(len(inserts))

    def insert(self, model: type[OfficeScoped], columns: Mapping[str, Sequence[Any]], shared: Row) -> list[int]:
        """Keep what is to be inserted; return a negative number for each row."""
        count = len(next(iter(columns.values())))
        for start in range(0, count, _A_PIECE):
            piece = {name: values[start : start + _A_PIECE] for name, values in columns.items()}
            self._keep(model, new=piece, shared=shared)
        return self._called(count)

    def _called(self, count: int) -> list[int]:
        """Return what the next rows are called by, until they have ids."""
        first = self.made[0]
        self.made[0] += count
        return list(range(-first - 1, -first - count - 1, -1))

    def _keep(self, model: type[OfficeScoped], **columns: Mapping[str, Any]) -> None:
        kept = json.dumps({"table": model.__tablename__, **columns}, default=_plain)
        self.pieces.append(zlib.compress(kept.encode(), 1))


def standing_of(session: Session, office: Office, kind: SheetKind) -> str | None:
    """Return how the office stands, to be asked before it is read for a plan; None where the kind does not allow of it.

    What somebody changes while a plan is made is in the plan or not, but never in this.
    """
    return None if kind.standing is None else f"{_schema()} {kind.standing(session, office)}"


@cache
def _schema() -> str:
    """Return the revision of the schema that this program writes: a script for another is not carried out."""
    return migrations.head()


def added(
    session: Session, office: Office, kind: SheetKind, plan: Plan | None, packed: Packed, standing: str | None
) -> Packed:
    """Return a plan's frames with what it would write behind them, where the kind allows of it.

    ``standing`` is how the office stood before it was read for the plan.
    """
    if plan is None or standing is None:
        return packed
    rehearsal = Rehearsal(session)
    kind.write(rehearsal, office, plan)
    lengths = [len(piece) for piece in rehearsal.pieces]
    script = {"at": len(packed.content), "lengths": lengths, _STANDING: standing}
    return Packed(b"".join([packed.content, *rehearsal.pieces]), packed.places | {_SCRIPT: script})


def is_current(session: Session, office: Office, kind: SheetKind, batch: ImportBatch) -> bool:
    """Tell whether the office stands as it did when the batch was planned, so that its script is what to write."""
    script: Any = (batch.plan_index or {}).get(_SCRIPT)
    if script is None or kind.standing is None or batch.plan is None:
        return False
    return bool(script[_STANDING] == standing_of(session, office, kind))


def carry_out(writer: Writer, batch: ImportBatch) -> None:
    """Write what a batch's script says; raises as `Writer.write` does."""
    ids = [0]
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    for piece in _pieces(batch):
        model = models[piece["table"]]
        if "new" in piece:
            ids += writer.insert(model, _resolved(piece["new"], ids), piece.get("shared", {}))
        else:
            after = _rows(_resolved(piece["after"], ids))
            writer.write(model, updates=list(zip(_rows(piece["before"]), after, strict=True)))


def _pieces(batch: ImportBatch) -> Iterator[dict[str, Any]]:
    script: Any = batch.plan_index[_SCRIPT]
    content, at = batch.plan or b"", script["at"]
    for length in script["lengths"]:
        yield json.loads(zlib.decompress(content[at : at + length]))
        at += length


def _resolved(columns: dict[str, list[Any]], ids: list[int]) -> dict[str, list[Any]]:
    """Put the ids of rows made by now in place of the numbers they were called by."""
    for name, values in columns.items():
        if name.endswith("_id"):
            columns[name] = [ids[-value] if type(value) is int and value < 0 else value for value in values]
    return columns


def _columns(rows: Sequence[Row], names: list[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[first : first + _A_PIECE] for first in range(0, len(rows), _A_PIECE))


def _grouped(updates: Sequence[tuple[Row, Row]]) -> list[list[tuple[Row, Row]]]:
    """Return the updates by the columns they change, in the order in which each kind comes first."""
    groups: dict[tuple[str, ...], list[tuple[Row, Row]]] = {}
    for update in updates:
        groups.setdefault(tuple(update[1]), []).append(update)
    return list(groups.values())


def _plain(value: Any) -> str:  # noqa: ANN401  whatever a column holds
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
