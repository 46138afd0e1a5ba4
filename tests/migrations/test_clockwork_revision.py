"""The revision that brought the clockwork, up and down over rows that were there before it and after it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError

from tenant import migrations
from tenant.db import Addresses

BEFORE = (
    "INSERT INTO company (id, code, name) OVERRIDING SYSTEM VALUE VALUES (1, 'C', '公司')",
    "INSERT INTO office (id, code, name, company_id) OVERRIDING SYSTEM VALUE VALUES (7, 'O', '管理处', 1)",
    "INSERT INTO schedule (name, enabled, last_fire_at) VALUES ('dunning', false, '2026-03-01 01:00+00')",
    "INSERT INTO schedule_fire (name, fire_at, fired_at) VALUES ('dunning', '2026-03-01 01:00+00', now())",
    (
        "INSERT INTO due_action (office_id, rule, subject_kind, subject_id, level, cycle, due_at, state, attempts)"
        " VALUES (7, 'escalation', 'clock', 1, 1, '1', now(), 'dead', 5)"
    ),
    (
        "INSERT INTO mail (office_id, dedup_key, message_id, mail_class, recipient_name, recipient_address, subject,"
        " text_body, subject_kind, subject_id, state, not_before, attempts)"
        " VALUES (7, 'k', '<k@wuguan.invalid>', 'notice', '林主任', 'Lin@Wuguan.INVALID', '主题', '正文', 'test', 1,"
        " 'sent', now(), 1)"
    ),
)


@pytest.fixture
def old(empty: Addresses) -> Iterator[tuple[Addresses, Connection]]:
    """A database of the first revision with rows in it, and its superuser."""
    migrations.upgrade(empty, "0001")
    engine = create_engine(empty.owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in BEFORE:
            connection.exec_driver_sql(statement)
        yield empty, connection
    engine.dispose()


def only(connection: Connection, query: str) -> tuple[object, ...]:
    """Return the one row of ``query``."""
    return tuple(connection.exec_driver_sql(query).one())


def test_rows_of_before_are_kept_and_know_what_is_new(old):
    addresses, connection = old
    migrations.upgrade(addresses)
    assert only(connection, "SELECT domain, text_body, resends, state FROM mail") == (
        "wuguan.invalid",
        "正文",
        0,
        "sent",
    )
    assert only(connection, "SELECT state, attempts, rule_version FROM due_action") == ("dead", 5, None)
    assert only(connection, "SELECT office_id, name, enabled, at FROM schedule") == (None, "dunning", False, None)
    assert only(connection, "SELECT quiet_from::text, quiet_until::text FROM office") == ("21:00:00", "08:00:00")


def test_a_slot_of_the_group_and_of_an_office_are_two_and_neither_is_doubled(old):
    addresses, connection = old
    migrations.upgrade(addresses)
    slot = "INSERT INTO schedule_fire (office_id, name, fire_at, fired_at) VALUES ({}, 'dunning', '{}', now())"
    again = "2026-03-01 01:00+00"
    connection.exec_driver_sql(slot.format(7, again))
    for office in ("NULL", "7"):
        with pytest.raises(IntegrityError):
            connection.exec_driver_sql(slot.format(office, again))


def test_going_back_says_what_is_new_in_the_old_words_and_loses_no_row(old):
    addresses, connection = old
    migrations.upgrade(addresses)
    for statement in (
        "UPDATE due_action SET state = 'discarded'",
        "UPDATE mail SET state = 'bounced', text_body = NULL, body_digest = repeat('0', 64)",
        "INSERT INTO schedule (office_id, name, at) VALUES (7, 'dunning', '10:30')",
    ):
        connection.exec_driver_sql(statement)
    migrations.downgrade(addresses, "0001")
    assert only(connection, "SELECT state, text_body FROM mail") == ("sent", "")
    assert only(connection, "SELECT state FROM due_action") == ("dead",)
    assert only(connection, "SELECT name, enabled FROM schedule") == ("dunning", False)
    migrations.upgrade(addresses)
    migrations.check(addresses)
    assert only(connection, "SELECT count(*) FROM mail") == (1,)
