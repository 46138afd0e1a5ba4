"""What is managed: estate, building, section, unit."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import AREA, OfficeScoped, coded, office_ref, refer
from tenant.rules.terms import HandoverState, UnitUsage


class Estate(OfficeScoped):
    """小区 — an estate that an office manages."""

    __tablename__ = "estate"
    __table_args__ = (UniqueConstraint("office_id", "name"),)

    name: Mapped[str] = mapped_column(String(100), doc="名称")
    address: Mapped[str | None] = mapped_column(String(200), doc="地址")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Building(OfficeScoped):
    """楼栋 — a building of an estate; ``code`` is the first part of its units' numbers (``5``)."""

    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("office_id", "code"),)

    estate_id: Mapped[int] = office_ref("estate", doc="小区")
    code: Mapped[str] = mapped_column(String(16), doc="编号")
    name: Mapped[str] = mapped_column(String(50), doc="名称")

    estate: Mapped[Estate] = refer("Building.estate_id", "Estate")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Section(OfficeScoped):
    """单元 — a stairwell of a building, the middle part of a unit's number (``1``)."""

    __tablename__ = "section"
    __table_args__ = (UniqueConstraint("office_id", "building_id", "code"),)

    building_id: Mapped[int] = office_ref("building", doc="楼栋")
    code: Mapped[str] = mapped_column(String(16), doc="编号")

    building: Mapped[Building] = refer("Section.building_id", "Building")

    def __str__(self) -> str:
        """Return building and section, as in 5栋1单元."""
        return f"{self.code} 单元"


class Unit(OfficeScoped):
    """房屋 — a flat, shop or space; ``number`` is building-section-room (``5-1-101``; a shop without section ``S01``).

    ``area`` is the charged floor area in m², None while unknown; ``floor`` None where the number does not tell it.
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        CheckConstraint("area IS NULL OR area > 0", name="area_is_positive"),
    )

    building_id: Mapped[int | None] = office_ref("building", doc="楼栋")
    section_id: Mapped[int | None] = office_ref("section", doc="单元")
    number: Mapped[str] = mapped_column(String(40), doc="房号")
    room: Mapped[str] = mapped_column(String(20), doc="室号")
    floor: Mapped[int | None] = mapped_column(doc="楼层")
    area: Mapped[Decimal | None] = mapped_column(AREA, doc="建筑面积（㎡）")
    usage: Mapped[UnitUsage] = mapped_column(coded(UnitUsage, "usage"), default=UnitUsage.RESIDENCE, doc="用途")
    handover_state: Mapped[HandoverState] = mapped_column(
        coded(HandoverState, "handover_state"), default=HandoverState.PENDING, doc="交房状态"
    )
    handed_over_on: Mapped[date | None] = mapped_column(doc="交房日期")
    note: Mapped[str | None] = mapped_column(String(500), doc="备注")

    building: Mapped[Building | None] = refer("Unit.building_id", "Building")
    section: Mapped[Section | None] = refer("Unit.section_id", "Section")

    def __str__(self) -> str:
        """Return the number, the name every desk knows a unit by."""
        return self.number
