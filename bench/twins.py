"""The same tables mapped once more, plainly: what a program without any wall would work with.

The product's own classes refuse to be loaded by a session that has no scope, so a peer needs classes of its own.
"""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import registry, relationship

from tenant.models import Owner, Ownership, Unit

plain = registry()


class PlainOwner:
    """A row of ``owner``."""

    id: Any
    office_id: Any
    name: Any


class PlainUnit:
    """A row of ``unit``."""

    id: Any
    office_id: Any
    number: Any


class PlainOwnership:
    """A row of ``ownership``."""

    id: Any
    office_id: Any
    unit: Any
    owner: Any


def _table(model: type) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # declared by SQLAlchemy
    return table


ownership = _table(Ownership)
plain.map_imperatively(PlainOwner, _table(Owner))
plain.map_imperatively(PlainUnit, _table(Unit))
plain.map_imperatively(
    PlainOwnership,
    ownership,
    properties={
        "unit": relationship(PlainUnit, primaryjoin=ownership.c.unit_id == _table(Unit).c.id, viewonly=True),
        "owner": relationship(PlainOwner, primaryjoin=ownership.c.owner_id == _table(Owner).c.id, viewonly=True),
    },
)
