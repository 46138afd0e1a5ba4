"""What the forms say of matters: rows turned into words, in the office's zone, ready to be printed.

People's names and telephone numbers stand on these forms in full: whoever goes to the door needs them. That is why a
printing is put on the record by whoever asks for it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks.papers.press import bars
from tenant import clock
from tenant.calendars import zone_of
from tenant.journal import actor_of
from tenant.models import Complaint, FollowUp, Office, QuoteLine, Ticket, WorkOrder
from tenant.money import show_money
from tenant.services.follow_ups import said_of

Words: TypeAlias = dict[str, Any]
EVERYWHERE: Final = "公共区域"


def frame(session: Session, office: Office) -> Words:
    """Return what stands on every form: whose it is, when it was printed and by whom."""
    return {"office": office.name, "printed": f"{moment(clock.now(), office)} 打印 · {actor_of(session).name}"}


def work_orders(session: Session, office: Office, orders: Sequence[WorkOrder]) -> Words:
    """Return the facts of 《报事处理单》, one form an order, in the order given (A-W2, A-W8, A-W9)."""
    quotes = _grouped(
        session.scalars(
            select(QuoteLine)
            .where(QuoteLine.request_id.in_([order.request_id for order in orders]))
            .order_by(QuoteLine.id)
        ),
        "request_id",
    )
    heard = said_of(session, {order.id: (order.request.ticket_id, order.done_at) for order in orders})
    return frame(session, office) | {
        "orders": [
            _work_order(order, office, quotes.get(order.request_id, []), heard.get(order.id)) for order in orders
        ]
    }


def _work_order(order: WorkOrder, office: Office, lines: list[QuoteLine], heard: FollowUp | None) -> Words:
    request, ticket = order.request, order.request.ticket
    urgent = "（较急）" if request.urgent else ""
    return matter(ticket, office) | {
        "number": order.number,
        "barcode": bars(order.number),
        "category": f"{request.category.label}{urgent}",
        "department": str(order.department),
        "technician": order.technician.staff.name if order.technician else "",
        "dispatched": moment(order.dispatched_at, office),
        "signed_for": moment(order.received_at, office),
        "arrived": moment(order.arrived_at, office),
        "done": moment(order.done_at, office),
        "outcome": order.outcome or "",
        "quote": [[line.item, f"{line.quantity:f}", show_money(line.price), show_money(line.amount)] for line in lines],
        "total": show_money(sum((line.amount for line in lines), start=Decimal(0))),
        "satisfaction": heard.satisfaction.label if heard else "",
        "opinion": (heard.answer or "") if heard else "",
    }


def complaints(session: Session, office: Office, rows: Sequence[Complaint]) -> Words:
    """Return the facts of 《业主(住户)投诉处理登记表》, one page a complaint (A-C1, A-C5, A-C6)."""
    heard = _follow_ups(session, [row.ticket_id for row in rows])
    return frame(session, office) | {
        "complaints": [_complaint(row, office, heard.get(row.ticket_id, [])) for row in rows]
    }


def _complaint(row: Complaint, office: Office, heard: list[FollowUp]) -> Words:
    return matter(row.ticket, office) | {
        "number": row.ticket.number,
        "barcode": bars(row.ticket.number),
        "gravity": row.gravity.label,
        "department": str(row.department or ""),
        "about": row.about or "",
        "registered_by": row.ticket.registered_by.staff.name if row.ticket.registered_by else "",
        "demand": row.demand or "",
        "signed_for": moment(row.received_by_department_at, office),
        "forwarded": moment(row.forwarded_at, office),
        "outcome": row.outcome or "",
        "done": moment(row.ticket.done_at, office),
        "returned": moment(row.returned_at, office),
        "state": row.ticket.state.label,
        "follow_ups": [
            [moment(one.made_at, office), _name(one), one.satisfaction.label, one.answer or ""] for one in heard
        ],
    }


def complaint_summary(session: Session, office: Office, rows: Sequence[Complaint], period: str) -> Words:
    """Return the facts of 《投诉处理汇总表》: one line a complaint, in the order given (A-C5, A-C6)."""
    heard = {ticket_id: said[-1] for ticket_id, said in _follow_ups(session, [row.ticket_id for row in rows]).items()}
    return frame(session, office) | {
        "period": period,
        "rows": [
            [
                row.ticket.number,
                moment(row.ticket.received_at, office),
                place(row.ticket),
                row.gravity.label,
                row.ticket.content,
                str(row.department or ""),
                moment(row.received_by_department_at, office),
                row.outcome or "",
                moment(row.ticket.done_at, office),
                heard[row.ticket_id].satisfaction.label if row.ticket_id in heard else "",
                "",
            ]
            for row in rows
        ],
    }


def follow_ups(session: Session, office: Office, rows: Sequence[FollowUp], period: str) -> Words:
    """Return the facts of 回访记录: one line a follow-up, in the order given (A-W10, B-W11, B-C11)."""
    return frame(session, office) | {
        "period": period,
        "rows": [
            [
                row.ticket.number,
                place(row.ticket),
                row.ticket.content,
                moment(row.ticket.done_at, office),
                moment(row.made_at, office),
                _name(row),
                row.satisfaction.label,
                row.answer or "",
            ]
            for row in rows
        ],
    }


def matter(ticket: Ticket, office: Office) -> Words:
    """Return what every form says of a ticket: where, who, when, how it came."""
    return {
        "unit": str(ticket.unit or ""),
        "place": ticket.location or ("" if ticket.unit else EVERYWHERE),
        "reporter": ticket.reporter_name or "",
        "phone": ticket.reporter_phone or "",
        "channel": ticket.channel.label,
        "received": moment(ticket.received_at, office),
        "promised": moment(ticket.promised_at, office),
        "content": ticket.content,
    }


def place(ticket: Ticket) -> str:
    """Return where a matter is, in a word: the unit, else the place somebody named."""
    return str(ticket.unit) if ticket.unit else ticket.location or EVERYWHERE


def moment(at: datetime | None, office: Office) -> str:
    """Return an instant to the minute in the office's zone, empty for None (A 4.5.2)."""
    return "" if at is None else at.astimezone(zone_of(office.zone)).strftime("%Y-%m-%d %H:%M")


def day(on: date | None) -> str:
    """Return a day, empty for None."""
    return "" if on is None else on.isoformat()


def _name(row: FollowUp) -> str:
    return row.made_by.staff.name if row.made_by else ""


def _follow_ups(session: Session, ticket_ids: Sequence[int]) -> dict[int, list[FollowUp]]:
    statement = select(FollowUp).where(FollowUp.ticket_id.in_(ticket_ids)).order_by(FollowUp.made_at, FollowUp.id)
    return _grouped(session.scalars(statement), "ticket_id")


def _grouped(rows: Iterable[Any], key: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, key), []).append(row)
    return found
