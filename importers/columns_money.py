"""The columns of money: amounts, periods, last days and the numbers of receipts; `clean` is total as everywhere."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from importers.cells import CellKind, compact
from importers.columns import Column, DayColumn
from importers.faults import CellFault
from importers.money.reasons import fault
from tenant.money import FEN, to_fen

if TYPE_CHECKING:
    from importers.cells import Cell

MOST: Final = Decimal("999999999999.99")
"""The largest amount in yuan that the books hold."""

_TEN_THOUSAND = Decimal(10_000)
_NOISE = Decimal("0.000001")
"""How far a number cell may lie beside whole 分: sums of floats do, prices do not."""
_CURRENCY = r"(?:人民币|RMB|CNY|[¥￥])?"
_MINUS = r"(?:-|负|红字|红)"
_MONEY = re.compile(
    rf"(?P<open>\()?(?P<before>{_MINUS}|\+)?{_CURRENCY}(?P<after>{_MINUS}|\+)?"
    r"(?P<yuan>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,18})?(?:\.(?P<fen>[0-9]{1,20}))?"
    r"(?P<ten>万)?(?:元整?|圆整?|块|整|RMB|CNY)?(?P<behind>-)?(?P<close>\))?",
    re.IGNORECASE,
)

_SERIAL_ORIGIN = dt.date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 18_264, 73_050
_FIRST_YEAR, _LAST_YEAR = 1980, 2099
_Y, _M, _D = r"([0-9]{4})", r"([0-9]{1,2})", r"([0-9]{1,2})"
_TO = r"[-~〜至到]"
_MARK = r"[-./年]"
_YEAR = re.compile(rf"{_Y}年?(?:度|全年)?")
_HALF = re.compile(rf"{_Y}年?度?(上|下)半年度?")
_QUARTER = re.compile(rf"{_Y}年?(?:第?([一二三四1-4])季度?|[-.]?Q([1-4])|([1-4])Q)", re.IGNORECASE)
_SPAN = re.compile(rf"{_Y}{_MARK}{_M}(?:[-./月]{_D}日?|月)?{_TO}(?:{_Y}{_MARK})?{_M}(?:(?:[-./月]){_D}日?|月)?")
_MONTHS = re.compile(rf"{_Y}[./年]{_M}月?{_TO}{_M}月?")
_DIGITS = re.compile(rf"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})?(?:{_TO}([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})?)?")
_POINT = re.compile(rf"{_Y}{_MARK}{_M}(?:[-./月]{_D}[日号]?|月)?")
_BARE_MONTH = re.compile(rf"{_Y}{_MARK}{_M}月?")
_ORDINALS = {"一": 1, "二": 2, "三": 3, "四": 4}
_NUMBER_SIGN = re.compile(r"^(?:NO[.:]|№)|^(?:NO|第)(?=[0-9])|号$")
_LONGEST_RECEIPT = 16
_LONGEST_REFERENCE = 64


class Period(NamedTuple):
    """The first and the last day a charge is for."""

    first: dt.date
    last: dt.date

    @property
    def shown(self) -> str:
        """Return whole months as people write them (`2026-01`, `2026-01至2026-03`), else both days."""
        if self.first.day == 1 and self.last == month_end(self.last):
            first, last = f"{self.first:%Y-%m}", f"{self.last:%Y-%m}"
        else:
            first, last = self.first.isoformat(), self.last.isoformat()
        return first if first == last else f"{first}至{last}"

    def overlaps(self, other: Period) -> bool:
        """Tell whether some day belongs to both."""
        return self.first <= other.last and other.first <= self.last


def month_end(day: dt.date) -> dt.date:
    """Return the last day of a day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class MoneyColumn(Column):
    """An amount in yuan, zero or above: `1,234.50`, `￥1234.5`, `1234.5元`, `1.2万`; red and negative ones are refused.

    More than two decimals are refused too, unless the column `rounds`: what a formula of area and price gives is then
    rounded to 分 as the sheet shows it.
    """

    rounds: bool = False

    def read(self, cell: Cell, text: str) -> Decimal | CellFault:
        """Return the amount, exact to 分."""
        if cell.kind in {CellKind.DATE, CellKind.BOOLEAN}:
            return fault("money_unreadable", text)
        found = _MONEY.fullmatch(compact(text))
        if found is None or not (found["yuan"] or found["fen"]) or bool(found["open"]) != bool(found["close"]):
            return _small_number(text) if cell.kind is CellKind.NUMBER else fault("money_unreadable", text)
        amount = Decimal(f"{(found['yuan'] or '0').replace(',', '')}.{found['fen'] or '0'}")
        if found["ten"]:
            amount *= _TEN_THOUSAND
        signs = [found["before"], found["after"]]
        if amount and (found["open"] or found["behind"] or any(sign and sign != "+" for sign in signs)):
            return fault("money_negative", text)
        if amount > MOST:
            return fault("money_size", text)
        exact = to_fen(amount)
        is_computed = cell.kind is CellKind.NUMBER and (self.rounds or abs(amount - exact) < _NOISE)
        return exact if amount % FEN == 0 or is_computed else fault("money_fraction", text)


