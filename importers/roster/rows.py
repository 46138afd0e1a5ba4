"""From a cleaned row to what it claims: this unit, with these owners, lived in by these people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from importers.faults import CellFault, RefusedCell, fault
from importers.rooms import UnitKey, building_of_sheet
from importers.roster.phones import OWN_LABELS
from tenant.rules.terms import HandoverState, OccupantRelation, OwnerKind, UnitUsage

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal
    from fractions import Fraction

    from importers.people import Labelled, Name
    from importers.rows import CleanRow

_SPOUSE = frozenset({"配偶", "妻", "妻子", "夫", "丈夫", "爱人", "老公", "老婆", "太太", "先生"})
LONGEST_NUMBER = 40
"""Signs there are for the whole key of a unit."""
_LONGEST_OTHER_PHONES = 200
_LONGEST_OCCUPANT_PHONE = 64


@dataclass(frozen=True, slots=True)
class OwnerClaim:
    """An owner as a row names them; `phones` are (number, label), the first of them the owner's own.

    A row's mail address is that of the first owner it names; ``own_number`` is the owner's id in a row we exported.
    """

    name: str
    kind: OwnerKind = OwnerKind.PERSON
    id_number: str | None = None
    phones: tuple[tuple[str, str], ...] = ()
    email: str | None = None
    share: Fraction | None = None
    own_number: int | None = None


@dataclass(frozen=True, slots=True)
class OccupantClaim:
    """Somebody living in the unit; ``relation`` None where the row does not say it, ``likely`` is what it suggests."""

    name: str
    phone: str | None = None
    relation: OccupantRelation | None = None
    likely: OccupantRelation = OccupantRelation.OTHER
    has_blank_phone: bool = False


@dataclass(frozen=True, slots=True)
class RosterRow:
    """What one row claims; None where its cell was blank: a blank never erases what is known.

    ``number`` is the unit's, ``place`` sheet and row: what names a row within its file.
    """

    source: CleanRow
    key: UnitKey
    number: str
    place: tuple[str, int]
    owners: tuple[OwnerClaim, ...] = ()
    occupants: tuple[OccupantClaim, ...] = ()
    area: Decimal | None = None
    usage: UnitUsage | None = None
    handover_state: HandoverState | None = None
    handed_over_on: dt.date | None = None
    owned_from_on: dt.date | None = None
    note: str | None = None

    def blanks(self) -> frozenset[str]:
        """Return the columns that the sheet has and this row leaves blank."""
        return frozenset(self.source.headings.keys() - self.source.values.keys())


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be taken, why, and the unit it is about as far as that can be told."""

    faults: tuple[RefusedCell, ...]
    number: str | None
    place: tuple[str, int]


def assemble(row: CleanRow) -> RosterRow | RefusedRow:
    """Return what a row claims, or why it is refused; it never raises, whatever was read."""
    faults = list(row.faults)
    key = unit_key_of(row)
    if isinstance(key, CellFault):
        if not any(found.heading == row.headings.get("room") for found in row.faults):
            faults.append(row.refuse("room", key))
        return RefusedRow(tuple(faults), None, (row.sheet, row.row))
    owners = _owners(row) if not faults else ()
    if isinstance(owners, RefusedCell):
        faults.append(owners)
        owners = ()
    occupants = _occupants(row, owners) if not faults and "occupants" in row.headings else ()
    if isinstance(occupants, RefusedCell):
        faults.append(occupants)
        occupants = ()
    if faults:
        return RefusedRow(tuple(faults), key.number, (row.sheet, row.row))
    values = row.values
    return RosterRow(
        source=row,
        key=key,
        number=key.number,
        place=(row.sheet, row.row),
        owners=owners,
        occupants=occupants,
        area=cast("Decimal | None", values.get("area")),
        usage=cast("UnitUsage | None", values.get("usage")),
        handover_state=cast("HandoverState | None", values.get("handover_state")),
        handed_over_on=cast("dt.date | None", values.get("handed_over_on")),
        owned_from_on=cast("dt.date | None", values.get("owned_from_on")),
        note=cast("str | None", values.get("note")),
    )


def unit_key_of(row: CleanRow) -> UnitKey | CellFault:
    """Return the unit's key out of room, building, section and, where all else is silent, the sheet's name."""
    room = cast("UnitKey | None", row.values.get("room"))
    if room is None:
        return fault("missing")
    building = cast("str | None", row.values.get("building"))
    section = cast("str | None", row.values.get("section"))
    if room.is_dashed and building and _dashes_mean_sections(row):
        room = UnitKey(room=room.room, section=room.building)
    if (room.building and building and room.building != building) or (
        room.section and section and room.section != section
    ):
        return fault("unit_parts_differ", f"{room.number} / {building or ''} {section or ''}".strip())
    stands_alone = room.room.startswith("S") and not room.building
    if stands_alone and building in {None, "商铺", "商业", "门面", "底商"}:
        return room
    own = room.building or building
    building = own or row.group[0] or building_of_sheet(row.sheet)
    if not building:
        return fault("building_missing", room.number)
    section = room.section or section or (None if own else row.group[1])
    key = UnitKey(room=room.room, building=building, section=section)
    return key if len(key.number) <= LONGEST_NUMBER else fault("unit_unreadable", key.number)


def _dashes_mean_sections(row: CleanRow) -> bool:
    """Tell whether `2-1501` is section and room: so it is where the sheet names another building beside it."""
    remarks = row.reader.remarks
    if "dashes" not in remarks:
        remarks["dashes"] = any(
            isinstance(room, UnitKey) and room.is_dashed and isinstance(building, str) and room.building != building
            for building, room in row.reader.values("building", "room")
        )
    return bool(remarks["dashes"])


