"""Shifts of the desk, who has them, who is away and who stands in (B-S1, A-O3)."""

from typing import Any, Final

from admin import access
from admin.acting import Verb
from admin.office_view import OfficeView
from tenant import clock
from tenant.models import Absence, Duty, Shift
from tenant.rules.terms import Act, Area
from tenant.services import absences, duties

KEPT: Final = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})


class ShiftView(OfficeView):
    """班次."""

    area = Area.DUTIES
    path = "shifts"
    group = "settings"
    order = 25
    acts = KEPT
    purpose = "每天有哪些值班时段。结束早于开始的跨到次日。夜里有事，系统先通知当班的人。"
    column_list = ("name", "begins", "ends", "note")
    column_searchable_list = ("name",)
    column_filters = ("name",)
    form_columns = ("name", "begins", "ends", "note")

    def check(self, row: Any) -> None:
        """Refuse a shift without length."""
        duties.check_shift(row)

    def remove(self, row: Any) -> None:
        """Remove a shift that nobody has or had."""
        duties.check_unused(self.session, row)
        super().remove(row)


class DutyView(OfficeView):
    """排班."""

    area = Area.DUTIES
    path = "duties"
    group = "settings"
    order = 26
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "哪天哪个班次由谁值。排班在「排班表」上办理。"
    column_list = ("duty_on", "shift", "posting")
    column_default_sort = ("duty_on", True)
    column_searchable_list = ("posting.staff.name",)
    column_filters = ("duty_on", "shift.name", "posting.staff.name")

    def entries(self) -> tuple[Any, ...]:
        """Return no line of the navigation: the rota leads here."""
        return ()


def _end(session: Any, row: Any, _told: dict[str, Any]) -> str:
    name = str(row.posting)
    if absences.end(session, row.id) is None:
        return f"已取消{name}的请假。"
    return f"{name}从今天起销假，通知不再转给代理人。"


class AbsenceView(OfficeView):
    """请假."""

    area = Area.DUTIES
    path = "absences"
    group = "workbench"
    order = 70
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    create_label = "登记请假"
    purpose = "谁从哪天到哪天不在、由谁代理。期间的超时通知改发代理人；没有代理人的，直接报上一级。"
    column_list = ("posting", "from_on", "to_on", "substitute", "note")
    column_default_sort = ("from_on", True)
    column_searchable_list = ("posting.staff.name",)
    column_filters = ("posting.staff.name", "from_on", "to_on")
    form_columns = ("posting", "from_on", "to_on", "substitute", "note")
    verbs = (
        Verb(
            "end",
            "销假",
            _end,
            fits=lambda row: row.to_on >= clock.today(access.zone_of(row.office_id)),
            permits=((None, Act.EDIT),),
            consequence="从今天起通知不再转给代理人；还没有开始的请假将取消。",
        ),
    )

    def check(self, row: Any) -> None:
        """Refuse an absence that cannot be, or a substitute who cannot stand in."""
        absences.check(self.session, row, clock.today(access.zone_of(row.office_id)))


VIEWS = ((ShiftView, Shift), (DutyView, Duty), (AbsenceView, Absence))
