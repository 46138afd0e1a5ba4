"""The workbench, the desk and the boards of an office with 5,000 open tickets, beside their own queries asked bare.

The bare leg sends the very statements a page sends, with the same values, on a plain connection that no wall binds, and
fetches every row: what is beyond that is the session wall, the policies below it, the objects and the page itself.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final

from flask.testing import FlaskClient
from psycopg import ClientCursor, Connection
from sqlalchemy import Engine, event

from admin.app import create_app
from bench.list_page import signed_in
from bench.measure import Sizes, race, say, span, verdict
from bench.world import World, superuser, unguarded_engine
from tenant.db import Database
from tenant.models import Company, Department, Office, Posting, Staff
from tenant.rules.terms import DepartmentKind, PostingLevel, Role
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

OPEN_TICKETS: Final = 5_000
TARGET: Final = 2.0
"""How many times its bare queries a page may take, at the 95th percentile."""
ROUNDS: Final = 60
PAGES: Final = {
    "workbench": (Role.FRONT_DESK, "/workbench"),
    "desk": (Role.FRONT_DESK, "/desk"),
    "department board": (Role.DEPARTMENT_HEAD, "/boards/department"),
    "department board, asked again": (Role.DEPARTMENT_HEAD, "/boards/department?part=lanes"),
    "office board": (Role.SUPERVISOR, "/boards/office"),
    "own orders": (Role.TECHNICIAN, "/boards/orders"),
}

STATEMENTS: Final = """
INSERT INTO ticket (id, office_id, kind, number, reporter_kind, channel, content, location, state, received_at)
OVERRIDING SYSTEM VALUE
SELECT n, 1, CASE WHEN n %% 5 = 0 THEN 'complaint' ELSE 'request' END, 'B' || lpad(n::text, 8, '0'), 'owner', 'call',
    '厨房水管漏水，橱柜下方有积水', '第 ' || n || ' 户', CASE WHEN n %% 5 = 0 THEN 'registered' ELSE 'dispatched' END,
    now() - n * interval '3 minutes'
FROM generate_series(1, %(tickets)s) AS n;

INSERT INTO service_request (id, office_id, ticket_id, category, urgent) OVERRIDING SYSTEM VALUE
SELECT id, 1, id, 'repair', id %% 11 = 0 FROM ticket WHERE kind = 'request';

INSERT INTO complaint (id, office_id, ticket_id, gravity, department_id) OVERRIDING SYSTEM VALUE
SELECT id, 1, id, CASE WHEN id %% 25 = 0 THEN 'major' ELSE 'ordinary' END, %(department)s
FROM ticket WHERE kind = 'complaint';

INSERT INTO work_order (office_id, request_id, number, department_id, technician_id, state, dispatched_at)
SELECT 1, id, 'B' || lpad(id::text, 8, '0') || '-1', %(department)s,
    CASE WHEN id %% 40 = 1 THEN %(technician)s::bigint END,
    (ARRAY['dispatched', 'received', 'accepted', 'under_way', 'waiting'])[1 + id %% 4 + (id %% 16) / 15],
    now() - id * interval '3 minutes'
FROM service_request;

INSERT INTO clock (office_id, ticket_id, kind, cycle, started_at, due_at, source)
SELECT 1, ticket.id, clocks.kind, 1, received_at, now() + (ticket.id %% 700 - 300) * interval '1 minute', 'A-W5'
FROM ticket, unnest(CASE WHEN ticket.kind = 'request' THEN ARRAY['on_site', 'same_day', 'daily_contact']
    ELSE ARRAY['department_receipt', 'promised'] END) AS clocks (kind);

INSERT INTO escalation (office_id, ticket_id, clock_id, level, cycle, role, told, raised_at, late_minutes, source)
SELECT 1, ticket_id, id, 1, 1, 'department_head', 1, now(), 10, 'A-W5'
FROM clock WHERE due_at < now() AND ticket_id %% 10 = 0;
"""


def run(world: World, _sizes: Sizes) -> None:
    """Print, page by page, its 95th percentile beside that of its statements asked bare."""
    with world.database("workbench") as database:
        people = dict(_hire(database))
        engine = unguarded_engine(database.addresses.owner)
        application = create_app(Settings(home=world.folder, secret_key="of the benchmarks"), database)
        say(f"{OPEN_TICKETS:,} open tickets in one office", "", "")
        for name, (role, path) in PAGES.items():
            _page(name, path, signed_in(application, database, people[role]), database, engine)
        engine.dispose()


def _page(name: str, path: str, client: FlaskClient, database: Database, engine: Engine) -> None:
    for _ in range(3):
        fetched(client, path)
    sent = sent_by(database.engine, partial(fetched, client, path))
    with engine.connect() as connection:
        taken = race({"page": partial(fetched, client, path), "bare": partial(asked_bare, connection, sent)}, ROUNDS)
    ours, bare = (percentile(taken[leg]) for leg in ("page", "bare"))
    figure = f"{ours / bare:.2f}× (≤ {TARGET:g}×)"
    say(
        f"{name}, p95",
        figure,
        f"page {span(ours)}, bare {span(bare)}, {len(sent)} queries",
        verdict(ours / bare, TARGET),
    )


def percentile(taken: list[float], share: float = 0.95) -> float:
    """Return the time that ``share`` of the rounds took at most."""
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))]


def fetched(client: FlaskClient, path: str) -> None:
    """Open a page; raises unless it is there."""
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)


def sent_by(engine: Engine, act: Callable[[], None]) -> list[tuple[str, Any]]:
    """Return what ``act`` asks the database: statements that read, with their values."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_more: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    return sent


def asked_bare(connection: Any, sent: list[tuple[str, Any]]) -> None:  # noqa: ANN401 - SQLAlchemy's
    """Ask it all once more, and fetch every row."""
    for statement, values in sent:
        connection.exec_driver_sql(statement, values).fetchall()
    connection.rollback()


# ---- the office
def _hire(database: Database) -> list[tuple[Role, int]]:
    """Make an office with a department and its people, load the tickets, and return who sits where."""
    since, roles = date(2020, 1, 1), (Role.FRONT_DESK, Role.DEPARTMENT_HEAD, Role.SUPERVISOR, Role.TECHNICIAN)
    with across_offices(database, Reason.SETTING_UP) as session:
        office = Office(code="B1", name="甲管理处", company=Company(code="B", name="甲物业"))
        session.add(office)
        session.flush()
        department = Department(office_id=office.id, name="工程部", kind=DepartmentKind.ENGINEERING)
        session.add(department)
        session.flush()
        posts = [
            Posting(
                staff=Staff(login=role.value, name=role.label, password_hash="none", must_change_password=False),
                role=role,
                level=PostingLevel.OFFICE,
                office_id=office.id,
                department_id=department.id if role is not Role.SUPERVISOR else None,
                from_on=since,
            )
            for role in roles
        ]
        session.add_all(posts)
        session.commit()
        facts = {"tickets": OPEN_TICKETS, "department": department.id, "technician": posts[-1].id}
        found = [(post.role, post.staff_id) for post in posts]
    with superuser(database) as connection:
        _load(connection, facts)
    return found


def _load(connection: Connection, facts: dict[str, int]) -> None:
    cursor = ClientCursor(connection)
    cursor.execute("SET session_replication_role = replica")
    cursor.execute(STATEMENTS, facts)
    cursor.execute("SET session_replication_role = origin")
    cursor.execute("VACUUM (ANALYZE)")
