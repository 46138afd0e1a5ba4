"""Complaints (A-C1 to A-C9, B-C10, B-C11)."""

from datetime import datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.organisation import Department
from tenant.models.tickets import Ticket
from tenant.rules.terms import Gravity


class Complaint(OfficeScoped):
    """投诉 — what went wrong, who is complained of, how grave it is and what is asked (A-C1 to A-C3).

    ``graded_why`` keeps why it was graded as it is, None where that is as it came (A-C2); ``returned_at`` is when the
    department gave the form back, on the day it finished (A-C6); ``harm_stopped_at`` when harm going on was stopped
    (A-C8).
    """

    __tablename__ = "complaint"
    __table_args__ = (UniqueConstraint("office_id", "ticket_id"),)

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    gravity: Mapped[Gravity] = mapped_column(coded(Gravity, "gravity"), default=Gravity.ORDINARY, doc="等级")
    department_id: Mapped[int | None] = office_ref("department", doc="被投诉部门")
    about: Mapped[str | None] = mapped_column(String(100), doc="被投诉人")
    demand: Mapped[str | None] = mapped_column(Text, doc="客户要求")
    harm_continues: Mapped[bool] = mapped_column(default=False, server_default="false", doc="损害仍在继续")
    harm_stopped_at: Mapped[datetime | None] = mapped_column(doc="损害制止时间")
    graded_why: Mapped[str | None] = mapped_column(String(200), doc="定级原因")
    received_by_department_at: Mapped[datetime | None] = mapped_column(doc="部门签收时间")
    forwarded_at: Mapped[datetime | None] = mapped_column(doc="上报时间")
    returned_at: Mapped[datetime | None] = mapped_column(doc="回单时间")
    outcome: Mapped[str | None] = mapped_column(Text, doc="处理结果")

    ticket: Mapped[Ticket] = refer("Complaint.ticket_id", "Ticket")
    department: Mapped[Department | None] = refer("Complaint.department_id", "Department")

    def __str__(self) -> str:
        """Return the ticket's number."""
        return self.ticket.number
