"""Reads what an office has of units and owners, and writes the plan of a roster in bulk, each row on the record."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState
from tenant.models import Building, Estate, Occupant, Office, Owner, Ownership, Section, Unit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from importers.plan import Plan
    from importers.roster.drafts import OccupantDraft, OwnerDraft, OwnershipDraft, RosterDrafts, UnitDraft
    from importers.writing import Writer

State = UnitState | OwnerState | OwnershipState | OccupantState
_LONGEST_NAME = 50
_UNIT = (
    Unit.id,
    Unit.number,
    Unit.area,
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
    Ownership.share,
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


def load(session: Session, office: Office) -> RosterState:
    """Return the office's units, owners, lasting ownerships and occupants as plain values."""
    units = session.execute(select(*_UNIT).where(Unit.office_id == office.id))
    owners = session.execute(select(*_OWNER).where(Owner.office_id == office.id))
    lasting = select(*_OWNERSHIP).where(Ownership.office_id == office.id, Ownership.to_on.is_(None))
    ownerships = session.execute(lasting.order_by(Ownership.id))
    living = select(*_OCCUPANT).where(Occupant.office_id == office.id, Occupant.to_on.is_(None))
    estates = session.scalar(select(func.count(Estate.id)).where(Estate.office_id == office.id))
    return RosterState(
        units={row.number: UnitState(*row) for row in units},
        owners=[OwnerState(*row) for row in owners],
        ownerships=[OwnershipState(*row) for row in ownerships],
        buildings=frozenset(session.scalars(select(Building.code).where(Building.office_id == office.id))),
        estates=estates or 0,
        occupants=[OccupantState(*row) for row in session.execute(living.order_by(Occupant.id))],
    )


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
    buildings = _buildings(writer, office, drafts.units)
    sections = _sections(writer, office, drafts.units, buildings)
    units = _units(writer, office, drafts.units, buildings, sections)
    owners = _owners(writer, office, drafts)
    _ownerships(writer, office, drafts.ownerships, units, owners)
    _occupants(writer, office, drafts.occupants, units)


def _buildings(writer: Writer, office: Office, units: list[UnitDraft]) -> dict[str, int]:
    """Return building code → id, after making those that are missing, in the office's only estate."""
    session = writer.session
    listed = session.execute(select(Building.code, Building.id).where(Building.office_id == office.id))
    known: dict[str, int] = {code: building_id for code, building_id in listed}  # noqa: C416  rows, not pairs
    missing = [code for code in dict.fromkeys(unit.key.building for unit in units if not unit.state) if code]
    missing = [code for code in missing if code not in known]
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
    writer: Writer, office: Office, units: list[UnitDraft], buildings: dict[str, int]
) -> dict[tuple[int, str], int]:
    """Return (building id, code) → id, after making the sections that are missing."""
    listed = writer.session.execute(
        select(Section.building_id, Section.code, Section.id).where(Section.office_id == office.id)
    )
    known = {(building_id, code): section_id for building_id, code, section_id in listed}
    wanted = dict.fromkeys(
        (buildings[unit.key.building], unit.key.section)
        for unit in units
        if not unit.state and unit.key.building and unit.key.section
    )
    missing = [key for key in wanted if key not in known]
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
    return {"office_id": office.id, "to_on": None} | asdict(state)
