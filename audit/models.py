"""What the record is made of."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenant.journal import LONGEST_REASON
from tenant.models.base import GroupOnly, OfficeOptional, coded
from tenant.rules.terms import ActorKind


class AuditEntry(OfficeOptional):
    """审计记录 — who did what to which record, when, from where and why; before and after.

    Never changed, never deleted. ``verb`` is a code (``owner.update``, ``mail.sent``); the sentence is rendered when it
    is shown. ``before`` and ``after`` hold only the columns that changed, personal values masked; None where there is
    no such side. ``xid`` is the transaction that wrote it: entries are sealed in its order.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_office_id_at", "office_id", "at", "id"),
        Index("ix_audit_entry_subject", "office_id", "subject_kind", "subject_id", "id"),
        Index("ix_audit_entry_request_id", "request_id"),
        Index("ix_audit_entry_xid", "xid", "id"),
    )

    at: Mapped[datetime] = mapped_column(doc="时间")
    actor_kind: Mapped[ActorKind] = mapped_column(coded(ActorKind, "actor_kind"), doc="操作者类别")
    actor_id: Mapped[int | None] = mapped_column(doc="操作者编号")
    actor_name: Mapped[str] = mapped_column(String(100), doc="操作者")
    request_id: Mapped[str | None] = mapped_column(String(64), doc="请求编号")
    address: Mapped[str | None] = mapped_column(String(64), doc="来源地址")
    verb: Mapped[str] = mapped_column(String(64), doc="动作")
    subject_kind: Mapped[str | None] = mapped_column(String(64), doc="对象种类")
    subject_id: Mapped[int | None] = mapped_column(doc="对象编号")
    before: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True), doc="改前")
    after: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True), doc="改后")
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON), doc="原因")
    xid: Mapped[int] = mapped_column(server_default=text("pg_current_xact_id()::text::bigint"), doc="事务号")

    def __str__(self) -> str:
        """Return the entry's number."""
        return f"#{self.id}"


class AuditSeal(GroupOnly):
    """审计封条 — one link of a chain over the entries of an office (``chain`` 0: of the group), made after the fact.

    ``position`` counts the links of a chain from 1; ``digest`` covers the entry and the link before it.
    """

    __tablename__ = "audit_seal"
    __table_args__ = (
        UniqueConstraint("entry_id"),
        UniqueConstraint("chain", "position"),
        CheckConstraint("position >= 1", name="position_counts_from_one"),
        Index("ix_audit_seal_xid", "xid"),
    )

    chain: Mapped[int] = mapped_column(doc="链")
    position: Mapped[int] = mapped_column(doc="次序")
    entry_id: Mapped[int] = mapped_column(doc="审计记录")
    xid: Mapped[int] = mapped_column(doc="事务号")
    digest: Mapped[str] = mapped_column(String(64), doc="摘要")
