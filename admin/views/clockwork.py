"""What the clocks have planned and done, and long work in the background."""

from typing import Any

from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Lines, required
from admin.office_view import OfficeView
from admin.screens.clockwork_lines import RULES, job_label
from audit import verbs as words
from tenant.models import DueAction, Job
from tenant.rules.terms import Act, Area, DueState
from tenant.services import clockwork


def _retry(session: Any, row: Any, _told: dict[str, Any]) -> str:
    clockwork.retry(session, row.id)
    return "已重新排入，马上再试。"


def _discard(session: Any, row: Any, told: dict[str, Any]) -> str:
    clockwork.discard(session, row.id, told["reason"])
    return "已放弃，不再执行。"


def _is_dead(row: Any) -> bool:
    return bool(row.state is DueState.DEAD)


class DueActionView(OfficeView):
    """到期事项."""

    area = Area.SCHEDULE
    path = "due_actions"
    group = "settings"
    order = 70
    acts = frozenset({Act.VIEW})
    purpose = "系统到时要办的事：升级、催缴。每件只办一次。"
    column_list = ("rule", "subject_kind", "subject_id", "level", "due_at", "state", "attempts", "settled_at")
    column_filters = ("rule", "state", "due_at", "attempts")

    def show_rule(self, row: Any) -> str:
        """Return what the row's rule is called."""
        return str(RULES.get(row.rule, row.rule))

    def show_subject_kind(self, row: Any) -> str:
        """Return what the row's subject is called."""
        return words.term(row.subject_kind)

    verbs = (
        Verb("retry", "重试", _retry, fits=_is_dead, consequence="将从头再试，最多五次。请先确认出错的原因已经排除。"),
        Verb(
            "discard",
            "放弃",
            _discard,
            fields=lambda _: {"reason": Lines("放弃原因", [required("放弃原因"), Length(max=200)])},
            fits=_is_dead,
            consequence="这一件不会再执行，也不会再自动生成。",
        ),
    )


class JobView(OfficeView):
    """后台任务."""

    area = Area.SCHEDULE
    path = "jobs"
    acts = frozenset({Act.VIEW})
    purpose = "在后台分批做的长活，例如写入名册。进度和取消在「后台运行」页。"
    column_list = ("kind", "subject_kind", "subject_id", "phase", "done", "total", "state", "created_at", "ended_at")
    column_filters = ("kind", "state", "created_at")

    def show_kind(self, row: Any) -> str:
        """Return what the row's kind is called."""
        return job_label(row.kind)

    def show_subject_kind(self, row: Any) -> str:
        """Return what the row's subject is called."""
        return words.term(row.subject_kind)


VIEWS = ((DueActionView, DueAction), (JobView, Job))
