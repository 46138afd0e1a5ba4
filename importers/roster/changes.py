"""Field by field, what would change in a unit, an owner or an ownership; and the tally of it all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from importers.plan import Change, Fact, Outcome
from importers.roster.identity import known_phones
from tenant.rules.terms import HandoverState, Term, UnitUsage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from importers.roster.drafts import OwnerDraft, OwnershipDraft, UnitDraft

Place = tuple[str, int]
_LONGEST_PHONES = 200
_LABELS = {
    "area": "建筑面积",
    "usage": "使用性质",
    "handover_state": "交房状态",
    "handed_over_on": "交房日期",
    "note": "备注",
    "floor": "楼层",
    "name": "姓名",
    "kind": "业主类别",
    "phone": "电话",
    "other_phones": "其他电话",
    "id_number": "证件号",
    "email": "电子邮箱",
    "share": "份额",
    "is_payer": "缴费人",
    "from_on": "开始日期",
    "to_on": "结束日期",
}


def unit_change(unit: UnitDraft, on: dt.date) -> dict[str, Any]:
    """Return the columns to be written: all of a new unit's, of a known one those the file says otherwise."""
    said = dict(unit.values)
    handed_over_on = said.get("handed_over_on")
    if handed_over_on and handed_over_on <= on:
        said.setdefault("handover_state", HandoverState.HANDED_OVER)
    if unit.state is None:
        usage = UnitUsage.SHOP if unit.key.room.startswith("S") else UnitUsage.RESIDENCE
        return {
            "area": None,
            "usage": usage,
            "handover_state": HandoverState.PENDING,
            "handed_over_on": None,
            "note": None,
            "floor": unit.key.floor,
        } | said
    return {name: value for name, value in said.items() if getattr(unit.state, name) != value}


def owner_change(owner: OwnerDraft) -> dict[str, Any]:
    """Return the columns to be written; a phone that is already known, first or other, changes nothing."""
    state = owner.state
    if state is None:
        phone, others = _first_and_others(owner.phones)
        return {
            "name": owner.name,
            "kind": owner.kind,
            "phone": phone,
            "other_phones": _joined(others),
            "id_number": owner.id_number,
            "email": owner.email,
        }
    change: dict[str, Any] = {}
    if owner.id_number and not state.id_number:
        change["id_number"] = owner.id_number
    if owner.email and owner.email != (state.email or "").lower():
        change["email"] = owner.email
    known = dict(known_phones(state))
    own, others = _first_and_others(owner.phones)
    if own and own not in known and (state.phone is None or state.phone not in dict(owner.phones)):
        change["phone"] = own
    elif own and own not in known:
        others = [(own, ""), *others]
    added = [(number, label) for number, label in others if number not in known]
    if added:
        joined = "、".join(filter(None, (state.other_phones, _joined(added))))
        if len(joined) <= _LONGEST_PHONES:
            change["other_phones"] = joined
    return change


def _first_and_others(phones: list[tuple[str, str]]) -> tuple[str | None, list[tuple[str, str]]]:
    """Part the owner's own phone, the first without a label, from the others."""
    own = next((number for number, label in phones if not label), None)
    return own, [(number, label) for number, label in phones if number != own]


def _joined(phones: list[tuple[str, str]]) -> str | None:
    """Return `配偶：139…、0755-…`, as many as fit; None for none."""
    joined = ""
    for number, label in phones:
        entry = f"{label}：{number}" if label else number
        longer = f"{joined}、{entry}" if joined else entry
        joined = longer if len(longer) <= _LONGEST_PHONES else joined
    return joined or None


class Tally:
    """Counts what becomes of each subject, and puts each fact on the row that brings it about."""

    def __init__(self, named_by: Mapping[tuple[UnitDraft, OwnerDraft], Place]) -> None:
        self.named_by = named_by
        self.facts: dict[Place, list[Fact]] = {}
        self.counts = {name: {"new": 0, "changed": 0, "same": 0} for name in ("units", "owners", "ownerships")}
        self._first_named: dict[OwnerDraft, Place] = {}
        for (_, owner), place in named_by.items():
            self._first_named.setdefault(owner, place)

    def unit(self, unit: UnitDraft, change: Mapping[str, Any]) -> None:
        """Count a unit; its fact stands on the first row about it."""
        changes = _changes(unit.state, change)
        self._add(unit.rows[0].place, Fact("units", _outcome(unit.state, change), unit.key.number, changes))

    def owner(self, owner: OwnerDraft, change: Mapping[str, Any]) -> None:
        """Count an owner; the fact stands on the first row that names them."""
        changes = _changes(owner.state, change)
        self._add(self._first_named[owner], Fact("owners", _outcome(owner.state, change), owner.name, changes))

    def ownership(self, draft: OwnershipDraft, names: Mapping[int, str]) -> None:
        """Count an ownership; one that ends stands on the first row about its unit."""
        if draft.owner:
            name, place = draft.owner.name, self.named_by[draft.unit, draft.owner]
        else:
            name, place = names.get(draft.state.owner_id, "") if draft.state else "", draft.unit.rows[0].place
        fact = Fact("ownerships", draft.outcome, f"{draft.unit.key.number} {name}", _changes(draft.state, draft.change))
        self._add(place, fact)

    def _add(self, place: Place, fact: Fact) -> None:
        self.counts[fact.subject][fact.outcome.value] += 1
        self.facts.setdefault(place, []).append(fact)


def _outcome(state: object, change: Mapping[str, Any]) -> Outcome:
    if state is None:
        return Outcome.NEW
    return Outcome.CHANGED if change else Outcome.SAME


def _changes(state: object, change: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the changes as people read them; of something new, what it is to hold."""
    return tuple(
        Change(_LABELS[name], _shown(name, getattr(state, name, None)) if state else "", _shown(name, value))
        for name, value in change.items()
        if state or value is not None
    )


def _shown(name: str, value: object) -> str:
    if isinstance(value, Term):
        return value.label
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{(100 * value).normalize():f}%" if name == "share" else f"{value:f}"
    if isinstance(value, bool):
        return "是" if value else "否"
    return "" if value is None else str(value)
