"""From a cleaned row to what it claims: this meter showed this on that day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from importers.faults import CellFault, fault
from importers.roster.rows import unit_key_of
from importers.tally import RefusedRow
from importers.things.drafts import empty_fields
from tenant.rules.terms import MeterKind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from decimal import Decimal

    from importers.rooms import UnitKey
    from importers.rows import CleanRow

METER_FIELDS = {"location": "location", "factor": "factor", "full_scale": "full_scale"}
_TOLD_BY = {
    MeterKind.ELECTRICITY: re.compile("电"),
    MeterKind.GAS: re.compile("燃气|煤气|天然气|气表|用气"),
    MeterKind.HEAT: re.compile("热量|热力|采暖|供暖|暖气"),
    MeterKind.WATER: re.compile("水"),
}
_KIND = "kind told by the sheet"


@dataclass(frozen=True, slots=True)
class MeterRow:
    """What one row claims; None where its cell was blank. ``read_on`` is there wherever ``shown`` is."""

    source: CleanRow
    key: UnitKey | None
    number: str | None
    kind: MeterKind | None
    shown: Decimal | None = None
    read_on: dt.date | None = None
    previous: Decimal | None = None
    previous_on: dt.date | None = None
    used: Decimal | None = None
    note: str | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Return sheet and row: what names a row within its file."""
        return self.source.sheet, self.source.row

    @property
    def name(self) -> str:
        """Return what the row calls its meter: by its number, else by its unit."""
        return self.number or (self.key.number if self.key else "")

    @property
    def title(self) -> tuple[str, str]:
        """Return the meter, and its unit where the meter goes by its number."""
        return self.name, self.key.number if self.key and self.number else ""

    def about_meter(self) -> tuple[dict[str, Any], set[str]]:
        """Return what the row says of the meter itself, and what it leaves empty."""
        values = self.source.values
        said = {name: values[identifier] for identifier, name in METER_FIELDS.items() if identifier in values}
        return said, empty_fields(self.source, METER_FIELDS)


def assemble(row: CleanRow) -> MeterRow | RefusedRow:
    """Return what a row claims, or why it is refused; it never raises, whatever was read."""
    values = row.values
    faults = list(row.faults)
    number = cast("str | None", values.get("number"))
    key = unit_key_of(row) if "room" in values else None
    if isinstance(key, CellFault):
        faults.append(row.refuse("room", key))
        key = None
    if not faults and (found := _lacking(row)):
        faults.append(row.refuse(found[1], found[0]))
    if faults:
        return RefusedRow(tuple(faults), number or (key.number if key else None), (row.sheet, row.row))
    return MeterRow(
        source=row,
        key=key,
        number=number,
        kind=cast("MeterKind | None", values.get("kind") or _kind_of_sheet(row)),
        shown=cast("Decimal | None", values.get("shown")),
        read_on=cast("dt.date | None", values.get("read_on")),
        previous=cast("Decimal | None", values.get("previous")),
        previous_on=cast("dt.date | None", values.get("previous_on")),
        used=cast("Decimal | None", values.get("used")),
        note=cast("str | None", values.get("note")),
    )


def _lacking(row: CleanRow) -> tuple[CellFault, str] | None:
    """Return what the row lacks, and the column to say it on."""
    values = row.values
    if "number" not in values and "room" not in values:
        return fault("meter_missing"), "number"
    if "shown" not in values:
        return None
    day = cast("dt.date | None", values.get("read_on"))
    before = cast("dt.date | None", values.get("previous_on"))
    if day is None:
        return fault("missing"), "read_on"
    is_reversed = before is not None and before >= day
    return (fault("readings_reversed", str(before)), "previous_on") if is_reversed else None


def _kind_of_sheet(row: CleanRow) -> MeterKind | None:
    """Return the kind of meter that headings or the sheet's name tell (`电表号`, 水表), None for none or two."""
    remarks = row.reader.remarks
    if _KIND not in remarks:
        headings = [row.headings[name] for name in ("number", "shown", "previous", "used") if name in row.headings]
        remarks[_KIND] = _kind_in(headings) or _kind_in([row.sheet])
    return cast("MeterKind | None", remarks[_KIND])


def _kind_in(texts: Iterable[str]) -> MeterKind | None:
    joined = " ".join(texts)
    told = [kind for kind, words in _TOLD_BY.items() if words.search(joined)]
    return told[0] if len(told) == 1 else None
