"""Service requests and the orders they are done by (A-W1 to A-W13)."""

from typing import Any, Final

from sqlalchemy import select
from wtforms import BooleanField, Field, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from admin import access
from admin.fields import Lines, TermField, form_class, required
from admin.stepping import stepping
from admin.views.defects import RECTIFY
from admin.views.links import joined_to, linking
from admin.views.pauses import pausing, waited
from admin.views.quotes import QUOTING, price_of
from admin.views.tickets import CLOSE, CONTACT, FOLLOW_UP, INVALIDATE, PROMISE, TicketView
from admin.views.work_orders import SENT_OUT, sent_to, technician_of
from tenant.models import Department, Posting, ServiceRequest, Unit, WorkOrder
from tenant.rules.terms import Act, Area, RequestCategory, TicketKind
from tenant.services import corrections, requests

URGENCIES: Final = {"ordinary": "一般", "urgent": "较急"}
DONE_AT_THE_DESK = (RequestCategory.CONSULTATION, RequestCategory.SUGGESTION)


def _dispatch(session: Any, row: Any, told: dict[str, Any]) -> str:
    order = requests.dispatch(session, row.id, told["department"].id, technician_of(told))
    return f"已派单 {order.number} 给「{told['department']}」。"


def _answer(session: Any, row: Any, told: dict[str, Any]) -> str:
    requests.answer(session, row.id, outcome=told["outcome"])
    return f"已登记「{row}」在前台办结。"


def _usual_department(row: Any) -> dict[str, Any]:
    """Return the department that matters of the request's topic go to, where it names one (A-W3)."""
    topic = row.ticket.topic
    return {"department": topic.department} if topic is not None and topic.department is not None else {}


def _reclassify(session: Any, row: Any, told: dict[str, Any]) -> str:
    made = corrections.reclassify(
        session,
        row.id,
        told["category"] or row.category,
        urgent=told["urgency"] == "urgent" if told["urgency"] else row.urgent,
        reason=told["reason"],
    )
    return f"「{row}」现为{made.category.label}、{URGENCIES['urgent' if made.urgent else 'ordinary']}，时限已重新计算。"


def _state(row: Any) -> str:
    state: str = row.ticket.state
    return state


class RequestView(TicketView):
    """报事."""

    area = Area.REQUESTS
    path = "requests"
    group = "requests"
    order = 10
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    form_columns = ("content", "unit", "location", "reporter_kind", "reporter_name", "reporter_phone")
    create_label = "登记报事"
    purpose = "来电、来函、来访的报修、特约服务、咨询和建议。登记后时限立即开始计算。"
    column_list = (
        "ticket.number", "ticket.unit", "category", "urgent", "ticket.content", "ticket.state", "ticket.received_at",
        "due",
    )  # fmt: skip
    column_details_list = (
        "ticket.number", "ticket.state", "due", "waited", "ticket.unit", "ticket.location", "category", "urgent",
        "price", "ticket.topic", "ticket.topic.department", "ticket.content",
        "ticket.reporter_kind", "ticket.reporter_name", "ticket.reporter_phone", "ticket.channel", "ticket.received_at",
        "ticket.promised_at", "ticket.done_at", "ticket.closed_at", "ticket.cycle", "ticket.parent",
        "ticket.merged_into", "ticket.registered_by",
    )  # fmt: skip
    extra_labels = TicketView.extra_labels | {
        "waited": "等待",
        "price": "报价",
        "ticket.topic.department": "该类通常处理部门",
    }
    column_searchable_list = ("ticket.number", "ticket.unit.number", "ticket.content")
    column_filters = (
        "ticket.state", "category", "urgent", "ticket.topic.name", "ticket.unit.number", "ticket.channel",
        "ticket.received_at",
        "ticket.done_at",
    )  # fmt: skip
    targets = {
        **joined_to(TicketKind.REQUEST),
        "unit": (Unit, ()),
        "department": (Department, ()),
        "technician": (Posting, (SENT_OUT,)),
    }
    verbs = (
        stepping("request", "dispatch", _dispatch, fields=sent_to, state=_state, offers=_usual_department),
        CONTACT,
        PROMISE,
        *QUOTING,
        stepping(
            "request",
            "answer",
            _answer,
            fields=lambda _: {"outcome": Lines("处理结果", [Length(max=500)])},
            state=_state,
            also=lambda row: row.category in DONE_AT_THE_DESK,
        ),
        *pausing("request"),
        stepping(
            "request",
            "reclassify",
            _reclassify,
            fields=lambda _: {
                "category": TermField("类别", [], terms=RequestCategory, blank=True, description="不填即不变。"),
                "urgency": SelectField(
                    "缓急", [], choices=[SelectChoice(*one) for one in (("", "不变"), *URGENCIES.items())]
                ),
                "reason": Lines("原因", [required("原因"), Length(max=200)]),
            },
            state=_state,
            consequence="还在计时的时限改按新的类别和缓急，从原来的起点重新计算。",
        ),
        RECTIFY,
        FOLLOW_UP,
        CLOSE,
        *linking(),
        INVALIDATE,
    )

    def get_query(self) -> Any:
        """Return the requests; a technician's are those of their own orders (A-W9)."""
        query, own = super().get_query(), access.own_orders_only()
        if own is None:
            return query
        return query.filter(ServiceRequest.id.in_(select(WorkOrder.request_id).where(WorkOrder.technician_id.in_(own))))

    def show_price(self, row: Any) -> str | None:
        """Return what a paid service costs and what of it is paid (A-W8)."""
        return price_of(row)

    def show_waited(self, row: Any) -> str | None:
        """Return how often and how long the request has waited (A-W5)."""
        return waited(row.ticket_id)

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


VIEWS = ((RequestView, ServiceRequest),)
