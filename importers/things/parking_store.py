"""Reads what an office has of spaces, vehicles and leases, and writes the plan of a parking ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from importers.things.drafts import Link, columns_of, updates_of
from importers.things.parking_state import LeaseState, ParkingState, SpaceState, VehicleState
from tenant.models import Office, Owner, Ownership, ParkingLease, ParkingSpace, Unit, Vehicle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from importers.plan import Plan
    from importers.things.parking_plan import ParkingDrafts
    from importers.writing import Writer

_SPACE = (
    ParkingSpace.id,
    ParkingSpace.number,
    ParkingSpace.kind,
    ParkingSpace.unit_id,
    ParkingSpace.location,
    ParkingSpace.area,
    ParkingSpace.note,
    ParkingSpace.version,
)
_VEHICLE = (
    Vehicle.id,
    Vehicle.plate,
    Vehicle.unit_id,
    Vehicle.holder_name,
    Vehicle.holder_phone,
    Vehicle.description,
    Vehicle.version,
)


def load(session: Session, office: Office) -> ParkingState:
    """Return the office's spaces, vehicles and leases, its units and who owns them today, as plain values."""
    units = {number: unit_id for unit_id, number in session.execute(_of(office, Unit, Unit.id, Unit.number))}
    numbers = {unit_id: Link(unit_id, number) for number, unit_id in units.items()}
    spaces = {
        row.number: SpaceState(row.id, row.number, row.kind, numbers.get(row.unit_id), *row[4:])
        for row in session.execute(_of(office, ParkingSpace, *_SPACE))
    }
    vehicles = {
        row.plate: VehicleState(row.id, row.plate, numbers.get(row.unit_id), *row[3:])
        for row in session.execute(_of(office, Vehicle, *_VEHICLE))
    }
    owners: dict[tuple[str, str], list[int]] = {}
    held = _of(office, Ownership, Ownership.unit_id, Ownership.owner_id, Owner.name)
    held = held.join(Owner, Ownership.owner_id == Owner.id).where(Ownership.to_on.is_(None))
    for unit_id, owner_id, name in session.execute(held.order_by(Ownership.id)):
        owners.setdefault((numbers[unit_id].name, name), []).append(owner_id)
    return ParkingState(units, owners, spaces, vehicles, _leases(session, office, spaces, vehicles))


def _of(office: Office, model: Any, *columns: Any) -> Any:  # noqa: ANN401  SQLAlchemy's own
    """Return the selection of some columns of the office's rows."""
    return select(*columns).select_from(model).where(model.office_id == office.id)


def _leases(
    session: Session, office: Office, spaces: Mapping[str, SpaceState], vehicles: Mapping[str, VehicleState]
) -> list[LeaseState]:
    numbers = {space.id: space.number for space in spaces.values()}
    plates = {vehicle.id: Link(vehicle.id, vehicle.plate) for vehicle in vehicles.values()}
    leases = _of(office, ParkingLease, ParkingLease, Owner.name)
    leases = leases.outerjoin(Owner, ParkingLease.owner_id == Owner.id).order_by(ParkingLease.id)
    return [
        LeaseState(
            id=lease.id,
            space=numbers[lease.parking_space_id],
            lessee_name=lease.lessee_name,
            from_on=lease.from_on,
            to_on=lease.to_on,
            owner=Link(lease.owner_id, name) if lease.owner_id else None,
            vehicle=plates.get(lease.vehicle_id),
            monthly_rent=lease.monthly_rent,
            version=lease.version,
        )
        for lease, name in session.execute(leases)
    ]


def write(writer: Writer, office: Office, plan: Plan) -> None:
    """Write a ledger's plan: spaces, vehicles, then the leases that end, change and begin.

    Raises `tenant.journal.StaleRow` when a row changed since it was read; the caller gives the transaction up.
    """
    drafts: ParkingDrafts = plan.drafts
    new = [space for space in drafts.spaces if space.state is None]
    rows = [{"office_id": office.id, "number": space.name} | columns_of(space.change) for space in new]
    ids = writer.write(ParkingSpace, inserts=rows, updates=updates_of(office.id, drafts.spaces))
    spaces = dict(zip((space.name for space in new), ids, strict=True))
    spaces |= {space.name: space.state.id for space in drafts.spaces if space.state}
    new = [vehicle for vehicle in drafts.vehicles if vehicle.state is None]
    rows = [{"office_id": office.id, "plate": vehicle.name} | columns_of(vehicle.change) for vehicle in new]
    ids = writer.write(Vehicle, inserts=rows, updates=updates_of(office.id, drafts.vehicles))
    vehicles = dict(zip((vehicle.name for vehicle in new), ids, strict=True))
    for lease in drafts.leases:
        named = lease.change.get("vehicle")
        if named is not None and named.id is None:
            lease.change = {**lease.change, "vehicle": Link(vehicles[named.name], named.name)}
    ending = [lease for lease in drafts.leases if lease.change.get("to_on")]
    going_on = [lease for lease in drafts.leases if not lease.change.get("to_on")]
    rows = [
        {"office_id": office.id, "parking_space_id": spaces[lease.space]} | columns_of(lease.change)
        for lease in drafts.leases
        if lease.state is None
    ]
    updates = [*updates_of(office.id, ending), *updates_of(office.id, going_on)]
    writer.write(ParkingLease, updates=updates, inserts=rows)
