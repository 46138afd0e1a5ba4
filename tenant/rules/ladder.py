"""Who is told, and when, after a clock has run out: the escalation ladder (A-O2, A-W3, A-C4, A-C7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenant.calendars import as_utc
from tenant.rules.terms import Role


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """One rung: `role` is told `after` minutes since the breach (0: at once); levels count from 1 upwards.

    `waits`: whoever is told need not be woken for it, the end of the quiet hours is soon enough.
    """

    level: int
    role: Role
    after: int
    source: str
    note: str
    waits: bool = False


def step_due_at(step: EscalationStep, breached_at: datetime) -> datetime:
    """Return the UTC instant the step falls due when the clock ran out, or is counted from, `breached_at`."""
    return as_utc(breached_at) + timedelta(minutes=step.after)


def counted_from(
    steps: Sequence[EscalationStep], breached_at: datetime, level: int, acknowledged_at: datetime | None
) -> datetime:
    """Return the UTC instant from which the rungs above `level` are counted: the breach, or later (A-S5).

    Who takes notice of a level at `acknowledged_at` (None: nobody has) has the whole gap to the next one left from then
    on, and every gap above stays as long as it was. `level` is the highest that was acknowledged; one that is no longer
    on the ladder counts as the rung below it.
    """
    if acknowledged_at is None:
        return as_utc(breached_at)
    after = max((step.after for step in steps if step.level <= level), default=0)
    return max(as_utc(breached_at), as_utc(acknowledged_at) - timedelta(minutes=after))


def next_step(steps: Sequence[EscalationStep], level: int) -> EscalationStep | None:
    """Return the step above `level` (0: none climbed yet), None at the top. Gaps in the levels are stepped over."""
    return min((step for step in steps if step.level > level), key=lambda step: step.level, default=None)


def due_levels(steps: Sequence[EscalationStep], breached_at: datetime, at: datetime) -> tuple[EscalationStep, ...]:
    """Return every step due at the instant `at`, lowest first, climbed or not: the caller leaves out what is done.

    Depends on the two instants alone, so that a missed run loses nothing. Before the breach nothing is due.
    """
    due = (step for step in steps if step_due_at(step, breached_at) <= at)
    return tuple(sorted(due, key=lambda step: step.level))


def minutes_late(due: datetime, at: datetime) -> int:
    """Return how many whole minutes after `due` the instant `at` lies, 0 when not after it."""
    return max((as_utc(at) - as_utc(due)) // timedelta(minutes=1), 0)
