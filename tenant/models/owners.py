"""Whose it is and who lives there: owner, ownership, occupant."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, personal, refer
from tenant.models.estates import Unit
from tenant.rules.terms import OccupantRelation, OwnerKind


class Owner(OfficeScoped):
    """业主 — a person or organisation that owns units of this office.

    ``id_number`` is the upper-case 18-digit ID, or another document's number; None where the office has none. Nobody
    is merged with anybody on the name alone.
    """

    __tablename__ = "owner"
    __table_args__ = (
        Index(
            "uq_owner_office_id_id_number",
            "office_id",
            "id_number",
            unique=True,
            postgresql_where=text("id_number IS NOT NULL"),
        ),
        Index("ix_owner_office_id_name", "office_id", "name"),
        Index("ix_owner_office_id_phone", "office_id", "phone"),
    )

    name: Mapped[str] = mapped_column(String(100), info=personal(), doc="姓名")
    kind: Mapped[OwnerKind] = mapped_column(coded(OwnerKind, "kind"), default=OwnerKind.PERSON, doc="类别")
    phone: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="联系电话")
    other_phones: Mapped[str | None] = mapped_column(String(200), info=personal(), doc="其他电话")
    id_number: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="证件号码")
    email: Mapped[str | None] = mapped_column(String(254), info=personal(), doc="邮箱")
    address: Mapped[str | None] = mapped_column(String(200), info=personal(), doc="通讯地址")
    note: Mapped[str | None] = mapped_column(String(500), doc="备注")

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Ownership(OfficeScoped):
    """产权 — that an owner holds a share of a unit from a day to a day.

    ``share`` is a fraction of one; ``from_on`` None: since before the office kept records; ``to_on`` is the last day,
    None while it lasts. A unit's charges go to the owner at ``is_payer`` (one of the co-owners).
    """

    __tablename__ = "ownership"
    __table_args__ = (
        CheckConstraint("share > 0 AND share <= 1", name="share_is_a_fraction"),
        CheckConstraint("from_on IS NULL OR to_on IS NULL OR to_on >= from_on", name="ends_after_it_begins"),
        Index(
            "uq_ownership_current",
            "office_id",
            "unit_id",
            "owner_id",
            unique=True,
            postgresql_where=text("to_on IS NULL"),
        ),
    )

    unit_id: Mapped[int] = office_ref("unit", doc="房屋")
    owner_id: Mapped[int] = office_ref("owner", doc="业主")
    share: Mapped[Decimal] = mapped_column(Numeric(7, 6), default=Decimal(1), doc="份额")
    is_payer: Mapped[bool] = mapped_column(default=True, server_default="true", doc="缴费人")
    from_on: Mapped[date | None] = mapped_column(doc="起始日")
    to_on: Mapped[date | None] = mapped_column(doc="截止日")

    unit: Mapped[Unit] = refer("Ownership.unit_id", "Unit")
    owner: Mapped[Owner] = refer("Ownership.owner_id", "Owner")

    def __str__(self) -> str:
        """Return unit and owner."""
        return f"{self.unit} {self.owner}"


class Occupant(OfficeScoped):
    """住户 — someone who lives or works in a unit, from a day to a day; need not own it."""

    __tablename__ = "occupant"

    unit_id: Mapped[int] = office_ref("unit", doc="房屋")
    name: Mapped[str] = mapped_column(String(100), info=personal(), doc="姓名")
    phone: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="联系电话")
    relation: Mapped[OccupantRelation] = mapped_column(
        coded(OccupantRelation, "relation"), default=OccupantRelation.RENTER, doc="与业主关系"
    )
    from_on: Mapped[date | None] = mapped_column(doc="起始日")
    to_on: Mapped[date | None] = mapped_column(doc="截止日")

    unit: Mapped[Unit] = refer("Occupant.unit_id", "Unit")

    def __str__(self) -> str:
        """Return the name."""
        return self.name
