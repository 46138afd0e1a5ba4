"""前台: somebody calls or stands at the counter, and before they have finished their matter is registered (A-W2, A-C1).

One box finds the unit by number, name, telephone, plate or ticket; its card says who lives there, what is open and what
is owed; the matter is written below it. Everything works by keyboard alone, and without scripts. The words looked for
are posted, never put into an address (B-O5).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import helpers
from flask_admin.form import BaseForm
from sqlalchemy import or_, select

from admin import access, formats
from admin.access import SIGNED_IN, door
from admin.screens import desk_form, figures, finding, wording, workbench
from admin.screens.desk_card import Card, card_of
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Occupant, Owner, Ownership, Ticket, Unit, Vehicle
from tenant.rules.parking import plate_of
from tenant.rules.terms import Act, Area, TicketKind
from tenant.services import owners

MOST: Final = 12
UNACCEPTABLE: Final = 422

screen = Blueprint("desk", __name__, url_prefix="/desk")


@dataclass(frozen=True, slots=True)
class Hit:
    """A unit that was found, and by what."""

    unit: Unit
    words: str


@screen.get("")
@door(SIGNED_IN)
def show() -> ResponseReturnValue:
    """Show the desk: the box, the card of the unit asked for, and what is due."""
    _require_desk()
    unit_id = request.args.get("unit", type=int)
    unit = None if unit_id is None else _unit(unit_id)
    is_somewhere = unit is not None or "public" in request.args
    return _page(unit, form=desk_form.form_of(unit) if is_somewhere else None)


@screen.post("")
@door(SIGNED_IN)
def find() -> ResponseReturnValue:
    """Look for a unit; a single one is opened at once, a ticket's number leads to the ticket."""
    _require_desk()
    words = request.form.get("q", "").replace("\x00", "").strip()[: finding.LONGEST]
    ticket = _ticket(words)
    if ticket is not None:
        return redirect(url_for("workbench.open_ticket", ticket_id=ticket.id))
    hits = _hits(words) if words else []
    if len(hits) == 1:
        return redirect(url_for(".show", unit=hits[0].unit.id))
    return _page(None, words=words, hits=hits)


@screen.post("/register")
@door(SIGNED_IN)
def register() -> ResponseReturnValue:
    """Register what was said; what cannot be registered comes back with every word still there."""
    office = _require_desk()
    unit_id = request.form.get("unit", type=int)
    unit = None if unit_id is None else _unit(unit_id)
    form = desk_form.form_of(unit, request.form)
    if not form.validate():
        return _page(unit, form=form), UNACCEPTABLE
    kind = TicketKind(form["matter"].data)
    access.require(desk_form.MATTERS[kind], Act.CREATE)
    try:
        row = desk_form.registered(session_at_hand(), kind, form, unit, office.id)
    except Refusal as refused:
        session_at_hand().rollback()
        if refused.field and refused.field in form:
            form[refused.field].errors = [refused.message]
        else:
            flash(refused.message, "error")
        return _page(None if unit_id is None else _unit(unit_id), form=form), UNACCEPTABLE
    flash(desk_form.told(row, kind), "success")
    if kind is TicketKind.COMPLAINT and form["harm_continues"].data:
        flash(wording.STOP_IT_FIRST, "warning")
    return redirect(url_for(".show", done=row.ticket_id))


@screen.get("/lists")
@door(SIGNED_IN)
def lists() -> ResponseReturnValue:
    """Return what is due as it stands now: the page asks again and again, and puts it beside what is being typed."""
    _require_desk()
    return render_template("wuguan/desk_lists.html", **_due())


def may_stand_here() -> bool:
    """Tell whether the person asking may register anything at all."""
    return any(access.may(area, Act.CREATE) for area in desk_form.MATTERS.values())


def _require_desk() -> access.OfficeAtHand:
    """Return the office at hand. Refuses who may register nothing, and who has not chosen an office."""
    if not may_stand_here():
        access.refuse(Area.REQUESTS, Act.CREATE)
    office = access.office_at_hand()
    if office is None:
        message = "前台登记按管理处进行。请先在上方选择一个管理处。"
        raise Refusal(code="no_office", message=message, field="office")
    return office


def _unit(unit_id: int) -> Unit:
    unit = session_at_hand().scalars(select(Unit).where(Unit.id == unit_id)).one_or_none()
    if unit is None:
        raise NotFound
    return unit


def _page(unit: Unit | None, *, form: BaseForm | None = None, words: str = "", hits: list[Hit] | None = None) -> str:
    done = request.args.get("done", type=int)
    today = clock.today(access.zone_of(None))
    card: Card | None = card_of(session_at_hand(), unit, today) if unit else None
    return render_template(
        "wuguan/desk.html",
        h=helpers,
        unit=unit,
        card=card,
        form=form,
        search_words=words,
        hits=hits,
        most=MOST,
        done=session_at_hand().get(Ticket, done) if done else None,
        ticket_url=workbench.ticket_url,
        money=formats.money,
        **_due(),
    )


def _due() -> dict[str, Any]:
    """Return the lists beside the desk: overdue, due next, to follow up."""
    return workbench.due_lists(clock.now())


# ---- finding
def _ticket(words: str) -> Ticket | None:
    """Return the ticket that the words are the number of, None when they are none."""
    statement = select(Ticket).where(Ticket.number == words.upper())
    return session_at_hand().scalars(workbench.selection().narrow(statement)).one_or_none()


def _hits(words: str) -> list[Hit]:
    """Return the units the words lead to, each once: those of that number first, then by who lives there or parks."""
    found: dict[int, Hit] = {}
    today = clock.today(access.zone_of(None))
    for statement, label in _looks(words, today):
        if len(found) >= MOST:
            break
        for unit, why in session_at_hand().execute(statement.limit(MOST)):
            found.setdefault(unit.id, Hit(unit, f"{label} {why}".strip() if label else ""))
    return list(found.values())[:MOST]


def _looks(words: str, today: date) -> list[tuple[figures.Statement, str]]:
    plate = plate_of(words) or "".join(words.split()).upper()
    exact = select(Unit, Unit.number).where(Unit.number == words)
    numbers = select(Unit, Unit.number).where(Unit.number.icontains(words, autoescape=True)).order_by(Unit.number)
    held = (
        select(Unit, Owner.name)
        .join(Ownership, Ownership.unit_id == Unit.id)
        .join(Owner, Owner.id == Ownership.owner_id)
        .where(finding.person(Owner, words), owners.held_on(today))
        .order_by(Owner.name, Unit.number)
    )
    lived_in = (
        select(Unit, Occupant.name)
        .join(Occupant, Occupant.unit_id == Unit.id)
        .where(finding.person(Occupant, words), or_(Occupant.to_on.is_(None), Occupant.to_on >= today))
        .order_by(Occupant.name, Unit.number)
    )
    parked = (
        select(Unit, Vehicle.plate)
        .join(Vehicle, Vehicle.unit_id == Unit.id)
        .where(Vehicle.plate.icontains(plate, autoescape=True))
        .order_by(Vehicle.plate)
    )
    return [(exact, ""), (numbers, ""), (held, "业主"), (lived_in, "住户"), (parked, "车牌")]


SCREEN: Final = Screen(
    blueprint=screen, entries=(Entry("workbench", "前台登记", "desk.show", Area.REQUESTS, order=5, act=Act.CREATE),)
)
