"""The past of an office's tickets, read many at a time: what limits are tried on (A-W5)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from tenant.models import Clock, Complaint, Pause, ServiceRequest, Ticket, WorkOrder
from tenant.rules.pasts import Course, Kept, matter_of
from tenant.rules.replaying import Matter, Wait
from tenant.rules.terms import Gravity, RequestCategory, TicketKind
from tenant.services import clocks, orders

_EVER: Final = datetime.min.replace(tzinfo=UTC)
QUALIFYING: Final = {"complaint": ("gravity",), "service_request": ("category", "urgent")}
"""The columns, by table, that say by which limits a ticket goes."""

Changes: TypeAlias = Mapping[int, Sequence[tuple[datetime, Mapping[str, Any]]]]
"""By id of a complaint or request: when one of these columns changed, and what stood there before; oldest first."""
Remembered: TypeAlias = Callable[[str, Sequence[int]], Changes]
"""Looks up what changed on rows of a table: the record knows, the tables know only what stands there now."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Whose a matter was since an instant: ids of department and technician's posting, None for nobody's."""

    since: datetime
    department_id: int | None
    technician_id: int | None


@dataclass(frozen=True, slots=True)
class Past:
    """One ticket: its number, what was asked, and whose it was, the oldest first."""

    ticket_id: int
    number: str
    matter: Matter
    hands: tuple[Hands, ...]

    def hands_at(self, instant: datetime) -> Hands:
        """Return whose it was at an instant."""
        held = [one for one in self.hands if one.since <= instant]
        return held[-1] if held else Hands(_EVER, None, None)


def read(session: Session, office_id: int, tickets: Sequence[Ticket | Row[Any]], remembered: Remembered) -> list[Past]:
    """Return the past of these tickets of one office, by seven queries however many they are."""
    ids = [ticket.id for ticket in tickets]
    kept = _by_ticket(session.execute(_clocks(office_id, ids)))
    waits = _by_ticket(session.execute(_waits(office_id, ids)))
    sent = _by_ticket(session.execute(_orders(office_id, ids)))
    requests = {row.ticket_id: row for row in session.execute(_requests(office_id, ids))}
    complaints = {row.ticket_id: row for row in session.execute(_complaints(office_id, ids))}
    changed = {
        TicketKind.REQUEST: remembered("service_request", [row.id for row in requests.values()]),
        TicketKind.COMPLAINT: remembered("complaint", [row.id for row in complaints.values()]),
    }
    found = []
    for ticket in tickets:
        own = requests.get(ticket.id) or complaints.get(ticket.id)
        held = [(_EVER, frozenset[str]())] if own is None else _held(own, changed[ticket.kind].get(own.id, ()))
        lines = sent.get(ticket.id, [])
        matter = matter_of(
            ticket.kind,
            [_kept(row) for row in kept.get(ticket.id, [])],
            [Wait(row.id, row.reason, row.began_at, row.ended_at) for row in waits.get(ticket.id, [])],
            held,
            _course(ticket, lines),
        )
        found.append(Past(ticket.id, ticket.number, matter, _hands(own, lines)))
    return found


def _held(
    own: Row[Any], changes: Sequence[tuple[datetime, Mapping[str, Any]]]
) -> list[tuple[datetime, frozenset[str]]]:
    """Return the qualifiers of a request or complaint since when, from what stands there now and what stood before."""
    values = {name: getattr(own, name) for name in own._fields if name in {"gravity", "category", "urgent"}}
    found: list[tuple[datetime, frozenset[str]]] = []
    for at, before in reversed(changes):
        found.append((at, _qualifiers(values)))
        values |= {name: before[name] for name in values if name in before}
    return [(_EVER, _qualifiers(values)), *reversed(found)]


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        kind=row.kind,
        cycle=row.cycle,
        source=row.source,
        started_at=row.started_at,
        due_at=row.due_at,
        met_at=row.met_at,
        cancelled_at=row.cancelled_at,
        pause_id=row.pause_id,
    )


def _qualifiers(values: Mapping[str, Any]) -> frozenset[str]:
    if "gravity" in values:
        return clocks.qualifiers_of(None, Gravity(values["gravity"]))
    return clocks.qualifiers_of(RequestCategory(values["category"]), None, urgent=bool(values["urgent"]))


def _course(ticket: Ticket | Row[Any], lines: Sequence[Row[Any]]) -> Course:
    return Course(
        received_at=ticket.received_at,
        dispatched=tuple(row.dispatched_at for row in lines),
        arrived=tuple(row.arrived_at for row in lines if row.arrived_at is not None),
        closed_at=ticket.closed_at,
    )


def _hands(own: Row[Any] | None, lines: Iterable[Row[Any]]) -> tuple[Hands, ...]:
    """Return whose it was: of a complaint its department's, of a request that of its latest order."""
    if own is not None and "department_id" in own._fields:
        return (Hands(_EVER, own.department_id, None),)
    kept = (row for row in lines if row.state not in orders.CALLED_OFF)
    return tuple(Hands(row.dispatched_at, row.department_id, row.technician_id) for row in kept)


def _by_ticket(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _clocks(office_id: int, ids: Sequence[int]) -> Any:  # noqa: ANN401 - a select of many columns
    wanted = (
        Clock.ticket_id, Clock.kind, Clock.cycle, Clock.source, Clock.started_at, Clock.due_at, Clock.met_at,
        Clock.cancelled_at, Clock.pause_id,
    )  # fmt: skip
    return select(*wanted).where(Clock.office_id == office_id, Clock.ticket_id.in_(ids)).order_by(Clock.id)


def _waits(office_id: int, ids: Sequence[int]) -> Any:  # noqa: ANN401
    wanted = select(Pause.ticket_id, Pause.id, Pause.reason, Pause.began_at, Pause.ended_at)
    return wanted.where(Pause.office_id == office_id, Pause.ticket_id.in_(ids)).order_by(Pause.id)


def _orders(office_id: int, ids: Sequence[int]) -> Any:  # noqa: ANN401
    wanted = (
        ServiceRequest.ticket_id, WorkOrder.dispatched_at, WorkOrder.arrived_at, WorkOrder.state,
        WorkOrder.department_id, WorkOrder.technician_id,
    )  # fmt: skip
    joined = select(*wanted).join(WorkOrder, WorkOrder.request_id == ServiceRequest.id)
    return joined.where(
        ServiceRequest.office_id == office_id, WorkOrder.office_id == office_id, ServiceRequest.ticket_id.in_(ids)
    ).order_by(WorkOrder.id)


def _requests(office_id: int, ids: Sequence[int]) -> Any:  # noqa: ANN401
    wanted = select(ServiceRequest.ticket_id, ServiceRequest.id, ServiceRequest.category, ServiceRequest.urgent)
    return wanted.where(ServiceRequest.office_id == office_id, ServiceRequest.ticket_id.in_(ids))


def _complaints(office_id: int, ids: Sequence[int]) -> Any:  # noqa: ANN401
    wanted = select(Complaint.ticket_id, Complaint.id, Complaint.gravity, Complaint.department_id)
    return wanted.where(Complaint.office_id == office_id, Complaint.ticket_id.in_(ids))
