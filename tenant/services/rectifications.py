"""The builder's work on a defect, one record at a time: issued, signed for, reported done, inspected, signed, filed.

A-R2 to A-R6. The table of states says what may follow; each verb locks the ticket, so that of two people who act at
once the second is told what the first has done. A ticket has one clock for the day agreed and one for the inspection:
each runs to the earliest of its records, and to the next when that one is through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import clock, journal, policy
from tenant.calendars import local_day, start_of_day
from tenant.errors import NotFound, Refusal
from tenant.models import (
    Builder,
    Defect,
    Office,
    Rectification,
    RectificationCheck,
    RectificationNote,
    Ticket,
)
from tenant.rules.numbers import rectification_number
from tenant.rules.terms import ClockKind, ClockStart, RectificationState, TicketState
from tenant.rules.transitions import step
from tenant.services import clocks, cycles, owners, postings, tickets
from tenant.services.defects import MACHINE as DEFECT
from tenant.services.defects import OVER
from tenant.services.lookups import find, moment, open_office, optional, shown, written

MACHINE = "rectification"
WITH_BUILDER = (RectificationState.ISSUED, RectificationState.SIGNED_FOR, RectificationState.REJECTED)
TO_INSPECT = (RectificationState.RETURNED, RectificationState.ACCEPTED)
_WHILE_WAITING = frozenset({"sign_for", "second_copy", "note", "file"})
"""What may be said of a record while its defect waits: what was received and how far it is, not what comes next."""
_LONGEST_TEXT, _LONGEST_NAME, _LONGEST_WHY = 500, 50, 200


@dataclass(frozen=True, slots=True)
class Held:
    """A record with what it belongs to, the ticket locked."""

    record: Rectification
    defect: Defect
    ticket: Ticket
    office: Office


def issue(
    session: Session,
    defect_id: int,
    builder_id: int,
    agreed_on: date,
    *,
    content: str | None = None,
    at: datetime | None = None,
) -> Rectification:
    """Issue a record to one builder with the day agreed for completion (A-R2); the ticket's promise runs to it.

    ``content`` None: what was reported. Raises NotFound for a builder the office has not; Refusal before the cause is
    confirmed, before the owner of a unit has signed for it (A-R1), and for a day that has passed.
    """
    defect = find(session, Defect, defect_id, field="defect")
    ticket = find(session, Ticket, defect.ticket_id, field="ticket", lock=True)
    office = open_office(session, ticket.office_id)
    step(policy.transitions(), DEFECT, ticket.state, "issue", subject=ticket.number)
    session.refresh(defect)
    issued_at = moment(at, office, field="at", label="开单时间", since=_ready_since(session, defect, ticket))
    _confirmed(session, defect, ticket, local_day(issued_at, office.zone))
    count = session.scalars(select(func.count(Rectification.id)).where(Rectification.defect_id == defect.id)).one()
    day = _agreed(agreed_on, office)
    record = Rectification(
        office_id=office.id,
        defect_id=defect.id,
        builder_id=_builder(session, office.id, builder_id).id,
        number=rectification_number(ticket.number, count + 1),
        state=RectificationState.ISSUED,
        content=written(content or ticket.content, field="content", label="整改内容"),
        issued_at=issued_at,
        first_agreed_on=day,
        agreed_on=day,
    )
    session.add(record)
    ticket.state = TicketState.UNDER_WAY
    clocks.meet(session, ticket, issued_at, ClockKind.ON_SITE, ClockKind.DISPATCH)
    _keep_time(session, Held(record, defect, ticket, office), issued_at)
    return record


def sign_for(session: Session, rectification_id: int, signed_by: str, *, at: datetime | None = None) -> Rectification:
    """Record that the builder's head of engineering has taken the first copy, and signed for it (A-R3)."""
    held, to = _held(session, rectification_id, "sign_for")
    record = held.record
    record.signed_for_by = written(signed_by, field="signed_for_by", label="签收人", limit=_LONGEST_NAME)
    record.signed_for_at = moment(at, held.office, field="at", label="签收时间", since=record.issued_at)
    return _moved(session, record, to)


