"""The table of reports as typed rows: each kind once, with days that a month or a week can have, or refused."""

from pathlib import Path

from tenant.errors import SettingsError
from tenant.policy.rows import Row, read_file, rows_of
from tenant.rules.reporting import ReportTerm
from tenant.rules.terms import ReportKind, Role

_LAST_DAY = 31
_A_WEEK = 7
_PERIODS = ("week", "month")


def load_reporting(path: Path) -> tuple[ReportTerm, ...]:
    """Return one term for each kind of report, in order. Raises SettingsError naming file, row and field."""
    content = read_file(path, ("report",))
    found: dict[ReportKind, ReportTerm] = {}
    for row in rows_of(path, content, "report"):
        term = _term(row)
        if term.kind in found:
            raise row.wrong("kind", term.kind, "未出现过的种类")
        found[term.kind] = term
    for kind in ReportKind:
        if kind not in found:
            raise SettingsError(
                code="policy",
                message=f"规则表 {path.name}：没有写明「{kind.label}」。请补上后重新启动。",
                field=path.name,
            )
    return tuple(found.values())


def _term(row: Row) -> ReportTerm:
    every = row.text("every")
    if every not in _PERIODS:
        raise row.wrong("every", every, f"以下之一：{'、'.join(_PERIODS)}")
    most = _A_WEEK if every == "week" else _LAST_DAY
    term = ReportTerm(
        kind=row.word("kind", ReportKind),
        closes_on=_day(row, "closes", _LAST_DAY) if every == "month" else None,
        due=_day(row, "due", most),
        awaited=_day(row, "awaited", most),
        reader=row.word("reader", Role),
        form=row.optional_text("form"),
        source=row.source(),
    )
    row.finish()
    if term.awaited < term.due:
        raise row.wrong("awaited", term.awaited, f"不早于 due 的 {term.due}")
    return term


def _day(row: Row, name: str, most: int) -> int:
    day = row.number(name, least=1)
    if day > most:
        raise row.wrong(name, day, f"不大于 {most} 的日数")
    return day
