"""Arrears pressed for: the notices that went out, and the office's own numbers (B-F2 to B-F7)."""

from admin.office_view import OfficeView
from tenant.models import DunningNotice, DunningProcedure
from tenant.rules.terms import Act, Area


class DunningNoticeView(OfficeView):
    """催缴通知单."""

    area = Area.DUNNING
    path = "dunning_notices"
    group = "dunning"
    order = 10
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "系统按欠费账龄生成的催缴提醒、律师函和起诉通知。"
    column_list = ("owner", "level", "sequence", "amount", "late_fee", "anchor_on", "issued_at", "state")
    column_searchable_list = ("owner.name",)
    column_filters = ("owner.name", "level", "state", "amount", "anchor_on", "issued_at")


class DunningProcedureView(OfficeView):
    """催缴方案."""

    area = Area.DUNNING
    path = "dunning_procedures"
    group = "dunning"
    order = 20
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    purpose = "本管理处与集团不同的催缴参数，从某日起生效。不填的项目按集团的规定。"
    column_list = ("name", "from_on", "big_customer_share", "late_fee_rate")
    column_searchable_list = ("name",)
    column_filters = ("name", "from_on")
    form_columns = ("name", "from_on", "big_customer_share", "late_fee_rate")


VIEWS = ((DunningNoticeView, DunningNotice), (DunningProcedureView, DunningProcedure))
