"""A roster without a database: read a file, plan it against a state, carry the plan out on plain values."""

import datetime as dt
from itertools import count

from importers.choices import Choices
from importers.reading import read
from importers.roster.plain import PlainRow
from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState
from importers.sheets import kind_named

ROSTER = kind_named("roster")
NOTHING = RosterState()
TODAY = dt.date(2026, 11, 21)
_ids = count(1_000_000)


def planned(content, state=NOTHING, on=TODAY, file_name="名册.xlsx", choices=None):
    """Return the plan of a file; raises Refusal for one that cannot be planned as it stands."""
    return ROSTER.plan(readable(content, file_name, choices).records, state, on, choices)


def readable(content, file_name="名册.xlsx", choices=None):
    """Return the reading of a file; raises Refusal for what it falls short of."""
    reading = read(content, file_name, ROSTER, choices=choices or Choices())
    if reading.shortfall:
        raise reading.shortfall
    return reading


def spelled(reading):
    """Return the records of a reading, each as it is when it has to be weighed."""
    return [record.spelled_out() if isinstance(record, PlainRow) else record for record in reading.records]


def carried_out(state, plan):
    """Return the state after a plan, as the database would hold it."""
    drafts = plan.drafts
    units, unit_ids, owners, owner_ids = dict(state.units), {}, {owner.id: owner for owner in state.owners}, {}
    for unit in drafts.units:
        kept = {name: value for name, value in unit.change.items() if name != "floor"}
        if unit.state is None:
            units[unit.key.number] = UnitState(next(_ids), unit.key.number, **kept)
        else:
            units[unit.key.number] = unit.state._replace(**kept)
        unit_ids[unit] = units[unit.key.number].id
    for owner, change in drafts.owners:
        known = OwnerState(next(_ids), **change) if owner.state is None else owner.state._replace(**change)
        owners[known.id] = known
        owner_ids[owner] = known.id
    ownerships = {ownership.id: ownership for ownership in state.ownerships}
    arrived(drafts.arrivals, units, owners, ownerships)
    for draft in drafts.ownerships:
        if draft.state is None:
            made = OwnershipState(next(_ids), unit_ids[draft.unit], owner_ids[draft.owner], **draft.change)
            ownerships[made.id] = made
        elif "to_on" in draft.change:
            del ownerships[draft.state.id]
        else:
            ownerships[draft.state.id] = draft.state._replace(**draft.change)
    living = lived_in(state, drafts.occupants, unit_ids)
    return RosterState(units, list(owners.values()), list(ownerships.values()), occupants=living)


def arrived(arrivals, units, owners, ownerships):
    """Put units and owners that are simply new beside those there are."""
    new_owners, owning = iter(rows_of(arrivals.owners())), iter(rows_of(arrivals.ownerships()))
    for row, unit in zip(arrivals.rows, rows_of(arrivals.units()), strict=True):
        kept = {name: value for name, value in unit.items() if name not in {"floor", "room"}}
        units[row.number] = UnitState(next(_ids), **kept)
        if row.name is not None:
            owner = OwnerState(next(_ids), **next(new_owners))
            owners[owner.id] = owner
            made = OwnershipState(next(_ids), units[row.number].id, owner.id, **next(owning))
            ownerships[made.id] = made


def rows_of(columns):
    """Return columns as rows."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def lived_in(state, drafts, unit_ids):
    """Return who lives where after a plan."""
    occupants = {occupant.id: occupant for occupant in state.occupants}
    for draft in drafts:
        if draft.state is None:
            made = OccupantState(next(_ids), unit_ids[draft.unit], **draft.change)
            occupants[made.id] = made
        elif "to_on" in draft.change:
            del occupants[draft.state.id]
        else:
            occupants[draft.state.id] = draft.state._replace(**draft.change)
    return list(occupants.values())


def brought(plan, subject):
    """Return (outcome, name) of each thing a plan brings about for a subject."""
    return [
        (fact.outcome.value, fact.name)
        for row in plan.rows
        for fact in row.facts
        if fact.subject == subject and fact.outcome.value != "same"
    ]
