"""Which rows of a roster need no weighing: those that say what the office has, and those nobody else is about.

A plain row says what is there already when every field of it does; then it changes nothing, whatever other rows say.
One is simply new when its unit is known neither to the office nor to another row, and no number of its owner is. All
others are weighed against the office and against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from importers.plan import Outcome
from importers.roster.phones import known_phones
from importers.roster.plain import PlainRow
from importers.roster.rows import RefusedRow, RosterRow
from tenant.rules.terms import HandoverState, ImportMode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from importers.choices import Choices
    from importers.roster.drafts import Place
    from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState

Record = PlainRow | RosterRow | RefusedRow
_FIRST = PlainRow._fields.index("area")


class Sorted(NamedTuple):
    """The records of a file: ``fates`` stand beside them, None for one that is ``weighed``; those are spelled out.

    ``kept`` are the owners whom rows name that say what is there already.
    """

    records: Sequence[Record]
    fates: Sequence[Outcome | None]
    weighed: Sequence[RosterRow | RefusedRow]
    new: Sequence[PlainRow]
    kept: Collection[int]

    @property
    def same(self) -> int:
        """Return how many rows say what is there already."""
        return len(self.records) - len(self.weighed) - len(self.new)


Lasting = tuple["Mapping[int, Sequence[OwnershipState]]", "Mapping[int, Sequence[OccupantState]]"]


def sorted_out(
    records: Sequence[Record],
    state: RosterState,
    lasting: Lasting,
    choices: Choices,
    apart: tuple[Collection[Place], Collection[int]],
) -> Sorted:
    """Return what becomes of the plain rows; ``apart`` are rows and owners that are to be weighed whatever they say.

    ``lasting`` are the ownerships and occupants of each unit.
    """
    numbers = _repeated(record.number for record in records)
    unsettled = {*apart[0], *choices.answers}
    standing = _Standing(state, lasting, choices.mode, apart[1])
    fates: list[Outcome | None] = []
    fresh: list[int] = []
    for at, record in enumerate(records):
        fate = None
        if isinstance(record, PlainRow) and record.number not in numbers:
            if unsettled and record.place in unsettled:
                pass
            elif record.number in state.units:
                fate = Outcome.SAME if standing.has(record) else None
            elif record.name is None or record.id_number or record.phone:
                fresh.append(at)
        fates.append(fate)
    for at in _unknown(records, fresh, state):
        fates[at] = Outcome.NEW
    weighed: list[RosterRow | RefusedRow] = []
    new: list[PlainRow] = []
    for record, fate in zip(records, fates, strict=True):
        if fate is None:
            weighed.append(record.spelled_out() if isinstance(record, PlainRow) else record)
        elif fate is Outcome.NEW and isinstance(record, PlainRow):
            new.append(record)
    return Sorted(records, fates, weighed, new, standing.kept)


def _repeated(names: Iterable[str | None]) -> set[str | None]:
    """Return the names that come more than once."""
    listed = list(names)
    if len(set(listed)) == len(listed):
        return set()
    seen: set[str | None] = set()
    return {name for name in listed if name in seen or seen.add(name)}  # type: ignore[func-returns-value]  # None


def _unknown(records: Sequence[Record], fresh: Sequence[int], state: RosterState) -> Iterable[int]:
    """Return which of the rows of new units bring owners of whom no number is known to anybody."""
    if not fresh:
        return ()
    known: set[str | None] = set(_repeated(number for record in records for number in _numbers(record)))
    for owner in state.owners:
        known.add(owner.id_number)
        known.update(number for number, _ in known_phones(owner.phone, owner.other_phones))
    known.discard(None)
    own_numbers = {owner.id for owner in state.owners}
    found = []
    for at in fresh:
        record = records[at]
        if not isinstance(record, PlainRow) or record.own_number in own_numbers:
            continue
        if state.estates > 1 and record.building not in state.buildings:
            continue
        if known.isdisjoint(_numbers(record)):
            found.append(at)
    return found


def _numbers(record: Record) -> list[str]:
    """Return the ID and the phones a row brings."""
    if isinstance(record, PlainRow):
        numbers = [record.id_number] if record.id_number else []
        if record.phone:
            numbers.append(record.phone)
        if record.other_phones:
            numbers.append(record.other_phones.rpartition("：")[2])
        return numbers
    if isinstance(record, RefusedRow):
        return []
    return [
        number
        for owner in record.owners
        for number in (*([owner.id_number] if owner.id_number else []), *(phone for phone, _ in owner.phones))
    ]


class _Standing:
    """Tells plain rows that say what is there already, in every field they fill."""

    def __init__(self, state: RosterState, lasting: Lasting, mode: ImportMode, apart: Collection[int]) -> None:
        self.kept: set[int] = set()
        self._units = state.units
        self._owners: Mapping[int, OwnerState] = {owner.id: owner for owner in state.owners}
        self._owned, self._lived_in = lasting
        self._erases = mode is ImportMode.REPLACE
        self._apart = apart

    def has(self, row: PlainRow) -> bool:
        """Tell whether the row, of a unit the office has, says nothing but what is there."""
        unit = self._units[row.number]
        owned = self._owned.get(unit.id, ())
        if row.name is None or len(owned) != 1 or (self._lived_in and unit.id in self._lived_in):
            return False
        owner = self._owners.get(owned[0].owner_id)
        if owner is None or row.name != owner.name or owner.id in self._apart:
            return False
        if row.own_number is not None and row.own_number != owner.id:
            return False
        there = _fields(unit, owned[0], owner)
        said = row[_FIRST:]
        if said != there and (self._erases or not _agree(said, there)):
            return False
        if row.handover_state is None and row.handed_over_on and unit.handover_state is not HandoverState.HANDED_OVER:
            return False
        self.kept.add(owner.id)
        return True


def _fields(unit: UnitState, owned: OwnershipState, owner: OwnerState) -> tuple[Any, ...]:
    """Return what a row would have to say, in the order of a plain row's fields."""
    return (
        unit.area,
        unit.usage,
        unit.handover_state,
        unit.handed_over_on,
        unit.note,
        owned.from_on,
        owner.kind,
        owner.phone,
        owner.other_phones,
        owner.id_number,
        owner.email,
    )


_KIND = PlainRow._fields.index("kind") - _FIRST


def _agree(said: tuple[Any, ...], there: tuple[Any, ...]) -> bool:
    """Tell whether all that is said is there; a blank says nothing, and the kind of an owner is never changed."""
    return all(
        one is None or one == other or place == _KIND
        for place, (one, other) in enumerate(zip(said, there, strict=True))
    )
