"""The plan of a sheet of payments: which receipts it would enter, and which charges each of them settles.

Pure: the state is passed in, and so is the day. A receipt is entered whole or not at all, and is never altered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from importers.columns_money import MOST, Period
from importers.money.ledger import Books, Ledger
from importers.money.planning import NOTHING, Planner
from importers.money.reasons import fault
from importers.money.rows import PaymentLine
from importers.money.tally import also, answers_of
from importers.plan import Change, Outcome
from importers.tally import Doubt, RefusedRow
from tenant.money import show_money
from tenant.services.payments import allocate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from importers.choices import Choices
    from importers.faults import CellFault
    from importers.money.homes import Holder
    from importers.money.state import MoneyState
    from importers.plan import Plan
    from importers.tally import Candidates, Place
    from tenant.rules.terms import PaymentMethod
    from tenant.services.payments import Rest

SUBJECTS: Final = {"payments": "实收", "allocations": "核销"}
ADVANCE: Final = "advance"
"""The answer to "more than is owed": the rest is received in advance."""
ELSEWHERE: Final = "elsewhere"
"""The answer to "more than is owed for this": it settles what else the unit owes, the oldest first."""

_NO_TYPE = -1
"""The id of a charge type that the office has not: nothing is owed of it."""


@dataclass(frozen=True, slots=True)
class PaymentDraft:
    """A payment to be entered; `parts` is charge id → what it settles, `receipt` None: the next of the series."""

    owner_id: int
    unit_id: int | None
    method: PaymentMethod
    amount: Decimal
    paid_on: dt.date
    receipt: str | None
    reference: str | None
    parts: Mapping[int, Decimal]


@dataclass(slots=True)
class PaymentDrafts:
    """All that would be written, and what was unpaid of each charge it settles when the plan was made."""

    payments: list[PaymentDraft] = field(default_factory=list)
    unpaid: dict[int, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One row whose unit and payer are known."""

    line: PaymentLine
    number: str
    unit_id: int
    payer: Holder
    answers: tuple[str, ...]


def plan_payments(
    records: Sequence[PaymentLine | RefusedRow],
    state: MoneyState,
    on: dt.date,
    choices: Choices | None = None,
    held_back: Mapping[Place, CellFault] | None = None,
) -> Plan:
    """Return what `records` would do to `state` on the day `on`, as people chose.

    `held_back` are rows not to be carried out, with the reason: they come back as conflicts, and with them the other
    rows of the same receipt.
    """
    planner = _Planner(records, state, on, choices, held_back or {})
    for receipt in _receipts(records):
        planner.take(receipt)
    return planner.plan()


def _receipts(records: Sequence[PaymentLine | RefusedRow]) -> list[list[PaymentLine | RefusedRow]]:
    """Return the rows receipt by receipt, the oldest first: by its number, else its reference, else row by row."""
    groups: dict[object, list[PaymentLine | RefusedRow]] = {}
    for record in records:
        reference = record.reference if isinstance(record, PaymentLine) else None
        key = record.receipt or (("reference", reference) if reference else record.place)
        groups.setdefault(key, []).append(record)
    days = {key: [line.paid_on for line in rows if isinstance(line, PaymentLine)] for key, rows in groups.items()}
    return [groups[key] for key in sorted((key for key in groups if days[key]), key=lambda key: min(days[key]))]


