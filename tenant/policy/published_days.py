"""The public calendar as it was announced, read whole and checked whole."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tenant.errors import SettingsError
from tenant.policy.rows import Row, read_file, rows_of
from tenant.rules.holiday_lines import SpecialDay, Unreadable, read_days, write_days
from tenant.rules.terms import DayKind


@dataclass(frozen=True, slots=True)
class PublishedYear:
    """One year; ``published`` says where it was announced, None: not yet, the days are only what the law fixes."""

    year: int
    published: str | None
    days: tuple[SpecialDay, ...]

    @property
    def is_published(self) -> bool:
        """Tell whether the year is settled."""
        return self.published is not None


def load_holidays(path: Path) -> tuple[PublishedYear, ...]:
    """Return the years in order. Raises SettingsError for a year written twice and for days that make no sense."""
    years = [_year(path, row) for row in rows_of(path, read_file(path, ("year",)), "year")]
    if len({year.year for year in years}) != len(years):
        raise SettingsError(
            code="policy", message=f"规则表 {path.name}：同一年写了两次。请改正后重新启动。", field=path.name
        )
    return tuple(sorted(years, key=lambda year: year.year))


def _year(path: Path, row: Row) -> PublishedYear:
    year, published = row.number("year", least=2000), row.optional_text("published")
    days = [
        SpecialDay(first + timedelta(days=n), DayKind.HOLIDAY, name)
        for name, first, last in (_span(span) for span in row.rows("off"))
        for n in range((last - first).days + 1)
    ]
    days += [_worked(made_up) for made_up in row.rows("worked")] if row.has("worked") else []
    row.source()
    row.finish()
    try:
        checked = read_days(write_days(days), year)
    except Unreadable as error:
        raise SettingsError(
            code="policy", message=f"规则表 {path.name} 的 {year} 年：{error}", field=path.name
        ) from error
    return PublishedYear(year, published, checked)


def _span(row: Row) -> tuple[str, date, date]:
    found = row.text("name"), row.day("first"), row.day("last")
    row.finish()
    return found


def _worked(row: Row) -> SpecialDay:
    found = SpecialDay(row.day("day"), DayKind.WORKING, row.text("name"))
    row.finish()
    return found
