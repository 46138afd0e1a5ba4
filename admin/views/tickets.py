"""What requests and complaints have in common, and what hangs on their tickets: follow-ups and escalations."""

from datetime import datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, Final

from flask import g, request
from markupsafe import Markup
from sqlalchemy import func, select
from wtforms import Field
from wtforms.validators import Length

from admin import access, formats
from admin.acting import Verb
from admin.fields import Line, Lines, Moment, TermField, form_class, required
from admin.listing import column_at
from admin.office_view import OfficeView
from admin.screens import wording
from tenant import clock
from tenant.errors import Refusal
from tenant.models import Clock, Escalation, FollowUp, ServiceRequest, Ticket, Unit, WorkOrder
from tenant.rules.terms import Act, Area, Channel, ContactMethod, ReporterKind, Satisfaction
from tenant.services import acknowledgements, contacts, corrections, follow_ups, tickets

DUE: Final = "due"
AT_DESK: Final = ((None, Act.EDIT),)
"""Who may register a matter may also close it, call it invalid or promise a time; who only does the work may not."""
FOLLOWING_UP: Final = ((Area.FOLLOW_UPS, Act.CREATE),)


class TicketView(OfficeView):
    """A matter of the desk: shown together with its ticket, and with the deadline that runs out next."""

    targets = {"unit": (Unit, ())}
    extra_labels = {DUE: "下一时限"}
    of_ticket: frozenset[str] = frozenset(
        {"unit", "location", "reporter_kind", "reporter_name", "reporter_phone", "content"}
    )
    """Fields of the form by which a matter is put right that are its ticket's; the others are its own."""

    def prepare(self, rows: list[Any]) -> None:
        """Fetch the next deadline of every matter of the page at once."""
        statement = (
            select(Clock.ticket_id, func.min(Clock.due_at))
            .where(Clock.ticket_id.in_([row.ticket_id for row in rows]))
            .where(Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
            .group_by(Clock.ticket_id)
        )
        g.deadlines = dict(self.session.execute(statement).all())

    def show_due(self, row: Any) -> datetime | None:
        """Return when the next deadline of a matter runs out, None when none is running."""
        found: datetime | None = g.get("deadlines", {}).get(row.ticket_id)
        return found

    def cell(self, row: Any, path: str) -> Markup | str:
        """Return one cell; the next deadline says how much time is left."""
        if path != DUE:
            return super().cell(row, path)
        due_at = self.show_due(row)
        if due_at is None:
            return formats.NOTHING
        left = wording.remaining(due_at, clock.now())
        return Markup('<span class="badge badge-{}">{}</span>').format(left.tone, left.words)

    def history_subjects(self, row: Any) -> list[tuple[Any, int]]:
        """Return whose history is told: the matter's and its ticket's."""
        return [(self.model, row.id), (Ticket, row.ticket_id)]

    def ticket_fields(self) -> dict[str, Field]:
        """Return the fields that any matter is registered with (A-W1, A-C1); a topic where its kind has topics."""
        topic = {"topic": self.reference("topic", "事项分类", blank=True)} if "topic" in self.targets else {}
        return topic | {
            "unit": self.reference("unit", "房屋", blank=True),
            "location": Line("地点", [Length(max=200)], description="公共区域请写明位置；房屋内的报事不必填。"),
            "channel": TermField("来源渠道", [], terms=Channel, blank=False, default=Channel.CALL),
            "reporter_kind": TermField("报事人类别", [], terms=ReporterKind, blank=False, default=ReporterKind.OWNER),
            "reporter_name": Line("报事人", [Length(max=100)]),
            "reporter_phone": Line("联系电话", [Length(max=64)]),
            "content": Lines("内容", [required("内容")]),
            "received_at": Moment("受理时间", [], description="不填即现在；补记夜间事项时填写。"),
            "promised_at": Moment("约定完成时间", [], description="与客户约定了时间才填写。"),
        }

    # ---- put right
    def get_edit_form(self) -> Any:
        """Return the form by which a matter is put right: nothing in it carries a clock (A-W2, A-C1)."""
        known = {**self.ticket_fields(), **self.own_fields()}
        return form_class({name: known[name] for name in self.form_columns})

    def own_fields(self) -> dict[str, Field]:
        """Return the fields of the form that are no ticket's; none by default."""
        return {}

    def written_in(self, row: Any) -> Any:
        """Return what the form is filled from: the ticket's values beside the matter's own."""
        return SimpleNamespace(
            **{name: getattr(row.ticket if name in self.of_ticket else row, name) for name in self.form_columns}
        )

    def edition(self, row: Any) -> str:
        """Return a digest of what the form holds: what else happens to the matter meanwhile is no conflict."""
        if request.method == "POST":
            self.session.refresh(row.ticket)
        held = [(name, str(value)) for name, value in sorted(vars(self.written_in(row)).items())]
        return sha256(repr(held).encode()).hexdigest()[:16]

    def column_of(self, name: str) -> Any:
        """Return the column that a field fills, of the ticket or of the matter."""
        return column_at(self.model, f"ticket.{name}" if name in self.of_ticket else name)

    def change(self, form: Any, row: Any) -> Any:
        """Write down anew what the form holds; clocks run on."""
        told = {name: form[name].data for name in self.form_columns if name in form}
        unit = told.pop("unit")
        fields: Any = told | {"unit_id": unit.id if unit else None, "content": told["content"] or ""}
        corrections.correct(self.session, row.ticket_id, fields)
        return row

    def ticket_values(self, form: Any) -> dict[str, Any]:
        """Return what the form says about the ticket, as its service takes it."""
        office = access.office_at_hand()
        asked_for = self.ticket_fields()
        chosen = {name: form[name].data for name in ("unit", "topic") if name in asked_for}
        values = {name: form[name].data for name in asked_for if name not in chosen}
        values["content"] = values["content"] or ""
        values |= {f"{name}_id": row.id if row else None for name, row in chosen.items()}
        return values | {"office_id": office.id if office else 0}


# ---- verbs of any matter
def is_open(row: Any) -> bool:
    """Tell whether the matter still goes on."""
    return row.ticket.closed_at is None


def is_unfinished(row: Any) -> bool:
    """Tell whether the work is still to be done."""
    return is_open(row) and row.ticket.done_at is None


def is_finished(row: Any) -> bool:
    """Tell whether the work is done and the matter not yet closed."""
    return is_open(row) and row.ticket.done_at is not None


def _contact(session: Any, row: Any, told: dict[str, Any]) -> str:
    if not told["told"] and not told["answer"]:
        message = "「告知内容」和「客户答复」都没有填写。请至少写明告知了什么，或客户说了什么。"
        raise Refusal(code="missing", message=message, field="told")
    contacts.contact(session, row.ticket_id, told["method"], told=told["told"], answer=told["answer"], at=told["at"])
    return f"已登记对「{row}」的联系。"


def _promise(session: Any, row: Any, told: dict[str, Any]) -> str:
    tickets.promise(session, row.ticket_id, told["promised_at"])
    return f"已为「{row}」约定完成时间。"


def _follow_up(session: Any, row: Any, told: dict[str, Any]) -> str:
    made = follow_ups.follow_up(session, row.ticket_id, told["satisfaction"], answer=told["answer"], at=told["at"])
    if made.satisfaction is Satisfaction.DISSATISFIED:
        return f"已登记对「{row}」的回访。客户不满意，已重新受理，请尽快再办。"
    return f"已登记对「{row}」的回访。"


def _close(session: Any, row: Any, _told: dict[str, Any]) -> str:
    tickets.close(session, row.ticket_id)
    return f"已关闭「{row}」。"


def _invalidate(session: Any, row: Any, told: dict[str, Any]) -> str:
    tickets.invalidate(session, row.ticket_id, told["reason"] or "")
    return f"已将「{row}」作为无效事项结束。"


def moment_field(label: str) -> Moment:
    """Return the field for when something happened; empty means now."""
    return Moment(label, [], description="不填即现在。")


CONTACT: Final = Verb(
    "contact",
    "联系客户",
    _contact,
    fields=lambda _: {
        "method": TermField("联系方式", [required("联系方式")], terms=ContactMethod, blank=False),
        "told": Lines("告知内容", [Length(max=500)], description="怎样处理、何时办；第一次即首次答复。"),
        "answer": Lines("客户答复", [Length(max=500)]),
        "at": moment_field("联系时间"),
    },
    fits=is_open,
)
PROMISE: Final = Verb(
    "promise",
    "预约时间",
    _promise,
    fields=lambda _: {"promised_at": Moment("约定完成时间", [required("约定完成时间")])},
    fits=is_unfinished,
    permits=AT_DESK,
)
FOLLOW_UP: Final = Verb(
    "follow-up",
    "回访",
    _follow_up,
    fields=lambda _: {
        "satisfaction": TermField("满意度", [required("满意度")], terms=Satisfaction, blank=True),
        "answer": Lines("客户意见", [Length(max=500)]),
        "at": moment_field("回访时间"),
    },
    fits=is_finished,
    permits=FOLLOWING_UP,
)
CLOSE: Final = Verb("close", "关闭", _close, fits=is_finished, permits=AT_DESK, consequence="关闭后不能再派单和回访。")
INVALIDATE: Final = Verb(
    "invalidate",
    "作为无效结束",
    _invalidate,
    fields=lambda _: {"reason": Lines("无效原因", [required("无效原因")])},
    fits=is_open,
    permits=AT_DESK,
    consequence="事项将结束，各项时限取消；记录和原因保留。请先向客户解释清楚。",
)


class FollowUpView(OfficeView):
    """回访."""

    area = Area.FOLLOW_UPS
    path = "follow_ups"
    group = "requests"
    order = 30
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "对已完成事项的回访。回访从报事或投诉的页面登记。"
    column_list = ("ticket", "made_at", "satisfaction", "answer", "made_by")
    column_searchable_list = ("ticket.number",)
    column_filters = ("ticket.number", "ticket.kind", "satisfaction", "made_at")


def _acknowledge(session: Any, row: Any, _told: dict[str, Any]) -> str:
    acknowledgements.acknowledge(session, row.id)
    return f"已确认「{row}」。下一级从现在起重新计时；到时仍没有办，会继续升级。"


class EscalationView(OfficeView):
    """升级."""

    area = Area.REQUESTS
    path = "escalations"
    group = "requests"
    order = 40
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "超时未办、已按层级上报的事项。"
    column_list = ("ticket", "clock", "level", "role", "late_minutes", "raised_at", "acknowledged_at")
    column_searchable_list = ("ticket.number",)
    column_filters = ("ticket.number", "ticket.kind", "level", "role", "raised_at", "acknowledged_at")
    verbs = (
        Verb(
            "acknowledge",
            "确认",
            _acknowledge,
            fits=lambda row: row.acknowledged_at is None,
            permits=((None, Act.ACT), (Area.SUPERVISION, Act.ACT)),
        ),
    )

    def get_query(self) -> Any:
        """Return the escalations; a technician's are those of their own orders (A-W9)."""
        query, own = super().get_query(), access.own_orders_only()
        if own is None:
            return query
        sent = select(WorkOrder.request_id).where(WorkOrder.technician_id.in_(own))
        return query.filter(
            Escalation.ticket_id.in_(select(ServiceRequest.ticket_id).where(ServiceRequest.id.in_(sent)))
        )


VIEWS = ((FollowUpView, FollowUp), (EscalationView, Escalation))
