"""The manuals' numbers as data: every row carries the id of the rule it stands for (`source = "A-W2"`).

These are the group's defaults, read once. A broken table is a SettingsError naming file, row and field, and nothing
starts; the tables are read whole by `check` at start-up.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from tenant.policy import tables
from tenant.policy.machines import load_transitions
from tenant.policy.published_days import PublishedYear, load_holidays
from tenant.policy.reporting import load_reporting
from tenant.policy.tables import DunningSettings, Grant
from tenant.rules.arrears import DunningTerm
from tenant.rules.deadlines import Term
from tenant.rules.gravity import GravityRoute, RepeatRule
from tenant.rules.ladder import EscalationStep
from tenant.rules.limits import ORDINARY, URGENT, Limit
from tenant.rules.reporting import ReportTerm
from tenant.rules.terms import Act, Area, ReportKind
from tenant.rules.transitions import Transitions

__all__ = [
    "ORDINARY",
    "URGENT",
    "DunningSettings",
    "Grant",
    "acts_for",
    "areas_for",
    "check",
    "clocks",
    "dunning",
    "dunning_settings",
    "escalation",
    "gravities",
    "holidays",
    "ladders",
    "limits",
    "may",
    "may_any",
    "permissions",
    "repeat_rule",
    "report",
    "reports",
    "transitions",
    "version",
]

_FOLDER = Path(__file__).parent


def check() -> None:
    """Read every table. Raises SettingsError for the first that is broken."""
    for table in (clocks, ladders, _dunning, _gravity, permissions, reports, transitions, holidays):
        table()


@cache
def version() -> str:
    """Return twelve characters that name the wording of all tables: what is planned remembers by which it was."""
    wording = sha256()
    for table in sorted(_FOLDER.glob("*.toml")):
        wording.update(table.read_bytes())
    return wording.hexdigest()[:12]


@cache
def limits() -> tuple[Limit, ...]:
    """Return what holds for the clocks of tickets by the tables (A-W2 to A-W7, B-W11, B-W18, A-C2c, A-C4, A-C5, B-C11).

    What the group, a company or an office has put in their place is asked of :mod:`tenant.services.limits`.
    """
    return tables.load_clocks(_FOLDER / "clocks.toml", ladders())


@cache
def clocks() -> tuple[Term, ...]:
    """Return the terms of :func:`limits`, in the table's order."""
    return tuple(limit.term for limit in limits())


@cache
def ladders() -> Mapping[str, tuple[EscalationStep, ...]]:
    """Return every escalation ladder by its name, lowest level first."""
    return tables.load_escalation(_FOLDER / "escalation.toml")


def escalation(ladder: str = "request") -> tuple[EscalationStep, ...]:
    """Return one ladder, lowest level first. Raises KeyError for a name the table has not."""
    return ladders()[ladder]


def dunning() -> tuple[DunningTerm, ...]:
    """Return the dunning ladder (B-F2 to B-F5, B-F7)."""
    return _dunning()[0]


def dunning_settings() -> DunningSettings:
    """Return the threshold of big customers (B-F5) and the numbers of the late fee (B-F2)."""
    return _dunning()[1]


def gravities() -> tuple[GravityRoute, ...]:
    """Return where complaints of each gravity go (A-C4a to A-C4c, A-C7)."""
    return _gravity()[0]


def repeat_rule() -> RepeatRule:
    """Return when a matter raised again and again becomes grave (A-C2a)."""
    return _gravity()[1]


@cache
def reports() -> tuple[ReportTerm, ...]:
    """Return what an office accounts for and when (A-W15, A-C12)."""
    return load_reporting(_FOLDER / "reporting.toml")


def report(kind: ReportKind) -> ReportTerm:
    """Return the term of one report."""
    return next(term for term in reports() if term.kind is kind)


@cache
def transitions() -> Transitions:
    """Return which state may follow which, by which verb, by whom (A-W1 to A-W10, A-R1 to A-R6, A-C1 to A-C6)."""
    return load_transitions(_FOLDER / "transitions.toml")


@cache
def holidays() -> tuple[PublishedYear, ...]:
    """Return the public calendar as it came with the program, year by year; the group's own editions prevail."""
    return load_holidays(_FOLDER / "holidays.toml")


@cache
def permissions() -> tuple[Grant, ...]:
    """Return every grant, one for each role, area and act (A-O3, A-O4)."""
    return tables.load_permissions(_FOLDER / "permissions.toml")


def may(role: str, area: str, act: str) -> bool:
    """Tell whether the role may do the act in the area; what nobody granted, and what nobody knows, is denied."""
    return (role, area, act) in _granted()


def may_any(roles: Iterable[str], area: str, act: str) -> bool:
    """Tell whether one of the roles may do the act in the area."""
    return any(may(role, area, act) for role in roles)


def acts_for(roles: Iterable[str], area: str) -> frozenset[Act]:
    """Return what the roles together may do in the area."""
    held = set(roles)
    return frozenset(grant.act for grant in permissions() if grant.role in held and grant.area == area)


def areas_for(roles: Iterable[str]) -> tuple[Area, ...]:
    """Return the areas the roles together may view, in the order of `Area`."""
    held = set(roles)
    return tuple(area for area in Area if may_any(held, area, Act.VIEW))


@cache
def _granted() -> frozenset[tuple[str, str, str]]:
    """Return the grants for looking up; a Role equals its stored value, so both may be asked."""
    return frozenset((grant.role, grant.area, grant.act) for grant in permissions())


@cache
def _dunning() -> tuple[tuple[DunningTerm, ...], DunningSettings]:
    """Read the dunning table once."""
    return tables.load_dunning(_FOLDER / "dunning.toml")


@cache
def _gravity() -> tuple[tuple[GravityRoute, ...], RepeatRule]:
    """Read the gravity table once."""
    return tables.load_gravity(_FOLDER / "gravity.toml")
