"""The policy tables as typed rows: read whole, checked whole, or refused with the row and field at fault."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from tenant.errors import SettingsError
from tenant.policy.rows import Row, read_file, rows_of
from tenant.rules.arrears import DunningTerm
from tenant.rules.deadlines import Term
from tenant.rules.drafts import fault_in_calendar, fault_in_length
from tenant.rules.gravity import GravityRoute, RepeatRule
from tenant.rules.ladder import EscalationStep
from tenant.rules.limits import ORDINARY, URGENT, Limit
from tenant.rules.terms import (
    Act,
    Area,
    ClockCalendar,
    ClockKind,
    ClockMeasure,
    ClockStart,
    CustomerSize,
    DunningLevel,
    Gravity,
    PauseReason,
    RequestCategory,
    Role,
    TicketKind,
)

QUALIFIERS = {
    TicketKind.REQUEST: frozenset({URGENT, ORDINARY} | {str(category) for category in RequestCategory}),
    TicketKind.COMPLAINT: frozenset(str(gravity) for gravity in Gravity),
    TicketKind.DEFECT: frozenset[str](),
}
"""What a limit may be narrowed to, for each kind of ticket."""


@dataclass(frozen=True, slots=True)
class DunningSettings:
    """The numbers of arrears that are no step; shares as exact decimals (0.015 is 1.5 %)."""

    big_customer_share: Decimal
    late_fee_daily_rate: Decimal
    late_fee_cap: Decimal


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing one role may do, and the rule that says so."""

    role: Role
    area: Area
    act: Act
    source: str
    note: str


def load_clocks(path: Path, ladders: Mapping[str, tuple[EscalationStep, ...]]) -> tuple[Limit, ...]:
    """Return the limits in the table's order. Raises SettingsError, also for two rows that would start one clock."""
    rows = rows_of(path, read_file(path, ("clock",)), "clock")
    limits = tuple(_clock(row, ladders) for row in rows)
    _once(path, (limit.key for limit in limits), "同一时限")
    return limits


def load_escalation(path: Path) -> Mapping[str, tuple[EscalationStep, ...]]:
    """Return the ladders by name, each lowest level first. Raises SettingsError."""
    rows = rows_of(path, read_file(path, ("ladder",)), "ladder")
    ladders = [_ladder(row) for row in rows]
    _once(path, (name for name, _ in ladders), "同名的阶梯")
    return MappingProxyType(dict(ladders))


def load_dunning(path: Path) -> tuple[tuple[DunningTerm, ...], DunningSettings]:
    """Return the dunning ladder and the numbers beside it. Raises SettingsError."""
    content = read_file(path, ("settings", "step"))
    terms = tuple(_dunning(row) for row in rows_of(path, content, "step"))
    for size in (CustomerSize.ORDINARY, CustomerSize.BIG):
        met = [term for term in terms if term.customers in {CustomerSize.ALL, size}]
        _once(path, ((term.level, term.sequence) for term in met), f"{size.label}的同一步骤")
        for level in DunningLevel:
            _rising(path, [term for term in met if term.level is level])
    settings = Row(path.name, "settings", content["settings"])
    shares = DunningSettings(*(_share(settings, name) for name in DunningSettings.__slots__))
    settings.finish()
    return terms, shares


def load_gravity(path: Path) -> tuple[tuple[GravityRoute, ...], RepeatRule]:
    """Return one route for each gravity, and when repetition makes a complaint grave. Raises SettingsError."""
    content = read_file(path, ("route", "repeat"))
    routes = tuple(_route(row) for row in rows_of(path, content, "route"))
    _once(path, (route.gravity for route in routes), "同一等级")
    missing = set(Gravity) - {route.gravity for route in routes}
    if missing:
        raise _contradiction(path, f"缺少等级 {'、'.join(sorted(missing))} 的去向")
    repeat = Row(path.name, "repeat", content["repeat"])
    rule = RepeatRule(repeat.number("times", least=2), repeat.number("within_days", least=1), repeat.source())
    repeat.finish()
    return routes, rule


def load_permissions(path: Path) -> tuple[Grant, ...]:
    """Return every grant of the table, one for each role, area and act. Raises SettingsError, also for doubles."""
    grants: list[Grant] = []
    for row in rows_of(path, read_file(path, ("grant",)), "grant"):
        role, areas, acts = row.word("role", Role), row.words("areas", Area), row.words("acts", Act)
        source, note = row.source(), row.note()
        row.finish()
        if not role.signs_in:
            raise row.wrong("role", role, "能登录的角色")
        grants += [Grant(role, area, act, source, note) for area in areas for act in acts]
    _once(path, ((grant.role, grant.area, grant.act) for grant in grants), "同一权限")
    return tuple(grants)


