"""The queue of record: planned once, claimed fairly, settled by whoever still holds the claim."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text, update

import make
from tenant.errors import WallBreach
from tenant.journal import CLOCKWORK
from tenant.models import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT
from tenant.services import clockwork
from tenant.services.clockwork import ClaimLost, Outstanding
from tenant.unscoped import Reason, across_offices

AT = make.NOON
NO_LEASE = timedelta(seconds=-1)


def plan(session, house, rule, subject_id, *, due_at=AT, cycle="1"):
    return clockwork.plan(
        session, office_id=house.id, rule=rule, subject_kind="clock", subject_id=subject_id, due_at=due_at, cycle=cycle
    )


def cancel(session, house, rule, subject_id):
    return clockwork.cancel(session, office_id=house.id, subject_kind="clock", subject_id=subject_id, rule=rule)


def planned(database, house, rule, count, *, due_at=AT):
    with database.session(house.scope(), CLOCKWORK) as session:
        ids = [plan(session, house, rule, number, due_at=due_at) for number in range(1, count + 1)]
        session.commit()
    return ids


def claim(database, rule, **options):
    with across_offices(database, Reason.CLAIMING) as session:
        claims = clockwork.claim(session, rule, AT, **options)
        session.commit()
    return claims


def let_the_wait_pass(database, rule):
    """Let what failed be tried again now, as it would be after its minutes."""
    with across_offices(database, Reason.CLAIMING) as session:
        waiting = update(DueAction).where(DueAction.rule == rule, DueAction.state == DueState.PENDING)
        session.execute(waiting.values(lease_until=func.now()), execution_options=PERMIT)
        session.commit()


def states(database, rule):
    with across_offices(database, Reason.CLAIMING) as session:
        rows = session.execute(
            select(DueAction.state, DueAction.attempts).where(DueAction.rule == rule).order_by(DueAction.id)
        )
        return [tuple(row) for row in rows]


def test_a_business_key_is_planned_once_whatever_became_of_it(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert plan(session, cast.north, "once", 1)
        assert plan(session, cast.north, "once", 1, due_at=AT + timedelta(days=1)) is None
        cancel(session, cast.north, "once", 1)
        assert plan(session, cast.north, "once", 1) is None
        assert plan(session, cast.north, "once", 1, cycle="2")
        session.commit()
    assert [state for state, _ in states(database, "once")] == [DueState.CANCELLED, DueState.PENDING]


def test_planning_for_another_office_is_refused(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session, pytest.raises(WallBreach):
        plan(session, cast.south, "foreign", 1)


def test_what_is_not_yet_due_is_not_claimed(database, cast):
    planned(database, cast.north, "early", 1, due_at=AT + timedelta(seconds=1))
    planned(database, cast.south, "early", 1, due_at=AT)
    assert [taken.office_id for taken in claim(database, "early")] == [cast.south.id]


def test_offices_take_turns(database, cast):
    planned(database, cast.north, "turns", 30, due_at=AT - timedelta(days=1))
    planned(database, cast.south, "turns", 2)
    offices = [taken.office_id for taken in claim(database, "turns", limit=4)]
    assert offices.count(cast.south.id) == 2


def test_two_workers_never_hold_the_same_row(database, cast):
    planned(database, cast.north, "pair", 20)
    with across_offices(database, Reason.CLAIMING) as first, across_offices(database, Reason.CLAIMING) as second:
        mine = clockwork.claim(first, "pair", AT, limit=5)
        theirs = clockwork.claim(second, "pair", AT, limit=5)
        assert len(mine) == len(theirs) == 5
        assert not {taken.id for taken in mine} & {taken.id for taken in theirs}
        second.commit()
        first.commit()


def test_settling_asks_for_the_token(database, cast):
    planned(database, cast.north, "token", 1)
    (first,) = claim(database, "token", lease=NO_LEASE)
    with across_offices(database, Reason.CLAIMING) as session:
        assert clockwork.take_back(session, "token") == []
        session.commit()
    (second,) = claim(database, "token", suspects=True)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        with pytest.raises(ClaimLost):
            clockwork.settle(session, first, DueState.DONE)
        session.rollback()
        clockwork.settle(session, second, DueState.DONE)
        session.commit()
        with pytest.raises(ClaimLost):
            clockwork.settle(session, second, DueState.DONE)
    assert states(database, "token") == [(DueState.DONE, 2)]


def test_a_cancellation_takes_the_claim_away(database, cast):
    planned(database, cast.north, "cancelled", 1)
    (taken,) = claim(database, "cancelled")
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert (
            clockwork.cancel(session, office_id=cast.north.id, subject_kind="clock", subject_id=1, rule="cancelled")
            == 1
        )
        session.commit()
    with database.session(cast.north.scope(), CLOCKWORK) as session, pytest.raises(ClaimLost):
        clockwork.settle(session, taken, DueState.DONE)


def test_a_row_that_fails_five_times_stops_and_says_why(database, cast):
    planned(database, cast.north, "poison", 1)
    for attempt in range(1, 6):
        (taken,) = claim(database, "poison", suspects=attempt > 1)
        assert taken.attempts == attempt
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            outcome = clockwork.fail(session, taken, "ZeroDivisionError")
            session.commit()
        assert outcome is (DueState.DEAD if attempt == 5 else DueState.PENDING)
        let_the_wait_pass(database, "poison")
    assert claim(database, "poison", suspects=True) == []
    assert states(database, "poison") == [(DueState.DEAD, 5)]


def test_a_row_that_kills_its_worker_five_times_stops(database, cast):
    (row_id,) = planned(database, cast.north, "killer", 1)
    dead: list[int] = []
    for attempt in range(5):
        assert claim(database, "killer", lease=NO_LEASE, suspects=attempt > 0)
        with across_offices(database, Reason.CLAIMING) as session:
            assert clockwork.outstanding(session, "killer", AT) == Outstanding(fresh=False, again=False, held=True)
            dead += clockwork.take_back(session, "killer")
            session.commit()
    assert dead == [row_id]
    assert claim(database, "killer", suspects=True) == []


def test_a_running_lease_is_left_alone(database, cast):
    planned(database, cast.north, "alive", 1)
    assert claim(database, "alive")
    with across_offices(database, Reason.CLAIMING) as session:
        clockwork.take_back(session, "alive")
        session.commit()
    assert states(database, "alive") == [(DueState.CLAIMED, 1)]


def test_what_died_in_a_round_is_claimed_one_by_one_so_that_only_the_culprit_is_used_up(database, cast):
    culprit, *_ = planned(database, cast.north, "round", 5)
    assert len(claim(database, "round", lease=NO_LEASE)) == 5
    with across_offices(database, Reason.CLAIMING) as session:
        clockwork.take_back(session, "round")
        session.commit()
    assert claim(database, "round") == []
    for _ in range(8):
        (taken,) = claim(database, "round", lease=NO_LEASE, suspects=True)
        if taken.id != culprit:
            with database.session(cast.north.scope(), CLOCKWORK) as session:
                clockwork.settle(session, taken, DueState.DONE)
                session.commit()
        with across_offices(database, Reason.CLAIMING) as session:
            clockwork.take_back(session, "round")
            session.commit()
    assert states(database, "round") == [(DueState.DEAD, 5)] + [(DueState.DONE, 2)] * 4


def test_looking_for_work_is_one_query_on_partial_indexes(database, cast):
    looked = []
    with across_offices(database, Reason.CLAIMING) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"), execution_options=PERMIT)

        def explain(connection, cursor, statement, parameters, context, many):
            if "due_action" in statement:
                looked.append(statement)
                with cursor.connection.cursor() as other:
                    other.execute(f"EXPLAIN {statement}", parameters)
                    looked.append("\n".join(line for (line,) in other))

        event.listen(database.engine, "before_cursor_execute", explain)
        clockwork.outstanding(session, "nothing", AT)
        event.remove(database.engine, "before_cursor_execute", explain)
    assert len(looked) == 2
    assert "ix_due_action_pending" in looked[1] or "ix_due_action_turn" in looked[1]
    assert "ix_due_action_claimed" in looked[1]
