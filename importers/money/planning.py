"""What the plans of both sheets of money share: whose a row is, what is counted, what is said above the preview."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from importers.choices import Choices
from importers.money.homes import Holder
from importers.money.tally import MoneyTally, answers_of
from importers.money.types import ChargeTypes
from importers.plan import Plan
from importers.tally import Doubt, RefusedRow
from tenant.money import show_money

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from importers.money.rows import ArrearsLine, PaymentLine
    from importers.money.state import MoneyState
    from importers.tally import Place

    Line = ArrearsLine | PaymentLine

NOTHING: Final = Decimal("0.00")
Drafts = TypeVar("Drafts")


class Planner(Generic[Drafts]):
    """The plan of a sheet of money while it is made; ``drafts`` is what would be written."""

    subjects: Mapping[str, str]
    total: str
    """What the amount of a row is called: 应收."""

    def __init__(
        self,
        records: Sequence[Line | RefusedRow],
        state: MoneyState,
        on: dt.date,
        choices: Choices | None,
        drafts: Drafts,
    ) -> None:
        self.records = records
        self.lines = [record for record in records if not isinstance(record, RefusedRow)]
        self.on = on
        self.choices = choices or Choices()
        self.homes = state.homes
        self.types = ChargeTypes(state.charge_types)
        self.type_names = {type_id: name for name, type_id in state.charge_types.items()}
        self.tally = MoneyTally(self.subjects)
        self.drafts = drafts
        self._said_alike = _said_alike(self.lines, self.choices)
        self._read_alike: set[Place] = set()

    def payer(
        self,
        line: Line,
        number: str,
        day: dt.date,
        known: int | None,
        fits: Callable[[Holder], bool] = lambda _: True,
    ) -> Holder | Doubt:
        """Return in whose name a row stands; as `Homes.payer`, and one answer serves all rows of that unit and name.

        ``fits`` tells whom a row may mean: who does not fit, and was not named for this very row, gives way to whom
        people named for another row of the same unit and the same names.
        """
        answers = answers_of(self.choices, line.place)
        payer = self.homes.payer(number, line.names, day, answers, known)
        said = self._said_alike.get(_about(line))
        if answers or said is None or (isinstance(payer, Holder) and fits(payer)):
            return payer
        meant = self.homes.payer(number, line.names, day, (said,), known)
        if isinstance(meant, Doubt) or not fits(meant):
            return payer
        self._read_alike.add(line.place)
        return meant

    def plan(self) -> Plan:
        """Return the whole plan: what each row brings about, what is refused, what is counted."""
        return Plan(
            rows=self.tally.rows(self.records),
            refused=self.tally.refused(self.records),
            subjects=self.tally.counts,
            drafts=self.drafts,
            notices=[*self._summed(), *self.types.notices()],
        )

    def told(self) -> list[str]:
        """Return what is said of this kind of sheet: the totals of what is taken first."""
        raise NotImplementedError

    def _summed(self) -> list[str]:
        """Return the totals to hold against the sheet's own, and what was taken where the sheet is silent."""
        taken, *more = self.told()
        lines = [f"可写入和相同的行：{taken}请与原表的合计核对。"]
        held = [line for line in self.lines if line.place in self.tally.doubts]
        if held:
            left = sum((line.amount for line in held), NOTHING)
            lines.append(f"有疑问而没有计入的 {len(held)} 行，{self.total}合计 {show_money(left)} 元。")
        alike = len(self._read_alike - self.tally.doubts.keys())
        if alike:
            lines.append(f"有 {alike} 行与您答复过的行是同一套房、同一姓名，按同一答复记在同一人名下。")
        return lines + more


def _said_alike(lines: Iterable[Line], choices: Choices) -> dict[tuple[str, ...], str]:
    """Return, by unit and names, whom people said rows mean; nobody where they said different things."""
    said: dict[tuple[str, ...], set[str]] = {}
    for line in lines:
        owner = next((part for part in answers_of(choices, line.place) if part.isdecimal()), None)
        if owner and line.names:
            said.setdefault(_about(line), set()).add(owner)
    return {about: min(owners) for about, owners in said.items() if len(owners) == 1}


def _about(line: Line) -> tuple[str, ...]:
    return (line.key.number, *(name.name for name in line.names))
