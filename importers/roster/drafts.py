"""Units, owners and ownerships as a file would have them, each beside what the office has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from importers.plan import Outcome
    from importers.rooms import UnitKey
    from importers.roster.rows import RosterRow
    from importers.roster.state import OwnershipState, OwnerState, UnitState
    from tenant.rules.terms import OwnerKind

LONGEST_NOTE = 500


@dataclass(slots=True, eq=False)
class OwnerDraft:
    """An owner; `phones` are (number, label) in the file's order; `named` tells whether the file names them at all."""

    name: str
    kind: OwnerKind
    state: OwnerState | None = None
    id_number: str | None = None
    phones: list[tuple[str, str]] = field(default_factory=list)
    email: str | None = None
    named: bool = False


@dataclass(slots=True, eq=False)
class UnitDraft:
    """A unit; `values` holds only what the file says, `owners` the share it gives each, None where it gives none.

    `change` is what is to be written: every field of a new unit, the changed ones of a known one.
    """

    key: UnitKey
    state: UnitState | None
    rows: list[RosterRow] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    owners: dict[OwnerDraft, Fraction | None] = field(default_factory=dict)
    owned_from_on: dt.date | None = None
    change: Mapping[str, Any] = field(default_factory=dict)

    def take(self, said: Mapping[str, Any]) -> None:
        """Take what one more row says: fields agree by now, notes are put one after the other."""
        note = self.values.get("note")
        self.values = {**said, **self.values}
        if note and said.get("note") and said["note"] not in note.split("；"):
            joined = f"{note}；{said['note']}"
            self.values["note"] = joined if len(joined) <= LONGEST_NOTE else note


@dataclass(slots=True, eq=False)
class OwnershipDraft:
    """An ownership to begin (`state` None), to change, to end (`owner` None) or to leave as it is."""

    unit: UnitDraft
    owner: OwnerDraft | None
    state: OwnershipState | None
    change: Mapping[str, Any]
    outcome: Outcome


@dataclass(slots=True)
class RosterDrafts:
    """All that would be written, in the order in which it must be; an owner beside the columns to be written."""

    units: list[UnitDraft]
    owners: Sequence[tuple[OwnerDraft, Mapping[str, Any]]]
    ownerships: list[OwnershipDraft]
