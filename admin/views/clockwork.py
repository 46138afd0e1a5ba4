"""What the clocks have planned and done."""

from admin.office_view import OfficeView
from tenant.models import DueAction
from tenant.rules.terms import Act, Area


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


VIEWS = ((DueActionView, DueAction),)
