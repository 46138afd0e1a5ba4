"""What an office accounts for at fixed times (A-W15, A-C12)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.people import Posting
from tenant.rules.terms import ReportKind


class Report(OfficeScoped):
    """报表 — a week's consolidation or a month's analysis, for the company centre (A-W15, forms F028 and F029).

    ``number`` runs without gaps by office and year. ``figures`` are as they stood at ``drawn_at``. ``findings`` and
    ``measures`` are the office's own words: causes, and what is done about them. ``submitted_at`` None: a draft, of
    which nobody above the office hears; ``due_on`` is the last day for it. ``sent_back_at`` and ``sent_back_why``: the
    centre wants it again.
    """

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("office_id", "kind", "from_on"),
        UniqueConstraint("office_id", "number"),
        CheckConstraint("until_on > from_on", name="ends_after_it_begins"),
    )

    number: Mapped[str] = mapped_column(String(32), doc="编号")
    kind: Mapped[ReportKind] = mapped_column(coded(ReportKind, "kind"), doc="种类")
    from_on: Mapped[date] = mapped_column(doc="起始日")
    until_on: Mapped[date] = mapped_column(doc="截止日（不含）")
    due_on: Mapped[date] = mapped_column(doc="应报日")
    drawn_at: Mapped[datetime] = mapped_column(doc="统计时间")
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, doc="数据")
    findings: Mapped[str | None] = mapped_column(Text, doc="原因分析")
    measures: Mapped[str | None] = mapped_column(Text, doc="改进措施")
    submitted_at: Mapped[datetime | None] = mapped_column(doc="上报时间")
    submitted_by_id: Mapped[int | None] = office_ref("posting", doc="上报人")
    sent_back_at: Mapped[datetime | None] = mapped_column(doc="退回时间")
    sent_back_why: Mapped[str | None] = mapped_column(String(500), doc="退回原因")

    submitted_by: Mapped[Posting | None] = refer("Report.submitted_by_id", "Posting")

    def __str__(self) -> str:
        """Return the number printed on it."""
        return self.number
