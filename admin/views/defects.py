"""Defects under warranty: who reported them, what was found, and the builder's records of them (A-W20, A-R1, A-R2)."""

from dataclasses import replace
from typing import Any, Final

from flask import g
from sqlalchemy import func, select
from wtforms import BooleanField, Field
from wtforms.validators import Length

from admin.fields import Day, Line, Lines, form_class, required
from admin.office_view import OfficeView
from admin.session import session_at_hand
from admin.site import Entry
from admin.stepping import stepping
from admin.views.pauses import pausing, waited
from admin.views.tickets import CLOSE, CONTACT, FOLLOW_UP, TicketView, moment_field
from admin.views.work_orders import SENT_OUT
from tenant.models import Builder, Clock, Defect, Posting, Rectification, Ticket
from tenant.rules.terms import Act, Area, ClockKind, RectificationState, TicketKind
from tenant.services import defects, rectifications


def _state(row: Any) -> str:
    state: str = row.ticket.state
    return state


def _send(session: Any, row: Any, told: dict[str, Any]) -> str:
    defects.send(session, row.id, told["inspector"].id, at=told["at"])
    return f"已派「{told['inspector']}」查看「{row}」。查看后请登记「确认原因」。"


def _confirm(session: Any, row: Any, told: dict[str, Any]) -> str:
    defects.confirm(session, row.id, told["cause"], owner_signed=told["owner_signed"], at=told["at"])
    return f"已确认「{row}」的原因。下一步请向施工单位开整改单。"


def _owner_sign(session: Any, row: Any, told: dict[str, Any]) -> str:
    defects.owner_sign(session, row.id, at=told["at"])
    return f"已登记业主在「{row}」上签字确认。"


def _issue(session: Any, row: Any, told: dict[str, Any]) -> str:
    made = rectifications.issue(
        session, row.id, told["builder"].id, told["agreed_on"], content=told["content"], at=told["at"]
    )
    return f"已向「{told['builder']}」开出整改单 {made.number}，约定 {made.agreed_on} 完成。请打印两联，请对方签收。"


def _decline(session: Any, row: Any, told: dict[str, Any]) -> str:
    defects.decline(session, row.id, told["reason"], at=told["at"])
    if row.request_id is None:
        return f"「{row}」已判定不属整改，记录和原因保留。"
    return f"「{row}」已判定不属整改，原报事 {row.request.ticket.number} 已重新受理，请派单。"


def part_fields(_view: Any) -> dict[str, Field]:
    """Return what is asked of a defect besides its ticket, also where a request turns out to be one (A-W20)."""
    return {
        "part": Line("部位", [required("部位"), Length(max=100)], description="例如：主卧外墙、卫生间防水。"),
        "warranty_until": Day("保修期至", [], description="最后一天；还没有查清的不填。"),
    }


def _rectify(session: Any, row: Any, told: dict[str, Any]) -> str:
    made = defects.from_request(
        session, row.id, part=told["part"] or "", warranty_until=told["warranty_until"], at=told["at"]
    )
    return f"「{row}」已转为整改 {made.ticket.number}，原报事的时限和未完成的处理单已取消。下一步请派人查看。"


RECTIFY: Final = stepping(
    "request",
    "rectify",
    _rectify,
    state=_state,
    also=lambda row: row.category in defects.MAY_BE_DEFECTS,
    fields=lambda view: part_fields(view) | {"at": moment_field("转整改时间")},
    consequence="报事到此结束，由整改继续办理；查明不属整改的，可以退回报事。",
)
"""The verb of a request that turns out to be a defect under warranty (A-W20)."""


