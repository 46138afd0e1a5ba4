"""Where vehicles stand: spaces, vehicles, and who rents which space (B-K1)."""

from typing import Any

from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Amount, Day, Line, form_class, required
from admin.office_view import OfficeView
from tenant.models import Owner, ParkingLease, ParkingSpace, Vehicle
from tenant.rules.parking import parse_plate, parse_space_number
from tenant.rules.terms import Act, Area
from tenant.services import parking

KEPT = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})


class ParkingSpaceView(OfficeView):
    """车位."""

    area = Area.PARKING
    path = "parking_spaces"
    group = "places"
    order = 10
    acts = KEPT
    purpose = "管理处的每一个车位。通常由车位台账导入；车位租给谁，在「车位租赁」中办理。"
    column_list = ("number", "kind", "unit", "location", "area")
    column_searchable_list = ("number", "unit.number", "location")
    column_filters = ("number", "kind", "unit.number", "location")
    form_columns = ("number", "kind", "unit", "location", "area", "note")

    def check(self, row: Any) -> None:
        """Keep the number in one way, whatever way it was written."""
        row.number = parse_space_number(row.number)


class VehicleView(OfficeView):
    """车辆."""

    area = Area.PARKING
    path = "vehicles"
    group = "places"
    order = 20
    acts = KEPT
    purpose = "登记在房屋名下的车辆。一套房可以有几辆，一个车牌只登记一次。"
    column_list = ("plate", "unit", "holder_name", "holder_phone", "description")
    column_searchable_list = ("plate", "unit.number", "holder_name")
    column_filters = ("plate", "unit.number", "holder_name")
    form_columns = ("plate", "unit", "holder_name", "holder_phone", "description")

    def check(self, row: Any) -> None:
        """Keep the plate in one way, whatever way it was written."""
        row.plate = parse_plate(row.plate)


def _end(session: Any, row: Any, told: dict[str, Any]) -> str:
    """End a lease."""
    parking.end(session, row.id, told["to_on"])
    return f"车位 {row.parking_space} 的租赁到 {row.to_on} 为止。"


class ParkingLeaseView(OfficeView):
    """车位租赁."""

    area = Area.PARKING
    path = "parking_leases"
    group = "places"
    order = 30
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.EXPORT})
    create_label = "办理租赁"
    purpose = "车位从哪天起租给谁、每月多少元。换租时先办理止租，再为新的承租人办理租赁。"
    column_list = ("parking_space", "lessee_name", "vehicle", "monthly_rent", "from_on", "to_on")
    column_searchable_list = ("parking_space.number", "lessee_name", "vehicle.plate")
    column_filters = ("parking_space.number", "lessee_name", "monthly_rent", "from_on", "to_on")
    form_columns = ("lessee_name", "owner", "vehicle", "monthly_rent", "from_on", "to_on")
    targets = {"parking_space": (ParkingSpace, ()), "owner": (Owner, ()), "vehicle": (Vehicle, ())}
    verbs = (
        Verb(
            "end",
            "止租",
            _end,
            fields=lambda _: {"to_on": Day("止租日", [required("止租日")], description="最后一天，当天仍可停放。")},
            fits=lambda row: row.to_on is None,
            consequence="止租日之后车位可以租给别人；之前的租赁记录保留。",
        ),
    )

    def get_create_form(self) -> Any:
        """Return the form a space is let with."""
        asked: dict[str, Any] = {
            "parking_space": self.reference("parking_space", "车位"),
            "owner": self.reference("owner", "业主", blank=True),
            "lessee_name": Line("承租人", [Length(max=100)], description="业主本人承租可不填。"),
            "vehicle": self.reference("vehicle", "车辆", blank=True),
            "monthly_rent": Amount("月租（元）", [], precision=14, scale=2, description="不填即按公布的收费标准。"),
            "from_on": Day("起租日", [required("起租日")]),
            "to_on": Day("止租日", [], description="长期租用不填。"),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Let the space."""
        owner, vehicle = form["owner"].data, form["vehicle"].data
        return parking.let(
            self.session,
            form["parking_space"].data.id,
            (form["from_on"].data, form["to_on"].data),
            lessee_name=form["lessee_name"].data,
            owner_id=owner.id if owner else None,
            vehicle_id=vehicle.id if vehicle else None,
            monthly_rent=form["monthly_rent"].data,
        )

    def check(self, row: Any) -> None:
        """Let no two leases of a space share a day."""
        with self.session.no_autoflush:
            parking.check(self.session, row, row.parking_space)


VIEWS = ((ParkingSpaceView, ParkingSpace), (VehicleView, Vehicle), (ParkingLeaseView, ParkingLease))
