"""The cards of the boards: what a matter is, where, whose, how much time is left, what may be done with it at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from admin import access, formats
from admin.acting import Verb
from admin.screens import wording, workbench
from tenant import policy
from tenant.models import Clock, Complaint, Defect, FollowUp, Pause, Posting, ServiceRequest, Ticket, WorkOrder
from tenant.rules.gravity import route_for
from tenant.rules.terms import Gravity, TicketState, WorkOrderState
from tenant.services import boards, complaints
from tenant.services.boards import Lane, Place

ASKING: Final = {
    "receive": "technician",
    "accept": "technician",
    "complete": "outcome",
    "pause": "pause",
    "redispatch": "redispatch",
}
"""Verb → what its form on the card asks; every other verb is done by one press."""
COMPLAINED: Final = "complaint"


@dataclass(frozen=True, slots=True)
class Button:
    """A verb on a card: where it posts to, and what it asks first; ``asks`` empty: nothing."""

    name: str
    label: str
    url: str
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One matter on a board, in words; ``key`` names it on the page, so that who acted comes back to it."""

    key: str
    kind: str
    number: str
    url: str | None
    content: str
    place: str
    office: str
    whose: str
    waits_for: str
    remaining: wording.Remaining | None
    since: str
    badges: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    ticket_id: int = 0
    row: Any = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A lane with its cards; ``following`` is the address of what comes after them, None where that is all."""

    name: str
    label: str
    cards: Sequence[Card]
    count: int
    following: str | None


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks at a board: its address without a fragment, at which instant, and the verbs it offers: by the state of
    an order, and for a complaint by :data:`COMPLAINED`.

    ``working``: a board of the work itself, where a matter lies in one lane and its working clocks count; else one
    matter may lie in several, and all its clocks count.
    """

    session: Session
    at: datetime
    back: str
    verbs: Mapping[str, frozenset[str]]
    working: bool = True
    sayable: dict[str, tuple[Any, list[Verb]]] = field(default_factory=dict)
    """Of each table its view and the verbs the person may say there at all: asked once, not card by card."""


Rows = dict[tuple[str, int], Any]


def cards_of(looking: Looking, lanes: Iterable[Lane]) -> dict[str, list[Card]]:
    """Return the cards of the lanes by name, in their order; what has gone since they were counted is left out."""
    lanes = list(lanes)
    places = [place for lane in lanes for place in lane.places]
    rows = _rows(looking.session, places)
    tickets = [_ticket(rows[place.kind, place.row_id]).id for place in places if (place.kind, place.row_id) in rows]
    clocks = boards.first_clocks(looking.session, tickets, working=looking.working)
    following = _following(looking.session, rows)
    return {
        lane.name: [
            _card(looking, _key(looking, lane, place), rows[place.kind, place.row_id], clocks, following)
            for place in lane.places
            if (place.kind, place.row_id) in rows
        ]
        for lane in lanes
    }


# ---- rows
_UNIT: Final = joinedload(Ticket.unit)
_LOADS: Final[dict[str, tuple[type[Any], tuple[Any, ...]]]] = {
    boards.ORDER: (
        WorkOrder,
        (
            joinedload(WorkOrder.request).joinedload(ServiceRequest.ticket).options(_UNIT),
            joinedload(WorkOrder.department),
            joinedload(WorkOrder.technician).joinedload(Posting.staff),
        ),
    ),
    boards.COMPLAINT: (Complaint, (joinedload(Complaint.ticket).options(_UNIT), joinedload(Complaint.department))),
    boards.DEFECT: (Defect, (joinedload(Defect.ticket).options(_UNIT),)),
    boards.TICKET: (Ticket, (_UNIT,)),
    boards.FOLLOW_UP: (FollowUp, (joinedload(FollowUp.ticket).options(_UNIT),)),
    boards.PAUSE: (Pause, (joinedload(Pause.ticket).options(_UNIT),)),
}


def _rows(session: Session, places: Sequence[Place]) -> Rows:
    found: Rows = {}
    for kind, (model, loads) in _LOADS.items():
        ids = {place.row_id for place in places if place.kind == kind}
        if ids:
            statement = select(model).where(model.id.in_(ids)).options(*loads)
            found |= {(kind, row.id): row for row in session.scalars(statement)}
    return found


def _ticket(row: Any) -> Ticket:
    found: Ticket = row if isinstance(row, Ticket) else row.request.ticket if isinstance(row, WorkOrder) else row.ticket
    return found


def _following(session: Session, rows: Rows) -> dict[int, WorkOrder]:
    """Return the latest orders of what somebody was not satisfied with (A-W10)."""
    unhappy = [row.ticket_id for (kind, _), row in rows.items() if kind == boards.FOLLOW_UP]
    return boards.latest_orders(session, unhappy) if unhappy else {}


# ---- words
def _key(looking: Looking, lane: Lane, place: Place) -> str:
    key = f"{place.kind}-{place.row_id}"
    return key if looking.working else f"{lane.name}-{key}"


