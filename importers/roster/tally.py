"""Counts what becomes of each subject, and puts each fact on the row that brings it about, in words people read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from importers.plan import Change, Fact, Outcome
from tenant.rules.terms import Term

if TYPE_CHECKING:
    from collections.abc import Mapping

    from importers.roster.arrivals import Arrivals
    from importers.roster.drafts import OccupantDraft, OwnerDraft, OwnershipDraft, Place, UnitDraft
    from importers.roster.sorting import Sorted

LABELS = {
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
    "relation": "与业主关系",
    "from_on": "开始日期",
    "to_on": "结束日期",
}
SUBJECTS = ("units", "owners", "ownerships", "occupants")


class Tally:
    """What the rows of a file bring about; `names` is owner's id → name, for ownerships that end."""

    def __init__(self, named_by: Mapping[tuple[UnitDraft, OwnerDraft], Place], names: Mapping[int, str]) -> None:
        self.named_by = named_by
        self.names = names
        self.facts: dict[Place, list[Fact]] = {}
        self.counts = {name: {"new": 0, "changed": 0, "same": 0} for name in SUBJECTS}
        self._first_named: dict[OwnerDraft, Place] = {}
        for (_, owner), place in named_by.items():
            self._first_named.setdefault(owner, place)

    def unit(self, unit: UnitDraft, change: Mapping[str, Any]) -> None:
        """Count a unit; its fact stands on the first row about it."""
        changes = _changes(unit.state, change)
        self._add(unit.rows[0].place, Fact("units", _outcome(unit.state, change), unit.number, changes))

    def owner(self, owner: OwnerDraft, change: Mapping[str, Any]) -> None:
        """Count an owner; the fact stands on the first row that names them."""
        changes = _changes(owner.state, change)
        self._add(self._first_named[owner], Fact("owners", _outcome(owner.state, change), owner.name, changes))

    def ownership(self, draft: OwnershipDraft, number: str, place: Place) -> None:
        """Count an ownership of the unit ``number``; one that ends stands at ``place``."""
        if draft.owner and draft.unit:
            name, place = draft.owner.name, self.named_by[draft.unit, draft.owner]
        else:
            name = self.names.get(draft.state.owner_id, "") if draft.state else ""
        changes = _changes(draft.state, draft.change)
        self._add(place, Fact("ownerships", draft.outcome, f"{number} {name}", changes))

    def occupant(self, draft: OccupantDraft, number: str, place: Place) -> None:
        """Count somebody living in the unit ``number``."""
        name = draft.claim.name if draft.claim else draft.state.name if draft.state else ""
        changes = _changes(draft.state, draft.change)
        self._add(place, Fact("occupants", draft.outcome, f"{number} {name}", changes))

    def count_plain(self, found: Sorted, arrivals: Arrivals) -> None:
        """Count what needed no weighing: what is simply new, and what is there already."""
        for subject, new, same in (
            ("units", len(arrivals), found.same),
            ("owners", len(arrivals.owned), len(found.kept)),
            ("ownerships", len(arrivals.owned), found.same),
        ):
            self.counts[subject]["new"] += new
            self.counts[subject]["same"] += same

    def _add(self, place: Place, fact: Fact) -> None:
        self.counts[fact.subject][fact.outcome.value] += 1
        self.facts.setdefault(place, []).append(fact)


def _outcome(state: object, change: Mapping[str, Any]) -> Outcome:
    if state is None:
        return Outcome.NEW
    return Outcome.CHANGED if change else Outcome.SAME


def _changes(state: object, change: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the changes as people read them; of something new, what it is to hold."""
    if not change:
        return ()
    return tuple(
        Change(LABELS[name], shown(name, getattr(state, name, None)) if state else "", shown(name, value))
        for name, value in change.items()
        if state or value is not None
    )


def shown(name: str, value: object) -> str:
    """Return a value as people read it."""
    if isinstance(value, Term):
        return value.label
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{(100 * value).normalize():f}%" if name == "share" else f"{value:f}"
    if isinstance(value, bool):
        return "是" if value else "否"
    return "" if value is None else str(value)
