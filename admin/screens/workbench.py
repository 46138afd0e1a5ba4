"""工作台: what is overdue, due next, went up the line, waits for a call; for several offices, one line each."""

from datetime import date, datetime
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin import access, formats
from admin.access import SIGNED_IN, door
from admin.screens import desk_log, figures, related, wording
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.models import Clock, Complaint, Defect, Escalation, ServiceRequest, Ticket
from tenant.rules.terms import Act, Area, TicketKind

LINES: Final = 8
CLOCKS_A_TICKET: Final = 5
NOT_FOUND: Final = 404
SEARCHED: Final = (Area.UNITS, Area.OWNERS, Area.REQUESTS, Area.COMPLAINTS, Area.PAYMENTS)
TABLES: Final[dict[TicketKind, type[ServiceRequest | Complaint | Defect]]] = {
    TicketKind.REQUEST: ServiceRequest,
    TicketKind.COMPLAINT: Complaint,
    TicketKind.DEFECT: Defect,
}
screen = Blueprint("workbench", __name__)


@screen.get("/workbench")
@door(SIGNED_IN)
def show() -> ResponseReturnValue:
    """Show what waits, for the office at hand or for all within reach."""
    session, at, day = session_at_hand(), clock.now(), clock.today(access.zone_of(None))
    seen, sees = selection(), visible()
    found = figures.by_office(session, [office.id for office in places()], at, day, with_money=sees["money"])
    raised = figures.escalations(session, seen, limit=LINES)
    waiting = figures.to_follow_up(session, seen, limit=LINES) if sees["follow_ups"] else []
    several = access.office_at_hand() is None and len(places()) > 1
    return render_template(
        "wuguan/workbench.html",
        figures=found,
        places=places(),
        total=figures.total(found.values()),
        percent=wording.percent,
        money=formats.money,
        sees=sees,
        overdue=_clocks(seen, at, overdue=True),
        due_next=_clocks(seen, at, overdue=False),
        escalated=[escalation_line(row) for row in raised],
        follow_up=[ticket_line(row, at) for row in waiting],
        log=desk_log.todays_log(at),
        debtors=_debtors(day) if sees["money"] and not several else [],
        create_urls={"request": wording.form_for("service_request"), "complaint": wording.form_for("complaint")},
        list_urls={"notices": wording.list_of("dunning_notice")},
        several=several,
    )


def due_lists(at: datetime) -> dict[str, Any]:
    """Return what the desk keeps in sight: lines of what is overdue, due next and to be followed up at ``at``."""
    seen = selection()
    waiting = figures.to_follow_up(session_at_hand(), seen, limit=LINES) if access.may(Area.FOLLOW_UPS) else []
    return {
        "overdue": _clocks(seen, at, overdue=True),
        "due_next": _clocks(seen, at, overdue=False),
        "follow_up": [ticket_line(row, at) for row in waiting],
        "log": desk_log.todays_log(at),
    }


def next_clocks(ticket_id: int, most: int = 2) -> list[str]:
    """Return what a ticket waits for first, in words: 派单 5 分钟内."""
    statement = select(Clock).where(Clock.ticket_id == ticket_id, figures.running()).order_by(Clock.due_at, Clock.id)
    at = clock.now()
    rows = session_at_hand().scalars(statement.limit(most))
    return [f"{row.kind.label}{wording.remaining(row.due_at, at).words}" for row in rows]


def visible() -> dict[str, bool]:
    """Return which numbers the person may see; ``counts``: those of the whole office, not only of their own orders."""
    seen = selection()
    return {
        "tickets": bool(seen.kinds),
        "counts": seen.postings is None,
        "money": access.may(Area.CHARGES) or access.may(Area.DUNNING),
        "mail": access.may(Area.MAILS),
        "follow_ups": access.may(Area.FOLLOW_UPS),
    }


def _clocks(seen: figures.Selection, at: datetime, *, overdue: bool) -> list[dict[str, Any]]:
    rows = figures.clocks(session_at_hand(), seen, at, overdue=overdue, limit=LINES * CLOCKS_A_TICKET)
    return clock_lines(rows, at)[:LINES]


def _debtors(day: date) -> list[dict[str, Any]]:
    return [
        {"name": owner.name, "amount": amount, "since": since, "url": wording.page_of("owner", owner.id)}
        for owner, amount, since in figures.debtors(session_at_hand(), day, limit=LINES)
    ]


