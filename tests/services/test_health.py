"""What is late is seen, what is not late is not called so, and asking costs a few index entries."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, event, func, select

from tenant.models import Beat, DueAction, Job, Mail, MailGate, Office, OutboxMessage
from tenant.rules.terms import BeatKind, DueState, JobState, MailClass, MailState
from tenant.services import health
from tenant.unscoped import Reason, across_offices

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EVERYTHING = "sweeps,mail,imports"


@pytest.fixture
def group(database, cast):
    """A session of the group in which rows are planted; nothing of it stays."""
    with across_offices(database, Reason.WATCHING) as session:
        yield session


@pytest.fixture
def now(group):
    """The database's clock in that session."""
    return group.scalar(select(func.now()))


def plant(session, model, **columns):
    row = model(**columns)
    session.add(row)
    session.flush()
    return row


def action(session, house, at, number, **columns):
    values = {"rule": "escalation", "subject_kind": "clock", "subject_id": number, "due_at": at, "created_at": at}
    return plant(session, DueAction, office_id=house.id, **values | columns)


def beat(session, at, number=1, **columns):
    values = {"instance": str(number), "kind": BeatKind.WORKER, "host": "one", "pid": number, "queues": EVERYTHING}
    return plant(session, Beat, **values | {"started_at": at, "beat_at": at} | columns)


def mail(session, house, at, number, **columns):
    values = {
        "dedup_key": str(number),
        "message_id": f"<{number}@health.invalid>",
        "mail_class": MailClass.REMINDER,
        "recipient_name": "张三",
        "recipient_address": "zhang@one.invalid",
        "subject": "催缴",
        "text_body": "您好",
        "subject_kind": "notice",
        "subject_id": number,
        "not_before": at,
    }
    return plant(session, Mail, office_id=house.id, **values | columns)


def test_an_empty_clockwork_is_well_though_nobody_works(group):
    found = health.look(group)
    assert (found.ok, found.lateness, found.unattended, found.processes) == (True, timedelta(), (), ())


def test_what_is_due_later_is_not_late(group, cast, now):
    action(group, cast.north, now + HOUR, 1)
    assert health.look(group).ok


def test_an_action_that_waits_a_minute_makes_the_clockwork_late(group, cast, now):
    beat(group, now)
    action(group, cast.north, now - MINUTE, 1)
    assert health.look(group).ok
    action(group, cast.south, now - 3 * MINUTE, 2)
    action(group, cast.south, now - SECOND, 3, rule="dunning")
    found = health.look(group)
    assert (found.late, found.lateness) == (True, 3 * MINUTE)
    assert [(lag.rule, lag.waiting) for lag in found.lags] == [("dunning", 1), ("escalation", 2)]


def test_a_step_planned_today_for_a_day_long_gone_is_due_since_today(group, cast, now):
    beat(group, now)
    action(group, cast.north, now - 90 * 24 * HOUR, 1, rule="dunning", created_at=now - 20 * SECOND)
    found = health.look(group)
    assert (found.ok, found.lateness) == (True, 20 * SECOND)


def test_what_a_dead_worker_holds_is_late_though_it_is_claimed(group, cast, now):
    beat(group, now)
    action(group, cast.north, now - HOUR, 1, state=DueState.CLAIMED, lease_until=now - 5 * MINUTE)
    found = health.look(group)
    assert (found.late, found.lateness) == (True, 5 * MINUTE)


def test_where_something_waits_and_nobody_works_it_will_be_late(group, cast, now):
    action(group, cast.north, now - SECOND, 1)
    assert health.look(group).unattended == ("sweeps",)
    beat(group, now - 2 * MINUTE, 1)
    beat(group, now, 2, stopped_at=now)
    beat(group, now, 3, queues="mail")
    beat(group, now, 4, kind=BeatKind.WEB, queues="")
    found = health.look(group)
    assert (found.late, found.unattended) == (True, ("sweeps",))
    assert [process.pid for process in found.lost] == [1]
    beat(group, now - 50 * SECOND, 5)
    assert health.look(group).ok


def test_mail_that_waits_is_unattended_where_no_process_sends_and_not_while_it_is_stopped(group, cast, now):
    beat(group, now, queues="sweeps")
    mail(group, cast.north, now - 10 * MINUTE, 1)
    found = health.look(group)
    assert (found.unattended, found.mail_lateness, found.mail.waiting) == (("mail",), 10 * MINUTE, 1)
    plant(group, MailGate, name="group", stopped_at=now, reason="演练")
    found = health.look(group)
    assert (found.ok, found.mail_lateness) == (True, timedelta())


def test_each_state_of_a_mail_that_is_not_an_end_is_counted(group, cast, now):
    for number, state in enumerate(MailState):
        mail(group, (cast.north, cast.south)[number % 2], now + HOUR, number, state=state)
    mail(group, cast.north, now + HOUR, 99, state=MailState.FAILED)
    counted = health.look(group).mail.by_state
    ends = {MailState.SENT, MailState.GATHERED}
    assert {state: count for state, count in counted.items() if state not in ends} == {
        MailState.QUEUED: 1,
        MailState.SENDING: 1,
        MailState.WITHHELD: 1,
        MailState.FAILED: 2,
        MailState.UNKNOWN: 1,
        MailState.BOUNCED: 1,
    }


