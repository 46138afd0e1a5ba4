"""The reports of offices: drawn when their period is over, written, handed in, sent back (A-W15, A-C12).

A report is drawn once by whoever comes first; periods that nobody drew are made up for. Who is to hear of it, the
office when it is due, the centre when it came or is missing, is planned with it and told once each.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import clock, journal, policy
from tenant.calendars import at_local, local_day, start_of_day
from tenant.errors import Refusal
from tenant.models import DueAction, Office, Report, Ticket
from tenant.rules.reporting import Period, before, ending, following, latest_closed
from tenant.rules.terms import ReportKind, Role
from tenant.services import clockwork, consolidation, numbers, postings
from tenant.services.lookups import find, open_office, optional, shown, written
from tenant.services.postings import Recipient

RULE: Final = "report"
SUBJECT: Final = "report"
DUE, LATE, SUBMITTED, SENT_BACK = 1, 2, 3, 4
"""What is told of a report; the level of the due action."""
TOLD_AT: Final = time(9)
"""The local time at which somebody hears that a report is due, or missing."""
_LONGEST_WHY: Final = 500
_SERIES: Final = "report"
_ALWAYS_NEEDS_WORDS: Final = frozenset({ReportKind.MONTH, ReportKind.COMPLAINTS})


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of a report, and to whom: ``above`` where nobody holds ``tell``, the first of them."""

    what: int
    cycle: str
    report_id: int
    number: str
    kind: ReportKind
    office_id: int
    office_name: str
    zone: str
    from_on: date
    last_on: date
    due_on: date
    why: str
    tell: tuple[Role, ...]
    above: tuple[Role, ...]
    source: str


# ---- drawn
def draw(session: Session, office_id: int, at: datetime) -> list[Report]:
    """Draw every report of the office whose period was over at ``at`` and which nobody has drawn; return them.

    Goes on from the last one of each kind; an office that has none yet begins with the latest period, unless no matter
    had come by its end. Whoever draws at the same time waits, and finds nothing left to do.
    """
    office = open_office(session, office_id)
    day, made = local_day(at, office.zone), list[Report]()
    numbers.hold(session, office.id, _SERIES)
    for term in policy.reports():
        drawn = select(func.max(Report.until_on)).where(Report.office_id == office.id, Report.kind == term.kind)
        last: date | None = session.scalar(drawn)
        period = latest_closed(term, day) if last is None else following(term, last)
        if last is None and not _has_matters(session, office, term.kind, period.until_on):
            continue
        while period.until_on <= day:
            made.append(_drawn(session, office, term.kind, period, at))
            period = following(term, period.until_on)
    return made


def redraw(session: Session, report_id: int) -> Report:
    """Count the figures of a draft anew, as they are known now. Raises Refusal for one that is handed in."""
    report, office = _draft(session, report_id, "重新统计")
    report.figures, report.drawn_at = _figures(session, office, report.kind, _period(report), clock.now()), clock.now()
    session.flush()
    return report


# ---- written and handed in
def write(session: Session, report_id: int, *, findings: str | None, measures: str | None) -> Report:
    """Write down what the office found and what it does about it. Raises Refusal for a report that is handed in."""
    report, _ = _draft(session, report_id, "修改")
    report.findings = optional(findings, field="findings", label="原因分析", limit=4000)
    report.measures = optional(measures, field="measures", label="改进措施", limit=4000)
    session.flush()
    return report


def submit(session: Session, report_id: int) -> Report:
    """Hand the report in; the centre hears of it (A-W15, A-C12).

    Raises Refusal for one that is handed in, and for a month's without the causes and the corrective actions.
    """
    report, office = _draft(session, report_id, "上报")
    if report.kind in _ALWAYS_NEEDS_WORDS:
        written(report.findings, field="findings", label="原因分析")
        written(report.measures, field="measures", label="改进措施")
    report.submitted_at = clock.now()
    report.submitted_by_id = postings.acting_posting_id(session, office.id)
    session.flush()
    clockwork.cancel(session, office_id=office.id, subject_kind=SUBJECT, subject_id=report.id, rule=RULE)
    _plan(session, report, SUBMITTED, report.submitted_at)
    return report


def send_back(session: Session, report_id: int, why: str | None) -> Report:
    """Want the report again, for a reason that the office hears. Raises Refusal for a draft and without a reason."""
    report = find(session, Report, report_id, field="report", lock=True)
    office = open_office(session, report.office_id)
    if report.submitted_at is None:
        raise Refusal(
            code="not_submitted",
            message=f"{report.number} 还没有上报，不能退回。请等管理处上报后再办理。",
            field="submitted_at",
        )
    report.sent_back_why = written(why, field="why", label="退回原因", limit=_LONGEST_WHY)
    journal.because(session, report.sent_back_why[: journal.LONGEST_REASON])
    report.sent_back_at, report.submitted_at, report.submitted_by_id = clock.now(), None, None
    session.flush()
    clockwork.cancel(session, office_id=office.id, subject_kind=SUBJECT, subject_id=report.id, rule=RULE)
    _plan(session, report, SENT_BACK, report.sent_back_at)
    _plan(session, report, LATE, max(_missed_at(report, office), report.sent_back_at + timedelta(days=1)))
    return report


