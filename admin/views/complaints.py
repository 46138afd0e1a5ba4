"""Complaints (A-C1 to A-C9, B-C10, B-C11)."""

from typing import Any

from wtforms import BooleanField, Field
from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Line, Lines, TermField, form_class, required
from admin.views.tickets import (
    AT_DESK,
    CLOSE,
    FOLLOW_UP,
    INVALIDATE,
    PROMISE,
    REPLY,
    TicketView,
    is_open,
    is_unfinished,
    moment_field,
)
from tenant.models import Complaint, Department, Unit
from tenant.rules.terms import Act, Area, Gravity
from tenant.services import complaints


def _receive(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.receive(session, row.id, at=told["at"])
    return f"已签收「{row}」。"


def _forward(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.forward(session, row.id, at=told["at"])
    return f"已登记「{row}」上报。"


def _complete(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.complete(session, row.id, outcome=told["outcome"], at=told["at"])
    return f"已登记「{row}」办结。请在三天内回访客户。"


def _regrade(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.regrade(session, row.id, told["gravity"], reason=told["reason"])
    return f"「{row}」的等级现为{told['gravity'].label}。"


class ComplaintView(TicketView):
    """投诉."""

    area = Area.COMPLAINTS
    path = "complaints"
    group = "complaints"
    order = 10
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "登记投诉"
    purpose = "客户的投诉。重要的 30 分钟内报主任，重大的当日报总经理；满一个月未解决自动升为重大。"
    column_list = (
        "ticket.number", "gravity", "ticket.unit", "department", "ticket.content", "ticket.state", "ticket.received_at",
        "due",
    )  # fmt: skip
    column_details_list = (
        "ticket.number", "gravity", "ticket.state", "due", "ticket.unit", "ticket.location", "department", "about",
        "ticket.content", "demand", "harm_continues", "ticket.reporter_kind", "ticket.reporter_name",
        "ticket.reporter_phone", "ticket.channel", "ticket.received_at", "received_by_department_at", "forwarded_at",
        "ticket.promised_at", "ticket.done_at", "outcome", "ticket.closed_at", "ticket.cycle", "ticket.registered_by",
    )  # fmt: skip
    column_searchable_list = ("ticket.number", "ticket.unit.number", "ticket.content")
    column_filters = (
        "ticket.state", "gravity", "department.name", "ticket.unit.number", "ticket.received_at", "ticket.done_at",
    )  # fmt: skip
    targets = {"unit": (Unit, ()), "department": (Department, ())}
    verbs = (
        Verb(
            "receive",
            "部门签收",
            _receive,
            fields=lambda _: {"at": moment_field("签收时间")},
            fits=lambda row: is_unfinished(row) and row.received_by_department_at is None,
        ),
        Verb(
            "forward",
            "登记上报",
            _forward,
            fields=lambda _: {"at": moment_field("上报时间")},
            fits=lambda row: (
                is_open(row) and row.forwarded_at is None and row.gravity in {Gravity.MAJOR, Gravity.GRAVE}
            ),
        ),
        REPLY,
        PROMISE,
        Verb(
            "complete",
            "登记办结",
            _complete,
            fields=lambda _: {
                "outcome": Lines("处理结果", [required("处理结果")]),
                "at": moment_field("完成时间"),
            },
            fits=is_unfinished,
        ),
        FOLLOW_UP,
        Verb(
            "regrade",
            "重新定级",
            _regrade,
            fields=lambda _: {
                "gravity": TermField("等级", [required("等级")], terms=Gravity, blank=True),
                "reason": Lines("原因", [Length(max=200)], description="定为无效时必填。"),
            },
            fits=is_open,
            permits=AT_DESK,
        ),
        CLOSE,
        INVALIDATE,
    )

    def get_create_form(self) -> Any:
        """Return the form a complaint is registered with (A-C1)."""
        about: dict[str, Field] = {
            "gravity": TermField("等级", [], terms=Gravity, blank=False, default=Gravity.ORDINARY),
            "department": self.reference("department", "被投诉部门", blank=True),
            "about": Line("被投诉人", [Length(max=100)]),
            "harm_continues": BooleanField("损害仍在继续", description="损害仍在继续的，先制止再处理。"),
            "demand": Lines("客户要求", []),
        }
        return form_class(about | self.ticket_fields())

    def make(self, form: Any) -> Any:
        """Register the complaint: its number is given and its clocks start (A-C4, A-C5)."""
        department = form["department"].data
        return complaints.register_complaint(
            self.session,
            gravity=form["gravity"].data,
            department_id=department.id if department else None,
            about=form["about"].data,
            demand=form["demand"].data,
            harm_continues=form["harm_continues"].data,
            **self.ticket_values(form),
        )


VIEWS = ((ComplaintView, Complaint),)
