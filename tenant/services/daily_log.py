"""The desk's daily log: every visit and call, what waits for the morning handover, what became of it (B-S2, B-S3)."""

from datetime import datetime
from typing import Final, Required, TypedDict, Unpack

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenant import clock, journal
from tenant.calendars import desk_open, end_of_day, local_day, next_opening, start_of_day
from tenant.errors import Refusal
from tenant.models import Complaint, DueAction, LogEntry, Office, ServiceRequest
from tenant.rules.deadlines import due_at
from tenant.rules.limits import limit_for
from tenant.rules.terms import Channel, ClockKind, Gravity, RequestCategory, TicketKind
from tenant.services import clocks, clockwork, complaints, contacts, holidays, limits, postings, requests, units
from tenant.services.lookups import find, moment, open_office, optional, shown, written
from tenant.services.tickets import TicketFields

CHECKED = "daily_log.checked"
TOMORROW = "已告知次日办理"
RULE: Final = "handover"
SUBJECT: Final = LogEntry.__tablename__
_LONGEST_ANSWER = 500


class EntryFields(TypedDict, total=False):
    """What the desk writes down about a visit or call; ``at`` absent: now; ``unit_id`` absent: of no unit."""

    office_id: Required[int]
    content: Required[str]
    at: datetime | None
    channel: Channel
    unit_id: int | None
    caller_name: str | None
    caller_phone: str | None
    answer: str | None


def write(session: Session, *, put_off: bool = False, **fields: Unpack[EntryFields]) -> LogEntry:
    """Enter one visit or call (B-S2). What needs no work is settled by it.

    ``put_off``: told "tomorrow" at night, so it waits for the morning handover (B-S3); Refusal while the desk is open.
    What nobody sees to there becomes a request by itself, see :func:`hand_over`. Raises NotFound for a foreign unit,
    Refusal for an archived office, empty content and a time that has not come.
    """
    office = open_office(session, fields["office_id"])
    at = moment(fields.get("at"), office, field="at", label="时间")
    if put_off and desk_open(at, office.desk_opens, office.desk_closes, office.zone):
        raise Refusal(
            code="desk_is_open",
            message="转次日办理只用于前台下班之后。现在请直接登记，需要处理的「转为报事」或「转为投诉」。",
            field="put_off",
        )
    unit_id = fields.get("unit_id")
    entry = LogEntry(
        office_id=office.id,
        at=at,
        channel=fields.get("channel", Channel.CALL),
        unit_id=None if unit_id is None else units.of_office(session, office.id, unit_id).id,
        caller_name=optional(fields.get("caller_name"), field="caller_name", label="来访人", limit=100),
        caller_phone=optional(fields.get("caller_phone"), field="caller_phone", label="联系电话", limit=64),
        content=written(fields["content"], field="content", label="事由"),
        answer=optional(fields.get("answer"), field="answer", label="答复", limit=_LONGEST_ANSWER),
        put_off=put_off,
        settled_at=None if put_off else at,
        written_by_id=postings.acting_posting_id(session, office.id),
    )
    session.add(entry)
    session.flush()
    if put_off:
        clockwork.plan(
            session,
            office_id=office.id,
            rule=RULE,
            subject_kind=SUBJECT,
            subject_id=entry.id,
            due_at=_overlooked_at(session, office, at),
        )
    return entry


def hand_over(session: Session, due_action: DueAction) -> ServiceRequest | None:
    """Make a request of an entry that the morning handover has overlooked, so that its limits ask for it (B-S3).

    None when it was seen to, or its office is archived.
    """
    entry = find(session, LogEntry, due_action.subject_id, field="entry", lock=True)
    archived = find(session, Office, entry.office_id, field="office").archived_at is not None
    if archived or entry.ticket_id is not None or entry.settled_at is not None:
        return None
    return _as_request(session, entry)


def to_request(
    session: Session,
    entry_id: int,
    *,
    category: RequestCategory = RequestCategory.REPAIR,
    urgent: bool = False,
    topic_id: int | None = None,
    location: str | None = None,
) -> ServiceRequest:
    """Make a request of an entry, with what was written, received when it was said (B-S2, B-S3).

    What the caller was told then is the first contact. One that was put off is to be dispatched from the morning
    handover on. Raises NotFound for a foreign entry, Refusal for one that became a ticket before.
    """
    made = _as_request(session, _open(session, entry_id, "转为报事"), category, topic_id, location, urgent=urgent)
    _seen_to(session, entry_id, made.office_id)
    return made


def to_complaint(
    session: Session,
    entry_id: int,
    *,
    gravity: Gravity = Gravity.ORDINARY,
    department_id: int | None = None,
    demand: str | None = None,
    topic_id: int | None = None,
) -> Complaint:
    """Make a complaint of an entry, with what was written, received when it was said (B-S2, B-S3).

    An ordinary one that was put off reaches its department from the morning handover on. Raises as
    :func:`to_request` does.
    """
    entry = _open(session, entry_id, "转为投诉")
    made = complaints.register_complaint(
        session,
        gravity=gravity,
        department_id=department_id,
        demand=demand,
        put_off=entry.put_off,
        **_as_ticket(entry, topic_id),
    )
    if gravity is not Gravity.INVALID:
        _became(session, entry, made.ticket_id)
    else:
        entry.ticket_id, entry.settled_at = made.ticket_id, entry.settled_at or clock.now()
        session.flush()
    _seen_to(session, entry.id, entry.office_id)
    return made


