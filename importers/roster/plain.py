"""Rows of a roster that leave nothing to be weighed: one unit, one owner at most, each number where it belongs.

Nearly all rows of nearly all rosters are such. They are kept as tuples, made column by column; where something has to
be weighed after all, a row is spelled out as `assemble` would have made it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from importers.rooms import UnitKey
from importers.roster.phones import OWN_LABELS
from importers.roster.rows import LONGEST_NUMBER, OwnerClaim, RosterRow
from importers.rows import CleanRow
from tenant.rules.terms import HandoverState, OwnerKind, UnitUsage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from decimal import Decimal

    from importers.people import Labelled, Name
    from importers.rows import RowReader
    from importers.sight import Seen


class PlainRow(NamedTuple):
    """What one plain row claims; None where its cell was blank.

    From ``area`` on the fields stand in the order in which they are compared with what the office has. ``phone`` is the
    owner's own, ``other_phones`` one more with its label, as it is kept.
    """

    reader: RowReader
    row: int
    number: str
    building: str | None
    section: str | None
    room: str
    own_number: int | None
    name: str | None
    area: Decimal | None
    usage: UnitUsage | None
    handover_state: HandoverState | None
    handed_over_on: dt.date | None
    note: str | None
    owned_from_on: dt.date | None
    kind: OwnerKind
    phone: str | None
    other_phones: str | None
    id_number: str | None
    email: str | None

    @property
    def place(self) -> tuple[str, int]:
        """Return sheet and row."""
        return self.reader.sheet.name, self.row

    def spelled_out(self) -> RosterRow:
        """Return the row as `assemble` makes it."""
        said: dict[str, Any] = {
            identifier: value for identifier, name in _SAID.items() if (value := getattr(self, name)) is not None
        }
        key = UnitKey(self.room, self.building, self.section)
        return RosterRow(
            CleanRow(self.reader, self.row, said),
            key,
            self.number,
            self.place,
            self._owners(),
            (),
            self.area,
            self.usage,
            self.handover_state,
            self.handed_over_on,
            self.owned_from_on,
            self.note,
        )

    def _owners(self) -> tuple[OwnerClaim, ...]:
        if self.name is None:
            return ()
        phones = []
        if self.phone:
            phones.append((self.phone, ""))
        if self.other_phones:
            label, _, number = self.other_phones.rpartition("：")
            phones.append((number, label))
        return (
            OwnerClaim(self.name, self.kind, self.id_number, tuple(phones), self.email, own_number=self.own_number),
        )


_SAID = {
    "building": "building",
    "section": "section",
    "room": "room",
    "owners": "name",
    "phones": "phone",
    "more_phones": "other_phones",
    "email": "email",
    "documents": "id_number",
    "area": "area",
    "usage": "usage",
    "handover_state": "handover_state",
    "handed_over_on": "handed_over_on",
    "owned_from_on": "owned_from_on",
    "note": "note",
    "own_number": "own_number",
}
"""Column of the sheet → the field that holds what stood in it."""


_OF_UNIT = ("area", "usage", "handover_state", "handed_over_on", "note", "owned_from_on")


def assemble_plain(reader: RowReader, first: int, seen: Seen) -> dict[int, PlainRow]:
    """Return place in the block → record, of all rows that leave nothing to be weighed."""
    places = sorted(seen.plain)
    nothing = [None] * len(places)

    def column(identifier: str) -> Sequence[Any]:
        values = seen.columns.get(identifier)
        return nothing if values is None else [values[place] for place in places]

    units = map(_unit, column("building"), column("section"), column("room"))
    owners = map(_owner, column("owners"), column("documents"))
    reached = map(_reached, column("owners"), column("phones"), column("more_phones"))
    said = zip(*map(column, _OF_UNIT), strict=True)
    living = map(_is_filled, column("occupants"), column("occupant_phones"))
    rows = zip(places, units, column("own_number"), owners, said, reached, column("email"), living, strict=True)
    made: dict[int, PlainRow] = {}
    for place, unit, own_number, owner, fields, phones, mail, is_lived_in in rows:
        if unit and owner and phones and not is_lived_in:
            name, kind, number = owner
            head = (reader, first + place, *unit, own_number, name)
            made[place] = PlainRow._make((*head, *fields, kind, *phones, number, mail if name else None))
    return made


def _unit(
    building: str | None, section: str | None, room: UnitKey | None
) -> tuple[str, str | None, str | None, str] | None:
    """Return number, building, section and room, None where they have to be held against each other."""
    if room is None:
        return None
    if building and room.building is None and room.section is None and not room.room.startswith("S"):
        number = f"{building}-{section}-{room.room}" if section else f"{building}-{room.room}"
        key = number, building, section, room.room
    elif building is None and section is None and room.building and not room.room.startswith("S"):
        key = room.number, room.building, room.section, room.room
    else:
        return None
    return key if len(key[0]) <= LONGEST_NUMBER else None


_NOBODY = (None, OwnerKind.PERSON, None)


def _owner(
    names: tuple[Name, ...] | None, documents: tuple[Labelled, ...] | None
) -> tuple[str | None, OwnerKind, str | None] | None:
    """Return name, kind and ID of the one owner or of none, None where there are more or it has to be weighed."""
    if names is None:
        return None if documents else _NOBODY
    if len(names) > 1 or names[0].share is not None:
        return None
    if documents is None:
        number = None
    elif len(documents) > 1 or documents[0].label:
        return None
    else:
        number = documents[0].number
    name, is_organisation, _ = names[0]
    return name, OwnerKind.COMPANY if is_organisation else OwnerKind.PERSON, number


_UNREACHED = (None, None)


def _reached(
    names: tuple[Name, ...] | None, phones: tuple[Labelled, ...] | None, spare: tuple[Labelled, ...] | None
) -> tuple[str | None, str | None] | None:
    """Return the owner's own phone and the other one as it is kept, None where it has to be weighed whose they are."""
    if phones is None:
        return None if spare else _UNREACHED
    if names is None or len(phones) > 1 or phones[0].label:
        return None
    own = phones[0].number
    if spare is None:
        return own, None
    other, label, _ = spare[0]
    if len(spare) > 1 or other == own or "：" in label or len(other) + len(label) > _LONGEST_OTHER:
        return None
    return own, f"{label}：{other}" if label and label not in OWN_LABELS and label != names[0].name else other


_LONGEST_OTHER = 150


def _is_filled(*values: object) -> bool:
    return any(value is not None for value in values)


@lru_cache(maxsize=1 << 12)
def floor_of(room: str) -> int | None:
    """Return the floor a room's number tells."""
    return UnitKey(room).floor
