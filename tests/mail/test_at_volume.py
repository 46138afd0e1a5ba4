"""At a volume of some years a sweep still goes down indexes: idle it asks one question, busy it reads what it takes."""

import pytest
from sqlalchemy import create_engine, event, func, select

import make
from tasks.sweeps import run_mail
from tenant.services import mail_turns, mails
from tenant.unscoped import Reason, across_offices

MANY = 40_000
MAILS = (
    "INSERT INTO mail (office_id, dedup_key, message_id, mail_class, recipient_name, recipient_address, domain,"
    " subject, text_body, subject_kind, subject_id, state, not_before)"
    " SELECT {office}, 'v' || n, '<v' || n || '@volume.invalid>', 'notice', '某', 'a@slow.invalid', 'slow.invalid',"
    " 's', 't', 'n', n, '{state}', timestamptz '{at}' FROM generate_series({first}, {last}) n"
)


@pytest.fixture(scope="module")
def volume(database, cast):
    """Tens of thousands of mails that are out, and some thousands that are due tomorrow."""
    tomorrow = make.NOON.replace(day=3)
    owner = create_engine(database.addresses.owner)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for first, last, state, at in ((1, MANY, "sent", make.NOON), (MANY + 1, MANY + 4000, "queued", tomorrow)):
            values = {"office": cast.north.id, "state": state, "at": at.isoformat(), "first": first, "last": last}
            connection.exec_driver_sql(MAILS.format(**values))
        connection.exec_driver_sql("VACUUM ANALYZE mail")
    owner.dispose()
    return tomorrow


@pytest.fixture
def plans(database):
    """Collect the plan of every statement that reads mails, as it ran."""
    found = []

    def explain(connection, cursor, statement, parameters, context, many):
        if statement.startswith("SELECT") and "FROM mail" in statement:
            with cursor.connection.cursor() as other:
                other.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
                found.append(other.fetchone()[0][0]["Plan"])

    event.listen(database.engine, "before_cursor_execute", explain)
    yield found
    event.remove(database.engine, "before_cursor_execute", explain)


def rows_read(plan):
    """Return how many rows of mails the parts of a plan touched."""
    own = 0
    if plan.get("Relation Name") == "mail":
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(part) for part in plan.get("Plans", ()))


def test_an_idle_sweep_asks_one_question_and_touches_hardly_a_row(database, volume, settings, plans):
    assert run_mail(database, make.NOON, settings=settings).due == 0
    assert len(plans) == 1
    assert rows_read(plans[0]) <= 2


def test_a_round_reads_the_heads_of_each_office_and_not_the_queue(database, volume, plans):
    with across_offices(database, Reason.CLAIMING) as session:
        session.scalar(select(func.now()))
        taken = mail_turns.waiting(session, volume, paced=True)
        assert len(taken) == mail_turns.A_TURN
        assert mail_turns.outstanding(session, volume).waiting
        mails.pulse(session, volume)
    assert rows_read(plans[0]) <= 100
    assert rows_read(plans[1]) <= 4