def to_be_issued() -> int:
    """Return how many defects wait for somebody to look or to give them to their builder."""
    statement = (
        select(func.count(Clock.id))
        .join(Clock.ticket)
        .where(Ticket.kind == TicketKind.DEFECT, Clock.kind == ClockKind.DISPATCH)
        .where(Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
    )
    return session_at_hand().scalars(statement).one()


class DefectView(TicketView):
    """房屋缺陷."""

    area = Area.RECTIFICATIONS
    path = "defects"
    group = "rectifications"
    order = 10
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "登记缺陷"
    purpose = "保修期内的房屋质量问题。派人查看、确认原因后，向施工单位开整改单；全部整改单由业主签字后即为完成。"
    column_list = (
        "ticket.number", "ticket.unit", "part", "ticket.content", "ticket.state", "records", "ticket.received_at",
        "due",
    )  # fmt: skip
    column_details_list = (
        "ticket.number", "ticket.state", "due", "waited", "ticket.unit", "ticket.location", "part", "warranty_until",
        "ticket.content", "request", "inspector", "sent_at", "cause", "confirmed_at", "confirmed_by",
        "owner_signed_at", "ticket.reporter_kind", "ticket.reporter_name", "ticket.reporter_phone", "ticket.channel",
        "ticket.received_at", "ticket.promised_at", "ticket.done_at", "ticket.closed_at", "ticket.cycle",
        "ticket.registered_by",
    )  # fmt: skip
    extra_labels = TicketView.extra_labels | {"records": "整改单", "waited": "等待"}
    column_searchable_list = ("ticket.number", "ticket.unit.number", "part", "ticket.content")
    column_filters = (
        "ticket.state", "part", "ticket.unit.number", "confirmed_at", "owner_signed_at", "ticket.received_at",
        "ticket.done_at", "warranty_until",
    )  # fmt: skip
    targets = TicketView.targets | {"inspector": (Posting, (SENT_OUT,)), "builder": (Builder, ())}
    verbs = (
        stepping(
            "defect",
            "send",
            _send,
            state=_state,
            fields=lambda view: {"inspector": view.reference("inspector", "查看人"), "at": moment_field("派人时间")},
        ),
        stepping(
            "defect",
            "confirm",
            _confirm,
            state=_state,
            fields=lambda _: {
                "cause": Lines("原因", [required("原因"), Length(max=500)], description="现场看到的和判断的原因。"),
                "owner_signed": BooleanField("业主已签字确认"),
                "at": moment_field("确认时间"),
            },
        ),
        stepping(
            "defect",
            "owner_sign",
            _owner_sign,
            state=_state,
            also=lambda row: row.owner_signed_at is None,
            fields=lambda _: {"at": moment_field("业主签字时间")},
        ),
        stepping(
            "defect",
            "issue",
            _issue,
            state=_state,
            also=lambda row: row.confirmed_at is not None,
            fields=lambda view: {
                "builder": view.reference("builder", "施工单位"),
                "agreed_on": Day("约定完成日", [required("约定完成日")], description="当天 24:00 前完成。"),
                "content": Lines("整改内容", [Length(max=4000)], description="不填即报告的内容。"),
                "at": moment_field("开单时间"),
            },
        ),
        CONTACT,
        *pausing("defect"),
        FOLLOW_UP,
        CLOSE,
        stepping(
            "defect",
            "decline",
            _decline,
            state=_state,
            fields=lambda _: {"reason": Lines("原因", [required("原因")]), "at": moment_field("判定时间")},
            consequence="事项将结束，各项时限取消。由报事转来的，原报事重新受理、时限重新计算。",
        ),
    )

    def prepare(self, rows: list[Any]) -> None:
        """Fetch at once how many records stand of each defect, and how many of them are still to be done."""
        super().prepare(rows)
        is_open = Rectification.state.not_in(defects.OVER)
        counted = (
            select(Rectification.defect_id, func.count(), func.count().filter(is_open))
            .where(Rectification.defect_id.in_([row.id for row in rows]))
            .where(Rectification.state != RectificationState.CANCELLED)
            .group_by(Rectification.defect_id)
        )
        g.records = {defect_id: (all_, to_do) for defect_id, all_, to_do in self.session.execute(counted)}

    def show_ticket_unit(self, row: Any) -> Any:
        """Return the unit, for a public area where it is."""
        return row.ticket.unit or row.ticket.location

    def show_waited(self, row: Any) -> str | None:
        """Return how often and how long the defect has waited (B-W19)."""
        return waited(row.ticket_id)

    def show_records(self, row: Any) -> str | None:
        """Return how many records were issued, and how many are not through: 2 张，未完 1 张."""
        all_, to_do = g.get("records", {}).get(row.id, (0, 0))
        if not all_:
            return None
        return f"{all_} 张，未完 {to_do} 张" if to_do else f"{all_} 张，已完"

    def verbs_for(self, row: Any, back: str | None = None) -> list[dict[str, str]]:
        """Return what may be done; where a builder has a record, another one is not what is done next."""
        offered = super().verbs_for(row, back)
        issued = row.id in g.get("records", {})
        return sorted(offered, key=lambda verb: issued and verb["name"] == "issue")

    def ticket_fields(self) -> dict[str, Field]:
        """Return the fields that any matter has; the day is agreed with the builder, not with the owner."""
        return {name: field for name, field in super().ticket_fields().items() if name != "promised_at"}

    def get_create_form(self) -> Any:
        """Return the form a defect is registered with."""
        return form_class(part_fields(self) | self.ticket_fields())

    def make(self, form: Any) -> Any:
        """Register the defect: its number is given and its clocks start (A-R1, A-R2)."""
        asked = {name: form[name].data for name in part_fields(self)}
        asked["part"] = asked["part"] or ""
        return defects.register_defect(self.session, **asked, **self.ticket_values(form))

    def entries(self) -> tuple[Entry, ...]:
        """Return the line in the navigation, with how many wait to be given to a builder."""
        return tuple(replace(entry, count=to_be_issued) for entry in super().entries())


class BuilderView(OfficeView):
    """施工单位."""

    area = Area.RECTIFICATIONS
    path = "builders"
    group = "rectifications"
    order = 30
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})
    create_label = "登记施工单位"
    purpose = "负责保修的施工单位及其工程负责人。开整改单时从这里选择；有整改单的不能删除。"
    column_list = ("name", "head_name", "head_phone", "note")
    column_searchable_list = ("name", "head_name")
    column_filters = ("name", "head_name")
    form_columns = ("name", "head_name", "head_phone", "note")

    def remove(self, row: Any) -> None:
        """Remove a builder that has no record."""
        defects.remove_builder(self.session, row.id)


VIEWS = ((DefectView, Defect), (BuilderView, Builder))
