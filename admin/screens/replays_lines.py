"""What the trial of a time limit says: two figures side by side, summed up over offices where they are several."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask import url_for

from admin import working
from admin.exports import Cell
from tenant.models import Job, PolicyReplay
from tenant.rules.terms import ClockKind, JobState, Role, TicketKind
from tenant.services import jobs

COLUMNS: Final = {"clocks": "时限", "late": "超时", "warned": "到期提醒"}
EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure by what holds, and by the draft."""

    now: int
    draft: int

    @property
    def more(self) -> str:
        """Return the difference with its sign, a dash for none."""
        return "—" if self.now == self.draft else f"{self.draft - self.now:+d}".replace("-", "−")

    @property
    def differs(self) -> bool:
        """Tell whether the draft changes it."""
        return self.now != self.draft


@dataclass
class Sum:
    """All that was counted over some offices: tables of pairs, in the order in which they are shown."""

    tickets: int = 0
    whole: dict[str, list[int]] = field(default_factory=dict)
    lines: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    roles: dict[str, list[int]] = field(default_factory=dict)
    people: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    was: Counter[str] = field(default_factory=Counter)
    people_left_out: int = 0
    idle: int = 0

    def add(self, figures: Mapping[str, Any]) -> None:
        """Add the figures of one office."""
        self.tickets += figures["tickets"]
        self.idle += not figures["applies"]
        self.was.update(figures["was"])
        for name in ("mails", "warnings", "nobody"):
            _add(self.whole, name, figures[name])
        for line in figures["lines"]:
            self._add_line(line)
        for role, *pair in figures["roles"]:
            _add(self.roles, role, pair)
        for name, role, *pair in figures["people"]:
            _add(self.people, (name, role), pair)
        self.people_left_out += figures["people_in_all"] - len(figures["people"])
        self.examples += figures["examples"]

    def _add_line(self, line: Mapping[str, Any]) -> None:
        for name in COLUMNS:
            _add(self.lines, (line["ticket"], line["clock"], name), line[name])
            _add(self.whole, name, line[name])
        for level, pair in line["levels"].items():
            _add(self.lines, (line["ticket"], line["clock"], level), pair)
            _add(self.whole, "raised", pair)

    def pair(self, name: str) -> Pair:
        """Return one of the sums."""
        return Pair(*self.whole.get(name, [0, 0]))


def summed(replays: Iterable[PolicyReplay]) -> Sum:
    """Return what came of the trials that are counted."""
    found = Sum()
    for replay in replays:
        if replay.figures is not None:
            found.add(replay.figures)
    return found


def figures(found: Sum) -> list[dict[str, Any]]:
    """Return the sums at the top of the page; what was really raised then stands below the figure it belongs to."""
    was = {"raised": found.was["raised"], "mails": found.was["mails"], "warned": found.was["warned"]}
    names = {"late": "超时", "raised": "升级", "mails": "升级邮件", "warned": "到期提醒", "warnings": "提醒邮件"}
    return [{"label": label, "pair": found.pair(name), "was": was.get(name)} for name, label in names.items()]


def clocks(found: Sum) -> list[dict[str, Any]]:
    """Return a line for each kind of clock, with the levels it reached; those that the draft changes come first."""
    keys = list(dict.fromkeys((ticket, clock) for ticket, clock, _ in found.lines))
    order = {
        (kind.value, clock.value): n for n, (kind, clock) in enumerate((k, c) for k in TicketKind for c in ClockKind)
    }
    lines = []
    for ticket, clock in sorted(keys, key=lambda key: order[key]):
        own = {name: Pair(*pair) for (kind, of, name), pair in found.lines.items() if (kind, of) == (ticket, clock)}
        levels = [(level, own[level]) for level in sorted((name for name in own if name.isdigit()), key=int)]
        lines.append(
            {
                "what": f"{TicketKind(ticket).label} · {ClockKind(clock).label}",
                **{name: own[name] for name in COLUMNS},
                "levels": levels,
                "raised": Pair(sum(pair.now for _, pair in levels), sum(pair.draft for _, pair in levels)),
                "differs": any(pair.differs for pair in own.values()),
            }
        )
    return sorted(lines, key=lambda line: not line["differs"])


def told(found: Sum) -> tuple[list[tuple[str, Pair]], list[tuple[str, str, Pair]]]:
    """Return how many mails each role would have had, and each person: the most first."""
    roles = [(Role(role).label, Pair(*pair)) for role, pair in found.roles.items()]
    people = [(name, Role(role).label, Pair(*pair)) for (name, role), pair in found.people.items()]
    return roles, sorted(people, key=lambda one: (-max(one[2].now, one[2].draft), one[0]))


def examples(found: Sum) -> list[dict[str, Any]]:
    """Return the tickets with the most mails."""
    heavy = sorted(found.examples, key=lambda one: (-max(one["mails"]), one["number"]))[:EXAMPLES]
    return [
        {
            "number": one["number"],
            "url": url_for("workbench.open_ticket", ticket_id=one["ticket"]),
            "mails": Pair(*one["mails"]),
        }
        for one in heavy
    ]


def offices(replays: Sequence[PolicyReplay], names: Mapping[int, str], live: Mapping[int, Job]) -> list[dict[str, Any]]:
    """Return a line for each office, also for those that are not counted yet."""
    lines = []
    for replay in replays:
        own = summed([replay])
        job = live.get(replay.id)
        lines.append(
            {
                "name": names.get(replay.office_id, ""),
                "is_counted": replay.figures is not None,
                "state": "" if job is None else working.told(job)["words"],
                "applies": own.idle == 0,
                "tickets": own.tickets,
                "pairs": [own.pair(name) for name in ("late", "raised", "mails")],
            }
        )
    return lines


def progress(found: Sequence[Job]) -> dict[str, Any]:
    """Return what the card shows of the work on all offices, in the words of :func:`admin.working.told`."""
    going = [job for job in found if job.state in jobs.LIVE]
    if len(found) == 1 or not going:
        return working.told(found[-1])
    done, total = sum(job.done for job in found), sum(job.total or 0 for job in found)
    at = next((job for job in going if job.state is JobState.RUNNING), going[0])
    ended = len(found) - len(going)
    card = working.told(at)
    words = f"已算完 {ended} / {len(found)} 个管理处 · {card['words']}"
    return card | {"done": done, "total": total, "percent": min(100 * ended // len(found), 99), "words": words}


def rows(name: str, found: Sum) -> Iterator[list[Cell]]:
    """Yield the lines of the workbook for one office, or for all together."""
    for one in figures(found):
        yield _row(name, "合计", str(one["label"]), one["pair"])
    for line in clocks(found):
        for column, label in COLUMNS.items():
            yield _row(name, str(line["what"]), label, line[column])
        for level, pair in line["levels"]:
            yield _row(name, str(line["what"]), f"升级第 {level} 级", pair)
    roles, people = told(found)
    for role, pair in roles:
        yield _row(name, "按角色的邮件", role, pair)
    for person, role, pair in people:
        yield _row(name, "按人员的邮件", f"{person}（{role}）", pair)
    for one in examples(found):
        yield _row(name, "邮件最多的事项", str(one["number"]), one["mails"])


def _row(name: str, sort: str, what: str, pair: Pair) -> list[Cell]:
    return [name, sort, what, pair.now, pair.draft, pair.draft - pair.now]


def _add(table: dict[Any, list[int]], key: object, pair: Sequence[int]) -> None:
    held = table.setdefault(key, [0, 0])
    held[0] += pair[0]
    held[1] += pair[1]
