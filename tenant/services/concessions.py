"""Charging less than the price list says: asked for by one person, agreed to by another (B-F1)."""

from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import clock
from tenant.errors import Refusal
from tenant.journal import actor_of
from tenant.models import ChargeType, Concession, Unit
from tenant.rules.terms import ConcessionKind, ConcessionState
from tenant.services import postings
from tenant.services.lookups import find, open_office, written

_STEP = Decimal("0.0001")


def ask(
    session: Session,
    unit_id: int,
    kind: ConcessionKind,
    share: Decimal,
    days: tuple[date, date],
    why: str,
    *,
    charge_type_id: int | None = None,
) -> Concession:
    """Ask for a unit to be charged ``share`` (0.7: 七折) from a first to a last day, for one item or for all.

    It counts for nothing until it is approved. Raises NotFound for a foreign unit or item, Refusal for a share that is
    none, for days that end before they begin, and without a reason.
    """
    unit = find(session, Unit, unit_id, field="unit")
    office = open_office(session, unit.office_id)
    if charge_type_id is not None:
        find(session, ChargeType, charge_type_id, field="charge_type")
    if not share.is_finite() or not 0 <= share < 1 or share % _STEP != 0:
        raise _refused(
            "bad_share", f"「收取比例」{share} 不可用。请填写 0 到 1 之间的小数，例如七折填 0.7。", "share", share
        )
    if days[1] < days[0]:
        raise _refused(
            "period_reversed", f"「截止日」{days[1]} 早于「起始日」{days[0]}。请核对后重新填写。", "to_on", days[1]
        )
    row = Concession(
        office_id=unit.office_id,
        unit_id=unit.id,
        charge_type_id=charge_type_id,
        kind=kind,
        share=share,
        from_on=days[0],
        to_on=days[1],
        why=written(why, field="why", label="理由", limit=200),
        state=ConcessionState.ASKED,
        asked_by_id=postings.acting_posting_id(session, office.id),
    )
    session.add(row)
    session.flush()
    return row


def decide(session: Session, concession_id: int, *, agreed: bool) -> Concession:
    """Agree to a concession or not.

    Raises Refusal for who asked for it, in whatever posting, and for one that is decided already.
    """
    row = find(session, Concession, concession_id, field="concession", lock=True)
    if row.state is not ConcessionState.ASKED:
        raise _refused(
            "decided_already", f"这项减免{row.state.label}，无需再次审批。请刷新后查看。", "state", row.state
        )
    decider, person = postings.acting_posting_id(session, row.office_id), actor_of(session).staff_id
    if person is not None and row.asked_by is not None and row.asked_by.staff_id == person:
        raise Refusal(
            code="second_person_needed", message="减免由您申请，审批须由第二人办理。请由主任或公司审批。", field="state"
        )
    row.state = ConcessionState.APPROVED if agreed else ConcessionState.REFUSED
    row.decided_by_id, row.decided_at = decider, clock.now()
    session.flush()
    return row


def withdraw(session: Session, concession_id: int) -> Concession:
    """Let a concession count no more, for months that are not charged yet. Raises Refusal where it counts no more."""
    row = find(session, Concession, concession_id, field="concession", lock=True)
    if row.state not in {ConcessionState.ASKED, ConcessionState.APPROVED}:
        raise _refused("ended_already", f"这项减免{row.state.label}，不能终止。请刷新后查看。", "state", row.state)
    row.state = ConcessionState.WITHDRAWN
    session.flush()
    return row


def approved(session: Session, office_id: int, first: date, last: date) -> list[Concession]:
    """Return the concessions of an office that count on any day of a period."""
    statement = select(Concession).where(
        Concession.office_id == office_id,
        Concession.state == ConcessionState.APPROVED,
        Concession.from_on <= last,
        Concession.to_on >= first,
    )
    return list(session.scalars(statement.order_by(Concession.id)))


def _refused(code: str, message: str, field: str, value: object) -> Refusal:
    return Refusal(code=code, message=message, field=field, value=str(value))
