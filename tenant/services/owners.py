"""Who owns a unit, and who pays for it, on a day."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from tenant.errors import NotFound
from tenant.models import Owner, Ownership


def of_office(session: Session, office_id: int, owner_id: int, *, lock: bool = False) -> Owner:
    """Return the office's owner, locked against other changes when ``lock`` says so.

    Raises NotFound for one the office has not, foreign or missing.
    """
    statement = select(Owner).where(Owner.office_id == office_id, Owner.id == owner_id)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    owner = session.scalars(statement).one_or_none()
    if owner is None:
        raise NotFound(
            code="unknown_owner",
            message="本管理处没有这位业主。请核对，或先在「业主与房屋」中登记。",
            field="owner",
            value=str(owner_id),
        )
    return owner


def owners_of(session: Session, unit_id: int, day: date) -> Sequence[Owner]:
    """Return the unit's owners on ``day``, those who pay first; empty when nobody is known."""
    statement = (
        select(Owner)
        .join(Ownership, Ownership.owner_id == Owner.id)
        .where(Ownership.unit_id == unit_id, held_on(day))
        .order_by(Ownership.is_payer.desc(), Ownership.id)
    )
    return session.scalars(statement).unique().all()


def payer_of(session: Session, unit_id: int, day: date) -> Owner | None:
    """Return who is charged for the unit on ``day``: the owner marked as payer; None when nobody is known."""
    statement = (
        select(Owner)
        .join(Ownership, Ownership.owner_id == Owner.id)
        .where(Ownership.unit_id == unit_id, Ownership.is_payer, held_on(day))
        .order_by(Ownership.id)
        .limit(1)
    )
    return session.scalars(statement).first()


def held_on(day: date) -> ColumnElement[bool]:
    """Return the condition that an ownership holds on ``day``, first and last day included."""
    return and_(
        or_(Ownership.from_on.is_(None), Ownership.from_on <= day),
        or_(Ownership.to_on.is_(None), Ownership.to_on >= day),
    )