def _small_number(text: str) -> Decimal | CellFault:
    """Return nothing for what is left of a sum of floats that should be zero (`5.7E-14`)."""
    is_nothing = re.fullmatch(r"-?[0-9](?:\.[0-9]+)?[Ee]-[0-9]{2,3}", text) and int(text.upper().split("E-")[1]) > 5  # noqa: PLR2004
    return Decimal("0.00") if is_nothing else fault("money_unreadable", text)


@dataclass(frozen=True)
class LastDayColumn(DayColumn):
    """The last day of something: as `DayColumn`, but a month without a day (`2026年3月`) is its end."""

    def read(self, cell: Cell, text: str) -> dt.date | CellFault:
        """Return the day."""
        day = super().read(cell, text)
        is_month = cell.kind is CellKind.TEXT and _BARE_MONTH.fullmatch(compact(text))
        return month_end(day) if is_month and isinstance(day, dt.date) else day


@dataclass(frozen=True)
class PeriodColumn(Column):
    """What a charge is for: `2026年1月`, `2026-01至2026-03`, `2026年1-3月`, `2026年第一季度`, `2026年上半年`.

    A date cell on the first of a month is that month, as spreadsheets turn `2026-1` into one; on another day it is
    refused, and so is the number 2026.1, which may have been 2026.10.
    """

    def read(self, cell: Cell, text: str) -> Period | CellFault:
        """Return the period."""
        day = _day_of(cell, text)
        if cell.kind is CellKind.NUMBER and re.fullmatch(r"[0-9]{4}\.1", text):
            return fault("period_lost_zero", text)
        if day is not None:
            return Period(day, month_end(day)) if day.day == 1 else fault("period_one_day", text)
        try:
            period = _period_of(compact(text))
        except ValueError:  # the thirty-first of a short month, the thirteenth month
            period = None
        if isinstance(period, CellFault):
            return period
        if period is None or not _FIRST_YEAR <= period.first.year <= _LAST_YEAR or period.last.year > _LAST_YEAR:
            return fault("period_unreadable", text)
        return period if period.first <= period.last else fault("period_reversed", text)


def _day_of(cell: Cell, text: str) -> dt.date | None:
    """Return the day of a date cell or of a serial number in a General cell, else None."""
    if isinstance(cell.value, dt.datetime):
        return cell.value.date()
    if isinstance(cell.value, dt.date):
        return cell.value
    if cell.kind is CellKind.NUMBER and re.fullmatch(r"[0-9]{5}", text) and _FIRST_SERIAL <= int(text) <= _LAST_SERIAL:
        return _SERIAL_ORIGIN + dt.timedelta(days=int(text))
    return None


def _period_of(text: str) -> Period | CellFault | None:  # noqa: PLR0911  one answer for each way of writing it
    """Return the period of a text, None when it is none; raises ValueError for days that do not exist."""
    if found := _YEAR.fullmatch(text):
        return _months(int(found[1]), 1, 12)
    if found := _HALF.fullmatch(text):
        return _months(int(found[1]), 1, 6) if found[2] == "上" else _months(int(found[1]), 7, 12)
    if found := _QUARTER.fullmatch(text):
        given = found[2] or found[3] or found[4]
        number = _ORDINALS.get(given) or int(given)
        return _months(int(found[1]), 3 * number - 2, 3 * number)
    if found := _DIGITS.fullmatch(text):
        return _whole(found[1], found[2], found[3], found[4], found[5], found[6])
    if found := _POINT.fullmatch(text):
        return _whole(found[1], found[2], found[3], None, None, None)
    if found := _MONTHS.fullmatch(text):
        return _months(int(found[1]), int(found[2]), int(found[3]))
    if found := _SPAN.fullmatch(text):
        return _whole(found[1], found[2], found[3], found[4] or found[1], found[5], found[6])
    return None


def _months(year: int, first: int, last: int) -> Period:
    return Period(dt.date(year, first, 1), month_end(dt.date(year, last, 1)))


def _whole(
    year: str, month: str, day: str | None, to_year: str | None, to_month: str | None, to_day: str | None
) -> Period | CellFault:
    """Return from the first day, or that of the month, to the last, or the end of its month."""
    begins = dt.date(int(year), int(month), int(day or 1))
    if to_year is None or to_month is None:
        if begins.day != 1:
            return fault("period_one_day", begins.isoformat())
        return Period(begins, month_end(begins))
    ends = dt.date(int(to_year), int(to_month), int(to_day or 1))
    return Period(begins, ends if to_day else month_end(ends))


@dataclass(frozen=True)
class ReceiptColumn(Column):
    """The number printed on a receipt, without blanks and the sign before it (`No.`, `№`), in capitals."""

    longest: int = _LONGEST_RECEIPT

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the number."""
        number = _NUMBER_SIGN.sub("", compact(text).upper())
        if cell.kind is CellKind.DATE or not number or len(number) > self.longest:
            return fault("receipt_unreadable", text)
        return number


@dataclass(frozen=True)
class ReferenceColumn(ReceiptColumn):
    """The number under which a bank or a payment service knows a payment, without blanks, in capitals."""

    longest: int = _LONGEST_REFERENCE
