"""The table of states as typed rows: every machine whole, with a way in, a way on and a way out, or refused."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tenant.errors import SettingsError
from tenant.policy.rows import Row, read_file, rows_of
from tenant.rules.terms import Act, Area, ClockKind, ClockStart, RectificationState, Term, TicketState, WorkOrderState
from tenant.rules.transitions import Machine, Transition, Transitions, beginnings, left, reachable

STATES: Mapping[str, type[Term]] = MappingProxyType(
    {words.__name__: words for words in (TicketState, WorkOrderState, RectificationState)}
)
_NAME = re.compile(r"[a-z][a-z_]*")


def load_transitions(path: Path) -> Transitions:
    """Return the machines with their rows. Raises SettingsError naming file, row and field.

    Refused are unknown words, a verb twice, a state that nothing leads to, one that nothing leads out of though it is
    not final, a final one that something does lead out of, and a need without a label.
    """
    content = read_file(path, ("fields", "machine", "transition"))
    fields = _fields(path, content["fields"])
    machines: dict[str, tuple[Machine, Row]] = {}
    for row in rows_of(path, content, "machine"):
        machine = _machine(row)
        if machine.name in machines:
            raise row.wrong("name", machine.name, "未出现过的名称")
        machines[machine.name] = machine, row
    known = {name: machine for name, (machine, _) in machines.items()}
    rows: list[Transition] = []
    for row in rows_of(path, content, "transition"):
        rows.append(_transition(row, known, fields))
        if Counter((found.machine, found.verb) for found in rows)[rows[-1].machine, rows[-1].verb] > 1:
            raise row.wrong("verb", rows[-1].verb, "这种记录未写过的动作")
    for machine, row in machines.values():
        _whole(row, machine, [found for found in rows if found.machine == machine.name])
    _used(path, fields, rows)
    return Transitions(MappingProxyType(known), tuple(rows), fields)


def _fields(path: Path, content: object) -> Mapping[str, str]:
    """Read the labels of what may be needed."""
    if not isinstance(content, dict) or not content:
        raise Row(path.name, "fields", {}).wrong("fields", content, "一组字段名")
    row = Row(path.name, "fields", content)
    return MappingProxyType({name: row.text(name) for name in list(content)})


def _machine(row: Row) -> Machine:
    """Read what one machine is called and where it ends."""
    name, label, vocabulary = row.text("name"), row.text("label"), row.text("states")
    if not _NAME.fullmatch(name):
        raise row.wrong("name", name, "小写英文名")
    if vocabulary not in STATES:
        raise row.wrong("states", vocabulary, f"以下之一：{'、'.join(STATES)}")
    states = STATES[vocabulary]
    machine = Machine(name, label, states, frozenset(row.words("final", states)), row.text("over"))
    row.finish()
    return machine


def _transition(row: Row, machines: Mapping[str, Machine], fields: Mapping[str, str]) -> Transition:
    """Read one verb and see that its parts fit together."""
    machine, verb = row.text("machine"), row.text("verb")
    if machine not in machines:
        raise row.wrong("machine", machine, f"以下之一：{'、'.join(machines)}")
    if not _NAME.fullmatch(verb):
        raise row.wrong("verb", verb, "小写英文名")
    states = machines[machine].states
    to = row.optional_text("to")
    if to is not None and to not in set(states):
        raise row.wrong("to", to, f"以下之一：{'、'.join(states)}")
    found = Transition(
        machine=machine,
        verb=verb,
        came_from=frozenset(row.words("from", states)),
        to=None if to is None else states(to),
        needs=row.texts("needs"),
        starts=row.words("starts", ClockStart) if row.has("starts") else (),
        stops=row.words("stops", ClockKind) if row.has("stops") else (),
        permits=tuple(_permit(permit) for permit in row.rows("permits")),
        source=row.source(),
        label=row.text("label"),
        returns=row.flag("returns"),
    )
    row.finish()
    for name in found.needs:
        if name not in fields:
            raise row.wrong("needs", name, f"以下之一：{'、'.join(fields)}")
    if found.returns and found.to is not None:
        raise row.wrong("returns", value="true", expected=" false：已写明 to")
    if not found.came_from and found.to is None:
        raise row.wrong("to", None, "起始状态：没有 from 的动作须写明 to")
    return found


def _permit(row: Row) -> tuple[Area, Act]:
    """Read one of the permissions that are enough: `{ area = "requests", act = "edit" }`."""
    permit = row.word("area", Area), row.word("act", Act)
    row.finish()
    return permit


def _whole(row: Row, machine: Machine, rows: list[Transition]) -> None:
    """See that a machine begins somewhere, comes everywhere it speaks of, and stops only where it is final."""
    if not beginnings(rows):
        raise row.wrong("name", machine.name, "有起始动作（from 为空）的名称")
    named = {state for found in rows for state in found.came_from} | machine.final
    for lost in sorted(named - reachable(rows)):
        raise row.wrong("states", lost, "到得了的状态：没有动作通向它")
    for state in sorted(reachable(rows)):
        if state not in machine.final and not left(rows, state):
            raise row.wrong("final", state, "走得出去的状态：没有动作离开它，也未列为终止")
        if state in machine.final and left(rows, state):
            raise row.wrong("final", state, "没有动作离开的状态")


def _used(path: Path, fields: Mapping[str, str], rows: list[Transition]) -> None:
    """Refuse a label that no verb needs: it is misspelt somewhere."""
    needed = {name for row in rows for name in row.needs}
    for name in fields:
        if name not in needed:
            raise SettingsError(
                code="policy",
                message=f"规则表 {path.name} 中 fields：字段 {name} 没有任何动作用到。请改正后重新启动。",
                field=name,
            )
