"""Where vehicles stand: parking spaces, who rents them, which vehicles belong to a unit."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, personal, refer
from tenant.models.estates import Unit
from tenant.models.owners import Owner
from tenant.rules.terms import ParkingKind


class ParkingSpace(OfficeScoped):
    """车位 — a numbered place for one vehicle; ``unit_id`` is the unit it belongs to, None for none."""

    __tablename__ = "parking_space"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        CheckConstraint("area IS NULL OR area > 0", name="area_is_positive"),
    )

    number: Mapped[str] = mapped_column(String(20), doc="车位号")
    kind: Mapped[ParkingKind] = mapped_column(coded(ParkingKind, "kind"), default=ParkingKind.COMMON, doc="类别")
    unit_id: Mapped[int | None] = office_ref("unit", doc="所属房屋")
    location: Mapped[str | None] = mapped_column(String(50), doc="位置")
    area: Mapped[Decimal | None] = mapped_column(doc="面积（㎡）")
    note: Mapped[str | None] = mapped_column(String(500), doc="备注")

    unit: Mapped[Unit | None] = refer("ParkingSpace.unit_id", "Unit")

    def __str__(self) -> str:
        """Return the number painted on the ground."""
        return self.number


class Vehicle(OfficeScoped):
    """车辆 — a vehicle by its plate, and the unit and person it belongs to."""

    __tablename__ = "vehicle"
    __table_args__ = (UniqueConstraint("office_id", "plate"),)

    plate: Mapped[str] = mapped_column(String(16), info=personal(), doc="车牌号")
    unit_id: Mapped[int | None] = office_ref("unit", doc="房屋")
    holder_name: Mapped[str | None] = mapped_column(String(100), info=personal(), doc="车主")
    holder_phone: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="联系电话")
    description: Mapped[str | None] = mapped_column(String(100), doc="品牌颜色")

    unit: Mapped[Unit | None] = refer("Vehicle.unit_id", "Unit")

    def __str__(self) -> str:
        """Return the plate."""
        return self.plate


class ParkingLease(OfficeScoped):
    """车位租赁 — that a space is let to somebody from a day to a day; ``to_on`` is the last day, None while it lasts.

    ``monthly_rent`` in yuan, None where it follows the price list. One lease of a space lasts at a time.
    """

    __tablename__ = "parking_lease"
    __table_args__ = (
        CheckConstraint("to_on IS NULL OR to_on >= from_on", name="ends_after_it_begins"),
        CheckConstraint("monthly_rent IS NULL OR monthly_rent >= 0", name="rent_is_not_negative"),
        Index(
            "uq_parking_lease_current",
            "office_id",
            "parking_space_id",
            unique=True,
            postgresql_where=text("to_on IS NULL"),
        ),
    )

    parking_space_id: Mapped[int] = office_ref("parking_space", doc="车位")
    owner_id: Mapped[int | None] = office_ref("owner", doc="业主")
    lessee_name: Mapped[str] = mapped_column(String(100), info=personal(), doc="承租人")
    vehicle_id: Mapped[int | None] = office_ref("vehicle", doc="车辆")
    monthly_rent: Mapped[Decimal | None] = mapped_column(doc="月租（元）")
    from_on: Mapped[date] = mapped_column(doc="起租日")
    to_on: Mapped[date | None] = mapped_column(doc="止租日")

    parking_space: Mapped[ParkingSpace] = refer("ParkingLease.parking_space_id", "ParkingSpace")
    owner: Mapped[Owner | None] = refer("ParkingLease.owner_id", "Owner")
    vehicle: Mapped[Vehicle | None] = refer("ParkingLease.vehicle_id", "Vehicle")

    def __str__(self) -> str:
        """Return space and lessee."""
        return f"{self.parking_space} {self.lessee_name}"
