"""What the record is made of."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeOptional, coded
from tenant.rules.terms import ActorKind


class AuditEntry(OfficeOptional):
    """审计记录 — who did what to which record, when, from where and why; before and after. Never changed, never deleted.

    ``verb`` is a code (``owner.update``, ``mail.sent``); the sentence is rendered when it is shown. ``before`` and
    ``after`` hold only the columns that changed, personal values masked; None where there is no such side.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_office_id_at", "office_id", "at", "id"),
        Index("ix_audit_entry_subject", "office_id", "subject_kind", "subject_id", "id"),
        Index("ix_audit_entry_request_id", "request_id"),
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
    before: Mapped[dict[str, object] | None] = mapped_column(JSONB, doc="改前")
    after: Mapped[dict[str, object] | None] = mapped_column(JSONB, doc="改后")
    reason: Mapped[str | None] = mapped_column(String(200), doc="原因")
