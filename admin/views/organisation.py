"""The group's own: companies, offices, departments (A-O1)."""

from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from admin.acting import Verb
from admin.office_view import OfficeView
from tenant import clock
from tenant.errors import Refusal
from tenant.models import Company, Department, Office
from tenant.rules.terms import Act, Area

KEPT: Final = frozenset({Act.VIEW, Act.CREATE, Act.EDIT})


class CompanyView(OfficeView):
    """公司."""

    area = Area.OFFICES
    path = "companies"
    group = "settings"
    order = 40
    acts = KEPT
    is_group_only = True
    purpose = "集团下属的物业公司。"
    column_list = ("code", "name")
    column_searchable_list = ("code", "name")
    column_filters = ("name",)
    form_columns = ("code", "name")


def _archive(session: Any, row: Any, _told: dict[str, Any]) -> str:
    row.archived_at = clock.now()
    session.flush()
    return f"已归档「{row}」。"


def _restore(session: Any, row: Any, _told: dict[str, Any]) -> str:
    row.archived_at = None
    session.flush()
    return f"已恢复「{row}」。"


class OfficeListView(OfficeView):
    """管理处."""

    area = Area.OFFICES
    path = "offices"
    group = "settings"
    order = 30
    acts = KEPT | {Act.ACT}
    is_group_only = True
    purpose = "各公司的管理处。一个管理处的数据，别的管理处看不到。"
    column_list = ("code", "name", "company", "zone", "desk_opens", "desk_closes", "archived_at")
    column_searchable_list = ("code", "name")
    column_filters = ("name", "company.name", "archived_at")
    form_columns = (
        "company", "code", "name", "zone", "desk_opens", "desk_closes", "quiet_from", "quiet_until", "gather_after",
        "phone", "address",
    )  # fmt: skip
    verbs = (
        Verb(
            "archive",
            "归档",
            _archive,
            fits=lambda row: row.archived_at is None,
            consequence="归档后，该管理处的人员不能再登录办理，数据保留。",
        ),
        Verb("restore", "恢复", _restore, fits=lambda row: row.archived_at is not None),
    )

    def check(self, row: Any) -> None:
        """Refuse a zone that no clock knows."""
        try:
            ZoneInfo(row.zone or clock.DEFAULT_ZONE)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Refusal(
                code="bad_zone",
                message=f"「{row.zone}」不是时区。国内请填 {clock.DEFAULT_ZONE}。",
                field="zone",
                value=row.zone,
            ) from None


class DepartmentView(OfficeView):
    """部门."""

    area = Area.OFFICES
    path = "departments"
    group = "settings"
    order = 35
    acts = KEPT
    purpose = "管理处的部门。派单和投诉都送到部门，由部门负责人签收。"
    column_list = ("name", "kind")
    column_searchable_list = ("name",)
    column_filters = ("name", "kind")
    form_columns = ("name", "kind")


VIEWS = ((CompanyView, Company), (OfficeListView, Office), (DepartmentView, Department))
