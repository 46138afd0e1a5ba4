"""Who has to see to a complaint hears of it as soon as it is graded, once for each grading (A-C7, A-C4a, A-C4b).

What is to be told is planned in the transaction that grades; here it is looked at again, under the ticket's lock, and
told by whoever runs this. A complaint that becomes grave after it came is told of by the clock that makes it so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import policy
from tenant.models import Complaint, DueAction, Office, Ticket, Unit
from tenant.rules.gravity import route_for
from tenant.rules.terms import Gravity, Role
from tenant.services import clockwork, postings
from tenant.services.lookups import find
from tenant.services.postings import Recipient

RULE = "routing"
SUBJECT = "complaint"
_GRAVITY = "gravity"


@dataclass(frozen=True, slots=True)
class Routed:
    """A complaint as the mail to those who must see to it needs it; ``received_at`` in UTC.

    ``tell`` are the roles to be told, the one who takes it up first; ``above`` those told where nobody holds the
    former. ``grading`` counts the gradings that were told of.
    """

    office_id: int
    office_name: str
    zone: str
    ticket_id: int
    number: str
    grading: int
    gravity: Gravity
    tell: tuple[Role, ...]
    above: tuple[Role, ...]
    source: str
    content: str
    demand: str
    about: str
    place: str
    why: str
    harm: bool
    received_at: datetime


def plan(session: Session, complaint: Complaint, at: datetime) -> None:
    """Plan at ``at`` that those hear of the complaint who must see to it as it is graded now, the ticket locked."""
    if complaint.gravity is Gravity.INVALID:
        return
    planned = select(func.count(DueAction.id)).where(
        DueAction.office_id == complaint.office_id,
        DueAction.rule == RULE,
        DueAction.subject_kind == SUBJECT,
        DueAction.subject_id == complaint.id,
    )
    clockwork.plan(
        session,
        office_id=complaint.office_id,
        rule=RULE,
        subject_kind=SUBJECT,
        subject_id=complaint.id,
        due_at=at,
        cycle=str(session.scalars(planned).one() + 1),
        facts={_GRAVITY: complaint.gravity.value},
    )


def cancel(session: Session, complaint: Complaint) -> None:
    """Let nobody be told any more of how the complaint was graded before."""
    clockwork.cancel(session, office_id=complaint.office_id, subject_kind=SUBJECT, subject_id=complaint.id, rule=RULE)


def route(session: Session, action: DueAction) -> Routed | None:
    """Return what is to be told and to whom; None where it is done, over or graded otherwise meanwhile."""
    ticket_id = session.scalars(select(Complaint.ticket_id).where(Complaint.id == action.subject_id)).one_or_none()
    if ticket_id is None:
        return None
    ticket = find(session, Ticket, ticket_id, field="ticket", lock=True)
    complaint = find(session, Complaint, action.subject_id, field="complaint")
    if ticket.closed_at is not None or ticket.done_at is not None:
        return None
    if complaint.gravity.value != action.facts.get(_GRAVITY):
        return None
    return _facts(session, complaint, ticket, int(action.cycle))


def roles(gravity: Gravity) -> tuple[Role, ...]:
    """Return who is told of a complaint of this gravity, the one who takes it up first (A-C7).

    Those who must be informed are told with it where they must have it within a time (A-C4a, A-C4b); of an ordinary
    one the director hears from who takes it up.
    """
    found = route_for(policy.gravities(), gravity)
    informed = () if gravity is Gravity.ORDINARY else found.informs
    return tuple(dict.fromkeys((found.handler, *informed)))


def recipients(group_session: Session, routed: Routed, day: date) -> list[Recipient]:
    """Return who is written to on ``day``, once each; where nobody of ``tell`` can be, the first of ``above``."""
    found = _holders(group_session, routed, routed.tell, day)
    for role in routed.above:
        if found:
            break
        found = _holders(group_session, routed, (role,), day)
    return list(found.values())


def _holders(group_session: Session, routed: Routed, asked: Iterable[Role], day: date) -> dict[str, Recipient]:
    found: dict[str, Recipient] = {}
    for role in asked:
        for person in postings.recipients(group_session, routed.office_id, role, day):
            found.setdefault(person.address, person)
    return found


def _facts(session: Session, complaint: Complaint, ticket: Ticket, grading: int) -> Routed:
    office = find(session, Office, ticket.office_id, field="office")
    place = ticket.location or ""
    if ticket.unit_id is not None:
        place = session.scalars(select(Unit.number).where(Unit.id == ticket.unit_id)).one()
    way = route_for(policy.gravities(), complaint.gravity)
    tell = roles(complaint.gravity)
    above = tuple(role for role in (*way.informs, Role.COMPANY_CENTRE, Role.GROUP_CENTRE) if role not in tell)
    department = "" if complaint.department is None else complaint.department.name
    return Routed(
        office_id=office.id,
        office_name=office.name,
        zone=office.zone,
        ticket_id=ticket.id,
        number=ticket.number,
        grading=grading,
        gravity=complaint.gravity,
        tell=tell,
        above=above,
        source=way.source,
        content=ticket.content,
        demand=complaint.demand or "",
        about=" ".join(part for part in (department, complaint.about or "") if part),
        place=place,
        why=complaint.graded_why or "",
        harm=complaint.harm_continues and complaint.harm_stopped_at is None,
        received_at=ticket.received_at,
    )
