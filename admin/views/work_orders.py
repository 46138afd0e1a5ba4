"""Work orders step by step: what the desk, the head and the technician note on them (A-W2 to A-W9)."""

from typing import Any

from wtforms import BooleanField, Field
from wtforms.validators import Length

from admin import access
from admin.fields import Line, Lines, required
from admin.office_view import OfficeView
from admin.stepping import stepping
from admin.views.pauses import pausing_orders
from admin.views.tickets import moment_field
from tenant.models import Department, Posting, Ticket, WorkOrder
from tenant.rules.terms import Act, Area, Role
from tenant.services import requests

ORDER = "work_order"
SENT_OUT = Posting.role.in_([Role.TECHNICIAN, Role.ENGINEERING_ASSISTANT, Role.DEPARTMENT_HEAD])


def sent_to(view: Any) -> dict[str, Field]:
    """Return the fields that ask where an order goes."""
    return {
        "department": view.reference("department", "处理部门"),
        "technician": view.reference("technician", "维修人员", blank=True),
    }


def technician_of(told: dict[str, Any]) -> int | None:
    """Return the technician's posting that a form names, None when it names nobody."""
    found = told["technician"]
    return found.id if found else None


def _receive(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.receive(session, row.id, technician_of(told), at=told["at"])
    return f"已签收「{row}」。"


def _accept(session: Any, row: Any, told: dict[str, Any]) -> str:
    order = requests.accept(session, row.id, technician_of(told), at=told["at"])
    return f"「{row}」已由{order.technician}接单。"


def _set_out(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.set_out(session, row.id, at=told["at"])
    return f"已登记「{row}」出发。"


def _arrive(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.arrive(session, row.id, at=told["at"])
    return f"已登记「{row}」到场。"


def _complete(session: Any, row: Any, told: dict[str, Any]) -> str:
    order = requests.complete(session, row.id, outcome=told["outcome"], signed=told["signed"], at=told["at"])
    if order.request.ticket.done_at is None:
        return f"已登记「{row}」完成。报事还有其他处理单未完成。"
    return f"已登记「{row}」完成。请在 30 分钟内回访客户。"


def _sign(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.sign(session, row.id, at=told["at"])
    return f"已登记客户在「{row}」上签字。"


def _file(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.file(session, row.id, at=told["at"])
    return f"「{row}」第一联已收回归档。"


def _redispatch(session: Any, row: Any, told: dict[str, Any]) -> str:
    order = requests.redispatch(
        session, row.id, told["department"].id, technician_of(told), reason=told["reason"], at=told["at"]
    )
    return f"「{row}」已改派，新单 {order.number} 给「{told['department']}」。"


def _cancel(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.cancel_order(session, row.id, told["reason"], at=told["at"])
    return f"已撤销「{row}」。报事仍在办理中，没有其他处理单时请重新派单。"


def _named(view: Any) -> dict[str, Field]:
    return {"technician": view.reference("technician", "维修人员", blank=True)}


def _is_not_there(row: Any) -> bool:
    """Tell whether nobody is on site yet: an order that waits there is resumed, not arrived at again."""
    return row.arrived_at is None


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
        "number", "state", "follows", "request.ticket.number", "request.ticket.unit", "request.ticket.location",
        "request.ticket.content", "request.ticket.reporter_name", "request.ticket.reporter_phone", "department",
        "technician", "dispatched_at", "received_at", "accepted_at", "set_out_at", "arrived_at", "done_at", "signed_at",
        "filed_at", "outcome", "ended_why",
    )  # fmt: skip
    column_searchable_list = ("number", "request.ticket.number", "request.ticket.unit.number")
    column_filters = ("state", "department.name", "request.ticket.number", "dispatched_at", "done_at", "filed_at")
    targets = {"department": (Department, ()), "technician": (Posting, (SENT_OUT,))}
    verbs = (
        stepping(ORDER, "receive", _receive, fields=lambda view: _named(view) | {"at": moment_field("签收时间")}),
        stepping(ORDER, "accept", _accept, fields=lambda view: _named(view) | {"at": moment_field("接单时间")}),
        stepping(ORDER, "set_out", _set_out, fields=lambda _: {"at": moment_field("出发时间")}),
        stepping(ORDER, "arrive", _arrive, fields=lambda _: {"at": moment_field("到场时间")}, also=_is_not_there),
        stepping(
            ORDER,
            "complete",
            _complete,
            fields=lambda _: {
                "outcome": Lines("处理结果", [Length(max=500)]),
                "signed": BooleanField("客户已签字", default=True),
                "at": moment_field("完成时间"),
            },
        ),
        stepping(ORDER, "sign", _sign, fields=lambda _: {"at": moment_field("客户签字时间")}),
        stepping(
            ORDER,
            "file",
            _file,
            fields=lambda _: {"at": moment_field("归档时间")},
            consequence="表示客户签字的第一联已经收回，按单号存档。",
        ),
        *pausing_orders(),
        stepping(
            ORDER,
            "redispatch",
            _redispatch,
            fields=lambda view: (
                sent_to(view)
                | {
                    "reason": Line("改派原因", [required("改派原因"), Length(max=200)]),
                    "at": moment_field("改派时间"),
                }
            ),
            consequence="这张处理单结束，另开一张接续的处理单；到场时限重新起算。",
        ),
        stepping(
            ORDER,
            "cancel",
            _cancel,
            fields=lambda _: {
                "reason": Line("撤销原因", [required("撤销原因"), Length(max=200)]),
                "at": moment_field("撤销时间"),
            },
            consequence="处理单作废；没有其他处理单时，报事回到待派单状态。",
        ),
    )

    def get_query(self) -> Any:
        """Return the orders; a technician's own (A-W9)."""
        query, own = super().get_query(), access.own_orders_only()
        return query if own is None else query.filter(WorkOrder.technician_id.in_(own))

    def history_subjects(self, row: Any) -> list[tuple[Any, int]]:
        """Return whose history is told: the order's, and its ticket's."""
        return [(self.model, row.id), (Ticket, row.request.ticket_id)]


VIEWS = ((WorkOrderView, WorkOrder),)
