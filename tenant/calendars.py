"""Days, months and desk hours in an office's own zone; every result is an aware UTC instant or a local day.

Daylight saving is survived everywhere: days are added on the calendar and turned into instants last, so a day may have
23 or 25 hours and its end is still the next local midnight. A zone is a `ZoneInfo` or its name.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tenant.errors import SettingsError

Zone: TypeAlias = ZoneInfo | str

_MONTHS = 12


def zone_of(zone: Zone) -> ZoneInfo:
    """Return the zone itself. Raises SettingsError when no zone has that name."""
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(
            code="zone",
            message=f"不认识时区「{zone}」。请填写标准时区名称，例如 Asia/Shanghai。",
            field="zone",
            value=zone,
        ) from error


def as_utc(instant: datetime) -> datetime:
    """Return the same instant on the UTC clock, where adding minutes is safe. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a zone: {instant.isoformat()}")
    return instant.astimezone(UTC)


def local_day(instant: datetime, zone: Zone) -> date:
    """Return the calendar day of the instant where the office is."""
    return _local(instant, zone).date()


def start_of_day(day: date, zone: Zone) -> datetime:
    """Return the instant the local day begins, as UTC; where clocks skip midnight, the instant they skip it."""
    return at_local(day, time(), zone)


def at_local(day: date, at: time, zone: Zone) -> datetime:
    """Return the instant of a local wall time, as UTC; of a time that happens twice, the first."""
    return datetime.combine(day, at, tzinfo=zone_of(zone)).astimezone(UTC)


def end_of_day(instant: datetime, zone: Zone) -> datetime:
    """Return 24:00 of the instant's local day, that is the next local midnight, as UTC; always after the instant."""
    return end_of_nth_day(instant, 0, zone)


def end_of_nth_day(instant: datetime, days: int, zone: Zone) -> datetime:
    """Return 24:00 of the `days`-th calendar day after the instant's local day, as UTC; 0 means the same day.

    Raises ValueError for a negative number of days.
    """
    if days < 0:
        raise ValueError(f"days must not be negative, not {days}")
    following = local_day(instant, zone) + timedelta(days=days + 1)
    midnight = datetime.combine(following, time(), tzinfo=zone_of(zone))
    first = midnight.astimezone(UTC)
    # Where clocks fall back across midnight it strikes twice, and the instant may already lie after the first.
    return first if first > instant else midnight.replace(fold=1).astimezone(UTC)


def months_after(anchor: date, n: int) -> date:
    """Return the anchor's day `n` months later, clamped to the month's last day; `n` may be negative.

    Always counted from the anchor, never from the month before: 31 January plus two months is 31 March.
    """
    year, month = divmod(anchor.year * _MONTHS + anchor.month - 1 + n, _MONTHS)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def months_between(anchor: date, day: date) -> int:
    """Return the age in whole months: the largest `n` with `months_after(anchor, n) <= day`; negative before it."""
    n = (day.year - anchor.year) * _MONTHS + day.month - anchor.month
    return n if months_after(anchor, n) <= day else n - 1


def desk_open(instant: datetime, opens: time, closes: time, zone: Zone) -> bool:
    """Tell whether the desk is open: from `opens` inclusive to `closes` exclusive, in local wall time.

    Hours that end before they begin run past midnight; equal ones mean the desk never closes.
    """
    at = _local(instant, zone).time()
    if opens < closes:
        return opens <= at < closes
    return opens == closes or at >= opens or at < closes


def next_opening(instant: datetime, opens: time, zone: Zone) -> datetime:
    """Return the first local `opens` at or after the instant, as UTC: the morning handover of B-S3."""
    today = local_day(instant, zone)
    opening = at_local(today, opens, zone)
    return opening if opening >= instant else at_local(today + timedelta(days=1), opens, zone)


def _local(instant: datetime, zone: Zone) -> datetime:
    """Return the instant on the local clock. Raises ValueError for a naive one: it is no instant at all."""
    return as_utc(instant).astimezone(zone_of(zone))
