"""What row-level security costs: the usual queries as three kinds of people ask them, beside the same without policies.

The SQL is what the product's session really sends, caught on its way; the peer sends the same text with the same values
as a superuser, whom no policy binds. For each, the plan's scans are printed, so that an index that is no longer used
is seen.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from sqlalchemy import Select, event, func, or_, select
from sqlalchemy.orm import joinedload

from bench.measure import Sizes, compare, race, say
from bench.world import World, superuser
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Owner, Ownership, Unit
from tenant.scoping import Scope, role_of

QUERIES: dict[str, Callable[[], Select[Any]]] = {
    "list, newest first": lambda: select(Owner).order_by(Owner.id.desc()).limit(21),
    "list by name": lambda: select(Owner).order_by(Owner.name).limit(21),
    "list by name, page 20": lambda: select(Owner).order_by(Owner.name).limit(21).offset(400),
    "list of two joined tables": lambda: (
        select(Ownership)
        .options(joinedload(Ownership.unit), joinedload(Ownership.owner))
        .order_by(Ownership.id.desc())
        .limit(21)
    ),
    "count": lambda: select(func.count()).select_from(Owner),
    "search in name and phone": lambda: (
        select(Owner).where(or_(Owner.name.ilike("%光海%"), Owner.phone.ilike("%光海%"))).order_by(Owner.id).limit(21)
    ),
    "name begins with": lambda: select(Owner).where(Owner.name.startswith("赵光")).order_by(Owner.name).limit(21),
    "row by id": lambda: select(Owner).where(Owner.id == 1),
    "unit by number": lambda: select(Unit).where(Unit.number == "1-101"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement as it reached the cursor."""

    text: str
    values: Mapping[str, Any]


def run(world: World, sizes: Sizes) -> None:
    """Print each query's ratio to the same without policies, and the scans of its plan."""
    with world.group(sizes) as database, superuser(database) as free:
        say(f"{sizes.owners:,} owners in {sizes.offices} offices", "", "")
        company = range(1, sizes.company_offices + 1)
        for who, scope in (
            ("one office", Scope.of([1])),
            (f"{sizes.company_offices} offices", Scope.of(company)),
            ("headquarters", Scope.everywhere()),
        ):
            with bound(database, scope) as connection:
                for name, make in QUERIES.items():
                    _query(f"{who}: {name}", asked(database, scope, make()), connection, free, sizes.rounds)


def _query(case: str, query: Asked, bound: Connection, free: Connection, rounds: int) -> None:
    taken = race({"walled": lambda: fetch(bound, query), "no policy": lambda: fetch(free, query)}, rounds, warm=12)
    compare(f"{case}", taken, "walled", "no policy")
    say("", "", " · ".join(scans(plan_of(bound, query))))


def asked(database: Database, scope: Scope, query: Select[Any]) -> Asked:
    """Return ``query`` as a session of ``scope`` sends it."""
    caught: list[Asked] = []

    def catch(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:  # noqa: ANN401
        caught.append(Asked(statement, values))

    event.listen(database.engine, "before_cursor_execute", catch)
    with database.session(scope, CLOCKWORK) as session:
        session.execute(query).all()
    event.remove(database.engine, "before_cursor_execute", catch)
    return caught[-1]


@contextmanager
def bound(database: Database, scope: Scope) -> Iterator[Connection]:
    """Open a bare connection in the role and with the offices that a session of ``scope`` states."""
    plain = database.addresses.app.set(drivername="postgresql").render_as_string(hide_password=False)
    offices = ",".join(str(office_id) for office_id in sorted(scope.office_ids))
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(
            "SELECT set_config('role', %s, false), set_config('wuguan.offices', %s, false)", (role_of(scope), offices)
        )
        yield connection


def fetch(connection: Connection, query: Asked) -> None:
    """Run ``query`` and bring all its rows."""
    connection.execute(query.text.encode(), query.values).fetchall()


def plan_of(connection: Connection, query: Asked) -> dict[str, Any]:
    """Return the plan that ``query`` was really run with."""
    row = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + query.text.encode(), query.values).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def scans(plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield each scan of a plan: its kind, its index or table, and the rows it read to no use."""
    if "Relation Name" in plan or "Index Name" in plan:
        lost = int(plan.get("Rows Removed by Filter", 0) * plan["Actual Loops"])
        yield f"{plan['Node Type']} {plan.get('Index Name') or plan['Relation Name']}" + (
            f" (−{lost:,})" if lost else ""
        )
    for below in plan.get("Plans", ()):
        yield from scans(below)
