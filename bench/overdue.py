"""Open tickets by the million for the benches of the clockwork: some have a clock that runs out, the rest do not.

The rows are made by SQL, as the desk would have left them: a request, its first reply asked for, the first level of its
ladder planned. Who is told has a post in every office.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from psycopg import ClientCursor

from bench.world import superuser
from tenant.db import Database
from tenant.models import Company, Office, Posting, Staff
from tenant.rules.terms import PostingLevel, Role
from tenant.unscoped import Reason, across_offices

EPOCH: Final = datetime.fromisoformat("2026-03-02T12:00:00+08:00")
"""Batch ``n`` of what is due is due ``n`` times :data:`BATCH` after this."""
BATCH: Final = timedelta(seconds=30)
"""Short enough for all batches to be swept before the first of them reaches its second level."""

_TICKETS: Final = """
INSERT INTO ticket (id, office_id, kind, number, reporter_kind, channel, content, location, state, received_at)
OVERRIDING SYSTEM VALUE
SELECT n, 1 + n %% %(offices)s, 'request', 'B' || lpad(n::text, 8, '0'), 'owner', 'call',
    '厨房水管漏水，橱柜下方有积水', '第 ' || n || ' 户', 'registered', %(epoch)s::timestamptz - interval '15 minutes'
FROM generate_series(1, %(tickets)s) AS n;

INSERT INTO service_request (id, office_id, ticket_id, category, urgent) OVERRIDING SYSTEM VALUE
SELECT id, office_id, id, 'repair', false FROM ticket;

INSERT INTO clock (id, office_id, ticket_id, kind, cycle, started_at, due_at, source) OVERRIDING SYSTEM VALUE
SELECT id, office_id, id, 'first_reply', 1, received_at, %(epoch)s::timestamptz + CASE WHEN id %% %(one_in)s = 0
    THEN (1 + id / %(one_in)s %% %(batches)s) * %(batch)s::interval
    ELSE interval '30 days' + id * interval '1 second' END, 'A-W4'
FROM ticket;
"""
_PLANNED: Final = """
TRUNCATE due_action, escalation, mail CASCADE;

INSERT INTO due_action (office_id, rule, subject_kind, subject_id, level, cycle, due_at, facts)
SELECT office_id, 'escalation', 'clock', id, 1, '1', due_at, '{}' FROM clock;
"""


def load(database: Database, *, offices: int, tickets: int, due: int, batches: int = 1) -> None:
    """Make ``offices`` with ``tickets`` open in all, of which ``due`` have a clock that runs out, in equal batches."""
    _hire(database, offices)
    facts = {"offices": offices, "tickets": tickets, "one_in": tickets // due, "batches": batches, "epoch": EPOCH}
    _send(database, _TICKETS, facts | {"batch": BATCH})
    plan(database)


def plan(database: Database) -> None:
    """Plan the first level of every clock anew, as if nothing had been raised; the planner knows what is there."""
    _send(database, _PLANNED, {})


def _send(database: Database, statements: str, facts: Mapping[str, object]) -> None:
    with superuser(database) as connection:
        cursor = ClientCursor(connection)
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statements.encode(), facts or None)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM (ANALYZE)")


def _hire(database: Database, count: int) -> None:
    """Make the offices, numbered from 1, each with somebody at its front desk."""
    with across_offices(database, Reason.SETTING_UP) as session:
        company = Company(code="B", name="甲物业")
        for number in range(1, count + 1):
            office = Office(code=f"B{number}", name=f"第 {number} 管理处", company=company)
            person = Staff(
                login=f"desk{number}",
                name=f"前台 {number}",
                email=f"desk{number}@bench.invalid",
                password_hash="none",
                must_change_password=False,
            )
            session.add_all((office, person))
            session.flush()
            session.add(
                Posting(
                    staff=person,
                    role=Role.FRONT_DESK,
                    level=PostingLevel.OFFICE,
                    office_id=office.id,
                    from_on=date(2020, 1, 1),
                )
            )
        session.commit()
