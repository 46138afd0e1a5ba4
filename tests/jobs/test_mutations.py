"""What holds "exactly once" together, taken out piece by piece: each time the proof must notice.

Every interleaving is made by hand, in one thread: what the other one does meanwhile is called from the middle of what
this one does. As the product stands no interleaving leaves a fault; with one of its guards taken out, one does.
"""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import AddConstraint, DropConstraint

import bells
import make
from tasks import sweeps
from tasks.sweeps import Pace
from tenant import clock
from tenant.db import owner_engine
from tenant.journal import CLOCKWORK
from tenant.models import DueAction, DunningNotice
from tenant.rules.terms import DueState, PaymentMethod
from tenant.scoping import PERMIT
from tenant.services import clockwork, dunning, payments
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

NO_LEASE = timedelta(seconds=-1)
NOW = Pace(waits=False)
FROZEN = Pace(waits=False, lease=NO_LEASE)
"""The pace of a worker that will be away for longer than its lease."""


class Died(BaseException):
    """The process is gone: nothing catches this."""


@pytest.fixture
def house(database):
    """An office of its own for each proof, with a unit."""
    (made,) = bells.houses(database, 1)
    return made


def work(database, house, effect=bells.ring, pace=NOW):
    return bells.ring_all(database, bells.AT, pace, effect, house.id)


# ---- interleavings: each plays itself through and returns the faults it ended in
def two_plan_the_same(database, house):
    """Two desks find the same reason at the same moment."""
    hung = bells.hang(database, house, owners=1, levels=1)
    ((owner_id, _),) = hung.planned

    def second():
        with database.session(house.scope(), CLOCKWORK) as session:
            bells.plan(session, house, owner_id, 2)
            session.commit()

    with database.session(house.scope(), CLOCKWORK) as first, ThreadPoolExecutor(1) as pool:
        bells.plan(first, house, owner_id, 2)
        other = pool.submit(second)  # with the key it waits for the first to commit
        first.commit()
        other.result()
    hung.planned[owner_id, 2] = house.id
    work(database, house)
    return bells.faults(database, hung)


def one_is_slow_but_alive(database, house):
    """A worker takes its time, within its lease; another looks meanwhile."""
    hung, begun = bells.hang(database, house, owners=1, levels=2), Counter()

    def effect(session, action):
        begun[action.subject_id, action.level] += 1
        if begun.total() == 1:
            work(database, house, effect)
        return bells.ring(session, action)

    work(database, house, effect)
    found, twice = bells.faults(database, hung), begun.total() - len(begun)
    return found | ({"begun twice": twice} if twice else {})


def one_is_frozen_past_its_lease(database, house):
    """A worker stands still until its lease is over; another takes over; the first wakes up."""
    hung, others = bells.hang(database, house, owners=1, levels=2), [work]

    def effect(session, action):
        for other in others[:]:
            others.clear()
            other(database, house)
        return bells.ring(session, action)

    work(database, house, effect, FROZEN)
    return bells.faults(database, hung)


def _meanwhile(database, house, act):
    """A worker holds a bell; ``act`` is done to its owner before the effect looks."""
    hung = bells.hang(database, house, owners=1, levels=2)

    def effect(session, action):
        if action.level == 1:
            act(database, hung, action.subject_id, house.id)
        return bells.ring(session, action)

    work(database, house, effect)
    return bells.faults(database, hung)


def cancelled_while_it_is_done(database, house):
    """Somebody cancels what a worker is at."""
    return _meanwhile(database, house, bells.cancel)


def pointless_while_it_is_claimed(database, house):
    """What made it due ends between the claim and the effect, and nobody cancels it."""
    return _meanwhile(database, house, bells.silence)


def killed_in_the_effect(database, house):
    """A worker dies before its effect has written anything."""
    hung = bells.hang(database, house, owners=1, levels=2)

    def effect(_session, _action):
        raise Died

    with suppress(Died):
        work(database, house, effect, FROZEN)
    work(database, house)
    return bells.faults(database, hung)


def killed_at_the_settlement(database, house):
    """A worker dies when its effect is written and its claim is about to be closed."""
    hung, armed, died = bells.hang(database, house, owners=1, levels=2), [], []

    def effect(session, action):
        armed.append(action.id)
        return bells.ring(session, action)

    def die(_connection, _cursor, statement, *_):
        if armed and re.search(r"\bUPDATE\s+due_action\b.*\bsettled_at\b", statement, re.DOTALL):
            died.append(statement)
            raise Died

    event.listen(database.engine, "before_cursor_execute", die)
    try:
        with suppress(Died):
            work(database, house, effect, FROZEN)
    finally:
        event.remove(database.engine, "before_cursor_execute", die)
    assert died
    work(database, house)
    return bells.faults(database, hung)


def paid_while_it_is_claimed(database, house):
    """A step against an owner is claimed; the owner pays; nobody cancels the step, the step itself must see it."""
    with database.session(house.scope(), CLOCKWORK) as session, clock.at(make.NOON):
        owner = make.owner(session, house.id, email="payer@owner.invalid")
        make.charge(session, house.unit, owner, date(2026, 2, 1))
        session.commit()
    claim, paid = clockwork.claim, []

    def claim_and_pay(*arguments, **options):
        claims = claim(*arguments, **options)
        if claims and not paid:
            with database.session(house.scope(), CLOCKWORK) as desk, clock.at(make.NOON):
                paid.append(payments.receive(desk, owner.id, Decimal("100.00"), PaymentMethod.CASH).id)
                desk.commit()
        return claims

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clockwork, "claim", claim_and_pay)
        sweeps.run_dunning(database, make.NOON, house.id, settings=Settings(home=Path("nowhere")))
    assert paid
    with database.session(house.scope(), CLOCKWORK) as session:
        reminded = len(session.scalars(select(DunningNotice.id)).all())
    return {"reminded though paid": reminded} if reminded else {}


