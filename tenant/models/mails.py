"""Mails: one row per recipient, one Message-ID for ever."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, personal
from tenant.rules.terms import MailClass, MailState


class Mail(OfficeScoped):
    """邮件 — one mail to one recipient, written in the transaction of what it tells of.

    ``queued → sending → sent | failed | unknown``. ``unknown``: the connection ended after DATA had begun, so it may
    have gone out; a person decides. ``dedup_key`` names the reason for the mail: the same reason and recipient make no
    second row.
    """

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("office_id", "dedup_key"),
        UniqueConstraint("message_id"),
        Index("ix_mail_queued", "not_before", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_mail_sending", "lease_until", postgresql_where=text("state = 'sending'")),
    )

    dedup_key: Mapped[str] = mapped_column(String(200), info={"redacted": True}, doc="去重键")
    message_id: Mapped[str] = mapped_column(String(120), doc="邮件标识")
    mail_class: Mapped[MailClass] = mapped_column(coded(MailClass, "mail_class"), doc="类别")
    recipient_name: Mapped[str] = mapped_column(String(100), info=personal(), doc="收件人")
    recipient_address: Mapped[str] = mapped_column(String(254), info=personal(), doc="邮箱")
    subject: Mapped[str] = mapped_column(String(200), doc="主题")
    text_body: Mapped[str] = mapped_column(Text, info={"redacted": True}, doc="正文")
    html_body: Mapped[str | None] = mapped_column(Text, info={"redacted": True}, doc="网页正文")
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

    def __str__(self) -> str:
        """Return the subject line."""
        return self.subject
