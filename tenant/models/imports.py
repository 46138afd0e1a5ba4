"""Imports: a file, what was understood and decided, what became of it; and what is remembered for the next."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.people import Posting
from tenant.rules.terms import ImportState

_HEADINGS = re.compile(r"已有的列名：.*?(?=请在「对列」)", re.DOTALL)


def told_mapping(mapping: Mapping[str, Any]) -> list[str]:
    """Return what the record says of how columns were understood: 名册!A=room, one for each column that was read.

    The words of a heading are left out: a row of values may have been taken for one (B-O5).
    """
    return [
        f"{sheet['sheet']}!{letter}={identifier}"
        for sheet in mapping.get("sheets", ())
        for letter, _, identifier in sheet["columns"]
        if identifier
    ]


def told_fault(fault: str) -> str:
    """Return what the record says of why a file was not taken: the sentence, without the words of its headings."""
    return _HEADINGS.sub("", fault)


class ImportBatch(OfficeScoped):
    """导入批次 — one uploaded file and its plan; applied at most once, in one transaction, and undone at most once.

    ``file``, ``plan`` and ``trace`` hold personal data, are loaded only when asked for and are deleted on schedule.
    ``plan`` is a row of frames, ``plan_index`` says where each begins; ``trace`` is what undoing needs, and afterwards
    what it left. ``mapping`` is how the columns were understood, ``choices`` what people decided; ``counts`` has the
    shape of the JSON answer.
    ``read_ms`` and ``write_ms`` are how long reading with planning, and writing, took; None until then.
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
    mapping: Mapped[dict[str, object]] = mapped_column(
        JSONB, default=dict, info={"redacted": True, "told": told_mapping}, doc="列对应"
    )
    choices: Mapped[dict[str, object]] = mapped_column(
        JSONB, default=dict, server_default="{}", info={"redacted": True}, doc="选择"
    )
    counts: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, doc="计数")
    plan: Mapped[bytes | None] = deferred(mapped_column(LargeBinary, info={"redacted": True}, doc="预览"))
    plan_index: Mapped[dict[str, Any]] = deferred(
        mapped_column(JSONB, default=dict, server_default="{}", nullable=False, info={"redacted": True}, doc="预览目录")
    )
    trace: Mapped[bytes | None] = deferred(mapped_column(LargeBinary, info={"redacted": True}, doc="撤销依据"))
    fault: Mapped[str | None] = mapped_column(
        String(500), info={"redacted": True, "told": told_fault}, doc="未能导入的原因"
    )
    read_ms: Mapped[int | None] = mapped_column(doc="读取用时（毫秒）")
    write_ms: Mapped[int | None] = mapped_column(doc="写入用时（毫秒）")
    applied_at: Mapped[datetime | None] = mapped_column(doc="写入时间")
    undone_at: Mapped[datetime | None] = mapped_column(doc="撤销时间")
    uploaded_by_id: Mapped[int | None] = office_ref("posting", doc="上传人")
    applied_by_id: Mapped[int | None] = office_ref("posting", doc="写入人")
    undone_by_id: Mapped[int | None] = office_ref("posting", doc="撤销人")

    uploaded_by: Mapped[Posting | None] = refer("ImportBatch.uploaded_by_id", "Posting")
    applied_by: Mapped[Posting | None] = refer("ImportBatch.applied_by_id", "Posting")
    undone_by: Mapped[Posting | None] = refer("ImportBatch.undone_by_id", "Posting")

    def __str__(self) -> str:
        """Return the file's name."""
        return self.file_name


class ImportLayout(OfficeScoped):
    """导入版式 — how an office's sheets of one shape are read: what its people said last time, asked never again.

    ``fingerprint`` is a digest of the headings in their order; ``mapping`` holds the header's row, what each column
    stands for and how room texts are read; no value of any cell.
    """

    __tablename__ = "import_layout"
    __table_args__ = (UniqueConstraint("office_id", "kind", "fingerprint"),)

    kind: Mapped[str] = mapped_column(String(32), doc="导入种类")
    fingerprint: Mapped[str] = mapped_column(String(64), doc="版式摘要")
    sheet: Mapped[str] = mapped_column(String(100), doc="工作表")
    headings: Mapped[str] = mapped_column(String(500), doc="列名")
    mapping: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, doc="列对应")
    used_at: Mapped[datetime] = mapped_column(doc="最近使用")

    def __str__(self) -> str:
        """Return the sheet's name."""
        return self.sheet


class HeadingAlias(OfficeScoped):
    """列名对照 — a heading an office writes for a column of a kind of sheet, beside those the product knows."""

    __tablename__ = "heading_alias"
    __table_args__ = (UniqueConstraint("office_id", "kind", "heading"),)

    kind: Mapped[str] = mapped_column(String(32), doc="导入种类")
    heading: Mapped[str] = mapped_column(String(40), doc="表格里的列名")
    identifier: Mapped[str] = mapped_column(String(32), doc="对应列")

    def __str__(self) -> str:
        """Return the heading."""
        return self.heading