def _owners(row: CleanRow) -> tuple[OwnerClaim, ...] | RefusedCell:
    names = cast("tuple[Name, ...]", row.values.get("owners") or ())
    documents = cast("tuple[Labelled, ...]", row.values.get("documents") or ())
    phones = cast("tuple[Labelled, ...]", row.values.get("phones") or ())
    spare = cast("tuple[Labelled, ...]", row.values.get("more_phones") or ())
    if not names:
        for identifier, found in (("documents", documents), ("phones", phones)):
            if any(not number.is_placeholder for number in found):
                return row.refuse(identifier, fault("owner_missing", row.headings[identifier]))
        return ()
    numbers = _documents_of(names, documents)
    if isinstance(numbers, CellFault):
        return row.refuse("documents", numbers)
    reached = _phones_of(names, phones, spare)
    if isinstance(reached, CellFault):
        return row.refuse("phones", reached)
    return tuple(
        OwnerClaim(
            name=name.name,
            kind=OwnerKind.COMPANY if name.is_organisation else OwnerKind.PERSON,
            id_number=numbers.get(place),
            phones=tuple(reached[place]),
            email=cast("str | None", row.values.get("email")) if place == 0 else None,
            share=name.share,
            own_number=cast("int | None", row.values.get("own_number")) if len(names) == 1 else None,
        )
        for place, name in enumerate(names)
    )


def _occupants(row: CleanRow, owners: tuple[OwnerClaim, ...]) -> tuple[OccupantClaim, ...] | RefusedCell:
    names = cast("tuple[Name, ...]", row.values.get("occupants") or ())
    phones = cast("tuple[Labelled, ...]", row.values.get("occupant_phones") or ())
    if not names:
        if any(not number.is_placeholder for number in phones):
            return row.refuse("occupant_phones", fault("occupant_missing", row.headings["occupant_phones"]))
        return ()
    reached = _phones_of(names, phones, ())
    if isinstance(reached, CellFault):
        return row.refuse("occupant_phones", reached)
    owning = {owner.name for owner in owners}
    rents = "租" in row.headings["occupants"]
    others = OccupantRelation.RENTER if rents else OccupantRelation.OTHER
    relation = cast("OccupantRelation | None", row.values.get("occupant_relation"))
    return tuple(
        OccupantClaim(
            name=name.name,
            phone=_joined_numbers(reached[place]),
            relation=relation,
            likely=OccupantRelation.OWNER if name.name in owning else others,
            has_blank_phone="occupant_phones" in row.headings and not phones,
        )
        for place, name in enumerate(names)
    )


def _joined_numbers(phones: list[tuple[str, str]]) -> str | None:
    """Return an occupant's numbers in one text, as many as there is room for; None for none."""
    joined = ""
    for number, _ in phones:
        longer = f"{joined}、{number}" if joined else number
        joined = longer if len(longer) <= _LONGEST_OCCUPANT_PHONE else joined
    return joined or None


def _place_of(label: str, names: tuple[Name, ...]) -> int | None:
    """Return which of the owners a label means, None when it does not say."""
    for place, name in enumerate(names):
        if label == name.name:
            return place
    if label in OWN_LABELS:
        return 0
    return 1 if label in _SPOUSE and len(names) == 2 else None  # noqa: PLR2004


def _documents_of(names: tuple[Name, ...], documents: tuple[Labelled, ...]) -> dict[int, str] | CellFault:
    """Give each document to its owner: by the name beside it, else one by one in order; a guess is refused."""
    given: dict[int, str] = {}
    loose: list[Labelled] = []
    seen: set[int] = set()
    for document in documents:
        place = _place_of(document.label, names)
        if place is None:
            loose.append(document)
        elif place in seen:
            return fault("id_owner_unknown", document.label)
        else:
            seen.add(place)
            if not document.is_placeholder:
                given[place] = document.number
    free = [place for place in range(len(names)) if place not in seen]
    if any(not document.is_placeholder for document in loose):
        stranger = next((document.label for document in loose if _is_person(document.label)), None)
        if len(loose) != len(free) or stranger:
            return fault("id_owner_unknown", stranger or f"{len(names)} 位业主，{len(documents)} 个证件号")
        for place, document in zip(free, loose, strict=True):
            if not document.is_placeholder:
                given[place] = document.number
    return given if len(set(given.values())) == len(given) else fault("id_owner_unknown", "两位业主的证件号相同")


def _is_person(label: str) -> bool:
    """Tell a label that names somebody from one that names a kind of document."""
    return bool(label) and not label.endswith(("证", "照", "号", "码", "执照", "代码")) and len(label) > 1


def _phones_of(
    names: tuple[Name, ...], phones: tuple[Labelled, ...], spare: tuple[Labelled, ...]
) -> list[list[tuple[str, str]]] | CellFault:
    """Give each phone to its owner; what names nobody goes to the first, with its label; placeholders go nowhere."""
    reached: list[list[tuple[str, str]]] = [[] for _ in names]
    loose = [phone for phone in phones if not phone.label]
    in_order = len(loose) == len(names)
    for phone in (*phones, *spare):
        place = _place_of(phone.label, names)
        if place is None:
            place = loose.index(phone) if in_order and phone in loose else 0
        if phone.is_placeholder:
            continue
        own = phone.label in OWN_LABELS or phone.label == names[place].name or place == 1
        entry = (phone.number, "" if own else phone.label)
        if entry[0] not in {number for number, _ in reached[place]}:
            reached[place].append(entry)
    for entries in reached:
        entries.sort(key=lambda entry: entry[1] != "")
    if any(
        sum(len(number) + len(label) + 2 for number, label in entries) > _LONGEST_OTHER_PHONES for entries in reached
    ):
        return fault("too_long", limit=_LONGEST_OTHER_PHONES)
    return reached