# ---- told
def tell(session: Session, action: DueAction) -> Told | None:
    """Return what is to be told of a report and to whom; None where it has been handed in, or wanted again, since."""
    report = session.scalars(select(Report).where(Report.id == action.subject_id).with_for_update()).one_or_none()
    if report is None or (report.submitted_at is not None) is not (action.level == SUBMITTED):
        return None
    office = find(session, Office, report.office_id, field="office")
    term = policy.report(report.kind)
    tell_to = {
        DUE: (Role.SUPERVISOR,),
        LATE: (Role.DIRECTOR, term.reader),
        SUBMITTED: (term.reader,),
        SENT_BACK: (Role.SUPERVISOR, Role.DIRECTOR),
    }[action.level]
    above = (Role.GROUP_CENTRE,) if action.level == SUBMITTED else (Role.DIRECTOR, Role.COMPANY_CENTRE)
    return Told(
        what=action.level,
        cycle=action.cycle,
        report_id=report.id,
        number=report.number,
        kind=report.kind,
        office_id=office.id,
        office_name=office.name,
        zone=office.zone,
        from_on=report.from_on,
        last_on=report.until_on - timedelta(days=1),
        due_on=report.due_on,
        why=(report.sent_back_why or "") if action.level == SENT_BACK else "",
        tell=tell_to,
        above=tuple(role for role in above if role not in tell_to),
        source=term.source,
    )


def recipients(group_session: Session, told: Told, day: date) -> list[Recipient]:
    """Return who is written to on ``day``, once each; where nobody of ``tell`` can be, the first of ``above``."""
    found: dict[str, Recipient] = {}
    for role in told.tell:
        for person in postings.recipients(group_session, told.office_id, role, day):
            found.setdefault(person.address, person)
    for role in told.above:
        if found:
            break
        found = {person.address: person for person in postings.recipients(group_session, told.office_id, role, day)}
    return list(found.values())


# ---- what the verbs have in common
def _drawn(session: Session, office: Office, kind: ReportKind, period: Period, at: datetime) -> Report:
    """Write one report, and plan when somebody hears of it."""
    year = period.due_on.year
    running = numbers.next_number(session, office.id, f"{_SERIES}-{year}")
    report = Report(
        office_id=office.id,
        number=f"BB{year}-{running:04d}",
        kind=kind,
        from_on=period.from_on,
        until_on=period.until_on,
        due_on=period.due_on,
        drawn_at=at,
        figures=_figures(session, office, kind, period, at),
    )
    session.add(report)
    session.flush()
    _plan(session, report, DUE, at_local(period.due_on, TOLD_AT, office.zone))
    _plan(session, report, LATE, _missed_at(report, office))
    return report


def _has_matters(session: Session, office: Office, kind: ReportKind, until_on: date) -> bool:
    """Tell whether the office had anything to report on before that day began."""
    came = select(Ticket.id).where(
        Ticket.office_id == office.id,
        Ticket.kind == consolidation.ABOUT[kind],
        Ticket.received_at < start_of_day(until_on, office.zone),
    )
    return session.scalars(came.limit(1)).first() is not None


def _figures(session: Session, office: Office, kind: ReportKind, period: Period, at: datetime) -> consolidation.Figures:
    term = policy.report(kind)
    earlier = (before(term, period.from_on), period.from_on)
    about = consolidation.ABOUT[kind]
    return consolidation.figures(session, office, about, (period.from_on, period.until_on), earlier, at)


def _period(report: Report) -> Period:
    return ending(policy.report(report.kind), report.until_on)


def _missed_at(report: Report, office: Office) -> datetime:
    """Return when the centre misses the report: in the morning after the last day it was awaited on."""
    return at_local(_period(report).awaited_on + timedelta(days=1), TOLD_AT, office.zone)


def _plan(session: Session, report: Report, what: int, due_at: datetime) -> None:
    planned = select(func.count(DueAction.id)).where(
        DueAction.office_id == report.office_id,
        DueAction.rule == RULE,
        DueAction.subject_kind == SUBJECT,
        DueAction.subject_id == report.id,
        DueAction.level == what,
    )
    clockwork.plan(
        session,
        office_id=report.office_id,
        rule=RULE,
        subject_kind=SUBJECT,
        subject_id=report.id,
        level=what,
        due_at=due_at,
        cycle=str(session.scalars(planned).one() + 1),
    )


def _draft(session: Session, report_id: int, act: str) -> tuple[Report, Office]:
    """Return a report that is not handed in, locked, and its office. Raises NotFound, Refusal."""
    report = find(session, Report, report_id, field="report", lock=True)
    office = open_office(session, report.office_id)
    if report.submitted_at is not None:
        when = shown(report.submitted_at, office)
        raise Refusal(
            code="submitted",
            message=f"{report.number} 已于 {when} 上报，不能再{act}。需要更正的，请联系客户服务中心退回。",
            field="submitted_at",
            value=when,
        )
    return report, office
