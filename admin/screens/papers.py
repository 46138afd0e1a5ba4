"""打印: the forms of the manuals as PDF, of one record, of many, or of a period (A-W2, A-C5, A-R2, A-W10).

What is printed goes on the record: names and telephone numbers stand on these forms in full, because whoever goes to
the door needs them (B-O5).
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from admin import access
from admin.access import SIGNED_IN, door
from admin.screens.days import day_asked
from admin.screens.report_figures import readable
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tasks.papers import facts, press, rectifications
from tasks.papers import reports as report_papers
from tenant import clock
from tenant.calendars import start_of_day
from tenant.errors import NotFound, Refusal
from tenant.journal import RecordedAct, note
from tenant.models import Complaint, FollowUp, Office, Rectification, Report, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import Act, Area

NOT_FOUND: Final = 404
MOST_FORMS: Final = 200
MOST_LINES: Final = 2000
Gather = Callable[..., facts.Words]

screen = Blueprint("papers", __name__)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that can be printed: of chosen records, or of all records of a period, by the column ``at``.

    Who may do ``act`` in ``area`` may print it; ``along`` names the relationships from the record to its ticket.
    """

    name: str
    title: str
    area: Area
    act: Act
    model: Any
    gather: Gather
    at: Any = None
    along: tuple[Any, ...] = ()

    def may(self) -> bool:
        """Tell whether the person asking may print it."""
        return access.may(self.area, self.act)

    def rows(self) -> Select[Any]:
        """Return the records that may be printed: a technician's own orders only (A-W9), no office's draft above it."""
        statement = select(self.model)
        for step in self.along:
            statement = statement.join(step)
        if self.model is Report:
            narrowed: Select[Any] = readable(statement)
            return narrowed
        own = access.own_orders_only() if self.model is WorkOrder else None
        return statement if own is None else statement.where(WorkOrder.technician_id.in_(own))


FORMS: Final = {
    form.name: form
    for form in (
        Form(
            "work_order", "报事处理单", Area.REQUESTS, Act.ACT, WorkOrder, facts.work_orders,
            along=(WorkOrder.request, ServiceRequest.ticket),
        ),
        Form(
            "complaint", "投诉处理登记表", Area.COMPLAINTS, Act.ACT, Complaint, facts.complaints,
            along=(Complaint.ticket,),
        ),
        Form(
            "complaint_summary", "投诉处理汇总表", Area.COMPLAINTS, Act.ACT, Complaint, facts.complaint_summary,
            at=Ticket.received_at, along=(Complaint.ticket,),
        ),
        Form(
            "follow_up", "回访记录", Area.FOLLOW_UPS, Act.CREATE, FollowUp, facts.follow_ups,
            at=FollowUp.made_at, along=(FollowUp.ticket,),
        ),
        Form(
            "rectification", "房屋整改记录表", Area.RECTIFICATIONS, Act.ACT, Rectification, rectifications.records,
        ),
        Form(
            "rectification_summary", "房屋整改汇总表", Area.RECTIFICATIONS, Act.ACT, Rectification,
            rectifications.summary, at=Rectification.issued_at,
        ),
        Form("report", "报表", Area.REPORTS, Act.EXPORT, Report, report_papers.gather),
    )
}  # fmt: skip


@screen.get("/papers")
@door(SIGNED_IN)
def show() -> ResponseReturnValue:
    """Ask which summary, of which days."""
    offered = summaries()
    if not offered:
        access.refuse(Area.COMPLAINTS, Act.ACT)
    today = clock.today(access.zone_of(None))
    return render_template(
        "wuguan/papers.html",
        forms=[(form.title, url_for(".of_period", name=form.name)) for form in offered],
        first=today.replace(day=1).isoformat(),
        last=today.isoformat(),
        office=access.office_at_hand(),
    )


