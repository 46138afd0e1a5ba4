"""What a report's figures say to people: its tables line by line, and who may read a report at all (A-W15, A-C12)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from admin import access
from admin.exports import Cell
from admin.screens import wording
from tenant.models import Report
from tenant.rules.rates import TARGETS, Share
from tenant.rules.terms import Act, Area, Grouping, PauseReason, Rate
from tenant.services.consolidation import BEFORE, NOW, received, share

TITLES: Final[tuple[str, ...]] = (
    "口径", "名称", "本期收到", "上期收到",
    *(f"{rate.label}{part}" for rate in Rate for part in ("分子", "分母", "（%）")),
)  # fmt: skip
"""The columns of a report's workbook."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report: its name, how many matters came now and before, and its rates in the order of ``Rate``."""

    name: str
    now: int
    before: int
    cells: list[dict[str, Any]]
    shares: list[Share]

    @property
    def change(self) -> str:
        """Return how the number that came differs from the period before, with its sign."""
        return f"{self.now - self.before:+d}" if self.now != self.before else "持平"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a report: the whole, or its groups of one kind."""

    title: str
    lines: list[Line]


def readable(statement: Any) -> Any:
    """Narrow a query of reports to those the person asking may read: above the office nobody reads a draft."""
    if access.may(Area.REPORTS, Act.EDIT):
        return statement
    return statement.filter(Report.submitted_at.is_not(None))


def tables(figures: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a report: the whole first, then each grouping that has any line."""
    total = figures.get("total", {})
    found = [Table("合计", [_line("合计", total.get(NOW, {}), total.get(BEFORE, {}))])]
    for table in figures.get("tables", ()):
        lines = [_line(row["name"], row[NOW], row[BEFORE]) for row in table["rows"]]
        if lines:
            found.append(Table(f"按{Grouping(table['by']).label}", lines))
    return found


def waits(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how work waited, a line a reason: how often, how long, how often past its limit (A-W5)."""
    lines = []
    for row in figures.get("waits", ()):
        past = f"，超过期限 {row['past_limit']} 次" if row["past_limit"] else ""
        words = f"{row['count']} 次，共 {wording.duration(timedelta(minutes=row['minutes']))}{past}"
        lines.append((PauseReason(row["reason"]).label, words))
    return lines


def written(figures: Mapping[str, Any], *first: Cell) -> Iterator[list[Cell]]:
    """Yield the lines of a report as cells of a workbook, each after ``first``."""
    for table in tables(figures):
        for line in table.lines:
            rates = [
                cell for one in line.shares for cell in (one.part, one.whole, wording.percent(one.part, one.whole))
            ]
            yield [*first, table.title, line.name, line.now, line.before, *rates]


def _line(name: str, now: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]]) -> Line:
    shares = [share(now, rate) for rate in Rate]
    cells = [_cell(rate, one, share(before, rate)) for rate, one in zip(Rate, shares, strict=True)]
    return Line(name, received(now), received(before), cells, shares)


def _cell(rate: Rate, now: Share, before: Share) -> dict[str, Any]:
    """Return one number: the share, what it is made of, that of the period before, and whether it misses its target."""
    target = TARGETS.get(rate)
    return {
        "percent": wording.percent(now.part, now.whole),
        "words": f"{now.part}/{now.whole}",
        "before": wording.percent(before.part, before.whole),
        "missed": target is not None and now.whole > 0 and now.part * 100 < target * now.whole,
    }
