"""Field by field, what would change in a unit or an owner, in each of the three modes of an import.

Filling writes only where the office has nothing; updating lets the file win and never erases; replacing also erases
what the file leaves blank in a column it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from importers.cells import plain
from importers.roster.phones import LONGEST, first_and_others, joined, known_phones
from tenant.rules.terms import HandoverState, ImportMode, UnitUsage

if TYPE_CHECKING:
    import datetime as dt

    from importers.roster.drafts import OwnerDraft, UnitDraft
    from importers.roster.state import OwnerState, UnitState

_ERASABLE = ("area", "handed_over_on", "note")


def unit_change(unit: UnitDraft, on: dt.date, mode: ImportMode) -> dict[str, Any]:
    """Return the columns to be written: all of a new unit's, of a known one those the mode lets the file change."""
    said, state = unit.values, unit.state
    handed_over_on = said.get("handed_over_on")
    if handed_over_on and handed_over_on <= on and "handover_state" not in said:
        said = said | {"handover_state": HandoverState.HANDED_OVER}
    if state is None:
        usage = UnitUsage.SHOP if unit.key.room.startswith("S") else UnitUsage.RESIDENCE
        return {
            "area": None,
            "usage": usage,
            "handover_state": HandoverState.PENDING,
            "handed_over_on": None,
            "note": None,
            "floor": unit.key.floor,
        } | said
    if mode is ImportMode.FILL:
        return _filled(state, said)
    if mode is ImportMode.REPLACE and unit.blanks:
        said = {name: None for name in _ERASABLE if name in unit.blanks} | said
    return {name: value for name, value in said.items() if not is_same_text(getattr(state, name), value)}


def _filled(state: UnitState, said: dict[str, Any]) -> dict[str, Any]:
    """Return what stands where the office has nothing; with the day of handing over comes the state it implies."""
    filled = {name: value for name, value in said.items() if getattr(state, name) is None}
    if "handed_over_on" in filled and said.get("handover_state", state.handover_state) != state.handover_state:
        filled["handover_state"] = said["handover_state"]
    return filled


def is_same_text(old: object, new: object) -> bool:
    """Tell whether a field stays as it is: a text is the same when a cell with it would be read the same."""
    return old == new or (isinstance(old, str) and isinstance(new, str) and plain(old) == plain(new))


def owner_change(owner: OwnerDraft, mode: ImportMode) -> dict[str, Any]:
    """Return the columns to be written; a phone that is already known, first or other, changes nothing."""
    state = owner.state
    own, others = first_and_others(owner.phones)
    if state is None:
        return {
            "name": owner.name,
            "kind": owner.kind,
            "phone": own,
            "other_phones": joined(others),
            "id_number": owner.id_number,
            "email": owner.email,
        }
    if mode is ImportMode.FILL:
        known = dict(known_phones(state.phone, state.other_phones))
        fresh = [entry for entry in others if entry[0] not in known]
        said = {"phone": None if own in known else own, "other_phones": joined(fresh)}
        said |= {"id_number": owner.id_number, "email": owner.email}
        return {name: value for name, value in said.items() if value and not getattr(state, name)}
    change: dict[str, Any] = {}
    if owner.new_name and not owner.keeps_name:
        change["name"] = owner.new_name
    if owner.id_number and owner.id_number != state.id_number:
        change["id_number"] = owner.id_number
    if owner.email and owner.email != (state.email or "").lower():
        change["email"] = owner.email
    if mode is ImportMode.REPLACE:
        return change | _replaced(owner, state)
    return change | _more_phones(owner, state) if owner.phones else change


def _more_phones(owner: OwnerDraft, state: OwnerState) -> dict[str, Any]:
    """Return what the file's phones change: a new own one takes the place of one the file no longer has."""
    known = known_phones(state.phone, state.other_phones)
    numbers = {number for number, _ in known}
    own, others = first_and_others(owner.phones)
    change: dict[str, Any] = {}
    if own and own not in numbers:
        if state.phone is None or known[0][0] not in dict(owner.phones):
            change["phone"] = own
        else:
            others = [(own, ""), *others]
    if added := joined([entry for entry in others if entry[0] not in numbers]):
        longer = f"{state.other_phones}、{added}" if state.other_phones else added
        if len(longer) <= LONGEST:
            change["other_phones"] = longer
    return change


def _replaced(owner: OwnerDraft, state: OwnerState) -> dict[str, Any]:
    """Return what replacing changes: the phones are those of the file, and what all its rows leave blank is erased."""
    blanks = owner.blanks or frozenset()
    change: dict[str, Any] = {
        name: None
        for name, column in (("email", "email"), ("id_number", "documents"))
        if column in blanks and getattr(state, name) is not None
    }
    if owner.phones or "phones" in blanks:
        own, others = first_and_others(owner.phones)
        text = joined(others)
        now = first_and_others(known_phones(state.phone, state.other_phones))
        then = first_and_others(known_phones(own, text))
        if now[0] != then[0] or set(now[1]) != set(then[1]):
            changed = {"phone": own, "other_phones": text}
            change |= {name: value for name, value in changed.items() if getattr(state, name) != value}
    return change
