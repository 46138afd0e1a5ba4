"""The hours in which nobody is written to: bounded by an office's own wall clock, they may run past midnight."""

from datetime import UTC, datetime, time, timedelta

from tenant.calendars import Zone, as_utc, zone_of

_A_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_quiet(at: datetime, quiet_from: time, quiet_until: time, zone: Zone) -> bool:
    """Tell whether the instant lies in the quiet hours: from ``quiet_from`` on, up to but not at ``quiet_until``.

    Hours that end before they begin run past midnight; equal ones mean there are none. Raises ValueError for a naive
    instant, SettingsError for a zone that nobody knows.
    """
    shown = as_utc(at).astimezone(zone_of(zone)).time()
    if quiet_from <= quiet_until:
        return quiet_from <= shown < quiet_until
    return shown >= quiet_from or shown < quiet_until


def next_quarter(at: datetime) -> datetime:
    """Return the next quarter of an hour after the instant, as UTC: when what floods somebody is gathered."""
    instant = as_utc(at)
    return instant - (instant - _EPOCH) % _QUARTER + _QUARTER


def after_quiet(at: datetime, quiet_from: time, quiet_until: time, zone: Zone) -> datetime:
    """Return the instant itself outside the quiet hours, inside them the one at which they end, as UTC.

    Where the clock is put forward over ``quiet_until`` they end as long after the change as they would have; where it
    is put back over it, at its first or second striking, whichever comes next.
    """
    instant, place = as_utc(at), zone_of(zone)
    while is_quiet(instant, quiet_from, quiet_until, place):
        day = instant.astimezone(place).date()
        strikes = (
            datetime.combine(day + days, quiet_until, tzinfo=place).replace(fold=fold).astimezone(UTC)
            for days in (timedelta(0), _A_DAY)
            for fold in (0, 1)
        )
        instant = min(strike for strike in strikes if strike > instant)
    return instant
