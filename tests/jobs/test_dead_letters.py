"""What stopped waits for a person, who has it tried anew or discards it; and what is late is seen to be late."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from audit.models import AuditEntry
from queue_rows import AT, NO_LEASE, claim, fail, killed, let_time_pass, plan_many, rows, settle
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.journal import CLOCKWORK, Actor
from tenant.models import DueAction
from tenant.rules.terms import ActorKind, DueState
from tenant.services import clockwork
from tenant.services.clockwork import Lag
from tenant.unscoped import Reason, across_offices

DIRECTOR = Actor(ActorKind.PERSON, "陈主任")
LATER = AT + timedelta(hours=1)


@pytest.fixture
def desk(database):
    """Open a session of an office for a person, at a stated time: ``with desk(house) as session``."""

    def opened(house):
        return database.session(house.scope(), DIRECTOR)

    return opened


def entries(database, action_id):
    with across_offices(database, Reason.REVIEWING) as session:
        statement = select(AuditEntry).where(
            AuditEntry.subject_kind == "due_action", AuditEntry.subject_id == action_id
        )
        return list(session.scalars(statement.order_by(AuditEntry.id)))


def test_a_dead_action_is_tried_anew_from_now_on_and_the_record_says_by_whom(database, cast, desk):
    plan_many(database, cast.north.id, "anew", 1)
    dead = killed(database, "anew")
    with desk(cast.north) as session, clock.at(LATER):
        action = clockwork.retry(session, dead)
        session.commit()
    assert (action.state, action.attempts, action.due_at, action.settled_at) == (DueState.PENDING, 0, LATER, None)
    entry = entries(database, dead)[-1]
    assert (entry.verb, entry.actor_name) == ("due_action.update", "陈主任")
    assert (entry.before["state"], entry.after["state"]) == ("dead", "pending")
    assert (entry.before["attempts"], entry.after["attempts"]) == (5, 0)
    assert claim(database, "anew", AT) == []
    (taken,) = claim(database, "anew", LATER)
    settle(database, taken)
    assert rows(database, "anew")[0].last_error == "ZeroDivisionError", "what was wrong stays to be read"


def test_a_dead_action_is_discarded_for_a_reason_that_stands_in_the_record(database, cast, desk):
    plan_many(database, cast.north.id, "away", 1)
    dead = killed(database, "away")
    with desk(cast.north) as session, clock.at(LATER):
        action = clockwork.discard(session, dead, "  业主已搬走  ")
        session.commit()
    assert (action.state, action.settled_at) == (DueState.DISCARDED, LATER)
    entry = entries(database, dead)[-1]
    assert (entry.before["state"], entry.after["state"], entry.reason) == ("dead", "discarded", "业主已搬走")
    assert entry.actor_name == "陈主任"
    assert claim(database, "away", LATER) == claim(database, "away", LATER, suspects=True) == []


@pytest.mark.parametrize("reason", ["", "  ", "长" * 201, "\x00"])
def test_nothing_is_discarded_without_a_reason_that_can_be_kept(database, cast, desk, reason):
    rule = f"why{len(reason)}"
    plan_many(database, cast.north.id, rule, 1)
    dead = killed(database, rule)
    with desk(cast.north) as session, pytest.raises(Refusal) as refused:
        clockwork.discard(session, dead, reason)
    assert refused.value.field == "reason"
    assert rows(database, rule)[0].state is DueState.DEAD


def test_what_is_not_dead_is_refused_with_what_it_is(database, cast, desk):
    plan_many(database, cast.north.id, "live", 2)
    (taken,) = claim(database, "live", limit=1)
    pending = max(row.id for row in rows(database, "live"))
    for action_id, word in ((pending, "待执行"), (taken.id, "执行中")):
        for decide in (clockwork.retry, lambda session, row: clockwork.discard(session, row, "不用了")):
            with desk(cast.north) as session, pytest.raises(Refusal, match=word) as refused:
                decide(session, action_id)
            assert refused.value.code == "not_dead"
            assert "请刷新列表" in refused.value.message
    settle(database, taken)
    with desk(cast.north) as session, pytest.raises(Refusal, match="已执行"):
        clockwork.retry(session, taken.id)


def test_an_action_of_another_office_is_not_there(database, cast, desk):
    plan_many(database, cast.south.id, "foreign", 1)
    dead = killed(database, "foreign")
    for action_id in (dead, 10**12):
        with desk(cast.north) as session, pytest.raises(NotFound):
            clockwork.retry(session, action_id)
        with desk(cast.north) as session, pytest.raises(NotFound):
            clockwork.discard(session, action_id, "不用了")
    assert rows(database, "foreign")[0].state is DueState.DEAD


def lags(database, *rules, at=AT):
    with across_offices(database, Reason.CLAIMING) as session:
        return [lag for lag in clockwork.lags(session, at) if lag.rule in rules]


def test_what_is_due_and_not_begun_is_late_by_rule(database, cast):
    old, older = AT - timedelta(minutes=5), AT - timedelta(minutes=9)
    plan_many(database, cast.north.id, "late_a", 3, due_at=old)
    plan_many(database, cast.south.id, "late_a", 2, due_at=older)
    plan_many(database, cast.north.id, "late_b", 1)
    plan_many(database, cast.north.id, "late_c", 1, due_at=AT + timedelta(seconds=1))
    assert lags(database, "late_a", "late_b", "late_c") == [Lag("late_a", older, 5), Lag("late_b", AT, 1)]


def test_a_row_that_failed_is_late_again_only_when_its_wait_is_over(database, cast):
    plan_many(database, cast.north.id, "failed", 1)
    (taken,) = claim(database, "failed")
    assert lags(database, "failed") == [], "somebody has it in hand"
    fail(database, taken)
    assert lags(database, "failed") == []
    let_time_pass(database, "failed")
    (lag,) = lags(database, "failed")
    assert lag.waiting == 1
    assert datetime.now(UTC) - lag.oldest_due_at < timedelta(minutes=10), "late since its wait is over, not since then"


def test_what_a_dead_worker_holds_is_late_and_what_is_dead_is_not(database, cast):
    plan_many(database, cast.north.id, "held", 2)
    assert len(claim(database, "held", lease=NO_LEASE)) == 2
    assert [lag.waiting for lag in lags(database, "held")] == [2]
    plan_many(database, cast.north.id, "stopped", 1)
    killed(database, "stopped")
    assert lags(database, "stopped") == []


def test_lags_of_many_thousands_are_counted_no_further_than_anybody_reads(database, cast, monkeypatch):
    monkeypatch.setattr("tenant.services.turns.MOST_COUNTED", 50)
    plan_many(database, cast.north.id, "thousands", 80)
    assert [lag.waiting for lag in lags(database, "thousands")] == [50]


def test_an_action_that_was_tried_anew_is_claimed_as_one_that_was_never_tried(database, cast):
    plan_many(database, cast.north.id, "fresh", 1)
    dead = killed(database, "fresh")
    with database.session(cast.north.scope(), CLOCKWORK) as session, clock.at(AT):
        clockwork.retry(session, dead)
        session.commit()
    (taken,) = claim(database, "fresh")
    assert (taken.id, taken.attempts) == (dead, 1)
    assert isinstance(taken.action, DueAction)
