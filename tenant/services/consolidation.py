"""What an office's matters of a period come to, as its report keeps it (A-W15, A-C12).

Figures are plain JSON: of each group, as of the whole, the rates with part and whole, now and in the period before, as
they were known when the report was drawn. ``docs/rates.md`` says what each rate counts.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tenant.calendars import start_of_day
from tenant.models import Office, Ticket
from tenant.rules.rates import Share
from tenant.rules.terms import Grouping, Rate, ReportKind, TicketKind, TicketState
from tenant.services import rates
from tenant.services.rates import Shares

Figures: TypeAlias = dict[str, Any]
NOW: Final = "now"
BEFORE: Final = "before"
ABOUT: Final[Mapping[ReportKind, TicketKind]] = {
    ReportKind.WEEK: TicketKind.REQUEST,
    ReportKind.MONTH: TicketKind.REQUEST,
    ReportKind.COMPLAINTS: TicketKind.COMPLAINT,
}
"""What kind of matter each report is about."""
TOLD_APART: Final = (Grouping.CATEGORY, Grouping.DEPARTMENT, Grouping.TOPIC)
_NO_MATTERS: Final = (TicketState.INVALID, TicketState.MERGED)


def figures(
    session: Session, office: Office, kind: TicketKind, days: tuple[date, date], before: tuple[date, date], at: datetime
) -> Figures:
    """Return the figures of the office's matters of a kind on ``days``, held against ``before``, as known ``at``.

    Days are half open: from the first up to but not on the second, in the office's zone.
    """
    now, earlier = _instants(office, days), _instants(office, before)
    return {
        "total": {
            NOW: _written(rates.by_office(session, [kind], *now, at).get(office.id, {})),
            BEFORE: _written(rates.by_office(session, [kind], *earlier, at).get(office.id, {})),
        },
        "tables": [_table(session, office, kind, grouping, (now, earlier), at) for grouping in TOLD_APART],
        "waits": [
            {"reason": reason.value, "count": row.count, "minutes": row.minutes, "past_limit": row.past_limit}
            for reason, row in rates.waited(session, [kind], *now, at).get(office.id, {}).items()
        ],
        "open": _open(session, office, kind, min(now[1], at)),
    }


def share(shares: Mapping[str, Sequence[int]], rate: Rate) -> Share:
    """Return one rate of figures as they are kept; of nothing where they have none."""
    part, whole = shares.get(rate.value, (0, 0))
    return Share(part, whole)


def received(shares: Mapping[str, Sequence[int]]) -> int:
    """Return how many matters came, by figures as they are kept."""
    return share(shares, Rate.ACCEPTED).whole


def _instants(office: Office, days: tuple[date, date]) -> tuple[datetime, datetime]:
    first, until = days
    return start_of_day(first, office.zone), start_of_day(until, office.zone)


def _table(
    session: Session,
    office: Office,
    kind: TicketKind,
    grouping: Grouping,
    periods: tuple[tuple[datetime, datetime], tuple[datetime, datetime]],
    at: datetime,
) -> Figures:
    """Return the rows of one grouping, most received first."""
    now, before = (
        {
            group: shares
            for (office_id, group), shares in rates.by_group(session, [kind], *period, at, grouping).items()
            if office_id == office.id and any(share.whole for share in shares.values())
        }
        for period in periods
    )
    names = rates.names(session, grouping, {*now, *before})
    rows = [
        {"name": names.get(group, ""), NOW: _written(now.get(group, {})), BEFORE: _written(before.get(group, {}))}
        for group in {*now, *before}
    ]
    return {"by": grouping.value, "rows": sorted(rows, key=lambda row: (-received(row[NOW]), row["name"]))}


def _written(shares: Shares) -> dict[str, list[int]]:
    return {rate.value: [share.part, share.whole] for rate, share in shares.items()}


def _open(session: Session, office: Office, kind: TicketKind, at: datetime) -> int:
    """Return how many matters that had come were not done at an instant, of those that are still counted."""
    statement = select(func.count(Ticket.id)).where(
        Ticket.office_id == office.id,
        Ticket.kind == kind,
        Ticket.received_at < at,
        or_(Ticket.done_at.is_(None), Ticket.done_at >= at),
        Ticket.state.not_in(_NO_MATTERS),
    )
    return session.scalars(statement).one()
