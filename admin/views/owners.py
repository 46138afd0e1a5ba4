"""Whose it is and who lives there: owners, ownerships, occupants."""

from admin.office_view import OfficeView
from tenant.models import Occupant, Owner, Ownership
from tenant.rules.terms import Act, Area

KEPT = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})


class OwnerView(OfficeView):
    """业主."""

    area = Area.OWNERS
    path = "owners"
    group = "owners"
    order = 10
    acts = KEPT
    purpose = "房屋的业主。通常由业主名册导入；同名的人不会自动合并。"
    column_list = ("name", "kind", "phone", "id_number", "email")
    column_searchable_list = ("name", "phone", "id_number")
    column_filters = ("name", "kind", "phone")
    form_columns = ("name", "kind", "phone", "other_phones", "id_number", "email", "address", "note")


class OwnershipView(OfficeView):
    """产权."""

    area = Area.OWNERS
    path = "ownerships"
    group = "owners"
    order = 30
    acts = KEPT
    purpose = "谁从哪天起拥有哪套房屋的多少份额。过户时给原业主填截止日，再为新业主新增一条。"
    column_list = ("unit", "owner", "share", "is_payer", "from_on", "to_on")
    column_searchable_list = ("unit.number", "owner.name")
    column_filters = ("unit.number", "owner.name", "is_payer", "from_on", "to_on")
    form_columns = ("unit", "owner", "share", "is_payer", "from_on", "to_on")


class OccupantView(OfficeView):
    """住户."""

    area = Area.OWNERS
    path = "occupants"
    group = "owners"
    order = 35
    acts = KEPT
    purpose = "住在房屋里的人：业主本人、家属、租户。"
    column_list = ("unit", "name", "phone", "relation", "from_on", "to_on")
    column_searchable_list = ("name", "phone", "unit.number")
    column_filters = ("unit.number", "name", "relation", "from_on", "to_on")
    form_columns = ("unit", "name", "phone", "relation", "from_on", "to_on")


VIEWS = ((OwnerView, Owner), (OwnershipView, Ownership), (OccupantView, Occupant))
