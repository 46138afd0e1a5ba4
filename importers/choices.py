"""What people decided about one import: how its columns are read, what it may do, what they put right by hand.

Kept with the batch as JSON; an import without any choice does what is safe: values of the file win, a blank erases
nothing, what is missing from the file is left alone, rows in doubt are held back and the others go on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from importers.mapping import tab_of
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE: Final = "+note"
"""What a column stands for whose values are kept in the note, under its heading."""
SOMEBODY_NEW: Final = "new"
"""The answer to "who is this": nobody the office knows. Any other answer is the id of an owner."""

_LONGEST_LETTER: Final = 3
"""XFD is the last column a sheet has."""
Place = tuple[str, int]
"""Sheet and row: what names a row within its file."""


@dataclass(frozen=True, slots=True)
class SheetChoice:
    """How one sheet is to be read, as far as people said.

    ``header_row`` from 1, 0: the sheet has no header, None: find it. ``columns`` is letter → identifier, `NOTE`, or
    None for a column not to be read; a column that is not named is mapped by its heading.
    """

    is_read: bool = True
    header_row: int | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """All that was decided about one import.

    ``ends_on``: ownerships (leases, …) that the file does not name end on this day; None: they are left alone.
    ``rooms`` is shape of a room text (`N-N`) → how it is read. ``edits`` are (sheet, row, letter) → text put in place
    of a cell; ``answers`` are (sheet, row) → whom the row means.
    """

    mode: ImportMode = ImportMode.UPDATE
    all_or_nothing: bool = False
    ends_on: dt.date | None = None
    reads_hidden_rows: bool = True
    sheets: Mapping[str, SheetChoice] = field(default_factory=dict)
    rooms: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[tuple[str, int, str], str] = field(default_factory=dict)
    answers: Mapping[Place, str] = field(default_factory=dict)

    def within(self, heights: Mapping[str, int]) -> Choices:
        """Return the choices without cells and answers of rows that are not there: ``heights`` is sheet → its rows."""

        def is_there(sheet: str, row: int, letter: str = "A") -> bool:
            is_column = letter.isascii() and letter.isupper() and len(letter) <= _LONGEST_LETTER
            return is_column and 0 < row <= heights.get(tab_of(sheet), 0)

        return replace(
            self,
            edits={place: text for place, text in self.edits.items() if is_there(*place)},
            answers={place: said for place, said in self.answers.items() if is_there(*place)},
        )

    def as_json(self) -> dict[str, Any]:
        """Return what the batch keeps; `from_json` reads it back."""
        return {
            "mode": self.mode.value,
            "all_or_nothing": self.all_or_nothing,
            "ends_on": self.ends_on and self.ends_on.isoformat(),
            "reads_hidden_rows": self.reads_hidden_rows,
            "sheets": {
                name: {"is_read": sheet.is_read, "header_row": sheet.header_row, "columns": dict(sheet.columns)}
                for name, sheet in self.sheets.items()
            },
            "rooms": dict(self.rooms),
            "edits": [[*place, text] for place, text in self.edits.items()],
            "answers": [[*place, said] for place, said in self.answers.items()],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Choices:
        """Return the choices of a batch; an empty mapping gives those of somebody who said nothing."""
        if not kept:
            return cls()
        return cls(
            mode=ImportMode(kept["mode"]),
            all_or_nothing=kept["all_or_nothing"],
            ends_on=dt.date.fromisoformat(kept["ends_on"]) if kept["ends_on"] else None,
            reads_hidden_rows=kept["reads_hidden_rows"],
            sheets={name: SheetChoice(**sheet) for name, sheet in kept["sheets"].items()},
            rooms=dict(kept["rooms"]),
            edits={(sheet, row, letter): text for sheet, row, letter, text in kept["edits"]},
            answers={(sheet, row): said for sheet, row, said in kept["answers"]},
        )
