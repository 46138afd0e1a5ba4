"""现行时限: what holds for an office today and who set it; and running clocks recalculated on purpose."""

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin import access, formats
from admin.access import needs
from admin.screens import limit_words
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Office
from tenant.rules.terms import Act, Area
from tenant.services import holidays, limits, recalculating
from tenant.services.lookups import find

CONFLICT: Final = 409
MOST_SHOWN: Final = 200

screen = Blueprint("limits", __name__)


@screen.get("/limits")
@needs(Act.VIEW, Area.POLICY)
def show() -> ResponseReturnValue:
    """Show the limits that hold today for the office at hand; for the whole group those of the tables."""
    session, office = session_at_hand(), _office()
    today = clock.today(clock.DEFAULT_ZONE if office is None else office.zone)
    return render_template(
        "wuguan/limits.html",
        tables=limit_words.by_ticket(limits.in_force(session, office, today)),
        office=office,
        unconfirmed=holidays.unconfirmed(session, today),
        may_recalculate=office is not None and access.may(Area.POLICY, Act.ACT),
    )


@screen.get("/limits/recalculate")
@needs(Act.ACT, Area.POLICY)
def preview() -> ResponseReturnValue:
    """Show what recalculating the office's running clocks would change."""
    return _preview_page()


@screen.post("/limits/recalculate")
@needs(Act.ACT, Area.POLICY)
def recalculate() -> ResponseReturnValue:
    """Recalculate them as they were previewed."""
    session, office = session_at_hand(), _office()
    if office is None:
        raise NotFound
    try:
        done = recalculating.recalculate(session, office.id, request.form.get("edition", ""))
    except Refusal as refusal:
        session.rollback()
        flash(refusal.message, "error")
        return _preview_page(), CONFLICT
    late = sum(row.late_after for row in done)
    flash(f"已按现行规则重新计算 {len(done)} 项时限，其中 {late} 项已超时。", "success")
    return redirect(url_for(".show"))


def _preview_page() -> str:
    session, office = session_at_hand(), _office()
    if office is None:
        flash("重新计算要先选定一个管理处。请在页面上方选择管理处。", "warning")
        rows = []
    else:
        rows = recalculating.preview(session, office)
    return render_template(
        "wuguan/recalculate.html",
        lines=[_line(row) for row in rows[:MOST_SHOWN]],
        count=len(rows),
        late_before=sum(row.late_before for row in rows),
        late_after=sum(row.late_after for row in rows),
        edition=recalculating.edition_of(rows),
        office=office,
    )


def _line(row: recalculating.Recounted) -> dict[str, Any]:
    term = row.limit.term
    return {
        "number": row.number,
        "url": url_for("workbench.open_ticket", ticket_id=row.ticket_id),
        "kind": row.kind.label,
        "started_at": _shown(row.started_at),
        "was_due_at": _shown(row.was_due_at),
        "due_at": _shown(row.due_at),
        "late_before": row.late_before,
        "late_after": row.late_after,
        "words": limit_words.length(term.measure, term.amount, term.minimum, term.calendar),
        "origin": limit_words.ORIGINS[row.limit.level],
    }


def _shown(instant: datetime) -> Markup | str:
    return formats.shown(instant, zone=access.zone_of(None))


def _office() -> Office | None:
    """Return the office at hand, None while somebody looks at all of them."""
    at_hand = access.office_at_hand()
    return None if at_hand is None else find(session_at_hand(), Office, at_hand.id, field="office")


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("settings", "现行时限", "limits.show", Area.POLICY, order=50),))
