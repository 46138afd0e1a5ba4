"""The arrears ladder climbed: steps planned as they fall due, each taken once, after another look (B-F2 to B-F7).

The account that climbs is the owner within the office. A climb is named by its anchor, the due date of the oldest
unpaid charge; a step by level and sequence within it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant import journal, policy
from tenant.calendars import local_day, start_of_day
from tenant.models import DueAction, DunningNotice, Office
from tenant.rules.arrears import DunningStep, steps_carried, steps_due
from tenant.rules.terms import DueState, DunningLevel, DunningNoticeState, Role
from tenant.services import numbers, owners
from tenant.services.arrears import Arrears, arrears_on
from tenant.services.lookups import find

RULE = "dunning"
SUBJECT = "owner"

_LEVELS = (DunningLevel.REMINDER, DunningLevel.LETTER, DunningLevel.SUIT, DunningLevel.WATCH)
_SEQUENCES = 100
_STAFF = (Role.DIRECTOR, Role.FINANCE_ASSISTANT)

Key = tuple[DunningLevel, int]
Taken = tuple[date, Key]
"""A step that was taken, behind the anchor of its climb."""
Due = tuple[Arrears, DunningStep]
"""What an owner owes, and a step to take against it."""
ActionKey = tuple[int, int, str]
"""Owner, level and cycle: what names a step's due action within an office."""
_CANCELLED: Mapping[str, object] = {"state": DueState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Reached:
    """Where an office's arrears stand on a day: the cycle each owner in arrears is in, and the steps to take."""

    cycles: Mapping[int, str]
    steps: Mapping[ActionKey, Due]


@dataclass(frozen=True, slots=True)
class NoticeTaken:
    """One step taken, as a mail needs it; amounts in yuan, days the office's own.

    ``owner_address`` is set only when the owner is to be written to: a reminder, and an address is known. ``tell`` are
    the roles at the office to be told that a notice waits for them, empty for a reminder.
    """

    notice_id: int
    office_id: int
    office_name: str
    office_phone: str | None
    zone: str
    owner_id: int
    owner_name: str
    owner_address: str | None
    tell: tuple[Role, ...]
    level: DunningLevel
    sequence: int
    amount: Decimal
    late_fee: Decimal
    charges: int
    oldest_due_on: date
    reached_on: date
    big: bool
    source: str


def plan_steps(session: Session, office_id: int, at: datetime) -> int:
    """Plan every step the office's owners have reached at ``at`` and that was not taken; return how many.

    Set-based: a handful of statements for thousands of owners. Planned twice it plans nothing the second time, also by
    two processes at once. A step that was cancelled because the debt was paid is planned again when that payment turns
    out void.
    """
    office = find(session, Office, office_id, field="office")
    if office.archived_at is not None:
        return 0
    numbers.hold(session, office_id, RULE)
    return plan(session, office, reached(session, office, local_day(at, office.zone)).steps.values())


def reached(session: Session, office: Office, day: date) -> Reached:
    """Return who owes the office and the steps to take against them on ``day``, planned or not; writes nothing."""
    owing = arrears_on(session, day, office.id)
    taken = _taken(session, office.id, owing)
    due = [(owed, step) for owed in owing for step in _due(owed, day, taken.get(owed.owner_id, ()))]
    return Reached(
        cycles={owed.owner_id: owed.oldest_due_on.isoformat() for owed in owing},
        steps={_key(owed, step): (owed, step) for owed, step in due},
    )


def unplanned(session: Session, office_id: int, due: Iterable[Due]) -> list[Due]:
    """Return which of the steps :func:`plan` would plan: never planned, or planned and cancelled; writes nothing."""
    due = list(due)
    planned = _planned(session, office_id, due)
    return [pair for pair in due if planned.get(_key(*pair), _CANCELLED)["state"] is DueState.CANCELLED]


def plan(session: Session, office: Office, due: Iterable[Due]) -> int:
    """Plan steps that were not planned, or were and are cancelled; return how many. The caller holds the series."""
    due = list(due)
    planned = _planned(session, office.id, due)
    fresh = [pair for pair in due if _key(*pair) not in planned]
    stopped = [(planned[_key(*pair)], due_since(pair[1], office)) for pair in due if _key(*pair) in planned]
    return _plan(session, office, fresh) + _plan_again(session, stopped)


def due_since(step: DunningStep, office: Office) -> datetime:
    """Return the instant from which a step is due: the beginning of the day its age is reached."""
    return start_of_day(step.due_on, office.zone)


def take_step(session: Session, due_action: DueAction, at: datetime) -> NoticeTaken | None:
    """Take one step: look at the arrears again, write the notice, and return what the mail needs.

    None when the debt was paid meanwhile, the climb has begun anew, the step was taken, or a later one of its level is
    due instead. A reminder goes to the owner where an address is known (B-F2); letters (B-F3), suits (B-F4) and
    watches (B-F7) become notices that wait for a person: nothing legal leaves by itself.
    """
    office = find(session, Office, due_action.office_id, field="office")
    day = local_day(at, office.zone)
    # locked: a payment being received at this moment is either seen or waits
    owners.of_office(session, office.id, due_action.subject_id, lock=True)
    owing = arrears_on(session, day, office.id, owner_id=due_action.subject_id)
    if not owing or owing[0].oldest_due_on.isoformat() != due_action.cycle:
        return None
    owed = owing[0]
    taken = _taken(session, office.id, owing).get(owed.owner_id, ())
    step = next((step for step in _due(owed, day, taken) if step_level(step.key) == due_action.level), None)
    if step is None:
        return None
    notice = _notice(owed, step, at)
    session.add(notice)
    session.flush()
    return _facts(office, owed, step, notice)


def step_level(key: Key) -> int:
    """Return the number a step has as the level of its due action: 101 the first reminder, 202 the second letter."""
    level, sequence = key
    return (_LEVELS.index(level) + 1) * _SEQUENCES + sequence


def _due(owed: Arrears, day: date, notices: Collection[Taken]) -> tuple[DunningStep, ...]:
    """Return the steps to take against one owner on ``day``, after the ``notices`` of this climb and of older ones.

    Who paid older charges climbs a new ladder from the younger ones: reminders it had reached on the day of that
    payment count as taken, a letter or a suit only when it was (:func:`tenant.rules.arrears.steps_carried`).
    """
    terms, anchor_on = policy.dunning(), owed.oldest_due_on
    taken = {key for anchor, key in notices if anchor == anchor_on}
    if owed.settled_on is not None:
        earlier = {key for anchor, key in notices if anchor < anchor_on}
        taken |= steps_carried(terms, anchor_on, owed.settled_on, earlier, big=owed.big)
    return steps_due(terms, anchor_on, day, big=owed.big, taken=taken).take


def _taken(session: Session, office_id: int, owing: Sequence[Arrears]) -> dict[int, set[Taken]]:
    """Return the steps ever taken against each owner, with the anchors of their climbs."""
    statement = select(
        DunningNotice.owner_id, DunningNotice.anchor_on, DunningNotice.level, DunningNotice.sequence
    ).where(DunningNotice.office_id == office_id)
    if len(owing) == 1:
        statement = statement.where(DunningNotice.owner_id == owing[0].owner_id)
    taken: dict[int, set[Taken]] = {}
    for owner_id, anchor_on, level, sequence in session.execute(statement):
        taken.setdefault(owner_id, set()).add((anchor_on, (level, sequence)))
    return taken


def _key(owed: Arrears, step: DunningStep) -> ActionKey:
    return owed.owner_id, step_level(step.key), owed.oldest_due_on.isoformat()


def _planned(session: Session, office_id: int, due: Iterable[Due]) -> dict[ActionKey, Mapping[str, object]]:
    """Return what was planned before for the steps that are due, by key, as rows to be changed."""
    cycles = {owed.oldest_due_on.isoformat() for owed, _ in due}
    statement = select(
        DueAction.id,
        DueAction.office_id,
        DueAction.version,
        DueAction.subject_id,
        DueAction.level,
        DueAction.cycle,
        DueAction.state,
        DueAction.attempts,
        DueAction.due_at,
        DueAction.settled_at,
        DueAction.rule_version,
    ).where(
        DueAction.office_id == office_id,
        DueAction.rule == RULE,
        DueAction.subject_kind == SUBJECT,
        DueAction.cycle.in_(cycles),
    )
    rows = session.execute(statement).mappings() if cycles else ()
    return {(row["subject_id"], row["level"], row["cycle"]): dict(row) for row in rows}


def _plan(session: Session, office: Office, due: Sequence[Due]) -> int:
    inserts = [
        {
            "office_id": office.id,
            "rule": RULE,
            "subject_kind": SUBJECT,
            "subject_id": owed.owner_id,
            "level": step_level(step.key),
            "cycle": owed.oldest_due_on.isoformat(),
            "due_at": due_since(step, office),
            "facts": {"level": step.level.value, "sequence": step.sequence, "reached_on": step.due_on.isoformat()},
            "rule_version": policy.version(),
        }
        for owed, step in due
    ]
    return len(journal.write_rows(session, DueAction, inserts=inserts))


def _plan_again(session: Session, rows: Sequence[tuple[Mapping[str, object], datetime]]) -> int:
    """Plan anew what was planned and cancelled, each for the instant from which it is due."""
    again = {"state": DueState.PENDING, "attempts": 0, "settled_at": None, "rule_version": policy.version()}
    revived = [(row, again | {"due_at": due_at}) for row, due_at in rows if row["state"] is DueState.CANCELLED]
    journal.write_rows(session, DueAction, updates=revived)
    return len(revived)


def _notice(owed: Arrears, step: DunningStep, at: datetime) -> DunningNotice:
    by_mail = step.level is DunningLevel.REMINDER and owed.email
    return DunningNotice(
        office_id=owed.office_id,
        owner_id=owed.owner_id,
        level=step.level,
        sequence=step.sequence,
        anchor_on=owed.oldest_due_on,
        reached_on=step.due_on,
        issued_at=at,
        amount=owed.amount,
        late_fee=owed.late_fee,
        state=DunningNoticeState.SENT if by_mail else DunningNoticeState.PLANNED,
        source=step.source,
    )


def _facts(office: Office, owed: Arrears, step: DunningStep, notice: DunningNotice) -> NoticeTaken:
    reminder = step.level is DunningLevel.REMINDER
    return NoticeTaken(
        notice_id=notice.id,
        office_id=office.id,
        office_name=office.name,
        office_phone=office.phone,
        zone=office.zone,
        owner_id=owed.owner_id,
        owner_name=owed.name,
        owner_address=(owed.email or None) if reminder else None,
        tell=() if reminder else _STAFF,
        level=step.level,
        sequence=step.sequence,
        amount=owed.amount,
        late_fee=owed.late_fee,
        charges=owed.charges,
        oldest_due_on=owed.oldest_due_on,
        reached_on=step.due_on,
        big=owed.big,
        source=step.source,
    )
