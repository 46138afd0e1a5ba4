"""From a cleaned row of a money sheet to what it claims: so much for this unit and period, or received that day."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from importers.cells import compact
from importers.columns_money import MOST, Period
from importers.faults import CellFault, RefusedCell
from importers.money.reasons import fault
from importers.roster.rows import unit_key_of
from importers.tally import RefusedRow
from tenant.money import show_money

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from importers.people import Name
    from importers.rooms import UnitKey
    from importers.rows import CleanRow
    from importers.tally import Place
    from tenant.rules.terms import PaymentMethod

OPENING: Final = "期初欠费"
"""What a balance is called whose sheet names no item."""

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ArrearsLine:
    """What one row says is owed: `amount` in yuan, of which `paid` is paid (None: the sheet does not say).

    `period` and `due_on` None where the row does not say them; one of them is there unless the amount is zero.
    """

    source: CleanRow
    key: UnitKey
    names: tuple[Name, ...]
    charge_type: str
    period: Period | None
    due_on: dt.date | None
    amount: Decimal
    paid: Decimal | None
    paid_on: dt.date | None

    @property
    def place(self) -> Place:
        """Return sheet and row: what names a row within its file."""
        return self.source.sheet, self.source.row


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """What one row says was received; `charge_type` and `period` say what for, None where the row does not."""

    source: CleanRow
    key: UnitKey
    names: tuple[Name, ...]
    amount: Decimal
    paid_on: dt.date
    method: PaymentMethod
    receipt: str | None
    reference: str | None
    charge_type: str | None
    period: Period | None

    @property
    def place(self) -> Place:
        """Return sheet and row: what names a row within its file."""
        return self.source.sheet, self.source.row


def assemble_arrears(row: CleanRow) -> ArrearsLine | RefusedRow:
    """Return what a row says is owed, or why it is refused; it never raises, whatever was read."""
    values, faults = row.values, list(row.faults)
    key = _key(row, faults)
    period = _period(row, faults)
    due_on = cast("dt.date | None", values.get("due_on") or _balanced_on(row))
    charge_type = cast("str | None", values.get("charge_type"))
    if charge_type is None and "charge_type" in row.headings:
        _add(row, faults, "charge_type", fault("charge_type_missing"))
    amounts = _amounts(row) if not faults else (_NOTHING, None)
    if isinstance(amounts, RefusedCell):
        faults.append(amounts)
    elif not faults and amounts[0] and period is None and due_on is None:
        _add(row, faults, "period", fault("period_missing"))
    if faults or key is None or isinstance(amounts, RefusedCell):
        return RefusedRow(tuple(faults), key.number if key else "", (row.sheet, row.row))
    return ArrearsLine(
        source=row,
        key=key,
        names=_names(values),
        charge_type=" ".join(charge_type.split()) if charge_type else OPENING,
        period=period,
        due_on=due_on,
        amount=amounts[0],
        paid=amounts[1],
        paid_on=cast("dt.date | None", values.get("paid_on")),
    )


def assemble_payment(row: CleanRow) -> PaymentLine | RefusedRow:
    """Return what a row says was received, or why it is refused; it never raises, whatever was read."""
    values, faults = row.values, list(row.faults)
    key = _key(row, faults)
    amount = cast("Decimal | None", values.get("amount"))
    paid_on = cast("dt.date | None", values.get("paid_on"))
    method = cast("PaymentMethod | None", values.get("method"))
    for identifier in ("paid_on", "method"):
        if identifier not in values:
            _add(row, faults, identifier, fault("missing"))
    if not amount:
        _add(row, faults, "amount", fault("missing") if amount is None else fault("money_zero"))
    period = _period(row, faults)
    receipt = cast("str | None", values.get("receipt"))
    if faults or key is None or amount is None or paid_on is None or method is None:
        return RefusedRow(tuple(faults), key.number if key else "", (row.sheet, row.row), receipt)
    return PaymentLine(
        source=row,
        key=key,
        names=_names(values),
        amount=amount,
        paid_on=paid_on,
        method=method,
        receipt=receipt,
        reference=cast("str | None", values.get("reference")),
        charge_type=cast("str | None", values.get("charge_type")),
        period=period,
    )


def _add(row: CleanRow, faults: list[RefusedCell], identifier: str, found: CellFault) -> None:
    """Put a fault on a cell that has none yet."""
    heading = row.headings.get(identifier)
    if heading is None or not any(known.heading == heading for known in faults):
        faults.append(row.refuse(identifier, found))


def _key(row: CleanRow, faults: list[RefusedCell]) -> UnitKey | None:
    """Return the unit's key, None where it cannot be told; then the fault stands among ``faults``."""
    key = unit_key_of(row)
    if isinstance(key, CellFault):
        _add(row, faults, "room", key)
        return None
    return key


def _names(values: Mapping[str, object]) -> tuple[Name, ...]:
    return cast("tuple[Name, ...]", values.get("owners") or ())


def _balanced_on(row: CleanRow) -> object:
    """Return the day of a balance: a last day in a sheet that has no first days; None in any other."""
    return None if "period_from" in row.headings else row.values.get("period_to")


def _period(row: CleanRow, faults: list[RefusedCell]) -> Period | None:
    """Return the period of a row, from one column or from two; None where it says none, or cannot be told."""
    said = cast("Period | None", row.values.get("period"))
    first = cast("dt.date | None", row.values.get("period_from"))
    last = cast("dt.date | None", row.values.get("period_to"))
    if (first is None and last is None) or _balanced_on(row):
        return said
    if first is None or last is None:
        if not faults:
            _add(row, faults, "period_to" if last is None else "period_from", fault("period_half"))
        return None
    both = Period(first, last)
    if last < first:
        _add(row, faults, "period_to", fault("period_reversed", f"{first}至{last}"))
        return None
    if said is not None and said != both:
        _add(row, faults, "period", fault("period_twice", f"{said.shown} / {both.shown}"))
        return None
    return both


def _amounts(row: CleanRow) -> tuple[Decimal, Decimal | None] | RefusedCell:
    """Return what was charged and what of it is paid, out of any two of 应收, 已缴 and 欠费, or of one of them."""
    charged = cast("Decimal | None", row.values.get("amount"))
    paid = cast("Decimal | None", row.values.get("paid"))
    owed = cast("Decimal | None", row.values.get("owed"))
    if charged is None and owed is None:
        return row.refuse(
            "amount" if "amount" in row.headings else "owed", fault("money_missing", "应收金额或欠费金额")
        )
    if charged is None and owed is not None:
        charged = owed + (paid or _NOTHING)
        return (charged, paid) if charged <= MOST else row.refuse("owed", fault("money_size", show_money(charged)))
    charged = charged or _NOTHING
    if owed is not None:
        rest = charged - owed if paid is None else paid
        if rest < 0 or charged - rest != owed:
            shown = f"应收 {show_money(charged)}、已缴 {show_money(paid or _NOTHING)}、欠费 {show_money(owed)}"
            return row.refuse("owed", fault("money_disagrees", shown))
        paid = rest
    if paid is not None and paid > charged:
        return row.refuse("paid", fault("paid_exceeds", paid=show_money(paid), amount=show_money(charged)))
    return charged, paid


def comparable_type(name: str) -> str:
    """Return the name of a charge type as it is compared: without blanks and brackets' kinds."""
    return compact(name).upper()
