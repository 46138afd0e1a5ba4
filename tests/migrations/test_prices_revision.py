"""The revision that brought prices by period and billing runs, up and down over rows that were there (B-F1)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError

from tenant import migrations
from tenant.db import Addresses

BEFORE = (
    "INSERT INTO company (id, code, name) OVERRIDING SYSTEM VALUE VALUES (1, 'C', '公司')",
    "INSERT INTO office (id, code, name, company_id) OVERRIDING SYSTEM VALUE VALUES (7, 'O', '管理处', 1)",
    (
        "INSERT INTO charge_type (id, office_id, name, basis, price) OVERRIDING SYSTEM VALUE VALUES"
        " (1, 7, '物业服务费', 'area', 2.5050), (2, 7, '水费', 'usage', 0), (3, 7, '装修押金', 'fixed', 2000)"
    ),
    (
        "INSERT INTO unit (id, office_id, number, room, usage, handover_state) OVERRIDING SYSTEM VALUE"
        " VALUES (1, 7, '5-1-101', '101', 'residence', 'pending')"
    ),
    "INSERT INTO owner (id, office_id, kind, name) OVERRIDING SYSTEM VALUE VALUES (1, 7, 'person', '王秀英')",
    (
        "INSERT INTO charge (office_id, unit_id, owner_id, charge_type_id, period_from, period_to, due_on, amount)"
        " VALUES (7, 1, 1, 1, '2025-12-01', '2025-12-31', '2025-12-31', 221.69)"
    ),
)
AFTER = (
    "UPDATE tariff SET to_on = '2026-01-31' WHERE charge_type_id = 1",
    "INSERT INTO tariff (office_id, charge_type_id, price, from_on) VALUES (7, 1, 3.2, '2026-02-01')",
    "INSERT INTO charge_type (id, office_id, name, basis) OVERRIDING SYSTEM VALUE VALUES (4, 7, '车位费', 'space')",
    (
        "INSERT INTO billing_run (id, office_id, month, due_on, charge_types, state) OVERRIDING SYSTEM VALUE"
        " VALUES (1, 7, '2026-02-01', '2026-02-28', '[1]', 'posted')"
    ),
    (
        "INSERT INTO billing_line (office_id, billing_run_id, unit_id, charge_type_id, owner_id, period_from,"
        " period_to, amount) VALUES (7, 1, 1, 1, 1, '2026-02-01', '2026-02-28', 283.20)"
    ),
    (
        "INSERT INTO charge (office_id, unit_id, owner_id, charge_type_id, period_from, period_to, due_on, amount,"
        " billing_run_id) VALUES (7, 1, 1, 1, '2026-02-01', '2026-02-28', '2026-02-28', 283.20, 1)"
    ),
    (
        "INSERT INTO concession (office_id, unit_id, kind, share, from_on, to_on, why)"
        " VALUES (7, 1, 'vacant', 0.7, '2026-01-01', '2026-12-31', '空置')"
    ),
)


@pytest.fixture
def old(empty: Addresses) -> Iterator[tuple[Addresses, Connection]]:
    """A database of the revision before with a price list and a charge in it, and its superuser."""
    migrations.upgrade(empty, "0006")
    engine = create_engine(empty.owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in BEFORE:
            connection.exec_driver_sql(statement)
        yield empty, connection
    engine.dispose()


def rows(connection: Connection, query: str) -> list[str]:
    """Return the rows of ``query``, their columns as one text."""
    return ["|".join(str(value) for value in row) for row in connection.exec_driver_sql(query)]


def test_the_one_price_of_an_item_holds_from_before_any_charge(old):
    addresses, connection = old
    migrations.upgrade(addresses)
    assert rows(connection, "SELECT charge_type_id, price, from_on, to_on FROM tariff ORDER BY charge_type_id") == [
        "1|2.5050|2000-01-01|None",
        "3|2000.0000|2000-01-01|None",
    ]
    assert rows(connection, "SELECT amount, billing_run_id FROM charge") == ["221.69|None"]
    items = "SELECT is_monthly, usage, due_day, rounding, retired_at FROM charge_type"
    assert set(rows(connection, items)) == {"False|None|31|fen|None"}
    with pytest.raises(IntegrityError):
        connection.exec_driver_sql("UPDATE charge_type SET due_day = 32 WHERE id = 1")


def test_going_back_keeps_every_charge_and_the_latest_price(old):
    addresses, connection = old
    migrations.upgrade(addresses)
    for statement in AFTER:
        connection.exec_driver_sql(statement)
    migrations.downgrade(addresses, "0006")
    assert rows(connection, "SELECT id, basis, price FROM charge_type ORDER BY id") == [
        "1|area|3.2000",
        "2|usage|0.0000",
        "3|fixed|2000.0000",
        "4|unit|0.0000",
    ]
    assert rows(connection, "SELECT amount FROM charge ORDER BY period_from") == ["221.69", "283.20"]
    with pytest.raises(IntegrityError):
        connection.exec_driver_sql("UPDATE charge_type SET price = -1 WHERE id = 1")
    migrations.upgrade(addresses)
    migrations.check(addresses)
    assert rows(connection, "SELECT count(*) FROM charge") == ["2"]
    assert rows(connection, "SELECT count(*) FROM tariff") == ["2"]
