"""Service requests and the orders they are done by (A-W1 to A-W13)."""

from typing import Any

from sqlalchemy import select
from wtforms import BooleanField, Field
from wtforms.validators import Length

from admin import access
from admin.acting import Verb
from admin.fields import Lines, TermField, form_class
from admin.office_view import OfficeView
from admin.views.tickets import (
    AT_DESK,
    CLOSE,
    FOLLOW_UP,
    INVALIDATE,
    PROMISE,
    REPLY,
    TicketView,
    is_unfinished,
    moment_field,
)
from tenant.models import Department, Posting, ServiceRequest, Ticket, Unit, WorkOrder
from tenant.rules.terms import Act, Area, RequestCategory, Role, WorkOrderState
from tenant.services import requests

SENT_OUT = Posting.role.in_([Role.TECHNICIAN, Role.ENGINEERING_ASSISTANT, Role.DEPARTMENT_HEAD])
DONE_AT_THE_DESK = (RequestCategory.CONSULTATION, RequestCategory.SUGGESTION)


def _dispatch(session: Any, row: Any, told: dict[str, Any]) -> str:
    technician = told["technician"]
    order = requests.dispatch(session, row.id, told["department"].id, technician.id if technician else None)
    return f"已派单 {order.number} 给「{told['department']}」。"


