"""The plan of a sheet of arrears: which charges it would post or correct, and what of them was paid before.

Pure: the state is passed in, and so is the day. A charge of which something is paid is never altered by a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from importers.choices import SOMEBODY_NEW
from importers.columns_money import Period
from importers.money.ledger import SAME_AS
from importers.money.planning import NOTHING, Planner
from importers.money.reasons import fault
from importers.money.rows import ArrearsLine
from importers.money.tally import also, answers_of
from importers.plan import Change, Outcome
from importers.tally import Doubt, RefusedRow
from tenant.money import show_money
from tenant.rules.terms import ImportMode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from importers.choices import Choices
    from importers.faults import CellFault
    from importers.money.homes import Holder
    from importers.money.state import AdvanceState, ChargeState, MoneyState
    from importers.plan import Plan
    from importers.tally import Place

SUBJECTS: Final = {"charges": "应收", "payments": "期初已缴", "charge_types": "收费项目", "allocations": "预收核销"}
_A_MONTH: Final = 28
"""Days: what falls due so much later is the next month's."""
_SHOWN: Final = frozenset({"amount", "owner_id", "due_on"})
"""What is shown of a correction; a period that only stands for the due date goes with it."""


@dataclass(frozen=True, slots=True)
class ChargeDraft:
    """A charge to be posted (`state` None) or corrected; `values` are the columns to be written.

    `paid` is what was paid of a new one before, `paid_on` when; `advances` is payment id → what it settles of it.
    """

    claim: Claim
    charge_type: str
    state: ChargeState | None
    values: Mapping[str, Any]
    paid: Decimal = NOTHING
    paid_on: dt.date | None = None
    advances: dict[int, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a row is about: this unit, item and period."""

    line: ArrearsLine
    number: str
    unit_id: int
    charge_type: str
    period: Period
    due_on: dt.date

    @property
    def about(self) -> tuple[int, str]:
        """Return unit and item, of which no two charges may lie in one time."""
        return self.unit_id, self.charge_type

    @property
    def title(self) -> str:
        """Return what people call it."""
        return f"{self.number} {self.charge_type} {self.period.shown}"


@dataclass(slots=True)
class ArrearsDrafts:
    """All that would be written: the names of new charge types, then the charges.

    `advances` is what was left of each payment they use when the plan was made.
    """

    charge_types: list[str] = field(default_factory=list)
    charges: list[ChargeDraft] = field(default_factory=list)
    advances: dict[int, Decimal] = field(default_factory=dict)


def plan_arrears(
    records: Sequence[ArrearsLine | RefusedRow],
    state: MoneyState,
    on: dt.date,
    choices: Choices | None = None,
    held_back: Mapping[Place, CellFault] | None = None,
) -> Plan:
    """Return what `records` would do to `state` on the day `on`, as people chose.

    `held_back` are rows not to be carried out, with the reason: they come back as conflicts.
    """
    planner = _Planner(records, state, on, choices)
    planner.look_through()
    for record in records:
        if isinstance(record, RefusedRow):
            continue
        held = (held_back or {}).get(record.place)
        doubt = Doubt(held) if held else planner.take(record)
        if doubt:
            planner.tally.doubts[record.place] = doubt
    planner.use_advances()
    return planner.plan()


class _Planner(Planner[ArrearsDrafts]):
    subjects = SUBJECTS
    total = "应收"

    def __init__(
        self, records: Sequence[ArrearsLine | RefusedRow], state: MoneyState, on: dt.date, choices: Choices | None
    ) -> None:
        super().__init__(records, state, on, choices, ArrearsDrafts())
        self.drafts.charge_types = self.types.new
        self.amount = self.paid = NOTHING
        self.undated = 0
        self.empty = 0
        self._names = {holder.owner_id: holder.name for held in self.homes.holders.values() for holder in held}
        self._advances = state.advances
        self._posted: dict[tuple[int, str], list[ChargeState]] = {}
        for charge in state.charges:
            name = self.type_names.get(charge.charge_type_id, "")
            self._posted.setdefault((charge.unit_id, name), []).append(charge)
        self._days: set[tuple[int, str, dt.date]] = set()
        self._named: dict[tuple[int, str], list[tuple[Period, int]]] = {}

    def take(self, line: ArrearsLine) -> Doubt | None:
        """Take a row into the drafts, whole or not at all; a doubt says why not."""
        claim = self._claim(line)
        if claim is None or isinstance(claim, Doubt):
            self.empty += claim is None
            return claim
        known, doubt = self._known(claim)
        if doubt is None and line.paid_on and line.paid_on > self.on:
            doubt = Doubt(fault("paid_in_future", line.paid_on.isoformat()))
        if doubt is not None:
            return doubt
        payer = self.payer(line, claim.number, claim.due_on, known.owner_id if known else None)
        if isinstance(payer, Doubt):
            return payer
        if known is None:
            self._new(claim, payer)
        else:
            doubt = self._corrected(claim, known, payer)
        if doubt is None:
            self._named.setdefault(claim.about, []).append((claim.period, line.source.row))
            self.tally.tell(line.place, payer.name)
        return doubt

    def _claim(self, line: ArrearsLine) -> Claim | Doubt | None:
        """Return what a row is about, None where it claims nothing, a doubt where it cannot be told."""
        number = self.homes.number_of(line.key)
        if not isinstance(number, str):
            return Doubt(number)
        due_on = line.due_on or (line.period.last if line.period else None)
        if not line.amount or due_on is None:
            return None
        period = line.period or Period(due_on, due_on)
        name = self.types.name_of(line.charge_type)
        return Claim(line, number, self.homes.units[number], name, period, due_on)

    def _known(self, claim: Claim) -> tuple[ChargeState | None, Doubt | None]:
        """Return the charge of the books that a row means, and why it cannot be taken beside the others."""
        for earlier, row in self._named.get(claim.about, ()):
            if earlier.overlaps(claim.period):
                return None, Doubt(fault("conflict_charge_twice", other=row))
        posted = self._posted.get(claim.about, [])
        known = next((charge for charge in posted if _period_of(charge) == claim.period), None)
        if known is None and claim.line.period is None:
            found = self._moved(claim, posted)
            if isinstance(found, Doubt):
                return None, found
            known = found
        for other in posted:
            if other is not known and _period_of(other).overlaps(claim.period):
                return None, Doubt(fault("conflict_charge_overlaps", _period_of(other).shown))
        return known, None

    def look_through(self) -> None:
        """Note the days of all that the sheet claims without a period: what it names is not what it means elsewhere."""
        for line in self.lines:
            claim = self._claim(line) if isinstance(line, ArrearsLine) and line.period is None else None
            if isinstance(claim, Claim):
                self._days.add((*claim.about, claim.due_on))

    def _moved(self, claim: Claim, posted: Sequence[ChargeState]) -> ChargeState | Doubt | None:
        """Return the charge of the books that a row without a period means by another due date, a doubt while unsaid.

        It has no period either, the same amount, a due date less than a month away, and no other row of the sheet.
        """
        near = [
            charge
            for charge in posted
            if charge.period_from == charge.period_to == charge.due_on
            and charge.amount == claim.line.amount
            and abs((charge.due_on - claim.due_on).days) < _A_MONTH
            and (*claim.about, charge.due_on) not in self._days
        ]
        answers = answers_of(self.choices, claim.line.place)
        if not near or SOMEBODY_NEW in answers:
            return None
        meant = next((charge for charge in near if f"{SAME_AS}{charge.id}" in answers), None)
        if meant is not None:
            return meant
        same = [
            (also(answers, f"{SAME_AS}{one.id}"), f"就是应缴日 {one.due_on} 的那一笔，应缴日改过来") for one in near
        ]
        candidates = (*same, (also(answers, SOMEBODY_NEW), "是另一笔，照样写入"))
        return Doubt(fault("conflict_charge_moved", near[0].due_on.isoformat()), candidates)

    def _new(self, claim: Claim, payer: Holder) -> None:
        """Post a charge, and what was paid of it before."""
        line, place = claim.line, claim.line.place
        self.undated += line.due_on is None
        if self.types.bring(claim.charge_type):
            self.tally.count(place, "charge_types", Outcome.NEW, claim.charge_type)
        shown = (
            Change("缴费人", "", payer.name),
            Change("应缴日", "", claim.due_on.isoformat()),
            Change("应收金额", "", show_money(line.amount)),
        )
        self.tally.count(place, "charges", Outcome.NEW, claim.title, shown)
        paid = line.paid or NOTHING
        paid_on = line.paid_on or min(claim.due_on, self.on)
        if paid:
            settled = (Change("期初已缴", "", show_money(paid)), Change("收款日", "", paid_on.isoformat()))
            self.tally.count(place, "payments", Outcome.NEW, claim.title, settled)
        values = {
            "unit_id": claim.unit_id,
            "owner_id": payer.owner_id,
            "period_from": claim.period.first,
            "period_to": claim.period.last,
            "due_on": claim.due_on,
            "amount": line.amount,
        }
        self.drafts.charges.append(ChargeDraft(claim, claim.charge_type, None, values, paid, paid_on))
        self._add_up(line.amount, paid)

    def _corrected(self, claim: Claim, known: ChargeState, payer: Holder) -> Doubt | None:
        """Correct a posted charge where the file says otherwise and nothing of it is paid."""
        line = claim.line
        if line.paid and line.paid > known.settled:
            return Doubt(fault("conflict_paid_differs", show_money(line.paid), paid=show_money(known.settled)))
        said: dict[str, Any] = {"amount": line.amount, "owner_id": payer.owner_id}
        if line.due_on:
            said["due_on"] = line.due_on
        if line.period is None:
            said |= {"period_from": claim.period.first, "period_to": claim.period.last}
        change = {name: value for name, value in said.items() if getattr(known, name) != value}
        if self.choices.mode is ImportMode.FILL:  # a charge has no blanks
            change = {}
        changes = tuple(self._change(known, name, value) for name, value in change.items() if name in _SHOWN)
        if change and known.settled:
            what = "、".join(f"{label} {old} → {new}" for label, old, new in changes)
            return Doubt(fault("conflict_charge_settled", what, paid=show_money(known.settled)))
        self.tally.count(line.place, "charges", Outcome.CHANGED if change else Outcome.SAME, claim.title, changes)
        if change:
            self.drafts.charges.append(ChargeDraft(claim, "", known, change))
        self._add_up(line.amount if not change else change.get("amount", known.amount), known.settled)
        return None

    def _change(self, known: ChargeState, name: str, value: Any) -> Change:  # noqa: ANN401 - of any column
        old = getattr(known, name)
        if name == "owner_id":
            return Change("缴费人", self._names.get(old, ""), self._names.get(value, ""))
        if name == "amount":
            return Change("应收金额", show_money(old), show_money(value))
        return Change("应缴日", old.isoformat(), value.isoformat())

    def _add_up(self, amount: Decimal, paid: Decimal) -> None:
        self.amount += amount
        self.paid += paid

    def use_advances(self) -> None:
        """Settle new charges with what their owners paid in advance, the oldest first on both sides."""
        waiting: dict[int, list[AdvanceState]] = {}
        for advance in self._advances:
            waiting.setdefault(advance.owner_id, []).append(advance)
        left = {advance.payment_id: advance.left for advance in self._advances}
        new = [draft for draft in self.drafts.charges if draft.values.get("owner_id") in waiting and not draft.state]
        for draft in sorted(new, key=lambda draft: draft.claim.due_on):
            unpaid = draft.values["amount"] - draft.paid
            for advance in waiting[draft.values["owner_id"]]:
                part = min(unpaid, left[advance.payment_id])
                if part > 0 and advance.unit_id in {None, draft.claim.unit_id}:
                    draft.advances[advance.payment_id] = part
                    self.drafts.advances[advance.payment_id] = advance.left
                    left[advance.payment_id] -= part
                    unpaid -= part
                    shown = (Change("核销金额", "", show_money(part)),)
                    name = f"收据 {advance.receipt_number}"
                    self.tally.count(draft.claim.line.place, "allocations", Outcome.NEW, name, shown)

    def told(self) -> list[str]:
        """Return the totals of what is taken, and what was taken where the sheet is silent."""
        amount, paid = self.amount, self.paid
        parts = f"其中已缴 {show_money(paid)} 元，未缴 {show_money(amount - paid)} 元"
        lines = [f"应收合计 {show_money(amount)} 元，{parts}。"]
        if self.undated:
            lines.append(f"有 {self.undated} 行没有写应缴日，按费用期间的最后一天计。")
        if self.empty:
            lines.append(f"有 {self.empty} 行金额为 0，没有应收可记。")
        return lines


def _period_of(charge: ChargeState) -> Period:
    return Period(charge.period_from, charge.period_to)
