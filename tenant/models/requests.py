"""Service requests and the work orders they are done by (A-W1 to A-W13)."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.organisation import Department
from tenant.models.people import Posting
from tenant.models.tickets import Ticket
from tenant.rules.terms import RequestCategory, WorkOrderState


class ServiceRequest(OfficeScoped):
    """报事 — something asked of the office: a repair, a paid service, a question, a suggestion (A-W1)."""

    __tablename__ = "service_request"
    __table_args__ = (UniqueConstraint("office_id", "ticket_id"),)

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    category: Mapped[RequestCategory] = mapped_column(
        coded(RequestCategory, "category"), default=RequestCategory.REPAIR, doc="类别"
    )
    urgent: Mapped[bool] = mapped_column(default=False, server_default="false", doc="较急")

    ticket: Mapped[Ticket] = refer("ServiceRequest.ticket_id", "Ticket")

    def __str__(self) -> str:
        """Return the ticket's number."""
        return self.ticket.number


class WorkOrder(OfficeScoped):
    """报事处理单 — one order to one department to do something about a request (A-W2, A-W3, A-W9)."""

    __tablename__ = "work_order"
    __table_args__ = (UniqueConstraint("office_id", "number"),)

    request_id: Mapped[int] = office_ref("service_request", doc="报事")
    number: Mapped[str] = mapped_column(String(32), doc="单号")
    department_id: Mapped[int] = office_ref("department", doc="处理部门")
    technician_id: Mapped[int | None] = office_ref("posting", doc="维修人员")
    state: Mapped[WorkOrderState] = mapped_column(
        coded(WorkOrderState, "state"), default=WorkOrderState.DISPATCHED, doc="状态"
    )
    dispatched_at: Mapped[datetime] = mapped_column(doc="派单时间")
    received_at: Mapped[datetime | None] = mapped_column(doc="签收时间")
    arrived_at: Mapped[datetime | None] = mapped_column(doc="到场时间")
    done_at: Mapped[datetime | None] = mapped_column(doc="完成时间")
    signed_at: Mapped[datetime | None] = mapped_column(doc="客户签字时间")
    outcome: Mapped[str | None] = mapped_column(String(500), doc="处理结果")

    request: Mapped[ServiceRequest] = refer("WorkOrder.request_id", "ServiceRequest")
    department: Mapped[Department] = refer("WorkOrder.department_id", "Department")
    technician: Mapped[Posting | None] = refer("WorkOrder.technician_id", "Posting")

    def __str__(self) -> str:
        """Return the number printed on the form."""
        return self.number
