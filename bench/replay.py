"""A draft of a time limit tried on 90 days of an office, beside reading the same rows from the same tables.

Every ticket goes its usual way through eight clocks, every second one of them late; the people told are looked up day
by day. The floor reads the rows with psycopg and does nothing with them.
"""

from datetime import timedelta
from functools import partial

from psycopg import ClientCursor, Connection
from sqlalchemy import select

from audit.timeline import what_stood
from bench.measure import Sizes, race, ratio, raw_of, say, verdict
from bench.world import World, superuser
from tasks.replaying import Reached
from tenant import clock
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Office, OfficeClockPolicy
from tenant.rules.terms import ClockKind, ClockMeasure, TicketKind
from tenant.scoping import Scope, ScopedSession
from tenant.services import pasts, replays
from tenant.unscoped import Reason, across_offices

ROUNDS = 3
DAYS = 90
LONGEST = 60.0
"""Seconds that 10,000 tickets may take."""
OFFICE = """
INSERT INTO company (code, name) VALUES ('B', '试算物业');
INSERT INTO office (code, name, company_id) SELECT 'B1', '试算管理处', id FROM company;
INSERT INTO staff (login, name, email, password_hash)
SELECT role, role, role || '@wuguan.invalid', '' FROM unnest(ARRAY['front_desk', 'department_head', 'supervisor',
  'director', 'technician', 'company_centre', 'group_centre']) AS role;
INSERT INTO department (office_id, name, kind) SELECT id, '工程部', 'engineering' FROM office;
INSERT INTO posting (staff_id, role, level, office_id, company_id, department_id, from_on)
SELECT s.id, s.login,
  CASE s.login WHEN 'company_centre' THEN 'company' WHEN 'group_centre' THEN 'group' ELSE 'office' END,
  CASE WHEN s.login NOT LIKE '%%centre' THEN o.id END, CASE WHEN s.login = 'company_centre' THEN o.company_id END,
  CASE WHEN s.login IN ('department_head', 'technician') THEN d.id END, '2020-01-01'
FROM staff s, office o, department d;
"""
TICKETS = """
INSERT INTO ticket (office_id, kind, number, content, channel, reporter_kind, state, received_at, done_at, closed_at)
SELECT o.id, 'request', 'BS' || n, '水管漏水', 'call', 'owner', 'closed',
  moment, moment + interval '3 hours', moment + interval '5 hours'
FROM office o, generate_series(1, %(count)s) AS n,
  LATERAL (SELECT %(since)s + n * %(apart)s AS moment) AS at;
INSERT INTO service_request (office_id, ticket_id, category, urgent)
SELECT office_id, id, 'repair', id %% 5 = 0 FROM ticket;
INSERT INTO work_order (office_id, request_id, number, department_id, technician_id, state, dispatched_at, arrived_at,
  done_at)
SELECT t.office_id, r.id, t.number || '-1', d.id, p.id, 'done', t.received_at + interval '12 minutes',
  t.received_at + interval '70 minutes', t.done_at
FROM ticket t JOIN service_request r ON r.ticket_id = t.id, department d, posting p WHERE p.role = 'technician';
"""
CLOCKS = """
INSERT INTO clock (office_id, ticket_id, kind, cycle, source, started_at, due_at, met_at)
SELECT t.office_id, t.id, c.kind, c.cycle, c.source, t.received_at + c.begun * interval '1 minute',
  t.received_at + (c.begun + c.amount) * interval '1 minute',
  t.received_at + (c.begun + c.taken + (t.id %% 2) * 2 * c.amount) * interval '1 minute'
FROM ticket t, (VALUES ('first_reply', 1, 'A-W4', 0, 15, 9), ('dispatch', 1, 'A-W3', 0, 15, 12),
  ('on_site', 1, 'A-W5', 12, 15, 13), ('same_day', 1, 'A-W6', 0, 600, 180), ('daily_contact', 1, 'A-W7', 0, 2000, 9),
  ('daily_contact', 2, 'A-W7', 9, 2000, 90), ('daily_contact', 3, 'A-W7', 99, 2000, 70),
  ('follow_up', 1, 'B-W11', 180, 30, 20)) AS c (kind, cycle, source, begun, amount, taken);
"""

READ = (
    "SELECT id, kind, number, received_at, closed_at FROM ticket",
    "SELECT ticket_id, kind, cycle, source, started_at, due_at, met_at, cancelled_at, pause_id FROM clock",
    "SELECT ticket_id, id, category, urgent FROM service_request",
    """SELECT r.ticket_id, w.dispatched_at, w.arrived_at, w.state, w.department_id, w.technician_id
    FROM service_request r JOIN work_order w ON w.request_id = r.id""",
)


def run(world: World, sizes: Sizes) -> None:
    """Try one draft on an office's last 90 days, by turns with reading the rows it needs."""
    count = sizes.due_actions
    with world.database("replay") as database, superuser(database) as connection:
        _fill(connection, count)
        replay_id = _ask(database)
        legs = {"trial": partial(_try, database, replay_id), "read": partial(_read, connection)}
        taken = race(legs, ROUNDS, warm=1)
    times = ratio(taken["trial"], taken["read"])
    share = LONGEST * count / 10_000
    say(f"{count:,} tickets, {count * 8:,} clocks", f"{times:.1f}× of reading the rows", raw_of(taken))
    worst = max(taken["trial"])
    say("the longest trial", f"{worst:.1f} s", verdict(worst, share))


def _fill(connection: Connection, count: int) -> None:
    facts = {
        "count": count,
        "since": clock.now() - timedelta(days=DAYS),
        "apart": timedelta(days=DAYS) / (count + 1),
    }
    with ClientCursor(connection) as cursor:
        cursor.execute(OFFICE + TICKETS + CLOCKS + "ANALYZE", facts)


def _office(database: Database) -> int:
    with across_offices(database, Reason.REVIEWING) as session:
        return session.scalars(select(Office.id)).one()


def _session(database: Database) -> ScopedSession:
    return database.make_session(Scope.of([_office(database)]), CLOCKWORK)


def _ask(database: Database) -> int:
    with _session(database) as session:
        office = session.scalars(select(Office)).one()
        draft = OfficeClockPolicy(
            office_id=office.id,
            ticket=TicketKind.REQUEST,
            clock=ClockKind.FIRST_REPLY,
            measure=ClockMeasure.MINUTES,
            amount=30,
            warning=10,
            effective_on=clock.today(office.zone),
            why="试行",
        )
        session.add(draft)
        session.flush()
        today = clock.today(office.zone)
        replay = replays.ask(session, draft, office, today - timedelta(days=DAYS), today)
        session.commit()
        return replay.id


def _try(database: Database, replay_id: int) -> None:
    with across_offices(database, Reason.FINDING_RECIPIENTS) as group, _session(database) as session:
        reached = Reached(group, session.scalars(select(Office)).one())
        figures = replays.reckon(session, replay_id, _remembered(session), reached, _silent).figures or {}
        if not figures["mails"][0] > figures["mails"][1] > 0:
            message = f"the draft was to tell fewer people: {figures['mails']}"
            raise AssertionError(message)
        session.rollback()


def _read(connection: Connection) -> None:
    """Read what a trial reads, and do nothing with it."""
    for statement in READ:
        connection.execute(statement).fetchall()


def _remembered(session: ScopedSession) -> pasts.Remembered:
    return lambda kind, ids: what_stood(session, kind, ids, pasts.QUALIFYING[kind])


def _silent(_phase: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""
