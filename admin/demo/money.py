"""The invented offices' charges and payments: most owners pay, some late, a few not at all."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from admin.demo.houses import Home
from tenant import clock
from tenant.calendars import months_after
from tenant.journal import write_rows
from tenant.models import Allocation, Charge, ChargeType, NumberSeries, Payment, Tariff
from tenant.money import to_fen
from tenant.rules.numbers import receipt_number
from tenant.rules.terms import ChargeBasis, PaymentMethod
from tenant.scoping import ScopedSession
from tenant.services.numbers import RECEIPTS

MONTHS = 6
DUE_DAY = 10
PRICE = Decimal("2.40")
PRICED_SINCE = date(2020, 1, 1)
UNPAID_MONTHS = ((0.030, 1), (0.020, 2), (0.014, 3), (0.008, 5), (0.004, 8), (0.003, 13), (0.002, 19))
"""Which share of owners is how many months behind: enough for every step of the ladder (B-F2 to B-F4)."""
METHODS = (PaymentMethod.WECHAT, PaymentMethod.WECHAT, PaymentMethod.ALIPAY, PaymentMethod.TRANSFER, PaymentMethod.CASH)


def build(session: ScopedSession, random: Random, office_id: int, homes: Sequence[Home]) -> None:
    """Charge half a year to every home, more to those far behind, and pay what was paid."""
    fee = ChargeType(office_id=office_id, name="物业服务费", basis=ChargeBasis.AREA, is_monthly=True, due_day=DUE_DAY)
    session.add(fee)
    session.flush()
    session.add(
        Tariff(office_id=office_id, charge_type_id=fee.id, price=PRICE, from_on=PRICED_SINCE, basis="前期物业服务合同")
    )
    behind = {owner_id: _months_behind(random) for owner_id in {home.owner_id for home in homes}}
    charges = [row for home in homes for row in _charges(office_id, fee.id, home, behind[home.owner_id])]
    charge_ids = write_rows(session, Charge, inserts=charges)
    settled = [
        (charge_id, row)
        for charge_id, row in zip(charge_ids, charges, strict=True)
        if row["due_on"] <= _settled_until(behind[row["owner_id"]])
    ]
    payments = [_payment(random, serial, row) for serial, (_, row) in enumerate(settled, start=1)]
    payment_ids = write_rows(session, Payment, inserts=payments)
    allocations = [
        {"office_id": office_id, "payment_id": payment_id, "charge_id": charge_id, "amount": row["amount"]}
        for payment_id, (charge_id, row) in zip(payment_ids, settled, strict=True)
    ]
    write_rows(session, Allocation, inserts=allocations)
    session.add(NumberSeries(office_id=office_id, series=RECEIPTS, last=len(payments)))
    session.flush()


def _months_behind(random: Random) -> int:
    roll = random.random()
    for share, months in UNPAID_MONTHS:
        if roll < share:
            return months
        roll -= share
    return 0


def _month(ago: int) -> date:
    return months_after(clock.today().replace(day=1), -ago)


def _settled_until(behind: int) -> date:
    """Return the day up to which dues are paid: the current month's is open for a few more days for everybody."""
    return _month(behind).replace(day=DUE_DAY) - timedelta(days=1) if behind else clock.today()


def _charges(office_id: int, fee_id: int, home: Home, behind: int) -> Iterator[dict[str, Any]]:
    for ago in range(max(MONTHS, behind) - 1, -1, -1):
        start = _month(ago)
        yield {
            "office_id": office_id,
            "unit_id": home.unit_id,
            "owner_id": home.owner_id,
            "charge_type_id": fee_id,
            "period_from": start,
            "period_to": months_after(start, 1) - timedelta(days=1),
            "due_on": start.replace(day=DUE_DAY),
            "amount": to_fen(home.area * PRICE),
        }


def _payment(random: Random, serial: int, charge: dict[str, Any]) -> dict[str, Any]:
    paid_on = min(charge["due_on"] + timedelta(days=random.randrange(-8, 6)), clock.today())
    return {
        "office_id": charge["office_id"],
        "owner_id": charge["owner_id"],
        "unit_id": charge["unit_id"],
        "receipt_number": receipt_number(serial),
        "method": random.choice(METHODS),
        "amount": charge["amount"],
        "paid_on": paid_on,
    }
