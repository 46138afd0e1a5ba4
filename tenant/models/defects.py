"""Defects under warranty and the builder's work on them (A-R1 to A-R6)."""

from datetime import date, datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, personal, refer
from tenant.models.people import Posting
from tenant.models.requests import ServiceRequest
from tenant.models.tickets import Ticket
from tenant.rules.terms import RectificationState


class Builder(OfficeScoped):
    """施工单位 — who built it and has to put defects right; its head of engineering signs for records (A-R3)."""

    __tablename__ = "builder"
    __table_args__ = (UniqueConstraint("office_id", "name"),)

    name: Mapped[str] = mapped_column(String(100), doc="名称")
    head_name: Mapped[str | None] = mapped_column(String(50), info=personal(), doc="工程负责人")
    head_phone: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="联系电话")
    note: Mapped[str | None] = mapped_column(String(500), doc="备注")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Defect(OfficeScoped):
    """房屋缺陷 — what is wrong with a unit under warranty, seen on site and confirmed as the building's (A-R1, A-W20).

    ``inspector_id`` and ``sent_at`` say who was sent to look, and when; ``confirmed_at`` is None until the cause was
    found; ``owner_signed_at`` is the owner's signature under that. ``request_id`` names the request it came from, None
    where it was found otherwise.
    """

    __tablename__ = "defect"
    __table_args__ = (UniqueConstraint("office_id", "ticket_id"),)

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    request_id: Mapped[int | None] = office_ref("service_request", doc="来自报事")
    part: Mapped[str] = mapped_column(String(100), doc="部位")
    warranty_until: Mapped[date | None] = mapped_column(doc="保修期至")
    inspector_id: Mapped[int | None] = office_ref("posting", doc="查看人")
    sent_at: Mapped[datetime | None] = mapped_column(doc="派人时间")
    cause: Mapped[str | None] = mapped_column(String(500), doc="原因")
    confirmed_at: Mapped[datetime | None] = mapped_column(doc="确认时间")
    confirmed_by_id: Mapped[int | None] = office_ref("posting", doc="确认人")
    owner_signed_at: Mapped[datetime | None] = mapped_column(doc="业主签字时间")

    ticket: Mapped[Ticket] = refer("Defect.ticket_id", "Ticket")
    request: Mapped[ServiceRequest | None] = refer("Defect.request_id", "ServiceRequest")
    inspector: Mapped[Posting | None] = refer("Defect.inspector_id", "Posting")
    confirmed_by: Mapped[Posting | None] = refer("Defect.confirmed_by_id", "Posting")

    def __str__(self) -> str:
        """Return the ticket's number."""
        return self.ticket.number


class Rectification(OfficeScoped):
    """整改 — one record 《房屋整改记录表》 in two copies, from its issue until it is filed (A-R2 to A-R6).

    ``agreed_on`` is the day agreed for completion as it stands, ``first_agreed_on`` as it was first. ``signed_for_at``
    is when the builder's head of engineering took the first copy, ``second_copy_at`` when the office's engineering
    department got the second (A-R3).
    """

    __tablename__ = "rectification"
    __table_args__ = (UniqueConstraint("office_id", "number"),)

    defect_id: Mapped[int] = office_ref("defect", doc="房屋缺陷")
    builder_id: Mapped[int] = office_ref("builder", doc="施工单位")
    number: Mapped[str] = mapped_column(String(32), doc="编号")
    state: Mapped[RectificationState] = mapped_column(
        coded(RectificationState, "state"), default=RectificationState.ISSUED, doc="状态"
    )
    content: Mapped[str] = mapped_column(Text, doc="整改内容")
    issued_at: Mapped[datetime] = mapped_column(doc="开单时间")
    first_agreed_on: Mapped[date] = mapped_column(doc="最初约定完成日")
    agreed_on: Mapped[date] = mapped_column(doc="约定完成日")
    signed_for_at: Mapped[datetime | None] = mapped_column(doc="施工单位签收时间")
    signed_for_by: Mapped[str | None] = mapped_column(String(50), info=personal(), doc="签收人")
    second_copy_at: Mapped[datetime | None] = mapped_column(doc="工程部签收时间")
    returned_at: Mapped[datetime | None] = mapped_column(doc="报完工时间")
    accepted_at: Mapped[datetime | None] = mapped_column(doc="验收合格时间")
    owner_signed_at: Mapped[datetime | None] = mapped_column(doc="业主签字时间")
    filed_at: Mapped[datetime | None] = mapped_column(doc="归档时间")
    ended_why: Mapped[str | None] = mapped_column(String(200), doc="撤销原因")

    defect: Mapped[Defect] = refer("Rectification.defect_id", "Defect")
    builder: Mapped[Builder] = refer("Rectification.builder_id", "Builder")

    def __str__(self) -> str:
        """Return the number printed on the record."""
        return self.number


class RectificationCheck(OfficeScoped):
    """复验 — one look at what the builder says is done: passed, or back to the builder with what is wrong (A-R5)."""

    __tablename__ = "rectification_check"

    rectification_id: Mapped[int] = office_ref("rectification", doc="整改")
    checked_at: Mapped[datetime] = mapped_column(doc="验收时间")
    checked_by_id: Mapped[int | None] = office_ref("posting", doc="验收人")
    passed: Mapped[bool] = mapped_column(doc="合格")
    findings: Mapped[str | None] = mapped_column(String(500), doc="验收意见")
    agreed_on: Mapped[date | None] = mapped_column(doc="重新约定完成日")

    rectification: Mapped[Rectification] = refer("RectificationCheck.rectification_id", "Rectification")
    checked_by: Mapped[Posting | None] = refer("RectificationCheck.checked_by_id", "Posting")

    def __str__(self) -> str:
        """Return the verdict."""
        return "合格" if self.passed else "不合格"


class RectificationNote(OfficeScoped):
    """整改进度 — what engineering saw of the builder's work, or that another day was agreed and why (A-R3, A-R4).

    ``agreed_before`` and ``agreed_on`` are the day as it was and as it is since; None where the day stayed.
    """

    __tablename__ = "rectification_note"

    rectification_id: Mapped[int] = office_ref("rectification", doc="整改")
    noted_at: Mapped[datetime] = mapped_column(doc="登记时间")
    noted_by_id: Mapped[int | None] = office_ref("posting", doc="登记人")
    content: Mapped[str] = mapped_column(String(500), doc="进度或改约原因")
    agreed_before: Mapped[date | None] = mapped_column(doc="原约定日")
    agreed_on: Mapped[date | None] = mapped_column(doc="改约至")

    rectification: Mapped[Rectification] = refer("RectificationNote.rectification_id", "Rectification")
    noted_by: Mapped[Posting | None] = refer("RectificationNote.noted_by_id", "Posting")

    def __str__(self) -> str:
        """Return what was noted."""
        return self.content
