"""Every contact with a customer until the matter is done: how, when, by whom, what was said (A-W4, A-W7)."""

from admin.office_view import OfficeView
from tenant.models import Contact
from tenant.rules.terms import Act, Area


class ContactView(OfficeView):
    """联系记录."""

    area = Area.FOLLOW_UPS
    path = "contacts"
    group = "requests"
    order = 35
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "办结之前与客户的每次联系。联系从报事、投诉或整改的页面登记。"
    column_list = ("ticket", "made_at", "method", "told", "answer", "made_by")
    column_searchable_list = ("ticket.number", "told", "answer")
    column_filters = ("ticket.number", "ticket.kind", "method", "made_at")


VIEWS = ((ContactView, Contact),)
