"""A due action of the tests' own: a bell at an owner's door that must ring exactly once, and the proof that it did.

A bell is a level of an owner; ringing it writes a row through the unit of work, wakes an actor through the outbox, and
leaves an entry in the record by itself. Nothing but the clockwork keeps it from ringing twice: none of the rows has a
key of its own. An owner whose condition has become false (``SILENT``) is left in peace by the re-check.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select

import make
from audit.models import AuditEntry
from cast import House
from tasks.sweeps.drain import Run, drain
from tenant import outbox
from tenant.journal import CLOCKWORK
from tenant.models import DueAction, Occupant, OutboxMessage, Owner
from tenant.rules.terms import DueState
from tenant.services import clockwork
from tenant.unscoped import Reason, across_offices

RULE = "bell"
WOKEN = "bell_rang"
SILENT = "不再需要"
AT = make.NOON
_IS_RING = Occupant.name.contains("/")


@dataclass
class Bells:
    """What was planned, by (owner, level), and what was taken back since: cancelled, or its condition made false."""

    planned: dict[tuple[int, int], int] = field(default_factory=dict)
    cancelled: set[tuple[int, int]] = field(default_factory=set)
    silenced: set[tuple[int, int]] = field(default_factory=set)

    @property
    def wanted(self):
        """The bells that must ring, once each."""
        return self.planned.keys() - self.cancelled - self.silenced


def houses(database, number):
    """Make offices, each with a unit and nothing else, for one proof alone."""
    with across_offices(database, Reason.SETTING_UP) as session:
        offices = [make.office(session) for _ in range(number)]
        made = [House(office, None, make.unit(session, office.id), None) for office in offices]
        session.commit()
    return made


def hang(database, house, owners, levels, bells=None):
    """Plan ``levels`` bells for each of ``owners`` new owners of a house, and return all that are planned."""
    bells = Bells() if bells is None else bells
    with database.session(house.scope(), CLOCKWORK) as session:
        rows = [Owner(office_id=house.id, name=f"业主{number}") for number in range(owners)]
        session.add_all(rows)
        session.flush()
        ids = [row.id for row in rows]
        for level in range(1, levels + 1):
            for owner_id in ids:
                plan(session, house, owner_id, level)
                bells.planned[owner_id, level] = house.id
        session.commit()
    return bells


def plan(session, house, owner_id, level):
    """Plan one bell; None when it was planned before."""
    return clockwork.plan(
        session, office_id=house.id, rule=RULE, subject_kind="owner", subject_id=owner_id, level=level,
        due_at=AT - timedelta(hours=1) + timedelta(minutes=level), facts={"unit": house.unit.id},
    )  # fmt: skip


def is_wanted(owner):
    """Tell whether the condition still holds: the second look, taken when the bell is about to ring."""
    return owner.note != SILENT


def ring(session, action):
    """Ring one bell: the effect. None when the owner is to be left in peace."""
    # locked: who makes the condition false at this moment is either seen or waits
    owner = session.scalars(select(Owner).where(Owner.id == action.subject_id).with_for_update()).one()
    if not is_wanted(owner):
        return None
    name = f"{action.subject_id}/{action.level}"
    session.add(Occupant(office_id=action.office_id, unit_id=action.facts["unit"], name=name))
    outbox.wake(session, WOKEN, office_id=action.office_id, bell=name)
    session.flush()
    return 0


def ring_all(database, at, pace, effect=ring, office_id=None):
    """Ring every bell that is due at ``at``; of one office or of all."""
    return drain(Run(database, at, office_id, pace), RULE, effect)


def cancel(database, bells, owner_id, house_id):
    """Cancel an owner's bells, those that have not rung, as whoever no longer needs them does; return how many."""
    with across_offices(database, Reason.CLAIMING) as session:
        count = clockwork.cancel(
            session, office_id=house_id, subject_kind="owner", subject_id=owner_id, rule=RULE
        )  # fmt: skip
        levels = session.scalars(
            select(DueAction.level).where(
                DueAction.rule == RULE, DueAction.subject_id == owner_id, DueAction.state == DueState.CANCELLED
            )
        ).all()
        session.commit()
    bells.cancelled |= {(owner_id, level) for level in levels}
    return count


def silence(database, bells, owner_id, house_id):
    """Make an owner's condition false; return how many of the owner's bells had not rung by then."""
    with across_offices(database, Reason.CLAIMING) as session:
        owner = session.scalars(select(Owner).where(Owner.id == owner_id).with_for_update()).one()
        owner.note = SILENT
        prefix = f"{owner_id}/"
        rung = set(session.scalars(select(Occupant.name).where(Occupant.office_id == house_id,
                                                               Occupant.name.startswith(prefix))))  # fmt: skip
        quiet = {key for key in bells.wanted if key[0] == owner_id and f"{prefix}{key[1]}" not in rung}
        session.commit()
    bells.silenced |= quiet
    return len(quiet)


def rung(database):
    """Return the bells that have rung, by name, as often as they have."""
    with across_offices(database, Reason.CLAIMING) as session:
        return list(session.scalars(select(Occupant.name).where(_IS_RING)))


def faults(database, bells):
    """Return what went wrong with ``bells``, counted, nothing when each rang exactly once or, where meant, not at all.

    Every other bell of the same offices would be a fault too: a proof has its offices to itself.
    """
    offices = set(bells.planned.values())
    with across_offices(database, Reason.CLAIMING) as session:
        actions = session.execute(
            select(DueAction.subject_id, DueAction.level, DueAction.state).where(
                DueAction.rule == RULE, DueAction.office_id.in_(offices)
            )
        ).all()
        rows = session.execute(
            select(Occupant.id, Occupant.name).where(_IS_RING, Occupant.office_id.in_(offices))
        ).all()
        messages = session.scalars(
            select(OutboxMessage.arguments).where(OutboxMessage.actor == WOKEN, OutboxMessage.office_id.in_(offices))
        ).all()
        entries = session.scalars(
            select(AuditEntry.subject_id).where(AuditEntry.verb == "occupant.create", AuditEntry.office_id.in_(offices))
        ).all()
    woken, recorded = Counter(arguments["bell"] for arguments in messages), Counter(entries)
    rings, ids = Counter(name for _, name in rows), {key for key, _ in rows}
    wanted = {f"{owner}/{level}" for owner, level in bells.wanted}
    states = {f"{owner}/{level}": state for owner, level, state in actions}
    with_effect = Counter(state for name, state in states.items() if name in rings)
    without = Counter(state for name, state in states.items() if name not in rings)
    found = {
        "planned twice": len(actions) - len(states),
        "never planned": len(bells.planned) - len(states),
        "doubled": rings.total() - len(rings),
        "lost": len(wanted - rings.keys()),
        "rung though cancelled or pointless": len(rings.keys() - wanted),
        "woken not once": sum(count != 1 for count in woken.values()) + len(woken.keys() ^ rings.keys()),
        "recorded not once": sum(count != 1 for count in recorded.values()) + len(recorded.keys() ^ ids),
        "left undone": sum(state in clockwork.UNDONE for state in states.values()),
        "stopped": with_effect[DueState.DEAD] + without[DueState.DEAD],
        "done without an effect": without[DueState.DONE],
        "cancelled with an effect": with_effect[DueState.CANCELLED],
    }
    return {what: count for what, count in found.items() if count}