INTERLEAVINGS = [
    two_plan_the_same,
    one_is_slow_but_alive,
    one_is_frozen_past_its_lease,
    cancelled_while_it_is_done,
    pointless_while_it_is_claimed,
    killed_in_the_effect,
    killed_at_the_settlement,
    paid_while_it_is_claimed,
]


# ---- mutations: each takes one guard out
@contextmanager
def without_the_unique_key(database, monkeypatch):
    """The business key is no key any more, and planning counts on none."""
    table = DueAction.__table__
    (key,) = (
        found for found in table.constraints
        if [column.name for column in getattr(found, "columns", ())] == list(clockwork.BUSINESS_KEY)
    )  # fmt: skip
    engine = owner_engine(database.addresses)
    with engine.begin() as connection:
        connection.execute(DropConstraint(key))
    monkeypatch.setattr(clockwork, "BUSINESS_KEY", ("id",))
    try:
        yield
    finally:
        with across_offices(database, Reason.CLAIMING) as session:
            session.execute(delete(DueAction), execution_options=PERMIT)
            session.commit()
        with engine.begin() as connection:
            connection.execute(AddConstraint(key))
        engine.dispose()


@contextmanager
def without_the_lease(_database, monkeypatch):
    """What a worker holds is taken back by the next one who looks."""
    claim = clockwork.claim
    monkeypatch.setattr(
        clockwork, "claim", lambda *arguments, **options: claim(*arguments, **options | {"lease": NO_LEASE})
    )
    yield


@contextmanager
def without_the_token(_database, monkeypatch):
    """A claim is closed by its id: nobody asks whether it is still ours."""

    def settle(session, claim, state):
        session.flush()
        closing = update(DueAction).where(DueAction.office_id == claim.office_id, DueAction.id == claim.id)
        session.execute(closing.values(state=state, claim_token=None), execution_options=PERMIT)

    monkeypatch.setattr(clockwork, "settle", settle)
    yield


@contextmanager
def without_the_second_look(_database, monkeypatch):
    """What is claimed is done, whatever has become of its reason."""
    monkeypatch.setattr(bells, "is_wanted", lambda _owner: True)
    before = []
    arrears_on = dunning.arrears_on

    def remembered(session, day, office_id, *, owner_id=None):
        if owner_id is None:
            before[:] = arrears_on(session, day, office_id)
        return [owed for owed in before if owner_id in {None, owed.owner_id}]

    monkeypatch.setattr(dunning, "arrears_on", remembered)
    yield


@contextmanager
def with_the_effect_committed_first(_database, monkeypatch):
    """The effect is one transaction, closing the claim another."""
    settle = clockwork.settle

    def late(session, claim, state):
        session.commit()
        settle(session, claim, state)

    monkeypatch.setattr(clockwork, "settle", late)
    yield


@contextmanager
def with_the_claim_settled_first(_database, monkeypatch):
    """The claim is closed, then the effect is done."""
    claim, settle = clockwork.claim, clockwork.settle

    def settling(session, *arguments, **options):
        claims = claim(session, *arguments, **options)
        for taken in claims:
            settle(session, taken, DueState.DONE)
        return claims

    monkeypatch.setattr(clockwork, "claim", settling)
    monkeypatch.setattr(clockwork, "settle", lambda *_: None)
    yield


MUTATIONS = [
    (without_the_unique_key, two_plan_the_same, {"planned twice", "doubled"}),
    (without_the_lease, one_is_slow_but_alive, {"begun twice"}),
    (without_the_token, one_is_frozen_past_its_lease, {"doubled"}),
    (without_the_token, cancelled_while_it_is_done, {"rung though cancelled or pointless"}),
    (without_the_second_look, pointless_while_it_is_claimed, {"rung though cancelled or pointless"}),
    (without_the_second_look, paid_while_it_is_claimed, {"reminded though paid"}),
    (with_the_effect_committed_first, killed_at_the_settlement, {"doubled"}),
    (with_the_effect_committed_first, cancelled_while_it_is_done, {"rung though cancelled or pointless"}),
    (with_the_claim_settled_first, killed_in_the_effect, {"lost", "done without an effect"}),
]


@pytest.mark.parametrize("interleaving", INTERLEAVINGS)
def test_as_the_product_stands_every_interleaving_ends_in_exactly_once(database, house, interleaving):
    assert interleaving(database, house) == {}


@pytest.mark.parametrize(("mutation", "interleaving", "noticed"), MUTATIONS)
def test_with_a_guard_taken_out_the_proof_fails(database, house, monkeypatch, mutation, interleaving, noticed):
    with mutation(database, monkeypatch):
        found = interleaving(database, house)
    assert noticed <= found.keys(), f"{mutation.__name__} went unnoticed: {found}"


def test_a_database_without_the_key_plans_nothing_at_all(database, house, monkeypatch):
    key = clockwork.BUSINESS_KEY
    with without_the_unique_key(database, monkeypatch):
        monkeypatch.setattr(clockwork, "BUSINESS_KEY", key)
        with pytest.raises(ProgrammingError):
            bells.hang(database, house, owners=1, levels=1)
