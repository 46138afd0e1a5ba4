"""From a cleaned row to what it claims: this space, these vehicles, let to this person for this time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from importers.faults import CellFault, fault
from importers.roster.rows import unit_key_of
from importers.tally import RefusedRow
from importers.things.drafts import empty_fields
from tenant.rules.terms import ParkingKind

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from importers.people import Labelled, Name
    from importers.rooms import UnitKey
    from importers.rows import CleanRow
    from importers.things.columns import Plate

SPACE_FIELDS = {"kind": "kind", "location": "location", "area": "area", "note": "note"}
VEHICLE_FIELDS = {"holder": "holder_name", "phone": "holder_phone", "description": "description"}
LEASE_FIELDS = {"rent": "monthly_rent", "to_on": "to_on"}
LEASE_COLUMNS = ("lessee", "rent", "from_on", "to_on")
_LONGEST_NAME, _LONGEST_PHONE = 100, 64


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """To whom a row says its space is let; None where it does not say."""

    lessee: str
    from_on: dt.date | None
    to_on: dt.date | None
    rent: Decimal | None


@dataclass(frozen=True, slots=True)
class ParkingRow:
    """What one row claims; None where its cell was blank."""

    source: CleanRow
    space: str | None
    key: UnitKey | None
    plates: tuple[Plate, ...] = ()
    holder: str | None = None
    phone: str | None = None
    lease: LeaseClaim | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Return sheet and row: what names a row within its file."""
        return self.source.sheet, self.source.row

    @property
    def is_owned(self) -> bool:
        """Tell whether the row's unit owns the space: it says so, or says nothing of a lease."""
        kind = self.source.values.get("kind")
        return kind is ParkingKind.OWNED or (self.lease is None and kind is None)

    @property
    def title(self) -> tuple[str, str]:
        """Return the space, or the plates where none is named, and who uses it."""
        name = self.space or "、".join(plate.plate for plate in self.plates)
        return name, (self.lease.lessee if self.lease else self.holder) or ""

    def about_space(self) -> tuple[dict[str, Any], set[str]]:
        """Return what the row says of its space, and what it leaves empty."""
        values = self.source.values
        said = {name: values[identifier] for identifier, name in SPACE_FIELDS.items() if identifier in values}
        return said, empty_fields(self.source, SPACE_FIELDS)

    def about_vehicle(self, plate: Plate) -> tuple[dict[str, Any], set[str]]:
        """Return what the row says of one of its vehicles, and what it leaves empty."""
        description = self.source.values.get("description") or plate.remark
        told = {"holder_name": self.holder, "holder_phone": self.phone, "description": description}
        return {name: value for name, value in told.items() if value}, empty_fields(self.source, VEHICLE_FIELDS)


def assemble(row: CleanRow) -> ParkingRow | RefusedRow:
    """Return what a row claims, or why it is refused; it never raises, whatever was read."""
    values = row.values
    space = cast("str | None", values.get("space"))
    faults = list(row.faults)
    key = unit_key_of(row) if "room" in values else None
    if isinstance(key, CellFault):
        faults.append(row.refuse("room", key))
        key = None
    lease: LeaseClaim | CellFault | None = None
    if not faults:
        lease = _lease(row)
        if isinstance(lease, CellFault):
            faults.append(row.refuse(_at_fault(lease), lease))
        elif space is None and (lease or not values.get("plates")):
            faults.append(row.refuse("space", fault("space_missing" if lease else "missing")))
    if faults or isinstance(lease, CellFault):
        return RefusedRow(tuple(faults), space, (row.sheet, row.row))
    return ParkingRow(
        source=row,
        space=space,
        key=key,
        plates=cast("tuple[Plate, ...]", values.get("plates") or ()),
        holder=_names(row, "holder") or _names(row, "lessee"),
        phone=_phones(row),
        lease=lease,
    )


def _names(row: CleanRow, identifier: str) -> str | None:
    """Return the people of a cell as one text, None for nobody."""
    names = cast("tuple[Name, ...]", row.values.get(identifier) or ())
    return "、".join(name.name for name in names)[:_LONGEST_NAME] or None


def _phones(row: CleanRow) -> str | None:
    """Return the phones of a row as one text, as many as fit; None for none."""
    joined = ""
    for one in cast("tuple[Labelled, ...]", row.values.get("phone") or ()):
        longer = f"{joined}、{one.number}" if joined else one.number
        if not one.is_placeholder and len(longer) <= _LONGEST_PHONE:
            joined = longer
    return joined or None


def _lease(row: CleanRow) -> LeaseClaim | CellFault | None:
    """Return what the row says of a lease, None where it says nothing, a fault where it contradicts itself."""
    if not any(identifier in row.values for identifier in LEASE_COLUMNS):
        return None
    lessee = _names(row, "lessee") or _names(row, "holder")
    begins = cast("dt.date | None", row.values.get("from_on"))
    ends = cast("dt.date | None", row.values.get("to_on"))
    if lessee is None:
        return fault("lessee_missing")
    if begins and ends and ends < begins:
        return fault("lease_reversed", ends.isoformat())
    return LeaseClaim(lessee, begins, ends, cast("Decimal | None", row.values.get("rent")))


def _at_fault(found: CellFault) -> str:
    return "to_on" if found.code == "lease_reversed" else "lessee"
