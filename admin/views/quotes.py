"""The price of a paid service, item by item: told, agreed, paid (A-W8)."""

from typing import Any, Final

from wtforms import Field
from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Amount, Line, required
from admin.office_view import OfficeView
from admin.session import session_at_hand
from admin.views.tickets import AT_DESK, is_unfinished, moment_field
from tenant.models import QuoteLine
from tenant.money import show_money
from tenant.rules.terms import Act, Area, RequestCategory
from tenant.services import agreements, quotes


def _add(session: Any, row: Any, told: dict[str, Any]) -> str:
    line = quotes.add_line(session, row.id, told["item"], told["quantity"], told["price"])
    return f"已加「{line}」{show_money(line.amount)} 元，合计 {show_money(quotes.total(session, row))} 元。"


def _agree(session: Any, row: Any, told: dict[str, Any]) -> str:
    quotes.agree(session, row.id, at=told["at"])
    amount = show_money(quotes.total(session, row))
    return f"客户已同意「{row}」的报价 {amount} 元，已记应收。收款后即可派单。"


def _line_fields(_view: Any) -> dict[str, Field]:
    return {
        "item": Line("服务项目", [required("服务项目"), Length(max=100)]),
        "quantity": Amount("数量", [required("数量")], precision=10, scale=2),
        "price": Amount("单价（元）", [required("单价（元）")], precision=10, scale=2),
    }


def is_priced(row: Any) -> bool:
    """Tell whether a request is a paid service that is still to be done."""
    return is_unfinished(row) and row.category is RequestCategory.PAID_SERVICE


def price_of(row: Any) -> str | None:
    """Return what a paid service costs and how it stands, None for any other request."""
    if row.category is not RequestCategory.PAID_SERVICE:
        return None
    session = session_at_hand()
    amount = f"{show_money(quotes.total(session, row))} 元"
    if row.quoted_at is None:
        return f"{amount}，客户尚未确认"
    unpaid = agreements.unpaid_of(session, row)
    return f"{amount}，已付清" if unpaid == 0 else f"{amount}，未付 {show_money(unpaid)} 元"


QUOTING: Final = (
    Verb("quote", "登记报价", _add, fields=_line_fields, fits=is_priced, permits=AT_DESK),
    Verb(
        "agree",
        "确认报价",
        _agree,
        fields=lambda _: {"at": moment_field("确认时间")},
        fits=lambda row: is_priced(row) and row.quoted_at is None,
        permits=AT_DESK,
        consequence="按报价合计记一笔应收，由该房屋的缴费人承担。之后再改报价，须重新确认。",
    ),
)


def _remove(session: Any, row: Any, _told: dict[str, Any]) -> str:
    called = str(row)
    quotes.remove_line(session, row.id)
    return f"已删除报价「{called}」。"


class QuoteLineView(OfficeView):
    """报价明细."""

    area = Area.REQUESTS
    path = "quote_lines"
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "特约服务的报价，从报事的页面逐项登记。"
    column_list = ("request", "item", "quantity", "price", "amount")
    column_searchable_list = ("item",)
    column_filters = ("item", "request.ticket.number", "amount")
    verbs = (
        Verb(
            "remove",
            "删除",
            _remove,
            fits=lambda row: is_priced(row.request),
            permits=AT_DESK,
            consequence="删除后，客户须重新确认报价。",
        ),
    )


VIEWS = ((QuoteLineView, QuoteLine),)
