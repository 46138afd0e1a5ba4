"""The words for owners, units and the things that go with them."""

from tenant.rules.terms.term import Term


class OwnerKind(Term):
    """业主类别 — a person or an organisation."""

    PERSON = "person", "个人"
    COMPANY = "company", "单位"


class UnitUsage(Term):
    """房屋用途 — what a unit is used for."""

    RESIDENCE = "residence", "住宅"
    SHOP = "shop", "商铺"
    OFFICE = "office", "写字楼"
    PARKING = "parking", "车位"
    OTHER = "other", "其他"


class HandoverState(Term):
    """交房状态 — whether the unit has been handed over to its owner (A-M3)."""

    PENDING = "pending", "未交房"
    HANDED_OVER = "handed_over", "已交房"


class OccupantRelation(Term):
    """与业主关系 — how someone living in a unit stands to its owner."""

    OWNER = "owner", "业主本人"
    FAMILY = "family", "家属"
    RENTER = "renter", "租户"
    OTHER = "other", "其他"


class ParkingKind(Term):
    """车位类别 — whose a parking space is."""

    OWNED = "owned", "产权车位"
    CIVIL_DEFENCE = "civil_defence", "人防车位"
    COMMON = "common", "公共车位"


class MeterKind(Term):
    """表计种类 — what a meter counts: water and gas in m³, electricity in kWh, heat in GJ."""

    WATER = "water", "水表"
    ELECTRICITY = "electricity", "电表"
    GAS = "gas", "燃气表"
    HEAT = "heat", "热量表"
