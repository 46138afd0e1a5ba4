"""An office's units, owners and occupants as the lines of a roster: what is written here, the import reads as `same`.

A unit has as many lines as it has owners or occupants, whichever are more, one at least. What a cell could not be read
back from stands in 「」, which means: as it is written.
"""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING

from importers.cells import plain
from importers.people import Labelled, Mistake, Name, needs_quotes, read_documents, read_names, read_phones
from importers.rooms import unit_key
from importers.roster.identity import comparable_name
from importers.roster.phones import known_phones

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState

Line = dict[str, object]
"""Identifier of a column of the roster → value; a column that is not named is blank."""
_NUMBERS = re.compile(r"[0-9]+")
_LEAST_SHARE = Decimal("0.000002")


def roster_lines(state: RosterState) -> Iterator[Line]:
    """Yield the lines of a roster, units in the order of their numbers, the owner who pays first."""
    owners = {owner.id: owner for owner in state.owners}
    owned: dict[int, list[OwnershipState]] = {}
    for ownership in sorted(state.ownerships, key=lambda one: (not one.is_payer, one.id)):
        owned.setdefault(ownership.unit_id, []).append(ownership)
    lived_in: dict[int, list[OccupantState]] = {}
    for occupant in state.occupants:
        lived_in.setdefault(occupant.unit_id, []).append(occupant)
    for number in sorted(state.units, key=_in_order):
        unit = state.units[number]
        ownerships = owned.get(unit.id, [])
        line = _unit(unit)
        has_shares = not _are_equal(ownerships)
        pairs = list(zip_longest(ownerships, lived_in.get(unit.id, ())))
        for ownership, occupant in pairs or [(None, None)]:
            owning = _owner(owners[ownership.owner_id], ownership, has_share=has_shares) if ownership else {}
            living = _occupant(occupant) if occupant else {}
            yield line | owning | living


def _in_order(number: str) -> list[tuple[int, str]]:
    """Order numbers as people count: 2 before 10."""
    return [(int(part), "") if _NUMBERS.fullmatch(part) else (-1, part) for part in re.split(r"([0-9]+)", number)]


def _are_equal(ownerships: Sequence[OwnershipState]) -> bool:
    return all(abs(one.share * len(ownerships) - 1) < _LEAST_SHARE * len(ownerships) for one in ownerships)


def _unit(unit: UnitState) -> Line:
    key = unit_key(unit.number)
    is_readable = key is not None and key.number == unit.number
    return {
        "building": key.building if key and is_readable else None,
        "section": key.section if key and is_readable else None,
        "room": unit.number,
        "area": unit.area,
        "usage": unit.usage.label,
        "handover_state": unit.handover_state.label,
        "handed_over_on": unit.handed_over_on,
        "note": unit.note and (f"「{unit.note}」" if needs_quotes(plain(unit.note)) else unit.note),
    }


def _owner(owner: OwnerState, ownership: OwnershipState, *, has_share: bool) -> Line:
    share = f"（{(100 * ownership.share).normalize():f}%）" if has_share else ""
    return {
        "owners": name_cell(owner.name, share),
        "phones": owner.phone and phones_cell(owner.phone),
        "more_phones": owner.other_phones and phones_cell(owner.other_phones),
        "email": owner.email,
        "documents": owner.id_number and document_cell(owner.id_number),
        "owned_from_on": ownership.from_on,
        "own_number": owner.id,
    }


def _occupant(occupant: OccupantState) -> Line:
    return {
        "occupants": name_cell(occupant.name),
        "occupant_phones": occupant.phone and phones_cell(occupant.phone),
        "occupant_relation": occupant.relation.label,
    }


def name_cell(name: str, share: str = "") -> str:
    """Return the text of a cell that is read as this one name, with its share behind it."""
    found = read_names(plain(f"{name}{share}"))
    is_read = not isinstance(found, Mistake) and [one.name for one in found] == [comparable_name(name)]
    return f"{name}{share}" if is_read and not needs_quotes(name) and _has_share(found, share) else f"「{name}」{share}"


def _has_share(found: tuple[Name, ...] | Mistake, share: str) -> bool:
    return not isinstance(found, Mistake) and bool(found[0].share) == bool(share)


def phones_cell(text: str) -> str:
    """Return the text of a cell that is read as these phones."""
    found = read_phones(plain(text))
    meant = known_phones(None, text)
    read = [] if isinstance(found, Mistake) else [(one.number, one.label) for one in found if not one.is_placeholder]
    if read == meant:
        return text
    return "、".join(_phone_cell(entry) for entry in text.split("、"))


def _phone_cell(entry: str) -> str:
    found = read_phones(plain(entry))
    is_read = isinstance(found, tuple) and len(found) == 1 and not found[0].is_placeholder
    return entry if is_read else f"「{entry}」"


def document_cell(number: str) -> str:
    """Return the text of a cell that is read as this document."""
    return number if read_documents(plain(number)) == (Labelled(number),) else f"「{number}」"