@screen.get("/papers/<name>")
@door(SIGNED_IN)
def of_records(name: str) -> ResponseReturnValue:
    """Print a form of the records whose ids are named."""
    form = _form(name, by_period=False)
    ids = list(dict.fromkeys(request.args.getlist("id", type=int)))
    if not ids:
        raise NotFound
    if len(ids) > MOST_FORMS:
        message = f"一次最多打印 {MOST_FORMS} 份，您选了 {len(ids)} 份。请分几次打印。"
        raise Refusal(code="too_many_forms", message=message, field="id", value=str(len(ids)))
    session = session_at_hand()
    found = {row.id: row for row in session.scalars(form.rows().where(form.model.id.in_(ids)))}
    if len(found) < len(ids):
        raise NotFound
    rows = [found[row_id] for row_id in ids]
    office = _one_office(session, rows)
    return _handed_out(session, form, office, rows, form.gather(session, office, rows), "")


@screen.get("/papers/period/<name>")
@door(SIGNED_IN)
def of_period(name: str) -> ResponseReturnValue:
    """Print a summary of all records of the days from one to another, both included."""
    form = _form(name, by_period=True)
    session, place = session_at_hand(), access.office_at_hand()
    if place is None:
        message = "汇总表按管理处打印。请先在上方选择一个管理处。"
        raise Refusal(code="no_office", message=message, field="office")
    office = session.get_one(Office, place.id)
    first, last = (day_asked(key, label) for key, label in (("from", "起始日"), ("to", "截止日")))
    if last < first:
        message = f"「截止日」{last} 早于「起始日」{first}。请改正后再打印。"
        raise Refusal(code="period", message=message, field="to", value=last.isoformat())
    rows = _of_days(session, form, office, first, last)
    period = f"{first.isoformat()} 至 {last.isoformat()}"
    return _handed_out(session, form, office, rows, form.gather(session, office, rows, period), f"-{first}-{last}")


def _of_days(session: Session, form: Form, office: Office, first: date, last: date) -> Sequence[Any]:
    begin, end = start_of_day(first, office.zone), start_of_day(last + timedelta(days=1), office.zone)
    statement = form.rows().where(form.at >= begin, form.at < end).order_by(form.at, form.model.id)
    rows = session.scalars(statement.limit(MOST_LINES + 1)).all()
    if not rows:
        message = f"{first} 至 {last} 没有可以打印的记录。请另选日期。"
        raise Refusal(code="nothing_to_print", message=message, field="from", value=first.isoformat())
    if len(rows) > MOST_LINES:
        message = f"这段日期超过 {MOST_LINES} 条记录。请缩短日期，分几次打印。"
        raise Refusal(code="too_many_lines", message=message, field="to", value=last.isoformat())
    return rows


def form_of(model: Any) -> Form | None:
    """Return the form that one record of ``model`` is printed on, None where there is none."""
    return next((form for form in FORMS.values() if form.model is model and form.at is None), None)


def summaries() -> list[Form]:
    """Return the summaries that the person asking may print."""
    return [form for form in FORMS.values() if form.at is not None and form.may()]


def _form(name: str, *, by_period: bool) -> Form:
    form = FORMS.get(name)
    if form is None or (form.at is not None) is not by_period:
        abort(NOT_FOUND)
    access.require(form.area, form.act)
    return form


def _one_office(session: Session, rows: Sequence[Any]) -> Office:
    offices = {row.office_id for row in rows}
    if len(offices) > 1:
        message = "所选记录属于不同的管理处，不能印在一起。请分管理处打印。"
        raise Refusal(code="several_offices", message=message, field="id")
    return session.get_one(Office, offices.pop())


def _handed_out(
    session: Session, form: Form, office: Office, rows: Sequence[Any], filled: facts.Words, suffix: str
) -> ResponseReturnValue:
    """Print, put it on the record, and send the PDF to be looked at."""
    only = rows[0] if len(rows) == 1 and form.at is None else None
    made = press.printed(form.name, filled)
    note(
        session,
        RecordedAct(
            verb="form.printed",
            subject_kind=form.model.__tablename__,
            subject_id=only.id if only else None,
            office_id=office.id,
            facts={"form": form.title, "count": len(rows), "ids": [row.id for row in rows[:MOST_FORMS]]},
        ),
    )
    called = f"{form.title}-{only or office.name}{suffix}.pdf"
    return send_file(io.BytesIO(made), mimetype="application/pdf", download_name=called, max_age=0)


SCREEN: Final = Screen(
    blueprint=screen,
    entries=(Entry("reports", "打印汇总表", "papers.show", Area.COMPLAINTS, order=40, act=Act.ACT),),
)
