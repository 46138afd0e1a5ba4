"""What an office has of charges and payments, as plain values: all that a plan of a money sheet is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importers.money.homes import Homes

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tenant.rules.terms import PaymentMethod


@dataclass(frozen=True, slots=True)
class ChargeState:
    """A charge the office has posted; `settled` is what payments that count have settled of it, in yuan."""

    id: int
    unit_id: int
    owner_id: int
    charge_type_id: int
    period_from: dt.date
    period_to: dt.date
    due_on: dt.date
    amount: Decimal
    version: int
    settled: Decimal

    @property
    def unpaid(self) -> Decimal:
        """Return what is still owed of it."""
        return self.amount - self.settled


@dataclass(frozen=True, slots=True)
class PaymentState:
    """A payment the office has received, voided or not."""

    id: int
    owner_id: int
    unit_id: int | None
    receipt_number: str
    method: PaymentMethod
    amount: Decimal
    paid_on: dt.date
    reference: str | None
    is_void: bool


@dataclass(frozen=True, slots=True)
class AdvanceState:
    """A payment of which `left` yuan settle nothing yet; `unit_id` None: for whatever the owner owes."""

    payment_id: int
    owner_id: int
    unit_id: int | None
    receipt_number: str
    left: Decimal


@dataclass(frozen=True, slots=True)
class MoneyState:
    """An office's units with their owners, its charge types by name, its charges and its payments.

    For a sheet of payments `charges` are only those of which something is unpaid; a sheet of arrears needs of the
    payments only the `advances`, the oldest first.
    """

    homes: Homes = field(default_factory=Homes)
    charge_types: Mapping[str, int] = field(default_factory=dict)
    charges: Sequence[ChargeState] = ()
    payments: Sequence[PaymentState] = ()
    advances: Sequence[AdvanceState] = ()
