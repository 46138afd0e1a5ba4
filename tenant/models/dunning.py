"""The arrears ladder: which procedure an office follows and which notices went out (B-F2 to B-F7)."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.owners import Owner
from tenant.rules.terms import DunningLevel, DunningNoticeState


class DunningProcedure(OfficeScoped):
    """催缴方案 — the numbers by which an office departs from the group's ladder, from a day on.

    None in a column: the group's number (``policy/dunning.toml``) stands.
    """

    __tablename__ = "dunning_procedure"
    __table_args__ = (UniqueConstraint("office_id", "from_on"),)

    name: Mapped[str] = mapped_column(String(50), doc="名称")
    from_on: Mapped[date] = mapped_column(doc="生效日")
    big_customer_share: Mapped[Decimal | None] = mapped_column(Numeric(7, 6), doc="大客户面积占比")
    late_fee_rate: Mapped[Decimal | None] = mapped_column(Numeric(9, 7), doc="违约金日率")

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class DunningNotice(OfficeScoped):
    """催缴通知单 — one step of the ladder taken against one owner: what was owed, and what became of it.

    ``anchor_on`` is the due date of the oldest unpaid charge, from which ages are counted; with ``level`` and
    ``sequence`` it makes the step, which is taken once. ``late_fee`` is what may be charged, not what is.
    """

    __tablename__ = "dunning_notice"
    __table_args__ = (
        UniqueConstraint("office_id", "owner_id", "level", "sequence", "anchor_on"),
        Index("ix_dunning_notice_office_id_issued_at", "office_id", "issued_at"),
    )

    owner_id: Mapped[int] = office_ref("owner", doc="缴费人")
    level: Mapped[DunningLevel] = mapped_column(coded(DunningLevel, "level"), doc="阶段")
    sequence: Mapped[int] = mapped_column(doc="次序")
    anchor_on: Mapped[date] = mapped_column(doc="最早欠费日")
    reached_on: Mapped[date] = mapped_column(doc="到期日")
    issued_at: Mapped[datetime] = mapped_column(doc="生成时间")
    amount: Mapped[Decimal] = mapped_column(doc="欠费金额")
    late_fee: Mapped[Decimal] = mapped_column(default=Decimal(0), doc="可能的违约金")
    state: Mapped[DunningNoticeState] = mapped_column(coded(DunningNoticeState, "state"), doc="状态")
    source: Mapped[str] = mapped_column(String(16), doc="依据")

    owner: Mapped[Owner] = refer("DunningNotice.owner_id", "Owner")

    def __str__(self) -> str:
        """Return level and sequence."""
        return f"{self.level.label} 第 {self.sequence} 次"
