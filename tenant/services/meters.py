"""Reading meters: what one showed on a day, and what was used since the day before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock
from tenant.errors import Refusal
from tenant.models import Meter, MeterReading
from tenant.rules.meters import MOST_SHOWN, Reading, counted, misfit, neighbours
from tenant.services.lookups import find, open_office, optional

LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used up to a reading, times the meter's factor, since ``since``."""

    amount: Decimal
    since: date


def read(session: Session, meter_id: int, read_on: date, shown: Decimal, note: str | None = None) -> MeterReading:
    """Write down what a meter showed on a day.

    Raises NotFound for a foreign meter, Refusal for a day to come, a second reading of one day, and a reading that lies
    below the one before or above the one after, unless the meter's full scale explains it.
    """
    meter = find(session, Meter, meter_id, field="meter", lock=True)
    reading = MeterReading(office_id=meter.office_id, meter_id=meter.id, read_on=read_on, shown=shown)
    reading.note = optional(note, field="note", label="备注", limit=LONGEST_NOTE)
    with session.no_autoflush:
        check(session, meter, reading)
    session.add(reading)
    session.flush()
    return reading


def correct(session: Session, reading_id: int, shown: Decimal, note: str | None = None) -> MeterReading:
    """Put right what a reading says the meter showed; raises as `read` does."""
    reading = find(session, MeterReading, reading_id, field="reading", lock=True)
    meter = find(session, Meter, reading.meter_id, field="meter", lock=True)
    reading.shown = shown
    reading.note = optional(note, field="note", label="备注", limit=LONGEST_NOTE) or reading.note
    with session.no_autoflush:
        check(session, meter, reading)
    session.flush()
    return reading


def check(session: Session, meter: Meter, reading: MeterReading) -> None:
    """Raise Refusal where a reading is none the meter can have shown that day."""
    office = open_office(session, meter.office_id)
    if reading.read_on > clock.today(office.zone):
        raise _refused("reading_in_future", f"抄表日期 {reading.read_on} 还没有到。请核对后重新填写。", "read_on")
    most = meter.full_scale if meter.full_scale is not None else MOST_SHOWN
    if not reading.shown.is_finite() or not 0 <= reading.shown <= most:
        raise _refused(
            "bad_reading", f"读数 {reading.shown} 不在 0 到 {_figure(most)} 之间。请核对后重新填写。", "shown"
        )
    others = []
    for other in session.scalars(select(MeterReading).where(MeterReading.meter_id == meter.id)):
        if other is not reading:
            if other.read_on == reading.read_on:
                raise _refused("read_before", f"{meter} 在 {reading.read_on} 已抄过表。请改正原记录。", "read_on")
            others.append(Reading(other.read_on, other.shown))
    wrong = misfit(others, Reading(reading.read_on, reading.shown), meter.full_scale)
    if wrong is not None:
        compared = "小于" if wrong.read_on < reading.read_on else "大于"
        raise _refused(
            "reading_misfit",
            f"读数 {_figure(reading.shown)} {compared} {wrong.read_on} 的 {_figure(wrong.shown)}，表不会倒走。"
            "请核对；走满归零的表，请先填写它的满刻度。",
            "shown",
        )


def usages(session: Session, readings: Iterable[MeterReading]) -> Mapping[int, Usage]:
    """Return what was used up to each reading, by its id; the first of a meter, and one that misfits, have none."""
    wanted = list(readings)
    meters = {reading.meter_id: reading.meter for reading in wanted}
    every: dict[int, list[Reading]] = {}
    for row in session.execute(
        select(MeterReading.meter_id, MeterReading.read_on, MeterReading.shown).where(MeterReading.meter_id.in_(meters))
    ):
        every.setdefault(row.meter_id, []).append(Reading(row.read_on, row.shown))
    found = {}
    for reading in wanted:
        meter = meters[reading.meter_id]
        before, _ = neighbours(every[meter.id], reading.read_on)
        used = counted(before.shown, reading.shown, meter.full_scale) if before else None
        if before and used is not None:
            found[reading.id] = Usage(used * meter.factor, before.read_on)
    return found


def _figure(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refused(code: str, message: str, field: str) -> Refusal:
    return Refusal(code=code, message=message, field=field)
