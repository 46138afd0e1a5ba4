"""Import batches: a file, what was understood of it, what was decided, what became of it."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.people import Posting
from tenant.rules.terms import ImportState


class ImportBatch(OfficeScoped):
    """导入批次 — one uploaded file and its plan; applied at most once, in one transaction.

    ``file`` and ``plan`` hold personal data and are loaded only when asked for. ``counts`` has the shape of the
    import's JSON answer.
    """

    __tablename__ = "import_batch"
    __table_args__ = (Index("ix_import_batch_office_id_file_digest", "office_id", "file_digest"),)

    kind: Mapped[str] = mapped_column(String(32), doc="导入种类")
    file_name: Mapped[str] = mapped_column(String(255), doc="文件名")
    file_digest: Mapped[str] = mapped_column(String(64), doc="文件摘要")
    file_size: Mapped[int] = mapped_column(doc="文件大小")
    file: Mapped[bytes | None] = deferred(mapped_column(LargeBinary, info={"redacted": True}, doc="文件"))
    sheet: Mapped[str | None] = mapped_column(String(100), doc="工作表")
    state: Mapped[ImportState] = mapped_column(coded(ImportState, "state"), default=ImportState.UPLOADED, doc="状态")
    mapping: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, doc="列对应")
    counts: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, doc="计数")
    plan: Mapped[bytes | None] = deferred(mapped_column(LargeBinary, info={"redacted": True}, doc="预览"))
    fault: Mapped[str | None] = mapped_column(String(500), doc="未能导入的原因")
    applied_at: Mapped[datetime | None] = mapped_column(doc="写入时间")
    uploaded_by_id: Mapped[int | None] = office_ref("posting", doc="上传人")

    uploaded_by: Mapped[Posting | None] = refer("ImportBatch.uploaded_by_id", "Posting")

    def __str__(self) -> str:
        """Return the file's name."""
        return self.file_name
