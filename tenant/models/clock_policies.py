"""The time limits that stand in place of the tables' defaults, for the group, a company or an office; their trials."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tenant.models.base import GroupShared, OfficeScoped, coded, office_ref, refer
from tenant.models.organisation import Company
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, TicketKind


class _Limit:
    """What a time limit says, for whomever it holds.

    It stands in place of the row of ``policy/clocks.toml`` for the same ticket, clock and qualifier (None: for all
    without a row of their own). ``amount`` counts in ``measure``, 0 for the same day; ``minimum`` and ``warning`` are
    minutes, the latter before the deadline, 0 for none. ``pauses`` are the reasons for which it stands still, ``steps``
    the levels ``{"level", "role", "after"}`` of its ladder; None: the table's own. It holds for clocks that begin on
    ``effective_on`` or later, of several the latest; ``activated_at`` None: a draft, which holds for nothing. An
    activated one is never edited: a change is another one, and ``withdrawn_at`` ends it.
    """

    ticket: Mapped[TicketKind] = mapped_column(coded(TicketKind, "ticket"), doc="种类")
    clock: Mapped[ClockKind] = mapped_column(coded(ClockKind, "clock"), doc="时限")
    qualifier: Mapped[str | None] = mapped_column(String(32), doc="适用范围")
    measure: Mapped[ClockMeasure] = mapped_column(coded(ClockMeasure, "measure"), doc="单位")
    amount: Mapped[int] = mapped_column(default=0, doc="数量")
    minimum: Mapped[int] = mapped_column(default=0, server_default="0", doc="至少（分钟）")
    calendar: Mapped[ClockCalendar] = mapped_column(
        coded(ClockCalendar, "calendar"), default=ClockCalendar.ALWAYS, server_default="always", doc="计时日历"
    )
    warning: Mapped[int] = mapped_column(default=0, server_default="0", doc="提前提醒（分钟）")
    pauses: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True), doc="可等待的原因")
    steps: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True), doc="升级级别")
    effective_on: Mapped[date] = mapped_column(doc="生效日期")
    why: Mapped[str] = mapped_column(String(200), doc="理由")
    activated_at: Mapped[datetime | None] = mapped_column(doc="启用时间")
    activated_by: Mapped[str | None] = mapped_column(String(100), doc="启用人")
    withdrawn_at: Mapped[datetime | None] = mapped_column(doc="撤回时间")
    withdrawn_by: Mapped[str | None] = mapped_column(String(100), doc="撤回人")

    def __str__(self) -> str:
        """Return kind and clock."""
        return f"{self.ticket.label}·{self.clock.label}"


class ClockPolicy(_Limit, GroupShared):
    """时限规则 — a time limit of the group, or with ``company_id`` of one company's offices."""

    __tablename__ = "clock_policy"
    __table_args__ = (CheckConstraint("amount >= 0 AND minimum >= 0 AND warning >= 0", name="counts_forward"),)

    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True, doc="公司")
    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=91, doc="版本")

    company: Mapped[Company | None] = relationship()

    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}


class OfficeClockPolicy(_Limit, OfficeScoped):
    """管理处时限规则 — a time limit of one office, in place of its company's and the group's."""

    __tablename__ = "office_clock_policy"
    __table_args__ = (CheckConstraint("amount >= 0 AND minimum >= 0 AND warning >= 0", name="counts_forward"),)


class PolicyReplay(OfficeScoped):
    """规则试算 — what a draft would have done to an office over a stretch of the past, held against what holds now.

    One of ``clock_policy_id`` and ``office_clock_policy_id`` says which draft. ``figures`` are counts by level and
    recipient, of mails, and the first examples; None while it is being counted.
    """

    __tablename__ = "policy_replay"
    __table_args__ = (
        CheckConstraint("(clock_policy_id IS NULL) <> (office_clock_policy_id IS NULL)", name="tries_one_draft"),
        CheckConstraint("until_on > from_on", name="ends_after_it_begins"),
    )

    clock_policy_id: Mapped[int | None] = mapped_column(ForeignKey("clock_policy.id"), index=True, doc="时限规则")
    office_clock_policy_id: Mapped[int | None] = office_ref("office_clock_policy", doc="管理处时限规则")
    from_on: Mapped[date] = mapped_column(doc="起始日")
    until_on: Mapped[date] = mapped_column(doc="截止日")
    asked_at: Mapped[datetime] = mapped_column(doc="发起时间")
    counted_at: Mapped[datetime | None] = mapped_column(doc="算完时间")
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), doc="结果")

    clock_policy: Mapped[ClockPolicy | None] = relationship()
    office_clock_policy: Mapped[OfficeClockPolicy | None] = refer(
        "PolicyReplay.office_clock_policy_id", "OfficeClockPolicy"
    )

    def __str__(self) -> str:
        """Return the stretch of time it looks at."""
        return f"{self.from_on} 至 {self.until_on}"
