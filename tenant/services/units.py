"""Finding units by the number every desk knows them by."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant.errors import NotFound
from tenant.models import Unit
from tenant.rules.numbers import parse_unit_number


def by_number(session: Session, office_id: int, number: str) -> Unit:
    """Return the office's unit with this number as it is stored, else as typed (``5栋1单元101室``).

    Raises Refusal for what is no number, NotFound for one the office has not.
    """
    of_this_number = select(Unit).where(Unit.office_id == office_id)
    unit = session.scalars(of_this_number.where(Unit.number == number.strip())).one_or_none()
    if unit is None:
        plain = str(parse_unit_number(number))
        unit = session.scalars(of_this_number.where(Unit.number == plain)).one_or_none()
        if unit is None:
            raise unknown(plain)
    return unit


def of_office(session: Session, office_id: int, unit_id: int) -> Unit:
    """Return the office's unit with this id. Raises NotFound for one the office has not, foreign or missing."""
    unit = session.scalars(select(Unit).where(Unit.office_id == office_id, Unit.id == unit_id)).one_or_none()
    if unit is None:
        raise unknown(str(unit_id))
    return unit


def unknown(value: str) -> NotFound:
    """Return the refusal of a unit: the same for a missing and a foreign one."""
    message = f"本管理处没有房屋「{value}」。请核对房号，或先在「业主与房屋」中登记该房屋。"
    return NotFound(code="unknown_unit", message=message, field="unit", value=value)