class _Planner(Planner[PaymentDrafts]):
    subjects = SUBJECTS
    total = "收款"

    def __init__(
        self,
        records: Sequence[PaymentLine | RefusedRow],
        state: MoneyState,
        on: dt.date,
        choices: Choices | None,
        held: Mapping[Place, CellFault],
    ) -> None:
        super().__init__(records, state, on, choices, PaymentDrafts())
        self.held = held
        self.ledger = Ledger(state)
        self.books = Books(state)
        self.received = self.advanced = NOTHING

    def take(self, rows: Sequence[PaymentLine | RefusedRow]) -> None:
        """Take the rows of one receipt, all of them or none; the doubts say why not."""
        lines = [row for row in rows if isinstance(row, PaymentLine)]
        items, doubts = self._items(lines)
        if not doubts and len(lines) == len(rows):
            doubts = self._differing(items) or self._entered(items)
        if doubts or len(lines) < len(rows):
            cause = next((row for row in rows if isinstance(row, RefusedRow) or row.place in doubts), rows[0])
            incomplete = Doubt(fault("conflict_receipt_incomplete", other=cause.place[1]))
            for line in lines:
                self.tally.doubts[line.place] = doubts.get(line.place, incomplete)
        for item in items:
            self.tally.tell(item.line.place, item.payer.name)

    def _items(self, lines: Sequence[PaymentLine]) -> tuple[list[Item], dict[Place, Doubt]]:
        """Return the rows whose unit and payer are known, and why the others' are not."""
        items: list[Item] = []
        doubts: dict[Place, Doubt] = {}
        for line in lines:
            found = self._item(line)
            if isinstance(found, Doubt):
                doubts[line.place] = found
            else:
                items.append(found)
        return items, doubts

    def _item(self, line: PaymentLine) -> Item | Doubt:
        if held := self.held.get(line.place):
            return Doubt(held)
        if line.paid_on > self.on:
            return Doubt(fault("paid_in_future", line.paid_on.isoformat()))
        number = self.homes.number_of(line.key)
        if not isinstance(number, str):
            return Doubt(number)
        answers = answers_of(self.choices, line.place)
        known = self.books.by_receipt.get(line.receipt or "")
        unit_id = self.homes.units[number]

        def owes(holder: Holder) -> bool:
            return _sum(self._wanted(line, holder.owner_id, unit_id, answers, {})) >= line.amount

        payer = self.payer(line, number, line.paid_on, known.owner_id if known else None, owes)
        if isinstance(payer, Doubt):
            return payer
        return Item(line, number, unit_id, payer, answers)

    @staticmethod
    def _differing(items: Sequence[Item]) -> dict[Place, Doubt]:
        """Return the rows of a receipt that tell another payer, day, method or number than its first."""
        first = items[0]
        doubts: dict[Place, Doubt] = {}
        for item in items[1:]:
            pairs = (
                ("缴费人", item.payer.owner_id, first.payer.owner_id),
                ("收款日期", item.line.paid_on, first.line.paid_on),
                ("收款方式", item.line.method, first.line.method),
                ("流水号", item.line.reference, first.line.reference),
            )
            what = "、".join(label for label, own, others in pairs if own != others)
            if what:
                found = fault("conflict_receipt_rows", what=what, other=first.line.source.row)
                doubts[item.line.place] = Doubt(found)
        return doubts

    def _entered(self, items: Sequence[Item]) -> dict[Place, Doubt]:
        """Enter a receipt unless it stands in the books; return why it cannot be."""
        first = items[0]
        amount = sum((item.line.amount for item in items), NOTHING)
        if amount > MOST:
            return {first.line.place: Doubt(fault("money_size", show_money(amount)))}
        known = self.books.known(first, amount)
        if isinstance(known, Doubt):
            return {first.line.place: known}
        if known is None:
            return self._settled(items, amount)
        for item in items:
            self.tally.count(item.line.place, "payments", Outcome.SAME, known.receipt_number)
        self.received += amount
        return {}

    def _settled(self, items: Sequence[Item], amount: Decimal) -> dict[Place, Doubt]:
        """Settle charges with a receipt, row by row; return why that cannot be."""
        parts: dict[int, Decimal] = {}
        settled: list[tuple[Item, list[tuple[int, Decimal]]]] = []
        for item in items:
            found = self._parts(item, parts)
            if isinstance(found, Doubt):
                return {item.line.place: found}
            settled.append((item, found))
            for charge_id, part in found:
                parts[charge_id] = parts.get(charge_id, NOTHING) + part
        for charge_id in parts:
            self.drafts.unpaid.setdefault(charge_id, self.ledger.posted[charge_id].unpaid)
        self.ledger.settle(parts)
        self.books.enter(items[0], amount)
        self._draft(items, amount, parts)
        self._tell(settled, amount)
        return {}

    def _parts(self, item: Item, spent: Mapping[int, Decimal]) -> list[tuple[int, Decimal]] | Doubt:
        """Return which charges a row settles, by the arithmetic of the desk: the oldest first, never more than owed."""
        line, everything = item.line, self.ledger.rests(item.payer.owner_id, item.unit_id, spent)
        wanted = self._wanted(line, item.payer.owner_id, item.unit_id, item.answers, spent)
        owed, all_owed = _sum(wanted), _sum(everything)
        if line.amount <= owed or ADVANCE in item.answers:
            return allocate(wanted, min(line.amount, owed))
        about = "、".join(filter(None, (line.charge_type, line.period and line.period.shown)))
        said = fault(
            "conflict_overpaid",
            f"「{item.number} {item.payer.name}」{about}",
            amount=show_money(line.amount),
            owed=show_money(owed),
        )
        candidates = [(also(item.answers, ADVANCE), f"多出的 {show_money(line.amount - owed)} 元记为预收")]
        if owed < line.amount <= all_owed:
            candidates.insert(0, (also(item.answers, ELSEWHERE), "按应缴日先后核销这套房的全部欠费"))
        return Doubt(said, (*candidates, *self._others(item, spent)))

    def _wanted(
        self,
        line: PaymentLine,
        owner_id: int,
        unit_id: int,
        answers: Sequence[str],
        spent: Mapping[int, Decimal],
    ) -> list[Rest]:
        """Return what an owner owes of what a row names, of everything where it names nothing."""
        if not (line.charge_type or line.period) or ELSEWHERE in answers:
            return self.ledger.rests(owner_id, unit_id, spent)
        name = self.types.name_of(line.charge_type) if line.charge_type else None
        type_id = None if name is None else self.types.id_of(name) or _NO_TYPE
        return self.ledger.rests(owner_id, unit_id, spent, type_id, line.period)

    def _others(self, item: Item, spent: Mapping[int, Decimal]) -> Candidates:
        """Return the unit's other owners, of now and before, who owe that much: arrears stay where they arose."""
        found: dict[int, tuple[str, str]] = {}
        for holder in self.homes.holders.get(item.unit_id, ()):
            owed = _sum(self.ledger.rests(holder.owner_id, item.unit_id, spent))
            if holder.owner_id != item.payer.owner_id and owed >= item.line.amount:
                said = also(item.answers, str(holder.owner_id))
                found[holder.owner_id] = (said, f"记在{holder.name}名下，其未缴 {show_money(owed)} 元")
        return tuple(found.values())

    def _draft(self, items: Sequence[Item], amount: Decimal, parts: Mapping[int, Decimal]) -> None:
        first = items[0]
        unit_ids = {item.unit_id for item in items}
        self.drafts.payments.append(
            PaymentDraft(
                owner_id=first.payer.owner_id,
                unit_id=first.unit_id if len(unit_ids) == 1 else None,
                method=first.line.method,
                amount=amount,
                paid_on=first.line.paid_on,
                receipt=first.line.receipt,
                reference=first.line.reference,
                parts=parts,
            )
        )

    def _tell(self, settled: Sequence[tuple[Item, list[tuple[int, Decimal]]]], amount: Decimal) -> None:
        """Put a receipt on its first row, and on each row what it settles and what is left over."""
        first = settled[0][0].line
        shown = (
            Change("金额", "", show_money(amount)),
            Change("收款日", "", first.paid_on.isoformat()),
            Change("收款方式", "", first.method.label),
        )
        name = f"收据 {first.receipt}" if first.receipt else "收据（写入时编号）"
        self.tally.count(first.place, "payments", Outcome.NEW, name, shown)
        told: set[int] = set()
        for item, parts in settled:
            for charge_id, part in parts:
                charge = self.ledger.posted[charge_id]
                title = f"{item.number} {self.type_names[charge.charge_type_id]} "
                title += Period(charge.period_from, charge.period_to).shown
                changes = (Change("核销金额", "", show_money(part)),)
                is_more = charge_id in told  # the rows of a receipt settle a charge together, by one allocation
                self.tally.count(item.line.place, "allocations", Outcome.NEW, title, changes, more=0 if is_more else 1)
                told.add(charge_id)
            self.advanced += item.line.amount - sum((part for _, part in parts), NOTHING)
        self.received += amount

    def told(self) -> list[str]:
        """Return the total of what is taken, what is left over of it, and how many receipts have no number."""
        lines = [f"收款合计 {show_money(self.received)} 元。"]
        if self.advanced:
            lines.append(f"其中 {show_money(self.advanced)} 元记为预收，暂不核销任何应收。")
        unnumbered = sum(1 for draft in self.drafts.payments if draft.receipt is None)
        if unnumbered:
            lines.append(f"有 {unnumbered} 笔没有收据号，写入时按本管理处的收据连号编号。")
        return lines


def _sum(rests: Iterable[Rest]) -> Decimal:
    return sum((rest.unpaid for rest in rests), NOTHING)
