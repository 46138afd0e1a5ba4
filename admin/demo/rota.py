"""The invented offices' shifts, three weeks of their rota, and somebody who is away (B-S1, A-O3)."""

from datetime import date, timedelta

from sqlalchemy import select

from tenant import clock
from tenant.models import Absence, Duty, Posting
from tenant.rules.terms import Role
from tenant.scoping import ScopedSession
from tenant.services import duties

WEEKS = 3
AT_NOON, AT_NIGHT = (Role.FRONT_DESK,), (Role.TECHNICIAN, Role.DEPARTMENT_HEAD, Role.ENGINEERING_ASSISTANT)


def build(session: ScopedSession, office_id: int) -> None:
    """Give the office the usual shifts and fill them from last week to next; the last night is left for the user."""
    today = clock.today()
    first = today - timedelta(days=today.weekday() + 7)
    noon, night = duties.take_usual(session, office_id)
    for shift, roles in ((noon, AT_NOON), (night, AT_NIGHT)):
        people = _people(session, office_id, roles)
        for n in range(WEEKS * 7 - (shift is night)):
            _put(session, office_id, shift.id, first + timedelta(days=n), people[n % len(people)])
    away, instead = _people(session, office_id, (Role.TECHNICIAN,))[:2]
    begins = first + timedelta(days=15)
    session.add(
        Absence(
            office_id=office_id,
            posting_id=away.id,
            from_on=begins,
            to_on=begins + timedelta(days=2),
            substitute_id=instead.id,
            note="年假",
        )
    )
    session.flush()


def _people(session: ScopedSession, office_id: int, roles: tuple[Role, ...]) -> list[Posting]:
    statement = select(Posting).where(Posting.office_id == office_id, Posting.role.in_(roles)).order_by(Posting.id)
    return list(session.scalars(statement))


def _put(session: ScopedSession, office_id: int, shift_id: int, day: date, posting: Posting) -> None:
    session.add(Duty(office_id=office_id, shift_id=shift_id, duty_on=day, posting_id=posting.id))
