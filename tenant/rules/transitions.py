"""Which state may follow which: the machines of tickets, work orders and rectifications as one table to ask.

A verb that the table does not offer for the state as it is has not happened: it is refused in words that name the
state, what is possible now and the way out. Who carries a verb out writes down the state that the table names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tenant.errors import Refusal
from tenant.rules.terms import Act, Area, ClockKind, ClockStart, Term


@dataclass(frozen=True, slots=True)
class Transition:
    """One verb of one machine, as the policy table states it.

    `came_from` are the states it may be said in, none for the verb that begins a record. `to` None: the state stays
    as it is or, where it `returns`, is again what it was before. `needs` are the fields that must be filled in;
    `starts` the events that begin clocks, `stops` the clocks that end with it, met or no longer asked for. One of
    `permits` is enough. `label` is the word on the button.
    """

    machine: str
    verb: str
    came_from: frozenset[str]
    to: str | None
    needs: tuple[str, ...]
    starts: tuple[ClockStart, ...]
    stops: tuple[ClockKind, ...]
    permits: tuple[tuple[Area, Act], ...]
    source: str
    label: str = ""
    returns: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """What stands in its states: `label` is what people call it, `over` the advice where nothing can be done any more.

    `final` are the states that nothing follows; `states` is the vocabulary, which several machines may share.
    """

    name: str
    label: str
    states: type[Term]
    final: frozenset[str]
    over: str


@dataclass(frozen=True, slots=True)
class Transitions:
    """Every machine with its rows in the table's order; `fields` are the labels of what a verb may need."""

    machines: Mapping[str, Machine]
    rows: tuple[Transition, ...]
    fields: Mapping[str, str]

    def of(self, machine: str) -> tuple[Transition, ...]:
        """Return the rows of one machine, none for a machine that nobody knows."""
        return tuple(row for row in self.rows if row.machine == machine)

    def row(self, machine: str, verb: str) -> Transition:
        """Return the row of a verb. Raises LookupError when the machine has none: a mistake of the program's."""
        for row in self.of(machine):
            if row.verb == verb:
                return row
        raise LookupError(f"{machine} has no verb {verb}")


def step(table: Transitions, machine: str, state: str, verb: str, *, subject: str = "") -> Transition:
    """Return the row that carries a record on from `state` by `verb`.

    Raises Refusal `impossible` when the table does not offer the verb there; `subject` is the number that people know
    the record by. Raises LookupError for a machine or verb the table has not.
    """
    row = table.row(machine, verb)
    if state not in row.came_from:
        raise _impossible(table, row, state, subject)
    return row


def possible(table: Transitions, machine: str, state: str) -> tuple[Transition, ...]:
    """Return what may be done with a record in `state`, in the table's order; nothing where it is over."""
    return tuple(row for row in table.of(machine) if state in row.came_from)


def require(table: Transitions, row: Transition, told: Mapping[str, Any]) -> None:
    """See that everything is filled in that the row needs. Raises Refusal `missing` for the first that is not.

    Blank text is nothing; what `told` does not name is not filled in.
    """
    for name in row.needs:
        value = told.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            label = table.fields[name]
            raise Refusal(
                code="missing",
                message=f"「{label}」没有填写。请填写后再{row.label}。",
                field=name,
                value=value,
            )


def beginnings(rows: Iterable[Transition]) -> frozenset[str]:
    """Return the states that a record may begin in."""
    return frozenset(row.to for row in rows if not row.came_from and row.to is not None)


def reachable(rows: Iterable[Transition]) -> frozenset[str]:
    """Return every state that a record can come to from its beginning; where it returns, it has been before."""
    table = tuple(rows)
    found = beginnings(table)
    while more := {row.to for row in table if row.to is not None and not found.isdisjoint(row.came_from)} - found:
        found |= more
    return found


def left(rows: Iterable[Transition], state: str) -> bool:
    """Tell whether some verb leads out of a state."""
    return any(state in row.came_from and (row.returns or row.to not in {None, state}) for row in rows)


def _impossible(table: Transitions, row: Transition, state: str, subject: str) -> Refusal:
    """Say what the state is, what may be done now, and the way out where nothing may."""
    known = table.machines[row.machine]
    label = next((word.label for word in known.states if word == state), state)
    offered = [other.label for other in possible(table, row.machine, state)]
    way = f"现在可以：{'、'.join(offered)}。" if offered else known.over
    return Refusal(
        code="impossible",
        message=f"{known.label}{f' {subject} ' if subject else ''}现在是「{label}」，不能{row.label}。{way}",
        field="state",
        value=label,
    )
