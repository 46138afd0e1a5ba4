"""Trying a time limit on what has happened, before it is put into force: what it would have done, to whom (A-W5, A-O2).

A trial belongs to one office and one draft. It writes nothing but its own result, and that once, at its end: where its
worker dies, another begins anew.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from tenant import clock, policy
from tenant.calendars import start_of_day
from tenant.errors import Refusal
from tenant.models import Clock, ClockPolicy, Escalation, Office, OfficeClockPolicy, PolicyReplay, Ticket
from tenant.rules.gravity import route_for
from tenant.rules.limits import Limit
from tenant.rules.replaying import Asked, Lap, Replay, Told
from tenant.rules.terms import Gravity, Role
from tenant.services import holidays, jobs, limits, pasts
from tenant.services.limits import Policy
from tenant.services.lookups import find
from tenant.services.pasts import Hands, Past, Remembered
from tenant.services.postings import Recipient

JOB: Final = "policy_replay"
SUBJECT: Final = "policy_replay"
USUAL: Final = timedelta(days=90)
LONGEST: Final = timedelta(days=366)
AT_ONCE: Final = 500
"""Tickets read together."""
EXAMPLES: Final = 20
PEOPLE: Final = 40
NOW, DRAFT = 0, 1

Reach: TypeAlias = Callable[[Told, Hands], Sequence[Recipient]]
"""Says who would have been written to."""
Report: TypeAlias = Callable[[str, int, int | None], None]


def ask(session: Session, draft: Policy, office: Office, from_on: date, until_on: date) -> PolicyReplay:
    """Ask for ``draft`` to be tried on what the office received from ``from_on`` to ``until_on``, both included.

    The very same trial that waits or runs is the one it was already: a doubled click asks once. Raises Refusal for days
    in the wrong order, too many of them, or none that have begun, and for a limit that is no draft any more.
    """
    _check_draft(draft)
    _check_days(office, from_on, until_on)
    known = latest(session, draft, office.id)
    if known is not None and (known.from_on, known.until_on) == (from_on, _outside(until_on)):
        job = jobs.latest(session, JOB, known.id)
        if job is not None and job.state in jobs.LIVE:
            return known
    is_office = isinstance(draft, OfficeClockPolicy)
    row = PolicyReplay(
        office_id=office.id,
        clock_policy_id=None if is_office else draft.id,
        office_clock_policy_id=draft.id if is_office else None,
        from_on=from_on,
        until_on=_outside(until_on),
        asked_at=clock.now(),
    )
    session.add(row)
    session.flush()
    jobs.ask(session, kind=JOB, subject_kind=SUBJECT, subject_id=row.id, office_id=office.id)
    return row


def latest(session: Session, draft: Policy, office_id: int) -> PolicyReplay | None:
    """Return the last trial of a draft on an office, None where there was none."""
    statement = select(PolicyReplay).where(PolicyReplay.office_id == office_id, _of(draft))
    return session.scalars(statement.order_by(PolicyReplay.id.desc()).limit(1)).one_or_none()


def all_latest(session: Session, draft: Policy) -> Sequence[PolicyReplay]:
    """Return the last trial of a draft on each office in scope."""
    last = select(func.max(PolicyReplay.id)).where(_of(draft)).group_by(PolicyReplay.office_id)
    return session.scalars(select(PolicyReplay).where(PolicyReplay.id.in_(last)).order_by(PolicyReplay.office_id)).all()


def forget(session: Session, draft: Policy) -> None:
    """Remove what came of the trials of a draft, which is to be removed. Raises Refusal while one is under way."""
    tried = session.scalars(select(PolicyReplay).where(_of(draft))).all()
    for replay in tried:
        job = jobs.latest(session, JOB, replay.id)
        if job is not None and job.state in jobs.LIVE:
            message = f"「{draft}」正在试算，不能删除。请等试算结束，或先在「试算」页取消，再删除。"
            raise Refusal(code="on_trial", message=message, field="limit", value=str(draft))
    for replay in tried:
        session.delete(replay)
    session.flush()


def last_day(replay: PolicyReplay) -> date:
    """Return the last day that a trial looks at."""
    return replay.until_on - timedelta(days=1)


def draft_of(session: Session, replay: PolicyReplay) -> Policy:
    """Return the limit that a trial tries."""
    if replay.clock_policy_id is not None:
        return session.get_one(ClockPolicy, replay.clock_policy_id)
    return session.scalars(select(OfficeClockPolicy).where(OfficeClockPolicy.id == replay.office_clock_policy_id)).one()


def wording(draft: Policy) -> dict[str, Any]:
    """Return what a limit says, as plain values: a result whose draft says something else by now is stale."""
    names = ("ticket", "clock", "qualifier", "measure", "amount", "minimum", "calendar", "warning", "pauses", "steps")
    return {name: getattr(draft, name) for name in names}


def reckon(session: Session, replay_id: int, remembered: Remembered, reach: Reach, report: Report) -> PolicyReplay:
    """Try the draft and keep what came of it, in the caller's transaction; tells ``report`` how far it is.

    What holds today, and what would hold with the draft, meet the same past by the same arithmetic; what was really
    raised then is counted beside them.
    """
    replay = find(session, PolicyReplay, replay_id, field="replay", lock=True)
    office, draft = find(session, Office, replay.office_id, field="office"), draft_of(session, replay)
    begin, end = start_of_day(replay.from_on, office.zone), start_of_day(replay.until_on, office.zone)
    now = clock.now()
    until = min(end, now)
    holding = limits.in_force(session, office, clock.today(office.zone))
    drafted = limits.with_draft(holding, draft)
    tally = Tally(_replay(session, office, holding, until), _replay(session, office, drafted, until), reach)
    received = (Ticket.office_id == office.id, Ticket.received_at >= begin, Ticket.received_at < end)
    total = session.scalars(select(func.count(Ticket.id)).where(*received)).one()
    for chunk in _chunks(session, received):
        report("试算", tally.tickets, total)
        for past in pasts.read(session, office.id, chunk, remembered):
            tally.add(past)
    was = _was(session, received, until)
    replay.figures = tally.figures() | {"was": was, "draft": wording(draft), "applies": drafted != holding}
    replay.counted_at = now
    session.flush()
    return replay


@dataclass
class Tally:
    """What comes of two sets of limits, ticket by ticket; each figure is a pair: what holds, and with the draft."""

    now: Replay
    draft: Replay
    reach: Reach
    tickets: int = 0
    lines: dict[tuple[str, str], Counter[tuple[str, int]]] = field(default_factory=dict)
    roles: Counter[tuple[Role, int]] = field(default_factory=Counter)
    people: Counter[tuple[str, Role, int]] = field(default_factory=Counter)
    mails: Counter[tuple[str, int]] = field(default_factory=Counter)
    heavy: list[tuple[int, int, int, str]] = field(default_factory=list)

    def add(self, past: Past) -> None:
        """Count one ticket."""
        self.tickets += 1
        written = [0, 0]
        for asked in past.matter.asked:
            now = list(self.now.laps_of(past.matter, asked))
            laps = (now, list(self.draft.laps_of(past.matter, asked)) if self._differs(past, asked) else now)
            for side in (NOW, DRAFT):
                written[side] += self._count(past, asked, laps[side], side)
        if any(written):
            self.heavy.append((written[DRAFT], written[NOW], past.ticket_id, past.number))
            if len(self.heavy) > EXAMPLES * 50:
                self.heavy = self._heaviest()

    def figures(self) -> dict[str, Any]:
        """Return all that was counted, as plain values."""
        people = sorted({key[:2] for key in self.people}, key=lambda key: (-max(self._pair(self.people, key)), key))
        return {
            "tickets": self.tickets,
            "lines": [self._line(key, found) for key, found in sorted(self.lines.items())],
            "roles": [
                [role.value, *self._pair(self.roles, (role,))] for role in Role if any(self._pair(self.roles, (role,)))
            ],
            "people": [[name, role.value, *self._pair(self.people, (name, role))] for name, role in people[:PEOPLE]],
            "people_in_all": len(people),
            "mails": self._pair(self.mails, ("mails",)),
            "warnings": self._pair(self.mails, ("warnings",)),
            "nobody": self._pair(self.mails, ("nobody",)),
            "examples": [
                {"ticket": ticket_id, "number": number, "mails": [now, draft]}
                for draft, now, ticket_id, number in self._heaviest()
            ],
        }

    def _differs(self, past: Past, asked: Asked) -> bool:
        return self.now.limit_of(past.matter, asked) != self.draft.limit_of(past.matter, asked)

    def _count(self, past: Past, asked: Asked, laps: Sequence[Lap], side: int) -> int:
        """Count the clocks of one thing asked; return how many mails they send."""
        line = self.lines.setdefault((past.matter.kind.value, asked.kind.value), Counter())
        line["clocks", side] += bool(laps)
        line["late", side] += any(lap.is_late(self.now.until) for lap in laps)
        mails = 0
        for lap in laps:
            if lap.warned is not None:
                line["warned", side] += 1
                mails += self._write(past, lap.warned, "warnings", side)
            for told in lap.told:
                line[str(told.level), side] += 1
                mails += self._write(past, told, "mails", side)
        return mails

    def _write(self, past: Past, told: Told, sort: str, side: int) -> int:
        people = self.reach(told, past.hands_at(told.at))
        for person in people:
            self.roles[person.role, side] += 1
            self.people[person.name, person.role, side] += 1
        self.mails[sort, side] += len(people)
        self.mails["nobody", side] += not people
        return len(people)

    def _heaviest(self) -> list[tuple[int, int, int, str]]:
        return sorted(self.heavy, key=lambda one: (-max(one[:2]), -abs(one[0] - one[1]), one[2]))[:EXAMPLES]

    def _line(self, key: tuple[str, str], found: Counter[tuple[str, int]]) -> dict[str, Any]:
        levels = sorted({name for name, _ in found if name.isdigit()}, key=int)
        counts = {name: self._pair(found, (name,)) for name in ("clocks", "late", "warned")}
        return {
            "ticket": key[0],
            "clock": key[1],
            **counts,
            "levels": {one: self._pair(found, (one,)) for one in levels},
        }

    @staticmethod
    def _pair(found: Counter[Any], key: tuple[Any, ...]) -> list[int]:
        return [found[*key, NOW], found[*key, DRAFT]]


def _replay(session: Session, office: Office, holding: tuple[Limit, ...], until: datetime) -> Replay:
    route = route_for(policy.gravities(), Gravity.GRAVE)
    told = (tuple(dict.fromkeys((*route.informs, route.handler))), (Role.GROUP_CENTRE,))
    return Replay(holding, policy.limits(), holidays.hours_of(session, office), until, told)


def _chunks(session: Session, received: tuple[ColumnElement[bool], ...]) -> Iterator[list[Row[Any]]]:
    """Yield the tickets by and by, in the order of their ids."""
    wanted = select(Ticket.id, Ticket.kind, Ticket.number, Ticket.received_at, Ticket.closed_at).where(*received)
    after = 0
    while rows := [*session.execute(wanted.where(Ticket.id > after).order_by(Ticket.id).limit(AT_ONCE))]:
        yield rows
        after = rows[-1].id


def _was(session: Session, received: tuple[ColumnElement[bool], ...], until: datetime) -> dict[str, int]:
    """Return what was really raised on these tickets, how many were written to, and how many were warned."""
    levels = select(func.count(Escalation.id), func.coalesce(func.sum(Escalation.told), 0))
    joined = levels.join(Ticket, Ticket.id == Escalation.ticket_id).where(*received, Escalation.raised_at <= until)
    raised, told = session.execute(joined).one()
    warned = select(func.count(Clock.id)).join(Ticket, Ticket.id == Clock.ticket_id)
    count = session.scalars(warned.where(*received, Clock.warned_at <= until)).one()
    return {"raised": raised, "mails": int(told), "warned": count}


def _of(draft: Policy) -> ColumnElement[bool]:
    if isinstance(draft, OfficeClockPolicy):
        return PolicyReplay.office_clock_policy_id == draft.id
    return PolicyReplay.clock_policy_id == draft.id


def _outside(day: date) -> date:
    return day + timedelta(days=1)


def _check_draft(draft: Policy) -> None:
    if draft.activated_at is not None:
        message = f"「{draft}」已经启用，试算的是启用之前的草稿。要改它，请新写一条草稿再试算。"
        raise Refusal(code="no_draft", message=message, field="activated_at", value=draft.activated_at.isoformat())


def _check_days(office: Office, from_on: date, until_on: date) -> None:
    today = clock.today(office.zone)
    if from_on > today:
        message = f"「起始日」{from_on} 还没有到，没有可以试算的事项。请选择今天（{today}）或更早的日期。"
        raise Refusal(code="days_to_come", message=message, field="from_on", value=from_on.isoformat())
    if until_on < from_on or until_on - from_on > LONGEST:
        message = f"「截止日」{until_on} 应不早于「起始日」{from_on}，且最多相隔 {LONGEST.days} 天。请改正后再试算。"
        raise Refusal(code="period", message=message, field="until_on", value=until_on.isoformat())