def _answer(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.answer(session, row.id, outcome=told["outcome"])
    return f"已登记「{row}」在前台办结。"


class RequestView(TicketView):
    """报事."""

    area = Area.REQUESTS
    path = "requests"
    group = "requests"
    order = 10
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "登记报事"
    purpose = "来电、来函、来访的报修、特约服务、咨询和建议。登记后时限立即开始计算。"
    column_list = (
        "ticket.number", "ticket.unit", "category", "urgent", "ticket.content", "ticket.state", "ticket.received_at",
        "due",
    )  # fmt: skip
    column_details_list = (
        "ticket.number", "ticket.state", "due", "ticket.unit", "ticket.location", "category", "urgent",
        "ticket.content",
        "ticket.reporter_kind", "ticket.reporter_name", "ticket.reporter_phone", "ticket.channel", "ticket.received_at",
        "ticket.promised_at", "ticket.done_at", "ticket.closed_at", "ticket.cycle", "ticket.registered_by",
    )  # fmt: skip
    column_searchable_list = ("ticket.number", "ticket.unit.number", "ticket.content")
    column_filters = (
        "ticket.state", "category", "urgent", "ticket.unit.number", "ticket.channel", "ticket.received_at",
        "ticket.done_at",
    )  # fmt: skip
    targets = {
        "unit": (Unit, ()),
        "department": (Department, ()),
        "technician": (Posting, (SENT_OUT,)),
    }
    verbs = (
        Verb(
            "dispatch",
            "派单",
            _dispatch,
            fields=lambda view: {
                "department": view.reference("department", "处理部门"),
                "technician": view.reference("technician", "维修人员", blank=True),
            },
            fits=is_unfinished,
            permits=AT_DESK,
        ),
        REPLY,
        PROMISE,
        Verb(
            "answer",
            "前台办结",
            _answer,
            fields=lambda _: {"outcome": Lines("处理结果", [Length(max=500)])},
            fits=lambda row: is_unfinished(row) and row.category in DONE_AT_THE_DESK,
            permits=AT_DESK,
        ),
        FOLLOW_UP,
        CLOSE,
        INVALIDATE,
    )

    def get_query(self) -> Any:
        """Return the requests; a technician's are those of their own orders (A-W9)."""
        query, own = super().get_query(), access.own_orders_only()
        if own is None:
            return query
        return query.filter(ServiceRequest.id.in_(select(WorkOrder.request_id).where(WorkOrder.technician_id.in_(own))))

    def get_create_form(self) -> Any:
        """Return the form a request is registered with (A-W1)."""
        about: dict[str, Field] = {
            "category": TermField("类别", [], terms=RequestCategory, blank=False, default=RequestCategory.REPAIR),
            "urgent": BooleanField("较急", description="较急的报事要在 5 分钟内送到工程部门。"),
            "put_off": BooleanField("转次日办理", description="夜间不急的事项，派单时限从次日交接班起算。"),
        }
        return form_class(about | self.ticket_fields())

    def make(self, form: Any) -> Any:
        """Register the request: its number is given and its clocks start (A-W2 to A-W4)."""
        return requests.register_request(
            self.session,
            category=form["category"].data,
            urgent=form["urgent"].data,
            put_off=form["put_off"].data,
            **self.ticket_values(form),
        )

    def history_subjects(self, row: Any) -> list[tuple[Any, int]]:
        """Return whose history is told: the request's, its ticket's and its orders'."""
        orders = self.session.scalars(select(WorkOrder.id).where(WorkOrder.request_id == row.id))
        return [*super().history_subjects(row), *((WorkOrder, order_id) for order_id in orders)]


def _receive(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.receive(session, row.id, at=told["at"])
    return f"已签收「{row}」。"


def _arrive(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.arrive(session, row.id, at=told["at"])
    return f"已登记「{row}」到场。"


def _complete(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.complete(session, row.id, outcome=told["outcome"], signed=told["signed"], at=told["at"])
    return f"已登记「{row}」完成。请在 30 分钟内回访客户。"


def _cancel(session: Any, row: Any, _told: dict[str, Any]) -> str:
    requests.cancel_order(session, row.id)
    return f"已撤销「{row}」。报事仍在办理中，请重新派单。"


def is_to_do(row: Any) -> bool:
    """Tell whether the order is still to be done."""
    return row.state not in {WorkOrderState.DONE, WorkOrderState.CANCELLED}


class WorkOrderView(OfficeView):
    """报事处理单."""

    area = Area.REQUESTS
    path = "work_orders"
    group = "requests"
    order = 20
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "派给各部门的处理单。派单从报事的页面发出。"
    column_list = (
        "number", "request.ticket.unit", "department", "technician", "state", "dispatched_at", "received_at", "done_at",
    )  # fmt: skip
    column_details_list = (
        "number", "state", "request.ticket.number", "request.ticket.unit", "request.ticket.location",
        "request.ticket.content", "request.ticket.reporter_name", "request.ticket.reporter_phone", "department",
        "technician", "dispatched_at", "received_at", "arrived_at", "done_at", "signed_at", "outcome",
    )  # fmt: skip
    column_searchable_list = ("number", "request.ticket.number", "request.ticket.unit.number")
    column_filters = ("state", "department.name", "request.ticket.number", "dispatched_at", "done_at")
    verbs = (
        Verb(
            "receive",
            "签收",
            _receive,
            fields=lambda _: {"at": moment_field("签收时间")},
            fits=lambda row: row.state is WorkOrderState.DISPATCHED,
        ),
        Verb(
            "arrive",
            "登记到场",
            _arrive,
            fields=lambda _: {"at": moment_field("到场时间")},
            fits=lambda row: is_to_do(row) and row.arrived_at is None,
        ),
        Verb(
            "complete",
            "登记完成",
            _complete,
            fields=lambda _: {
                "outcome": Lines("处理结果", [Length(max=500)]),
                "signed": BooleanField("客户已签字", default=True),
                "at": moment_field("完成时间"),
            },
            fits=is_to_do,
        ),
        Verb(
            "cancel",
            "撤销",
            _cancel,
            fits=is_to_do,
            permits=AT_DESK,
            consequence="处理单作废，报事回到待派单状态。",
        ),
    )

    def get_query(self) -> Any:
        """Return the orders; a technician's own (A-W9)."""
        query, own = super().get_query(), access.own_orders_only()
        return query if own is None else query.filter(WorkOrder.technician_id.in_(own))

    def history_subjects(self, row: Any) -> list[tuple[Any, int]]:
        """Return whose history is told: the order's, and its ticket's."""
        return [(self.model, row.id), (Ticket, row.request.ticket_id)]


VIEWS = ((RequestView, ServiceRequest), (WorkOrderView, WorkOrder))
