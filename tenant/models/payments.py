"""What came in and what it settled: payments and allocations (B-F1, B-F9)."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.charges import Charge
from tenant.models.estates import Unit
from tenant.models.owners import Owner
from tenant.rules.terms import PaymentMethod


class Payment(OfficeScoped):
    """实收 — money received from an owner against a numbered receipt (B-F1); ``voided_at`` set: it counts no more."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("office_id", "receipt_number"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
    )

    owner_id: Mapped[int] = office_ref("owner", doc="缴费人")
    unit_id: Mapped[int | None] = office_ref("unit", doc="房屋")
    receipt_number: Mapped[str] = mapped_column(String(16), doc="收据号")
    method: Mapped[PaymentMethod] = mapped_column(coded(PaymentMethod, "method"), doc="收款方式")
    amount: Mapped[Decimal] = mapped_column(doc="金额")
    paid_on: Mapped[date] = mapped_column(doc="收款日")
    reference: Mapped[str | None] = mapped_column(String(64), doc="流水号")
    voided_at: Mapped[datetime | None] = mapped_column(doc="作废时间")

    owner: Mapped[Owner] = refer("Payment.owner_id", "Owner")
    unit: Mapped[Unit | None] = refer("Payment.unit_id", "Unit")

    def __str__(self) -> str:
        """Return the receipt's number."""
        return self.receipt_number


class Allocation(OfficeScoped):
    """核销 — the part of a payment that settles a charge; never more than either."""

    __tablename__ = "allocation"
    __table_args__ = (
        UniqueConstraint("office_id", "payment_id", "charge_id"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
    )

    payment_id: Mapped[int] = office_ref("payment", doc="实收")
    charge_id: Mapped[int] = office_ref("charge", doc="应收")
    amount: Mapped[Decimal] = mapped_column(doc="核销金额")

    payment: Mapped[Payment] = refer("Allocation.payment_id", "Payment")
    charge: Mapped[Charge] = refer("Allocation.charge_id", "Charge")

    def __str__(self) -> str:
        """Return receipt and charge."""
        return f"{self.payment} → {self.charge}"
