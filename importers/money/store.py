"""Reads what an office has of charges and payments, and writes the plan of a money sheet, each row on the record."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from importers.money.homes import Holder, Homes
from importers.money.state import AdvanceState, ChargeState, MoneyState, PaymentState
from tenant.journal import StaleRow
from tenant.models import Allocation, Charge, ChargeType, NumberSeries, Owner, Ownership, Payment, Unit
from tenant.rules.numbers import receipt_number
from tenant.rules.terms import ChargeBasis, PaymentMethod
from tenant.services.arrears import rest_of
from tenant.services.numbers import RECEIPTS
from tenant.services.payments import free_receipts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from importers.money.arrears import ArrearsDrafts, ChargeDraft
    from importers.money.payments import PaymentDrafts
    from importers.plan import Plan
    from importers.writing import Writer
    from tenant.models import Office

_A_PIECE = 5_000
_CHARGE = (
    Charge.id,
    Charge.unit_id,
    Charge.owner_id,
    Charge.charge_type_id,
    Charge.period_from,
    Charge.period_to,
    Charge.due_on,
    Charge.amount,
    Charge.version,
)
_NOTHING = Decimal("0.00")


def load_arrears(session: Session, office: Office) -> MoneyState:
    """Return the office's units, owners, charge types and all its charges as plain values."""
    settled = _settled(session, office)
    rows = session.execute(select(*_CHARGE).where(Charge.office_id == office.id).order_by(Charge.id))
    charges = [ChargeState(*row, settled=settled.get(row.id, _NOTHING)) for row in rows]
    return MoneyState(_homes(session, office), _types(session, office), charges, advances=_advances(session, office))


def load_payments(session: Session, office: Office) -> MoneyState:
    """Return the office's units, owners, charge types, what of its charges is unpaid, and its payments."""
    settled = _settled(session, office)
    rows = session.execute(select(*_CHARGE).where(Charge.office_id == office.id).order_by(Charge.id))
    charges = [ChargeState(*row, settled=paid) for row in rows if (paid := settled.get(row.id, _NOTHING)) < row.amount]
    received = session.execute(
        select(
            Payment.id,
            Payment.owner_id,
            Payment.unit_id,
            Payment.receipt_number,
            Payment.method,
            Payment.amount,
            Payment.paid_on,
            Payment.reference,
            Payment.voided_at.is_not(None),
        )
        .where(Payment.office_id == office.id)
        .order_by(Payment.id)
    )
    payments = [PaymentState(*row) for row in received]
    return MoneyState(_homes(session, office), _types(session, office), charges, payments)


def write_arrears(writer: Writer, office: Office, plan: Plan) -> None:
    """Write a plan of arrears: charge types, charges, and what was paid of them before.

    Raises `tenant.journal.StaleRow` when a charge changed, or was paid, since it was read; the caller gives the
    transaction up.
    """
    drafts: ArrearsDrafts = plan.drafts
    corrected = [draft for draft in drafts.charges if draft.state is not None]
    paying = {draft.values["owner_id"] for draft in drafts.charges if draft.advances}
    _hold(writer.session, office, paying | {draft.state.owner_id for draft in corrected if draft.state})
    if drafts.advances.items() - {(one.payment_id, one.left) for one in _advances(writer.session, office)}:
        raise StaleRow(Payment.__tablename__)
    _check(writer.session, office, {draft.state.id: draft.state.unpaid for draft in corrected if draft.state})
    made = writer.write(
        ChargeType,
        inserts=[{"office_id": office.id, "name": name, "basis": ChargeBasis.USAGE} for name in drafts.charge_types],
    )
    types = dict(_types(writer.session, office)) | dict(zip(drafts.charge_types, made, strict=True))
    updates = [(_before(office, draft.state), draft.values) for draft in corrected if draft.state]
    new = [draft for draft in drafts.charges if draft.state is None]
    rows = [{"office_id": office.id, "charge_type_id": types[draft.charge_type], **draft.values} for draft in new]
    charge_ids = writer.write(Charge, updates=updates, inserts=rows)
    _carry_over(writer, office, [(one, draft) for one, draft in zip(charge_ids, new, strict=True) if draft.paid])
    used = [
        {"office_id": office.id, "payment_id": payment_id, "charge_id": charge_id, "amount": part}
        for charge_id, draft in zip(charge_ids, new, strict=True)
        for payment_id, part in draft.advances.items()
    ]
    writer.write(Allocation, inserts=used)


