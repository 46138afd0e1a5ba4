"""What an office's units are charged for a month, unit by unit and item by item: worked out, not written (B-F1).

Everything a month rests on is read in a few statements whatever the number of units.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from tenant.calendars import months_after
from tenant.models import Charge, ChargeType, Meter, MeterReading, Ownership, ParkingSpace, Unit
from tenant.rules.billing import Part, Span, Stretch, parts, stretches, uncovered, usage_amount
from tenant.rules.meters import counted
from tenant.rules.terms import ChargeBasis, MeterKind, Rounding, UnitUsage
from tenant.services import concessions, tariffs
from tenant.services.charges import MOST

_A_DAY = timedelta(days=1)
_ONE = Decimal(1)

PROBLEMS = {
    "no_payer": "没有缴费人。请先登记产权和缴费人。",
    "no_price": "没有公布的收费标准。请先在「收费标准」中公布。",
    "no_area": "没有登记建筑面积。请先补登面积。",
    "no_reading": "没有本月抄表记录。请先抄表。",
    "too_much": "算出的金额过大，不能记账。请核对面积、用量和单价。",
    "charged_before": "这个月已经入账，不再重复。",
}
"""Why a unit cannot be charged for an item, and what to do about it."""


class UnitRow(NamedTuple):
    """A unit as a month needs it."""

    id: int
    area: Decimal | None
    usage: UnitUsage


class Item(NamedTuple):
    """An item of the price list as a month needs it."""

    id: int
    basis: ChargeBasis
    usage: UnitUsage | None
    meter_kind: MeterKind | None
    rounding: Rounding


class Line(NamedTuple):
    """What one unit is charged for one item, as :class:`tenant.models.BillingLine` keeps it."""

    unit_id: int
    charge_type_id: int
    owner_id: int | None
    period_from: date
    period_to: date
    amount: Decimal | None
    before: Decimal | None
    problem: str | None
    workings: list[dict[str, Any]] | None


@dataclass(slots=True)
class Month:
    """What the charging of one month rests on, read once."""

    first: date
    last: date
    items: Sequence[Item]
    units: Sequence[UnitRow]
    prices: dict[int, list[Span]]
    unpriced: set[int]
    payers: dict[int, list[Span]]
    shares: dict[tuple[int, int | None], list[Span]]
    spaces: dict[int, int]
    used: dict[tuple[int, MeterKind], Decimal]
    before: dict[tuple[int, int], Decimal]
    charged: set[tuple[int, int]]
    plain: dict[tuple[int, Decimal], Decimal] = field(default_factory=dict)


def read_month(session: Session, office_id: int, month: date, charge_type_ids: Collection[int]) -> Month:
    """Read what a month rests on; ``month`` is its first day. Items that were retired meanwhile are left out."""
    first, last = month, months_after(month, 1) - _A_DAY
    columns = (ChargeType.id, ChargeType.basis, ChargeType.usage, ChargeType.meter_kind, ChargeType.rounding)
    statement = select(*columns).where(
        ChargeType.office_id == office_id,
        ChargeType.id.in_(list(charge_type_ids)),
        ChargeType.is_monthly,
        ChargeType.retired_at.is_(None),
    )
    items = [Item(*row) for row in session.execute(statement.order_by(ChargeType.id))]
    prices = tariffs.prices_of(session, charge_type_ids, first, last)
    rows = session.execute(select(Unit.id, Unit.area, Unit.usage).where(Unit.office_id == office_id).order_by(Unit.id))
    shares: dict[tuple[int, int | None], list[Span]] = defaultdict(list)
    for row in concessions.approved(session, office_id, first, last):
        shares[row.unit_id, row.charge_type_id].append(Span(row.from_on, row.to_on, row.share))
    return Month(
        first=first,
        last=last,
        items=items,
        units=[UnitRow(*row) for row in rows],
        prices=prices,
        unpriced={item.id for item in items if uncovered(first, last, prices.get(item.id, []))},
        payers=_payers(session, office_id, first, last),
        shares=dict(shares),
        spaces=_spaces(session, office_id),
        used=_used(session, office_id, first, last, {item.meter_kind for item in items if item.meter_kind}),
        before=_before(session, office_id, months_after(first, -1), first - _A_DAY),
        charged=_charged(session, office_id, first, last),
    )


def lines_of(month: Month) -> Iterator[Line]:
    """Yield the lines of a month, by unit and item; a unit that an item is not for has none."""
    for unit in month.units:
        for item in month.items:
            if item.usage is None or item.usage is unit.usage:
                yield from _lines(month, unit, item)


def _lines(month: Month, unit: UnitRow, item: Item) -> Iterator[Line]:
    payers, prices = month.payers.get(unit.id, []), month.prices.get(item.id, [])
    shares = [*month.shares.get((unit.id, item.id), ()), *month.shares.get((unit.id, None), ())]
    quantity = _quantity(month, unit, item)
    if quantity == 0:
        return
    before = month.before.get((unit.id, item.id))
    problem = _problem(month, unit, item, quantity)
    owed = _parts(month, item, quantity, payers, prices, shares) if problem is None and quantity is not None else ()
    if any(part.amount > MOST for part in owed):
        problem = "too_much"
    if problem is not None or quantity is None:
        owner = int(payers[-1].value) if payers else None
        yield Line(unit.id, item.id, owner, month.first, month.last, None, before, problem, None)
        return
    for part in owed:
        yield Line(
            unit.id,
            item.id,
            part.payer,
            part.from_on,
            part.to_on,
            part.amount,
            before,
            None,
            [_working(piece, quantity) for piece in part.stretches],
        )


def _quantity(month: Month, unit: UnitRow, item: Item) -> Decimal | None:
    """Return what the price is multiplied by, None while it is not known, 0 where there is nothing to charge."""
    if item.basis is ChargeBasis.AREA:
        return unit.area
    if item.basis is ChargeBasis.SPACE:
        return Decimal(month.spaces.get(unit.id, 0))
    if item.basis is ChargeBasis.USAGE:
        return None if item.meter_kind is None else month.used.get((unit.id, item.meter_kind))
    return _ONE


def _problem(month: Month, unit: UnitRow, item: Item, quantity: Decimal | None) -> str | None:
    """Return why the unit cannot be charged for the item, None where it can."""
    if (unit.id, item.id) in month.charged:
        return "charged_before"
    if quantity is None:
        return "no_area" if item.basis is ChargeBasis.AREA else "no_reading"
    if item.id in month.unpriced:
        return "no_price"
    payers = month.payers.get(unit.id, [])
    is_paid = any(_covers(span, month) for span in payers) or not uncovered(month.first, month.last, payers)
    return None if is_paid else "no_payer"


def _parts(
    month: Month,
    item: Item,
    quantity: Decimal,
    payers: Sequence[Span],
    prices: Sequence[Span],
    shares: Sequence[Span],
) -> Sequence[Part]:
    """Return what each payer owes: by the day, or at once where nothing changes within the month."""
    if item.basis in {ChargeBasis.USAGE, ChargeBasis.FIXED}:
        (*_, last) = stretches(month.first, month.last, payers, prices, shares)
        amount = usage_amount(quantity * last.share, last.price or Decimal(0), item.rounding)
        whole_month = replace(last, from_on=month.first)
        return (Part(last.payer or 0, month.first, month.last, amount, (whole_month,)),) if amount else ()
    whole = payers[0], prices[0]
    if not shares and all(_covers(span, month) for span in whole):
        stretch = Stretch(month.first, month.last, int(payers[0].value), Decimal(prices[0].value), _ONE)
        amount = _plain_amount(month, item.id, quantity, Decimal(prices[0].value), item.rounding)
        return (Part(int(payers[0].value), month.first, month.last, amount, (stretch,)),) if amount else ()
    return parts(stretches(month.first, month.last, payers, prices, shares), quantity, item.rounding)


def _plain_amount(month: Month, item_id: int, quantity: Decimal, price: Decimal, rounding: Rounding) -> Decimal:
    known = month.plain.get((item_id, quantity))
    if known is None:
        known = month.plain[item_id, quantity] = usage_amount(quantity, price, rounding)
    return known


def _covers(span: Span, month: Month) -> bool:
    return span.holds_on(month.first) and span.holds_on(month.last)


def _working(piece: Stretch, quantity: Decimal) -> dict[str, Any]:
    """Return how a stretch of days was reckoned, as the page explains it."""
    return {
        "from": piece.from_on.isoformat(),
        "to": piece.to_on.isoformat(),
        "price": str(piece.price),
        "quantity": str(quantity),
        "share": str(piece.share),
    }


def _payers(session: Session, office_id: int, first: date, last: date) -> dict[int, list[Span]]:
    """Return who pays for each unit on the days of a month, the one registered first before others of the same day."""
    found: dict[int, list[Span]] = defaultdict(list)
    statement = (
        select(Ownership.unit_id, Ownership.owner_id, Ownership.from_on, Ownership.to_on)
        .where(Ownership.office_id == office_id, Ownership.is_payer)
        .where(or_(Ownership.from_on.is_(None), Ownership.from_on <= last))
        .where(or_(Ownership.to_on.is_(None), Ownership.to_on >= first))
        .order_by(Ownership.id)
    )
    for unit_id, owner_id, from_on, to_on in session.execute(statement):
        found[unit_id].append(Span(from_on, to_on, owner_id))
    return dict(found)


def _spaces(session: Session, office_id: int) -> dict[int, int]:
    statement = select(ParkingSpace.unit_id, func.count()).where(
        ParkingSpace.office_id == office_id, ParkingSpace.unit_id.is_not(None)
    )
    rows = session.execute(statement.group_by(ParkingSpace.unit_id))
    return {unit_id: number for unit_id, number in rows if unit_id is not None}


def _used(
    session: Session, office_id: int, first: date, last: date, kinds: Collection[MeterKind]
) -> dict[tuple[int, MeterKind], Decimal]:
    """Return what each unit's meters counted up to their last reading of the month, since the last before it."""
    if not kinds:
        return {}
    latest = (
        select(MeterReading.shown)
        .where(MeterReading.office_id == Meter.office_id, MeterReading.meter_id == Meter.id)
        .order_by(MeterReading.read_on.desc())
        .limit(1)
        .correlate(Meter)
    )
    now = latest.where(MeterReading.read_on.between(first, last)).scalar_subquery()
    then = latest.where(MeterReading.read_on < first).scalar_subquery()
    statement = select(Meter.unit_id, Meter.kind, Meter.factor, Meter.full_scale, now, then).where(
        Meter.office_id == office_id, Meter.unit_id.is_not(None), Meter.kind.in_(list(kinds))
    )
    found: dict[tuple[int, MeterKind], Decimal] = {}
    unread: set[tuple[int, MeterKind]] = set()
    rows: Sequence[Any] = session.execute(statement).all()
    for row in rows:
        key, (shown, before) = (row.unit_id, row.kind), row[-2:]
        used = None if shown is None or before is None else counted(before, shown, row.full_scale)
        if used is None:
            unread.add(key)
        else:
            found[key] = found.get(key, Decimal(0)) + used * row.factor
    return {key: used for key, used in found.items() if key not in unread}


def _before(session: Session, office_id: int, first: date, last: date) -> dict[tuple[int, int], Decimal]:
    statement = (
        select(Charge.unit_id, Charge.charge_type_id, func.sum(Charge.amount))
        .where(Charge.office_id == office_id, Charge.period_from.between(first, last))
        .group_by(Charge.unit_id, Charge.charge_type_id)
    )
    return {(unit_id, item_id): total for unit_id, item_id, total in session.execute(statement)}


def _charged(session: Session, office_id: int, first: date, last: date) -> set[tuple[int, int]]:
    statement = select(Charge.unit_id, Charge.charge_type_id).where(
        Charge.office_id == office_id, and_(Charge.period_from <= last, Charge.period_to >= first)
    )
    return {(unit_id, item_id) for unit_id, item_id in session.execute(statement)}
