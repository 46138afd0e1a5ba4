"""Who stands where: what a person's postings let them see, and who is told up the line from an office (A-O1 to A-O3).

Postings at a company or the group lie outside every office's scope: functions that say ``group_session`` need one of
``across_offices``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from tenant.errors import NotFound, Refusal
from tenant.journal import actor_of
from tenant.models import Department, Office, Posting, Staff
from tenant.rules.duties import AS_POSTED, Watch, present, stands_in
from tenant.rules.terms import PostingLevel, Role
from tenant.scoping import Scope


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to write to: the name, the mail address, and the role they are written to in."""

    name: str
    address: str
    role: Role


def postings_of(group_session: Session, staff_id: int, day: date) -> list[Posting]:
    """Return the person's postings that reach an office on ``day``, the widest first.

    None for somebody who has left, whose role does not sign in, or whose office is archived.
    """
    statement = (
        select(Posting)
        .join(Posting.staff)
        .outerjoin(Posting.office)
        .where(Posting.staff_id == staff_id, Staff.disabled_at.is_(None), Office.archived_at.is_(None), _holds_on(day))
        .options(joinedload(Posting.office), joinedload(Posting.company), joinedload(Posting.staff))
    )
    order = list(PostingLevel)
    found = (posting for posting in group_session.scalars(statement) if posting.role.signs_in)
    return sorted(found, key=lambda posting: (order.index(posting.level), posting.id))


def scope_for(group_session: Session, staff_id: int, day: date) -> Scope:
    """Return what the person may see on ``day``: the one derivation for pages, jobs and commands alike (A-O1).

    A group posting reaches everywhere, a company posting its company's offices, an office posting that office;
    archived offices are reached from the group alone. Nobody without a posting sees anything.
    """
    return reach_of(group_session, postings_of(group_session, staff_id, day))


def reach_of(group_session: Session, held: Iterable[Posting]) -> Scope:
    """Return what the postings that :func:`postings_of` found let their holder see."""
    held = list(held)
    if any(posting.level is PostingLevel.GROUP for posting in held):
        return Scope.everywhere()
    offices = {posting.office_id for posting in held if posting.office_id is not None}
    companies = {posting.company_id for posting in held if posting.company_id is not None}
    if companies:
        statement = select(Office.id).where(Office.company_id.in_(companies), Office.archived_at.is_(None))
        offices.update(group_session.scalars(statement))
    return Scope.of(offices)


def recipients(
    group_session: Session, office_id: int, role: Role, day: date, watch: Watch = AS_POSTED
) -> list[Recipient]:
    """Return who is written to in ``role`` for an office on ``day``: at the office, else its company, else the group.

    ``watch`` says who of the office is away, and who is on duty at the instant (B-S1). Empty when nobody up the line
    holds the role, is there or has somebody standing in, and has a mail address.
    """
    company = select(Office.company_id).where(Office.id == office_id).scalar_subquery()
    at_office = (Posting.level == PostingLevel.OFFICE, Posting.office_id == office_id)
    places: tuple[ColumnElement[bool], ...] = (
        and_(Posting.level == PostingLevel.COMPANY, Posting.company_id == company),
        Posting.level == PostingLevel.GROUP,
    )
    found = _watched(group_session, watch, day, *at_office, Posting.role == role)
    for place in places:
        if found:
            break
        found = _reachable(group_session, place, Posting.role == role, _holds_on(day))
    return found


def recipient_of(group_session: Session, posting_id: int, day: date, watch: Watch = AS_POSTED) -> list[Recipient]:
    """Return who has what is one posting's; empty when its holder left it before ``day``, is away, or has no mail."""
    return _watched(group_session, watch, day, Posting.id == posting_id)


def heads_to_tell(
    group_session: Session, office_id: int, department_id: int, day: date, watch: Watch = AS_POSTED
) -> list[Recipient]:
    """Return the heads of one department, empty when it has none on ``day`` that can be written to (A-W3, A-C5)."""
    return _watched(
        group_session,
        watch,
        day,
        Posting.office_id == office_id,
        Posting.department_id == department_id,
        Posting.role == Role.DEPARTMENT_HEAD,
    )


