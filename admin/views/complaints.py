"""Complaints (A-C1 to A-C9, B-C10, B-C11)."""

from typing import Any, Final

from flask import flash
from markupsafe import Markup
from wtforms import BooleanField, Field
from wtforms.validators import Length

from admin.fields import Line, Lines, TermField, form_class, required
from admin.screens import wording
from admin.stepping import stepping
from admin.views.links import joined_to, linking
from admin.views.pauses import pausing, waited
from admin.views.tickets import CLOSE, CONTACT, FOLLOW_UP, INVALIDATE, PROMISE, TicketView, moment_field
from tenant import policy
from tenant.models import Complaint, Department, Unit
from tenant.rules.gravity import route_for
from tenant.rules.terms import Act, Area, Gravity, TicketKind
from tenant.services import complaints

UPWARDS: Final = frozenset({Gravity.MAJOR, Gravity.GRAVE})


def _receive(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.receive(session, row.id, at=told["at"])
    return f"已签收「{row}」。"


def _forward(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.forward(session, row.id, at=told["at"])
    return f"已登记「{row}」上报。"


def _stop_harm(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.stop_harm(session, row.id, at=told["at"])
    return f"已登记「{row}」的损害得到制止，请继续办理投诉。"


def _complete(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.complete(session, row.id, outcome=told["outcome"], at=told["at"])
    return f"已登记「{row}」办结。请当日交回登记表，并在三天内回访客户。"


def _give_back(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.give_back(session, row.id, at=told["at"])
    return f"已登记「{row}」回单。"


def _regrade(session: Any, row: Any, told: dict[str, Any]) -> str:
    complaints.regrade(session, row.id, told["gravity"], reason=told["reason"])
    return f"「{row}」的等级现为{told['gravity'].label}。"


def _sort_under(session: Any, row: Any, told: dict[str, Any]) -> str:
    found = complaints.sort_under(session, row.id, told["topic"].id)
    return f"「{row}」归入「{told['topic']}」，等级{found.gravity.label}。"


def _state(row: Any) -> str:
    state: str = row.ticket.state
    return state


class ComplaintView(TicketView):
    """投诉."""

    area = Area.COMPLAINTS
    path = "complaints"
    group = "complaints"
    order = 10
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    form_columns = (
        "content", "demand", "about", "unit", "location", "reporter_kind", "reporter_name", "reporter_phone",
    )  # fmt: skip
    create_label = "登记投诉"
    purpose = "客户的投诉。重要的 30 分钟内报主任，重大的当日报总经理；满一个月未解决自动升为重大。"
    column_list = (
        "ticket.number", "gravity", "harm", "ticket.unit", "department", "ticket.content", "ticket.state",
        "ticket.received_at", "due",
    )  # fmt: skip
    column_details_list = (
        "ticket.number", "gravity", "graded_why", "handler", "harm", "ticket.state", "due", "waited",
        "ticket.unit", "ticket.location", "department", "about", "ticket.topic", "ticket.content", "demand",
        "harm_stopped_at",
        "ticket.reporter_kind", "ticket.reporter_name", "ticket.reporter_phone", "ticket.channel",
        "ticket.received_at", "received_by_department_at", "forwarded_at", "ticket.promised_at", "ticket.done_at",
        "outcome", "returned_at", "ticket.closed_at", "ticket.cycle", "ticket.parent", "ticket.merged_into",
        "ticket.registered_by",
    )  # fmt: skip
    extra_labels = TicketView.extra_labels | {"harm": "损害", "handler": "负责处理", "waited": "等待"}
    column_searchable_list = ("ticket.number", "ticket.unit.number", "ticket.content")
    column_filters = (
        "ticket.state", "gravity", "department.name", "ticket.unit.number", "ticket.topic.name", "ticket.received_at",
        "ticket.done_at", "returned_at",
    )  # fmt: skip
    targets = {"unit": (Unit, ()), "department": (Department, ()), **joined_to(TicketKind.COMPLAINT)}
    verbs = (
        stepping(
            "complaint",
            "stop_harm",
            _stop_harm,
            fields=lambda _: {"at": moment_field("制止时间")},
            state=_state,
            also=complaints.goes_on,
        ),
        stepping(
            "complaint",
            "receive",
            _receive,
            fields=lambda _: {"at": moment_field("签收时间")},
            state=_state,
            also=lambda row: row.received_by_department_at is None,
        ),
        stepping(
            "complaint",
            "forward",
            _forward,
            fields=lambda _: {"at": moment_field("上报时间")},
            state=_state,
            also=lambda row: row.forwarded_at is None and row.gravity in UPWARDS,
        ),
        CONTACT,
        PROMISE,
        stepping(
            "complaint",
            "complete",
            _complete,
            fields=lambda _: {
                "outcome": Lines("处理结果", [required("处理结果")]),
                "at": moment_field("完成时间"),
            },
            state=_state,
            also=lambda row: not complaints.goes_on(row),
        ),
        stepping(
            "complaint",
            "give_back",
            _give_back,
            fields=lambda _: {"at": moment_field("回单时间")},
            state=_state,
            also=lambda row: row.returned_at is None,
        ),
        *pausing("complaint"),
        FOLLOW_UP,
        stepping(
            "complaint",
            "regrade",
            _regrade,
            fields=lambda _: {
                "gravity": TermField("等级", [required("等级")], terms=Gravity, blank=True),
                "reason": Lines(
                    "原因", [required("原因"), Length(max=200)], description="造成人身伤害或重大经济损失的定为重大。"
                ),
            },
            state=_state,
        ),
        *linking(_sort_under),
        CLOSE,
        INVALIDATE,
    )

    def show_harm(self, row: Any) -> str:
        """Return whether harm goes on, was stopped, or was none (A-C8)."""
        if not row.harm_continues:
            return ""
        return "仍在继续" if complaints.goes_on(row) else "已制止"

    def show_waited(self, row: Any) -> str | None:
        """Return how often and how long the complaint has waited."""
        return waited(row.ticket_id)

    def show_handler(self, row: Any) -> str:
        """Return who has to see to a complaint of this gravity (A-C7)."""
        return route_for(policy.gravities(), row.gravity).handler.label

    def cell(self, row: Any, path: str) -> Markup | str:
        """Return one cell; harm that goes on stands in red until it is stopped."""
        words = self.show_harm(row) if path == "harm" else ""
        if words:
            tone = "red" if complaints.goes_on(row) else "green"
            return Markup('<span class="badge badge-{}">{}</span>').format(tone, words)
        return super().cell(row, path)

    def own_fields(self) -> dict[str, Field]:
        """Return what a complaint says besides its ticket (A-C1)."""
        return {"demand": Lines("客户要求", []), "about": Line("被投诉人", [Length(max=100)])}

    def get_create_form(self) -> Any:
        """Return the form a complaint is registered with (A-C1)."""
        about: dict[str, Field] = {
            "gravity": TermField("等级", [], terms=Gravity, blank=False, default=Gravity.ORDINARY),
            "department": self.reference("department", "被投诉部门", blank=True),
            "about": Line("被投诉人", [Length(max=100)]),
            "harm_continues": BooleanField("损害仍在继续", description="损害仍在继续的，先制止再处理。"),
            "caused_harm": BooleanField(
                "造成伤害或重大损失", description="造成人身伤害或重大经济损失的，定为重大并立即通知。"
            ),
            "put_off": BooleanField("转次日办理", description="夜间的一般投诉，部门签收时限从次日交接班起算。"),
            "demand": Lines("客户要求", []),
        }
        return form_class(about | self.ticket_fields())

    def make(self, form: Any) -> Any:
        """Register the complaint: its number is given and its clocks start (A-C4, A-C5)."""
        department = form["department"].data
        if form["harm_continues"].data:
            flash(wording.STOP_IT_FIRST, "warning")
        return complaints.register_complaint(
            self.session,
            gravity=form["gravity"].data,
            department_id=department.id if department else None,
            about=form["about"].data,
            demand=form["demand"].data,
            harm_continues=form["harm_continues"].data,
            caused_harm=form["caused_harm"].data,
            put_off=form["put_off"].data,
            **self.ticket_values(form),
        )


VIEWS = ((ComplaintView, Complaint),)
