"""What is counted: meters and their readings."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.estates import Unit
from tenant.rules.terms import MeterKind

COUNT = Numeric(14, 3)
FACTOR = Numeric(10, 3)


class Meter(OfficeScoped):
    """表计 — a water, electricity, gas or heat meter by its number; ``unit_id`` None: it counts for a public area.

    What it counted is the difference of two readings times ``factor``. ``full_scale`` is where it begins again at zero,
    None where it does not.
    """

    __tablename__ = "meter"
    __table_args__ = (
        UniqueConstraint("office_id", "kind", "number"),
        CheckConstraint("factor > 0", name="factor_is_positive"),
    )

    kind: Mapped[MeterKind] = mapped_column(coded(MeterKind, "kind"), doc="种类")
    number: Mapped[str] = mapped_column(String(40), doc="表号")
    unit_id: Mapped[int | None] = office_ref("unit", doc="房屋")
    location: Mapped[str | None] = mapped_column(String(100), doc="位置")
    factor: Mapped[Decimal] = mapped_column(FACTOR, default=Decimal(1), doc="倍率")
    full_scale: Mapped[Decimal | None] = mapped_column(COUNT, doc="满刻度")

    unit: Mapped[Unit | None] = refer("Meter.unit_id", "Unit")

    def __str__(self) -> str:
        """Return kind and number."""
        return f"{self.kind.label} {self.number}"


class MeterReading(OfficeScoped):
    """抄表记录 — what a meter showed on a day."""

    __tablename__ = "meter_reading"
    __table_args__ = (
        UniqueConstraint("office_id", "meter_id", "read_on"),
        CheckConstraint("shown >= 0", name="shown_is_not_negative"),
    )

    meter_id: Mapped[int] = office_ref("meter", doc="表计")
    read_on: Mapped[date] = mapped_column(doc="抄表日期")
    shown: Mapped[Decimal] = mapped_column(COUNT, doc="读数")
    note: Mapped[str | None] = mapped_column(String(200), doc="备注")

    meter: Mapped[Meter] = refer("MeterReading.meter_id", "Meter")

    def __str__(self) -> str:
        """Return meter and day."""
        return f"{self.meter} {self.read_on}"
