"""The desk's daily log, and what of it waits for the morning handover (B-S2, B-S3, A-S5)."""

from typing import Any, Final

from wtforms import BooleanField, Field
from wtforms.validators import Length

from admin import access
from admin.acting import Verb
from admin.fields import Line, Lines, Moment, TermField, form_class, required
from admin.office_view import OfficeView
from admin.session import session_at_hand
from admin.site import Entry
from admin.views.tickets import moment_field
from tenant.models import Department, LogEntry, Topic, Unit
from tenant.rules.terms import Act, Area, Channel, Gravity, RequestCategory
from tenant.services import daily_log

AS_REQUEST: Final = ((Area.REQUESTS, Act.CREATE),)
AS_COMPLAINT: Final = ((Area.COMPLAINTS, Act.CREATE),)


def _to_request(session: Any, row: Any, told: dict[str, Any]) -> str:
    topic = told["topic_of_request"]
    made = daily_log.to_request(
        session,
        row.id,
        category=told["category"],
        urgent=told["urgent"],
        topic_id=topic.id if topic else None,
        location=told["location"],
    )
    return f"已转为报事 {made.ticket.number}，请派单。"


def _to_complaint(session: Any, row: Any, told: dict[str, Any]) -> str:
    department, topic = told["department"], told["topic_of_complaint"]
    made = daily_log.to_complaint(
        session,
        row.id,
        gravity=told["gravity"],
        department_id=department.id if department else None,
        demand=told["demand"],
        topic_id=topic.id if topic else None,
    )
    return f"已转为投诉 {made.ticket.number}，请在 10 分钟内送达被投诉部门。"


def _settle(session: Any, row: Any, told: dict[str, Any]) -> str:
    daily_log.settle(session, row.id, told["answer"], at=told["at"])
    return "已办结这条登记。"


def _check(session: Any, row: Any, _told: dict[str, Any]) -> str:
    waiting = daily_log.check_day(session, row.id)
    return "已标记当日登记检查完毕。" if not waiting else f"已标记当日登记检查完毕，其中 {waiting} 条还没有交接办理。"


def _has_no_ticket(row: Any) -> bool:
    return row.ticket_id is None


def _request_fields(view: Any) -> dict[str, Field]:
    return {
        "category": TermField("类别", [], terms=RequestCategory, blank=False, default=RequestCategory.REPAIR),
        "topic_of_request": view.reference("topic_of_request", "事项分类", blank=True),
        "urgent": BooleanField("较急"),
        "location": Line("地点", [Length(max=200)], description="公共区域请写明位置。"),
    }


def _complaint_fields(view: Any) -> dict[str, Field]:
    return {
        "gravity": TermField("等级", [], terms=Gravity, blank=False, default=Gravity.ORDINARY),
        "topic_of_complaint": view.reference("topic_of_complaint", "事项分类", blank=True),
        "department": view.reference("department", "被投诉部门", blank=True),
        "demand": Lines("客户要求", []),
    }


class LogEntryView(OfficeView):
    """日常事务登记."""

    area = Area.DAILY_LOG
    path = "daily_log"
    group = "requests"
    order = 5
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "登记来访来电"
    purpose = "前台每次来电、来访都登记一条；需要办理的转为报事或投诉，夜间不急的转次日办理。"
    column_list: tuple[str, ...] = (
        "at", "channel", "unit", "caller_name", "caller_phone", "content", "answer", "stands", "ticket", "written_by",
    )  # fmt: skip
    column_details_list = (
        "at", "channel", "unit", "caller_name", "caller_phone", "content", "answer", "put_off", "settled_at", "ticket",
        "written_by",
    )  # fmt: skip
    column_default_sort = ("at", True)
    extra_labels = {"stands": "办理"}
    column_searchable_list = ("content", "answer", "unit.number", "caller_name")
    column_filters = ("at", "channel", "put_off", "settled_at", "unit.number", "ticket.number")
    targets = {
        "unit": (Unit, ()),
        "department": (Department, ()),
        "topic_of_request": (Topic, (Topic.category.is_not(None), Topic.retired_at.is_(None))),
        "topic_of_complaint": (Topic, (Topic.category.is_(None), Topic.retired_at.is_(None))),
    }
    verbs = (
        Verb("to-request", "转为报事", _to_request, fields=_request_fields, fits=_has_no_ticket, permits=AS_REQUEST),
        Verb(
            "to-complaint",
            "转为投诉",
            _to_complaint,
            fields=_complaint_fields,
            fits=_has_no_ticket,
            permits=AS_COMPLAINT,
        ),
        Verb(
            "settle",
            "直接办结",
            _settle,
            fields=lambda _: {
                "answer": Lines("答复", [required("答复"), Length(max=500)]),
                "at": moment_field("办结时间"),
            },
            fits=lambda row: row.settled_at is None,
        ),
        Verb(
            "check",
            "标记当日已检查",
            _check,
            permits=((None, Act.EDIT),),
            consequence="在审计记录中注明：这一天的登记您已检查。",
        ),
    )

    def show_stands(self, row: Any) -> str:
        """Return how an entry stands: settled, waiting for the handover, or what it became."""
        if row.ticket_id is not None:
            return "已转事项"
        return "待交接" if row.settled_at is None else "已办结"

    def get_create_form(self) -> Any:
        """Return the form a visit or call is entered with."""
        asked: dict[str, Field] = {
            "channel": TermField("来源渠道", [], terms=Channel, blank=False, default=Channel.CALL),
            "unit": self.reference("unit", "房屋", blank=True),
            "caller_name": Line("来访人", [Length(max=100)]),
            "caller_phone": Line("联系电话", [Length(max=64)]),
            "content": Lines("事由", [required("事由")]),
            "answer": Lines("答复", [Length(max=500)], description="当场怎样答复的；转为事项时即首次答复。"),
            "put_off": BooleanField(
                "转次日办理",
                description="仅限下班之后：告知客户次日办理，由早班交接时转办；交接后没有人办的，自动转为报事催办。",
            ),
            "at": Moment("时间", [], description="不填即现在。"),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Enter it."""
        office, unit = access.office_at_hand(), form["unit"].data
        return daily_log.write(
            self.session,
            office_id=office.id if office else 0,
            content=form["content"].data or "",
            channel=form["channel"].data,
            unit_id=unit.id if unit else None,
            caller_name=form["caller_name"].data,
            caller_phone=form["caller_phone"].data,
            answer=form["answer"].data,
            put_off=form["put_off"].data,
            at=form["at"].data,
        )


def _waiting() -> int:
    office = access.office_at_hand()
    return daily_log.waiting_count(session_at_hand(), office.id if office else None)


class HandoverView(LogEntryView):
    """待交接."""

    path = "handover"
    order = 6
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "夜间告知客户次日办理的事项。接班的前台逐条转为报事、投诉，或直接办结。"
    column_list = ("at", "channel", "unit", "caller_name", "caller_phone", "content", "answer", "written_by")
    column_default_sort = ("at", False)

    def __init__(self, model: Any, db: Any, **options: Any) -> None:
        """Go by a name of its own beside the whole log."""
        super().__init__(model, db, **{"name": "待交接"} | options)

    def entries(self) -> tuple[Entry, ...]:
        """Return the line in the navigation, with how many entries wait."""
        return (Entry(self.group, "待交接", f"{self.endpoint}.index_view", self.area, _waiting, self.order),)

    def get_query(self) -> Any:
        """Return what nobody has seen to yet."""
        return super().get_query().filter(LogEntry.settled_at.is_(None))


VIEWS = ((LogEntryView, LogEntry), (HandoverView, LogEntry))
