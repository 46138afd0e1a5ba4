"""督导: every office beside the others, what went up the line, and which mails did not arrive (A-O2)."""

from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin import access, auth, formats
from admin.access import SIGNED_IN, door, needs
from admin.screens import figures, wording, workbench
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Mail
from tenant.rules.terms import Act, Area
from tenant.services import acknowledgements

LINES: Final = 30
SORTS: Final = {
    "overdue": "超时",
    "escalated": "已升级",
    "arrears": "欠费",
    "open": "在办",
    "mail_trouble": "邮件异常",
}

screen = Blueprint("supervision", __name__)


@screen.get("/supervision")
@needs(Act.VIEW, Area.SUPERVISION)
def show() -> ResponseReturnValue:
    """Show the offices, the worst first by the chosen number."""
    session, at = session_at_hand(), clock.now()
    by = request.args.get("by", "overdue")
    by = by if by in SORTS else "overdue"
    sees, day = workbench.visible(), clock.today(access.zone_of(None))
    found = figures.by_office(session, [office.id for office in workbench.places()], at, day, with_money=sees["money"])
    places = sorted(workbench.places(), key=lambda office: getattr(found[office.id], by), reverse=True)
    seen = workbench.selection()
    return render_template(
        "wuguan/supervision.html",
        figures=found,
        places=places,
        sees=sees,
        total=figures.total(found.values()),
        percent=wording.percent,
        money=formats.money,
        sorts=[(label, url_for(".show", by=key), key == by) for key, label in SORTS.items()],
        escalated=[workbench.escalation_line(row) for row in figures.escalations(session, seen, limit=LINES)],
        overdue=workbench.clock_lines(figures.clocks(session, seen, at, overdue=True, limit=LINES * 2), at),
        mails=_mails() if access.may(Area.MAILS) else [],
    )


@screen.post("/supervision/tickets/<int:ticket_id>/acknowledge")
@door(SIGNED_IN)
def acknowledge(ticket_id: int) -> ResponseReturnValue:
    """Take notice of a ticket's escalations: it leaves the list, the next level has its time anew.

    For who supervises offices, who answers for one, and the head of the department that has it (A-O2, A-S5, A-C5).
    """
    if not may_acknowledge():
        access.refuse(Area.SUPERVISION, Act.ACT)
    try:
        acknowledgements.acknowledge_ticket(session_at_hand(), ticket_id)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(refusal.message, "error")
    else:
        flash("已确认，下一级从现在起重新计时；到时仍没有办，会继续升级。确认人和时间已留痕。", "success")
    return redirect(auth.way_on(request.form.get("url")))


def may_acknowledge() -> bool:
    """Tell whether the person asking may take notice of escalations."""
    return any(access.may(area, Act.ACT) for area in (Area.SUPERVISION, Area.OFFICE_BOARD, Area.DEPARTMENT_BOARD))


def _mails() -> list[dict[str, Any]]:
    """Return the latest mails that failed, or of which nobody knows whether they arrived."""
    person = access.identity()
    statement = select(Mail).where(Mail.state.in_(figures.TROUBLE)).order_by(Mail.id.desc()).limit(LINES)
    return [
        {
            "url": url_for("outbox.show", mail=mail.id, state="trouble"),
            "subject": mail.subject,
            "recipient": mail.recipient_name,
            "office": office.name if person and (office := person.office(mail.office_id)) else "",
            "state": formats.badge(mail.state),
            "error": mail.last_error or "",
        }
        for mail in session_at_hand().scalars(statement)
    ]


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("supervision", "督导", "supervision.show", Area.SUPERVISION),))
