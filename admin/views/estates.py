"""What is managed: estates, buildings, sections, units."""

from admin.office_view import OfficeView
from tenant.models import Building, Estate, Section, Unit
from tenant.rules.terms import Act, Area

KEPT = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})


class UnitView(OfficeView):
    """房屋."""

    area = Area.UNITS
    path = "units"
    group = "owners"
    order = 20
    acts = KEPT
    purpose = "管理处的每一套住宅、商铺、车位。通常由业主名册导入，也可以逐条新增。"
    column_list = ("number", "building", "section", "floor", "area", "usage", "handover_state")
    column_searchable_list = ("number", "room")
    column_filters = ("number", "building.name", "floor", "area", "usage", "handover_state", "handed_over_on")
    form_columns = (
        "building", "section", "number", "room", "floor", "area", "usage", "handover_state", "handed_over_on", "note",
    )  # fmt: skip


class BuildingView(OfficeView):
    """楼栋."""

    area = Area.UNITS
    path = "buildings"
    group = "owners"
    order = 40
    acts = KEPT
    purpose = "小区里的楼栋。房号的第一段就是楼栋编号。"
    column_list = ("code", "name", "estate")
    column_searchable_list = ("code", "name")
    column_filters = ("name", "estate.name")
    form_columns = ("estate", "code", "name")


class SectionView(OfficeView):
    """单元."""

    area = Area.UNITS
    path = "sections"
    group = "owners"
    order = 50
    acts = KEPT
    purpose = "楼栋里的单元，即一部楼梯或电梯。房号的中间一段就是单元编号。"
    column_list = ("building", "code")
    column_searchable_list = ("code",)
    column_filters = ("building.name",)
    form_columns = ("building", "code")


class EstateView(OfficeView):
    """小区."""

    area = Area.UNITS
    path = "estates"
    group = "owners"
    order = 60
    acts = KEPT
    purpose = "管理处所管的小区。"
    column_list = ("name", "address")
    column_searchable_list = ("name",)
    column_filters = ("name",)
    form_columns = ("name", "address")


VIEWS = ((UnitView, Unit), (BuildingView, Building), (SectionView, Section), (EstateView, Estate))
