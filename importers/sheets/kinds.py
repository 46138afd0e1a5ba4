"""What a kind of sheet is made of, and which kinds there are."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from importers import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from importers.columns import Column
    from importers.plan import Plan
    from importers.rows import CleanRow

KINDS = ("roster", "arrears", "payments", "parking", "meters")


@dataclass(frozen=True)
class SheetKind:
    """A kind of sheet: its columns, which it cannot do without, what its rows mean.

    `required` are groups of identifiers: of each group one column must be there. `key` are the columns that say which
    record a row is about, the decisive one last; `subjects` are what is counted, with the word people use for it.
    `assemble(row)` turns a clean row into a record or a refusal; `load(session, office)` reads what the office has;
    `plan(records, state, on, choices, held_back)` compares the two, purely; `write(writer, office, plan)` writes.
    `standing(session, office)` is a digest of all that `load` and `write` read: while it is the same, so is the plan;
    a kind without one is planned again when it is applied. `assemble_plain(reader, first, seen)` makes records of the
    plain rows of a block at once, place in it → record; those it leaves out go through `assemble` one by one.
    """

    identifier: str
    label: str
    columns: Sequence[Column]
    required: Sequence[tuple[str, ...]]
    key: tuple[str, ...]
    subjects: Mapping[str, str]
    assemble: Callable[[CleanRow], Any]
    plan: Callable[..., Plan]
    load: Callable[..., Any]
    write: Callable[..., None]
    standing: Callable[..., str] | None = None
    assemble_plain: Callable[..., Mapping[int, Any]] | None = None

    def column(self, identifier: str) -> Column:
        """Return the column of that identifier; raises KeyError for a column the kind has not."""
        return next(column for column in self.columns if column.identifier == identifier)


def kind_named(identifier: str) -> SheetKind:
    """Return the kind of sheet of that name; raises Refusal `kind_unknown` naming those there are."""
    if identifier not in KINDS:
        raise refusals.file("kind_unknown", kind=identifier[:40], known="、".join(KINDS))
    kind = import_module(f"importers.sheets.{identifier}").KIND
    if not isinstance(kind, SheetKind):
        raise TypeError(identifier)
    return kind
