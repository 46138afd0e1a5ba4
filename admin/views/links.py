"""What joins one matter to another: reported twice, one cause for many, what it is about (A-W1, A-C1)."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement

from admin.acting import Verb
from admin.views.tickets import AT_DESK, is_unfinished
from tenant.models import Ticket, Topic
from tenant.rules.terms import TicketKind, TicketState
from tenant.services import links, tickets

TARGET: Final = "target"


def joined_to(kind: TicketKind) -> dict[str, tuple[Any, tuple[ColumnElement[bool], ...]]]:
    """Return what the forms of a view of ``kind`` may name: another open matter of the kind, a topic of the kind."""
    of_kind = Topic.category.is_(None) if kind is TicketKind.COMPLAINT else Topic.category.is_not(None)
    return {
        TARGET: (Ticket, (Ticket.kind == kind, Ticket.closed_at.is_(None))),
        "topic": (Topic, (of_kind, Topic.retired_at.is_(None))),
    }


def _merge(session: Any, row: Any, told: dict[str, Any]) -> str:
    links.merge(session, row.ticket_id, told[TARGET].id)
    return f"「{row}」已并入 {told[TARGET]}，时限停止。报事人列在 {told[TARGET]} 的页面上，请一并答复。"


def _unmerge(session: Any, row: Any, _told: dict[str, Any]) -> str:
    links.unmerge(session, row.ticket_id)
    return f"「{row}」已恢复单独办理，原来的时限继续计算。"


def _answer_with(session: Any, row: Any, told: dict[str, Any]) -> str:
    links.answer_with(session, row.ticket_id, told[TARGET].id)
    return f"「{row}」由 {told[TARGET]} 一并处理；主票办完即办完，之后单独回访。"


def _stand_alone(session: Any, row: Any, _told: dict[str, Any]) -> str:
    links.stand_alone(session, row.ticket_id)
    return f"「{row}」已改为单独办理，请重新安排。"


def _sort_under(session: Any, row: Any, told: dict[str, Any]) -> str:
    tickets.sort_under(session, row.ticket_id, told["topic"].id)
    return f"「{row}」归入「{told['topic']}」。"


def _another(view: Any) -> dict[str, Any]:
    return {TARGET: view.reference(TARGET, "编号")}


JOINING: Final = (
    Verb(
        "merge",
        "并入另一件",
        _merge,
        fields=_another,
        fits=is_unfinished,
        permits=AT_DESK,
        consequence="用于同一件事重复登记。本件结束，未完成的处理单撤销，以先登记的那一件为准；那一件办结前可以撤销并入。",
    ),
    Verb(
        "unmerge",
        "撤销并入",
        _unmerge,
        fits=lambda row: row.ticket.state is TicketState.MERGED,
        permits=AT_DESK,
    ),
    Verb(
        "answer-with",
        "挂到同因主票",
        _answer_with,
        fields=_another,
        fits=lambda row: is_unfinished(row) and row.ticket.parent_id is None,
        permits=AT_DESK,
        consequence="用于一个原因影响多户。主票办完时本件一并办完，仍须单独联系和回访。",
    ),
    Verb(
        "stand-alone",
        "解除主票",
        _stand_alone,
        fits=lambda row: is_unfinished(row) and row.ticket.parent_id is not None,
        permits=AT_DESK,
    ),
)


def linking(sort_under: Callable[[Any, Any, dict[str, Any]], str] = _sort_under) -> tuple[Verb, ...]:
    """Return the verbs that join a matter to another and to a topic."""
    about = Verb(
        "sort-under",
        "归类",
        sort_under,
        fields=lambda view: {"topic": view.reference("topic", "事项分类")},
        fits=is_unfinished,
        permits=AT_DESK,
    )
    return (*JOINING, about)
