"""Killed in the middle, again and again: every effect happens exactly once, and nothing is left undone."""

import signal
import time
from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

import bells
import make
from desk import DAY, at_desk, call, request
from kills import WORKERS, finish_sweeps, kill_sweeps, nursery, order_for
from tasks import sweeps
from tasks.sweeps import Pace
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import DueAction, DunningNotice, Escalation, Mail
from tenant.rules.terms import DueState
from tenant.scoping import Scope
from tenant.services import clockwork
from tenant.unscoped import Reason, across_offices

KILLS, OWNERS, LEVELS, MEDDLED = 200, 335, 8, 20
FEW_KILLS = 12
SOON = Pace(lease=timedelta(seconds=1))


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


def meddling(database, hung):
    """Return what goes on beside the workers: now and then an owner's bells are cancelled, or become pointless."""
    owners = sorted({(owner_id, house_id) for (owner_id, _), house_id in hung.planned.items()})
    acts = [bells.cancel, bells.silence] * MEDDLED
    counts, next_at = Counter(), [0.0]

    def meddle(chance):
        if not acts or time.monotonic() < next_at[0]:
            return
        next_at[0] = time.monotonic() + chance.uniform(0, 0.6)
        owner_id, house_id = owners.pop(chance.randrange(len(owners)))
        act = acts.pop()
        counts[act.__name__] += act(database, hung, owner_id, house_id)

    return meddle, counts


def retry_dead(database, look):
    """Do for each action that was stopped what an operator does who has seen why; return how many that were."""
    stopped = look(select(DueAction).where(DueAction.rule == bells.RULE, DueAction.state == DueState.DEAD))
    for action in stopped:
        with database.session(Scope.of([action.office_id]), CLOCKWORK) as session, clock.at(bells.AT):
            clockwork.retry(session, action.id)
            session.commit()
    return len(stopped)


