"""Units and owners that are simply new: what is to be written of them, column by column, and what people read of it."""

from __future__ import annotations

from fractions import Fraction
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Any, Final

from importers.columns import as_decimal
from importers.roster.plain import floor_of
from importers.roster.tally import LABELS, shown
from tenant.rules.terms import HandoverState, UnitUsage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from importers.roster.plain import PlainRow

_WHOLE: Final = as_decimal(Fraction(1))
_OWNING: Final = f'["{LABELS["share"]}","","100%"],["{LABELS["is_payer"]}","","是"]'


class Arrivals:
    """The plain rows of new units, in the order of the file; ``on`` is the day of the import."""

    def __init__(self, rows: Sequence[PlainRow], on: dt.date) -> None:
        self.rows = rows
        self.owned = [row for row in rows if row.name is not None]
        self._on = on
        self._texts: dict[tuple[str, object], str] = {}

    def __len__(self) -> int:
        """Return how many units are new."""
        return len(self.rows)

    def units(self) -> dict[str, list[Any]]:
        """Return the columns of the units but for where they stand."""
        rows = self.rows
        return {
            "number": [row.number for row in rows],
            "room": [row.room for row in rows],
            "area": [row.area for row in rows],
            "usage": [row.usage or UnitUsage.RESIDENCE for row in rows],
            "handover_state": [self._handover(row) for row in rows],
            "handed_over_on": [row.handed_over_on for row in rows],
            "note": [row.note for row in rows],
            "floor": [floor_of(row.room) for row in rows],
        }

    def owners(self) -> dict[str, list[Any]]:
        """Return the columns of the owners: of the units that have one, in their order."""
        names = ("name", "kind", "phone", "other_phones", "id_number", "email")
        return {name: [getattr(row, name) for row in self.owned] for name in names}

    def ownerships(self) -> dict[str, list[Any]]:
        """Return the columns of the ownerships but for whose and of what they are."""
        count = len(self.owned)
        return {
            "share": [_WHOLE] * count,
            "is_payer": [True] * count,
            "from_on": [row.owned_from_on or row.handed_over_on for row in self.owned],
        }

    def _handover(self, row: PlainRow) -> HandoverState:
        if row.handover_state is not None:
            return row.handover_state
        is_over = row.handed_over_on is not None and row.handed_over_on <= self._on
        return HandoverState.HANDED_OVER if is_over else HandoverState.PENDING

    def text(self, row: PlainRow) -> str:
        """Return what a row brings about, as the preview keeps it: what `importers.plan.row_text` makes of its plan."""
        piece = self._piece
        unit = [
            piece("area", row.area),
            piece("usage", row.usage or UnitUsage.RESIDENCE),
            piece("handover_state", self._handover(row)),
            piece("handed_over_on", row.handed_over_on),
            row.note and f'["{LABELS["note"]}","",{quoted(row.note)}]',
            piece("floor", floor_of(row.room)),
        ]
        number = quoted(row.number)
        facts = f'["units","new",{number},[{",".join(filter(None, unit))}]]'
        if row.name is None:
            return f'[{quoted(row.reader.sheet.name)},{row.row},"new",{number},"",[{facts}],[],false]'
        name = quoted(row.name)
        owner = [
            f'["{LABELS["name"]}","",{name}]',
            piece("kind", row.kind),
            row.phone and f'["{LABELS["phone"]}","",{quoted(row.phone)}]',
            row.other_phones and f'["{LABELS["other_phones"]}","",{quoted(row.other_phones)}]',
            row.id_number and f'["{LABELS["id_number"]}","",{quoted(row.id_number)}]',
            row.email and f'["{LABELS["email"]}","",{quoted(row.email)}]',
        ]
        since = piece("from_on", row.owned_from_on or row.handed_over_on)
        since = since and f",{since}"
        return (
            f'[{quoted(row.reader.sheet.name)},{row.row},"new",{number},{name},[{facts},'
            f'["owners","new",{name},[{",".join(filter(None, owner))}]],'
            f'["ownerships","new",{number[:-1]} {name[1:]},[{_OWNING}{since}]]],[],false]'
        )

    def _piece(self, name: str, value: object) -> str:
        """Return one field as people read it; what repeats is made once, a blank is left out."""
        if value is None:
            return ""
        known = self._texts.get((name, value))
        if known is None:
            known = self._texts[name, value] = f'["{LABELS[name]}","",{quoted(shown(name, value))}]'
        return known
