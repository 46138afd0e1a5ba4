"""How what is owed comes about: prices by period, concessions, and the runs that charge a month (B-F1)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, Numeric, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.charges import ChargeType
from tenant.models.estates import Unit
from tenant.models.owners import Owner
from tenant.models.people import Posting
from tenant.rules.terms import BillingState, ConcessionKind, ConcessionState


class Tariff(OfficeScoped):
    """收费标准 — the published price of an item from a day to a day, both included; ``to_on`` None: while it lasts.

    ``price`` in yuan for a month, or once for fixed items, or for what a meter counts. ``basis`` is the document that
    it rests on: contract, owners' assembly, price bureau. A price that charges were posted by is not changed any more.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        UniqueConstraint("office_id", "charge_type_id", "from_on"),
        CheckConstraint("price >= 0", name="price_is_not_negative"),
        CheckConstraint("to_on IS NULL OR to_on >= from_on", name="ends_after_it_begins"),
    )

    charge_type_id: Mapped[int] = office_ref("charge_type", doc="收费项目")
    price: Mapped[Decimal] = mapped_column(Numeric(12, 4), doc="单价（元）")
    from_on: Mapped[date] = mapped_column(doc="执行日")
    to_on: Mapped[date | None] = mapped_column(doc="截止日")
    basis: Mapped[str | None] = mapped_column(String(200), doc="收费依据")

    charge_type: Mapped[ChargeType] = refer("Tariff.charge_type_id", "ChargeType")

    def __str__(self) -> str:
        """Return item and first day."""
        return f"{self.charge_type} 自 {self.from_on}"


class Concession(OfficeScoped):
    """减免 — that a unit is charged a share only, for an item or (None) for all, from a day to a day.

    It counts once somebody other than who asked for it has approved it. ``share`` is what is charged: 0.7 for 七折.
    """

    __tablename__ = "concession"
    __table_args__ = (
        CheckConstraint("share >= 0 AND share < 1", name="share_is_less_than_one"),
        CheckConstraint("to_on >= from_on", name="ends_after_it_begins"),
        Index("ix_concession_office_id_unit_id_from_on", "office_id", "unit_id", "from_on"),
    )

    unit_id: Mapped[int] = office_ref("unit", doc="房屋")
    charge_type_id: Mapped[int | None] = office_ref("charge_type", doc="收费项目")
    kind: Mapped[ConcessionKind] = mapped_column(coded(ConcessionKind, "kind"), doc="减免类别")
    share: Mapped[Decimal] = mapped_column(Numeric(5, 4), doc="收取比例")
    from_on: Mapped[date] = mapped_column(doc="起始日")
    to_on: Mapped[date] = mapped_column(doc="截止日")
    why: Mapped[str] = mapped_column(String(200), doc="理由")
    state: Mapped[ConcessionState] = mapped_column(
        coded(ConcessionState, "state"), default=ConcessionState.ASKED, server_default="asked", doc="状态"
    )
    asked_by_id: Mapped[int | None] = office_ref("posting", doc="申请人")
    decided_by_id: Mapped[int | None] = office_ref("posting", doc="审批人")
    decided_at: Mapped[datetime | None] = mapped_column(doc="审批时间")

    unit: Mapped[Unit] = refer("Concession.unit_id", "Unit")
    charge_type: Mapped[ChargeType | None] = refer("Concession.charge_type_id", "ChargeType")
    asked_by: Mapped[Posting | None] = refer("Concession.asked_by_id", "Posting")
    decided_by: Mapped[Posting | None] = refer("Concession.decided_by_id", "Posting")

    def __str__(self) -> str:
        """Return unit and kind."""
        return f"{self.unit} {self.kind.label}"


class BillingRun(OfficeScoped):
    """计费批次 — the charging of one month to an office's units: previewed, posted, undone while nothing is paid.

    ``month`` is its first day; ``charge_types`` are the ids of the items. ``lines``, ``problems`` and ``total`` (yuan)
    are what the preview came to, None until it is counted; ``digest`` names all of its lines, so that what is posted is
    what was seen.
    """

    __tablename__ = "billing_run"
    __table_args__ = (Index("ix_billing_run_office_id_month", "office_id", "month"),)

    month: Mapped[date] = mapped_column(doc="费用月份")
    due_on: Mapped[date] = mapped_column(doc="应缴日")
    charge_types: Mapped[list[int]] = mapped_column(JSONB, doc="收费项目")
    state: Mapped[BillingState] = mapped_column(
        coded(BillingState, "state"), default=BillingState.COUNTING, server_default="counting", doc="状态"
    )
    lines: Mapped[int | None] = mapped_column(doc="应收笔数")
    problems: Mapped[int | None] = mapped_column(doc="不能计费")
    total: Mapped[Decimal | None] = mapped_column(doc="合计")
    digest: Mapped[str | None] = mapped_column(String(64), info={"redacted": True}, doc="摘要")
    failed_why: Mapped[str | None] = mapped_column(String(500), doc="未完成的原因")
    asked_by_id: Mapped[int | None] = office_ref("posting", doc="制单人")
    counted_at: Mapped[datetime | None] = mapped_column(doc="试算时间")
    posted_at: Mapped[datetime | None] = mapped_column(doc="入账时间")
    posted_by_id: Mapped[int | None] = office_ref("posting", doc="入账人")
    ended_at: Mapped[datetime | None] = mapped_column(doc="撤销时间")

    asked_by: Mapped[Posting | None] = refer("BillingRun.asked_by_id", "Posting")
    posted_by: Mapped[Posting | None] = refer("BillingRun.posted_by_id", "Posting")

    def __str__(self) -> str:
        """Return the month."""
        return f"{self.month:%Y-%m}"


class BillingLine(OfficeScoped):
    """计费明细 — what a run charges one unit for one item: who owes it, how much, and how that came about.

    ``problem`` set: it cannot be charged, and why (a code); then there is no amount. ``workings`` are the stretches of
    days with their price, share and quantity. ``before`` is what the month before came to, None where there was none.
    """

    __tablename__ = "billing_line"
    __table_args__ = (
        Index("ix_billing_line_run", "office_id", "billing_run_id", "unit_id"),
        CheckConstraint("(problem IS NULL) = (amount IS NOT NULL)", name="costs_or_has_a_problem"),
    )

    billing_run_id: Mapped[int] = office_ref("billing_run", doc="计费批次")
    unit_id: Mapped[int] = office_ref("unit", doc="房屋")
    charge_type_id: Mapped[int] = office_ref("charge_type", doc="收费项目")
    owner_id: Mapped[int | None] = office_ref("owner", doc="缴费人")
    period_from: Mapped[date] = mapped_column(doc="费用起日")
    period_to: Mapped[date] = mapped_column(doc="费用止日")
    amount: Mapped[Decimal | None] = mapped_column(doc="应收金额")
    before: Mapped[Decimal | None] = mapped_column(doc="上月金额")
    problem: Mapped[str | None] = mapped_column(String(32), doc="不能计费的原因")
    workings: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True), doc="计算过程")

    billing_run: Mapped[BillingRun] = refer("BillingLine.billing_run_id", "BillingRun")
    unit: Mapped[Unit] = refer("BillingLine.unit_id", "Unit")
    charge_type: Mapped[ChargeType] = refer("BillingLine.charge_type_id", "ChargeType")
    owner: Mapped[Owner | None] = refer("BillingLine.owner_id", "Owner")

    def __str__(self) -> str:
        """Return unit and item."""
        return f"{self.unit} {self.charge_type}"