def test_of_thousands_of_effects_each_happens_exactly_once_under_hundreds_of_kills(
    database, cast, settings, look, announce
):
    hung = bells.hang(database, cast.south, OWNERS, LEVELS, bells.hang(database, cast.north, OWNERS, LEVELS))
    meddle, meddled = meddling(database, hung)

    toll = kill_sweeps(database, "bells", settings, bells.AT, wanted=KILLS, freezes=0.05, meanwhile=meddle)
    while toll.landed < KILLS:  # the workers were quicker than their killer
        bells.hang(database, cast.north, OWNERS // 10, LEVELS, hung)
        toll += kill_sweeps(database, "bells", settings, bells.AT, wanted=KILLS - toll.landed)
    under_fire = len(bells.rung(database))
    finish_sweeps(database, "bells", settings, bells.AT)
    dead = 0
    while stopped := retry_dead(database, look):
        dead += stopped
        finish_sweeps(database, "bells", settings, bells.AT)

    found, rung = bells.faults(database, hung), bells.rung(database)
    (attempts,) = look(select(func.sum(DueAction.attempts)).where(DueAction.rule == bells.RULE))
    announce(
        f"kills: {toll}; {len(rung)} effects, {under_fire} of them under fire, {found.get('doubled', 0)} doubled, "
        f"{found.get('lost', 0)} lost; {meddled['cancel']} cancelled, {meddled['silence']} pointless meanwhile; "
        f"{attempts} attempts, {dead} stopped at five and retried"
    )
    assert found == {}
    assert toll.landed >= KILLS
    assert len(rung) == len(hung.wanted) >= 5000
    assert under_fire > 1000
    assert len(hung.cancelled) > 0 < len(hung.silenced)
    assert bells.ring_all(database, bells.AT, SOON).due == 0


def test_what_kills_every_worker_that_touches_it_stops_at_five_and_is_done_once_its_cause_is_mended(
    database, settings, look, announce
):
    (house,) = bells.houses(database, 1)
    hung = bells.hang(database, house, 20, 2)
    deadly = min(owner_id for owner_id, _ in hung.planned)
    fates = Counter()
    order = order_for(database, "bells", settings, bells.AT) | {"deadly": deadly}
    undone = select(DueAction.id).where(DueAction.rule == bells.RULE, DueAction.state.in_(clockwork.UNDONE))
    with nursery() as home:
        while look(undone):
            workers = [home.bear(slot, order) for slot in range(WORKERS)]
            fates.update(home.bury(worker) for worker in workers)
    stopped = look(select(DueAction).where(DueAction.office_id == house.id, DueAction.state == DueState.DEAD))
    assert [(action.subject_id, action.attempts) for action in stopped] == [(deadly, 5)] * 2
    assert fates[-signal.SIGKILL] == 10, "five workers for each of the two bells"
    assert bells.faults(database, hung) == {"lost": 2, "stopped": 2}

    assert retry_dead(database, look) == 2
    bells.ring_all(database, bells.AT, SOON)
    announce(f"deadly: {fates[-signal.SIGKILL]} workers died of two actions, which were stopped, mended and done once")
    assert bells.faults(database, hung) == {}


def test_killed_sweeps_raise_every_level_exactly_once(database, cast, settings, look, announce):
    at = make.NOON + 3 * DAY
    for house in (cast.north, cast.south):
        with at_desk(database, house, make.NOON) as session:
            filed = [request(session, house) for _ in range(8)]
            for matter in filed[::4]:
                call(session, matter.ticket_id)
            session.commit()

    toll = kill_sweeps(database, "escalations", settings, at, wanted=FEW_KILLS, lives=(0, 4))
    before = len(look(select(Escalation.id)))
    sweeps.run_escalations(database, at, settings=settings, pace=SOON)

    raised = look(select(Escalation))
    announce(f"escalations: {toll}; {before} of {len(raised)} effects done under fire")
    actions = look(select(DueAction).where(DueAction.due_at <= at, DueAction.rule == "escalation"))
    assert toll.landed >= FEW_KILLS
    assert 0 < before < len(raised), "the kills fell into the work"
    assert max(Counter((row.clock_id, row.level, row.cycle) for row in raised).values()) == 1
    assert Counter(action.state for action in actions).keys() <= {DueState.DONE, DueState.CANCELLED}
    assert len(raised) == sum(action.state is DueState.DONE for action in actions)
    mails = look(select(Mail).where(Mail.subject_kind == "escalation"))
    assert len(mails) == sum(row.told for row in raised)
    assert max(Counter((mail.subject_id, mail.recipient_address) for mail in mails).values()) == 1
    assert sweeps.run_escalations(database, at, settings=settings).due == 0


def test_killed_dunning_reminds_every_owner_exactly_once(database, cast, settings, look, announce):
    with at_desk(database, cast.north) as session:
        unit, kind = make.unit(session, cast.north.id), make.charge_type(session, cast.north.id)
        for number in range(40):
            owner = make.owner(session, cast.north.id, email=f"owner{number}@owner.invalid")
            due_on = date(2026, 3, 1) + timedelta(days=number)
            make.charge(session, unit, owner, due_on, charge_type=kind)
        session.commit()
    at = make.NOON + 365 * DAY

    toll = kill_sweeps(database, "dunning", settings, at, wanted=FEW_KILLS, lives=(0, 3))
    sweeps.run_dunning(database, at, settings=settings, pace=SOON)

    notices = look(select(DunningNotice))
    announce(f"dunning: {toll}; {len(notices)} notices")
    assert toll.landed >= 1
    assert len({notice.owner_id for notice in notices}) == 40
    assert max(Counter((row.owner_id, row.level, row.sequence, row.anchor_on) for row in notices).values()) == 1
    actions = look(select(DueAction).where(DueAction.rule == "dunning"))
    assert {action.state for action in actions} <= {DueState.DONE, DueState.CANCELLED}
    assert sweeps.run_dunning(database, at, settings=settings).due == 0