def _carry_over(writer: Writer, office: Office, paid: Sequence[tuple[int, ChargeDraft]]) -> None:
    """Settle what was paid before the books were kept here; no receipt of the office's own series is spent on it."""
    payments = [
        {
            "office_id": office.id,
            "owner_id": draft.values["owner_id"],
            "unit_id": draft.values["unit_id"],
            "receipt_number": f"结转{charge_id:08d}",
            "method": PaymentMethod.CARRIED_OVER,
            "amount": draft.paid,
            "paid_on": draft.paid_on,
        }
        for charge_id, draft in paid
    ]
    payment_ids = writer.write(Payment, inserts=payments)
    allocations = [
        {"office_id": office.id, "payment_id": payment_id, "charge_id": charge_id, "amount": draft.paid}
        for payment_id, (charge_id, draft) in zip(payment_ids, paid, strict=True)
    ]
    writer.write(Allocation, inserts=allocations)


def write_payments(writer: Writer, office: Office, plan: Plan) -> None:
    """Write a plan of payments with what they settle; those without a receipt's number take the next of the series.

    Raises `tenant.journal.StaleRow` when one of the charges was paid or corrected since it was read; the caller gives
    the transaction up.
    """
    drafts: PaymentDrafts = plan.drafts
    _hold(writer.session, office, {draft.owner_id for draft in drafts.payments})
    _check(writer.session, office, drafts.unpaid)
    numbers = iter(_numbers(writer, office, drafts))
    payments = [
        {
            "office_id": office.id,
            "owner_id": draft.owner_id,
            "unit_id": draft.unit_id,
            "receipt_number": draft.receipt or next(numbers),
            "method": draft.method,
            "amount": draft.amount,
            "paid_on": draft.paid_on,
            "reference": draft.reference,
        }
        for draft in drafts.payments
    ]
    payment_ids = writer.write(Payment, inserts=payments)
    allocations = [
        {"office_id": office.id, "payment_id": payment_id, "charge_id": charge_id, "amount": part}
        for payment_id, draft in zip(payment_ids, drafts.payments, strict=True)
        for charge_id, part in draft.parts.items()
    ]
    writer.write(Allocation, inserts=allocations)


def _numbers(writer: Writer, office: Office, drafts: PaymentDrafts) -> list[str]:
    """Take as many numbers from the office's series of receipts as are needed, none that stands on a receipt (B-F9).

    The series stays locked until the transaction ends. It goes through the writer, so that undoing gives them back.
    """
    needed = sum(1 for draft in drafts.payments if draft.receipt is None)
    if not needed:
        return []
    series = writer.session.execute(
        select(NumberSeries.id, NumberSeries.last, NumberSeries.version)
        .where(NumberSeries.office_id == office.id, NumberSeries.series == RECEIPTS)
        .with_for_update()
    ).one_or_none()
    spoken_for = {draft.receipt for draft in drafts.payments if draft.receipt}
    taken = free_receipts(writer.session, office.id, series.last if series else 0, needed, spoken_for)
    if series is None:
        writer.write(NumberSeries, inserts=[{"office_id": office.id, "series": RECEIPTS, "last": taken[-1]}])
    else:
        before = {"office_id": office.id, "id": series.id, "version": series.version, "last": series.last}
        writer.write(NumberSeries, updates=[(before, {"last": taken[-1]})])
    return [receipt_number(number) for number in taken]


