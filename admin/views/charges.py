"""What is owed: the price list and the charges (B-F1)."""

from typing import Any

from admin.acting import Verb
from admin.fields import Amount, Day, form_class, required
from admin.office_view import OfficeView
from tenant import clock
from tenant.models import Charge, ChargeType, Owner, Unit
from tenant.rules.terms import Act, Area
from tenant.services import charges


def _retire(session: Any, row: Any, _told: dict[str, Any]) -> str:
    row.retired_at = clock.now()
    session.flush()
    return f"已停用「{row}」。"


def _restore(session: Any, row: Any, _told: dict[str, Any]) -> str:
    row.retired_at = None
    session.flush()
    return f"已恢复「{row}」。"


class ChargeTypeView(OfficeView):
    """收费项目."""

    area = Area.CHARGES
    path = "charge_types"
    group = "charges"
    order = 40
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    purpose = "收费项目和计费方式；价格在「收费标准」里按执行日公布。按月计费的由计费批次算出应收。"
    column_list = ("name", "basis", "is_monthly", "usage", "meter_kind", "due_day", "rounding", "retired_at")
    column_searchable_list = ("name",)
    column_filters = ("name", "basis", "is_monthly", "usage")
    form_columns = ("name", "basis", "is_monthly", "usage", "meter_kind", "due_day", "rounding")
    verbs = (
        Verb(
            "retire",
            "停用",
            _retire,
            fits=lambda row: row.retired_at is None,
            permits=((None, Act.EDIT),),
            consequence="以后不再计费；已入账的应收不变。",
        ),
        Verb("restore", "恢复", _restore, fits=lambda row: row.retired_at is not None, permits=((None, Act.EDIT),)),
    )


class ChargeView(OfficeView):
    """应收."""

    area = Area.CHARGES
    path = "charges"
    group = "charges"
    order = 10
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "新增应收"
    purpose = "每户每项每期应缴的费用。期初欠费由导入带入。"
    column_list = ("unit", "owner", "charge_type", "period_from", "period_to", "due_on", "amount")
    column_searchable_list = ("unit.number", "owner.name")
    column_filters = ("unit.number", "owner.name", "charge_type.name", "period_from", "due_on", "amount")
    targets = {"unit": (Unit, ()), "owner": (Owner, ()), "charge_type": (ChargeType, ())}

    def get_create_form(self) -> Any:
        """Return the form a charge is posted with: the amount follows from the price list where it can."""
        asked: dict[str, Any] = {
            "unit": self.reference("unit", "房屋"),
            "charge_type": self.reference("charge_type", "收费项目"),
            "period_from": Day("费用起日", [required("费用起日")]),
            "period_to": Day("费用止日", [required("费用止日")]),
            "due_on": Day("应缴日", [required("应缴日")]),
            "amount": Amount(
                "应收金额", [], precision=14, scale=2, description="不填则按收费标准计算，不满整月的按天。"
            ),
            "owner": self.reference("owner", "缴费人", blank=True),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Post the charge; who owes it is the payer of the unit unless another is named."""
        owner = form["owner"].data
        return charges.post(
            self.session,
            form["unit"].data.id,
            form["charge_type"].data.id,
            (form["period_from"].data, form["period_to"].data),
            form["due_on"].data,
            amount=form["amount"].data,
            owner_id=owner.id if owner else None,
        )


VIEWS = ((ChargeView, Charge), (ChargeTypeView, ChargeType))
