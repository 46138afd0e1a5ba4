"""Posting what is owed (B-F1)."""

from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant.errors import NotFound, Refusal
from tenant.models import Charge, ChargeType, ParkingSpace, Unit
from tenant.money import to_fen
from tenant.rules.billing import Span, parts, stretches, uncovered, usage_amount
from tenant.rules.terms import ChargeBasis
from tenant.services import advances, owners, tariffs, units
from tenant.services.lookups import open_office

MOST = Decimal("999999999999.99")


def post(
    session: Session,
    unit_id: int,
    charge_type_id: int,
    period: tuple[date, date],
    due_on: date,
    *,
    amount: Decimal | None = None,
    owner_id: int | None = None,
) -> Charge:
    """Post one charge for a unit and a ``period`` (first and last day), due on ``due_on``.

    ``amount`` None: the published price times what it is multiplied by, by the day where a month is broken (B-F1); it
    must be given for items priced by usage. ``owner_id`` None: who pays for the unit on the due date.
    What the owner has paid in advance settles it at once.
    Raises NotFound for a foreign unit, item or owner, Refusal for a period that ends before it begins, a second charge
    for the same item and period, a unit without an area or a payer.
    """
    unit = _unit(session, unit_id)
    charge_type = _charge_type(session, unit.office_id, charge_type_id)
    _check_period(session, unit, charge_type, period)
    owner = owners.of_office(session, unit.office_id, _payer(session, unit, due_on) if owner_id is None else owner_id)
    charge = Charge(
        office_id=unit.office_id,
        unit_id=unit.id,
        owner_id=owner.id,
        charge_type_id=charge_type.id,
        period_from=period[0],
        period_to=period[1],
        due_on=due_on,
        amount=_amount(session, unit, charge_type, period) if amount is None else _given(amount),
    )
    session.add(charge)
    session.flush()
    advances.settle(session, charge)
    return charge


def _amount(session: Session, unit: Unit, charge_type: ChargeType, period: tuple[date, date]) -> Decimal:
    """Return what the price list says for the period, by the day where a month is broken; a fixed item counts once."""
    if charge_type.basis is ChargeBasis.USAGE:
        raise Refusal(
            code="amount_missing",
            message=f"「{charge_type.name}」按用量计费，系统无法算出金额。请填写「应收金额」。",
            field="amount",
        )
    prices = tariffs.prices_of(session, [charge_type.id], *period).get(charge_type.id, [])
    missing = uncovered(*period, prices)
    if missing:
        raise Refusal(
            code="price_missing",
            message=(
                f"「{charge_type.name}」从 {missing[0][0]} 起没有公布的收费标准。"
                "请先在「收费标准」中公布，或直接填写「应收金额」。"
            ),
            field="amount",
        )
    if charge_type.basis is ChargeBasis.FIXED:
        return _given(usage_amount(Decimal(1), Decimal(prices[-1].value), charge_type.rounding))
    everybody = [Span(None, None, 0)]
    owed = parts(stretches(*period, everybody, prices), _quantity(session, unit, charge_type), charge_type.rounding)
    return _given(sum((part.amount for part in owed), Decimal(0)))


def _quantity(session: Session, unit: Unit, charge_type: ChargeType) -> Decimal:
    """Return what the price is multiplied by. Raises Refusal for a unit without an area."""
    if charge_type.basis is ChargeBasis.UNIT:
        return Decimal(1)
    if charge_type.basis is ChargeBasis.SPACE:
        return Decimal(session.scalar(select(func.count()).where(ParkingSpace.unit_id == unit.id)) or 0)
    if unit.area is None:
        raise Refusal(
            code="area_missing",
            message=f"房屋「{unit.number}」没有登记建筑面积，不能按面积计费。请先补登面积，或直接填写「应收金额」。",
            field="unit",
            value=unit.number,
        )
    return unit.area


def _given(amount: Decimal) -> Decimal:
    """Return the amount in 分. Raises Refusal unless it is above zero and can be recorded."""
    if not amount.is_finite() or not 0 < amount <= MOST or to_fen(amount) == 0:
        raise Refusal(
            code="bad_amount",
            message=f"「应收金额」{amount} 不可用。请填写大于 0 的金额，最小到分。",
            field="amount",
            value=str(amount),
        )
    return to_fen(amount)


def _unit(session: Session, unit_id: int) -> Unit:
    unit = session.scalars(select(Unit).where(Unit.id == unit_id)).one_or_none()
    if unit is None:
        raise units.unknown(str(unit_id))
    open_office(session, unit.office_id)
    return unit


def _charge_type(session: Session, office_id: int, charge_type_id: int) -> ChargeType:
    found = session.scalars(
        select(ChargeType).where(ChargeType.office_id == office_id, ChargeType.id == charge_type_id)
    ).one_or_none()
    if found is None:
        raise NotFound(
            code="unknown_charge_type",
            message="本管理处没有这个收费项目。请从公布的收费项目中重新选择。",
            field="charge_type",
            value=str(charge_type_id),
        )
    return found


def _check_period(session: Session, unit: Unit, charge_type: ChargeType, period: tuple[date, date]) -> None:
    first, last = period
    if last < first:
        raise Refusal(
            code="period_reversed",
            message=f"「费用止日」{last} 早于「费用起日」{first}。请核对后重新填写。",
            field="period_to",
            value=last.isoformat(),
        )
    posted = select(Charge.id).where(
        Charge.unit_id == unit.id, Charge.charge_type_id == charge_type.id, Charge.period_from == first
    )
    if session.scalars(posted).first() is not None:
        raise Refusal(
            code="charged_before",
            message=f"房屋「{unit.number}」从 {first} 起的「{charge_type.name}」已经入账，不能重复。请核对费用期间。",
            field="period_from",
            value=first.isoformat(),
        )


def _payer(session: Session, unit: Unit, day: date) -> int:
    payer = owners.payer_of(session, unit.id, day)
    if payer is None:
        raise Refusal(
            code="payer_missing",
            message=f"房屋「{unit.number}」在 {day} 没有缴费人。请先登记产权和缴费人，或在应收中指定业主。",
            field="owner",
            value=unit.number,
        )
    return payer.id
