"""What is counted: meters and what they showed."""

from decimal import Decimal
from typing import Any

from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Amount, Day, Line, form_class, required
from admin.office_view import OfficeView
from tenant.models import Meter, MeterReading
from tenant.rules.terms import Act, Area
from tenant.services import meters

KEPT = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})


class MeterView(OfficeView):
    """表计."""

    area = Area.METERS
    path = "meters"
    group = "places"
    order = 40
    acts = KEPT
    purpose = "水表、电表、燃气表和热量表。通常由抄表记录导入；公共区域的表不填房屋。"
    column_list = ("number", "kind", "unit", "location", "factor", "full_scale")
    column_searchable_list = ("number", "unit.number", "location")
    column_filters = ("number", "kind", "unit.number", "location")
    form_columns = ("kind", "number", "unit", "location", "factor", "full_scale")


def _reading_fields(_view: Any) -> dict[str, Any]:
    return {
        "shown": Amount("读数", [required("读数")], precision=14, scale=3),
        "note": Line("备注", [Length(max=meters.LONGEST_NOTE)]),
    }


def _correct(session: Any, row: Any, told: dict[str, Any]) -> str:
    """Put a reading right."""
    meters.correct(session, row.id, told["shown"], told["note"])
    return f"已把{row}的读数改为 {_figure(row.shown)}。"


class MeterReadingView(OfficeView):
    """抄表记录."""

    area = Area.METERS
    path = "meter_readings"
    group = "places"
    order = 50
    acts = frozenset({Act.VIEW, Act.CREATE, Act.DELETE, Act.EXPORT})
    create_label = "抄表"
    purpose = "表在某一天的读数。用量是与上一次读数之差乘以倍率；小于上次的读数不能保存。"
    column_list = ("meter", "meter.unit", "read_on", "shown", "usage", "note")
    extra_labels = {"usage": "用量", "meter.unit": "房屋"}
    column_searchable_list = ("meter.number",)
    column_filters = ("meter.number", "meter.kind", "read_on", "shown")
    column_default_sort = ("read_on", True)
    targets = {"meter": (Meter, ())}
    verbs = (
        Verb(
            "correct",
            "更正读数",
            _correct,
            fields=_reading_fields,
            permits=((None, Act.EDIT),),
            consequence="原来的读数留在记录里；之后的用量随之改变。",
        ),
    )

    def get_create_form(self) -> Any:
        """Return the form a meter is read with."""
        asked: dict[str, Any] = {
            "meter": self.reference("meter", "表计"),
            "read_on": Day("抄表日期", [required("抄表日期")]),
            **_reading_fields(self),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Write the reading down."""
        return meters.read(
            self.session, form["meter"].data.id, form["read_on"].data, form["shown"].data, form["note"].data
        )

    def prepare(self, rows: list[Any]) -> None:
        """Work out at once what was used up to each reading of the page."""
        for reading_id, usage in meters.usages(self.session, rows).items():
            next(row for row in rows if row.id == reading_id).used = usage

    def show_usage(self, row: Any) -> Decimal | None:
        """Return what was used since the reading before."""
        usage: meters.Usage | None = getattr(row, "used", None)
        return Decimal(_figure(usage.amount)) if usage else None


def _figure(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


VIEWS = ((MeterView, Meter), (MeterReadingView, MeterReading))