def places() -> tuple[access.OfficeAtHand, ...]:
    """Return the offices the page is about: the one at hand, else all within reach."""
    person, office = access.identity(), access.office_at_hand()
    return (office,) if office else person.offices if person else ()


def selection() -> figures.Selection:
    """Return which tickets the person may see; who is a technician and nothing else sees their own orders (A-W9)."""
    kinds = tuple(kind for kind in TABLES if access.may(_area(kind)))
    own = access.own_orders_only()
    return figures.Selection(kinds=kinds, postings=None if own is None else tuple(own))


def bell() -> dict[str, Any] | None:
    """Return what the bell in the top bar says: how many tickets are overdue or escalated, and where they stand."""
    seen = selection()
    if access.identity() is None or not seen.kinds:
        return None
    return {"url": url_for("workbench.show"), "count": figures.urgent_count(session_at_hand(), seen, clock.now())}


# ---- lines
def ticket_url(ticket: Ticket) -> str | None:
    """Return the page of what the ticket is about, None where there is none."""
    is_open = ticket.kind in TABLES and access.may(_area(ticket.kind))
    return url_for("workbench.open_ticket", ticket_id=ticket.id) if is_open else None


@screen.get("/tickets/<int:ticket_id>")
@door(SIGNED_IN)
def open_ticket(ticket_id: int) -> ResponseReturnValue:
    """Lead to what a ticket is about, a request, complaint or defect: lists and mails know its number alone."""
    session = session_at_hand()
    ticket = session.get(Ticket, ticket_id)
    model = TABLES.get(ticket.kind) if ticket else None
    if ticket is None or model is None:
        abort(NOT_FOUND)
    access.require(_area(ticket.kind), Act.VIEW)
    row_id = session.scalar(select(model.id).where(model.ticket_id == ticket.id))
    address = wording.page_of(model.__tablename__, row_id)
    return redirect(address) if address else abort(NOT_FOUND)


def _area(kind: TicketKind) -> Area:
    return {TicketKind.REQUEST: Area.REQUESTS, TicketKind.COMPLAINT: Area.COMPLAINTS}.get(kind, Area.RECTIFICATIONS)


def ticket_line(ticket: Ticket, at: datetime) -> dict[str, Any]:
    """Return one ticket as a line of a list: what, where, whose office, since when."""
    person = access.identity()
    office = person.office(ticket.office_id) if person else None
    return {
        "kind": ticket.kind.label,
        "number": ticket.number,
        "url": ticket_url(ticket),
        "content": ticket.content,
        "place": str(ticket.unit) if ticket.unit else ticket.location or "公共区域",
        "office": office.name if office else "",
        "since": wording.duration(at - ticket.done_at) if ticket.done_at else "",
    }


def clock_lines(rows: list[Clock], at: datetime) -> list[dict[str, Any]]:
    """Return one line a ticket: its first clock, and in words (``more``) what else of it stands in ``rows``."""
    lines: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.ticket_id in lines:
            lines[row.ticket_id]["more"].append(row.kind.label)
        else:
            lines[row.ticket_id] = clock_line(row, at) | {"more": []}
    return list(lines.values())


def clock_line(row: Clock, at: datetime) -> dict[str, Any]:
    """Return one running clock as a line: the ticket, what is waited for, how much time is left."""
    return ticket_line(row.ticket, at) | {
        "waits_for": row.kind.label,
        "remaining": wording.remaining(row.due_at, at),
        "due": formats.shown(row.due_at, zone=access.zone_of(row.office_id)),
        "source": row.source,
    }


def escalation_line(row: Escalation) -> dict[str, Any]:
    """Return one escalation as a line: the ticket, how far it went, who was told, how late it was."""
    return ticket_line(row.ticket, row.raised_at) | {
        "ticket_id": row.ticket_id,
        "level": row.level,
        "role": row.role.label,
        "told": row.told,
        "waits_for": row.clock.kind.label,
        "raised": formats.shown(row.raised_at, zone=access.zone_of(row.office_id)),
        "late": wording.duration(row.raised_at - row.clock.due_at),
    }


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("workbench", "工作台", "workbench.show", order=0),))


@screen.app_context_processor
def frame() -> dict[str, Any]:
    """Return what the frame of every page shows beside the navigation: the search, the bell, the account."""
    if access.identity() is None:
        return {}
    return {
        "search_url": url_for("finding.find") if any(access.may(area) for area in SEARCHED) else None,
        "account_url": url_for("account.show"),
        "bell": bell,
        "column_kind": wording.column_kind,
        "related": related.related,
    }
