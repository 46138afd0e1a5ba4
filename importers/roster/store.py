"""Reads what an office has of units and owners, and writes the plan of a roster in bulk, each row on the record."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Text, cast, func, select

from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState
from tenant.models import Building, Estate, Occupant, Office, Owner, Ownership, Section, Unit
from tenant.rules.terms import HandoverState, OccupantRelation, OwnerKind, UnitUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from importers.plan import Plan
    from importers.roster.arrivals import Arrivals
    from importers.roster.drafts import OccupantDraft, OwnerDraft, OwnershipDraft, RosterDrafts, UnitDraft
    from importers.writing import Writer

State = UnitState | OwnerState | OwnershipState | OccupantState
Kept = TypeVar("Kept", UnitState, OwnerState, OwnershipState, OccupantState)
_LONGEST_NAME = 50
_UNIT = (
    Unit.id,
    Unit.number,
    cast(Unit.area, Text),
    Unit.usage,
    Unit.handover_state,
    Unit.handed_over_on,
    Unit.note,
    Unit.version,
)
_OWNER = (
    Owner.id,
    Owner.name,
    Owner.kind,
    Owner.phone,
    Owner.other_phones,
    Owner.id_number,
    Owner.email,
    Owner.version,
)
_OWNERSHIP = (
    Ownership.id,
    Ownership.unit_id,
    Ownership.owner_id,
    cast(Ownership.share, Text),
    Ownership.is_payer,
    Ownership.from_on,
    Ownership.version,
)
_OCCUPANT = (
    Occupant.id,
    Occupant.unit_id,
    Occupant.name,
    Occupant.phone,
    Occupant.relation,
    Occupant.from_on,
    Occupant.version,
)
_READ: Mapping[str, Callable[[str], object]] = {
    "area": Decimal,
    "share": Decimal,
    "usage": UnitUsage,
    "handover_state": HandoverState,
    "kind": OwnerKind,
    "relation": OccupantRelation,
    "handed_over_on": dt.date.fromisoformat,
    "from_on": dt.date.fromisoformat,
}
"""Field of a state → what makes its value of a text."""


def load(session: Session, office: Office) -> RosterState:
    """Return the office's units, owners, lasting ownerships and occupants as plain values."""
    lasting = Ownership.office_id == office.id, Ownership.to_on.is_(None)
    living = Occupant.office_id == office.id, Occupant.to_on.is_(None)
    units = _rows(session, UnitState, select(*_UNIT).where(Unit.office_id == office.id))
    estates = session.scalar(select(func.count(Estate.id)).where(Estate.office_id == office.id))
    return RosterState(
        units={unit.number: unit for unit in units},
        owners=list(_rows(session, OwnerState, select(*_OWNER).where(Owner.office_id == office.id))),
        ownerships=sorted(_rows(session, OwnershipState, select(*_OWNERSHIP).where(*lasting)), key=lambda one: one.id),
        buildings=frozenset(session.scalars(select(Building.code).where(Building.office_id == office.id))),
        estates=estates or 0,
        occupants=sorted(_rows(session, OccupantState, select(*_OCCUPANT).where(*living)), key=lambda one: one.id),
    )


def _rows(session: Session, kind: type[Kept], statement: Select[*tuple[Any, ...]]) -> Iterator[Kept]:
    """Return rows that came column by column, each as one list; of days, codes and numbers each different one once."""
    chosen = statement.subquery()
    columns = session.execute(select(*(func.json_agg(column) for column in chosen.c))).one()
    return map(kind, *(_read(name, values or []) for name, values in zip(kind._fields, columns, strict=True)))


def _read(name: str, values: list[Any]) -> list[Any]:
    made = _READ.get(name)
    if made is None:
        return values
    known = {value: None if value is None else made(value) for value in set(values)}
    return [known[value] for value in values]


def standing(session: Session, office: Office) -> str:
    """Return a digest of what the office has: every change of a row counts up its version."""
    counted: list[str] = []
    for model in (Estate, Building, Section, Unit, Owner, Ownership, Occupant):
        each = func.hashtextextended(func.concat(model.id, ":", model.version), 0)
        seen = select(func.count(model.id), func.coalesce(func.sum(each), 0)).where(model.office_id == office.id)
        counted.extend(map(str, session.execute(seen).one()))
    return " ".join(counted)


def write(writer: Writer, office: Office, plan: Plan) -> None:
    """Write a roster's plan: buildings and sections on the way, units, owners, then who owns what from when.

    Raises `tenant.journal.StaleRow` when a row changed since it was read; the caller gives the transaction up.
    """
    drafts: RosterDrafts = plan.drafts
    rows = drafts.arrivals.rows if drafts.arrivals else ()
    wanted = [(unit.key.building, unit.key.section) for unit in drafts.units if not unit.state]
    wanted += [(row.building, row.section) for row in rows]
    buildings = _buildings(writer, office, [building for building, _ in wanted])
    sections = _sections(writer, office, wanted, buildings)
    if drafts.arrivals:
        _arrivals(writer, office, drafts.arrivals, buildings, sections)
    units = _units(writer, office, drafts.units, buildings, sections)
    owners = _owners(writer, office, drafts)
    _ownerships(writer, office, drafts.ownerships, units, owners)
    _occupants(writer, office, drafts.occupants, units)


