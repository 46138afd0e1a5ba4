"""What an import would do, before anything is done: facts per row, counts per subject, rows refused and in conflict.

A plan is computed from rows and from the state that was read, by nothing else: planned twice it is the same plan, and
planned again after it was applied it holds nothing but `same`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from importers.faults import RefusedCell

NOT_IN_FILE: Final = ""
"""The sheet of what no row of the file names."""


class Outcome(StrEnum):
    """What becomes of a subject, or of a row as a whole."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Change(NamedTuple):
    """One field as it was and as it would be, as people read it."""

    label: str
    old: str
    new: str


class Fact(NamedTuple):
    """One thing a row brings about: `subject` is one of the kind's subjects; `name` is what people call it."""

    subject: str
    outcome: Outcome
    name: str
    changes: tuple[Change, ...] = ()


class RowPlan(NamedTuple):
    """What becomes of one row of the file, or of something lasting that the file does not name.

    The latter stands at sheet `NOT_IN_FILE`, its row is the id of what ends. ``candidates`` are whom a row in doubt may
    mean, (what to keep in `Choices.answers`, what people read); ``is_transfer`` marks a row that changes an owner.
    """

    sheet: str
    row: int
    outcome: Outcome
    name: str
    people: str
    facts: tuple[Fact, ...] = ()
    candidates: tuple[tuple[str, str], ...] = ()
    is_transfer: bool = False

    @property
    def is_in_file(self) -> bool:
        """Tell a row of the file from something lasting that no row names."""
        return self.sheet != NOT_IN_FILE

    @property
    def digest(self) -> str:
        """Return a digest of all that the row brings about: other facts, other digest."""
        facts = [(subject, outcome.value, name, *changes) for subject, outcome, name, changes in self.facts]
        return hashlib.blake2b(repr(facts).encode("utf-8", "replace"), digest_size=8).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return what the preview shows of the row; `candidates`, `is_transfer`, `is_missing` only where they hold."""
        shown: dict[str, Any] = {
            "sheet": self.sheet,
            "row": self.row,
            "outcome": self.outcome.value,
            "name": self.name,
            "people": self.people,
            "digest": self.digest,
            "facts": [
                {
                    "subject": fact.subject,
                    "outcome": fact.outcome.value,
                    "name": fact.name,
                    "changes": fact.changes,
                }
                for fact in self.facts
                if fact.outcome is not Outcome.SAME
            ],
        }
        if self.candidates:
            shown["candidates"] = self.candidates
        if self.is_transfer:
            shown["is_transfer"] = True
        if not self.is_in_file:
            shown["is_missing"] = True
        return shown


@dataclass(frozen=True, slots=True)
class Plan:
    """What the whole file would do. `drafts` is what the kind's own `write` carries out.

    ``missing`` is subject → how many lasting rows the file does not name, whatever was chosen to become of them.
    """

    rows: Sequence[RowPlan]
    refused: Sequence[RefusedCell]
    subjects: Mapping[str, Mapping[str, int]]
    drafts: Any = None
    notices: Sequence[str] = field(default_factory=tuple)
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Return the counts of the import's JSON answer: new/changed/same per subject, read/refused/conflict rows."""
        outcomes = [row.outcome for row in self.rows if row.is_in_file]
        rows = {
            "read": len(outcomes),
            "refused": outcomes.count(Outcome.REFUSED),
            "conflict": outcomes.count(Outcome.CONFLICT),
        }
        return {name: dict(counted) for name, counted in self.subjects.items()} | {"rows": rows}

    @property
    def is_empty(self) -> bool:
        """Tell a plan that would write nothing."""
        return not any(counted["new"] or counted["changed"] for counted in self.subjects.values())


def row_outcome(facts: Sequence[Fact]) -> Outcome:
    """Return what becomes of a row as a whole: new before changed before same."""
    outcomes = {fact.outcome for fact in facts}
    return next((outcome for outcome in (Outcome.NEW, Outcome.CHANGED) if outcome in outcomes), Outcome.SAME)
