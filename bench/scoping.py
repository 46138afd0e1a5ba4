"""What the session wall costs: the same query through a scoped session, and through a plain one with its own WHERE.

Three sessions ask each query by turns: ours; a plain one under the same policies; a plain one that nothing binds. The
session wall is Python alone, so its cost is also taken as time of computing, the least of all rounds: what it takes
when no other program of the machine is in the way. The target is held against that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

from sqlalchemy import Connection, Engine, Select, event, func, select
from sqlalchemy.orm import Session, joinedload

from bench.measure import Sizes, compare, race, say, span, surplus, verdict
from bench.twins import PlainOwner, PlainOwnership
from bench.world import World, unguarded_engine
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Owner, Ownership
from tenant.scoping import Scope, role_of

OFFICE = 1
TARGET = 150e-6
"""Seconds that the session wall may cost per query."""

Shape = Callable[[Any, Any], Select[Any]]

SHAPES: dict[str, tuple[Shape, str]] = {
    "page of 20 rows": (lambda owner, _: select(owner).order_by(owner.id.desc()).limit(20), "owner"),
    "one row by id": (lambda owner, _: select(owner).where(owner.id == OFFICE), "owner"),
    "count": (lambda owner, _: select(func.count()).select_from(owner), "owner"),
    "two columns, searched": (
        lambda owner, _: select(owner.id, owner.name).where(owner.name.startswith("赵")).limit(20),
        "owner",
    ),
    "page of 20, each with two joined rows": (
        lambda _, held: select(held).options(joinedload(held.unit), joinedload(held.owner)).order_by(held.id).limit(20),
        "ownership",
    ),
}
"""Each query as a view writes it, over the classes for owner and ownership, and which one its own WHERE stands on."""


def run(world: World, sizes: Sizes) -> None:
    """Print, per query, what the session wall adds, and beside it what both walls together add."""
    small = Sizes(owners=20_000, offices=20, company_offices=20, roster_rows=0, rounds=max(200, sizes.rounds))
    with world.group(small) as database:
        with _legs(database) as (ours, policy, plain):
            worst = max(_query(name, ours, policy, plain, small.rounds) for name in SHAPES)
            say("session wall, dearest query", f"+{span(worst)}", f"target {span(TARGET)}", verdict(worst, TARGET))
        _opening(database, small.rounds)


def _query(name: str, ours: Session, policy: Session, plain: Session, rounds: int) -> float:
    make, on = SHAPES[name]
    walled: Any = {"owner": PlainOwner, "ownership": PlainOwnership}[on]

    def by_hand() -> Select[Any]:
        return make(PlainOwner, PlainOwnership).where(walled.office_id == OFFICE)

    taken = race(
        {
            "scoped": lambda: _fetch(ours, make(Owner, Ownership)),
            "policy only": lambda: _fetch(policy, by_hand()),
            "plain": lambda: _fetch(plain, by_hand()),
        },
        rounds,
        warm=20,
    )
    legs = {"scoped": lambda: _fetch(ours, make(Owner, Ownership)), "policy only": lambda: _fetch(policy, by_hand())}
    computed = race(legs, rounds, clock=process_time)
    least = {leg: min(times) for leg, times in computed.items()}
    wall = least["scoped"] - least["policy only"]
    compare(f"{name}: both walls", taken, "scoped", "plain")
    compare(f"{name}: session wall", taken, "scoped", "policy only")
    raw = ", ".join(f"{leg} {span(seconds)}" for leg, seconds in least.items())
    say(f"{name}: computing", f"+{span(wall)}", f"least of {rounds}: {raw}", verdict(wall, TARGET))
    return wall


def _fetch(session: Session, query: Select[Any]) -> None:
    session.execute(query).all()
    session.expunge_all()


@contextmanager
def _legs(database: Database) -> Iterator[tuple[Session, Session, Session]]:
    """Open the three sessions, each in a transaction: both walls, row-level security alone, no wall at all."""
    bound, free = policy_engine(database, Scope.of([OFFICE])), unguarded_engine(database.addresses.owner)
    with (
        database.session(Scope.of([OFFICE]), CLOCKWORK) as ours,
        Session(bound, expire_on_commit=False) as policy,
        Session(free, expire_on_commit=False) as plain,
    ):
        yield ours, policy, plain
    bound.dispose()
    free.dispose()


def policy_engine(database: Database, scope: Scope) -> Engine:
    """Return an engine that states role and offices to the database, as ours does, and guards nothing itself."""
    engine = unguarded_engine(database.addresses.app)
    offices = ",".join(str(office_id) for office_id in sorted(scope.office_ids))

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.connection.cursor().execute(
            "SELECT set_config('role', %s, true), set_config('wuguan.offices', %s, true)", (role_of(scope), offices)
        )

    return engine


def _opening(database: Database, rounds: int) -> None:
    """Print what a session costs from opening to closing, with one query in it: a request opens one or two."""
    free = unguarded_engine(database.addresses.owner)

    def scoped() -> None:
        with database.session(Scope.of([OFFICE]), CLOCKWORK) as session:
            session.scalar(select(Owner.id).limit(1))

    def plain() -> None:
        with Session(free) as session:
            session.scalar(select(PlainOwner.id).where(PlainOwner.office_id == OFFICE).limit(1))

    taken = race({"scoped": scoped, "plain": plain}, rounds, warm=20)
    extra = surplus(taken["scoped"], taken["plain"])
    compare(f"session of one query, +{span(extra)}", taken, "scoped", "plain")
    free.dispose()
