"""What should be planned is derived from state: whatever was done to the plan, mending it gives that again."""

from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError

import make
from audit.models import AuditEntry
from audit.verbs import verb_label
from desk import DAY, HOUR, MINUTE, at_desk, call, complaint, request, running, sweep_escalations
from tasks import sweeps
from tenant import clock
from tenant.db import owner_engine
from tenant.journal import CLOCKWORK
from tenant.models import DueAction, Office, OutboxMessage
from tenant.rules.terms import ClockKind, DueState, Gravity, PauseReason, PaymentMethod, Role
from tenant.scoping import Scope
from tenant.services import (
    clock_plans,
    complaints,
    dunning,
    escalations,
    pauses,
    payments,
    replanning,
    requests,
    tickets,
    timetable,
)
from tenant.unscoped import Reason, across_offices

AT = make.NOON + 45 * MINUTE
"""12:45 in Shanghai: some clocks have run out, some levels were raised, the morning's dunning is planned."""


@pytest.fixture(scope="module")
def busy(database, cast):
    """An office with matters in many states, and owners in arrears; noise of the same kind in the other office."""
    for house in (cast.north, cast.south):
        with at_desk(database, house, make.NOON) as session:
            _requests(session, house)
            _complaints(session, house)
            _owners(session, house)
            session.commit()
        with at_desk(database, house, AT) as session:
            sweep_escalations(session, AT - 10 * MINUTE)
            dunning.plan_steps(session, house.id, AT)
            session.commit()
        sweeps.run_routing(database, AT, house.id)
    return cast.north


def _requests(session, house):
    for _ in range(3):
        request(session, house)
        request(session, house, urgent=True)
    replied = request(session, house)
    call(session, replied.ticket_id)
    tickets.promise(session, replied.ticket_id, make.NOON + 30 * MINUTE)
    done, on_site = request(session, house), request(session, house)
    for matter in (done, on_site):
        order = requests.dispatch(session, matter.id, house.engineering.id)
        requests.arrive(session, order.id)
    requests.complete(session, order.id)
    waits, waited = request(session, house), request(session, house)
    for matter in (waits, waited):
        requests.dispatch(session, matter.id, house.engineering.id)
        pauses.pause(session, matter.ticket_id, PauseReason.MATERIAL, make.NOON + 30 * MINUTE)
    pauses.resume(session, waited.ticket_id)
    tickets.invalidate(session, request(session, house).ticket_id, "重复登记")


def _complaints(session, house):
    for gravity in (Gravity.ORDINARY, Gravity.MAJOR, Gravity.GRAVE, Gravity.INVALID):
        complaint(session, house, gravity=gravity)
    complaints.receive(session, complaint(session, house).id)
    complaints.regrade(session, complaint(session, house).id, Gravity.MAJOR, reason="另有情况")
    complaints.complete(session, complaint(session, house).id, outcome="已解决")


def _owners(session, house):
    kind = make.charge_type(session, house.id)
    for months in (1, 2, 4, 7, 19):
        owner, unit = make.owner(session, house.id), make.unit(session, house.id)
        year, month = divmod(2026 * 12 + 2 - months, 12)
        make.charge(session, unit, owner, date(year, month + 1, 1), charge_type=kind)
    make.owner(session, house.id)


@contextmanager
def superuser(database):
    """Open a connection that no wall stands before."""
    engine = owner_engine(database.addresses)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def plan_of(database, house):
    """Return what is pending in an office."""
    with database.session(house.scope(), house.actor(Role.DIRECTOR)) as session:
        rows = session.scalars(select(DueAction).where(DueAction.state == DueState.PENDING))
        return {(row.rule, row.subject_id, row.level, row.cycle, row.due_at) for row in rows}


def entries(database):
    with across_offices(database, Reason.CLAIMING) as session:
        return session.scalars(select(func.count(AuditEntry.id))).one()


