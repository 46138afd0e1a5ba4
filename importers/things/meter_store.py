"""Reads what an office has of meters and readings, and writes the plan of a meter sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from importers.things.drafts import Link, columns_of, updates_of
from importers.things.meter_state import MetersState, MeterState, ReadingState
from tenant.models import Meter, MeterReading, Office, Unit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from importers.plan import Plan
    from importers.things.meter_plan import MetersDrafts
    from importers.writing import Writer

_METER = (
    Meter.id,
    Meter.kind,
    Meter.number,
    Meter.unit_id,
    Meter.location,
    Meter.factor,
    Meter.full_scale,
    Meter.version,
)
_READING = (
    MeterReading.id,
    MeterReading.meter_id,
    MeterReading.read_on,
    MeterReading.shown,
    MeterReading.note,
    MeterReading.version,
)


def load(session: Session, office: Office) -> MetersState:
    """Return the office's units, meters and readings as plain values."""
    listed = session.execute(select(Unit.number, Unit.id).where(Unit.office_id == office.id))
    units: dict[str, int] = {number: unit_id for number, unit_id in listed}  # noqa: C416  rows, not pairs
    links = {unit_id: Link(unit_id, number) for number, unit_id in units.items()}
    meters = session.execute(select(*_METER).where(Meter.office_id == office.id).order_by(Meter.id))
    readings: dict[int, list[ReadingState]] = {}
    for row in session.execute(select(*_READING).where(MeterReading.office_id == office.id)):
        readings.setdefault(row.meter_id, []).append(ReadingState(*row))
    return MetersState(
        units=units,
        meters=[MeterState(row.id, row.kind, row.number, links.get(row.unit_id), *row[4:]) for row in meters],
        readings=readings,
    )


def write(writer: Writer, office: Office, plan: Plan) -> None:
    """Write a meter sheet's plan: meters, then what they showed.

    Raises `tenant.journal.StaleRow` when a row changed since it was read; the caller gives the transaction up.
    """
    drafts: MetersDrafts = plan.drafts
    new = [meter for meter in drafts.meters if meter.state is None]
    rows = [
        {"office_id": office.id, "kind": meter.kind, "number": meter.number} | columns_of(meter.change) for meter in new
    ]
    ids = writer.write(Meter, inserts=rows, updates=updates_of(office.id, drafts.meters))
    meters = dict(zip(new, ids, strict=True)) | {meter: meter.state.id for meter in drafts.meters if meter.state}
    rows = [
        {"office_id": office.id, "meter_id": meters[meter], "read_on": day} | columns_of(reading.change)
        for meter, day, reading in drafts.readings
        if reading.state is None
    ]
    known = [reading for _, _, reading in drafts.readings]
    writer.write(MeterReading, inserts=rows, updates=updates_of(office.id, known))