def department_with_head(session: Session, office_id: int, department_id: int, day: date) -> Department:
    """Return the office's department. Raises NotFound for a foreign one, Refusal for one that nobody heads on ``day``.

    What is sent to a department reaches its head (A-W3, A-C5): without one it would lie there.
    """
    department = session.scalars(
        select(Department).where(Department.office_id == office_id, Department.id == department_id)
    ).one_or_none()
    if department is None:
        raise NotFound(
            code="unknown_department",
            message="没有找到这个部门。请从本管理处的部门中重新选择。",
            field="department",
            value=str(department_id),
        )
    if not has_head(session, office_id, department_id, day):
        raise Refusal(
            code="department_without_head",
            message=f"部门「{department.name}」目前没有负责人，派过去无人签收。请先在「人员」中任命负责人，或改选其他部门。",
            field="department",
            value=department.name,
        )
    return department


def has_head(session: Session, office_id: int, department_id: int, day: date) -> bool:
    """Tell whether somebody heads the department on ``day``."""
    headed = select(Posting.id).where(
        Posting.office_id == office_id,
        Posting.department_id == department_id,
        Posting.role == Role.DEPARTMENT_HEAD,
        _holds_on(day),
    )
    return session.scalars(headed.limit(1)).first() is not None


def technician(session: Session, office_id: int, posting_id: int, day: date) -> Posting:
    """Return the posting of someone of the office who can be sent on ``day``. Raises NotFound for anybody else."""
    found = session.scalars(_sent_out(office_id, posting_id, day)).one_or_none()
    if found is None:
        raise NotFound(
            code="unknown_technician",
            message="没有找到这名维修人员，或其任职已到期。请从本管理处在岗的维修人员中重新选择。",
            field="technician",
            value=str(posting_id),
        )
    return found


def acting_technician_id(session: Session, office_id: int, day: date) -> int | None:
    """Return the posting the session's actor acts through, where its holder can be sent on ``day``; else None."""
    posting_id = actor_of(session).posting_id
    if posting_id is None:
        return None
    found = session.scalars(_sent_out(office_id, posting_id, day)).one_or_none()
    return None if found is None else found.id


def acting_posting_id(session: Session, office_id: int) -> int | None:
    """Return the posting the session's actor acts through in the office, None for clocks, commands and headquarters."""
    posting_id = actor_of(session).posting_id
    if posting_id is None:
        return None
    return session.scalars(
        select(Posting.id).where(Posting.id == posting_id, Posting.office_id == office_id)
    ).one_or_none()


def _sent_out(office_id: int, posting_id: int, day: date) -> Select[Posting]:
    """Return the query for a posting of somebody who can be sent on ``day``."""
    return select(Posting).where(
        Posting.id == posting_id,
        Posting.office_id == office_id,
        Posting.role.in_([Role.TECHNICIAN, Role.ENGINEERING_ASSISTANT, Role.DEPARTMENT_HEAD]),
        _holds_on(day),
    )


def _watched(group_session: Session, watch: Watch, day: date, *conditions: ColumnElement[bool]) -> list[Recipient]:
    """Return who is told of what is the matching postings'; if they have no mail, all holders who are there.

    Who stands in for somebody is written to in the role of whom they stand in for.
    """
    if watch == AS_POSTED:
        return _reachable(group_session, *conditions, _holds_on(day))
    holding = select(Posting.id, Posting.role).join(Posting.staff)
    held = dict(
        iter(
            group_session.execute(
                holding.where(*conditions, Staff.disabled_at.is_(None), _holds_on(day)).order_by(Posting.id)
            )
        )
    )
    roles = {holder: role for posting_id, role in held.items() if (holder := stands_in(posting_id, watch.away))}
    for ids in dict.fromkeys((watch.told(held), present(held, watch.away))):
        found = _reachable(group_session, Posting.id.in_(ids), _holds_on(day), roles=roles)
        if found:
            return found
    return []


def _reachable(
    group_session: Session, *conditions: ColumnElement[bool], roles: Mapping[int, Role] | None = None
) -> list[Recipient]:
    """Return those who hold a matching posting, once each, and can be written to; in ``roles`` where it says so."""
    statement = (
        select(Posting.id, Staff.name, Staff.email, Posting.role)
        .join(Posting, Posting.staff_id == Staff.id)
        .where(*conditions, Staff.disabled_at.is_(None), Staff.email.is_not(None))
        .order_by(Staff.id, Posting.id)
    )
    instead = roles or {}
    found = {
        email: Recipient(name, email, instead.get(posting_id, role))
        for posting_id, name, email, role in group_session.execute(statement)
        if email
    }
    return list(found.values())


def _holds_on(day: date) -> ColumnElement[bool]:
    """Return the condition that a posting is held on ``day``, first and last day included."""
    return and_(Posting.from_on <= day, or_(Posting.to_on.is_(None), Posting.to_on >= day))