def _homes(session: Session, office: Office) -> Homes:
    listed = session.execute(select(Unit.number, Unit.id).where(Unit.office_id == office.id))
    units: dict[str, int] = dict(iter(listed))
    held = session.execute(
        select(
            Ownership.unit_id,
            Ownership.owner_id,
            Owner.name,
            Ownership.is_payer,
            Ownership.from_on,
            Ownership.to_on,
        )
        .join(Owner, and_(Owner.id == Ownership.owner_id, Owner.office_id == Ownership.office_id))
        .where(Ownership.office_id == office.id)
        .order_by(Ownership.id)
    )
    holders: dict[int, list[Holder]] = {}
    for unit_id, owner_id, name, is_payer, from_on, to_on in held:
        holders.setdefault(unit_id, []).append(Holder(owner_id, name, is_payer, from_on, to_on))
    return Homes(units, holders)


def _advances(session: Session, office: Office) -> list[AdvanceState]:
    """Return the payments of which something settles nothing yet, the oldest first."""
    used = (
        select(Allocation.payment_id, func.sum(Allocation.amount).label("amount"))
        .where(Allocation.office_id == office.id)
        .group_by(Allocation.payment_id)
        .subquery("used")
    )
    left = Payment.amount - func.coalesce(used.c.amount, _NOTHING)
    rows = session.execute(
        select(Payment.id, Payment.owner_id, Payment.unit_id, Payment.receipt_number, left)
        .outerjoin(used, used.c.payment_id == Payment.id)
        .where(Payment.office_id == office.id, Payment.voided_at.is_(None), left > 0)
        .order_by(Payment.paid_on, Payment.id)
    )
    return [AdvanceState(*row) for row in rows]


def _types(session: Session, office: Office) -> Mapping[str, int]:
    listed = session.execute(
        select(ChargeType.name, ChargeType.id).where(ChargeType.office_id == office.id).order_by(ChargeType.id)
    )
    return dict(iter(listed))


def _settled(session: Session, office: Office) -> dict[int, Decimal]:
    """Return charge → what payments that count have settled of it."""
    listed = session.execute(
        select(Allocation.charge_id, func.sum(Allocation.amount))
        .join(Payment, and_(Payment.id == Allocation.payment_id, Payment.office_id == Allocation.office_id))
        .where(Allocation.office_id == office.id, Payment.voided_at.is_(None))
        .group_by(Allocation.charge_id)
    )
    return dict(iter(listed))


def _hold(session: Session, office: Office, owner_ids: Iterable[int]) -> None:
    """Lock owners as receiving and voiding do, in one order, so that nobody pays or charges them meanwhile."""
    for some in _pieces(sorted(owner_ids)):
        session.execute(
            select(Owner.id)
            .where(Owner.office_id == office.id, Owner.id.in_(some))
            .order_by(Owner.id)
            .with_for_update(key_share=True)
        ).all()


def _check(session: Session, office: Office, unpaid: Mapping[int, Decimal]) -> None:
    """Raise StaleRow unless of each charge just so much is unpaid as when it was read."""
    found: dict[int, Decimal] = {}
    for some in _pieces(sorted(unpaid)):
        listed = session.execute(select(Charge.id, rest_of()).where(Charge.office_id == office.id, Charge.id.in_(some)))
        found.update(iter(listed))
    if found != dict(unpaid):
        raise StaleRow(Charge.__tablename__)


def _pieces(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _A_PIECE] for start in range(0, len(ids), _A_PIECE))


def _before(office: Office, state: ChargeState) -> dict[str, Any]:
    """Return a charge as it was read, for the record and for the check that it has not changed since."""
    names = ("id", "owner_id", "period_from", "period_to", "due_on", "amount", "version")
    return {"office_id": office.id} | {name: getattr(state, name) for name in names}
