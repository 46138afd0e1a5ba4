"""The files that hang on a matter."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, personal, refer
from tenant.models.people import Posting
from tenant.models.requests import WorkOrder
from tenant.models.tickets import Ticket
from tenant.rules.terms import AttachmentKind, AttachmentPurpose


class Attachment(OfficeScoped):
    """附件 — a photo, recording or document that hangs on a matter (A-C9): the row here, the file in the store.

    ``key`` names the file in the store and in addresses; it says nothing and cannot be guessed. ``thumbnail_key`` None
    where there is nothing to look at. ``digest`` is the SHA-256 of what is stored, ``size`` its bytes, ``width`` and
    ``height`` in pixels, None for what is no picture. ``removed_at`` set: the file is gone, the row stays.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("office_id", "key"),
        Index("ix_attachment_office_id_added_at", "office_id", "added_at"),
        CheckConstraint("size > 0", name="size_is_positive"),
    )

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    work_order_id: Mapped[int | None] = office_ref("work_order", doc="报事处理单")
    kind: Mapped[AttachmentKind] = mapped_column(coded(AttachmentKind, "kind"), doc="种类")
    purpose: Mapped[AttachmentPurpose] = mapped_column(
        coded(AttachmentPurpose, "purpose"), default=AttachmentPurpose.OTHER, doc="用途"
    )
    name: Mapped[str] = mapped_column(String(200), info=personal(), doc="文件名")
    note: Mapped[str | None] = mapped_column(String(200), doc="说明")
    media_type: Mapped[str] = mapped_column(String(100), doc="格式")
    size: Mapped[int] = mapped_column(doc="大小（字节）")
    digest: Mapped[str] = mapped_column(String(64), doc="摘要")
    width: Mapped[int | None] = mapped_column(doc="宽")
    height: Mapped[int | None] = mapped_column(doc="高")
    key: Mapped[str] = mapped_column(String(64), info={"redacted": True}, doc="存放标识")
    thumbnail_key: Mapped[str | None] = mapped_column(String(64), info={"redacted": True}, doc="缩略图标识")
    added_at: Mapped[datetime] = mapped_column(doc="上传时间")
    added_by_id: Mapped[int | None] = office_ref("posting", doc="上传人")
    removed_at: Mapped[datetime | None] = mapped_column(doc="删除时间")
    removed_why: Mapped[str | None] = mapped_column(String(200), doc="删除原因")

    ticket: Mapped[Ticket] = refer("Attachment.ticket_id", "Ticket")
    work_order: Mapped[WorkOrder | None] = refer("Attachment.work_order_id", "WorkOrder")
    added_by: Mapped[Posting | None] = refer("Attachment.added_by_id", "Posting")

    def __str__(self) -> str:
        """Return the name the file came with."""
        return self.name
