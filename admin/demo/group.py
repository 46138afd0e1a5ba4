"""The invented group's companies, offices, departments and people."""

from dataclasses import dataclass
from datetime import date, time
from random import Random

from sqlalchemy import select

from admin.demo import invented
from tenant import clock
from tenant.calendars import months_after
from tenant.models import Company, Department, Office, Posting, Staff
from tenant.rules.terms import DepartmentKind, PostingLevel, Role
from tenant.scoping import ScopedSession


@dataclass(frozen=True, slots=True)
class OfficePlan:
    """An office of the invented group: how many units it has, and how its buildings are laid out."""

    code: str
    name: str
    company: str
    estate: str
    units: int
    sections: int
    floors: int
    per_floor: int


COMPANIES = {"DH": "东湖物业服务有限公司", "XS": "西山物业服务有限公司"}
OFFICES = (
    OfficePlan("DH01", "云栖里管理处", "DH", "云栖里", 300, 2, 6, 2),
    OfficePlan("DH02", "望湖苑管理处", "DH", "望湖苑", 720, 2, 11, 2),
    OfficePlan("DH03", "金桂城管理处", "DH", "金桂城", 3000, 3, 18, 4),
    OfficePlan("XS01", "松风阁管理处", "XS", "松风阁", 480, 2, 8, 2),
    OfficePlan("XS02", "听泉府管理处", "XS", "听泉府", 1500, 3, 15, 2),
)
DEPARTMENTS = {
    DepartmentKind.ENGINEERING: "工程部",
    DepartmentKind.SECURITY: "秩序部",
    DepartmentKind.CLEANING: "保洁部",
    DepartmentKind.SERVICE: "客服部",
    DepartmentKind.FINANCE: "财务部",
}
OFFICE_POSTS = (
    (Role.DIRECTOR, None, 1),
    (Role.ASSISTANT, None, 1),
    (Role.SUPERVISOR, DepartmentKind.SERVICE, 1),
    (Role.FRONT_DESK, DepartmentKind.SERVICE, 2),
    (Role.DEPARTMENT_HEAD, DepartmentKind.ENGINEERING, 1),
    (Role.DEPARTMENT_HEAD, DepartmentKind.SECURITY, 1),
    (Role.DEPARTMENT_HEAD, DepartmentKind.CLEANING, 1),
    (Role.DEPARTMENT_HEAD, DepartmentKind.SERVICE, 1),
    (Role.ENGINEERING_ASSISTANT, DepartmentKind.ENGINEERING, 1),
    (Role.TECHNICIAN, DepartmentKind.ENGINEERING, 2),
    (Role.FINANCE_ASSISTANT, DepartmentKind.FINANCE, 1),
    (Role.OFFICE_ADMIN, None, 1),
)
COMPANY_POSTS = (Role.COMPANY_CENTRE, Role.GENERAL_MANAGER)
GROUP_POSTS = (Role.GROUP_CENTRE, Role.AUDITOR, Role.SYSTEM_ADMIN)


class Hiring:
    """Hires invented people, each with the demo's password and a login that says place and role."""

    def __init__(self, session: ScopedSession, random: Random, password_hash: str) -> None:
        """Keep what every hire needs."""
        self.session = session
        self.random = random
        self.password_hash = password_hash
        self.logins: set[str] = set()

    def hire(self, place: Office | Company | None, role: Role, department: Department | None = None) -> None:
        """Make a person and post them to ``place``, None for the group."""
        prefix = "" if place is None else f"{place.code.lower()}."
        login, serial = f"{prefix}{role.value}", 1
        while login in self.logins:
            serial += 1
            login = f"{prefix}{role.value}{serial}"
        self.logins.add(login)
        person = Staff(
            login=login,
            name=invented.person(self.random),
            email=f"{login}@staff.invalid",
            phone=invented.phone(self.random),
            password_hash=self.password_hash,
            password_changed_at=clock.now(),
            must_change_password=False,
        )
        where: dict[str, object] = {"level": PostingLevel.GROUP}
        if isinstance(place, Office):
            where = {"level": PostingLevel.OFFICE, "office_id": place.id}
        elif isinstance(place, Company):
            where = {"level": PostingLevel.COMPANY, "company_id": place.id}
        self.session.add(Posting(staff=person, role=role, from_on=_a_year_ago(), department=department, **where))


def build(session: ScopedSession, random: Random, password_hash: str) -> None:
    """Make the whole organisation; does nothing where it is there already."""
    if session.scalar(select(Company.id).where(Company.code.in_(COMPANIES)).limit(1)):
        return
    hiring = Hiring(session, random, password_hash)
    companies = {code: Company(code=code, name=name) for code, name in COMPANIES.items()}
    session.add_all(companies.values())
    session.flush()
    for role in GROUP_POSTS:
        hiring.hire(None, role)
    for company in companies.values():
        for role in COMPANY_POSTS:
            hiring.hire(company, role)
    for plan in OFFICES:
        # invented owners do not sleep: their reminders are to be seen at whatever hour somebody tries the product
        awake = {"quiet_from": time(0), "quiet_until": time(0)}
        office = Office(code=plan.code, name=plan.name, company=companies[plan.company], phone="100-0000-0000", **awake)
        session.add(office)
        session.flush()
        _staff_office(session, hiring, office)
    session.flush()


def _staff_office(session: ScopedSession, hiring: Hiring, office: Office) -> None:
    departments = {kind: Department(office_id=office.id, name=name, kind=kind) for kind, name in DEPARTMENTS.items()}
    session.add_all(departments.values())
    session.flush()
    for role, kind, number in OFFICE_POSTS:
        for _ in range(number):
            hiring.hire(office, role, departments[kind] if kind else None)


def _a_year_ago() -> date:
    return months_after(clock.today(), -12)
