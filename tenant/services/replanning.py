"""What should be planned, derived from state once more, and what is planned held against it.

Everything is planned in the transaction of the change that causes it, so as a rule there is nothing to do here, and
then nothing is written. Where something is wrong after all (a row removed by hand, a restore of half a day, a mistake
of ours) it is planned or cancelled, and the record says so. What was done, what stopped and what a person gave up stays
as it is, and what a worker has in hand at this moment is left to it.

The clocks' part is :mod:`tenant.services.clock_plans`. A look takes no locks. What looks wrong is locked, in the order
in which everybody locks it, and looked at again.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tenant.calendars import local_day
from tenant.journal import RecordedAct, note
from tenant.models import DueAction, Office, Owner
from tenant.rules.terms import DueState
from tenant.services import clock_plans, dunning, numbers
from tenant.services.clock_plans import Place
from tenant.services.dunning import ActionKey, Due
from tenant.services.lookups import find
from tenant.services.mending import Mended, cancel, set_right

RULES = (*clock_plans.RULES, dunning.RULE)
A_TRANSACTION = 4
"""Looks in one transaction: an office with some hundred running clocks is one."""
OWNERS = Place(stage=-1)
"""Where all clocks are looked at, and the owners are left."""


@dataclass(slots=True)
class Replanned:
    """What one transaction had to mend, by rule; ``rest`` is where the next one goes on, None when all is looked at."""

    rest: Place | None
    rules: dict[str, Mended] = field(default_factory=lambda: {rule: Mended() for rule in RULES})

    @property
    def planned(self) -> int:
        """Return how many actions were planned, or planned for another instant."""
        return sum(mended.planned + mended.moved for mended in self.rules.values())

    @property
    def cancelled(self) -> int:
        """Return how many actions were cancelled."""
        return sum(mended.cancelled for mended in self.rules.values())

    def facts(self) -> dict[str, object]:
        """Return what was mended, as plain values; rules with nothing are left out."""
        return {
            rule: {name: getattr(mended, name) for name in ("planned", "moved", "cancelled", "examples")}
            for rule, mended in self.rules.items()
            if mended.examples
        }


def replan(
    session: Session, office_id: int, at: datetime, planned_until: datetime | None, place: Place | None = None
) -> Replanned:
    """Hold one office's plan against its state at ``at`` and mend what differs, from ``place`` on.

    Dunning steps are planned as far as the office's latest run should have come, ``planned_until``; None plans none.
    What is mended is noted as one act. Raises NotFound for an office out of sight.
    """
    office = find(session, Office, office_id, field="office")
    done = Replanned(rest=place or Place())
    for _ in range(A_TRANSACTION):
        if done.rest is None:
            break
        if done.rest == OWNERS:
            _mend_dunning(session, office, at, planned_until, done.rules[dunning.RULE])
            done.rest = None
        else:
            done.rest = clock_plans.look(session, office_id, at, done.rest, done.rules) or OWNERS
    if done.facts():
        note(session, RecordedAct(verb="clockwork.mended", office_id=office_id, facts=done.facts()))
    return done


def _mend_dunning(
    session: Session, office: Office, at: datetime, planned_until: datetime | None, mended: Mended
) -> None:
    """Cancel what is pending and pointless at ``at``; plan what the latest run should have planned and is due still.

    A step that was reached only since that run is left to the next.
    """
    today = local_day(at, office.zone)
    reached = dunning.reached(session, office, today)
    wrong = {
        action.subject_id for action in session.scalars(_pending(office.id)) if _differs(action, reached, office, at)
    }
    if wrong:
        owners = select(Owner.id).where(Owner.id.in_(wrong)).order_by(Owner.id)
        session.execute(owners.with_for_update(key_share=True))
        reached = dunning.reached(session, office, today)
        locked = _pending(office.id).where(DueAction.subject_id.in_(wrong)).with_for_update()
        for action in session.scalars(locked.execution_options(populate_existing=True)):
            if _differs(action, reached, office, at):
                due = reached.steps.get(_dunning_key(action))
                if due is None:
                    cancel(action, at, mended)
                else:
                    set_right(action, dunning.due_since(due[1], office), mended)
        session.flush()
    if planned_until is not None and _missing(session, office, reached, planned_until):
        numbers.hold(session, office.id, dunning.RULE)
        missing = _missing(session, office, dunning.reached(session, office, today), planned_until)
        mended.planned += dunning.plan(session, office, missing)
        for owed, _step in missing:
            mended.name(owed.owner_id)


def _missing(session: Session, office: Office, reached: dunning.Reached, planned_until: datetime) -> list[Due]:
    """Return the steps due today that an earlier run should have planned and that are not planned."""
    if office.archived_at is not None:
        return []
    ran_on = local_day(planned_until, office.zone)
    due = [pair for pair in reached.steps.values() if pair[1].due_on <= ran_on]
    return dunning.unplanned(session, office.id, due) if due else []


def _pending(office_id: int) -> Select[DueAction]:
    return (
        select(DueAction)
        .where(
            DueAction.office_id == office_id,
            DueAction.rule == dunning.RULE,
            DueAction.subject_kind == dunning.SUBJECT,
            DueAction.state == DueState.PENDING,
        )
        .order_by(DueAction.id)
    )


def _dunning_key(action: DueAction) -> ActionKey:
    return action.subject_id, action.level, action.cycle


def _differs(action: DueAction, reached: dunning.Reached, office: Office, at: datetime) -> bool:
    """Tell whether a pending step is pointless or stands at a wrong instant.

    One of the climb the owner is on that is due only later is nobody's mistake: a run for a later instant planned it.
    """
    due = reached.steps.get(_dunning_key(action))
    if due is not None:
        return action.due_at != dunning.due_since(due[1], office)
    return action.due_at <= at or reached.cycles.get(action.subject_id) != action.cycle
