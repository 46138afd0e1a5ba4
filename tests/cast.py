"""The people of the tests, by name, and the two offices they must not see across.

``north`` belongs to the eastern company, ``south`` to the western. Each has the same posts filled. ``headquarters``
sees both, ``east_centre`` only the eastern company's; the ``stranger`` has no posting at all. Both offices hold a
unit, an owner and a ticket, so that a query without a WHERE always finds one row too many.
"""

from dataclasses import dataclass, field

from sqlalchemy import select

import make
from tenant.db import Database
from tenant.journal import Actor
from tenant.models import Company, Department, Office, Owner, Posting, Staff, Unit
from tenant.rules.terms import ActorKind, DepartmentKind, Role
from tenant.scoping import Scope, ScopedSession
from tenant.unscoped import Reason, across_offices

OFFICE_ROLES = (
    Role.DIRECTOR,
    Role.ASSISTANT,
    Role.SUPERVISOR,
    Role.FRONT_DESK,
    Role.DEPARTMENT_HEAD,
    Role.ENGINEERING_ASSISTANT,
    Role.TECHNICIAN,
    Role.FINANCE_ASSISTANT,
    Role.OFFICE_ADMIN,
)
COMPANY_ROLES = (Role.COMPANY_CENTRE, Role.GENERAL_MANAGER)
GROUP_ROLES = (Role.GROUP_CENTRE, Role.AUDITOR, Role.SYSTEM_ADMIN)


@dataclass
class House:
    """One office of the cast with what stands in it."""

    office: Office
    engineering: Department
    unit: Unit
    owner: Owner
    people: dict[Role, Posting] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The office's id."""
        return self.office.id

    def scope(self) -> Scope:
        """The scope of this office alone."""
        return Scope.of([self.office.id])

    def actor(self, role: Role) -> Actor:
        """The person in ``role`` as an actor."""
        post = self.people[role]
        return Actor(
            kind=ActorKind.PERSON, name=post.staff.name, staff_id=post.staff_id, posting_id=post.id, request_id="r-test"
        )


@dataclass
class Cast:
    """Everybody."""

    north: House
    south: House
    east: Company
    west: Company
    group: dict[Role, Posting]
    stranger: Staff


def hire_cast(database: Database) -> Cast:
    """Make and commit the cast."""
    with across_offices(database, Reason.SETTING_UP) as session:
        east, west = make.company(session, name="东区物业"), make.company(session, name="西区物业")
        places = ((east, "NORTH", "北苑管理处"), (west, "SOUTH", "南苑管理处"))
        houses = [furnish_house(session, *place) for place in places]
        for company in (east, west):
            for role in COMPANY_ROLES:
                person = make.staff(
                    session, login=f"{company.code}-{role.value}".lower(), name=f"{company.name}{role.label}"
                )
                make.posting(session, person, role, company)
        group = {
            role: make.posting(session, make.staff(session, login=role.value, name=role.label), role, None)
            for role in GROUP_ROLES
        }
        stranger = make.staff(session, login="stranger", name="路人")
        session.commit()
        return Cast(north=houses[0], south=houses[1], east=east, west=west, group=group, stranger=stranger)


def furnish_house(session: ScopedSession, company: Company, code: str, name: str) -> House:
    """Make an office with its people, a department, a unit and its owner."""
    office = make.office(session, company=company, code=code, name=name)
    engineering = make.department(session, office.id, name="工程部", kind=DepartmentKind.ENGINEERING)
    people = {}
    for role in OFFICE_ROLES:
        person = make.staff(session, login=f"{code}-{role.value}".lower(), name=f"{name[:2]}{role.label}")
        in_department = {"department": engineering} if role in {Role.DEPARTMENT_HEAD, Role.TECHNICIAN} else {}
        people[role] = make.posting(session, person, role, office, **in_department)
    unit = make.unit(session, office.id, number="1-1-101")
    owner = make.owner(session, office.id, email=f"owner@{code.lower()}.invalid")
    make.ownership(session, unit, owner)
    return House(office=office, engineering=engineering, unit=unit, owner=owner, people=people)


def units_seen(session: ScopedSession) -> set[str]:
    """Return the numbers of the units a session sees, for the plainest isolation claim."""
    return set(session.scalars(select(Unit.number)))
