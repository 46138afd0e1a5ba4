"""What every table is made of: naming, the office key, coded columns, composite references.

A class says on which side of the wall it stands by its base:

========================  =============================================================================
:class:`OfficeScoped`     belongs to one office; ``office_id NOT NULL``; the usual case
:class:`OfficeOptional`   belongs to one office or, with ``office_id`` NULL, to headquarters alone
:class:`GroupShared`      the group's; every office reads it, only the group's own sessions write it
:class:`GroupOnly`        the group's; an office session neither reads nor writes it
========================  =============================================================================

A class with none of them is refused when the models are configured.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    Numeric,
    Table,
    UniqueConstraint,
    event,
    func,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Mapper,
    declared_attr,
    mapped_column,
    relationship,
)

from tenant.rules.terms import Term

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

MONEY = Numeric(14, 2)
AREA = Numeric(12, 2)


class Base(DeclarativeBase):
    """The root of all tables: times with zone, money as Decimal, one naming convention."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        Decimal: MONEY,
        int: BigInteger,
    }

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, sort_order=-10, doc="编号")


class Walled(Base):
    """What the wall between offices runs along: a row with an office."""

    __abstract__ = True
    wall_column: ClassVar[str] = "office_id"
    kept_by_group: ClassVar[bool] = False
    """True: offices read their rows, only the group's own sessions write them."""

    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"), sort_order=-9, doc="管理处")


class OfficeScoped(Walled):
    """A row of one office. References between such rows are composite, so that a foreign row cannot be named."""

    __abstract__ = True

    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"), sort_order=-9, doc="管理处")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90, doc="建立时间")
    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=91, doc="版本")

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Count each change in ``version``: a form carries it, so that a stale edit is seen."""
        return {"version_id_col": cls.version, "eager_defaults": True}


class OfficeOptional(Walled):
    """A row of one office or, with no office, of headquarters: an office session never sees the latter."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90, doc="建立时间")


class GroupShared(Base):
    """A row of the group that every office may read; written only through headquarters' role."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90, doc="建立时间")


class GroupOnly(Base):
    """A row of the group that no office session sees."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90, doc="建立时间")


def office_ref(target: str, **options: Any) -> Mapped[Any]:  # noqa: ANN401 - mapped_column's own
    """Return a column naming a row of table ``target`` in the same office.

    When the class is mapped the column gets a composite foreign key ``(office_id, column)`` and an index beginning
    with ``office_id``: a row of another office cannot be referenced, whatever wrote the number.
    """
    return mapped_column(BigInteger, info={"office_ref": target}, **options)


def refer(column: str, target: str, **options: Any) -> Mapped[Any]:  # noqa: ANN401 - relationship's own
    """Return the many-to-one relationship for ``"Class.column"`` made by :func:`office_ref`.

    Only the column is joined; the office half of the key is held by the composite constraint and by the wall.
    """
    return relationship(target, primaryjoin=f"foreign({column}) == {target}.id", **options)


def coded(terms: type[Term], name: str) -> Enum:
    """Return the column type that stores ``terms`` by value behind a CHECK constraint called ``name``."""
    return Enum(
        terms,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda cls: [member.value for member in cls],
    )


def personal(**options: object) -> dict[str, object]:
    """Return the ``info`` of a column that holds personal data: masked in the record and on the screen (B-O5)."""
    return {"personal": True, **options}


@event.listens_for(Base, "mapper_configured", propagate=True)
def _remember_old_values(mapper: Mapper[Any], cls: type[Base]) -> None:
    """Let every column know its old value when it is set, so that the record can say what was there (B-O5).

    An expired column is read again first. Deferred columns are left alone: they are large or secret.
    """
    for attribute in mapper.column_attrs:
        if not attribute.deferred:
            getattr(cls, attribute.key).impl.active_history = True


@event.listens_for(Base, "instrument_class", propagate=True)
def _bind_to_office(mapper: Mapper[Any], cls: type[Base]) -> None:
    """Give a mapped table its office keys: ``UNIQUE (office_id, id)`` and the composite references."""
    table = mapper.local_table
    if not isinstance(table, Table):
        return
    if not issubclass(cls, Walled | GroupShared | GroupOnly):
        sides = "OfficeScoped, OfficeOptional, GroupShared or GroupOnly"
        message = f"{cls.__name__} stands on no side of the wall: give it {sides}"
        raise TypeError(message)
    if "office_id" not in table.c:
        return
    table.append_constraint(UniqueConstraint("office_id", "id"))
    for column in list(table.c):
        target = column.info.get("office_ref")
        if target:
            _reference(table, column, target)


def _reference(table: Table, column: Column[Any], target: str) -> None:
    table.append_constraint(ForeignKeyConstraint(["office_id", column.name], [f"{target}.office_id", f"{target}.id"]))
    Index(None, table.c.office_id, column)
    if table.c.office_id.nullable:  # a composite key with a NULL in it is not checked at all
        table.append_constraint(
            CheckConstraint(f"{column.name} IS NULL OR office_id IS NOT NULL", name=f"{column.name}_has_an_office")
        )
