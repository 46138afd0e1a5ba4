"""What came in and what it settled (B-F1, B-F9)."""

from typing import Any

from sqlalchemy import select
from wtforms.validators import Length

from admin import access
from admin.acting import Verb
from admin.fields import Amount, Day, Line, Lines, TermField, form_class, required
from admin.office_view import OfficeView
from audit.models import AuditEntry
from tenant.errors import Refusal
from tenant.models import Allocation, Owner, Payment, Unit
from tenant.rules.terms import Act, Area, PaymentMethod
from tenant.services import payments

CARRIED = frozenset({PaymentMethod.CARRIED_OVER})
"""What nobody pays with at the desk: opening balances are imported."""


def _void(session: Any, row: Any, told: dict[str, Any]) -> str:
    """Void a receipt; who took the money may not do it alone (B-F9)."""
    taken_by = select(AuditEntry.actor_id).where(
        AuditEntry.subject_kind == Payment.__tablename__,
        AuditEntry.subject_id == row.id,
        AuditEntry.verb == f"{Payment.__tablename__}.create",
    )
    person = access.identity()
    if person is not None and person.staff_id in session.scalars(taken_by).all():
        raise Refusal(
            code="second_person_needed", message="收据由您开出，作废须由第二人办理。请由主任或另一名财务人员作废。"
        )
    payments.void(session, row.id, told["reason"] or "")
    return f"已作废收据 {row.receipt_number}，所核销的欠费已恢复。"


class PaymentView(OfficeView):
    """实收."""

    area = Area.PAYMENTS
    path = "payments"
    group = "charges"
    order = 20
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "收款"
    purpose = "收到的款项。每笔一张连号收据，从最早的欠费核销起。收据不能修改，只能由第二人作废。"
    column_list = ("receipt_number", "owner", "unit", "amount", "method", "paid_on", "voided_at")
    column_searchable_list = ("receipt_number", "owner.name", "unit.number")
    column_filters = ("receipt_number", "owner.name", "unit.number", "method", "amount", "paid_on", "voided_at")
    targets = {"owner": (Owner, ()), "unit": (Unit, ())}
    verbs = (
        Verb(
            "void",
            "作废",
            _void,
            fields=lambda _: {"reason": Lines("作废原因", [required("作废原因"), Length(max=200)])},
            fits=lambda row: row.voided_at is None,
            consequence="收据作废后号码保留，所核销的欠费恢复为未缴。不能撤回。",
        ),
    )

    def get_create_form(self) -> Any:
        """Return the form a payment is received with."""
        asked: dict[str, Any] = {
            "owner": self.reference("owner", "缴费人"),
            "amount": Amount("金额", [required("金额")], precision=14, scale=2),
            "method": TermField("收款方式", [], terms=PaymentMethod, blank=False, without=CARRIED),
            "unit": self.reference("unit", "房屋", blank=True),
            "paid_on": Day("收款日", [], description="不填即今天。"),
            "reference": Line("流水号", [Length(max=64)]),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Receive the money: the receipt gets its number, and the oldest charges are settled first."""
        unit = form["unit"].data
        return payments.receive(
            self.session,
            form["owner"].data.id,
            form["amount"].data,
            form["method"].data,
            paid_on=form["paid_on"].data,
            unit_id=unit.id if unit else None,
            reference=form["reference"].data,
        )


class AllocationView(OfficeView):
    """核销."""

    area = Area.PAYMENTS
    path = "allocations"
    group = "charges"
    order = 30
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "每笔收款核销了哪几笔应收。"
    column_list = ("payment", "charge", "amount")
    column_searchable_list = ("payment.receipt_number",)
    column_filters = ("payment.receipt_number", "amount")


VIEWS = ((PaymentView, Payment), (AllocationView, Allocation))
