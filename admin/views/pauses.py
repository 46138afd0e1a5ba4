"""Waiting with a reason and a limit, on the page of a matter and of an order (A-W5, B-W19)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from wtforms import Field
from wtforms.validators import Length

from admin import access
from admin.acting import Verb
from admin.fields import Lines, Moment, TermField, required
from admin.office_view import OfficeView
from admin.screens import wording
from admin.session import session_at_hand
from admin.stepping import stepping
from tenant import clock
from tenant.models import Pause, ServiceRequest, WorkOrder
from tenant.rules.terms import Act, Area, PauseReason, TicketState
from tenant.services import pauses


def pause_fields(_view: Any) -> dict[str, Field]:
    """Return what is asked when something is to wait."""
    return {
        "reason": TermField("等待原因", [required("等待原因")], terms=PauseReason, blank=True),
        "until_at": Moment(
            "最晚至",
            [required("最晚至")],
            description="等待期间办理时限暂停，首次答复和每日联系照常；到这个时间还没有恢复，会逐级提醒。",
        ),
        "note": Lines("说明", [Length(max=500)]),
        "at": Moment("开始时间", [], description="不填即现在。"),
    }


def _pause(session: Any, row: Any, told: dict[str, Any]) -> str:
    lasting = pauses.pause(session, row.ticket_id, told["reason"], told["until_at"], note=told["note"], at=told["at"])
    return f"「{row}」已登记等待：{lasting.reason.label}。"


def _pause_order(session: Any, row: Any, told: dict[str, Any]) -> str:
    lasting = pauses.pause(
        session,
        row.request.ticket_id,
        told["reason"],
        told["until_at"],
        note=told["note"],
        work_order_id=row.id,
        at=told["at"],
    )
    return f"处理单「{row}」已登记等待：{lasting.reason.label}。"


def _resume(session: Any, row: Any, told: dict[str, Any]) -> str:
    pauses.resume(session, row.ticket_id, at=told["at"])
    return f"「{row}」已恢复办理，各项时限按剩余的时间继续。"


def _resume_order(session: Any, row: Any, told: dict[str, Any]) -> str:
    pauses.resume(session, row.request.ticket_id, at=told["at"])
    return f"处理单「{row}」已恢复办理，各项时限按剩余的时间继续。"


def _resumed_at(_view: Any) -> dict[str, Field]:
    return {"at": Moment("恢复时间", [], description="不填即现在。")}


def pausing(machine: str) -> tuple[Verb, Verb]:
    """Return the verbs by which a matter of this machine waits and goes on, for the page of its kind."""
    state = _state_of_matter
    return (
        stepping(machine, "pause", _pause, fields=pause_fields, state=state),
        stepping(machine, "resume", _resume, fields=_resumed_at, state=state),
    )


def pausing_orders() -> tuple[Verb, Verb]:
    """Return the verbs by which one order waits and goes on."""
    return (
        stepping("work_order", "pause", _pause_order, fields=pause_fields, also=_may_wait),
        stepping("work_order", "resume", _resume_order, fields=_resumed_at),
    )


def waited(ticket_id: int) -> str | None:
    """Return how often and how long a matter has waited, in words; None when it never did."""
    found = session_at_hand().scalars(select(Pause).where(Pause.ticket_id == ticket_id)).all()
    if not found:
        return None
    present = clock.now()
    length = sum(((pause.ended_at or present) - pause.began_at for pause in found), timedelta())
    lasting = next((pause for pause in found if pause.ended_at is None), None)
    ends = "" if lasting is None else f"，现在{lasting.reason.label}"
    words = wording.duration(length)
    return f"{len(found)} 次，共{' ' if words[0].isdigit() else ''}{words}{ends}"


def _state_of_matter(row: Any) -> str:
    state: str = row.ticket.state
    return state


def _may_wait(row: Any) -> bool:
    """Tell whether nothing else of the order's matter waits: a matter has one pause at a time."""
    return row.request.ticket.state is not TicketState.WAITING


class PauseView(OfficeView):
    """等待."""

    area = Area.REQUESTS
    path = "pauses"
    group = "requests"
    order = 25
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "哪些事项在等待、等什么、最晚等到何时。等待从报事、投诉或处理单的页面登记。"
    column_list = ("ticket", "reason", "began_at", "until_at", "ended_at", "note", "began_by")
    column_searchable_list = ("ticket.number", "note")
    column_filters = ("reason", "ticket.number", "began_at", "until_at", "ended_at")

    def get_query(self) -> Any:
        """Return the pauses; a technician's are those of his own orders' matters (A-W9)."""
        query, own = super().get_query(), access.own_orders_only()
        if own is None:
            return query
        orders = select(WorkOrder.request_id).where(WorkOrder.technician_id.in_(own))
        return query.filter(Pause.ticket_id.in_(select(ServiceRequest.ticket_id).where(ServiceRequest.id.in_(orders))))


VIEWS = ((PauseView, Pause),)
