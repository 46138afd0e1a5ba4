"""How what an import wrote stands today: what of it can go back, what must stay, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import ARRAY, BigInteger, any_, literal, select

from importers import trails
from importers.keys import (
    Model,
    concerned,
    label_of,
    model_of,
    references_of,
    referring_to,
    stand_in,
    unique_keys_of,
    value_of,
)
from tenant.models import Allocation, ImportBatch, MeterReading, Payment
from tenant.rules.terms import ImportState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from importers.keys import UniqueKey
    from importers.reading import Report
    from importers.writing import Trail

Key = tuple[str, int]
"""A row: its table and its id."""

TOGETHER: Final[Mapping[str, tuple[str, str]]] = {
    "ownership": ("unit", "unit_id"),
    "parking_lease": ("parking_space", "parking_space_id"),
    "payment": ("payment", "id"),
    "allocation": ("payment", "payment_id"),
    "meter_reading": ("meter", "meter_id"),
}
"""Rows that go back together or not at all: a unit's owners, a payment with what it settles, a meter's readings."""
EXCLUSIVE: Final = frozenset({"ownership", "parking_lease", "meter_reading"})
"""Tables of which a newer row of the same group means that life has gone on."""
COUNTED_ON: Final = frozenset({"charge", "meter"})
"""Tables whose changed rows too must stay as they are once others count on them: nobody paid the old amount."""
UNTOLD: Final = frozenset({"number_series"})
"""Tables of the machinery: what becomes of their rows is nothing to tell people."""
_A_PIECE: Final = 5_000

_CHANGED = "导入之后又被修改过"
_GONE = "导入之后被删除了，无从恢复"
_USED = "导入之后有{label}用到它（{count} 条）"
_NEEDED = "留下的{label}要用到它"
_TOGETHER = "与留下的{label}相关，要么一起撤销，要么都不动"
_NEWER = "导入之后又登记了新的{label}"
_TAKEN = "原来的内容现在被另一条{label}占用"
_LOST = "原来对应的{label}已被删除"


class Step(NamedTuple):
    """Rows of one table to be written one after the other, as they were last in the reverse order of writing."""

    model: Model
    is_removal: bool
    ids: Sequence[int]


@dataclass(slots=True)
class Entry:
    """One row the import wrote: ``before`` None: it was not there; versions before, after, and as it is now."""

    key: Key
    before: dict[str, Any] | None
    earlier: int
    later: int
    present: Mapping[str, Any] | None = None

    @property
    def is_new(self) -> bool:
        """Tell a row that the import made."""
        return self.before is None


class Standing:
    """What a batch wrote, beside what the office has now; computed when made, by reads alone."""

    def __init__(self, session: Session, batch: ImportBatch, trace: Sequence[Trail], report: Report) -> None:
        self.session = session
        self.batch = batch
        self.report = report
        self.entries = _merged(trace)
        self.tables: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries.values():
            self.tables[entry.key[0]].append(entry)
        self.kept: dict[Key, str] = {}
        self.groups: dict[tuple[str, Any], list[Key]] = defaultdict(list)
        for name, entries in self.tables.items():
            self._look(name, entries)
        self._find_touched()
        self._find_used()
        self._find_newer()
        self._find_lost()
        while self._find_taken():
            pass

    def steps(self) -> Iterator[Step]:
        """Yield what is to be written, in the reverse order of writing."""
        going = [entry for entry in reversed(self.entries.values()) if entry.present and entry.key not in self.kept]
        for (name, is_new), entries in groupby(going, key=lambda entry: (entry.key[0], entry.is_new)):
            yield Step(model_of(name), is_new, [entry.key[1] for entry in entries])

    def aside(self) -> Iterator[tuple[Model, list[tuple[dict[str, Any], dict[str, Any]]]]]:
        """Yield by table the rows that must give up a key first, as they are now, with what they hold meanwhile.

        Each holds what another row is to have back before, or at the same time as, it gets its own. A key of
        references alone has nothing to hold meanwhile: then the row stays out of this.
        """
        going = [entry for entry in reversed(self.entries.values()) if entry.present and entry.key not in self.kept]
        steps = groupby(enumerate(going), key=lambda placed: (placed[1].key[0], placed[1].is_new))
        step_of = {entry.key: step for step, (_, entries) in enumerate(steps) for _, entry in entries}
        for name in self.tables:
            moved: dict[Key, dict[str, Any]] = {}
            for unique in unique_keys_of(name):
                holders = {value: key for key, value in self._held(name, unique) if key in step_of}
                for key, value in self._wanted(name, unique):
                    holder = holders.get(value)
                    if holder and holder != key and step_of[holder] >= step_of[key]:
                        moved.setdefault(holder, {}).update(stand_in(unique, name, holder[1]))
            pairs = [(dict(self.entries[key].present or {}), change) for key, change in moved.items() if change]
            if pairs:
                yield model_of(name), [(row | {"office_id": self.batch.office_id}, change) for row, change in pairs]
            for key, change in moved.items():
                present = self.entries[key].present
                if change and present:
                    self.entries[key].present = {**present, **change, "version": present["version"] + 1}

    def _wanted(self, name: str, unique: UniqueKey) -> Iterator[tuple[Key, tuple[Any, ...]]]:
        """Yield each row that is to have a key back, and the key."""
        for entry in self.tables[name]:
            if entry.before and entry.present and entry.key not in self.kept:
                value = value_of(unique, {**entry.present, **entry.before})
                if value and not entry.before.keys().isdisjoint(concerned(unique)):
                    yield entry.key, value

    def _held(self, name: str, unique: UniqueKey) -> Iterator[tuple[Key, tuple[Any, ...]]]:
        """Yield each row of the batch that has a key now, and the key, as far as it was read."""
        for entry in self.tables[name]:
            if entry.present and entry.present.keys() >= set(concerned(unique)):
                value = value_of(unique, dict(entry.present))
                if value:
                    yield entry.key, value

    def rows(self, model: Model, ids: Sequence[int]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return each row as it is now, at the version that was looked at, with what it is to hold again."""
        columns = [attribute.class_attribute for attribute in model.__mapper__.column_attrs]
        found = {
            row.id: row._asdict() for row in self.session.execute(select(*columns).where(_among(model, "id", ids)))
        }
        pairs = []
        for row_id in ids:
            entry = self.entries[model.__tablename__, row_id]
            held = found.get(row_id, {"id": row_id, "office_id": self.batch.office_id})
            version = entry.present["version"] if entry.present else 0
            pairs.append((held | {"version": version}, entry.before or {}))
        return pairs

    def moves(self) -> dict[str, list[tuple[int, int, int]]]:
        """Return the versions of what is restored, before the import and after the undoing: the same content."""
        moved: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for entry in self.entries.values():
            if entry.present and not entry.is_new and entry.key not in self.kept:
                moved[entry.key[0]].append((entry.key[1], entry.earlier, entry.present["version"] + 1))
        return moved

    def counted(self) -> Iterator[tuple[str, str, int]]:
        """Yield label, `removed`, `restored` or `kept`, and one for each row."""
        for entry in self.entries.values():
            if entry.key[0] in UNTOLD:
                continue
            if entry.key in self.kept:
                yield label_of(entry.key[0]), "kept", 1
            elif entry.present:
                yield label_of(entry.key[0]), "removed" if entry.is_new else "restored", 1

    def kept_named(self, limit: int) -> list[dict[str, str]]:
        """Return `what` and `why` of up to ``limit`` rows that are left."""
        shown = [(key, why) for key, why in self.kept.items() if key[0] not in UNTOLD][:limit]
        names: dict[Key, str] = {}
        for name, keys in groupby(sorted(key for key, _ in shown), key=lambda key: key[0]):
            model = model_of(name)
            rows = self.session.scalars(select(model).where(_among(model, "id", [row_id for _, row_id in keys])))
            names |= {(name, row.id): str(row) for row in rows}
        return [{"what": f"{label_of(key[0])} {names.get(key, f'编号 {key[1]}')}", "why": why} for key, why in shown]

    def _look(self, name: str, entries: Sequence[Entry]) -> None:
        """Read how the rows of one table are now, as far as it matters."""
        model = model_of(name)
        wanted = {"id", "version", *references_of(name)}
        if name in TOGETHER:
            wanted.add(TOGETHER[name][1])
        if any(not entry.is_new for entry in entries):
            wanted |= {column for key in unique_keys_of(name) for column in concerned(key)}
        columns = [getattr(model, column) for column in sorted(wanted)]
        by_id = {entry.key[1]: entry for entry in entries}
        ids = list(by_id)
        for first in range(0, len(ids), _A_PIECE):
            self.report("核对现状", first, None)
            for row in self.session.execute(select(*columns).where(_among(model, "id", ids[first : first + _A_PIECE]))):
                by_id[row.id].present = row._asdict()
        for entry in entries:
            if name in TOGETHER and entry.present:
                group, column = TOGETHER[name]
                self.groups[group, entry.present[column]].append(entry.key)

    def _keep(self, key: Key, why: str) -> None:
        """Leave a row as it is, and with it whatever it refers to and whatever goes only together with it."""
        waiting = [(key, why)]
        while waiting:
            key, why = waiting.pop()
            if key in self.kept:
                continue
            self.kept[key] = why
            entry = self.entries[key]
            label = label_of(key[0])
            for column, target in references_of(key[0]).items():
                needed = self.entries.get((target, entry.present[column])) if entry.present else None
                if needed is not None and needed.is_new:
                    waiting.append((needed.key, _NEEDED.format(label=label)))
            if key[0] in TOGETHER and entry.present:
                group, column = TOGETHER[key[0]]
                also = self.groups[group, entry.present[column]]
                waiting += [(other, _TOGETHER.format(label=label)) for other in also]

    def _find_touched(self) -> None:
        """Leave what was changed or deleted since; undone batches in between leave the content as it was."""
        suspect = [
            entry for entry in self.entries.values() if entry.present and entry.present["version"] != entry.later
        ]
        expected = self._moved_on(suspect) if suspect else {}
        for entry in suspect:
            if entry.present and entry.present["version"] != expected[entry.key]:
                self._keep(entry.key, _CHANGED)
        for entry in self.entries.values():
            if entry.present is None and not entry.is_new:
                self._keep(entry.key, _GONE)

    def _moved_on(self, suspect: Sequence[Entry]) -> dict[Key, int]:
        """Return the version each row has if only later batches, undone since, have touched it."""
        expected = {entry.key: entry.later for entry in suspect}
        undone = self.session.scalars(
            select(ImportBatch.trace)
            .where(
                ImportBatch.office_id == self.batch.office_id,
                ImportBatch.state == ImportState.UNDONE,
                ImportBatch.trace.is_not(None),
                ImportBatch.id != self.batch.id,
            )
            .order_by(ImportBatch.undone_at, ImportBatch.id)
        )
        for trace in undone:
            for name, moved in trails.moves(trace or b"").items():
                for row_id, earlier, later in moved:
                    if expected.get((name, row_id)) == earlier:
                        expected[name, row_id] = later
        return expected

    def _find_used(self) -> None:
        """Leave new rows that rows from outside of the batch refer to by now, and changed ones those count on."""
        for target, entries in list(self.tables.items()):
            there = [entry for entry in entries if entry.present]
            new = [entry.key[1] for entry in there if entry.is_new]
            changed = [entry.key[1] for entry in there if not entry.is_new] if target in COUNTED_ON else []
            for name, column in referring_to(target):
                model, users = model_of(name), Counter[int]()
                found = [*self._pairs(model, column, new)]
                found += self._pairs(model, column, changed, self._counting(name)) if changed else ()
                for row_id, used in found:
                    own = self.entries.get((name, row_id))
                    if own is None or (own.before is not None and column not in own.before):
                        users[used] += 1
                for used, count in users.items():
                    self._keep((target, used), _USED.format(label=label_of(name), count=count))

    def _counting(self, name: str) -> Sequence[ColumnElement[bool]]:
        """Return what is true of those rows of a table that count on what the batch has changed.

        A voided payment settles nothing; what was read before the import was read on the meter as it was.
        """
        if name == Allocation.__tablename__:
            valid = select(Payment.id).where(Payment.office_id == self.batch.office_id, Payment.voided_at.is_(None))
            return [Allocation.payment_id.in_(valid)]
        if name == MeterReading.__tablename__:
            return [MeterReading.created_at > self.batch.applied_at]
        return []

    def _find_newer(self) -> None:
        """Leave what goes together where somebody has added to it since."""
        at = self.batch.applied_at
        for name in EXCLUSIVE & self.tables.keys():
            model, (group, column) = model_of(name), TOGETHER[name]
            values = [value for known, value in self.groups if known == group]
            for first in range(0, len(values), _A_PIECE):
                statement = select(model.id, getattr(model, column)).where(
                    _among(model, column, values[first : first + _A_PIECE]), model.created_at > at
                )
                for row_id, value in self.session.execute(statement):
                    if (name, row_id) not in self.entries:
                        for key in self.groups[group, value]:
                            self._keep(key, _NEWER.format(label=label_of(name)))

    def _find_lost(self) -> None:
        """Leave what would refer again to a row that is gone."""
        for name, entries in self.tables.items():
            for column, target in references_of(name).items():
                wanted = {
                    entry.before[column]: entry.key for entry in entries if entry.before and entry.before.get(column)
                }
                there = {row_id for row_id, _ in self._pairs(model_of(target), "id", list(wanted))} if wanted else set()
                for entry in entries:
                    value = entry.before.get(column) if entry.before else None
                    if value is not None and value not in there and entry.present:
                        self._keep(entry.key, _LOST.format(label=label_of(target)))

    def _find_taken(self) -> bool:
        """Leave what would take back a key that another row holds by now; tell whether there was such a row."""
        before = len(self.kept)
        for name in self.tables:
            for unique in unique_keys_of(name):
                wanted = {value: key for key, value in self._wanted(name, unique)}
                for key in self._holders(name, unique, wanted):
                    self._keep(key, _TAKEN.format(label=label_of(name)))
        return len(self.kept) > before

    def _holders(self, name: str, unique: UniqueKey, wanted: Mapping[tuple[Any, ...], Key]) -> list[Key]:
        """Return those of ``wanted`` whose key is held by a row that will not give it up."""
        model, taken = model_of(name), []
        columns = [getattr(model, column) for column in concerned(unique)]
        first_column = unique.columns[0]
        values = list(dict.fromkeys(value[0] for value in wanted))
        for first in range(0, len(values), _A_PIECE):
            among = getattr(model, first_column).in_(values[first : first + _A_PIECE])
            here = select(model.id, *columns).where(among, model.office_id == self.batch.office_id)
            for row in self.session.execute(here):
                own = (name, row.id)
                key = wanted.get(value_of(unique, row._asdict()) or ())
                if key and own != key and (own not in self.entries or own in self.kept):
                    taken.append(key)
        return taken

    def _pairs(
        self, model: Model, column: str, values: Sequence[int], also: Sequence[ColumnElement[bool]] = ()
    ) -> Iterator[tuple[int, int]]:
        """Yield id and value of every row whose column has one of the values, and of which ``also`` is true."""
        for first in range(0, len(values), _A_PIECE):
            statement = select(model.id, getattr(model, column)).where(
                _among(model, column, values[first : first + _A_PIECE]), *also
            )
            yield from ((row_id, value) for row_id, value in self.session.execute(statement))


def _merged(trace: Iterable[Trail]) -> dict[Key, Entry]:
    """Return what was written row by row, in the order in which each was written last."""
    entries: dict[Key, Entry] = {}
    for trail in trace:
        key = (trail.table, trail.row_id)
        entry = entries.pop(key, None)
        if entry is None:
            entry = Entry(key, dict(trail.before) if trail.before is not None else None, trail.version - 1, 0)
        elif entry.before is not None and trail.before is not None:
            entry.before = {**trail.before, **entry.before}
        entry.later = trail.version
        entries[key] = entry
    return entries


def _among(model: Model, column: str, values: Sequence[int]) -> Any:  # noqa: ANN401  an SQL condition
    return getattr(model, column) == any_(literal(list(values), ARRAY(BigInteger)))
