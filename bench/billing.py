"""A month posted for an office, beside the bare ``INSERT … SELECT`` of the same charges and of their audit entries.

Posting reckons every line anew and compares it with the preview before it writes; the floor copies finished rows. Both
write the same charges and one audit entry each, into the same indexed tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Final

from bench.measure import Sizes, say
from bench.spending import Spent, spending
from bench.world import World, superuser
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import ChargeType, Company, Office, Tariff
from tenant.rules.terms import ChargeBasis
from tenant.scoping import Scope, ScopedSession
from tenant.services import billing
from tenant.unscoped import Reason, across_offices

MOST: Final = 3.0
MONTHS: Final = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
UNITS_A_ROW: Final = 10
"""Units for each row of a roster: 100,000 at the full size."""

PLACES: Final = (
    """
    INSERT INTO unit (office_id, number, room, area, usage, handover_state)
    SELECT %(office)s, n || '-1-101', '101', 60 + n %% 9000 / 100.0, 'residence', 'handed_over'
    FROM generate_series(1, %(units)s) n
    """,
    """
    INSERT INTO owner (office_id, name, kind)
    SELECT %(office)s, '业主' || n, 'person' FROM generate_series(1, %(units)s) n
    """,
    """
    INSERT INTO ownership (office_id, unit_id, owner_id, share, is_payer)
    SELECT %(office)s, u.id, o.id, 1, true
    FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM unit WHERE office_id = %(office)s) u
    JOIN (SELECT id, row_number() OVER (ORDER BY id) n FROM owner WHERE office_id = %(office)s) o USING (n)
    """,
)
COPIED: Final = """
INSERT INTO charge
  (office_id, unit_id, owner_id, charge_type_id, period_from, period_to, due_on, amount, billing_run_id)
SELECT office_id, unit_id, owner_id, charge_type_id, period_from, period_to, period_to, amount, billing_run_id
FROM billing_line WHERE billing_run_id = %(run)s
"""
RECORDED: Final = """
INSERT INTO audit_entry (office_id, at, actor_kind, actor_name, verb, subject_kind, subject_id, after)
SELECT office_id, now(), 'clockwork', '系统时钟', 'charge.create', 'charge', id, jsonb_build_object(
  'unit_id', unit_id, 'owner_id', owner_id, 'charge_type_id', charge_type_id, 'period_from', period_from,
  'period_to', period_to, 'due_on', due_on, 'amount', amount::text, 'billing_run_id', billing_run_id)
FROM charge WHERE billing_run_id = %(run)s
"""


def run(world: World, sizes: Sizes) -> None:
    """Print what counting and posting a month cost, and posting beside its floor."""
    units = sizes.roster_rows * UNITS_A_ROW
    with world.database("billing") as database:
        office_id, items = _office(database, units)
        say(f"{units:,} units, {len(items)} items: {units * len(items):,} charges", "", "")
        rounds = [_month(world, database, office_id, items, month) for month in MONTHS]
    for name in ("count", "post", "floor"):
        spent = min((taken[name] for taken in rounds), key=lambda one: one.wall)
        say(f"{name}", f"{spent.wall:.1f} s", f"{spent.computing:.1f} s computing, {spent.megabytes} MB")
    ratios = sorted(taken["post"].computing / taken["floor"].computing for taken in rounds)
    say("posting to its floor, by computing", f"{ratios[1]:.2f}×", f"at most {MOST:g}×")
    walls = sorted(taken["post"].wall / taken["floor"].wall for taken in rounds)
    say("posting to its floor, by the wall", f"{walls[1]:.2f}×", f"at most {MOST:g}×")


def _office(database: Database, units: int) -> tuple[int, list[int]]:
    with across_offices(database, Reason.SETTING_UP) as session:
        company = Company(code="B", name="物业公司")
        office = Office(code="B1", name="管理处", company=company)
        session.add(office)
        session.flush()
        office_id = office.id
        session.commit()
    with superuser(database) as connection:
        for statement in PLACES:
            connection.execute(statement, {"office": office_id, "units": units})
        connection.execute("ANALYZE")
    with _session(database, office_id) as session:
        made = []
        for name, price in (("物业服务费", "2.40"), ("公摊水电费", "0.35"), ("电梯费", "0.30")):
            item = ChargeType(office_id=office_id, name=name, basis=ChargeBasis.AREA, is_monthly=True)
            session.add(item)
            session.flush()
            session.add(
                Tariff(office_id=office_id, charge_type_id=item.id, price=Decimal(price), from_on=date(2020, 1, 1))
            )
            made.append(item.id)
        session.commit()
    return office_id, made


def _month(world: World, database: Database, office_id: int, items: list[int], month: date) -> dict[str, Spent]:
    """Charge a month, take it back, and copy the same rows: what each costs."""
    taken: dict[str, Spent] = {}
    with _session(database, office_id) as session:
        run_id = billing.begin(session, office_id, month, items).id
        session.commit()
    with spending(world) as taken["count"], _session(database, office_id) as session:
        billing.count(session, run_id)
        session.commit()
    with _session(database, office_id) as session:
        billing.ask_post(session, run_id)
        session.commit()
    with spending(world) as taken["post"], _session(database, office_id) as session:
        billing.post(session, run_id)
        session.commit()
    with superuser(database) as connection:
        connection.execute("DELETE FROM charge WHERE billing_run_id = %(run)s", {"run": run_id})
        connection.execute("ANALYZE charge")
    with spending(world) as taken["floor"], superuser(database) as connection:
        connection.execute(COPIED, {"run": run_id})
        connection.execute(RECORDED, {"run": run_id})
    return taken


@contextmanager
def _session(database: Database, office_id: int) -> Iterator[ScopedSession]:
    with database.session(Scope.of([office_id]), CLOCKWORK) as session:
        yield session
