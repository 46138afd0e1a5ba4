"""A desk of the cast at a stated time, and the two sweeps in small: for tests of what services promise."""

from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select

import make
from tenant import clock
from tenant.models import Clock, DueAction
from tenant.rules.terms import ContactMethod, DueState, Role
from tenant.services import complaints, contacts, dunning, escalations, requests

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@contextmanager
def at_desk(database, house, at=make.NOON, role=Role.FRONT_DESK):
    """Open a session of the house's office at ``at``; what it did is rolled back at its end unless it committed."""
    with database.session(house.scope(), house.actor(role)) as session, clock.at(at):
        yield session


def request(session, house, **fields):
    """Register a request about the house's unit."""
    matter = {"office_id": house.id, "unit_id": house.unit.id, "content": "厨房水管漏水"}
    return requests.register_request(session, **matter | fields)


def complaint(session, house, **fields):
    """Register a complaint about the house's engineering department."""
    matter = {"office_id": house.id, "unit_id": house.unit.id, "content": "维修后仍然漏水"}
    return complaints.register_complaint(session, department_id=house.engineering.id, **matter | fields)


def call(session, ticket_id, **said):
    """Speak with the customer by telephone."""
    return contacts.contact(session, ticket_id, ContactMethod.PHONE, **said)


def running(session, ticket_id):
    """Return the ticket's running clocks by kind."""
    found = session.scalars(
        select(Clock).where(Clock.ticket_id == ticket_id, Clock.met_at.is_(None), Clock.cancelled_at.is_(None))
    )
    return {row.kind: row for row in found}


def waiting(session, ticket_id):
    """Return the kinds of the ticket's clocks that somebody waits to be told of."""
    statement = (
        select(Clock.kind)
        .join(DueAction, DueAction.subject_id == Clock.id)
        .where(Clock.ticket_id == ticket_id, DueAction.subject_kind == "clock", DueAction.state == DueState.PENDING)
    )
    return set(session.scalars(statement))


def sweep_escalations(session, at):
    """Raise all that is due at ``at``, level after level, as the sweep does; return what was raised."""
    return _sweep(session, escalations.RULE, escalations.escalate, at)


def sweep_dunning(session, house, at):
    """Plan and take every step that is due at ``at`` in the house's office; return the notices taken."""
    with clock.at(at):
        dunning.plan_steps(session, house.id, at)
    return _sweep(session, dunning.RULE, dunning.take_step, at)


def _sweep(session, rule, take, at):
    results = []
    due = (
        select(DueAction)
        .where(DueAction.rule == rule, DueAction.state == DueState.PENDING, DueAction.due_at <= at)
        .order_by(DueAction.due_at, DueAction.id)
        .limit(1)
    )
    with clock.at(at):
        while (action := session.scalars(due).first()) is not None:
            result = take(session, action, at)
            action.state = DueState.CANCELLED if result is None else DueState.DONE
            session.flush()
            results += [] if result is None else [result]
    return results
