"""Filters of a list: each says in Chinese what it does, and days are days of the office."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from sqlalchemy import Boolean, Column, Date, DateTime, Enum, Integer, Numeric

from admin import access
from admin.fields import YEARS
from tenant.rules.terms import Term

YES, NO = "1", "0"
MOST_DIGITS: Final = 20


class Filter(BaseSQLAFilter):
    """One way to narrow a list by one column: ``code`` stands in the address, ``verb`` on the screen."""

    code = "is"
    verb = "是"

    def operation(self) -> str:
        """Return the words between the column's name and the value."""
        return self.verb

    def compare(self, column: Any, value: Any) -> Any:
        """Return the condition on ``column``."""
        return column == value

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Return the query narrowed; ``alias`` is the joined table the column stands in, None for the list's own."""
        return query.filter(self.compare(self.get_column(alias), value))


class TermIs(Filter):
    """A coded column has one value of its list."""

    terms: Callable[[str], Term]

    def clean(self, value: str) -> Term:
        """Return the member stored as ``value``; raises ValueError for none."""
        return self.terms(value)


class Flag(Filter):
    """A yes-or-no column."""

    def clean(self, value: str) -> bool:
        """Return the answer; raises ValueError for anything but the two."""
        if value not in {YES, NO}:
            raise ValueError(value)
        return value == YES


class Contains(Filter):
    """A text has the words somewhere in it; the signs that mean "anything" to the database mean themselves here."""

    code, verb = "has", "包含"

    def clean(self, value: str) -> str:
        """Return the words looked for; raises ValueError for what no text can hold."""
        if "\x00" in value:
            raise ValueError(value)
        return value.strip()

    def compare(self, column: Any, value: str) -> Any:
        """Return the condition."""
        return column.icontains(value, autoescape=True)


class Equals(Contains):
    """A text is exactly this."""

    code, verb = "is", "是"

    def compare(self, column: Any, value: str) -> Any:
        """Return the condition."""
        return column == value


class Number(Filter):
    """A number, not below or not above a bound."""

    def clean(self, value: str) -> Decimal:
        """Return the bound; raises ValueError for no number."""
        try:
            number = Decimal(value.strip().replace(",", ""))
        except InvalidOperation as error:
            raise ValueError(value) from error
        if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
            raise ValueError(value)
        return number


class AtLeast(Number):
    """A number not below a bound."""

    code, verb = "from", "不小于"

    def compare(self, column: Any, value: Decimal) -> Any:
        """Return the condition."""
        return column >= value


class AtMost(Number):
    """A number not above a bound."""

    code, verb = "to", "不大于"

    def compare(self, column: Any, value: Decimal) -> Any:
        """Return the condition."""
        return column <= value


class Day(Filter):
    """A day or an instant, not before or not after a day of the office."""

    is_instant = False

    def clean(self, value: str) -> date:
        """Return the day; raises ValueError for none, and for one that no calendar on the wall shows."""
        day = date.fromisoformat(value.strip())
        if day.year not in YEARS:
            raise ValueError(value)
        return day

    def midnight(self, day: date) -> datetime:
        """Return the instant a day begins where the person stands."""
        zone = ZoneInfo(access.zone_of(None))
        return datetime.combine(day, time(), zone).astimezone(UTC)


class NotBefore(Day):
    """Not before the beginning of a day."""

    code, verb = "from", "不早于"

    def compare(self, column: Any, value: date) -> Any:
        """Return the condition."""
        return column >= (self.midnight(value) if self.is_instant else value)


class NotAfter(Day):
    """Not after the end of a day."""

    code, verb = "to", "不晚于"

    def compare(self, column: Any, value: date) -> Any:
        """Return the condition."""
        return column < self.midnight(value + timedelta(days=1)) if self.is_instant else column <= value


YES_OR_NO: Final = [(YES, "是"), (NO, "否")]


def filters_for(path: str, column: Column[Any], label: str) -> Iterator[Filter]:
    """Yield the filters of a column reached by ``path`` from the list's model (``ticket.state``)."""
    kind = column.type
    if isinstance(kind, Enum) and kind.enum_class is not None:
        terms = cast("type[Term]", kind.enum_class)
        found = TermIs(path, label, options=[(term.value, term.label) for term in terms])
        found.terms = terms
        yield found
    elif isinstance(kind, Boolean):
        yield Flag(path, label, options=YES_OR_NO)
    elif isinstance(kind, Date | DateTime):
        for bound in (NotBefore, NotAfter):
            day = bound(path, label, data_type="datepicker")
            day.is_instant = isinstance(kind, DateTime)
            yield day
    elif isinstance(kind, Integer | Numeric):
        yield AtLeast(path, label)
        yield AtMost(path, label)
    else:
        yield Contains(path, label)
        yield Equals(path, label)