def test_a_job_nobody_takes_up_and_one_nobody_goes_on_with_are_stuck(group, cast, now):
    def job(number, **columns):
        plant(group, Job, office_id=cast.north.id, kind="import", subject_kind="batch", subject_id=number, **columns)

    job(1, created_at=now)
    job(2, created_at=now - HOUR)
    job(3, state=JobState.RUNNING, lease_until=now + MINUTE)
    job(4, state=JobState.RUNNING, lease_until=now - HOUR)
    job(5, state=JobState.DONE, created_at=now - HOUR)
    found = health.look(group)
    assert (found.jobs_waiting, found.jobs_stuck) == (2, 2)
    group.get_one(Office, cast.north.id).archived_at = now
    group.flush()
    found = health.look(group)
    assert (found.jobs_waiting, found.jobs_stuck) == (0, 0), "nobody goes on with what an archived office asked for"


def test_the_outbox_is_told_by_depth_and_age(group, cast, now):
    plant(group, OutboxMessage, actor="sweep_mail", created_at=now - MINUTE)
    plant(group, OutboxMessage, actor="sweep_mail", relayed_at=now, created_at=now - HOUR)
    found = health.look(group)
    assert (found.outbox, found.outbox_since) == (1, now - MINUTE)


def test_a_clock_that_goes_wrong_is_named_while_its_process_lives(group, now):
    beat(group, now, 1, skew=-2001)
    beat(group, now, 2, skew=1999)
    beat(group, now - HOUR, 3, skew=90_000)
    assert [process.pid for process in health.look(group).skewed] == [1]


ROWS = " FROM generate_series(1, 50000) n"
ACTIONS = (
    "INSERT INTO due_action (office_id, rule, subject_kind, subject_id, due_at, cycle, level, state)"
    " SELECT {office}, 'escalation', 'clock', n, now() - interval '1 hour', 'v', 1,"
    " CASE WHEN mod(n, 10) = 0 THEN 'pending' WHEN mod(n, 1000) = 1 THEN 'dead' ELSE 'done' END"
)
MESSAGES = (
    "INSERT INTO outbox_message (actor, arguments, relayed_at)"
    " SELECT 'sweep_mail', '{{}}', CASE WHEN mod(n, 10) > 0 THEN now() END"
)
MAILS = (
    "INSERT INTO mail (office_id, dedup_key, message_id, mail_class, recipient_name, recipient_address, subject,"
    " text_body, subject_kind, subject_id, state, not_before)"
    " SELECT {office}, 'v' || n, '<v' || n || '@volume.invalid>', 'reminder', '某', 'a@b.invalid', 's', 't', 'n', n,"
    " CASE WHEN mod(n, 10) = 0 THEN 'queued' WHEN mod(n, 1000) = 1 THEN 'failed' ELSE 'sent' END, now()"
)


@pytest.fixture
def volume(database, cast):
    """Fifty thousand rows of each table that grows, most of them settled."""
    owner = create_engine(database.addresses.owner)
    with owner.begin() as connection:
        for statement in (ACTIONS, MESSAGES, MAILS):
            connection.exec_driver_sql(statement.format(office=cast.north.id) + ROWS)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("due_action", "outbox_message", "mail"):
            connection.exec_driver_sql(f"VACUUM ANALYZE {table}")
    yield
    with owner.begin() as connection:
        connection.exec_driver_sql("TRUNCATE outbox_message")
        connection.exec_driver_sql("DELETE FROM mail; DELETE FROM due_action")
    owner.dispose()


GROWING = {"due_action", "outbox_message", "mail"}
MOST_READ = 15_000


def read_in_vain(plan):
    """Yield tables that a part of a plan read from end to end, or nearly."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in GROWING:
        rows = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
        if rows > MOST_READ:
            yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from read_in_vain(part)


def test_a_look_goes_down_indexes_or_stops_early_at_volume(database, volume):
    plans = []

    def explain(connection, cursor, statement, parameters, context, many):
        with cursor.connection.cursor() as other:
            other.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            plans.append(other.fetchone()[0][0]["Plan"])

    with across_offices(database, Reason.WATCHING) as session:
        session.scalar(select(func.now()))
        event.listen(database.engine, "before_cursor_execute", explain)
        found = health.look(session)
        event.remove(database.engine, "before_cursor_execute", explain)
    assert len(plans) <= 12
    assert [table for plan in plans for table in read_in_vain(plan)] == []
    assert (found.lags[0].waiting, found.outbox) == (5000, health.ENOUGH)
    assert found.mail.waiting >= health.ENOUGH
    assert (found.dead, found.mail.by_state[MailState.FAILED]) == (50, 50)
