"""Arrears pressed for: the notices that went out, and the office's own numbers (B-F2 to B-F7)."""

from typing import Any

from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Lines, required
from admin.office_view import OfficeView
from tenant.models import DunningNotice, DunningProcedure
from tenant.rules.terms import Act, Area, DunningNoticeState
from tenant.services import notices


def _send(session: Any, row: Any, _told: dict[str, Any]) -> str:
    notices.send(session, row.id)
    return f"已登记「{row}」发出。"


def _sign(session: Any, row: Any, _told: dict[str, Any]) -> str:
    notices.sign(session, row.id)
    return f"已登记「{row}」签收。"


def _withdraw(session: Any, row: Any, told: dict[str, Any]) -> str:
    notices.withdraw(session, row.id, told["reason"])
    return f"已撤销「{row}」。"


def _is_planned(row: Any) -> bool:
    return bool(row.state is DunningNoticeState.PLANNED)


def _is_sent(row: Any) -> bool:
    return bool(row.state is DunningNoticeState.SENT)


class DunningNoticeView(OfficeView):
    """催缴通知单."""

    area = Area.DUNNING
    path = "dunning_notices"
    group = "dunning"
    order = 10
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "系统按欠费账龄生成的催缴提醒、律师函和起诉通知。待发出的由人寄出或交法律顾问，再在这里登记。"
    column_list = ("owner", "level", "sequence", "amount", "late_fee", "anchor_on", "issued_at", "state")
    column_searchable_list = ("owner.name",)
    column_filters = ("owner.name", "level", "state", "amount", "anchor_on", "issued_at")
    verbs = (
        Verb("send", "登记发出", _send, fits=_is_planned, consequence="表示已寄出、送达或交给法律顾问。"),
        Verb("sign", "登记签收", _sign, fits=_is_sent, consequence="表示业主已签收。"),
        Verb(
            "withdraw",
            "撤销",
            _withdraw,
            fields=lambda _: {"reason": Lines("撤销原因", [required("撤销原因"), Length(max=200)])},
            fits=_is_planned,
            consequence="撤销后这一步不会再自动生成。",
        ),
    )


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
