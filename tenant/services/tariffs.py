"""The price list: what an item costs from a day to a day, without gap or overlap (B-F1)."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tenant.errors import Refusal
from tenant.models import Charge, ChargeType, Tariff
from tenant.rules.billing import Span
from tenant.services.lookups import find, open_office, optional

_A_DAY = timedelta(days=1)
_PRICE_DIGITS = Decimal("0.0001")
_MOST = Decimal("99999999.9999")


def publish(
    session: Session,
    charge_type_id: int,
    price: Decimal,
    from_on: date,
    *,
    to_on: date | None = None,
    basis: str | None = None,
) -> Tariff:
    """Publish a price from ``from_on`` on, to ``to_on`` or until the next one; the one that held ends the day before.

    Raises NotFound for a foreign item, Refusal for a price below zero or with more than four decimals, for days that
    have a price which was published to end later or begins within them, for days without any price in between, and for
    days that are charged already.
    """
    item = find(session, ChargeType, charge_type_id, field="charge_type", lock=True)
    open_office(session, item.office_id)
    _check_price(price)
    if to_on is not None and to_on < from_on:
        raise _refused(
            "period_reversed", f"「截止日」{to_on} 早于「执行日」{from_on}。请核对后重新填写。", "to_on", to_on
        )
    _refuse_charged(session, item, from_on, to_on)
    _make_room(session, item, from_on, to_on)
    row = Tariff(
        office_id=item.office_id,
        charge_type_id=item.id,
        price=price,
        from_on=from_on,
        to_on=to_on,
        basis=optional(basis, field="basis", label="收费依据", limit=200),
    )
    session.add(row)
    session.flush()
    return row


def end(session: Session, tariff_id: int, to_on: date) -> Tariff:
    """Let a price end on a day, its last. Raises Refusal before its first day, and where later days are charged."""
    row = find(session, Tariff, tariff_id, field="tariff")
    item = find(session, ChargeType, row.charge_type_id, field="charge_type", lock=True)
    row = find(session, Tariff, tariff_id, field="tariff", lock=True)
    if to_on < row.from_on:
        raise _refused(
            "period_reversed", f"「截止日」{to_on} 早于「执行日」{row.from_on}。请核对后重新填写。", "to_on", to_on
        )
    if row.to_on is not None and to_on > row.to_on:
        raise _refused("ends_sooner", f"这个标准已定于 {row.to_on} 截止。要延长，请公布新的标准。", "to_on", to_on)
    _refuse_charged(session, item, to_on + _A_DAY, row.to_on)
    row.to_on = to_on
    session.flush()
    return row


def prices_of(session: Session, charge_type_ids: Collection[int], first: date, last: date) -> dict[int, list[Span]]:
    """Return the prices of items that hold on any day of a period, by item, in order; none for an item without."""
    found: dict[int, list[Span]] = defaultdict(list)
    statement = (
        select(Tariff)
        .where(Tariff.charge_type_id.in_(list(charge_type_ids)), Tariff.from_on <= last)
        .where(or_(Tariff.to_on.is_(None), Tariff.to_on >= first))
        .order_by(Tariff.from_on)
    )
    for row in session.scalars(statement):
        found[row.charge_type_id].append(Span(row.from_on, row.to_on, row.price))
    return found


def _make_room(session: Session, item: ChargeType, from_on: date, to_on: date | None) -> None:
    """Let the price that holds without an end be ended the day before; refuse what overlaps or leaves a gap."""
    rows = session.scalars(select(Tariff).where(Tariff.charge_type_id == item.id).order_by(Tariff.from_on)).all()
    before = next((row for row in reversed(rows) if row.from_on < from_on), None)
    after = next((row for row in rows if row.from_on >= from_on), None)
    if before is not None and before.to_on is not None:
        _fits_after(item, before, before.to_on, from_on)
    if after is not None:
        _fits_before(item, after, to_on)
    if before is not None and before.to_on is None:
        before.to_on = from_on - _A_DAY
        session.flush()


def _fits_after(item: ChargeType, before: Tariff, last: date, from_on: date) -> None:
    """Raise Refusal unless a price beginning on ``from_on`` follows, day on day, one that ends on ``last``."""
    if last >= from_on:
        raise _refused(
            "tariff_overlap",
            f"「{item.name}」到 {last} 为止已有标准（{before.price} 元）。请从 {last + _A_DAY} 起公布。",
            "from_on",
            from_on,
        )
    if last + _A_DAY < from_on:
        raise _refused(
            "tariff_gap",
            f"「{item.name}」从 {last + _A_DAY} 到 {from_on - _A_DAY} 没有标准，这段时间将无法计费。"
            f"请从 {last + _A_DAY} 起公布。",
            "from_on",
            from_on,
        )


def _fits_before(item: ChargeType, after: Tariff, to_on: date | None) -> None:
    """Raise Refusal unless a price ending on ``to_on`` ends the day before the next one begins."""
    if to_on is None or after.from_on <= to_on:
        raise _refused(
            "tariff_overlap",
            f"「{item.name}」从 {after.from_on} 起已有标准（{after.price} 元）。请把「截止日」填在此前，或先改那一个。",
            "to_on",
            to_on,
        )
    if to_on + _A_DAY < after.from_on:
        raise _refused(
            "tariff_gap",
            f"「{item.name}」从 {to_on + _A_DAY} 到 {after.from_on - _A_DAY} 没有标准，这段时间将无法计费。"
            f"请把「截止日」填为 {after.from_on - _A_DAY}。",
            "to_on",
            to_on,
        )


def _refuse_charged(session: Session, item: ChargeType, first: date, last: date | None) -> None:
    """Refuse a change of price for days that are charged: what was billed stays explained."""
    statement = select(func.max(Charge.period_to)).where(
        Charge.charge_type_id == item.id, Charge.billing_run_id.is_not(None), Charge.period_to >= first
    )
    if last is not None:
        statement = statement.where(Charge.period_from <= last)
    charged = session.scalar(statement)
    if charged is not None:
        raise _refused(
            "charged_meanwhile",
            f"「{item.name}」已按现行标准入账到 {charged}。"
            f"请从 {charged + _A_DAY} 起变更；确需更正的，先撤销该计费批次。",
            "from_on",
            first,
        )


def _check_price(price: Decimal) -> None:
    if not price.is_finite() or not 0 <= price <= _MOST or price % _PRICE_DIGITS != 0:
        raise _refused("bad_price", f"「单价」{price} 不可用。请填写不小于 0 的单价，最多四位小数。", "price", price)


def _refused(code: str, message: str, field: str, value: object) -> Refusal:
    return Refusal(code=code, message=message, field=field, value=None if value is None else str(value))
