"""References between records: looked up by typing, a few at a time, never outside the scope of who asks."""

from collections.abc import Sequence
from typing import Any, Final

from flask import g, has_request_context
from flask_admin.contrib.sqla.ajax import QueryAjaxModelLoader
from sqlalchemy import or_
from sqlalchemy.orm import DeclarativeBase, joinedload

from audit.redaction import mask_phone
from tenant.models import (
    Builder,
    Building,
    ChargeType,
    Company,
    Department,
    Estate,
    Meter,
    Office,
    OfficeScoped,
    Owner,
    ParkingSpace,
    Payment,
    Posting,
    Section,
    Staff,
    Ticket,
    Topic,
    Unit,
    Vehicle,
)
from tenant.services import topics

MOST_AT_ONCE: Final = 20
FURTHEST: Final = 1000
LARGEST_ID: Final = 2**63 - 1

LOOKED_UP_BY: Final[dict[type[DeclarativeBase], tuple[Any, ...]]] = {
    Builder: (Builder.name,),
    Building: (Building.name, Building.code),
    ChargeType: (ChargeType.name,),
    Company: (Company.name, Company.code),
    Department: (Department.name,),
    Estate: (Estate.name,),
    Meter: (Meter.number,),
    Office: (Office.name, Office.code),
    Owner: (Owner.name, Owner.phone),
    ParkingSpace: (ParkingSpace.number,),
    Payment: (Payment.receipt_number,),
    Posting: (Staff.name,),
    Section: (Building.name, Section.code),
    Staff: (Staff.name, Staff.login),
    Ticket: (Ticket.number, Ticket.content),
    Topic: (Topic.name,),
    Unit: (Unit.number,),
    Vehicle: (Vehicle.plate,),
}
"""By which columns a record is found when it is referred to from another's form."""

JOINED_FOR_LOOKUP: Final[dict[type[DeclarativeBase], Any]] = {Posting: Posting.staff, Section: Section.building}

SPOKEN_WITH: Final[dict[str, tuple[str, ...]]] = {
    "Absence": ("posting",),
    "Allocation": ("payment", "charge"),
    "Charge": ("charge_type",),
    "Complaint": ("ticket",),
    "Defect": ("ticket",),
    "Duty": ("shift",),
    "Escalation": ("ticket",),
    "MeterReading": ("meter",),
    "Ownership": ("unit", "owner"),
    "ParkingLease": ("parking_space",),
    "Posting": ("staff",),
    "Section": ("building",),
    "LogEntry": ("ticket",),
    "QuoteLine": ("request",),
    "ServiceRequest": ("ticket",),
}
"""Which relations a record needs to say its own name: loaded with it, or a page of fifty asks fifty times."""


def parse_id(text: object) -> int | None:
    """Return the id that ``text`` spells, None for anything that is no id of a row (``1,2``, ``-1``, 2**64)."""
    spelled = str(text)
    if not (spelled.isascii() and spelled.isdigit()) or len(spelled) > len(str(LARGEST_ID)):
        return None
    number = int(spelled)
    return number if 0 < number <= LARGEST_ID else None


def spoken(row: Any) -> str:
    """Return how a record is called in a list of candidates: enough to tell two of one name apart."""
    if isinstance(row, Owner) and row.phone:
        return f"{row.name}（{mask_phone(row.phone)}）"
    if isinstance(row, Topic):
        return f"{topics.path_of(row)}（较急）" if row.urgent else topics.path_of(row)
    if isinstance(row, Ticket):
        return f"{row.number} {row.content[:20]}"
    if isinstance(row, Section):
        return f"{row.building.name} {row}"
    return str(row)


def goes_with(topic: Topic) -> dict[str, Any]:
    """Return what a form may fill in where a topic is chosen, by field: category, urgency, department."""
    found: dict[str, Any] = {"urgent": topic.urgent}
    if topic.category is not None:
        found["category"] = topic.category.value
    if topic.department is not None:
        found["department"] = [topic.department.id, spoken(topic.department)]
    return found


class ReferenceLoader(QueryAjaxModelLoader):
    """Finds the records one form may refer to; what it would not list it does not accept either."""

    def __init__(self, name: str, session: Any, model: type[DeclarativeBase], conditions: Sequence[Any] = ()) -> None:
        """Look for rows of ``model`` that meet ``conditions``."""
        super().__init__(name, session, model, fields=LOOKED_UP_BY[model], placeholder="输入文字查找")
        self.conditions = tuple(conditions)

    def format(self, model: Any) -> tuple[Any, ...] | None:
        """Return id and words of a record, and of a topic what goes with it; None for none."""
        if not model:
            return None
        return (model.id, spoken(model), goes_with(model)) if isinstance(model, Topic) else (model.id, spoken(model))

    def get_query(self) -> Any:
        """Return the query for what may be referred to: in scope, and in the office of the record being filled in."""
        query = self.session.query(self.model)
        for name in SPOKEN_WITH.get(self.model.__name__, ()):
            query = query.options(joinedload(getattr(self.model, name)))
        joined = JOINED_FOR_LOOKUP.get(self.model)
        if joined is not None:
            query = query.join(joined)
        office_id = g.get("form_office_id") if has_request_context() else None
        if office_id is not None and issubclass(self.model, OfficeScoped):
            query = query.filter(self.model.office_id == office_id)
        return query.filter(*self.conditions)

    def get_one(self, pk: Any) -> Any:
        """Return the record with this id if it may be referred to, None for any other."""
        number = parse_id(pk)
        if number is None:
            return None
        with self.session.no_autoflush:
            return self.get_query().filter(self.model.id == number).one_or_none()

    def get_list(self, term: str | None, offset: int | None = 0, limit: int | None = MOST_AT_ONCE) -> list[Any]:
        """Return some records that have ``term`` in them, at most 20 at a time."""
        words = (term or "").strip().replace("\x00", "")
        query = self.get_query()
        if words:
            query = query.filter(or_(*(field.icontains(words, autoescape=True) for field in self._cached_fields)))
        start = min(max(offset or 0, 0), FURTHEST)
        found: list[Any] = (
            query.order_by(self.model.id).offset(start).limit(min(max(limit or 0, 1), MOST_AT_ONCE)).all()
        )
        return found