def _arrivals(
    writer: Writer,
    office: Office,
    arrivals: Arrivals,
    buildings: dict[str, int],
    sections: dict[tuple[int, str], int],
) -> None:
    """Write units and owners that are simply new, column by column."""
    stand = [buildings[row.building] if row.building else None for row in arrivals.rows]
    within = [
        sections[building_id, row.section] if building_id and row.section else None
        for building_id, row in zip(stand, arrivals.rows, strict=True)
    ]
    shared = {"office_id": office.id}
    unit_ids = writer.insert(Unit, {"building_id": stand, "section_id": within, **arrivals.units()}, shared)
    owner_ids = writer.insert(Owner, arrivals.owners(), shared)
    owned = [unit_id for unit_id, row in zip(unit_ids, arrivals.rows, strict=True) if row.name is not None]
    writer.insert(Ownership, {"unit_id": owned, "owner_id": owner_ids, **arrivals.ownerships()}, shared)


def _buildings(writer: Writer, office: Office, wanted: list[str | None]) -> dict[str, int]:
    """Return building code → id, after making those that are missing, in the office's only estate."""
    session = writer.session
    listed = session.execute(select(Building.code, Building.id).where(Building.office_id == office.id))
    known: dict[str, int] = {code: building_id for code, building_id in listed}  # noqa: C416  rows, not pairs
    missing = [code for code in dict.fromkeys(wanted) if code and code not in known]
    if missing:
        estate_id = session.scalar(select(Estate.id).where(Estate.office_id == office.id).order_by(Estate.id).limit(1))
        if estate_id is None:
            estate_id = writer.write(Estate, inserts=[{"office_id": office.id, "name": office.name}])[0]
        rows = [
            {"office_id": office.id, "estate_id": estate_id, "code": code, "name": f"{code}栋"[:_LONGEST_NAME]}
            for code in missing
        ]
        known |= dict(zip(missing, writer.write(Building, inserts=rows), strict=True))
    return known


def _sections(
    writer: Writer, office: Office, wanted: list[tuple[str | None, str | None]], buildings: dict[str, int]
) -> dict[tuple[int, str], int]:
    """Return (building id, code) → id, after making the sections that are missing."""
    listed = writer.session.execute(
        select(Section.building_id, Section.code, Section.id).where(Section.office_id == office.id)
    )
    known = {(building_id, code): section_id for building_id, code, section_id in listed}
    keys = dict.fromkeys((buildings[building], section) for building, section in wanted if building and section)
    missing = [key for key in keys if key not in known]
    rows = [{"office_id": office.id, "building_id": building_id, "code": code} for building_id, code in missing]
    return known | dict(zip(missing, writer.write(Section, inserts=rows), strict=True))


def _units(
    writer: Writer,
    office: Office,
    units: list[UnitDraft],
    buildings: dict[str, int],
    sections: dict[tuple[int, str], int],
) -> dict[UnitDraft, int]:
    """Insert and update units; return the id of each."""
    new = [unit for unit in units if unit.state is None]
    rows = []
    for unit in new:
        building_id = buildings[unit.key.building] if unit.key.building else None
        section_id = sections[building_id, unit.key.section] if building_id and unit.key.section else None
        rows.append(
            {"office_id": office.id, "building_id": building_id, "section_id": section_id}
            | {"number": unit.number, "room": unit.key.room, **unit.change}
        )
    updates = [(_before(office, unit.state), unit.change) for unit in units if unit.state and unit.change]
    ids = writer.write(Unit, inserts=rows, updates=updates)
    return dict(zip(new, ids, strict=True)) | {unit: unit.state.id for unit in units if unit.state}


def _owners(writer: Writer, office: Office, drafts: RosterDrafts) -> dict[OwnerDraft, int]:
    """Insert and update owners; return the id of each."""
    new = [(owner, change) for owner, change in drafts.owners if owner.state is None]
    rows = [{"office_id": office.id, **change} for _, change in new]
    updates = [(_before(office, owner.state), change) for owner, change in drafts.owners if owner.state and change]
    ids = writer.write(Owner, inserts=rows, updates=updates)
    made = {owner: owner_id for (owner, _), owner_id in zip(new, ids, strict=True)}
    return made | {owner: owner.state.id for owner, _ in drafts.owners if owner.state}


def _ownerships(
    writer: Writer,
    office: Office,
    ownerships: list[OwnershipDraft],
    units: dict[UnitDraft, int],
    owners: dict[OwnerDraft, int],
) -> None:
    """End, change and begin ownerships, in this order: a share is free before it is given."""
    updates = [(_before(office, draft.state), draft.change) for draft in ownerships if draft.state and draft.change]
    updates.sort(key=lambda pair: "to_on" not in pair[1])
    rows = [
        {"office_id": office.id, "unit_id": units[draft.unit], "owner_id": owners[draft.owner], **draft.change}
        for draft in ownerships
        if draft.unit and draft.owner and draft.state is None
    ]
    writer.write(Ownership, updates=updates, inserts=rows)


def _occupants(writer: Writer, office: Office, occupants: list[OccupantDraft], units: dict[UnitDraft, int]) -> None:
    """Change, end and add occupants."""
    updates = [(_before(office, draft.state), draft.change) for draft in occupants if draft.state and draft.change]
    rows = [
        {"office_id": office.id, "unit_id": units[draft.unit], **draft.change}
        for draft in occupants
        if draft.unit and draft.state is None
    ]
    writer.write(Occupant, updates=updates, inserts=rows)


def _before(office: Office, state: State) -> dict[str, Any]:
    """Return a row as it was read, for the record and for the check that it has not changed since."""
    return {"office_id": office.id, "to_on": None} | state._asdict()