def settle(session: Session, entry_id: int, answer: str, *, at: datetime | None = None) -> LogEntry:
    """Settle at the handover what was put off and needs no ticket, saying what became of it (B-S3).

    Raises NotFound for a foreign entry, Refusal without an answer, and for one that is settled.
    """
    entry = _open(session, entry_id, "办结")
    office = open_office(session, entry.office_id)
    if entry.settled_at is not None:
        raise Refusal(
            code="settled",
            message=f"这条登记已于 {shown(entry.settled_at, office)} 办结，无需再次办结。请刷新后查看。",
            field="settled_at",
        )
    entry.answer = written(answer, field="answer", label="答复", limit=_LONGEST_ANSWER)
    entry.settled_at = moment(at, office, field="at", label="办结时间", since=entry.at)
    session.flush()
    _seen_to(session, entry.id, entry.office_id)
    return entry


def check_day(session: Session, entry_id: int) -> int:
    """Note that the log of the entry's day was checked (A-S5), and return how many of its entries still wait.

    Raises NotFound for a foreign entry.
    """
    entry = find(session, LogEntry, entry_id, field="entry")
    office = open_office(session, entry.office_id)
    day = local_day(entry.at, office.zone)
    of_day = (
        LogEntry.office_id == office.id,
        LogEntry.at >= start_of_day(day, office.zone),
        LogEntry.at < end_of_day(entry.at, office.zone),
    )
    entries = session.scalars(select(func.count(LogEntry.id)).where(*of_day)).one()
    waiting = session.scalars(select(func.count(LogEntry.id)).where(*of_day, LogEntry.settled_at.is_(None))).one()
    facts = {"day": day.isoformat(), "entries": entries, "waiting": waiting}
    act = journal.RecordedAct(
        verb=CHECKED, subject_kind="log_entry", subject_id=entry.id, office_id=office.id, facts=facts
    )
    journal.note(session, act)
    return waiting


def waiting_count(session: Session, office_id: int | None = None) -> int:
    """Return how many entries wait for the handover, in one office or in all within reach."""
    statement = select(func.count(LogEntry.id)).where(LogEntry.settled_at.is_(None))
    if office_id is not None:
        statement = statement.where(LogEntry.office_id == office_id)
    return session.scalars(statement).one()


def _open(session: Session, entry_id: int, act: str) -> LogEntry:
    """Return the entry, locked, when it has not become a ticket."""
    entry = find(session, LogEntry, entry_id, field="entry", lock=True)
    if entry.ticket_id is not None:
        raise Refusal(
            code="became_a_ticket",
            message=f"这条登记已转为 {entry.ticket}，不能再{act}。请到那件事项上办理。",
            field="ticket",
            value=str(entry.ticket),
        )
    return entry


def _as_ticket(entry: LogEntry, topic_id: int | None, location: str | None = None) -> TicketFields:
    return {
        "topic_id": topic_id,
        "location": location,
        "office_id": entry.office_id,
        "content": entry.content,
        "unit_id": entry.unit_id,
        "channel": entry.channel,
        "reporter_name": entry.caller_name,
        "reporter_phone": entry.caller_phone,
        "received_at": entry.at,
    }


def _became(session: Session, entry: LogEntry, ticket_id: int) -> None:
    """Let the entry name what it became; what the caller was told is the first contact (A-W4)."""
    entry.ticket_id, entry.settled_at = ticket_id, entry.settled_at or clock.now()
    told = entry.answer or (TOMORROW if entry.put_off else None)
    if told is not None:
        contacts.contact(session, ticket_id, contacts.answered_by(entry.channel), told=told, at=entry.at)
    session.flush()


def _as_request(
    session: Session,
    entry: LogEntry,
    category: RequestCategory = RequestCategory.REPAIR,
    topic_id: int | None = None,
    location: str | None = None,
    *,
    urgent: bool = False,
) -> ServiceRequest:
    """Register the request that an entry, locked, becomes."""
    made = requests.register_request(
        session,
        category=category,
        urgent=urgent,
        put_off=entry.put_off and not urgent,
        **_as_ticket(entry, topic_id, location),
    )
    _became(session, entry, made.ticket_id)
    return made


def _seen_to(session: Session, entry_id: int, office_id: int) -> None:
    """Let nobody look for the entry after the handover any more."""
    clockwork.cancel(session, office_id=office_id, subject_kind=SUBJECT, subject_id=entry_id, rule=RULE)


def _overlooked_at(session: Session, office: Office, at: datetime) -> datetime:
    """Return when an entry put off at ``at`` was overlooked: as long after the handover as sending somebody may take
    (A-W3), and as long after it was written down, where that was later.
    """
    starts = max(next_opening(at, office.desk_opens, office.zone), clock.now())
    held = clocks.qualifiers_of(RequestCategory.REPAIR, None, urgent=False)
    known = limits.in_force(session, office, local_day(starts, office.zone))
    limit = limit_for(known, TicketKind.REQUEST, ClockKind.DISPATCH, held)
    return starts if limit is None else due_at(limit.term, starts, holidays.hours_of(session, office))
