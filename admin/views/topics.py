"""What matters are about, in the office's own tree (A-C1, A-W2)."""

from typing import Any

from admin.acting import Verb
from admin.office_view import OfficeView
from tenant.models import Topic
from tenant.rules.terms import Act, Area
from tenant.services import topics


def _retire(session: Any, row: Any, _told: dict[str, Any]) -> str:
    topics.retire(session, row.id)
    return f"已停用「{row}」。"


def _restore(session: Any, row: Any, _told: dict[str, Any]) -> str:
    topics.restore(session, row.id)
    return f"已恢复「{row}」。"


class TopicView(OfficeView):
    """事项分类."""

    area = Area.TOPICS
    path = "topics"
    group = "settings"
    order = 20
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    purpose = "本管理处的报事、投诉按什么分类，最多三级。不再使用的停用，不删除。"
    column_list = ("name", "parent", "category", "department", "urgent", "retired_at")
    column_searchable_list = ("name",)
    column_filters = ("name", "category", "urgent", "retired_at")
    form_columns = ("parent", "name", "category", "department", "urgent")
    conditions = {"parent": (Topic.retired_at.is_(None),)}
    extra_labels = {"category": "报事类别（投诉不填）"}
    verbs = (
        Verb(
            "retire",
            "停用",
            _retire,
            fits=lambda row: row.retired_at is None,
            consequence="连同下级分类都不再提供选择；已按它登记的事项不变。",
        ),
        Verb("restore", "恢复", _restore, fits=lambda row: row.retired_at is not None),
    )

    def check(self, row: Any) -> None:
        """Keep the tree a tree of three levels."""
        with self.session.no_autoflush:
            topics.check(self.session, row)


VIEWS = ((TopicView, Topic),)