def _card(looking: Looking, key: str, row: Any, clocks: dict[int, Clock], following: dict[int, WorkOrder]) -> Card:
    ticket = _ticket(row)
    clock = clocks.get(ticket.id)
    person = access.identity()
    office = person.office(ticket.office_id) if person and access.office_at_hand() is None else None
    is_order = isinstance(row, WorkOrder)
    return Card(
        key=key,
        kind="处理单" if is_order else ticket.kind.label,
        number=row.number if is_order else ticket.number,
        url=wording.page_of("work_order", row.id) if is_order else workbench.ticket_url(ticket),
        content=ticket.content,
        place=str(ticket.unit) if ticket.unit else ticket.location or "公共区域",
        office=office.name if office else "",
        whose=_whose(row),
        waits_for=clock.kind.label if clock else "",
        remaining=wording.remaining(clock.due_at, looking.at) if clock else None,
        since=_since(row, looking.at),
        badges=tuple(_badges(row)),
        notes=tuple(_notes(row, following.get(ticket.id))),
        buttons=tuple(_buttons(looking, row, f"{looking.back}#{key}")),
        ticket_id=ticket.id,
        row=row,
    )


def _whose(row: Any) -> str:
    if isinstance(row, WorkOrder):
        return f"{row.department} · {row.technician.staff.name if row.technician else '未指派'}"
    if isinstance(row, Complaint):
        return f"{row.department or '没有指明部门'}"
    return ""


def _since(row: Any, at: datetime) -> str:
    """Return what the matter waits since, in words."""
    if isinstance(row, WorkOrder):
        label, instant = ("完成", row.done_at) if row.done_at else ("派单", row.dispatched_at)
    elif isinstance(row, FollowUp):
        label, instant = "回访", row.made_at
    elif isinstance(row, Pause):
        label, instant = "约定等至", row.until_at
    elif isinstance(row, Defect) and row.sent_at:
        label, instant = "派人", row.sent_at
    else:
        ticket = _ticket(row)
        label, instant = ("办结", ticket.done_at) if ticket.done_at else ("受理", ticket.received_at)
    return f"{label} {wording.duration(at - instant)}前"


def _badges(row: Any) -> Iterable[tuple[str, str]]:
    """Yield words and their colour: what makes this one press, and where it stands."""
    if isinstance(row, WorkOrder):
        if row.request.urgent:
            yield "较急", "red"
        if row.follows_id is not None:
            yield "接续单", "violet"
        yield row.state.label, "amber" if row.state is WorkOrderState.WAITING else "grey"
    elif isinstance(row, Complaint):
        if complaints.goes_on(row):
            yield "损害仍在继续", "red"
        yield row.gravity.label, "violet" if row.gravity is Gravity.GRAVE else "grey"
        if row.ticket.state is TicketState.WAITING:
            yield row.ticket.state.label, "amber"
    elif isinstance(row, Pause):
        yield row.reason.label, "amber"
    elif isinstance(row, FollowUp):
        yield row.satisfaction.label, "red"
    else:
        yield _ticket(row).state.label, "grey"


def _notes(row: Any, following: WorkOrder | None) -> Iterable[str]:
    if isinstance(row, FollowUp):
        yield f"客户意见：{row.answer}" if row.answer else "客户没有说明意见"
        zone = access.zone_of(row.office_id)
        sent = f"接续单 {following.number} {following.state.label}" if following and _follows(following, row) else ""
        yield (
            sent or f"第 {row.ticket.cycle} 次办理，{row.ticket.state.label}；{formats.written(row.made_at, zone=zone)}"
        )
    elif isinstance(row, Complaint):
        yield f"负责处理：{route_for(policy.gravities(), row.gravity).handler.label}"
        if row.gravity in {Gravity.MAJOR, Gravity.GRAVE}:
            yield "已上报" if row.forwarded_at else "还没有登记上报"
    elif isinstance(row, Pause):
        yield row.note or "没有说明"
    elif isinstance(row, Defect):
        yield f"部位：{row.part}"
    elif isinstance(row, WorkOrder) and row.ended_why:
        yield row.ended_why


def _follows(order: WorkOrder, said: FollowUp) -> bool:
    """Tell whether the order was sent because of what the customer said."""
    return order.dispatched_at >= said.made_at


def _buttons(looking: Looking, row: Any, back: str) -> Iterable[Button]:
    """Yield the verbs of the board that the table of states offers for the row now, to this person."""
    if not isinstance(row, WorkOrder | Complaint):
        return
    offered = looking.verbs.get(row.state.value if isinstance(row, WorkOrder) else COMPLAINED, frozenset())
    if not offered:
        return
    table = row.__tablename__
    if table not in looking.sayable:
        seen = wording.view_of(table)
        looking.sayable[table] = (seen, [verb for verb in seen.verbs if verb.may(seen.area)] if seen else [])
    view, known = looking.sayable[table]
    for verb in known:
        if verb.name in offered and verb.fits(row):
            asks = _asked(looking, row, verb.name)
            yield Button(verb.name, _label(verb.name, verb.label, asks), view.verb_url(verb, row, back), asks)


def _asked(looking: Looking, row: Any, name: str) -> str:
    """Return what a verb asks on the card: who takes it is asked of the head, never of the technician themselves."""
    asks = ASKING.get(name, "")
    is_own = COMPLAINED not in looking.verbs
    return "" if asks == "technician" and (isinstance(row, Complaint) or is_own) else asks


def _label(name: str, label: str, asks: str) -> str:
    if name == "accept" and asks:
        return "派给…"
    return f"{label}…" if asks and name != "receive" else label
