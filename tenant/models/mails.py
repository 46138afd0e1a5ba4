"""Mails: one row per recipient, one Message-ID for ever."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import GroupOnly, GroupShared, OfficeScoped, coded, office_ref, personal
from tenant.rules.terms import MailClass, MailState


class Mail(OfficeScoped):
    """邮件 — one mail to one recipient, written in the transaction of what it tells of.

    ``queued → sending → sent | failed | unknown``, ``sent → bounced``, ``withheld`` by a person, and ``gathered`` into
    the mail ``gathered_into_id``, which says the same with more of the kind. ``unknown``: the
    connection ended after DATA had begun, so it may have gone out; a person decides. ``dedup_key`` names the reason for
    the mail: the same reason and recipient make no second row. The body is kept for ninety days; then it is None and
    ``body_digest``, the SHA-256 of both its forms, says which it was. ``resends`` counts how often it was sent again.
    ``gather_at`` is from when on a queued one may be gathered with others to the same person, None: it goes by itself.
    """

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("office_id", "dedup_key"),
        UniqueConstraint("message_id"),
        Index("ix_mail_queued", "not_before", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_mail_sending", "lease_until", postgresql_where=text("state = 'sending'")),
        Index("ix_mail_office_id_state", "office_id", "state", "id"),
        Index(
            "ix_mail_gathering", "gather_at", "id", postgresql_where=text("state = 'queued' AND gather_at IS NOT NULL")
        ),
        Index(
            "ix_mail_escalations_to",
            "office_id",
            "recipient_address",
            "id",
            postgresql_where=text("mail_class = 'escalation'"),
        ),
        Index("ix_mail_with_body", "created_at", "id", postgresql_where=text("text_body IS NOT NULL")),
    )

    dedup_key: Mapped[str] = mapped_column(String(200), info={"redacted": True}, doc="去重键")
    message_id: Mapped[str] = mapped_column(String(120), doc="邮件标识")
    mail_class: Mapped[MailClass] = mapped_column(coded(MailClass, "mail_class"), doc="类别")
    recipient_name: Mapped[str] = mapped_column(String(100), info=personal(), doc="收件人")
    recipient_address: Mapped[str] = mapped_column(String(254), info=personal(), doc="邮箱")
    domain: Mapped[str] = mapped_column(String(253), default="", server_default="", doc="收件域名")
    subject: Mapped[str] = mapped_column(String(200), doc="主题")
    text_body: Mapped[str | None] = mapped_column(Text, info={"redacted": True}, doc="正文")
    html_body: Mapped[str | None] = mapped_column(Text, info={"redacted": True}, doc="网页正文")
    body_digest: Mapped[str | None] = mapped_column(String(64), doc="正文摘要")
    subject_kind: Mapped[str] = mapped_column(String(32), doc="对象种类")
    subject_id: Mapped[int] = mapped_column(doc="对象")
    state: Mapped[MailState] = mapped_column(
        coded(MailState, "state"), default=MailState.QUEUED, server_default="queued", doc="状态"
    )
    not_before: Mapped[datetime] = mapped_column(doc="最早发送时间")
    claim_token: Mapped[str | None] = mapped_column(String(36), doc="领取凭证")
    lease_until: Mapped[datetime | None] = mapped_column(doc="领取有效期")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", doc="尝试次数")
    last_error: Mapped[str | None] = mapped_column(Text, doc="最近错误")
    sent_at: Mapped[datetime | None] = mapped_column(doc="发送时间")
    bounced_at: Mapped[datetime | None] = mapped_column(doc="退回时间")
    resends: Mapped[int] = mapped_column(default=0, server_default="0", doc="重发次数")
    gather_at: Mapped[datetime | None] = mapped_column(doc="可并入汇总的时间")
    gathered_into_id: Mapped[int | None] = office_ref("mail", doc="并入汇总")

    def __str__(self) -> str:
        """Return the subject line."""
        return self.subject


class MailGate(GroupShared):
    """发信总开关 — whether the group lets mail out at all; one row, ``group``. Offices see it, the group sets it."""

    __tablename__ = "mail_gate"

    name: Mapped[str] = mapped_column(String(16), unique=True, default="group", doc="名称")
    stopped_at: Mapped[datetime | None] = mapped_column(doc="停发时间")
    reason: Mapped[str | None] = mapped_column(String(200), doc="原因")
    stopped_by: Mapped[str | None] = mapped_column(String(100), doc="停发人")
    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=91, doc="版本")

    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}

    def __str__(self) -> str:
        """Return what it is."""
        return "发信总开关"


class MailDomain(GroupOnly):
    """收件域名 — how fast mail may go to one domain: not before ``next_at``, ``per_minute`` None for the default."""

    __tablename__ = "mail_domain"

    domain: Mapped[str] = mapped_column(String(253), unique=True, doc="域名")
    per_minute: Mapped[int | None] = mapped_column(doc="每分钟上限")
    next_at: Mapped[datetime | None] = mapped_column(doc="下一封不早于")

    def __str__(self) -> str:
        """Return the domain."""
        return self.domain