def _clock(row: Row, ladders: Mapping[str, tuple[EscalationStep, ...]]) -> Limit:
    """Read one limit and see that its parts fit together."""
    measure = row.word("measure", ClockMeasure)
    same_day = measure is ClockMeasure.SAME_DAY
    term = Term(
        kind=row.word("clock", ClockKind),
        ticket=row.word("ticket", TicketKind),
        starts=row.word("starts", ClockStart),
        qualifier=row.optional_text("qualifier"),
        spares=frozenset(row.texts("spares")),
        measure=measure,
        amount=0 if same_day else row.number("amount", least=1),
        minimum=row.number("minimum", default=0),
        waits=row.flag("waits"),
        ladder=row.optional_text("ladder"),
        source=row.source(),
        goes_on=row.flag("goes_on"),
        calendar=row.word("calendar", ClockCalendar) if row.has("calendar") else ClockCalendar.ALWAYS,
    )
    warning = row.number("warning", default=0)
    row.finish()
    known = QUALIFIERS[term.ticket]
    for name, value in [("qualifier", term.qualifier), *(("spares", spared) for spared in sorted(term.spares))]:
        if value is not None and value not in known:
            raise row.wrong(name, value, f"以下之一：{'、'.join(sorted(known)) or '不填'}")
    if term.ladder is not None and term.ladder not in ladders:
        raise row.wrong("ladder", term.ladder, f"以下之一：{'、'.join(ladders)}")
    fault = fault_in_calendar(term.measure, term.calendar) or fault_in_length(
        term.measure, term.amount, term.minimum, warning
    )
    if fault is not None:
        raise row.wrong(fault.field, fault.value, f"可用的值：{fault.message}")
    return Limit(
        term=term,
        steps=() if term.ladder is None else ladders[term.ladder],
        warning=warning,
        pauses=frozenset() if term.goes_on else frozenset(PauseReason),
    )


def _ladder(row: Row) -> tuple[str, tuple[EscalationStep, ...]]:
    """Read one ladder: levels 1, 2, 3 …, each role once, minutes that never fall."""
    name, waits = row.text("name"), row.flag("waits")
    steps: list[EscalationStep] = []
    for level, rung in enumerate(row.rows("steps"), 1):
        step = EscalationStep(
            level=rung.number("level", least=1),
            role=rung.word("role", Role),
            after=rung.number("after"),
            source=rung.source(),
            note=rung.note(),
            waits=waits,
        )
        rung.finish()
        if step.level != level:
            raise rung.wrong("level", step.level, f"{level}（级别从 1 起连续）")
        if steps and step.after < steps[-1].after:
            raise rung.wrong("after", step.after, f"不小于上一级的 {steps[-1].after} 分钟")
        if step.role in {below.role for below in steps}:
            raise rung.wrong("role", step.role, "未在下级出现过的角色")
        steps.append(step)
    row.finish()
    return name, tuple(steps)


def _dunning(row: Row) -> DunningTerm:
    """Read one step of the dunning ladder."""
    term = DunningTerm(
        level=row.word("level", DunningLevel),
        sequence=row.number("sequence", least=1),
        customers=row.word("customers", CustomerSize),
        months=row.number("months"),
        over=row.flag("over"),
        until=row.optional_number("until", least=1),
        source=row.source(),
        note=row.note(),
    )
    row.finish()
    if term.until is not None and term.until <= term.months:
        raise row.wrong("until", term.until, f"大于 months 的 {term.months}")
    if term.months == 0 and not term.over:
        raise row.wrong("over", value="false", expected=" true：应缴日当天还不算欠费")
    return term


def _share(settings: Row, name: str) -> Decimal:
    """Read one of the shares with its source: `{ value = "0.015", source = "B-F5" }`."""
    part = settings.table(name)
    value = part.share("value")
    part.source()
    part.finish()
    return value


def _route(row: Row) -> GravityRoute:
    """Read where the complaints of one gravity go."""
    route = GravityRoute(
        gravity=row.word("gravity", Gravity),
        handler=row.word("handler", Role),
        informs=row.words("informs", Role),
        source=row.source(),
        note=row.note(),
    )
    row.finish()
    return route


def _rising(path: Path, terms: list[DunningTerm]) -> None:
    """Refuse a level whose later steps do not fall due later."""
    ordered = sorted(terms, key=lambda term: term.sequence)
    ages = [(term.months, term.over) for term in ordered]
    if ages != sorted(set(ages)):
        raise _contradiction(path, f"{ordered[0].level} 的各步骤应随 sequence 逐步推迟")


def _once(path: Path, keys: Iterable[Hashable], what: str) -> None:
    """Refuse a table that says one thing twice."""
    for key, times in Counter(keys).items():
        if times > 1:
            shown = "、".join(str(part) for part in key if part is not None) if isinstance(key, tuple) else key
            raise _contradiction(path, f"{what}（{shown}）写了 {times} 次")


def _contradiction(path: Path, complaint: str) -> SettingsError:
    """Build the refusal of a table whose rows do not fit together."""
    return SettingsError(
        code="policy",
        message=f"规则表 {path.name}：{complaint}。请改正后重新启动。",
        field=path.name,
    )