def take_second_copy(session: Session, rectification_id: int, *, at: datetime | None = None) -> Rectification:
    """Record that the office's engineering department has the second copy, and presses from now on (A-R3)."""
    held, to = _held(session, rectification_id, "second_copy")
    record = held.record
    if record.second_copy_at is not None:
        raise Refusal(
            code="already_signed",
            message=f"工程部已于 {shown(record.second_copy_at, held.office)} 签收第二联，无需再次登记。",
            field="second_copy_at",
            value=shown(record.second_copy_at, held.office),
        )
    record.second_copy_at = moment(at, held.office, field="at", label="工程部签收时间", since=record.issued_at)
    return _moved(session, record, to)


def note(session: Session, rectification_id: int, content: str, *, at: datetime | None = None) -> RectificationNote:
    """Record how far the builder is (A-R3), and what was done to press or to keep the owner informed (A-R4)."""
    held, _ = _held(session, rectification_id, "note")
    row = RectificationNote(
        office_id=held.office.id,
        rectification_id=held.record.id,
        noted_at=moment(at, held.office, field="at", label="登记时间", since=held.record.issued_at),
        noted_by_id=postings.acting_posting_id(session, held.office.id),
        content=written(content, field="progress", label="进度", limit=_LONGEST_TEXT),
    )
    session.add(row)
    session.flush()
    return row


def postpone(
    session: Session, rectification_id: int, agreed_on: date, reason: str, *, at: datetime | None = None
) -> Rectification:
    """Agree another day with the builder, and keep the one agreed before with the reason (A-R2, A-R4)."""
    held, to = _held(session, rectification_id, "postpone")
    record = held.record
    day = _agreed(agreed_on, held.office)
    if day == record.agreed_on:
        raise Refusal(
            code="same_day_agreed",
            message=f"「约定完成日」{day} 与原来约定的相同，没有改约。请填写新约定的日期。",
            field="agreed_on",
            value=day.isoformat(),
        )
    why = written(reason, field="reason", label="原因", limit=_LONGEST_TEXT)
    noted_at = moment(at, held.office, field="at", label="改约时间", since=record.issued_at)
    session.add(
        RectificationNote(
            office_id=held.office.id,
            rectification_id=record.id,
            noted_at=noted_at,
            noted_by_id=postings.acting_posting_id(session, held.office.id),
            content=why,
            agreed_before=record.agreed_on,
            agreed_on=day,
        )
    )
    record.agreed_on = day
    _keep_time(session, held, noted_at)
    return _moved(session, record, to)


def report_done(session: Session, rectification_id: int, *, at: datetime | None = None) -> Rectification:
    """Record that the builder has brought the signed copy back as done (A-R5): the agreed day is kept or was missed."""
    held, to = _held(session, rectification_id, "report_done")
    record = held.record
    since = _latest(session, record)
    record.returned_at = moment(at, held.office, field="at", label="报完工时间", since=since)
    _moved(session, record, to)
    _keep_time(session, held, record.returned_at, met=ClockKind.PROMISED)
    return record


def accept(
    session: Session, rectification_id: int, *, findings: str | None = None, at: datetime | None = None
) -> Rectification:
    """Record that the work was inspected and is acceptable (A-R5); the owner is to sign next."""
    held, to = _held(session, rectification_id, "accept")
    record = held.record
    record.accepted_at = moment(at, held.office, field="at", label="验收时间", since=record.returned_at)
    said = optional(findings, field="findings", label="验收意见", limit=_LONGEST_TEXT)
    _look(session, held, record.accepted_at, said, again_on=None)
    return _moved(session, record, to)


def reject(
    session: Session, rectification_id: int, findings: str, agreed_on: date, *, at: datetime | None = None
) -> Rectification:
    """Send unacceptable work back to the builder with what is wrong and a new day agreed (A-R5)."""
    held, to = _held(session, rectification_id, "reject")
    record = held.record
    day = _agreed(agreed_on, held.office)
    since = record.accepted_at or record.returned_at
    checked_at = moment(at, held.office, field="at", label="验收时间", since=since)
    wrong = written(findings, field="findings", label="验收意见", limit=_LONGEST_TEXT)
    _look(session, held, checked_at, wrong, again_on=day)
    record.agreed_on = day
    record.returned_at = record.accepted_at = None
    _moved(session, record, to)
    _keep_time(session, held, checked_at, met=ClockKind.INSPECTION)
    return record


