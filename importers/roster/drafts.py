"""Units, owners, ownerships and occupants as a file would have them, each beside what the office has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from importers.plan import Outcome
    from importers.rooms import UnitKey
    from importers.roster.arrivals import Arrivals
    from importers.roster.rows import OccupantClaim, RosterRow
    from importers.roster.state import OccupantState, OwnershipState, OwnerState, UnitState
    from tenant.rules.terms import OwnerKind

LONGEST_NOTE = 500
Place = tuple[str, int]


@dataclass(slots=True, eq=False)
class OwnerDraft:
    """An owner; `phones` are (number, label) in the file's order; `named` tells whether the file names them at all.

    ``first_named`` is the row that was first to name them and which of its owners they are; ``new_name`` what the file
    calls them where people said that it means them; ``keeps_name``: another row does not.
    ``blanks`` are the columns that every row naming them leaves blank, None before the first.
    """

    name: str
    kind: OwnerKind
    state: OwnerState | None = None
    id_number: str | None = None
    phones: list[tuple[str, str]] = field(default_factory=list)
    email: str | None = None
    named: bool = False
    first_named: tuple[Place, int] | None = None
    new_name: str | None = None
    keeps_name: bool = False
    blanks: frozenset[str] | None = None

    def is_called(self, name: str) -> bool:
        """Tell whether this is a name of theirs: the one they have, or the one they are to have."""
        return name in (self.name, self.new_name)


@dataclass(slots=True, eq=False)
class UnitDraft:
    """A unit; `values` holds only what the file says, `owners` the share it gives each, None where it gives none.

    ``since`` is from when an owner has it, where the file says so; ``blanks`` the columns all its rows leave blank.
    `change` is what is to be written: every field of a new unit, the changed ones of a known one.
    """

    key: UnitKey
    number: str
    state: UnitState | None
    rows: list[RosterRow] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    owners: dict[OwnerDraft, Fraction | None] = field(default_factory=dict)
    since: dict[OwnerDraft, dt.date] = field(default_factory=dict)
    blanks: frozenset[str] | None = None
    change: Mapping[str, Any] = field(default_factory=dict)

    def take(self, said: Mapping[str, Any]) -> None:
        """Take what one more row says: fields agree by now, notes are put one after the other."""
        note = self.values.get("note")
        self.values = {**said, **self.values}
        if note and said.get("note") and f"；{said['note']}；" not in f"；{note}；":
            joined = f"{note}；{said['note']}"
            self.values["note"] = joined if len(joined) <= LONGEST_NOTE else note


@dataclass(slots=True, eq=False)
class OwnershipDraft:
    """An ownership to begin (`state` None), to change, to end (`owner` None) or to leave as it is.

    ``unit`` is None for one that ends because the file names neither it nor its unit.
    """

    unit: UnitDraft | None
    owner: OwnerDraft | None
    state: OwnershipState | None
    change: Mapping[str, Any]
    outcome: Outcome


@dataclass(slots=True, eq=False)
class OccupantDraft:
    """Somebody living in a unit, to be added (`state` None), changed, ended (`claim` None) or left as they are."""

    unit: UnitDraft | None
    claim: OccupantClaim | None
    state: OccupantState | None
    change: Mapping[str, Any]
    outcome: Outcome


@dataclass(slots=True)
class RosterDrafts:
    """All that would be written, in the order in which it must be; an owner beside the columns to be written.

    ``arrivals`` are units and owners beside those listed: simply new, so that nothing is drafted of them.
    """

    units: list[UnitDraft]
    owners: Sequence[tuple[OwnerDraft, Mapping[str, Any]]]
    ownerships: list[OwnershipDraft]
    occupants: list[OccupantDraft] = field(default_factory=list)
    arrivals: Arrivals | None = None
