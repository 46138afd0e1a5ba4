"""What is unpaid of each charge while a sheet of payments is planned, and which of its receipts the books have."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from importers.choices import SOMEBODY_NEW
from importers.columns_money import Period
from importers.money.reasons import fault
from importers.money.tally import also
from importers.tally import Doubt
from tenant.money import show_money
from tenant.services.payments import Rest

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from importers.money.payments import Item
    from importers.money.state import MoneyState, PaymentState
    from importers.tally import Candidates

SAME_AS: Final = "is:"
"""With a payment's id the answer to "is it the same": it is."""
_NOTHING = Decimal("0.00")


class Ledger:
    """The unpaid charges of an office, less what the receipts planned so far settle of them."""

    def __init__(self, state: MoneyState) -> None:
        self.posted = {charge.id: charge for charge in state.charges}
        self._left = {charge.id: charge.unpaid for charge in state.charges}
        self._of_home: dict[tuple[int, int], list[int]] = {}
        for charge in state.charges:
            self._of_home.setdefault((charge.owner_id, charge.unit_id), []).append(charge.id)

    def rests(
        self,
        owner_id: int,
        unit_id: int,
        spent: Mapping[int, Decimal],
        charge_type_id: int | None = None,
        period: Period | None = None,
    ) -> list[Rest]:
        """Return what an owner has not paid of a unit; of one item and period where they are given.

        ``spent`` is what earlier rows of the same receipt settle: charge → yuan.
        """
        found = []
        for charge_id in self._of_home.get((owner_id, unit_id), ()):
            charge = self.posted[charge_id]
            left = self._left[charge_id] - spent.get(charge_id, _NOTHING)
            is_meant = charge_type_id is None or charge.charge_type_id == charge_type_id
            if (
                left > 0
                and is_meant
                and (period is None or Period(charge.period_from, charge.period_to).overlaps(period))
            ):
                found.append(Rest(charge_id, charge.due_on, left))
        return found

    def settle(self, parts: Mapping[int, Decimal]) -> None:
        """Take what a receipt settles off what is left."""
        for charge_id, part in parts.items():
            self._left[charge_id] -= part


class Books:
    """The receipts of an office, by all that may tell that a row means one of them."""

    def __init__(self, state: MoneyState) -> None:
        self.by_receipt = {payment.receipt_number: payment for payment in state.payments}
        self._by_id = {f"{SAME_AS}{payment.id}": payment for payment in state.payments}
        self._by_reference: dict[str, list[PaymentState]] = {}
        self._by_day: dict[tuple[dt.date, Decimal], list[PaymentState]] = {}
        self._bare: dict[tuple[int, dt.date, Decimal], int] = {}
        for payment in state.payments:
            if payment.is_void:
                continue
            self._by_day.setdefault((payment.paid_on, payment.amount), []).append(payment)
            if payment.reference:
                self._by_reference.setdefault(payment.reference.upper(), []).append(payment)

    def known(self, item: Item, amount: Decimal) -> PaymentState | Doubt | None:
        """Return the payment a receipt of the file is in the books, None for a new one, a doubt where it is unclear.

        By its number, else by its reference, else by unit, day and amount, and that is a question (B-F9).
        """
        line = item.line
        answered = next((self._by_id[said] for said in item.answers if said in self._by_id), None)
        if line.receipt and (posted := self.by_receipt.get(line.receipt)):
            return _compared(posted, item, amount)
        if answered:
            return answered
        alike = self._by_reference.get(line.reference or "", [])
        if alike and not line.receipt:
            fitting = [posted for posted in alike if not isinstance(_compared(posted, item, amount), Doubt)]
            return fitting[0] if fitting else _compared(alike[0], item, amount)
        if not line.receipt and not line.reference:
            alike = [
                posted
                for posted in self._by_day.get((line.paid_on, amount), ())
                if posted.unit_id == item.unit_id or posted.owner_id == item.payer.owner_id
            ]
        if SOMEBODY_NEW in item.answers:
            return None
        if alike:
            return Doubt(fault("conflict_payment_twice", _named(alike)), _same_or_other(alike, item.answers))
        return self._twice(item, amount)

    def enter(self, item: Item, amount: Decimal) -> None:
        """Remember a receipt of the file that has neither number nor reference."""
        if not item.line.receipt and not item.line.reference:
            self._bare.setdefault((item.unit_id, item.line.paid_on, amount), item.line.source.row)

    def _twice(self, item: Item, amount: Decimal) -> Doubt | None:
        if item.line.receipt or item.line.reference:
            return None
        row = self._bare.get((item.unit_id, item.line.paid_on, amount))
        another: Candidates = ((also(item.answers, SOMEBODY_NEW), "是另一笔收款，照样写入"),)
        return Doubt(fault("conflict_row_twice", other=row), another) if row else None


def _compared(posted: PaymentState, item: Item, amount: Decimal) -> PaymentState | Doubt:
    """Return a payment of the books, a doubt where the file says otherwise of it, or where it is void."""
    if posted.is_void:
        return Doubt(fault("conflict_receipt_void", posted.receipt_number))
    pairs = (
        ("金额", posted.amount, amount),
        ("收款日期", posted.paid_on, item.line.paid_on),
        ("收款方式", posted.method, item.line.method),
        ("缴费人", posted.owner_id, item.payer.owner_id),
    )
    what = "、".join(label for label, own, said in pairs if own != said)
    return Doubt(fault("conflict_receipt_differs", posted.receipt_number, what=what)) if what else posted


def _named(payments: Sequence[PaymentState]) -> str:
    return "、".join(f"收据 {payment.receipt_number}" for payment in payments[:3])


def _same_or_other(payments: Sequence[PaymentState], answers: tuple[str, ...]) -> Candidates:
    same = tuple(
        (
            also(answers, f"{SAME_AS}{payment.id}"),
            f"就是收据 {payment.receipt_number}（{payment.paid_on}，{show_money(payment.amount)} 元），不再写入",
        )
        for payment in payments[:10]
    )
    return (*same, (also(answers, SOMEBODY_NEW), "是另一笔收款，照样写入"))
