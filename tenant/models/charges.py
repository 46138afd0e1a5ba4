"""What is owed: charge types and charges (B-F1)."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.estates import Unit
from tenant.models.owners import Owner
from tenant.rules.terms import ChargeBasis, MeterKind, Rounding, UnitUsage


class ChargeType(OfficeScoped):
    """收费项目 — an item of the price list and what its price is multiplied by (B-F1); prices are :class:`Tariff`.

    ``is_monthly``: billing runs charge it, to units of ``usage`` (None: of any), due on ``due_day`` of the month, its
    last day where it has fewer. ``meter_kind`` says which meters count for items priced by usage. ``retired_at`` set:
    no longer charged, kept for what was.
    """

    __tablename__ = "charge_type"
    __table_args__ = (
        UniqueConstraint("office_id", "name"),
        CheckConstraint("due_day BETWEEN 1 AND 31", name="due_day_is_a_day"),
    )

    name: Mapped[str] = mapped_column(String(50), doc="名称")
    basis: Mapped[ChargeBasis] = mapped_column(coded(ChargeBasis, "basis"), doc="计费方式")
    is_monthly: Mapped[bool] = mapped_column(default=False, server_default="false", doc="按月计费")
    usage: Mapped[UnitUsage | None] = mapped_column(coded(UnitUsage, "usage"), doc="适用房屋")
    meter_kind: Mapped[MeterKind | None] = mapped_column(coded(MeterKind, "meter_kind"), doc="表计")
    due_day: Mapped[int] = mapped_column(default=31, server_default="31", doc="每月应缴日")
    rounding: Mapped[Rounding] = mapped_column(
        coded(Rounding, "rounding"), default=Rounding.FEN, server_default="fen", doc="取整方式"
    )
    retired_at: Mapped[datetime | None] = mapped_column(doc="停用时间")

    def __str__(self) -> str:
        """Return the name on the price list."""
        return self.name


class Charge(OfficeScoped):
    """应收 — an amount one owner owes for one unit, item and period, from ``due_on``.

    ``owner_id`` is who owes it, for ever: a later transfer of the unit leaves arrears where they arose. Arrears are
    derived from charges and allocations, never stored. ``billing_run_id`` is the run that posted it, None for what was
    posted by hand or imported.
    """

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("office_id", "unit_id", "charge_type_id", "period_from"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("period_to >= period_from", name="period_ends_after_it_begins"),
        Index("ix_charge_office_id_owner_id_due_on", "office_id", "owner_id", "due_on"),
    )

    unit_id: Mapped[int] = office_ref("unit", doc="房屋")
    owner_id: Mapped[int] = office_ref("owner", doc="缴费人")
    charge_type_id: Mapped[int] = office_ref("charge_type", doc="收费项目")
    period_from: Mapped[date] = mapped_column(doc="费用起日")
    period_to: Mapped[date] = mapped_column(doc="费用止日")
    due_on: Mapped[date] = mapped_column(doc="应缴日")
    amount: Mapped[Decimal] = mapped_column(doc="应收金额")
    billing_run_id: Mapped[int | None] = office_ref("billing_run", doc="计费批次")

    unit: Mapped[Unit] = refer("Charge.unit_id", "Unit")
    owner: Mapped[Owner] = refer("Charge.owner_id", "Owner")
    charge_type: Mapped[ChargeType] = refer("Charge.charge_type_id", "ChargeType")

    def __str__(self) -> str:
        """Return item and period."""
        return f"{self.charge_type} {self.period_from:%Y-%m}"
