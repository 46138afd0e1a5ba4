"""A thing as a file would have it beside what the office has: what rows say, what would be written, how it reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from importers.plan import Change, Fact, Outcome
from tenant.rules.terms import ImportMode, Term

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from importers.rows import CleanRow
    from importers.tally import Place


class Link(NamedTuple):
    """A reference to another row: its id, None while it is not yet there, and what people call it."""

    id: int | None
    name: str


@dataclass(slots=True, eq=False)
class Draft:
    """A thing to make, to change or to leave; ``values`` is what the file says, ``said_by`` the row that said it first.

    ``empty`` are the fields whose column is there and holds nothing. ``named`` tells whether the file names it at all.
    """

    subject: str
    name: str
    state: Any = None
    place: Place = ("", 0)
    values: dict[str, Any] = field(default_factory=dict)
    said_by: dict[str, int] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    change: dict[str, Any] = field(default_factory=dict)
    more: tuple[Change, ...] = ()
    named: bool = False

    def differs(self, said: Mapping[str, Any]) -> str | None:
        """Return the field that another row of the file has said otherwise, None where they agree."""
        return next((name for name, value in said.items() if self.values.get(name, value) != value), None)

    def take(self, said: Mapping[str, Any], empty: Collection[str], place: Place) -> None:
        """Take what a row says; it must not differ from what others said."""
        if not self.named:
            self.place, self.named = place, True
            self.empty = set(empty)
        self.empty = (self.empty | set(empty)) - said.keys() - self.values.keys()
        for name, value in said.items():
            self.values.setdefault(name, value)
            self.said_by.setdefault(name, place[1])

    def settle(self, mode: ImportMode, otherwise: Mapping[str, Any]) -> None:
        """Find what is to be written: all of a new thing, of a known one what the mode lets the file change.

        ``otherwise`` is what a new thing holds where the file is silent; its keys are the fields there are.
        """
        if self.state is None:
            self.change = {name: self.values.get(name, value) for name, value in otherwise.items()}
            return
        self.change = {
            name: value
            for name, value in self.values.items()
            if (old := getattr(self.state, name)) != value and (old is None or mode is not ImportMode.FILL)
        }
        if mode is ImportMode.REPLACE:
            erased = (name for name in self.empty if name in otherwise and otherwise[name] is None)
            self.change |= {name: None for name in sorted(erased) if getattr(self.state, name) is not None}

    @property
    def outcome(self) -> Outcome:
        """Return what becomes of the thing, once it is settled."""
        if self.state is None:
            return Outcome.NEW
        return Outcome.CHANGED if self.change else Outcome.SAME

    def fact(self, labels: Mapping[str, str]) -> Fact:
        """Return what is shown of it; of a new thing, what it is to hold."""
        if self.outcome is Outcome.SAME:
            return Fact(self.subject, Outcome.SAME, self.name)
        changes = tuple(
            Change(labels[name], shown(getattr(self.state, name)) if self.state else "", shown(value))
            for name, value in self.change.items()
            if name in labels and (self.state is not None or value is not None)
        )
        return Fact(self.subject, self.outcome, self.name, (*changes, *self.more))


def shown(value: object) -> str:
    """Return a value as people read it."""
    if isinstance(value, Link):
        return value.name
    if isinstance(value, Term):
        return value.label
    if isinstance(value, Decimal):
        return figure(value)
    return value.isoformat() if isinstance(value, dt.date) else str(value if value is not None else "")


def figure(value: Decimal) -> str:
    """Return a number without the zeros behind its last decimal: 12.500 → 12.5, 0E+2 → 0."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def empty_fields(row: CleanRow, fields: Mapping[str, str]) -> set[str]:
    """Return the fields whose column (identifier → field) the sheet has and this row leaves blank."""
    return {name for identifier, name in fields.items() if identifier in row.headings and identifier not in row.values}


def columns_of(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change by the columns of its table: a link is the id it leads to."""
    return {
        (f"{name}_id" if isinstance(value, Link) or name in LINKS else name): value.id
        if isinstance(value, Link)
        else value
        for name, value in change.items()
    }


LINKS = frozenset({"unit", "owner", "vehicle", "parking_space", "meter"})
"""Fields that refer to another row, also where they hold nothing."""


def updates_of(office_id: int, drafts: Sequence[Draft]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the changes to known things as `importers.writing.Writer` takes them: the row as it was, what is new."""
    updates = []
    for draft in drafts:
        if draft.state is not None and draft.change:
            before = columns_of({name: getattr(draft.state, name) for name in draft.change})
            fixed = {"id": draft.state.id, "office_id": office_id, "version": draft.state.version}
            updates.append((fixed | before, columns_of(draft.change)))
    return updates
