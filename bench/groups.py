"""An invented group of any size, made inside the database: offices with units, owners and who owns what.

Rows of all offices lie mixed on disk, one after the other: the worst case for a list of one office, which then finds
each of its rows on another page.
"""

from psycopg import ClientCursor, Connection

from bench.measure import Sizes

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
GIVEN = "安博晨达恩帆光海佳凯朗铭宁鹏琪瑞书彤文欣雅云泽子"

STATEMENTS = """
INSERT INTO company (id, code, name) OVERRIDING SYSTEM VALUE
SELECT n, 'C' || n, '第' || n || '物业公司'
FROM generate_series(1, (%(offices)s + %(company)s - 1) / %(company)s) AS n;

INSERT INTO office (id, code, name, company_id) OVERRIDING SYSTEM VALUE
SELECT n, 'O' || n, '第' || n || '管理处', 1 + (n - 1) / %(company)s
FROM generate_series(1, %(offices)s) AS n;

INSERT INTO estate (id, office_id, name) OVERRIDING SYSTEM VALUE
SELECT n, n, '第' || n || '花园' FROM generate_series(1, %(offices)s) AS n;

INSERT INTO building (id, office_id, estate_id, code, name) OVERRIDING SYSTEM VALUE
SELECT (o - 1) * 10 + b, o, o, b::text, b || '栋'
FROM generate_series(1, %(offices)s) AS o, generate_series(1, 10) AS b;

INSERT INTO unit (id, office_id, building_id, number, room, floor, area, usage, handover_state) OVERRIDING SYSTEM VALUE
SELECT n, o, (o - 1) * 10 + b, b || '-' || room, room::text, room / 100, 60 + n %% 80, 'residence', 'handed_over'
FROM (
    SELECT n, 1 + (n - 1) %% %(offices)s AS o, 1 + (n - 1) / %(offices)s %% 10 AS b,
        101 + (n - 1) / %(offices)s / 10 AS room
    FROM generate_series(1, %(owners)s::bigint) AS n
) AS numbered;

INSERT INTO owner (id, office_id, name, kind, phone, id_number, created_at) OVERRIDING SYSTEM VALUE
SELECT n, 1 + (n - 1) %% %(offices)s,
    substr(%(surnames)s, 1 + (n * 7 %% 24)::int, 1) || substr(%(given)s, 1 + (n * 11 / 24 %% 24)::int, 1)
        || substr(%(given)s, 1 + (n * 13 / 576 %% 24)::int, 1),
    'person', '199' || lpad((n * 7919 %% 100000000)::text, 8, '0'), '99' || lpad(n::text, 16, '0'),
    now() - n * interval '1 second'
FROM generate_series(1, %(owners)s::bigint) AS n;

INSERT INTO ownership (office_id, unit_id, owner_id, share, is_payer, from_on)
SELECT 1 + (n - 1) %% %(offices)s, n, n, 1, true, date '2020-01-01'
FROM generate_series(1, %(owners)s::bigint) AS n;
"""

TABLES = ("company", "office", "estate", "building", "unit", "owner", "ownership")


def load_group(connection: Connection, sizes: Sizes) -> None:
    """Fill an empty database: ``sizes.owners`` owners, as many units, in ``sizes.offices`` offices with ids from 1."""
    facts = {
        "owners": sizes.owners,
        "offices": sizes.offices,
        "company": sizes.company_offices,
        "surnames": SURNAMES,
        "given": GIVEN,
    }
    cursor = ClientCursor(connection)  # values in the text: a value used as two types has no one type to be sent as
    cursor.execute("SET session_replication_role = replica")  # no foreign-key check per row: the numbers are right
    cursor.execute(STATEMENTS, facts)
    cursor.execute("SET session_replication_role = origin")
    for table in TABLES:
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1 + (SELECT max(id) FROM {table}))"  # noqa: S608
        )
    cursor.execute("VACUUM (ANALYZE)")
