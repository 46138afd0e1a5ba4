"""A pause that lands between claim and settle, and workers killed meanwhile: nothing is told twice, nothing is lost.

A-W5, B-W19.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, request
from kills import kill_sweeps
from tasks import sweeps
from tasks.sweeps import Pace
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Clock, DueAction, Escalation, Mail, Pause
from tenant.rules.terms import ClockKind, DueState, PauseReason, Role
from tenant.scoping import Scope
from tenant.services import clockwork, escalations, pauses, requests
from tenant.services.clockwork import ClaimLost
from tenant.unscoped import Reason, across_offices

NOON = make.NOON
LATE = NOON + 20 * MINUTE
MATERIAL = PauseReason.MATERIAL
MATTERS, KILLS = 12, 6
SOON = Pace(lease=timedelta(seconds=1))


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


def dispatched(database, house, count=1):
    """Register and dispatch requests at noon; return their tickets' ids."""
    with at_desk(database, house) as session:
        filed = [request(session, house) for _ in range(count)]
        for matter in filed:
            requests.dispatch(session, matter.id, house.engineering.id, house.people[Role.TECHNICIAN].id)
        session.commit()
        return [matter.ticket_id for matter in filed]


def let_wait(database, house, ticket_id, at):
    with at_desk(database, house, at) as session:
        pauses.pause(session, ticket_id, MATERIAL, at + DAY)
        session.commit()


def go_on(database, house, ticket_id, at):
    with at_desk(database, house, at) as session:
        pauses.resume(session, ticket_id)
        session.commit()


def of_kind(ticket_id, kind):
    return select(Clock.id).where(Clock.ticket_id == ticket_id, Clock.kind == kind)


def claimed(database, ticket_id):
    """Claim what is due at :data:`LATE`; return the claim on arriving at this matter."""
    with across_offices(database, Reason.CLAIMING) as session:
        clocks = set(session.scalars(of_kind(ticket_id, ClockKind.ON_SITE)))
        claims = clockwork.claim(session, escalations.RULE, LATE, limit=50)
        mine = [one for one in claims if one.action.subject_id in clocks]
        clockwork.release(session, [one for one in claims if one not in mine])
        session.commit()
    return mine


def test_a_pause_takes_the_claim_away_and_what_was_left_is_told_once(database, cast, look):
    (ticket_id,) = dispatched(database, cast.north)
    (claim,) = claimed(database, ticket_id)
    let_wait(database, cast.north, ticket_id, NOON + 10 * MINUTE)
    with database.session(Scope.of([cast.north.id]), CLOCKWORK) as session, clock.at(LATE):
        assert escalations.escalate(session, session.get_one(DueAction, claim.id), LATE) is None
        with pytest.raises(ClaimLost):
            clockwork.settle(session, claim, DueState.DONE)
        session.rollback()
    go_on(database, cast.north, ticket_id, NOON + HOUR)
    clocks = of_kind(ticket_id, ClockKind.ON_SITE)
    with clock.at(NOON + HOUR + 4 * MINUTE):
        sweeps.run_escalations(database, clock.now())
    assert look(select(Escalation).where(Escalation.clock_id.in_(clocks))) == []
    with clock.at(NOON + HOUR + 5 * MINUTE):
        sweeps.run_escalations(database, clock.now())
        sweeps.run_escalations(database, clock.now())
    assert [(row.level, row.cycle) for row in look(select(Escalation).where(Escalation.clock_id.in_(clocks)))] == [
        (1, 2)
    ]


def test_a_pause_and_an_escalation_at_the_same_moment_wait_for_each_other(database, cast, look):
    """Whichever comes first wins whole: told of a late one, or stopped and nobody told."""
    for ticket_id in dispatched(database, cast.north, 6):
        (claim,) = claimed(database, ticket_id)
        start = Barrier(2)

        def wait(ticket_id=ticket_id, start=start):
            start.wait()
            let_wait(database, cast.north, ticket_id, LATE)

        def tell(claim=claim, start=start):
            with database.session(Scope.of([cast.north.id]), CLOCKWORK) as session, clock.at(LATE):
                start.wait()
                raised = escalations.escalate(session, session.get_one(DueAction, claim.id), LATE)
                try:
                    clockwork.settle(session, claim, DueState.DONE if raised else DueState.CANCELLED)
                except ClaimLost:
                    session.rollback()
                    return None
                session.commit()
                return raised

        with ThreadPoolExecutor(2) as pool:
            told, waiting = pool.submit(tell), pool.submit(wait)
            raised = told.result()
            waiting.result()
        clocks = of_kind(ticket_id, ClockKind.ON_SITE)
        assert len(look(select(Escalation).where(Escalation.clock_id.in_(clocks)))) == (raised is not None)
        left = look(select(DueAction).where(DueAction.subject_id.in_(clocks), DueAction.subject_kind == "clock"))
        assert {row.state for row in left} <= {DueState.DONE, DueState.CANCELLED}


def test_killed_sweeps_tell_of_waiting_matters_exactly_once(database, cast, settings, look, announce):
    at = NOON + 2 * DAY
    matters = [(cast.south, ticket_id) for ticket_id in dispatched(database, cast.south, MATTERS)]
    next_at, waits = [0.0], Counter()

    def meddle(chance):
        if time.monotonic() < next_at[0]:
            return
        next_at[0] = time.monotonic() + chance.uniform(0, 0.3)
        house, ticket_id = chance.choice(matters)
        act = let_wait if not waits[ticket_id] % 2 else go_on
        if waits[ticket_id] < 5:
            act(database, house, ticket_id, at)
            waits[ticket_id] += 1

    toll = kill_sweeps(database, "escalations", settings, at, wanted=KILLS, lives=(0, 4), meanwhile=meddle)
    sweeps.run_escalations(database, at, settings=settings, pace=SOON)

    clocks = set(look(select(Clock.id).where(Clock.ticket_id.in_([ticket_id for _, ticket_id in matters]))))
    raised = look(select(Escalation).where(Escalation.clock_id.in_(clocks)))
    due = select(DueAction).where(DueAction.subject_kind == "clock", DueAction.subject_id.in_(clocks))
    actions = look(due.where(DueAction.due_at <= at))
    announce(f"pauses: {toll}; {sum(waits.values())} pauses and resumptions; {len(raised)} levels told")
    assert toll.landed >= 1
    assert waits
    assert max(Counter((row.clock_id, row.level, row.cycle) for row in raised).values()) == 1
    assert {action.state for action in actions} <= {DueState.DONE, DueState.CANCELLED}
    assert len(raised) == sum(action.state is DueState.DONE for action in actions)
    mails = look(select(Mail).where(Mail.subject_kind == "escalation", Mail.subject_id.in_([row.id for row in raised])))
    assert len(mails) == sum(row.told for row in raised)
    lasting = look(select(Pause.ticket_id).where(Pause.ended_at.is_(None)))
    running = look(select(Clock).where(Clock.id.in_(clocks), Clock.met_at.is_(None), Clock.cancelled_at.is_(None)))
    assert Counter(row.ticket_id for row in running if row.kind is ClockKind.WAITING) == Counter(
        ticket_id for ticket_id in lasting if ticket_id in {one for _, one in matters}
    )
    assert all(count == 1 for count in Counter((row.ticket_id, row.kind) for row in running).values())