def replan(database, house, at=AT):
    report = sweeps.run_replan(database, at, house.id)
    return report.planned, report.cancelled, report.offices


def test_where_all_is_well_nothing_is_written(database, busy):
    before, plan, seen = entries(database), plan_of(database, busy), []
    assert len(plan) > 20
    assert {rule for rule, *_ in plan} == {"escalation", "dunning"}

    def see(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", see)
    report = sweeps.run_replan(database, AT)
    event.remove(database.engine, "before_cursor_execute", see)
    assert (report.planned, report.cancelled, report.offices) == (0, 0, 0)
    assert seen
    assert [statement for statement in seen if not statement.startswith("SELECT") or " FOR " in statement] == []
    assert (entries(database), plan_of(database, busy)) == (before, plan)


DELETE = "DELETE FROM due_action WHERE id = :id"
CANCEL = "UPDATE due_action SET state = 'cancelled', settled_at = now() WHERE id = :id"
LATER = "UPDATE due_action SET due_at = due_at + interval '3 hours' WHERE id = :id"
EARLIER = "UPDATE due_action SET due_at = due_at - interval '3 days' WHERE id = :id"
SKIPPING = "UPDATE due_action SET level = level + 7 WHERE id = :id"
OTHER_CYCLE = "UPDATE due_action SET cycle = 'x' || cycle WHERE id = :id"
BOGUS = (
    "INSERT INTO due_action (office_id, rule, subject_kind, subject_id, level, cycle, due_at)"
    " SELECT office_id, rule, subject_kind, :subject, level, cycle, least(due_at, :at) FROM due_action WHERE id = :id"
    " ON CONFLICT DO NOTHING"
)
DAMAGES = st.lists(
    st.tuples(
        st.sampled_from([DELETE, CANCEL, LATER, EARLIER, SKIPPING, OTHER_CYCLE, BOGUS]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=12,
)


def subjects(connection, house, rule):
    """Return the ids of subjects that have nothing pending: clocks that are over, owners who owe nothing."""
    table = {"escalation": "clock", "dunning": "owner"}[rule]
    return list(
        connection.execute(
            text(
                f"SELECT id FROM {table} WHERE office_id = :office AND id NOT IN (SELECT subject_id FROM due_action"
                " WHERE state = 'pending' AND rule = :rule AND office_id = :office)"
            ),
            {"office": house.id, "rule": rule},
        ).scalars()
    )


def damage(database, house, damages):
    """Do to the office's plan what no program does."""
    with superuser(database) as connection:
        connection.execute(text("DELETE FROM due_action WHERE state = 'cancelled'"))  # of the damage before
        for statement, place, other in damages:
            pending = connection.execute(
                text("SELECT id, rule FROM due_action WHERE office_id = :office AND state = 'pending' ORDER BY id"),
                {"office": house.id},
            ).all()
            if pending:
                chosen = pending[place % len(pending)]
                idle = subjects(connection, house, chosen.rule)
                values = {"id": chosen.id, "subject": idle[other % len(idle)] if idle else -1, "at": AT}
                named = {name: values[name] for name in values if f":{name}" in statement}
                with suppress(IntegrityError), connection.begin_nested():
                    connection.execute(text(statement), named)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DAMAGES)
def test_whatever_was_done_to_the_plan_mending_gives_it_back_and_a_second_time_does_nothing(database, busy, damages):
    plan, other = plan_of(database, busy), entries(database)
    damage(database, busy, damages)
    damaged = plan_of(database, busy)
    planned, cancelled, offices = replan(database, busy)
    assert plan_of(database, busy) == plan
    assert bool(planned or cancelled) == bool(offices) == (damaged != plan)
    before = entries(database)
    assert (before > other) == (damaged != plan)
    assert replan(database, busy) == (0, 0, 0)
    assert entries(database) == before


def test_what_was_mended_is_one_act_on_the_office_s_record_with_counts_and_examples(database, busy, caplog):
    with superuser(database) as connection:
        removed = connection.execute(
            text("DELETE FROM due_action WHERE office_id = :office AND state = 'pending' RETURNING rule, subject_id"),
            {"office": busy.id},
        ).all()
    assert replan(database, busy) == (len(removed), 0, 1)
    with database.session(busy.scope(), busy.actor(Role.DIRECTOR)) as session:
        acts = select(AuditEntry).where(AuditEntry.verb == "clockwork.mended").order_by(AuditEntry.id.desc())
        act = session.scalars(acts).first()
    assert act.office_id == busy.id
    assert verb_label(act.verb) == "核对到期事项并改正"
    for rule in ("escalation", "dunning"):
        subjects_of_rule = {row.subject_id for row in removed if row.rule == rule}
        assert act.after[rule]["planned"] == sum(row.rule == rule for row in removed)
        assert set(act.after[rule]["examples"]) <= subjects_of_rule
        assert 0 < len(act.after[rule]["examples"]) <= 10
    assert any(f"the plan of office {busy.id} had to be mended" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("state", ["done", "dead", "discarded", "claimed"])
def test_what_is_done_dead_given_up_or_in_hand_stays_as_it_is(database, busy, state):
    with superuser(database) as connection:
        ids = [
            connection.execute(
                text(
                    "UPDATE due_action SET state = :state WHERE id = (SELECT min(id) FROM due_action"
                    " WHERE office_id = :office AND state = 'pending' AND rule = :rule) RETURNING id"
                ),
                {"state": state, "office": busy.id, "rule": rule},
            ).scalar_one()
            for rule in ("escalation", "dunning")
        ]
    plan = plan_of(database, busy)
    assert replan(database, busy) == (0, 0, 0)
    assert plan_of(database, busy) == plan
    with superuser(database) as connection:
        connection.execute(text("UPDATE due_action SET state = 'pending' WHERE id = ANY(:ids)"), {"ids": ids})


def test_a_regraded_complaint_climbs_by_its_new_gravity_at_once(database, cast):
    with at_desk(database, cast.south, make.NOON + 10 * DAY) as session:
        filed = complaint(session, cast.south)
        session.commit()
    graded_at = make.NOON + 10 * DAY + 12 * MINUTE
    with at_desk(database, cast.south, graded_at) as session:
        receipt = running(session, filed.ticket_id)[ClockKind.DEPARTMENT_RECEIPT]
        waiting = select(DueAction).where(DueAction.subject_id == receipt.id, DueAction.state == DueState.PENDING)
        first = session.scalars(waiting).one()
        assert escalations.escalate(session, first, graded_at)
        first.state = DueState.DONE
        assert [row.due_at for row in session.scalars(waiting)] == [receipt.due_at + 30 * MINUTE]
        complaints.regrade(session, filed.id, Gravity.MAJOR, reason="另有情况")
        assert [(row.level, row.due_at) for row in session.scalars(waiting)] == [(2, receipt.due_at + 15 * MINUTE)]


# ---- dunning
@pytest.fixture
def small(database, cast):
    """An office of its own with one owner whose charge fell due on 1 March."""
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company=cast.east)
        owner = make.owner(session, office.id)
        make.charge(session, make.unit(session, office.id), owner, date(2026, 3, 1))
        session.commit()
        yield office, owner
        office.archived_at = make.NOON
        session.commit()


REACHED = make.NOON.replace(month=4, day=1)
"""20:00 of the day on which a charge of 1 March is one month old: the second reminder is due."""


def pending(database, office):
    with database.session(Scope.of([office.id]), CLOCKWORK) as session:
        return list(session.scalars(select(DueAction).where(DueAction.state == DueState.PENDING)))


def test_a_step_that_today_s_run_is_still_to_plan_is_left_to_it(database, small):
    office, owner = small
    night = REACHED.replace(hour=18) - DAY
    assert sweeps.run_replan(database, night, office.id).planned == 0
    assert sweeps.run_replan(database, REACHED, office.id).planned == 1
    (action,) = pending(database, office)
    assert (action.subject_id, action.level, action.cycle) == (owner.id, 102, "2026-03-01")
    assert action.rule_version


def test_where_dunning_is_switched_off_nothing_is_planned(database, small):
    office, _ = small
    with across_offices(database, Reason.SETTING_UP) as session:
        for name in timetable.OF_OFFICES:
            timetable.switch(session, office.id, name, on=False)
        session.commit()
    assert sweeps.run_replan(database, REACHED, office.id).planned == 0
    assert pending(database, office) == []


def test_what_a_run_for_a_later_day_planned_is_nobody_s_mistake(database, small):
    office, _ = small
    with database.session(Scope.of([office.id]), CLOCKWORK) as session:
        assert dunning.plan_steps(session, office.id, REACHED + 31 * DAY) == 1
        session.commit()
    report = sweeps.run_replan(database, REACHED - 2 * DAY, office.id)
    assert (report.planned, report.cancelled) == (1, 0)
    assert {action.level for action in pending(database, office)} == {101, 103}


# ---- offices
def test_an_office_that_fails_holds_up_no_other(database, busy, cast, monkeypatch, caplog):
    with superuser(database) as connection:
        connection.execute(text("DELETE FROM due_action WHERE state = 'pending' AND rule = 'escalation'"))
    real = dunning.reached

    def reached(session, office, day):
        if office.id == cast.north.id:
            raise RuntimeError("unreadable")
        return real(session, office, day)

    with monkeypatch.context() as patch:
        patch.setattr(dunning, "reached", reached)
        assert sweeps.run_replan(database, AT).offices == 1
    assert "could not be held against its state" in caplog.text
    assert sweeps.run_replan(database, AT).offices == 1
    assert sweeps.run_replan(database, AT).offices == 0


def test_a_big_office_is_mended_in_several_transactions(database, busy, monkeypatch):
    plan = plan_of(database, busy)
    with superuser(database) as connection:
        connection.execute(
            text("DELETE FROM due_action WHERE state = 'pending' AND office_id = :office"), {"office": busy.id}
        )
    monkeypatch.setattr(clock_plans, "A_LOOK", 4)
    monkeypatch.setattr(replanning, "A_TRANSACTION", 2)
    before = acts(database)
    replan(database, busy)
    assert plan_of(database, busy) == plan
    assert acts(database) - before > 1
    assert replan(database, busy) == (0, 0, 0)


def acts(database):
    with across_offices(database, Reason.CLAIMING) as session:
        return session.scalars(select(func.count(AuditEntry.id)).where(AuditEntry.verb == "clockwork.mended")).one()


def test_offices_that_there_is_no_time_for_get_a_message_each(database, busy, cast):
    report = sweeps.run_replan(database, AT, pace=sweeps.Pace(waits=False, seconds=-1))
    assert report.offices == 0
    with across_offices(database, Reason.CLAIMING) as session:
        woken = list(session.scalars(select(OutboxMessage).where(OutboxMessage.actor == "replan")))
        in_use = session.scalars(select(func.count(Office.id)).where(Office.archived_at.is_(None))).one()
    assert {message.office_id for message in woken} >= {cast.north.id, cast.south.id}
    assert len(woken) == in_use


def test_a_payment_that_comes_in_meanwhile_leaves_nothing_planned(database, small):
    office, owner = small
    sweeps.run_replan(database, REACHED, office.id)
    with database.session(Scope.of([office.id]), CLOCKWORK) as session, clock.at(REACHED):
        payments.receive(session, owner.id, Decimal(100), PaymentMethod.CASH)
        session.commit()
    report = sweeps.run_replan(database, REACHED + HOUR, office.id)
    assert (report.planned, report.cancelled) == (0, 1)
    assert sweeps.run_replan(database, REACHED + HOUR, office.id).offices == 0
