"""The queue of record: what is due, what wakes whom, which slots have fired.

The database is the only clock. A message on a broker says "look now" and nothing more; every row here is claimed
under a lock and done once by a unique key.
"""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import GroupOnly, OfficeOptional, OfficeScoped, coded
from tenant.rules.terms import DueState


class DueAction(OfficeScoped):
    """到期事项 — one thing to do once at a time, planned in the transaction of the change that causes it.

    The business key is ``(office, subject, rule, level, cycle)``. ``claim_token`` and ``lease_until`` say who is doing
    it; ``attempts`` counts before each run, so that a row that kills its process is not run for ever.
    """

    __tablename__ = "due_action"
    __table_args__ = (
        UniqueConstraint("office_id", "subject_kind", "subject_id", "rule", "level", "cycle"),
        Index("ix_due_action_pending", "rule", "due_at", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_due_action_claimed", "lease_until", postgresql_where=text("state = 'claimed'")),
    )

    rule: Mapped[str] = mapped_column(String(32), doc="规则")
    subject_kind: Mapped[str] = mapped_column(String(32), doc="对象种类")
    subject_id: Mapped[int] = mapped_column(doc="对象")
    level: Mapped[int] = mapped_column(default=1, doc="级别")
    cycle: Mapped[str] = mapped_column(String(32), default="1", doc="轮次")
    due_at: Mapped[datetime] = mapped_column(doc="到期时间")
    state: Mapped[DueState] = mapped_column(
        coded(DueState, "state"), default=DueState.PENDING, server_default="pending", doc="状态"
    )
    claim_token: Mapped[str | None] = mapped_column(String(36), doc="领取凭证")
    lease_until: Mapped[datetime | None] = mapped_column(doc="领取有效期")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", doc="尝试次数")
    last_error: Mapped[str | None] = mapped_column(Text, doc="最近错误")
    settled_at: Mapped[datetime | None] = mapped_column(doc="了结时间")
    facts: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, server_default="{}", doc="参数")

    def __str__(self) -> str:
        """Return rule and subject."""
        return f"{self.rule} {self.subject_kind}#{self.subject_id}"


class OutboxMessage(OfficeOptional):
    """待投递消息 — a wake-up for a worker, written with the change it belongs to and put on the broker after commit."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_waiting", "id", postgresql_where=text("relayed_at IS NULL")),)

    actor: Mapped[str] = mapped_column(String(64), doc="执行者")
    arguments: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, doc="参数")
    relayed_at: Mapped[datetime | None] = mapped_column(doc="投递时间")


class Schedule(GroupOnly):
    """定时任务 — an entry of the timetable and whether it is switched on; the timetable itself stands in the code."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(String(64), unique=True, doc="名称")
    enabled: Mapped[bool] = mapped_column(default=True, server_default="true", doc="启用")
    last_fire_at: Mapped[datetime | None] = mapped_column(doc="最近一次")

    def __str__(self) -> str:
        """Return the entry's name."""
        return self.name


class ScheduleFire(GroupOnly):
    """定时触发 — that a slot of the timetable has fired: unique by name and slot, whatever number of schedulers run."""

    __tablename__ = "schedule_fire"
    __table_args__ = (UniqueConstraint("name", "fire_at"),)

    name: Mapped[str] = mapped_column(String(64), doc="名称")
    fire_at: Mapped[datetime] = mapped_column(doc="应触发时间")
    fired_at: Mapped[datetime] = mapped_column(doc="实际触发时间")
