"""The desk's daily log: every visit and call, and what became of it (B-S2, B-S3)."""

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, personal, refer
from tenant.models.estates import Unit
from tenant.models.people import Posting
from tenant.models.tickets import Ticket
from tenant.rules.terms import Channel


class LogEntry(OfficeScoped):
    """日常事务登记 — one visit or call at the desk: who, about what, what was answered (B-S2).

    ``ticket_id`` is what it became, None for what needed no work. ``put_off``: told "tomorrow" at night; it waits for
    the morning handover, where the officer taking over makes a request or complaint of it (B-S3) or settles it.
    ``settled_at`` None while that is still to be done.
    """

    __tablename__ = "log_entry"
    __table_args__ = (
        Index("ix_log_entry_at", "office_id", "at"),
        Index("ix_log_entry_waiting", "office_id", "at", postgresql_where=text("settled_at IS NULL")),
    )

    at: Mapped[datetime] = mapped_column(doc="时间")
    channel: Mapped[Channel] = mapped_column(coded(Channel, "channel"), default=Channel.CALL, doc="来源渠道")
    unit_id: Mapped[int | None] = office_ref("unit", doc="房屋")
    caller_name: Mapped[str | None] = mapped_column(String(100), info=personal(), doc="来访人")
    caller_phone: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="联系电话")
    content: Mapped[str] = mapped_column(Text, doc="事由")
    answer: Mapped[str | None] = mapped_column(String(500), doc="答复")
    put_off: Mapped[bool] = mapped_column(default=False, server_default="false", doc="转次日办理")
    settled_at: Mapped[datetime | None] = mapped_column(doc="办结时间")
    ticket_id: Mapped[int | None] = office_ref("ticket", doc="转为")
    written_by_id: Mapped[int | None] = office_ref("posting", doc="登记人")

    unit: Mapped[Unit | None] = refer("LogEntry.unit_id", "Unit")
    ticket: Mapped[Ticket | None] = refer("LogEntry.ticket_id", "Ticket")
    written_by: Mapped[Posting | None] = refer("LogEntry.written_by_id", "Posting")

    def __str__(self) -> str:
        """Return the beginning of what it was about."""
        return self.content[:20]
