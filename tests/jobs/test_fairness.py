"""Offices take turns, whatever waits where; and no claim reads or sorts all that is due."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event

import make
from queue_rows import AT, claim, fail, let_time_pass, plan_many, rows, settle
from tenant.services import clockwork
from tenant.unscoped import Reason, across_offices


@pytest.fixture(scope="module")
def offices(database, cast):
    """Twelve more offices, by id."""
    with across_offices(database, Reason.SETTING_UP) as session:
        ids = [make.office(session, company=cast.east).id for _ in range(12)]
        session.commit()
    return sorted(ids)


def shares(claims):
    return Counter(taken.office_id for taken in claims)


def test_the_one_row_of_an_office_is_in_the_first_round_beside_ten_thousand_of_another(database, cast):
    plan_many(database, cast.north.id, "flood", 10_000, due_at=AT - timedelta(days=3))
    plan_many(database, cast.south.id, "flood", 1)
    first = shares(claim(database, "flood"))
    assert first == {cast.north.id: clockwork.PER_OFFICE, cast.south.id: 1}


def test_an_office_gets_no_more_than_its_cap_in_a_round_though_it_is_alone(database, cast):
    plan_many(database, cast.north.id, "alone", 40)
    assert len(claim(database, "alone", per_office=7)) == 7


def test_offices_share_a_round_equally(database, offices):
    for office_id in offices[:3]:
        plan_many(database, office_id, "equal", 30)
    assert shares(claim(database, "equal", limit=30)) == dict.fromkeys(offices[:3], 10)


def test_every_office_has_its_turn_where_a_round_has_fewer_places_than_there_are_offices(database, offices):
    for office_id in offices:
        plan_many(database, office_id, "round", 5)
    after, seen = 0, []
    for _ in range(3):
        taken = claim(database, "round", limit=4, after=after)
        after = max(one.office_id for one in taken)
        seen += [one.office_id for one in taken]
    assert seen == offices
    assert shares(claim(database, "round", limit=4, after=after)) == dict.fromkeys(offices[:4], 1)


def test_the_oldest_of_an_office_comes_first(database, cast):
    for days in (1, 3, 2):
        plan_many(database, cast.north.id, "old", 1, due_at=AT - timedelta(days=days), cycle=str(days))
    taken = [claim(database, "old", limit=1)[0] for _ in range(3)]
    assert [AT - one.due_at for one in taken] == [timedelta(days=days) for days in (3, 2, 1)]
    assert [one.action.cycle for one in taken] == ["3", "2", "1"]


def test_an_office_whose_rows_another_worker_is_claiming_is_passed_over(database, offices):
    for office_id in offices[:6]:
        plan_many(database, office_id, "locked", 1)
    with across_offices(database, Reason.CLAIMING) as first, across_offices(database, Reason.CLAIMING) as second:
        mine = clockwork.claim(first, "locked", AT, limit=3)
        theirs = clockwork.claim(second, "locked", AT, limit=3)
        assert sorted(taken.office_id for taken in (*mine, *theirs)) == offices[:6]


def test_what_failed_in_one_office_costs_the_others_no_turn(database, offices):
    failing, sound = offices[:2]
    plan_many(database, failing, "broken", 20)
    for taken in claim(database, "broken", per_office=20):
        fail(database, taken)
    let_time_pass(database, "broken")
    plan_many(database, sound, "broken", 1)
    (taken,) = claim(database, "broken")
    assert taken.office_id == sound
    settle(database, taken)
    plan_many(database, offices[2], "broken", 1)
    (taken,) = claim(database, "broken")
    fail(database, taken)
    let_time_pass(database, "broken")
    first, second = (claim(database, "broken", suspects=True, after=after) for after in (0, failing))
    assert [taken.office_id for taken in (*first, *second)] == [failing, offices[2]]


def test_a_claim_that_was_not_begun_is_given_back_as_if_it_had_not_been_made(database, cast):
    plan_many(database, cast.north.id, "begun", 3)
    claims = claim(database, "begun")
    settle(database, claims[0])
    with across_offices(database, Reason.CLAIMING) as session:
        clockwork.release(session, claims)
        session.commit()
    assert [(row.state.value, row.attempts) for row in rows(database, "begun")] == [
        ("done", 1), ("pending", 0), ("pending", 0)
    ]  # fmt: skip
    assert len(claim(database, "begun")) == 2


def test_a_round_among_a_hundred_thousand_due_in_two_hundred_offices_reads_a_row_an_office(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        ids = [make.office(session, company=cast.east).id for _ in range(200)]
        session.commit()
    for office_id in ids:
        plan_many(database, office_id, "many", 500)
    (plan,) = plans(database, lambda session: clockwork.claim(session, "many", AT))
    read = [node for node in nodes(plan) if node.get("Relation Name") == "due_action" and "Scan" in node["Node Type"]]
    assert {node.get("Index Name") for node in read} == {"ix_due_action_turn", "pk_due_action"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) <= 200 + 3 * clockwork.A_ROUND
    sorts = [node for node in nodes(plan) if node["Node Type"] == "Sort"]
    assert max(node["Actual Rows"] for node in sorts) <= 200
    (plan,) = plans(database, lambda session: clockwork.outstanding(session, "none", AT))
    assert sum(node["Actual Rows"] for node in nodes(plan) if node.get("Relation Name") == "due_action") == 0
    assert not [node for node in nodes(plan) if node["Node Type"] == "Seq Scan"]


def plans(database, act):
    """Return the plans with which the statements of ``act`` on the queue are really run; nothing of it is kept."""
    found = []

    def explain(connection, cursor, statement, parameters, context, many):
        if "due_action" in statement:
            with cursor.connection.cursor() as other:
                other.execute("SAVEPOINT looked")
                other.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
                found.append(other.fetchone()[0][0]["Plan"])
                other.execute("ROLLBACK TO SAVEPOINT looked")

    with across_offices(database, Reason.CLAIMING) as session:
        event.listen(database.engine, "before_cursor_execute", explain)
        act(session)
        event.remove(database.engine, "before_cursor_execute", explain)
    return found


def nodes(plan):
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
