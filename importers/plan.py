"""What an import would do, before anything is done: facts per row, counts per subject, rows refused and in conflict.

A plan is computed from rows and from the state that was read, by nothing else: planned twice it is the same plan, and
planned again after it was applied it holds nothing but `same`.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importers.faults import RefusedCell

NOT_IN_FILE: Final = ""
"""The sheet of what no row of the file names."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


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


class RowText(NamedTuple):
    """A row of a plan as the preview keeps it: what becomes of it, where it stands, and its plan as JSON."""

    outcome: Outcome
    sheet: str
    row: int
    text: str


def row_text(row: RowPlan) -> str:
    """Return a row's plan as JSON; what stays as it is, is left out."""
    facts = tuple(fact for fact in row.facts if fact.outcome is not Outcome.SAME)
    return _encode(row._replace(facts=facts) if len(facts) < len(row.facts) else row)


def row_of(text: str) -> RowPlan:
    """Return the plan that `row_text` made a text of."""
    sheet, row, outcome, name, people, facts, candidates, is_transfer = json.loads(text)
    return RowPlan(
        sheet,
        row,
        Outcome(outcome),
        name,
        people,
        tuple(
            Fact(subject, Outcome(becomes), called, tuple(Change(*change) for change in changes))
            for subject, becomes, called, changes in facts
        ),
        tuple((answer, said) for answer, said in candidates),
        is_transfer,
    )


class WrittenRows(Sequence[RowPlan]):
    """The rows of a plan that are not made before somebody asks for them, but for their outcomes and texts."""

    @abstractmethod
    def texts(self) -> Iterator[RowText]:
        """Yield each row as the preview keeps it."""

    @abstractmethod
    def outcomes(self, *, in_file: bool = False) -> Mapping[Outcome, int]:
        """Return how many rows come to each outcome; ``in_file``: of those that stand in the file."""

    def __iter__(self) -> Iterator[RowPlan]:
        """Yield each row."""
        return (row_of(row.text) for row in self.texts())


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
        outcomes = self.outcomes(in_file=True)
        rows = {
            "read": sum(outcomes.values()),
            "refused": outcomes.get(Outcome.REFUSED, 0),
            "conflict": outcomes.get(Outcome.CONFLICT, 0),
        }
        return {name: dict(counted) for name, counted in self.subjects.items()} | {"rows": rows}

    def outcomes(self, *, in_file: bool = False) -> Mapping[Outcome, int]:
        """Return how many rows come to each outcome; ``in_file``: of those that stand in the file."""
        if isinstance(self.rows, WrittenRows):
            return self.rows.outcomes(in_file=in_file)
        return Counter(row.outcome for row in self.rows if row.is_in_file or not in_file)

    def texts(self) -> Iterator[RowText]:
        """Yield each row as the preview keeps it."""
        if isinstance(self.rows, WrittenRows):
            return self.rows.texts()
        return (RowText(row.outcome, row.sheet, row.row, row_text(row)) for row in self.rows)

    @property
    def is_empty(self) -> bool:
        """Tell a plan that would write nothing."""
        return not any(counted["new"] or counted["changed"] for counted in self.subjects.values())


def row_outcome(facts: Sequence[Fact]) -> Outcome:
    """Return what becomes of a row as a whole: new before changed before same."""
    outcomes = {fact.outcome for fact in facts}
    return next((outcome for outcome in (Outcome.NEW, Outcome.CHANGED) if outcome in outcomes), Outcome.SAME)