def owner_sign(session: Session, rectification_id: int, *, at: datetime | None = None) -> Rectification:
    """Record that the owner has signed for the work (A-R5); with the last record the defect is done (A-R6)."""
    held, to = _held(session, rectification_id, "owner_sign")
    record = held.record
    signed_at = moment(at, held.office, field="at", label="业主签字时间", since=record.accepted_at)
    record.owner_signed_at = signed_at
    _moved(session, record, to)
    _keep_time(session, held, signed_at, met=ClockKind.INSPECTION)
    _settle(session, held, signed_at)
    return record


def file(session: Session, rectification_id: int, *, at: datetime | None = None) -> Rectification:
    """Record that the signed record lies in the owner's file (A-R6, A-X1); also after the ticket is closed."""
    held, to = _held(session, rectification_id, "file")
    record = held.record
    record.filed_at = moment(at, held.office, field="at", label="归档时间", since=record.owner_signed_at)
    return _moved(session, record, to)


def cancel(session: Session, rectification_id: int, reason: str, *, at: datetime | None = None) -> Rectification:
    """Withdraw a record, issued to the wrong builder or twice; the defect goes on without it (A-R2)."""
    held, to = _held(session, rectification_id, "cancel")
    record = held.record
    record.ended_why = written(reason, field="reason", label="原因", limit=_LONGEST_WHY)
    journal.because(session, record.ended_why)
    ended_at = moment(at, held.office, field="at", label="撤销时间", since=_latest(session, record))
    _moved(session, record, to)
    _keep_time(session, held, ended_at)
    _settle(session, held, ended_at)
    return record


# ---- what the verbs have in common
def _held(session: Session, rectification_id: int, verb: str) -> tuple[Held, RectificationState]:
    """Return the record with the ticket locked, and the state ``verb`` leads to. Raises NotFound, Refusal."""
    record = find(session, Rectification, rectification_id, field="rectification")
    defect = find(session, Defect, record.defect_id, field="defect")
    ticket = find(session, Ticket, defect.ticket_id, field="ticket", lock=True)
    office = open_office(session, ticket.office_id)
    session.refresh(record)
    row = step(policy.transitions(), MACHINE, record.state, verb, subject=record.number)
    if ticket.state is TicketState.WAITING and verb not in _WHILE_WAITING:
        raise Refusal(
            code="waits",
            message=f"{ticket.number} 正在等待，整改单 {record.number} 不能{row.label}。请先在缺陷页面「恢复办理」。",
            field="state",
            value=ticket.state.label,
        )
    return Held(record, defect, ticket, office), RectificationState(row.to or record.state)


def _moved(session: Session, record: Rectification, to: RectificationState) -> Rectification:
    record.state = to
    session.flush()
    return record


def _look(session: Session, held: Held, at: datetime, findings: str | None, *, again_on: date | None) -> None:
    session.add(
        RectificationCheck(
            office_id=held.office.id,
            rectification_id=held.record.id,
            checked_at=at,
            checked_by_id=postings.acting_posting_id(session, held.office.id),
            passed=again_on is None,
            findings=findings,
            agreed_on=again_on,
        )
    )


def _latest(session: Session, record: Rectification) -> datetime:
    """Return when something last happened to a record that is with its builder or back from him."""
    checks = select(func.max(RectificationCheck.checked_at)).where(RectificationCheck.rectification_id == record.id)
    known = (record.issued_at, record.signed_for_at, record.returned_at, session.scalars(checks).one())
    return max(instant for instant in known if instant is not None)


def _confirmed(session: Session, defect: Defect, ticket: Ticket, day: date) -> None:
    """Raise Refusal unless the cause is confirmed, and signed for where the unit has an owner (A-R1)."""
    if defect.confirmed_at is None:
        raise Refusal(
            code="not_confirmed",
            message=f"{ticket.number} 还没有确认原因，不能开整改单。请先派人查看，再登记「确认原因」。",
            field="cause",
            value=None,
        )
    owned = ticket.unit_id is not None and bool(owners.owners_of(session, ticket.unit_id, day))
    if owned and defect.owner_signed_at is None:
        raise Refusal(
            code="not_signed",
            message=f"业主还没有在 {ticket.number} 上签字确认，不能开整改单。请先登记「业主确认」。",
            field="owner_signed_at",
            value=None,
        )


