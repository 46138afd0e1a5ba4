"""The past of a matter, made of the clocks that were kept: what was asked of the office, since when and until when.

A clock that a wait has stopped and the one that goes on after it are one thing asked. What an appointment stood in
place of was asked for too, had other limits left it running.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tenant.rules.replaying import ENDED_BY_APPOINTMENT, Asked, Matter, Wait
from tenant.rules.terms import ClockKind, Gravity, TicketKind

_EVER: Final = datetime.min.replace(tzinfo=UTC)
_A_TICK: Final = timedelta(microseconds=1)
AGREED: Final = frozenset({ClockKind.PROMISED, ClockKind.WAITING})
"""What runs out when people have agreed that it does, whatever limits say."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A clock as it was written down; of its ends at most one is set, ``pause_id`` names the wait that stopped it."""

    kind: ClockKind
    cycle: int
    source: str
    started_at: datetime
    due_at: datetime
    met_at: datetime | None
    cancelled_at: datetime | None
    pause_id: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """What happened to a ticket besides: received, sent somebody, somebody there, closed (None: it is open)."""

    received_at: datetime
    dispatched: tuple[datetime, ...] = ()
    arrived: tuple[datetime, ...] = ()
    closed_at: datetime | None = None


def matter_of(
    kind: TicketKind,
    kept: Sequence[Kept],
    waits: Sequence[Wait],
    held: Sequence[tuple[datetime, frozenset[str]]],
    course: Course,
) -> Matter:
    """Return the past of a ticket, of its clocks in any order, its waits, its qualifiers and what happened to it."""
    rows = sorted(kept, key=lambda row: (row.kind, row.cycle))
    finished = tuple(sorted({row.started_at for row in rows if row.kind is ClockKind.FOLLOW_UP}))
    asked = [_asked(chain, waits, _since(chain[0], before, rows, held)) for chain, before in _chains(rows)]
    promises = [one for one in asked if one.kind is ClockKind.PROMISED]
    asked = [_as_if_left(one, promises, finished, course) for one in asked]
    asked += _never_begun(kind, asked, promises, finished, course)
    return Matter(kind, tuple(sorted(held, key=lambda one: one[0])), tuple(asked), tuple(waits))


def _chains(rows: Sequence[Kept]) -> Iterator[tuple[list[Kept], datetime]]:
    """Yield the clocks that are one thing asked, each going on after the wait that stopped the last.

    With them comes when the one of their kind before had ended.
    """
    chain: list[Kept] = []
    since = _EVER
    for row in rows:
        if chain and row.kind is chain[-1].kind and _goes_on(chain[-1], row):
            chain.append(row)
            continue
        if chain:
            yield chain, since
        since = _ended(chain[-1]) if chain and chain[-1].kind is row.kind else _EVER
        chain = [row]
    if chain:
        yield chain, since


def _since(
    first: Kept, before: datetime, rows: Sequence[Kept], held: Sequence[tuple[datetime, frozenset[str]]]
) -> datetime:
    """Return when a clock began to run: with what it counts from, but not before the last of its kind had ended.

    A complaint's month counts from receipt, whenever its clock begins: it was taken up again, or is grave no more
    (A-C2c).
    """
    since = max(before, first.started_at)
    if first.kind is not ClockKind.REGRADE or first.started_at == first.due_at:
        return since
    if since == first.started_at and not _is_grave(held, since):
        return since
    taken_up = [row.started_at for row in rows if row.kind is ClockKind.DEPARTMENT_RECEIPT]
    begins = [at for at in taken_up if not _is_grave(held, at - _A_TICK)]
    begins += [at for at, _ in held if not _is_grave(held, at)]
    return min((at for at in begins if at > since), default=since)


def _is_grave(held: Sequence[tuple[datetime, frozenset[str]]], at: datetime) -> bool:
    _, qualifiers = max((one for one in held if one[0] <= at), key=lambda one: one[0], default=(at, frozenset[str]()))
    return Gravity.GRAVE.value in qualifiers


def _ended(row: Kept) -> datetime:
    return row.met_at or row.cancelled_at or _EVER


def _goes_on(before: Kept, row: Kept) -> bool:
    return before.pause_id is not None and before.started_at == row.started_at and row.kind is not ClockKind.WAITING


def _asked(chain: Sequence[Kept], waits: Sequence[Wait], since: datetime) -> Asked:
    first, last = chain[0], chain[-1]
    ended_at = last.met_at or last.cancelled_at
    stopped = next((wait for wait in waits if wait.id == last.pause_id), None)
    if stopped is not None:
        ended_at = stopped.ended_at
    is_agreed = first.kind in AGREED or first.started_at == first.due_at
    return Asked(
        kind=first.kind,
        source=first.source,
        started_at=first.started_at,
        since=since,
        ended_at=ended_at,
        is_met=last.met_at is not None,
        agreed_at=first.due_at if is_agreed else None,
        waited=frozenset(row.pause_id for row in chain if row.pause_id is not None),
        was_due_at=last.due_at,
    )


def _as_if_left(asked: Asked, promises: Sequence[Asked], finished: Sequence[datetime], course: Course) -> Asked:
    """Return what was asked until it came, where only its limit or an appointment ended it before."""
    if asked.ended_at is None or asked.is_met:
        return asked
    if asked.kind is ClockKind.REGRADE and _ran_out(asked):
        return _until(asked, finished, course)
    if asked.kind in ENDED_BY_APPOINTMENT and any(one.since == asked.ended_at for one in promises):
        return _until(asked, finished, course)
    return asked


def _ran_out(asked: Asked) -> bool:
    return asked.was_due_at is not None and asked.ended_at is not None and asked.was_due_at <= asked.ended_at


def _never_begun(
    kind: TicketKind, asked: Sequence[Asked], promises: Sequence[Asked], finished: Sequence[datetime], course: Course
) -> Iterator[Asked]:
    """Yield what was not even begun because an appointment stood in its place (A-W5, A-W6)."""
    if kind is not TicketKind.REQUEST:
        return
    begun = {(one.kind, one.started_at) for one in asked}
    events = [(ClockKind.ON_SITE, at, "A-W5") for at in dict.fromkeys(course.dispatched)]
    events += [(ClockKind.SAME_DAY, course.received_at, "A-W6")]
    for wanted, at, source in events:
        held = any(one.since <= at and (one.ended_at is None or at < one.ended_at) for one in promises)
        is_there = any(one == wanted for one, _ in begun) if wanted is ClockKind.SAME_DAY else (wanted, at) in begun
        if held and not is_there:
            yield _until(Asked(wanted, source, at, at, None, is_met=False), finished, course)


def _until(asked: Asked, finished: Sequence[datetime], course: Course) -> Asked:
    """Return it with the end that it had of itself: it came, another was sent, the matter was done or over."""
    since = asked.ended_at or asked.since
    met = [at for at in finished if at >= since]
    let_go = [course.closed_at] if course.closed_at is not None else []
    if asked.kind is ClockKind.ON_SITE:
        met += [at for at in course.arrived if at >= since]
        let_go += [at for at in course.dispatched if at > since]
    ended_at = min((*met, *let_go), default=None)
    return replace(asked, ended_at=ended_at, is_met=ended_at is not None and ended_at in met)
