"""The views of the entities, one file for each area of the domain."""

from collections.abc import Iterator

from admin.office_view import OfficeView
from admin.session import DB
from admin.views import (
    attachments,
    audit,
    billing,
    charges,
    clockwork,
    complaints,
    contacts,
    daily_log,
    defects,
    dunning,
    duties,
    estates,
    imports,
    limits,
    mails,
    meters,
    organisation,
    owners,
    parking,
    pauses,
    payments,
    people,
    quotes,
    rectifications,
    reports,
    requests,
    tickets,
    topics,
    work_orders,
)

AREAS = (
    requests, quotes, daily_log, duties, topics, work_orders, pauses, tickets, attachments, contacts,
    complaints, defects, rectifications, owners, estates, parking, meters, billing, charges, payments,
    dunning, imports, organisation, people, mails, limits, clockwork, reports, audit,
)  # fmt: skip


def all_views(db: DB) -> Iterator[OfficeView]:
    """Yield every view of an entity, bound to the session of the request."""
    for area in AREAS:
        for view, model in area.VIEWS:
            yield view(model, db)
