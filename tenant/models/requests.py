"""Service requests and the work orders they are done by (A-W1 to A-W13)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, refer
from tenant.models.organisation import Department
from tenant.models.people import Posting
from tenant.models.tickets import Ticket
from tenant.rules.terms import RequestCategory, WorkOrderState


class ServiceRequest(OfficeScoped):
    """报事 — something asked of the office: a repair, a paid service, a question, a suggestion (A-W1).

    ``quoted_at`` and ``charge_id`` belong to a paid service: when the customer agreed to the price, and what is to be
    paid before anybody is sent (A-W8); None for all else.
    """

    __tablename__ = "service_request"
    __table_args__ = (UniqueConstraint("office_id", "ticket_id"),)

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    category: Mapped[RequestCategory] = mapped_column(
        coded(RequestCategory, "category"), default=RequestCategory.REPAIR, doc="类别"
    )
    urgent: Mapped[bool] = mapped_column(default=False, server_default="false", doc="较急")
    quoted_at: Mapped[datetime | None] = mapped_column(doc="报价确认时间")
    charge_id: Mapped[int | None] = office_ref("charge", doc="应收")

    ticket: Mapped[Ticket] = refer("ServiceRequest.ticket_id", "Ticket")

    def __str__(self) -> str:
        """Return the ticket's number."""
        return self.ticket.number


class WorkOrder(OfficeScoped):
    """报事处理单 — one order to one department to do something about a request (A-W2, A-W3, A-W9).

    ``follows_id`` names the order this one takes up again, because its outcome did not satisfy or because it was given
    to somebody else (A-W5, A-W10). ``filed_at`` is when the signed first copy was back at the desk (A-W9).
    """

    __tablename__ = "work_order"
    __table_args__ = (UniqueConstraint("office_id", "number"),)

    request_id: Mapped[int] = office_ref("service_request", doc="报事")
    number: Mapped[str] = mapped_column(String(32), doc="单号")
    department_id: Mapped[int] = office_ref("department", doc="处理部门")
    technician_id: Mapped[int | None] = office_ref("posting", doc="维修人员")
    follows_id: Mapped[int | None] = office_ref("work_order", doc="接续")
    state: Mapped[WorkOrderState] = mapped_column(
        coded(WorkOrderState, "state"), default=WorkOrderState.DISPATCHED, doc="状态"
    )
    dispatched_at: Mapped[datetime] = mapped_column(doc="派单时间")
    received_at: Mapped[datetime | None] = mapped_column(doc="签收时间")
    accepted_at: Mapped[datetime | None] = mapped_column(doc="接单时间")
    set_out_at: Mapped[datetime | None] = mapped_column(doc="出发时间")
    arrived_at: Mapped[datetime | None] = mapped_column(doc="到场时间")
    done_at: Mapped[datetime | None] = mapped_column(doc="完成时间")
    signed_at: Mapped[datetime | None] = mapped_column(doc="客户签字时间")
    filed_at: Mapped[datetime | None] = mapped_column(doc="归档时间")
    ended_why: Mapped[str | None] = mapped_column(String(200), doc="撤销或改派原因")
    outcome: Mapped[str | None] = mapped_column(String(500), doc="处理结果")

    request: Mapped[ServiceRequest] = refer("WorkOrder.request_id", "ServiceRequest")
    department: Mapped[Department] = refer("WorkOrder.department_id", "Department")
    technician: Mapped[Posting | None] = refer("WorkOrder.technician_id", "Posting")
    follows: Mapped["WorkOrder | None"] = refer("WorkOrder.follows_id", "WorkOrder", remote_side="WorkOrder.id")

    def __str__(self) -> str:
        """Return the number printed on the form."""
        return self.number


class QuoteLine(OfficeScoped):
    """报价明细 — one item of a paid service with its price, told to the customer before anything is done (A-W8)."""

    __tablename__ = "quote_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        CheckConstraint("price >= 0", name="price_is_not_negative"),
        CheckConstraint("amount >= 0", name="amount_is_not_negative"),
    )

    request_id: Mapped[int] = office_ref("service_request", doc="报事")
    item: Mapped[str] = mapped_column(String(100), doc="服务项目")
    quantity: Mapped[Decimal] = mapped_column(Numeric(10, 2), default=Decimal(1), doc="数量")
    price: Mapped[Decimal] = mapped_column(doc="单价（元）")
    amount: Mapped[Decimal] = mapped_column(doc="金额（元）")

    request: Mapped[ServiceRequest] = refer("QuoteLine.request_id", "ServiceRequest")

    def __str__(self) -> str:
        """Return the item as it stands on the form."""
        return self.item
