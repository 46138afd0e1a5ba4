"""Rows for tests: each function makes one valid row of its kind and takes what the test cares about."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from tenant.models import (
    Building,
    Charge,
    ChargeType,
    Company,
    Department,
    Estate,
    Office,
    Owner,
    Ownership,
    Payment,
    Posting,
    Section,
    Staff,
    Tariff,
    Unit,
)
from tenant.rules.terms import ChargeBasis, DepartmentKind, PaymentMethod, PostingLevel, Role

_numbers = count(1)
Row = TypeVar("Row")

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai on Monday 2 March 2026."""


def _add(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row


def company(session: Session, **columns: Any) -> Company:
    """Make a company."""
    number = next(_numbers)
    return _add(session, Company(**{"code": f"C{number}", "name": f"第 {number} 物业公司"} | columns))


def office(session: Session, **columns: Any) -> Office:
    """Make an office, of a new company unless one is given; its mails go one by one unless a test asks for a flood."""
    number = next(_numbers)
    if "company" not in columns and "company_id" not in columns:
        columns["company"] = company(session)
    return _add(session, Office(**{"code": f"O{number}", "name": f"第 {number} 管理处", "gather_after": 0} | columns))


def department(session: Session, office_id: int, **columns: Any) -> Department:
    """Make a department of an office."""
    values = {"name": f"部门 {next(_numbers)}", "kind": DepartmentKind.ENGINEERING} | columns
    return _add(session, Department(office_id=office_id, **values))


def staff(session: Session, **columns: Any) -> Staff:
    """Make a person with an invented name and address."""
    number = next(_numbers)
    values = {"login": f"person{number}", "name": f"员工{number}", "email": f"person{number}@wuguan.invalid"}
    return _add(session, Staff(**values | columns))


def posting(session: Session, person: Staff, role: Role, place: Office | Company | None, **columns: Any) -> Posting:
    """Post a person to an office, a company or (None) the group, since 2020."""
    values: dict[str, Any] = {"level": PostingLevel.GROUP}
    if isinstance(place, Office):
        values = {"level": PostingLevel.OFFICE, "office_id": place.id}
    elif isinstance(place, Company):
        values = {"level": PostingLevel.COMPANY, "company_id": place.id}
    return _add(session, Posting(staff=person, role=role, **values | {"from_on": date(2020, 1, 1)} | columns))


def estate(session: Session, office_id: int, **columns: Any) -> Estate:
    """Make an estate."""
    return _add(session, Estate(office_id=office_id, **{"name": f"苑 {next(_numbers)}"} | columns))


def building(session: Session, office_id: int, **columns: Any) -> Building:
    """Make a building, of a new estate unless one is given."""
    number = next(_numbers)
    if "estate" not in columns:
        columns["estate"] = estate(session, office_id)
    return _add(session, Building(office_id=office_id, **{"code": str(number), "name": f"{number}栋"} | columns))


def section(session: Session, office_id: int, **columns: Any) -> Section:
    """Make a section, of a new building unless one is given."""
    if "building" not in columns:
        columns["building"] = building(session, office_id)
    return _add(session, Section(office_id=office_id, **{"code": "1"} | columns))


def unit(session: Session, office_id: int, **columns: Any) -> Unit:
    """Make a unit, of a new building unless one is given."""
    number = next(_numbers)
    if "building" not in columns:
        columns["building"] = building(session, office_id)
    values = {"number": f"{number}-1-101", "room": "101", "floor": 1, "area": Decimal("88.50")}
    return _add(session, Unit(office_id=office_id, **values | columns))


def owner(session: Session, office_id: int, **columns: Any) -> Owner:
    """Make an owner with an invented name and a number that no network gives out."""
    number = next(_numbers)
    return _add(session, Owner(office_id=office_id, **{"name": f"业主{number}", "phone": f"199{number:08d}"} | columns))


def ownership(session: Session, unit_row: Unit, owner_row: Owner, **columns: Any) -> Ownership:
    """Make an owner own a unit."""
    return _add(session, Ownership(office_id=unit_row.office_id, unit=unit_row, owner=owner_row, **columns))


def charge_type(session: Session, office_id: int, **columns: Any) -> ChargeType:
    """Make a charge type priced by area, at 2.50 yuan since 2000 unless another ``price`` is given."""
    price = columns.pop("price", Decimal("2.50"))
    values = {"name": f"物业费 {next(_numbers)}", "basis": ChargeBasis.AREA}
    row = _add(session, ChargeType(office_id=office_id, **values | columns))
    _add(session, Tariff(office_id=office_id, charge_type_id=row.id, price=price, from_on=date(2000, 1, 1)))
    return row


def charge(session: Session, unit_row: Unit, owner_row: Owner, due_on: date, **columns: Any) -> Charge:
    """Make a charge of 100 yuan for the month before ``due_on``."""
    if "charge_type" not in columns:
        columns["charge_type"] = charge_type(session, unit_row.office_id)
    values = {"period_from": due_on, "period_to": due_on, "due_on": due_on, "amount": Decimal("100.00")}
    return _add(session, Charge(office_id=unit_row.office_id, unit=unit_row, owner=owner_row, **values | columns))


def payment(session: Session, owner_row: Owner, amount: Decimal, paid_on: date, **columns: Any) -> Payment:
    """Make a payment in cash."""
    values = {"receipt_number": f"{next(_numbers):08d}", "method": PaymentMethod.CASH}
    return _add(
        session,
        Payment(office_id=owner_row.office_id, owner=owner_row, amount=amount, paid_on=paid_on, **values | columns),
    )