def _agreed(day: date, office: Office) -> date:
    today = clock.today(office.zone)
    if day < today:
        raise Refusal(
            code="agreed_has_passed",
            message=f"「约定完成日」{day} 已经过去（今天是 {today}）。请与施工单位另约今天或以后的日期。",
            field="agreed_on",
            value=day.isoformat(),
        )
    return day


def _builder(session: Session, office_id: int, builder_id: int) -> Builder:
    statement = select(Builder).where(Builder.office_id == office_id, Builder.id == builder_id)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(
            code="unknown_builder",
            message="没有找到这家施工单位。请从本管理处的施工单位中选择，或先登记施工单位。",
            field="builder",
            value=str(builder_id),
        )
    return found


def _records(session: Session, defect: Defect) -> Sequence[Rectification]:
    statement = select(Rectification).where(Rectification.defect_id == defect.id)
    return session.scalars(statement.order_by(Rectification.id)).all()


def _keep_time(session: Session, held: Held, at: datetime, *, met: ClockKind | None = None) -> None:
    """Let the promise run to the earliest day agreed, the inspection to the earliest that is due.

    A clock that runs to the same instant as before runs on. One that ends is met where it is ``met``, else no longer
    asked for.
    """
    session.flush()
    ticket, office = held.ticket, held.office
    open_records = _records(session, held.defect)
    promised = min(
        ((start_of_day(row.agreed_on + timedelta(days=1), office.zone), row.issued_at)
         for row in open_records if row.state in WITH_BUILDER),
        default=None,
    )  # fmt: skip
    if _ended(session, ticket, ClockKind.PROMISED, promised and promised[0], at, met):
        ticket.promised_at = promised[0] if promised else None
        clocks.begin_promise(session, ticket, promised[1] if promised and promised[0] <= at else at)
    back = min((row.returned_at for row in open_records if row.state in TO_INSPECT and row.returned_at), default=None)
    if _ended(session, ticket, ClockKind.INSPECTION, back, at, met) and back:
        clocks.begin_for(session, ticket, office, ClockStart.BUILDER_DONE, back)


def _ended(
    session: Session, ticket: Ticket, kind: ClockKind, wanted: datetime | None, at: datetime, met: ClockKind | None
) -> bool:
    """End the running clock of a kind unless it is the one ``wanted``; tell whether one is to begin, or none to run.

    A promise is known by when it is due; an inspection by when it began, for waiting moves its end.
    """
    running = clocks.running(session, ticket, [kind])
    known = [row.started_at if kind is ClockKind.INSPECTION else row.due_at for row in running]
    if known == ([] if wanted is None else [wanted]):
        return False
    (clocks.meet if met is kind else clocks.cancel)(session, ticket, at, kind)
    return True


def _settle(session: Session, held: Held, at: datetime) -> None:
    """Finish the defect when all its records are through; ask for another where all of this cycle are withdrawn.

    It is done when the last one is through, signed or withdrawn: nobody could ask the owner before (A-R6).
    """
    rows = _records(session, held.defect)
    if any(row.state not in OVER for row in rows):
        return
    since = cycles.taken_up_at(session, held.ticket)
    signed = [row.owner_signed_at for row in rows if row.owner_signed_at and (since is None or row.issued_at >= since)]
    if signed:
        tickets.finish(session, held.ticket, held.office, max(at, *signed))
        return
    clocks.begin_for(session, held.ticket, held.office, ClockStart.RECEIPT, at, [ClockKind.DISPATCH])


def _ready_since(session: Session, defect: Defect, ticket: Ticket) -> datetime:
    """Return since when a record could be issued: the cause confirmed, signed for, not done yet (A-R1, A-R6)."""
    known = (cycles.began_at(session, ticket), defect.confirmed_at, defect.owner_signed_at)
    return max(instant for instant in known if instant is not None)
